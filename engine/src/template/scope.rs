//! What an expression can name, and whether it is decided yet.
//!
//! A scope knows nothing of procedures: whoever evaluates says which names there are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::value::Value;

/// The members of [`Slot::Fields`].
pub(super) type Fields = BTreeMap<String, Slot>;

/// A function that the scope brings; its message must not say a value.
type Function = Arc<dyn Fn(&[Value]) -> Result<Value, String> + Send + Sync>;

/// The names an expression can use; cheap to clone and to extend.
#[derive(Clone, Default)]
pub struct Scope {
    names: Arc<Fields>,
    functions: Arc<BTreeMap<String, Function>>,
}

/// What stands behind a name.
#[derive(Clone)]
pub enum Slot {
    /// A value.
    Known(Value),
    /// A value that differs from run to run, so that a plan shows the expression in its place (`run.id`).
    AsWritten(Value),
    /// Names below this one, each decided or not on its own.
    Fields(Arc<BTreeMap<String, Slot>>),
    /// Not known yet, and why: a clause like "step `bump` has not run yet".
    Undecided(Arc<str>),
    /// Something that answers questions.
    Object(Arc<dyn Object>),
}

/// Something that answers questions, like `history.last('x', within='24h')`.
pub trait Object: Send + Sync {
    /// Answers one question.
    ///
    /// # Errors
    /// When there is no such method or it cannot use its arguments; the message must not say a value.
    fn call(&self, method: &str, args: &[Value], named: &BTreeMap<String, Value>) -> Result<Value, String>;

    /// The methods there are.
    fn methods(&self) -> &'static [&'static str];
}

impl Slot {
    /// Names below this one.
    #[must_use]
    pub fn fields<K: Into<String>>(fields: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Fields(Arc::new(fields.into_iter().map(|(name, slot)| (name.into(), slot)).collect()))
    }

    /// Not known yet, and why.
    #[must_use]
    pub fn undecided(because: impl AsRef<str>) -> Self {
        Self::Undecided(because.as_ref().into())
    }

    /// Something that answers questions.
    #[must_use]
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Arc::new(object))
    }
}

impl<T: Into<Value>> From<T> for Slot {
    fn from(value: T) -> Self {
        Self::Known(value.into())
    }
}

impl Scope {
    /// A scope without names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, slot: impl Into<Slot>) -> Self {
        Arc::make_mut(&mut self.names).insert(name.into(), slot.into());
        self
    }

    /// The same with a function that only the caller can answer; one of [`FUNCTIONS`](super::functions::FUNCTIONS).
    #[must_use]
    pub fn with_function(
        mut self,
        name: impl Into<String>,
        function: impl Fn(&[Value]) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.functions).insert(name.into(), Arc::new(function));
        self
    }

    /// Puts a slot at a path, like `["steps", "bump"]`; what is on the way and has no fields gets them.
    ///
    /// In place where no clone of the scope is alive, so that ten thousand steps can be put one by one.
    pub fn put(&mut self, path: &[&str], slot: impl Into<Slot>) {
        let Some((last, way)) = path.split_last() else { return };
        let mut fields = Arc::make_mut(&mut self.names);
        for name in way {
            let next = fields.entry((*name).to_owned()).or_insert_with(|| Slot::Fields(Arc::default()));
            if !matches!(next, Slot::Fields(_)) {
                *next = Slot::Fields(Arc::default());
            }
            let Slot::Fields(below) = next else { return };
            fields = Arc::make_mut(below);
        }
        fields.insert((*last).to_owned(), slot.into());
    }

    /// What stands at a path, if anything does.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Slot> {
        let (first, below) = path.split_first()?;
        below.iter().try_fold(self.names.get(*first)?, |slot, name| match slot {
            Slot::Fields(fields) => fields.get(*name),
            _ => None,
        })
    }

    /// The names there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    pub(super) fn name(&self, name: &str) -> Option<&Slot> {
        self.names.get(name)
    }

    pub(super) fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("names", &self.names.keys()).field("functions", &self.functions.keys()).finish()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => f.debug_tuple("Known").field(value).finish(),
            Self::AsWritten(value) => f.debug_tuple("AsWritten").field(value).finish(),
            Self::Fields(fields) => f.debug_map().entries(fields.iter()).finish(),
            Self::Undecided(because) => f.debug_tuple("Undecided").field(because).finish(),
            Self::Object(object) => f.debug_tuple("Object").field(&object.methods()).finish(),
        }
    }
}
