//! Templates, prose with statements, and trees of both: read or refused, filled within bounds.

use engine::template::data::Data;
use engine::template::text::Text;
use engine::template::value::Value;
use engine::template::{Outcome, Template};
use serde_json::json;

use super::expression::{partly, wholly};

/// The longest text that an evaluation makes, in bytes; what is not in markers comes on top.
const LONGEST: usize = 1 << 20;

/// Holds for every text.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let scopes = [partly(), wholly(&Value::from_json(&json!({ "out": "x", "state": "skipped" })))];
    match Template::parse(text) {
        Ok(template) => {
            assert_eq!(template.source(), text);
            for scope in &scopes {
                template_in(&template, scope);
            }
        }
        Err(error) => assert!(text.get(error.span.clone()).is_some(), "{error} at {:?}", error.span),
    }
    match Text::parse(text) {
        Ok(prose) => {
            assert_eq!(prose.source(), text);
            for scope in &scopes {
                let rendered = prose.render(scope);
                if let Ok(Outcome::Known(filled)) = &rendered {
                    assert!(filled.len() <= LONGEST + text.len(), "{} bytes", filled.len());
                }
                if let (Ok(_), Ok((shown, because))) = (&rendered, prose.render_for_plan(scope)) {
                    assert_eq!(matches!(rendered, Ok(Outcome::Undecided(_))), !because.is_empty(), "{shown}");
                }
            }
        }
        Err(error) => assert!(text.get(error.span.clone()).is_some(), "{error} at {:?}", error.span),
    }
    if let Ok(tree) = serde_json::from_str(text)
        && let Ok(data) = Data::parse(&tree)
    {
        for scope in &scopes {
            let whole = data.render(scope).ok().and_then(Outcome::known);
            let part = data.render_partial(scope).ok();
            if let (Some(whole), Some((part, because))) = (whole, part) {
                assert!(because.is_empty(), "{because:?}");
                // What differs from run to run stands as written in the second.
                assert!(whole == part || text.contains("run"), "{whole} and {part}");
            }
        }
    }
}

fn template_in(template: &Template, scope: &engine::template::scope::Scope) {
    let filled = template.render(scope);
    match &filled {
        Ok(_) => assert!(template.secret().is_none(), "a secret has a value"),
        Err(error) => assert!(template.source().get(error.span.clone()).is_some(), "{error} at {:?}", error.span),
    }
    if template.is_literal() {
        let text = filled.as_ref().ok().and_then(|filled| filled.clone().known());
        assert_eq!(text.and_then(|text| text.as_str().map(str::to_owned)).as_deref(), Some(template.source()));
    }
    let decided = |filled: &Result<Outcome<Value>, _>| matches!(filled, Ok(Outcome::Known(_)));
    let shown = template.render_for_plan(scope);
    assert_eq!(decided(&shown), decided(&filled), "decided in the plan alone, or not there");
}
