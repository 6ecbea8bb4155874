//! Files that a command reads and writes: what is written must not replace what is read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use luthier::frame::FileSet;

/// The files of one run of the program, with their names in messages.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    inputs: Vec<(String, Identity)>,
    /// Folders in which every file is read.
    folders: Vec<(String, Identity)>,
    outputs: Vec<(String, Identity)>,
}

impl Paths {
    /// A file that is read, such as `the configuration`.
    pub(crate) fn input(mut self, what: &str, path: &Path) -> Self {
        self.inputs.push((what.to_owned(), Identity::of(path)));
        self
    }

    /// Files that are read as rows: a file, a folder, or those that match a glob.
    pub(crate) fn data(mut self, path: &Path) -> Self {
        if path.is_dir() {
            self.folders.push(("the data".to_owned(), Identity::of(path)));
        }
        // If there are none, reading them will fail.
        if let Ok(files) = FileSet::open(path) {
            self.inputs.extend(files.paths().map(|file| ("the data".to_owned(), Identity::of(file))));
        }
        self
    }

    /// A file that will be written; `what` is the option that names it, such as `--model`.
    ///
    /// # Errors
    /// If the file is also read or written under another option, or is in a folder in which every file is read.
    pub(crate) fn output(mut self, what: &str, path: &Path) -> Result<Self> {
        // Standard output overwrites nothing.
        if path == Path::new("-") {
            return Ok(self);
        }
        let identity = Identity::of(path);
        let shown = path.display();
        if let Some((input, _)) = self.inputs.iter().find(|(_, input)| input.is(&identity)) {
            bail!("{what} {shown}: this would overwrite {input}: name another file");
        }
        if let Some((other, _)) = self.outputs.iter().find(|(_, output)| output.is(&identity)) {
            bail!("{what} {shown}: {other} names the same file: name another file");
        }
        if let Some((folder, _)) = self.folders.iter().find(|(_, folder)| identity.is_in(folder)) {
            bail!(
                "{what} {shown}: this is in the folder of {folder}, in which every file is read: name another folder"
            );
        }
        self.outputs.push((what.to_owned(), identity));
        Ok(self)
    }

    /// Files of these names that will be written into a folder.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub(crate) fn outputs_in(self, what: &str, folder: &Path, names: &[&str]) -> Result<Self> {
        names.iter().try_fold(self, |paths, name| paths.output(what, &folder.join(name)))
    }
}

/// Identifies a file, so that two paths to the same file are recognised through links and other spellings.
#[derive(Debug)]
struct Identity {
    /// The resolved path; that of the folder and the name where the file does not exist yet.
    path: PathBuf,
    /// Device and number of the file, if it exists.
    inode: Option<(u64, u64)>,
}

impl Identity {
    fn of(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self { inode: inode(&path), path: resolved(&path, 0) }
    }

    fn is(&self, other: &Self) -> bool {
        self.path == other.path || (self.inode.is_some() && self.inode == other.inode)
    }

    fn is_in(&self, folder: &Self) -> bool {
        self.path.starts_with(&folder.path)
    }
}

/// The path without links, as far as it exists: a link to a file that does not exist yet is followed too.
fn resolved(path: &Path, links: usize) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    let folder = path.parent().map(|folder| resolved(folder, links));
    let name = path.file_name().map(OsString::from);
    if let (Ok(target), Some(folder), true) = (path.read_link(), &folder, links < 40) {
        return resolved(&folder.join(target), links + 1);
    }
    match (folder, name) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(unix)]
fn inode(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn inode(_path: &Path) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_is_known_in_every_spelling() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("d.csv"), "x\n1\n").unwrap();
        std::fs::create_dir(at("sub")).unwrap();
        let refused = |path: &Path| {
            let paths = Paths::default().input("the configuration", &at("c.toml")).data(&at("d.csv"));
            paths.output("--model", path).err().map(|error| error.to_string())
        };
        assert!(refused(&at("sub/../d.csv")).unwrap().contains("this would overwrite the data"));
        assert!(refused(&at("sub/../c.toml")).unwrap().contains("this would overwrite the configuration"));
        assert_eq!(refused(&at("m.json")), None);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("d.csv"), at("soft")).unwrap();
            std::fs::hard_link(at("d.csv"), at("hard")).unwrap();
            std::os::unix::fs::symlink("c.toml", at("dangling")).unwrap();
            std::os::unix::fs::symlink(folder.path(), at("sub/up")).unwrap();
            for name in ["soft", "hard", "dangling", "sub/up/d.csv", "sub/up/c.toml"] {
                assert!(refused(&at(name)).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn folders_of_data_and_other_outputs_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("1.csv"), "x\n1\n").unwrap();
        let inside = Paths::default().data(&data).output("--out", &data.join("2.csv"));
        assert!(inside.unwrap_err().to_string().contains("in which every file is read"));
        let one = folder.path().join("a.csv");
        let twice = Paths::default().output("--out-train", &one).unwrap().output("--out-test", &one);
        assert!(twice.unwrap_err().to_string().contains("--out-train names the same file"));
    }
}
