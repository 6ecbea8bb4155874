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

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
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
    /// Others as well, and whoever watches them [reports](report_death) those that die: cells at which processes have died are tried alone,
    /// and given up if processes die at them again.
    Watched,
}

/// What a process is to do next.
#[derive(Debug)]
pub(crate) enum Claim {
    /// Compute these cells, which nobody else computes; none if all are there.
    Compute(Vec<String>),
    /// Wait for others, who compute what is left.
    Wait,
    /// Give a cell up at which processes have died.
    GiveUp { key: String, how: String },
}

/// The number of processes that may die at a cell that they try alone.
const MOST_DEATHS: usize = 2;

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: PathBuf,
    header: Header,
    sole: Sole,
    /// The name under which the death of this process would be reported.
    worker: Option<String>,
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
    /// The cells that its writer has set out to compute, and whether each was the only one.
    claimed: HashMap<String, bool>,
    /// The name of its writer.
    worker: Option<String>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    worker: Option<String>,
}

/// The file of reported deaths.
const DEATHS: &str = "deaths.jsonl";

/// A process that has died.
#[derive(Debug, Serialize, Deserialize)]
struct DeathLine {
    worker: String,
    how: String,
}

/// Reports that a process which worked on a search has died, so that others know of the cells at which it did.
///
/// # Errors
/// If it cannot be written.
pub fn report_death(folder: &Path, worker: &str, how: &str) -> Result<()> {
    let path = folder.join(DEATHS);
    let line = line::write(&DeathLine { worker: worker.to_owned(), how: how.to_owned() })?;
    let file = std::fs::OpenOptions::new().append(true).create(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.map_err(|error| Error::journal(&path, error))
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
    pub(crate) fn open(
        directory: &Path,
        header: &Header,
        sole: Sole,
        worker: Option<String>,
    ) -> Result<Self> {
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
        if sole != Sole::Alone {
            // Others want to know at once what is searched here.
            segment.append("")?;
        }
        let mut journal = Self {
            directory: directory.to_owned(),
            header,
            sole,
            worker,
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

    /// Reads what other processes have written, and sets out to compute some of the cells whose keys `wanted` then returns: those that
    /// no living process has claimed, at most a share that leaves work for the others. Returns their keys: none if nothing is
    /// wanted.
    ///
    /// # Errors
    /// A folder that cannot be read or written.
    pub(crate) fn claim(&mut self, wanted: impl FnOnce(&Self) -> Vec<String>) -> Result<Claim> {
        let _lock = lock(&self.directory)?;
        self.read_segments()?;
        let wanted = wanted(self);
        let others: Vec<&Seen> = self
            .seen
            .iter()
            .filter(|(path, seen)| !seen.claimed.is_empty() && segment::is_live(path))
            .map(|(_, seen)| seen)
            .collect();
        let is_free = |key: &&String| !others.iter().any(|seen| seen.claimed.contains_key(*key));
        let free: Vec<String> = wanted.iter().filter(is_free).cloned().collect();
        if free.is_empty() {
            return Ok(if wanted.is_empty() { Claim::Compute(Vec::new()) } else { Claim::Wait });
        }
        let deaths = if self.sole == Sole::Watched { self.deaths() } else { HashMap::new() };
        let is_given_up = |key: &&String| deaths.get(*key).is_some_and(|(alone, _)| *alone >= MOST_DEATHS);
        if let Some(key) = free.iter().find(is_given_up) {
            let how = deaths.get(key).map(|(_, how)| how.clone()).unwrap_or_default();
            return Ok(Claim::GiveUp { key: key.clone(), how });
        }
        let share = free.len().div_ceil(SHARES * (others.len() + 1));
        // What may kill a process comes last, and alone.
        let (suspects, sound): (Vec<String>, Vec<String>) =
            free.into_iter().partition(|key| deaths.contains_key(key));
        let keys: Vec<String> = match sound.is_empty() {
            true => suspects.into_iter().take(1).collect(),
            false => sound.into_iter().take(share).collect(),
        };
        let claim = ClaimLine { kind: ClaimKind::Claim, keys: keys.clone(), worker: self.worker.clone() };
        self.segment.append(&line::write(&claim)?)?;
        Ok(Claim::Compute(keys))
    }

    /// The cells at which processes have died: how many of these had claimed no other cell, and how one of them died.
    fn deaths(&self) -> HashMap<String, (usize, String)> {
        let reported = std::fs::read(self.directory.join(DEATHS)).unwrap_or_default();
        let lines = reported.split(|&byte| byte == b'\n').filter_map(line::read::<DeathLine>);
        let how: HashMap<String, String> = lines.map(|line| (line.worker, line.how)).collect();
        let mut deaths: HashMap<String, (usize, String)> = HashMap::new();
        for seen in self.seen.values() {
            let Some(how) = seen.worker.as_ref().and_then(|worker| how.get(worker)) else { continue };
            for (key, is_alone) in &seen.claimed {
                let (alone, last) = deaths.entry(key.clone()).or_default();
                *alone += usize::from(*is_alone);
                last.clone_from(how);
            }
        }
        deaths
    }

    /// Appends a cell of this process, and knows it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn append_known(&mut self, cell: CellLine) -> Result<()> {
        self.append(std::slice::from_ref(&cell))?;
        self.known.cells.insert(cell.key.clone(), cell);
        Ok(())
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
                let is_alone = claim.keys.len() == 1;
                seen.claimed.extend(claim.keys.into_iter().map(|key| (key, is_alone)));
                seen.worker = claim.worker.or(seen.worker.take());
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
                self.remarks.push(format!("{path}:{number}: the line is cut off: what it said is computed again"));
            }
            [(number, _)] => self.remarks.push(format!(
                "{path}:{number}: the line is damaged (its checksum does not match): what it said is computed again"
            )),
            [(first, _), ..] => self.remarks.push(format!(
                "{path}:{first}: {} lines from here on are damaged or cut off (their checksums do not match): what they said is computed again",
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

/// A first line that is longer is no header.
const MOST_OF_HEADER: u64 = 1 << 20;

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
    BufReader::new(File::open(path).ok()?.take(MOST_OF_HEADER)).read_until(b'\n', &mut line).ok()?;
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

/// Begins to hash the program, which may be large, beside what comes before the journal is opened.
pub(crate) fn expect_program() {
    // Without a thread it is hashed when it is needed.
    let _ = std::thread::Builder::new().name("luthier-program".to_owned()).spawn(program);
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn cell(number: u32) -> CellLine {
        CellLine {
            metric: f64::from(number) + 0.1,
            bits: vec![bits(f64::from(number) + 0.1)],
            ..CellLine::new(format!("{number:032x}"), number, 0, Map::new())
        }
    }

    /// The bytes of a journal with some cells.
    fn written(cells: u32) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), &Header::default(), Sole::Alone, None).unwrap();
        (0..cells).for_each(|number| journal.append(&[cell(number)]).unwrap());
        drop(journal);
        std::fs::read(folder.path().join("cells-0001.jsonl")).unwrap()
    }

    /// The cells that are known, and the remarks, if the segment has these bytes.
    fn read(bytes: &[u8]) -> (Vec<u32>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cells-0001.jsonl"), bytes).unwrap();
        let journal = Journal::open(folder.path(), &Header::default(), Sole::Alone, None).unwrap();
        let known = |number: &u32| journal.get(&format!("{number:032x}")) == Some(&cell(*number));
        assert!(journal.known.cells.values().all(|found| *found == cell(found.round)), "nothing is made up");
        ((0..40).filter(known).collect(), journal.remarks().to_vec())
    }

    #[test]
    fn a_tail_that_is_cut_anywhere_costs_its_line() {
        let bytes = written(30);
        for cut in 1..=4096.min(bytes.len()) {
            let kept = &bytes[..bytes.len() - cut];
            let whole = kept.iter().filter(|&&byte| byte == b'\n').count().saturating_sub(1);
            let (known, remarks) = read(kept);
            assert_eq!(known.len(), whole);
            let is_between = kept.is_empty() || kept.ends_with(b"\n");
            assert_eq!(remarks.len(), usize::from(!is_between), "{cut}: {remarks:?}");
        }
    }

    #[test]
    fn a_flipped_bit_costs_its_line_and_is_said() {
        let bytes = written(30);
        let header = bytes.iter().position(|&byte| byte == b'\n').unwrap();
        let mut state = 7u64;
        for _ in 0..1000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bit = (state >> 16) as usize % (8 * bytes.len());
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let (known, remarks) = read(&damaged);
            // Where the end of a line is hit, two lines are one. Digits of a checksum in upper case are the same number.
            let least = if bit / 8 <= header { 29 } else { 28 };
            let is_same = damaged.to_ascii_lowercase() == bytes;
            assert!(known.len() >= least, "bit {bit}: {}", known.len());
            assert!(is_same || !remarks.is_empty(), "bit {bit} is not noticed");
        }
    }

    #[test]
    fn what_a_dead_process_claimed_is_free_and_what_a_living_one_claimed_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Journal::open(folder.path(), &Header::default(), Sole::Joined, None).unwrap();
        let keys: Vec<String> = (0..8).map(|number| format!("{number:032x}")).collect();
        let left = |journal: &Journal| -> Vec<String> {
            keys.iter().filter(|key| journal.get(key).is_none()).cloned().collect()
        };
        let (mut one, mut other) = (open(), open());
        let claim = |journal: &mut Journal| match journal.claim(|journal| left(journal)).unwrap() {
            Claim::Compute(keys) => Some(keys),
            _ => None,
        };
        let first = claim(&mut one).unwrap();
        let second = claim(&mut other).unwrap();
        assert!(!first.is_empty() && !second.is_empty());
        assert!(first.iter().all(|key| !second.contains(key)));
        drop(one);
        let mut found: Vec<String> = Vec::new();
        while let Some(keys) = claim(&mut other).filter(|keys| !keys.is_empty()) {
            let cells: Vec<CellLine> =
                keys.iter().map(|key| cell(u32::from_str_radix(key, 16).unwrap())).collect();
            other.append(&cells).unwrap();
            other.known.cells.extend(cells.into_iter().map(|cell| (cell.key.clone(), cell)));
            found.extend(keys);
        }
        found.sort();
        assert_eq!(found, keys);
    }
}
