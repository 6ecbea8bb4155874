//! Rows of a CSV file by line, for error messages.

/// The line, from 1, at which a row, from 0, begins: quoted cells may hold ends of lines, and empty lines are no
/// rows unless there is just one column.
pub(crate) fn line_of_row(text: &str, delimiter: u8, header: bool, row: usize) -> Option<usize> {
    let bytes = text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes();
    let wanted = row + usize::from(header);
    let (mut line, mut begin, mut record) = (1, 1, 0);
    let (mut quoted, mut quotable, mut empty, mut wide) = (false, true, true, false);
    for (at, &byte) in bytes.iter().enumerate() {
        let ends_line = byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        if ends_line {
            line += 1;
        }
        match byte {
            // Behind a closing quote, another one opens again: a doubled quote.
            b'"' if quoted || quotable => (quoted, quotable, empty) = (!quoted, quoted, false),
            _ if quoted => {}
            _ if ends_line => {
                if !empty || (!wide && record > 0) {
                    if record == wanted {
                        return Some(begin);
                    }
                    record += 1;
                }
                (begin, quotable, empty) = (line, true, true);
            }
            b'\r' => {}
            _ => {
                (quotable, empty) = (byte == delimiter, false);
                wide |= byte == delimiter;
            }
        }
    }
    (!empty && record == wanted).then_some(begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_file() {
        let line = |text, row| line_of_row(text, b',', true, row);
        assert_eq!(line("a,b\n1,2\n3,4\n", 0), Some(2));
        assert_eq!(line("a,b\r\n1,2\r\n3,4", 1), Some(3));
        assert_eq!(line("a,b\n1,2\n3,4", 2), None);
        assert_eq!(line("a,b\n\n1,2\n\n\n3,4\n", 1), Some(6));
        assert_eq!(line("a\n1\n\n3\n", 1), Some(3));
        assert_eq!(line("a,b\n\"x\n\"\"y\",2\n3,4\n", 0), Some(2));
        assert_eq!(line("a,b\n\"x\n\"\"y\",2\n3,4\n", 1), Some(4));
        assert_eq!(line("a,b\nx\"y,2\n3,4\n", 1), Some(3));
        assert_eq!(line_of_row("1;2\n3;4\n", b';', false, 1), Some(2));
    }
}
