//! Parquet files: the same bits back, lists as vectors, scans that read what is asked for.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not know as such")]

use std::path::Path;
use std::sync::Arc;

use luthier_frame::arrow_array::builder::{Float32Builder, Float64Builder, LargeListBuilder, ListBuilder};
use luthier_frame::arrow_array::{ArrayRef, TimestampSecondArray};
use luthier_frame::{
    Column, ColumnType, Compression, DataFrame, Error, Field, ParquetOptions, RecordBatch, vectors,
};
use ndarray::{Array2, array};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

/// A file as another program would write it.
fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn counted(rows: usize) -> DataFrame {
    DataFrame::from_columns(vec![
        ("row", Column::i64((0..rows as i64).collect())),
        (
            "v",
            Column::vector(Array2::from_shape_fn((rows, 3), |(row, column)| {
                row as f64 + column as f64 / 4.0
            })),
        ),
        ("s", Column::utf8((0..rows).map(|row| format!("r{row}")))),
    ])
    .unwrap()
}

fn sizes(frame: &DataFrame) -> Vec<usize> {
    frame.partitions().iter().map(|partition| partition.num_rows()).collect()
}

#[test]
fn row_groups_are_partitions_in_every_compression() {
    let dir = tempfile::tempdir().unwrap();
    let frame = counted(10).repartition(3).unwrap();
    for compression in [Compression::Uncompressed, Compression::Snappy, Compression::Zstd] {
        let path = dir.path().join(format!("{compression:?}.parquet"));
        frame
            .write_parquet(&path, &ParquetOptions::new().compression(compression).row_group_rows(4))
            .unwrap();
        for again in [DataFrame::read_parquet(&path).unwrap(), DataFrame::scan_parquet(&path).unwrap()] {
            assert_eq!(sizes(&again), [4, 4, 2]);
            assert_eq!(again.schema(), frame.schema());
            assert_eq!(again.column_i64("row").unwrap(), frame.column_i64("row").unwrap());
            assert_eq!(again.vectors("v").unwrap(), frame.vectors("v").unwrap());
            assert_eq!(again.column_utf8("s").unwrap(), frame.column_utf8("s").unwrap());
        }
        assert!(DataFrame::read_parquet(&path).unwrap().is_in_memory());
    }
    let options = ParquetOptions::new().row_group_rows(0);
    assert!(matches!(frame.write_parquet(dir.path().join("x"), &options), Err(Error::Argument { .. })));
}

#[test]
fn a_scan_stays_one_under_what_needs_no_values() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.parquet");
    counted(10).write_parquet(&path, &ParquetOptions::new().row_group_rows(4)).unwrap();
    let scan = DataFrame::scan_parquet(&path).unwrap();
    let cut = scan.repartition(4).unwrap().slice(3, 6).unwrap().rename("row", "n").unwrap();
    let cut = cut.select(&["s", "v", "n"]).unwrap();
    assert!(cut.partitions().iter().all(|partition| !partition.is_in_memory()));
    assert_eq!(cut.column_i64("n").unwrap(), [3, 4, 5, 6, 7, 8]);
    assert_eq!(cut.column_utf8("s").unwrap(), ["r3", "r4", "r5", "r6", "r7", "r8"]);
    assert_eq!(
        cut.coalesce(1).unwrap().vectors("v").unwrap().column(0),
        array![3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    );
    let loaded = cut.with_column("x", Column::f64(vec![0.5; 6])).unwrap();
    assert!(loaded.is_in_memory());
    let mixed = DataFrame::concat(&[loaded.drop(&["x"]).unwrap(), cut]).unwrap().coalesce(1).unwrap();
    assert_eq!(mixed.column_i64("n").unwrap(), [3, 4, 5, 6, 7, 8, 3, 4, 5, 6, 7, 8]);
    assert_eq!(mixed.filter(&[false; 12]).unwrap().num_rows(), 0);
}

