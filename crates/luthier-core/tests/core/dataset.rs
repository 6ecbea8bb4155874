//! Rows by fold, what is read and when, and tiles.

use std::sync::Arc;

use luthier_core::frame::{Column, DataFrame, Schema};
use luthier_core::{
    Blocks, Dataset, Moments, MomentsSpec, Need, QrFactor, Result, Rows, Summary, Tile, fuse_needs,
};
use ndarray::{Axis, array};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::parts::{
    Concat, Log1p, Project, Random, counted, frame, in_one_wave, pure, rows_of, scatter_gap, two_pass, width,
};

fn folds(rows: usize, k: u32, seed: u64) -> Blocks {
    let mut random = Random(seed);
    let mut of: Vec<u32> = (0..rows as u32).map(|i| i % k).collect();
    for i in (1..rows).rev() {
        of.swap(i, random.below(i + 1));
    }
    Blocks::new(of, k).unwrap()
}

fn sets(k: u32) -> Vec<Rows> {
    (0..k).flat_map(|fold| [Rows::except(fold), Rows::only(fold)]).chain([Rows::all()]).collect()
}

fn need(columns: &[&str]) -> Need {
    Need::summary::<Moments>(MomentsSpec::new(columns.iter().copied()))
}

fn spec(columns: &[&str]) -> MomentsSpec {
    MomentsSpec::new(columns.iter().copied())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_set_of_rows_is_summarised(
        rows in 10usize..150, partitions in 1usize..6, k in 1u32..7, seed: u64, prepared: bool,
    ) {
        let whole = frame(rows, 1, seed);
        let folds = folds(rows, k, seed);
        let data = Dataset::with_blocks(whole.repartition(partitions).unwrap(), folds.clone()).unwrap();
        let columns = ["label", "features"];
        let data = if prepared { in_one_wave(&data, &[need(&columns)], k).0 } else { data };
        let matrix = rows_of(&Dataset::new(whole), &columns);
        for set in sets(k) {
            let of = folds.assignment();
            let picked: Vec<usize> = (0..rows).filter(|&i| set.includes(of[i])).collect();
            let view = data.select(&set);
            prop_assert_eq!(view.num_rows(), picked.len());
            let found = view.summarize::<Moments>(&spec(&columns)).unwrap();
            prop_assert_eq!(found.rows() as usize, picked.len());
            let direct = matrix.select(Axis(0), &picked);
            prop_assert_eq!(&rows_of(&view, &columns), &direct);
            if !picked.is_empty() {
                let (_, scatter) = two_pass(&direct, None);
                let gap = scatter_gap(&found.scatter(), &scatter);
                prop_assert!(gap < 1e-12, "{:?}: {}", set, gap);
            }
        }
    }
}

#[test]
fn preparing_reads_each_row_once_and_nothing_afterwards() {
    let (rows, k) = (600, 5);
    let (data, work) = counted(Dataset::with_blocks(frame(rows, 4, 1), folds(rows, k, 2)).unwrap());
    let factor = Need::summary::<QrFactor>(spec(&["features"]));
    let needs = [need(&["features"]), need(&["label", "features"]), need(&["a"]), factor];
    let (data, failed) = in_one_wave(&data, &needs, k);
    assert!(failed.is_empty());
    assert_eq!((work().rows_read, work().passes), (rows as u64, 1));
    assert_eq!(work().summaries, 2, "moments are fused");
    let view = data
        .through(pure(Concat::new().input_cols(["a", "features"]).output_col("both")))
        .and_then(|d| d.through(pure(Project::new().input_col("both").matrix([[1.0], [2.0], [3.0], [-1.0]]))))
        .unwrap();
    for set in sets(k) {
        let (data, view) = (data.select(&set), view.select(&set));
        data.summarize::<Moments>(&spec(&["features", "a"])).unwrap();
        data.summarize::<QrFactor>(&spec(&["features"])).unwrap();
        assert!(data.recall::<Moments>(&spec(&["label"])).unwrap().is_some());
        let found = view.summarize::<Moments>(&spec(&["projected", "label"])).unwrap();
        assert_eq!(found.rows() as usize, view.num_rows());
    }
    assert_eq!((work().rows_read, work().guarded), (rows as u64, 0));

    // What is there is not computed again; what is not there is.
    let one = data.select(Rows::only(1));
    one.prepare(&[need(&["label"])]).unwrap();
    assert_eq!(work().passes, 1);
    one.prepare(&[need(&["b"])]).unwrap();
    let last = data.select(Rows::only(1)).num_rows() as u64;
    assert_eq!((work().passes, work().rows_read), (2, rows as u64 + last));
    assert!(data.recall::<Moments>(&spec(&["b"])).unwrap().is_none(), "a view is not changed");
}

