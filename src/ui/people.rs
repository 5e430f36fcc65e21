//! Questions to people: answers that were given on the command line first, then whoever sits at the terminal.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dialoguer::Input;
use engine::execute::people::{Answer, Asked, People};
use engine::procedure::parameter::{Parameter, Type};
use indexmap::IndexMap;
use serde_json::Value as Json;

use super::progress::Progress;
use crate::refusal::Refusal;

/// The name under which a value is typed back.
const READ_BACK: &str = "read_back";
/// The name under which files are attached.
const EVIDENCE: &str = "evidence";
/// How one says that a step is done that asks for nothing.
const DONE: &str = "done";

/// What was answered on the command line for one question.
#[derive(Debug, Clone, Default, PartialEq)]
struct Given {
    answers: IndexMap<String, String>,
    read_back: Option<String>,
    evidence: Vec<PathBuf>,
}

/// Answers from the command line, by the path of the step or check.
#[derive(Debug, Default)]
pub struct Answers {
    given: BTreeMap<String, Given>,
    asked: Mutex<Vec<String>>,
}

impl Answers {
    /// Reads `STEP.NAME=VALUE`, `STEP.read_back=VALUE` and `STEP.evidence=PATH`.
    pub fn parse(texts: &[String]) -> Result<Self, Refusal> {
        let mut given: BTreeMap<String, Given> = BTreeMap::new();
        for text in texts {
            let wrong = || Refusal::invalid("usage", format!("`--answer {text}` is not of the form STEP.NAME=VALUE"));
            let (place, value) = text.split_once('=').ok_or_else(wrong)?;
            let (step, name) = place.rsplit_once('.').ok_or_else(wrong)?;
            if step.is_empty() || name.is_empty() {
                return Err(wrong());
            }
            let answers = given.entry(step.to_owned()).or_default();
            let twice = match name {
                EVIDENCE => {
                    answers.evidence.push(PathBuf::from(value));
                    false
                }
                READ_BACK => answers.read_back.replace(value.to_owned()).is_some(),
                _ => answers.answers.insert(name.to_owned(), value.to_owned()).is_some(),
            };
            if twice {
                return Err(Refusal::invalid("usage", format!("`{place}` is answered twice")));
            }
        }
        Ok(Self { given, asked: Mutex::default() })
    }

    /// The steps and checks that were answered and never asked.
    pub fn unasked(&self) -> Vec<&str> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        self.given.keys().map(String::as_str).filter(|path| !asked.iter().any(|asked| asked == path)).collect()
    }

    fn take(&self, path: &str) -> Given {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
        self.given.get(path).cloned().unwrap_or_default()
    }
}

/// Who answers a run's questions.
pub struct Operator {
    /// From the command line.
    pub answers: Answers,
    /// Whose lines must make room for a question.
    pub progress: Arc<Progress>,
}

#[async_trait]
impl People for Operator {
    async fn ask(&self, asked: &Asked<'_>) -> Option<Answer> {
        let given = self.answers.take(asked.path);
        if is_whole(&given, asked) {
            return Some(answer(given, asked));
        }
        if !is_there() {
            // What was given is still looked at, so that the reason names what is missing or wrong.
            return (given != Given::default()).then(|| answer(given, asked));
        }
        let questions = Questions::new(asked, given);
        let progress = Arc::clone(&self.progress);
        progress.pause();
        // A thread of its own: reading a terminal cannot be ended, and must not hold up the end of the program.
        let (send, receive) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            // Where nobody waits any more the answer is of no use.
            let _ = send.send(questions.ask());
        });
        let answer = receive.await.ok().flatten();
        self.progress.resume();
        answer
    }
}

/// How the terminal was set before a question; set so again when this is dropped, also where a question was cut off.
pub struct Settings(Option<rustix::termios::Termios>);

impl Settings {
    /// As they are now.
    pub fn keep() -> Self {
        Self(rustix::termios::tcgetattr(std::io::stdin()).ok())
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // A terminal that is gone needs no settings.
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, before);
        }
    }
}

/// Whether somebody sits at a terminal.
pub fn is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line on the terminal; none where it is gone.
pub fn line(prompt: &str) -> Option<String> {
    Input::<String>::new().with_prompt(prompt).allow_empty(true).report(false).interact_text().ok()
}

/// The passphrase of a key file, where there is somebody to ask.
pub fn passphrase(file: &str) -> Option<String> {
    let term = console::Term::stderr();
    if !term.is_term() || !std::io::stdin().is_terminal() {
        return None;
    }
    term.write_str(&format!("passphrase of {file}: ")).ok()?;
    term.read_secure_line().ok()
}

fn is_whole(given: &Given, asked: &Asked<'_>) -> bool {
    let answered = |(name, parameter): (&engine::id::Id, &Parameter)| {
        given.answers.contains_key(name.as_str()) || parameter.default.is_some()
    };
    asked.answers.iter().all(answered)
        && (asked.read_back.is_none() || given.read_back.is_some())
        && asked.evidence.is_none_or(|evidence| given.evidence.len() >= evidence.min as usize)
        // A step that asks for nothing still needs somebody who says that it is done.
        && (*given != Given::default())
}

