//! Checks while a run moves: asked of the machine or of a person, again and again where they say `wait`.

use std::future::Future;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::people::{Answer, Asked};
use super::waiting::{asked_to_stop, interrupted};
use super::{Error, Halt, Runner};
use crate::event::fact::Event;
use crate::event::people::{ManualAnswered, ManualAsked};
use crate::event::state::{Checked, Failure, StepState, Verdict};
use crate::event::{recall, record};
use crate::frame::Frame;
use crate::id::{Digest, Id};
use crate::plan::judging;
use crate::procedure::check::{Check, Question};
use crate::procedure::parameter::{Parameter, accept_all};
use crate::procedure::step::Evidence;
use crate::question::{self, Found};
use crate::template::scope::{Scope, Slot};
use crate::template::text::Text;
use crate::template::value::Value;
use crate::template::{Outcome as Known, Template};
use crate::time::Duration;

/// The largest file that is taken as evidence, in bytes.
const EVIDENCE_AT_MOST: u64 = 64 * 1024 * 1024;

/// A person's answer that was taken.
pub(super) struct Taken {
    pub answers: Map<String, Json>,
    pub slot: Slot,
}

/// What a person is asked, before the words are rendered.
pub(super) struct ToAsk<'a> {
    pub frame: &'a Arc<Frame>,
    pub path: &'a str,
    pub title: Option<&'a str>,
    pub ask: &'a Text,
    pub answers: &'a indexmap::IndexMap<Id, Parameter>,
    pub read_back: Option<&'a Template>,
    pub evidence: Option<&'a Evidence>,
    pub attempt: u32,
}

