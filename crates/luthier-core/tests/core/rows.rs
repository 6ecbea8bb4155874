//! Rows that a stage leaves out, rows taken out of a view, and sparse rows.

use luthier_core::frame::{Column, DataFrame, Field, Schema, SparseBuilder};
use luthier_core::{
    Blocks, Dataset, Error, LineageStep, Moments, MomentsSpec, Need, Outputs, Params, Pipeline,
    PureTransformer, Rows, Tile, Transformer,
};
use ndarray::{Array2, Axis};
use proptest::prelude::*;

use crate::parts::{Log1p, counted, pure, rows_of};

/// Leaves negative numbers out and appends the root of the others.
#[derive(Debug, Clone, Params)]
struct Root {
    /// The numbers.
    #[param(default = "x", column = input)]
    input_col: String,
}

impl Transformer for Root {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number("root")])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let x = rows.numbers(&self.input_col)?;
        out.keep(x.iter().map(|x| *x >= 0.0).collect());
        out.numbers(x.iter().map(|x| x.sqrt()).collect());
        Ok(())
    }

    fn drops_rows(&self) -> bool {
        true
    }
}

impl PureTransformer for Root {
    const NAME: &'static str = "test.root";
}

fn frame(x: &[f64]) -> DataFrame {
    let vectors = Array2::from_shape_fn((x.len(), 3), |(i, j)| x[i] * (j as f64 + 1.0) + i as f64);
    let mut sparse = SparseBuilder::new(50);
    for (i, x) in x.iter().enumerate() {
        sparse.push(i % 25, *x);
        sparse.push(25 + i % 25, 1.0);
        sparse.end_row();
    }
    DataFrame::from_columns(vec![
        ("x", Column::f64(x.to_vec())),
        ("features", Column::vector(vectors)),
        ("sparse", Column::sparse(sparse)),
        ("name", Column::utf8(x.iter().map(f64::to_string))),
    ])
    .unwrap()
}

fn spec() -> MomentsSpec {
    MomentsSpec::new(["features", "root"])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_left_out_are_as_if_never_there(
        x in proptest::collection::vec(-1.0..1.0f64, 1..200), parts in 1usize..5, k in 1u32..4,
    ) {
        let of: Vec<u32> = (0..x.len()).map(|i| (i as u32 * 7 + 1) % k).collect();
        let whole = frame(&x).repartition(parts).unwrap();
        let data = Dataset::with_blocks(whole.clone(), Blocks::new(of.clone(), k).unwrap()).unwrap();
        let view = data.through(pure(Root::new())).unwrap();
        for rows in (0..k).flat_map(|fold| [Rows::except(fold), Rows::only(fold)]).chain([Rows::all()]) {
            let picked: Vec<usize> = (0..x.len()).filter(|&i| rows.includes(of[i]) && x[i] >= 0.0).collect();
            let direct = rows_of(&Dataset::new(whole.clone()), &["features", "x"]).select(Axis(0), &picked);
            let view = view.select(&rows);
            let found = rows_of(&view, &["features", "root"]);
            prop_assert_eq!(found.nrows(), picked.len());
            for (found, direct) in found.outer_iter().zip(direct.outer_iter()) {
                prop_assert_eq!((found[0], found[2], found[3]), (direct[0], direct[2], direct[3].sqrt()));
            }
            // A request that does not touch the new column is about the remaining rows too.
            let moments = view.summarize::<Moments>(&MomentsSpec::new(["features"])).unwrap();
            prop_assert_eq!(moments.rows() as usize, picked.len());
            let mut row = 0;
            view.for_each_tile(&["sparse", "root"], |tile| {
                let sparse = tile.sparse("sparse").unwrap();
                assert!(tile.sparse("root").is_none());
                assert_eq!((sparse.len(), sparse.width()), (tile.len(), 50));
                let dense = tile.vectors("sparse").unwrap();
                for i in 0..tile.len() {
                    assert_eq!(tile.row(i), picked[row], "rows keep their numbers");
                    let (indices, values) = sparse.row(i);
                    assert_eq!(indices.last(), Some(&(25 + (picked[row] % 25) as u32)));
                    assert_eq!(values.iter().sum::<f64>(), dense.row(i).sum());
                    row += 1;
                }
                Ok(())
            }).unwrap();
            prop_assert_eq!(row, picked.len());
        }
    }
}

