//! Data in shards: what is known of one is kept, and the search over all reads only what is new.

mod file;
mod join;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use luthier_core::frame::{ColumnType, ContentHash, DataFrame, Field, Schema};
use luthier_core::{BlockSummaries, Kept};

pub(crate) use self::join::Joined;
use self::join::ShardSplit;
use crate::{Error, Result};

/// The largest number of bytes of the summaries of a shard that are kept.
const MOST_KEPT: u64 = 1 << 26;

/// Rows in shards, such as those of days, files or sites. Each shard is split and summarised by itself, so shards can be added, and what
/// has been computed of a shard is not computed again.
///
/// [`Search::fit_shards`](crate::Search::fit_shards) searches over all of them and keeps the summaries here. The result is the same, bit for bit,
/// whichever of the summaries were known before. [`save`](Self::save) writes the summaries to a file, from which a
/// search can be run without the rows, on another machine, together with those of others.
///
/// A shard is split by the splitter of the search as if there were no other, with the same seed, and blocks of the same number belong together:
/// fold 1 of all rows is fold 1 of each shard. With [`LeaveOneShardOut`](crate::LeaveOneShardOut) each shard is a fold.
///
/// Without rows, a search can only use what follows from summaries: linear regression and PCA behind stages that are affine, and the
/// metrics that follow from moments. What needs rows is named before the search starts.
///
/// ```
#[doc = include_str!("../example_parts.txt")]
/// use std::sync::Arc;
/// use luthier_tune::{KFold, ParamGrid, Search, Shards};
///
/// let grid = ParamGrid::new().add_by_name("reg_param", [0.01, 0.1, 1.0]);
/// let search = Search::new(Box::new(Ridge::new()), grid, Box::new(Error::new()), Arc::new(KFold::new()));
/// let mut shards = Shards::new();
/// shards.append("yesterday", &data)?;
/// let first = search.fit_shards(&mut shards)?;
/// assert_eq!(first.result.candidates[0].mean, search.fit(&data)?.result.candidates[0].mean);
/// shards.append("today", &data)?;
/// // Of a stage that declares what it summarises, only these rows are read.
/// let both = search.fit_shards(&mut shards)?;
/// assert_eq!(both.result.candidates.len(), 3);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Shards {
    shards: Vec<OneShard>,
    /// Where they are saved while they are summarised, and how often.
    saved: Option<(PathBuf, Duration)>,
}

#[derive(Debug, Clone)]
pub(crate) struct OneShard {
    name: String,
    /// What identifies the rows.
    fingerprint: Option<String>,
    rows: DataFrame,
    /// How its rows are split, once they have been.
    split: Option<ShardSplit>,
    summaries: Arc<Mutex<BlockSummaries>>,
    /// What whoever saves the summaries says about them.
    about: String,
}

impl OneShard {
    fn summaries(&self) -> MutexGuard<'_, BlockSummaries> {
        self.summaries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shards {
    /// No shards.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds rows as a shard, behind the others. Its partitions matter for rounding only.
    ///
    /// # Errors
    /// A name that another shard has; columns that do not agree with those of the others.
    pub fn append(&mut self, name: impl Into<String>, rows: &DataFrame) -> Result<()> {
        self.add(OneShard {
            name: name.into(),
            fingerprint: None,
            rows: rows.clone(),
            split: None,
            summaries: Arc::default(),
            about: String::new(),
        })
    }

    /// Adds the shards of another list behind these.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_all(&mut self, others: Self) -> Result<()> {
        others.shards.into_iter().try_for_each(|shard| self.add(shard))
    }

    fn add(&mut self, shard: OneShard) -> Result<()> {
        if self.names().any(|name| name == shard.name) {
            return Err(Error::invalid(format!(
                "there are two shards named `{}`: the rows of a shard count once, so give each its own name",
                shard.name
            )));
        }
        let same = |other: &&OneShard| shard.fingerprint.is_some() && other.fingerprint == shard.fingerprint;
        if let Some(other) = self.shards.iter().find(same) {
            return Err(Error::invalid(format!(
                "the shards `{}` and `{}` have the same rows, which count once",
                other.name, shard.name
            )));
        }
        self.shards.push(shard);
        let added = self.in_common_types();
        if added.is_err() {
            self.shards.pop();
        }
        added
    }