#[test]
fn projections_have_the_order_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.parquet");
    counted(5).write_parquet(&path, &ParquetOptions::new()).unwrap();
    let scan = DataFrame::scan_parquet(&path).unwrap();
    let read = |columns: Option<&[usize]>| {
        let batch = scan.partitions()[0].batches(columns).unwrap().next().unwrap().unwrap();
        let names: Vec<String> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        (names, batch.num_rows())
    };
    assert_eq!(read(Some(&[2, 0])), (vec!["s".to_owned(), "row".to_owned()], 5));
    assert_eq!(read(Some(&[])), (vec![], 5));
    assert_eq!(read(None).0.len(), 3);
    assert!(matches!(
        scan.partitions()[0].batches(Some(&[3])),
        Err(Error::NoSuchPosition { position: 3, .. })
    ));
    let batch = scan.partitions()[0].batches(Some(&[1])).unwrap().next().unwrap().unwrap();
    assert!(vectors(batch.column(0)).unwrap().is_view());
}

#[test]
fn only_the_columns_asked_for_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.parquet");
    counted(1000)
        .write_parquet(&path, &ParquetOptions::new().compression(Compression::Uncompressed))
        .unwrap();
    let scan = DataFrame::scan_parquet(&path).unwrap();
    // Damage the pages of the last column, `s`, keeping length and time.
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|window| window == b"r999").unwrap();
    let start = bytes.windows(2).position(|window| window == b"r0").unwrap();
    bytes[start - 40..at].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_eq!(scan.column_i64("row").unwrap().len(), 1000);
    assert!(matches!(scan.column_utf8("s"), Err(Error::ParquetRead { .. })));
}

#[test]
fn lists_of_other_programs_are_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lists.parquet");
    let mut small = ListBuilder::new(Float32Builder::new());
    let mut large = LargeListBuilder::new(Float64Builder::new());
    small.append_null();
    large.append_value([Some(0.1), Some(0.2)]);
    small.append_value([Some(1.5), Some(2.5), Some(3.5)]);
    large.append_value([Some(0.3), Some(0.4)]);
    write(&path, vec![("f32", Arc::new(small.finish())), ("f64", Arc::new(large.finish()))]);
    let frame = DataFrame::scan_parquet(&path).unwrap();
    assert_eq!(frame.schema().to_string(), "f32: vector(3), f64: vector(2)");
    assert_eq!(frame.vectors("f64").unwrap(), array![[0.1, 0.2], [0.3, 0.4]]);
    assert!(matches!(frame.vectors("f32"), Err(Error::Null { row: 0, .. })));
    assert_eq!(frame.slice(1, 1).unwrap().vectors("f32").unwrap(), array![[1.5, 2.5, 3.5]]);
}

#[test]
fn lists_of_several_lengths_are_no_vectors_and_stay_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ragged.parquet");
    let mut lists = ListBuilder::new(Float64Builder::new());
    lists.append_value([Some(1.0), Some(2.0)]);
    lists.append_value([Some(1.0), Some(2.0), Some(3.0)]);
    write(&path, vec![("v", Arc::new(lists.finish()))]);
    let frame = DataFrame::read_parquet(&path).unwrap();
    let error = frame.vectors("v").unwrap_err().to_string();
    assert!(error.contains("column `v`: row 1 has a list of 3 values, expected 2"), "{error}");
    // As they are into another file.
    let other = dir.path().join("other.parquet");
    DataFrame::scan_parquet(&path).unwrap().write_parquet(&other, &ParquetOptions::new()).unwrap();
    let again = DataFrame::read_parquet(&other).unwrap();
    let lists = |frame: &DataFrame| frame.partitions()[0].batches(None).unwrap().next().unwrap().unwrap();
    assert_eq!(lists(&again).column(0), lists(&frame).column(0));
}

