//! `approve` and `reject`: somebody consents to a plan or to what a run waits for, or refuses, with a signature.
//!
//! Of a plan file only that file and the workspace's actors are looked at, and no ledger. Of a run the ledger takes note,
//! or its inbox while another process has it.

use std::path::Path;

use engine::consent::approval::{self, named};
use engine::consent::document::{Approval, IsApproval, Purpose, VERSION, write as text_of};
use engine::consent::{Rules, must_sign};
use engine::event::people::{Signed, Sought};
use engine::execute::Keeper;
use engine::execute::noting::noted;
use engine::execute::resume::recorded;
use engine::host::Probe as _;
use engine::host::machine::Machine;
use engine::id::{Digest, Id, RunId};
use engine::ledger::Ledger;
use engine::ledger::error::Error as LedgerError;
use engine::ledger::inbox::{Request, Wish, post};
use engine::ledger::reader::Reader;
use engine::plan::{EXPIRY, Status, View as PlanView};
use engine::procedure::Environment;
use engine::sign::sshsig::Namespace;
use engine::time::{Duration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, runs};
use crate::args::Consent;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup::who::{self, Signing, Who};
use crate::setup::{self, new_run_id, own_ledger, plan_file, signed_file};
use crate::ui;
use crate::ui::table::pairs;
use crate::workspace::{self, Workspace};

/// What `approve` and `reject` say in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `approved` or `rejected`.
    status: &'static str,
    /// The document's id: it is spent by it.
    id: String,
    /// The digest of the plan.
    plan: Digest,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
    /// The step.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    /// Who gave it.
    approver: Id,
    /// In which role.
    role: Id,
    /// Until when it is good.
    not_after: Timestamp,
    /// Whether it is signed.
    signed: bool,
    /// The file it was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// `ledger`, `inbox`, or `file` where only whoever has the file knows of it.
    recorded: &'static str,
}

/// Somebody about to consent or refuse.
struct Consenting<'a> {
    context: &'a Context,
    args: &'a Consent,
    purpose: Purpose,
    workspace: Workspace,
    environment: Environment,
    machine: Machine,
    who: Who,
}

pub fn approve(context: &Context, args: &Consent) -> Result<Exit, Refusal> {
    run(context, args, Purpose::Approve)
}

pub fn reject(context: &Context, args: &Consent) -> Result<Exit, Refusal> {
    run(context, args, Purpose::Reject)
}

fn run(context: &Context, args: &Consent, purpose: Purpose) -> Result<Exit, Refusal> {
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let environment = workspace.environment()?;
    let machine = setup::reading_machine();
    let signing = if args.unsigned { Signing::No } else { Signing::Must };
    let who = who::resolve(&args.who, &workspace.file, environment, signing, machine.now())
        .map_err(|refusal| if refusal.code == "unsigned" { nobody_signs(environment) } else { refusal })?;
    let consenting = Consenting { context, args, purpose, workspace, environment, machine, who };
    let path = Path::new(&args.what);
    if path.is_file() { consenting.to_plan(path) } else { consenting.to_run() }
}

fn nobody_signs(environment: Environment) -> Refusal {
    let refusal =
        Refusal::invalid("unsigned", "nobody signs: there is neither `--key` nor `--as NAME` with an SSH agent");
    match environment {
        Environment::Production => refusal.help("in production what is not signed counts for nothing"),
        _ => refusal.help("`--as NAME --unsigned -o FILE` writes the document for `ssh-keygen -Y sign`"),
    }
}

