//! The end of one's own account, and what one takes along.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Client, LOGIN, MAPPINGS, ME, PASSWORD, PATIENTS, REFRESH, Reply, TestApp,
    cases::{all_hold, case},
    detail, emily_carter, john_doe,
    lists::patients,
};

const EXPORT: &str = "/api/auth/me/export/";

async fn leave(client: &Client, password: &str) -> Reply {
    client.json("DELETE", ME, json!({ "password": password })).await
}

fn gone() -> Value {
    json!({"detail": "User not found", "code": "user_not_found"})
}

#[tokio::test]
async fn an_account_goes_with_its_patients_and_logins_and_the_audit_stays() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let script = app.script(&alice, false).await;
    for client in [&alice, &bob] {
        client.post(PATIENTS, john_doe()).await.is(201);
    }
    let doctor = alice.post("/api/doctors/", emily_carter()).await.is(201).body;
    for (client, patient) in [(&alice, 1), (&bob, 2)] {
        client.post(MAPPINGS, json!({"patient": patient, "doctor": doctor["id"]})).await.is(201);
    }
    let pair = app.anonymous().post(LOGIN, json!({"email": "alice@example.com", "password": PASSWORD})).await.body;
    let left = leave(&alice, PASSWORD).await.is(204);
    assert_eq!(left.text, "");
    for client in [&alice, &app.bearer(pair["access"].as_str().unwrap())] {
        client.get(PATIENTS).await.says(401, gone());
    }
    script.get(PATIENTS).await.is(401);
    app.anonymous().post(REFRESH, json!({"refresh": pair["refresh"]})).await.is(401);
    app.anonymous().post(LOGIN, json!({"email": "alice@example.com", "password": PASSWORD})).await.is(401);
    let kept = app.value(
        "select jsonb_build_array((select count(*) from users), (select count(*) from patients), \
         (select count(*) from patient_doctor_mappings), (select count(*) from doctors), \
         (select count(*) from sessions where user_id = 1))",
    );
    assert_eq!(kept.await, json!([1, 1, 1, 1, 0]));
    let audited = format!(
        "select jsonb_agg(distinct jsonb_build_array(table_name, actor_email, via, session_id)) from audit_log \
         where action = 'DELETE' and request_id = '{}'",
        left.header("x-request-id")
    );
    let by_alice = |table: &str| json!([table, "alice@example.com", "api", 1]);
    assert_eq!(
        app.value(&audited).await,
        json!(["patient_doctor_mappings", "patients", "sessions", "users"].map(by_alice))
    );
    bob.get("/api/patients/2/").await.is(200);
    // the address is free again
    app.user("alice").await.get(PATIENTS).await.says(200, json!([]));
}

#[tokio::test]
async fn a_wrong_password_or_an_api_token_deletes_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let script = app.script(&alice, false).await;
    let refused = detail("You do not have permission to perform this action.");
    let ask = |name, client, body| case(name, client, "DELETE", ME).json(body);
    all_hold([
        ask("nothing", &alice, json!({})).says(400, json!({"password": ["This field is required."]})),
        case("no body", &alice, "DELETE", ME).says(400, json!({"password": ["This field is required."]})),
        ask("blank", &alice, json!({"password": ""})).says(400, json!({"password": ["This field may not be blank."]})),
        ask("null", &alice, json!({"password": null})).says(400, json!({"password": ["This field may not be null."]})),
        ask("wrong", &alice, json!({"password": "x"})).says(400, json!({"password": ["Invalid password."]})),
        ask("a script", &script, json!({"password": PASSWORD})).says(403, refused),
        ask("nobody", &app.anonymous(), json!({"password": PASSWORD})).is(401),
    ])
    .await;
    alice.get(ME).await.is(200);
    let form = case("a form", &alice, "DELETE", ME).form(&json!({"password": PASSWORD})).is(204);
    all_hold([form, case("again", &alice, "DELETE", ME).json(json!({"password": PASSWORD})).says(401, gone())]).await;
}

#[tokio::test]
async fn the_last_superuser_stays_also_of_several_who_leave_at_once() {
    let app = TestApp::start().await;
    let mut roots = Vec::new();
    for name in ["one", "two", "three", "four"] {
        roots.push(app.user(name).await);
    }
    app.user("idle").await;
    app.sql("update users set is_staff = true, is_superuser = true; update users set is_active = false where id = 5")
        .await;
    // all of them are under way before one is done
    let mut other = app.connection().await;
    sqlx::raw_sql("begin; select from users for update").execute(&mut other).await.unwrap();
    let leaving: Vec<_> =
        roots.into_iter().map(|root| tokio::spawn(async move { (leave(&root, PASSWORD).await, root) })).collect();
    let waiting =
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    while app.value(waiting).await != json!(4) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    let mut kept = Vec::new();
    for one in leaving {
        let (reply, root) = one.await.unwrap();
        if reply.status != 204 {
            kept.push((reply, root));
        }
    }
    assert_eq!(kept.len(), 1);
    let (reply, root) = kept.pop().unwrap();
    reply.says(409, detail("This is the last superuser; make another one first."));
    root.get(ME).await.is(200);
    app.sql("update users set is_active = true where id = 5").await;
    leave(&root, PASSWORD).await.is(204);
}

