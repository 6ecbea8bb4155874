//! Frames in memory: construction, operations, laws of row order, buffers shared.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not know as such")]

use std::borrow::Cow;
use std::sync::Arc;

use luthier_frame::arrow_array::builder::{Float64Builder, LargeListBuilder, ListBuilder};
use luthier_frame::arrow_array::cast::AsArray;
use luthier_frame::arrow_array::types::Int32Type;
use luthier_frame::arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal128Array, DictionaryArray,
    FixedSizeListArray, Float32Array, Float64Array, Int32Array, Int64Array, LargeStringArray, ListArray,
    NullArray, StringViewArray, Time64MicrosecondArray, TimestampSecondArray, UInt64Array,
};
use luthier_frame::{
    Column, ColumnType, CsvOptions, DataFrame, Error, Field, ParquetOptions, RecordBatch, Schema, date_times,
    numbers, texts, vector_array, vectors,
};
use ndarray::{Array2, CowArray, array, s};
use proptest::prelude::*;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// `row` counts from 0, `v` has [row, -row]; cut into partitions of these sizes.
fn counted(sizes: &[usize]) -> DataFrame {
    let mut start = 0;
    let partitions = sizes.iter().map(|&size| {
        let rows: Vec<i64> = (start..start + size as i64).collect();
        start += size as i64;
        let v = Array2::from_shape_fn((size, 2), |(row, column)| rows[row] as f64 * [1.0, -1.0][column]);
        batch(vec![("row", Arc::new(Int64Array::from(rows))), ("v", vector_array(v))])
    });
    DataFrame::from_batches(partitions.collect()).unwrap()
}

fn sizes(frame: &DataFrame) -> Vec<usize> {
    frame.partitions().iter().map(|partition| partition.num_rows()).collect()
}

fn lists(rows: &[Option<&[f64]>]) -> ListArray {
    let mut builder = ListBuilder::new(Float64Builder::new());
    for row in rows {
        builder.append_option(row.map(|values| values.iter().map(|&value| Some(value))));
    }
    builder.finish()
}

#[test]
fn vectors_are_read_in_place() {
    let matrix = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
    let buffer = matrix.as_ptr();
    let frame = DataFrame::from_ndarray(matrix, vec![0.0, 1.0, 2.0]).unwrap();
    let read = frame.partitions()[0].batches(Some(&[0])).unwrap().next().unwrap().unwrap();
    let view = vectors(read.column(0)).unwrap();
    assert_eq!(view.as_ptr(), buffer);
    assert!(view.is_view() && view.is_standard_layout());
    assert_eq!(view, array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);

    // Slices, repartitions and selections of it too.
    let tail = frame.slice(1, 2).unwrap().select(&["label", "features"]).unwrap().repartition(2).unwrap();
    let read = tail.partitions()[1].batches(Some(&[1])).unwrap().next().unwrap().unwrap();
    let view = vectors(read.column(0)).unwrap();
    assert_eq!(view.as_ptr(), buffer.wrapping_add(4));
    assert_eq!(view, array![[5.0, 6.0]]);
}

#[test]
fn numbers_are_borrowed_when_they_can_be() {
    let values = Float64Array::from(vec![1.0, 2.0, 3.0]);
    let pointer = values.values().as_ptr();
    let sliced = values.slice(1, 2);
    match numbers(&sliced).unwrap() {
        Cow::Borrowed(read) => assert_eq!((read.as_ptr(), read), (pointer.wrapping_add(1), &[2.0, 3.0][..])),
        Cow::Owned(_) => panic!("copied"),
    }
    let with_null = numbers(&Float64Array::from(vec![Some(1.0), None])).unwrap().into_owned();
    assert!(with_null[0] == 1.0 && with_null[1].is_nan());
    assert_eq!(numbers(&Float32Array::from(vec![0.5, -1.25])).unwrap()[..], [0.5, -1.25]);
    assert_eq!(numbers(&UInt64Array::from(vec![7, 1 << 40])).unwrap()[..], [7.0, (1u64 << 40) as f64]);
    let ints = numbers(&Int32Array::from(vec![Some(-3), None])).unwrap().into_owned();
    assert!(ints[0] == -3.0 && ints[1].is_nan());
    let truths = BooleanArray::from(vec![Some(true), None, Some(false)]);
    let read = numbers(&truths).unwrap();
    assert!(read[0] == 1.0 && read[1].is_nan() && read[2] == 0.0);
    assert!(numbers(&StringViewArray::from(vec!["1"])).is_none());
    assert!(numbers(vector_array(array![[1.0]]).as_ref()).is_none());
}

