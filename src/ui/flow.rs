//! The flow of a procedure as a graph: what follows what, where it branches, what takes a step back.

use engine::plan::steps::action_name;
use engine::procedure::check::{Check, Question};
use engine::procedure::step::{Body, Step, Undo};
use engine::procedure::{Procedure, Work};

/// A graph, top to bottom.
pub struct Flow {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

struct Node {
    label: String,
    shape: Shape,
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Beginning and end.
    End,
    /// A question.
    Check,
    /// A branch by a condition.
    Branch,
    Action,
    Call,
    Manual,
    Wait,
    /// Where lanes part and meet.
    Bar,
    Undo,
}

struct Edge {
    from: usize,
    to: usize,
    label: Option<&'static str>,
    dotted: bool,
}

/// Where one may come from: nodes, with what is said on the way.
type Ends = Vec<(usize, Option<&'static str>)>;

impl Flow {
    /// The flow of a procedure or checklist.
    pub fn of(procedure: &Procedure) -> Self {
        let mut flow = Self { nodes: Vec::new(), edges: Vec::new() };
        let begin = flow.node(procedure.name.to_string(), Shape::End);
        let mut ends = flow.checks(vec![(begin, None)], &procedure.preconditions);
        match &procedure.work {
            Work::Steps(work) => {
                ends = flow.steps(ends, &work.steps);
                ends = flow.checks(ends, &work.verify);
                ends = flow.steps(ends, &work.finally);
            }
            Work::Items(items) => ends = flow.checks(ends, items),
        }
        flow.follow(ends, "done".to_owned(), Shape::End);
        flow
    }

    fn node(&mut self, label: String, shape: Shape) -> usize {
        self.nodes.push(Node { label, shape });
        self.nodes.len() - 1
    }

    fn follow(&mut self, ends: Ends, label: String, shape: Shape) -> usize {
        let to = self.node(label, shape);
        self.edges.extend(ends.into_iter().map(|(from, label)| Edge { from, to, label, dotted: false }));
        to
    }

    fn checks(&mut self, ends: Ends, checks: &[Check]) -> Ends {
        checks.iter().fold(ends, |ends, check| {
            let asked = match &check.question {
                Question::Expect { .. } => check.title.clone().unwrap_or_else(|| check.id.to_string()),
                Question::Manual { .. } => format!("{}: a person answers", check.id),
            };
            vec![(self.follow(ends, asked, Shape::Check), None)]
        })
    }

    fn steps(&mut self, ends: Ends, steps: &[Step]) -> Ends {
        steps.iter().fold(ends, |ends, step| self.step(ends, step))
    }

    fn step(&mut self, mut ends: Ends, step: &Step) -> Ends {
        let mut around = Vec::new();
        if let Some(when) = &step.when {
            let branch = self.follow(ends, format!("{}?", when.source()), Shape::Branch);
            around.push((branch, Some("no")));
            ends = vec![(branch, Some("yes"))];
        }
        ends = self.checks(ends, &step.preconditions);
        let mut ends = match &step.body {
            Body::Parallel(lanes) => {
                let fork = self.follow(ends, step.id.to_string(), Shape::Bar);
                let of_lane = |lane| self.step(vec![(fork, None)], lane);
                let met: Ends = lanes.iter().flat_map(of_lane).collect();
                vec![(self.follow(met, format!("{} done", step.id), Shape::Bar), None)]
            }
            body => {
                let act = self.follow(ends, words(step), shape(body));
                self.undo(act, &step.undo);
                vec![(act, None)]
            }
        };
        ends = self.checks(ends, &step.verify);
        ends.extend(around);
        ends
    }

    fn undo(&mut self, act: usize, undo: &Undo) {
        if let Undo::Bodies(bodies) = undo {
            let names: Vec<String> = bodies.iter().map(action_name).collect();
            let to = self.node(format!("undo: {}", names.join(", ")), Shape::Undo);
            self.edges.push(Edge { from: act, to, label: None, dotted: true });
        }
    }

    /// For Markdown pages.
    pub fn mermaid(&self) -> String {
        let mut lines = vec!["flowchart TD".to_owned()];
        for (at, node) in self.nodes.iter().enumerate() {
            let (open, close) = match node.shape {
                Shape::End => ("([", "])"),
                Shape::Check => ("{{", "}}"),
                Shape::Branch => ("{", "}"),
                Shape::Action => ("[", "]"),
                Shape::Call => ("[[", "]]"),
                Shape::Manual => ("[/", "/]"),
                Shape::Wait => ("(", ")"),
                Shape::Bar => ("[", "]"),
                Shape::Undo => (">", "]"),
            };
            lines.push(format!("  n{at}{open}\"{}\"{close}", for_mermaid(&node.label)));
        }
        for edge in &self.edges {
            let line = match (edge.label, edge.dotted) {
                (_, true) => "-.->".to_owned(),
                (Some(label), false) => format!("-- {label} -->"),
                (None, false) => "-->".to_owned(),
            };
            lines.push(format!("  n{} {line} n{}", edge.from, edge.to));
        }
        lines.join("\n")
    }

    /// For Graphviz.
    pub fn dot(&self) -> String {
        let mut lines = vec!["digraph procedure {".to_owned(), "  node [fontname=\"sans-serif\"]".to_owned()];
        for (at, node) in self.nodes.iter().enumerate() {
            let shape = match node.shape {
                Shape::End => "oval",
                Shape::Check => "hexagon",
                Shape::Branch => "diamond",
                Shape::Action => "box",
                Shape::Call => "component",
                Shape::Manual => "parallelogram",
                Shape::Wait => "ellipse",
                Shape::Bar => "box3d",
                Shape::Undo => "note",
            };
            lines.push(format!("  n{at} [shape={shape}, label=\"{}\"]", for_dot(&node.label)));
        }
        for edge in &self.edges {
            let mut attributes = Vec::new();
            attributes.extend(edge.label.map(|label| format!("label=\"{label}\"")));
            attributes.extend(edge.dotted.then(|| "style=dotted".to_owned()));
            let attributes =
                if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) };
            lines.push(format!("  n{} -> n{}{attributes}", edge.from, edge.to));
        }
        lines.push("}".to_owned());
        lines.join("\n")
    }
}

fn shape(body: &Body) -> Shape {
    match body {
        Body::Action(_) => Shape::Action,
        Body::Call { .. } => Shape::Call,
        Body::Manual(_) => Shape::Manual,
        Body::Wait(_) => Shape::Wait,
        Body::Parallel(_) => Shape::Bar,
    }
}

fn words(step: &Step) -> String {
    let mut lines = vec![step.title.clone().unwrap_or_else(|| step.id.to_string()), action_name(&step.body)];
    lines.extend(step.for_each.as_ref().map(|each| format!("for each of {}", each.items.source())));
    lines.extend(step.repeat.as_ref().map(|repeat| format!("until {}", repeat.until.source())));
    lines.join("\n")
}

/// A label as mermaid takes it: what it would read as its own stands as a character code.
fn for_mermaid(label: &str) -> String {
    let mut safe = String::with_capacity(label.len());
    for c in label.trim().chars() {
        match c {
            '\n' => safe.push_str("<br/>"),
            '"' | '<' | '>' | '&' | '#' | '`' | ';' | '\\' => safe.push_str(&format!("#{};", u32::from(c))),
            c if c.is_control() => {}
            c => safe.push(c),
        }
    }
    safe
}

fn for_dot(label: &str) -> String {
    label.trim().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
