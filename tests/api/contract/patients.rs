//! `/api/patients/`, beside Django.

use serde_json::{Value, json};

use super::{PAGE, Why};
use crate::support::{
    Client, PATIENTS, TestApp,
    cases::{Case, all_hold, case},
    detail, john_doe,
    messages::{
        BLANK, NO_PATIENT, NO_TOKEN, NOT_A_DATE, NOT_A_STRING, NOT_AN_EMAIL, NOT_AN_INTEGER, NOT_FOUND, NULL, REQUIRED,
        all, fault, faults, not_a_choice, not_allowed, too_long,
    },
    with,
};

const FIRST: &str = "/api/patients/1/";
const PATIENT: [&str; 8] =
    ["first_name", "last_name", "date_of_birth", "gender", "address", "phone_number", "email", "medical_history"];

/// README A's patient, added with some fields changed.
fn add(name: &str, client: &Client, changes: Value) -> Case {
    case(name, client, "POST", PATIENTS).json(with(john_doe(), changes))
}

#[tokio::test]
async fn whole_bodies_of_a_patient_are_checked_as_django_checks_them() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let first = json!({"id": 9, "created_by": 9, "unknown": 1, "first_name": " John "});
    let created = alice.post(PATIENTS, with(john_doe(), first)).await.is(201).body;
    let mut django = with(john_doe(), json!({"id": 1, "created_by": "alice@example.com"}));
    django["created_at"] = created["created_at"].clone();
    let (seven, six) = (&PATIENT[..7], [&PATIENT[..3], &PATIENT[4..7]].concat());
    let blanks =
        with(faults(&PATIENT[..2], BLANK), json!({"date_of_birth": [NOT_A_DATE], "gender": [not_a_choice("")]}));
    // what a value of another type is told; its gender is quoted as Python prints it
    let wrong_type = |shown: &str| {
        let others = json!({"date_of_birth": [NOT_A_DATE], "gender": [not_a_choice(shown)], "email": [NOT_AN_EMAIL]});
        with(faults(&PATIENT, NOT_A_STRING), others)
    };
    let of_seven = json!({"date_of_birth": [NOT_A_DATE], "gender": [not_a_choice("7")], "email": [NOT_AN_EMAIL]});
    let post = |name: &str, body: Value| case(name, &alice, "POST", PATIENTS).json(body);
    let put = |name: &str, body: Value| case(name, &alice, "PUT", FIRST).json(body);
    all_hold([
        case("detail", &alice, "GET", FIRST).says(200, created.clone()).unlike(Why::BothDialects, 200, django),
        post("{}", json!({})).says(400, faults(&PATIENT[..4], REQUIRED)).unlike(
            Why::OptionalFields,
            400,
            faults(seven, REQUIRED),
        ),
        put("{}", json!({})).says(400, faults(&PATIENT[..4], REQUIRED)).unlike(
            Why::OptionalFields,
            400,
            faults(seven, REQUIRED),
        ),
        put("partial body", json!({"gender": "F"})).says(400, faults(&PATIENT[..3], REQUIRED)).unlike(
            Why::OptionalFields,
            400,
            faults(&six, REQUIRED),
        ),
        post("blank strings", all(&PATIENT, &json!(""))).says(400, blanks.clone()).unlike(
            Why::OptionalFields,
            400,
            with(blanks, faults(&PATIENT[4..7], BLANK)),
        ),
        post("nulls", all(&PATIENT, &json!(null))).says(400, faults(&PATIENT, NULL)),
        post("lists", all(&PATIENT, &json!([]))).says(400, wrong_type("[]")),
        post("objects", all(&PATIENT, &json!({}))).says(400, wrong_type("{}")),
        post("booleans", all(&PATIENT, &json!(true))).says(400, wrong_type("True")),
        post("numbers everywhere", all(&PATIENT, &json!(7))).says(400, of_seven),
        case("PATCH {}", &alice, "PATCH", FIRST).json(json!({})).says(200, created),
        case("PATCH invalid", &alice, "PATCH", FIRST)
            .json(json!({"gender": "?"}))
            .says(400, fault("gender", not_a_choice("?"))),
    ])
    .await;
}

