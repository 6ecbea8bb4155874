//! The rows of one fit in blocks that do not depend on the caller's partitions.

use luthier_core::{Dataset, Result, Tile};

use super::cells::Cells;
use super::class_labels;
use super::rows::RowColumns;

/// Floats in a block: it stays in a second-level cache while it is used twice, for margins and for gradients.
const BLOCK_FLOATS: usize = 1 << 15;

/// Rows in a sparse block.
const SPARSE_ROWS: usize = 1024;

/// A sparse column of at most so many features is held densely.
const FEW_FEATURES: usize = 32;

/// Consecutive rows with a positive weight.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) cells: Cells,
    /// The code of the label, then its class, then the place of this among those that occur.
    pub(super) classes: Vec<u32>,
    pub(super) weights: Vec<f64>,
}

impl Block {
    fn empty(is_sparse: bool) -> Self {
        let cells = if is_sparse { Cells::sparse() } else { Cells::dense() };
        Self { cells, classes: Vec::new(), weights: Vec::new() }
    }

    fn reserve(&mut self, rows: usize, width: usize) {
        self.cells.reserve(rows, width);
        self.classes.reserve_exact(rows);
        self.weights.reserve_exact(rows);
    }

    pub(super) fn len(&self) -> usize {
        self.classes.len()
    }
}

/// Reads the rows with a positive weight; the second number is that of all rows.
///
/// # Errors
/// A label that is no class or a weight that is negative or not finite, with column and row.
pub(super) fn read_blocks(data: &Dataset, columns: &RowColumns, width: usize) -> Result<(Vec<Block>, u64)> {
    let mut names = vec![columns.features.as_str(), columns.label.as_str()];
    names.extend(columns.weight.as_deref());
    let stretches = data.gather(
        &names,
        |before| Stretch { before, count: 0, blocks: None },
        |stretch, tile| stretch.add(tile, columns, width),
    )?;
    let count = stretches.iter().map(|stretch| stretch.count).sum();
    let mut all: Option<Blocks> = None;
    for blocks in stretches.into_iter().filter_map(|stretch| stretch.blocks) {
        let all = all.get_or_insert_with(|| Blocks::new(blocks.is_sparse, width, 0));
        blocks.into_all().for_each(|block| all.append(block));
    }
    Ok((all.into_iter().flat_map(Blocks::into_all).collect(), count))
}

/// Consecutive rows that are read by one thread.
struct Stretch {
    /// Rows in front of it, if all have a positive weight.
    before: usize,
    count: u64,
    blocks: Option<Blocks>,
}

impl Stretch {
    fn add(&mut self, tile: &Tile<'_>, columns: &RowColumns, width: usize) -> Result<()> {
        let sparse = tile.sparse(&columns.features);
        let dense = if sparse.is_none() { Some(tile.vectors(&columns.features)?) } else { None };
        let labels = tile.numbers(&columns.label)?;
        let weights = tile.weights(columns.weight.as_deref())?;
        self.count += tile.len() as u64;
        for (i, &label) in labels.iter().enumerate() {
            let Some(class) = class_labels::code(label) else {
                return Err(tile.bad_value(&columns.label, i, class_labels::EXPECTED));
            };
            let weight = weights.as_ref().map_or(1.0, |weights| weights[i]);
            if weight == 0.0 {
                continue;
            }
            let is_sparse = sparse.is_some() && width > FEW_FEATURES;
            let blocks = self.blocks.get_or_insert_with(|| Blocks::new(is_sparse, width, self.before));
            blocks.push(class, weight, |cells| {
                if let Some(rows) = &dense {
                    cells.push_dense(rows.row(i));
                } else if let Some(rows) = &sparse {
                    cells.push_sparse(width, rows.row(i));
                }
            });
        }
        Ok(())
    }
}

/// Rows cut into blocks where those of all rows are cut.
struct Blocks {
    is_sparse: bool,
    width: usize,
    /// Rows in a full block.
    block_rows: usize,
    full: Vec<Block>,
    open: Block,
    /// Rows until it is cut.
    room: usize,
}

impl Blocks {
    /// For rows with so many in front of them.
    fn new(is_sparse: bool, width: usize, before: usize) -> Self {
        let block_rows = match is_sparse {
            true => SPARSE_ROWS,
            false => (BLOCK_FLOATS / width.max(1)).clamp(64, 1024),
        };
        let (open, room) = (Block::empty(is_sparse), block_rows - before % block_rows);
        Self { is_sparse, width, block_rows, full: Vec::new(), open, room }
    }