#[test]
fn nulls_in_vectors_are_nan_in_their_place() {
    let rows = [Some(vec![Some(1.0), None]), None, Some(vec![Some(5.0), Some(6.0)])];
    let lists = FixedSizeListArray::from_iter_primitive::<luthier_frame::arrow_array::types::Float64Type, _, _>(
        rows, 2,
    );
    let matrix = vectors(&lists).unwrap();
    assert_eq!(matrix[[0, 0]], 1.0);
    assert!(matrix[[0, 1]].is_nan() && matrix.row(1).iter().all(|value| value.is_nan()));
    assert_eq!(matrix.row(2), array![5.0, 6.0]);

    let frame = DataFrame::from_batches(vec![batch(vec![("v", Arc::new(lists))])]).unwrap();
    assert!(matches!(frame.vectors("v"), Err(Error::Null { row: 1, .. })));
    assert!(matches!(frame.slice(2, 1).unwrap().vectors("v"), Ok(matrix) if matrix == array![[5.0, 6.0]]));
    assert!(matches!(frame.slice(0, 1).unwrap().vectors("v"), Err(Error::Null { row: 0, .. })));
}

#[test]
fn f32_vectors_and_empty_vectors() {
    let item = Arc::new(luthier_frame::arrow_schema::Field::new_list_field(
        luthier_frame::arrow_schema::DataType::Float32,
        false,
    ));
    let values = Arc::new(Float32Array::from(vec![0.5, 1.5, 2.5, 3.5]));
    let lists = FixedSizeListArray::new(item, 2, values, None);
    assert_eq!(vectors(&lists).unwrap(), array![[0.5, 1.5], [2.5, 3.5]]);

    let none = vector_array(Array2::zeros((3, 0)));
    assert_eq!((none.len(), vectors(&none).unwrap().dim()), (3, (3, 0)));
    let frame = DataFrame::from_ndarray(Array2::zeros((3, 0)), vec![0.0; 3]).unwrap();
    assert_eq!(frame.vectors("features").unwrap().dim(), (3, 0));
}

#[test]
fn matrices_of_any_layout_become_vectors() {
    let matrix = Array2::from_shape_fn((4, 3), |(row, column)| (10 * row + column) as f64);
    let cut = matrix.clone().slice_move(s![1..3, ..]);
    let transposed = matrix.t().to_owned().reversed_axes();
    assert_eq!(vectors(&vector_array(cut)).unwrap(), matrix.slice(s![1..3, ..]));
    assert_eq!(vectors(&vector_array(transposed)).unwrap(), matrix);
    assert_eq!(
        vectors(&vector_array(matrix.clone().slice_move(s![..;-1, ..;2]))).unwrap(),
        matrix.slice(s![..;-1, ..;2])
    );
}

