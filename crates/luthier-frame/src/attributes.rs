//! What the numbers of a column stand for: names of a vector's features, categories of an index.

use crate::{ColumnType, Field};

const FEATURES: &str = "luthier.features";
const CATEGORIES: &str = "luthier.categories";

impl Field {
    /// The same with a name for each feature of the vectors.
    pub fn with_feature_names<S: AsRef<str>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.with_list(FEATURES, names)
    }

    /// A name for each feature: those that a stage gave, else `column_0`, `column_1`, … of a vector and the column's
    /// own name of a number. `None` where the width is not known.
    pub fn feature_names(&self) -> Option<Vec<String>> {
        match self.column_type() {
            ColumnType::Vector { width } => {
                let given = self.list(FEATURES).filter(|names| names.len() == width);
                Some(given.unwrap_or_else(|| (0..width).map(|j| format!("{}_{j}", self.name())).collect()))
            }
            ColumnType::AnyVector => None,
            _ => Some(vec![self.name().to_owned()]),
        }
    }

    /// Whether a stage gave the features names.
    pub fn has_feature_names(&self) -> bool {
        self.metadata().contains_key(FEATURES)
    }

    /// The same, saying what the indices 0, 1, … of the column stand for.
    pub fn with_categories<S: AsRef<str>>(self, categories: impl IntoIterator<Item = S>) -> Self {
        self.with_list(CATEGORIES, categories)
    }

    /// What the indices 0, 1, … of the column stand for, if a stage said so.
    pub fn categories(&self) -> Option<Vec<String>> {
        self.list(CATEGORIES)
    }

    fn with_list<S: AsRef<str>>(self, key: &str, values: impl IntoIterator<Item = S>) -> Self {
        let values: Vec<String> = values.into_iter().map(|value| value.as_ref().to_owned()).collect();
        let mut metadata = self.metadata().clone();
        metadata.insert(key.to_owned(), serde_json::Value::from(values).to_string());
        self.with_metadata(metadata)
    }

    fn list(&self, key: &str) -> Option<Vec<String>> {
        serde_json::from_str(self.metadata().get(key)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_or_made_up() {
        let field = Field::new("v", ColumnType::Vector { width: 2 });
        assert_eq!(field.feature_names().unwrap(), ["v_0", "v_1"]);
        let named = field.clone().with_feature_names(["a \"b\"", "c,d"]);
        assert_eq!(named.feature_names().unwrap(), ["a \"b\"", "c,d"]);
        assert_eq!(
            field.with_feature_names(["one"]).feature_names().unwrap(),
            ["v_0", "v_1"],
            "a wrong count"
        );
        assert_eq!(Field::new("x", ColumnType::F64).feature_names().unwrap(), ["x"]);
        assert!(Field::new("any", ColumnType::AnyVector).feature_names().is_none());
        let index = Field::new("i", ColumnType::F64).with_categories(["red", "", "grün"]);
        assert_eq!(index.categories().unwrap(), ["red", "", "grün"]);
        assert!(named.categories().is_none());
    }
}
