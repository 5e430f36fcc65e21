//! What actions give in a case: scripted results, the most specific first, and what of them went wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use indexmap::IndexMap;
use serde_json::Value as Json;
use tokio::sync::watch;

use crate::action::scripted::{self, Call};
use crate::action::{Error, Reconciled};
use crate::id::Digest;

/// More calls than this and the case is stopped: something in it has no end.
const MOST_CALLS: u32 = 20_000;

/// Codes of errors that pass by themselves: a step's `retry` tries again after them.
const PASSING: [&str; 3] = ["network", "timed_out", "unsteady"];

/// The scripted results of a case.
pub(super) struct Script {
    results: IndexMap<String, Json>,
    state: Mutex<State>,
    // Whether the process is gone, by the script's word.
    stopped: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    calls: u32,
    /// How many results of each list were given.
    given: BTreeMap<String, usize>,
    problems: BTreeSet<String>,
    /// Who was being answered when the process went, and whether its effect had come about.
    crashed: BTreeMap<String, bool>,
}

/// A scripted fault, or a value.
enum Scripted<'a> {
    Value(&'a Json),
    Error(&'a str),
    Crash { after_effect: bool },
    Timeout,
}

impl Script {
    pub fn new(results: IndexMap<String, Json>) -> Self {
        Self { results, state: Mutex::default(), stopped: watch::Sender::new(false) }
    }

    /// Resolves once the script has stopped the process.
    pub async fn stopped(&self) {
        // The sender lives as long as this does.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Another process takes over.
    pub fn revive(&self) {
        self.stopped.send_replace(false);
    }

    /// What was wrong with the script, in words.
    pub fn problems(&self) -> Vec<String> {
        self.state().problems.iter().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Counters and words: a panic elsewhere cannot leave half of one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most specific key that has results for a call.
    fn key(&self, call: &Call<'_>) -> Option<&str> {
        let by = without_item(&call.facts.by);
        let first_undo = by.strip_suffix(".undo.0").map(|step| format!("{step}.undo"));
        let keys = [Some(by.as_str()), first_undo.as_deref(), Some(call.action)];
        let found = keys.into_iter().flatten().find_map(|key| self.results.get_key_value(key));
        found.map(|(key, _)| key.as_str())
    }

    /// The next result for a call; the key and place of a list's are given too.
    fn next(&self, key: &str, take: bool) -> Option<&Json> {
        let Json::Array(list) = self.results.get(key)? else { return self.results.get(key) };
        let mut state = self.state();
        let given = state.given.entry(key.to_owned()).or_default();
        let result = list.get(*given);
        *given += usize::from(take);
        result
    }

    fn refuse(&self, problem: String) -> Error {
        let error = Error::new("unscripted", problem.clone());
        self.state().problems.insert(problem);
        error
    }

    async fn stop(&self) -> Error {
        self.stopped.send_replace(true);
        std::future::pending().await
    }
}

#[async_trait]
impl scripted::Script for Script {
    async fn answer(&self, call: &Call<'_>) -> Result<Json, Error> {
        let by = &call.facts.by;
        let calls = {
            let mut state = self.state();
            state.calls += 1;
            state.calls
        };
        if calls > MOST_CALLS {
            self.refuse(format!("more than {MOST_CALLS} calls: something in this case has no end"));
            return Err(self.stop().await);
        }
        let Some(key) = self.key(call) else {
            return Err(self.refuse(format!("`{}` has no result, and `{by}` asks it", call.action)));
        };
        let Some(result) = self.next(key, true) else {
            let count = self.results.get(key).and_then(Json::as_array).map_or(0, Vec::len);
            let results = if count == 1 { "1 result" } else { &format!("{count} results") };
            return Err(self.refuse(format!("`{key}` has {results}, and `{by}` asks once more")));
        };
        match read(result) {
            Scripted::Value(output) => match call.misfits(output).as_slice() {
                [] => Ok(output.clone()),
                misfits => {
                    let why = misfits.join("; ");
                    Err(self.refuse(format!("the result of `{key}` is no output of `{}`: {why}", call.action)))
                }
            },
            Scripted::Error(code) => {
                let error = Error::new(code, format!("`{}` fails with `{code}`, as scripted", call.action));
                Err(if PASSING.contains(&code) { error.transient() } else { error })
            }
            Scripted::Timeout => {
                if let Some(limit) = call.facts.time_limit {
                    tokio::time::sleep(limit).await;
                }
                let message = format!("`{}` gives no answer in time, as scripted", call.action);
                Err(Error::new("timed_out", message).transient().uncertain())
            }
            Scripted::Crash { after_effect } => {
                self.state().crashed.insert(by.clone(), after_effect);
                Err(self.stop().await)
            }
        }
    }

    fn reconcile(&self, call: &Call<'_>) -> Result<Reconciled<Json>, Error> {
        let by = &call.facts.by;
        let after_effect = self.state().crashed.get(by).copied();
        match after_effect {
            None => Ok(Reconciled::CannotTell),
            Some(false) => Ok(Reconciled::NotHappened),
            Some(true) => {
                let listed = self.key(call).filter(|key| self.results.get(*key).is_some_and(Json::is_array));
                let next = listed.and_then(|key| self.next(key, true)).map(read);
                match next {
                    Some(Scripted::Value(output)) => Ok(Reconciled::Happened(output.clone())),
                    _ => Err(self.refuse(format!(
                        "`{by}` crashes after its effect, and what is found then has no result: it is the next of the list"
                    ))),
                }
            }
        }
    }

    fn has_answer(&self, call: &Call<'_>) -> bool {
        self.key(call).is_some()
    }

    fn subject(&self, call: &Call<'_>) -> Option<Digest> {
        let result = self.next(self.key(call)?, false)?;
        Digest::parse(result.get("subject")?.as_str()?).ok()
    }
}

fn read(result: &Json) -> Scripted<'_> {
    match result {
        // The record is the same; whoever looks into it finds another world.
        Json::String(word) if word == "crash" => Scripted::Crash { after_effect: false },
        Json::String(word) if word == "crash_after_effect" => Scripted::Crash { after_effect: true },
        Json::String(word) if word == "timeout" => Scripted::Timeout,
        Json::Object(members) if members.len() == 1 => match members.get("error").and_then(Json::as_str) {
            Some(code) => Scripted::Error(code),
            None => Scripted::Value(result),
        },
        _ => Scripted::Value(result),
    }
}

/// Who asks, whichever item of a `for_each` it asks for.
pub(super) fn without_item(by: &str) -> String {
    match (by.find('['), by.rfind(']')) {
        (Some(open), Some(close)) if open < close => format!("{}{}", &by[..open], &by[close + 1..]),
        _ => by.to_owned(),
    }
}
