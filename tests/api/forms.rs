//! Bodies that are forms, wherever JSON is taken.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{Client, PASSWORD, Reply, TestApp, detail, emily_carter, john_doe, with, without_times};

/// The values of an object as the fields of a form.
fn fields(object: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    object.as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

async fn urlencoded(client: &Client, method: &str, path: &str, object: Value) -> Reply {
    Reply::of(client.request(method, path).form(&fields(&object))).await
}

async fn multipart(client: &Client, method: &str, path: &str, object: Value) -> Reply {
    let form = fields(&object).into_iter().fold(Form::new(), |form, (key, value)| form.text(key, value));
    Reply::of(client.request(method, path).multipart(form)).await
}

#[tokio::test]
async fn are_taken_by_every_operation_that_takes_a_body() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    let registration = json!({"name": "Alice", "email": "alice@example.com", "password": PASSWORD});
    urlencoded(&anonymous, "POST", "/api/auth/register/", registration.clone()).await.is(201);
    multipart(
        &anonymous,
        "POST",
        "/api/auth/register/",
        with(registration.clone(), json!({"email": "bob@example.com"})),
    )
    .await
    .is(201);
    urlencoded(&anonymous, "POST", "/api/auth/login/", registration.clone()).await.is(200);
    let tokens = multipart(&anonymous, "POST", "/api/auth/login/", registration).await.is(200).body;
    urlencoded(&anonymous, "POST", "/api/auth/token/refresh/", json!({"refresh": tokens["refresh"]})).await.is(200);
    let alice = app.bearer(tokens["access"].as_str().unwrap());

    let by_json = without_times(alice.post("/api/patients/", john_doe()).await.is(201).body);
    for id in [2, 3] {
        let reply = if id == 2 {
            urlencoded(&alice, "POST", "/api/patients/", john_doe()).await
        } else {
            multipart(&alice, "POST", "/api/patients/", john_doe()).await
        };
        assert_eq!(without_times(reply.is(201).body), with(by_json.clone(), json!({"id": id})));
    }
    let shown = alice.get("/api/patients/1/").await.body;
    assert_eq!(urlencoded(&alice, "PUT", "/api/patients/1/", shown.clone()).await.is(200).body, shown);
    assert_eq!(multipart(&alice, "PATCH", "/api/patients/1/", json!({"age": "33"})).await.is(200).body["age"], 33);
    multipart(&alice, "POST", "/api/doctors/", emily_carter()).await.is(201);
    urlencoded(&alice, "PATCH", "/api/doctors/1/", json!({"specialization": "Neurology"})).await.is(200);
    urlencoded(&alice, "POST", "/api/mappings/", json!({"patient": 1, "doctor": 1})).await.is(201);
    multipart(&alice, "POST", "/api/mappings/", json!({"patient": 2, "doctor": 1})).await.is(201);
}

#[tokio::test]
async fn say_the_same_of_their_faults() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let body = json!({"first_name": "", "date_of_birth": "soon", "gender": "", "age": "1.5", "email": "x", "phone": "1".repeat(21)});
    let errors = json!({
        "first_name": ["This field may not be blank."],
        "last_name": ["This field is required."],
        "date_of_birth": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
        "age": ["A valid integer is required."],
        "gender": ["\"\" is not a valid choice."],
        "phone": ["Ensure this field has no more than 20 characters."],
        "email": ["Enter a valid email address."],
    });
    urlencoded(&alice, "POST", "/api/patients/", body.clone()).await.says(400, errors.clone());
    multipart(&alice, "POST", "/api/patients/", body).await.says(400, errors);
    let words = json!({"patient": "abc", "doctor": ""});
    urlencoded(&alice, "POST", "/api/mappings/", words).await.says(
        400,
        json!({
            "patient": ["Incorrect type. Expected pk value, received str."], "doctor": ["This field may not be null."],
        }),
    );
}

#[tokio::test]
async fn leave_out_what_is_not_filled_in_unless_empty_is_a_value() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let body = json!({"name": "", "first_name": "Ada", "last_name": "L", "date_of_birth": "", "age": "36", "gender": "F", "address": ""});
    let patient = urlencoded(&alice, "POST", "/api/patients/", body).await.is(201).body;
    assert_eq!((&patient["name"], &patient["age"], &patient["address"]), (&json!("Ada L"), &json!(36), &json!("")));
    urlencoded(&alice, "PATCH", "/api/patients/1/", json!({"address": "Here"})).await.is(200);
    let patient = urlencoded(&alice, "PATCH", "/api/patients/1/", json!({"address": "", "age": ""})).await.is(200).body;
    assert_eq!((&patient["age"], &patient["address"]), (&json!(36), &json!("")));
}

