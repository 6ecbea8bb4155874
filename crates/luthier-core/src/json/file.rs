//! Documents in files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use super::to_string_pretty;
use crate::{Error, Result, memory};

/// The deepest nesting of arrays and objects that `serde_json` reads back.
const MAX_DEPTH: usize = 127;

/// Writes the document to a file, as [`to_string_pretty`] with a newline at the end.
///
/// The text is written to a temporary file in the same folder, which is then renamed: a reader of the path, even
/// after a crash, finds the old document or the new one, never a part.
///
/// # Errors
/// [`Error::Io`] with the path; [`Error::Invalid`] when the document is nested too deeply to be read back
/// (more than 127 levels of arrays and objects).
pub fn write_file(path: &Path, value: &Value) -> Result<()> {
    if is_deeper_than(value, MAX_DEPTH) {
        return Err(Error::Invalid(format!(
            "{}: the document has more than {MAX_DEPTH} levels of nested arrays and objects, which could not be \
             read back; nest less",
            path.display()
        )));
    }
    let mut text = to_string_pretty(value)?;
    text.push('\n');
    luthier_frame::write_files(&[(path, text.as_bytes())]).map_err(|error| match error {
        luthier_frame::Error::Io { path, cause } => {
            Error::Io { path: path.display().to_string(), source: cause.into() }
        }
        other => other.into(),
    })
}

fn is_deeper_than(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth == 0 || items.iter().any(|item| is_deeper_than(item, depth - 1)),
        Value::Object(entries) => {
            depth == 0 || entries.values().any(|value| is_deeper_than(value, depth - 1))
        }
        _ => false,
    }
}

/// The largest document that comes through a pipe, in bytes.
const MOST_OF_STREAM: u64 = 1 << 30;

/// Reads the document of a file.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read; [`Error::Load`] with the file, line and column when it is not JSON;
/// [`Error::Memory`] when its document would take more memory than is free.
pub fn read_file(path: &Path) -> Result<Value> {
    let name = path.display().to_string();
    let bytes = contents(path, MOST_OF_STREAM)
        .map_err(|source| Error::Io { path: name.clone(), source: source.into() })?;
    let advice = || (format!("the document in {name}"), "read it where more memory is free".to_owned());
    memory::require(memory_of(&bytes), advice)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::Load { what: name, reason: with_place_first(&error) })
}

/// The bytes of a file. A device need not end, so of what is no regular file at most so many bytes are read.
fn contents(path: &Path, most_of_stream: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    let most = if about.is_file() { memory::free().unwrap_or(about.len()) } else { most_of_stream };
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, "it does not fit into memory")),
        false => Ok(bytes),
    }
}

/// About as many bytes as the document of a text takes while it is read: a list grows by doubling, and the smallest one has room for
/// four values.
fn memory_of(text: &[u8]) -> u64 {
    const VALUE: u64 = size_of::<Value>() as u64;
    let (mut bytes, mut in_text, mut is_escaped) = (text.len() as u64, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b',' => bytes += 2 * VALUE,
            b'[' => bytes += 4 * VALUE,
            b'{' => bytes += 8 * VALUE,
            // The key and its place in the table.
            b':' => bytes += VALUE,
            _ => {}
        }
    }
    bytes
}

fn with_place_first(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let cause = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message);
    format!("line {line}, column {column}: {cause}")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::{fs, process};

    use serde_json::json;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("luthier-json-{}-{name}", process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn files(&self) -> usize {
            fs::read_dir(&self.0).unwrap().count()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = Folder::new("replace");
        let path = folder.0.join("model.json");
        for value in [json!({"first": vec![0.1; 1000]}), json!({"second": 2})] {
            write_file(&path, &value).unwrap();
            assert_eq!(read_file(&path).unwrap(), value);
            assert_eq!(folder.files(), 1);
        }
        assert!(fs::read_to_string(&path).unwrap().ends_with("}\n"));
    }

    #[test]
    fn a_failed_write_leaves_no_temporary_file_and_names_the_path() {
        let folder = Folder::new("failed");
        let taken = folder.0.join("taken");
        fs::create_dir(&taken).unwrap();
        for path in [taken, folder.0.join("missing/model.json"), PathBuf::from("/")] {
            let error = write_file(&path, &json!(1)).unwrap_err();
            assert!(matches!(&error, Error::Io { path: named, .. } if *named == path.display().to_string()));
            assert_eq!(folder.files(), 1);
        }
    }

    #[test]
    fn syntax_errors_name_file_line_and_column() {
        let folder = Folder::new("syntax");
        let path = folder.0.join("model.json");
        let cases: [(&[u8], &str); 5] = [
            (b"{\n  \"a\": x}", "line 2, column 8: expected value"),
            (b"[1, 1e400]", "line 1, column 9: number out of range"),
            (b"[NaN]", "line 1, column 2: expected value"),
            (b"", "line 1, column 0: EOF while parsing a value"),
            (b"[\"\xff\"]", "line 1, column 3: invalid unicode code point"),
        ];
        for (bytes, expected) in cases {
            fs::write(&path, bytes).unwrap();
            match read_file(&path) {
                Err(Error::Load { what, reason }) => {
                    assert_eq!(what, path.display().to_string());
                    assert_eq!(reason, expected);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(read_file(&folder.0.join("none.json")), Err(Error::Io { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn what_does_not_end_is_an_error() {
        let read = contents(Path::new("/dev/zero"), 1000);
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(contents(Path::new("/dev/null"), 1000).unwrap(), b"");
    }

    #[test]
    fn memory_is_counted_outside_of_texts() {
        let value = size_of::<Value>() as u64;
        let text = br#""[,{:\",[""#;
        assert_eq!(memory_of(text), text.len() as u64);
        assert_eq!(memory_of(b"[1,2,3]"), 7 + 8 * value);
        assert_eq!(memory_of(br#"{"a":[],"b":"c"}"#), 16 + 16 * value);
    }

    #[test]
    fn what_is_written_is_not_too_deep_to_be_read() {
        let folder = Folder::new("depth");
        let path = folder.0.join("deep.json");
        let mut value = json!(1);
        for depth in 0..MAX_DEPTH {
            value = if depth % 2 == 0 { json!([value]) } else { json!({ "a": value }) };
        }
        write_file(&path, &value).unwrap();
        assert_eq!(read_file(&path).unwrap(), value);

        let deeper = json!([value]);
        assert!(matches!(write_file(&path, &deeper), Err(Error::Invalid(_))));
        assert!(serde_json::from_str::<Value>(&deeper.to_string()).is_err());
    }
}
