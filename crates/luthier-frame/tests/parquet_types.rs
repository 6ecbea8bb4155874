//! Parquet files of other programs: codecs and types, and damaged files. `data/make_parquet.py` makes the files.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not know as such")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use luthier_frame::arrow_array::{ArrayRef, StringArray};
use luthier_frame::arrow_schema::{DataType, Field, Schema};
use luthier_frame::{Column, DataFrame, Error, ParquetOptions, RecordBatch, texts};
use parquet::arrow::{ArrowWriter, encode_arrow_schema};
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::{
    FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::{WriterProperties, WriterVersion};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// All values of a column as text.
fn column(frame: &DataFrame, name: &str) -> Vec<Option<String>> {
    let index = frame.schema().require_index(name).unwrap();
    let batches = frame.partitions().iter().flat_map(|partition| partition.batches(Some(&[index])).unwrap());
    batches.flat_map(|batch| texts(batch.unwrap().column(0)).unwrap()).collect()
}

fn arrow_types(frame: &DataFrame) -> Vec<(String, DataType)> {
    let batch = frame.partitions()[0].batches(None).unwrap().next().unwrap().unwrap();
    let fields = batch.schema().fields().clone();
    fields.iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
}

#[test]
fn every_codec_is_read() {
    let check = |frame: &DataFrame, name: &str| {
        let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 4.0).collect();
        assert_eq!(frame.column_f64("x").unwrap(), x, "{name}");
        assert_eq!(frame.column_utf8("s").unwrap()[38..], ["name 2", "name 0"], "{name}");
        assert_eq!(frame.num_partitions(), 2);
    };
    for codec in ["none", "snappy", "gzip", "brotli", "lz4", "zstd"] {
        let name = format!("codec_{codec}.parquet");
        check(&DataFrame::scan_parquet(data(&name)).unwrap(), &name);
    }
    // Blocks with lengths in front, as Hadoop writes them.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hadoop.parquet");
    let frame = DataFrame::read_parquet(data("codec_none.parquet")).unwrap();
    let batches: Vec<RecordBatch> =
        frame.partitions().iter().flat_map(|p| p.batches(None).unwrap()).map(Result::unwrap).collect();
    let properties = WriterProperties::builder().set_compression(Compression::LZ4).build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batches[0].schema(), Some(properties)).unwrap();
    for batch in &batches {
        writer.write(batch).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    check(&DataFrame::scan_parquet(&path).unwrap(), "hadoop");
}

#[test]
fn every_type_is_a_column() {
    let frame = DataFrame::scan_parquet(data("types.parquet")).unwrap();
    let types: Vec<String> = frame.schema().fields().iter().map(ToString::to_string).collect();
    assert_eq!(
        types.join(", "),
        "u64: i64, u32: i64, u16: i64, u8: i64, i32: i64, i16: i64, i8: i64, half: f64, single: f64, decimal: f64, \
         wide: f64, flag: bool, text: utf8, view: utf8, category: utf8, date: date, ms: timestamp, us: timestamp, \
         ns: timestamp, utc: timestamp, zone: timestamp, time: time of day, bytes: binary, \
         lists: lists of unequal lengths, names: lists of other values, labels: list, record: struct, map: map, \
         none: f64, vector: vector(2)"
    );
    assert_eq!(frame.column_f64("u64").unwrap()[3], 18_446_744_073_709_551_615.0);
    assert_eq!(frame.head(3).column_f64("half").unwrap(), [0.5, -1.25, 65504.0]);
    assert_eq!(frame.column_f64("decimal").unwrap(), [1.1, -2.25, 0.0, 99_999_999.99]);
    assert_eq!(frame.column_f64("wide").unwrap()[2..], [0.3, 12_345_678_901_234_567_890_123_456_789.7]);
    assert_eq!(frame.head(2).column_f64("flag").unwrap(), [1.0, 0.0]);
    assert_eq!(frame.vectors("vector").unwrap().row(3).to_vec(), [1.0, 2.0]);
    for (name, expected) in [
        ("u64", "18446744073709551615"),
        ("wide", "12345678901234567890123456789.700000000000000000000000000000"),
        ("date", "2024-03-01"),
        ("ms", "2024-02-29T01:30:00.125"),
        ("ns", "2024-02-29T01:30:00.125"),
        ("utc", "2024-02-29T01:30:00.125Z"),
        ("zone", "2024-02-29T02:30:00.125+01:00"),
        ("time", "23:59:59"),
        ("bytes", "616263"),
        ("lists", "[2.0, 3.0]"),
        ("record", "{a: 2, b: }"),
    ] {
        assert_eq!(column(&frame, name)[3].as_deref(), Some(expected), "{name}");
    }
    assert!(matches!(frame.column_f64("bytes"), Err(Error::ColumnType { .. })));
}

