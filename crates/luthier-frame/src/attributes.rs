//! The meaning of the numbers in a column: the names of a vector's features, the categories of an index.

use crate::{ColumnType, Field};

const FEATURES: &str = "luthier.features";
const CATEGORIES: &str = "luthier.categories";

impl Field {
    /// Features without names are called `column_0`, `column_1`, … if they are not more than these: a file of a few bytes may claim
    /// any width.
    pub const MOST_NUMBERED: usize = 100_000;

    /// The same field with a name for each feature of the vectors.
    pub fn with_feature_names<S: AsRef<str>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.with_list(FEATURES, names)
    }

    /// A name for each feature. These are the names that a stage has set, or `column_category` if the vector carries
    /// categories, or `column_0`, `column_1`, …; a column of numbers has its own name. `None` if the width is not known, or if
    /// there are no names and more features than are [numbered](Self::MOST_NUMBERED).
    pub fn feature_names(&self) -> Option<Vec<String>> {
        let (width, made_up): (usize, &dyn Fn(usize) -> String) = match self.column_type() {
            ColumnType::Vector { width } => (width, &|j| format!("{}_{j}", self.name())),
            ColumnType::AnyVector => return None,
            _ => (1, &|_| self.name().to_owned()),
        };
        let given = self.list(FEATURES).filter(|names| names.len() == width);
        let given = given.or_else(|| self.category_names());
        given.or_else(|| (width <= Self::MOST_NUMBERED).then(|| (0..width).map(made_up).collect()))
    }

    /// `column_category` for each number of a vector that carries categories.
    pub(crate) fn category_names(&self) -> Option<Vec<String>> {
        let ColumnType::Vector { width } = self.column_type() else { return None };
        let categories = self.categories().filter(|categories| categories.len() == width)?;
        Some(categories.iter().map(|category| format!("{}_{category}", self.name())).collect())
    }

    /// The same field with the feature names that a stage has set for another column, or with the name of another column of
    /// numbers.
    pub fn with_feature_names_of(self, other: &Self) -> Self {
        match other.metadata().get(FEATURES) {
            Some(names) => self.with_entry(FEATURES, names.clone()),
            None if other.column_type().is_vector() => match other.category_names() {
                Some(names) => self.with_feature_names(names),
                None => self,
            },
            None => self.with_feature_names([other.name()]),
        }
    }

    /// The same field with the concatenated feature names of other columns, if all of them have names.
    pub fn with_feature_names_of_all<'a>(self, others: impl IntoIterator<Item = &'a Self>) -> Self {
        // Lists are joined in their written form: there may be thousands of names, and little to do per row.
        let inner = |field: &Self| {
            let list = match field.metadata().get(FEATURES) {
                Some(list) => list.clone(),
                None => serde_json::Value::from(field.feature_names()?).to_string(),
            };
            Some(list.strip_prefix('[')?.strip_suffix(']')?.to_owned())
        };
        let lists: Option<Vec<String>> = others.into_iter().map(inner).collect();
        let Some(mut lists) = lists else { return self };
        lists.retain(|list| !list.is_empty());
        self.with_entry(FEATURES, format!("[{}]", lists.join(",")))
    }

    /// Whether a stage has set names or categories for the features.
    pub fn has_feature_names(&self) -> bool {
        self.metadata().contains_key(FEATURES) || self.category_names().is_some()
    }

    /// The same field with the categories that the indices 0, 1, … of the column stand for. In a vector column, they say what
    /// each number belongs to, such as a class in a vector of probabilities.
    pub fn with_categories<S: AsRef<str>>(self, categories: impl IntoIterator<Item = S>) -> Self {
        self.with_list(CATEGORIES, categories)
    }

    /// The categories that the indices 0, 1, … of the column stand for, if a stage has set them.
    pub fn categories(&self) -> Option<Vec<String>> {
        self.list(CATEGORIES)
    }

    fn with_list<S: AsRef<str>>(self, key: &str, values: impl IntoIterator<Item = S>) -> Self {
        let values: Vec<String> = values.into_iter().map(|value| value.as_ref().to_owned()).collect();
        self.with_entry(key, serde_json::Value::from(values).to_string())
    }

    fn with_entry(self, key: &str, value: String) -> Self {
        let mut metadata = self.metadata().clone();
        metadata.insert(key.to_owned(), value);
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
            field.clone().with_feature_names(["one"]).feature_names().unwrap(),
            ["v_0", "v_1"],
            "a wrong count"
        );
        assert_eq!(Field::new("x", ColumnType::F64).feature_names().unwrap(), ["x"]);
        let classes = field.clone().with_categories(["yes", "no"]);
        assert_eq!(classes.feature_names().unwrap(), ["v_yes", "v_no"]);
        assert!(classes.has_feature_names() && !field.clone().with_categories(["one"]).has_feature_names());
        assert!(Field::new("any", ColumnType::AnyVector).feature_names().is_none());
        let wide = |width| Field::new("v", ColumnType::Vector { width });
        assert_eq!(
            wide(Field::MOST_NUMBERED).feature_names().map(|names| names.len()),
            Some(Field::MOST_NUMBERED)
        );
        assert!(
            wide(Field::MOST_NUMBERED + 1).feature_names().is_none()
                && wide(usize::MAX).feature_names().is_none()
        );
        let index = Field::new("i", ColumnType::F64).with_categories(["red", "", "grün"]);
        assert_eq!(index.categories().unwrap(), ["red", "", "grün"]);
        assert!(named.categories().is_none());
        let number = Field::new("age_filled", ColumnType::F64).with_feature_names(["age"]);
        assert_eq!(number.feature_names().unwrap(), ["age"]);
    }

    #[test]
    fn names_go_side_by_side() {
        let named = Field::new("v", ColumnType::Vector { width: 2 }).with_feature_names(["a \"b\"", "c,d"]);
        let empty = Field::new("nothing", ColumnType::Vector { width: 0 });
        let plain = Field::new("w", ColumnType::Vector { width: 2 });
        let number = Field::new("x", ColumnType::I64);
        let all = Field::new("all", ColumnType::Vector { width: 5 });
        let joined = all.clone().with_feature_names_of_all([&named, &empty, &plain, &number]);
        assert_eq!(joined.feature_names().unwrap(), ["a \"b\"", "c,d", "w_0", "w_1", "x"]);
        let unknown = Field::new("any", ColumnType::AnyVector);
        assert!(!all.clone().with_feature_names_of_all([&named, &unknown]).has_feature_names());
        let claimed = Field::new("claimed", ColumnType::Vector { width: usize::MAX });
        assert!(!all.with_feature_names_of_all([&named, &claimed]).has_feature_names());
    }
}
