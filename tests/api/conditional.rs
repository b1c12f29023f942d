//! Conditional requests: `ETag`, `If-None-Match`, `If-Match`.

use healthcare_backend::config::Exposure;
use serde_json::json;

use crate::support::{Client, Reply, TestApp, detail, emily_carter, john_doe, with};

async fn send(client: &Client, method: &str, path: &str, header: (&str, &str), body: serde_json::Value) -> Reply {
    let request = client.request(method, path).header(header.0, header.1);
    Reply::of(if body.is_null() { request } else { request.json(&body) }).await
}

/// Two users, the first one with a patient and a doctor; and the paths of both.
async fn alice() -> (TestApp, Client, [(&'static str, serde_json::Value, &'static str); 2]) {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let rows = [("/api/patients/", john_doe(), "phone_number"), ("/api/doctors/", emily_carter(), "specialty")];
    for (list, body, _) in &rows {
        alice.post(list, body.clone()).await.is(201);
    }
    (app, alice, rows)
}

fn changed() -> serde_json::Value {
    detail("It has changed since you read it: read it again, then retry.")
}

#[tokio::test]
async fn every_single_row_has_a_tag_that_changes_with_it() {
    let (_app, alice, rows) = alice().await;
    for (list, body, field) in rows {
        let made = alice.post(list, with(body.clone(), json!({"email": null, "license_number": null}))).await;
        let made = if made.status == 400 { alice.post(list, body.clone()).await } else { made }.is(201);
        let path = format!("{list}2/");
        let read = alice.get(&path).await.is(200);
        let tag = read.header("etag").to_owned();
        assert!(tag.starts_with("\"1-") && tag.ends_with('"') && tag.len() == 20, "{tag}");
        assert_eq!(made.header("etag"), tag);
        let patched = alice.patch(&path, json!({ field: "1" })).await.is(200);
        assert!(patched.header("etag").starts_with("\"2-"));
        assert_eq!(alice.get(&path).await.header("etag"), patched.header("etag"));
        // what changes nothing changes no tag
        let again = alice.patch(&path, json!({ field: "1" })).await.is(200);
        assert_eq!(again.header("etag"), patched.header("etag"));
        for path in [list, "/api/mappings/", "/api/auth/me/"] {
            assert_eq!(alice.get(path).await.is(200).header("etag"), "", "{path}");
        }
    }
}

#[tokio::test]
async fn the_tag_is_of_what_is_shown_too() {
    let (app, alice, _) = alice().await;
    let tag = alice.get("/api/patients/1/").await.header("etag").to_owned();
    app.sql("update users set email = 'other@example.com'").await;
    let other = alice.get("/api/patients/1/").await.header("etag").to_owned();
    assert!(tag != other && other.starts_with("\"1-"), "{tag} {other}");
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let (_app, alice, rows) = alice().await;
    for (list, _, field) in rows {
        let path = format!("{list}1/");
        let tag = alice.get(&path).await.header("etag").to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".into()] {
            for method in ["GET", "HEAD"] {
                let reply = send(&alice, method, &path, ("if-none-match", &known), json!(null)).await.is(304);
                assert_eq!((reply.text.as_str(), reply.header("etag")), ("", tag.as_str()));
                assert_eq!((reply.header("cache-control"), reply.header("content-type")), ("private, no-cache", ""));
                assert!(reply.header("vary").contains("Accept") && !reply.header("x-request-id").is_empty());
            }
        }
        send(&alice, "GET", &path, ("if-none-match", "\"1-0000000000000000\""), json!(null)).await.is(200);
        alice.patch(&path, json!({ field: "1" })).await.is(200);
        send(&alice, "GET", &path, ("if-none-match", &tag), json!(null)).await.is(200);
        // who may not read it is told so first
        send(&alice, "GET", &format!("{list}99/"), ("if-none-match", "*"), json!(null)).await.is(404);
    }
}

#[tokio::test]
async fn what_has_changed_is_left_alone() {
    let (app, alice, rows) = alice().await;
    for (list, body, field) in rows {
        let path = format!("{list}1/");
        let old = alice.get(&path).await.header("etag").to_owned();
        alice.patch(&path, json!({ field: "1" })).await.is(200);
        let before = alice.get(&path).await.is(200);
        let new = before.header("etag").to_owned();
        let audited = app.value("select count(*) from audit_log").await;
        for tag in
            [old.as_str(), "\"1-0000000000000000\"", &format!("W/{new}"), "\"x\"", "\"a,*,b\"", "\"x\", *", "x", ""]
        {
            for (method, body) in [("PUT", body.clone()), ("PATCH", json!({ field: "2" })), ("DELETE", json!(null))] {
                send(&alice, method, &path, ("if-match", tag), body).await.says(412, changed());
            }
        }
        // RFC 9110 13.1.2: for a change, `*` stands for any row that is there
        for tag in ["*", new.as_str()] {
            send(&alice, "PATCH", &path, ("if-none-match", tag), json!({ field: "2" })).await.says(412, changed());
        }
        assert_eq!(alice.get(&path).await.text, before.text);
        assert_eq!(app.value("select count(*) from audit_log").await, audited);
        let put = send(&alice, "PUT", &path, ("if-match", &new), body).await.is(200);
        let tag = format!("\"x\", {}", put.header("etag"));
        let patched = send(&alice, "PATCH", &path, ("if-match", &tag), json!({ field: "3" })).await.is(200);
        assert!(patched.header("etag").starts_with("\"4-"));
        send(&alice, "PATCH", &path, ("if-match", "*"), json!({ field: "4" })).await.is(200);
        let tag = alice.get(&path).await.header("etag").to_owned();
        send(&alice, "DELETE", &path, ("if-match", &tag), json!(null)).await.is(204);
        send(&alice, "DELETE", &path, ("if-match", &tag), json!(null)).await.is(404);
    }
}

