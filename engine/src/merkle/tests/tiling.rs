//! Tiles and requests against the layout's own examples and a tree read back from the files alone.

use std::collections::BTreeMap;

use super::super::add_checkpoint::AddCheckpoint;
use super::super::proof::ProofMaker;
use super::super::tiles::{TileMaker, TooLong};
use super::*;

fn files(entries: u32) -> BTreeMap<String, Vec<u8>> {
    let mut maker = TileMaker::new();
    let mut files = BTreeMap::new();
    for number in 0..entries {
        for file in maker.push(&number.to_be_bytes()).unwrap() {
            assert!(file.is_full);
            assert_eq!(files.insert(file.path, file.bytes), None);
        }
    }
    for file in maker.partial() {
        assert!(!file.is_full);
        assert_eq!(files.insert(file.path, file.bytes), None);
    }
    files
}

#[track_caller]
fn check(entries: u32, expected: &[&str]) {
    let files = files(entries);
    assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    for (path, bytes) in files.iter().filter(|(path, _)| !path.starts_with("tile/entries")) {
        let width = path.split_once(".p/").map_or(256, |(_, width)| width.parse().unwrap());
        assert_eq!(bytes.len(), 32 * width, "{path}");
    }
}

#[test]
fn a_log_has_the_tiles_of_its_size() {
    check(0, &[]);
    check(1, &["tile/0/000.p/1", "tile/entries/000.p/1"]);
    check(255, &["tile/0/000.p/255", "tile/entries/000.p/255"]);
    check(256, &["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
    check(257, &["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/1"]);
}

#[test]
fn a_log_of_70000_entries_has_the_tiles_of_the_specification() {
    // C2SP tlog-tiles, "Merkle Tree": 256 full tiles and one of 112 at level 0 and so on, as its example of this size.
    let files = files(70_000);
    let of_level = |level: &str| files.keys().filter(|path| path.starts_with(&format!("tile/{level}/"))).count();
    assert_eq!((of_level("0"), of_level("1"), of_level("2"), of_level("3")), (274, 2, 1, 0));
    for path in ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"] {
        assert!(files.contains_key(path), "{path}");
    }
}

#[test]
fn what_the_tiles_hold_is_the_tree_and_the_entries() {
    let entries = 256 * 3 + 17;
    let files = files(entries);
    let hashes = |start: &str| -> Vec<Hash> {
        let bytes = files.iter().filter(|(path, _)| path.starts_with(start)).flat_map(|(_, bytes)| bytes.clone());
        bytes.collect::<Vec<u8>>().chunks_exact(32).map(|hash| hash.try_into().unwrap()).collect()
    };
    let leaves: Vec<Hash> = (0..entries).map(|number| leaf_hash(&number.to_be_bytes())).collect();
    assert_eq!(hashes("tile/0/"), leaves);
    let above: Vec<Hash> = leaves.chunks_exact(256).map(slow_root).collect();
    assert_eq!(hashes("tile/1/"), above);
    let mut bundle = files["tile/entries/003.p/17"].as_slice();
    for number in 768..entries {
        let (length, rest) = bundle.split_at(2);
        assert_eq!(length, [0, 4]);
        assert_eq!(rest[..4], number.to_be_bytes());
        bundle = &rest[4..];
    }
    assert!(bundle.is_empty());
}

#[test]
fn a_tile_beyond_the_thousandth_has_a_path_of_groups() {
    let mut maker = TileMaker::new();
    let mut last = String::new();
    for _ in 0..256 * 1068 {
        if let Some(file) = maker.push(b"").unwrap().into_iter().find(|file| file.path.starts_with("tile/entries")) {
            last = file.path;
        }
    }
    assert_eq!(last, "tile/entries/x001/067");
}

#[test]
fn an_entry_longer_than_a_bundle_can_say_is_refused() {
    let mut maker = TileMaker::new();
    assert!(maker.push(&[0; 65_535]).is_ok());
    assert_eq!(maker.push(&[0; 65_536]), Err(TooLong(65_536)));
}

#[test]
fn a_request_to_a_witness_is_written_to_the_byte() {
    let by_log = AT_FIVE_SIGNED.split_inclusive('\n').take(5).collect::<String>();
    let note = Note::parse(by_log.as_bytes()).unwrap();
    let mut maker = ProofMaker::consistency(3, 5).unwrap();
    LOG_LEAVES.map(unhex).into_iter().for_each(|leaf| maker.push(leaf));
    let request = AddCheckpoint { old: 3, proof: maker.finish().unwrap(), note };
    let proof = "JY9Qj5JmJ5xHNr7UXEAW38/Vif2kKh7uzKB1y4e3N5Q=\nikefb9++C+Mk7FVytwGNvN6rDEI3q4F6ALVzVkBLWXY=\n\
        nTvOqJYC57jR2aAH/Cc7ymzgsA1iB2s2OhTA00joko8=\nGWSJIDYNTfuWT60ZwV8/rsIS+gYGC4DJcUY4umeujPE=\n";
    assert_eq!(request.to_string(), format!("old 3\n{proof}\n{by_log}"));
}
