//! What ran on which worker and when.

use luthier_tune::core::frame::{Align, table};
use luthier_tune::{Event, EventKind};

/// A text timeline: one line per event in the order of their start, with its bar over `width` characters from the
/// first start to the last end. `█` is a unit, `▒` a pass for summaries or the refit of the best candidate.
pub fn timeline(events: &[Event], width: usize) -> String {
    let from = events.iter().map(|event| event.start).fold(f64::INFINITY, f64::min);
    let to = events.iter().map(|event| event.end).fold(f64::NEG_INFINITY, f64::max);
    if !from.is_finite() || !to.is_finite() {
        return "nothing ran\n".to_owned();
    }
    let axis = Axis { from, seconds: (to - from).max(1e-9), width: width.max(16) };
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by(|a, b| a.start.total_cmp(&b.start));
    let rows: Vec<Vec<String>> = sorted
        .into_iter()
        .map(|event| {
            let fold = event.fold.map_or_else(|| "all".to_owned(), |fold| fold.to_string());
            let candidates = ranges(&event.candidates);
            vec![what(event), fold, candidates, event.worker.to_string(), axis.bar(event)]
        })
        .collect();
    let header = axis.header();
    let columns = [
        ("", Align::Left),
        ("fold", Align::Right),
        ("candidates", Align::Right),
        ("worker", Align::Right),
        (header.as_str(), Align::Left),
    ];
    table(&columns, &rows)
}

/// Seconds drawn as characters.
struct Axis {
    from: f64,
    seconds: f64,
    width: usize,
}

impl Axis {
    fn column(&self, seconds: f64) -> usize {
        let place = (seconds - self.from) / self.seconds * self.width as f64;
        (place as usize).min(self.width - 1)
    }

    /// At least one character. The character in which a bar ends belongs to the bar that begins there.
    fn bar(&self, event: &Event) -> String {
        let start = self.column(event.start);
        let is_last = event.end >= self.from + self.seconds;
        let end = if is_last { self.width } else { self.column(event.end).max(start + 1) };
        let mark = if event.kind == EventKind::Unit { '█' } else { '▒' };
        (0..self.width).map(|i| if (start..end).contains(&i) { mark } else { '·' }).collect()
    }

    fn header(&self) -> String {
        let end = format!("{:.1} ms", self.seconds * 1e3);
        format!("0 ms{end:>rest$}", rest = self.width - 4)
    }
}

fn what(event: &Event) -> String {
    match event.kind {
        EventKind::Summarise => "read the rows".to_owned(),
        EventKind::Unit => event.stage.clone(),
        EventKind::Refit => "refit of the best".to_owned(),
    }
}

/// `0-3, 5`: consecutive numbers as ranges; if there are more than four ranges, only the count.
fn ranges(numbers: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    if runs.len() > 4 {
        return format!("{} of them", numbers.len());
    }
    let run = |&(first, last): &(usize, usize)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, worker: usize, start: f64, end: f64, candidates: Vec<usize>) -> Event {
        Event {
            kind,
            stage: "lr".into(),
            unit: Some(0),
            key: None,
            fold: Some(1),
            candidates,
            worker,
            start,
            end,
        }
    }

    #[test]
    fn bars_stand_where_things_ran() {
        let events = [
            event(EventKind::Unit, 2, 0.25, 0.5, vec![0, 1, 2, 3]),
            event(EventKind::Unit, 1, 0.25, 0.75, vec![4]),
            Event { fold: None, ..event(EventKind::Summarise, 0, 0.0, 0.25, (0..5).collect()) },
            event(EventKind::Refit, 0, 0.75, 1.0, vec![4]),
        ];
        // Not `\` at the end of the line: it would take the indentation as well.
        let expected = "                   fold  candidates  worker  0 ms   1000.0 ms
-----------------  ----  ----------  ------  ----------------
read the rows       all         0-4       0  ▒▒▒▒············
lr                    1         0-3       2  ····████········
lr                    1           4       1  ····████████····
refit of the best     1           4       0  ············▒▒▒▒
";
        assert_eq!(timeline(&events, 16), expected);
    }

    #[test]
    fn something_short_is_still_seen() {
        let events = [
            event(EventKind::Unit, 0, 0.0, 1e-9, vec![0]),
            event(EventKind::Unit, 0, 0.5, 1.0, vec![0]),
            event(EventKind::Unit, 0, 1.0, 1.0, vec![0]),
        ];
        let text = timeline(&events, 16);
        let bars: Vec<&str> = text.lines().skip(2).filter_map(|line| line.rsplit("  ").next()).collect();
        assert_eq!(bars, ["█···············", "········████████", "···············█"]);
    }

    #[test]
    fn candidates_are_ranges() {
        assert_eq!(ranges(&[]), "");
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2, 5, 7-8");
        assert_eq!(ranges(&[0, 2, 4, 6, 8]), "5 of them");
    }

    #[test]
    fn nothing_is_said_so() {
        assert_eq!(timeline(&[], 40), "nothing ran\n");
    }
}