#[test]
fn without_sharing_every_request_reads_its_rows() {
    let (rows, k) = (90, 3);
    let (data, work) = counted(Dataset::with_blocks(frame(rows, 2, 1), folds(rows, k, 2)).unwrap());
    let prepared = data.prepare(&[need(&["features"])]).unwrap();
    let off = prepared.clone().without_sharing();
    let off = off.prepare(&[need(&["features"])]).unwrap();
    let before = work().rows_read;
    let view = off.through(pure(Concat::new().input_cols(["features"]).output_col("same"))).unwrap();
    assert!(off.recall::<Moments>(&spec(&["features"])).unwrap().is_none());
    for repeat in 1..=3 {
        off.summarize::<Moments>(&spec(&["features"])).unwrap();
        view.summarize::<Moments>(&spec(&["same"])).unwrap();
        assert_eq!(work().rows_read - before, repeat * 2 * rows as u64);
    }
    assert_eq!(work().lifted, 0);
    let before = work().rows_read;
    let views = [view.clone(), view];
    Dataset::aggregate_many::<Moments>(&views, &spec(&["same"])).unwrap();
    assert_eq!(work().rows_read - before, 2 * rows as u64);
}

#[test]
fn a_stage_that_is_not_affine_costs_one_pass() {
    let (rows, k) = (120, 4);
    let (data, work) = counted(Dataset::with_blocks(frame(rows, 3, 1), folds(rows, k, 2)).unwrap());
    let view = data.through(pure(Log1p::new().input_col("weight"))).unwrap();
    let needs = [need(&["logged"]), need(&["logged", "label"]), need(&["label"])];
    let (view, failed) = in_one_wave(&view, &needs, k);
    assert!(failed.is_empty());
    assert_eq!((work().rows_read, work().passes), (rows as u64, 1));
    for set in sets(k) {
        view.select(&set).summarize::<Moments>(&spec(&["label", "logged"])).unwrap();
    }
    assert_eq!(work().rows_read, rows as u64);
}

#[test]
fn a_request_that_fails_takes_no_other_down() {
    let mut bad: Vec<f64> = (0..40).map(f64::from).collect();
    bad[33] = f64::NAN;
    let data = frame(40, 2, 1).with_column("bad", Column::f64(bad)).unwrap();
    let (data, work) = counted(Dataset::with_blocks(data, folds(40, 2, 1)).unwrap());
    let needs = [need(&["features"]), need(&["bad", "features"]), need(&["label"]), need(&["a", "bad"])];
    let (data, failed) = in_one_wave(&data, &needs, 2);
    assert_eq!(failed.len(), 2);
    for (failed, error) in &failed {
        assert!(failed.same(&needs[1]) || failed.same(&needs[3]), "{failed:?}");
        assert!(error.to_string().contains("column `bad`, row 33"), "{error}");
    }
    let before = work().rows_read;
    for set in sets(2) {
        assert!(data.select(&set).recall::<Moments>(&spec(&["features"])).unwrap().is_some());
        assert!(data.select(&set).recall::<Moments>(&spec(&["label"])).unwrap().is_some());
    }
    assert_eq!(work().rows_read, before);
    let prepared = data.prepare(&[need(&["bad"])]).unwrap();
    assert!(prepared.recall::<Moments>(&spec(&["bad"])).unwrap().is_none());
    assert!(prepared.summarize::<Moments>(&spec(&["bad"])).is_err());
    // A column that does not exist is an error of that request, too.
    let (_, failed) = in_one_wave(&data, &[need(&["nowhere"]), need(&["b"])], 0);
    assert_eq!(failed.len(), 1);
    assert!(failed[0].1.to_string().contains("nowhere"));
}

