//! Summaries of many folds with little memory.

use luthier_core::{
    Blocks, Capacity, Dataset, Error, Moments, MomentsSpec, Need, QrFactor, Round, Rounds, Rows, Summary,
    TrainingSets,
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
        let folds = Blocks::new(assignment.clone(), k).unwrap();
        let data = Dataset::with_blocks(whole.repartition(partitions).unwrap(), folds).unwrap();
        let (data, work) = counted(data);
        let matrix = rows_of(&Dataset::new(whole), &COLUMNS);
        let asked: Vec<u32> = (left_out.min(k - 1)..k).collect();
        let needs = vec![Need::summary::<Moments>(spec())];
        let bytes = 8 * (matrix.ncols() * matrix.ncols()) as u64;
        let rounds = Rounds::new(asked.iter().copied().map(Round::hold_out), k);
        let (sets, _) = TrainingSets::read(vec![(data, needs)], &rounds, room * bytes).unwrap();
        let mut seen = Vec::new();
        sets.for_each_wave(|rounds, views| {
            let folds = asked.get(rounds).unwrap();
            seen.extend_from_slice(folds);
            for &fold in folds {
                for set in [Rows::only(fold), Rows::except(fold), Rows::all()] {
                    let found = views[0].select(&set).recall::<Moments>(&spec())?.unwrap();
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
        let passes = rounds.passes(Capacity::new(room * bytes, bytes));
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
    let folds = Blocks::new((0..rows as u32).collect(), rows as u32).unwrap();
    let (data, work) = counted(Dataset::with_blocks(frame(rows, 3, 7), folds).unwrap());
    let all = Rounds::new((0..rows as u32).map(Round::hold_out), rows as u32);
    let needs = vec![Need::summary::<Moments>(spec()), Need::summary::<QrFactor>(spec())];
    let read = |budget| {
        let (sets, _) = TrainingSets::read(vec![(data.clone(), needs.clone())], &all, budget).unwrap();
        let mut most = 0;
        sets.for_each_wave(|rounds, _| {
            most = most.max(rounds.len());
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
    let passes = all.passes(Capacity::new(32 * bytes, bytes));
    assert_eq!(work().rows_read - before, 500 * u64::from(passes));
    assert!(passes > 2, "{passes}");
}

/// Views behind transformers are the same for all folds: each is passed once.
#[test]
fn several_views_are_read_together() {
    let folds = Blocks::new((0..90).map(|i| i % 9).collect(), 9).unwrap();
    let (data, work) = counted(Dataset::with_blocks(frame(90, 2, 3), folds).unwrap());
    let logged = data.through(pure(Log1p::new().input_col("weight"))).unwrap();
    let behind = MomentsSpec::new(["logged", "label"]);
    let views = vec![
        (data, vec![Need::summary::<Moments>(spec())]),
        (logged, vec![Need::summary::<Moments>(behind.clone())]),
    ];
    let rounds = Rounds::new((0..9).map(Round::hold_out), 9);
    let (sets, failed) = TrainingSets::read(views, &rounds, u64::MAX).unwrap();
    assert!(failed.iter().all(Vec::is_empty) && failed.len() == 2);
    sets.for_each_wave(|rounds, views| {
        for fold in rounds.map(|round| round as u32) {
            let found = |view: usize, spec: &MomentsSpec| {
                views[view].select(Rows::except(fold)).recall::<Moments>(spec)
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

/// Rounds of several kinds over `blocks` blocks.
fn rounds_of(kind: u32, blocks: u32, seed: u64) -> Vec<Round> {
    let draw = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(seed).rotate_left(29) | 1;
    let window = |start: u32, now: u32, gap: u32| Round::new(Rows::range(start..now - gap), Rows::only(now));
    match kind {
        // Expanding, sliding, and sliding with a gap.
        0 => (1..blocks).map(|now| window(0, now, 0)).collect(),
        1 => (1..blocks).map(|now| window(now.saturating_sub(3), now, 0)).collect(),
        2 => (3..blocks).map(|now| window(now.saturating_sub(6), now, 2)).collect(),
        // Cross-validation repeated over blocks that are dealt anew.
        3 => (0..4)
            .flat_map(|repeat| {
                let fold = move |block: u32| draw(u64::from(block) + 1000 * repeat) % 3;
                (0..3).map(move |k| {
                    let (held_out, others): (Vec<u32>, Vec<u32>) =
                        (0..blocks).partition(|&block| fold(block) == k);
                    Round::new(Rows::blocks(others), Rows::blocks(held_out))
                })
            })
            .collect(),
        // Nested: one block is in no set, each of the others is held out.
        4 => (0..blocks.min(5))
            .flat_map(|outer| {
                let inner = (0..blocks).filter(move |&inner| inner != outer);
                inner.map(move |inner| {
                    Round::new(Rows::except(inner).without(&Rows::only(outer)), Rows::only(inner))
                })
            })
            .collect(),
        // Anything.
        _ => (0..9)
            .map(|round| {
                let of = |side: u64| {
                    let taken = (0..blocks).filter(move |&b| draw(u64::from(b) * 31 + round) % 3 == side);
                    Rows::blocks(taken)
                };
                Round::new(of(0), of(1))
            })
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_rounds_are_what_their_rows_give(kind in 0u32..6, blocks in 4u32..40, extra in 0usize..60, unused: bool, room in 1u64..400, seed: u64) {
        let rows = blocks as usize + extra;
        let block_of = |i: u64| match i < u64::from(blocks) {
            true => i as u32,
            false if unused && i.is_multiple_of(3) => Blocks::UNUSED,
            false => (i.wrapping_mul(seed | 1) % u64::from(blocks)) as u32,
        };
        let assignment: Vec<u32> = (0..rows as u64).map(block_of).collect();
        let whole = frame(rows, 1, seed);
        let data = Dataset::with_blocks(whole.clone(), Blocks::new(assignment.clone(), blocks).unwrap()).unwrap();
        let (data, work) = counted(data);
        let matrix = rows_of(&Dataset::new(whole), &COLUMNS);
        let rounds = Rounds::new(rounds_of(kind, blocks, seed), blocks);
        let needs = vec![Need::summary::<Moments>(spec())];
        let bytes = 8 * (matrix.ncols() * matrix.ncols()) as u64;
        let (sets, _) = TrainingSets::read(vec![(data, needs)], &rounds, room * bytes).unwrap();
        let mut seen = 0;
        sets.for_each_wave(|wave, views| {
            assert_eq!(wave.start, seen);
            seen = wave.end;
            for round in &rounds.as_slice()[wave] {
                for set in [round.train.clone(), round.validate.clone(), Rows::all()] {
                    let found = views[0].select(&set).recall::<Moments>(&spec())?.unwrap();
                    let picked: Vec<usize> = (0..rows).filter(|&i| set.includes(assignment[i])).collect();
                    assert_eq!(found.rows() as usize, picked.len());
                    if !picked.is_empty() {
                        let (mean, scatter) = two_pass(&matrix.select(Axis(0), &picked), None);
                        let gap = scatter_gap(&found.scatter(), &scatter);
                        assert!(gap < 1e-12, "{set:?}: {gap}");
                        assert!(found.mean().iter().zip(&mean).all(|(a, b)| (a - b).abs() < 1e-12));
                    }
                }
            }
            Ok::<(), Error>(())
        }).unwrap();
        prop_assert_eq!(seen, rounds.as_slice().len());
        let passes = u64::from(rounds.passes(Capacity::new(room * bytes, bytes)));
        prop_assert!(work().rows_read <= passes * rows as u64);
    }
}

#[test]
fn windows_share_what_stays_and_read_rows_once() {
    let blocks = 2_000;
    let assignment: Vec<u32> = (0..2 * blocks).map(|row| row / 2).collect();
    let data = frame(2 * blocks as usize, 3, 5);
    let (data, work) = counted(Dataset::with_blocks(data, Blocks::new(assignment, blocks).unwrap()).unwrap());
    let windows = (500..blocks).map(|now| Round::new(Rows::range(now - 500..now), Rows::only(now)));
    let rounds = Rounds::new(windows, blocks);
    let needs = vec![Need::summary::<Moments>(spec())];
    let (sets, _) = TrainingSets::read(vec![(data, needs)], &rounds, u64::MAX).unwrap();
    let mut scored = 0;
    sets.for_each_wave(|wave, views| {
        for round in &rounds.as_slice()[wave] {
            let found = views[0].select(round.train.clone()).recall::<Moments>(&spec())?.unwrap();
            assert_eq!(found.rows(), 1000);
            scored += 1;
        }
        Ok::<(), Error>(())
    })
    .unwrap();
    assert_eq!((scored, work().rows_read, work().passes), (1_500, 4_000, 1));
}
