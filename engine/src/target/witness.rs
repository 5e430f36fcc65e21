//! A witness of our ledger (C2SP tlog-witness): it is sent each checkpoint with the proof that the ledger only grew, and
//! signs it.
//!
//! What it answers is believed by its pinned key alone. An answer that says our history is not the one it saw is an
//! alarm, which nobody asks about again. A witness that cannot be reached is asked again a few times, and is then one
//! cosignature less. How many are enough is decided elsewhere.

use std::time::Duration;

use crate::host::{Answer, Error as HostError, Get, Host, Send};
use crate::ledger::Ledger;
use crate::ledger::cosigned;
use crate::ledger::error::Error as LedgerError;
use crate::ledger::report::Problem;
use crate::merkle::add_checkpoint::AddCheckpoint;
use crate::merkle::cosignature::WitnessKey;
use crate::merkle::note::signature_lines;

/// How long one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

/// How often a witness may send us back to another size.
const MAX_TURNS: usize = 4;

/// How long to wait before each further try, where a witness is not reached or is not able.
pub const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_500)];

/// One witness.
#[derive(Debug, Clone, Copy)]
pub struct Witness<'a> {
    /// What the workspace calls it.
    pub name: &'a str,
    /// Where it is; `add-checkpoint` is added.
    pub url: &'a str,
    /// Its pinned key.
    pub key: &'a WitnessKey,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The newest checkpoint has its cosignature now.
    Cosigned {
        /// Which size.
        size: u64,
        /// When, in seconds since 1970, by the witness's clock.
        time: u64,
    },
    /// It did not cosign, and that says nothing about the ledger.
    Not {
        /// Why.
        why: String,
    },
    /// It has seen another history of this ledger, or a longer one.
    Alarm(Problem),
}

/// Asks a witness to cosign the newest checkpoint, and keeps what it gives with that.
///
/// # Errors
/// When the ledger cannot be read, or what was given cannot be kept.
pub async fn ask(
    host: &dyn Host,
    ledger: &mut Ledger,
    witness: &Witness<'_>,
    pauses: &[Duration],
) -> Result<Said, LedgerError> {
    let newest = ledger.newest_checkpoint()?;
    let size = newest.checkpoint.size;
    if let Some(time) = cosigned::at(&newest.note, witness.key) {
        return Ok(Said::Cosigned { size, time });
    }
    let mut old = ledger.last_cosigned(witness.key)?;
    for _ in 0..MAX_TURNS {
        let request = ledger.grown_since(old)?;
        let answer = match exchange(host, witness, &request, pauses).await {
            Ok(answer) => answer,
            Err(why) => return Ok(Said::Not { why }),
        };
        match judge(witness, &answer, old, size) {
            Verdict::Lines(lines) => {
                let note = &newest.note;
                let line = lines.into_iter().find(|line| cosigned::is_by(note, line, witness.key).is_some());
                let Some(line) = line else {
                    let why = format!("it answered, and not with a cosignature by `{}`", witness.key);
                    return Ok(Said::Not { why });
                };
                let time = cosigned::is_by(note, &line, witness.key).unwrap_or_default();
                ledger.keep_cosignature(size, line)?;
                return Ok(Said::Cosigned { size, time });
            }
            Verdict::From(known) => old = known,
            Verdict::Said(said) => return Ok(said),
        }
    }
    Ok(Said::Not { why: format!("it named another size {MAX_TURNS} times") })
}

enum Verdict {
    Lines(Vec<crate::merkle::note::Signature>),
    /// It knows the ledger up to this size.
    From(u64),
    Said(Said),
}

fn judge(witness: &Witness<'_>, answer: &Answer, old: u64, size: u64) -> Verdict {
    let not = |why: String| Verdict::Said(Said::Not { why });
    match answer.status {
        200 => match signature_lines(&answer.body) {
            Ok(lines) => Verdict::Lines(lines),
            Err(error) => not(format!("it answered with what are no signatures: {error}")),
        },
        409 => match known_size(&answer.body) {
            Some(known) if known > size => {
                alarm(witness, format!("it has seen {known} entries of this ledger, and there are {size}"))
            }
            Some(known) if known == old && known == size => {
                alarm(witness, format!("it has seen {size} entries of this ledger with another root"))
            }
            Some(known) if known == old => not(format!("it names the size {known} that it was sent")),
            Some(known) => Verdict::From(known),
            None => not("it said that it knows another size, and not which".to_owned()),
        },
        422 => alarm(witness, format!("it takes our proof from {old} to {size} entries for none")),
        404 => not("it does not know this ledger's origin".to_owned()),
        403 => not("it does not know this ledger's key".to_owned()),
        other => not(format!("it answered with status {other}")),
    }
}

fn alarm(witness: &Witness<'_>, what: String) -> Verdict {
    let detail = format!("witness `{}`: {what}", witness.name);
    Verdict::Said(Said::Alarm(Problem { code: "witness_conflict".to_owned(), seq: None, run: None, detail }))
}

/// The size in the body of a 409: decimal, and a line break.
fn known_size(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let digits = text.strip_suffix('\n').unwrap_or(text);
    let size: u64 = digits.parse().ok()?;
    (size.to_string() == digits).then_some(size)
}

/// Sends it; again where the witness was not reached, or said that it is not able now.
async fn exchange(
    host: &dyn Host,
    witness: &Witness<'_>,
    request: &AddCheckpoint,
    pauses: &[Duration],
) -> Result<Answer, String> {
    let url = format!("{}/add-checkpoint", witness.url.trim_end_matches('/'));
    let mut pauses = pauses.iter();
    loop {
        let to = Get { url: url.clone(), headers: Vec::new(), timeout: TIMEOUT, at_most: MAX_ANSWER, head_only: false };
        let body = Some(request.to_string().into_bytes());
        let answer = host.send(Send { method: "POST".to_owned(), to, body }).await;
        let why = match answer {
            Ok(answer) if answer.status == 429 || answer.status >= 500 => {
                format!("it answered with status {}", answer.status)
            }
            Ok(answer) => return Ok(answer),
            Err(error @ (HostError::Network { .. } | HostError::TimedOut { .. })) => error.to_string(),
            Err(error) => return Err(error.to_string()),
        };
        let Some(pause) = pauses.next() else { return Err(why) };
        tokio::time::sleep(*pause).await;
    }
}

#[cfg(test)]
mod tests;
