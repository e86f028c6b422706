//! One file of a feed as a table: named columns in any order, and rows that know their line.

use csv::{ReaderBuilder, StringRecord};

use crate::catalog::Problem;

/// Rows of one file: a hundred times the larger national feed's.
const ROWS_MAX: u64 = 10_000_000;

/// A column's place in each row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column(usize);

/// A file being read.
pub(super) struct Table<'t> {
    file: &'static str,
    text: &'t str,
    reader: csv::Reader<&'t [u8]>,
    header: StringRecord,
    record: StringRecord,
    rows: u64,
    /// `line` is the line that holds the byte at `line_byte`.
    line: u64,
    line_byte: usize,
}

impl<'t> Table<'t> {
    /// Reads the header.
    pub(super) fn new(file: &'static str, text: &'t str) -> Result<Self, Problem> {
        // Rows of the wrong length come through, so that `next` can name their line.
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| Problem::at(file, 1, error.to_string()))?.clone();
        let mut names: Vec<_> = header.iter().map(str::trim).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Problem::at(file, 1, format!("the column {} stands twice", pair[0])));
        }
        Ok(Self { file, text, reader, header, record: StringRecord::new(), rows: 0, line: 1, line_byte: 0 })
    }

    /// A column that every such file has.
    pub(super) fn column(&self, name: &str) -> Result<Column, Problem> {
        self.optional(name)
            .ok_or_else(|| Problem::at(self.file, 1, format!("the column {name} is missing from the header")))
    }

    /// A column that may be absent.
    pub(super) fn optional(&self, name: &str) -> Option<Column> {
        self.header.iter().position(|column| column.trim() == name).map(Column)
    }

    /// The next row. Rows after a broken one are still read.
    pub(super) fn next(&mut self) -> Option<Result<Row<'_>, Problem>> {
        if self.rows > ROWS_MAX {
            return None;
        }
        match self.reader.read_record(&mut self.record) {
            Ok(false) => return None,
            Ok(true) => {}
            Err(error) => {
                self.rows = ROWS_MAX + 1;
                return Some(Err(Problem::in_file(self.file, error.to_string())));
            }
        }
        self.rows += 1;
        let line = self.line_of_record();
        let fail = |text: String| Some(Err(Problem::at(self.file, line, text)));
        if self.rows > ROWS_MAX {
            return fail(format!("this is more than {ROWS_MAX} rows"));
        }
        let (found, wanted) = (self.record.len(), self.header.len());
        if self.record.iter().any(|field| field.contains('\n')) {
            return fail("a field goes on over the end of the line; a quote is missing".into());
        }
        if found != wanted {
            return fail(format!("the row has {found} fields, the header {wanted}"));
        }
        Some(Ok(Row { file: self.file, line, record: &self.record }))
    }

    /// The line where the record begins. The reader's own count is not used: it names the line before a record that
    /// follows blank lines or a carriage return.
    fn line_of_record(&mut self) -> u64 {
        let from = self.record.position().map_or(0, |position| position.byte() as usize);
        let blank = self.text.as_bytes()[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let start = from + blank.count();
        let passed = &self.text.as_bytes()[self.line_byte..start];
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.line_byte = start;
        self.line
    }
}

/// One row.
#[derive(Clone, Copy)]
pub(super) struct Row<'r> {
    file: &'static str,
    line: u64,
    record: &'r StringRecord,
}

impl<'r> Row<'r> {
    /// The line, from 1 with the header.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// What a column says, without spaces around it; empty if the feed does not have the column.
    pub(super) fn text(&self, column: impl Into<Option<Column>>) -> &'r str {
        column.into().and_then(|Column(at)| self.record.get(at)).map_or("", str::trim)
    }

    /// What is wrong with this row.
    pub(super) fn problem(&self, text: impl Into<String>) -> Problem {
        Problem::at(self.file, self.line, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Result<(u64, String), String>> {
        let mut table = Table::new("t.txt", text).unwrap();
        let column = table.column("a").unwrap();
        let mut rows = Vec::new();
        while let Some(row) = table.next() {
            let seen = row.map(|row| (row.line(), row.text(column).to_owned()));
            rows.push(seen.map_err(|problem| problem.to_string()));
        }
        rows
    }

    #[test]
    fn rows_know_their_line_whatever_ends_it() {
        let expected = [Ok((2, "1".to_owned())), Ok((5, "2".to_owned())), Ok((6, "3".to_owned()))];
        assert_eq!(lines("b,a\n0,1\n\n\n0, 2 \n0,\"3\""), expected);
        assert_eq!(lines("b,a\r\n0,1\r\n\r\n\r\n0, 2 \r\n0,\"3\"\r\n"), expected);
    }

    #[test]
    fn rows_of_the_wrong_shape_are_named() {
        let rows = lines("a,b\n1,2,3\n1,2\n1\n1,\"2\n1,2\n");
        assert_eq!(rows[0], Err("t.txt:2: the row has 3 fields, the header 2".into()));
        assert_eq!(rows[1], Ok((3, "1".into())));
        assert_eq!(rows[2], Err("t.txt:4: the row has 1 fields, the header 2".into()));
        assert_eq!(
            rows[3],
            Err("t.txt:5: a field goes on over the end of the line; a quote is missing".into())
        );
        assert_eq!(rows.len(), 4);
    }
}