#[test]
fn what_a_view_computed_is_there_behind_further_stages() {
    let (data, work) = counted(Dataset::new(frame(50, 2, 1)));
    data.summarize::<Moments>(&spec(&["features"])).unwrap();
    data.summarize::<Moments>(&spec(&["features"])).unwrap();
    let view = data.through(pure(Concat::new().input_cols(["features"]).output_col("same"))).unwrap();
    view.summarize::<Moments>(&spec(&["same"])).unwrap();
    assert_eq!(work().rows_read, 50);
    // Other rows, other summaries.
    assert_eq!(view.select(Rows::only(1)).summarize::<Moments>(&spec(&["same"])).unwrap().rows(), 0);
}

#[test]
fn without_folds_all_rows_are_in_fold_zero() {
    let data = Dataset::new(frame(30, 2, 1));
    for (set, rows) in [(Rows::all(), 30), (Rows::only(0), 30), (Rows::except(0), 0), (Rows::except(1), 30)] {
        let view = data.select(&set);
        assert_eq!(view.num_rows(), rows);
        assert_eq!(view.summarize::<Moments>(&spec(&["a"])).unwrap().rows(), rows as u64);
        assert_eq!(view.collect(&["a"]).unwrap().num_rows(), rows);
    }
}

/// The sum of a column: no short cut, and a state whose size depends on the schema.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sums(Vec<f64>);

impl Summary for Sums {
    type Spec = String;
    const NAME: &'static str = "acme.sums";

    fn columns(spec: &String) -> Vec<String> {
        vec![spec.clone()]
    }

    fn empty(spec: &String, schema: &Schema) -> Result<Self> {
        Ok(Self(vec![0.0; width(schema, spec).unwrap()]))
    }

