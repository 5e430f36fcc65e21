//! What came of a checklist: its items, each with how it was decided, and what follows from them for the gate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::state::{Checked, Verdict};
use crate::secret::masker::Masker;

/// A checklist was asked to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateResult {
    /// Whether the gate is open.
    pub status: GateStatus,
    /// Every item, in order.
    pub items: Vec<GateItem>,
    /// The items in numbers.
    pub counts: GateCounts,
}

/// Whether a gate is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateStatus {
    /// Every required item that was asked passed, and there was one.
    Passed,
    /// A required item did not pass.
    Failed,
    /// No required item was asked: there is none, or all were skipped.
    NothingChecked,
}

/// One item of a checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateItem {
    /// Its id.
    pub id: String,
    /// What came of it.
    pub status: ItemStatus,
    /// Whether it counts.
    pub required: bool,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// What came of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemStatus {
    /// It is so.
    Passed,
    /// It is not so, or nobody was there to answer.
    Failed,
    /// It could not be found out; that counts like failed.
    Undecidable,
    /// Its `when` was false: it has not passed.
    Skipped,
    /// It is not so, and a signed waiver lets it pass.
    Waived,
}

impl ItemStatus {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Undecidable => "undecidable",
            Self::Skipped => "skipped",
            Self::Waived => "waived",
        }
    }

    /// Whether a required item of this status shuts the gate.
    #[must_use]
    pub fn shuts(self) -> bool {
        matches!(self, Self::Failed | Self::Undecidable)
    }
}

impl From<Verdict> for ItemStatus {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Passed,
            Verdict::NotMet | Verdict::Violated => Self::Failed,
            // Nothing decides it any more.
            Verdict::Undecidable | Verdict::Undecided => Self::Undecidable,
            Verdict::Skipped => Self::Skipped,
            Verdict::Waived => Self::Waived,
        }
    }
}

/// Items in numbers; together they are all items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateCounts {
    /// Those that passed.
    pub passed: u64,
    /// Those that did not, the advisory ones too.
    pub failed: u64,
    /// Those that could not be found out, the advisory ones too.
    pub undecidable: u64,
    /// Those that were not asked.
    pub skipped: u64,
    /// Those that a waiver let pass.
    pub waived: u64,
}

impl GateCounts {
    /// One more item.
    pub fn add(&mut self, status: ItemStatus) {
        match status {
            ItemStatus::Passed => self.passed += 1,
            ItemStatus::Failed => self.failed += 1,
            ItemStatus::Undecidable => self.undecidable += 1,
            ItemStatus::Skipped => self.skipped += 1,
            ItemStatus::Waived => self.waived += 1,
        }
    }
}

impl GateResult {
    /// What follows from the verdicts on all items.
    #[must_use]
    pub fn of(checked: &[Checked]) -> Self {
        let item = |checked: &Checked| GateItem {
            id: checked.check.clone(),
            status: checked.verdict.into(),
            required: checked.required,
            detail: checked.detail.clone(),
        };
        let items: Vec<GateItem> = checked.iter().map(item).collect();
        let mut counts = GateCounts::default();
        items.iter().for_each(|item| counts.add(item.status));
        let mut asked = items.iter().filter(|item| item.required && item.status != ItemStatus::Skipped);
        let status = match asked.next() {
            None => GateStatus::NothingChecked,
            Some(first) if first.status.shuts() || asked.any(|item| item.status.shuts()) => GateStatus::Failed,
            Some(_) => GateStatus::Passed,
        };
        Self { status, items, counts }
    }

    /// What follows from verdicts some of which are still open: an item that is not decided yet may pass.
    #[must_use]
    pub fn foreseen(checked: &[Checked]) -> Self {
        let hopeful = |checked: &Checked| match checked.verdict {
            Verdict::Undecided => Checked { verdict: Verdict::Passed, ..checked.clone() },
            _ => checked.clone(),
        };
        Self::of(&checked.iter().map(hopeful).collect::<Vec<_>>())
    }

    /// Why the gate is shut: a code and a message; none where it is open.
    #[must_use]
    pub fn objection(&self) -> Option<(&'static str, String)> {
        match self.status {
            GateStatus::Passed => None,
            GateStatus::Failed => {
                let required = self.items.iter().filter(|item| item.required).count();
                let shut = self.items.iter().filter(|item| item.required && item.status.shuts());
                let shut: Vec<&str> = shut.map(|item| item.id.as_str()).collect();
                let (many, names) = (shut.len(), shut.join("`, `"));
                Some(("gate", format!("{many} of {required} required items did not pass: `{names}`")))
            }
            GateStatus::NothingChecked if self.items.is_empty() => {
                Some(("nothing_checked", "the checklist is empty: nothing was checked".to_owned()))
            }
            GateStatus::NothingChecked => {
                Some(("nothing_checked", "no required item was asked: nothing was checked".to_owned()))
            }
        }
    }

    /// Takes the secrets out.
    pub fn mask(&mut self, masker: &Masker) {
        let details = self.items.iter_mut().filter_map(|item| item.detail.as_mut());
        details.for_each(|detail| masker.clean(detail));
    }
}

#[cfg(test)]
mod tests {
    use super::{GateResult, GateStatus};
    use crate::event::state::{Checked, Verdict};

    fn all(items: &[(Verdict, bool)]) -> Vec<Checked> {
        let checked = |(verdict, required): &(Verdict, bool)| Checked {
            check: "item".to_owned(),
            title: None,
            verdict: *verdict,
            required: *required,
            detail: None,
            action: None,
            with_digest: None,
            subject: None,
        };
        items.iter().map(checked).collect()
    }

    #[track_caller]
    fn check(items: &[(Verdict, bool)], expected: GateStatus) {
        let result = GateResult::of(&all(items));
        assert_eq!(result.status, expected, "{items:?}");
        let counts = result.counts;
        let all = counts.passed + counts.failed + counts.undecidable + counts.skipped + counts.waived;
        assert_eq!(all, items.len() as u64);
    }

    #[test]
    fn every_required_item_that_is_asked_must_pass() {
        check(&[(Verdict::Passed, true), (Verdict::Passed, true)], GateStatus::Passed);
        check(&[(Verdict::Passed, true), (Verdict::Skipped, true)], GateStatus::Passed);
        check(&[(Verdict::Passed, true), (Verdict::NotMet, false)], GateStatus::Passed);
        for verdict in [Verdict::NotMet, Verdict::Undecidable, Verdict::Undecided, Verdict::Violated] {
            check(&[(Verdict::Passed, true), (verdict, true)], GateStatus::Failed);
        }
    }

    #[test]
    fn what_is_still_open_may_pass() {
        let foreseen = |items: &[(Verdict, bool)]| GateResult::foreseen(&all(items)).objection().map(|(code, _)| code);
        assert_eq!(foreseen(&[(Verdict::Undecided, true)]), None);
        assert_eq!(foreseen(&[(Verdict::Undecided, true), (Verdict::NotMet, true)]), Some("gate"));
        assert_eq!(foreseen(&[(Verdict::Undecided, false), (Verdict::Skipped, true)]), Some("nothing_checked"));
    }

    #[test]
    fn where_no_required_item_was_asked_nothing_was_checked() {
        check(&[], GateStatus::NothingChecked);
        check(&[(Verdict::Skipped, true), (Verdict::Skipped, true)], GateStatus::NothingChecked);
        check(&[(Verdict::Passed, false)], GateStatus::NothingChecked);
        check(&[(Verdict::Skipped, true), (Verdict::Passed, false)], GateStatus::NothingChecked);
    }
}
