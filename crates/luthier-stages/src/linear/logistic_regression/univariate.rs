//! Single features that separate classes.

use super::loss::Shape;
use super::rows::Rows;
use super::separation::{Cone, Separation};

/// The features each of which separates, with some rows on the boundary or none.
///
/// A feature does where the classes can be parted into two groups such that no value of one lies above one of the other:
/// their coefficients then grow apart without end. Values are compared, not computed with, so that the answer is exact.
pub(super) fn find(rows: &Rows, shape: Shape, cone: &Cone) -> Separation {
    let (ranges, groups) = (ranges(rows, shape), shape.sets.max(2));
    let mut found = Separation { complete: false, features: Vec::new(), classes: Vec::new() };
    let mut told = vec![false; groups];
    for j in 0..shape.width {
        let range = |class: usize| ranges[class * shape.width + j];
        let mut order: Vec<usize> = (0..groups).collect();
        // A class without rows lies below all others.
        order.sort_by(|a, b| range(*a).0.total_cmp(&range(*b).0).then(range(*a).1.total_cmp(&range(*b).1)));
        let empty = |class: &usize| range(*class).0 > range(*class).1;
        order.sort_by_key(|class| !empty(class));
        let mut separates = false;
        for cut in 1..groups {
            let (below, above) = order.split_at(cut);
            let highest = below.iter().map(|k| range(*k).1).fold(f64::NEG_INFINITY, f64::max);
            let lowest = above.iter().map(|k| range(*k).0).fold(f64::INFINITY, f64::min);
            if highest <= lowest && may_part(shape, cone, rows, j, [below, above], [highest, lowest]) {
                separates = true;
                below.iter().filter(|k| range(**k).0 < lowest && !empty(k)).for_each(|k| told[*k] = true);
                above.iter().filter(|k| range(**k).1 > highest && !empty(k)).for_each(|k| told[*k] = true);
            }
        }
        if separates {
            found.features.push(rows.units.active[j]);
        }
    }
    let told = (0..groups).filter(|k| told[*k]);
    found.classes = told.map(|k| rows.present.get(k).map_or(k, |class| *class as usize)).collect();
    found
}

/// Whether the coefficients of a feature may grow apart so, with intercepts that keep the boundary between the groups.
fn may_part(
    shape: Shape,
    cone: &Cone,
    rows: &Rows,
    j: usize,
    [below, above]: [&[usize]; 2],
    [highest, lowest]: [f64; 2],
) -> bool {
    let q = shape.width + 1;
    // Zero in the data's units, where rows are centred when they are used.
    let boundary_at_zero = !rows.units.is_centred && highest <= 0.0 && lowest >= 0.0;
    // Without an intercept that may go anywhere the boundary is zero.
    let moves = |set: usize| {
        let intercept = shape.intercept(set);
        boundary_at_zero || (cone.up[intercept] && cone.down[intercept])
    };
    match shape.sets {
        1 => {
            let up = above == [1];
            moves(0) && if up { cone.up[j] } else { cone.down[j] }
        }
        _ => {
            let up = above.iter().all(|k| cone.up[k * q + j] && moves(*k));
            up || below.iter().all(|k| cone.down[k * q + j] && moves(*k))
        }
    }
}

/// The least and the largest value of each feature in each class, class by class.
fn ranges(rows: &Rows, shape: Shape) -> Vec<(f64, f64)> {
    let (width, groups) = (shape.width, shape.sets.max(2));
    let nothing = (f64::INFINITY, f64::NEG_INFINITY);
    let mut ranges = vec![nothing; groups * width];
    let mut held = vec![0_usize; groups * width];
    let mut counts = vec![0_usize; groups];
    for block in &rows.blocks {
        block.classes.iter().for_each(|class| counts[*class as usize] += 1);
        block.cells.for_each(width, |i, j, x| {
            let at = block.classes[i] as usize * width + j;
            ranges[at] = (ranges[at].0.min(x), ranges[at].1.max(x));
            held[at] += 1;
        });
    }
    // What sparse rows do not hold is zero.
    for (at, range) in ranges.iter_mut().enumerate() {
        if held[at] < counts[at / width.max(1)] {
            *range = (range.0.min(0.0), range.1.max(0.0));
        }
    }
    ranges
}
