//! Bodies, before their fields are looked at: their types, their syntax, their size.

use serde_json::json;

use crate::support::{
    Client, LOGIN, PATIENTS, REGISTER, TestApp,
    cases::{Case, all_hold, case},
    detail, john_doe,
    messages::{NO_PATIENT, fault, unsupported},
    with,
};

const FIRST: &str = "/api/patients/1/";

#[tokio::test]
async fn of_other_types_than_json_and_forms_are_415_after_404() {
    let app = TestApp::start().await;
    let (alice, nobody) = (app.user("alice").await, app.anonymous());
    alice.post(PATIENTS, john_doe()).await.is(201);
    let send = |client: &Client, method: &str, path: &str, kind: &str| {
        case(kind, client, method, path).raw(kind, john_doe().to_string())
    };
    let mut rows: Vec<Case> = ["text/plain", "application/jsonx", ""]
        .into_iter()
        .flat_map(|kind| {
            [
                send(&alice, "POST", PATIENTS, kind).says(415, unsupported(kind)),
                send(&alice, "PUT", FIRST, kind).says(415, unsupported(kind)),
                send(&alice, "PUT", "/api/patients/9/", kind).says(404, detail(NO_PATIENT)),
                send(&nobody, "POST", LOGIN, kind).says(415, unsupported(kind)),
            ]
        })
        .collect();
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        rows.push(send(&alice, "POST", PATIENTS, kind).is(201));
    }
    all_hold(rows).await;
}

fn deep(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn that_are_no_json_are_400_and_change_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = alice.post(PATIENTS, john_doe()).await.is(201).text;
    let (deeper, deepest) = (deep(129), deep(8_000));
    let deep_inside = format!("{{\"first_name\": {deepest}}}");
    let malformed: [(&str, &[u8]); 16] = [
        ("unfinished", b"{"),
        ("a trailing comma", b"{\"first_name\": \"A\",}"),
        ("a key without quotes", b"{first_name: 1}"),
        ("half a null", b"nul"),
        ("NaN", b"NaN"),
        ("an age NaN", b"{\"age\": NaN}"),
        ("an age Infinity", b"{\"age\": Infinity}"),
        ("an age 1e400", b"{\"age\": 1e400}"),
        ("two objects", b"{} {}"),
        ("a byte order mark", "\u{feff}{}".as_bytes()),
        ("half a surrogate", b"{\"first_name\": \"\\ud800\"}"),
        ("a control character", b"{\"first_name\": \"a\x01b\"}"),
        ("no UTF-8", b"{\"\xff\":1}"),
        ("129 deep", deeper.as_bytes()),
        ("100,000 deep", deepest.as_bytes()),
        ("100,000 deep inside", deep_inside.as_bytes()),
    ];
    let requests = [("POST", PATIENTS), ("PUT", FIRST), ("PATCH", FIRST), ("POST", REGISTER)];
    let mut rows = Vec::new();
    for (name, body) in malformed {
        rows.extend(requests.map(|(method, path)| {
            case(name, &alice, method, path).raw("application/json", body).begins(400, "JSON parse error - ")
        }));
    }
    rows.push(case("nothing has changed", &alice, "GET", FIRST).writes(200, before));
    all_hold(rows).await;
}

#[tokio::test]
async fn that_are_no_json_object_are_400_and_change_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = alice.post(PATIENTS, john_doe()).await.is(201).text;
    let hundred_deep = deep(100);
    let requests = [("POST", PATIENTS), ("PATCH", FIRST), ("POST", LOGIN)];
    let send = |method: &str, path: &str, body: &str| case(body, &alice, method, path).raw("application/json", body);
    let mut rows = Vec::new();
    for (body, kind) in
        [("[]", "list"), ("\"x\"", "str"), ("1", "int"), ("1.5", "float"), ("true", "bool"), (&hundred_deep, "list")]
    {
        let errors = fault("non_field_errors", format!("Invalid data. Expected a dictionary, but got {kind}."));
        rows.extend(requests.map(|(method, path)| send(method, path, body).says(400, errors.clone())));
    }
    let no_data = fault("non_field_errors", "No data provided");
    rows.extend(requests.map(|(method, path)| send(method, path, "null").says(400, no_data.clone())));
    rows.push(case("nothing has changed", &alice, "GET", FIRST).writes(200, before));
    // as in Python
    let twice = "{\"gender\": \"?\", \"gender\": \"F\"}";
    rows.push(send("PATCH", FIRST, twice).shows(200, json!({"gender": "F"})));
    all_hold(rows).await;
}

#[tokio::test]
async fn of_more_than_two_mebibytes_are_413() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let history = |length: usize| with(john_doe(), json!({"medical_history": "x".repeat(length)}));
    let too_large = detail("The request body is larger than 2097152 bytes.");
    all_hold([
        case("100,000 bytes", &alice, "POST", PATIENTS).json(history(100_000)).is(201),
        case("3 MiB", &alice, "POST", PATIENTS).json(history(3 * 1024 * 1024)).says(413, too_large),
    ])
    .await;
}
