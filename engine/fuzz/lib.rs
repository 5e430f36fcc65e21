//! What is held of every input, target by target. It stands in the engine's tests, where every build asks it of some
//! thousand inputs (`engine/tests/hostile.rs`); here libFuzzer looks for those that nobody thought of.

#[path = "../tests/hostile/bundle.rs"]
pub mod bundle;
#[path = "../tests/hostile/expression.rs"]
pub mod expression;
#[path = "../tests/hostile/foreign_ledger.rs"]
pub mod foreign_ledger;
#[path = "../tests/hostile/json.rs"]
pub mod json;
#[path = "../tests/hostile/json_edits.rs"]
pub mod json_edits;
#[path = "../tests/hostile/ledger_file.rs"]
pub mod ledger_file;
#[path = "../tests/hostile/markdown.rs"]
pub mod markdown;
#[path = "../tests/hostile/note.rs"]
pub mod note;
#[path = "../tests/hostile/signed.rs"]
pub mod signed;
#[path = "../tests/hostile/template.rs"]
pub mod template;
#[path = "../tests/hostile/words.rs"]
pub mod words;
#[path = "../tests/hostile/yaml.rs"]
pub mod yaml;
