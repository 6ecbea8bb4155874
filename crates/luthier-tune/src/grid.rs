//! The candidates of a search.

use luthier_core::params::{IntoAddress, IntoParam, ParamType};
use luthier_core::{ParamMap, Value};

use crate::{Error, Result};

/// Values for parameters; the candidates are all their combinations.
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
}

/// All combinations of the values of some addresses.
#[derive(Debug, Clone, PartialEq, Default)]
struct Product {
    axes: Vec<(String, Vec<Value>)>,
}

impl Default for ParamGrid {
    fn default() -> Self {
        Self { products: vec![Product::default()] }
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
        self.set(address.into_address().name(), values)
    }

    /// Tries these values at a dotted path, such as `"lr.reg_param"`; types are checked when the search starts.
    #[must_use]
    pub fn add_by_name(
        self,
        path: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<Value>>,
    ) -> Self {
        self.set(&path.into(), values.into_iter().map(Into::into).collect())
    }

    /// Sets these values in all candidates.
    #[must_use]
    pub fn base_on(self, fixed: ParamMap) -> Self {
        fixed.into_iter().fold(self, |grid, (path, value)| grid.set(&path, vec![value]))
    }

    /// The candidates of this grid followed by those of the other. Later additions apply to both.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.products.extend(other.products);
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
            axes: map.into_iter().map(|(path, value)| (path, vec![value])).collect(),
        };
        Self { products: candidates.into_iter().map(product).collect() }
    }

    /// The candidates: all combinations of the values of each grid, where the address added last varies fastest.
    ///
    /// # Errors
    /// [`Error::EmptyGrid`] for an address without values; [`Error::GridTooLarge`].
    pub fn build(&self) -> Result<Vec<ParamMap>> {
        let empty = self.products.iter().flat_map(|product| &product.axes).find(|(_, v)| v.is_empty());
        if let Some((path, _)) = empty {
            return Err(Error::EmptyGrid { address: path.clone() });
        }
        let found = self.products.iter().map(Product::len).fold(0, usize::saturating_add);
        if found > Self::MAX_CANDIDATES {
            return Err(Error::GridTooLarge { found, limit: Self::MAX_CANDIDATES });
        }
        if found == 0 {
            return Err(Error::invalid("the search has no candidates: pass at least one `ParamMap`"));
        }
        Ok(self.products.iter().flat_map(Product::candidates).collect())
    }

    fn set(mut self, path: &str, values: Vec<Value>) -> Self {
        for product in &mut self.products {
            match product.axes.iter_mut().find(|(known, _)| known == path) {
                Some((_, old)) => old.clone_from(&values),
                None => product.axes.push((path.to_owned(), values.clone())),
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
    fn len(&self) -> usize {
        self.axes.iter().map(|(_, values)| values.len()).fold(1, usize::saturating_mul)
    }

    fn candidates(&self) -> Vec<ParamMap> {
        self.axes.iter().fold(vec![ParamMap::new()], |maps, (path, values)| {
            let extended = |map: &ParamMap, value: &Value| map.clone().with(path, value.clone());
            maps.iter().flat_map(|map| values.iter().map(move |value| extended(map, value))).collect()
        })
    }
}
