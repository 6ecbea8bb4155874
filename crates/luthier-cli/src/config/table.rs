//! TOML with the place of every key, for error messages.

use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use luthier::core::Value;
use luthier::core::params::closest;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::place::Place;

/// Names the file and finds the lines of byte offsets.
#[derive(Debug, Clone)]
struct Lines {
    file: Arc<str>,
    starts: Arc<[usize]>,
}

impl Lines {
    fn new(file: &str, text: &str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file: file.into(), starts }
    }

    fn place(&self, offset: usize) -> Place {
        Place { file: Arc::clone(&self.file), line: self.starts.partition_point(|&start| start <= offset) }
    }
}

/// A table whose keys are taken one by one; [`finish`](Self::finish) rejects the remaining ones.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    /// Its name in messages: `[data]`.
    title: String,
    place: Place,
    lines: Lines,
    entries: Vec<(Key, Spanned<DeValue<'a>>)>,
    known: Vec<String>,
}

/// A key and where it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) place: Place,
}

/// The value of a key.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) key: Key,
    lines: Lines,
    value: DeValue<'a>,
}

impl<'a> Table<'a> {
    /// The top of a document.
    pub(crate) fn parse(file: &str, text: &'a str) -> Result<Self> {
        let lines = Lines::new(file, text);
        let table = DeTable::parse(text).map_err(|e| {
            let place = lines.place(e.span().map_or(0, |span| span.start));
            anyhow!("{place}: {}", e.message())
        })?;
        Ok(Self::new("the configuration".to_owned(), lines.place(0), &lines, table.into_inner()))
    }

    fn new(title: String, place: Place, lines: &Lines, table: DeTable<'a>) -> Self {
        let entries = table
            .into_iter()
            .map(|(key, value)| {
                let place = lines.place(key.span().start);
                (Key { name: key.into_inner().into_owned(), place }, value)
            })
            .collect();
        Self { title, place, lines: lines.clone(), entries, known: Vec::new() }
    }

    /// Where the table begins.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Takes the value of a known key.
    pub(crate) fn take(&mut self, name: &str) -> Option<Item<'a>> {
        self.known.push(name.to_owned());
        let index = self.entries.iter().position(|(key, _)| key.name == name)?;
        let (key, value) = self.entries.remove(index);
        Some(Item { key, lines: self.lines.clone(), value: value.into_inner() })
    }

    /// Takes the value of a key that must be there.
    pub(crate) fn require(&mut self, name: &str, example: &str) -> Result<Item<'a>> {
        if let Some(item) = self.take(name) {
            return Ok(item);
        }
        let Self { place, title, .. } = &*self;
        match self.entries.iter().find(|(key, _)| closest(&key.name, [name]).is_some()) {
            Some((Key { name: typo, place }, _)) => {
                bail!("{place}: {title} has no key `{typo}`, did you mean `{name}`?")
            }
            None => bail!("{place}: {title} has no `{name}`: write `{example}`"),
        }
    }

    /// Rejects a table that belongs to a table in this one.
    pub(crate) fn misplaced(&self, name: &str, header: &str) -> Result<()> {
        match self.entries.iter().find(|(key, _)| key.name == name) {
            Some((Key { place, .. }, _)) => {
                bail!("{place}: `{name}` belongs to the stage before it: write `{header}`")
            }
            None => Ok(()),
        }
    }

    /// Rejects the keys that were not taken.
    pub(crate) fn finish(self) -> Result<()> {
        match self.entries.first() {
            Some((key, _)) => Err(unknown_key(key, &self.title, &self.known)),
            None => Ok(()),
        }
    }

    /// The remaining keys in the order of the file; names in nested tables are joined by dots.
    pub(crate) fn rest(self) -> Vec<Item<'a>> {
        let mut items = Vec::new();
        for (key, value) in self.entries {
            flatten(&self.lines, key, value, &mut items);
        }
        items
    }

    /// The keys that are left as parameters.
    pub(crate) fn params(self) -> Result<Vec<(Key, Value)>> {
        let lines = self.lines;
        let item = |(key, value): (Key, Spanned<DeValue<'a>>)| {
            let item = Item { key, lines: lines.clone(), value: value.into_inner() };
            Ok((item.key.clone(), item.into_value()?))
        };
        self.entries.into_iter().map(item).collect()
    }
}

fn flatten<'a>(lines: &Lines, key: Key, value: Spanned<DeValue<'a>>, items: &mut Vec<Item<'a>>) {
    match value.into_inner() {
        DeValue::Table(table) => {
            for (inner, value) in table {
                let name = format!("{}.{}", key.name, inner.get_ref());
                let place = lines.place(inner.span().start);
                flatten(lines, Key { name, place }, value, items);
            }
        }
        value => items.push(Item { key, lines: lines.clone(), value }),
    }
}

