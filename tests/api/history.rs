//! What became of a patient, and who read it.

use serde_json::{Value, json};

use crate::support::{
    Client, MAPPINGS, PATIENTS, TestApp,
    cases::{all_hold, case},
    detail, emily_carter, john_doe,
    lists::{all_pages, ids, next},
    messages::{NO_PATIENT, NOT_FOUND, not_a_choice},
};

const HISTORY: &str = "/api/patients/1/history/";
const ACCESS: &str = "/api/patients/1/access/";

/// A patient of alice's that was made, changed, given a doctor, and deprived of it; and what each answer's request was.
async fn eventful(app: &TestApp) -> (Client, Vec<String>) {
    let alice = app.user("alice").await;
    let doctor = alice.post("/api/doctors/", emily_carter()).await.is(201);
    let requests = [
        alice.post(PATIENTS, john_doe()).await.is(201),
        alice.patch("/api/patients/1/", json!({"gender": "F", "phone": "1"})).await.is(200),
        alice.post(MAPPINGS, json!({"patient": 1, "doctor": doctor.body["id"]})).await.is(201),
        alice.delete("/api/mappings/1/").await.is(204),
    ];
    (alice, requests.iter().map(|reply| reply.header("x-request-id").to_owned()).collect())
}

/// The entries without their numbers and times, which were well written.
fn entries(body: &Value) -> Vec<Value> {
    let mut entries = body.as_array().unwrap().clone();
    for entry in &mut entries {
        assert!(entry["id"].take().is_i64());
        assert!(entry["at"].take().as_str().unwrap().ends_with('Z'));
    }
    entries
}

fn entry(action: &str, request_id: &str, changes: Value) -> Value {
    json!({
        "id": null, "at": null, "actor": "alice@example.com", "via": "api", "address": "127.0.0.1",
        "request_id": request_id, "action": action, "changes": changes,
    })
}

