//! Who this is, and how they sign: by a key file, or by the SSH agent where no file is given.

use std::path::Path;

use engine::consent::Rules;
use engine::consent::standing::Standing;
use engine::id::Id;
use engine::procedure::Environment;
use engine::procedure::workspace::Workspace as File;
use engine::sign::actor_key::{ActorKey, ActorPublic};
use engine::sign::agent::Agent;
use engine::sign::sshsig::Namespace;
use engine::time::Timestamp;

use crate::args;
use crate::exit::Exit;
use crate::files::shown;
use crate::refusal::Refusal;
use crate::ui::people::passphrase;

/// The variable that says where the SSH agent listens.
const AGENT: &str = "SSH_AUTH_SOCK";

/// Signs.
pub enum Signer {
    /// A key that was read from its file.
    Key(ActorKey),
    /// A key that stays in the agent.
    Agent(Agent, ActorPublic),
}

impl Signer {
    /// The armoured signature of a document.
    ///
    /// # Errors
    /// Why the agent did not sign, in words.
    pub fn sign(&self, namespace: Namespace, document: &str) -> Result<String, String> {
        match self {
            Self::Key(key) => Ok(key.sign(namespace, document.as_bytes())),
            Self::Agent(agent, public) => {
                agent.sign(public, namespace, document.as_bytes()).map_err(|error| error.to_string())
            }
        }
    }

    fn public(&self) -> ActorPublic {
        match self {
            Self::Key(key) => key.public(),
            Self::Agent(_, public) => public.clone(),
        }
    }
}

/// Whether somebody is to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// Nothing is signed; a key only says who it is.
    No,
    /// With the key that was given, if one was.
    IfGiven,
    /// With the key that was given, or the agent; or not at all.
    Must,
}

/// Who plans, runs or consents.
pub struct Who {
    /// The name in the workspace, or of the user.
    pub name: String,
    /// Class and roles.
    pub standing: Standing,
    /// How they sign, where they do.
    pub signer: Option<Signer>,
}

/// Finds out who this is.
pub fn resolve(
    said: &args::Who,
    file: &File,
    environment: Environment,
    signing: Signing,
    now: Timestamp,
) -> Result<Who, Refusal> {
    let key = said.key.as_deref().map(load).transpose()?;
    let name = match (&said.actor, &key) {
        (Some(name), _) => Some(known(file, name)?),
        (None, Some(key)) => Some(whose(file, &key.public())?),
        (None, None) => None,
    };
    let Some(name) = name else {
        return match signing {
            Signing::Must => Err(unsigned(environment, "nobody said who runs it")),
            Signing::No | Signing::IfGiven => {
                Ok(Who { name: super::user::name(), standing: Standing::unnamed(), signer: None })
            }
        };
    };
    let standing = Standing::of(file, &name).ok_or_else(|| unknown_actor(file, name.as_str()))?;
    let signer = match (key, signing) {
        (None, Signing::No | Signing::IfGiven) => None,
        (Some(key), _) => Some(Signer::Key(key)),
        (None, Signing::Must) => Some(agent(file, environment, &name, now)?),
    };
    if let Some(signer) = &signer {
        let expected = own_key(file, environment, &name, now)?;
        if signer.public() != expected {
            let (found, expected) = (signer.public().fingerprint(), expected.fingerprint());
            let message = format!("the key is {found}, and that of `{name}` in runwarden.yaml is {expected}");
            return Err(Refusal::new(Exit::Refused, "wrong-key", message));
        }
    }
    let signer = signer.filter(|_| signing != Signing::No);
    Ok(Who { name: name.to_string(), standing, signer })
}

/// Reads a private key, with its passphrase where somebody can be asked.
pub fn load(path: &Path) -> Result<ActorKey, Refusal> {
    ActorKey::load(path, || passphrase(&shown(path)))
        .map_err(|error| Refusal::new(Exit::Refused, "wrong-key", error.to_string()))
}

/// Nothing was signed where it must be.
pub fn unsigned(environment: Environment, why: &str) -> Refusal {
    let message = format!("in {} the run's actor must be signed for, and {why}", environment.as_str());
    Refusal::new(Exit::Refused, "unsigned", message)
        .help("nothing was done; `--as NAME` with `--key FILE` or an SSH agent signs, and `plan` needs no signature")
}

fn known(file: &File, name: &str) -> Result<Id, Refusal> {
    Id::parse(name).ok().filter(|id| file.actors.contains_key(id)).ok_or_else(|| unknown_actor(file, name))
}

fn unknown_actor(file: &File, name: &str) -> Refusal {
    let refusal = Refusal::new(Exit::Refused, "unknown-actor", format!("runwarden.yaml has no actor `{name}`"));
    match engine::diagnostic::did_you_mean(name, file.actors.keys().map(Id::as_str)) {
        Some(near) => refusal.help(format!("did you mean `{near}`?")),
        None => refusal.help("actors are named under `actors`, with class, roles and key"),
    }
}

/// Whose key this is.
fn whose(file: &File, public: &ActorPublic) -> Result<Id, Refusal> {
    let has =
        |line: &Option<String>| line.as_deref().and_then(|line| ActorPublic::parse(line).ok()).as_ref() == Some(public);
    let mut names = file.actors.iter().filter(|(_, actor)| has(&actor.key)).map(|(name, _)| name);
    match (names.next(), names.next()) {
        (Some(name), None) => Ok(name.clone()),
        (Some(one), Some(other)) => {
            Err(Refusal::invalid("usage", format!("the key is that of both `{one}` and `{other}`"))
                .help("say with `--as NAME` who you are"))
        }
        (None, _) => {
            let message = format!("runwarden.yaml has no actor with the key {}", public.fingerprint());
            Err(Refusal::new(Exit::Refused, "unknown-actor", message)
                .help(format!("an actor's `key` would be: {}", public.to_line())))
        }
    }
}

fn own_key(file: &File, environment: Environment, name: &Id, now: Timestamp) -> Result<ActorPublic, Refusal> {
    Rules::of(file, environment, now)
        .key("the signature", name)
        .map_err(|error| Refusal::new(Exit::Refused, "wrong-key", error.to_string()))
}

fn agent(file: &File, environment: Environment, name: &Id, now: Timestamp) -> Result<Signer, Refusal> {
    let Some(socket) = std::env::var_os(AGENT).filter(|socket| !socket.is_empty()) else {
        return Err(unsigned(environment, "there is neither `--key` nor an SSH agent"));
    };
    let public = own_key(file, environment, name, now)?;
    let agent = Agent::at(Path::new(&socket));
    let keys = agent.keys().map_err(|error| Refusal::new(Exit::Refused, "wrong-key", error.to_string()))?;
    if !keys.contains(&public) {
        let message = format!("the SSH agent has not the key of `{name}`, {}", public.fingerprint());
        return Err(Refusal::new(Exit::Refused, "wrong-key", message).help("`ssh-add FILE` gives it to the agent"));
    }
    Ok(Signer::Agent(agent, public))
}