#[test]
fn columns_can_be_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("times.parquet");
    let times: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1, 2]));
    let numbers = Column::f64(vec![1.0, 2.0]).array().clone();
    write(&path, vec![("when", times), ("x", numbers)]);
    assert_eq!(DataFrame::scan_parquet(&path).unwrap().schema().to_string(), "when: timestamp, x: f64");
    let frame = DataFrame::scan_parquet_columns(&path, &["x"]).unwrap();
    assert_eq!(frame.column_f64("x").unwrap(), [1.0, 2.0]);
    let error = DataFrame::scan_parquet_columns(&path, &["y"]).unwrap_err().to_string();
    assert!(error.contains("unknown column `y`") && error.contains("`when`, `x`"), "{error}");
}

#[test]
fn damaged_and_changed_files_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.parquet");
    assert!(matches!(DataFrame::scan_parquet(&path), Err(Error::Io { .. })));
    assert!(matches!(DataFrame::scan_parquet(dir.path()), Err(Error::Io { .. })));
    std::fs::write(&path, "a,b\n1,2\n").unwrap();
    assert!(matches!(DataFrame::scan_parquet(&path), Err(Error::ParquetRead { .. })));
    counted(10).write_parquet(&path, &ParquetOptions::new()).unwrap();
    let scan = DataFrame::scan_parquet(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(scan.collect(), Err(Error::FileChanged { .. })));
    assert!(scan.to_string().contains("cannot be read"));
    assert!(matches!(DataFrame::scan_parquet(&path), Err(Error::ParquetRead { .. })));
}

#[test]
fn a_frame_can_be_written_to_the_file_it_is_scanned_from() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.parquet");
    counted(10).write_parquet(&path, &ParquetOptions::new()).unwrap();
    let half = DataFrame::scan_parquet(&path).unwrap().head(5);
    half.write_parquet(&path, &ParquetOptions::new()).unwrap();
    assert_eq!(DataFrame::read_parquet(&path).unwrap().column_i64("row").unwrap(), [0, 1, 2, 3, 4]);
}

