//! What the language, an action or a called procedure takes at a place: the schema that holds there.

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value, json};

use super::World;
use super::declared::Declared;
use super::place::{Link, Trail};
use crate::id::Name;
use crate::parse::node::Node;
use crate::parse::vocabulary::{SECRET, TARGET};
use crate::parse::{Kind, schema};

/// A schema, and the one that its references are in.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    root: Arc<Value>,
    schema: Value,
}

/// A key that may stand in a map.
pub(super) struct Key<'s> {
    pub(super) name: &'s str,
    pub(super) fit: Fit,
    pub(super) required: bool,
}

fn whole(kind: Kind) -> Arc<Value> {
    static SCHEMAS: LazyLock<Vec<(Kind, Arc<Value>)>> =
        LazyLock::new(|| Kind::ALL.into_iter().map(|kind| (kind, Arc::new(schema::schema(kind)))).collect());
    SCHEMAS.iter().find(|(known, _)| *known == kind).map(|(_, schema)| Arc::clone(schema)).unwrap_or_default()
}

impl Fit {
    fn of(root: Arc<Value>) -> Self {
        let schema = (*root).clone();
        Self { root, schema }
    }

    /// What holds after so many links of a trail, if anything is known of that.
    pub(super) fn after(kind: Kind, trail: &Trail<'_>, links: usize, world: &World<'_>) -> Option<Self> {
        let mut fit = Self::of(whole(kind));
        for (index, link) in trail.links.iter().take(links).enumerate() {
            let map = trail.node_after(index);
            fit = fit.narrowed(map);
            fit = match link {
                Link::Key(entry) if entry.key == "with" => given(map, world).or_else(|| fit.under("with"))?,
                Link::Key(entry) => fit.under(&entry.key)?,
                Link::Item(_) => fit.item()?,
            };
        }
        Some(fit.narrowed(trail.node_after(links)))
    }

    /// What it is where the words in a map choose one of several.
    fn narrowed(self, map: &Node) -> Self {
        let of = |branch: &Value| schema::chosen(branch, map).cloned();
        match self.branches().into_iter().find_map(of) {
            Some(choice) => self.with(&choice),
            None => self,
        }
    }

    /// Another schema in the same whole.
    fn with(&self, schema: &Value) -> Self {
        Self { root: Arc::clone(&self.root), schema: schema.clone() }
    }

    fn under(&self, key: &str) -> Option<Self> {
        let of = |schema: &Value| {
            let named = schema.get("properties").and_then(|all| all.get(key));
            let other = schema.get("additionalProperties").filter(|schema| schema.is_object());
            named.or_else(|| any_name(schema)).or(other).cloned()
        };
        self.branches().into_iter().find_map(of).map(|schema| self.with(&schema))
    }

    /// What one of its members is, or an item of a list by its number.
    pub(super) fn member(&self, name: &str) -> Option<Self> {
        if name.parse::<i64>().is_ok() { self.item().or_else(|| self.under(name)) } else { self.under(name) }
    }

    fn item(&self) -> Option<Self> {
        self.branches().into_iter().find_map(|branch| branch.get("items").cloned()).map(|schema| self.with(&schema))
    }