#[test]
fn lists_of_one_length_share_their_values() {
    let lists = lists(&[Some(&[9.0, 9.0]), Some(&[1.0, 2.0]), Some(&[3.0, 4.0])]);
    let pointer = lists.values().to_data().buffers()[0].as_ptr();
    let sliced = lists.slice(1, 2);
    let frame = DataFrame::from_batches(vec![batch(vec![("v", Arc::new(sliced))])]).unwrap();
    assert_eq!(frame.schema().require("v").unwrap().column_type(), ColumnType::Vector { width: 2 });
    let read = frame.partitions()[0].batches(None).unwrap().next().unwrap().unwrap();
    let view: CowArray<f64, _> = vectors(read.column(0)).unwrap();
    assert_eq!(view, array![[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(view.as_ptr().cast::<u8>(), pointer.wrapping_add(16));
}

#[test]
fn lists_with_nulls_and_large_lists() {
    let with_null = lists(&[None, Some(&[1.0, 2.0]), None, Some(&[3.0, 4.0])]);
    let frame = DataFrame::from_batches(vec![batch(vec![("v", Arc::new(with_null))])]).unwrap();
    let read = frame.partitions()[0].batches(None).unwrap().next().unwrap().unwrap();
    let matrix = vectors(read.column(0)).unwrap();
    assert!(matrix.row(0)[1].is_nan() && matrix.row(2)[0].is_nan());
    assert_eq!((matrix.row(1), matrix.row(3)), (array![1.0, 2.0].view(), array![3.0, 4.0].view()));

    let mut large = LargeListBuilder::new(Float64Builder::new());
    large.append_value([Some(1.0), Some(2.0)]);
    let frame = DataFrame::from_batches(vec![batch(vec![("v", Arc::new(large.finish()))])]).unwrap();
    assert_eq!(frame.vectors("v").unwrap(), array![[1.0, 2.0]]);
}

#[test]
fn ragged_lists_name_the_row_of_the_frame() {
    let first = batch(vec![("v", Arc::new(lists(&[None, Some(&[1.0, 2.0])])))]);
    let second = batch(vec![("v", Arc::new(lists(&[Some(&[1.0, 2.0]), Some(&[3.0])])))]);
    let frame = DataFrame::from_batches(vec![first, second]).unwrap();
    assert_eq!(frame.schema().to_string(), "v: lists of unequal lengths");
    assert!(matches!(frame.with_vector("x", &["v"]), Err(Error::Ragged { row: 3, .. })));
    let error = frame.vectors("v").unwrap_err();
    assert!(matches!(error, Error::Ragged { row: 3, expected: 2, found: 1, .. }), "{error}");
    assert!(error.to_string().contains("column `v`: row 3 has a list of 1 values, expected 2"), "{error}");
}

#[test]
fn arrow_types_stand_behind_column_types() {
    let text = ["a", "b", "a"];
    let frame = DataFrame::from_batches(vec![batch(vec![
        ("f32", Arc::new(Float32Array::from(vec![0.5, 1.5, 2.5]))),
        ("i32", Arc::new(Int32Array::from(vec![1, 2, 3]))),
        ("u64", Arc::new(UInt64Array::from(vec![1, 2, u64::MAX]))),
        ("large", Arc::new(LargeStringArray::from(text.to_vec()))),
        ("seen", Arc::new(StringViewArray::from(text.to_vec()))),
        ("coded", Arc::new(text.into_iter().collect::<DictionaryArray<Int32Type>>())),
    ])])
    .unwrap();
    let types: Vec<String> =
        frame.schema().fields().iter().map(|field| field.column_type().to_string()).collect();
    assert_eq!(types, ["f64", "i64", "i64", "utf8", "utf8", "utf8"]);
    assert_eq!(frame.column_f64("f32").unwrap(), [0.5, 1.5, 2.5]);
    assert_eq!(frame.column_f64("i32").unwrap(), [1.0, 2.0, 3.0]);
    assert_eq!(frame.column_i64("i32").unwrap(), [1, 2, 3]);
    for name in ["large", "seen", "coded"] {
        assert_eq!(frame.column_utf8(name).unwrap(), text);
    }
    assert!(matches!(frame.column_i64("u64"), Err(Error::IntegerRange { row: 2, found: u64::MAX, .. })));
    // Kept as it came.
    let read = frame.partitions()[0].batches(Some(&[0])).unwrap().next().unwrap().unwrap();
    assert!(read.column(0).as_primitive_opt::<luthier_frame::arrow_array::types::Float32Type>().is_some());
}

#[test]
fn what_nothing_computes_with_is_carried_along() {
    let bytes: ArrayRef = Arc::new(BinaryArray::from_vec(vec![b"ab", b"c"]));
    let clock: ArrayRef = Arc::new(Time64MicrosecondArray::from(vec![1, 2]));
    let nothing: ArrayRef = Arc::new(NullArray::new(2));
    let frame =
        DataFrame::from_batches(vec![batch(vec![("bytes", bytes), ("clock", clock), ("none", nothing)])])
            .unwrap();
    assert_eq!(frame.schema().to_string(), "bytes: binary, clock: time of day, none: f64");
    let error = frame.column_f64("bytes").unwrap_err().to_string();
    assert_eq!(error, "column `bytes` is binary, expected f64, i64 or bool");
    assert!(matches!(frame.with_vector("v", &["clock"]), Err(Error::ColumnType { .. })));
    assert!(matches!(frame.column_f64("none"), Err(Error::Null { row: 0, .. })));
    let row = frame.slice(1, 1).unwrap().to_string();
    assert!(row.contains("63") && row.contains("00:00:00.000002"), "{row}");
}

#[test]
fn dates_and_timestamps_are_columns() {
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(19_782), None]));
    let old: ArrayRef = Arc::new(Date64Array::from(vec![86_400_000, -86_400_000]));
    let times = TimestampSecondArray::from(vec![1_709_210_096, 0]).with_timezone("+01:00");
    let frame = DataFrame::from_batches(vec![batch(vec![
        ("day", days),
        ("old", old),
        ("when", Arc::new(times) as ArrayRef),
    ])])
    .unwrap();
    assert_eq!(frame.schema().to_string(), "day: date, old: date, when: timestamp");
    let read = frame.partitions()[0].batches(None).unwrap().next().unwrap().unwrap();
    let text = |column: usize| texts(read.column(column)).unwrap();
    assert_eq!(text(0), [Some("2024-02-29".to_owned()), None]);
    assert_eq!(text(1), ["1970-01-02", "1969-12-31"].map(|day| Some(day.to_owned())));
    assert_eq!(text(2)[0].as_deref(), Some("2024-02-29T13:34:56+01:00"));
    let hours = date_times(read.column(2)).unwrap();
    assert_eq!(hours[1].unwrap().to_string(), "1970-01-01 01:00:00");
    assert!(date_times(&Float64Array::from(vec![1.0])).is_err());
}

