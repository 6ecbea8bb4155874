use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{IntoParam, Param, ParamType, Value};

/// The address of a parameter of type `T`: `"pca.k"` in a pipeline, or simply `"k"`.
pub struct Address<T> {
    path: String,
    type_: PhantomData<fn() -> T>,
}

impl<T> Address<T> {
    /// The address with this dotted path; the caller vouches for the type.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), type_: PhantomData }
    }

    /// The dotted path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.path
    }
}

/// Anything that names a parameter of type `T`: an [`Address`], or, without a pipeline, the handle of a parameter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the address of a parameter",
    label = "expected an address such as `pca.at(Pca::K)`",
    note = "an address in text is taken by `add_by_name(\"pca.k\", [2, 4])`, or `with(\"pca.k\", 2)` of a `ParamMap`"
)]
pub trait IntoAddress<T> {
    /// The address.
    fn into_address(self) -> Address<T>;
}

impl<T> IntoAddress<T> for Address<T> {
    fn into_address(self) -> Address<T> {
        self
    }
}

impl<S, T> IntoAddress<T> for Param<S, T> {
    fn into_address(self) -> Address<T> {
        self.into()
    }
}

/// The handle of a parameter of the stage `S`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a parameter of `{S}`",
    label = "expected a parameter of `{S}`",
    note = "`handle.at(…)` takes parameters of the stage that the handle is of"
)]
pub trait ParamOf<S> {
    /// The type of its values.
    type Value;

    /// Its name.
    fn param_name(&self) -> &'static str;
}

impl<S, T> ParamOf<S> for Param<S, T> {
    type Value = T;

    fn param_name(&self) -> &'static str {
        self.name()
    }
}

impl<T> Clone for Address<T> {
    fn clone(&self) -> Self {
        Self::new(self.path.clone())
    }
}

impl<T> PartialEq for Address<T> {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl<T> Eq for Address<T> {}

impl<T> fmt::Debug for Address<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.path)
    }
}

impl<T> fmt::Display for Address<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// An address can be passed wherever a dotted path is accepted.
impl<T> From<Address<T>> for String {
    fn from(address: Address<T>) -> Self {
        address.path
    }
}

impl<S, T> From<Param<S, T>> for Address<T> {
    fn from(param: Param<S, T>) -> Self {
        Self::new(param.name())
    }
}

/// A stage of type `S` in a pipeline, by its name.
///
/// ```
/// use luthier_core::{Params, StageHandle};
///
/// #[derive(Debug, Clone, Params)]
/// struct Pca {
///     /// Number of components.
///     #[param(default = 2)]
///     k: usize,
/// }
///
/// let pca = StageHandle::<Pca>::new("pca");
/// assert_eq!(pca.at(Pca::K).to_string(), "pca.k");
/// ```
pub struct StageHandle<S> {
    name: String,
    type_: PhantomData<fn() -> S>,
}

impl<S> StageHandle<S> {
    /// The stage of this name or dotted path; the caller vouches for the type.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), type_: PhantomData }
    }

    /// The name, or for a stage of a nested pipeline the dotted path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of one of the stage's parameters: `pca.at(Pca::K)` is `"pca.k"`.
    pub fn at<P: ParamOf<S>>(&self, param: P) -> Address<P::Value> {
        Address::new(format!("{}.{}", self.name, param.param_name()))
    }

    /// The address of the parameter that says whether the stage is used: `grid.add(pca.enabled(), [true, false])` also tries the
    /// pipeline without it. See [`Pipeline::with_params`](crate::Pipeline::with_params).
    pub fn enabled(&self) -> Address<bool> {
        Address::new(format!("{}.enabled", self.name))
    }

    /// The address of the stage's type: `grid.add(model.stage_type(), ["linear_regression", "acme.ridge"])` tries stages of
    /// these registered names in its place. See [`Pipeline::with_params`](crate::Pipeline::with_params).
    pub fn stage_type(&self) -> Address<String> {
        Address::new(format!("{}.type", self.name))
    }

    /// The same stage, seen from outside the pipeline that is the stage `outer`.
    #[must_use]
    pub fn within(&self, outer: &str) -> Self {
        Self::new(format!("{outer}.{}", self.name))
    }
}

