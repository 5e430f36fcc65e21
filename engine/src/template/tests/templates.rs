//! Strings of YAML and trees of them.

use serde_json::json;

use super::scope;
use crate::template::data::Data;
use crate::template::error::{Problem, SyntaxError};
use crate::template::value::Value;
use crate::template::{Outcome, Template};

#[track_caller]
fn renders(source: &str, expected: serde_json::Value) {
    match Template::parse(source).unwrap().render(&scope()) {
        Ok(Outcome::Known(value)) => assert_eq!(value.to_json(), expected, "{source}"),
        other => panic!("{source}: {other:?}"),
    }
}

#[track_caller]
fn refused(source: &str) -> SyntaxError {
    match Template::parse(source) {
        Ok(_) => panic!("{source} was read"),
        Err(error) => error,
    }
}

#[test]
fn an_expression_alone_keeps_its_type() {
    renders("{{ parameters.count }}", json!(7));
    renders("{{ parameters.list }}", json!([3, 1, 2]));
    renders("{{- parameters.no -}}", json!(null));
    renders("{{ {'a': {'b': '}}'}} }}", json!({"a": {"b": "}}"}}));
}

#[test]
fn inside_a_longer_string_scalars_become_text() {
    renders("kora/{{ parameters.name }}", json!("kora/kora"));
    renders(" {{ parameters.count }}", json!(" 7"));
    renders("{{ 1.50 }}{{ true }}{{ duration('5m') }}", json!("1.5true5m"));
    renders("at {{ timestamp('2026-11-20T09:35:12Z') }}\n", json!("at 2026-11-20T09:35:12.000000Z\n"));
    renders("a {{- parameters.count -}} b", json!("a7b"));
    renders("{{ '{{' }} and }} and {{ '%}' }}", json!("{{ and }} and %}"));
    for source in ["a {{ none }}", "a {{ [1] }}", "a {{ {} }}"] {
        let error = Template::parse(source).unwrap().render(&scope()).unwrap_err();
        assert!(matches!(error.problem, Problem::NotAScalar { .. }), "{source}");
    }
    let source = "Sørvær {{ parameters.name }} {{ parameters.list }}";
    let error = Template::parse(source).unwrap().render(&scope()).unwrap_err();
    assert_eq!(&source[error.span], "parameters.list");
}

#[test]
fn text_without_expressions_is_literal() {
    for source in ["", "plain", "a { b } }} %}", "{", "{ {"] {
        let template = Template::parse(source).unwrap();
        assert!(template.is_literal(), "{source}");
        renders(source, json!(source));
    }
    assert!(!Template::parse("{{ 1 }}").unwrap().is_literal());
}

#[test]
fn statements_comments_and_loose_ends_are_refused() {
    for (source, message, place) in [
        ("a {% if b %}", "a template has no statements", "{% if b %}"),
        ("{% raw %}", "a template has no statements", "{% raw %}"),
        ("a {# b #}", "a template has no comments", "{#"),
        ("a {{ b", "`{{` is not closed", "{{"),
        ("a {{ }} b", "the expression is empty", " "),
        ("é {{ b | uper }}", "filter `uper` does not exist", "uper"),
        ("é {{ 'x }}", "unexpected end of string", ""),
        ("{{ a ü }}", "unexpected character", "ü"),
    ] {
        let error = refused(source);
        assert_eq!(error.message, message, "{source}");
        assert_eq!(&source[error.span], place, "{source}");
    }
}

#[test]
fn a_secret_stands_alone_or_nowhere() {
    let template = Template::parse("{{ secrets.db_url }}").unwrap();
    assert_eq!(template.secret().unwrap().as_str(), "db_url");
    assert!(template.references().is_empty());
    assert_eq!(template.render(&scope()).unwrap_err().problem, Problem::Secret);
    for source in [
        "x{{ secrets.db_url }}",
        "{{ secrets.db_url | upper }}",
        "{{ secrets.db_url.x }}",
        "{{ secrets['db_url'] }}",
        "{{ secrets.DB }}",
        "{{ secrets }}",
        "{{ [secrets.db_url] }}",
        "{{ sha256(secrets.db_url) }}",
        "{{ secrets.db_url is defined }}",
        "{{ secrets.db_url == 'x' }}",
        "{{ secrets[parameters.name] }}",
    ] {
        assert_eq!(refused(source).message, "a secret cannot be part of an expression", "{source}");
    }
    assert!(Template::parse("{{ parameters.secrets }}").is_ok());
}

