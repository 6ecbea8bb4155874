//! Problems of which it is known whether the best coefficients are finite.

use luthier_core::NoteKind;
use luthier_stages::{Family, LogisticRegression, LogisticRegressionModel};
use ndarray::{Array2, array};

use crate::draw::Draw;
use crate::frames::*;

/// How the classes of a problem lie.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Complete,
    Quasi,
    Finite,
}

/// A problem of a kind, in features that are mixed so that no single one separates if `mixed`.
///
/// Every row on the boundary is there once with each label, so that no direction moves it; the others lie on either side
/// of a hyperplane through all of these.
fn problem(draw: &mut Draw, kind: Kind, classes: usize, mixed: bool) -> (Array2<f64>, Vec<f64>) {
    let d = 2 + (3.0 * draw.uniform()) as usize;
    let mut rows: Vec<(Vec<f64>, f64)> = Vec::new();
    let overlapping = if kind == Kind::Complete { 0 } else { 2 * d + 4 };
    for _ in 0..overlapping {
        let mut x: Vec<f64> = (0..d).map(|_| draw.normal()).collect();
        x[d - 1] = if kind == Kind::Quasi { 0.0 } else { draw.normal() };
        rows.extend((0..classes).map(|class| (x.clone(), class as f64)));
        // Rows as rare as they are must not look separated.
        (0..(8.0 * draw.uniform()) as usize).for_each(|_| rows.push((x.clone(), 0.0)));
    }
    for i in 0..12 * classes {
        let class = i % classes;
        let mut x: Vec<f64> = (0..d).map(|_| draw.normal()).collect();
        // The last class on one side, all others on the other.
        let side = if class == classes - 1 { 1.0 } else { -1.0 };
        let distance = if kind == Kind::Finite { 5.0 } else { 0.1 + draw.uniform() };
        x[d - 1] = side * distance;
        rows.push((x, class as f64));
    }
    let mut table = Array2::from_shape_fn((rows.len(), d), |(i, j)| rows[i].0[j]);
    if mixed {
        // Sums and differences of all features: exact enough, and invertible.
        let turn =
            Array2::from_shape_fn((d, d), |(i, j)| if i == j { 2.0 } else { ((i + 2 * j) % 3) as f64 - 1.0 });
        table = table.dot(&(turn + Array2::<f64>::eye(d)));
    }
    (table, rows.into_iter().map(|row| row.1).collect())
}

fn check(model: &LogisticRegressionModel, kind: Kind, what: &str) {
    let summary = model.summary();
    let found = summary.separation.as_ref();
    assert_eq!(summary.separated, kind != Kind::Finite, "{what}: {found:?}");
    if kind == Kind::Finite {
        assert!(summary.converged && summary.aic.is_some(), "{what}: {summary:?}");
    } else {
        assert!(summary.inference.is_none() && summary.aic.is_none() && summary.degrees_of_freedom.is_none());
        let complete = kind == Kind::Complete && model.num_classes() == 2;
        assert_eq!(found.unwrap().complete, complete, "{what}: {found:?}");
        let kind = if complete { NoteKind::Separated } else { NoteKind::QuasiSeparated };
        assert!(summary.notes.iter().any(|note| note.kind == kind), "{what}: {:?}", summary.notes);
    }
}

#[test]
fn what_is_separated_is_found_and_nothing_else() {
    let mut draw = Draw(5);
    for i in 0..300 {
        for kind in [Kind::Complete, Kind::Quasi, Kind::Finite] {
            let (classes, mixed) = (2 + i % 2, i % 4 < 2);
            let (x, y) = problem(&mut draw, kind, classes, mixed);
            let data = frame(x, y, None);
            let model = fit(&LogisticRegression::new(), &data);
            check(&model, kind, &format!("{i} {kind:?} {classes} {mixed}"));
            if !mixed && kind == Kind::Quasi {
                let found = model.summary().separation.as_ref().unwrap();
                assert_eq!(found.features, [model.num_features() - 1], "{i}");
            }
            let penalised = fit(&LogisticRegression::new().reg_param(1e-3), &data);
            assert!(!penalised.summary().separated && penalised.summary().converged);
        }
    }
}

/// The optimum is finite, but far away: probabilities of 1e-12 and coefficients of thousands.
#[test]
fn large_finite_optima_are_not_taken_for_separation() {
    for gap in [1e-2, 1e-4, 1e-6] {
        // Two rows overlap by very little.
        let mut x: Vec<f64> =
            (0..40).map(|i| if i < 20 { -1.0 - i as f64 } else { 1.0 + (i - 20) as f64 }).collect();
        let mut y: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i >= 20))).collect();
        x.extend([gap, -gap]);
        y.extend([0.0, 1.0]);
        let data = frame(Array2::from_shape_vec((42, 1), x).unwrap(), y, None);
        let model = fit(&LogisticRegression::new(), &data);
        assert!(!model.summary().separated, "{gap}: {:?}", model.summary());
    }
    for odds in [1e6, 1e9, 1e12] {
        let data = frame(
            array![[0.0], [0.0], [1.0], [1.0]],
            vec![0.0, 1.0, 0.0, 1.0],
            Some(vec![odds, 1.0, 1.0, odds]),
        );
        let model = fit(&LogisticRegression::new().weight_col("weight"), &data);
        let summary = model.summary();
        assert!(!summary.separated && summary.converged, "{odds}: {summary:?}");
        assert!((model.coefficients().unwrap()[0] / (2.0 * odds.ln()) - 1.0).abs() < 1e-6);
    }
}

#[test]
fn a_group_of_one_class_is_named() {
    // Both classes where `group` is 0, class 1 alone where it is 1.
    let mut draw = Draw(2);
    let x = Array2::from_shape_fn(
        (80, 2),
        |(i, j)| if j == 0 { draw.normal() } else { f64::from(u8::from(i < 20)) },
    );
    let y = |i: usize| if i < 20 { 1.0 } else { (i % 2) as f64 };
    for flipped in [false, true] {
        let labels = (0..80).map(|i| if flipped { 1.0 - y(i) } else { y(i) }).collect();
        let data = frame(x.clone(), labels, None);
        for family in [Family::Binomial, Family::Multinomial] {
            let model = fit(&LogisticRegression::new().family(family), &data);
            let found = model.summary().separation.clone().unwrap();
            assert!(!found.complete);
            assert_eq!((found.features, found.classes), (vec![1], vec![usize::from(!flipped)]));
            let note = &model.summary().notes[0];
            assert_eq!(note.kind, NoteKind::QuasiSeparated);
            assert!(note.message.contains("features") && note.message.contains("reg_param"), "{note}");
            assert_eq!(note.subjects.last().unwrap(), if flipped { "0" } else { "1" });
        }
    }
    // A wall in the way keeps the coefficient finite, one on the other side does not.
    let data = frame(x, (0..80).map(y).collect(), None);
    let e = LogisticRegression::new();
    let held = fit(&e.clone().upper_bounds_on_coefficients(vec![vec![3.0, 3.0]]), &data);
    assert!(!held.summary().separated);
    let free = fit(&e.lower_bounds_on_coefficients(vec![vec![-3.0, -3.0]]), &data);
    assert!(free.summary().separated);
}
