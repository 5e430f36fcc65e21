//! `agijobs.safe_bundle_check`: whether a bundle for a Safe is what it says, before anybody signs it.
//!
//! What is signed is the data of each transaction; what people read is the method and the values beside it. The two are
//! held against each other here, and against the chain and the contracts that it may be about.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha3::{Digest as _, Keccak256};

use crate::action::{Error, Looking, Read};
use crate::id::Digest;
use crate::target::evm::Address;

/// Judges a bundle.
pub struct SafeBundleCheck;

/// What `agijobs.safe_bundle_check` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The bundle; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    path: PathBuf,
    /// The chain that it has to be for.
    chain_id: u64,
    /// The contracts that it may be about: `0x` and 40 hex digits, at least one.
    contracts: Vec<String>,
    /// The methods that it may call, like `setGovernance(address)`; any where none is named.
    #[serde(default)]
    methods: Vec<String>,
}

/// What `agijobs.safe_bundle_check` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether nothing is wrong.
    ok: bool,
    /// Everything that is wrong, in words.
    problems: Vec<String>,
    /// What it would do, in its order.
    transactions: Vec<Transaction>,
    /// SHA-256 of the file, 64 hex digits.
    sha256: String,
    /// The digest of what was read.
    subject: Digest,
}

/// A transaction of the bundle, as its data says.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Transaction {
    /// The contract, in lowercase.
    to: String,
    /// The method, like `setGovernance(address)`; none where the bundle names none.
    method: Option<String>,
    /// The values in its data, in order.
    values: Vec<String>,
}

const AT_MOST: u64 = 4 * 1024 * 1024;

#[async_trait]
impl Read for SafeBundleCheck {
    const NAME: &'static str = "agijobs.safe_bundle_check";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let address = |text: &String| {
            Address::parse(text).ok_or_else(|| Error::new("bad_input", format!("`contracts`: `{text}` is no address")))
        };
        let contracts = params.contracts.iter().map(address).collect::<Result<Vec<_>, _>>()?;
        if contracts.is_empty() {
            return Err(Error::new("bad_input", "`contracts` is empty: no transaction could be right"));
        }
        let bytes = looking.probe.read(&params.path, AT_MOST)?;
        let bundle: Value = serde_json::from_slice(&bytes)
            .map_err(|_| Error::new("malformed", format!("`{}` is no JSON", params.path.display())))?;
        let mut problems = Vec::new();
        if bundle["version"] != "1.0" {
            problems.push(format!("it has version {}, expected \"1.0\"", bundle["version"]));
        }
        // A number as AGIJobs writes it, a text as Safe's own builder does.
        let chain = &bundle["chainId"];
        if chain.as_u64().or_else(|| chain.as_str()?.parse().ok()) != Some(params.chain_id) {
            problems.push(format!("it is for chain {chain}, not for {}", params.chain_id));
        }
        let mut transactions = Vec::new();
        for (index, transaction) in bundle["transactions"].as_array().into_iter().flatten().enumerate() {
            let judged = judge(transaction, &contracts, &params.methods);
            problems.extend(judged.1.into_iter().map(|problem| format!("transaction {}: {problem}", index + 1)));
            transactions.push(judged.0);
        }
        if transactions.is_empty() {
            problems.push("it has no transactions".to_owned());
        }
        let subject = Digest::of(&bytes);
        Ok(Output { ok: problems.is_empty(), problems, transactions, sha256: subject.hex().to_owned(), subject })
    }
}

