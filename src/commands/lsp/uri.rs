//! Paths as an editor names them: `file:` URIs.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use gen_lsp_types::Uri;

/// The path of a `file:` URI; none of what has no file.
pub fn path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.0.strip_prefix("file:")?;
    let path = match rest.strip_prefix("//") {
        // Of a file on another host there is no path here.
        Some(rest) => {
            let at = rest.find('/')?;
            if !matches!(&rest[..at], "" | "localhost") {
                return None;
            }
            &rest[at..]
        }
        None => rest,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.starts_with('/').then(|| PathBuf::from(OsString::from_vec(decoded(path))))
}

/// The URI of an absolute path.
pub fn of(path: &Path) -> Uri {
    let mut uri = String::from("file://");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    Uri(uri)
}

fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| *byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use gen_lsp_types::Uri;

    use super::{of, path};

    #[test]
    fn every_path_comes_back() {
        for name in ["/a/b.yaml", "/with space/ä/100%/c#d?e.yaml", "/"] {
            assert_eq!(path(&of(Path::new(name))).as_deref(), Some(Path::new(name)));
        }
        assert_eq!(of(Path::new("/a b/ä")).0, "file:///a%20b/%C3%A4");
    }

    #[test]
    fn what_editors_write_is_understood() {
        let read = |uri: &str| path(&Uri(uri.to_owned()));
        assert_eq!(read("file:///a/c%3a/b.yaml"), Some(PathBuf::from("/a/c:/b.yaml")));
        assert_eq!(read("file://localhost/a"), Some(PathBuf::from("/a")));
        assert_eq!(read("file:/a"), Some(PathBuf::from("/a")));
        assert_eq!(read("file:///a%2"), Some(PathBuf::from("/a%2")));
        assert_eq!(read("file://elsewhere/a"), None);
        assert_eq!(read("untitled:Untitled-1"), None);
        assert_eq!(read(""), None);
    }
}
