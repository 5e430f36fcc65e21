//! Who runs: the user of the operating system, by name where the system knows one.

use std::os::unix::fs::MetadataExt as _;

/// The name of the user this process runs as; `uid 1000` where it has none.
pub fn name() -> String {
    // The owner of a process's own folder is the user it acts as; variables like USER can say anything.
    let Ok(uid) = std::fs::metadata("/proc/self").map(|found| found.uid()) else { return "unknown user".to_owned() };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {uid}"))
}
