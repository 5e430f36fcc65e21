//! Kora's dashboard on loopback: live answers and samples of the documented shapes, behind a session token.
//!
//! What it says is in files of a folder, so that a program under test (a restart, say) changes what it says.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// The service; it ends with this.
pub struct Dashboard {
    pub url: String,
    stopping: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

impl Dashboard {
    /// Serves `NAME.json` of the folder under `/api/NAME`; `token` there is the session token.
    pub fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stopping, folder) = (Arc::new(AtomicBool::new(false)), folder.to_owned());
        let stop = Arc::clone(&stopping);
        let server = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away is its own affair.
                let _ = answer(stream.unwrap(), &folder);
            }
        });
        Self { url, stopping, server: Some(server) }
    }
}

fn answer(mut stream: TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default().to_owned();
    let mut token = String::new();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("x-hermes-session-token")
        {
            token = value.trim().to_owned();
        }
    }
    let name = path.strip_prefix("/api/").unwrap_or_default();
    let wanted = fs::read_to_string(folder.join("token")).unwrap_or_default();
    let (status, body) = if name != "status" && token != wanted.trim() {
        ("401 Unauthorized", r#"{"detail":"Unauthorized"}"#.to_owned())
    } else {
        match fs::read_to_string(folder.join(format!("{}.json", name.replace('/', "_")))) {
            Ok(body) => ("200 OK", body),
            Err(_) => ("404 Not Found", "{}".to_owned()),
        }
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let address = self.url.strip_prefix("http://").unwrap_or_default();
        drop(TcpStream::connect(address));
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}
