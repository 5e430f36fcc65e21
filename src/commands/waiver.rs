//! `waiver`: permissions to pass a guard are written, signed, checked and listed. None lifts anything by itself.

use std::path::Path;

use engine::action::Registry;
use engine::consent::document::{IsWaiver, Scope, VERSION, Waiver, write as text_of};
use engine::consent::waiver::{self, Terms, named};
use engine::consent::{Error, Rules};
use engine::event::Kind;
use engine::event::people::Signed;
use engine::host::Probe as _;
use engine::host::machine::Machine;
use engine::id::{Id, RunId};
use engine::library::Loaded;
use engine::plan::waivers::{ITEM, POLICY, terms_of, terms_of_item};
use engine::procedure::Environment;
use engine::sign::sshsig::Namespace;
use engine::template::scope::Scope as Names;
use engine::time::{Duration, Timestamp};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::args::{NewWaiver, SignWaiver, WaiverCommand, WaiverFiles};
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup::who::{self, Signing, Who};
use crate::setup::{self, inputs, new_run_id, own_ledger, procedure_name, signed_file};
use crate::ui::table::pairs;
use crate::workspace::{self, Workspace};

pub mod used;

/// How long a waiver is good where neither it nor its guard says.
const A_DAY: Duration = Duration::from_seconds(24 * 60 * 60);

/// What `waiver create`, `sign` and `check` say in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// `ok`, or `refused` when one does not count.
    status: &'static str,
    /// The waivers.
    waivers: Vec<OneView>,
}

/// One waiver.
#[derive(Debug, Serialize, JsonSchema)]
struct OneView {
    /// The file.
    file: String,
    /// Its id; none where the file is no waiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The procedure that declares the guard.
    #[serde(skip_serializing_if = "Option::is_none")]
    procedure: Option<String>,
    /// The guard.
    #[serde(skip_serializing_if = "Option::is_none")]
    guard: Option<String>,
    /// Who gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    approver: Option<String>,
    /// Until when it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<Timestamp>,
    /// How often it may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_uses: Option<u32>,
    /// How often it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<u64>,
    /// Whether it is signed.
    signed: bool,
    /// Whether it counts here and now.
    ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
}

pub fn run(context: &Context, command: WaiverCommand) -> Result<Exit, Refusal> {
    if let WaiverCommand::List(_) = command {
        return used::list(context);
    }
    let workspace = workspace::open(context.global.workspace.as_deref())?;
    let environment = workspace.environment()?;
    let desk = Desk { context, workspace, environment, machine: setup::reading_machine() };
    match command {
        WaiverCommand::Create(args) => desk.create(&args),
        WaiverCommand::Sign(args) => desk.sign(&args),
        WaiverCommand::Check(args) => desk.check(&args),
        WaiverCommand::List(_) => Ok(Exit::Done),
    }
}

/// Where waivers are written and looked at.
struct Desk<'a> {
    context: &'a Context,
    workspace: Workspace,
    environment: Environment,
    machine: Machine,
}

