//! What ran on which worker and when.

use luthier_tune::{Event, EventKind};

/// A text timeline, one line per event in the order of their start: `#` where a unit ran, `=` where summaries were
/// computed or the best candidate was fitted, over `width` characters from the first start to the last end.
pub fn timeline(events: &[Event], width: usize) -> String {
    let width = width.max(10);
    let from = events.iter().map(|event| event.start).fold(f64::INFINITY, f64::min);
    let to = events.iter().map(|event| event.end).fold(f64::NEG_INFINITY, f64::max);
    if !from.is_finite() || !to.is_finite() {
        return "nothing ran\n".to_owned();
    }
    let scale = width as f64 / (to - from).max(1e-9);
    let column = |seconds: f64| (((seconds - from) * scale) as usize).min(width - 1);
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by(|a, b| a.start.total_cmp(&b.start));
    let labels: Vec<String> = sorted.iter().map(|event| label(event)).collect();
    let label_width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let mut text =
        format!("{:label_width$}  worker  {:<width$}\n", "", format!("{:.1} ms in all", (to - from) * 1e3));
    for (event, label) in sorted.iter().zip(labels) {
        let (start, end) = (column(event.start), column(event.end).max(column(event.start)));
        let mark = if event.kind == EventKind::Unit { '#' } else { '=' };
        let bar: String = (0..width).map(|i| if (start..=end).contains(&i) { mark } else { '.' }).collect();
        text.push_str(&format!("{label:<label_width$}  {:>6}  {bar}\n", event.worker));
    }
    text
}

fn label(event: &Event) -> String {
    let what = match event.kind {
        EventKind::Summarise => "summarise".to_owned(),
        EventKind::Unit => format!("fit {}", event.stage),
        EventKind::Refit => "refit".to_owned(),
    };
    let fold = event.fold.map(|fold| format!(" fold {fold}")).unwrap_or_default();
    let candidates = match event.candidates.as_slice() {
        [one] => format!(" candidate {one}"),
        many => format!(" {} candidates", many.len()),
    };
    format!("{what}{fold}{candidates}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, worker: usize, start: f64, end: f64) -> Event {
        Event {
            kind,
            stage: "lr".into(),
            unit: Some(0),
            fold: Some(0),
            candidates: vec![3],
            worker,
            start,
            end,
        }
    }

    #[test]
    fn bars_stand_where_things_ran() {
        let events = [event(EventKind::Unit, 1, 0.5, 1.0), event(EventKind::Refit, 0, 0.0, 0.5)];
        let text = timeline(&events, 10);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].starts_with("refit fold 0 candidate 3") && lines[1].ends_with("======...."),
            "{text}"
        );
        assert!(lines[2].contains("fit lr fold 0") && lines[2].ends_with(".....#####"), "{text}");
    }

    #[test]
    fn nothing_is_said_so() {
        assert_eq!(timeline(&[], 40), "nothing ran\n");
    }
}
