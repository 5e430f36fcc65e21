//! Pause levers: how a system stands, stopped, and let go on. Which levers there are is the targets' affair.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Error, Facts, Fidelity, Preview, Reconciled};
use crate::host::{Host, Probe};
use crate::id::Id;
use crate::procedure::TargetKind as Kind;
use crate::target::driver;
use crate::target::pause_lever::{self, Done, Lever, Order, State, Summary};

#[expect(clippy::module_inception, reason = "an action's file has the action's name")]
pub mod pause;
pub mod resume;
pub mod status;

/// The lever that a target is.
fn open(facts: &Facts, target: &Id) -> Result<Box<dyn Lever>, Error> {
    let bound = facts.target(target)?;
    if bound.kind != Kind::Pause {
        let message = format!("target `{target}` is a `{}`, not a `pause`", bound.kind.as_str());
        return Err(Error::new("bad_target", message));
    }
    Ok(pause_lever::open(bound)?)
}

/// The order that a step comes to: the same for each attempt at it.
fn order(
    facts: &Facts,
    lever: &dyn Lever,
    wanted: Summary,
    reason: &str,
    level: Option<u8>,
    only: &[String],
) -> Result<Order, Error> {
    if reason.trim().is_empty() {
        return Err(Error::new("bad_input", "`reason` is empty"));
    }
    if !only.is_empty() && !lever.takes_parts() {
        return Err(Error::new("bad_input", "this lever has no parts that could be named in `only`"));
    }
    let mark = format!("runwarden {}", facts.idempotency_key);
    Ok(Order { reason: reason.to_owned(), level, mark, at: facts.started_at, wanted, only: only.to_vec() })
}

fn shown(state: &State) -> Value {
    json!({ "summary": state.summary, "open": state.open })
}

/// What moving the lever would come to.
async fn preview(lever: &dyn Lever, probe: &dyn Probe, order: &Order) -> Result<Preview, Error> {
    let before = lever.status(probe).await?;
    let hardest = before.open.iter().filter_map(|open| open.level).max();
    let paused = |part: &String| before.open.iter().any(|open| open.kind == *part);
    let no_change = match (order.only.is_empty(), order.wanted) {
        (true, Summary::Live) => before.summary == order.wanted && !lever.always_resumes(),
        (true, _) => before.summary == order.wanted && order.level.is_none_or(|level| hardest >= Some(level)),
        (false, Summary::Live) => before.summary == Summary::Live,
        (false, _) => order.only.iter().all(paused),
    };
    if !no_change {
        lever.rehearse(probe, order).await?;
    }
    let after = match order.only.is_empty() {
        true => json!({ "summary": order.wanted }),
        false => json!({ "only": order.only, "as": order.wanted }),
    };
    Ok(Preview { fidelity: Fidelity::Estimated, before: Some(shown(&before)), after: Some(after), no_change })
}

/// What an order to a lever gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Moved {
    /// How the system stands now: a lever that takes time may not be there yet.
    summary: Summary,
    /// What the lever calls this order, where it does.
    id: Option<String>,
    /// What was lifted by it.
    lifted: Vec<String>,
}

impl Moved {
    fn new(Done { id, lifted }: Done, summary: Summary) -> Self {
        Self { summary, id, lifted }
    }
}

/// Gives the order, and looks how the system stands then.
async fn moved(lever: &dyn Lever, host: &dyn Host, order: &Order) -> Result<Moved, Error> {
    let done = match order.wanted {
        Summary::Live => lever.resume(host, order).await?,
        _ => lever.pause(host, order).await?,
    };
    // It was done: that the lever cannot be looked at now does not undo that.
    let summary = lever.status(host).await.map_or(Summary::Unknown, |state| state.summary);
    Ok(Moved::new(done, summary))
}

/// Finds an order again: by its mark where the lever keeps one, else by how it stands.
async fn found(lever: &dyn Lever, probe: &dyn Probe, order: &Order) -> Result<Reconciled<Moved>, Error> {
    match lever.find(probe, order).await {
        Ok(Some(done)) => Ok(Reconciled::Happened(Moved::new(done, lever.status(probe).await?.summary))),
        Ok(None) => Ok(Reconciled::NotHappened),
        Err(driver::Error::Refused { code: "cannot_tell", .. }) => {
            let now = lever.status(probe).await?.summary;
            // Where it does not stand as wanted it can be moved again, and no harm is done.
            Ok(match now == order.wanted {
                true => Reconciled::Happened(Moved::new(Done::default(), now)),
                false => Reconciled::NotHappened,
            })
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
