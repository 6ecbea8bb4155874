//! What has been scored, on disk: a search that dies is resumed where it was.
//!
//! A journal is a folder of segments `cells-0001.jsonl`, one for each process that wrote to it. A segment is a header and then
//! one line of JSON for each cell, that is, each candidate on each round, in the order in which they ended. Each line has a checksum, so that a
//! line that is cut or damaged is noticed and its cell is scored again. A cell is known by a hash of all that its scores depend on,
//! not by its place: a larger grid finds the cells of a smaller one.

mod cell;
mod header;
mod line;
mod segment;

use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;

use luthier_core::Work;
use luthier_core::frame::ContentHash;
use serde::{Deserialize, Serialize};

pub(crate) use self::cell::{CellLine, FitLine, bits};
pub(crate) use self::header::Header;
use self::header::{FORMAT, HeaderKind, VERSION};
use self::segment::Segment;
use crate::{Error, Result};

/// What is known of the cells, and of the work for searches that have ended, by their keys.
#[derive(Debug, Default)]
struct Known {
    cells: HashMap<String, CellLine>,
    work: HashMap<String, Work>,
}

/// The work that a search took, whose cells are all there.
#[derive(Debug, Serialize, Deserialize)]
struct WorkLine {
    kind: WorkKind,
    /// A hash of the keys of its cells.
    key: String,
    work: Work,
}

/// The word by which readers tell lines apart.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WorkKind {
    Work,
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    known: Known,
    /// What a reader should know about what was found.
    remarks: Vec<String>,
    segment: Segment,
}

impl Journal {
    /// Opens the journal in a folder, which is created if it does not exist.
    ///
    /// # Errors
    /// A folder that cannot be read or written; another process that writes to it.
    pub(crate) fn open(directory: &Path, header: &Header) -> Result<Self> {
        let io = |source| Error::journal(directory, source);
        std::fs::create_dir_all(directory).map_err(io)?;
        let lock = std::fs::File::create(directory.join("lock")).map_err(io)?;
        // Only for the moment in which a process looks for others and makes itself known.
        lock.lock().map_err(io)?;
        let paths = segment::paths(directory)?;
        if let Some(live) = paths.iter().find(|path| segment::is_live(path)) {
            return Err(Error::JournalInUse { path: live.clone() });
        }
        let header = Header {
            kind: HeaderKind::Header,
            format: FORMAT.to_owned(),
            version: VERSION,
            ..header.clone()
        };
        let (mut known, mut remarks) = (Known::default(), Vec::new());
        for path in &paths {
            read(path, &header, &mut known, &mut remarks)?;
        }
        let segment = Segment::create(directory, line::write(&header)?)?;
        Ok(Self { known, remarks, segment })
    }

    /// The cell with this key.
    pub(crate) fn get(&self, key: &str) -> Option<&CellLine> {
        self.known.cells.get(key)
    }

    /// The work that a search with this key took.
    pub(crate) fn work(&self, key: &str) -> Option<Work> {
        self.known.work.get(key).copied()
    }

    /// Appends the work of a search that has ended.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn append_work(&self, key: String, work: Work) -> Result<()> {
        self.segment.append(&line::write(&WorkLine { kind: WorkKind::Work, key, work })?)
    }

    pub(crate) fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Appends cells that have ended, all at once.
    ///
    /// # Errors
    /// If they cannot be written, for example because the disk is full.
    pub(crate) fn append(&self, cells: &[CellLine]) -> Result<()> {
        if cells.is_empty() {
            return Ok(());
        }
        self.segment.append(&cells.iter().map(line::write).collect::<Result<String>>()?)
    }
}

/// Reads a segment into `known`. Damaged lines are left out and mentioned.
fn read(path: &Path, own: &Header, known: &mut Known, remarks: &mut Vec<String>) -> Result<()> {
    let bytes = std::fs::read(path).map_err(|e| Error::journal(path, e))?;
    let (mut cells, mut damaged, mut header) = (Vec::new(), Vec::new(), None::<Header>);
    for (number, bytes) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        let whole = bytes.strip_suffix(b"\n");
        if let Some(cell) = whole.and_then(line::read::<CellLine>) {
            cells.push(cell);
        } else if let Some(WorkLine { key, work, .. }) = whole.and_then(line::read::<WorkLine>) {
            known.work.insert(key, work);
        } else if let Some(found) = whole.and_then(line::read::<Header>).filter(|_| number == 1) {
            header = Some(found);
        } else {
            damaged.push((number, whole.is_none()));
        }
    }
    match &damaged[..] {
        [] => {}
        [(number, true)] => {
            remarks.push(format!("{}:{number}: the line is cut off: its cell is scored again", path.display()));
        }
        [(number, _)] => remarks.push(format!(
            "{}:{number}: the line is damaged (its checksum does not match): its cell is scored again",
            path.display()
        )),
        [(first, _), ..] => remarks.push(format!(
            "{}:{first}: {} lines from here on are damaged or cut off (their checksums do not match): their cells are scored again",
            path.display(),
            damaged.len()
        )),
    }
    let differences = header.map(|header| own.differences(&header)).unwrap_or_default();
    if !differences.is_empty() && !cells.is_empty() {
        remarks.push(format!(
            "{}: the {} cells there are of {}: they are kept, but not used",
            path.display(),
            cells.len(),
            differences.join(", ")
        ));
    }
    known.cells.extend(cells.into_iter().map(|cell| (cell.key.clone(), cell)));
    Ok(())
}

/// The version of this library, and a hash of the program that runs: results of another one are not taken for its own.
pub(crate) fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let executable = std::env::current_exe().ok().and_then(|path| ContentHash::of_file(path).ok());
        let hash = executable.map(|hash| format!(" {hash}")).unwrap_or_default();
        format!("{}{hash}", env!("CARGO_PKG_VERSION"))
    })
}
