//! Why a command did not do what it was asked: an exit code, a stable word, a message and a remedy.

use engine::diagnostic::Diagnostic;
use engine::event::state::RunStatus;
use engine::ledger::error::Error as LedgerError;
use engine::plan::Error as PlanError;

use crate::exit::Exit;

/// The codes of refusals with what they mean, for `explain`.
pub const CODES: &[(&str, &str)] = &[
    ("usage", "the command line is wrong"),
    ("io", "a file cannot be read or written"),
    ("exists", "a file is there already, and is not overwritten"),
    ("no-workspace", "there is no runwarden.yaml here or in a folder above"),
    ("no-environment", "neither runwarden.yaml nor RUNWARDEN_ENVIRONMENT says which environment this is"),
    ("environment", "RUNWARDEN_ENVIRONMENT is no environment, or another than runwarden.yaml says"),
    ("invalid-document", "a document has errors; `runwarden check` shows them"),
    ("nothing-checked", "there was no document to check"),
    ("unknown-procedure", "there is no procedure of that name"),
    ("not-markdown", "the file is no Markdown text that can be imported"),
    ("nothing-to-import", "the document, or the section of it, has no steps"),
    ("several-drafts", "the document has several procedures, and one was asked for"),
    ("parameters", "parameters are missing, unknown, or do not fit"),
    ("unbound-target", "a target of the procedure is not bound to anything that fits"),
    ("missing-secret", "a secret of the procedure is not bound to anything in runwarden.yaml"),
    ("unbound-secret", "a secret is bound that the procedure has not, or that was elsewhere when the run began"),
    ("shown-secret", "a parameter, variable or document holds the value of a secret"),
    ("other-environment", "a target belongs to another environment"),
    ("unset-variable", "an environment variable that the procedure reads is not set"),
    ("unsupported", "something that the driver, or this program as it was built, does not do"),
    ("target", "a target of the workspace cannot be used"),
    ("confirmation", "a high-risk run was not confirmed by the procedure's name"),
    ("not-the-plan", "what would be done now is not what the plan file shows"),
    ("plan-expired", "the plan file is no longer good"),
    ("plan-spent", "the plan file was run before"),
    ("not-a-plan", "the file is no plan"),
    ("ledger-busy", "another process writes the ledger"),
    ("overtaken", "while the run waited, another process went on with it or ended it"),
    ("lock-busy", "another run holds a named lock that this one needs"),
    ("no-lock", "no run holds a lock of that name"),
    ("not-confirmed", "the process that has the ledger has not done what it was asked to, as far as is known"),
    ("not-cancelled", "the run had ended before it could be cancelled"),
    ("unknown-outcome", "an effect of the run may or may not have happened, so it cannot end"),
    ("ledger", "the ledger cannot be written, cannot be read, or is not genuine"),
    ("ledger-missing", "there is a key without its ledger, or a ledger without its key"),
    ("key", "the ledger's key, or the key of fingerprints, cannot be used"),
    ("not-sealed", "nothing that is signed covers it yet"),
    ("unknown-entry", "the ledger has no entry of that number"),
    ("not-ended", "the run has not ended, so there is nothing to prove of it yet"),
    ("bundle-too-large", "the run does not fit a bundle"),
    ("other-log", "the folder holds the files of another log, or of this one before it was changed"),
    ("incident", "a verification of the ledger failed before, and nobody has closed that; or it is another incident"),
    ("unknown-run", "the ledger has no run of that id"),
    ("run-over", "the run has ended, and does not go on"),
    ("not-frozen", "what a run was begun with cannot be read back"),
    ("bad-entry", "an entry of the ledger does not say what its kind says"),
    ("unsigned", "in production the run's actor must be signed for"),
    ("unknown-actor", "runwarden.yaml has no actor of that name, or with that key"),
    ("wrong-actor", "the procedure is run by actors of another class or role"),
    ("wrong-key", "a key is not that of the actor, has expired or was revoked, or cannot be used"),
    ("approval", "an approval or run document does not count: forged, expired, spent, or by somebody who may not"),
    ("waiver", "a waiver does not count: forged, expired, spent, or of a guard that it cannot lift"),
    ("rejected", "somebody who was asked to consent refused"),
    ("not-waiting", "the run does not wait for an approval"),
    ("undecidable", "what a procedure asks for cannot be told while it is planned"),
    ("ambiguous-run", "several runs begin with what was given"),
    ("unknown-action", "there is no action of that name"),
    ("unknown-code", "there is no diagnostic or refusal of that code"),
    ("not-a-checklist", "a procedure is run, and cannot be asked by `gate`"),
    ("not-a-procedure", "a checklist is asked by `gate`, and cannot be run"),
    ("internal", "the engine broke its own rules; please report it"),
];

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Refusal {
    /// What the program exits with.
    pub exit: Exit,
    /// A stable word, one of [`CODES`].
    pub code: &'static str,
    /// What happened, naming the thing.
    pub message: String,
    /// A remedy that one can follow.
    pub help: Option<String>,
    /// What is wrong with the documents it is about.
    pub diagnostics: Vec<Diagnostic>,
    /// More to read: what differs between two plans, a line each.
    pub detail: Option<String>,
}

