//! The candidates of a search.

use std::collections::HashSet;

use luthier_core::params::{IntoAddress, IntoParam, ParamType};
use luthier_core::{ParamMap, Value, scramble};

use crate::range::ParamRange;
use crate::{Error, Result};

/// How often a random search draws at most for each candidate that it wants.
const DRAWS_PER_CANDIDATE: usize = 64;

/// The number of candidates by which ranges are checked.
const ENDS: usize = 32;

/// Values for parameters; the candidates are all their combinations, or some drawn at random.
///
/// ```
/// use luthier_core::{Params, StageHandle};
/// use luthier_tune::ParamGrid;
///
/// /// Principal components.
/// #[derive(Debug, Clone, Params)]
/// struct Pca {
///     /// Number of components.
///     #[param(default = 1)]
///     k: usize,
/// }
///
/// let pca = StageHandle::<Pca>::new("pca");
/// let grid = ParamGrid::new().add(pca.at(Pca::K), [2, 4]).add_by_name("lr.reg_param", [0.1, 1.0]);
/// let candidates: Vec<String> = grid.build()?.iter().map(ToString::to_string).collect();
/// assert_eq!(candidates, [
///     "pca.k = 2, lr.reg_param = 0.1",
///     "pca.k = 2, lr.reg_param = 1.0",
///     "pca.k = 4, lr.reg_param = 0.1",
///     "pca.k = 4, lr.reg_param = 1.0",
/// ]);
/// # Ok::<(), luthier_tune::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ParamGrid {
    /// Grids whose candidates are concatenated.
    products: Vec<Product>,
    /// The number of candidates that are drawn at random, if not all are tried.
    drawn: Option<usize>,
}

/// All combinations of the values of some addresses.
#[derive(Debug, Clone, PartialEq, Default)]
struct Product {
    axes: Vec<(String, Axis)>,
}

/// What is tried at an address.
#[derive(Debug, Clone, PartialEq)]
pub enum Axis {
    /// These values.
    Values(Vec<Value>),
    /// Values that are drawn from a range.
    Range(ParamRange),
}

impl Axis {
    /// The values; none of a range.
    pub fn values(&self) -> &[Value] {
        match self {
            Self::Values(values) => values,
            Self::Range(_) => &[],
        }
    }

    /// The number of values; `None` for a range.
    fn len(&self) -> Option<usize> {
        match self {
            Self::Values(values) => Some(values.len()),
            Self::Range(_) => None,
        }
    }
}

impl Default for ParamGrid {
    fn default() -> Self {
        Self { products: vec![Product::default()], drawn: None }
    }
}

impl ParamGrid {
    /// The largest number of candidates of a grid.
    pub const MAX_CANDIDATES: usize = 1_000_000;

