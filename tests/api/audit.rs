//! The audit, for staff and for the operator.

use serde_json::{Value, json};

use crate::support::{
    Client, LOGIN, PASSWORD, PATIENTS, TestApp,
    cases::{all_hold, case},
    detail, john_doe,
    lists::{all_pages, ids, next},
    messages::not_a_choice,
};

const AUDIT: &str = "/api/audit/";
const READS: &str = "/api/audit/reads/";

fn refused() -> Value {
    detail("You do not have permission to perform this action.")
}

/// The first user, who is one of the staff.
async fn staff(app: &TestApp) -> Client {
    let root = app.user("root").await;
    app.sql("update users set is_staff = true where id = 1").await;
    root
}

#[tokio::test]
async fn is_for_staff_alone_and_the_right_ends_at_once() {
    let app = TestApp::start().await;
    let (root, alice) = (staff(&app).await, app.user("alice").await);
    let script = app.script(&root, true).await;
    app.sql(
        "insert into access_log (at, actor_id, actor_email, via, request_id, patient_ids, mapping_ids) \
         values (now(), 1, 'root@example.com', 'api', 'r', '{1}', '{}')",
    )
    .await;
    for path in [AUDIT, READS] {
        all_hold([
            case("one of the staff", &root, "GET", path).is(200),
            case("a script of the staff", &script, "GET", path).is(200),
            case("nobody", &app.anonymous(), "GET", path).is(401),
            case("somebody else", &alice, "GET", path).says(403, refused()),
            case("counted", &alice, "GET", format!("{path}?count=true&limit=1"))
                .says(403, refused())
                .with_header("x-total-count", ""),
            case("a bad query", &alice, "GET", format!("{path}?limit=0")).says(403, refused()),
            case("a bad query of the staff", &root, "GET", format!("{path}?limit=0")).is(400),
        ])
        .await;
    }
    let next = next(&root.get("/api/audit/?limit=2").await).unwrap();
    alice.get(&next).await.says(403, refused());
    app.sql("update users set is_staff = false where id = 1").await;
    for path in [AUDIT, READS, &next] {
        root.get(path).await.says(403, refused());
        script.get(path).await.says(403, refused());
    }
}

#[tokio::test]
async fn a_long_list_breaks_off_when_the_right_ends() {
    let app = TestApp::start().await;
    let root = staff(&app).await;
    many_rows(&app, 60_000).await;
    let mut response = root.request("GET", "/api/audit/").send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.chunk().await.unwrap().unwrap();
    app.sql("update users set is_staff = false where id = 1").await;
    while let Ok(chunk) = response.chunk().await {
        assert!(chunk.is_some(), "it looks whole");
    }
}

/// As many changes of a patient of the tenth part of as many users.
async fn many_rows(app: &TestApp, count: usize) {
    app.sql(&format!(
        "insert into audit_log (at, actor_id, actor_email, via, request_id, address, session_id, table_name, row_id, \
             action, old_values, new_values) \
         select timestamptz '2020-01-01Z' + n * interval '1 minute', n % ({count} / 10), \
             'user' || n % ({count} / 10) || '@example.com', 'api', md5(n::text), '192.0.2.' || n % 200, n, 'patients', n, \
             'UPDATE', jsonb_build_object('gender', 'M'), jsonb_build_object('gender', 'F') \
         from generate_series(1, {count}) n"
    ))
    .await;
}

#[tokio::test]
async fn says_who_did_what_and_which_fields_but_no_value() {
    let app = TestApp::start().await;
    let (root, alice) = (staff(&app).await, app.user("alice").await);
    let made = alice.post(PATIENTS, john_doe()).await.is(201);
    let changed = alice.patch("/api/patients/1/", json!({"gender": "F", "medical_history": "Secret"})).await.is(200);
    let failed =
        app.anonymous().post(LOGIN, json!({"email": "nobody@example.com", "password": PASSWORD})).await.is(401);
    let listed = root.get("/api/audit/?limit=3").await.is(200);
    for secret in ["Secret", "John", PASSWORD, "nobody@"] {
        assert!(!listed.text.contains(secret), "{secret}");
    }
    let mut entries = listed.body;
    for entry in entries.as_array_mut().unwrap() {
        assert!(entry["id"].take().is_i64() && entry["at"].take().is_string());
    }
    let request = |reply: &crate::support::Reply| reply.header("x-request-id").to_owned();
    let of_alice = json!({
        "id": null, "at": null, "actor_id": 2, "actor": "alice@example.com", "via": "api", "address": "127.0.0.1",
        "session": 2, "event": null, "table": "patients", "row": 1, "fields": [],
    });
    let with = |changes: Value| crate::support::with(of_alice.clone(), changes);
    assert_eq!(
        entries,
        json!([
            with(json!({
                "actor_id": null, "actor": null, "session": null, "request_id": request(&failed), "event": "login_failed",
                "table": "users", "row": null, "action": "event",
            })),
            with(json!({
                "request_id": request(&changed), "action": "changed", "fields": ["gender", "medical_history"],
            })),
            with(json!({"request_id": request(&made), "action": "created"})),
        ])
    );
}

