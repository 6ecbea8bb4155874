//! Summaries of many folds with little memory.

use luthier_core::{
    Capacity, Dataset, Error, Folds, Moments, MomentsSpec, Need, QrFactor, Rows, Summary, TrainingSets,
};
use ndarray::Axis;
use proptest::prelude::*;

use crate::parts::{Log1p, counted, frame, pure, rows_of, scatter_gap, two_pass};

const COLUMNS: [&str; 2] = ["label", "features"];

fn spec() -> MomentsSpec {
    MomentsSpec::new(COLUMNS)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_capacity_gives_the_same_sets(
        k in 1u32..150, extra in 1usize..60, partitions in 1usize..4, room in 1u64..400, left_out in 0u32..3, seed: u64,
    ) {
        let rows = k as usize + extra;
        let whole = frame(rows, 1, seed);
        let fold_of = |i: u64| if i < u64::from(k) { i } else { i.wrapping_mul(seed | 1) % u64::from(k) };
        let assignment: Vec<u32> = (0..rows as u64).map(|i| fold_of(i) as u32).collect();
        let folds = Folds::new(assignment.clone(), k).unwrap();
        let data = Dataset::with_folds(whole.repartition(partitions).unwrap(), folds).unwrap();
        let (data, work) = counted(data);
        let matrix = rows_of(&Dataset::new(whole), &COLUMNS);
        let asked: Vec<u32> = (left_out.min(k - 1)..k).collect();
        let needs = vec![Need::summary::<Moments>(spec())];
        let bytes = 8 * (matrix.ncols() * matrix.ncols()) as u64;
        let (sets, _) = TrainingSets::read(vec![(data, needs)], &asked, room * bytes).unwrap();
        let mut seen = Vec::new();
        sets.for_each_wave(|folds, views| {
            seen.extend_from_slice(folds);
            for &fold in folds {
                for set in [Rows::Only(fold), Rows::Except(fold), Rows::All] {
                    let found = views[0].select(set).recall::<Moments>(&spec())?.unwrap();
                    let picked: Vec<usize> = (0..rows).filter(|&i| set.includes(assignment[i])).collect();
                    assert_eq!(found.rows() as usize, picked.len());
                    if !picked.is_empty() {
                        let (_, scatter) = two_pass(&matrix.select(Axis(0), &picked), None);
                        let gap = scatter_gap(&found.scatter(), &scatter);
                        assert!(gap < 1e-12, "{set:?}: {gap}");
                    }
                }
            }
            Ok::<(), Error>(())
        }).unwrap();
        prop_assert_eq!(&seen, &asked);
        let passes = Capacity::new(room * bytes, bytes).passes(asked.len());
        let left_out = rows - (0..rows).filter(|&i| asked.contains(&assignment[i])).count();
        let read = work().rows_read as usize;
        let times = |n: usize| n * (rows - left_out) + left_out;
        // The last part may be small enough to do without the last pass.
        prop_assert!(read <= times(passes as usize) && read > times(passes as usize - 1));
    }
}

#[test]
fn leaving_one_out_reads_once_where_there_is_capacity() {
    let rows = 500;
    let folds = Folds::new((0..rows as u32).collect(), rows as u32).unwrap();
    let (data, work) = counted(Dataset::with_folds(frame(rows, 3, 7), folds).unwrap());
    let all: Vec<u32> = (0..rows as u32).collect();
    let needs = vec![Need::summary::<Moments>(spec()), Need::summary::<QrFactor>(spec())];
    let read = |budget| {
        let (sets, _) = TrainingSets::read(vec![(data.clone(), needs.clone())], &all, budget).unwrap();
        let mut most = 0;
        sets.for_each_wave(|folds, _| {
            most = most.max(folds.len());
            Ok::<(), Error>(())
        })
        .unwrap();
        most
    };
    assert_eq!((read(u64::MAX), work().rows_read), (63, 500));
    let before = work().rows_read;
    let bytes = 2 * data.summarize::<Moments>(&spec()).unwrap().bytes() as u64;
    let before = before + rows as u64;
    assert_eq!(read(32 * bytes), 4);
    let passes = Capacity::new(32 * bytes, bytes).passes(rows);
    assert_eq!(work().rows_read - before, 500 * u64::from(passes));
    assert!(passes > 2, "{passes}");
}

/// Views behind transformers are the same for all folds: each is passed once.
#[test]
fn several_views_are_read_together() {
    let folds = Folds::new((0..90).map(|i| i % 9).collect(), 9).unwrap();
    let (data, work) = counted(Dataset::with_folds(frame(90, 2, 3), folds).unwrap());
    let logged = data.through(pure(Log1p::new().input_col("weight"))).unwrap();
    let behind = MomentsSpec::new(["logged", "label"]);
    let views = vec![
        (data, vec![Need::summary::<Moments>(spec())]),
        (logged, vec![Need::summary::<Moments>(behind.clone())]),
    ];
    let (sets, failed) = TrainingSets::read(views, &(0..9).collect::<Vec<u32>>(), u64::MAX).unwrap();
    assert!(failed.iter().all(Vec::is_empty) && failed.len() == 2);
    sets.for_each_wave(|folds, views| {
        for &fold in folds {
            let found = |view: usize, spec: &MomentsSpec| {
                views[view].select(Rows::Except(fold)).recall::<Moments>(spec)
            };
            assert_eq!(found(0, &spec())?.unwrap().rows(), 80);
            assert_eq!(found(1, &behind)?.unwrap().rows(), 80);
            assert!(found(0, &behind).is_err() || found(0, &behind)?.is_none());
        }
        Ok::<(), Error>(())
    })
    .unwrap();
    assert_eq!((work().passes, work().rows_read), (2, 180));
}