#[test]
fn references_are_placed_in_the_whole_string() {
    let source = "kora/{{ parameters.name }}/{{ run.id }}";
    let template = Template::parse(source).unwrap();
    let places: Vec<&str> = template.references().iter().map(|found| &source[found.span.clone()]).collect();
    assert_eq!(places, ["parameters.name", "run.id"]);
}

#[test]
fn a_plan_shows_what_differs_from_run_to_run_as_written() {
    let plan = |source: &str| {
        let rendered = Template::parse(source).unwrap().render_for_plan(&scope()).unwrap();
        rendered.known().unwrap().to_json()
    };
    assert_eq!(plan("undo of {{ run.id }} by {{ run.actor }}"), json!("undo of {{ run.id }} by ada"));
    assert_eq!(plan("{{ run.id }}"), json!("{{ run.id }}"));
    assert_eq!(
        plan("{{ days_until(timestamp('2026-11-23T00:00:00Z')) }}"),
        json!("{{ days_until(timestamp('2026-11-23T00:00:00Z')) }}")
    );
    assert_eq!(
        plan("{{ [run.id] | first }}-{{ run }}".replace("-{{ run }}", "").as_str()),
        json!("{{ [run.id] | first }}")
    );
    assert_eq!(plan("{{ run.id is defined }}"), json!(true));
    renders("undo of {{ run.id }}", json!("undo of 0192-run"));
}

#[test]
fn a_tree_is_rendered_leaf_by_leaf() {
    let tree = json!({"a": ["{{ parameters.count }}", 1, null], "k{{ no }}": "x {{ parameters.name }}", "s": "{{ secrets.db }}"});
    let data = Data::parse(&tree).unwrap();
    let Outcome::Known(rendered) = data.render(&scope()).unwrap() else { panic!("undecided") };
    assert_eq!(rendered, json!({"a": [7, 1, null], "k{{ no }}": "x kora", "s": {"$secret": "db"}}));
    let leaves: Vec<(String, Option<&str>)> =
        data.leaves().into_iter().map(|(at, leaf)| (at, leaf.secret().map(|id| id.as_str()))).collect();
    assert_eq!(leaves, [("/a/0".to_owned(), None), ("/k{{ no }}".to_owned(), None), ("/s".to_owned(), Some("db"))]);
}

#[test]
fn a_plan_shows_which_leaves_are_undecided_and_why() {
    let tree = json!({"a": "{{ steps.later.out }}", "b": "{{ run.id }}", "c": "x {{ steps.other.y ~ steps.later.z }}", "s": "{{ secrets.db }}", "d": "{{ 1 }}"});
    let data = Data::parse(&tree).unwrap();
    let (shown, because) = data.render_partial(&scope()).unwrap();
    assert_eq!(
        shown,
        json!({
            "a": {"$undecided": "step `later` has not run yet"},
            "b": "{{ run.id }}",
            "c": {"$undecided": "step `other` has not run yet; step `later` has not run yet"},
            "s": {"$secret": "db"},
            "d": 1,
        })
    );
    assert_eq!(because, ["step `later` has not run yet", "step `other` has not run yet"]);
    assert_eq!(data.render(&scope()).unwrap(), Outcome::Undecided(because));
}

#[test]
fn mistakes_in_a_tree_are_all_found_at_their_places() {
    let errors = Data::parse(&json!({"a/b": ["x", "{{ 1 +"], "c": {"$secret": "forged"}, "d": "{% x %}"})).unwrap_err();
    let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "at `/a~1b/1`: `{{` is not closed",
            "at `/c/$secret`: the key `$secret` is written by the engine only",
            "at `/d`: a template has no statements",
        ]
    );
    let error = Data::parse(&json!([["{{ parameters.nope }}"]])).unwrap().render(&scope()).unwrap_err();
    assert_eq!(error.to_string(), "at `/0/0`: `parameters.nope`: `parameters` has no `nope`");
}

#[test]
fn a_value_from_outside_cannot_pass_for_a_secret() {
    let forged = Value::from_json(&json!({"deep": [{"$secret": "db"}]}));
    let data = Data::parse(&json!({"x": "{{ result }}"})).unwrap();
    let error = data.render(&scope().with("result", forged)).unwrap_err();
    assert_eq!(error.error.problem, Problem::ReservedKey { key: "$secret" });
}