    /// Gives columns that are integers in one shard and floating-point numbers in another the same type.
    fn in_common_types(&mut self) -> Result<()> {
        let (Some(first), Some(last)) = (self.shards.first(), self.shards.last()) else { return Ok(()) };
        if first.rows.schema() == last.rows.schema() {
            return Ok(());
        }
        agree(first, last)?;
        let fields = self.shards.iter().flat_map(|shard| shard.rows.schema().fields());
        let floats = fields.filter(|field| field.column_type() == ColumnType::F64);
        let floats: HashSet<String> = floats.map(|field| field.name().to_owned()).collect();
        for shard in &mut self.shards {
            let types = shard.rows.schema().fields().iter().map(|field| match field.column_type() {
                ColumnType::I64 if floats.contains(field.name()) => Field::number(field.name()),
                _ => field.clone(),
            });
            let types = Schema::new(types.collect()).map_err(luthier_core::Error::from)?;
            if let Some(widened) = shard.rows.widened(&types).map_err(luthier_core::Error::from)? {
                shard.rows = widened;
            }
        }
        Ok(())
    }

    /// The same shards with other names.
    #[must_use]
    pub fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        self.shards.iter_mut().for_each(|shard| shard.name = name(&shard.name));
        self
    }

    /// What identifies the rows of the shard that was added last, such as a hash of their file; by default a hash of their values is
    /// computed when it is needed.
    #[must_use]
    pub fn known_as(mut self, fingerprint: impl Into<String>) -> Self {
        if let Some(last) = self.shards.last_mut() {
            last.fingerprint = Some(fingerprint.into());
        }
        self
    }

    /// A text that is saved with the summaries of each shard, for whoever reads them.
    #[must_use]
    pub fn with_about(mut self, about: &str) -> Self {
        self.shards.iter_mut().for_each(|shard| about.clone_into(&mut shard.about));
        self
    }

    /// Whether nothing is known of any shard that would be worth saving.
    pub fn is_unknown(&self) -> bool {
        self.shards.iter().all(|shard| shard.summaries().is_empty())
    }

    /// The text that was saved with each shard.
    pub fn about(&self) -> impl Iterator<Item = &str> {
        self.shards.iter().map(|shard| shard.about.as_str())
    }

    /// The number of shards.
    pub fn len(&self) -> usize {
        self.shards.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shards.is_empty()
    }

    /// The names of the shards.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shards.iter().map(|shard| shard.name.as_str())
    }

    /// What identifies the rows of each shard, where it is known.
    pub fn fingerprints(&self) -> impl Iterator<Item = Option<&str>> {
        self.shards.iter().map(|shard| shard.fingerprint.as_deref())
    }

    /// The rows of all shards, one after the other, as a frame. Those of which only summaries are known are
    /// [absent](DataFrame::absent).
    ///
    /// # Errors
    /// If there are no shards.
    pub fn rows(&self) -> Result<DataFrame> {
        let rows: Vec<DataFrame> = self.shards.iter().map(|shard| shard.rows.clone()).collect();
        if rows.is_empty() {
            return Err(Error::invalid("there are no shards: append rows, or load the summaries of some"));
        }
        DataFrame::concat(&rows).map_err(|error| luthier_core::Error::from(error).into())
    }

    /// The names of the shards whose rows are not here.
    pub fn absent(&self) -> Vec<&str> {
        let absent = self.shards.iter().filter(|shard| shard.rows.is_absent());
        absent.map(|shard| shard.name.as_str()).collect()
    }

    /// Forgets the rows of all shards and keeps what is known of them.
    #[must_use]
    pub fn without_rows(mut self) -> Self {
        for shard in &mut self.shards {
            let schema = shard.rows.schema().clone();
            shard.rows = DataFrame::absent(schema, shard.rows.num_rows(), &shard.name);
        }
        self
    }

    /// Saves what is known to a file while the shards are summarised: after each shard, and within one at most once in this time. A search that dies
    /// goes on there, if it [recalls](Self::recall) what the file has.
    #[must_use]
    pub fn saved_while_read(mut self, path: impl Into<PathBuf>, every: Duration) -> Self {
        self.saved = Some((path.into(), every));
        self
    }

    /// Where the summaries of a shard are kept, if they take no more than a part of the memory budget.
    fn kept(&self, shard: &OneShard, budget: u64) -> Kept {
        let kept = Kept::new(Arc::clone(&shard.summaries));
        let kept = kept.within(MOST_KEPT.min(budget / 4));
        let Some((path, every)) = self.saved.clone() else { return kept };
        let shards = Self { saved: None, ..self.clone() };
        let last = Mutex::new(Instant::now());
        let save = move || {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.elapsed() >= every {
                // Without it, rows are read again, and nothing else is lost.
                let _ = shards.save(&path);
                *last = Instant::now();
            }
        };
        kept.saved(every, Arc::new(save))
    }

    /// Takes what is known of shards with the same fingerprints and columns.
    pub fn recall(&mut self, known: &Self) {
        for shard in &mut self.shards {
            let is_same = |other: &&OneShard| {
                shard.fingerprint.is_some()
                    && shard.fingerprint == other.fingerprint
                    && shard.rows.num_rows() == other.rows.num_rows()
                    && shard.rows.schema() == other.rows.schema()
            };
            if let Some(other) = known.shards.iter().find(is_same) {
                shard.split.clone_from(&other.split);
                shard.summaries = Arc::clone(&other.summaries);
            }
        }
    }

    /// Whether a summary of a shard holds rows instead of sums over them, as one of few rows with many features does. The name of the
    /// first such shard.
    pub fn holding_rows(&self) -> Option<&str> {
        self.shards.iter().find(|shard| shard.summaries().holds_rows()).map(|shard| shard.name.as_str())
    }

    /// What identifies all rows.
    pub(crate) fn fingerprint(&self) -> Result<String> {
        if let [OneShard { fingerprint: Some(fingerprint), .. }] = &self.shards[..] {
            return Ok(fingerprint.clone());
        }
        let mut hash = ContentHash::new();
        for shard in &self.shards {
            let of_rows = match &shard.fingerprint {
                Some(fingerprint) => fingerprint.clone(),
                None if shard.rows.is_absent() => {
                    let known = postcard::to_allocvec(&*shard.summaries());
                    ContentHash::of(&known.map_err(|error| Error::invalid(error.to_string()))?).to_string()
                }
                None => shard.rows.content_hash().map_err(luthier_core::Error::from)?.to_string(),
            };
            hash.write(format!("{of_rows} {}\n", shard.rows.num_rows()).as_bytes());
        }
        Ok(hash.finish().to_string())
    }
}

