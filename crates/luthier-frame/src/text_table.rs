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
    laid_out(columns, rows, usize::MAX)
}

/// As [`table`], in lines of at most `width` characters: wide cells are broken between words and, behind the first
/// column, within words of more than 20 characters. Where that is not enough, the lines are longer.
///
/// ```
/// use luthier_frame::{Align, table_within};
///
/// let rows = [vec!["x".into(), "one two three four five".into()]];
/// let text = table_within(&[("name", Align::Left), ("text", Align::Left)], &rows, 18);
/// assert_eq!(text, "name  text\n----  ------------\nx     one two\n      three four\n      five\n");
/// ```
pub fn table_within(columns: &[(&str, Align)], rows: &[Vec<String>], width: usize) -> String {
    laid_out(columns, rows, width)
}

fn laid_out(columns: &[(&str, Align)], rows: &[Vec<String>], width: usize) -> String {
    let one_line = |text: &String| text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let cells = |row: &Vec<String>| -> Vec<String> {
        (0..columns.len()).map(|column| row.get(column).map(one_line).unwrap_or_default()).collect()
    };
    let header: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let lines: Vec<Vec<String>> = [header].into_iter().chain(rows.iter().map(cells)).collect();
    let mut layout = Layout::new(columns.iter().map(|(_, align)| *align), lines.iter());
    layout.narrow(&lines, width);
    let line = |cells: &[String]| format!("{}\n", layout.padded(cells).join("  ").trim_end());
    let rule: Vec<String> = layout.columns.iter().map(|(_, width)| "-".repeat(*width)).collect();
    let (header, rows) = lines.split_at(1);
    let lines = header.iter().chain([&rule]).chain(rows);
    lines.flat_map(|cells| layout.broken(cells)).map(|cells| line(&cells)).collect()
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

/// A text in lines of at most `width` characters.
fn broken(text: &str, width: usize) -> Vec<String> {
    if text.chars().count() <= width {
        return vec![text.to_owned()];
    }
    let mut lines: Vec<String> = Vec::new();
    let mut room = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if length < room => {
                line.push(' ');
                line.push_str(word);
                room -= length + 1;
            }
            _ => {
                let letters: Vec<char> = word.chars().collect();
                lines.extend(letters.chunks(width.max(1)).map(|part| part.iter().collect::<String>()));
                room = width.saturating_sub(lines.last().map_or(0, |line| line.chars().count()));
            }
        }
    }
    lines
}

/// The lengths of the words of a text.
struct Words {
    all: usize,
    each: Vec<usize>,
}

impl Words {
    fn of(text: &str) -> Self {
        let each: Vec<usize> = text.split(' ').map(|word| word.chars().count()).collect();
        Self { all: text.chars().count(), each }
    }

    /// The number of lines that [`broken`] makes of the text.
    fn lines(&self, width: usize) -> usize {
        if self.all <= width {
            return 1;
        }
        let part = width.max(1);
        let (mut lines, mut last, mut room) = (0, 0, 0);
        for &length in &self.each {
            if lines > 0 && length < room {
                room -= length + 1;
                last += length + 1;
            } else {
                if length > 0 {
                    let parts = length.div_ceil(part);
                    lines += parts;
                    last = length - (parts - 1) * part;
                }
                room = width.saturating_sub(last);
            }
        }
        lines
    }
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

    /// Takes characters from columns until a line has at most `width`, as far as no word is broken but long ones behind the
    /// first column: each from the column where it makes the table the least higher, of several the widest.
    fn narrow(&mut self, rows: &[Vec<String>], width: usize) {
        const LONG: usize = 20;
        let longest = |at: usize| {
            let words = rows.iter().filter_map(|cells| cells.get(at)).flat_map(|cell| cell.split(' '));
            let longest = words.map(|word| word.chars().count()).max().unwrap_or(0);
            if at == 0 { longest } else { longest.min(LONG) }
        };
        let least: Vec<usize> = (0..self.columns.len()).map(longest).collect();
        let rows: Vec<Vec<Words>> =
            rows.iter().map(|cells| cells.iter().map(|cell| Words::of(cell)).collect()).collect();
        // What is wider than the whole line is narrowed at once, however long it is.
        for ((_, column), least) in self.columns.iter_mut().zip(&least) {
            *column = (*column).min(width.max(*least));
        }
        let gaps = 2 * self.columns.len().saturating_sub(1);
        let sum: usize = self.columns.iter().map(|(_, width)| width).sum();
        for _ in 0..(sum + gaps).saturating_sub(width) {
            let narrower = |at: usize| {
                let mut columns = self.columns.clone();
                let width =
                    columns.get_mut(at).map(|(_, width)| width).filter(|width| **width > least[at])?;
                *width -= 1;
                let layout = Self { columns };
                let height: usize = rows.iter().map(|cells| layout.height(cells)).sum();
                Some((height, usize::MAX - self.columns[at].1, layout))
            };
            let all = (0..self.columns.len()).filter_map(narrower);
            let Some((.., least)) = all.min_by_key(|(height, widest, _)| (*height, *widest)) else { return };
            *self = least;
        }
    }

    /// The number of lines of a row.
    fn height(&self, cells: &[Words]) -> usize {
        let lines = cells.iter().zip(&self.columns).map(|(cell, (_, width))| cell.lines(*width));
        lines.max().unwrap_or(0)
    }

    /// The cells of a row as one or more lines.
    fn broken(&self, cells: &[String]) -> Vec<Vec<String>> {
        let cells: Vec<Vec<String>> =
            cells.iter().zip(&self.columns).map(|(cell, (_, width))| broken(cell, *width)).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        let line_of =
            |at: usize| cells.iter().map(|lines| lines.get(at).cloned().unwrap_or_default()).collect();
        (0..height).map(line_of).collect()
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

    #[test]
    fn lines_are_counted_as_they_are_broken() {
        let texts =
            ["", "a", "a b", "ab cde f", "  a  b ", "abcdefghij", "a abcdefghij b c", "ü ü üü ", "   "];
        for text in texts {
            for width in 0..12 {
                let counted = Words::of(text).lines(width);
                assert_eq!(counted, broken(text, width).len(), "{text:?} {width}");
            }
        }
    }

    #[test]
    fn a_cell_of_any_length_is_laid_out_at_once() {
        let columns = [("a", Align::Left), ("b", Align::Left)];
        let rows = [vec!["x".to_owned(), "y".repeat(200_000)], vec!["x".to_owned(), "not ".repeat(50_000)]];
        let table = table_within(&columns, &rows, 80);
        assert!(table.lines().all(|line| line.chars().count() <= 80));
    }
}
