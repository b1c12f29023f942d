//! `Idempotency-Key`: a POST that may be sent again.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection, Executor};

use crate::support::{Client, Reply, TestApp, detail, emily_carter, john_doe, with};

async fn post(client: &Client, path: &str, key: &str, body: Value) -> Reply {
    Reply::of(client.request("POST", path).header("idempotency-key", key).json(&body)).await
}

/// A user with a patient and a doctor, and what makes another one of each kind.
async fn alice() -> (TestApp, Client, [(&'static str, Value, &'static str); 3]) {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", json!({"name": "A B", "age": 1, "gender": "O"})).await.is(201);
    alice.post("/api/doctors/", json!({"name": "A B", "specialty": "C"})).await.is(201);
    let kinds = [
        ("/api/patients/", john_doe(), "patients"),
        ("/api/doctors/", emily_carter(), "doctors"),
        ("/api/mappings/", json!({"patient": 1, "doctor": 1}), "patient_doctor_mappings"),
    ];
    (app, alice, kinds)
}

async fn count(app: &TestApp, table: &str) -> Value {
    app.value(&format!("select count(*) from {table}")).await
}

#[tokio::test]
async fn what_is_sent_again_is_answered_again_and_makes_nothing() {
    let (app, alice, kinds) = alice().await;
    for (path, body, table) in kinds {
        let first = post(&alice, path, "one", body.clone()).await.is(201);
        assert_eq!(first.header("idempotency-replayed"), "");
        let (rows, audited) = (count(&app, table).await, count(&app, "audit_log").await);
        // in quotes, as the draft has it, and in another order
        let reversed: serde_json::Map<_, _> = body.as_object().unwrap().clone().into_iter().rev().collect();
        for (key, body) in [("one", body.clone()), ("\"one\"", body.clone()), (" one ", reversed.into())] {
            let again = post(&alice, path, key, body).await.is(201);
            assert_eq!((&again.text, again.header("idempotency-replayed")), (&first.text, "true"));
            assert_eq!(again.header("etag"), first.header("etag"));
        }
        assert_eq!((count(&app, table).await, count(&app, "audit_log").await), (rows, audited));
        // also when the row is another by now, or gone
        let id = first.body["id"].as_i64().unwrap();
        if table != "patient_doctor_mappings" {
            alice.patch(&format!("{path}{id}/"), json!({"first_name": "Other"})).await.is(200);
            assert_eq!(post(&alice, path, "one", body.clone()).await.is(201).text, first.text);
        }
        alice.delete(&format!("{path}{id}/")).await.is(204);
        assert_eq!(post(&alice, path, "one", body).await.is(201).text, first.text);
    }
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused() {
    let (app, alice, kinds) = alice().await;
    for (path, body, table) in kinds {
        post(&alice, path, "one", body.clone()).await.is(201);
        let rows = count(&app, table).await;
        let reused = detail("This Idempotency-Key was sent with another body before.");
        post(&alice, path, "one", with(body, json!({"x": 1}))).await.says(422, reused);
        assert_eq!(count(&app, table).await, rows);
    }
}

#[tokio::test]
async fn a_key_is_of_one_user_and_one_route() {
    let (app, alice, kinds) = alice().await;
    let bob = app.user("bob").await;
    for (path, body, _) in kinds {
        post(&alice, path, "one", body).await.is(201);
    }
    let reply = post(&bob, "/api/patients/", "one", json!({"name": "B C", "age": 2, "gender": "M"})).await.is(201);
    assert_eq!((&reply.body["name"], reply.header("idempotency-replayed")), (&json!("B C"), ""));
    // without a key every request makes a row
    for _ in 0..2 {
        alice.post("/api/patients/", john_doe()).await.is(201);
    }
    assert_eq!(count(&app, "patients").await, json!(5));
}

#[tokio::test]
async fn refusals_are_not_kept() {
    let (app, alice, _) = alice().await;
    let path = "/api/doctors/";
    let mut body = emily_carter();
    body["specialty"] = json!("");
    post(&alice, path, "one", body.clone()).await.is(400);
    post(&alice, path, "one", emily_carter()).await.is(201);
    post(&alice, path, "two", emily_carter()).await.is(400);
    body = with(emily_carter(), json!({"email": "", "license_number": "L2"}));
    post(&alice, path, "two", body).await.is(201);
    let foreign = json!({"patient": 99, "doctor": 1});
    post(&alice, "/api/mappings/", "one", foreign).await.is(400);
    post(&alice, "/api/mappings/", "one", json!({"patient": 1, "doctor": 1})).await.is(201);
    post(&app.anonymous(), path, "three", emily_carter()).await.is(401);
    assert_eq!(count(&app, "idempotency_keys").await, json!(3));
    let bad = detail("Idempotency-Key must have 1 to 255 characters, visible ones of ASCII.");
    for key in ["", "\"\"", "a b", "é", &"x".repeat(256)] {
        post(&alice, "/api/patients/", key, john_doe()).await.says(400, bad.clone());
    }
    post(&app.anonymous(), path, "", emily_carter()).await.is(401);
    post(&alice, "/api/patients/", &"x".repeat(255), john_doe()).await.is(201);
}

#[tokio::test]
async fn of_twenty_at_once_one_makes_a_row_and_all_are_answered_alike() {
    let (app, alice, kinds) = alice().await;
    for (path, body, table) in kinds {
        let before = count(&app, table).await.as_i64().unwrap();
        let requests = (0..20).map(|_| {
            let (alice, body) = (alice.clone(), body.clone());
            tokio::spawn(async move { post(&alice, path, "one", body).await })
        });
        let mut texts = Vec::new();
        let mut replayed = 0;
        for request in requests.collect::<Vec<_>>() {
            let reply = request.await.unwrap().is(201);
            replayed += usize::from(reply.header("idempotency-replayed") == "true");
            texts.push(reply.text);
        }
        assert_eq!(replayed, 19);
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
        assert_eq!(count(&app, table).await, json!(before + 1));
    }
}

#[tokio::test]
async fn one_that_is_still_under_way_is_409() {
    let (app, alice, _) = alice().await;
    post(&alice, "/api/patients/", "one", john_doe()).await.is(201);
    // another request with the key, which does not come to its end
    let mut connection = app.connection().await;
    let mut transaction = connection.begin().await.unwrap();
    transaction
        .execute(
            "insert into idempotency_keys (user_id, route, key, fingerprint, answer) \
             values (1, 'patients', 'two', '', '{}')",
        )
        .await
        .unwrap();
    let begun = tokio::time::Instant::now();
    let reply = post(&alice, "/api/patients/", "two", john_doe()).await;
    reply.says(409, detail("A request with this Idempotency-Key is still under way."));
    assert!(begun.elapsed() >= Duration::from_secs(2) && begun.elapsed() < Duration::from_secs(4));
    assert_eq!(count(&app, "patients").await, json!(2));
    transaction.rollback().await.unwrap();
    post(&alice, "/api/patients/", "two", john_doe()).await.is(201);
}

#[tokio::test]
async fn keys_are_kept_for_a_day() {
    let (app, alice, _) = alice().await;
    let first = post(&alice, "/api/patients/", "one", john_doe()).await.is(201);
    let db = healthcare_backend::db::Db::new(app.database.options.clone(), 1);
    app.sql("update idempotency_keys set created_at = now() - interval '23 hours 59 minutes'").await;
    assert_eq!(db.purge_keys().await.unwrap(), 0);
    assert_eq!(post(&alice, "/api/patients/", "one", john_doe()).await.is(201).text, first.text);
    app.sql("update idempotency_keys set created_at = now() - interval '24 hours 1 minute'").await;
    assert_eq!(db.purge_keys().await.unwrap(), 1);
    let second = post(&alice, "/api/patients/", "one", john_doe()).await.is(201);
    assert_ne!(second.body["id"], first.body["id"]);
}

#[tokio::test]
async fn a_503_says_that_a_key_makes_it_safe_to_try_again() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    app.sql(
        "create function hold() returns trigger language plpgsql as 'begin perform pg_sleep(10); return new; end'; \
             create trigger hold before insert on patients for each row execute function hold()",
    )
    .await;
    let reply = alice.post("/api/patients/", john_doe()).await;
    let said = "Service temporarily unavailable, try again later. A request with an Idempotency-Key may be sent again: \
                it makes nothing twice.";
    assert_eq!(reply.header("retry-after"), "1");
    reply.says(503, detail(said));
}
