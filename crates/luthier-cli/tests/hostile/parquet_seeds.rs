//! Parquet files of many encodings.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    LargeStringArray, RecordBatch, StringArray, StructArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use crate::seeds::{ROWS, numbers};

fn all() -> Vec<(&'static str, WriterProperties)> {
    let with = |compression: Compression, dictionary: bool, version: WriterVersion| {
        WriterProperties::builder()
            .set_compression(compression)
            .set_dictionary_enabled(dictionary)
            .set_writer_version(version)
            .set_max_row_group_row_count(Some(40))
            .set_data_page_row_count_limit(25)
            .set_write_batch_size(10)
    };
    let column = |name: &str| ColumnPath::from(name);
    let (one, two) = (WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0);
    let delta = with(Compression::UNCOMPRESSED, false, two)
        .set_column_encoding(column("i"), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(column("cat"), Encoding::DELTA_BYTE_ARRAY)
        .set_column_encoding(column("large"), Encoding::DELTA_LENGTH_BYTE_ARRAY)
        .set_column_encoding(column("x2"), Encoding::BYTE_STREAM_SPLIT)
        .set_column_encoding(column("flag"), Encoding::RLE);
    vec![
        ("plain.parquet", with(Compression::UNCOMPRESSED, false, one).build()),
        ("dictionary.parquet", with(Compression::UNCOMPRESSED, true, one).build()),
        ("snappy.parquet", with(Compression::SNAPPY, true, two).build()),
        ("delta.parquet", delta.build()),
        ("zstd.parquet", with(Compression::ZSTD(Default::default()), true, one).build()),
        ("gzip.parquet", with(Compression::GZIP(Default::default()), false, two).build()),
        ("brotli.parquet", with(Compression::BROTLI(Default::default()), true, two).build()),
        ("lz4.parquet", with(Compression::LZ4_RAW, true, one).build()),
    ]
}

pub(crate) fn names() -> Vec<String> {
    all().into_iter().map(|(name, _)| name.to_owned()).collect()
}

pub(crate) fn write(folder: &Path) {
    let batch = batch();
    for (name, properties) in all() {
        let file = File::create(folder.join(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
}

fn batch() -> RecordBatch {
    let rows = || 0..ROWS;
    let some = |place: usize, gap: usize| -> ArrayRef {
        Arc::new(rows().map(|row| (row % gap != 3).then(|| numbers(row)[place])).collect::<Float64Array>())
    };
    let every = |place: usize| -> ArrayRef {
        Arc::new(rows().map(|row| Some(numbers(row)[place])).collect::<Float64Array>())
    };
    let text = |row: usize| ["red", "green", "blue"][row % 3];
    let mut vectors = FixedSizeListBuilder::new(Float64Builder::new(), 3);
    let (mut lists, mut items) =
        (ListBuilder::new(Float64Builder::new()), ListBuilder::new(Int64Builder::new()));
    let mut texts = ListBuilder::new(StringBuilder::new());
    for row in rows() {
        vectors.values().append_slice(&numbers(row)[..3]);
        vectors.append(true);
        lists.values().append_slice(&numbers(row)[1..3]);
        lists.append(true);
        (0..row % 4).for_each(|item| items.values().append_value(item as i64));
        items.append(row % 9 != 4);
        (0..row % 3).for_each(|word| texts.values().append_option((word != 1).then(|| text(row))));
        texts.append(row % 5 != 2);
    }
    let texts: ArrayRef = Arc::new(texts.finish());
    let numbers: ArrayRef = Arc::new(rows().map(|row| row as i32).collect::<Int32Array>());
    let nested = StructArray::from(vec![
        (Arc::new(Field::new("a", DataType::Int32, true)), numbers),
        (Arc::new(Field::new("b", texts.data_type().clone(), true)), texts),
    ]);
    let y = rows().map(|row| Some(crate::seeds::numbers(row)[2])).collect::<Float64Array>();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("x0", some(0, 7)),
        ("x1", some(1, 11)),
        ("x2", every(2)),
        ("x3", every(3)),
        ("i", Arc::new(rows().map(|row| row as i64 % 4).collect::<Int64Array>())),
        ("cat", Arc::new(rows().map(|row| Some(text(row))).collect::<StringArray>())),
        (
            "large",
            Arc::new(rows().map(|row| (row % 6 != 1).then(|| text(row))).collect::<LargeStringArray>()),
        ),
        ("flag", Arc::new(rows().map(|row| Some(row % 2 == 0)).collect::<BooleanArray>())),
        ("day", Arc::new(rows().map(|row| Some(19_000 + row as i32)).collect::<Date32Array>())),
        (
            "at",
            Arc::new(
                rows().map(|row| Some(1_700_000_000_000 + row as i64)).collect::<TimestampMillisecondArray>(),
            ),
        ),
        ("price", Arc::new(rows().map(|row| row as i128 * 101).collect::<Decimal128Array>())),
        ("vec", Arc::new(vectors.finish())),
        ("list", Arc::new(lists.finish())),
        ("items", Arc::new(items.finish())),
        ("nested", Arc::new(nested)),
        ("w", every(3)),
        ("y", Arc::new(y)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}
