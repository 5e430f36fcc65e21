#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use wiremock::matchers::{body_json, body_string, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::action::trial::Trial;
use crate::action::{Fidelity, Reconciled};
use crate::procedure::TargetKind as Kind;

fn service(server: &MockServer) -> Trial {
    let settings = json!({ "url": format!("{}/api/", server.uri()), "headers": { "X-From": "target", "X-Both": "t" } });
    Trial::new().target("api", Kind::Service, settings).target("lever", Kind::Pause, json!({}))
}

async fn nobody() -> Trial {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Trial::new().target("api", Kind::Service, json!({ "url": format!("http://{free}") }))
}

#[track_caller]
fn fails<T: std::fmt::Debug>(result: Result<T, crate::action::Error>, code: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code, code, "{error}");
}

#[tokio::test]
async fn a_get_gives_status_headers_and_json() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/state"))
        .and(query_param("limit", "20"))
        .and(header("x-from", "target"))
        .and(header("x-both", "step"))
        .respond_with(ResponseTemplate::new(503).set_body_json(json!({ "primary_state": "paused" })))
        .mount(&server)
        .await;
    let with = json!({ "target": "api", "path": "/state?limit=20", "headers": { "x-both": "step" } });
    let found = service(&server).read("http.get", with).await.unwrap();
    assert_eq!((&found["status"], &found["text"]), (&json!(503), &Value::Null));
    assert_eq!(found["json"], json!({ "primary_state": "paused" }));
    assert_eq!(found["headers"]["content-type"], "application/json");
    assert_eq!(found["url"], format!("{}/api/state", server.uri()));
}

