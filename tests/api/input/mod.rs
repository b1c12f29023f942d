//! The rules of fields, whatever the resource: what must be sent, in which type, and under which names. The rules of
//! values are in `values`.

use serde_json::{Value, json};

use crate::support::{
    Client, DOCTORS, PATIENTS, REGISTER, TestApp, alice_smith,
    cases::{Case, all_hold, case},
    emily_carter, john_doe,
    messages::{
        ALL_DIGITS, BLANK, NOT_A_DATE, NOT_A_STRING, NOT_A_USERNAME, NOT_AN_EMAIL, NOT_AN_INTEGER, NULL, REQUIRED,
        TOO_COMMON, TOO_SHORT, all, fault, faults, not_a_choice, too_long,
    },
    with,
};

mod values;

/// A patient's texts, and its other fields.
const TEXTS: [&str; 6] = ["first_name", "last_name", "name", "address", "phone_number", "medical_history"];
const OTHERS: [&str; 4] = ["date_of_birth", "age", "gender", "email"];

/// README A's patient, with some fields changed.
fn patient(name: &str, client: &Client, changes: Value) -> Case {
    case(name, client, "POST", PATIENTS).json(with(john_doe(), changes))
}

/// A patient that has no more than it must have, with some fields changed.
fn small_patient(name: &str, client: &Client, changes: Value) -> Case {
    case(name, client, "POST", PATIENTS).json(with(json!({"name": "A B", "age": 1, "gender": "F"}), changes))
}

/// README A's registration, of another e-mail and with some fields changed.
fn account(name: &str, client: &Client, changes: Value) -> Case {
    let fresh = with(alice_smith(), json!({"email": "new@example.com"}));
    case(name, client, "POST", REGISTER).json(with(fresh, changes))
}

/// What says that no patient was added.
fn nothing_is_written(client: &Client) -> Case {
    case("nothing is written", client, "GET", PATIENTS).says(200, json!([]))
}

#[tokio::test]
async fn what_is_missing_is_asked_for() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let post = |name: &str, path: &str, body: Value| case(name, &alice, "POST", path).json(body);
    let of_patient = || faults(&["first_name", "last_name", "date_of_birth", "gender"], REQUIRED);
    let of_account = || faults(&["name", "email", "password"], REQUIRED);
    all_hold([
        post("nothing", PATIENTS, json!({})).says(400, of_patient()),
        case("no body", &alice, "POST", PATIENTS).says(400, of_patient()),
        post("a first name", PATIENTS, json!({"first_name": "Ada", "age": 3, "gender": "F"}))
            .says(400, fault("last_name", REQUIRED)),
        post("a last name", PATIENTS, json!({"last_name": "L", "age": 3, "gender": "F"}))
            .says(400, fault("first_name", REQUIRED)),
        post("nothing", DOCTORS, json!({})).says(400, faults(&["first_name", "last_name", "specialty"], REQUIRED)),
        post("nothing", REGISTER, json!({})).says(400, of_account()),
        case("no body", &alice, "POST", REGISTER).says(400, of_account()),
        case("an empty body", &alice, "POST", REGISTER).raw("application/json", "").says(400, of_account()),
        nothing_is_written(&alice),
    ])
    .await;
}

#[tokio::test]
async fn blanks_are_refused_where_something_must_stand_and_null_everywhere() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let post = |name: &str, path: &str, body: Value| case(name, &alice, "POST", path).json(body);
    let account = ["name", "email", "password"];
    let keys =
        ["first_name", "last_name", "date_of_birth", "gender", "address", "phone_number", "email", "medical_history"];
    let ten = [&TEXTS[..], &OTHERS].concat();
    let no_date_no_gender = json!({"date_of_birth": [NOT_A_DATE], "gender": [not_a_choice("")]});
    let (parts, spelled) = (["first_name", "last_name"], ["name", "specialization"]);
    let with_phone = ["name", "specialization", "phone"];
    all_hold([
        post("blanks", PATIENTS, all(&keys, &json!(""))).says(400, with(faults(&parts, BLANK), no_date_no_gender)),
        post("spaces", PATIENTS, json!({"name": "  ", "age": "", "gender": "F"}))
            .says(400, json!({"name": [BLANK], "age": [NOT_AN_INTEGER]})),
        post("nulls", PATIENTS, all(&ten, &json!(null))).says(400, faults(&ten, NULL)),
        post("blanks", DOCTORS, all(&spelled, &json!(""))).says(400, faults(&spelled, BLANK)),
        post("nulls", DOCTORS, all(&with_phone, &json!(null))).says(400, faults(&with_phone, NULL)),
        post("blanks", REGISTER, all(&account, &json!(""))).says(400, faults(&account, BLANK)),
        post("spaces", REGISTER, all(&account, &json!("  "))).says(400, faults(&account, BLANK)),
        post("nulls", REGISTER, all(&account, &json!(null))).says(400, faults(&account, NULL)),
        nothing_is_written(&alice),
    ])
    .await;
}