impl<S> Clone for StageHandle<S> {
    fn clone(&self) -> Self {
        Self::new(self.name.clone())
    }
}

impl<S> fmt::Debug for StageHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StageHandle({})", self.name)
    }
}

/// Values by address, in the order in which the addresses were first set.
///
/// ```
/// use luthier_core::params::ParamMap;
///
/// let map = ParamMap::new().with("pca.k", 3).with("lr.reg_param", 0.1).with("pca.k", 4);
/// assert_eq!(map.to_string(), "pca.k = 4, lr.reg_param = 0.1");
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParamMap {
    entries: Vec<(String, Value)>,
}

impl ParamMap {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The map with the value at a dotted path or an address. The type is not checked, unlike with [`set`](Self::set).
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(path, value);
        self
    }

    /// Sets the value at a typed address: `map.set(pca.at(Pca::K), 3)`, or `map.set(Pca::K, 3)` without a pipeline.
    pub fn set<T: ParamType>(&mut self, address: impl IntoAddress<T>, value: impl IntoParam<T>) -> &mut Self {
        self.insert(address.into_address().path, value.into_param().to_value())
    }

    /// Sets the value at a dotted path. An address that was set before keeps its place.
    pub fn insert(&mut self, path: impl Into<String>, value: impl Into<Value>) -> &mut Self {
        let (path, value) = (path.into(), value.into());
        match self.entries.iter_mut().find(|(p, _)| *p == path) {
            Some((_, old)) => *old = value,
            None => self.entries.push((path, value)),
        }
        self
    }

    /// The value at a dotted path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.entries.iter().find(|(p, _)| p == path).map(|(_, value)| value)
    }

    /// Path and value, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(path, value)| (path.as_str(), value))
    }

    /// The number of addresses.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries of `stage`, with paths relative to it: `pca.k` becomes `k` for the stage `pca`.
    #[must_use]
    pub fn under(&self, stage: &str) -> ParamMap {
        let below = |path: &str| path.strip_prefix(stage)?.strip_prefix('.').map(str::to_owned);
        let entries = self.entries.iter().filter_map(|(path, value)| Some((below(path)?, value.clone())));
        ParamMap { entries: entries.collect() }
    }

    /// Whether both set the same addresses to the same values ([`Value::same`]), in any order.
    #[must_use]
    pub fn same(&self, other: &ParamMap) -> bool {
        self.len() == other.len()
            && self.iter().all(|(path, value)| other.get(path).is_some_and(|o| o.same(value)))
    }
}

impl<P: Into<String>, V: Into<Value>> Extend<(P, V)> for ParamMap {
    fn extend<I: IntoIterator<Item = (P, V)>>(&mut self, entries: I) {
        for (path, value) in entries {
            self.insert(path, value);
        }
    }
}

impl<P: Into<String>, V: Into<Value>> FromIterator<(P, V)> for ParamMap {
    fn from_iter<I: IntoIterator<Item = (P, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl IntoIterator for ParamMap {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// `pca.k = 4, lr.reg_param = 0.1`
impl fmt::Display for ParamMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (path, value)) in self.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{path} = {value}")?;
        }
        Ok(())
    }
}

impl Serialize for ParamMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (path, value) in self.iter() {
            map.serialize_entry(path, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ParamMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ParamMapVisitor)
    }
}

struct ParamMapVisitor;

impl<'de> Visitor<'de> for ParamMapVisitor {
    type Value = ParamMap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from parameter addresses to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<ParamMap, A::Error> {
        let mut map = ParamMap::new();
        while let Some((path, value)) = access.next_entry::<String, Value>()? {
            if map.get(&path).is_some() {
                return Err(de::Error::custom(format_args!("`{path}` is given twice")));
            }
            map.entries.push((path, value));
        }
        Ok(map)
    }
}
