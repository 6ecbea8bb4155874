use std::borrow::Cow;

/// One cell of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) quoted: bool,
    /// The line of the file at which it begins, from 1.
    pub(crate) line: u64,
}

/// Quotes that do not pair up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuoteError {
    pub(crate) line: u64,
    pub(crate) problem: &'static str,
}

/// Cuts text into cells (RFC 4180): cells may be quoted, a quote in a quoted cell is doubled, lines end in
/// LF, CRLF or CR. It knows the true line of every cell and whether it was quoted, so that an empty
/// string is told from nothing.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    line: u64,
    delimiter: u8,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str, delimiter: u8) -> Self {
        Self { text: text.strip_prefix('\u{feff}').unwrap_or(text), at: 0, line: 1, delimiter }
    }

    /// Puts the cells of the next line in place of `cells`; `false` at the end of the text. An empty line is
    /// one empty cell.
    pub(crate) fn next_record(&mut self, cells: &mut Vec<Cell<'a>>) -> Result<bool, QuoteError> {
        cells.clear();
        if self.at >= self.text.len() {
            return Ok(false);
        }
        loop {
            cells.push(if self.peek() == Some(b'"') { self.quoted()? } else { self.plain() });
            match self.peek() {
                Some(byte) if byte == self.delimiter => self.at += 1,
                _ => break,
            }
        }
        self.end_line();
        Ok(true)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn end_line(&mut self) {
        if self.peek() == Some(b'\r') {
            self.at += 1;
            if self.peek() == Some(b'\n') {
                self.at += 1;
            }
        } else if self.peek() == Some(b'\n') {
            self.at += 1;
        }
        self.line += 1;
    }

    fn plain(&mut self) -> Cell<'a> {
        let rest = &self.text[self.at..];
        let ends = |&byte: &u8| byte == self.delimiter || byte == b'\n' || byte == b'\r';
        let length = rest.as_bytes().iter().position(ends).unwrap_or(rest.len());
        self.at += length;
        Cell { text: Cow::Borrowed(&rest[..length]), quoted: false, line: self.line }
    }

    fn quoted(&mut self) -> Result<Cell<'a>, QuoteError> {
        let line = self.line;
        self.at += 1;
        let mut text = Cow::Borrowed("");
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = rest.find('"') else {
                return Err(QuoteError { line, problem: "a quote is opened and never closed" });
            };
            let piece = &rest[..length];
            self.line += line_ends(piece);
            if text.is_empty() {
                text = Cow::Borrowed(piece);
            } else {
                text.to_mut().push_str(piece);
            }
            self.at += length + 1;
            match self.peek() {
                Some(b'"') => {
                    text.to_mut().push('"');
                    self.at += 1;
                }
                None | Some(b'\n' | b'\r') => break,
                Some(byte) if byte == self.delimiter => break,
                Some(_) => {
                    let problem = "text follows a closing quote (a quote inside a quoted cell is doubled)";
                    return Err(QuoteError { line: self.line, problem });
                }
            }
        }
        Ok(Cell { text, quoted: true, line })
    }
}

/// Ends of lines in a text: LF, CRLF or CR.
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

    type Record = Vec<(String, bool, u64)>;

    fn records(text: &str) -> Result<Vec<Record>, QuoteError> {
        let (mut tokens, mut cells, mut records) = (Tokens::new(text, b','), Vec::new(), Vec::new());
        while tokens.next_record(&mut cells)? {
            records
                .push(cells.drain(..).map(|cell| (cell.text.into_owned(), cell.quoted, cell.line)).collect());
        }
        Ok(records)
    }

    fn texts(text: &str) -> Vec<Vec<String>> {
        let only_text = |record: Record| record.into_iter().map(|cell| cell.0).collect();
        records(text).unwrap().into_iter().map(only_text).collect()
    }

    #[test]
    fn lines_end_in_any_way() {
        for text in ["a,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\r1,2", "\u{feff}a,b\n1,2"] {
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
    }
}