#[tokio::test]
async fn what_is_no_sound_json_is_text_and_what_is_no_text_is_neither() {
    for (body, json, text) in [
        (b"plain".to_vec(), Value::Null, json!("plain")),
        (br#"{"a":1,"a":2}"#.to_vec(), Value::Null, json!(r#"{"a":1,"a":2}"#)),
        (br#"{"torn"#.to_vec(), Value::Null, json!(r#"{"torn"#)),
        (br#" {"a":1}"#.to_vec(), json!({ "a": 1 }), Value::Null),
        (vec![0xff], Value::Null, Value::Null),
        (Vec::new(), Value::Null, json!("")),
    ] {
        let server = MockServer::start().await;
        let template = ResponseTemplate::new(200).set_body_bytes(body);
        Mock::given(method("GET")).respond_with(template).mount(&server).await;
        let found = service(&server).read("http.get", json!({ "target": "api" })).await.unwrap();
        assert_eq!((&found["json"], &found["text"]), (&json, &text));
    }
}

#[tokio::test]
async fn a_path_cannot_lead_away_from_the_target() {
    let server = MockServer::start().await;
    Mock::given(path("/")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let trial = service(&server);
    for path in [
        "state",
        "http://example.org/",
        "@example.org",
        ".example.org",
        ":80",
        "/..",
        "/a/../../b",
        "/%2e%2e/b",
        "/%2E./b",
        "/./b",
        "/a\\..\\b",
        "/a b",
        "/a\nb",
        "/a\u{0}",
    ] {
        fails(trial.read("http.get", json!({ "target": "api", "path": path })).await, "bad_path");
    }
    for path in ["//example.org/", "/a//b", "/a?next=../b", "/...", "/@b", "/a#b"] {
        trial.read("http.get", json!({ "target": "api", "path": path })).await.unwrap();
    }
    for request in server.received_requests().await.unwrap() {
        assert!(request.url.path().starts_with("/api"), "{}", request.url);
    }
}

#[tokio::test]
async fn a_get_without_an_answer_is_an_error_worth_another_try() {
    let error = nobody().await.read("http.get", json!({ "target": "api" })).await.unwrap_err();
    assert_eq!((&*error.code, error.transient, error.may_have_happened), ("network", true, false));
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(20));
    Mock::given(method("GET")).respond_with(slow).mount(&server).await;
    let error = service(&server).read("http.get", json!({ "target": "api", "timeout": "200ms" })).await.unwrap_err();
    assert_eq!((&*error.code, error.transient, error.may_have_happened), ("timed_out", true, false));
}

#[tokio::test]
async fn a_target_of_another_kind_or_badly_set_is_refused() {
    let server = MockServer::start().await;
    fails(service(&server).read("http.get", json!({ "target": "lever" })).await, "bad_target");
    fails(service(&server).read("http.get", json!({ "target": "none" })).await, "unbound_target");
    for settings in [
        json!({}),
        json!({ "url": 7 }),
        json!({ "url": "http://127.0.0.1/?a=b" }),
        json!({ "url": "http://127.0.0.1/", "headers": { "a": 1 } }),
    ] {
        let trial = Trial::new().target("api", Kind::Service, settings);
        fails(trial.read("http.get", json!({ "target": "api" })).await, "bad_target");
    }
}

#[tokio::test]
async fn a_host_that_is_not_allowed_is_refused_by_every_action() {
    let server = MockServer::start().await;
    let mut trial = service(&server);
    trial.settings.allow_hosts = Some(vec!["example.org".to_owned()]);
    fails(trial.read("http.get", json!({ "target": "api" })).await, "refused");
    fails(trial.read("http.ready", json!({ "target": "api" })).await, "refused");
    fails(trial.apply("http.request", json!({ "target": "api" })).await, "refused");
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_service_is_ready_when_it_answers_as_expected() {
    let server = MockServer::start().await;
    Mock::given(path("/api/readyz")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let trial = service(&server);
    let ready = async |expect: u16, path: &str| {
        let with = json!({ "target": "api", "path": path, "expect_status": expect });
        trial.read("http.ready", with).await.unwrap()
    };
    let found = ready(204, "/readyz").await;
    assert_eq!((&found["ready"], &found["status"]), (&json!(true), &json!(204)));
    let found = ready(200, "/readyz").await;
    let expected = json!({ "ready": false, "status": 204, "detail": "status 204, expected 200" });
    assert_eq!(found, expected);
    assert_eq!(ready(200, "/other").await["status"], 404);
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_not_ready() {
    let found = nobody().await.read("http.ready", json!({ "target": "api" })).await.unwrap();
    assert_eq!((&found["ready"], &found["status"]), (&json!(false), &Value::Null));
    assert!(found["detail"].as_str().unwrap().contains("no answer"));
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(20));
    Mock::given(method("GET")).respond_with(slow).mount(&server).await;
    let with = json!({ "target": "api", "timeout": "200ms" });
    assert_eq!(service(&server).read("http.ready", with).await.unwrap()["ready"], false);
}

#[tokio::test]
async fn a_request_is_sent_as_written_with_its_key() {
    let server = MockServer::start().await;
    Mock::given(method("PATCH"))
        .and(path("/api/things"))
        .and(header("content-type", "application/json"))
        .and(header("idempotency-key", "key-of-this-step"))
        .and(body_json(json!({ "b": 1, "a": [true, null] })))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({ "id": 7 })))
        .expect(1)
        .mount(&server)
        .await;
    let with = json!({
        "target": "api", "method": "PATCH", "path": "/things",
        "json": { "b": 1, "a": [true, null] }, "idempotency_key": true,
    });
    let trial = service(&server);
    let preview = trial.preview("http.request", with.clone()).await.unwrap();
    assert_eq!(preview.fidelity, Fidelity::None);
    let expected = json!({ "request": { "method": "PATCH", "url": format!("{}/api/things", server.uri()) } });
    assert_eq!(preview.after.unwrap(), expected);
    let done = trial.apply("http.request", with.clone()).await.unwrap();
    assert_eq!((&done["status"], &done["json"]), (&json!(201), &json!({ "id": 7 })));
    assert_eq!(trial.reconcile("http.request", with).await.unwrap(), Reconciled::CannotTell);
}

#[tokio::test]
async fn a_request_may_have_text_and_its_own_content_type() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header("content-type", "text/x"))
        .and(body_string("a\n"))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    let with = json!({ "target": "api", "text": "a\n", "headers": { "Content-Type": "text/x" } });
    let trial = service(&server);
    trial.apply("http.request", with).await.unwrap();
    fails(trial.apply("http.request", json!({ "target": "api", "text": "a", "json": 1 })).await, "bad_input");
    fails(trial.apply("http.request", json!({ "target": "api", "method": "GET" })).await, "bad_input");
}

#[tokio::test]
async fn what_the_service_refuses_is_a_failure_and_what_it_leaves_open_is_uncertain() {
    for (status, transient, uncertain) in
        [(400, false, false), (404, false, false), (429, true, false), (500, false, true), (302, false, true)]
    {
        let server = MockServer::start().await;
        let template = ResponseTemplate::new(status).insert_header("location", "/api/elsewhere");
        Mock::given(method("POST")).respond_with(template).expect(1).mount(&server).await;
        let trial = service(&server);
        let error = trial.apply("http.request", json!({ "target": "api", "path": "/?t=canary" })).await.unwrap_err();
        assert_eq!(error.code, "http_status");
        assert_eq!((error.transient, error.may_have_happened), (transient, uncertain), "{status}");
        assert!(!error.message.contains("canary"));
        let lenient = json!({ "target": "api", "ok_status": [status] });
        server.reset().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(status)).mount(&server).await;
        assert_eq!(trial.apply("http.request", lenient).await.unwrap()["status"], status);
    }
}

#[tokio::test]
async fn a_request_that_was_not_sent_did_not_happen_and_one_that_was_may_have() {
    let error = nobody().await.apply("http.request", json!({ "target": "api" })).await.unwrap_err();
    assert_eq!((&*error.code, error.may_have_happened), ("network", false));
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(20));
    Mock::given(path("/api/slow")).respond_with(slow).mount(&server).await;
    let large = ResponseTemplate::new(200).set_body_string("too much");
    Mock::given(path("/api/large")).respond_with(large).mount(&server).await;
    let trial = service(&server);
    let slow = json!({ "target": "api", "path": "/slow", "timeout": "200ms" });
    let large = json!({ "target": "api", "path": "/large", "max_bytes": 7 });
    for (with, code) in [(slow, "timed_out"), (large, "too_large")] {
        let error = trial.apply("http.request", with).await.unwrap_err();
        assert_eq!((&*error.code, error.may_have_happened), (code, true));
    }
}
