//! The measured matrix: what the two Django services answer, line by line, beside what this server answers. Where they
//! differ it is on purpose, and the reason stands in `DIFFERENCES`, once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Client, PASSWORD, Reply, TestApp, bad_token, detail, emily_carter, john_doe, with};

/// Why an answer is another than Django's.
const DIFFERENCES: &[(&str, &str)] = &[
    ("username", "README B has a username, README A has none: the answer shows it"),
    ("both dialects", "one server takes both READMEs' fields, so either spelling will do, and an answer shows both"),
    ("optional fields", "only names, birth and gender (or specialty) are required; the rest may be left out, or empty"),
    ("limits", "longer values are taken: names of 150 characters, phone numbers of 20"),
    ("any case", "e-mails, usernames and the scheme Bearer match in any case of letters"),
    ("words", "male, female and other are taken for M, F and O"),
    ("dates", "year-month-day with dashes only, and nobody is born in the future"),
    ("ages", "nobody is older than 150 years"),
    ("Django's rules", "passwords follow Django's four rules, in A's words, for both"),
    ("no redirect", "a path without its slash is served, not redirected: a redirected POST loses its body"),
    ("JSON syntax", "the words behind 'JSON parse error - ' are our own"),
    ("never a 500", "a refused request is no fault of the server's"),
    ("JSON always", "there is no HTML below /api/, and no suffix names a format"),
    ("OPTIONS", "the metadata has no actions, and renders JSON alone"),
    ("ownership first", "whose patient it is comes before everything, and a missing one is as a foreign one"),
    ("floats", "a number with a fraction is no row's"),
    ("both lists", "the path of a mapping answers the doctors of the patient of that number, as B's does"),
    ("other users' doctors", "a doctor whom other users' patients have is kept"),
    ("entry points", "the list of endpoints is at / and /api/, for anybody"),
    ("aliases", "patient_id, doctorId and their like are taken"),
    ("no bad token", "register, login and refresh do not look at the Authorization header"),
];

/// The lines that were compared, and the differences that were met.
#[derive(Default)]
struct Matrix {
    lines: usize,
    met: BTreeSet<&'static str>,
}

impl Matrix {
    /// The same status and body as Django's.
    #[track_caller]
    fn same(&mut self, line: &str, reply: Reply, status: u16, body: Value) {
        self.lines += 1;
        assert_eq!((reply.status.as_u16(), &reply.body), (status, &body), "{line}");
    }

    /// Another status or body than Django's, which is given first, on purpose.
    #[track_caller]
    fn differs(&mut self, line: &str, why: &'static str, reply: Reply, django: (u16, Value), ours: (u16, Value)) {
        assert_ne!(django, ours, "{line}: no difference");
        assert!(DIFFERENCES.iter().any(|(name, _)| *name == why), "{why}");
        self.met.insert(why);
        self.same(line, reply, ours.0, ours.1);
    }