#[tokio::test]
async fn single_fields_of_a_patient_are_checked_as_django_checks_them() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let fields = [
        ("gender X", json!({"gender": "X"}), fault("gender", not_a_choice("X"))),
        ("gender m", json!({"gender": "m"}), fault("gender", not_a_choice("m"))),
        ("date 1990-13-45", json!({"date_of_birth": "1990-13-45"}), fault("date_of_birth", NOT_A_DATE)),
        ("date 01/02/1990", json!({"date_of_birth": "01/02/1990"}), fault("date_of_birth", NOT_A_DATE)),
        ("date with time", json!({"date_of_birth": "1990-01-01T00:00:00Z"}), fault("date_of_birth", NOT_A_DATE)),
        ("date 1990-02-30", json!({"date_of_birth": "1990-02-30"}), fault("date_of_birth", NOT_A_DATE)),
        ("email malformed", json!({"email": "nope"}), fault("email", NOT_AN_EMAIL)),
    ];
    let aged = |name: &str, age: Value| {
        let body = json!({"name": "John Smith", "age": age, "gender": "M", "address": "Bengaluru"});
        case(name, &alice, "POST", PATIENTS).json(body)
    };
    let at_most = |most: u32| fault("age", format!("Ensure this value is less than or equal to {most}."));
    let mut rows = vec![
        aged("age abc (B)", json!("abc")).says(400, fault("age", NOT_AN_INTEGER)),
        aged("age -1 (B)", json!(-1)).says(400, fault("age", "Ensure this value is greater than or equal to 0.")),
        aged("age 1.5 (B)", json!(1.5)).says(400, fault("age", NOT_AN_INTEGER)),
        aged("age of 1001 digits (B)", json!("1".repeat(1001))).says(400, fault("age", "String value too large.")),
        aged("age true (B)", json!(true)).says(400, fault("age", NOT_AN_INTEGER)),
        aged("age 2147483648 (B)", json!(2_147_483_648_u32)).says(400, at_most(150)).unlike(
            Why::Ages,
            400,
            at_most(2_147_483_647),
        ),
        add("gender Male", &alice, json!({"gender": "Male"})).shows(201, json!({"gender": "M"})).unlike(
            Why::Words,
            400,
            fault("gender", not_a_choice("Male")),
        ),
        add("phone 16 chars", &alice, json!({"phone_number": "1".repeat(16)})).is(201).unlike(
            Why::Limits,
            400,
            fault("phone_number", too_long(15)),
        ),
        add("date in the future", &alice, json!({"date_of_birth": "2999-01-01"}))
            .says(400, fault("date_of_birth", "Date of birth cannot be in the future."))
            .unlike(Why::Dates, 201, PAGE),
        add("date 19900101", &alice, json!({"date_of_birth": "19900101"}))
            .says(400, fault("date_of_birth", NOT_A_DATE))
            .unlike(Why::Dates, 201, PAGE),
    ];
    rows.extend(fields.map(|(name, changes, errors)| add(name, &alice, changes).says(400, errors)));
    rows.extend(["1990-1-1", "1990-01-01"].map(|date| {
        add(date, &alice, json!({"date_of_birth": date})).shows(201, json!({"date_of_birth": "1990-01-01"}))
    }));
    all_hold(rows).await;
}

#[tokio::test]
async fn paths_and_methods_of_patients_are_answered_as_django_answers_them() {
    let app = TestApp::start().await;
    let (alice, bob, nobody) = (app.user("alice").await, app.user("bob").await, app.anonymous());
    let created = alice.post(PATIENTS, john_doe()).await.is(201).body;
    let mut rows = Vec::new();
    rows.extend(
        ["0", "-1", "999", "9223372036854775808"].map(|id| {
            case("detail, unknown id", &alice, "GET", format!("{PATIENTS}{id}/")).says(404, detail(NO_PATIENT))
        }),
    );
    rows.extend(
        ["abc", "1.5"].map(|id| {
            case("detail, no number", &alice, "GET", format!("{PATIENTS}{id}/")).says(404, detail(NOT_FOUND))
        }),
    );
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        rows.push(case("another user's", &bob, method, FIRST).json(john_doe()).says(404, detail(NO_PATIENT)));
        let unknown = case("unknown id", &alice, method, "/api/patients/999/").json(john_doe());
        rows.push(unknown.says(404, detail(NO_PATIENT)));
    }
    rows.extend(
        [("POST", FIRST), ("PUT", PATIENTS), ("PATCH", PATIENTS), ("DELETE", PATIENTS), ("TRACE", PATIENTS)]
            .map(|(method, path)| case("another method", &alice, method, path).says(405, not_allowed(method))),
    );
    rows.extend([
        case("detail, id %201", &alice, "GET", "/api/patients/%201/").says(200, created.clone()),
        case("list.json suffix (B)", &alice, "GET", "/api/patients.json").says(404, detail(NOT_FOUND)).unlike(
            Why::JsonAlways,
            200,
            PAGE,
        ),
        case("without the trailing slash", &alice, "GET", "/api/patients/1").says(200, created).unlike(
            Why::NoRedirect,
            301,
            PAGE,
        ),
        case("list", &alice, "HEAD", PATIENTS).says(200, PAGE),
        case("detail", &alice, "HEAD", FIRST).says(200, PAGE),
        case("no token", &nobody, "OPTIONS", PATIENTS).says(401, detail(NO_TOKEN)),
        case("no token", &nobody, "OPTIONS", FIRST).says(401, detail(NO_TOKEN)),
        case("X-HTTP-Method-Override", &alice, "POST", FIRST)
            .header("x-http-method-override", "DELETE")
            .says(405, not_allowed("POST")),
        case("own", &alice, "DELETE", FIRST).says(204, PAGE),
        case("again", &alice, "DELETE", FIRST).says(404, detail(NO_PATIENT)),
    ]);
    all_hold(rows).await;
}