#[test]
fn metadata_nothing_and_no_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.parquet");
    let field = Field::new("x", ColumnType::F64).with_metadata([("unit".to_owned(), "m".to_owned())].into());
    let frame = DataFrame::from_fields(vec![(field, Column::f64(vec![]))]).unwrap();
    frame.write_parquet(&path, &ParquetOptions::new()).unwrap();
    let again = DataFrame::read_parquet(&path).unwrap();
    assert_eq!((again.schema(), again.num_rows(), again.num_partitions()), (frame.schema(), 0, 1));
    let nothing = DataFrame::from_columns(vec![]).unwrap();
    assert!(matches!(nothing.write_parquet(&path, &ParquetOptions::new()), Err(Error::NoColumns)));
    let flat = DataFrame::from_ndarray(Array2::zeros((2, 0)), vec![0.0; 2]).unwrap();
    assert!(matches!(flat.write_parquet(&path, &ParquetOptions::new()), Err(Error::ColumnType { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_is_read_to_the_same_bits(
        rows in proptest::collection::vec(
            (proptest::option::of(any::<u64>().prop_map(f64::from_bits)), proptest::option::of(any::<i64>()),
             proptest::option::of(".{0,5}"), [any::<u64>(), any::<u64>()]),
            1..40,
        ),
        row_group_rows in 1usize..20,
        n in 1usize..5,
    ) {
        let cells: Vec<f64> = rows.iter().flat_map(|row| row.3).map(f64::from_bits).collect();
        let frame = DataFrame::from_columns(vec![
            ("x", Column::f64_nullable(rows.iter().map(|row| row.0).collect())),
            ("i", Column::i64_nullable(rows.iter().map(|row| row.1).collect())),
            ("s", Column::utf8_nullable(rows.iter().map(|row| row.2.as_deref()))),
            ("v", Column::vector(Array2::from_shape_vec((rows.len(), 2), cells.clone()).unwrap())),
        ]).unwrap().repartition(n).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data.parquet");
        frame.write_parquet(&path, &ParquetOptions::new().row_group_rows(row_group_rows)).unwrap();
        let again = DataFrame::scan_parquet(&path).unwrap().repartition(n).unwrap();
        prop_assert_eq!(again.schema(), frame.schema());
        let found: Vec<u64> = again.vectors("v").unwrap().iter().map(|x| x.to_bits()).collect();
        prop_assert_eq!(found, cells.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        let again = again.collect().unwrap();
        for (row, expected) in rows.iter().enumerate() {
            let here = again.slice(row, 1).unwrap();
            prop_assert_eq!(here.column_f64("x").ok().map(|x| x[0].to_bits()), expected.0.map(f64::to_bits));
            prop_assert_eq!(here.column_i64("i").ok().map(|x| x[0]), expected.1);
            prop_assert_eq!(here.column_utf8("s").ok().map(|x| x[0].clone()), expected.2.clone());
        }
    }
}

#[test]
fn batches_have_the_rows_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.parquet");
    counted(10).write_parquet(&path, &ParquetOptions::new().row_group_rows(7)).unwrap();
    let scan = DataFrame::scan_parquet(&path).unwrap();
    let rows = |partition: &luthier_frame::Partition| -> Vec<usize> {
        let batches = partition.batches_of(Some(&[1]), 3).unwrap();
        batches.map(|batch| batch.unwrap().num_rows()).collect()
    };
    let found: Vec<Vec<usize>> = scan.partitions().iter().map(rows).collect();
    assert_eq!(found, [vec![3, 3, 1], vec![3]]);
    assert_eq!(rows(&scan.coalesce(1).unwrap().partitions()[0]), [3, 3, 1, 3]);
    assert_eq!(rows(&scan.collect().unwrap().partitions()[0]), [7]);
}

#[test]
fn a_vector_of_columns_is_put_together_when_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.parquet");
    counted(10).write_parquet(&path, &ParquetOptions::new().row_group_rows(4)).unwrap();
    let scan = DataFrame::scan_parquet(&path).unwrap();
    let expected = Array2::from_shape_fn((10, 4), |(row, column)| match column {
        3 => row as f64,
        _ => row as f64 + column as f64 / 4.0,
    });
    for frame in [scan.clone(), scan.collect().unwrap()] {
        let wide = frame.with_vector("both", &["v", "row"]).unwrap();
        assert_eq!(wide.is_in_memory(), frame.is_in_memory());
        assert_eq!(wide.schema().to_string(), "row: i64, v: vector(3), s: utf8, both: vector(4)");
        assert_eq!(wide.vectors("both").unwrap(), expected);
        let twice = wide.with_vector("more", &["both", "v"]).unwrap().select(&["more", "row"]).unwrap();
        assert_eq!(
            twice.slice(3, 5).unwrap().vectors("more").unwrap().row(4),
            array![7.0, 7.25, 7.5, 7.0, 7.0, 7.25, 7.5]
        );
        assert!(matches!(frame.with_vector("x", &["s"]), Err(Error::ColumnType { .. })));
        assert!(matches!(frame.with_vector("v", &["row"]), Err(Error::DuplicateColumn { .. })));

        let alias = frame.with_vector("again", &["v"]).unwrap();
        let batch = alias.partitions()[0].batches(None).unwrap().next().unwrap().unwrap();
        let at = |index: usize| vectors(batch.column(index)).unwrap().as_ptr();
        assert_eq!(at(1), at(3), "one vector column is shared");
    }
}

#[test]
fn a_vector_of_columns_with_a_null_names_column_and_row() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.parquet");
    let mut x: Vec<Option<f64>> = (0..10).map(|row| Some(f64::from(row))).collect();
    x[7] = None;
    let frame = DataFrame::from_columns(vec![("x", Column::f64_nullable(x))]).unwrap();
    frame.write_parquet(&path, &ParquetOptions::new().row_group_rows(4)).unwrap();
    let is_it = |error: Error| matches!(error, Error::Null { column, row: 7 } if column == "x");
    assert!(is_it(frame.with_vector("v", &["x"]).unwrap_err()));
    let scan = DataFrame::scan_parquet(&path).unwrap().with_vector("v", &["x"]).unwrap();
    let Error::InFile { cause, .. } = scan.vectors("v").unwrap_err() else { unreachable!("a null") };
    assert!(is_it(*cause));
}

type Lists = Vec<Option<Vec<Option<f64>>>>;

/// Lists of 3; some are null or have a null.
fn lists(rows: usize) -> impl Strategy<Value = Lists> {
    let number = prop_oneof![60 => any::<f64>().prop_map(Some), 1 => Just(None)];
    let list = proptest::collection::vec(number, 3);
    proptest::collection::vec(prop_oneof![40 => list.prop_map(Some), 1 => Just(None)], rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn vectors_with_and_without_nulls_are_read_as_they_are(
        lists in (1usize..60).prop_flat_map(lists),
        batch_rows in 1usize..20,
        cut in (0.0..1.0, 0.0..1.0),
        dictionary in any::<bool>(),
    ) {
        let (mut wide, mut fixed, mut narrow) = (
            ListBuilder::new(Float64Builder::new()),
            luthier_frame::arrow_array::builder::FixedSizeListBuilder::new(Float64Builder::new(), 3),
            LargeListBuilder::new(Float32Builder::new()),
        );
        for list in &lists {
            wide.append_option(list.clone());
            narrow.append_option(list.clone().map(|list| list.into_iter().map(|x| x.map(|x| x as f32))));
            let numbers = list.clone().unwrap_or_else(|| vec![None; 3]);
            numbers.into_iter().for_each(|x| fixed.values().append_option(x));
            fixed.append(list.is_some());
        }
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("wide", Arc::new(wide.finish())),
            ("fixed", Arc::new(fixed.finish())),
            ("narrow", Arc::new(narrow.finish())),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data.parquet");
        let properties = parquet::file::properties::WriterProperties::builder()
            .set_dictionary_enabled(dictionary)
            .set_data_page_row_count_limit(5)
            .set_write_batch_size(2)
            .set_max_row_group_row_count(Some(23))
            .build();
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();

        let from = (cut.0 * lists.len() as f64) as usize;
        let rows = (cut.1 * (lists.len() - from) as f64) as usize;
        let scan = DataFrame::scan_parquet(&path).unwrap();
        // Without one list there is no width.
        prop_assume!(lists.iter().any(Option::is_some));
        let scan = scan.slice(from, rows).unwrap();
        let mut row = from;
        for partition in scan.partitions() {
            for batch in partition.batches_of(None, batch_rows).unwrap() {
                let batch = batch.unwrap();
                prop_assert!(batch.num_rows() <= batch_rows);
                let found: Vec<_> = batch.columns().iter().map(|array| vectors(array).unwrap()).collect();
                for at in 0..batch.num_rows() {
                    let list = lists[row].clone().unwrap_or_else(|| vec![None; 3]);
                    for column in 0..3 {
                        let expected = list[column].unwrap_or(f64::NAN);
                        for (array, narrow) in found.iter().zip([false, false, true]) {
                            let expected = if narrow { f64::from(expected as f32) } else { expected };
                            let here = array[[at, column]];
                            prop_assert!(here == expected || (here.is_nan() && expected.is_nan()));
                        }
                    }
                    for array in batch.columns() {
                        use luthier_frame::arrow_array::Array;
                        prop_assert_eq!(array.is_null(at), lists[row].is_none());
                    }
                    row += 1;
                }
            }
        }
        prop_assert_eq!(row, from + rows);
    }
}
