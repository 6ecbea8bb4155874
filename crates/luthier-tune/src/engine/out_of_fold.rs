//! Predictions for the validation rows of every round.

use std::sync::Arc;

use luthier_core::frame::{Column, ColumnType, DataFrame, Field, Schema};
use luthier_core::{ColumnRole, PipelineModel};

use super::Session;
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
    /// rows. In a cross-validation every row occurs once; with repeats it occurs once per repeat.
    ///
    /// # Errors
    /// A candidate that does not exist; the error of a stage; a column that is named `row` or `fold` already.
    pub fn out_of_fold(&mut self, candidate: usize) -> Result<DataFrame> {
        let entry = self.entries.of(candidate).and_then(|entry| self.entries.get(entry));
        let none = || Error::invalid(format!("there is no candidate {candidate} to predict with"));
        let root = Arc::clone(&entry.ok_or_else(none)?.estimator);
        let mut batches = Vec::new();
        for round in self.plain_rounds() {
            let now = self.round(round);
            let base = self.waves.get(&round).map_or(&self.base, |wave| &wave.base);
            let base = &base.clone().cancelled_by(self.search.refit_token.clone());
            let ctx = self.ctx.for_fold(self.split.first_alike(round));
            let model = root.fit(&base.select(now.train), &root_context(root.as_ref(), &ctx))?;
            let pipeline = PipelineModel::from(Arc::clone(&model));
            let roles = [ColumnRole::Label, ColumnRole::Weight];
            let read = self
                .evaluators
                .iter()
                .flat_map(|one| roles.into_iter().flat_map(|role| one.columns_of(role)));
            let shown = base.select(now.validate).through(model)?;
            let mut fields: Vec<Field> = Vec::new();
            for name in read.chain(pipeline.predictions(base.schema())?.iter().map(|f| f.name().to_owned())) {
                let known = fields.iter().any(|field| field.name() == name);
                fields.extend(shown.schema().field(&name).filter(|_| !known).cloned());
            }
            let schema = Schema::new(fields)?;
            let names: Vec<&str> = schema.names().collect();
            let numbers = Schema::new(
                [ROW, FOLD]
                    .into_iter()
                    .map(|name| Field::new(name, ColumnType::I64))
                    .chain(schema.fields().iter().cloned())
                    .collect(),
            )?;
            shown.for_each_tile(&names, |tile| {
                let rows = Column::i64((0..tile.len()).map(|i| tile.row(i) as i64).collect());
                let folds = Column::i64(vec![i64::from(round); tile.len()]);
                let own = [(ROW, rows), (FOLD, folds)].into_iter().map(Ok);
                let others = names.iter().map(|&name| Ok((name, tile.column(name)?)));
                let columns = own.chain(others).collect::<luthier_core::Result<Vec<_>>>()?;
                let columns =
                    numbers.fields().iter().cloned().zip(columns.into_iter().map(|(_, column)| column));
                batches.push(DataFrame::from_fields(columns.collect())?);
                Ok(())
            })?;
        }
        let partitions = batches.iter().flat_map(|frame| frame.partitions());
        let all = partitions
            .map(|partition| partition.batches(None))
            .collect::<luthier_core::frame::Result<Vec<_>>>()?;
        let all = all.into_iter().flatten().collect::<luthier_core::frame::Result<Vec<_>>>()?;
        Ok(DataFrame::from_batches(all)?)
    }
}