#[test]
fn what_is_read_is_written_in_its_own_type() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("again.parquet");
    let frame = DataFrame::scan_parquet(data("types.parquet")).unwrap();
    for frame in [frame.clone(), frame.collect().unwrap(), frame.repartition(3).unwrap()] {
        frame.write_parquet(&path, &ParquetOptions::new()).unwrap();
        let again = DataFrame::scan_parquet(&path).unwrap();
        assert_eq!(again.schema().to_string(), frame.schema().to_string());
        for (before, after) in arrow_types(&frame).iter().zip(arrow_types(&again)) {
            match before.0.as_str() {
                // Vectors are written as `f64`.
                "vector" => assert_eq!(again.vectors("vector").unwrap(), frame.vectors("vector").unwrap()),
                name => {
                    assert_eq!((before.0.as_str(), &before.1), (after.0.as_str(), &after.1));
                    assert_eq!(column(&again, name), column(&frame, name), "{name}");
                }
            }
        }
    }
}

#[test]
fn times_of_96_bits_do_not_wrap_around() {
    let frame = DataFrame::scan_parquet(data("int96.parquet")).unwrap();
    let expected = ["2024-02-28T22:30:00.125", "0001-01-01T00:00:00", "", "9999-12-31T23:59:59"];
    let expected: Vec<Option<String>> =
        expected.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect();
    assert_eq!(column(&frame, "when"), expected);
}

