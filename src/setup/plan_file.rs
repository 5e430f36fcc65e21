//! A plan in a file: read, and held to what it says of itself.

use std::path::Path;

use engine::id::RunId;
use engine::plan::View;
use engine::question::canonical_digest;
use engine::time::Timestamp;

use crate::exit::Exit;
use crate::files::read;
use crate::refusal::Refusal;

/// The largest plan file that is read.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Reads a plan file.
pub fn open(path: &Path) -> Result<View, Refusal> {
    let bytes = read(path, MAX_FILE).map_err(|error| Refusal::io("read", path, &error))?;
    let view: View = serde_json::from_slice(&bytes).map_err(|error| {
        Refusal::invalid("not-a-plan", format!("`{}` is no plan: {error}", path.display()))
            .help("`runwarden plan NAME -o FILE` writes one")
    })?;
    if canonical_digest(&view.resolved) != view.digest {
        let message = format!("`{}` was changed: its digest is not that of its content", path.display());
        return Err(rejected("not-the-plan", message));
    }
    if let Some(part) = view.shown_otherwise() {
        let message = format!("`{}` was changed: its `{part}` are not those that its digest is over", path.display());
        return Err(rejected("not-the-plan", message));
    }
    Ok(view)
}

/// Whether it is still good.
pub fn check_expiry(view: &View, now: Timestamp) -> Result<(), Refusal> {
    if now < view.expires_at {
        return Ok(());
    }
    Err(rejected("plan-expired", format!("the plan was good until {}", view.expires_at)))
}

/// What would be done now must be what the file shows.
pub fn compare(recorded: &View, now: &View) -> Result<(), Refusal> {
    if recorded.digest == now.digest {
        return Ok(());
    }
    let mut refusal = rejected("not-the-plan", "what would be done now is not what was planned".to_owned());
    refusal.detail = Some(recorded.differences(now));
    Err(refusal)
}

/// A plan file that was run, in this run.
pub fn spent(run: Option<&RunId>) -> Refusal {
    let (within, show) = match run {
        Some(run) => (format!(", in run {run}"), format!("runs show {run}")),
        None => (String::new(), "runs".to_owned()),
    };
    Refusal::new(Exit::Rejected, "plan-spent", format!("this plan was run before{within}")).help(format!(
        "nothing was done; `runwarden {show}` says what came of it then; plan again, and look at the new plan"
    ))
}

/// A plan file that is not run.
pub fn rejected(code: &'static str, message: String) -> Refusal {
    Refusal::new(Exit::Rejected, code, message).help("nothing was done; plan again, and look at the new plan")
}