    /// Every difference was met.
    fn end(&self, lines: usize, differences: &[&'static str]) {
        assert_eq!(self.lines, lines);
        assert_eq!(self.met, differences.iter().copied().collect());
    }
}

fn required(fields: &[&str]) -> Value {
    fields
        .iter()
        .map(|field| ((*field).to_owned(), json!(["This field is required."])))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn all(fields: &[&str], value: &Value) -> Value {
    fields.iter().map(|field| ((*field).to_owned(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

/// An HTML page, or no body at all.
const PAGE: Value = Value::Null;
const ACCOUNT: [&str; 3] = ["name", "email", "password"];
const PATIENT: [&str; 8] =
    ["first_name", "last_name", "date_of_birth", "gender", "address", "phone_number", "email", "medical_history"];

#[tokio::test]
async fn register() {
    let (app, mut matrix) = (TestApp::start().await, Matrix::default());
    let (client, path) = (app.anonymous(), "/api/auth/register/");
    let bob = |changes: Value| with(json!({"name": "Bob", "email": "new@example.com", "password": PASSWORD}), changes);
    let user = |id: u32, name: &str, email: &str| json!({"id": id, "name": name, "email": email});
    let created = |user: Value| json!({"user": user, "message": "User registered successfully"});
    let reply = client.post(path, bob(json!({"email": "bob@example.com"}))).await;
    let ours = with(user(1, "Bob", "bob@example.com"), json!({"username": "bob@example.com"}));
    matrix.differs(
        "success",
        "username",
        reply,
        (201, created(user(1, "Bob", "bob@example.com"))),
        (201, created(ours)),
    );
    matrix.same("empty object", client.post(path, json!({})).await, 400, required(&ACCOUNT));
    matrix.same("no body", client.send("POST", path).await, 400, required(&ACCOUNT));
    for (line, value, message) in [
        ("all blank", json!(""), "This field may not be blank."),
        ("all null", json!(null), "This field may not be null."),
    ] {
        matrix.same(line, client.post(path, all(&ACCOUNT, &value)).await, 400, all(&ACCOUNT, &json!([message])));
    }
    for (line, changes, field, messages) in [
        ("name a list", json!({"name": []}), "name", vec!["Not a valid string."]),
        ("name a boolean", json!({"name": true}), "name", vec!["Not a valid string."]),
        ("name an object", json!({"name": {}}), "name", vec!["Not a valid string."]),
        (
            "name 256 chars",
            json!({"name": "x".repeat(256)}),
            "name",
            vec!["Ensure this field has no more than 150 characters."],
        ),
        ("name only spaces", json!({"name": "   "}), "name", vec!["This field may not be blank."]),
        ("name with NUL", json!({"name": "a\0b"}), "name", vec!["Null characters are not allowed."]),
        ("email malformed", json!({"email": "nope"}), "email", vec!["Enter a valid email address."]),
        (
            "email 300 chars",
            json!({"email": format!("{}@example.com", "a".repeat(288))}),
            "email",
            vec!["Ensure this field has no more than 254 characters."],
        ),
        ("duplicate email", json!({"email": "bob@example.com"}), "email", vec!["user with this email already exists."]),
        (
            "duplicate email, other case in the domain",
            json!({"email": "bob@EXAMPLE.com"}),
            "email",
            vec!["user with this email already exists."],
        ),
        (
            "bad username (B)",
            json!({"email": "b@example.com", "username": "a b"}),
            "username",
            vec!["Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."],
        ),
        (
            "username 151 chars (B)",
            json!({"email": "b@example.com", "username": "u".repeat(151)}),
            "username",
            vec!["Ensure this field has no more than 150 characters."],
        ),
        (
            "password 5 chars",
            json!({"email": "b@example.com", "password": "aB3$x"}),
            "password",
            vec!["This password is too short. It must contain at least 8 characters."],
        ),
        (
            "password common",
            json!({"email": "b@example.com", "password": "password123"}),
            "password",
            vec!["This password is too common."],
        ),
        (
            "password all digits",
            json!({"email": "b@example.com", "password": "9182736450"}),
            "password",
            vec!["This password is entirely numeric."],
        ),
        (
            "password 123",
            json!({"email": "b@example.com", "password": "123"}),
            "password",
            vec![
                "This password is too short. It must contain at least 8 characters.",
                "This password is too common.",
                "This password is entirely numeric.",
            ],
        ),
        (
            "password like email",
            json!({"email": "similarlocal@example.com", "password": "similarlocal"}),
            "password",
            vec!["The password is too similar to the email."],
        ),
    ] {
        matrix.same(line, client.post(path, bob(changes)).await, 400, json!({ field: messages }));
    }
    let reply = client.post(path, bob(json!({"email": "c@example.com", "password": "password123"}))).await;
    let common = json!({"password": ["This password is too common."]});
    matrix.differs("password common (B)", "Django's rules", reply, (201, PAGE), (400, common));
    let reply = client.post(path, bob(json!({"email": "BOB@example.com"}))).await;
    let taken = json!({"email": ["user with this email already exists."]});
    matrix.differs("duplicate email, other case in the local part", "any case", reply, (201, PAGE), (400, taken));
    for (line, body, message) in [
        ("JSON array body", "[]", "Invalid data. Expected a dictionary, but got list."),
        ("JSON string body", "\"x\"", "Invalid data. Expected a dictionary, but got str."),
        ("JSON null body", "null", "No data provided"),
    ] {
        let reply = client.raw("POST", path, "application/json", body).await;
        matrix.same(line, reply, 400, json!({"non_field_errors": [message]}));
    }
    matrix.same(
        "empty body, JSON content type",
        client.raw("POST", path, "application/json", "").await,
        400,
        required(&ACCOUNT),
    );
    for (line, body, django, ours) in [
        (
            "malformed JSON",
            "{\"name\": }",
            "Expecting value: line 1 column 10 (char 9)",
            "expected value at line 1 column 10",
        ),
        (
            "trailing comma",
            "{\"name\": \"x\",}",
            "Expecting property name enclosed in double quotes: line 1 column 14 (char 13)",
            "trailing comma at line 1 column 14",
        ),
        (
            "NaN in JSON",
            "{\"name\": NaN}",
            "Out of range float values are not JSON compliant: 'NaN'",
            "expected value at line 1 column 10",
        ),
    ] {
        let reply = client.raw("POST", path, "application/json", body).await;
        let say = |words: &str| (400, detail(&format!("JSON parse error - {words}")));
        matrix.differs(line, "JSON syntax", reply, say(django), say(ours));
    }
    for (line, content_type) in [("Content-Type text/plain", "text/plain"), ("Content-Type missing, body sent", "")] {
        let message = format!("Unsupported media type \"{content_type}\" in request.");
        matrix.same(line, client.raw("POST", path, content_type, "{}").await, 415, detail(&message));
    }
    for method in ["GET", "PUT"] {
        matrix.same(method, client.send(method, path).await, 405, detail(&format!("Method \"{method}\" not allowed.")));
    }
    matrix.same("HEAD", client.send("HEAD", path).await, 405, PAGE);
    let parses = json!(["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]);
    let metadata =
        |renders: Value| json!({"name": "Register", "description": "", "renders": renders, "parses": parses});
    let (django, ours) = (metadata(json!(["application/json", "text/html"])), metadata(json!(["application/json"])));
    matrix.differs("OPTIONS", "OPTIONS", client.send("OPTIONS", path).await, (200, django), (200, ours));
    let reply = app.bearer("garbage").post(path, json!({})).await;
    matrix.differs(
        "with an invalid Bearer token (B)",
        "no bad token",
        reply,
        (401, bad_token("Token is invalid")),
        (400, required(&ACCOUNT)),
    );
    let reply = client.post("/api/auth/register", json!({})).await;
    matrix.differs("POST without the trailing slash", "no redirect", reply, (301, PAGE), (400, required(&ACCOUNT)));
    matrix
        .end(39, &["username", "Django's rules", "any case", "JSON syntax", "OPTIONS", "no bad token", "no redirect"]);
}

#[tokio::test]
async fn login_and_refresh() {
    let (app, mut matrix) = (TestApp::start().await, Matrix::default());
    app.user("alice").await;
    let (client, path) = (app.anonymous(), "/api/auth/login/");
    let refused = || detail("No active account found with the given credentials");
    let login = |email: &str, password: Value| json!({"email": email, "password": password});
    matrix.same("wrong password", client.post(path, login("alice@example.com", json!("x"))).await, 401, refused());
    matrix.same("unknown user", client.post(path, login("bob@example.com", json!("x"))).await, 401, refused());
    matrix.same("malformed email", client.post(path, login("nope", json!("x"))).await, 401, refused());
    matrix.same("password a number", client.post(path, login("alice@example.com", json!(5))).await, 401, refused());
    let both = ["email", "password"];
    matrix.same("{}", client.post(path, json!({})).await, 400, required(&both));
    for (line, value, message) in
        [("blank", json!(""), "This field may not be blank."), ("null", json!(null), "This field may not be null.")]
    {
        matrix.same(line, client.post(path, all(&both, &value)).await, 400, all(&both, &json!([message])));
    }
    let reply = client.post(path, json!({"username": "bob", "password": "x"})).await;
    matrix.differs("other dialect's key", "both dialects", reply, (400, required(&["email"])), (401, refused()));
    let reply = client.raw("POST", path, "application/json", "{").await;
    let say = |words: &str| (400, detail(&format!("JSON parse error - {words}")));
    let django = say("Expecting property name enclosed in double quotes: line 1 column 2 (char 1)");
    matrix.differs(
        "malformed JSON",
        "JSON syntax",
        reply,
        django,
        say("EOF while parsing an object at line 1 column 1"),
    );
    matrix.same("GET", client.get(path).await, 405, detail("Method \"GET\" not allowed."));
    let tokens = client.post(path, login("ALICE@example.com", json!(PASSWORD))).await.is(200).body;

    for path in ["/api/auth/token/refresh/", "/api/auth/refresh/"] {
        let invalid = |message: &str| json!({"detail": message, "code": "token_not_valid"});
        matrix.same("refresh {}", client.post(path, json!({})).await, 400, required(&["refresh"]));
        for (line, token, status, body) in [
            ("blank", json!(""), 400, json!({"refresh": ["This field may not be blank."]})),
            ("null", json!(null), 400, json!({"refresh": ["This field may not be null."]})),
            ("garbage", json!("garbage"), 401, invalid("Token is invalid")),
            ("a number", json!(5), 401, invalid("Token is invalid")),
            ("access token as refresh", tokens["access"].clone(), 401, invalid("Token has wrong type")),
        ] {
            matrix.same(line, client.post(path, json!({"refresh": token})).await, status, body);
        }
        matrix.same("GET", client.get(path).await, 405, detail("Method \"GET\" not allowed."));
    }
    app.sql("delete from users").await;
    let reply = client.post("/api/auth/token/refresh/", json!({"refresh": tokens["refresh"]})).await;
    let gone = detail("No active account found for the given token.");
    matrix.differs("refresh of a user that does not exist", "never a 500", reply, (500, PAGE), (401, gone));
    matrix.end(25, &["both dialects", "JSON syntax", "never a 500"]);
}

/// A row without what the server adds to it: its times, and where it has more keys than README A's, those.
async fn patient(client: &Client, changes: Value) -> Reply {
    client.post("/api/patients/", with(john_doe(), changes)).await
}

#[tokio::test]
async fn patients() {
    let (app, mut matrix) = (TestApp::start().await, Matrix::default());
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (list, first) = ("/api/patients/", "/api/patients/1/");
    let created =
        patient(&alice, json!({"id": 9, "created_by": 9, "unknown": 1, "first_name": " John "})).await.is(201).body;
    let mut django = with(john_doe(), json!({"id": 1, "created_by": "alice@example.com"}));
    django["created_at"] = created["created_at"].clone();
    matrix.differs("detail", "both dialects", alice.get(first).await, (200, django), (200, created.clone()));
    let eight = &PATIENT[..7];
    matrix.differs(
        "POST {}",
        "optional fields",
        alice.post(list, json!({})).await,
        (400, required(eight)),
        (400, required(&PATIENT[..4])),
    );
    matrix.differs(
        "PUT {}",
        "optional fields",
        alice.put(first, json!({})).await,
        (400, required(eight)),
        (400, required(&PATIENT[..4])),
    );
    matrix.differs(
        "PUT partial body",
        "optional fields",
        alice.put(first, json!({"gender": "F"})).await,
        (400, required(&["first_name", "last_name", "date_of_birth", "address", "phone_number", "email"])),
        (400, required(&PATIENT[..3])),
    );
    let (date, blank) =
        ("Date has wrong format. Use one of these formats instead: YYYY-MM-DD.", "This field may not be blank.");
    let ours = json!({"first_name": [blank], "last_name": [blank], "date_of_birth": [date], "gender": ["\"\" is not a valid choice."]});
    let django = with(ours.clone(), json!({"address": [blank], "phone_number": [blank], "email": [blank]}));
    matrix.differs(
        "blank strings",
        "optional fields",
        alice.post(list, all(&PATIENT, &json!(""))).await,
        (400, django),
        (400, ours),
    );
    let null = json!(["This field may not be null."]);
    matrix.same("nulls", alice.post(list, all(&PATIENT, &json!(null))).await, 400, all(&PATIENT, &null));
    for (line, value, shown) in
        [("lists", json!([]), "[]"), ("objects", json!({}), "{}"), ("booleans", json!(true), "True")]
    {
        let faults = json!({
            "date_of_birth": [date], "gender": [format!("\"{shown}\" is not a valid choice.")],
            "email": ["Enter a valid email address."],
        });
        let faults = with(all(&PATIENT, &json!(["Not a valid string."])), faults);
        matrix.same(line, alice.post(list, all(&PATIENT, &value)).await, 400, faults);
    }
    let faults = json!({"date_of_birth": [date], "gender": ["\"7\" is not a valid choice."], "email": ["Enter a valid email address."]});
    matrix.same("numbers everywhere", alice.post(list, all(&PATIENT, &json!(7))).await, 400, faults);
    for (line, changes, body) in [
        ("gender X", json!({"gender": "X"}), json!({"gender": ["\"X\" is not a valid choice."]})),
        ("gender m", json!({"gender": "m"}), json!({"gender": ["\"m\" is not a valid choice."]})),
        ("date 1990-13-45", json!({"date_of_birth": "1990-13-45"}), json!({"date_of_birth": [date]})),
        ("date 01/02/1990", json!({"date_of_birth": "01/02/1990"}), json!({"date_of_birth": [date]})),
        ("date with time", json!({"date_of_birth": "1990-01-01T00:00:00Z"}), json!({"date_of_birth": [date]})),
        ("date 1990-02-30", json!({"date_of_birth": "1990-02-30"}), json!({"date_of_birth": [date]})),
        ("email malformed", json!({"email": "nope"}), json!({"email": ["Enter a valid email address."]})),
    ] {
        matrix.same(line, patient(&alice, changes).await, 400, body);
    }
    let ages = |age: Value| json!({"name": "John Smith", "age": age, "gender": "M", "address": "Bengaluru"});
    for (line, age, message) in [
        ("age abc (B)", json!("abc"), "A valid integer is required."),
        ("age -1 (B)", json!(-1), "Ensure this value is greater than or equal to 0."),
        ("age 1.5 (B)", json!(1.5), "A valid integer is required."),
        ("age 1e400 digits (B)", json!("1".repeat(1001)), "String value too large."),
        ("age true (B)", json!(true), "A valid integer is required."),
    ] {
        matrix.same(line, alice.post(list, ages(age)).await, 400, json!({"age": [message]}));
    }
    let limit = |most: u32| (400, json!({"age": [format!("Ensure this value is less than or equal to {most}.")]}));
    matrix.differs(
        "age 2147483648 (B)",
        "ages",
        alice.post(list, ages(json!(2_147_483_648_u32))).await,
        limit(2_147_483_647),
        limit(150),
    );
    for (line, why, changes, django, ours) in [
        ("gender Male", "words", json!({"gender": "Male"}), (400, Some("gender")), 201),
        ("phone 16 chars", "limits", json!({"phone_number": "1".repeat(16)}), (400, Some("phone_number")), 201),
        ("date in the future", "dates", json!({"date_of_birth": "2999-01-01"}), (201, None), 400),
        ("date 19900101", "dates", json!({"date_of_birth": "19900101"}), (201, None), 400),
    ] {
        let reply = patient(&alice, changes).await;
        assert_ne!(django.0, ours, "{line} {django:?}");
        assert_eq!(reply.status.as_u16(), ours, "{line}");
        matrix.met.insert(why);
        matrix.lines += 1;
    }
    for date in ["1990-1-1", "1990-01-01"] {
        assert_eq!(patient(&alice, json!({"date_of_birth": date})).await.is(201).body["date_of_birth"], "1990-01-01");
    }
    let no_row = || detail("No Patient matches the given query.");
    for id in ["0", "-1", "999", "9223372036854775808"] {
        matrix.same("detail, unknown id", alice.get(&format!("{list}{id}/")).await, 404, no_row());
    }
    for id in ["abc", "1.5"] {
        matrix.same("detail, no number", alice.get(&format!("{list}{id}/")).await, 404, detail("Not found."));
    }
    matrix.same("detail, id %201", alice.get("/api/patients/%201/").await, 200, created.clone());
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        matrix.same("another user's", bob.json(method, first, john_doe()).await, 404, no_row());
        matrix.same("unknown id", alice.json(method, "/api/patients/999/", john_doe()).await, 404, no_row());
    }
    matrix.same("PATCH {}", alice.patch(first, json!({})).await, 200, created.clone());
    matrix.same(
        "PATCH invalid",
        alice.patch(first, json!({"gender": "?"})).await,
        400,
        json!({"gender": ["\"?\" is not a valid choice."]}),
    );
    for (method, path) in [("POST", first), ("PUT", list), ("PATCH", list), ("DELETE", list), ("TRACE", list)] {
        matrix.same("405", alice.send(method, path).await, 405, detail(&format!("Method \"{method}\" not allowed.")));
    }
    matrix.same("list ?format=xml", alice.get("/api/patients/?format=xml").await, 404, detail("Not found."));
    let xml = alice.request("GET", list).header("accept", "application/xml");
    matrix.same(
        "list, Accept: application/xml",
        Reply::of(xml).await,
        406,
        detail("Could not satisfy the request Accept header."),
    );
    matrix.differs(
        "list.json suffix (B)",
        "JSON always",
        alice.get("/api/patients.json").await,
        (200, PAGE),
        (404, detail("Not found.")),
    );
    let html = alice.request("GET", first).header("accept", "text/html");
    matrix.differs("Accept: text/html", "JSON always", Reply::of(html).await, (200, PAGE), (200, created.clone()));
    matrix.differs(
        "GET without the trailing slash",
        "no redirect",
        alice.get("/api/patients/1").await,
        (301, PAGE),
        (200, created),
    );
    for path in [list, first] {
        matrix.same("HEAD", alice.send("HEAD", path).await, 200, PAGE);
        matrix.same(
            "OPTIONS, no token",
            app.anonymous().send("OPTIONS", path).await,
            401,
            detail("Authentication credentials were not provided."),
        );
    }
    let overridden = alice.request("POST", first).header("x-http-method-override", "DELETE");
    matrix.same("X-HTTP-Method-Override", Reply::of(overridden).await, 405, detail("Method \"POST\" not allowed."));
    matrix.same("DELETE own", alice.delete(first).await, 204, PAGE);
    matrix.same("DELETE again", alice.delete(first).await, 404, no_row());
    matrix.end(
        61,
        &["both dialects", "optional fields", "ages", "words", "limits", "dates", "JSON always", "no redirect"],
    );
}

#[tokio::test]
async fn doctors_and_mappings() {
    let (app, mut matrix) = (TestApp::start().await, Matrix::default());
    let (alice, bob, nobody) = (app.user("alice").await, app.user("bob").await, app.anonymous());
    let (doctors, mappings) = ("/api/doctors/", "/api/mappings/");
    let no_token = || detail("Authentication credentials were not provided.");
    for (method, path) in [
        ("GET", doctors),
        ("GET", "/api/doctors/1/"),
        ("POST", doctors),
        ("PUT", "/api/doctors/1/"),
        ("DELETE", "/api/doctors/1/"),
        ("OPTIONS", doctors),
        ("GET", mappings),
        ("GET", "/api/mappings/by-patient/1/"),
    ] {
        matrix.same("no token", nobody.send(method, path).await, 401, no_token());
    }
    matrix.same("bad token", app.bearer("x").get(doctors).await, 401, bad_token("Token is invalid"));
    let created = alice.post(doctors, emily_carter()).await.is(201).body;
    matrix.same("detail", bob.get("/api/doctors/1/").await, 200, created.clone());
    let six = ["first_name", "last_name", "specialty", "phone_number", "email", "license_number"];
    matrix.differs(
        "POST {}",
        "optional fields",
        alice.post(doctors, json!({})).await,
        (400, required(&six)),
        (400, required(&six[..3])),
    );
    let blank = json!(["This field may not be blank."]);
    matrix.differs(
        "POST blanks",
        "optional fields",
        alice.post(doctors, all(&six, &json!(""))).await,
        (400, all(&six, &blank)),
        (400, all(&six[..3], &blank)),
    );
    for (line, changes, body) in [
        (
            "duplicate email",
            json!({"license_number": "other"}),
            json!({"email": ["doctor with this email already exists."]}),
        ),
        (
            "duplicate license",
            json!({"email": "other@example.com"}),
            json!({"license_number": ["doctor with this license number already exists."]}),
        ),
    ] {
        matrix.same(line, alice.post(doctors, with(emily_carter(), changes)).await, 400, body);
    }
    matrix.same("unknown id", alice.get("/api/doctors/99/").await, 404, detail("No Doctor matches the given query."));
    matrix.same("abc", alice.get("/api/doctors/abc/").await, 404, detail("Not found."));
    assert_eq!(
        bob.patch("/api/doctors/1/", json!({"specialty": "Neurology"})).await.is(200).body["specialty"],
        "Neurology"
    );

    patient(&alice, json!({})).await.is(201);
    let map = |patient: Value, doctor: Value| json!({"patient": patient, "doctor": doctor});
    let made = alice.post(mappings, map(json!(1), json!(1))).await.is(201).body;
    let unique = json!({"non_field_errors": ["The fields patient, doctor must make a unique set."]});
    matrix.same("POST duplicate", alice.post(mappings, map(json!(1), json!(1))).await, 400, unique.clone());
    matrix.same("POST {}", alice.post(mappings, json!({})).await, 400, required(&["patient", "doctor"]));
    let both = ["patient", "doctor"];
    let null = json!(["This field may not be null."]);
    matrix.same("POST nulls", alice.post(mappings, all(&both, &json!(null))).await, 400, all(&both, &null));
    matrix.same("POST blanks", alice.post(mappings, all(&both, &json!(""))).await, 400, all(&both, &null));
    for (line, value, kind) in [
        ("words", json!("abc"), "str"),
        ("booleans", json!(true), "bool"),
        ("lists", json!([]), "list"),
        ("objects", json!({}), "dict"),
    ] {
        let message = json!([format!("Incorrect type. Expected pk value, received {kind}.")]);
        matrix.same(line, alice.post(mappings, all(&both, &value)).await, 400, all(&both, &message));
    }
    let missing = |pk: &str| json!([format!("Invalid pk \"{pk}\" - object does not exist.")]);
    let float = json!(["Incorrect type. Expected pk value, received float."]);
    matrix.differs(
        "POST floats",
        "floats",
        alice.post(mappings, all(&both, &json!(1.5))).await,
        (400, all(&both, &missing("1.5"))),
        (400, all(&both, &float)),
    );
    matrix.same(
        "POST missing doctor",
        alice.post(mappings, map(json!(1), json!(99_999_999))).await,
        400,
        json!({"doctor": missing("99999999")}),
    );
    let not_yours = || detail("You can only assign doctors to your own patients.");
    for (line, patient, doctor, django) in [
        ("missing patient", json!(99_999_999), json!(1), json!({"patient": missing("99999999")})),
        (
            "both missing",
            json!(99_999_999),
            json!(99_999_999),
            json!({"patient": missing("99999999"), "doctor": missing("99999999")}),
        ),
        ("id 2^63", json!(9_223_372_036_854_775_808_u64), json!(1), json!({"patient": missing("9223372036854775808")})),
    ] {
        matrix.differs(
            line,
            "ownership first",
            alice.post(mappings, map(patient, doctor)).await,
            (400, django),
            (400, not_yours()),
        );
    }
    let django = (400, json!({"doctor": missing("99999999")}));
    matrix.differs(
        "other user's patient + missing doctor",
        "ownership first",
        bob.post(mappings, map(json!(1), json!(99_999_999))).await,
        django,
        (400, not_yours()),
    );
    matrix.differs(
        "other user's patient, already mapped",
        "ownership first",
        bob.post(mappings, map(json!(1), json!(1))).await,
        (400, unique.clone()),
        (400, not_yours()),
    );
    let reply = alice.post(mappings, json!({"patient_id": 1, "doctor_id": 1})).await;
    matrix.differs("patient_id/doctor_id keys", "aliases", reply, (400, required(&both)), (400, unique));
    matrix.same("list", alice.get(mappings).await, 200, json!([made]));
    matrix.same("doctors of a patient, A", alice.get("/api/mappings/by-patient/1/").await, 200, json!([made]));
    let doctor = alice.get("/api/doctors/1/").await.body;
    matrix.same("doctors of a patient, B", alice.get("/api/mappings/1/").await, 200, json!([doctor]));
    let not_allowed = detail("Method \"GET\" not allowed.");
    matrix.differs(
        "GET a mapping",
        "both lists",
        alice.get("/api/mappings/1/").await,
        (405, not_allowed),
        (200, json!([doctor])),
    );
    for path in ["/api/mappings/by-patient/1/", "/api/mappings/by-patient/99/", "/api/mappings/1/"] {
        matrix.same("another user's", bob.get(path).await, 404, detail("No Patient matches the given query."));
    }
    for method in ["PUT", "PATCH"] {
        matrix.same(
            "405",
            alice.send(method, "/api/mappings/1/").await,
            405,
            detail(&format!("Method \"{method}\" not allowed.")),
        );
    }
    let no_mapping = || detail("No PatientDoctorMapping matches the given query.");
    matrix.same("DELETE another user's", bob.delete("/api/mappings/1/").await, 404, no_mapping());
    matrix.same("DELETE unknown", alice.delete("/api/mappings/99/").await, 404, no_mapping());
    matrix.same("DELETE abc", alice.delete("/api/mappings/abc/").await, 404, detail("Not found."));
    let kept = detail("This doctor is assigned to patients of other users.");
    matrix.differs(
        "DELETE a mapped doctor",
        "other users' doctors",
        bob.delete("/api/doctors/1/").await,
        (204, PAGE),
        (409, kept),
    );
    matrix.same("DELETE own", alice.delete("/api/mappings/1/").await, 204, PAGE);
    matrix.same("DELETE a doctor", bob.delete("/api/doctors/1/").await, 204, PAGE);
    let (reply, base) = (nobody.get("/api/").await, format!("http://{}", app.address));
    let named = |name: &str, path: &str| (name.to_owned(), json!(format!("{base}{path}")));
    let ours: serde_json::Map<_, _> = [
        named("register", "/api/auth/register/"),
        named("login", "/api/auth/login/"),
        named("token_refresh", "/api/auth/token/refresh/"),
        named("patients", "/api/patients/"),
        named("doctors", doctors),
        named("mappings", mappings),
    ]
    .into_iter()
    .collect();
    matrix.same("GET /", nobody.get("/").await, 200, ours.clone().into());
    matrix.differs("GET /api/ no token", "entry points", reply, (401, no_token()), (200, ours.into()));
    matrix.differs(
        "GET /api/nonsense/",
        "JSON always",
        nobody.get("/api/nonsense/").await,
        (404, PAGE),
        (404, detail("Not found.")),
    );
    matrix.end(
        50,
        &[
            "optional fields",
            "floats",
            "ownership first",
            "aliases",
            "both lists",
            "other users' doctors",
            "entry points",
            "JSON always",
        ],
    );
}

#[test]
fn every_difference_is_named_once() {
    let names: BTreeSet<&str> = DIFFERENCES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), DIFFERENCES.len());
    let source = include_str!("contract.rs");
    for name in names {
        assert!(source.matches(&format!("\"{name}\"")).count() > 1, "{name} is met nowhere");
    }
}
