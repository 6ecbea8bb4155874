//! Which label is which class.

use luthier_core::frame::Field;
use luthier_core::{Dataset, Error, Result};

use super::blocks::Block;

/// The largest number of a class: there would be as many classes.
const LAST_CLASS: u32 = 65_535;

/// Labels are held as codes of 32 bits in the same order.
const OFFSET: f64 = 2_147_483_648.0;

pub(super) const EXPECTED: &str = "a class: an integer from 0 to 65535, or one of two integers of any size up to \
                                   2147483647; turn other labels into classes with a string_indexer";

/// The code of a label, if it is a whole number of 32 bits.
pub(super) fn code(label: f64) -> Option<u32> {
    (label.fract() == 0.0 && (-OFFSET..OFFSET).contains(&label)).then_some((label + OFFSET) as u32)
}

fn label(code: u32) -> f64 {
    f64::from(code) - OFFSET
}

/// Puts the number of its class in place of every label's code. Of two labels the larger is class 1, whatever they are,
/// unless they are indices of categories; others are the numbers of their classes. Returns the labels of the two classes
/// where they are not 0 and 1.
///
/// # Errors
/// A label that is no class, with column and row.
pub(super) fn number(blocks: &mut [Block], data: &Dataset, column: &str) -> Result<Option<[f64; 2]>> {
    let is_indexed = data.schema().field(column).and_then(Field::categories).is_some();
    let zero = OFFSET as u32;
    let codes = || blocks.iter().flat_map(|block| &block.classes).copied();
    let (Some(least), Some(most)) = (codes().min(), codes().max()) else { return Ok(None) };
    let are_numbers = least >= zero && most - zero <= LAST_CLASS;
    let are_two = codes().all(|code| code == least || code == most);
    let alone = least == most;
    let two = match () {
        () if are_numbers && (is_indexed || alone || !are_two || most - zero <= 1) => None,
        () if is_indexed || !are_two => return Err(first_bad(data, column)),
        // The other class is that of 0.
        () if alone => Some([least.min(zero), most.max(zero)]),
        () => Some([least, most]),
    };
    for class in blocks.iter_mut().flat_map(|block| &mut block.classes) {
        *class = match two {
            Some([_, larger]) => u32::from(*class == larger),
            None => *class - zero,
        };
    }
    Ok(two.map(|codes| codes.map(label)))
}

/// The error about the first label that is not the number of a class.
fn first_bad(data: &Dataset, column: &str) -> Error {
    let bad = data.for_each_tile(&[column], |tile| {
        let labels = tile.numbers(column)?;
        match labels.iter().position(|label| !(0.0..=f64::from(LAST_CLASS)).contains(label)) {
            Some(i) => Err(tile.bad_value(column, i, EXPECTED)),
            None => Ok(()),
        }
    });
    bad.err().unwrap_or_else(|| Error::invalid(format!("column `{column}` has labels that are no classes")))
}
