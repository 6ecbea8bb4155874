/// The lines at which records begin. It stores only those records that do not begin in the line after the previous record:
/// those behind empty lines, comments, and cells that contain line ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines {
    /// Records that begin a run of neighbouring lines, and the line of each.
    runs: Vec<(usize, u64)>,
    records: usize,
}

impl Lines {
    /// Adds the next record.
    pub(crate) fn push(&mut self, line: u64) {
        if self.line(self.records) != Some(line) {
            self.runs.push((self.records, line));
        }
        self.records += 1;
    }

    /// The line, from 1, at which a record begins, or that of the next record if there is none yet.
    pub(crate) fn line(&self, record: usize) -> Option<u64> {
        let run = self.runs.partition_point(|&(first, _)| first <= record).checked_sub(1)?;
        let (first, line) = self.runs.get(run)?;
        Some(line + (record - first) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_deviations_are_kept() {
        let lines = [2, 3, 4, 7, 8, 20, 21];
        let mut kept = Lines::default();
        lines.iter().for_each(|&line| kept.push(line));
        assert_eq!(kept.runs.len(), 3);
        let told: Vec<u64> = (0..lines.len()).filter_map(|record| kept.line(record)).collect();
        assert_eq!(told, lines);
    }
}
