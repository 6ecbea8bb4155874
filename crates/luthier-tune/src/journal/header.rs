//! What a search is about, each part by itself.

use serde::{Deserialize, Serialize};

/// The format of the journals of this version.
pub(super) const FORMAT: &str = "luthier.journal";

/// The version of the journals that are written.
pub(super) const VERSION: u32 = 1;

/// The first line of a segment: fingerprints of what a search is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) kind: HeaderKind,
    pub(crate) format: String,
    pub(crate) version: u32,
    /// The version of the program, and a hash of its executable.
    pub(crate) program: String,
    pub(crate) data: String,
    pub(crate) split: String,
    pub(crate) seed: u64,
    pub(crate) evaluators: String,
    pub(crate) sharing: String,
    pub(crate) pipelines: String,
    pub(crate) space: String,
}

/// The word by which readers tell lines apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HeaderKind {
    #[default]
    Header,
}

impl Header {
    /// In what a search differs from this one so that no cell of it can be used, in words. Another space of candidates or other
    /// pipelines are no obstacle: cells are known by their configurations.
    pub(crate) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let parts = [
            (self.format != other.format || self.version != other.version, "another format"),
            (self.program != other.program, "another version of the program"),
            (self.data != other.data, "other data"),
            (self.split != other.split, "another split"),
            (self.seed != other.seed, "another seed"),
            (self.evaluators != other.evaluators, "other evaluators"),
            (self.sharing != other.sharing, "another setting of sharing"),
        ];
        parts.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what).collect()
    }
}
