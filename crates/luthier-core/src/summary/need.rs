//! The object-safe counterpart of [`Summary`]: a request whose type is not known statically.

use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;

use luthier_frame::Schema;
use serde::Serialize;

use super::Summary;
use crate::affine::{Affine, AffineColumns};
use crate::rows::Tile;
use crate::stage::panic_to_error;
use crate::{Error, Result};

/// A finished summary of some type.
pub(crate) type Answer = Arc<dyn Any + Send + Sync>;

/// A summary that is being computed.
pub(crate) trait DynState: Debug + Send + Sync {
    fn update(&mut self, tile: &Tile<'_>) -> Result<()>;
    fn merge(&mut self, other: &dyn DynState) -> Result<()>;
    fn bytes_of_rows(&self, rows: u64) -> usize;
    fn clone_box(&self) -> Box<dyn DynState>;
    fn to_bytes(&self) -> Result<Vec<u8>>;
    fn holds_rows(&self) -> bool;
    fn finish(self: Box<Self>) -> Answer;
    fn as_any(&self) -> &dyn Any;
}

trait DynNeed: Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn columns(&self) -> Vec<String>;
    fn same(&self, other: &dyn DynNeed) -> bool;
    fn empty(&self, schema: &Schema) -> Result<Box<dyn DynState>>;
    fn union(&self, other: &dyn DynNeed) -> Option<Need>;
    fn project(&self, answer: &Answer, to: &dyn DynNeed) -> Option<Answer>;
    fn pull_back(&self, columns: &AffineColumns) -> Option<Need>;
    fn lift(&self, upstream: &Answer, map: &Affine) -> Result<Option<Answer>>;
    fn spec(&self) -> Result<Vec<u8>>;
    fn restore(&self, spec: &[u8], state: &[u8], schema: &Schema) -> Option<Box<dyn DynState>>;
    fn as_any(&self) -> &dyn Any;
}

/// A declared request for a summary. Stages and evaluators declare their needs before the rows are read, so that
/// one pass answers all of them.
#[derive(Clone)]
pub struct Need(Arc<dyn DynNeed>);

impl Need {
    /// The request for summary `S` with this spec.
    pub fn summary<S: Summary>(spec: S::Spec) -> Self {
        Self(Arc::new(Typed::<S> { spec }))
    }

    /// Name of the summary.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The columns it reads.
    pub fn columns(&self) -> Vec<String> {
        self.0.columns()
    }

    /// Whether both request the same.
    pub fn same(&self, other: &Self) -> bool {
        self.0.same(other.0.as_ref())
    }

    /// One request that answers both.
    pub fn union(&self, other: &Self) -> Option<Self> {
        self.0.union(other.0.as_ref())
    }

    /// The same request before an affine stage, if its answer can be lifted.
    pub fn pull_back(&self, columns: &AffineColumns) -> Option<Self> {
        self.0.pull_back(columns)
    }

    /// About how many bytes of memory the answer takes for this number of rows of a view with this schema.
    ///
    /// # Errors
    /// If a column is missing or has a type that cannot be summarised.
    pub fn bytes(&self, schema: &Schema, rows: u64) -> Result<usize> {
        Ok(self.empty(schema)?.bytes_of_rows(rows))
    }

    pub(crate) fn empty(&self, schema: &Schema) -> Result<Box<dyn DynState>> {
        self.0.empty(schema)
    }

    pub(crate) fn project(&self, answer: &Answer, to: &Need) -> Option<Answer> {
        self.0.project(answer, to.0.as_ref())
    }

    pub(crate) fn lift(&self, upstream: &Answer, map: &Affine) -> Result<Option<Answer>> {
        self.0.lift(upstream, map)
    }

    /// The spec as bytes.
    pub(crate) fn spec(&self) -> Result<Vec<u8>> {
        self.0.spec()
    }

    /// The answer from the bytes of a state that was made with this spec on a view of this schema; `None` if they do not contain
    /// it or are damaged.
    pub(crate) fn restore(&self, spec: &[u8], state: &[u8], schema: &Schema) -> Option<Box<dyn DynState>> {
        self.0.restore(spec, state, schema)
    }
}

impl Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.0, f)
    }
}

