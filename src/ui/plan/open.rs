//! What a plan does not know yet and shows nowhere else, by what it depends on.

use engine::event::state::Verdict;
use engine::plan::View;

/// Places stand in lines of this width.
const WIDTH: usize = 110;

/// A line for each thing, or for what several depend on, and these below it.
pub fn render(view: &View) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for what in &view.undecided {
        let (place, because) = what.split_once(": ").unwrap_or((what, ""));
        if is_shown(view, place) {
            continue;
        }
        match groups.iter_mut().find(|(known, _)| *known == because) {
            Some((_, places)) => places.push(place),
            None => groups.push((because, vec![place])),
        }
    }
    let lines = groups.iter().map(|(because, places)| match places.as_slice() {
        [place] if because.is_empty() => format!("  - {place}"),
        [place] => format!("  - {place}: {because}"),
        places => format!("  - {because}:{}", wrapped(places)),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a section of its own says so, or the input of a step.
fn is_shown(view: &View, place: &str) -> bool {
    let checks = [("preconditions.", &view.preconditions), ("verify.", &view.verify), ("items.", &view.verify)];
    let is_check = checks.iter().any(|(list, checks)| {
        let id = place.strip_prefix(list);
        checks.iter().any(|checked| Some(checked.check.as_str()) == id && checked.verdict == Verdict::Undecided)
    });
    let guard = place.strip_prefix("do_not.");
    let is_guard = view.guards.iter().any(|planned| Some(planned.id.as_str()) == guard);
    let input = place.strip_suffix(".with");
    is_check || is_guard || view.steps.iter().any(|step| Some(step.id.as_str()) == input)
}

fn wrapped(places: &[&str]) -> String {
    let mut text = String::new();
    let mut width = WIDTH;
    for (at, place) in places.iter().enumerate() {
        let place = if at + 1 < places.len() { format!("{place},") } else { (*place).to_owned() };
        if width + place.len() + 1 > WIDTH {
            text.push_str("\n     ");
            width = 5;
        }
        text.push(' ');
        text.push_str(&place);
        width += place.len() + 1;
    }
    text
}
