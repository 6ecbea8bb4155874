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

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use luthier_core::Work;
use luthier_core::frame::ContentHash;
use serde::{Deserialize, Serialize};

pub(crate) use self::cell::{CellLine, FitLine, bits};
pub(crate) use self::header::Header;
use self::header::{FORMAT, HeaderKind, VERSION};
use self::segment::Segment;
use crate::{Error, Result};

/// Whether other processes may work on the same search at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sole {
    /// This process alone.
    Alone,
    /// Others as well: each cell is computed by one of them.
    Joined,
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: PathBuf,
    header: Header,
    known: Known,
    /// What was read of the segments of other processes.
    seen: BTreeMap<PathBuf, Seen>,
    /// What a reader should know about what was found.
    remarks: Vec<String>,
    segment: Segment,
}

/// What is known of the cells, and of the work for searches that have ended, by their keys.
#[derive(Debug, Default)]
struct Known {
    cells: HashMap<String, CellLine>,
    work: HashMap<String, Work>,
}

/// What was read of a segment.
#[derive(Debug, Default)]
struct Seen {
    /// The number of bytes, and of lines.
    bytes: u64,
    lines: usize,
    /// The cells that its writer has set out to compute.
    claimed: HashSet<String>,
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

/// The cells that a process sets out to compute, so that others leave them to it as long as it lives.
#[derive(Debug, Serialize, Deserialize)]
struct ClaimLine {
    kind: ClaimKind,
    keys: Vec<String>,
}

/// The word by which readers tell lines apart.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClaimKind {
    Claim,
}