#[tokio::test]
async fn another_refusal_comes_first() {
    let (app, alice, _) = alice().await;
    let (bob, path) = (app.user("bob").await, "/api/patients/1/");
    let stale = ("if-match", "\"9-0000000000000000\"");
    for method in ["PUT", "PATCH"] {
        send(&bob, method, path, stale, john_doe()).await.is(404);
        send(&app.anonymous(), method, path, stale, john_doe()).await.is(401);
        send(&alice, method, path, stale, json!({"gender": "X"})).await.is(400);
        send(&alice, method, path, stale, john_doe()).await.is(412);
    }
    send(&bob, "DELETE", path, stale, json!(null)).await.is(404);
}

#[tokio::test]
async fn of_fifty_changes_at_once_with_one_tag_one_is_made() {
    let (_app, alice, rows) = alice().await;
    for (list, body, field) in rows {
        let path = format!("{list}1/");
        let tag = alice.get(&path).await.header("etag").to_owned();
        let requests = (0..50).map(|number| {
            let (alice, path, tag) = (alice.clone(), path.clone(), tag.clone());
            let body = with(body.clone(), json!({ field: format!("of {number}") }));
            tokio::spawn(async move { send(&alice, "PUT", &path, ("if-match", &tag), body).await })
        });
        let mut statuses = Vec::new();
        let mut won = None;
        for request in requests.collect::<Vec<_>>() {
            let reply = request.await.unwrap();
            statuses.push(reply.status.as_u16());
            won = won.or((reply.status == 200).then_some(reply.text));
        }
        statuses.sort_unstable();
        assert_eq!(statuses[..2], [200, 412]);
        assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 49);
        let row = alice.get(&path).await;
        assert!(row.header("etag").starts_with("\"2-"));
        assert_eq!(Some(row.text), won);
    }
}

#[tokio::test]
async fn any_version_will_do_for_a_star() {
    let (_app, alice, _) = alice().await;
    let requests = (0..20).map(|number| {
        let alice = alice.clone();
        let body = json!({ "address": format!("of {number}") });
        tokio::spawn(async move { send(&alice, "PATCH", "/api/patients/1/", ("if-match", "*"), body).await.is(200) })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap();
    }
}

#[tokio::test]
async fn a_patch_without_a_tag_loses_no_neighbour_s_field() {
    let (_app, alice, _) = alice().await;
    for round in 0..10 {
        let requests = ["address", "phone_number", "medical_history", "first_name"].map(|field| {
            let alice = alice.clone();
            tokio::spawn(async move {
                let body = json!({ field: format!("{field} {round}") });
                alice.patch("/api/patients/1/", with(body, json!({}))).await.is(200);
            })
        });
        for request in requests {
            request.await.unwrap();
        }
        let row = alice.get("/api/patients/1/").await.body;
        for field in ["address", "phone_number", "medical_history", "first_name"] {
            assert_eq!(row[field], format!("{field} {round}"));
        }
    }
}

#[tokio::test]
async fn where_the_setting_asks_for_it_no_change_goes_without_a_tag() {
    let app = TestApp::with(Exposure { require_if_match: true, ..Exposure::default() }).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let asked = detail("Send the ETag that you read in If-Match.");
    for (list, body) in [("/api/patients/", john_doe()), ("/api/doctors/", emily_carter())] {
        let made = alice.post(list, body.clone()).await.is(201);
        let path = format!("{list}1/");
        for (method, body) in [("PUT", body.clone()), ("PATCH", json!({})), ("DELETE", json!(null))] {
            send(&alice, method, &path, ("accept", "*/*"), body.clone()).await.says(428, asked.clone());
            send(&alice, method, &path, ("if-none-match", "\"x\""), body).await.says(428, asked.clone());
        }
        let put = send(&alice, "PUT", &path, ("if-match", made.header("etag")), body).await.is(200);
        if list == "/api/patients/" {
            bob.delete(&path).await.is(404);
        }
        send(&alice, "DELETE", &path, ("if-match", put.header("etag")), json!(null)).await.is(204);
    }
}