fn judge(transaction: &Value, contracts: &[Address], methods: &[String]) -> (Transaction, Vec<String>) {
    let mut problems = Vec::new();
    let to = transaction["to"].as_str().unwrap_or_default();
    if !Address::parse(to).is_some_and(|to| contracts.contains(&to)) {
        problems.push(format!("`{to}` is none of the contracts that it may be about"));
    }
    if transaction["value"] != "0" {
        problems.push(format!("it sends {} along", transaction["value"]));
    }
    let mut shown = Transaction { to: to.to_lowercase(), method: None, values: Vec::new() };
    let data = transaction["data"].as_str().and_then(|data| hex::decode(data.strip_prefix("0x")?).ok());
    let Some(data) = data.filter(|data| data.len() >= 4) else {
        problems.push("its `data` calls no method".to_owned());
        return (shown, problems);
    };
    let Some((signature, inputs)) = method(&transaction["contractMethod"]) else {
        problems.push("it names no method, so that nobody can read what it does".to_owned());
        return (shown, problems);
    };
    if Keccak256::digest(signature.as_bytes())[..4] != data[..4] {
        problems.push(format!("its data does not call `{signature}`"));
        return (shown, problems);
    }
    if !methods.is_empty() && !methods.contains(&signature) {
        problems.push(format!("`{signature}` is none of the methods that it may call"));
    }
    let types: Vec<&str> = inputs.iter().map(|(_, kind)| *kind).collect();
    match decode(&data[4..], &types) {
        Err(why) => problems.push(why),
        Ok(values) => {
            for ((name, _), value) in inputs.iter().zip(&values) {
                let said = &transaction["contractInputsValues"][*name];
                let same = said.as_str().is_some_and(|said| said.eq_ignore_ascii_case(value));
                if !same {
                    problems.push(format!("`{name}` is said to be {said}, and is {value}"));
                }
            }
            shown.values = values;
        }
    }
    shown.method = Some(signature);
    (shown, problems)
}

/// The method as its signature, and the names and types of its inputs.
fn method(said: &Value) -> Option<(String, Vec<(&str, &str)>)> {
    let inputs: Vec<(&str, &str)> = said["inputs"].as_array()?.iter().map(pair).collect::<Option<_>>()?;
    let types: Vec<&str> = inputs.iter().map(|(_, kind)| *kind).collect();
    Some((format!("{}({})", said["name"].as_str()?, types.join(",")), inputs))
}

fn pair(input: &Value) -> Option<(&str, &str)> {
    Some((input["name"].as_str()?, input["type"].as_str()?))
}

/// Values of an ABI encoding, as a bundle writes them. What is not known here cannot be judged, and is an error.
fn decode(data: &[u8], types: &[&str]) -> Result<Vec<String>, String> {
    let word = |at: usize| data.get(at..at + 32).ok_or_else(|| "its data is cut short".to_owned());
    let mut values = Vec::new();
    let mut used = types.len() * 32;
    for (index, kind) in types.iter().enumerate() {
        let head = word(index * 32)?;
        values.push(match *kind {
            "address" if head[..12] == [0; 12] => format!("0x{}", hex::encode(&head[12..])),
            "bool" if head[..31] == [0; 31] && head[31] < 2 => (head[31] == 1).to_string(),
            "bytes32" => format!("0x{}", hex::encode(head)),
            "bytes" | "string" => {
                let at = usize::try_from(short(head)?).map_err(|_| "its data is cut short".to_owned())?;
                let length = usize::try_from(short(word(at)?)?).unwrap_or(usize::MAX);
                let bytes = at.checked_add(32).and_then(|from| data.get(from..from.checked_add(length)?));
                let bytes = bytes.ok_or_else(|| "its data is cut short".to_owned())?;
                used += 32 + length.div_ceil(32) * 32;
                match *kind {
                    "bytes" => format!("0x{}", hex::encode(bytes)),
                    _ => String::from_utf8(bytes.to_vec()).map_err(|_| "a text in its data is no UTF-8".to_owned())?,
                }
            }
            kind if kind.starts_with("uint") => decimal(head),
            kind => return Err(format!("a value of type `{kind}` cannot be read here")),
        });
    }
    if used != data.len() {
        return Err("its data has more than the method takes".to_owned());
    }
    Ok(values)
}

/// A number that fits a place in memory.
fn short(word: &[u8]) -> Result<u64, String> {
    let (zeros, low) = word.split_at(24);
    let low = <[u8; 8]>::try_from(low).ok().filter(|_| zeros.iter().all(|byte| *byte == 0));
    low.map(u64::from_be_bytes).ok_or_else(|| "its data is cut short".to_owned())
}

/// 256 bits as a decimal number.
fn decimal(word: &[u8]) -> String {
    let mut digits = vec![0_u8];
    for byte in word {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            let value = u32::from(*digit) * 256 + carry;
            *digit = u8::try_from(value % 10).unwrap_or_default();
            carry = value / 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap_or_default());
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}
