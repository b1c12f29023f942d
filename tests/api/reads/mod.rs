//! The record of reads: who was shown which patients.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    Client, Reply, TestApp, detail, emily_carter, john_doe,
    lists::{self, all_pages, patients},
    with,
};

mod killed;
mod model;
mod months;
mod random;
mod recorder;

/// What the record says of each read: who, with which login, by which request, which patients and mappings.
const RECORDED: &str = "select coalesce(jsonb_agg(jsonb_build_array(actor_email, session_id, request_id, patient_ids, \
                        mapping_ids) order by id), '[]') from access_log";

/// The whole record, as soon as it has so many rows: within a second of the last read, but a machine may be busy.
async fn recorded(app: &TestApp, rows: usize) -> Value {
    let begun = Instant::now();
    loop {
        let record = app.value(RECORDED).await;
        if record.as_array().unwrap().len() >= rows || begun.elapsed() > Duration::from_secs(5) {
            return record;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A row of the record, for an answer to a user with a login of the same number.
fn read(user: &str, session: i64, reply: &Reply, patients: Value, mappings: Value) -> Value {
    let id = reply.header("x-request-id");
    json!([format!("{user}@example.com"), session, id, patients, mappings])
}

/// Alice and Bob with a patient each, and a doctor for Alice's.
async fn practice() -> (TestApp, Client, Client) {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    for client in [&alice, &bob] {
        client.post("/api/patients/", john_doe()).await.is(201);
    }
    alice.post("/api/doctors/", emily_carter()).await.is(201);
    alice.post("/api/mappings/", json!({"patient": 1, "doctor": 1})).await.is(201);
    (app, alice, bob)
}

#[tokio::test]
async fn a_read_of_one_patient_is_recorded() {
    let (app, alice, bob) = practice().await;
    let first = alice.get("/api/patients/1/").await.is(200);
    assert_eq!(recorded(&app, 1).await, json!([read("alice", 1, &first, json!([1]), json!([]))]));
    let script = app.script(&bob, true).await;
    let (second, third) = (bob.get("/api/patients/2/").await.is(200), script.get("/api/patients/2/").await.is(200));
    assert_eq!(
        recorded(&app, 3).await,
        json!([
            read("alice", 1, &first, json!([1]), json!([])),
            read("bob", 2, &second, json!([2]), json!([])),
            read("bob", 3, &third, json!([2]), json!([])),
        ])
    );
    let others = app.value(
        "select jsonb_agg(distinct jsonb_build_array(actor_id, via, address, at between now() - interval '1 minute' and now())) \
         from access_log where request_id <> ''",
    );
    assert_eq!(others.await, json!([[1, "api", "127.0.0.1", true], [2, "api", "127.0.0.1", true]]));
}

#[tokio::test]
async fn who_asks_whether_it_has_changed_or_for_its_headers_reads_it_too() {
    let (app, alice, _) = practice().await;
    let first = alice.get("/api/patients/1/").await.is(200);
    let request = alice.request("GET", "/api/patients/1/").header("if-none-match", first.header("etag"));
    let second = Reply::of(request).await.is(304);
    let third = alice.send("HEAD", "/api/patients/1/").await.is(200);
    let expected = [&first, &second, &third].map(|reply| read("alice", 1, reply, json!([1]), json!([])));
    assert_eq!(recorded(&app, 3).await, json!(expected));
}

#[tokio::test]
async fn a_list_is_recorded_with_what_it_showed_in_its_order() {
    let (app, alice, _) = practice().await;
    patients(&app, 4).await;
    let all = alice.get("/api/patients/").await.is(200);
    let backwards = alice.get("/api/patients/?ordering=-id").await.is(200);
    let found = alice.get("/api/patients/?search=doe").await.is(200);
    let filtered = alice.get("/api/patients/?phone_number=3").await.is(200);
    alice.get("/api/patients/?search=nobody").await.says(200, json!([]));
    let mappings = alice.get("/api/mappings/?limit=10").await.is(200);
    assert_eq!(
        recorded(&app, 5).await,
        json!([
            read("alice", 1, &all, json!([1, 3, 4, 5, 6]), json!([])),
            read("alice", 1, &backwards, json!([6, 5, 4, 3, 1]), json!([])),
            read("alice", 1, &found, json!([1]), json!([])),
            read("alice", 1, &filtered, json!([5]), json!([])),
            read("alice", 1, &mappings, json!([1]), json!([1])),
        ])
    );
}

#[tokio::test]
async fn a_page_is_recorded_without_the_row_that_tells_that_there_is_another() {
    let (app, alice, _) = practice().await;
    patients(&app, 6).await;
    assert_eq!(all_pages(&alice, "/api/patients/?limit=3").await, [vec![1, 3, 4], vec![5, 6, 7], vec![8]]);
    recorded(&app, 3).await;
    let shown = app.value("select jsonb_agg(patient_ids order by id) from access_log").await;
    assert_eq!(shown, json!([[1, 3, 4], [5, 6, 7], [8]]));
}

#[tokio::test]
async fn a_long_list_is_recorded_as_it_is_read() {
    let (app, alice, _) = practice().await;
    patients(&app, 399).await;
    let list = alice.get("/api/patients/").await.is(200);
    let record = recorded(&app, 3).await;
    let parts: Vec<Value> = record.as_array().unwrap().iter().map(|row| row[3].clone()).collect();
    let expected: Vec<Value> = parts.iter().map(|part| read("alice", 1, &list, part.clone(), json!([]))).collect();
    assert_eq!((record, parts.len()), (json!(expected), 3));
    let shown: Vec<&Value> = parts.iter().flat_map(|part| part.as_array().unwrap()).collect();
    assert_eq!(json!(shown), json!(lists::ids(&list)));
}

#[tokio::test]
async fn mappings_and_doctors_of_a_patient_are_reads_of_the_patient() {
    let (app, alice, bob) = practice().await;
    alice.post("/api/doctors/", with(emily_carter(), json!({"email": "", "license_number": ""}))).await.is(201);
    alice.post("/api/mappings/", json!({"patient": 1, "doctor": 2})).await.is(201);
    let mappings = alice.get("/api/mappings/by-patient/1/").await.is(200);
    let doctors = alice.get("/api/mappings/1/").await.is(200);
    let all = alice.get("/api/mappings/").await.is(200);
    // that it has none is told of a patient too
    let none = [bob.get("/api/mappings/by-patient/2/").await, bob.get("/api/mappings/2/").await];
    assert_eq!(none.each_ref().map(|reply| reply.text.as_str()), ["[]", "[]"]);
    assert_eq!(
        recorded(&app, 5).await,
        json!([
            read("alice", 1, &mappings, json!([1]), json!([1, 2])),
            read("alice", 1, &doctors, json!([1]), json!([])),
            read("alice", 1, &all, json!([1]), json!([1, 2])),
            read("bob", 2, &none[0], json!([2]), json!([])),
            read("bob", 2, &none[1], json!([2]), json!([])),
        ])
    );
}

#[tokio::test]
async fn what_shows_no_patient_leaves_nothing() {
    let (app, alice, bob) = practice().await;
    for path in ["/api/patients/1/", "/api/patients/9/", "/api/mappings/1/", "/api/mappings/by-patient/1/"] {
        bob.get(path).await.says(404, detail("No Patient matches the given query."));
    }
    bob.get("/api/mappings/").await.says(200, json!([]));
    for path in ["/api/doctors/", "/api/doctors/1/", "/api/auth/me/", "/api/auth/sessions/", "/api/openapi.json"] {
        alice.get(path).await.is(200);
    }
    app.anonymous().get("/api/patients/1/").await.is(401);
    let last = alice.get("/api/patients/1/").await.is(200);
    assert_eq!(recorded(&app, 1).await, json!([read("alice", 1, &last, json!([1]), json!([]))]));
}

/// What a caller can read that shows no patient.
const WITHOUT_PATIENTS: [&str; 10] = [
    "/",
    "/api/",
    "/api/audit/",
    "/api/audit/reads/",
    "/api/auth/me/",
    "/api/auth/sessions/",
    "/api/auth/tokens/",
    "/api/doctors/",
    "/api/doctors/{id}/",
    "/api/patients/{id}/access/",
];

#[tokio::test]
async fn every_operation_that_reads_is_recorded_unless_it_is_known_to_show_no_patient() {
    let (app, alice, _) = practice().await;
    app.sql("update users set is_staff = true where id = 1").await;
    let document = app.anonymous().get("/api/openapi.json").await.is(200).body;
    let paths = document["paths"].as_object().unwrap().iter().filter(|(_, item)| item["get"].is_object());
    let mut expected = Vec::new();
    for (path, _) in paths {
        let reply = alice.get(&path.replace("{id}", "1")).await.is(200);
        if !WITHOUT_PATIENTS.contains(&path.as_str()) {
            expected.push((path, reply.header("x-request-id").to_owned()));
        }
    }
    assert!(expected.len() >= 5, "{expected:?}");
    // an export has several
    let (_, last) = expected.last().unwrap();
    while !recorded(&app, expected.len()).await.to_string().contains(last) {}
    let requests = app.value("select jsonb_agg(distinct request_id) from access_log where patient_ids = '{1}'").await;
    let requests = requests.as_array().unwrap();
    for (path, id) in &expected {
        assert!(requests.contains(&json!(id)), "{path} leaves no record");
    }
    assert_eq!(requests.len(), expected.len());
}

#[tokio::test]
async fn the_answer_to_a_write_is_a_read_only_if_nothing_was_written() {
    let (app, alice, _) = practice().await;
    alice.patch("/api/patients/1/", json!({"gender": "F"})).await.is(200);
    alice.put("/api/patients/1/", john_doe()).await.is(200);
    alice.patch("/api/patients/1/", json!({"gender": "X"})).await.is(400);
    let stale = alice.request("PATCH", "/api/patients/1/").header("if-match", "\"0\"").json(&json!({"gender": "O"}));
    Reply::of(stale).await.is(412);
    let nothing = alice.patch("/api/patients/1/", json!({})).await.is(200);
    let the_same = alice.put("/api/patients/1/", john_doe()).await.is(200);
    let keyed = || Reply::of(alice.request("POST", "/api/patients/").header("idempotency-key", "x").json(&john_doe()));
    let made = keyed().await.is(201);
    let again = keyed().await.is(201);
    assert_eq!(made.body["id"], json!(3));
    let mapped = || {
        let body = json!({"patient": 3, "doctor": 1});
        Reply::of(alice.request("POST", "/api/mappings/").header("idempotency-key", "x").json(&body))
    };
    mapped().await.is(201);
    let mapped_again = mapped().await.is(201);
    alice.delete("/api/patients/3/").await.is(204);
    assert_eq!(
        recorded(&app, 4).await,
        json!([
            read("alice", 1, &nothing, json!([1]), json!([])),
            read("alice", 1, &the_same, json!([1]), json!([])),
            read("alice", 1, &again, json!([3]), json!([])),
            read("alice", 1, &mapped_again, json!([3]), json!([2])),
        ])
    );
}

#[tokio::test]
async fn the_reader_outlives_the_account_in_the_record() {
    let (app, alice, _) = practice().await;
    let reply = alice.get("/api/patients/1/").await.is(200);
    app.sql("delete from users where id = 1").await;
    assert_eq!(recorded(&app, 1).await, json!([read("alice", 1, &reply, json!([1]), json!([]))]));
}

/// When each API token was last used, as the list of them says it.
async fn last_used(alice: &Client) -> Vec<Value> {
    let tokens = alice.get("/api/auth/tokens/").await.is(200).body;
    tokens.as_array().unwrap().iter().map(|token| token["last_used_at"].clone()).collect()
}

#[tokio::test]
async fn the_last_use_of_an_api_token_is_shown_to_the_minute() {
    let (app, alice, _) = practice().await;
    let (reader, writer, idle) =
        (app.script(&alice, true).await, app.script(&alice, false).await, app.script(&alice, false).await);
    assert_eq!(last_used(&alice).await, [json!(null), json!(null), json!(null)]);
    reader.get("/api/doctors/").await.is(200);
    writer.post("/api/mappings/", json!({"patient": 1, "doctor": 1})).await.is(400);
    writer.patch("/api/patients/1/", json!({"gender": "O"})).await.is(200);
    // its number with another secret
    let (rest, last) = idle.token().split_at(67);
    let other = if last == "A" { "B" } else { "A" };
    app.bearer(&format!("{rest}{other}")).get("/api/patients/1/").await.is(401);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = last_used(&alice).await;
    assert!(used[0].is_null() && used[1].is_string() && used[2].is_string(), "{used:?}");
    reader.get("/api/patients/1/").await.is(200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(last_used(&alice).await, used, "again within the minute");
    app.sql("update sessions set last_used_at = now() - interval '61 seconds' where token_hash is not null").await;
    reader.get("/api/patients/1/").await.is(200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let later = last_used(&alice).await;
    assert!(later[2].as_str() > used[2].as_str() && later[1].as_str() < used[1].as_str(), "{later:?} {used:?}");
    let noted = app.value("select count(*) from audit_log where actor_email = 'system' and table_name = 'sessions'");
    assert_eq!(noted.await, json!(0), "it is no change of a record");
}
