//! Files of a folder that appear together or not at all.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::file::{WholeFile, write_files};
use crate::{Error, Result};

/// The file that says which temporary files are complete, and what their names will be.
const COMMIT: &str = ".luthier-commit.json";

/// How the names of temporary files begin and end.
const BEGIN: &str = ".luthier-";
const END: &str = ".tmp";

/// Writes files into a folder and removes others of it, all of this or nothing: whatever happens, and also after a crash, whoever calls
/// [`recover_folder`] first finds either what was there before or all that is new. What an earlier crash has left is
/// finished or removed.
///
/// # Errors
/// [`Error::Io`] with the path.
pub fn write_folder(folder: &Path, files: &[(&str, &[u8])], removed: &[&str]) -> Result<()> {
    recover_folder(folder)?;
    let mut written = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        written.push(WholeFile::written(&folder.join(name), bytes)?);
    }
    let renamed: Vec<Value> = written
        .iter()
        .zip(files)
        .filter_map(|(file, (name, _))| Some(json!([file.beside()?.file_name()?.to_str()?, name])))
        .collect();
    let commit = folder.join(COMMIT);
    write_files(&[(&commit, json!({"rename": renamed, "remove": removed}).to_string().as_bytes())])?;
    // From here on it is done, by this process or by the next one.
    written.iter_mut().for_each(WholeFile::keep);
    finish(folder)
}

/// Finishes what a process that wrote files into a folder has left unfinished, or removes it: see [`write_folder`]. Files that a living
/// process is writing stay.
///
/// # Errors
/// [`Error::Io`] with the path.
pub fn recover_folder(folder: &Path) -> Result<()> {
    finish(folder)?;
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(BEGIN) && name.ends_with(END) && is_left(&path) {
            fs::remove_file(&path).map_err(|cause| Error::Io { path, cause })?;
        }
    }
    Ok(())
}

/// Whether a temporary file has no process that writes it. A link is left alone.
fn is_left(path: &Path) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    let file = File::open(path).ok().filter(|_| is_file);
    file.is_some_and(|file| !matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Does what a complete commit says.
fn finish(folder: &Path) -> Result<()> {
    let commit = folder.join(COMMIT);
    let text = match fs::read_to_string(&commit) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(Error::Io { path: commit, cause }),
    };
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    let list = |key: &str| document.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    for pair in list("rename") {
        let name = |at: usize| pair.get(at).and_then(Value::as_str).filter(|name| is_plain(name));
        let Some((from, to)) = name(0).zip(name(1)) else { continue };
        match fs::rename(folder.join(from), folder.join(to)) {
            Err(cause) if !gone(&cause) => return Err(Error::Io { path: folder.join(to), cause }),
            _ => {}
        }
    }
    for name in list("remove").iter().filter_map(Value::as_str).filter(|name| is_plain(name)) {
        match fs::remove_file(folder.join(name)) {
            Err(cause) if !gone(&cause) => return Err(Error::Io { path: folder.join(name), cause }),
            _ => {}
        }
    }
    fs::remove_file(&commit).map_err(|cause| Error::Io { path: commit, cause })
}

/// Whether a name is that of a file in the folder itself.
fn is_plain(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|file| file == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_appear_together_and_others_go() {
        let folder = tempfile::tempdir().unwrap();
        write_folder(folder.path(), &[("a", b"1"), ("b", b"2")], &[]).unwrap();
        write_folder(folder.path(), &[("a", b"3")], &["b", "never there"]).unwrap();
        assert_eq!(names(folder.path()), ["a"]);
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"3");
    }

    #[test]
    fn a_crash_before_the_commit_leaves_the_old_files_and_one_after_it_the_new_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let put = |name: &str, text: &str| fs::write(path(name), text).unwrap();
        put("a", "old");
        put(".luthier-1-1.tmp", "new");
        recover_folder(folder.path()).unwrap();
        assert_eq!(names(folder.path()), ["a"]);
        // All is written, one file is renamed.
        put("a", "new");
        put(".luthier-1-2.tmp", "new");
        put("model", "old");
        put(
            COMMIT,
            r#"{"rename": [[".luthier-1-1.tmp", "a"], [".luthier-1-2.tmp", "b"]], "remove": ["model"]}"#,
        );
        recover_folder(folder.path()).unwrap();
        assert_eq!(names(folder.path()), ["a", "b"]);
        assert_eq!(fs::read(path("b")).unwrap(), b"new");
        // Nothing outside the folder is touched, whatever a commit says.
        put(COMMIT, r#"{"rename": [["../x", "a"]], "remove": ["../y", "/etc/never"]}"#);
        recover_folder(folder.path()).unwrap();
        assert_eq!(names(folder.path()), ["a", "b"]);
    }

    #[test]
    fn nothing_changes_if_a_file_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(folder.path().join("b/in"), "").unwrap();
        fs::write(folder.path().join("a"), "old").unwrap();
        assert!(write_folder(folder.path(), &[("a", b"new"), ("b", b"new")], &[]).is_err());
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a", "b"]);
    }

    #[test]
    fn a_file_that_a_living_process_writes_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = WholeFile::create(&folder.path().join("a")).unwrap();
        recover_folder(folder.path()).unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        drop(file);
        assert!(names(folder.path()).is_empty());
    }
}