#[test]
fn decimals_are_the_nearest_numbers() {
    // Python: float(decimal.Decimal(text)).
    let decimals =
        Decimal128Array::from(vec![Some(10_000_000_000_000_000_055_511_151_231_257_827), None, Some(-125)])
            .with_precision_and_scale(38, 35)
            .unwrap();
    let read = numbers(&decimals).unwrap();
    assert_eq!((read[0], read[2]), (0.1, -1.25e-33));
    assert!(read[1].is_nan());
}

#[test]
fn batches_must_agree() {
    let ints = || -> ArrayRef { Arc::new(Int32Array::from(vec![1])) };
    let floats = || -> ArrayRef { Arc::new(Float64Array::from(vec![1.0])) };
    let longs = || -> ArrayRef { Arc::new(Int64Array::from(vec![1])) };
    let from = |first, second| DataFrame::from_batches(vec![batch(vec![first]), batch(vec![second])]);
    assert_eq!(from(("x", ints()), ("x", longs())).unwrap().column_i64("x").unwrap(), [1, 1]);
    assert!(matches!(from(("x", ints()), ("x", floats())), Err(Error::SchemaMismatch { .. })));
    assert!(matches!(from(("x", ints()), ("y", ints())), Err(Error::SchemaMismatch { .. })));
    assert!(matches!(DataFrame::from_batches(vec![]), Err(Error::Argument { .. })));
    let wider = batch(vec![("x", ints()), ("y", ints())]);
    for batches in [vec![wider.clone(), batch(vec![("x", ints())])], vec![batch(vec![("x", ints())]), wider]]
    {
        assert!(matches!(DataFrame::from_batches(batches), Err(Error::SchemaMismatch { .. })));
    }
}

#[test]
fn unknown_columns_are_met_with_the_known() {
    let frame = counted(&[3]);
    let error = frame.select(&["rwo"]).unwrap_err();
    assert_eq!(error.to_string(), "unknown column `rwo`, did you mean `row`?; the frame has: `row`, `v`");
    assert!(matches!(frame.drop(&["zzz"]), Err(Error::UnknownColumn { suggestion: None, .. })));
    assert!(matches!(frame.column_f64("v"), Err(Error::ColumnType { .. })));
    assert!(matches!(frame.vectors("row"), Err(Error::ColumnType { .. })));
}

