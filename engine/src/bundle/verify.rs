//! Judges a bundle, line by line, from its bytes and the keys of whoever asks: no ledger, no workspace, no network, no
//! clock.
//!
//! What is found wrong is named and the rest is looked at all the same, as far as there is something to look at. What a
//! bundle cannot show is a line of its own (`not_shown`), so that nobody takes it for shown.

use crate::action::Registry;
use crate::event::fact::Event;
use crate::id::RunId;
use crate::ledger::entry::{self, Entry};
use crate::ledger::report::{Finding, Status};
use crate::merkle::cosignature::WitnessKey;
use crate::merkle::note::VerifierKey;
use crate::procedure::workspace::Workspace;

use super::facts::Facts;
use super::story::Story;
use super::{Bundle, LedgerKey, NotABundle};

mod anchors;
mod consents;
mod people;
mod planned;
mod record;

/// What a bundle is judged by.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Keys of the ledger that are known from elsewhere.
    pub keys: &'a [VerifierKey],
    /// Witnesses each of which must have cosigned.
    pub witnesses: &'a [WitnessKey],
    /// Keys of transparency logs that receipts may be of.
    pub logs: &'a [VerifierKey],
    /// A workspace file that is known from elsewhere: its actors count in place of those in the bundle.
    pub actors: Option<&'a Workspace>,
    /// The run that it must be of.
    pub run: Option<&'a RunId>,
    /// The actions that procedures are read with.
    pub registry: &'a Registry,
}

/// What the judgement came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The whole in one word: `ok`; `self_consistent_only` where no key was given; else what was first found wrong.
    pub status: Status,
    /// Every line, in a fixed order.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether every line is as it should be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.status.is_sound() && self.findings.iter().all(|finding| finding.ok)
    }
}

/// The lines so far.
#[derive(Debug, Default)]
struct Findings {
    lines: Vec<Finding>,
    /// What was first found wrong.
    wrong: Option<Status>,
}

impl Findings {
    fn ok(&mut self, code: &str, detail: impl Into<String>) {
        self.lines.push(Finding::new(code, true, detail));
    }

    fn wrong(&mut self, code: &str, status: Status, detail: impl Into<String>) {
        self.wrong.get_or_insert(status);
        self.lines.push(Finding::new(code, false, detail));
    }

    /// Each of these as a line, or that all is well.
    fn all(&mut self, code: &str, status: Status, problems: Vec<String>, well: impl Into<String>) {
        if problems.is_empty() {
            self.ok(code, well);
        }
        problems.into_iter().for_each(|problem| self.wrong(code, status, problem));
    }
}

/// Judges the bytes of a file.
#[must_use]
pub fn verify(bytes: &[u8], asked: &Asked<'_>) -> Verdict {
    let mut findings = Findings::default();
    match Bundle::read(bytes) {
        Ok(bundle) => {
            findings.ok("format", format!("a bundle of run {} of {}", bundle.run, bundle.ledger));
            judge(&bundle, asked, &mut findings);
        }
        Err(error) => {
            let status = match error {
                NotABundle::TooLarge(_) | NotABundle::Malformed(_) => Status::Unreadable,
                NotABundle::NonCanonical => Status::NonCanonical,
                NotABundle::OtherDigest { .. } => Status::Broken,
            };
            findings.wrong("format", status, error.to_string());
        }
    }
    let anchored = if asked.keys.is_empty() { Status::SelfConsistentOnly } else { Status::Ok };
    Verdict { status: findings.wrong.unwrap_or(anchored), findings: findings.lines }
}

fn judge(bundle: &Bundle, asked: &Asked<'_>, findings: &mut Findings) {
    if let Some(run) = asked.run.filter(|run| **run != bundle.run) {
        findings.wrong("run", Status::Broken, format!("it is of run {}, expected {run}", bundle.run));
    }
    let Some(entries) = entries(bundle, findings) else { return };
    let checkpoints = record::checkpoints(bundle, findings);
    record::inclusion(bundle, &entries, &checkpoints, findings);
    let story = match Story::of(&bundle.run, &entries, &bundle.content) {
        Ok(story) => story,
        Err(why) => return findings.wrong("story", Status::Broken, why),
    };
    findings.ok("story", format!("{} entries follow from each other as those of one run", story.told.len()));
    record::keys(bundle, &story.keys, &checkpoints, asked, findings);
    record::witnesses(bundle, &story.keys, &checkpoints, asked, findings);
    complete(&story, findings);
    facts(bundle, &story, findings);
    planned::content(bundle, &entries, findings);
    if let Some(frozen) = planned::frozen(bundle, &story, findings) {
        people::judge(bundle, &story, &frozen, asked, findings);
    }
    anchors::judge(bundle, &entries, &story, asked, findings);
    not_shown(bundle, &story, findings);
}

