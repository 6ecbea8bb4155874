//! Plain-text tables with aligned columns.

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Left, for words.
    Left,
    /// Right, for numbers.
    Right,
}

/// A table with a header, a rule, and one line per row. Missing cells are empty; the lines of a cell are joined.
pub fn table(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let one_line = |text: &String| text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let cell = |row: &[String], column: usize| row.get(column).map(one_line).unwrap_or_default();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let cells = rows.iter().map(|row| cell(row, column).chars().count());
            cells.chain([columns[column].0.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<String>| {
        let padded =
            cells.into_iter().zip(columns).zip(&widths).map(|((cell, (_, align)), &width)| match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            });
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(columns.iter().map(|(name, _)| (*name).to_owned()).collect());
    text.push_str(&line(widths.iter().map(|&width| "-".repeat(width)).collect()));
    for row in rows {
        text.push_str(&line((0..columns.len()).map(|column| cell(row, column)).collect()));
    }
    text
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
