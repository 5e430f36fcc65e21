//! `lsp`: the language server, over stdin and stdout.
//!
//! Owner of gen-lsp-types. What is proposed, said and found is the engine's; here it is told to an editor: messages in
//! and out, positions, documents as the editor has them, and the order of things that the protocol asks for.

use std::io::{self, BufReader};
use std::sync::mpsc;
use std::thread;

use super::Context;
use crate::exit::Exit;
use crate::refusal::Refusal;
use session::{Session, Turn};
use wire::Incoming;

mod answers;
mod diagnosing;
mod documents;
mod position;
mod session;
mod surroundings;
mod uri;
mod wire;

/// Serves one editor until it says `exit` or goes away.
pub fn run(context: &Context) -> Result<Exit, Refusal> {
    let (sender, messages) = mpsc::channel();
    // Read aside, so that what waits is known: diagnostics are made once nothing does.
    thread::spawn(move || {
        let mut input = BufReader::new(io::stdin());
        while let Some(message) = wire::read(&mut input) {
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    let mut session = Session::new(context.global.workspace.clone());
    let mut output = io::stdout();
    loop {
        let message = match messages.try_recv() {
            Ok(message) => message,
            Err(mpsc::TryRecvError::Disconnected) => break,
            Err(mpsc::TryRecvError::Empty) => {
                if !wire::write_all(&mut output, &session.news()) {
                    break;
                }
                let Ok(message) = messages.recv() else { break };
                message
            }
        };
        let (said, turn) = match message {
            Incoming::Value(value) => session.hear(value),
            Incoming::Broken(why) => (vec![session::broken(&why)], Turn::GoOn),
        };
        if !wire::write_all(&mut output, &said) {
            break;
        }
        if turn == Turn::End {
            break;
        }
    }
    // Who ends without `shutdown` has not ended as agreed.
    Ok(if session.is_shut_down() { Exit::Done } else { Exit::Failed })
}