impl Desk<'_> {
    fn who(&self, said: &crate::args::Who, unsigned: bool) -> Result<Who, Refusal> {
        let signing = if unsigned { Signing::No } else { Signing::Must };
        let who = who::resolve(said, &self.workspace.file, self.environment, signing, self.machine.now());
        who.map_err(|refusal| match refusal.code {
            "unsigned" => {
                Refusal::invalid("unsigned", "nobody signs: there is neither `--key` nor `--as NAME` with an SSH agent")
                    .help("`--as NAME --unsigned` writes the waiver for `waiver sign` or `ssh-keygen -Y sign`")
            }
            _ => refusal,
        })
    }

    fn create(&self, args: &NewWaiver) -> Result<Exit, Refusal> {
        let who = self.who(&args.who, args.unsigned)?;
        let approver = Id::parse(&who.name)
            .map_err(|_| Refusal::invalid("usage", "`--as NAME` or `--key FILE` says who gives the waiver"))?;
        let terms = self.terms(&args.procedure, &args.guard)?;
        let time = |name: &str, text: &Option<String>| {
            let parsed = text.as_deref().map(Timestamp::parse).transpose();
            parsed.map_err(|error| Refusal::invalid("usage", format!("--{name}: {error}")))
        };
        let not_before = time("not-before", &args.not_before)?.unwrap_or(self.machine.now());
        let good_for = match &args.good_for {
            Some(text) => {
                Duration::parse(text).map_err(|error| Refusal::invalid("usage", format!("--for: {error}")))?
            }
            None => terms.max_for.unwrap_or(A_DAY),
        };
        let not_after = time("not-after", &args.not_after)?.or_else(|| not_before.plus(good_for));
        let not_after = not_after.ok_or_else(|| Refusal::invalid("usage", "--for goes beyond the calendar"))?;
        let waiver = Waiver {
            v: VERSION,
            kind: IsWaiver::It,
            ledger: self.workspace.file.ledger.origin.clone(),
            environment: self.environment,
            id: new_run_id(&self.machine)?.to_string(),
            guard: args.guard.clone(),
            guard_digest: terms.digest.clone(),
            procedure: procedure_name(&args.procedure)?,
            scope: self.scope(args)?,
            reason: args.reason.clone(),
            approver,
            not_before,
            not_after,
            max_uses: args.max_uses,
            ticket: args.ticket.clone(),
        };
        let signed = self.signed(&who, text_of(&waiver))?;
        // What no guard would ever take is not written.
        let read = waiver::read(&signed).map_err(refused)?;
        match self.judge(&read, &signed, &terms) {
            Ok(()) | Err(Error::Unsigned { .. }) => {}
            // One for later is none yet.
            Err(Error::Time { .. }) if self.machine.now() < read.not_before => {}
            Err(error) => return Err(refused(error)),
        }
        signed_file::write(&args.output, &signed)?;
        self.tell_signing(&args.output, &signed);
        self.report(vec![self.one(&args.output, &signed)]);
        Ok(Exit::Done)
    }

    fn sign(&self, args: &SignWaiver) -> Result<Exit, Refusal> {
        let who = self.who(&args.who, false)?;
        let signed = signed_file::read(&args.file)?;
        let read = waiver::read(&signed).map_err(refused)?;
        if read.approver.as_str() != who.name {
            let message = format!("{} is by `{}`, and this is `{}`", named(&read), read.approver, who.name);
            return Err(Refusal::new(Exit::Refused, "wrong-actor", message));
        }
        let signed = self.signed(&who, signed.document)?;
        signed_file::write(&args.file, &signed)?;
        self.report(vec![self.one(&args.file, &signed)]);
        Ok(Exit::Done)
    }

    fn check(&self, args: &WaiverFiles) -> Result<Exit, Refusal> {
        let views: Vec<OneView> = args
            .files
            .iter()
            .map(|path| Ok(self.one(path, &signed_file::read(path)?)))
            .collect::<Result<_, Refusal>>()?;
        let all_count = views.iter().all(|one| one.ok);
        self.report(views);
        Ok(if all_count { Exit::Done } else { Exit::Rejected })
    }

    fn signed(&self, who: &Who, document: String) -> Result<Signed, Refusal> {
        let sign = |signer: &who::Signer| signer.sign(Namespace::Waiver, &document);
        let signature = who.signer.as_ref().map(sign).transpose();
        let signature = signature.map_err(|why| Refusal::new(Exit::Refused, "wrong-key", why))?;
        Ok(Signed { document, signature })
    }

    /// What the guard says about waivers.
    fn terms(&self, procedure: &str, guard: &str) -> Result<Terms, Refusal> {
        let file = &self.workspace.file;
        let found = match guard.strip_prefix(POLICY) {
            Some(id) => terms_of(&file.policy.do_not, file.document.pointer("/policy/do_not"), id, &Names::new()),
            None => {
                let loaded = self.load(procedure)?;
                let name = procedure_name(procedure)?;
                let procedure = loaded.procedures.get(&name).ok_or_else(|| Refusal::internal("nothing was loaded"))?;
                match guard.strip_prefix(ITEM) {
                    Some(id) => terms_of_item(procedure, id, &Names::new()),
                    None => terms_of(&procedure.do_not, procedure.document.get("do_not"), guard, &Names::new()),
                }
            }
        };
        found.map_err(|why| Refusal::invalid("waiver", format!("`{procedure}`: {why}")))
    }

    fn load(&self, procedure: &str) -> Result<Loaded, Refusal> {
        let name = procedure_name(procedure)?;
        let loaded = self.workspace.library()?.load(&name, &Registry::builtin())?;
        if loaded.is_refused() {
            return Err(Refusal::invalid("invalid-document", format!("procedure `{name}` has errors"))
                .diagnostics(loaded.diagnostics));
        }
        Ok(loaded)
    }

    fn scope(&self, args: &NewWaiver) -> Result<Scope, Refusal> {
        let mut scope = Scope::default();
        if !args.parameters.is_empty() {
            let loaded = self.load(&args.procedure)?;
            let name = procedure_name(&args.procedure)?;
            let known = loaded.procedures.get(&name);
            let mut parameters = IndexMap::new();
            for text in &args.parameters {
                let wrong = |why: String| Refusal::invalid("parameters", format!("--parameter {text}: {why}"));
                let (name, value) = text.split_once('=').ok_or_else(|| wrong("expected NAME=VALUE".to_owned()))?;
                let id = Id::parse(name).map_err(|error| wrong(error.to_string()))?;
                let parameter = known.and_then(|procedure| procedure.parameters.get(&id));
                let parameter = parameter.ok_or_else(|| wrong("the procedure has no such parameter".to_owned()))?;
                let value = parameter.read(value).and_then(|value| parameter.accept(&value)).map_err(wrong)?;
                parameters.insert(id, value);
            }
            scope.parameters = Some(parameters);
        }
        if !args.targets.is_empty() {
            let targets = inputs::targets(&args.targets)?;
            scope.targets = Some(targets.into_iter().map(|(name, target)| (name, target.to_string())).collect());
        }
        if let Some(run) = &args.run {
            scope.run = Some(RunId::parse(run).map_err(|error| Refusal::invalid("usage", format!("--run: {error}")))?);
        }
        Ok(scope)
    }

    fn judge(&self, read: &Waiver, signed: &Signed, terms: &Terms) -> Result<(), Error> {
        let rules = Rules::of(&self.workspace.file, self.environment, self.machine.now());
        waiver::judge(&rules, read, signed, terms, &[]).map(drop)
    }

    fn one(&self, path: &Path, signed: &Signed) -> OneView {
        let mut view = OneView {
            file: files::shown(path),
            id: None,
            procedure: None,
            guard: None,
            approver: None,
            not_after: None,
            max_uses: None,
            uses: None,
            signed: signed.signature.is_some(),
            ok: false,
            because: None,
        };
        let read = match waiver::read(signed) {
            Ok(read) => read,
            Err(error) => return OneView { because: Some(error.to_string()), ..view },
        };
        view.id = Some(read.id.clone());
        view.procedure = Some(read.procedure.to_string());
        view.guard = Some(read.guard.clone());
        view.approver = Some(read.approver.to_string());
        view.not_after = Some(read.not_after);
        view.max_uses = Some(read.max_uses);
        let judged = self.terms(read.procedure.as_str(), &read.guard).map_err(|refusal| refusal.message);
        let judged = judged.and_then(|terms| self.judge(&read, signed, &terms).map_err(|error| error.to_string()));
        let uses = self.uses(&read.id).map_err(|refusal| refusal.message);
        view.uses = uses.as_ref().ok().copied();
        let spent = match &uses {
            Ok(uses) if *uses >= u64::from(read.max_uses) => Some(format!("{} was spent before", named(&read))),
            Ok(_) => None,
            Err(why) => Some(format!("its uses cannot be counted: {why}")),
        };
        view.because = judged.err().or(spent);
        view.ok = view.because.is_none();
        view
    }

    fn uses(&self, id: &str) -> Result<u64, Refusal> {
        match own_ledger::records(&self.workspace, &self.machine)? {
            Some(records) => Ok(records.reader.history().uses(Kind::WaiverUsed, id, None)?.0),
            None => Ok(0),
        }
    }

    fn tell_signing(&self, path: &Path, signed: &Signed) {
        if signed.signature.is_none() {
            let path = files::shown(path);
            self.context.ui.note(&format!(
                "it is not signed: `runwarden waiver sign {path}`, or `ssh-keygen -Y sign -n runwarden-waiver@v1 -f KEY {path}`"
            ));
        }
    }

    fn report(&self, waivers: Vec<OneView>) {
        let ui = &self.context.ui;
        if !ui.is_human() {
            let status = if waivers.iter().all(|one| one.ok) { "ok" } else { "refused" };
            return ui.json(&View { status, waivers });
        }
        for one in &waivers {
            let word = if one.ok { ui.out.green("counts") } else { ui.out.red("does not count") };
            let of = |name: &str, value: Option<String>| Some((name.to_owned(), value?));
            let uses = one.max_uses.map(|most| format!("{} of {most}", one.uses.unwrap_or(0)));
            let rows = [
                of(
                    "guard",
                    one.guard.as_ref().zip(one.procedure.as_ref()).map(|(guard, of)| format!("{guard} of {of}")),
                ),
                of("by", one.approver.clone()),
                of("good until", one.not_after.map(|at| at.to_string())),
                of("uses", uses),
                of("because", one.because.clone()),
            ];
            let rows: Vec<_> = rows.into_iter().flatten().collect();
            let id = one.id.as_deref().unwrap_or("no waiver");
            ui.data(&format!("{} ({id}) {word}\n{}", one.file, pairs("  ", &rows)));
        }
    }
}

fn refused(error: Error) -> Refusal {
    Refusal::new(Exit::Rejected, "waiver", error.to_string()).help("nothing was written")
}
