//! Requests in the inbox: durable, whole, told when they are none.

use super::*;
use crate::ledger::inbox::{self, Request, Wish};

fn request(reason: &str) -> Request {
    let wish = Wish::Cancel { reason: reason.to_owned() };
    Request { run: run(1), actor: "mira".to_owned(), at: at(5), wish }
}

#[test]
fn requests_are_found_in_the_order_they_were_left_until_they_are_taken_out() {
    let place = Place::new();
    assert!(inbox::waiting(&place.path).unwrap().is_empty());
    for reason in ["first", "second"] {
        inbox::post(&place.path, &request(reason)).unwrap();
    }
    let waiting = inbox::waiting(&place.path).unwrap();
    let said: Vec<_> = waiting.iter().map(|waiting| waiting.request.clone().unwrap()).collect();
    assert_eq!(said, [request("first"), request("second")]);
    inbox::take_out(&waiting[0]).unwrap();
    inbox::take_out(&waiting[0]).unwrap();
    let left = inbox::waiting(&place.path).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].request, Ok(request("second")));
}

#[test]
fn a_file_that_is_no_request_is_told_and_stays() {
    let place = Place::new();
    inbox::post(&place.path, &request("stop")).unwrap();
    let folder = inbox::path_of(&place.path);
    std::fs::write(folder.join("0.json"), "{\"run\": 1}").unwrap();
    std::fs::write(folder.join("1.json"), vec![b' '; inbox::MAX_FILE + 1]).unwrap();
    let waiting = inbox::waiting(&place.path).unwrap();
    assert_eq!(waiting.iter().filter(|waiting| waiting.request.is_err()).count(), 2);
    assert_eq!(waiting.iter().filter(|waiting| waiting.request.is_ok()).count(), 1);
}

#[test]
fn a_request_that_is_too_long_is_not_left() {
    let place = Place::new();
    assert!(inbox::post(&place.path, &request(&"x".repeat(inbox::MAX_FILE))).is_err());
    assert!(inbox::waiting(&place.path).unwrap().is_empty());
}
