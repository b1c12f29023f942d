//! What a client takes: `Accept`, and `?format=`. All answers are JSON.

use serde_json::json;

use crate::support::{
    Client, DOCTORS, LOGIN, MAPPINGS, PATIENTS, TestApp,
    cases::{Case, all_hold, case},
    detail, emily_carter, john_doe,
    messages::{NOT_ACCEPTABLE, NOT_FOUND},
};

const FIRST: &str = "/api/patients/1/";
const NO_JSON: [&str; 3] = ["application/xml", "text/plain", "image/*, application/yaml"];

/// A request of somebody who takes this.
fn asks(client: &Client, accept: &str, method: &str, path: &str) -> Case {
    let asked = case(accept, client, method, path).header("accept", accept);
    if ["GET", "PUT"].contains(&method) { asked } else { asked.json(john_doe()) }
}

/// A user with a patient, a doctor and the mapping of both; all are number 1. And one without.
async fn people(app: &TestApp) -> (Client, Client) {
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    alice.post(PATIENTS, john_doe()).await.is(201);
    alice.post(DOCTORS, emily_carter()).await.is(201);
    alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201);
    (alice, bob)
}

#[tokio::test]
async fn whoever_takes_json_or_anything_or_a_page_is_sent_json() {
    let app = TestApp::start().await;
    let (alice, _) = people(&app).await;
    let shown = alice.get(FIRST).await.is(200).body;
    let accepts = [
        "*/*",
        "application/*",
        "application/json",
        "text/html",
        "text/html,application/xml;q=0.9",
        "APPLICATION/JSON; indent=4",
    ];
    let formats = ["?format=json", "?format="]
        .map(|query| case("a list", &alice, "GET", format!("{PATIENTS}{query}")).says(200, json!([shown])));
    all_hold(
        accepts.map(|accept| asks(&alice, accept, "GET", FIRST).says(200, shown.clone())).into_iter().chain(formats),
    )
    .await;
}

/// What the lists show now, as rows that say so.
async fn nothing_is_written(client: &Client) -> Vec<Case> {
    let mut rows = Vec::new();
    for path in [PATIENTS, DOCTORS, MAPPINGS] {
        let shown = client.get(path).await.is(200).text;
        rows.push(case("nothing is written", client, "GET", path).writes(200, shown));
    }
    rows
}

#[tokio::test]
async fn whoever_takes_no_json_is_refused_before_anything_is_written() {
    let app = TestApp::start().await;
    let (alice, _) = people(&app).await;
    let requests = [
        ("GET", PATIENTS),
        ("GET", FIRST),
        ("POST", PATIENTS),
        ("BREW", PATIENTS),
        ("PATCH", FIRST),
        ("POST", LOGIN),
        ("DELETE", FIRST),
        ("DELETE", "/api/doctors/1/"),
        ("DELETE", "/api/mappings/1/"),
    ];
    let mut rows = Vec::new();
    for accept in NO_JSON {
        rows.extend(
            requests.map(|(method, path)| asks(&alice, accept, method, path).says(406, detail(NOT_ACCEPTABLE))),
        );
    }
    rows.extend(nothing_is_written(&alice).await);
    all_hold(rows).await;
}

#[tokio::test]
async fn another_format_is_not_found_before_anything_is_written() {
    let app = TestApp::start().await;
    let (alice, _) = people(&app).await;
    let requests =
        [("GET", PATIENTS), ("DELETE", FIRST), ("DELETE", "/api/doctors/1/"), ("DELETE", "/api/mappings/1/")];
    let mut rows: Vec<Case> = requests
        .map(|(method, path)| case("xml", &alice, method, format!("{path}?format=xml")).says(404, detail(NOT_FOUND)))
        .into();
    rows.extend(nothing_is_written(&alice).await);
    all_hold(rows).await;
}

#[tokio::test]
async fn what_is_taken_is_looked_at_before_who_asks_and_whose_row_it_is() {
    let app = TestApp::start().await;
    let (alice, bob) = people(&app).await;
    let nobody = app.anonymous();
    let mut rows = Vec::new();
    for accept in NO_JSON {
        for client in [&nobody, &bob, &alice] {
            let requests = [("GET", PATIENTS), ("PATCH", FIRST), ("DELETE", "/api/mappings/9/"), ("OPTIONS", PATIENTS)];
            rows.extend(
                requests.map(|(method, path)| asks(client, accept, method, path).says(406, detail(NOT_ACCEPTABLE))),
            );
        }
        rows.push(asks(&alice, accept, "GET", "/api/nothing/").says(404, detail(NOT_FOUND)));
    }
    rows.push(case("xml", &nobody, "GET", format!("{PATIENTS}?format=xml")).says(404, detail(NOT_FOUND)));
    all_hold(rows).await;
}

#[tokio::test]
async fn a_quality_of_zero_is_no() {
    let app = TestApp::start().await;
    let (alice, _) = people(&app).await;
    let refused = ["application/json;q=0", "application/json;q=0, */*", "text/html; q=0.0", "*/*;q=0"];
    let taken = ["application/json;q=0.1", "application/json;q=0, text/html", "image/png, */*;q=0.1"];
    let shown = alice.get(FIRST).await.is(200).body;
    let refused = refused.map(|accept| asks(&alice, accept, "GET", FIRST).says(406, detail(NOT_ACCEPTABLE)));
    let taken = taken.map(|accept| asks(&alice, accept, "GET", FIRST).says(200, shown.clone()));
    all_hold(refused.into_iter().chain(taken)).await;
}
