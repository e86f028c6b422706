//! Finds the segments of a directory and checks that they belong together. For recovery and the reader alike.

use super::disk::Disk;
use super::error::OpenError;
use super::segment::{self, SegmentHeader};

/// The segments that a directory holds.
#[derive(Clone, Debug)]
pub(super) struct Segments {
    /// The longest run without a gap that ends at the last segment, oldest first.
    pub(super) run: Vec<u64>,
    /// What lies before the gap: segments whose removal a crash took back.
    pub(super) before: Vec<u64>,
}

impl Segments {
    /// Sorts the names of a directory.
    pub(super) fn find(names: &[String]) -> Self {
        let mut run: Vec<u64> = names.iter().filter_map(|name| segment::number(name)).collect();
        run.sort_unstable();
        let gap = run.windows(2).rposition(|pair| pair[0] + 1 != pair[1]);
        let run_from = gap.map_or(0, |gap| gap + 1);
        let after = run.split_off(run_from);
        Self { run: after, before: run }
    }

    /// Judges the run by the oldest segment that its groups need.
    pub(super) fn check_oldest<D: Disk>(&self, disk: &D, oldest: u64) -> Result<(), OpenError> {
        let first = self.run.first().copied().unwrap_or(u64::MAX);
        if first > oldest {
            return Err(OpenError::Missing { file: disk.path(&segment::name(first - 1)) });
        }
        Ok(())
    }
}

/// Opens a segment, and checks that it belongs to the ledger of `first`, the header of the first segment.
pub(super) fn open_segment<D: Disk>(
    disk: &D,
    number: u64,
    first: Option<&SegmentHeader>,
) -> Result<(D::File, SegmentHeader), OpenError> {
    let name = segment::name(number);
    let path = disk.path(&name);
    let file = disk.open(&name).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => OpenError::Missing { file: path.clone() },
        _ => OpenError::io("open", &path, error),
    })?;
    let header = SegmentHeader::read(disk, &file, number)?;
    if let Some(first) = first
        && header.ledger != first.ledger
    {
        return Err(OpenError::Foreign { file: path, found: header.ledger, expected: first.ledger });
    }
    Ok((file, header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_ends_at_the_last_segment_and_has_no_gap() {
        let find = |numbers: &[u64]| {
            let mut names: Vec<String> = numbers.iter().map(|number| segment::name(*number)).collect();
            names.push("spare".to_owned());
            let found = Segments::find(&names);
            (found.before, found.run)
        };
        assert_eq!(find(&[]), (vec![], vec![]));
        assert_eq!(find(&[3, 1, 2]), (vec![], vec![1, 2, 3]));
        assert_eq!(find(&[1, 3, 4]), (vec![1], vec![3, 4]));
        assert_eq!(find(&[1, 3, 5]), (vec![1, 3], vec![5]));
    }
}