/// All fields of README A's patient, as its beginning or its end.
fn all_fields(pair: impl Fn(&Value) -> Value) -> Value {
    let mut fields = john_doe();
    fields["date_of_birth_estimated"] = json!(false);
    fields
        .as_object()
        .unwrap()
        .iter()
        .map(|(field, value)| (field.clone(), pair(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test]
async fn the_history_says_who_changed_which_fields_from_what_to_what_the_latest_first() {
    let app = TestApp::start().await;
    let (alice, requests) = eventful(&app).await;
    let history = alice.get(HISTORY).await.is(200);
    let expected = [
        entry("doctor_removed", &requests[3], json!({"doctor": [1, null]})),
        entry("doctor_assigned", &requests[2], json!({"doctor": [null, 1]})),
        entry("changed", &requests[1], json!({"gender": ["M", "F"], "phone_number": ["1234567890", "1"]})),
        entry("created", &requests[0], all_fields(|value| json!([null, value]))),
    ];
    assert_eq!(entries(&history.body), expected);
    // of this patient alone
    alice.post(PATIENTS, john_doe()).await.is(201);
    assert_eq!(alice.get(HISTORY).await.body, history.body);
    // a change that did not come over HTTP, and one of the owner
    app.user("bob").await;
    app.sql("update patients set first_name = 'Joan', created_by = 2 where id = 1").await;
    alice.get(HISTORY).await.says(404, detail(NO_PATIENT));
    let bob = app.anonymous().logged_in("bob@example.com").await;
    let seen = bob.get("/api/patients/1/history/?limit=1").await.is(200).body;
    let changes = json!({"created_by": ["alice@example.com", "bob@example.com"], "first_name": ["John", "Joan"]});
    assert_eq!(
        entries(&seen),
        [json!({
            "id": null, "at": null, "actor": "system", "via": "system", "address": null, "request_id": "test",
            "action": "changed", "changes": changes,
        })]
    );
    assert_eq!(bob.get(HISTORY).await.body.as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn both_stay_for_the_last_owner_when_the_patient_is_deleted_and_for_nobody_else() {
    let app = TestApp::start().await;
    let (alice, _) = eventful(&app).await;
    read_once(&app, "'{1}'", "'{}'").await;
    let bob = app.user("bob").await;
    let before = alice.get(HISTORY).await.is(200).body;
    alice.delete("/api/patients/1/").await.is(204);
    let after = alice.get(HISTORY).await.is(200).body;
    let deletion = &entries(&after)[0];
    let changed = |field: &str, value: &Value| match field {
        "gender" => json!("F"),
        "phone_number" => json!("1"),
        _ => value.clone(),
    };
    for (field, value) in all_fields(Clone::clone).as_object().unwrap() {
        assert_eq!(deletion["changes"][field], json!([changed(field, value), null]), "{field}");
    }
    assert_eq!((&deletion["action"], deletion["changes"].as_object().unwrap().len()), (&json!("deleted"), 9));
    assert_eq!(after.as_array().unwrap()[1..], before.as_array().unwrap()[..]);
    assert_eq!(alice.get(ACCESS).await.is(200).body.as_array().unwrap().len(), 1);
    for path in [HISTORY, ACCESS] {
        let absent = bob.get(&path.replace('1', "99")).await.is(404);
        assert_eq!(bob.get(path).await.is(404).text, absent.text);
    }
    // a number that lives again is its new owner's
    app.sql(
        "insert into patients (id, created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender, \
            address, phone_number, email, medical_history) \
         overriding system value values (1, 2, 'Other', '', '2000-01-01', false, 'O', '', '', '', '')",
    )
    .await;
    alice.get(HISTORY).await.says(404, detail(NO_PATIENT));
    bob.get(HISTORY).await.is(200);
    // and of two that died the last one counts
    app.sql("delete from patients where id = 1").await;
    alice.get(HISTORY).await.says(404, detail(NO_PATIENT));
    bob.get(HISTORY).await.is(200);
}

/// A read of alice's, written down as the server does it.
async fn read_once(app: &TestApp, patients: &str, mappings: &str) {
    app.sql(&format!(
        "insert into access_log (at, actor_id, actor_email, session_id, via, request_id, address, patient_ids, mapping_ids) \
         values (clock_timestamp(), 1, 'alice@example.com', 1, 'api', 'r', '192.0.2.7', {patients}, {mappings})"
    ))
    .await;
}

#[tokio::test]
async fn the_accesses_say_who_read_the_patient_alone_in_a_list_or_with_its_doctors() {
    let app = TestApp::start().await;
    let (alice, _) = eventful(&app).await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    for (patients, mappings) in [("'{1}'", "'{}'"), ("'{2}'", "'{}'"), ("'{2,1}'", "'{}'"), ("'{1}'", "'{1}'")] {
        read_once(&app, patients, mappings).await;
    }
    let seen = alice.get(ACCESS).await.is(200).body;
    let access = |scope: &str| {
        json!({
            "id": null, "at": null, "actor": "alice@example.com", "via": "api", "address": "192.0.2.7", "request_id": "r",
            "scope": scope,
        })
    };
    assert_eq!(entries(&seen), ["mappings", "list", "patient"].map(access));
    assert_eq!(entries(&alice.get("/api/patients/2/access/").await.is(200).body), ["list", "patient"].map(access));
}

#[tokio::test]
async fn both_are_paged_counted_ordered_and_filtered_as_lists_are() {
    // what is read here would be among what is paged
    let app = TestApp::auditing(healthcare_backend::config::ReadAudit { is_on: false, ..Default::default() }).await;
    let (alice, requests) = eventful(&app).await;
    for _ in 0..4 {
        read_once(&app, "'{1}'", "'{}'").await;
    }
    let all = ids(&alice.get(HISTORY).await);
    let reversed: Vec<i64> = all.iter().rev().copied().collect();
    assert_eq!(all_pages(&alice, "/api/patients/1/history/?limit=3").await, [&all[..3], &all[3..]]);
    assert_eq!(all_pages(&alice, "/api/patients/1/history/?limit=1&ordering=id").await.concat(), reversed);
    let seen = ids(&alice.get(ACCESS).await);
    assert_eq!(all_pages(&alice, "/api/patients/1/access/?limit=3").await, [&seen[..3], &seen[3..]]);
    let second = alice.get(HISTORY).await.body[2]["at"].as_str().unwrap().to_owned();
    for (query, expected) in [
        ("action=changed", vec![all[2]]),
        ("action=doctor_assigned", vec![all[1]]),
        ("actor=ALICE@example.com", all.clone()),
        ("actor=bob@example.com", vec![]),
        ("via=cli", vec![]),
        ("address=127.0.0.1&via=api", all.clone()),
        (&format!("request_id={}", requests[0]), vec![all[3]]),
        (&format!("at__gt={second}"), all[..2].to_vec()),
        (&format!("at__lte={second}"), all[2..].to_vec()),
    ] {
        let reply = alice.get(&format!("{HISTORY}?{query}&count=true")).await.is(200);
        assert_eq!(ids(&reply), expected, "{query}");
        assert_eq!(reply.header("x-total-count"), expected.len().to_string(), "{query}");
    }
    let ask = |path: &str, query: &str| case("", &alice, "GET", format!("{path}?{query}"));
    all_hold([
        ask(HISTORY, "action=read").says(400, json!({"action": [not_a_choice("read")]})),
        ask(HISTORY, "ordering=at").says(400, json!({"ordering": [not_a_choice("at")]})),
        ask(ACCESS, "ordering=id").says(400, json!({"ordering": [not_a_choice("id")]})),
        ask(ACCESS, "address=192.0.2.99").says(200, json!([])),
        ask(ACCESS, "search=x").is(200).with_header("ignored-parameters", ""),
        // what is not there comes first
        ask("/api/patients/99/history/", "limit=0").says(404, detail(NO_PATIENT)),
        ask("/api/patients/x/history/", "limit=0").says(404, detail(NOT_FOUND)),
        ask("/api/patients/99999999999999999999/access/", "").says(404, detail(NO_PATIENT)),
    ])
    .await;
}

#[tokio::test]
async fn a_cursor_is_of_one_patient_s_history() {
    let app = TestApp::start().await;
    let (alice, _) = eventful(&app).await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    alice.patch("/api/patients/2/", json!({"gender": "F"})).await.is(200);
    let link = next(&alice.get("/api/patients/+1/history/?limit=2").await.is(200)).unwrap();
    assert!(link.starts_with("/api/patients/1/history/?limit=2&cursor="), "{link}");
    alice.get(&link).await.is(200);
    for other in ["/api/patients/2/history/", "/api/patients/1/access/"] {
        alice.get(&link.replace(HISTORY, other)).await.says(400, json!({"cursor": ["Invalid cursor."]}));
    }
}

#[tokio::test]
async fn a_long_history_comes_whole() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    let change = "update patients set phone_number = phone_number || '.' where id = 1";
    app.sql(&format!("update patients set phone_number = ''; {}", [change; 19].join(";"))).await;
    for number in 0..8 {
        app.sql(&format!("update patients set phone_number = ''; {}", vec![change; 19 - number].join(";"))).await;
    }
    let whole = ids(&alice.get(HISTORY).await.is(200));
    assert!(whole.len() > 150, "{}", whole.len());
    assert_eq!(all_pages(&alice, "/api/patients/1/history/?limit=40").await.concat(), whole);
}