/// Joins requests that can be answered together, in order of first appearance.
pub fn fuse(needs: impl IntoIterator<Item = Need>) -> Vec<Need> {
    let mut fused: Vec<Need> = Vec::new();
    for need in needs {
        match fused.iter_mut().find_map(|have| have.union(&need).map(|joined| (have, joined))) {
            Some((have, joined)) => *have = joined,
            None => fused.push(need),
        }
    }
    fused
}

struct Typed<S: Summary> {
    spec: S::Spec,
}

impl<S: Summary> Debug for Typed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:?})", S::NAME, self.spec)
    }
}

impl<S: Summary> DynNeed for Typed<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn columns(&self) -> Vec<String> {
        S::columns(&self.spec)
    }

    fn same(&self, other: &dyn DynNeed) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| other.spec == self.spec)
    }

    fn empty(&self, schema: &Schema) -> Result<Box<dyn DynState>> {
        let state = guarded::<S, _>(|| S::empty(&self.spec, schema))?;
        Ok(Box::new(State::<S> { state, spec: self.spec.clone() }))
    }

    fn union(&self, other: &dyn DynNeed) -> Option<Need> {
        let other = other.as_any().downcast_ref::<Self>()?;
        S::union(&self.spec, &other.spec).map(Need::summary::<S>)
    }

    fn project(&self, answer: &Answer, to: &dyn DynNeed) -> Option<Answer> {
        let to = to.as_any().downcast_ref::<Self>()?;
        if to.spec == self.spec {
            return Some(Arc::clone(answer));
        }
        let answer = answer.downcast_ref::<S>()?.project(&self.spec, &to.spec)?;
        Some(Arc::new(answer))
    }

    fn pull_back(&self, columns: &AffineColumns) -> Option<Need> {
        S::pull_back(&self.spec, columns).map(Need::summary::<S>)
    }

    fn lift(&self, upstream: &Answer, map: &Affine) -> Result<Option<Answer>> {
        let Some(upstream) = upstream.downcast_ref::<S>() else { return Ok(None) };
        let lifted = guarded::<S, _>(|| upstream.lift(&self.spec, map))?;
        Ok(lifted.map(|answer| Arc::new(answer) as Answer))
    }

    fn spec(&self) -> Result<Vec<u8>> {
        to_bytes::<S, _>(&self.spec)
    }

    fn restore(&self, spec: &[u8], state: &[u8], schema: &Schema) -> Option<Box<dyn DynState>> {
        let from: S::Spec = postcard::from_bytes(spec).ok()?;
        let state: S = postcard::from_bytes(state).ok()?;
        // A state of other columns or sizes cannot be added to nothing.
        guarded::<S, _>(|| S::empty(&from, schema)?.merge(&state)).ok()?;
        let state = match from == self.spec {
            true => state,
            false => guarded::<S, _>(|| Ok(state.project(&from, &self.spec))).ok()??,
        };
        Some(Box::new(State::<S> { state, spec: self.spec.clone() }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Debug)]
struct State<S: Summary> {
    spec: S::Spec,
    state: S,
}

impl<S: Summary> DynState for State<S> {
    fn update(&mut self, tile: &Tile<'_>) -> Result<()> {
        guarded::<S, _>(|| self.state.update(&self.spec, tile))
    }

    fn merge(&mut self, other: &dyn DynState) -> Result<()> {
        match other.as_any().downcast_ref::<Self>() {
            Some(other) => guarded::<S, _>(|| self.state.merge(&other.state)),
            None => Err(Error::invalid(format!("cannot merge a {} with another kind of summary", S::NAME))),
        }
    }

    fn bytes_of_rows(&self, rows: u64) -> usize {
        self.state.bytes_of_rows(rows)
    }

    fn clone_box(&self) -> Box<dyn DynState> {
        Box::new(Self { spec: self.spec.clone(), state: self.state.clone() })
    }

    fn to_bytes(&self) -> Result<Vec<u8>> {
        to_bytes::<S, _>(&self.state)
    }

    fn holds_rows(&self) -> bool {
        self.state.holds_rows()
    }

    fn finish(self: Box<Self>) -> Answer {
        Arc::new(self.state)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn to_bytes<S: Summary, T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let bytes = guarded::<S, _>(|| Ok(postcard::to_allocvec(value)))?;
    bytes.map_err(|error| Error::invalid(format!("a {} cannot be written: {error}", S::NAME)))
}

/// A panic of the author's code names the summary.
fn guarded<S: Summary, T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    panic_to_error(S::NAME, f)?
}
