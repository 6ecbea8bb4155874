use std::borrow::Cow;

/// The position of one cell of a record in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
    /// The line at which it begins, counted from that of the record.
    line: u64,
    quoted: bool,
    /// Whether there are doubled quotes inside.
    escaped: bool,
}

/// The cells of one line, or of several if cells contain line ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    spans: Vec<Span>,
    /// The line of the file at which it begins, from 1.
    pub(crate) line: u64,
    /// Where the next record begins in the text, and in which line.
    pub(crate) end: usize,
    pub(crate) next_line: u64,
}

/// One cell of a CSV file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell<'a> {
    /// The cell as it is in the file, including quotes.
    pub(crate) raw: &'a str,
    pub(crate) quoted: bool,
    escaped: bool,
    /// The line of the file at which it begins, from 1.
    pub(crate) line: u64,
}

impl<'a> Cell<'a> {
    /// Its text, without the quotes around it.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        match (self.quoted, self.escaped) {
            (false, _) => Cow::Borrowed(self.raw),
            (true, false) => Cow::Borrowed(self.inside()),
            (true, true) => Cow::Owned(self.inside().replace("\"\"", "\"")),
        }
    }

    /// Its text, except that doubled quotes inside are not resolved.
    pub(crate) fn inside(&self) -> &'a str {
        if self.quoted { &self.raw[1..self.raw.len() - 1] } else { self.raw }
    }
}

impl Record {
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The cells, in the text that the record was cut from.
    pub(crate) fn cells<'a>(&'a self, text: &'a str) -> impl ExactSizeIterator<Item = Cell<'a>> + Clone {
        self.spans.iter().map(move |span| self.of(span, text))
    }

    /// One of the cells.
    pub(crate) fn cell<'a>(&self, index: usize, text: &'a str) -> Option<Cell<'a>> {
        self.spans.get(index).map(|span| self.of(span, text))
    }

    fn of<'a>(&self, span: &Span, text: &'a str) -> Cell<'a> {
        let Span { start, end, line, quoted, escaped } = *span;
        Cell { raw: &text[start..end], quoted, escaped, line: self.line + line }
    }

    /// Whether there is nothing but spaces on the line.
    pub(crate) fn is_blank(&self, text: &str) -> bool {
        self.len() == 1 && self.cells(text).all(|cell| !cell.quoted && cell.raw.trim().is_empty())
    }
}

/// Unbalanced quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuoteError {
    pub(crate) line: u64,
    pub(crate) problem: &'static str,
}

/// What was found at the beginning of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Record,
    /// More text is needed to know where the record ends.
    Incomplete,
    /// The text is at its end.
    Nothing,
}

/// Cuts text into cells (RFC 4180): cells may be quoted, a quote in a quoted cell is doubled, lines end in
/// LF, CRLF or CR. It keeps the line of every cell and whether it was quoted, so that an empty
/// string is distinguished from a missing value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens {
    pub(crate) delimiter: u8,
    pub(crate) comment: Option<char>,
}

impl Tokens {
    /// Cuts the record that begins at `at` in line `line`; an empty line is one empty cell. `whole` means that there is no
    /// more text.
    pub(crate) fn next(
        self,
        text: &str,
        at: usize,
        line: u64,
        whole: bool,
        record: &mut Record,
    ) -> Result<Found, QuoteError> {
        let mut cursor = Cursor { text, at, line, whole, delimiter: self.delimiter };
        if let Some(comment) = self.comment {
            while text[cursor.at..].starts_with(comment) {
                cursor.at += cursor.plain();
                if !cursor.end_line() {
                    return Ok(Found::Incomplete);
                }
            }
        }
        record.spans.clear();
        record.line = cursor.line;
        if cursor.at >= text.len() {
            return Ok(if whole { Found::Nothing } else { Found::Incomplete });
        }
        loop {
            let span = match cursor.peek() {
                Some(b'"') => match cursor.quoted(record.line)? {
                    Some(span) => span,
                    None => return Ok(Found::Incomplete),
                },
                _ => {
                    let (start, line) = (cursor.at, cursor.line - record.line);
                    cursor.at += cursor.cell();
                    Span { start, end: cursor.at, line, quoted: false, escaped: false }
                }
            };
            record.spans.push(span);
            match cursor.peek() {
                Some(byte) if byte == self.delimiter => cursor.at += 1,
                None if !whole => return Ok(Found::Incomplete),
                _ => break,
            }
        }
        if !cursor.end_line() {
            return Ok(Found::Incomplete);
        }
        (record.end, record.next_line) = (cursor.at, cursor.line);
        Ok(Found::Record)
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: u64,
    whole: bool,
    delimiter: u8,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Moves past the line end; `false` if more text is needed to know where that is.
    fn end_line(&mut self) -> bool {
        match self.peek() {
            Some(b'\r') => {
                self.at += 1;
                match self.peek() {
                    Some(b'\n') => self.at += 1,
                    None if !self.whole => return false,
                    _ => {}
                }
            }
            Some(b'\n') => self.at += 1,
            None if !self.whole => return false,
            _ => {}
        }
        self.line += 1;
        true
    }

    /// The length of the cell without quotes.
    fn cell(&self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let ends = |&byte: &u8| byte == self.delimiter || byte == b'\n' || byte == b'\r';
        rest.iter().position(ends).unwrap_or(rest.len())
    }

    /// The length of the rest of the line.
    fn plain(&self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())
    }