    /// The schemas of which one holds, references followed.
    fn branches(&self) -> Vec<&Value> {
        fn collect<'s>(root: &'s Value, schema: &'s Value, depth: u8, found: &mut Vec<&'s Value>) {
            let schema = resolved(root, schema);
            let inner = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
            found.push(schema);
            if depth > 0 {
                inner.for_each(|branch| collect(root, branch, depth - 1, found));
            }
        }
        let mut found = Vec::new();
        collect(&self.root, &self.schema, DEEPEST_BRANCH, &mut found);
        found
    }

    /// The keys that a map may have, in the order of the schema.
    pub(super) fn keys(&self) -> Vec<Key<'_>> {
        let mut keys: Vec<Key<'_>> = Vec::new();
        for branch in self.branches() {
            let required: Vec<&str> = strings(branch.get("required")).collect();
            for (name, schema) in branch.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if !keys.iter().any(|key| key.name == name) {
                    keys.push(Key { name, fit: self.with(schema), required: required.contains(&name.as_str()) });
                }
            }
        }
        keys
    }

    /// The keys of which a map has exactly one.
    pub(super) fn alternatives(&self) -> Vec<&str> {
        let of = |branch: &Value| branch.get("properties").is_none();
        let all = self.branches().into_iter().filter_map(|branch| branch.get("oneOf")?.as_array()).flatten();
        all.filter(|branch| of(branch)).flat_map(|branch| strings(branch.get("required"))).collect()
    }

    /// What must stand beside a key.
    pub(super) fn needs(&self, key: &str) -> Vec<&str> {
        let all = self.branches().into_iter().filter_map(|branch| branch.get("dependentRequired")?.get(key));
        all.flat_map(|others| strings(Some(others))).collect()
    }

    /// Whether it takes a map.
    pub(super) fn is_map(&self) -> bool {
        self.branches().iter().any(|branch| is_of(branch, "object"))
    }

    /// Whether it takes a list.
    pub(super) fn is_list(&self) -> bool {
        self.branches().iter().any(|branch| is_of(branch, "array"))
    }

    /// Whether it takes `true` and `false`.
    pub(super) fn is_boolean(&self) -> bool {
        self.branches().iter().any(|branch| is_of(branch, "boolean") && branch.get("const").is_none())
    }

    /// The words of which it takes one, with what each means.
    pub(super) fn words(&self) -> Vec<(String, Option<&str>)> {
        let mut words = Vec::new();
        for branch in self.branches() {
            let about = branch.get("description").and_then(Value::as_str);
            let listed = branch.get("enum").and_then(Value::as_array).into_iter().flatten().map(|word| (word, None));
            for (word, about) in listed.chain(branch.get("const").map(|word| (word, about))) {
                let word = word.as_str().map_or_else(|| word.to_string(), str::to_owned);
                if word != "null" && !words.iter().any(|(known, _)| *known == word) {
                    words.push((word, about));
                }
            }
        }
        words
    }

    /// A word for what it is, as the schemas say it to people.
    pub(super) fn sort(&self) -> Option<&str> {
        self.branches().into_iter().find_map(|branch| branch.get("x-runwarden")?.as_str())
    }

    /// What is said of it.
    pub(super) fn about(&self) -> Option<&str> {
        let own = self.schema.get("description");
        own.or_else(|| resolved(&self.root, &self.schema).get("description"))?.as_str()
    }

    /// The kinds of target that it names, if it names one.
    pub(super) fn target_kinds(&self) -> Option<Vec<&str>> {
        let marked = |schema: &'_ Value| schema.get(TARGET).is_some();
        let all = std::iter::once(&self.schema).chain(self.branches());
        let found = all.into_iter().find(|schema| marked(schema))?;
        Some(strings(found.get(TARGET)).collect())
    }

    /// Whether it may be a secret.
    pub(super) fn takes_secret(&self) -> bool {
        std::iter::once(&self.schema)
            .chain(self.branches())
            .any(|schema| schema.get(SECRET) == Some(&Value::Bool(true)))
    }

    /// What it takes, for people: "text", "a list", "one of `low`, `medium`".
    pub(super) fn in_words(&self) -> String {
        if let Some(sort) = self.sort() {
            return sort.to_owned();
        }
        if let Some(kinds) = self.target_kinds() {
            return match kinds.as_slice() {
                [] => "the name of a target".to_owned(),
                kinds => format!("the name of a target of kind {}", listed(kinds.iter().copied())),
            };
        }
        let words = self.words();
        if !words.is_empty() {
            return listed(words.iter().map(|(word, _)| word.as_str()));
        }
        let names = [
            ("string", "text"),
            ("integer", "a whole number"),
            ("number", "a number"),
            ("boolean", "`true` or `false`"),
            ("array", "a list"),
            ("object", "a map"),
        ];
        let all = self.branches();
        let found = names.iter().filter(|(name, _)| all.iter().any(|branch| is_of(branch, name)));
        let found: Vec<&str> = found.map(|(_, words)| *words).collect();
        if found.is_empty() { "any value".to_owned() } else { found.join(" or ") }
    }
}

/// How deep branches within branches are followed.
const DEEPEST_BRANCH: u8 = 4;

/// What the action or the procedure takes that a map names.
fn given(map: &Node, world: &World<'_>) -> Option<Fit> {
    if let Some(action) = map.get("action").and_then(Node::as_str) {
        let action = world.registry.get(action)?;
        return Some(Fit::of(Arc::new(action.params().clone())));
    }
    let name = Name::parse(map.get("call").and_then(Node::as_str)?).ok()?;
    let callee = &world.library.find(&name)?.tree;
    Some(Fit::of(Arc::new(inputs_of(callee))))
}

/// What an action gives, or one of its members.
pub(super) fn output(schema: &Value) -> Fit {
    Fit::of(Arc::new(schema.clone()))
}

/// What a procedure takes from its caller, as a schema.
pub(super) fn inputs_of(callee: &Node) -> Value {
    let declared = Declared::of(callee);
    let mut properties = Map::new();
    let mut required = Vec::new();
    for item in &declared.parameters {
        properties.insert(item.name.to_owned(), parameter(item.node));
        if item.node.get("default").is_none() {
            required.push(item.name);
        }
    }
    for item in &declared.targets {
        let kind: Vec<&str> = item.node.get("kind").and_then(Node::as_str).into_iter().collect();
        properties.insert(item.name.to_owned(), json!({ TARGET: kind, "description": described(item.node) }));
        required.push(item.name);
    }
    for item in &declared.secrets {
        properties.insert(item.name.to_owned(), json!({ SECRET: true, "description": described(item.node) }));
        required.push(item.name);
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

/// What a parameter of a procedure takes, as a schema.
pub(super) fn parameter(node: &Node) -> Value {
    let sort = node.get("type").and_then(Node::as_str).unwrap_or_default();
    let mut schema = match sort {
        "boolean" | "integer" => json!({ "type": sort }),
        "list" => json!({ "type": "array" }),
        "map" => json!({ "type": "object" }),
        "enum" => json!({ "enum": node.get("values").map(Node::to_json).unwrap_or_default() }),
        "" => json!({}),
        _ => json!({ "type": "string", "x-runwarden": format!("a parameter of type `{sort}`") }),
    };
    if let Value::Object(members) = &mut schema {
        members.insert("description".to_owned(), json!(described(node)));
    }
    schema
}

fn described(node: &Node) -> &str {
    node.get("description").and_then(Node::as_str).unwrap_or_default()
}

/// The schema of the members of a map of names.
fn any_name(schema: &Value) -> Option<&Value> {
    let patterns = schema.get("patternProperties")?.as_object()?;
    patterns.iter().find(|(pattern, _)| *pattern != "^x-").map(|(_, schema)| schema)
}

fn is_of(schema: &Value, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(names)) => names.iter().any(|one| one == name),
        _ => name == "object" && schema.get("properties").is_some(),
    }
}

fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|name| root.pointer(name.strip_prefix('#')?));
    target.unwrap_or(schema)
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// `a`, `b`, `c`, each in backticks.
pub(super) fn listed<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
