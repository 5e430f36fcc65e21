//! Names that give away that what they name is a secret: where such a value would be written down, it is asked about first.

/// Whether a variable or parameter of this name is likely to hold a secret.
#[must_use]
pub fn looks_secret(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "SECRET",
        "SECRETS",
        "TOKEN",
        "TOKENS",
        "PASSWORD",
        "PASSWORDS",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "CREDENTIALS",
        "APIKEY",
        "COOKIE",
        "KEY",
        "DSN",
    ];
    let upper = name.to_ascii_uppercase();
    let mut words = upper.split('_');
    let public = upper.split('_').any(|word| word == "PUBLIC");
    words.any(|word| WORDS.contains(&word)) && !public
}
