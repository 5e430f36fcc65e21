//! The checklist `corvusforge.production_deployment`: over files as Corvusforge leaves them, and a monitor on loopback.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use engine::event::state::RunStatus;
use serde_json::json;

use crate::plugins::{self, REGISTRY};
use crate::site::{Site, answer};
use crate::writer::runs::MAIN_RUN;

/// A monitor that answers everything with a page; it ends with this.
struct Monitor {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

impl Monitor {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopping);
        let server = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                let mut asked = [0; 2048];
                // A client that goes away is its own affair.
                let _ = stream.read(&mut asked);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
            }
        });
        Self { address, stopping, server: Some(server) }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn private(site: &Site, name: &str, mode: u32) {
    let path = site.path(&format!("keys/{name}"));
    fs::write(&path, hex::encode([4; 32])).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A project that may go to production: its release is anchored, and people answer for the rest.
async fn ready(monitor: &Monitor) -> Site {
    let mut site = plugins::dressed(Site::with("127.0.0.1:8765", &monitor.address.to_string()));
    private(&site, "WAIVER_SIGNING_KEY", 0o600);
    private(&site, "PLUGIN_SIGNING_KEY", 0o600);
    let anchored = site.run("export_anchor", json!({ "covers_stage": "s7_release" })).await;
    assert_eq!(anchored.status, RunStatus::Succeeded, "{:?}", anchored.failure);
    let backups = json!({ "last": "2099-01-01T00:00:00Z", "schedule": "cron of store-2" });
    let rotation = json!({ "where": "wiki page KEYS", "next": "2099-01-01T00:00:00Z" });
    site.people.0.extend([("backups", answer(&backups, None)), ("rotation", answer(&rotation, None))]);
    site
}

async fn gate(site: &Site) -> RunStatus {
    site.run("production_deployment", json!({ "release_run": MAIN_RUN })).await.status
}

#[tokio::test]
async fn the_gate_opens_when_all_ten_are_so_and_changes_nothing() {
    let monitor = Monitor::start();
    let site = ready(&monitor).await;
    let before = site.project();
    assert_eq!(gate(&site).await, RunStatus::Succeeded);
    assert_eq!(site.project(), before);
}

#[tokio::test]
async fn the_gate_is_shut_by_each_of_them() {
    let monitor = Monitor::start();
    let wrong: [fn(&mut Site); 7] = [
        |site| fs::write(site.path("project/.env"), "CORVUSFORGE_ENVIRONMENT=Production\n").unwrap(),
        |site| fs::remove_file(site.path("keys/WAIVER_SIGNING_KEY")).unwrap(),
        |site| private(site, "PLUGIN_SIGNING_KEY", 0o644),
        |site| fs::remove_dir_all(site.path("anchors")).unwrap(),
        |site| fs::write(site.path(REGISTRY), "{}").unwrap(),
        |site| drop(site.people.0.remove("backups")),
        |site| {
            let overdue = json!({ "where": "wiki page KEYS", "next": "2020-01-01T00:00:00Z" });
            site.people.0.insert("rotation", answer(&overdue, None));
        },
    ];
    for (number, change) in wrong.into_iter().enumerate() {
        let mut site = ready(&monitor).await;
        change(&mut site);
        assert_eq!(gate(&site).await, RunStatus::Failed, "number {number}");
    }
}

#[tokio::test]
async fn a_registry_that_is_a_folder_verifies_no_plugin() {
    let monitor = Monitor::start();
    let site = ready(&monitor).await;
    fs::remove_file(site.path(REGISTRY)).unwrap();
    fs::create_dir(site.path(REGISTRY)).unwrap();
    assert_eq!(gate(&site).await, RunStatus::Failed);
}
