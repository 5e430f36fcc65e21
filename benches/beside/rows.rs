//! The bare loop that a durable record is compared with: one row a commit into SQLite, WAL and `synchronous=FULL`.

use std::path::Path;

use rusqlite::Connection;

/// Commits `count` rows of `size` bytes, one by one, to a new database in a folder.
///
/// # Panics
/// When SQLite says no.
#[expect(clippy::unwrap_used, reason = "a benchmark that cannot write has nothing to measure")]
pub fn commit_one_by_one(folder: &Path, count: usize, size: usize) {
    let conn = Connection::open(folder.join("bare.db")).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.execute_batch("CREATE TABLE rows (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT").unwrap();
    let body = vec![b'x'; size];
    let mut insert = conn.prepare("INSERT INTO rows (body) VALUES (?)").unwrap();
    for _ in 0..count {
        insert.execute([&body]).unwrap();
    }
}