/// The error for an unknown key.
pub(crate) fn unknown_key(key: &Key, title: &str, known: &[String]) -> anyhow::Error {
    let Key { name, place } = key;
    if known.is_empty() {
        return anyhow!("{place}: {title} has no key `{name}`: it has no keys");
    }
    let hint = closest(name, known.iter().map(String::as_str));
    let hint = hint.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    anyhow!("{place}: {title} has no key `{name}`{hint}; its keys are: {}", known.join(", "))
}

impl<'a> Item<'a> {
    fn wrong<T>(&self, expected: &str) -> Result<T> {
        let Key { name, place } = &self.key;
        bail!("{place}: `{name}` is {}, expected {expected}", describe(&self.value))
    }

    pub(crate) fn string(self) -> Result<String> {
        match self.value {
            DeValue::String(text) => Ok(text.into_owned()),
            _ => self.wrong("a string"),
        }
    }

    /// A string and where it is.
    pub(crate) fn text(self) -> Result<Key> {
        Ok(Key { place: self.key.place.clone(), name: self.string()? })
    }

    pub(crate) fn bool(self) -> Result<bool> {
        match self.value {
            DeValue::Boolean(value) => Ok(value),
            _ => self.wrong("true or false"),
        }
    }

    /// An integer of type `T` that is at least `least`.
    pub(crate) fn whole<T: TryFrom<u64>>(self, least: u64) -> Result<T> {
        let number = match &self.value {
            DeValue::Integer(n) => u64::from_str_radix(n.as_str(), n.radix()).ok(),
            _ => None,
        };
        match number.filter(|&n| n >= least).and_then(|n| T::try_from(n).ok()) {
            Some(n) => Ok(n),
            None => self.wrong(&format!("an integer of at least {least}")),
        }
    }

    /// A list of strings; a single string counts as a list of one.
    pub(crate) fn strings(self) -> Result<Vec<String>> {
        let expected = "a list of strings";
        match &self.value {
            DeValue::String(text) => Ok(vec![text.clone().into_owned()]),
            DeValue::Array(array) => {
                let texts = array.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
                texts.collect::<Option<_>>().map_or_else(|| self.wrong(expected), Ok)
            }
            _ => self.wrong(expected),
        }
    }

    /// A table, called `[name]` in messages.
    pub(crate) fn table(self) -> Result<Table<'a>> {
        match self.value {
            DeValue::Table(table) => {
                Ok(Table::new(format!("[{}]", self.key.name), self.key.place, &self.lines, table))
            }
            _ => self.wrong(&format!("a table `[{}]`", self.key.name)),
        }
    }

    /// Tables `[[name]]`, in order.
    pub(crate) fn tables(self) -> Result<Vec<Table<'a>>> {
        let name = self.key.name.clone();
        let expected = format!("tables `[[{name}]]`");
        match self.value {
            DeValue::Array(array) if array.iter().all(|item| item.get_ref().is_table()) => {
                let table = |item: Spanned<DeValue<'a>>| {
                    let place = self.lines.place(item.span().start);
                    match item.into_inner() {
                        DeValue::Table(table) => {
                            Some(Table::new(format!("[[{name}]]"), place, &self.lines, table))
                        }
                        _ => None,
                    }
                };
                Ok(array.into_iter().filter_map(table).collect())
            }
            _ => self.wrong(&expected),
        }
    }

    /// Whether it is a single table.
    pub(crate) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// The values of a list.
    pub(crate) fn list(self) -> Result<Vec<Value>> {
        let expected = format!("a list of values, as in `{} = [1, 2]`", self.key.name);
        match value(&self.value) {
            Some(Value::List(values)) => Ok(values),
            _ => self.wrong(&expected),
        }
    }

    /// Any value as a parameter's value.
    pub(crate) fn into_value(self) -> Result<Value> {
        match value(&self.value) {
            Some(value) => Ok(value),
            None => self.wrong("a string, number, boolean, list or table"),
        }
    }
}

fn value(item: &DeValue<'_>) -> Option<Value> {
    Some(match item {
        DeValue::String(text) => Value::Str(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(n) => match i64::from_str_radix(n.as_str(), n.radix()) {
            Ok(n) => Value::Int(n),
            Err(_) => Value::from(u64::from_str_radix(n.as_str(), n.radix()).ok()?),
        },
        // A literal too large for a float is not infinity.
        DeValue::Float(f) => {
            let number: f64 = f.as_str().parse().ok()?;
            let meant = number.is_finite() || number.is_nan() || f.as_str().contains("inf");
            meant.then_some(Value::Float(number))?
        }
        DeValue::Datetime(_) => return None,
        DeValue::Array(array) => {
            Value::List(array.iter().map(|item| value(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => {
            let entry = |(key, item): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
                Some((key.get_ref().to_string(), value(item.get_ref())?))
            };
            Value::Map(table.iter().map(entry).collect::<Option<_>>()?)
        }
    })
}

fn describe(item: &DeValue<'_>) -> String {
    match item {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
        DeValue::Integer(n) => n.to_string(),
        DeValue::Float(f) => f.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(date) => date.to_string(),
    }
}
