//! Predictions for the validation rows of every round.

use std::collections::BTreeSet;
use std::sync::Arc;

use luthier_core::frame::{Column, ColumnType, DataFrame, Field, Schema};
use luthier_core::{ColumnRole, Dataset, DynModel, PipelineModel, Rounds, TrainingSets};

use super::Session;
use super::categories::in_common_categories;
use super::unit::root_context;
use crate::{Error, Result};

/// The column of row numbers.
const ROW: &str = "row";

/// The column of round numbers.
const FOLD: &str = "fold";

impl Session {
    /// The predictions of a candidate for rows that it was not fitted on: for every round, the candidate is fitted on the
    /// training rows and predicts the validation rows.
    ///
    /// The frame has the number of the row (`row`, from 0 in the frame of the search), the number of the round (`fold`), the
    /// columns of labels and weights that the evaluators read, and the predictions; in the order of the rounds and then of the
    /// rows. In a cross-validation every row occurs once; with repeats it occurs once per repeat. Indices of categories, and
    /// the places of their probabilities, mean the same in all rounds.
    ///
    /// # Errors
    /// A candidate that does not exist; the error of a stage; a column that is named `row` or `fold` already.
    pub fn out_of_fold(&mut self, candidate: usize) -> Result<DataFrame> {
        let none = || Error::invalid(format!("there is no candidate {candidate} to predict with"));
        let entry = self.entries.of(candidate).ok_or_else(none)?;
        let root = Arc::clone(&self.entries.get(entry).ok_or_else(none)?.estimator);
        let rounds = self.plain_rounds();
        let merges = Rounds::new(rounds.iter().map(|&round| self.round(round)), self.split.blocks().count());
        let needs =
            self.tree.base_needs().iter().filter(|base| base.candidates.binary_search(&entry).is_ok());
        let needs = needs.map(|base| base.need.clone()).collect();
        let base = self.base.clone().cancelled_by(self.search.refit_token.clone());
        // A request that cannot be answered is an error of the stage that makes it.
        let (sets, _) = TrainingSets::read(vec![(base.clone(), needs)], &merges, self.forecast.budget)?;
        let (mut rows, mut batches) = (None, Vec::new());
        sets.for_each_wave(|range, views| {
            let view = views.first().unwrap_or(&base);
            rounds.get(range).unwrap_or_default().iter().try_for_each(|&round| {
                let ctx = self.ctx.for_fold(self.split.first_alike(round));
                let training = view.select(self.round(round).train);
                let model = root.fit(&training, &root_context(root.as_ref(), &ctx))?;
                batches.extend(self.predictions(round, model, &mut rows)?);
                Ok::<(), Error>(())
            })
        })?;
        Ok(DataFrame::concat(&in_common_categories(batches)?)?.coalesce(1)?)
    }

    /// The predictions of a model for the validation rows of a round. `rows` are those of the frame, once they are there.
    fn predictions(
        &self,
        round: u32,
        model: Arc<dyn DynModel>,
        rows: &mut Option<DataFrame>,
    ) -> Result<Vec<DataFrame>> {
        let pipeline = PipelineModel::from(Arc::clone(&model));
        let roles = [ColumnRole::Label, ColumnRole::Weight];
        let told: Vec<String> = self
            .evaluators
            .iter()
            .flat_map(|one| roles.into_iter().flat_map(|role| one.columns_of(role)))
            .collect();
        let rows = match rows {
            Some(rows) => rows,
            None => {
                let read = pipeline.leaves().into_iter().flat_map(|(_, leaf)| leaf.transformer().inputs());
                rows.insert(self.in_memory(&read.chain(told.iter().cloned()).collect())?)
            }
        };
        let validate = self.round(round).validate;
        let mask: Vec<bool> =
            self.split.blocks().assignment().iter().map(|&block| validate.includes(block)).collect();
        let numbers: Vec<i64> = (0..).zip(&mask).filter(|(_, kept)| **kept).map(|(row, _)| row).collect();
        let token = self.search.refit_token.clone();
        let shown = Dataset::new(rows.filter(&mask)?).cancelled_by(token).through(model)?;
        let mut fields: Vec<Field> = Vec::new();
        let predictions = pipeline.predictions(rows.schema())?;
        for name in told.into_iter().chain(predictions.iter().map(|field| field.name().to_owned())) {
            let known = fields.iter().any(|field| field.name() == name);
            fields.extend(shown.schema().field(&name).filter(|_| !known).cloned());
        }
        let schema = Schema::new(fields)?;
        let names: Vec<&str> = schema.names().collect();
        let numbered = [ROW, FOLD].into_iter().map(|name| Field::new(name, ColumnType::I64));
        let numbered = Schema::new(numbered.chain(schema.fields().iter().cloned()).collect())?;
        let mut batches = Vec::new();
        shown.for_each_tile(&names, |tile| {
            let row = |i: usize| numbers.get(tile.row(i)).copied().unwrap_or(-1);
            let own = [
                Column::i64((0..tile.len()).map(row).collect()),
                Column::i64(vec![i64::from(round); tile.len()]),
            ];
            let others = names.iter().map(|&name| tile.column(name));
            let columns = own.into_iter().map(Ok).chain(others).collect::<luthier_core::Result<Vec<_>>>()?;
            batches.push(DataFrame::from_fields(numbered.fields().iter().cloned().zip(columns).collect())?);
            Ok(())
        })?;
        Ok(batches)
    }

    /// These columns of the frame: in memory if half of the budget is enough, so that rows of a file are decoded once for all
    /// rounds.
    fn in_memory(&self, columns: &BTreeSet<String>) -> Result<DataFrame> {
        let schema = self.frame.schema();
        let columns: Vec<&str> = schema.names().filter(|name| columns.contains(*name)).collect();
        let frame = self.frame.select(&columns)?;
        let width = |field: &Field| match (field.column_type(), field.is_sparse()) {
            (ColumnType::Vector { width }, false) => 8 * width,
            (ColumnType::F64 | ColumnType::I64 | ColumnType::Bool, _) => 8,
            _ => 64,
        };
        let width: usize = frame.schema().fields().iter().map(width).sum();
        let bytes = (width as u64).saturating_mul(frame.num_rows() as u64);
        if frame.is_in_memory() || bytes > self.forecast.budget / 2 {
            return Ok(frame);
        }
        self.work.rows_read(frame.num_rows() as u64);
        self.work.passes(1);
        Ok(frame.collect()?)
    }
}
