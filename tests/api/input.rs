//! The rules of fields, whatever the resource: what is taken, and how it is shown; what is refused, and in what words.

use chrono::{Days, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{
    Client, DOCTORS, LOGIN, PATIENTS, REGISTER, TestApp, alice_smith,
    cases::{Case, all_hold, case},
    emily_carter, john_doe,
    messages::{
        ALL_DIGITS, BLANK, NOT_A_DATE, NOT_A_STRING, NOT_A_USERNAME, NOT_AN_EMAIL, NOT_AN_INTEGER, NUL, NULL, REQUIRED,
        TOO_COMMON, TOO_SHORT, all, fault, faults, not_a_choice, too_long,
    },
    with,
};

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
async fn numbers_are_taken_as_texts_while_all_of_their_digits_are_known() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let seven = all(
        &["first_name", "last_name", "date_of_birth", "gender", "address", "phone_number", "email", "medical_history"],
        &json!(7),
    );
    let of_seven = json!({"date_of_birth": [NOT_A_DATE], "gender": [not_a_choice("7")], "email": [NOT_AN_EMAIL]});
    let mut rows = vec![patient("7 everywhere", &alice, seven).says(400, of_seven), nothing_is_written(&alice)];
    for (field, sent, shown) in [
        ("address", "5", "5"),
        ("address", "1.5", "1.5"),
        ("address", "-1e17", "-1e+17"),
        ("address", "18446744073709551615", "18446744073709551615"),
        ("address", "-9223372036854775808", "-9223372036854775808"),
        ("phone_number", "5551234", "5551234"),
        ("phone_number", "1234567890.0", "1234567890.0"),
        ("first_name", "5.5", "5.5"),
    ] {
        let number: Value = serde_json::from_str(sent).unwrap();
        rows.push(patient(sent, &alice, json!({ field: number })).shows(201, json!({ field: shown })));
    }
    for (field, sent) in [
        ("address", "18446744073709551616"),
        ("address", "-9223372036854775809"),
        ("address", "1e300"),
        ("address", "true"),
        ("phone_number", "1.5"),
    ] {
        let number: Value = serde_json::from_str(sent).unwrap();
        rows.push(patient(sent, &alice, json!({ field: number })).says(400, fault(field, NOT_A_STRING)));
    }
    let five = account("5", &app.anonymous(), json!({"name": 5, "email": "five@example.com"}));
    rows.push(five.shows(
        201,
        json!({
            "user": {"id": 2, "name": "5", "email": "five@example.com", "username": "five@example.com"},
        }),
    ));
    all_hold(rows).await;
}

#[tokio::test]
async fn texts_are_trimmed_of_what_python_takes_for_white_space() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    all_hold([
        patient("spaces", &alice, json!({"first_name": "  John "})).shows(201, json!({"first_name": "John"})),
        patient("separators", &alice, json!({"address": "\u{1c} x \u{1f}"})).shows(201, json!({"address": "x"})),
    ])
    .await;
}

#[tokio::test]
async fn texts_have_their_limits() {
    let app = TestApp::start().await;
    let (alice, anybody) = (app.user("alice").await, app.anonymous());
    let six = ["first_name", "last_name", "specialty", "phone_number", "email", "license_number"];
    let of_doctor = json!({
        "first_name": [too_long(150)], "last_name": [too_long(150)], "specialty": [too_long(120)],
        "phone_number": [too_long(20)], "email": [too_long(254), NOT_AN_EMAIL], "license_number": [too_long(50)],
    });
    let long_email = format!("{}@example.com", "x".repeat(300));
    all_hold([
        case("a doctor of 300", &alice, "POST", DOCTORS).json(all(&six, &json!("x".repeat(300)))).says(400, of_doctor),
        account("name of 151", &anybody, json!({"name": "x".repeat(151)})).says(400, fault("name", too_long(150))),
        account("email of 312", &anybody, json!({"email": long_email})).says(400, fault("email", too_long(254))),
        account("username of 151", &anybody, json!({"username": "u".repeat(151)}))
            .says(400, fault("username", too_long(150))),
        account("password of 1001", &anybody, json!({"password": "S".repeat(1001)}))
            .says(400, fault("password", too_long(1000))),
    ])
    .await;
}

#[tokio::test]
async fn null_characters_are_refused_in_every_text() {
    let app = TestApp::start().await;
    let (alice, anybody) = (app.user("alice").await, app.anonymous());
    let (mut rows, nul) = (Vec::new(), json!("a\0b"));
    for key in ["first_name", "last_name", "address", "phone_number", "email", "medical_history"] {
        rows.push(patient(key, &alice, json!({ key: nul })).says(400, fault(key, NUL)));
    }
    for key in ["email", "username", "password"] {
        let login = with(json!({"email": "a@example.com", "password": "x"}), json!({ key: nul }));
        rows.push(case(key, &anybody, "POST", LOGIN).json(login).says(400, fault(key, NUL)));
    }
    rows.extend([
        account("name", &anybody, json!({ "name": nul })).says(400, fault("name", NUL)),
        account("password", &anybody, json!({"password": "a\0bcdefgh"})).says(400, fault("password", NUL)),
        case("search", &alice, "GET", "/api/patients/?search=%00").says(400, fault("search", NUL)),
    ]);
    all_hold(rows).await;
}