    fn update(&mut self, spec: &String, tile: &Tile<'_>) -> Result<()> {
        for row in tile.vectors(spec)?.rows() {
            self.0.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.0.iter_mut().zip(&other.0).for_each(|(sum, x)| *sum += x);
        Ok(())
    }
}

#[test]
fn siblings_are_aggregated_in_one_pass() {
    let (rows, k) = (200, 4);
    let (data, work) = counted(Dataset::with_blocks(frame(rows, 3, 1), folds(rows, k, 2)).unwrap());
    let shared = data.through(pure(Log1p::new().input_col("weight"))).unwrap().select(Rows::only(2));
    // The siblings' columns differ in width.
    let matrices = [array![[1.0], [2.0], [3.0]], array![[1.0], [0.0], [-1.0]], array![[0.5], [0.5], [0.0]]];
    let matrix = |i: usize| {
        let columns = if i == 2 { vec![0, 1] } else { vec![i] };
        let row = |r: usize| columns.iter().map(|&c| matrices[c][[r, 0]]).collect::<Vec<f64>>();
        (0..3).map(row).collect::<Vec<_>>()
    };
    let views: Vec<Dataset> =
        (0..3).map(|i| shared.through(pure(Project::new().matrix(matrix(i)))).unwrap()).collect();
    let column = "projected".to_owned();
    let together = Dataset::aggregate_many::<Sums>(&views, &column).unwrap();
    assert_eq!((work().rows_read, work().passes), (views[0].num_rows() as u64, 1));
    for (view, together) in views.iter().zip(together) {
        let alone = view.aggregate::<Sums>(&column).unwrap();
        assert_eq!(alone.0.len(), together.0.len());
        assert!(alone.0.iter().zip(&together.0).all(|(a, b)| (a - b).abs() < 1e-12));
    }
    let moments = Dataset::aggregate_many::<Moments>(&views, &spec(&["projected", "logged"])).unwrap();
    for (view, together) in views.iter().zip(moments) {
        let alone = view.aggregate::<Moments>(&spec(&["projected", "logged"])).unwrap();
        assert!(scatter_gap(&together.scatter(), &alone.scatter()) < 1e-12);
    }
    assert!(Dataset::aggregate_many::<Sums>(&[], &column).unwrap().is_empty());
    let other = [views[0].clone(), views[1].select(Rows::all())];
    assert!(Dataset::aggregate_many::<Sums>(&other, &column).is_err());
}

#[test]
fn tiles_come_in_order_and_know_their_rows() {
    let rows = 30_000;
    let index: Vec<f64> = (0..rows).map(|i| i as f64).collect();
    let data = DataFrame::from_columns(vec![("i", Column::f64(index))]).unwrap().repartition(3).unwrap();
    let of = folds(rows, 3, 9);
    let data = Dataset::with_blocks(data, of.clone()).unwrap();
    let through = data.through(pure(Log1p::new().input_col("i"))).unwrap();
    for set in [Rows::all(), Rows::only(1), Rows::except(2)] {
        for (view, column) in [(data.select(&set), "i"), (through.select(&set), "logged")] {
            let mut seen = Vec::new();
            let mut tiles = 0;
            view.for_each_tile(&["i", column], |tile| {
                assert!(!tile.is_empty() && tile.len() <= 8192);
                tiles += 1;
                for (i, x) in tile.numbers("i")?.iter().enumerate() {
                    assert_eq!(tile.row(i), *x as usize);
                    seen.push(tile.row(i));
                }
                assert_eq!(tile.vectors(column)?.nrows(), tile.len());
                Ok(())
            })
            .unwrap();
            assert!(tiles > 1);
            let expected: Vec<usize> = (0..rows).filter(|&i| set.includes(of.assignment()[i])).collect();
            assert_eq!(seen, expected);
        }
    }
    assert!(data.for_each_tile(&["nowhere"], |_| Ok(())).is_err());
    let unasked = data.for_each_tile(&["i"], |tile| tile.numbers("logged").map(|_| ()));
    assert!(unasked.unwrap_err().to_string().contains("logged"));
}

#[test]
fn collected_rows_are_the_rows() {
    let texts = (0..20_000).map(|i| if i == 15_000 { None } else { Some(format!("row {i}")) });
    let texts: Vec<Option<String>> = texts.collect();
    let flags: Vec<bool> = (0..20_000).map(|i| i % 3 == 0).collect();
    let columns = vec![
        ("text", Column::utf8_nullable(texts.iter().map(|t| t.as_deref()))),
        ("flag", Column::bool(flags.clone())),
        ("id", Column::i64((0..20_000).collect())),
    ];
    let data = DataFrame::from_columns(columns).unwrap().repartition(2).unwrap();
    let data = Dataset::with_blocks(data, folds(20_000, 2, 1)).unwrap();
    let of = data.blocks().unwrap().assignment().to_vec();
    let all = data.collect(&["id", "flag", "text"]).unwrap();
    assert_eq!(all.num_partitions(), 1);
    assert_eq!(all.column_i64("id").unwrap(), (0..20_000).collect::<Vec<_>>());
    assert_eq!(all.column_bool("flag").unwrap(), flags);
    assert_eq!(all.schema().field("text"), data.schema().field("text"));
    assert!(all.column_utf8("text").unwrap_err().to_string().contains("15000"));
    let one = data.select(Rows::only(1)).collect(&["id"]).unwrap();
    let expected: Vec<i64> = (0..20_000).filter(|&i| of[i as usize] == 1).collect();
    assert_eq!(one.column_i64("id").unwrap(), expected);
    let none = data.select(Rows::only(7)).collect(&["text", "id"]).unwrap();
    assert_eq!((none.num_rows(), none.schema().len()), (0, 2));
    assert!(data.collect(&[]).unwrap_err().to_string().contains("at least one column"));
}

#[test]
fn folds_that_do_not_fit_are_errors() {
    let message = |result: Result<Blocks>| result.unwrap_err().to_string();
    assert!(message(Blocks::new(vec![0, 1, 3], 3)).contains("row 2 is in block 3"));
    assert!(message(Blocks::new(vec![0, 0, 2], 3)).contains("block 1 of 3 has no rows"));
    assert!(Dataset::with_blocks(frame(10, 1, 1), folds(9, 2, 1)).is_err());
}

#[test]
fn fusing_keeps_the_order_and_joins_what_it_can() {
    let needs = [
        need(&["a"]),
        Need::summary::<QrFactor>(spec(&["a"])),
        need(&["b", "a"]),
        Need::summary::<Moments>(spec(&["a"]).weighted_by(Some("weight"))),
    ];
    let fused = fuse_needs(needs.iter().cloned());
    assert_eq!(fused.len(), 3);
    assert!(fused[0].same(&need(&["a", "b"])));
    assert_eq!(fused[1].name(), "qr_factor");
    assert_eq!(fused[2].columns(), ["a", "weight"]);
    assert!(fused.iter().all(|need| Arc::new(need.clone()).union(need).is_some()));
}