#[tokio::test]
async fn take_the_spelling_that_is_filled_in() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let path = "/api/doctors/1/";
    let body = json!({"name": "A B", "specialty": "", "specialization": "Cardiology"});
    urlencoded(&alice, "POST", "/api/doctors/", body.clone()).await.is(201);
    // also where it says what the row shows already
    for method in ["PUT", "PATCH"] {
        let doctor = urlencoded(&alice, method, path, body.clone()).await.is(200);
        assert_eq!(doctor.body["specialty"], "Cardiology");
    }
    let none = json!({"name": "A B", "specialty": "", "specialization": ""});
    let blank = json!({"specialty": ["This field may not be blank."]});
    urlencoded(&alice, "PUT", path, none).await.says(400, blank);
}

#[tokio::test]
async fn that_are_broken_or_hold_files_are_400() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (content_type, body) in [
        ("multipart/form-data", "x"),
        ("multipart/form-data; boundary=x", "--y\r\n"),
        ("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nunfinished"),
    ] {
        let reply = alice.raw("POST", "/api/patients/", content_type, body).await.is(400);
        assert!(reply.body["detail"].as_str().unwrap().starts_with("Multipart form parse error - "), "{}", reply.text);
    }
    let file = Part::bytes(vec![0, 255, 1]).file_name("a.png");
    let reply =
        Reply::of(alice.request("PATCH", "/api/patients/1/").multipart(Form::new().part("address", file))).await;
    reply.says(404, detail("No Patient matches the given query."));
    alice.post("/api/patients/", john_doe()).await.is(201);
    let file = Part::bytes(vec![0, 255, 1]).file_name("a.png");
    let reply =
        Reply::of(alice.request("PATCH", "/api/patients/1/").multipart(Form::new().part("address", file))).await;
    reply.says(400, json!({"address": ["Not a valid string."]}));
    // a broken escape and bytes that are no text stay what they are, as in Python; the last of two equal names counts
    let reply = alice
        .raw("PATCH", "/api/patients/1/", "application/x-www-form-urlencoded", "address=A&address=100%25+%zz")
        .await;
    assert_eq!(reply.is(200).body["address"], "100% %zz");
    alice
        .raw("PATCH", "/api/patients/1/", "application/x-www-form-urlencoded", "address=%00")
        .await
        .says(400, json!({"address": ["Null characters are not allowed."]}));
}

#[tokio::test]
async fn take_a_filled_field_for_an_empty_one_of_another_name_and_skip_files_that_were_not_chosen() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let doctor = json!({"name": "A B", "specialty": "", "specialization": "Neurology"});
    let doctor = urlencoded(&alice, "POST", "/api/doctors/", doctor).await.is(201).body;
    assert_eq!(doctor["specialty"], "Neurology");
    let none = Part::bytes(Vec::new()).file_name("");
    let form = Form::new().text("specialty", "Oncology").part("email", none);
    let changed = Reply::of(alice.request("PATCH", "/api/doctors/1/").multipart(form)).await.is(200).body;
    assert_eq!((&changed["specialty"], &changed["email"]), (&json!("Oncology"), &Value::Null));
    urlencoded(&alice, "PATCH", "/api/auth/me/", json!({"name": ""}))
        .await
        .says(400, json!({"name": ["This field may not be blank."]}));
}

#[tokio::test]
async fn that_are_no_utf_8_are_refused_and_nothing_is_put_in_place_of_a_letter() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for content_type in ["application/x-www-form-urlencoded; charset=iso-8859-1", "application/json; charset=latin-1"] {
        let message = format!("Unsupported media type \"{content_type}\" in request.");
        alice.raw("POST", "/api/doctors/", content_type, "name=A").await.says(415, detail(&message));
    }
    let raw = b"name=Ren\xe9+B&specialty=C".to_vec();
    for body in [raw, b"name=Ren%E9+B&specialty=C".to_vec()] {
        let reply = alice.raw("POST", "/api/doctors/", "application/x-www-form-urlencoded", body).await;
        reply.says(400, detail("Form parse error - not UTF-8"));
    }
    let body = b"--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nRen\xe9\r\n--x--\r\n".to_vec();
    let reply = alice.raw("POST", "/api/doctors/", "multipart/form-data; boundary=x", body).await;
    reply.says(400, detail("Multipart form parse error - not UTF-8"));
}