#[test]
fn columns_come_and_go() {
    let frame = counted(&[2, 3]);
    let doubled = frame.with_column("twice", Column::f64(vec![0.0, 2.0, 4.0, 6.0, 8.0])).unwrap();
    assert_eq!(sizes(&doubled), [2, 3]);
    assert_eq!(doubled.column_f64("twice").unwrap(), [0.0, 2.0, 4.0, 6.0, 8.0]);
    assert_eq!(doubled.slice(3, 1).unwrap().column_f64("twice").unwrap(), [6.0]);
    assert_eq!(doubled.drop(&["v"]).unwrap().schema().names().collect::<Vec<_>>(), ["row", "twice"]);
    assert_eq!(
        doubled.select(&["twice", "row"]).unwrap().schema().names().collect::<Vec<_>>(),
        ["twice", "row"]
    );
    let renamed = doubled.rename("row", "index").unwrap();
    assert_eq!(renamed.column_i64("index").unwrap(), [0, 1, 2, 3, 4]);
    assert!(matches!(renamed.rename("index", "v"), Err(Error::DuplicateColumn { .. })));
    assert!(matches!(frame.with_column("row", Column::i64(vec![0; 5])), Err(Error::DuplicateColumn { .. })));
    let short = frame.with_column("x", Column::i64(vec![0; 4])).unwrap_err();
    assert_eq!(short.to_string(), "`x` has 4 values, expected 5, one per row");
    assert!(matches!(frame.select(&["row", "row"]), Err(Error::DuplicateColumn { .. })));
    assert_eq!(frame.select(&[]).unwrap().num_rows(), 5);
}

#[test]
fn fields_keep_metadata_and_nulls() {
    let metadata = [("names".to_owned(), "a,b".to_owned())].into();
    let field = Field::new("x", ColumnType::F64).with_metadata(metadata);
    let column = Column::f64_nullable(vec![Some(1.0), None]);
    let frame = DataFrame::from_columns(vec![("id", Column::i64(vec![1, 2]))]).unwrap();
    let frame = frame.with_field(field.clone(), column).unwrap().rename("x", "y").unwrap();
    let found = frame.schema().require("y").unwrap();
    assert!(found.nullable() && found.metadata() == field.metadata());
    assert!(!frame.schema().require("id").unwrap().nullable());
    assert!(matches!(frame.column_f64("y"), Err(Error::Null { row: 1, .. })));
    let batches: Vec<RecordBatch> =
        frame.partitions()[0].batches(None).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(DataFrame::from_batches(batches).unwrap().schema(), frame.schema());
    assert!(matches!(frame.with_field(field, Column::i64(vec![1, 2])), Err(Error::ColumnType { .. })));
}

#[test]
fn columns_and_batches_may_be_missing() {
    let empty = DataFrame::empty(Schema::new(vec![Field::new("x", ColumnType::F64)]).unwrap());
    assert_eq!((empty.num_rows(), empty.num_partitions()), (0, 1));
    assert!(empty.column_f64("x").unwrap().is_empty());
    assert_eq!(empty.repartition(3).unwrap().num_partitions(), 3);
    assert_eq!(empty.head(5).num_rows(), 0);
    assert!(empty.partitions()[0].batches(Some(&[0])).unwrap().next().is_none());
    assert_eq!(DataFrame::from_columns(vec![]).unwrap().num_rows(), 0);
    assert!(counted(&[2]).partitions()[0].batches(Some(&[7])).is_err());
}

#[test]
fn ranges_outside_are_errors() {
    let frame = counted(&[2, 2]);
    assert!(matches!(frame.slice(3, 2), Err(Error::OutOfRange { offset: 3, len: 2, rows: 4 })));
    assert!(matches!(frame.slice(1, usize::MAX), Err(Error::OutOfRange { .. })));
    assert_eq!(frame.slice(4, 0).unwrap().num_rows(), 0);
    assert_eq!(frame.head(usize::MAX).num_rows(), 4);
    assert!(matches!(frame.repartition(0), Err(Error::Argument { .. })));
    assert!(matches!(frame.coalesce(0), Err(Error::Argument { .. })));
    assert!(matches!(frame.filter(&[true]), Err(Error::Length { expected: 4, found: 1, .. })));
}

