use std::fmt;

use super::{ParamError, ParamType};

/// The typed handle of a parameter of type `T` of the owner `S`. The derive generates it as a constant:
/// `Pca::K: Param<Pca, usize>`.
pub struct Param<S, T> {
    name: &'static str,
    get: fn(&S) -> Option<&T>,
    set: fn(&mut S, T),
    check: fn(&T) -> Result<(), ParamError>,
}

impl<S, T> Param<S, T> {
    /// A handle without a range: any value is valid.
    pub const fn new(name: &'static str, get: fn(&S) -> Option<&T>, set: fn(&mut S, T)) -> Self {
        Self { name, get, set, check: |_| Ok(()) }
    }

    /// The same handle with a check that runs before a value is set.
    #[must_use]
    pub const fn checked(self, check: fn(&T) -> Result<(), ParamError>) -> Self {
        Self { name: self.name, get: self.get, set: self.set, check }
    }

    /// The parameter's name, `"k"`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The value in `owner`; `None` if it is required but not set, or optional and without a value.
    #[must_use]
    pub fn get<'a>(&self, owner: &'a S) -> Option<&'a T> {
        (self.get)(owner)
    }

    /// Sets the value in `owner`.
    ///
    /// # Errors
    ///
    /// The value is out of range; in this case `owner` is unchanged.
    pub fn set(&self, owner: &mut S, value: T) -> Result<(), ParamError> {
        self.check(&value)?;
        (self.set)(owner, value);
        Ok(())
    }

    /// Checks a value against the parameter's range.
    ///
    /// # Errors
    ///
    /// The value is out of range.
    pub fn check(&self, value: &T) -> Result<(), ParamError> {
        (self.check)(value)
    }
}

impl<S, T> Clone for Param<S, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, T> Copy for Param<S, T> {}

impl<S, T: ParamType> fmt::Debug for Param<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Param({}: {})", self.name, T::type_name())
    }
}

/// A parameter without a default: reading it before it is set is an error that names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Required<T> {
    name: &'static str,
    value: Option<T>,
}

impl<T> Required<T> {
    /// The unset parameter `name`.
    #[must_use]
    pub const fn unset(name: &'static str) -> Self {
        Self { name, value: None }
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// [`ParamError::Unset`] if no value has been set.
    pub fn get(&self) -> Result<&T, ParamError> {
        self.value.as_ref().ok_or_else(|| ParamError::Unset { name: self.name.to_owned() })
    }

    /// Whether there is a value.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        self.value.is_some()
    }

    /// The value, if there is one.
    #[must_use]
    pub const fn as_option(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Sets the value.
    pub fn set(&mut self, value: T) {
        self.value = Some(value);
    }

    /// Removes the value.
    pub fn clear(&mut self) {
        self.value = None;
    }
}

/// Unset, and without a name.
impl<T> Default for Required<T> {
    fn default() -> Self {
        Self::unset("?")
    }
}
