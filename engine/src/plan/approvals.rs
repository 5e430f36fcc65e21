//! Who must consent to a plan: what the procedure asks for, every procedure it may call, and the policy.
//!
//! A call binds as if its procedure were run by name, also where it is not sure to come to pass.

use crate::event::people::Wanted;
use crate::frame::Frame;
use crate::procedure::{Approvals, Environment};
use crate::template::scope::Scope;
use crate::template::{Outcome as Known, Template};
use crate::time::Duration;

use super::{Error, Setting};

/// Everything that is asked for, in a fixed order.
pub(super) fn wanted(setting: &Setting, root: &Frame) -> Result<Vec<Wanted>, Error> {
    let mut all = Vec::new();
    let policy = setting.workspace.policy.require.get(&setting.environment);
    if let Some(approvals) = policy.and_then(|required| required.approvals.as_ref()) {
        all.extend(one(setting, root, "policy", approvals, &Scope::new())?);
    }
    for procedure in setting.procedures.values() {
        let is_root = procedure.name == root.procedure.name;
        // What a call would be given is not known here.
        let scope = if is_root { root.scope() } else { Scope::new() };
        if let Some(approvals) = &procedure.requires.approvals {
            all.extend(one(setting, root, procedure.name.as_str(), approvals, &scope)?);
        }
    }
    Ok(all)
}

fn one(
    setting: &Setting,
    root: &Frame,
    by: &str,
    approvals: &Approvals,
    scope: &Scope,
) -> Result<Option<Wanted>, Error> {
    wanted_by(by, approvals, setting.environment, scope).map_err(|why| Error::Undecidable {
        procedure: root.procedure.name.clone(),
        key: format!("approvals.expires of `{by}`"),
        why,
    })
}

/// What one list of approvals asks for; none where not in this environment.
///
/// # Errors
/// When it cannot be told how long a consent is good for, in words.
pub fn wanted_by(
    by: &str,
    approvals: &Approvals,
    environment: Environment,
    scope: &Scope,
) -> Result<Option<Wanted>, String> {
    if !approvals.environments.is_empty() && !approvals.environments.contains(&environment) {
        return Ok(None);
    }
    let expires = approvals.expires.as_ref().map(|expires| duration(expires, scope)).transpose()?;
    Ok(Some(Wanted {
        by: by.to_owned(),
        quorum: approvals.quorum,
        from: approvals.from.clone(),
        exclude_initiator: approvals.exclude_initiator,
        expires,
    }))
}

/// A length of time that may be a template.
///
/// # Errors
/// When it cannot be told, in words.
pub fn duration(template: &Template, scope: &Scope) -> Result<Duration, String> {
    match template.render(scope) {
        Ok(Known::Known(value)) => match (value.as_duration(), value.as_str()) {
            (Some(duration), _) => Ok(duration),
            (None, Some(text)) => Duration::parse(text).map_err(|error| error.to_string()),
            (None, None) => Err(format!("`{}` is no duration", template.source())),
        },
        Ok(Known::Undecided(because)) => Err(because.join("; ")),
        Err(error) => Err(error.to_string()),
    }
}