    /// A quoted cell; `None` if more text is needed.
    fn quoted(&mut self, record_line: u64) -> Result<Option<Span>, QuoteError> {
        let (start, line) = (self.at, self.line);
        let mut escaped = false;
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = rest.find('"') else {
                if !self.whole {
                    return Ok(None);
                }
                return Err(QuoteError { line, problem: "a quote is opened but never closed" });
            };
            self.line += line_ends(&rest[..length]);
            self.at += length + 1;
            match self.peek() {
                Some(b'"') => {
                    escaped = true;
                    self.at += 1;
                }
                None if !self.whole => return Ok(None),
                None | Some(b'\n' | b'\r') => break,
                Some(byte) if byte == self.delimiter => break,
                Some(_) => {
                    let problem = "there is text after a closing quote: a quote inside a quoted cell must be doubled; if \
                                   another character separates the cells, write it as in `delimiter = \";\"`";
                    return Err(QuoteError { line: self.line, problem });
                }
            }
        }
        Ok(Some(Span { start, end: self.at, line: line - record_line, quoted: true, escaped }))
    }
}

/// The number of line ends in a text: LF, CRLF or CR.
pub(crate) fn line_ends(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let ends =
        |(at, &byte): (usize, &u8)| byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    bytes.iter().enumerate().filter(|&pair| ends(pair)).count() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Cells = Vec<(String, bool, u64)>;

    /// The records of a text of which `step` more bytes come each time that more are needed.
    fn records_by(text: &str, step: usize) -> Result<Vec<Cells>, QuoteError> {
        let tokens = Tokens { delimiter: b',', comment: None };
        let (mut record, mut records) = (Record::default(), Vec::new());
        let (mut at, mut line, mut known) = (0, 1, 0);
        loop {
            let whole = known == text.len();
            match tokens.next(&text[..known], at, line, whole, &mut record)? {
                Found::Nothing => return Ok(records),
                Found::Incomplete => {
                    assert!(!whole);
                    known = (known + step).min(text.len());
                    known += (known..).take_while(|&at| !text.is_char_boundary(at)).count();
                }
                Found::Record => {
                    let cell = |cell: Cell<'_>| (cell.text().into_owned(), cell.quoted, cell.line);
                    records.push(record.cells(text).map(cell).collect());
                    (at, line) = (record.end, record.next_line);
                }
            }
        }
    }

    fn records(text: &str) -> Result<Vec<Cells>, QuoteError> {
        records_by(text, text.len())
    }

    fn texts(text: &str) -> Vec<Vec<String>> {
        let only_text = |record: Cells| record.into_iter().map(|cell| cell.0).collect();
        records(text).unwrap().into_iter().map(only_text).collect()
    }

    #[test]
    fn lines_end_in_any_way() {
        for text in ["a,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\r1,2"] {
            assert_eq!(texts(text), [["a", "b"], ["1", "2"]], "{text:?}");
        }
        assert_eq!(texts("a,\n,b"), [["a", ""], ["", "b"]]);
        assert_eq!(texts("a\n\nb"), [["a"], [""], ["b"]]);
    }

    #[test]
    fn quoted_cells_keep_what_is_inside() {
        assert_eq!(texts("\"a,b\",\"say \"\"hi\"\"\",\"\"\"\",\"\"\n"), [["a,b", "say \"hi\"", "\"", ""]]);
        assert_eq!(texts("a\"b,c"), [["a\"b", "c"]]);
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let lines: Vec<Vec<u64>> = records("a,\"x\ny\r\nz\",b\r\nc,\"\n\"\nd")
            .unwrap()
            .into_iter()
            .map(|record| record.into_iter().map(|cell| cell.2).collect())
            .collect();
        assert_eq!(lines, [vec![1, 1, 3], vec![4, 4], vec![6]]);
    }

    #[test]
    fn comments_are_passed_over() {
        let tokens = Tokens { delimiter: b',', comment: Some('#') };
        let text = "# \"a\r\n#b\r\nx,#y\n";
        let mut record = Record::default();
        assert_eq!(tokens.next(text, 0, 1, true, &mut record), Ok(Found::Record));
        assert_eq!(
            record.cells(text).map(|cell| (cell.raw, cell.line)).collect::<Vec<_>>(),
            [("x", 3), ("#y", 3)]
        );
        assert_eq!(tokens.next("#\r", 0, 1, false, &mut record), Ok(Found::Incomplete));
    }

    #[test]
    fn unpaired_quotes_are_errors_with_their_line() {
        assert_eq!(records("a\n\"b\nc").unwrap_err().line, 2);
        assert_eq!(records("a\nb,\"c\n\"d").unwrap_err().line, 3);
    }

    proptest! {
        #[test]
        fn cells_are_those_of_the_csv_crate(
            table in proptest::collection::vec(proptest::collection::vec("[a-z,\"\n\r é]{0,6}", 3), 1..8),
            crlf in any::<bool>(),
        ) {
            let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
            for record in &table {
                writer.write_record(record).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(texts(&text), table);
        }

        #[test]
        fn pieces_do_not_matter(text in "[a,\"\n\r é]{0,30}", step in 1_usize..8) {
            prop_assert_eq!(records_by(&text, step), records(&text));
        }
    }
}