impl Runner<'_> {
    /// Preconditions that the plan left open: they are decided before the first effect.
    pub(super) async fn open_preconditions(&self, root: &Arc<Frame>) -> Result<(), Halt> {
        let open: Vec<&Check> = self
            .plan
            .view
            .preconditions
            .iter()
            .zip(&root.procedure.preconditions)
            .filter(|(checked, _)| checked.verdict == Verdict::Undecided)
            .map(|(_, check)| check)
            .collect();
        for check in open {
            self.precondition(root, check, &root.scope(), None).await?;
        }
        Ok(())
    }

    /// One precondition of the procedure or a step: not met, or not to be decided, refuses.
    pub(super) async fn precondition(
        &self,
        frame: &Arc<Frame>,
        check: &Check,
        scope: &Scope,
        step: Option<&str>,
    ) -> Result<(), Halt> {
        let checked = self.check(frame, check, scope, step).await?;
        let event = Event::PreconditionResult(checked.clone());
        self.book().note(step, None, event)?;
        stop_unless_passed(&checked, "precondition", step, StepState::Refused)
    }

    /// The checks of a verify block, in order; the first required one that is not met stops.
    pub(super) async fn verify(
        &self,
        frame: &Arc<Frame>,
        checks: &[Check],
        at: Option<(&str, &Scope)>,
    ) -> Result<(), Halt> {
        for check in checks {
            let step = at.map(|(path, _)| path);
            let scope = at.map_or_else(|| frame.scope(), |(_, scope)| scope.clone());
            let checked = self.check(frame, check, &scope, step).await?;
            self.book().note(step, None, Event::VerifyResult(checked.clone()))?;
            stop_unless_passed(&checked, "verify", step, StepState::Failed)?;
        }
        Ok(())
    }

    /// Asks a check until it is met, or once where it does not wait.
    pub(super) async fn check(
        &self,
        frame: &Arc<Frame>,
        check: &Check,
        scope: &Scope,
        step: Option<&str>,
    ) -> Result<Checked, Halt> {
        let place = step.map_or_else(|| check.id.to_string(), |step| format!("{step}.{}", check.id));
        if let Question::Manual { .. } = &check.question {
            return self.ask_person(frame, check, scope, &place).await;
        }
        let Some(wait) = &check.wait else {
            let checked = self.check_once(frame, check, scope, &place, step).await?;
            self.remember_unmet(&checked);
            return Ok(checked);
        };
        let every = self.duration(&wait.every, scope, &place)?;
        let timeout = self.duration(&wait.timeout, scope, &place)?;
        let give_up = tokio::time::Instant::now() + timeout.as_std();
        let is_decided = |checked: &Checked| {
            let open = matches!(checked.verdict, Verdict::NotMet | Verdict::Undecidable);
            !open || tokio::time::Instant::now() >= give_up
        };
        let mut checked = self.check_once(frame, check, scope, &place, step).await?;
        if !is_decided(&checked) {
            self.means.observer.busy(&place, "waits until it is so");
            self.book().flush()?;
            let polling = async {
                loop {
                    let next = tokio::time::Instant::now() + every.as_std();
                    self.sleep_until(next.min(give_up), &place).await?;
                    let checked = self.check_once(frame, check, scope, &place, step).await?;
                    if is_decided(&checked) {
                        return Ok(checked);
                    }
                    self.book().flush()?;
                }
            };
            checked = self.patiently(frame, &place, Some(timeout), polling).await?;
        }
        self.remember_unmet(&checked);
        Ok(checked)
    }

    async fn check_once(
        &self,
        frame: &Arc<Frame>,
        check: &Check,
        scope: &Scope,
        place: &str,
        step: Option<&str>,
    ) -> Result<Checked, Halt> {
        let by = question::asker(frame, step, check);
        if let Question::Expect { read: Some(act), .. } = &check.question {
            self.guard_read(frame, act, scope, (place, &by)).await?;
        }
        let mut checked = self.promptly(self.asking.ask(frame, check, scope, &by)).await?;
        // At this point nothing is left that could decide it later.
        if checked.verdict == Verdict::Undecided {
            checked.verdict = Verdict::Undecidable;
        }
        Ok(checked)
    }

    /// What was asked and not met is not asked again on unchanged inputs; one check with `wait` is one question.
    fn remember_unmet(&self, checked: &Checked) {
        let unmet = matches!(checked.verdict, Verdict::NotMet | Verdict::Undecidable);
        if let (true, Some(action), Some(with)) = (unmet, &checked.action, &checked.with_digest) {
            self.remember_failure(action, with, checked.subject.clone());
        }
    }

    async fn ask_person(&self, frame: &Arc<Frame>, check: &Check, scope: &Scope, place: &str) -> Result<Checked, Halt> {
        let Question::Manual { ask, answer, expect } = &check.question else {
            return Ok(question::answer(check, Verdict::Undecidable, None));
        };
        match check.when.as_ref().map(|when| when.decide(scope)) {
            None | Some(Ok(Known::Known(true))) => {}
            Some(Ok(Known::Known(false))) => {
                return Ok(question::answer(check, Verdict::Skipped, Some("its `when` is false".to_owned())));
            }
            Some(Ok(Known::Undecided(because))) => {
                return Ok(question::answer(check, Verdict::Undecidable, Some(because.join("; "))));
            }
            Some(Err(error)) => return Ok(question::answer(check, Verdict::Undecidable, Some(error.to_string()))),
        }
        let title = check.title.as_deref();
        let (read_back, evidence) = (None, None);
        let asked = ToAsk { frame, path: place, title, ask, answers: answer, read_back, evidence, attempt: 1 };
        let taken = self.person(&asked, scope, None).await?;
        Ok(question::decide(check, expect, &scope.clone().with("answer", taken.slot)))
    }

    /// Asks a person and takes the answer: typed, read back exactly, evidence kept. Nobody there suspends the run.
    pub(super) async fn person(&self, to_ask: &ToAsk<'_>, scope: &Scope, step: Option<&str>) -> Result<Taken, Halt> {
        let words = judging::rule(to_ask.ask, scope);
        let read_back = to_ask.read_back.map(|template| self.text(template, scope, to_ask.path)).transpose()?;
        let answers = to_ask.answers.keys().map(ToString::to_string).collect();
        {
            let mut book = self.book();
            book.note(step, Some(to_ask.attempt), Event::ManualAsked(ManualAsked { ask: words.clone(), answers }))?;
            book.flush()?;
        }
        let asked = Asked {
            path: to_ask.path,
            title: to_ask.title,
            ask: &words,
            answers: to_ask.answers,
            read_back: read_back.as_deref(),
            evidence: to_ask.evidence,
        };
        let mut interrupts = self.means.interrupts.clone();
        let asking = async {
            tokio::select! {
                answer = self.means.people.ask(&asked) => Ok(answer),
                () = asked_to_stop(&mut interrupts) => Err(interrupted(Some(to_ask.path))),
                halt = self.told_to_cancel(to_ask.path) => Err(halt),
            }
        };
        let answer = self.patiently(to_ask.frame, to_ask.path, None, asking).await?;
        let unanswered = |detail: String| Halt::Suspended {
            because: "answer",
            detail,
            step: Some(to_ask.path.to_owned()),
            sought: None,
        };
        let answer = answer.ok_or_else(|| unanswered(format!("nobody is there to answer `{}`", to_ask.path)))?;
        let accepted = accept_all(to_ask.answers, &answer.answers).map_err(|refusals| {
            let why: Vec<String> = refusals.into_iter().map(|(name, why)| format!("answer `{name}`: {why}")).collect();
            unanswered(format!("`{}`: {}", to_ask.path, why.join("; ")))
        })?;
        if read_back.is_some() && answer.read_back != read_back {
            return Err(unanswered(format!("`{}`: the value was not read back exactly", to_ask.path)));
        }
        let evidence = self.evidence(to_ask, &answer, &unanswered)?;
        let typed = accepted.iter().filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), Slot::Known(to_ask.answers.get(name)?.typed(value))))
        });
        let slot = Slot::fields(typed);
        let answers: Map<String, Json> =
            accepted.into_iter().map(|(name, value)| (name.to_string(), recall(&record(&value)))).collect();
        let event = ManualAnswered { answer: answers.clone(), read_back: read_back.is_some(), evidence };
        let mut book = self.book();
        match step {
            Some(_) => book.note(step, Some(to_ask.attempt), Event::ManualAnswered(event))?,
            None => book.note(None, None, Event::ManualAnswered(event))?,
        }
        book.flush()?;
        Ok(Taken { answers, slot })
    }

    fn evidence(
        &self,
        to_ask: &ToAsk<'_>,
        answer: &Answer,
        unanswered: &dyn Fn(String) -> Halt,
    ) -> Result<Vec<Digest>, Halt> {
        let wanted = to_ask.evidence.map_or(0, |evidence| evidence.min as usize);
        if answer.evidence.len() < wanted {
            let what = to_ask.evidence.map(|evidence| evidence.what.as_str()).unwrap_or_default();
            let given = answer.evidence.len();
            return Err(unanswered(format!("`{}`: {wanted} files are needed ({what}), {given} given", to_ask.path)));
        }
        let mut kept = Vec::new();
        for path in &answer.evidence {
            let bytes = self.means.host.read(path, EVIDENCE_AT_MOST).map_err(|error| unanswered(error.to_string()))?;
            if self.means.setting.custody.masker().bytes(&bytes).is_some() {
                return Err(unanswered(format!("`{}` holds a secret, and evidence is kept as it is", path.display())));
            }
            kept.push(self.book().keep(&bytes)?);
        }
        Ok(kept)
    }

    /// Guards that speak of a read, before it is made.
    pub(super) async fn guard_read(
        &self,
        frame: &Arc<Frame>,
        act: &crate::procedure::check::Act,
        scope: &Scope,
        (place, by): (&str, &str),
    ) -> Result<(), Halt> {
        use crate::procedure::pattern::ActKind;
        let kind = ActKind::Action { name: act.action.as_str(), is_read: true };
        if !frame.guards().iter().any(|held| crate::guard::is_about(held.guard(), kind, &[])) {
            return Ok(());
        }
        // An input that cannot be rendered fails in the read itself, with its own words.
        let Ok(input) = self.asking.input(frame, act, scope) else { return Ok(()) };
        let Some(with) = &input.with else { return Ok(()) };
        let subject = self.promptly(self.asking.subject(frame, act, with, by)).await?;
        let act =
            super::guards::Act { kind, acts_as: &[], with, with_digest: Some(&input.digest), subject, path: place };
        self.guard_before(frame, &act).await
    }

    /// Makes a read, and remembers what it failed on.
    pub(super) async fn look(
        &self,
        frame: &Arc<Frame>,
        act: &crate::procedure::check::Act,
        with: &Json,
        by: &str,
    ) -> Result<Found, Error> {
        self.promptly(self.asking.read(frame, act, with, by)).await
    }

    /// Waits for something that may take long; an outcome that is not durable yet does not wait with it.
    pub(super) async fn promptly<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        let mut work = std::pin::pin!(work);
        let patience = self.book().patience();
        if let Some(patience) = patience {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = tokio::time::sleep(patience) => self.book().flush()?,
            }
        }
        Ok(work.await)
    }

    /// A duration that may be a template.
    pub(super) fn duration(&self, template: &Template, scope: &Scope, place: &str) -> Result<Duration, Halt> {
        let wrong = |why: String| {
            Halt::failed("undecidable", format!("`{}` is no duration: {why}", template.source()), Some(place))
        };
        match template.render(scope) {
            Ok(Known::Known(value)) => match (value.as_duration(), value.as_str()) {
                (Some(duration), _) => Ok(duration),
                (None, Some(text)) => Duration::parse(text).map_err(|error| wrong(error.to_string())),
                (None, None) => Err(wrong("it is not text".to_owned())),
            },
            Ok(Known::Undecided(because)) => Err(wrong(because.join("; "))),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// Text that may be a template.
    pub(super) fn text(&self, template: &Template, scope: &Scope, place: &str) -> Result<String, Halt> {
        let wrong = |why: String| Halt::failed("undecidable", format!("`{}`: {why}", template.source()), Some(place));
        match template.render(scope) {
            Ok(Known::Known(value)) => value
                .to_text()
                .map(|text| text.to_string())
                .ok_or_else(|| wrong("it is neither text nor a number".to_owned())),
            Ok(Known::Undecided(because)) => Err(wrong(because.join("; "))),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// A count that may be a template.
    pub(super) fn count(&self, template: &Template, scope: &Scope, place: &str) -> Result<u32, Halt> {
        let wrong =
            |why: &str| Halt::failed("undecidable", format!("`{}` is no count: {why}", template.source()), Some(place));
        let value: Value = match template.render(scope) {
            Ok(Known::Known(value)) => value,
            Ok(Known::Undecided(because)) => return Err(wrong(&because.join("; "))),
            Err(error) => return Err(wrong(&error.to_string())),
        };
        let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
        let count = number.and_then(|number| u32::try_from(number).ok()).filter(|count| *count > 0);
        count.ok_or_else(|| wrong("a whole number from 1 is needed"))
    }
}

fn stop_unless_passed(checked: &Checked, what: &str, step: Option<&str>, state: StepState) -> Result<(), Halt> {
    let stands_against = matches!(checked.verdict, Verdict::NotMet | Verdict::Undecidable | Verdict::Undecided);
    if !(checked.required && stands_against) {
        return Ok(());
    }
    let detail = checked.detail.as_deref().unwrap_or("it is not met");
    let noun = if what == "verify" { "check" } else { what };
    let failure = Failure {
        code: what.to_owned(),
        message: format!("{noun} `{}` is not met: {detail}", checked.check),
        step: step.map(str::to_owned),
        check: Some(checked.check.clone()),
        guard: None,
        attempt: None,
    };
    Err(Halt::of(failure, state))
}