#[tokio::test]
async fn is_filtered_ordered_paged_and_counted_as_lists_are() {
    let app = TestApp::start().await;
    let (root, alice) = (staff(&app).await, app.user("alice").await);
    let made = alice.post(PATIENTS, john_doe()).await.is(201);
    alice.patch("/api/patients/1/", json!({"gender": "F"})).await.is(200);
    alice.delete("/api/patients/1/").await.is(204);
    app.anonymous().post(LOGIN, json!({"email": "alice@example.com", "password": "x"})).await.is(401);
    // root: made, logged in, made staff; alice: made, logged in; the patient: made, changed, deleted; a failed login
    let all: Vec<i64> = (1..=9).rev().collect();
    let at = root.get("/api/audit/?limit=3&ordering=id").await.body[2]["at"].as_str().unwrap().to_owned();
    let request = format!("request_id={}", made.header("x-request-id"));
    for (query, expected) in [
        ("", all.clone()),
        ("ordering=at", all.iter().rev().copied().collect()),
        ("actor=Alice@example.com", vec![9, 8, 7, 6, 5, 4]),
        ("actor_id=2&table=patients", vec![8, 7, 6]),
        ("event=login", vec![5, 2]),
        ("event=login_failed", vec![9]),
        ("event=nonsense", vec![]),
        ("action=changed", vec![7, 3]),
        ("action=event", vec![9]),
        ("table=users&row=1", vec![3, 1]),
        ("via=system", vec![3]),
        ("address=127.0.0.1&session=2", vec![8, 7, 6]),
        (&request, vec![6]),
        (&format!("at__gt={at}"), vec![9, 8, 7, 6, 5, 4]),
        (&format!("at__lte={at}&ordering=-at"), vec![3, 2, 1]),
    ] {
        let reply = root.get(&format!("{AUDIT}?{query}&count=true")).await.is(200);
        assert_eq!(ids(&reply), expected, "{query}");
        assert_eq!(reply.header("x-total-count"), expected.len().to_string(), "{query}");
    }
    assert_eq!(all_pages(&root, "/api/audit/?limit=4").await, [&all[..4], &all[4..8], &all[8..]]);
    root.get("/api/audit/?action=read").await.says(400, json!({"action": [not_a_choice("read")]}));
}

#[tokio::test]
async fn of_reads_says_who_was_shown_what() {
    let app = TestApp::start().await;
    let root = staff(&app).await;
    for (at, actor, patients, mappings) in
        [("2026-11-01", 2, "{1}", "{}"), ("2026-11-02", 3, "{3,1,2}", "{}"), ("2026-11-03", 2, "{2}", "{7}")]
    {
        app.sql(&format!(
            "select make_access_months('{at}', '{at}'); \
             insert into access_log (at, actor_id, actor_email, session_id, via, request_id, address, patient_ids, mapping_ids) \
             values (timestamptz '{at} 00:00Z', {actor}, 'user{actor}@example.com', {actor}, 'api', 'r{actor}', '192.0.2.7', \
                 '{patients}', '{mappings}')"
        ))
        .await;
    }
    let read = |id: i64, day: &str, actor: i64, patients: Value, mappings: Value| {
        json!({
            "id": id, "at": format!("{day}T00:00:00Z"), "actor_id": actor, "actor": format!("user{actor}@example.com"),
            "via": "api", "address": "192.0.2.7", "session": actor, "request_id": format!("r{actor}"),
            "patients": patients, "mappings": mappings,
        })
    };
    let expected = [
        read(3, "2026-11-03", 2, json!([2]), json!([7])),
        read(2, "2026-11-02", 3, json!([3, 1, 2]), json!([])),
        read(1, "2026-11-01", 2, json!([1]), json!([])),
    ];
    root.get("/api/audit/reads/?at__lt=2026-11-04").await.says(200, json!(expected));
    for (query, expected) in [
        ("ordering=at", vec![1, 2, 3]),
        ("patient=1", vec![2, 1]),
        ("patient=2&actor_id=2", vec![3]),
        ("patient=9", vec![]),
        ("actor=USER3@example.com", vec![2]),
        ("session=3", vec![2]),
        ("request_id=r2&limit=1", vec![3]),
        ("at__gte=2026-11-02&at__lt=2026-11-03", vec![2]),
        ("via=admin", vec![]),
    ] {
        assert_eq!(ids(&root.get(&format!("{READS}?{query}")).await.is(200)), expected, "{query}");
    }
    root.get("/api/audit/reads/?patient=x").await.says(400, json!({"patient": ["A valid integer is required."]}));
}