#[test]
fn damaged_bytes_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.parquet");
    for name in ["plain.parquet", "types.parquet", "codec_none.parquet", "codec_snappy.parquet"] {
        let good = std::fs::read(data(name)).unwrap();
        let mut state: u64 = 9;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let rows = DataFrame::scan_parquet(data(name)).unwrap().num_rows();
        let mut refused = 0;
        for _ in 0..700 {
            let mut bytes = good.clone();
            for _ in 0..1 + random(3) {
                let at = random(bytes.len());
                bytes[at] = [0, 0xff, 0x7f, 0x80, bytes[at] ^ (1 << random(8))][random(5)];
            }
            std::fs::write(&path, bytes).unwrap();
            match DataFrame::scan_parquet(&path).and_then(|frame| frame.collect()) {
                // The bytes of a value are as good as others; a row more or less is not.
                Ok(frame) => assert_eq!(frame.num_rows(), rows),
                Err(error) => {
                    assert!(error.to_string().contains("damaged.parquet"), "{error}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 100, "{name}: {refused}");
    }
}

/// `plain.parquet` with another footer.
fn with_metadata(path: &Path, change: impl FnOnce(ParquetMetaData) -> ParquetMetaData) {
    let bytes = std::fs::read(data("plain.parquet")).unwrap();
    let size = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
    let file = std::fs::File::open(data("plain.parquet")).unwrap();
    let metadata = change(ParquetMetaDataReader::new().parse_and_finish(&file).unwrap());
    let mut out = bytes[..bytes.len() - 8 - size].to_vec();
    ParquetMetaDataWriter::new(&mut out, &metadata).finish().unwrap();
    std::fs::write(path, out).unwrap();
}

fn refused(path: &Path) -> String {
    DataFrame::scan_parquet(path).unwrap_err().to_string()
}

#[test]
fn claims_of_rows_are_compared_with_the_pages() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("claims.parquet");
    let claim = |rows: i64, values: Option<i64>| {
        with_metadata(&path, |metadata| {
            let groups = metadata.row_groups().iter().map(|group| {
                let columns = group.columns().iter().map(|column| {
                    let values = values.unwrap_or(column.num_values());
                    column.clone().into_builder().set_num_values(values).build().unwrap()
                });
                let columns = columns.collect();
                group.clone().into_builder().set_num_rows(rows).set_column_metadata(columns).build().unwrap()
            });
            let groups: Vec<RowGroupMetaData> = groups.collect();
            metadata.into_builder().set_row_groups(groups).build()
        });
    };
    claim(1_000_000_000, None);
    let error = refused(&path);
    assert!(error.contains("row group 0 claims 1000000000 rows, but has 25"), "{error}");
    claim(1_000_000_000, Some(1_000_000_000));
    let error = refused(&path);
    assert!(error.contains("row group 0 claims 1000000000 rows, but has 25"), "{error}");
    claim(26, Some(26));
    let error = DataFrame::scan_parquet(&path).unwrap().column_f64("x").unwrap_err().to_string();
    assert!(error.contains("claims.parquet") && error.contains("expected 26, got 25"), "{error}");
}

#[test]
fn claims_of_width_are_compared_with_the_values() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("claims.parquet");
    let item = Arc::new(Field::new("element", DataType::Float64, true));
    let schema = Schema::new(vec![
        Field::new("x", DataType::Float64, true),
        Field::new("v", DataType::FixedSizeList(item, i32::MAX), true),
        Field::new("s", DataType::Utf8, true),
        Field::new("y", DataType::Float64, true),
    ]);
    with_metadata(&path, |metadata| {
        let file = metadata.file_metadata();
        let hint = vec![KeyValue::new("ARROW:schema".to_owned(), encode_arrow_schema(&schema))];
        let file = FileMetaData::new(
            file.version(),
            file.num_rows(),
            None,
            Some(hint),
            file.schema_descr_ptr(),
            file.column_orders().cloned(),
        );
        ParquetMetaData::new(file, metadata.row_groups().to_vec())
    });
    let error = refused(&path);
    assert!(error.contains("column `v` claims vectors of 2147483647 numbers, but has only 80"), "{error}");

    let mut rows = luthier_frame::SparseBuilder::new(1_000_000_000_000);
    rows.push(3, 1.0);
    rows.end_row();
    let wide: ArrayRef = Column::sparse(rows).array().clone();
    let batch = RecordBatch::try_from_iter(vec![("v", wide)]).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let error = refused(&path);
    assert!(error.contains("column `v` claims vectors of 1000000000000 numbers"), "{error}");
}

#[test]
fn claims_of_lengths_are_compared_with_the_values() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lengths.parquet");
    let text = |row: usize| (row % 5 != 3).then(|| format!("text {}", row % 50));
    let texts: ArrayRef = Arc::new((0..300).map(text).collect::<StringArray>());
    let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
    let write = |encoding, version, compression| {
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_encoding(encoding)
            .set_writer_version(version)
            .set_compression(compression)
            .set_data_page_row_count_limit(100)
            .set_write_batch_size(50);
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    };
    let read = || DataFrame::scan_parquet(&path).and_then(|frame| frame.optional_texts("text"));
    let expected: Vec<Option<String>> = (0..300).map(text).collect();
    for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            write(encoding, version, Compression::SNAPPY);
            assert_eq!(read().unwrap(), expected);
            write(encoding, version, Compression::UNCOMPRESSED);
            assert_eq!(read().unwrap(), expected);
            let good = std::fs::read(&path).unwrap();
            // Blocks of 128 lengths in 4 parts, and how many there are.
            let headers = good.windows(3).enumerate().filter(|(_, bytes)| bytes == b"\x80\x01\x04");
            let headers: Vec<usize> = headers.map(|(at, _)| at).collect();
            let blocks = if encoding == Encoding::DELTA_BYTE_ARRAY { 2 } else { 1 };
            assert_eq!(headers.len(), 3 * blocks, "three pages");
            for at in headers {
                let mut bytes = good.clone();
                // Enough for the memory of any machine.
                bytes[at + 3..at + 9].copy_from_slice(b"\xff\xff\xff\xff\xff\x1f");
                std::fs::write(&path, bytes).unwrap();
                let error = read().unwrap_err().to_string();
                assert!(error.contains("lengths.parquet") && error.contains("of column `text`"), "{error}");
                assert!(error.contains(" claims 1099511627775 lengths"), "{error}");
            }
        }
    }
}
