//! What a plan says in short, and how two of them differ.

use super::{Outcome, Status, Summary, View};
use crate::action::EffectClass;

impl View {
    /// Whether running it would change anything, as far as it is known.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.steps.iter().any(|step| {
            step.effect != EffectClass::Read && matches!(step.outcome, Outcome::WouldRun | Outcome::Undecided)
        })
    }

    /// Whether a run of it may begin. A checklist that will not pass is asked all the same, to its end and for the record.
    #[must_use]
    pub fn may_begin(&self) -> bool {
        match self.status {
            Status::Ready => true,
            Status::Failed => {
                self.error.as_ref().is_some_and(|error| ["gate", "nothing_checked"].contains(&&*error.code))
            }
            Status::Refused | Status::Guarded | Status::Busy => false,
        }
    }

    /// The steps in one line: `12 steps: 7 exact, 3 estimated, 2 none`.
    #[must_use]
    pub fn summary_line(&self) -> String {
        let Summary { steps, exact, estimated, none } = self.summary;
        let noun = if steps == 1 { "step" } else { "steps" };
        format!("{steps} {noun}: {exact} exact, {estimated} estimated, {none} none")
    }

    /// What differs between what two plans are over, a line each; nothing where the digests are equal.
    #[must_use]
    pub fn differences(&self, other: &Self) -> String {
        let text = |view: &Self| serde_json::to_string_pretty(&view.resolved).unwrap_or_default();
        let (ours, theirs) = (text(self), text(other));
        similar::TextDiff::from_lines(&ours, &theirs).unified_diff().context_radius(2).to_string()
    }
}
