//! A name for the contents of a frame.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;

use crate::content_hash::{ContentHash, ContentHasher};
use crate::{DataFrame, Result};

impl DataFrame {
    /// A hash of names, types and values, and of how rows are divided into partitions and batches: sums of floating-point numbers may
    /// depend on that. Equal frames may have different hashes, if they are laid out differently in memory.
    ///
    /// All rows are read.
    ///
    /// # Errors
    /// Any error of the files that are read.
    pub fn content_hash(&self) -> Result<ContentHash> {
        let mut hash = ContentHash::new();
        for field in self.schema().fields() {
            hash.write(format!("{field:?}\n").as_bytes());
        }
        for partition in self.partitions() {
            hash.write(b"partition\n");
            for batch in partition.batches(None)? {
                write(&batch?, &mut hash)?;
            }
        }
        Ok(hash.finish())
    }
}

/// Writes a batch in the form in which processes exchange it, which has no traces of the batches that it was cut from.
fn write(batch: &RecordBatch, hash: &mut ContentHasher) -> Result<()> {
    let mut writer = StreamWriter::try_new(Sink(hash), batch.schema_ref())?;
    writer.write(batch)?;
    Ok(writer.finish()?)
}

struct Sink<'a>(&'a mut ContentHasher);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;

    fn frame(x: Vec<f64>) -> DataFrame {
        let names: Vec<String> = x.iter().map(|x| format!("row {x}")).collect();
        DataFrame::from_columns(vec![("x", Column::f64(x)), ("name", Column::utf8(names))]).unwrap()
    }

    #[test]
    fn equal_contents_have_equal_hashes_wherever_they_come_from() {
        let hash = |frame: &DataFrame| frame.content_hash().unwrap();
        let all = frame(vec![0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(hash(&all), hash(&frame(vec![0.0, 1.0, 2.0, 3.0, 4.0])));
        assert_eq!(hash(&all.slice(1, 3).unwrap()), hash(&frame(vec![1.0, 2.0, 3.0])));
        assert_ne!(hash(&all), hash(&frame(vec![0.0, 1.0, 2.0, 3.0, 5.0])));
        assert_ne!(hash(&all), hash(&all.repartition(2).unwrap()));
        assert_ne!(hash(&all), hash(&all.rename("x", "y").unwrap()));
        assert_ne!(hash(&frame(vec![0.0])), hash(&frame(vec![-0.0])));
    }
}