#[test]
fn concat_follows_the_first_frame() {
    let first = counted(&[2]);
    let second = counted(&[3]).select(&["v", "row"]).unwrap();
    let both = DataFrame::concat(&[first.clone(), second]).unwrap();
    assert_eq!(sizes(&both), [2, 3]);
    assert_eq!(both.column_i64("row").unwrap(), [0, 1, 0, 1, 2]);
    assert_eq!(both.vectors("v").unwrap().column(1), array![0.0, -1.0, 0.0, -1.0, -2.0]);
    let other = first.drop(&["row"]).unwrap().with_column("row", Column::f64(vec![0.0, 1.0])).unwrap();
    assert!(matches!(DataFrame::concat(&[first.clone(), other]), Err(Error::SchemaMismatch { .. })));
    assert!(matches!(
        DataFrame::concat(&[first.clone(), first.drop(&["v"]).unwrap()]),
        Err(Error::SchemaMismatch { .. })
    ));
    assert!(matches!(DataFrame::concat(&[]), Err(Error::Argument { .. })));
}

#[test]
fn coalesce_joins_neighbours() {
    let frame = counted(&[1, 2, 3, 4, 5]);
    assert_eq!(sizes(&frame.coalesce(2).unwrap()), [3, 12]);
    assert_eq!(sizes(&frame.coalesce(9).unwrap()), [1, 2, 3, 4, 5]);
}

#[test]
fn a_frame_is_shown_as_a_table() {
    let frame = DataFrame::from_columns(vec![
        ("name", Column::utf8_nullable([Some("a"), None])),
        ("x", Column::f64(vec![1.0, -0.123456789])),
        ("v", Column::vector(Array2::from_shape_fn((2, 6), |(row, column)| (row * 6 + column) as f64))),
    ])
    .unwrap();
    let expected = "\
2 rows × 3 columns, 1 partition
+------+-----------+--------------------+
| name |         x | v                  |
| utf8 |       f64 | vector(6)          |
+------+-----------+--------------------+
| a    |       1.0 | [0.0, 1.0, … 5.0]  |
| null | -0.123457 | [6.0, 7.0, … 11.0] |
+------+-----------+--------------------+
";
    assert_eq!(frame.to_string(), expected);
    assert!(counted(&[8, 8]).to_string().ends_with("… 6 more rows\n"));
}

#[test]
fn describe_counts_and_measures() {
    let frame = DataFrame::from_columns(vec![
        ("x", Column::f64_nullable(vec![Some(1.0), None, Some(2.0), Some(4.0)])),
        ("city", Column::utf8_nullable([Some("a"), Some("b"), Some("a"), None])),
        ("ok", Column::bool(vec![true; 4])),
        ("v", Column::vector(Array2::zeros((4, 2)))),
    ])
    .unwrap()
    .repartition(3)
    .unwrap();
    let description = frame.describe().unwrap();
    let x = description.column("x").unwrap();
    let n = x.numbers.unwrap();
    assert_eq!((x.count, x.nulls, n.min, n.q25, n.median, n.q75, n.max), (3, 1, 1.0, 1.5, 2.0, 3.0, 4.0));
    assert!((n.mean - 7.0 / 3.0).abs() < 1e-15 && (n.std - (7.0f64 / 3.0).sqrt()).abs() < 1e-15);
    let city = description.column("city").unwrap();
    assert_eq!((city.count, city.nulls, city.distinct), (3, 1, Some(2)));
    assert_eq!(description.column("ok").unwrap().distinct, Some(1));
    assert!(description.column("v").unwrap().numbers.is_none());
    assert!(description.to_string().contains("| vector(2) |"), "{description}");
}

