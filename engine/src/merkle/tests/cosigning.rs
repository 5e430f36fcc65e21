//! Cosignatures: the published ones are right, and their keys are read to the byte.
//!
//! The numbers are those of the C2SP documents' reference implementation (sunlight) and of an example made apart from us.

use super::*;
use crate::merkle::cosignature::{Cosignature, WitnessKey, message};
use crate::merkle::note::{Note, signature_lines};
use crate::sign;

/// A checkpoint of a log, its witness, and when the witness saw it.
const PUBLISHED: [(&str, &str, u64); 3] = [
    (
        "rome2026h1.example.org\n300\nlCkHUpkmVBEms2r2T1K6Og69+wUuuN3MIEW1/ezu2v0=\n\n\
         — rome2026h1.example.org kVB1JgAAAZtxtEwABAMARzBFAiEAi+mTa2xjL1IdWpH82OeciGsGvwRAP+f1WkfKaSZCfFECIHoNPZ/Q3y6UNzvKOO9cuLr6V16vPNfhwhle9f6r5H/Z\n\
         — witness.example.org uKLPIAAAAABpVGeAhm2bOvKc3LaB9PFN1ruG19Y5yqslmcAAbhftnn1Zznmo0LXFZq4LGvqKqLX8jWlwLKasxEGTLIqAVusneCBmBw==\n",
        "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN",
        1_767_139_200,
    ),
    (
        "rome2026h1.example.org\n300\ngw31yQrqZZCcEOPrzX+bpy3nJ6QgngTKn8G1m0i62uU=\n\n\
         — mirror.example.org P7FI7wAAAABpVGeAjA1S4pJm6MbcXjX7UUImu4azZtrfcVW2uyr/LXIYlwEJzXC0N0EiZkbqfLdXt/4gVEEuGmxJjAfXKMCISpsJAg==\n",
        "mirror.example.org+3fb148ef+BAAjjch9GyYz0sJsJx7ALhbdAtz2ov0unbzSl1vMp94O",
        1_767_139_200,
    ),
    (
        "runbook.example/ledger/acme-prod\n5\n4A52kHB3kqnXzVnGANFwvBzBjUtfVP7e2Nxj6tEEeA0=\n\n\
         — runbook.example/ledger/acme-prod JSBBXYMXAvIBbYhi8sRPiVHY8MbsmbmQ9xd/Qu2HGCz+tf5AKBejcx4GDPklJP16iPAuZM2EPXmgkJpavaCg/z+GmAE=\n\
         — witness.example/w1 BNLYMwAAAABrABRQWTts2jKVWep8lJ7JNY8ORj37A7fk6Lrn91NebjzlWWWzeyOQjcNPl0SQr609eQnnraEg3LESnkkMgQc0PBs8AQ==\n",
        "witness.example/w1+04d2d833+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM",
        1_795_167_312,
    ),
];

fn is_right(note: &Note, key: &WitnessKey, cosignature: &Cosignature) -> bool {
    sign::verify(key.public(), &message(cosignature.time, note.text()), &cosignature.signature)
}

#[test]
fn published_cosignatures_are_right_and_of_their_time() {
    for (text, key, time) in PUBLISHED {
        let (note, key) = (Note::parse(text.as_bytes()).unwrap(), WitnessKey::parse(key).unwrap());
        let found: Vec<Cosignature> = key.claimed_in(&note).collect();
        assert_eq!(found.len(), 1);
        let cosignature = &found[0];
        assert_eq!(cosignature.time, time);
        assert!(is_right(&note, &key, cosignature));
        // Another time, text or key: nothing.
        assert!(!is_right(&note, &key, &Cosignature { time: time + 1, ..cosignature.clone() }));
        let other = Note::new(note.text().replace("\n5\n", "\n6\n").replace("\n300\n", "\n301\n")).unwrap();
        assert!(!is_right(&other, &key, cosignature));
        // Written again, it is the same line.
        let mut again = Note::new(note.text().to_owned()).unwrap();
        for line in note.signatures() {
            again.add_line(key.claimed(line).map_or_else(|| line.clone(), |cosignature| key.line(&cosignature)));
        }
        assert_eq!(again.to_string(), text);
    }
}

#[test]
fn a_key_of_a_witness_is_told_from_that_of_a_log() {
    for (_, text, _) in PUBLISHED {
        let key = WitnessKey::parse(text).unwrap();
        assert_eq!(key.to_string(), text);
        assert!(VerifierKey::parse(text).is_err());
        let log = VerifierKey::new(key.name(), *key.public()).unwrap();
        assert!(WitnessKey::parse(&log.to_string()).is_err());
        assert_ne!(log.id(), key.id());
    }
    for wrong in ["", "w", "w+04d2d833", "w+00000000+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM", "w+04d2d833+BD1A"] {
        assert!(WitnessKey::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn lines_alone_are_read_as_a_witness_sends_them() {
    let line = "— w uKLPIAAAAABpVGeAhm2bOvKc3LaB9PFN1ruG19Y5yqslmcAAbhftnn1Zznmo0LXFZq4LGvqKqLX8jWlwLKasxEGTLIqAVusneCBmBw==\n";
    assert_eq!(signature_lines(line.as_bytes()).unwrap().len(), 1);
    assert_eq!(signature_lines(line.repeat(3).as_bytes()).unwrap().len(), 3);
    for wrong in ["", "\n", line.trim_end(), &format!("\n{line}"), &format!("{line}\n"), &line.repeat(101)] {
        assert!(signature_lines(wrong.as_bytes()).is_err(), "{wrong:?}");
    }
}