fn answer(mut given: Given, asked: &Asked<'_>) -> Answer {
    let said_done = given.answers.get(DONE).is_some_and(|said| matches!(said.as_str(), "yes" | "true"));
    if said_done && !asked.answers.contains_key(DONE) {
        given.answers.shift_remove(DONE);
    }
    let typed = |(name, text): (String, String)| {
        let read = asked.answers.get(name.as_str()).and_then(|parameter| parameter.read(&text).ok());
        // What cannot be read is handed on as text, and refused with its reason.
        (name, read.unwrap_or(Json::String(text)))
    };
    Answer {
        answers: given.answers.into_iter().map(typed).collect(),
        read_back: given.read_back,
        evidence: given.evidence,
    }
}

/// A question that a thread can take along.
struct Questions {
    title: String,
    ask: String,
    answers: IndexMap<String, Parameter>,
    read_back: Option<String>,
    evidence: Option<(u32, String)>,
    given: Given,
}

impl Questions {
    fn new(asked: &Asked<'_>, given: Given) -> Self {
        Self {
            title: asked.title.unwrap_or(asked.path).to_owned(),
            ask: asked.ask.to_owned(),
            answers: asked.answers.iter().map(|(id, parameter)| (id.to_string(), parameter.clone())).collect(),
            read_back: asked.read_back.map(str::to_owned),
            evidence: asked.evidence.map(|evidence| (evidence.min, evidence.what.clone())),
            given,
        }
    }

    fn ask(self) -> Option<Answer> {
        let term = console::Term::stderr();
        term.write_line(&console::strip_ansi_codes(&format!("\n{}\n{}\n", self.title, self.ask.trim_end()))).ok()?;
        let mut answer = Answer { evidence: self.given.evidence, ..Answer::default() };
        for (name, parameter) in &self.answers {
            let text = match self.given.answers.get(name) {
                Some(text) if parameter.read(text).is_ok() => text.clone(),
                _ => typed(name, parameter)?,
            };
            answer.answers.insert(name.clone(), parameter.read(&text).ok()?);
        }
        if let Some(wanted) = self.read_back {
            answer.read_back = match self.given.read_back {
                Some(given) => Some(given),
                None => Some(read_back(&wanted)?),
            };
        }
        if let Some((min, what)) = self.evidence {
            while answer.evidence.len() < min as usize {
                let number = answer.evidence.len() + 1;
                answer.evidence.push(file(&format!("file {number} of {min} ({what})"))?);
            }
        }
        let asks_nothing = self.answers.is_empty() && answer.read_back.is_none() && answer.evidence.is_empty();
        if asks_nothing { done()?.then_some(answer) } else { Some(answer) }
    }
}

fn typed(name: &str, parameter: &Parameter) -> Option<String> {
    let hint = match parameter.kind {
        Type::Enum => parameter.values.join(" | "),
        kind => kind.as_str().to_owned(),
    };
    let prompt = match &parameter.description {
        Some(description) => format!("{name}: {description} ({hint})"),
        None => format!("{name} ({hint})"),
    };
    let check = parameter.clone();
    let mut input = Input::<String>::new().with_prompt(prompt).allow_empty(true);
    if let Some(default) = &parameter.default {
        input = input.default(super::inline(default));
    }
    input.validate_with(move |text: &String| check.read(text).map(drop)).interact_text().ok()
}

fn read_back(wanted: &str) -> Option<String> {
    let expected = wanted.to_owned();
    Input::<String>::new()
        .with_prompt(format!("type `{wanted}` to confirm"))
        .allow_empty(true)
        .validate_with(move |text: &String| if *text == expected { Ok(()) } else { Err("it is not the same") })
        .interact_text()
        .ok()
}

fn file(prompt: &str) -> Option<PathBuf> {
    let check = |text: &String| match std::path::Path::new(text).is_file() {
        true => Ok(()),
        false => Err("there is no such file"),
    };
    Input::<String>::new().with_prompt(prompt).validate_with(check).interact_text().ok().map(PathBuf::from)
}

fn done() -> Option<bool> {
    dialoguer::Confirm::new().with_prompt("is it done?").default(false).interact().ok()
}

#[cfg(test)]
mod tests {
    use super::Answers;

    fn parse(texts: &[&str]) -> Result<Answers, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Answers::parse(&texts).map_err(|refusal| refusal.message)
    }

    #[test]
    fn answers_are_cut_at_the_first_equals_sign_and_the_last_dot_before_it() {
        let answers = parse(&["a/b.ticket=x=1.2", "a/b.read_back=db-3", "a/b.evidence=one", "a/b.evidence=two"])
            .unwrap_or_default();
        let given = answers.take("a/b");
        assert_eq!(given.answers.get("ticket").map(String::as_str), Some("x=1.2"));
        assert_eq!(given.read_back.as_deref(), Some("db-3"));
        assert_eq!(given.evidence.len(), 2);
    }

    #[test]
    fn what_is_no_answer_or_is_given_twice_is_refused() {
        assert!(parse(&["step"]).is_err());
        assert!(parse(&["step=x"]).is_err());
        assert!(parse(&[".name=x"]).is_err());
        assert_eq!(parse(&["s.a=1", "s.a=2"]).err().as_deref(), Some("`s.a` is answered twice"));
    }

    #[test]
    fn answers_that_nobody_asked_for_are_told() {
        let answers = parse(&["isolate.ticket=1", "isloate.ticket=1"]).unwrap_or_default();
        answers.take("isolate");
        assert_eq!(answers.unasked(), ["isloate"]);
    }
}
