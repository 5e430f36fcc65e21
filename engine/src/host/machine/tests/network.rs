//! Requests: allowed hosts, redirects, limits and timeouts.

use std::time::Duration;

use wiremock::matchers::{body_string, header, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::Workspace;
use crate::host::machine::Machine;
use crate::host::{Error, Get, Host, Probe, Send};

fn get(url: impl Into<String>) -> Get {
    Get { url: url.into(), headers: Vec::new(), timeout: Duration::from_secs(10), at_most: 1000, head_only: false }
}

fn machine() -> Machine {
    Workspace::new().machine()
}

fn only(hosts: &[&str]) -> Machine {
    let mut workspace = Workspace::new();
    workspace.settings.allow_hosts = Some(hosts.iter().map(|host| (*host).to_owned()).collect());
    workspace.machine()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, words: &str) {
    match result {
        Err(Error::Refused(message)) => assert!(message.contains(words), "{message}"),
        other => panic!("expected a refusal with `{words}`, found {other:?}"),
    }
}

async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/")).respond_with(template).mount(&server).await;
    server
}

async fn redirecting(to: &str) -> MockServer {
    answering(ResponseTemplate::new(302).insert_header("location", to)).await
}

#[tokio::test]
async fn an_answer_is_an_answer_whatever_its_status() {
    let server = answering(ResponseTemplate::new(503).set_body_string("busy").insert_header("X-Why", "load")).await;
    let answer = machine().get(get(server.uri())).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (503, &b"busy"[..]));
    assert!(answer.headers.contains(&("x-why".to_owned(), "load".to_owned())));
    let head = machine().get(Get { head_only: true, ..get(server.uri()) }).await.unwrap();
    assert_eq!((head.status, head.body.len()), (503, 0));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_while_it_streams() {
    let server = answering(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 1001])).await;
    assert!(matches!(machine().get(get(server.uri())).await, Err(Error::TooLarge { limit: 1000, .. })));
    assert!(machine().get(Get { at_most: 1001, ..get(server.uri()) }).await.is_ok());
}

#[tokio::test]
async fn the_limit_of_time_is_over_the_whole_exchange() {
    let server = answering(ResponseTemplate::new(200).set_delay(Duration::from_secs(30))).await;
    let result = machine().get(Get { timeout: Duration::from_millis(200), ..get(server.uri()) }).await;
    assert!(matches!(result, Err(Error::TimedOut { .. })), "{result:?}");
}

#[tokio::test]
async fn a_refused_connection_was_never_sent_and_shows_no_query() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = machine().get(get(format!("http://{free}/a?token=canary"))).await.unwrap_err();
    assert!(matches!(error, Error::Network { unsent: true, .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("canary"));
    assert!(error.to_string().contains(&format!("http://{free}/a")), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_off_may_have_been_heard() {
    use tokio::io::AsyncReadExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counted = tokio::spawn(async move {
        let mut count = 0;
        while let Ok(Ok((mut stream, _))) = tokio::time::timeout(Duration::from_secs(1), listener.accept()).await {
            let mut buffer = [0; 1024];
            let _ = stream.read(&mut buffer).await;
            count += 1;
        }
        count
    });
    let send = Send { method: "POST".to_owned(), to: get(format!("http://{address}/")), body: Some(b"x".to_vec()) };
    let error = machine().send(send).await.unwrap_err();
    assert!(matches!(error, Error::Network { unsent: false, .. }), "{error:?}");
    assert_eq!(counted.await.unwrap(), 1, "it was sent once and not again");
}

#[tokio::test]
async fn credentials_in_an_address_are_refused_and_not_shown() {
    for url in ["http://user:canary@127.0.0.1/", "http://canary@127.0.0.1/", "http://:canary@127.0.0.1/"] {
        let error = machine().get(get(url)).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
        refused::<()>(Err(error), "credentials");
    }
    for url in ["file:///etc/passwd", "ftp://127.0.0.1/", "unix:/x", "", "127.0.0.1", "http://", "/path"] {
        assert!(matches!(machine().get(get(url)).await, Err(Error::Refused(_))), "{url}");
    }
}

#[tokio::test]
async fn only_allowed_hosts_are_spoken_to() {
    let server = answering(ResponseTemplate::new(200)).await;
    let with_port = server.address().to_string();
    for allowed in ["127.0.0.1", &with_port] {
        assert!(only(&["example.org", allowed]).get(get(server.uri())).await.is_ok(), "{allowed}");
    }
    for other in ["localhost", "127.0.0.1:1", "27.0.0.1", "127.0.0.1.example.org", ""] {
        refused(only(&[other]).get(get(server.uri())).await, "allow_hosts");
        let send = Send { method: "POST".to_owned(), to: get(server.uri()), body: None };
        refused(only(&[other]).send(send).await, "allow_hosts");
    }
    refused(only(&[]).get(get(server.uri())).await, "allow_hosts");
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_redirect_is_followed_within_what_is_allowed() {
    let last = answering(ResponseTemplate::new(200).set_body_string("here")).await;
    let first = redirecting(&last.uri()).await;
    let answer = machine().get(get(first.uri())).await.unwrap();
    assert_eq!(answer.body, b"here");
    let near = first.address().to_string();
    refused(only(&[&near]).get(get(first.uri())).await, "allow_hosts");
    assert_eq!(last.received_requests().await.unwrap().len(), 1);
    let elsewhere = redirecting("file:///etc/passwd").await;
    refused(machine().get(get(elsewhere.uri())).await, "redirects elsewhere");
}

#[tokio::test]
async fn a_token_stays_with_the_origin_it_was_meant_for() {
    let last = MockServer::start().await;
    Mock::given(header_exists("x-token")).respond_with(ResponseTemplate::new(500)).mount(&last).await;
    Mock::given(path("/")).respond_with(ResponseTemplate::new(200)).mount(&last).await;
    let first = redirecting(&last.uri()).await;
    let headers = vec![("X-Token".to_owned(), "canary".to_owned())];
    assert_eq!(machine().get(Get { headers, ..get(first.uri()) }).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_circle_of_redirects_is_left() {
    let server = redirecting("/").await;
    refused(machine().get(get(server.uri())).await, "more than 5");
    assert_eq!(server.received_requests().await.unwrap().len(), 6);
}

#[tokio::test]
async fn what_is_sent_is_sent_once_and_not_redirected() {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(path("/there"))
        .and(header("x-name", "value"))
        .and(body_string("body"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", "/elsewhere"))
        .expect(1)
        .mount(&server)
        .await;
    let to = Get { headers: vec![("X-Name".to_owned(), "value".to_owned())], ..get(format!("{}/there", server.uri())) };
    let answer = machine().send(Send { method: "PUT".to_owned(), to, body: Some(b"body".to_vec()) }).await.unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_header_that_would_smuggle_another_is_refused_unseen() {
    let server = answering(ResponseTemplate::new(200)).await;
    for (name, value) in [
        ("Host", "canary"),
        ("Content-Length", "canary"),
        ("X-A", "canary\r\nX-B: c"),
        ("X A", "canary"),
        ("", "canary"),
        ("X-A", "canary\0"),
    ] {
        let headers = vec![(name.to_owned(), value.to_owned())];
        let error = machine().get(Get { headers, ..get(server.uri()) }).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
        refused::<()>(Err(error), "header");
    }
    let method = "PO ST\r\n".to_owned();
    refused(machine().send(Send { method, to: get(server.uri()), body: None }).await, "method");
}