#[tokio::test]
async fn every_fault_is_reported_at_once() {
    let app = TestApp::start().await;
    let (alice, anybody) = (app.user("alice").await, app.anonymous());
    let patient_of_faults = json!({
        "first_name": "", "last_name": null, "date_of_birth": "1990-13-45", "gender": "X", "address": "a".repeat(1001),
        "phone_number": true, "email": "x".repeat(255), "medical_history": ["none"], "age": 1.5,
    });
    let of_patient = json!({
        "first_name": [BLANK],
        "last_name": [NULL],
        "date_of_birth": [NOT_A_DATE],
        "age": [NOT_AN_INTEGER],
        "gender": [not_a_choice("X")],
        "address": [too_long(1000)],
        "phone_number": [NOT_A_STRING],
        "email": [too_long(254), NOT_AN_EMAIL],
        "medical_history": [NOT_A_STRING],
    });
    let account_of_faults = json!({
        "name": ["a"], "email": "a@b", "username": "two words", "password": "123", "password2": "1234",
    });
    let of_account = json!({
        "name": [NOT_A_STRING],
        "email": [NOT_AN_EMAIL],
        "username": [NOT_A_USERNAME],
        "password": [TOO_SHORT, TOO_COMMON, ALL_DIGITS, "Password fields didn't match."],
    });
    all_hold([
        patient("a patient", &alice, patient_of_faults).says(400, of_patient),
        nothing_is_written(&alice),
        case("an account", &anybody, "POST", REGISTER).json(account_of_faults).says(400, of_account),
    ])
    .await;
    assert_eq!(app.value("select count(*) from users").await, 1);
}

#[tokio::test]
async fn values_of_other_types_are_refused_in_drf_s_words() {
    let app = TestApp::start().await;
    let (alice, anybody) = (app.user("alice").await, app.anonymous());
    let ten = [&TEXTS[..], &OTHERS].concat();
    let mut rows: Vec<Case> = [
        (json!([]), "[]"),
        (json!({}), "{}"),
        (json!(true), "True"),
        (json!(["M", null]), "['M', None]"),
        (json!({"a": 1.5}), "{'a': 1.5}"),
    ]
    .map(|(value, shown)| {
        let of_others = json!({
            "date_of_birth": [NOT_A_DATE], "age": [NOT_AN_INTEGER], "gender": [not_a_choice(shown)],
            "email": [NOT_AN_EMAIL],
        });
        patient(shown, &alice, all(&ten, &value)).says(400, with(faults(&TEXTS, NOT_A_STRING), of_others))
    })
    .into();
    rows.extend([
        nothing_is_written(&alice),
        account("a boolean", &anybody, json!({"name": true})).says(400, fault("name", NOT_A_STRING)),
        account("a number", &anybody, json!({"email": 7})).says(400, fault("email", NOT_AN_EMAIL)),
        account("a list", &anybody, json!({"email": []})).says(400, fault("email", NOT_AN_EMAIL)),
        account("null", &anybody, json!({"username": null})).says(400, fault("username", NULL)),
        account("blank", &anybody, json!({"username": ""})).says(400, fault("username", BLANK)),
    ]);
    all_hold(rows).await;
}

#[tokio::test]
async fn a_name_is_split_at_its_last_space() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let rows = [
        ("Cher", "Cher", "", "Cher"),
        ("Ada King Lovelace", "Ada King", "Lovelace", "Ada King Lovelace"),
        (" Ada  Lovelace ", "Ada ", "Lovelace", "Ada  Lovelace"),
    ]
    .map(|(name, first, last, shown)| {
        let shown = json!({"first_name": first, "last_name": last, "name": shown});
        small_patient(name, &alice, json!({ "name": name })).shows(201, shown)
    });
    all_hold(rows).await;
}

#[tokio::test]
async fn a_field_may_be_spelled_in_other_ways_and_its_errors_are_under_the_key_that_was_sent() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut rows = Vec::new();
    for key in ["phone", "contact", "contact_number", "phone_number"] {
        let send = |value: Value| small_patient(key, &alice, json!({ key: value }));
        rows.extend([
            send(json!("12")).shows(201, json!({"phone_number": "12"})),
            send(json!("1".repeat(21))).says(400, fault(key, too_long(20))),
            send(json!([])).says(400, fault(key, NOT_A_STRING)),
        ]);
    }
    all_hold(rows).await;
}

#[tokio::test]
async fn a_field_that_is_sent_under_two_names_must_be_good_under_both() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (long, bad) = ("1".repeat(21), json!({"phone": [NULL], "contact": [NOT_A_STRING]}));
    all_hold([
        patient("one too long", &alice, json!({"phone": "12", "contact": long}))
            .says(400, fault("contact", too_long(20))),
        patient("both bad", &alice, json!({"phone": null, "contact": {}})).says(400, bad),
        patient("both good", &alice, json!({"phone": "12"})).shows(201, json!({"phone_number": "1234567890"})),
    ])
    .await;
}

#[tokio::test]
async fn another_spelling_counts_beside_what_was_shown() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let shown = alice.post(DOCTORS, emily_carter()).await.is(201).body;
    let (first, changes) = ("/api/doctors/1/", json!({"specialization": "Neurology", "phone": "1"}));
    all_hold([
        case("beside what was shown", &alice, "PUT", first)
            .json(with(shown, changes))
            .shows(200, json!({"specialty": "Neurology", "phone_number": "1"})),
        case("beside the same", &alice, "PATCH", first)
            .json(json!({"specialty": "Neurology", "specialization": "Oncology"}))
            .shows(200, json!({"specialty": "Oncology"})),
    ])
    .await;
}