    /// A grid with one candidate, which sets nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tries these values at a typed address: `pca.at(Pca::K)`, or `Pca::K` for an estimator outside a
    /// pipeline. An address that was added before keeps its position and gets the new values.
    ///
    /// An address in text, a parameter of another stage or a value of another type does not compile, and the compiler says
    /// what to write instead.
    ///
    /// ```compile_fail,E0277
    /// let grid = luthier_tune::ParamGrid::new().add("pca.k", [2, 4]); // `add_by_name` takes text
    /// ```
    #[must_use]
    pub fn add<T: ParamType>(
        self,
        address: impl IntoAddress<T>,
        values: impl IntoIterator<Item = impl IntoParam<T>>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.into_param().to_value()).collect();
        self.set(address.into_address().name(), Axis::Values(values))
    }

    /// Draws values from a range at a typed address.
    ///
    /// ```
    /// use luthier_core::Params;
    /// use luthier_tune::{ParamGrid, ParamRange};
    ///
    /// /// Ridge regression.
    /// #[derive(Debug, Clone, Params)]
    /// struct Ridge {
    ///     /// Strength of the penalty.
    ///     #[param(default = 1.0)]
    ///     reg_param: f64,
    ///     /// Whether to fit an intercept.
    ///     #[param(default = true)]
    ///     fit_intercept: bool,
    /// }
    ///
    /// let grid = ParamGrid::new()
    ///     .range(Ridge::REG_PARAM, ParamRange::log(1e-4, 1.0)?)
    ///     .add(Ridge::FIT_INTERCEPT, [true, false])
    ///     .draw(10);
    /// assert_eq!(grid.build()?.len(), 10);
    /// # Ok::<(), luthier_tune::Error>(())
    /// ```
    #[must_use]
    pub fn range<T: ParamType>(self, address: impl IntoAddress<T>, range: ParamRange) -> Self {
        self.set(address.into_address().name(), Axis::Range(range))
    }

    /// Draws values from a range at a dotted path, such as `"lr.reg_param"`.
    #[must_use]
    pub fn range_by_name(self, path: impl Into<String>, range: ParamRange) -> Self {
        self.set(&path.into(), Axis::Range(range))
    }

    /// Random search: at most this number of distinct candidates are drawn at random instead of trying all combinations. Lists of
    /// values are drawn from as well; if they allow fewer combinations, and there is no range, all are tried.
    ///
    /// The seed of the search decides (see [`Search::seed`](crate::Search::seed)). Larger numbers keep the candidates of smaller
    /// ones, and an added address does not change what is drawn at the others (Bergstra and Bengio 2012).
    ///
    /// Where candidates only differ in parameters that share their work, such as the penalties of a linear regression, a grid of
    /// many values costs little more than one, and a random search gains nothing. It pays off where there are many parameters and
    /// each fit takes long.
    #[must_use]
    pub fn draw(mut self, candidates: usize) -> Self {
        self.drawn = Some(candidates);
        self
    }

    /// Tries these values at a dotted path, such as `"lr.reg_param"`; types are checked when the search starts.
    #[must_use]
    pub fn add_by_name(
        self,
        path: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<Value>>,
    ) -> Self {
        self.set(&path.into(), Axis::Values(values.into_iter().map(Into::into).collect()))
    }

    /// Sets these values in all candidates.
    #[must_use]
    pub fn base_on(self, fixed: ParamMap) -> Self {
        fixed.into_iter().fold(self, |grid, (path, value)| grid.set(&path, Axis::Values(vec![value])))
    }

    /// The candidates of this grid followed by those of the other. Later additions apply to both.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.products.extend(other.products);
        self.drawn = self.drawn.or(other.drawn);
        self
    }

    /// A grid with one candidate per map.
    ///
    /// ```
    /// use luthier_core::ParamMap;
    /// use luthier_tune::ParamGrid;
    ///
    /// let few = [ParamMap::new().with("pca.k", 2), ParamMap::new().with("pca.k", 5).with("lr.reg_param", 0.1)];
    /// assert_eq!(ParamGrid::from_maps(few.clone()).build()?, few);
    /// # Ok::<(), luthier_tune::Error>(())
    /// ```
    #[must_use]
    pub fn from_maps(candidates: impl IntoIterator<Item = ParamMap>) -> Self {
        let product = |map: ParamMap| Product {
            axes: map.into_iter().map(|(path, value)| (path, Axis::Values(vec![value]))).collect(),
        };
        Self { products: candidates.into_iter().map(product).collect(), drawn: None }
    }

    /// The candidates: all combinations of the values of each grid, where the address added last varies fastest; or those drawn
    /// with seed 0.
    ///
    /// # Errors
    /// [`Error::EmptyGrid`] for an address without values; [`Error::GridTooLarge`]; a range without [`draw`](Self::draw).
    pub fn build(&self) -> Result<Vec<ParamMap>> {
        self.build_with(0)
    }

    /// As [`build`](Self::build), drawn with another seed.
    ///
    /// # Errors
    /// Those of [`build`](Self::build).
    pub fn build_with(&self, seed: u64) -> Result<Vec<ParamMap>> {
        let axes = || self.products.iter().flat_map(|product| &product.axes);
        if let Some((path, _)) = axes().find(|(_, axis)| axis.len() == Some(0)) {
            return Err(Error::EmptyGrid { address: path.clone() });
        }
        if self.products.is_empty() || self.drawn == Some(0) {
            return Err(Error::invalid("the search has no candidates: pass at least one `ParamMap`"));
        }
        let range = axes().find(|(_, axis)| axis.len().is_none());
        let all = self.products.iter().map(Product::len).fold(0, usize::saturating_add);
        match (self.drawn, range) {
            (None, Some((path, Axis::Range(range)))) => Err(Error::invalid(format!(
                "`{path}` has a range ({range}), of which not all values can be tried: say how many candidates to draw \
                 (`max_candidates` under [search], or `ParamGrid::draw`)"
            ))),
            (Some(drawn), range) if range.is_some() || drawn < all => self.drawn(drawn, seed),
            _ if all > Self::MAX_CANDIDATES => {
                Err(Error::GridTooLarge { found: all, limit: Self::MAX_CANDIDATES })
            }
            _ => Ok(self.products.iter().flat_map(Product::candidates).collect()),
        }
    }

    /// The addresses of each of the grids that were united, with what is tried there.
    pub fn products(&self) -> impl Iterator<Item = &[(String, Axis)]> {
        self.products.iter().map(|product| &product.axes[..])
    }

    /// The grid with both ends of each range in place of the range, and only the first of other values where there are many: to
    /// check what strategies may propose.
    pub(crate) fn ends(&self) -> Self {
        let mut ends = Self { drawn: Some(ENDS), ..self.clone() };
        for (_, axis) in ends.products.iter_mut().flat_map(|product| &mut product.axes) {
            if let Axis::Range(range) = axis {
                *axis = Axis::Values(range.ends().to_vec());
            }
        }
        ends
    }

    /// Distinct candidates, from each product in turn.
    fn drawn(&self, wanted: usize, seed: u64) -> Result<Vec<ParamMap>> {
        if wanted > Self::MAX_CANDIDATES {
            return Err(Error::GridTooLarge { found: wanted, limit: Self::MAX_CANDIDATES });
        }
        let (mut seen, mut candidates) = (HashSet::new(), Vec::new());
        // Few combinations are repeated often before the last one is drawn.
        for draw in 0..wanted.saturating_mul(DRAWS_PER_CANDIDATE) as u64 {
            let Some(product) = self.products.get(draw as usize % self.products.len()) else { break };
            let candidate = product.candidate(seed, draw);
            if seen.insert(format!("{candidate:?}")) {
                candidates.push(candidate);
            }
            if candidates.len() == wanted {
                break;
            }
        }
        Ok(candidates)
    }

    fn set(mut self, path: &str, axis: Axis) -> Self {
        for product in &mut self.products {
            match product.axes.iter_mut().find(|(known, _)| known == path) {
                Some((_, old)) => old.clone_from(&axis),
                None => product.axes.push((path.to_owned(), axis.clone())),
            }
        }
        self
    }
}