#[test]
fn gathering_cuts_rows_alike_and_tells_how_many_are_in_front() {
    let x: Vec<f64> = (0..40_000).map(f64::from).collect();
    let folds = Blocks::new((0..40_000).map(|i| i % 5 / 3).collect(), 2).unwrap();
    let gathered = |data: &Dataset| {
        let add = |(_, rows): &mut (usize, Vec<f64>), tile: &Tile<'_>| {
            rows.extend_from_slice(&tile.numbers("x")?);
            Ok(())
        };
        data.gather(&["x"], |before| (before, Vec::new()), add).unwrap()
    };
    for parts in [1, 2, 7] {
        let data = Dataset::with_blocks(frame(&x).repartition(parts).unwrap(), folds.clone()).unwrap();
        let (data, work) = counted(data);
        for (rows, kept) in [(Rows::all(), 40_000), (Rows::except(1), 24_000), (Rows::only(1), 16_000)] {
            let read = work().rows_read;
            let stretches = gathered(&data.select(&rows));
            assert_eq!(work().rows_read - read, kept as u64);
            assert_eq!(stretches.len(), 3, "of about 16,384 rows, whatever the partitions");
            let mut all = Vec::new();
            for (before, more) in stretches {
                assert_eq!(before, all.len());
                all.extend(more);
            }
            let expected = (0..40_000).filter(|i| rows.includes(i % 5 / 3)).map(f64::from);
            assert_eq!(all, expected.collect::<Vec<_>>());
        }
    }
    // Of several bad rows the first is named, whichever is found first.
    let x: Vec<f64> = (0..40_000).map(|i| if i % 10_000 == 9_999 { f64::NAN } else { 1.0 }).collect();
    let add = |_: &mut (), tile: &Tile<'_>| tile.first_not_finite("x").map_or(Ok(()), Err);
    match Dataset::new(frame(&x)).gather(&["x"], |_| (), add) {
        Err(Error::BadValue { row, .. }) => assert_eq!(row, 9_999),
        other => panic!("{other:?}"),
    }
    assert!(Dataset::new(frame(&x)).gather(&["nothing"], |_| (), add).is_err());
}

#[test]
fn errors_behind_call_rows_by_their_number() {
    let x = [1.0, -1.0, 2.0, f64::INFINITY, 3.0];
    let view = Dataset::new(frame(&x)).through(pure(Root::new())).unwrap();
    match view.summarize::<Moments>(&spec()) {
        Err(Error::BadValue { row, .. }) => assert_eq!(row, 3),
        other => panic!("{other:?}"),
    }
    let none = Dataset::new(frame(&[-1.0, -2.0])).through(pure(Root::new())).unwrap();
    assert_eq!(none.summarize::<Moments>(&spec()).unwrap().rows(), 0);
    assert_eq!(none.collect(&["root"]).unwrap().num_rows(), 0);
    assert!(none.collect(&["root", "root"]).is_err());
}

#[test]
fn no_request_goes_back_through_a_stage_that_leaves_rows_out() {
    let data = frame(&[1.0, -1.0]);
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("root", Root::new());
    let (_, stage) = pipeline.leaves()[0];
    let planned = luthier_core::PlannedStage::new(stage, data.schema()).unwrap();
    let need = Need::summary::<Moments>(MomentsSpec::new(["features"]));
    assert!(planned.plan.may_drop_rows());
    assert!(planned.step.pull_back(&need).is_none());
    assert!(LineageStep::new(&[Field::number("root")], None).pull_back(&need).is_some());
}

/// Appends a column that cannot be computed.
#[derive(Debug, Clone, Params)]
struct Fails {
    /// The new column.
    #[param(default = "late", column = output)]
    output_col: String,
}

impl Transformer for Fails {
    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number(&self.output_col)])
    }

    fn apply(&self, _rows: &Tile<'_>, _out: &mut Outputs) -> anyhow::Result<()> {
        anyhow::bail!("nobody should have asked")
    }
}

impl PureTransformer for Fails {
    const NAME: &'static str = "test.fails";
}

#[test]
fn what_no_one_reads_is_not_made() {
    let view = Dataset::new(frame(&[1.0, 4.0])).through(pure(Fails::new())).unwrap();
    let view = view.through(pure(Root::new())).unwrap();
    assert_eq!(rows_of(&view, &["root"])[[1, 0]], 2.0);
    assert!(view.collect(&["late"]).is_err());
    let view = view.through(pure(Log1p::new().input_col("root"))).unwrap();
    assert_eq!(rows_of(&view, &["logged"])[[1, 0]], 2f64.ln_1p());
}
