//! The file of what is known of shards.

use std::path::Path;
use std::sync::{Arc, Mutex};

use luthier_core::BlockSummaries;
use luthier_core::frame::{ColumnType, DataFrame, Field, Schema, write_files};
use serde::{Deserialize, Serialize};

use super::join::ShardSplit;
use super::{OneShard, Shards};
use crate::{Error, Result};

/// The first bytes of a file.
const MAGIC: &[u8; 8] = b"luthier\0";

/// The version of the files that are written.
const VERSION: u32 = 1;

/// The bytes before the shards: those that tell the format, the version, and the checksum of what follows.
const HEAD: usize = MAGIC.len() + 8;

/// More rows than a shard has, few enough that those of many shards can be counted.
const MOST_ROWS: usize = 1 << 48;

#[derive(Debug, Serialize, Deserialize)]
struct SavedShard {
    name: String,
    fingerprint: Option<String>,
    rows: u64,
    columns: Vec<SavedField>,
    split: Option<ShardSplit>,
    summaries: BlockSummaries,
    about: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedField {
    name: String,
    column_type: String,
    nullable: bool,
    metadata: Vec<(String, String)>,
}

impl SavedField {
    fn new(field: &Field) -> Self {
        let metadata = field.metadata().iter().map(|(key, value)| (key.clone(), value.clone()));
        Self {
            name: field.name().to_owned(),
            column_type: field.column_type().to_string(),
            nullable: field.nullable(),
            metadata: metadata.collect(),
        }
    }

    fn field(self) -> Option<Field> {
        let column_type: ColumnType = self.column_type.parse().ok()?;
        let field = Field::new(self.name, column_type).with_nullable(self.nullable);
        Some(field.with_metadata(self.metadata.into_iter().collect()))
    }
}

impl Shards {
    /// Writes what is known of the shards to a file, aside first, so that it is there as a whole or not at all. It holds the names of the columns, how
    /// the rows were split, and the summaries of the blocks, but no rows, unless a summary [holds them](Self::holding_rows).
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let bytes = self.to_bytes()?;
        write_files(&[(path, bytes.as_slice())]).map_err(|error| luthier_core::Error::from(error).into())
    }

    /// What is known of the shards as the bytes of a file.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let saved = self.shards.iter().map(|shard| SavedShard {
            name: shard.name.clone(),
            fingerprint: shard.fingerprint.clone(),
            rows: shard.rows.num_rows() as u64,
            columns: shard.rows.schema().fields().iter().map(SavedField::new).collect(),
            split: shard.split.clone(),
            summaries: shard.summaries().clone(),
            about: shard.about.clone(),
        });
        let saved: Vec<SavedShard> = saved.collect();
        let shards = postcard::to_allocvec(&saved).map_err(|error| Error::invalid(error.to_string()))?;
        let mut bytes = Vec::with_capacity(HEAD + shards.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&shards).to_le_bytes());
        bytes.extend_from_slice(&shards);
        Ok(bytes)
    }

    /// Reads what is known of shards from a file. Their rows are [absent](DataFrame::absent).
    ///
    /// # Errors
    /// A file that cannot be read, that is not such a file, has another version, or is damaged.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes =
            std::fs::read(path).map_err(|error| Error::invalid(format!("{}: {error}", path.display())))?;
        Self::from_bytes(&bytes).map_err(|error| Error::invalid(format!("{}: {error}", path.display())))
    }

    /// What is known of shards from the bytes of a file.
    ///
    /// # Errors
    /// Bytes that are not of such a file, of another version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::invalid("the file is damaged: make it again");
        let number = |at: usize| {
            let bytes = bytes.get(at..at + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        if bytes.get(..MAGIC.len()) != Some(MAGIC.as_slice()) {
            return Err(Error::invalid(
                "this is not a file of summaries: expected one that `luthier summarize` has written",
            ));
        }
        let version = number(MAGIC.len()).ok_or_else(damaged)?;
        if version != VERSION {
            return Err(Error::invalid(format!(
                "the file of summaries has version {version}, expected {VERSION}: make it again with this version of luthier"
            )));
        }
        let shards = bytes.get(HEAD..).ok_or_else(damaged)?;
        if number(MAGIC.len() + 4) != Some(crc32c::crc32c(shards)) {
            return Err(damaged());
        }
        let saved: Vec<SavedShard> = postcard::from_bytes(shards).map_err(|_| damaged())?;
        let mut read = Self::new();
        for shard in saved {
            let fields = shard.columns.into_iter().map(SavedField::field).collect::<Option<Vec<_>>>();
            let schema = fields.and_then(|fields| Schema::new(fields).ok()).ok_or_else(damaged)?;
            let rows =
                usize::try_from(shard.rows).ok().filter(|rows| *rows <= MOST_ROWS).ok_or_else(damaged)?;
            if shard.split.as_ref().is_some_and(|split| !split.is_sound(rows)) {
                return Err(damaged());
            }
            read.add(OneShard {
                rows: DataFrame::absent(schema, rows, &shard.name),
                name: shard.name,
                fingerprint: shard.fingerprint,
                split: shard.split,
                summaries: Arc::new(Mutex::new(shard.summaries)),
                about: shard.about,
            })?;
        }
        Ok(read)
    }
}
