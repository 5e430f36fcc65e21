//! A PostgreSQL server of a test's own, on a socket in a temporary folder.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// The server; it ends with this.
pub struct Postgres {
    folder: TempDir,
    server: Child,
    programs: PathBuf,
    port: String,
}

/// An authority, and a certificate of it for `localhost`.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        let done = command.args(arguments.split(' ')).current_dir(folder).stdin(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
    };
    fs::write(folder.join("leaf.cnf"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority");
    openssl("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost");
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile leaf.cnf",
    );
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj /CN=other");
}

/// The programs of the newest version that Debian has installed.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").exists() && folder.join("postgres").exists());
    found.sort();
    found.pop()
}

/// The user that the server runs as: it refuses to be root.
fn user() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|about| {
        use std::os::unix::fs::MetadataExt as _;
        about.uid() == 0
    });
    if !is_root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut parts = line.split(':').skip(2);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody"))
}

impl Postgres {
    /// A server with that content; none where PostgreSQL is not installed, which is said, and fails where `CI=true`.
    pub fn start(content: &Path) -> Option<Self> {
        Self::start_with(content, &["-c", "listen_addresses="])
    }

    /// The same, which also listens on a port of loopback and there speaks TLS with a certificate for `localhost`, of an
    /// authority whose certificate is `ca.pem` in the folder of its socket.
    pub fn start_with_tls(content: &Path, port: u16) -> Option<Self> {
        let port = port.to_string();
        let tls = ["-c", "ssl=on", "-c", "ssl_cert_file=../server.pem", "-c", "ssl_key_file=../server.key"];
        Self::start_with(content, &[&["-c", "listen_addresses=127.0.0.1", "-p", &port][..], &tls].concat())
    }

    fn start_with(content: &Path, settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "PostgreSQL is not installed");
            println!("skipped: PostgreSQL is not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let user = user();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let data = folder.path().join("data");
        let data = data.to_str().unwrap();
        let made =
            command("initdb").args(["-D", data, "-U", "owner", "--auth=trust", "--no-sync", "-E", "UTF8"]).status();
        assert!(made.unwrap().success(), "initdb failed");
        let socket = folder.path().to_str().unwrap();
        if settings.contains(&"ssl=on") {
            certificates(folder.path());
            let key = folder.path().join("server.key");
            fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
            if let Some((uid, gid)) = user {
                chown(&key, Some(uid), Some(gid)).unwrap();
            }
        }
        let port = settings.iter().position(|part| *part == "-p").map_or("5432", |at| settings[at + 1]).to_owned();
        let server =
            command("postgres").args(["-D", data, "-k", socket, "-c", "fsync=off"]).args(settings).spawn().unwrap();
        let postgres = Self { folder, server, programs, port };
        // It is ready when it answers; a server that does not come up fails the test.
        let answers = |_: &u32| {
            std::thread::sleep(Duration::from_millis(100));
            postgres.psql(&["-c", "SELECT 1"]).status.success()
        };
        assert!((0..300).any(|turn| answers(&turn)), "PostgreSQL did not come up");
        let filled = postgres.psql(&["-v", "ON_ERROR_STOP=1", "-f", content.to_str().unwrap()]);
        assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
        Some(postgres)
    }

    /// The folder of its socket.
    pub fn socket(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    fn psql(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(self.programs.join("psql"));
        command.args(["-X", "-q", "-A", "-t", "-h", self.socket(), "-p", &self.port, "-U", "owner", "-d", "postgres"]);
        command.args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Statements as the owner of everything, and what they give.
    #[track_caller]
    pub fn sql(&self, statements: &str) -> String {
        let done = self.psql(&["-v", "ON_ERROR_STOP=1", "-c", statements]);
        assert!(done.status.success(), "{statements}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }
}

/// A transaction that somebody else keeps open; it ends with this.
pub struct Held(Child);

impl Postgres {
    /// Has somebody else do this in a transaction, and keep that open.
    pub fn hold(&self, statement: &str) -> Held {
        let mut command = Command::new(self.programs.join("psql"));
        command.args(["-X", "-h", self.socket(), "-p", &self.port, "-U", "owner", "-d", "postgres"]);
        let mut held = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdin = held.stdin.as_mut().unwrap();
        writeln!(stdin, "BEGIN; {statement}; \\echo held").unwrap();
        stdin.flush().unwrap();
        let lines = BufReader::new(held.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "held"), "{statement} was not done");
        Held(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
