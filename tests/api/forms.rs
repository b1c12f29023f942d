//! Bodies that are forms, wherever JSON is taken.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{
    Client, DOCTORS, LOGIN, MAPPINGS, ME, PATIENTS, REFRESH, REGISTER, Reply, TestApp, alice_smith,
    cases::{Case, all_hold, case},
    detail, emily_carter, fields, john_doe,
    messages::{
        BLANK, NO_PATIENT, NOT_A_DATE, NOT_A_STRING, NOT_AN_EMAIL, NOT_AN_INTEGER, NUL, NULL, REQUIRED, fault,
        not_a_choice, too_long, unsupported,
    },
    with, without_times,
};

const FIRST: &str = "/api/patients/1/";
const DOCTOR: &str = "/api/doctors/1/";
const URLENCODED: &str = "application/x-www-form-urlencoded";

/// A form of texts.
fn parts(object: &Value) -> Form {
    fields(object).into_iter().fold(Form::new(), |form, (key, value)| form.text(key, value))
}

fn urlencoded(client: &Client, method: &str, path: &str, object: &Value) -> Case {
    case("urlencoded", client, method, path).form(object)
}

fn multipart(client: &Client, method: &str, path: &str, object: &Value) -> Case {
    case("multipart", client, method, path).multipart(parts(object))
}

#[tokio::test]
async fn are_taken_for_accounts_and_tokens() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    let bob = with(alice_smith(), json!({"email": "bob@example.com"}));
    all_hold([
        urlencoded(&nobody, "POST", REGISTER, &alice_smith()).is(201),
        multipart(&nobody, "POST", REGISTER, &bob).is(201),
        urlencoded(&nobody, "POST", LOGIN, &alice_smith()).is(200),
    ])
    .await;
    let tokens = Reply::of(nobody.request("POST", LOGIN).multipart(parts(&alice_smith()))).await.is(200).body;
    let refreshed = urlencoded(&nobody, "POST", REFRESH, &json!({"refresh": tokens["refresh"]}));
    let alice = app.bearer(tokens["access"].as_str().unwrap());
    all_hold([refreshed.is(200), case("logged in by a form", &alice, "GET", PATIENTS).says(200, json!([]))]).await;
}

#[tokio::test]
async fn make_and_change_the_same_rows_as_json() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let by_json = without_times(alice.post(PATIENTS, john_doe()).await.is(201).body);
    let by_form = Reply::of(alice.request("POST", PATIENTS).form(&fields(&john_doe()))).await.is(201).body;
    let by_parts = Reply::of(alice.request("POST", PATIENTS).multipart(parts(&john_doe()))).await.is(201).body;
    assert_eq!(without_times(by_form), with(by_json.clone(), json!({"id": 2})));
    assert_eq!(without_times(by_parts), with(by_json, json!({"id": 3})));
    let shown = alice.get(FIRST).await.body;
    all_hold([
        urlencoded(&alice, "PUT", FIRST, &shown).says(200, shown.clone()),
        multipart(&alice, "PATCH", FIRST, &json!({"age": "33"})).shows(200, json!({"age": 33})),
        multipart(&alice, "POST", DOCTORS, &emily_carter()).is(201),
        urlencoded(&alice, "PATCH", DOCTOR, &json!({"specialization": "Neurology"})).is(200),
        urlencoded(&alice, "POST", MAPPINGS, &json!({"patient": 1, "doctor": 1})).is(201),
        multipart(&alice, "POST", MAPPINGS, &json!({"patient": 2, "doctor": 1})).is(201),
    ])
    .await;
}

#[tokio::test]
async fn say_the_same_of_their_faults() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let body = json!({
        "first_name": "", "date_of_birth": "soon", "gender": "", "age": "1.5", "email": "x", "phone": "1".repeat(21),
    });
    let errors = json!({
        "first_name": [BLANK],
        "last_name": [REQUIRED],
        "date_of_birth": [NOT_A_DATE],
        "age": [NOT_AN_INTEGER],
        "gender": [not_a_choice("")],
        "phone": [too_long(20)],
        "email": [NOT_AN_EMAIL],
    });
    let no_numbers = json!({"patient": ["Incorrect type. Expected pk value, received str."], "doctor": [NULL]});
    all_hold([
        urlencoded(&alice, "POST", PATIENTS, &body).says(400, errors.clone()),
        multipart(&alice, "POST", PATIENTS, &body).says(400, errors),
        urlencoded(&alice, "POST", MAPPINGS, &json!({"patient": "abc", "doctor": ""})).says(400, no_numbers),
    ])
    .await;
}

#[tokio::test]
async fn leave_out_what_is_not_filled_in_unless_empty_is_a_value() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let body = json!({
        "name": "", "first_name": "Ada", "last_name": "L", "date_of_birth": "", "age": "36", "gender": "F", "address": "",
    });
    all_hold([
        urlencoded(&alice, "POST", PATIENTS, &body).shows(201, json!({"name": "Ada L", "age": 36, "address": ""})),
        urlencoded(&alice, "PATCH", FIRST, &json!({"address": "Here"})).is(200),
        urlencoded(&alice, "PATCH", FIRST, &json!({"address": "", "age": ""}))
            .shows(200, json!({"age": 36, "address": ""})),
        urlencoded(&alice, "PATCH", ME, &json!({"name": ""})).says(400, fault("name", BLANK)),
    ])
    .await;
}