proptest! {
    #[test]
    fn rows_never_change_places(
        sizes_before in proptest::collection::vec(0usize..7, 1..6),
        n in 1usize..9,
        cut in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let frame = counted(&sizes_before);
        let rows = frame.num_rows();
        let all: Vec<i64> = (0..rows as i64).collect();

        let parted = frame.repartition(n).unwrap();
        prop_assert_eq!(parted.num_partitions(), n);
        let after = sizes(&parted);
        prop_assert!(after.iter().max().unwrap() - after.iter().min().unwrap() <= 1);
        prop_assert_eq!(parted.column_i64("row").unwrap(), all.clone());
        prop_assert_eq!(parted.vectors("v").unwrap(), frame.vectors("v").unwrap());
        prop_assert_eq!(frame.coalesce(n).unwrap().column_i64("row").unwrap(), all.clone());

        let (a, b) = (cut.0.index(rows + 1), cut.1.index(rows + 1));
        let (start, end) = (a.min(b), a.max(b));
        let middle = parted.slice(start, end - start).unwrap();
        prop_assert_eq!(&middle.column_i64("row").unwrap()[..], &all[start..end]);
        let pieces = [frame.head(start), middle, frame.slice(end, rows - end).unwrap()];
        prop_assert_eq!(DataFrame::concat(&pieces).unwrap().column_i64("row").unwrap(), all.clone());

        let mask: Vec<bool> = all.iter().map(|row| row % 3 == 1).collect();
        let kept: Vec<i64> = all.iter().copied().filter(|row| row % 3 == 1).collect();
        let filtered = parted.filter(&mask).unwrap();
        prop_assert_eq!(filtered.num_partitions(), n);
        prop_assert_eq!(filtered.column_i64("row").unwrap(), kept);

        let column: Vec<f64> = all.iter().map(|&row| row as f64).collect();
        let widened = parted.with_column("again", Column::f64(column.clone())).unwrap();
        prop_assert_eq!(widened.coalesce(1).unwrap().column_f64("again").unwrap(), column);
    }
}

#[test]
fn rows_remember_where_they_were_read() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    std::fs::write(file("a.csv"), "x,s\n1,a\n2,\"b\nb\"\n\n3,c\n4,d\n").unwrap();
    let csv = DataFrame::read_csv(file("a.csv"), &CsvOptions::new()).unwrap();
    let places = |frame: &DataFrame| -> Vec<String> {
        let place = |row| frame.place_of_row(row).unwrap().to_string();
        let prefix = format!("{}/", directory.path().display());
        (0..frame.num_rows()).map(|row| place(row).replace(&prefix, "")).collect()
    };
    assert_eq!(places(&csv), ["a.csv:2", "a.csv:3", "a.csv:6", "a.csv:7"]);
    assert_eq!(csv.place_of_row(4), None);

    let cut = csv.filter(&[true, false, true, true]).unwrap().slice(1, 2).unwrap().repartition(2).unwrap();
    assert_eq!(places(&cut), ["a.csv:6", "a.csv:7"]);
    let wider = cut.with_column("y", Column::f64(vec![0.0, 1.0])).unwrap().with_vector("v", &["x", "y"]);
    assert_eq!(places(&wider.unwrap().select(&["v"]).unwrap()), ["a.csv:6", "a.csv:7"]);

    csv.write_parquet(file("b.parquet"), &ParquetOptions::new().row_group_rows(2)).unwrap();
    for parquet in [DataFrame::scan_parquet(file("b.parquet")), DataFrame::read_parquet(file("b.parquet"))] {
        let both = DataFrame::concat(&[cut.clone(), parquet.unwrap().slice(1, 2).unwrap()]).unwrap();
        let expected =
            ["a.csv:6", "a.csv:7", "b.parquet, row group 0, row 1", "b.parquet, row group 1, row 0"];
        assert_eq!(places(&both), expected);
        let kept = both.filter(&[false, true, false, true]).unwrap();
        assert_eq!(places(&kept), [expected[1], expected[3]]);
    }
    let made = DataFrame::from_columns(vec![("x", Column::f64(vec![1.0]))]).unwrap();
    assert_eq!(made.place_of_row(0), None);
}
