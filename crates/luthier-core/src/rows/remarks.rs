//! What stages remark on the rows that pass through them.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Result;
use crate::describe::Description;
use crate::params::{ParamInfo, Value};
use crate::stage::{Children, DynModel, FittedChild, Transformer};

/// Cells of some rows that a stage accepts although they are unlike those on which it was fitted, such as unknown categories.
/// A stage passes them to [`Outputs::remark`](crate::Outputs::remark).
///
/// ```
/// use luthier_core::OddCells;
///
/// let mut odd = OddCells::new("color", "a category that was not seen when fitting", "counted as `other`");
/// odd.push(17, || "mauve".to_owned());
/// odd.push(19, || "ecru".to_owned());
/// assert_eq!(odd.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddCells {
    column: String,
    what: &'static str,
    outcome: &'static str,
    rows: Vec<usize>,
    example: String,
    cause: String,
    ordinary: bool,
}

impl OddCells {
    /// No cells yet of this column. `what` completes the sentence "the cells have …", and `outcome` says
    /// what became of one or several of them: "left out, with the row".
    pub fn new(column: impl Into<String>, what: &'static str, outcome: &'static str) -> Self {
        let (rows, example, cause) = (Vec::new(), String::new(), String::new());
        Self { column: column.into(), what, outcome, rows, example, cause, ordinary: false }
    }

    /// The same cells; it is remarkable only if those of all rows are so, as gaps that the stage fills.
    #[must_use]
    pub fn ordinary(self) -> Self {
        Self { ordinary: true, ..self }
    }

    /// The same cells; `cause` says why the first of them is odd: "because feature `age` is NaN".
    #[must_use]
    pub fn because(self, cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), ..self }
    }

    /// Adds the cell of a row, by its number in the frame ([`Tile::row`](crate::Tile::row)). Rows come in ascending order; only
    /// the first value is asked for.
    pub fn push(&mut self, row: usize, value: impl FnOnce() -> String) {
        if self.rows.is_empty() {
            self.example = value();
        }
        self.rows.push(row);
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// All odd cells of one kind that a stage has found in a column.
///
/// It displays without the place of the row, which only the frame knows: `stage `index`: 2 cells of column `color` have a
/// category that was not seen when fitting, the first of them `mauve`: left out, with the row`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remark {
    /// The dotted name of the stage in its pipeline.
    pub stage: String,
    /// The column.
    pub column: String,
    /// What the cells have.
    pub what: &'static str,
    /// What became of them.
    pub outcome: &'static str,
    /// How many cells there are.
    pub cells: usize,
    /// The number of the first row with such a cell.
    pub row: usize,
    /// The value in that row.
    pub example: String,
    /// Why that value is odd, if the stage knows it.
    pub cause: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, column, what, outcome, cells, example, cause, .. } = self;
        let (s, have, first) =
            if *cells == 1 { ("", "has", "") } else { ("s", "have", "the first of them ") };
        write!(f, "stage `{stage}`: {cells} cell{s} of column `{column}` {have} {what}, {first}`{example}`")?;
        if !cause.is_empty() {
            write!(f, " {cause}")?;
        }
        write!(f, ": {outcome}")
    }
}

/// Collects the remarks of the stages of a pipeline while rows pass through it
/// ([`PipelineModel::stream_with`](crate::PipelineModel::stream_with)). A cell counts once, however often its row is read.
#[derive(Debug, Clone, Default)]
pub struct Remarks {
    found: Arc<Mutex<BTreeMap<Kind, Tally>>>,
}

/// The place of the stage in its pipeline, the column, and what is odd.
type Kind = (usize, String, &'static str);

#[derive(Debug)]
struct Tally {
    stage: String,
    outcome: &'static str,
    /// A bit per row, in words of 64 rows.
    rows: BTreeMap<usize, u64>,
    first: (usize, String, String),
    ordinary: bool,
}

impl Tally {
    fn cells(&self) -> usize {
        self.rows.values().map(|rows| rows.count_ones() as usize).sum()
    }
}

impl Remarks {
    /// The remarks so far, in the order of the stages, then by column, except those on [ordinary](OddCells::ordinary) cells.
    pub fn all(&self) -> Vec<Remark> {
        self.of(|tally| !tally.ordinary)
    }

    /// The remarks on [ordinary](OddCells::ordinary) cells that as many rows have.
    pub fn of_all_rows(&self, rows: usize) -> Vec<Remark> {
        self.of(|tally| tally.ordinary && tally.cells() == rows)
    }

    fn of(&self, wanted: impl Fn(&Tally) -> bool) -> Vec<Remark> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let remark = |((_, column, what), tally): (&Kind, &Tally)| Remark {
            stage: tally.stage.clone(),
            column: column.clone(),
            what,
            outcome: tally.outcome,
            cells: tally.cells(),
            row: tally.first.0,
            example: tally.first.1.clone(),
            cause: tally.first.2.clone(),
        };
        found.iter().filter(|(_, tally)| wanted(tally)).map(remark).collect()
    }

    fn add(&self, place: usize, stage: &str, odd: OddCells) {
        let Some(&first) = odd.rows.first() else { return };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = found.entry((place, odd.column, odd.what)).or_insert_with(|| Tally {
            stage: stage.to_owned(),
            outcome: odd.outcome,
            rows: BTreeMap::new(),
            first: (first, odd.example.clone(), odd.cause.clone()),
            ordinary: odd.ordinary,
        });
        if first < tally.first.0 {
            tally.first = (first, odd.example, odd.cause);
        }
        for row in odd.rows {
            *tally.rows.entry(row / 64).or_default() |= 1 << (row % 64);
        }
    }
}

/// A model whose remarks are collected.
#[derive(Debug)]
pub(crate) struct Watched {
    model: Arc<dyn DynModel>,
    place: usize,
    remarks: Remarks,
}

impl Watched {
    /// `place` is that of the stage in its pipeline.
    pub(crate) fn of(model: Arc<dyn DynModel>, place: usize, remarks: &Remarks) -> Arc<dyn DynModel> {
        Arc::new(Self { model, place, remarks: remarks.clone() })
    }
}

impl DynModel for Watched {
    fn type_name(&self) -> &'static str {
        self.model.type_name()
    }

    fn transformer(&self) -> &dyn Transformer {
        self.model.transformer()
    }

    fn describe(&self) -> Description {
        self.model.describe()
    }

    fn children(&self) -> Children<'_, FittedChild> {
        self.model.children()
    }

    fn check_state(&self) -> Result<()> {
        self.model.check_state()
    }

    fn is_fitted(&self) -> bool {
        self.model.is_fitted()
    }

    fn param_infos(&self) -> &'static [ParamInfo] {
        self.model.param_infos()
    }

    fn values(&self) -> Vec<(&'static str, Value)> {
        self.model.values()
    }

    fn state(&self) -> Result<serde_json::Value> {
        self.model.state()
    }

    fn as_any(&self) -> &dyn Any {
        self.model.as_any()
    }

    fn is_watched(&self) -> bool {
        true
    }

    fn remark(&self, stage: &str, odd: OddCells) {
        self.remarks.add(self.place, stage, odd);
    }
}