#[tokio::test]
async fn take_the_spelling_that_is_filled_in() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let body = json!({"name": "A B", "specialty": "", "specialization": "Cardiology"});
    let none = json!({"name": "A B", "specialty": "", "specialization": ""});
    all_hold([
        urlencoded(&alice, "POST", DOCTORS, &body).shows(201, json!({"specialty": "Cardiology"})),
        // also where it says what the row shows already
        urlencoded(&alice, "PUT", DOCTOR, &body).shows(200, json!({"specialty": "Cardiology"})),
        urlencoded(&alice, "PATCH", DOCTOR, &body).shows(200, json!({"specialty": "Cardiology"})),
        urlencoded(&alice, "PUT", DOCTOR, &none).says(400, fault("specialty", BLANK)),
    ])
    .await;
}

#[tokio::test]
async fn skip_files_that_were_not_chosen_and_take_no_others() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    alice.post(DOCTORS, json!({"name": "A B", "specialty": "Neurology"})).await.is(201);
    let picture = || Form::new().part("address", Part::bytes(vec![0, 255, 1]).file_name("a.png"));
    let not_chosen = Part::bytes(Vec::new()).file_name("");
    all_hold([
        case("no file", &alice, "PATCH", DOCTOR)
            .multipart(Form::new().text("specialty", "Oncology").part("email", not_chosen))
            .shows(200, json!({"specialty": "Oncology", "email": null})),
        case("a file", &alice, "PATCH", "/api/patients/2/").multipart(picture()).says(404, detail(NO_PATIENT)),
        case("a file", &alice, "PATCH", FIRST).multipart(picture()).says(400, fault("address", NOT_A_STRING)),
    ])
    .await;
}

#[tokio::test]
async fn that_are_broken_are_400_and_odd_ones_are_read_as_python_reads_them() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    let unfinished = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nunfinished";
    let broken = [
        ("no boundary", "multipart/form-data", "x"),
        ("another boundary", "multipart/form-data; boundary=x", "--y\r\n"),
        ("no end", "multipart/form-data; boundary=x", unfinished),
    ]
    .map(|(name, content_type, body)| {
        case(name, &alice, "POST", PATIENTS).raw(content_type, body).begins(400, "Multipart form parse error - ")
    });
    let odd = [
        case("of two equal names, and with a broken escape", &alice, "PATCH", FIRST)
            .raw(URLENCODED, "address=A&address=100%25+%zz")
            .shows(200, json!({"address": "100% %zz"})),
        case("with a NUL", &alice, "PATCH", FIRST).raw(URLENCODED, "address=%00").says(400, fault("address", NUL)),
    ];
    all_hold(broken.into_iter().chain(odd)).await;
}

#[tokio::test]
async fn that_are_no_utf_8_are_refused_and_nothing_is_put_in_place_of_a_letter() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let send = |name: &str, kind: &str, body: &[u8]| case(name, &alice, "POST", DOCTORS).raw(kind, body);
    let (latin, json_in_latin) =
        ("application/x-www-form-urlencoded; charset=iso-8859-1", "application/json; charset=latin-1");
    let part = b"--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nRen\xe9\r\n--x--\r\n";
    all_hold([
        send("said to be Latin", latin, b"name=A").says(415, unsupported(latin)),
        send("said to be Latin", json_in_latin, b"name=A").says(415, unsupported(json_in_latin)),
        send("a byte", URLENCODED, b"name=Ren\xe9+B&specialty=C").says(400, detail("Form parse error - not UTF-8")),
        send("an escape", URLENCODED, b"name=Ren%E9+B&specialty=C").says(400, detail("Form parse error - not UTF-8")),
        send("a part", "multipart/form-data; boundary=x", part)
            .says(400, detail("Multipart form parse error - not UTF-8")),
    ])
    .await;
}

#[tokio::test]
async fn forms_have_1000_fields_at_most() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let doctor = [("name", "A B"), ("specialty", "C")];
    for (more, status) in [(998, 201), (999, 400)] {
        let body = "name=A+B&specialty=C".to_owned() + &"&z=1".repeat(more);
        let reply = alice.raw("POST", DOCTORS, URLENCODED, body).await.is(status);
        let form = doctor.iter().fold(Form::new(), |form, (name, value)| form.text(*name, *value));
        let form = (0..more).fold(form, |form, number| form.text(number.to_string(), "x"));
        let parts = Reply::of(alice.request("POST", DOCTORS).multipart(form)).await.is(status);
        if status == 400 {
            reply.says(400, detail("Form parse error - more than 1000 fields"));
            parts.says(400, detail("Multipart form parse error - more than 1000 fields"));
        }
    }
}
