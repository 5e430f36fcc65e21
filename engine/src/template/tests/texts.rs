//! Prose with statements.

use super::scope;
use crate::template::Outcome;
use crate::template::error::Problem;
use crate::template::text::Text;

#[track_caller]
fn writes(source: &str, expected: &str) {
    match Text::parse(source).unwrap().render(&scope()) {
        Ok(Outcome::Known(text)) => assert_eq!(text, expected, "{source}"),
        other => panic!("{source}: {other:?}"),
    }
}

#[track_caller]
fn fails(source: &str) -> Problem {
    match Text::parse(source).unwrap().render(&scope()) {
        Err(error) => error.problem,
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn text_is_written_with_its_values() {
    writes("Count {{ parameters.count }} of {{ parameters.name }}.\n", "Count 7 of kora.\n");
    writes("", "");
}

#[test]
fn if_takes_the_first_arm_that_holds() {
    let source =
        |condition: &str| format!("{{% if {condition} %}}a{{% elif parameters.flag %}}b{{% else %}}c{{% endif %}}!");
    writes(&source("true"), "a!");
    writes(&source("parameters.count > 9"), "b!");
    writes("{% if false %}a{% else %}c{% endif %}", "c");
    writes("{% if false %}a{% endif %}", "");
    writes("x\n{%- if true %} y {%- endif %}\n", "x y\n");
    writes("{% if parameters.count % 2 == 1 %}odd{% endif %}", "odd");
    writes("{% if {'a': 1}['a'] == 1 -%}   z{% endif %}", "z");
}

#[test]
fn conditions_in_text_are_as_strict_as_anywhere() {
    assert!(matches!(fails("{% if parameters.name %}a{% endif %}"), Problem::NotBoolean { .. }));
    assert!(matches!(fails("{% if parameters.text7 > 3 %}a{% endif %}"), Problem::Operands { .. }));
    assert!(matches!(fails("{% if parameters.list %}a{% endif %}"), Problem::NotBoolean { .. }));
}

#[test]
fn for_goes_over_lists_and_maps() {
    writes(
        "{% for x in parameters.list %}{{ loop.index }}:{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
        "1:3, 2:1, 3:2",
    );
    writes("{% for name in parameters.map %}{{ name }} {% endfor %}", "z a ");
    writes("{% for k, v in {'a': 1, 'b': 2} | items %}{{ k }}={{ v }} {% endfor %}", "a=1 b=2 ");
    writes("{% for x in [] %}x{% else %}none{% endfor %}", "none");
    writes("{% for x in [1, 2] %}{% for x in [x * 10] %}{{ x }} {% endfor %}{{ x }} {% endfor %}", "10 1 20 2 ");
    writes("{% for run in ['mine'] %}{{ run }}{% endfor %} {{ run.actor }}", "mine ada");
    assert!(matches!(fails("{% for x in 3 %}{% endfor %}"), Problem::Argument { .. }));
    assert!(matches!(fails("{% for k, v in parameters.map %}{% endfor %}"), Problem::Argument { .. }));
    assert!(matches!(fails("{% for x in [1] %}{% endfor %}{{ x }}"), Problem::UnknownName { .. }));
}

#[test]
fn statements_that_do_not_fit_are_refused_at_their_place() {
    for (source, message, place) in [
        ("a {% if b %}", "`{% if %}` is not closed", "{% if b %}"),
        ("{% for x in y %}{% endif %}", "`endif` without what it belongs to", "{% endif %}"),
        ("{% else %}", "`else` without what it belongs to", "{% else %}"),
        ("{% if a %}{% else %}{% elif b %}{% endif %}", "`elif` without what it belongs to", "{% elif b %}"),
        ("{% if a %}{% else %}{% else %}{% endif %}", "`else` without what it belongs to", "{% else %}"),
        ("{% if a %}{% endif a %}", "nothing follows `endif`", " a "),
        ("{% set x = 1 %}", "statement `set` does not exist", "{% set x = 1 %}"),
        ("{% include 'x' %}", "statement `include` does not exist", "{% include 'x' %}"),
        ("{% iff a %}", "statement `iff` does not exist", "{% iff a %}"),
        ("{% if %}{% endif %}", "the expression is empty", " "),
        ("{% if a %", "`{%` is not closed", "{%"),
        ("{% if a }} x", "`{%` is not closed", "{%"),
        ("{% for x of y %}", "`for` is not written like a loop", " x of y "),
        ("{% for loop in y %}", "`for` is not written like a loop", " loop in y "),
        ("{% for a, b, c in y %}", "`for` is not written like a loop", " a, b, c in y "),
        ("{% for x in y if z %}{% endfor %}", "`if` without `else`", "y if z"),
        ("{{ secrets.x }}", "a secret cannot be part of an expression", "secrets.x"),
        ("{# x #}", "a template has no comments", "{#"),
    ] {
        let error = Text::parse(source).unwrap_err();
        assert_eq!(error.message, message, "{source}");
        assert_eq!(&source[error.span], place, "{source}");
    }
}

#[test]
fn text_waits_for_what_it_shows() {
    let text =
        Text::parse("{% if steps.later.ok %}a{% endif %} {{ steps.other.x }} {{ run.id }} {{ parameters.count }}")
            .unwrap();
    let because = vec!["step `later` has not run yet".to_owned(), "step `other` has not run yet".to_owned()];
    assert_eq!(text.render(&scope()).unwrap(), Outcome::Undecided(because.clone()));
    let (shown, waits) = text.render_for_plan(&scope()).unwrap();
    assert_eq!(shown, "{% if steps.later.ok %}a{% endif %} {{ steps.other.x }} {{ run.id }} 7");
    assert_eq!(waits, because);
    writes("{% if false %}{{ steps.later.out }}{% endif %}.", ".");
    let text =
        Text::parse("{% if run.id == 'x' %}a{% endif %} {{ run.id ~ steps.later.x }} {{ parameters.name }}").unwrap();
    let (shown, _) = text.render_for_plan(&scope()).unwrap();
    assert_eq!(shown, "{% if run.id == 'x' %}a{% endif %} {{ run.id ~ steps.later.x }} kora");
}