/// Checks that a shard has the columns of another one: names, order, and types, up to integers that are floating-point numbers in one of them.
/// Whether values may be missing may differ.
fn agree(first: &OneShard, other: &OneShard) -> Result<()> {
    let columns = |shard: &OneShard| -> Vec<(String, String)> {
        let fields = shard.rows.schema().fields().iter();
        let kind = |field: &Field| match field.column_type() {
            ColumnType::I64 | ColumnType::F64 => "a number".to_owned(),
            other => other.to_string(),
        };
        fields.map(|field| (field.name().to_owned(), kind(field))).collect()
    };
    let (expected, found) = (columns(first), columns(other));
    let differs = expected.iter().zip(&found).find(|(expected, found)| expected != found);
    let what = match differs {
        Some(((name, of), (other_name, other_of))) if name == other_name => {
            format!("column `{name}` is {other_of}, expected {of}")
        }
        Some(((name, _), (other_name, _))) => {
            format!("it has column `{other_name}` where `{name}` is expected")
        }
        None if expected.len() != found.len() => {
            format!("it has {} columns, expected {}", found.len(), expected.len())
        }
        None => return Ok(()),
    };
    Err(Error::invalid(format!(
        "the columns of shard `{}` are not those of `{}`: {what}",
        other.name, first.name
    )))
}