    fn push(&mut self, class: u32, weight: f64, features: impl FnOnce(&mut Cells)) {
        let open = &mut self.open;
        if open.len() == 0 {
            open.reserve(self.room, self.width);
        }
        features(&mut open.cells);
        open.classes.push(class);
        open.weights.push(weight);
        self.room -= 1;
        if self.room == 0 {
            self.full.push(std::mem::replace(open, Block::empty(self.is_sparse)));
            self.room = self.block_rows;
        }
    }

    /// Appends the rows of a block; one that is cut right is taken as it is.
    fn append(&mut self, block: Block) {
        let fits = self.open.len() == 0 && self.room == block.len();
        if fits && matches!(block.cells, Cells::Sparse { .. }) == self.is_sparse {
            return self.full.push(block);
        }
        for (i, (&class, &weight)) in block.classes.iter().zip(&block.weights).enumerate() {
            let width = self.width;
            self.push(class, weight, |cells| cells.push_row_of(&block.cells, i, width));
        }
    }

    fn into_all(self) -> impl Iterator<Item = Block> {
        let open = Some(self.open).filter(|open| open.len() > 0);
        self.full.into_iter().chain(open)
    }
}

#[cfg(test)]
mod tests {
    use luthier_core::frame::{Column, DataFrame, SparseBuilder};
    use ndarray::Array2;

    use super::*;

    const ROWS: usize = 40_000;

    fn frame(sparse: bool, zeros: usize) -> DataFrame {
        let x = |i: usize, j: usize| if (i + j).is_multiple_of(9) { (i * 50 + j + 1) as f64 } else { 0.0 };
        let features = match sparse {
            true => {
                let mut rows = SparseBuilder::new(FEW_FEATURES + 1);
                for i in 0..ROWS {
                    (0..FEW_FEATURES + 1).filter(|j| x(i, *j) > 0.0).for_each(|j| rows.push(j, x(i, j)));
                    rows.end_row();
                }
                Column::sparse(rows)
            }
            false => Column::vector(Array2::from_shape_fn((ROWS, 40), |(i, j)| x(i, j))),
        };
        let weight = |i: usize| if zeros > 0 && (i / 7).is_multiple_of(zeros) { 0.0 } else { 1.0 + i as f64 };
        DataFrame::from_columns(vec![
            ("features", features),
            ("label", Column::f64((0..ROWS).map(|i| (i % 3) as f64).collect())),
            ("weight", Column::f64((0..ROWS).map(weight).collect())),
        ])
        .unwrap()
    }

    #[test]
    fn rows_are_cut_alike_however_they_lie() {
        let columns =
            RowColumns { features: "features".into(), label: "label".into(), weight: Some("weight".into()) };
        // Without zeros blocks are taken as they were read; with many everything behind the first stretch is cut anew.
        for (sparse, zeros) in [(false, 0), (true, 0), (false, 3), (true, 3), (false, 1)] {
            let whole = frame(sparse, zeros);
            let weights: Vec<f64> =
                whole.column_f64("weight").unwrap().into_iter().filter(|w| *w > 0.0).collect();
            let width = if sparse { FEW_FEATURES + 1 } else { 40 };
            let block_rows = if sparse { SPARSE_ROWS } else { BLOCK_FLOATS / 40 };
            for frame in [whole.clone(), whole.repartition(3).unwrap()] {
                let (blocks, count) = read_blocks(&Dataset::new(frame), &columns, width).unwrap();
                assert_eq!(count as usize, ROWS);
                let found: Vec<f64> = blocks.iter().flat_map(|block| &block.weights).copied().collect();
                assert_eq!(found, weights);
                assert!(blocks.iter().rev().skip(1).all(|block| block.len() == block_rows));
                for block in &blocks {
                    assert_eq!(block.classes.len(), block.weights.len());
                    let row = |i: usize| block.weights[i] as usize - 1;
                    let code = |i: usize| class_labels::code((row(i) % 3) as f64);
                    assert!((0..block.len()).all(|i| Some(block.classes[i]) == code(i)));
                    let mut held = 0;
                    block.cells.for_each(width, |i, j, x| {
                        let expected = if (row(i) + j).is_multiple_of(9) { row(i) * 50 + j + 1 } else { 0 };
                        assert_eq!(x, expected as f64);
                        held += usize::from(x != 0.0);
                    });
                    let expected = |i| (0..width).filter(|j| (row(i) + j).is_multiple_of(9)).count();
                    assert_eq!(held, (0..block.len()).map(expected).sum::<usize>());
                }
            }
        }
    }
}
