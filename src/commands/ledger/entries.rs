//! `ledger show` and `ledger tail`: entries as they are written down.

use engine::event::Kind;
use engine::id::RunId;
use engine::ledger::reader::{Filter, Stored};
use engine::target::corvusforge::entry::Entry as CorvusEntry;
use engine::target::corvusforge::listing::Filter as CorvusFilter;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::{Context, copy, copy_corvus, lines, place};
use crate::args::{Driver, Format, Show, Tail};
use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::ui::inline;

/// What `ledger show` and `ledger tail` say in JSON; for `ndjson` each entry is a line of its own.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The entries, in the order they were written.
    pub(super) entries: Vec<Json>,
}

/// What is asked for, in any driver's words.
pub(super) struct Wanted<'a> {
    pub run: Option<&'a str>,
    pub kind: Option<&'a str>,
    pub from: u64,
    pub limit: Option<u64>,
    pub newest: bool,
}

pub fn show(context: &Context, args: &Show) -> Result<Exit, Refusal> {
    let wanted = Wanted {
        run: args.run.as_deref(),
        kind: args.kind.as_deref(),
        from: args.from,
        limit: args.limit,
        newest: false,
    };
    let place = place(context, &args.whose)?;
    match args.whose.driver {
        Driver::Runwarden => own(context, &place.path, &wanted),
        Driver::Corvusforge => corvus(context, &place.path, &wanted),
        Driver::HashChain | Driver::DigestLog => lines::show(context, &place.path, &args.whose, &wanted),
    }
}

pub fn tail(context: &Context, args: &Tail) -> Result<Exit, Refusal> {
    let wanted = Wanted { run: None, kind: None, from: 0, limit: Some(args.count), newest: true };
    let place = place(context, &args.whose)?;
    match args.whose.driver {
        Driver::Runwarden => own(context, &place.path, &wanted),
        Driver::Corvusforge => corvus(context, &place.path, &wanted),
        Driver::HashChain | Driver::DigestLog => lines::show(context, &place.path, &args.whose, &wanted),
    }
}

fn own(context: &Context, path: &std::path::Path, wanted: &Wanted<'_>) -> Result<Exit, Refusal> {
    let copied = copy(path)?;
    let run = match wanted.run {
        None => None,
        Some(asked) => Some(super::super::runs::find(&copied.reader, asked)?.ok_or_else(|| no_run(asked))?),
    };
    let kind = wanted.kind.map(kind).transpose()?;
    let filter = Filter {
        run: run.as_ref(),
        kind,
        from: wanted.from,
        limit: wanted.limit,
        newest_first: wanted.newest,
        any_seq: false,
    };
    let mut entries = copied.reader.entries(&filter)?;
    if wanted.newest {
        entries.reverse();
    }
    let ui = &context.ui;
    match ui.format {
        Format::Human => entries.iter().for_each(|stored| ui.data(&line(stored))),
        // An entry is shown byte for byte as it is stored and hashed.
        Format::Ndjson => {
            entries.iter().for_each(|stored| ui.raw(&format!("{}\n", String::from_utf8_lossy(&stored.body))))
        }
        Format::Json => {
            let parsed = |stored: &Stored| serde_json::from_slice(&stored.body).unwrap_or(Json::Null);
            ui.json(&View { entries: entries.iter().map(parsed).collect() });
        }
    }
    Ok(Exit::Done)
}

pub fn no_run(asked: &str) -> Refusal {
    Refusal::new(Exit::Failed, "unknown-run", format!("the ledger has no run `{asked}`"))
        .help("`runwarden runs` shows what there is; `last` is the newest")
}

fn kind(text: &str) -> Result<Kind, Refusal> {
    Kind::parse(text).ok_or_else(|| {
        let refusal = Refusal::invalid("usage", format!("there is no kind of entry `{text}`"));
        match engine::diagnostic::did_you_mean(text, Kind::ALL.iter().map(|kind| kind.as_str())) {
            Some(near) => refusal.help(format!("did you mean `{near}`?")),
            None => refusal,
        }
    })
}

fn line(stored: &Stored) -> String {
    match engine::ledger::entry::read(&stored.body) {
        Ok(entry) => {
            let run = entry.run.as_ref().map(|run| format!(" {}", short(run))).unwrap_or_default();
            let step = entry.step.map(|step| format!(" {step}")).unwrap_or_default();
            let data = inline(&Json::Object(entry.data));
            format!("{:>6} {} {}{run}{step} {data}", stored.seq, entry.ts, entry.kind.as_str())
        }
        // Shown as it is: what is damaged is the most interesting.
        Err(why) => format!("{:>6} (no entry: {why}) {}", stored.seq, String::from_utf8_lossy(&stored.body)),
    }
}

/// The end of a run's id, which differs also between runs of the same minute.
fn short(run: &RunId) -> &str {
    run.as_str().rsplit('-').next().unwrap_or(run.as_str())
}

fn corvus(context: &Context, path: &std::path::Path, wanted: &Wanted<'_>) -> Result<Exit, Refusal> {
    if let Some(kind) = wanted.kind {
        return Err(Refusal::invalid(
            "usage",
            format!("entries of Corvusforge have no kind; `--kind {kind}` is of no use"),
        ));
    }
    let copied = copy_corvus(path)?;
    let ledger = copied.ledger?;
    let filter = CorvusFilter { run: wanted.run.map(str::to_owned), ..CorvusFilter::default() };
    let mut entries = ledger.entries(&filter)?;
    entries.retain(|entry| u64::try_from(entry.id).map_or(true, |id| id >= wanted.from));
    if let Some(limit) = wanted.limit.and_then(|limit| usize::try_from(limit).ok()) {
        if wanted.newest {
            entries.drain(..entries.len().saturating_sub(limit));
        } else {
            entries.truncate(limit);
        }
    }
    if let (Some(run), true) = (wanted.run, entries.is_empty()) {
        return Err(no_run(run));
    }
    let ui = &context.ui;
    match ui.format {
        Format::Human => entries.iter().for_each(|entry| ui.data(&corvus_line(entry))),
        Format::Ndjson => entries.iter().for_each(|entry| ui.json(entry)),
        Format::Json => {
            let entries = entries.iter().map(|entry| serde_json::to_value(entry).unwrap_or(Json::Null)).collect();
            ui.json(&View { entries });
        }
    }
    Ok(Exit::Done)
}

fn corvus_line(entry: &CorvusEntry) -> String {
    format!(
        "{:>6} {} {} {} {} {}",
        entry.id, entry.timestamp_utc, entry.run_id, entry.stage_id, entry.state_transition, entry.entry_hash
    )
}