#[tokio::test]
async fn the_export_has_all_that_is_kept_of_one_and_nothing_of_others() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let script = app.script(&alice, true).await;
    let keyed =
        |client: &Client| Reply::of(client.request("POST", PATIENTS).header("idempotency-key", "k").json(&john_doe()));
    let patient = keyed(&alice).await.is(201).body;
    keyed(&bob).await.is(201);
    let doctor = bob.post("/api/doctors/", emily_carter()).await.is(201).body;
    let mapping = alice.post(MAPPINGS, json!({"patient": 1, "doctor": doctor["id"]})).await.is(201).body;
    app.sql(
        "insert into access_log (at, actor_id, actor_email, via, request_id, patient_ids, mapping_ids) \
         select now(), id, email, 'api', 'r', array[id], '{}' from users",
    )
    .await;
    app.sql("update users set name = 'Alice Jones' where id = 1; update users set name = 'Bob Jones' where id = 2")
        .await;
    let reply = alice.get(EXPORT).await.is(200);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"account-1.json\"");
    assert_eq!(reply.header("cache-control"), "no-store");
    let export = &reply.body;
    let keys: Vec<&String> = export.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["account", "sessions", "patients", "mappings", "kept_answers", "history", "history_by_others", "reads"]
    );
    assert_eq!((&export["account"]["name"], &export["account"]["is_staff"]), (&json!("Alice Jones"), &json!(false)));
    let of = |part: &str, field: &str| -> Vec<Value> {
        export[part].as_array().unwrap().iter().map(|row| row[field].clone()).collect()
    };
    assert_eq!(of("sessions", "name"), [json!(null), json!("Script")]);
    assert_eq!((&export["patients"], &export["mappings"]), (&json!([patient]), &json!([mapping])));
    assert_eq!(of("kept_answers", "key"), [json!("k")]);
    assert_eq!(export["kept_answers"][0]["answer"]["first_name"], "John");
    let changes: Vec<String> = export["history"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(
        changes,
        [
            "alice@example.com created users 1",
            "alice@example.com created sessions 1",
            "alice@example.com created sessions 3",
            "alice@example.com created patients 1",
            "alice@example.com created patient_doctor_mappings 1",
        ]
    );
    assert_eq!(
        export["history_by_others"].as_array().unwrap().iter().map(said).collect::<Vec<_>>(),
        ["system changed users 1"]
    );
    assert_eq!(export["history_by_others"][0]["new_values"], json!({"name": "Alice Jones"}));
    assert_eq!(of("reads", "patients"), [json!([1])]);
    for secret in
        [PASSWORD, "$argon2", "bob@", "Bob", "hash\": \"$", script.token(), &script.token()[26..], alice.token()]
    {
        assert!(!reply.text.contains(secret), "{secret}");
    }
    for column in ["token_hash", "refresh_jti"] {
        assert!(!reply.text.contains(column), "{column}");
    }
    script.get(EXPORT).await.is(200);
}

fn said(change: &Value) -> String {
    let text = |field: &str| change[field].as_str().unwrap().to_owned();
    format!("{} {} {} {}", text("actor"), text("action"), text("table"), change["row"])
}

#[tokio::test]
async fn a_long_export_comes_whole_and_breaks_off_when_its_reader_is_no_more() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let empty = alice.get(EXPORT).await.is(200).body;
    assert_eq!((&empty["patients"], &empty["reads"]), (&json!([]), &json!([])));
    patients(&app, 120).await;
    let whole = alice.get(EXPORT).await.is(200).body;
    assert_eq!(whole["patients"], alice.get(PATIENTS).await.is(200).body);
    patients(&app, 3000).await;
    app.sql("update patients set medical_history = repeat('x', 20000)").await;
    let mut response = alice.request("GET", EXPORT).send().await.unwrap();
    response.chunk().await.unwrap().unwrap();
    app.sql("update sessions set ended_at = now()").await;
    while let Ok(chunk) = response.chunk().await {
        assert!(chunk.is_some(), "it looks whole");
    }
}
