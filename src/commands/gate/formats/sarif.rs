//! A gate's result as SARIF 2.1.0: a rule per item, a result per item that is not met, a suppressed one per waiver.

use engine::event::gate::ItemStatus;
use serde::Serialize;

use super::super::report::{Checklist, Item, Report};
use crate::refusal::Refusal;

pub fn render(report: &Report) -> Result<String, Refusal> {
    let checklists = &report.checklists;
    let rules = checklists.iter().flat_map(|checklist| {
        let items = checklist.items.iter().map(|item| Rule {
            id: rule_id(checklist, item),
            short_description: Text { text: item.words().to_owned() },
            help: item.help.clone().map(|text| Text { text }),
        });
        items.chain(std::iter::once(Rule {
            id: checklist.name.to_string(),
            short_description: Text { text: checklist.title.clone() },
            help: None,
        }))
    });
    let results = checklists.iter().flat_map(|checklist| {
        let items = checklist.items.iter().filter_map(|item| of_item(checklist, item));
        let gate = checklist.shut_otherwise().map(|error| Finding {
            rule_id: checklist.name.to_string(),
            kind: "fail",
            level: "error",
            message: Text { text: error.message.clone() },
            locations: locations(checklist, Some(1)),
            suppressions: Vec::new(),
        });
        items.chain(gate).collect::<Vec<_>>()
    });
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: vec![Run {
            tool: Tool {
                driver: Driver {
                    name: "runwarden",
                    version: env!("CARGO_PKG_VERSION"),
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules: rules.collect(),
                },
            },
            invocations: vec![Invocation { execution_successful: true, exit_code: report.exit().code() }],
            results: results.collect(),
        }],
    };
    Ok(format!("{}\n", serde_json::to_string_pretty(&log).map_err(Refusal::internal)?))
}

fn rule_id(checklist: &Checklist, item: &Item) -> String {
    format!("{}/{}", checklist.name, item.id)
}

fn of_item(checklist: &Checklist, item: &Item) -> Option<Finding> {
    let suppressions = match item.status {
        ItemStatus::Failed | ItemStatus::Undecidable => Vec::new(),
        ItemStatus::Waived => {
            vec![Suppression { kind: "external", justification: item.detail.clone().unwrap_or_default() }]
        }
        ItemStatus::Passed | ItemStatus::Skipped => return None,
    };
    let detail = item.detail.as_deref().unwrap_or("it is not met");
    Some(Finding {
        rule_id: rule_id(checklist, item),
        kind: "fail",
        level: if item.required { "error" } else { "warning" },
        message: Text { text: format!("{}: {detail}", item.words()) },
        locations: locations(checklist, item.line),
        suppressions,
    })
}

fn locations(checklist: &Checklist, line: Option<usize>) -> Vec<Location> {
    let place = |(file, start_line): (&String, usize)| Location {
        physical_location: Physical { artifact_location: Artifact { uri: uri(file) }, region: Region { start_line } },
    };
    checklist.file.as_ref().zip(line).map(place).into_iter().collect()
}

/// A path as a URI reference.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: Vec<Run>,
}

#[derive(Serialize)]
struct Run {
    tool: Tool,
    invocations: Vec<Invocation>,
    results: Vec<Finding>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Text>,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    exit_code: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: String,
    kind: &'static str,
    level: &'static str,
    message: Text,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    justification: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
}
