//! Messages on the wire: headers, a length, and JSON. What they say is not known here.

use std::io::{self, BufRead, Read as _, Write};

use serde_json::Value;

/// What came in.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// JSON.
    Value(Value),
    /// Something that is no message, and why.
    Broken(String),
}

/// The most bytes of a message: more than any document that is taken, written in escapes.
const LONGEST: u64 = 64 * 1024 * 1024;
/// The most bytes of a line of a header.
const LONGEST_LINE: u64 = 8 * 1024;

/// The next message; nothing once there is no more.
pub fn read(input: &mut impl BufRead) -> Option<Incoming> {
    let mut length = None;
    let mut seen = false;
    loop {
        let mut line = Vec::new();
        let count = input.take(LONGEST_LINE).read_until(b'\n', &mut line).ok()?;
        if count == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if line.is_empty() {
            if seen {
                break;
            }
            continue;
        }
        seen = true;
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let Some(length) = length else {
        return Some(Incoming::Broken("a header without a `Content-Length` that is a number".to_owned()));
    };
    if length > LONGEST {
        io::copy(&mut input.take(length), &mut io::sink()).ok()?;
        return Some(Incoming::Broken(format!("a message of {length} bytes; at most {LONGEST} are taken")));
    }
    let mut body = Vec::new();
    let read = input.take(length).read_to_end(&mut body).ok()?;
    if (read as u64) < length {
        return None;
    }
    Some(match serde_json::from_slice(&body) {
        Ok(value) => Incoming::Value(value),
        Err(error) => Incoming::Broken(format!("a message that is no JSON: {error}")),
    })
}

/// Writes messages; false when nobody reads them any more.
pub fn write_all(output: &mut impl Write, messages: &[Value]) -> bool {
    let mut write = || {
        for message in messages {
            let body = message.to_string();
            write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
        }
        output.flush()
    };
    let written: io::Result<()> = write();
    written.is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Incoming, read, write_all};

    fn all(mut input: &[u8]) -> Vec<Incoming> {
        std::iter::from_fn(|| read(&mut input)).collect()
    }

    #[track_caller]
    fn broken(message: &Incoming, why: &str) {
        assert!(matches!(message, Incoming::Broken(said) if said.contains(why)), "{message:?}");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let messages = vec![json!({ "a": "ä\n" }), json!([1])];
        let mut written = Vec::new();
        assert!(write_all(&mut written, &messages));
        assert_eq!(all(&written), messages.into_iter().map(Incoming::Value).collect::<Vec<_>>());
    }

    #[test]
    fn headers_are_read_in_any_case_and_order() {
        let found = all(b"content-type: x\r\nCONTENT-LENGTH:  2\r\n\r\n{}\r\n\r\nContent-Length: 4\n\nnull");
        assert_eq!(found, [Incoming::Value(json!({})), Incoming::Value(json!(null))]);
    }

    #[test]
    fn what_is_broken_is_said_and_what_follows_is_read() {
        let found = all(b"Content-Length: 3\r\n\r\n{]}Content-Length: none\r\n\r\nContent-Length: 2\r\n\r\n{}");
        broken(&found[0], "no JSON");
        broken(&found[1], "Content-Length");
        assert_eq!(found[2..], [Incoming::Value(json!({}))]);
    }

    #[test]
    fn a_message_cut_short_is_none() {
        assert_eq!(all(b"Content-Length: 10\r\n\r\n{}"), []);
        assert_eq!(all(b"Content-Length: 10"), []);
        assert_eq!(all(b""), []);
    }

    #[test]
    fn a_message_that_is_too_long_is_skipped() {
        let mut input = format!("Content-Length: {}\r\n\r\n", super::LONGEST + 1).into_bytes();
        input.resize(input.len() + usize::try_from(super::LONGEST).unwrap_or_default() + 1, b' ');
        input.extend_from_slice(b"Content-Length: 2\r\n\r\n{}");
        let found = all(&input);
        broken(&found[0], "at most");
        assert_eq!(found[1..], [Incoming::Value(json!({}))]);
    }
}
