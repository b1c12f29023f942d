//! `/api/mappings/`, beside Django.

use serde_json::{Value, json};

use super::{PAGE, Why};
use crate::support::{
    Client, DOCTORS, MAPPINGS, PATIENTS, TestApp,
    cases::{all_hold, case},
    detail, emily_carter, john_doe,
    messages::{
        NO_MAPPING, NO_PATIENT, NOT_FOUND, NOT_UNIQUE, NOT_YOURS, NULL, REQUIRED, all, fault, faults, not_allowed,
    },
};

/// A user with a patient, a doctor and the mapping of both, which is given too; all are number 1.
async fn mapped(app: &TestApp) -> (Client, Value) {
    let alice = app.user("alice").await;
    alice.post(DOCTORS, emily_carter()).await.is(201);
    alice.post(PATIENTS, john_doe()).await.is(201);
    let mapping = alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201).body;
    (alice, mapping)
}

#[tokio::test]
async fn bodies_of_mappings_are_checked_as_django_checks_them() {
    let app = TestApp::start().await;
    let (alice, _) = mapped(&app).await;
    let bob = app.user("bob").await;
    let (both, unknown, too_great) = (["patient", "doctor"], 99_999_999_u32, 9_223_372_036_854_775_808_u64);
    let post = |name: &str, body: Value| case(name, &alice, "POST", MAPPINGS).json(body);
    let bobs = |name: &str, body: Value| case(name, &bob, "POST", MAPPINGS).json(body);
    let missing = |pk: &str| format!("Invalid pk \"{pk}\" - object does not exist.");
    let incorrect = |kind: &str| format!("Incorrect type. Expected pk value, received {kind}.");
    let (no_row, unique) = (missing("99999999"), fault("non_field_errors", NOT_UNIQUE));
    all_hold([
        post("duplicate", json!({"patient": 1, "doctor": 1})).says(400, unique.clone()),
        post("{}", json!({})).says(400, faults(&both, REQUIRED)),
        post("nulls", all(&both, &json!(null))).says(400, faults(&both, NULL)),
        post("blanks", all(&both, &json!(""))).says(400, faults(&both, NULL)),
        post("words", all(&both, &json!("abc"))).says(400, faults(&both, &incorrect("str"))),
        post("booleans", all(&both, &json!(true))).says(400, faults(&both, &incorrect("bool"))),
        post("lists", all(&both, &json!([]))).says(400, faults(&both, &incorrect("list"))),
        post("objects", all(&both, &json!({}))).says(400, faults(&both, &incorrect("dict"))),
        post("floats", all(&both, &json!(1.5))).says(400, faults(&both, &incorrect("float"))).unlike(
            Why::Floats,
            400,
            faults(&both, &missing("1.5")),
        ),
        post("missing doctor", json!({"patient": 1, "doctor": unknown})).says(400, fault("doctor", &no_row)),
        post("missing patient", json!({"patient": unknown, "doctor": 1})).says(400, detail(NOT_YOURS)).unlike(
            Why::OwnershipFirst,
            400,
            fault("patient", &no_row),
        ),
        post("both missing", all(&both, &json!(unknown))).says(400, detail(NOT_YOURS)).unlike(
            Why::OwnershipFirst,
            400,
            faults(&both, &no_row),
        ),
        post("id 2^63", json!({"patient": too_great, "doctor": 1})).says(400, detail(NOT_YOURS)).unlike(
            Why::OwnershipFirst,
            400,
            fault("patient", missing("9223372036854775808")),
        ),
        bobs("other user's patient + missing doctor", json!({"patient": 1, "doctor": unknown}))
            .says(400, detail(NOT_YOURS))
            .unlike(Why::OwnershipFirst, 400, fault("doctor", &no_row)),
        bobs("other user's patient, already mapped", json!({"patient": 1, "doctor": 1}))
            .says(400, detail(NOT_YOURS))
            .unlike(Why::OwnershipFirst, 400, unique.clone()),
        post("patient_id/doctor_id keys", json!({"patient_id": 1, "doctor_id": 1})).says(400, unique).unlike(
            Why::Aliases,
            400,
            faults(&both, REQUIRED),
        ),
    ])
    .await;
}

#[tokio::test]
async fn paths_and_methods_of_mappings_are_answered_as_django_answers_them() {
    let app = TestApp::start().await;
    let (alice, mapping) = mapped(&app).await;
    let bob = app.user("bob").await;
    let doctor = alice.get("/api/doctors/1/").await.body;
    let first = "/api/mappings/1/";
    all_hold([
        case("list", &alice, "GET", MAPPINGS).says(200, json!([mapping])),
        case("doctors of a patient, A", &alice, "GET", "/api/mappings/by-patient/1/").says(200, json!([mapping])),
        case("doctors of a patient, B", &alice, "GET", first).says(200, json!([doctor])),
        case("a mapping", &alice, "GET", first).says(200, json!([doctor])).unlike(
            Why::BothLists,
            405,
            not_allowed("GET"),
        ),
        case("another user's", &bob, "GET", "/api/mappings/by-patient/1/").says(404, detail(NO_PATIENT)),
        case("nobody's", &bob, "GET", "/api/mappings/by-patient/99/").says(404, detail(NO_PATIENT)),
        case("another user's", &bob, "GET", first).says(404, detail(NO_PATIENT)),
        case("another method", &alice, "PUT", first).says(405, not_allowed("PUT")),
        case("another method", &alice, "PATCH", first).says(405, not_allowed("PATCH")),
        case("another user's", &bob, "DELETE", first).says(404, detail(NO_MAPPING)),
        case("unknown", &alice, "DELETE", "/api/mappings/99/").says(404, detail(NO_MAPPING)),
        case("abc", &alice, "DELETE", "/api/mappings/abc/").says(404, detail(NOT_FOUND)),
        case("a mapped doctor", &bob, "DELETE", "/api/doctors/1/")
            .says(409, detail("This doctor is assigned to patients of other users."))
            .unlike(Why::OtherUsersDoctors, 204, PAGE),
        case("own", &alice, "DELETE", first).says(204, PAGE),
        case("a doctor", &bob, "DELETE", "/api/doctors/1/").says(204, PAGE),
    ])
    .await;
}
