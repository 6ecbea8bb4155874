//! Sparse vectors are dense vectors that take less memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use luthier_frame::arrow_array::cast::AsArray;
use luthier_frame::arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StructArray, UInt32Array};
use luthier_frame::{
    Column, ColumnType, DataFrame, Error, ParquetOptions, SparseBuilder, arrow_schema, sparse_rows,
};
use ndarray::Array2;
use proptest::prelude::*;

fn sparse(rows: &Array2<f64>) -> SparseBuilder {
    let mut builder = SparseBuilder::new(rows.ncols());
    for row in rows.outer_iter() {
        row.iter().enumerate().for_each(|(j, &x)| builder.push(j, x));
        builder.end_row();
    }
    builder
}

fn both(rows: &Array2<f64>) -> DataFrame {
    let label = (0..rows.nrows()).map(|i| i as f64).collect();
    DataFrame::from_columns(vec![
        ("dense", Column::vector(rows.clone())),
        ("sparse", Column::sparse(sparse(rows))),
        ("label", Column::f64(label)),
    ])
    .unwrap()
}

fn matrix() -> impl Strategy<Value = Array2<f64>> {
    (1usize..40, 1usize..30).prop_flat_map(|(n, d)| {
        let number = prop_oneof![3 => Just(0.0), 1 => -5.0..5.0f64];
        proptest::collection::vec(number, n * d).prop_map(move |x| Array2::from_shape_vec((n, d), x).unwrap())
    })
}

proptest! {
    #[test]
    fn sparse_is_dense(rows in matrix(), parts in 1usize..5, offset in 0usize..10) {
        let frame = both(&rows).repartition(parts).unwrap();
        prop_assert_eq!(frame.vectors("sparse").unwrap(), rows.clone());
        let kept: Vec<bool> = (0..rows.nrows()).map(|i| i % 3 != 1).collect();
        let cut = frame.filter(&kept).unwrap();
        prop_assert_eq!(cut.vectors("sparse").unwrap(), cut.vectors("dense").unwrap());
        let slice = frame.slice(offset.min(rows.nrows()), rows.nrows().saturating_sub(offset)).unwrap();
        prop_assert_eq!(slice.vectors("sparse").unwrap(), slice.vectors("dense").unwrap());
        let all = frame.with_vector("s", &["label", "sparse", "dense"]).unwrap();
        let all = all.with_vector("d", &["label", "dense", "dense"]).unwrap();
        prop_assert!(all.schema().require("s").unwrap().is_sparse());
        prop_assert!(!all.schema().require("d").unwrap().is_sparse());
        prop_assert_eq!(all.vectors("s").unwrap(), all.vectors("d").unwrap());
    }

    #[test]
    fn files_keep_it(rows in matrix(), parts in 1usize..4) {
        let frame = both(&rows).repartition(parts).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sparse.parquet");
        frame.write_parquet(&path, &Default::default()).unwrap();
        for back in [DataFrame::read_parquet(&path).unwrap(), DataFrame::scan_parquet(&path).unwrap()] {
            prop_assert_eq!(back.schema(), frame.schema());
            prop_assert_eq!(back.vectors("sparse").unwrap(), rows.clone());
            let batch = back.partitions()[0].batches(Some(&[1])).unwrap().next().unwrap().unwrap();
            prop_assert!(sparse_rows(batch.column(0).as_ref()).is_some());
        }
        let path = dir.path().join("sparse.csv");
        frame.select(&["sparse", "label"]).unwrap().write_csv(&path).unwrap();
        let back = DataFrame::read_csv(&path, &Default::default()).unwrap();
        let last = back.column_f64(&format!("sparse_{}", rows.ncols() - 1)).unwrap();
        prop_assert_eq!(last, rows.column(rows.ncols() - 1).to_vec());
    }
}

#[test]
fn only_what_is_held_takes_memory() {
    let mut rows = SparseBuilder::new(1_000_000);
    for i in 0..1000 {
        rows.push(i, 1.0);
        rows.push(999_999, 2.0);
        rows.end_row();
    }
    let frame = DataFrame::from_columns(vec![("v", Column::sparse(rows))]).unwrap();
    assert_eq!(frame.schema().require("v").unwrap().column_type(), ColumnType::Vector { width: 1_000_000 });
    let batch = frame.partitions()[0].batches(None).unwrap().next().unwrap().unwrap();
    let rows = sparse_rows(batch.column(0).as_ref()).unwrap();
    assert_eq!((rows.len(), rows.held(), rows.width()), (1000, 2000, 1_000_000));
    assert_eq!(rows.row(3), (&[3, 999_999][..], &[1.0, 2.0][..]));
    assert_eq!(rows.row(1000), (&[][..], &[][..]));
    assert!(batch.get_array_memory_size() < 100_000);
    assert!(frame.head(1).to_string().contains("{0: 1.0, 999999: 2.0}"), "{}", frame.head(1));
}

/// The array of some rows with other positions.
fn with_positions(array: &ArrayRef, positions: Vec<u32>) -> ArrayRef {
    let lists = array.as_list::<i32>();
    let items = lists.values().as_struct();
    let columns: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from(positions)), Arc::clone(items.column(1))];
    let items = StructArray::new(items.fields().clone(), columns, None);
    let arrow_schema::DataType::List(item) = array.data_type() else { unreachable!() };
    Arc::new(ListArray::new(Arc::clone(item), lists.offsets().clone(), Arc::new(items), None))
}

#[test]
fn damaged_vectors_are_refused() {
    let mut rows = SparseBuilder::new(5);
    rows.push(0, 1.0);
    rows.end_row();
    rows.push(1, 1.0);
    rows.push(4, 1.0);
    rows.end_row();
    let array = rows.finish();
    for (positions, problem) in [
        (vec![0, 4, 1], "position 1 comes after 4"),
        (vec![0, 1, 1], "position 1 comes after 1"),
        (vec![0, 1, 5], "position 5 in a vector of 5 numbers"),
    ] {
        let array = with_positions(&array, positions);
        let batch = RecordBatch::try_from_iter([("v", array)]).unwrap();
        let error = DataFrame::from_batches(vec![batch]).unwrap_err();
        assert!(matches!(error, Error::Sparse { row: 1, .. }), "{error:?}");
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[test]
fn a_sparse_vector_of_any_width_is_no_csv_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |width: usize, name: &str| {
        let mut rows = SparseBuilder::new(width);
        rows.push(width - 1, 1.0);
        rows.end_row();
        let frame = DataFrame::from_columns(vec![("wide", Column::sparse(rows))]).unwrap();
        let path = folder.path().join(name);
        match name.ends_with(".csv") {
            true => frame.write_csv(path),
            false => frame.write_parquet(path, &ParquetOptions::default()),
        }
    };
    write(1000, "narrow.csv").unwrap();
    write(9_999_999, "wide.parquet").unwrap();
    let error = write(9_999_999, "wide.csv").unwrap_err().to_string();
    assert!(error.contains("`wide` is vector(9999999), expected at most 100000 features"), "{error}");
    assert!(error.contains("write a Parquet file"), "{error}");
    assert!(!folder.path().join("wide.csv").exists());
}
