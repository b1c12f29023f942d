//! `/api/doctors/`, beside Django.

use serde_json::{Value, json};

use super::Why;
use crate::support::{
    DOCTORS, MAPPINGS, TestApp, bad_token,
    cases::{Case, all_hold, case},
    detail, emily_carter,
    messages::{BLANK, NO_DOCTOR, NO_TOKEN, NOT_FOUND, REQUIRED, all, fault, faults},
    with,
};

#[tokio::test]
async fn doctors_are_answered_as_django_answers_them() {
    let app = TestApp::start().await;
    let (alice, bob, nobody) = (app.user("alice").await, app.user("bob").await, app.anonymous());
    let created = alice.post(DOCTORS, emily_carter()).await.is(201).body;
    let six = ["first_name", "last_name", "specialty", "phone_number", "email", "license_number"];
    let post = |name: &str, body: Value| case(name, &alice, "POST", DOCTORS).json(body);
    let taken = |field: &str| fault(field, format!("doctor with this {} already exists.", field.replace('_', " ")));
    let first = "/api/doctors/1/";
    let mut rows: Vec<Case> = [
        ("GET", DOCTORS),
        ("GET", first),
        ("POST", DOCTORS),
        ("PUT", first),
        ("DELETE", first),
        ("OPTIONS", DOCTORS),
        ("GET", MAPPINGS),
        ("GET", "/api/mappings/by-patient/1/"),
    ]
    .map(|(method, path)| case("no token", &nobody, method, path).says(401, detail(NO_TOKEN)))
    .into();
    rows.extend([
        case("bad token", &app.bearer("x"), "GET", DOCTORS).says(401, bad_token("Token is invalid")),
        case("detail", &bob, "GET", first).says(200, created),
        post("{}", json!({})).says(400, faults(&six[..3], REQUIRED)).unlike(
            Why::OptionalFields,
            400,
            faults(&six, REQUIRED),
        ),
        post("blanks", all(&six, &json!(""))).says(400, faults(&six[..3], BLANK)).unlike(
            Why::OptionalFields,
            400,
            faults(&six, BLANK),
        ),
        post("duplicate email", with(emily_carter(), json!({"license_number": "other"}))).says(400, taken("email")),
        post("duplicate license", with(emily_carter(), json!({"email": "other@example.com"})))
            .says(400, taken("license_number")),
        case("unknown id", &alice, "GET", "/api/doctors/99/").says(404, detail(NO_DOCTOR)),
        case("abc", &alice, "GET", "/api/doctors/abc/").says(404, detail(NOT_FOUND)),
        case("another user's change", &bob, "PATCH", first)
            .json(json!({"specialty": "Neurology"}))
            .shows(200, json!({"specialty": "Neurology"})),
    ]);
    all_hold(rows).await;
}