#[tokio::test]
async fn email_addresses_are_django_s() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let send = |email: &str| account(email, &anybody, json!({ "email": email }));
    let refused = [
        "a@b",
        "a b@example.com",
        "a..b@example.com",
        "@example.com",
        "a@",
        "a@-example.com",
        "a@example.c",
        "a@1.2.3.4",
        "a@example.123",
    ];
    let taken = [
        "a@localhost",
        "a+b@example.com",
        "o'neil@mail.example.org",
        "a@[127.0.0.1]",
        "\"a\\ b\"@example.com",
        "a@xn--bcher-kva.example",
    ];
    let mut rows: Vec<Case> = refused.map(|email| send(email).says(400, fault("email", NOT_AN_EMAIL))).into();
    rows.extend(taken.map(|email| send(email).is(201)));
    let shown = "Carol@example.com";
    rows.push(send(" Carol@Example.COM ").shows(
        201,
        json!({
            "user": {"id": 7, "name": "Alice Smith", "email": shown, "username": shown},
        }),
    ));
    all_hold(rows).await;
}

#[tokio::test]
async fn ages_are_whole_years_from_0_to_150() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let aged = |age: Value| small_patient(&age.to_string(), &alice, json!({ "age": age }));
    let (low, high) =
        ("Ensure this value is greater than or equal to 0.", "Ensure this value is less than or equal to 150.");
    let mut rows = Vec::new();
    for age in [json!(34), json!("34"), json!(" 34 "), json!(34.0), json!("34.0"), json!("+34")] {
        rows.push(aged(age).shows(201, json!({"age": 34})));
    }
    for age in [json!("abc"), json!(1.5), json!("1.5"), json!(true), json!([]), json!("3 4"), json!("-")] {
        rows.push(aged(age).says(400, fault("age", NOT_AN_INTEGER)));
    }
    for age in [json!(-1), json!(i64::MIN), json!("-99999999999999999999")] {
        rows.push(aged(age).says(400, fault("age", low)));
    }
    for age in [json!(151), json!(2_147_483_648_i64), json!(u64::MAX), json!(1e300), json!("9".repeat(1000))] {
        rows.push(aged(age).says(400, fault("age", high)));
    }
    rows.push(aged(json!("9".repeat(1001))).says(400, fault("age", "String value too large.")));
    all_hold(rows).await;
}

#[tokio::test]
async fn genders_are_taken_as_letters_and_as_words() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let send = |gender: &str| small_patient(gender, &alice, json!({ "gender": gender }));
    let taken = [("M", "M"), ("F", "F"), ("O", "O"), ("male", "M"), ("Female", "F"), ("OTHER", "O")]
        .map(|(sent, shown)| send(sent).shows(201, json!({ "gender": shown })));
    let refused = ["m", " M", "Mr", "X"].map(|gender| send(gender).says(400, fault("gender", not_a_choice(gender))));
    all_hold(taken.into_iter().chain(refused)).await;
}

#[tokio::test]
async fn dates_have_a_year_a_month_and_a_day_that_exist() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let born = |date: &str| {
        case(date, &alice, "POST", PATIENTS).json(json!({"name": "A B", "gender": "O", "date_of_birth": date}))
    };
    let no_dates = [
        "1990-13-45",
        "01/02/1990",
        "1990-01-01T00:00:00Z",
        "1990-02-30",
        "2023-02-29",
        "0000-01-01",
        "10000-01-01",
        "+262142-12-31",
        "-0001-01-01",
        "19900101",
        "1990-001-01",
        "1990-01",
        "1990-01-01-01",
        "",
        "infinity",
        " 1990-01-01",
        "１９９０-01-01",
    ];
    let mut rows: Vec<Case> = [("1990-1-1", "1990-01-01"), ("0001-01-01", "0001-01-01"), ("2024-02-29", "2024-02-29")]
        .map(|(sent, shown)| born(sent).shows(201, json!({ "date_of_birth": shown })))
        .into();
    rows.extend(no_dates.map(|date| born(date).says(400, fault("date_of_birth", NOT_A_DATE))));
    let latest = (Utc::now() + TimeDelta::hours(14)).date_naive();
    let future = fault("date_of_birth", "Date of birth cannot be in the future.");
    rows.extend([
        born(&latest.to_string()).is(201),
        born(&(latest + Days::new(2)).to_string()).says(400, future.clone()),
        born("9999-12-31").says(400, future),
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