/// The entries as they say, in ascending order.
fn entries(bundle: &Bundle, findings: &mut Findings) -> Option<Vec<Entry>> {
    let (mut read, mut problems) = (Vec::<Entry>::new(), Vec::new());
    for (place, proven) in bundle.entries.iter().enumerate() {
        match entry::read(proven.body.as_bytes()) {
            Err(why) => problems.push(format!("entry in place {place}: {why}")),
            Ok(entry) => {
                if let Some(before) = read.last().filter(|before| before.seq >= entry.seq) {
                    problems.push(format!("entry {} stands after entry {}", entry.seq, before.seq));
                }
                read.push(entry);
            }
        }
    }
    let is_readable = problems.is_empty();
    findings.all("entries", Status::Broken, problems, format!("{} entries, each in its one spelling", read.len()));
    is_readable.then_some(read)
}

/// Each end of the run says how many entries it has.
fn complete(story: &Story, findings: &mut Findings) {
    let (mut problems, mut ends) = (Vec::new(), 0);
    for (count, told) in story.told.iter().enumerate() {
        let Event::RunEnd(end) = &told.fact.event else { continue };
        ends += 1;
        if end.entries != count as u64 {
            problems
                .push(format!("entry {} ends the run with {} entries, and {count} are here", told.seq, end.entries));
        }
    }
    if ends == 0 {
        problems.push("the run has not ended, so nothing says how many entries it has".to_owned());
    }
    findings.all("complete", Status::Truncated, problems, "every entry of the run up to its end is here");
}

/// What it says that the run came to is what the entries tell.
fn facts(bundle: &Bundle, story: &Story, findings: &mut Findings) {
    let end = story.told.iter().rev().find_map(|told| match &told.fact.event {
        Event::RunEnd(end) => Some(end),
        _ => None,
    });
    let mut problems = Vec::new();
    match end {
        None => problems.push("the run has no end".to_owned()),
        Some(end) => {
            let differs =
                end.steps.iter().find(|(path, state)| story.run.step(path).map(|step| step.state) != Some(**state));
            // After its end it may have been taken up again; then the fold alone says how it stands.
            let is_last = story.told.last().is_some_and(|told| matches!(told.fact.event, Event::RunEnd(_)));
            if let (Some((path, state)), true) = (differs, is_last) {
                problems.push(format!("its end says that step {path} is {}, and its entries do not", state.as_str()));
            }
        }
    }
    match Facts::of(story) {
        Some(derived) if derived == bundle.facts => {}
        _ => problems.push("what it says of the run is not what the entries tell".to_owned()),
    }
    let status = bundle.facts.status.as_str();
    findings.all("status", Status::Broken, problems, format!("the entries come to `{status}`, as it says"));
    let derived: Vec<LedgerKey> = story.keys.spans().iter().map(LedgerKey::of).collect();
    if derived != bundle.keys {
        findings.wrong("keys", Status::Broken, "the keys that it lists are not those of the entries about keys");
    }
}

/// What somebody might take for shown.
fn not_shown(bundle: &Bundle, story: &Story, findings: &mut Findings) {
    let after_end = story.told.iter().rev().take_while(|told| !matches!(told.fact.event, Event::RunEnd(_))).count();
    if after_end > 0 {
        let detail = format!("{after_end} entries stand after the run's last end, and nothing says that they are all");
        findings.ok("not_shown", detail);
    }
    let attached = story.told.iter().map(|told| match &told.fact.event {
        Event::ManualAnswered(answered) => answered.evidence.len(),
        _ => 0,
    });
    match attached.sum::<usize>() {
        0 => {}
        count => findings.ok("not_shown", format!("{count} attached files are named by their digests, and not here")),
    }
    if !(bundle.facts.approvals.is_empty() && bundle.facts.waivers.is_empty()) {
        findings.ok("not_shown", "whether an approval or waiver was used by other runs too: the ledger tells");
    }
    findings.ok("not_shown", "what the ledger holds beside these entries, and what was added to it since");
}
