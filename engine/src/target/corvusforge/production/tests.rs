//! Production is one exact word, two keys, and nothing that is not known.

use std::collections::BTreeMap;

use super::judge;

const ROOT: &str = "214bcc59ac50c05ce19a237e4b72b275a4bd8a27123281c3880f79b43fb065f8";
const WAIVER: &str = "995371c55cbd5407447e813273a65ffda114b3b77d0227d999e7bc1167031bd1";

fn good() -> BTreeMap<String, String> {
    [
        ("CORVUSFORGE_ENVIRONMENT", "production"),
        ("CORVUSFORGE_PLUGIN_TRUST_ROOT", ROOT),
        ("CORVUSFORGE_WAIVER_SIGNING_KEY", WAIVER),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn codes(values: &BTreeMap<String, String>) -> Vec<String> {
    let names: Vec<String> = values.keys().cloned().collect();
    judge(values, &names).problems.into_iter().map(|problem| problem.code).collect()
}

#[track_caller]
fn with(name: &str, value: &str, expected: &[&str]) {
    let mut values = good();
    values.insert(name.to_owned(), value.to_owned());
    assert_eq!(codes(&values), expected, "{name}={value}");
}

#[test]
fn production_with_two_keys_has_no_problem() {
    assert!(codes(&good()).is_empty());
    with("CORVUSFORGE_DEBUG", "false", &[]);
    with("CORVUSFORGE_SAOE_ANYTHING", "1", &[]);
    with("OTHER", "1", &[]);
}

#[test]
fn any_other_word_is_development() {
    for word in ["Production", "prod", "development", "", " production"] {
        with("CORVUSFORGE_ENVIRONMENT", word, &["not_production"]);
    }
    assert_eq!(judge(&BTreeMap::new(), &[]).environment, "development");
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    with("CORVUSFORGE_DEBUG", "yes", &["debug"]);
    with("CORVUSFORGE_DEBUG", "perhaps", &["debug"]);
    with("CORVUSFORGE_PLUGIN_TRUST_ROOT", "", &["no_key"]);
    with("CORVUSFORGE_PLUGIN_TRUST_ROOT", "abc", &["bad_key"]);
    with("CORVUSFORGE_PLUGIN_TRUST_ROOT", &"00".repeat(32), &["bad_key"]);
    with("CORVUSFORGE_WAIVER_SIGNING_KEY", ROOT, &["same_key"]);
    with("CORVUSFORGE_TYPO", "1", &["unknown_variable"]);
    assert_eq!(codes(&BTreeMap::new()), ["not_production", "no_key", "no_key"]);
}
