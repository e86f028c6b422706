//! Tables that stay aligned in a terminal, whatever script the names are in.

use std::fmt;
use unicode_width::UnicodeWidthStr;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Columns with a title each, and rows.
#[derive(Clone, Debug)]
pub(super) struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

/// Spaces between two columns.
const GAP: usize = 2;

impl Table {
    /// An empty table. Its first row is the titles.
    pub(super) fn new<T: Into<String>>(columns: impl IntoIterator<Item = (T, Align)>) -> Self {
        let (titles, aligns) = columns.into_iter().map(|(title, align)| (title.into(), align)).unzip();
        Self { aligns, rows: vec![titles] }
    }

    /// Adds a row with a text for each column.
    pub(super) fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| self.rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
        (0..self.aligns.len()).map(width).collect()
    }
}

impl fmt::Display for Table {
    /// Lines without spaces at their ends, and no newline after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for ((cell, width), align) in row.iter().zip(&widths).zip(&self.aligns) {
                let pad = " ".repeat(width - cell.width());
                match align {
                    Align::Left => line.extend([cell.as_str(), &pad]),
                    Align::Right => line.extend([pad.as_str(), cell]),
                }
                line.push_str(&" ".repeat(GAP));
            }
            let newline = if number == 0 { "" } else { "\n" };
            write!(f, "{newline}{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_cells() {
        let mut table = Table::new([("stop", Align::Left), ("name", Align::Left), ("free", Align::Right)]);
        table.row(["VNP", "北京南", "7"]);
        table.row(["AOH", "上海虹桥", "1024"]);
        table.row(["X", "Köln Hbf", ""]);
        let expected = "\
stop  name      free
VNP   北京南       7
AOH   上海虹桥  1024
X     Köln Hbf";
        assert_eq!(table.to_string(), expected);
    }
}
