//! Plain text tables whose columns line up.

use std::fmt;

/// Where the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left: words.
    Left,
    /// At the right: numbers.
    Right,
}

/// A table with a header, a rule, and one line per row. Missing cells are empty; a cell of several lines is put on one.
///
/// ```
/// use luthier_frame::{Align, table};
///
/// let text = table(&[("name", Align::Left), ("n", Align::Right)], &[vec!["longer".into(), "10".into()]]);
/// assert_eq!(text, "name     n\n------  --\nlonger  10\n");
/// ```
pub fn table(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let one_line = |text: &String| text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let cells = |row: &Vec<String>| -> Vec<String> {
        (0..columns.len()).map(|column| row.get(column).map(one_line).unwrap_or_default()).collect()
    };
    let header: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let layout = Layout::new(columns.iter().map(|(_, align)| *align), rows.iter().chain([&header]));
    let line = |cells: &[String]| format!("{}\n", layout.padded(cells).join("  ").trim_end());
    let rule: Vec<String> = layout.columns.iter().map(|(_, width)| "-".repeat(*width)).collect();
    let lines = [&header, &rule].into_iter().chain(&rows);
    lines.map(|cells| line(cells)).collect()
}

/// A table in a box; every column of the header is a list of lines.
pub(crate) fn boxed_table(
    f: &mut fmt::Formatter<'_>,
    header: &[Vec<String>],
    alignment: &[Align],
    rows: &[Vec<String>],
) -> fmt::Result {
    let height = header.iter().map(Vec::len).max().unwrap_or(0);
    let line_of = |at: usize| header.iter().map(|lines| lines.get(at).cloned().unwrap_or_default()).collect();
    let header: Vec<Vec<String>> = (0..height).map(line_of).collect();
    let layout = Layout::new(alignment.iter().copied(), header.iter().chain(rows));
    let rule = layout.columns.iter().map(|(_, width)| format!("+{}", "-".repeat(width + 2)));
    let rule = rule.collect::<String>() + "+";
    let mut block = |lines: &[Vec<String>]| {
        lines.iter().try_for_each(|cells| writeln!(f, "| {} |", layout.padded(cells).join(" | ")))?;
        writeln!(f, "{rule}")
    };
    block(&[])?;
    block(&header)?;
    if rows.is_empty() { Ok(()) } else { block(rows) }
}

/// Alignment and width of each column.
struct Layout {
    columns: Vec<(Align, usize)>,
}

impl Layout {
    fn new<'a>(
        alignment: impl Iterator<Item = Align>,
        lines: impl Iterator<Item = &'a Vec<String>> + Clone,
    ) -> Self {
        let width = |at: usize| {
            let cells = lines.clone().filter_map(|line| line.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        Self { columns: alignment.enumerate().map(|(at, align)| (align, width(at))).collect() }
    }

    fn padded(&self, cells: &[String]) -> Vec<String> {
        let pad = |(cell, (align, width)): (&String, &(Align, usize))| match align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        };
        cells.iter().zip(&self.columns).map(pad).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let columns = [("name", Align::Left), ("n", Align::Right)];
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["longer".to_owned(), "10".to_owned()], vec![]];
        assert_eq!(table(&columns, &rows), "name     n\n------  --\na        1\nlonger  10\n\n");
        let rows = [vec!["a\n  b".to_owned(), "1".to_owned()]];
        assert_eq!(table(&columns, &rows), "name  n\n----  -\na b   1\n");
    }
}