impl Journal {
    /// Opens the journal in a folder, which is created if it does not exist.
    ///
    /// # Errors
    /// A folder that cannot be read or written; another process that writes to it, unless this one joins it; joined processes that
    /// search something else.
    pub(crate) fn open(directory: &Path, header: &Header, sole: Sole) -> Result<Self> {
        let io = |source| Error::journal(directory, source);
        std::fs::create_dir_all(directory).map_err(io)?;
        let _lock = lock(directory)?;
        let header = Header {
            kind: HeaderKind::Header,
            format: FORMAT.to_owned(),
            version: VERSION,
            ..header.clone()
        };
        let live: Vec<PathBuf> =
            segment::paths(directory)?.into_iter().filter(|path| segment::is_live(path)).collect();
        if let Some(path) = live.first().filter(|_| sole == Sole::Alone) {
            return Err(Error::JournalInUse { path: path.clone() });
        }
        for path in live {
            let differences = first_line(&path).map(|found| header.differences(&found)).unwrap_or_default();
            if !differences.is_empty() {
                return Err(Error::JournalDiffers { path, differences: differences.join(", ") });
            }
        }
        let segment = Segment::create(directory, line::write(&header)?)?;
        if sole == Sole::Joined {
            // Others want to know at once what is searched here.
            segment.append("")?;
        }
        let mut journal = Self {
            directory: directory.to_owned(),
            header,
            known: Known::default(),
            seen: BTreeMap::new(),
            remarks: Vec::new(),
            segment,
        };
        journal.read_segments()?;
        Ok(journal)
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

    /// Reads what other processes have written, and sets out to compute some of the cells that `wanted` returns: those that are neither known
    /// nor claimed by a living process, at most a share that leaves work for the others. Returns their places among the wanted ones;
    /// `None` if all that is left is being computed by others.
    ///
    /// # Errors
    /// A folder that cannot be read or written.
    pub(crate) fn claim(
        &mut self,
        wanted: &mut dyn FnMut(&Self) -> Vec<String>,
    ) -> Result<Option<Vec<String>>> {
        let _lock = lock(&self.directory)?;
        self.read_segments()?;
        let wanted = wanted(self);
        let others: Vec<&Seen> = self
            .seen
            .iter()
            .filter(|(path, seen)| !seen.claimed.is_empty() && segment::is_live(path))
            .map(|(_, seen)| seen)
            .collect();
        let is_free = |key: &&String| !others.iter().any(|seen| seen.claimed.contains(*key));
        let free: Vec<String> = wanted.iter().filter(is_free).cloned().collect();
        if free.is_empty() {
            return Ok((wanted.is_empty()).then(Vec::new));
        }
        let share = free.len().div_ceil(SHARES * (others.len() + 1));
        let keys: Vec<String> = free.into_iter().take(share).collect();
        self.segment.append(&line::write(&ClaimLine { kind: ClaimKind::Claim, keys: keys.clone() })?)?;
        Ok(Some(keys))
    }

    /// Reads what is new in the segments of other processes.
    fn read_segments(&mut self) -> Result<()> {
        for path in segment::paths(&self.directory)? {
            if path != self.segment.path() {
                self.read_segment(&path)?;
            }
        }
        Ok(())
    }

    /// Reads what is new in a segment. Damaged lines are left out and mentioned.
    fn read_segment(&mut self, path: &Path) -> Result<()> {
        let io = |e| Error::journal(path, e);
        let seen = self.seen.entry(path.to_owned()).or_default();
        let mut file = match File::open(path) {
            Ok(file) => file,
            // A process that has written nothing removes its segment.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io(error)),
        };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(seen.bytes)).map_err(io)?;
        file.read_to_end(&mut bytes).map_err(io)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let (mut cells, mut damaged, mut header) = (0, Vec::new(), None::<Header>);
        for bytes in bytes.split_inclusive(|&byte| byte == b'\n') {
            let Some(whole) = bytes.strip_suffix(b"\n") else {
                // What a living process is writing is read when it is complete.
                if !segment::is_live(path) {
                    damaged.push((seen.lines + 1, true));
                }
                continue;
            };
            seen.bytes += bytes.len() as u64;
            seen.lines += 1;
            if let Some(cell) = line::read::<CellLine>(whole) {
                seen.claimed.remove(&cell.key);
                self.known.cells.insert(cell.key.clone(), cell);
                cells += 1;
            } else if let Some(claim) = line::read::<ClaimLine>(whole) {
                seen.claimed.extend(claim.keys);
            } else if let Some(WorkLine { key, work, .. }) = line::read(whole) {
                self.known.work.insert(key, work);
            } else if let Some(found) = line::read::<Header>(whole).filter(|_| seen.lines == 1) {
                header = Some(found);
            } else {
                damaged.push((seen.lines, false));
            }
        }
        let path = path.display();
        match &damaged[..] {
            [] => {}
            [(number, true)] => {
                self.remarks.push(format!("{path}:{number}: the line is cut off: its cell is scored again"));
            }
            [(number, _)] => self.remarks.push(format!(
                "{path}:{number}: the line is damaged (its checksum does not match): its cell is scored again"
            )),
            [(first, _), ..] => self.remarks.push(format!(
                "{path}:{first}: {} lines from here on are damaged or cut off (their checksums do not match): their cells are scored \
                 again",
                damaged.len()
            )),
        }
        let differences = header.map(|header| self.header.differences(&header)).unwrap_or_default();
        if !differences.is_empty() && cells > 0 {
            self.remarks.push(format!(
                "{path}: the {cells} cells there are of {}: they are kept, but not used",
                differences.join(", ")
            ));
        }
        Ok(())
    }
}

/// Of the cells that are left, each process claims about one part in as many as there are processes, times this.
const SHARES: usize = 4;

/// Holds off other processes while this one looks for them and makes itself or its claims known.
fn lock(directory: &Path) -> Result<File> {
    let io = |source| Error::journal(directory, source);
    let file = File::create(directory.join("lock")).map_err(io)?;
    file.lock().map_err(io)?;
    Ok(file)
}

/// The header of a segment, if it has one.
fn first_line(path: &Path) -> Option<Header> {
    let mut line = Vec::new();
    BufReader::new(File::open(path).ok()?).read_until(b'\n', &mut line).ok()?;
    line::read(line.strip_suffix(b"\n")?)
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
