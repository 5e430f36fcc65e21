//! What expressions and texts say they name.

use crate::template::expression::Expression;
use crate::template::references::{Reference, Segment};
use crate::template::text::Text;

fn path(path: &[Segment]) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Name(name) => format!(".{name}"),
            Segment::Index(at) => format!("[{at}]"),
            Segment::Unknown => "[?]".to_owned(),
        })
        .collect()
}

fn shown(source: &str, reference: &Reference) -> String {
    let behind: Vec<String> = reference.behind.iter().map(|condition| path(condition)).collect();
    let mut shown = format!("{} `{}`", path(&reference.path), &source[reference.span.clone()]);
    if reference.called {
        shown.push_str(" called");
    }
    if reference.asked {
        shown.push_str(" asked");
    }
    if !behind.is_empty() {
        shown.push_str(&format!(" behind {}", behind.join(" ")));
    }
    shown
}

#[track_caller]
fn refers(source: &str, expected: &[&str]) {
    let expression = Expression::parse(source).unwrap();
    let found: Vec<String> = expression.references().iter().map(|reference| shown(source, reference)).collect();
    assert_eq!(found, expected, "{source}");
}

#[test]
fn chains_are_read_through_members_items_and_slices() {
    refers("steps.a.out", &[".steps.a.out `steps.a.out`"]);
    refers("steps['a'].list[0].x", &[".steps.a.list[0].x `steps['a'].list[0].x`"]);
    refers("steps.a.list[-1]", &[".steps.a.list[-1] `steps.a.list[-1]`"]);
    refers("a.b[:16]", &[".a.b `a.b`"]);
    refers("a.b[c.d:]", &[".a.b `a.b`", ".c.d `c.d`"]);
    refers("a[b.c].d", &[".a[?] `a[b.c].d`", ".b.c `b.c`"]);
    refers("(a.b | first).c", &[".a.b `a.b`"]);
    refers("1 + 2", &[]);
}

#[test]
fn calls_are_marked_and_their_arguments_read() {
    refers(
        "history.last(a.b, within=c).status",
        &[".history.last `history.last(a.b, within=c).status` called", ".a.b `a.b`", ".c `c`"],
    );
    refers("history.count('x')", &[".history.count `history.count('x')` called"]);
    refers("sha256(a.b)", &[".a.b `a.b`"]);
}

#[test]
fn what_is_asked_for_is_marked() {
    refers("a.b is defined", &[".a.b `a.b` asked"]);
    refers("a.b is not undefined", &[".a.b `a.b` asked"]);
    refers("a[b] is defined", &[".a[?] `a[b]` asked", ".b `b`"]);
    refers("a.b is string", &[".a.b `a.b`"]);
}

#[test]
fn what_stands_behind_a_condition_says_so() {
    refers(
        "steps.a.state == 'succeeded' and steps.a.out > 3",
        &[".steps.a.state `steps.a.state`", ".steps.a.out `steps.a.out` behind .steps.a.state"],
    );
    refers("a != 1 or b or c", &[".a `a`", ".b `b` behind .a", ".c `c` behind .a .b"]);
    refers("x if t.s else y", &[".t.s `t.s`", ".x `x` behind .t.s", ".y `y` behind .t.s"]);
    refers("(a and b) == c", &[".a `a`", ".b `b` behind .a", ".c `c`"]);
    refers("a and (b if c else d)", &[".a `a`", ".c `c` behind .a", ".b `b` behind .a .c", ".d `d` behind .a .c"]);
}

#[test]
fn texts_refer_without_their_loops_names() {
    let source = "{% if a.s %}{{ b }}{% elif c %}{{ d }}{% endif %}{% for x in l.l %}{{ x.y ~ loop.index ~ e[x] }}{% endfor %}{{ x }}";
    let text = Text::parse(source).unwrap();
    let found: Vec<String> = text.references().iter().map(|reference| shown(source, reference)).collect();
    assert_eq!(
        found,
        [
            ".a.s `a.s`",
            ".b `b` behind .a.s",
            ".c `c` behind .a.s",
            ".d `d` behind .a.s .c",
            ".l.l `l.l`",
            ".e[?] `e[x]`",
            ".x `x`",
        ]
    );
    assert_eq!(text.references()[4].root(), "l");
    assert_eq!(text.references()[4].names().collect::<Vec<_>>(), ["l", "l"]);
}
