//! Finding many byte strings at once (Aho and Corasick, 1975): one step a byte, however many there are.
//!
//! Unlike the crate of that name it says how much of a string may have begun at the end of what was seen, which is what
//! a stream has to hold back.

use zeroize::Zeroize as _;

/// An automaton over a set of byte strings.
#[derive(Default)]
pub struct Automaton {
    nodes: Vec<Node>,
}

/// What was read so far, up to a string's begin.
#[derive(Default, Clone)]
struct Node {
    /// Sorted by byte.
    next: Vec<(u8, u32)>,
    /// The longest proper end of this node's string that begins a string too.
    fail: u32,
    depth: u32,
    /// The length of the longest string that ends here; 0 if none does.
    longest: u32,
}

/// Where the reading of a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State(u32);

impl State {
    /// Nothing was read yet.
    pub const START: Self = Self(0);
}

impl Automaton {
    /// An automaton that finds each of these; empty ones are left out.
    pub fn new<'a>(strings: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut automaton = Self { nodes: Vec::new() };
        for string in strings.into_iter().filter(|string| !string.is_empty()) {
            automaton.add(string);
        }
        automaton.link();
        automaton
    }

    /// Whether there is nothing to find.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn add(&mut self, string: &[u8]) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for byte in string {
            let place = self.nodes[at].next.binary_search_by_key(byte, |(byte, _)| *byte);
            at = match place {
                Ok(found) => self.nodes[at].next[found].1 as usize,
                Err(free) => {
                    let made = self.nodes.len();
                    let depth = self.nodes[at].depth + 1;
                    self.nodes.push(Node { depth, ..Node::default() });
                    self.nodes[at].next.insert(free, (*byte, made as u32));
                    made
                }
            };
        }
        self.nodes[at].longest = self.nodes[at].depth;
    }

    /// Finds for each node where to go on when it has no next, nearest to the root first.
    fn link(&mut self) {
        let mut queue: std::collections::VecDeque<u32> = std::collections::VecDeque::new();
        queue.extend(self.nodes.first().iter().flat_map(|root| root.next.iter().map(|(_, child)| *child)));
        while let Some(at) = queue.pop_front() {
            let fail = self.nodes[at as usize].fail;
            let inherited = self.nodes[fail as usize].longest;
            let node = &mut self.nodes[at as usize];
            node.longest = node.longest.max(inherited);
            for place in 0..self.nodes[at as usize].next.len() {
                let (byte, child) = self.nodes[at as usize].next[place];
                self.nodes[child as usize].fail = self.step(State(fail), byte).0;
                queue.push_back(child);
            }
        }
    }

    /// Reads one byte more. An empty automaton stays at its start.
    #[must_use]
    pub fn step(&self, state: State, byte: u8) -> State {
        let mut at = state.0;
        while let Some(node) = self.nodes.get(at as usize) {
            // Most nodes have one way on.
            let next = match node.next.as_slice() {
                [(only, child)] => (*only == byte).then_some(*child),
                next => next.binary_search_by_key(&byte, |(byte, _)| *byte).ok().map(|found| next[found].1),
            };
            match next {
                Some(child) => return State(child),
                None if at == 0 => break,
                None => at = node.fail,
            }
        }
        State::START
    }

    /// The length of the longest string that ends here; 0 if none does.
    #[must_use]
    pub fn longest(&self, state: State) -> usize {
        self.nodes.get(state.0 as usize).map_or(0, |node| node.longest as usize)
    }

    /// How many of the bytes just read may begin a string.
    #[must_use]
    pub fn depth(&self, state: State) -> usize {
        self.nodes.get(state.0 as usize).map_or(0, |node| node.depth as usize)
    }
}

impl Drop for Automaton {
    fn drop(&mut self) {
        // The ways from node to node spell what is looked for.
        for node in &mut self.nodes {
            node.next.iter_mut().for_each(|(byte, _)| byte.zeroize());
        }
    }
}
