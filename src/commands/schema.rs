//! `schema`: JSON Schemas of what is read and written.

use std::path::Path;

use engine::action::Registry;
use engine::bundle::Bundle;
use engine::bundle::attestation::Statement;
use engine::diagnostic::did_you_mean;
use engine::parse;
use engine::plan::View as PlanView;
use engine::sign::dsse::Envelope;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value as Json, json};

use super::{
    Context, RefusalView, actions, anchor, approve, cancel, check, docs, doctor, explain, fmt, gate, import, init, key,
    ledger, list, locks, new, resume, run as running, runs, show, test, verify_bundle, waiver,
};
use crate::args::Schema;
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::ui::progress::EventLine;

pub fn run(context: &Context, args: &Schema) -> Result<Exit, Refusal> {
    let ui = &context.ui;
    if let Some(folder) = &args.write {
        let count = write(folder)?;
        ui.note(&format!("wrote {count} schemas to {}", files::shown(folder)));
        return Ok(Exit::Done);
    }
    match &args.kind {
        None => {
            let names: Vec<String> = all().into_iter().map(|(name, _)| name).collect();
            if ui.is_human() { ui.data(&names.join("\n")) } else { ui.json(&names) }
        }
        Some(kind) if kind == "actions" => {
            let of = |(name, make): (String, Make)| Some((name.strip_prefix("actions/")?.to_owned(), make()));
            let schemas: Map<String, Json> = all().into_iter().filter_map(of).collect();
            ui.json(&schemas);
        }
        Some(kind) => {
            let found = all().into_iter().find(|(name, _)| name == kind);
            let (_, make) = found.ok_or_else(|| unknown(kind))?;
            ui.json(&make());
        }
    }
    Ok(Exit::Done)
}

fn unknown(kind: &str) -> Refusal {
    let names: Vec<String> = all().into_iter().map(|(name, _)| name).collect();
    let refusal = Refusal::invalid("usage", format!("there is no schema `{kind}`"));
    match did_you_mean(kind, names.iter().map(String::as_str).chain(["actions"])) {
        Some(near) => refusal.help(format!("did you mean `{near}`?")),
        None => refusal.help("`runwarden schema` shows what there is"),
    }
}

fn write(folder: &Path) -> Result<usize, Refusal> {
    let all = all();
    let count = all.len();
    for (name, make) in all {
        let path = folder.join(format!("{name}.schema.json"));
        if let Some(above) = path.parent() {
            files::make_folder(above)?;
        }
        let mut text = serde_json::to_string_pretty(&make()).map_err(Refusal::internal)?;
        text.push('\n');
        files::replace(&path, text.as_bytes())?;
    }
    Ok(count)
}

type Make = Box<dyn FnOnce() -> Json>;

/// Every schema by its name: a path below the folder that `--write` fills.
fn all() -> Vec<(String, Make)> {
    let mut all: Vec<(String, Make)> = Vec::new();
    for kind in parse::Kind::ALL {
        all.push((kind.as_str().to_owned(), Box::new(move || parse::schema::schema(kind))));
    }
    let mut of = |name: &str, make: fn() -> Json| all.push((name.to_owned(), Box::new(make)));
    of("plan", generate::<PlanView>);
    of("events", generate::<EventLine<'static>>);
    of("bundle", bundle);
    of("output/intoto", generate::<Envelope>);
    of("output/intoto_statement", generate::<Statement>);
    of("output/runs_bundle", generate::<runs::bundle::View>);
    of("output/verify_bundle", generate::<verify_bundle::View>);
    of("output/actions", generate::<actions::View>);
    of("output/action", generate::<actions::OneView>);
    of("output/anchor_export", generate::<anchor::own::View>);
    of("output/anchor_fetch", generate::<anchor::stores::FetchView>);
    of("output/anchor_store", generate::<anchor::stores::View>);
    of("output/anchor_verify", generate::<anchor::View>);
    of("output/approve", generate::<approve::View>);
    of("output/cancel", generate::<cancel::View>);
    of("output/check", generate::<check::View>);
    of("output/docs", generate::<docs::View>);
    of("output/doctor", generate::<doctor::View>);
    of("output/exit_codes", generate::<Vec<explain::View>>);
    of("output/explain", generate::<explain::View>);
    of("output/fmt", generate::<fmt::View>);
    of("output/gate", generate::<gate::View>);
    of("output/import", generate::<import::View>);
    of("output/init", generate::<init::View>);
    of("output/key_generate", generate::<key::OneView>);
    of("output/key_show", generate::<key::View>);
    of("output/ledger_backup", generate::<ledger::backup::View>);
    of("output/key_revoke", generate::<key::revoke::View>);
    of("output/key_rotate", generate::<key::rotate::View>);
    of("output/key_trust", generate::<key::trust::View>);
    of("output/ledger_checkpoint", generate::<ledger::checkpoint::View>);
    of("output/ledger_consistency", generate::<ledger::consistency::View>);
    of("output/ledger_entries", generate::<ledger::entries::View>);
    of("output/ledger_forensic", generate::<ledger::forensic::View>);
    of("output/ledger_head", generate::<ledger::head::View>);
    of("output/ledger_incident", generate::<ledger::incident::View>);
    of("output/ledger_prove", generate::<ledger::prove::View>);
    of("output/ledger_tiles", generate::<ledger::export::View>);
    of("output/ledger_head_corvusforge", generate::<ledger::head::CorvusView>);
    of("output/ledger_verify", generate::<engine::ledger::report::Report>);
    of("output/list", generate::<list::View>);
    of("output/locks", generate::<locks::View>);
    of("output/locks_break", generate::<locks::BrokenView>);
    of("output/new", generate::<new::View>);
    of("output/refusal", generate::<RefusalView>);
    of("output/report", generate::<engine::report::Report>);
    of("output/resume_plan", generate::<resume::View>);
    of("output/run", generate::<running::outcome::View>);
    of("output/run_record", generate::<runs::RecordView>);
    of("output/runs", generate::<runs::View>);
    of("output/show", generate::<show::View>);
    of("output/test", generate::<test::View>);
    of("output/waiver", generate::<waiver::View>);
    of("output/waiver_list", generate::<waiver::used::View>);
    for action in Registry::builtin().iter() {
        let name = action.name;
        let of = move |pick: fn(&engine::action::Action) -> &Json| {
            move || Registry::builtin().get(name).map_or(Json::Null, |action| pick(action).clone())
        };
        all.push((format!("actions/{name}.params"), Box::new(of(|action| action.params()))));
        all.push((format!("actions/{name}.output"), Box::new(of(|action| action.output()))));
    }
    all
}

/// Of a bundle, with the digest that is over all the rest.
fn bundle() -> Json {
    let mut schema = generate::<Bundle>();
    let description = "SHA-256 over the RFC 8785 form of everything else.";
    schema["properties"]["digest"] =
        json!({ "description": description, "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" });
    if let Some(required) = schema["required"].as_array_mut() {
        required.push("digest".into());
    }
    schema
}

fn generate<T: JsonSchema>() -> Json {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().into()
}
