//! The page of a report in a real browser: what it shows, on screen and on paper, and that it asks nobody for anything.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError};

use super::bench::Bench;
use super::gate_formats::has;
use super::reports::{hostile_bench, hostile_page};

/// Everything that a browser asks for, whatever the host, goes to this proxy, which knows a few pages and writes down the
/// rest.
struct Proxy {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn serving(pages: Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A connection that breaks off has asked for nothing.
                let _ = answer(stream, &pages, &noted);
            }
        });
        Self { address, asked }
    }

    /// What was asked for, without what the browser asks of its maker for itself.
    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let own = ["google.com", "googleapis.com", "gstatic.com", "gvt1.com"];
        asked.into_iter().filter(|line| !own.iter().any(|host| line.contains(host))).collect()
    }
}

fn answer(mut stream: TcpStream, pages: &[(&str, String)], asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let Some(first) = lines.next().transpose()? else { return Ok(()) };
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let wanted = first.split(' ').take(2).collect::<Vec<_>>().join(" ");
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(wanted.clone());
    let found = pages.iter().find(|(place, _)| wanted == format!("GET {place}"));
    let (status, body) = found.map_or(("404 Not Found", ""), |(_, page)| ("200 OK", page.as_str()));
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A browser of its own, which has never been anywhere.
fn chromium(bench: &Bench, proxy: &Proxy, more: &[&str]) -> Output {
    let profile = bench.path("profile");
    let mut command = Command::new("chromium");
    command.env("HOME", bench.path("."));
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--proxy-bypass-list=<-loopback>",
    ]);
    command.arg(format!("--proxy-server=http://{}", proxy.address));
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.args(more).output().unwrap()
}

const PLACE: &str = "http://report.example/";
const LEAKY: &str = "http://leaky.example/";

/// The report of a hostile run behind the proxy, and beside it a page that does ask for something.
fn served() -> (Bench, Proxy) {
    let bench = hostile_bench();
    let page = hostile_page(&bench);
    let leaky = "<!DOCTYPE html><title>leaky</title><img src=http://evil.example/c>".to_owned();
    (bench, Proxy::serving(vec![(PLACE, page), (LEAKY, leaky)]))
}

#[test]
fn a_browser_shows_the_report_and_asks_for_nothing_else() {
    if !has("chromium") {
        return;
    }
    let (bench, proxy) = served();
    let shown = chromium(&bench, &proxy, &["--dump-dom", PLACE]);
    let dom = String::from_utf8_lossy(&shown.stdout);
    assert!(
        dom.contains("Write the release down") && dom.contains("Timeline"),
        "{dom}\n{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    assert!(dom.contains("&lt;script&gt;"), "hostile text is shown");
    assert!(!dom.contains("<script") && !dom.contains("<img"), "{dom}");
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
    assert!(title.starts_with("publish succeeded: run "), "{title}");
    assert_eq!(proxy.asked(), [format!("GET {PLACE}")]);
    // That the proxy would have seen it.
    chromium(&bench, &proxy, &["--dump-dom", LEAKY]);
    assert!(proxy.asked().contains(&"GET http://evil.example/c".to_owned()), "{:?}", proxy.asked());
}

#[test]
fn on_paper_it_is_all_there() {
    if !has("chromium") || !has("pdftotext") {
        return;
    }
    let (bench, proxy) = served();
    let paper: PathBuf = bench.path("report.pdf");
    let print = format!("--print-to-pdf={}", paper.display());
    chromium(&bench, &proxy, &[&print, "--no-pdf-header-footer", PLACE]);
    let text =
        Command::new("pdftotext").args(["-layout", "report.pdf", "-"]).current_dir(bench.path(".")).output().unwrap();
    let text = String::from_utf8_lossy(&text.stdout);
    for words in
        ["Title of publish", "succeeded", "Guards", "Do not publish release 0.", "Proof of run.end", "evil.example"]
    {
        assert!(text.contains(words), "paper has no `{words}`:\n{text}");
    }
    assert_eq!(proxy.asked(), [format!("GET {PLACE}")]);
}
