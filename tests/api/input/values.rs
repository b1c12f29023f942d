//! The values of fields: what is taken, and how it is shown; what is refused, and in what words.

use chrono::{Days, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{account, nothing_is_written, patient, small_patient};
use crate::support::{
    DOCTORS, LOGIN, PATIENTS, TestApp,
    cases::{Case, all_hold, case},
    messages::{NOT_A_DATE, NOT_A_STRING, NOT_AN_EMAIL, NOT_AN_INTEGER, NUL, all, fault, not_a_choice, too_long},
    with,
};

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