impl Refusal {
    /// A refusal without a remedy.
    pub fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), help: None, diagnostics: Vec::new(), detail: None }
    }

    /// Something is wrong with what was asked: exit 2.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Exit::Invalid, code, message)
    }

    /// The same with a remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with what is wrong with the documents.
    #[must_use]
    pub fn diagnostics(mut self, diagnostics: Vec<Diagnostic>) -> Self {
        self.diagnostics = diagnostics;
        self
    }

    /// A document that nobody has reviewed yet, where something would come of it: exit 2.
    pub fn draft(name: &engine::id::Name) -> Self {
        Self::invalid("draft", format!("`{name}` is a draft, and is not run"))
            .help("`runwarden check` lists what is open; somebody decides it, and removes `draft: true`")
    }

    /// A file that could not be read or written: exit 2.
    pub fn io(verb: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::invalid("io", format!("cannot {verb} `{}`: {error}", path.display()))
    }

    /// The engine broke its own rules: exit 1.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self::new(Exit::Failed, "internal", error.to_string())
    }
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        let message = error.to_string();
        match error {
            LedgerError::Busy { .. } => Self::new(Exit::Busy, "ledger-busy", message)
                .help("wait for it with `--wait-lock 5m`, or look at what it does with `runwarden runs`"),
            LedgerError::NotGenuine { .. } => Self::new(Exit::Ledger, "ledger", message)
                .help("nothing runs until this is looked into; `runwarden ledger verify` says what is wrong"),
            LedgerError::Incident { .. } => Self::new(Exit::Ledger, "incident", message)
                .help("`runwarden ledger incident` shows it; `runwarden ledger incident close NAME` ends it"),
            LedgerError::WrongKey { .. } => Self::new(Exit::Ledger, "key", message).help(
                "a rotation that was cut short is finished by `runwarden key rotate`; else restore that key from a backup",
            ),
            LedgerError::Key(_) => Self::new(Exit::Failed, "key", message).help("`runwarden key show` shows the keys"),
            LedgerError::NoIncident { .. } | LedgerError::OtherIncident { .. } => {
                Self::new(Exit::Failed, "incident", message).help("`runwarden ledger incident` shows what is open")
            }
            LedgerError::NotSealed { .. } => Self::new(Exit::Failed, "not-sealed", message)
                .help("a checkpoint is signed at each run's end; the files beside the ledger are named by their sizes"),
            _ => Self::new(Exit::Ledger, "ledger", message),
        }
    }
}

impl From<engine::sign::key_file::Error> for Refusal {
    fn from(error: engine::sign::key_file::Error) -> Self {
        Self::new(Exit::Ledger, "key", error.to_string())
    }
}

impl From<engine::ledger::fingerprint_key::Error> for Refusal {
    fn from(error: engine::ledger::fingerprint_key::Error) -> Self {
        Self::new(Exit::Ledger, "key", error.to_string())
    }
}

impl From<PlanError> for Refusal {
    fn from(error: PlanError) -> Self {
        let message = error.to_string();
        match &error {
            PlanError::UnknownProcedure { .. } => {
                Self::invalid("unknown-procedure", message).help("`runwarden list` shows what there is")
            }
            PlanError::Parameters(_) => {
                Self::invalid("parameters", message).help("give them with `-p NAME=VALUE` or `--parameters FILE`")
            }
            PlanError::Unbound { .. } | PlanError::Misbound { .. } => Self::invalid("unbound-target", message),
            PlanError::MisboundSecret { .. } => Self::invalid("unbound-secret", message),
            PlanError::NoSecret { .. } => Self::new(Exit::Refused, "missing-secret", message),
            PlanError::ShownOpenly { .. } => Self::invalid("shown-secret", message)
                .help("declare it under `secrets:` and bind it, and write `{{ secrets.NAME }}` where it is needed"),
            PlanError::OtherEnvironment { .. } => Self::new(Exit::Refused, "other-environment", message),
            PlanError::NoVariable { .. } => Self::invalid("unset-variable", message),
            PlanError::Undecidable { .. } => Self::invalid("undecidable", message),
            PlanError::Consent(_) => Self::new(Exit::Rejected, "waiver", message).help(
                "nothing was done; `runwarden waiver create PROCEDURE GUARD` makes another one, by somebody who may, and \
                 `runwarden waiver check FILE` says what is wrong with one",
            ),
            PlanError::Target(_) => Self::invalid("target", message),
        }
    }
}

impl From<engine::execute::Error> for Refusal {
    fn from(error: engine::execute::Error) -> Self {
        match error {
            engine::execute::Error::Ledger(error) => Self::from(error),
            engine::execute::Error::Entry { .. } => Self::new(Exit::Ledger, "ledger", error.to_string()),
            engine::execute::Error::Busy(_) => Self::new(Exit::Busy, "lock-busy", error.to_string())
                .help("`runwarden locks list` shows who holds what; `--wait-lock 5m` waits"),
            engine::execute::Error::Illegal(error) => Self::internal(error),
            engine::execute::Error::Draft { name } => Self::draft(&name),
            engine::execute::Error::Actor { why } => {
                Self::new(Exit::Refused, "wrong-actor", why).help("nothing was done")
            }
            engine::execute::Error::Consent(error) => {
                Self::new(Exit::Rejected, "approval", error.to_string()).help("nothing was done")
            }
            engine::execute::Error::NotSigned { .. } => {
                Self::new(Exit::Refused, "unsigned", error.to_string()).help("nothing was done")
            }
            engine::execute::Error::Overtaken { status, .. } => {
                let exit = if status == Some(RunStatus::Cancelled) { Exit::Cancelled } else { Exit::Busy };
                Self::new(exit, "overtaken", error.to_string())
                    .help("nothing was done after the wait; `runwarden runs show RUN` says how it stands")
            }
            engine::execute::Error::Scratch { .. } => Self::new(Exit::Failed, "io", error.to_string()),
            engine::execute::Error::NotWaiting { .. } => {
                Self::invalid("not-waiting", error.to_string()).help("`runwarden runs show RUN` says how it stands")
            }
        }
    }
}

impl From<engine::host::Error> for Refusal {
    fn from(error: engine::host::Error) -> Self {
        Self::new(Exit::Failed, "io", error.to_string())
    }
}