/// See [`from_maps`](ParamGrid::from_maps).
impl From<Vec<ParamMap>> for ParamGrid {
    fn from(candidates: Vec<ParamMap>) -> Self {
        Self::from_maps(candidates)
    }
}

/// See [`from_maps`](ParamGrid::from_maps).
impl<const N: usize> From<[ParamMap; N]> for ParamGrid {
    fn from(candidates: [ParamMap; N]) -> Self {
        Self::from_maps(candidates)
    }
}

impl Product {
    /// The number of combinations of the values.
    fn len(&self) -> usize {
        self.axes.iter().filter_map(|(_, axis)| axis.len()).fold(1, usize::saturating_mul)
    }

    fn candidates(&self) -> Vec<ParamMap> {
        let values = self.axes.iter().filter_map(|(path, axis)| match axis {
            Axis::Values(values) => Some((path, values)),
            Axis::Range(_) => None,
        });
        values.fold(vec![ParamMap::new()], |maps, (path, values)| {
            let extended = |map: &ParamMap, value: &Value| map.clone().with(path, value.clone());
            maps.iter().flat_map(|map| values.iter().map(move |value| extended(map, value))).collect()
        })
    }

    /// One candidate at random. What is drawn at an address depends on its path, the seed and the number of the draw alone.
    fn candidate(&self, seed: u64, draw: u64) -> ParamMap {
        self.axes.iter().fold(ParamMap::new(), |map, (path, axis)| {
            let stream = path.bytes().fold(seed, |state, byte| scramble(state ^ u64::from(byte)));
            let random = scramble(stream.wrapping_add(draw.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            let value = match axis {
                Axis::Range(range) => Some(range.at((random >> 11) as f64 / (1u64 << 53) as f64)),
                Axis::Values(values) => {
                    let place = (u128::from(random) * values.len() as u128) >> 64;
                    values.get(place as usize).cloned()
                }
            };
            match value {
                Some(value) => map.with(path, value),
                None => map,
            }
        })
    }
}