impl Consenting<'_> {
    fn to_plan(&self, path: &Path) -> Result<Exit, Refusal> {
        let Some(output) = &self.args.output else {
            return Err(Refusal::invalid("usage", "`-o FILE` says where the document is written")
                .help("`run --plan PLAN --approval FILE` brings it"));
        };
        let view = plan_file::open(path)?;
        plan_file::check_expiry(&view, self.machine.now())?;
        self.belongs_here(&view)?;
        if let Some(name) = view.drafts.first() {
            return Err(Refusal::draft(name));
        }
        if view.status != Status::Ready {
            let why = view.error.as_ref().map_or("it is not allowed", |error| error.message.as_str());
            let message = format!("the plan would not run, so there is nothing to consent to: {why}");
            return Err(Refusal::new(Exit::of_plan(&view), "not-the-plan", message));
        }
        self.show(&view);
        let initiators = vec![view.made_by.clone()];
        let sought =
            Sought { plan: view.digest.clone(), step: None, inputs: None, wanted: view.approvals.clone(), initiators };
        let approval = self.approval(&sought, None)?;
        let signed = self.signed(&approval)?;
        // The run decides. What can be told now is told, since finding out at three in the morning is too late.
        let nowhere = new_run_id(&self.machine)?;
        if let Err(error) = approval::judge(&self.rules(), &sought, &nowhere, &signed) {
            let ui = &self.context.ui;
            ui.error(&format!("{}: a run would not count it: {error}", ui.err.yellow("warning")));
        }
        signed_file::write(output, &signed)?;
        self.tell(approval, &signed, Some(output), "file");
        Ok(Exit::Done)
    }

    /// A plan of another ledger or environment is not for the people of this one.
    fn belongs_here(&self, view: &PlanView) -> Result<(), Refusal> {
        let ledger = view.resolved.get("ledger").and_then(serde_json::Value::as_str);
        let ours = self.workspace.file.ledger.origin.as_str();
        if ledger != Some(ours) || view.environment != self.environment {
            let message = format!(
                "the plan is for ledger `{}` in {}, and this workspace is `{ours}` in {}",
                ledger.unwrap_or("unknown"),
                view.environment.as_str(),
                self.environment.as_str()
            );
            return Err(plan_file::rejected("not-the-plan", message));
        }
        Ok(())
    }

    fn to_run(&self) -> Result<Exit, Refusal> {
        let unknown = || {
            let message = format!("there is neither a plan file nor a run `{}`", self.args.what);
            Refusal::new(Exit::Failed, "unknown-run", message).help("`runwarden runs` shows what there is")
        };
        let records = own_ledger::records(&self.workspace, &self.machine)?.ok_or_else(unknown)?;
        let run = runs::find(&records.reader, &self.args.what)?.ok_or_else(unknown)?;
        let known = recorded(&records.reader, &run)?.ok_or_else(unknown)?.run;
        let sought = known.consents.sought.clone();
        let sought = sought.ok_or_else(|| engine::execute::Error::NotWaiting { run: run.clone() })?;
        let approval = self.approval(&sought, Some(&run))?;
        let signed = self.signed(&approval)?;
        // Refused here, whoever may hold the ledger.
        self.noted(&records.reader, &run, &signed)?;
        let recorded = self.record(&run, &signed)?;
        if let Some(output) = &self.args.output {
            signed_file::write(output, &signed)?;
        }
        self.tell(approval, &signed, self.args.output.as_deref(), recorded);
        Ok(Exit::Done)
    }

    fn noted(&self, reader: &Reader, run: &RunId, signed: &Signed) -> Result<Vec<engine::event::Draft>, Refusal> {
        Ok(noted(reader, &self.workspace.file, self.environment, run, signed, self.machine.now())?)
    }

    /// Writes it into the ledger; where somebody else has that, into its inbox.
    fn record(&self, run: &RunId, signed: &Signed) -> Result<&'static str, Refusal> {
        let place = self.workspace.ledger();
        let Some(key) = own_ledger::key(&self.workspace)? else {
            return Err(Refusal::new(Exit::Ledger, "ledger-missing", "the ledger was removed just now"));
        };
        let mut ledger = match Ledger::open(&place, key, self.machine.now()) {
            Ok(ledger) => ledger,
            Err(LedgerError::Busy { .. }) => {
                let Signed { document, signature } = signed.clone();
                let wish = Wish::Approval { document, signature };
                let (actor, at) = (self.who.name.clone(), self.machine.now());
                post(&place, &Request { run: run.clone(), actor, at, wish })?;
                return Ok("inbox");
            }
            Err(error) => return Err(error.into()),
        };
        // Another process may have moved the run until the ledger was ours.
        let scratch = self.machine.scratch(&[])?;
        let reader = Reader::copy(&place, &scratch.folder)?;
        let drafts = self.noted(&reader, run, signed)?;
        Keeper::append(&mut ledger, self.machine.now(), drafts)?;
        ledger.close(self.machine.now())?;
        Ok("ledger")
    }

    fn rules(&self) -> Rules<'_> {
        Rules::of(&self.workspace.file, self.environment, self.machine.now())
    }

    fn approval(&self, sought: &Sought, run: Option<&RunId>) -> Result<Approval, Refusal> {
        let approver = Id::parse(&self.who.name)
            .map_err(|_| Refusal::invalid("usage", "`--as NAME` or `--key FILE` says who consents"))?;
        let at = self.machine.now();
        let longest = sought.wanted.iter().filter_map(|wanted| wanted.expires).min().unwrap_or(EXPIRY);
        let good_for = match &self.args.good_for {
            Some(text) => {
                Duration::parse(text).map_err(|error| Refusal::invalid("usage", format!("--for: {error}")))?
            }
            None => longest,
        };
        let not_after = at.plus(good_for).ok_or_else(|| Refusal::invalid("usage", "--for goes beyond the calendar"))?;
        Ok(Approval {
            v: VERSION,
            kind: IsApproval::It,
            ledger: self.workspace.file.ledger.origin.clone(),
            environment: self.environment,
            id: new_run_id(&self.machine)?.to_string(),
            plan: sought.plan.clone(),
            run: run.cloned(),
            step: sought.step.clone(),
            inputs: sought.inputs.clone(),
            purpose: self.purpose,
            approver,
            role: self.role(sought)?,
            at,
            not_after,
            reason: self.args.reason.clone(),
        })
    }

    /// The role that was said, else the first of theirs that is asked for.
    fn role(&self, sought: &Sought) -> Result<Id, Refusal> {
        if let Some(role) = &self.args.role {
            return Id::parse(role).map_err(|error| Refusal::invalid("usage", format!("--role: {error}")));
        }
        let own = &self.who.standing.roles;
        let asked = sought.wanted.iter().flat_map(|wanted| &wanted.from).find(|role| own.contains(role));
        asked.or_else(|| own.first()).cloned().ok_or_else(|| {
            let message = format!("`{}` has no role in runwarden.yaml, and consents are given in one", self.who.name);
            Refusal::new(Exit::Rejected, "approval", message)
        })
    }

    fn signed(&self, approval: &Approval) -> Result<Signed, Refusal> {
        let document = text_of(approval);
        let sign = |signer: &who::Signer| signer.sign(Namespace::Approval, &document);
        let signature = self.who.signer.as_ref().map(sign).transpose();
        let signature = signature.map_err(|why| Refusal::new(Exit::Refused, "wrong-key", why))?;
        Ok(Signed { document, signature })
    }

    /// What is consented to is shown to whoever consents.
    fn show(&self, view: &PlanView) {
        let ui = &self.context.ui;
        if ui.is_human() {
            ui.note(&ui::plan::render(view, "a plan", ui.err));
        }
    }

    fn tell(&self, approval: Approval, signed: &Signed, file: Option<&Path>, recorded: &'static str) {
        let ui = &self.context.ui;
        let status = match self.purpose {
            Purpose::Approve => "approved",
            Purpose::Reject => "rejected",
        };
        let is_signed = signed.signature.is_some();
        let view = View {
            status,
            id: approval.id.clone(),
            plan: approval.plan.clone(),
            run: approval.run.clone(),
            step: approval.step.clone(),
            approver: approval.approver.clone(),
            role: approval.role.clone(),
            not_after: approval.not_after,
            signed: is_signed,
            file: file.map(|path| path.display().to_string()),
            recorded,
        };
        if !ui.is_human() {
            ui.json(&view);
            return;
        }
        let of = |name: &str, value: Option<String>| Some((name.to_owned(), value?));
        let rows = [
            of("plan", Some(approval.plan.to_string())),
            of("run", approval.run.as_ref().map(ToString::to_string)),
            of("step", approval.step.clone()),
            of("by", Some(format!("{} as {}", approval.approver, approval.role))),
            of("good until", Some(approval.not_after.to_string())),
            of("written to", file.map(files::shown)),
        ];
        let rows: Vec<_> = rows.into_iter().flatten().collect();
        let what = match self.purpose {
            Purpose::Approve => format!("{} {status}", named(&approval)),
            Purpose::Reject => format!("rejection `{}` given", approval.id),
        };
        ui.data(&format!("{what}\n{}", pairs("  ", &rows)));
        match (recorded, &approval.run) {
            ("inbox", _) => ui.note("another process has the ledger: it takes note of this before its next step"),
            ("ledger", Some(run)) if self.purpose == Purpose::Reject => {
                ui.note(&format!("`runwarden runs show {run}` says how it stands"));
            }
            ("ledger", Some(run)) => {
                ui.note(&format!("`runwarden resume {run}` goes on, once enough have consented"));
            }
            _ => {}
        }
        if !is_signed {
            let key = "ssh-keygen -Y sign -n runwarden-approval@v1 -f KEY";
            let file = file.map(files::shown).unwrap_or_default();
            let must = must_sign(&self.workspace.file, self.environment);
            let why = if must { "it counts only once it is signed" } else { "it is not signed" };
            ui.note(&format!("{why}: `{key} {file}`"));
        }
    }
}
