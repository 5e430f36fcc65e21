//! The witnesses of the workspace's ledger: asked to cosign its newest checkpoint, and counted.

use engine::host::Probe as _;
use engine::host::machine::Machine;
use engine::ledger::Ledger;
use engine::ledger::incident;
use engine::procedure::Environment;
use engine::target::witness::{PAUSES, Said, Witness, ask};
use schemars::JsonSchema;
use serde::Serialize;

use crate::workspace::Workspace;

/// What the witnesses said.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Witnessed {
    /// How many cosigned.
    pub cosigned: usize,
    /// How many policy asks for.
    pub asked_for: usize,
    /// Each by itself.
    pub witnesses: Vec<Row>,
}

/// One witness.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row {
    /// What the workspace calls it.
    pub witness: String,
    /// What it came to.
    pub status: Answer,
    /// When it cosigned, in seconds since 1970, by its own clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<u64>,
    /// Why it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What asking a witness came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It cosigned.
    Cosigned,
    /// It did not, which says nothing about the ledger.
    Failed,
    /// It has seen another history of the ledger: the latch is set.
    Alarm,
}

impl Witnessed {
    /// Whether enough cosigned.
    pub fn is_enough(&self) -> bool {
        self.cosigned >= self.asked_for && !self.is_alarm()
    }

    /// Whether one has seen another history.
    pub fn is_alarm(&self) -> bool {
        self.witnesses.iter().any(|row| row.status == Answer::Alarm)
    }

    /// For people: a line each of what did not go well.
    pub fn complaints(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .witnesses
            .iter()
            .filter(|row| row.status != Answer::Cosigned)
            .map(|row| format!("witness `{}`: {}", row.witness, row.detail.as_deref().unwrap_or_default()))
            .collect();
        if self.is_alarm() {
            lines.push("nothing runs until this is closed by name; see `runwarden ledger incident`".to_owned());
        } else if !self.is_enough() {
            lines.push(format!("{} cosigned, and policy asks for {}", self.cosigned, self.asked_for));
        }
        lines
    }
}

/// How many witnesses policy asks for in an environment.
pub fn asked_for(workspace: &Workspace, environment: Environment) -> usize {
    let required = workspace.file.policy.require.get(&environment);
    required.and_then(|required| required.witnesses).map_or(0, |count| count as usize)
}

/// Asks every witness about the newest checkpoint; none where the workspace has no witness. What a witness has seen
/// otherwise sets the latch.
pub async fn cosign(
    workspace: &Workspace,
    environment: Environment,
    machine: &Machine,
    ledger: &mut Ledger,
) -> Option<Witnessed> {
    let witnesses = &workspace.file.ledger.witnesses;
    if witnesses.is_empty() {
        return None;
    }
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (name, witness) in witnesses {
        let asked = Witness { name: name.as_str(), url: &witness.url, key: &witness.key };
        let row = |status, time, detail| Row { witness: name.to_string(), status, time, detail };
        rows.push(match ask(machine, ledger, &asked, &PAUSES).await {
            Ok(Said::Cosigned { time, .. }) => row(Answer::Cosigned, Some(time), None),
            Ok(Said::Not { why }) => row(Answer::Failed, None, Some(why)),
            Ok(Said::Alarm(problem)) => {
                let detail = problem.detail.clone();
                problems.push(problem);
                row(Answer::Alarm, None, Some(detail))
            }
            Err(error) => row(Answer::Failed, None, Some(error.to_string())),
        });
    }
    if !problems.is_empty()
        && let Err(error) = incident::set(ledger.path(), &problems, machine.now())
    {
        rows.iter_mut().for_each(|row| {
            row.detail = row.detail.take().map(|detail| format!("{detail} (and the latch cannot be set: {error})"));
        });
    }
    let cosigned = rows.iter().filter(|row| row.status == Answer::Cosigned).count();
    Some(Witnessed { cosigned, asked_for: asked_for(workspace, environment), witnesses: rows })
}
