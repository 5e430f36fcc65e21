//! What somebody is here: class and roles, and whether that is enough for a procedure.

use crate::id::Id;
use crate::procedure::workspace::Workspace;
use crate::procedure::{ActorClass, Procedure};

use super::class_word;

/// The class and roles of who plans or runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// A person, a machine, or a person who only looks.
    pub class: ActorClass,
    /// What they may do and consent to.
    pub roles: Vec<Id>,
}

impl Standing {
    /// Of whoever is not named in the workspace: the class of machines, and no roles.
    #[must_use]
    pub fn unnamed() -> Self {
        Self { class: ActorClass::Automation, roles: Vec::new() }
    }

    /// Of an actor of the workspace; none of that name gives none.
    #[must_use]
    pub fn of(workspace: &Workspace, name: &Id) -> Option<Self> {
        let actor = workspace.actors.get(name)?;
        Some(Self { class: actor.class, roles: actor.roles.clone() })
    }

    /// Whether at least one of these roles is there; where none is asked for, always.
    #[must_use]
    pub fn has_one_of(&self, roles: &[Id]) -> bool {
        roles.is_empty() || self.roles.iter().any(|role| roles.contains(role))
    }

    /// Whether this is who a procedure, and every one it calls, asks for.
    ///
    /// # Errors
    /// What is asked for and is not so, in words.
    pub fn fits<'a>(&self, name: &str, procedures: impl IntoIterator<Item = &'a Procedure>) -> Result<(), String> {
        for procedure in procedures {
            let requires = &procedure.requires;
            if let Some(class) = requires.actor.filter(|class| *class != self.class) {
                let (wanted, is) = (class_word(class), class_word(self.class));
                return Err(format!(
                    "`{}` is run by an actor of class `{wanted}`, and `{name}` is of class `{is}`",
                    procedure.name
                ));
            }
            if !self.has_one_of(&requires.roles) {
                let wanted = listed(&requires.roles);
                return Err(format!("`{}` is run by {wanted}, and `{name}` has no such role", procedure.name));
            }
        }
        Ok(())
    }
}

/// Roles for people: `a`, `a` or `b`.
#[must_use]
pub fn listed(roles: &[Id]) -> String {
    roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(" or ")
}
