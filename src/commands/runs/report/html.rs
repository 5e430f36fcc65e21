//! A report as one HTML page that needs nothing else: no script, no request, styles of its own.
//!
//! Owner of minijinja on this side. Every text goes through its escaping; the template alone has markup.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::cells::Page;
use crate::refusal::Refusal;
use crate::ui::plain;

const TEMPLATE: &str = include_str!("page.html");

/// The page.
pub fn render(page: &Page) -> Result<String, Refusal> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(Refusal::internal)?);
    // The template is ours, and the page has every name in it: what fails here is a bug.
    let html = environment.render_str(TEMPLATE, Serde(page)).map_err(Refusal::internal)?;
    Ok(plain(&html).into_owned())
}
