//! Documents that are not finished, and texts that are none.

use proptest::prelude::*;

use super::{CALLED, HEAD, has, in_world, proposed, proposes};
use crate::assist::complete::proposals;
use crate::assist::define::definition;
use crate::assist::hover::words;
use crate::assist::outline::parts;
use crate::assist::{Spot, World};
use crate::parse::Kind;

#[test]
fn what_is_open_on_the_line_does_not_matter() {
    proposes("steps:\n  - id: a\n    action: epoch.read\n    with: { target: ¦\n  - id: b\n    wait: 1s\n", &["epoch"]);
    proposes("steps:\n  - id: a\n    wait: 1s\n    when: 'parameters.¦\n  - id: b\n    wait: 1s\n", &["path"]);
    proposes("outputs:\n  a: '{{ parameters.¦\n", &["path"]);
    proposes("requires: { approvals: { ¦\n", &["quorum", "from"]);
}

#[test]
fn what_is_broken_below_does_not_matter() {
    proposes("steps:\n  - id: a\n    action: ¦\n    with: { a: [ }\n", &["file.read"]);
    let found = proposed("requires:\n  ¦\nsteps: ] broken\n");
    has(&found, &["actor"]);
}

fn ask_everything(text: &str, at: usize, kind: Option<Kind>, world: &World<'_>) {
    let spot = Spot { text, at, kind };
    let length = text.len();
    for proposal in proposals(&spot, world) {
        assert!(proposal.span.start <= proposal.span.end && proposal.span.end <= length, "{proposal:?}");
        assert!(text.get(proposal.span.clone()).is_some(), "{proposal:?}");
    }
    if let Some(found) = words(&spot, world) {
        assert!(text.get(found.span).is_some());
    }
    if let Some(found) = definition(&spot, world) {
        assert!(found.document.is_some() || text.get(found.span).is_some());
    }
    for part in parts(text, kind) {
        assert!(text.get(part.span).is_some() && text.get(part.head).is_some());
    }
}

#[test]
fn every_place_of_a_document_can_be_asked_about() {
    in_world(|world| (0..=CALLED.len()).step_by(3).for_each(|at| ask_everything(CALLED, at, None, world)));
}

#[test]
fn every_beginning_of_a_document_can_be_asked_about() {
    let text =
        format!("{HEAD}steps:\n  - id: a\n    call: ops.called\n    with: {{ mode: '{{{{ parameters.path }}}}' }}\n");
    in_world(|world| {
        (0..=text.len()).step_by(2).for_each(|end| ask_everything(&text[..end], end, None, world));
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("steps:\n"), Just("  - id: a\n"), Just("    action: "), Just("{{ "), Just(" }}"), Just("{ "), Just(" }"),
                Just("["), Just("'"), Just("\""), Just("with: "), Just("ä漢"), Just("\u{1f600}"), Just("call: ops.called\n"),
                Just("parallel:\n"), Just("parameters."), Just("steps.a."), Just("items['x']."), Just("\r\n"), Just("\t"),
                Just("kind: test\n"), Just("procedure: ops.called\n"), Just("cases:\n"), Just(": "), Just("| "), Just("&a "),
            ],
            0..24,
        ),
        at in 0_usize..200,
    ) {
        let text = pieces.concat();
        in_world(|world| {
            ask_everything(&text, at, None, world);
            ask_everything(&text, at, Some(Kind::Workspace), world);
        });
    }
}
