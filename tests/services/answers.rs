//! A service on loopback that answers each method and path as it was told to, and remembers what it was asked.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

/// What was asked: method, path without its query, headers in lowercase, body.
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

type Reply = Box<dyn Fn(&Asked) -> (u16, String) + Send>;

#[derive(Default)]
struct Told {
    replies: Mutex<HashMap<(String, String), Reply>>,
    asked: Mutex<Vec<(String, String)>>,
    stopping: AtomicBool,
}

/// The service; it ends with this. What it was not told about it answers with 404.
pub struct Answers {
    pub url: String,
    told: Arc<Told>,
    server: Option<JoinHandle<()>>,
}

impl Answers {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Told::default());
        let shared = Arc::clone(&told);
        let server = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopping.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away is its own affair.
                let _ = answer(stream.unwrap(), &shared);
            }
        });
        Self { url, told, server: Some(server) }
    }

    /// From now on it says this there.
    pub fn says(&self, method: &str, path: &str, status: u16, body: &Value) {
        let body = body.to_string();
        self.does(method, path, move |_| (status, body.clone()));
    }

    /// From now on it does this there.
    pub fn does(&self, method: &str, path: &str, reply: impl Fn(&Asked) -> (u16, String) + Send + 'static) {
        let mut replies = self.told.replies.lock().unwrap();
        replies.insert((method.to_owned(), path.to_owned()), Box::new(reply));
    }

    /// How often it was asked that.
    pub fn count(&self, method: &str, path: &str) -> usize {
        let asked = self.told.asked.lock().unwrap();
        asked.iter().filter(|(verb, place)| verb == method && place == path).count()
    }
}

fn answer(mut stream: TcpStream, told: &Told) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().split('?').next().unwrap_or_default().to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let asked = Asked { method, path, headers, body: String::from_utf8_lossy(&body).into_owned() };
    let place = (asked.method.clone(), asked.path.clone());
    told.asked.lock().unwrap().push(place.clone());
    let (status, body) =
        told.replies.lock().unwrap().get(&place).map_or_else(|| (404, "{}".to_owned()), |reply| reply(&asked));
    write!(
        stream,
        "HTTP/1.1 {status} So\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.told.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.url.strip_prefix("http://").unwrap_or_default()));
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}
