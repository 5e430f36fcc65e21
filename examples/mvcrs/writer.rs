//! MV-CRS's files as its own code spells them: the log, the seal over it, summary, telemetry, thresholds and policy.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// In what state a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Twelve entries, sealed; summary and telemetry agree.
    Clean,
    /// No entries, and a seal that was never made.
    Virgin,
    /// A deviation was edited after the seal.
    Edited,
    /// One entry more than was sealed.
    Unsealed,
    /// Three critical entries in a row.
    Three,
}

impl State {
    /// The state of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "clean" => Some(Self::Clean),
            "virgin" => Some(Self::Virgin),
            "edited" => Some(Self::Edited),
            "unsealed" => Some(Self::Unsealed),
            "three" => Some(Self::Three),
            _ => None,
        }
    }

    fn entries(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::Virgin => &[],
            Self::Three => &[("soft", 0.06), ("critical", 0.31), ("critical", 0.4), ("critical", 0.52), ("soft", 0.05)],
            Self::Clean | Self::Edited | Self::Unsealed => {
                &[("soft", 0.05), ("soft", 0.061), ("material", 0.15), ("soft", 0.07), ("soft", 0.1), ("material", 0.2)]
            }
        }
    }
}

/// One line of the log, its keys sorted, as `json.dumps(…, sort_keys=True, separators=(",", ":"))` writes it.
fn line(number: usize, level: &str, deviation: f64) -> String {
    let entry = json!({
        "deviation": deviation, "event": "challenge", "id": format!("9b2f4c1e-0000-4000-8000-{number:012}"),
        "level": level, "resolution": if level == "soft" { "auto" } else { "open" },
        "ts": 1_795_100_000 + 3600 * number as u64,
    });
    entry.to_string()
}

/// Writes the project's folder.
pub fn write(folder: &Path, state: State) -> io::Result<()> {
    let state_dir = folder.join("state");
    for part in ["state", "observatory/metrics", "policy", "docs"] {
        fs::create_dir_all(folder.join(part))?;
    }
    let entries = state.entries();
    let mut lines: Vec<String> =
        entries.iter().enumerate().map(|(number, (level, deviation))| line(number, level, *deviation)).collect();
    let digest = lines.iter().fold(Sha256::new(), |digest, line| digest.chain_update(line));
    let hex: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let seal = match state {
        State::Virgin => json!({ "last_updated": null, "count": 0, "chain_hash": "" }),
        _ => json!({ "chain_hash": hex, "count": lines.len(), "last_updated": 1_795_168_016 }),
    };
    match state {
        State::Edited => lines[2] = lines[2].replace("0.15", "0.04"),
        State::Unsealed => lines.push(line(lines.len(), "soft", 0.06)),
        State::Clean | State::Virgin | State::Three => {}
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(state_dir.join("challenge_events.jsonl"), text)?;
    put(&state_dir.join("challenges_chain_meta.json"), &seal)?;
    let config = json!({
        "deviation_threshold_soft": 0.05, "deviation_threshold_material": 0.15, "deviation_threshold_critical": 0.3,
        "human_review_policy": { "auto_issue": true, "issue_labels": ["mvcrs"] }, "max_auto_trust_locks_per_day": 1,
    });
    put(&state_dir.join("mvcrs_config.json"), &config)?;
    put(&state_dir.join("challenge_summary.json"), &summary(entries))?;
    let header = "timestamp,level,resolution,primary_confidence,secondary_confidence,tertiary_confidence,deviation\n";
    let rows = entries.iter().map(|(level, deviation)| format!("1795100000,{level},open,0.9,0.8,0.75,{deviation}\n"));
    let telemetry = format!("{header}{}\n", rows.collect::<String>());
    fs::write(folder.join("observatory/metrics/mvcrs_challenges.csv"), telemetry)?;
    put(
        &folder.join("policy/trust_guard_policy.json"),
        &json!({ "lock_window_minutes": 60, "max_manual_unlocks_per_day": 2 }),
    )?;
    fs::write(folder.join("docs/audit_summary.md"), "# Audit summary\n<!-- MVCRS_STATE: OK 2026-11-19T00:00:00Z -->\n")
}

fn summary(entries: &[(&str, f64)]) -> Value {
    let count = |level: &str| entries.iter().filter(|(known, _)| *known == level).count();
    let sum: f64 = entries.iter().map(|(_, deviation)| deviation).sum();
    let average = if entries.is_empty() { 0.0 } else { (sum / entries.len() as f64 * 1e6).round() / 1e6 };
    json!({
        "avg_deviation": average, "daily_challenge_count": entries.len(), "last_level": null,
        "last_updated": 1_795_168_016, "open_critical": count("critical"), "open_material": count("material"),
    })
}

fn put(path: &Path, value: &Value) -> io::Result<()> {
    fs::write(path, format!("{value}\n"))
}
