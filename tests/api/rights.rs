//! What the settings REGISTRATION and DOCTORS_EDITED_BY leave to staff.

use healthcare_backend::config::Exposure;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::{
    operator::{does, waiting_for_a_lock},
    support::{
        Client, DOCTORS, REGISTER, Reply, TestApp, alice_smith, bad_token, detail, emily_carter, with, without_times,
    },
};

const DOCTOR: &str = "/api/doctors/1/";

/// An application whose users were there before registration was closed: one who is staff, and one who is not.
async fn with_staff(exposure: Exposure) -> (TestApp, Client, Client) {
    let app = TestApp::with(exposure).await;
    for (email, rank) in [("staff@example.com", &["--staff"][..]), ("bob@example.com", &[])] {
        let arguments = ["createuser", "--name", "X", "--password-stdin", "--email", email];
        does(&app, &[&arguments[..], rank].concat(), "User created successfully.");
    }
    let staff = app.anonymous().logged_in("staff@example.com").await;
    let bob = app.anonymous().logged_in("bob@example.com").await;
    (app, staff, bob)
}

fn forbidden() -> Value {
    detail("You do not have permission to perform this action.")
}

/// A script of somebody's.
async fn script(app: &TestApp, owner: &Client) -> Client {
    let made = owner.post("/api/auth/tokens/", json!({"name": "script"})).await.is(201).body;
    app.bearer(made["token"].as_str().unwrap())
}

#[tokio::test]
async fn closed_registration_is_for_staff_alone() {
    let (app, staff, bob) = with_staff(Exposure { registration_closed: true, ..Exposure::default() }).await;
    let script = script(&app, &staff).await;
    for client in [&app.anonymous(), &bob, &script] {
        client.post(REGISTER, alice_smith()).await.says(403, forbidden());
        client.post(REGISTER, json!({"email": "bob@example.com"})).await.says(403, forbidden());
        client.raw("POST", REGISTER, "application/json", "{").await.says(403, forbidden());
        client.raw("POST", REGISTER, "text/plain", "x").await.says(403, forbidden());
    }
    app.bearer("x").post(REGISTER, alice_smith()).await.says(401, bad_token("Token is invalid"));
    assert_eq!(app.value("select count(*) from users").await, 2);

    let taken = json!({"email": ["user with this email already exists."]});
    staff.post(REGISTER, with(alice_smith(), json!({"email": "Bob@example.com"}))).await.says(400, taken);
    let user = json!({"id": 4, "name": "Alice Smith", "email": "alice@example.com", "username": "alice@example.com"});
    let registered = json!({"user": user, "message": "User registered successfully"});
    staff.post(REGISTER, alice_smith()).await.says(201, registered);
    let made = "select jsonb_build_array(actor_email, via) from audit_log where table_name = 'users' and row_id = 4";
    assert_eq!(app.value(made).await, json!(["staff@example.com", "api"]));
    let rank = app.value("select jsonb_build_array(is_staff, is_superuser) from users where id = 4").await;
    assert_eq!(rank, json!([false, false]));
    app.anonymous().logged_in("alice@example.com").await.post(REGISTER, alice_smith()).await.says(403, forbidden());

    app.sql("update users set is_staff = false").await;
    staff.post(REGISTER, json!({})).await.says(403, forbidden());
    app.sql("update sessions set ended_at = now()").await;
    staff.post(REGISTER, json!({})).await.says(401, bad_token("Token is invalid"));
}

#[tokio::test]
async fn open_registration_looks_at_no_token() {
    let app = TestApp::start().await;
    let request = app.anonymous().request("POST", REGISTER).header(AUTHORIZATION, "Bearer x").json(&alice_smith());
    Reply::of(request).await.is(201);
    let security = async |app: &TestApp| {
        app.anonymous().get("/api/openapi.json").await.body["paths"][REGISTER]["post"]["security"].clone()
    };
    assert_eq!(security(&app).await, json!([{}]));
    let closed = TestApp::with(Exposure { registration_closed: true, ..Exposure::default() }).await;
    assert_eq!(security(&closed).await, json!([{}, {"jwtAuth": []}]));
}

#[tokio::test]
async fn doctors_can_be_left_to_staff() {
    let (app, staff, bob) = with_staff(Exposure { staff_edit_doctors: true, ..Exposure::default() }).await;
    let doctor = staff.post(DOCTORS, emily_carter()).await.is(201).body;
    let script = script(&app, &staff).await;
    for (method, path) in [("POST", DOCTORS), ("PUT", DOCTOR), ("PATCH", DOCTOR), ("DELETE", DOCTOR)] {
        let paths = [path.to_owned(), path.replace('1', "99"), path.replace('1', "abc")];
        for path in paths.iter().take(if method == "POST" { 1 } else { 3 }) {
            bob.json(method, path, emily_carter()).await.says(403, forbidden());
            bob.json(method, path, json!({"specialty": ""})).await.says(403, forbidden());
            bob.raw(method, path, "application/json", "{").await.says(403, forbidden());
            bob.raw(method, path, "text/plain", "x").await.says(403, forbidden());
            let anonymous = app.anonymous().json(method, path, emily_carter()).await;
            anonymous.says(401, detail("Authentication credentials were not provided."));
        }
    }
    bob.get(DOCTOR).await.says(200, doctor.clone());
    bob.get(DOCTORS).await.says(200, json!([doctor]));
    bob.delete(DOCTORS).await.says(405, detail("Method \"DELETE\" not allowed."));

    let changed = script.patch(DOCTOR, json!({"specialty": "Neurology"})).await.is(200).body;
    assert_eq!(without_times(changed), without_times(with(doctor, json!({"specialty": "Neurology"}))));
    staff.put("/api/doctors/abc/", emily_carter()).await.says(404, detail("Not found."));
    staff.put(DOCTOR, json!({})).await.is(400);
    staff.put(DOCTOR, emily_carter()).await.is(200);
    staff.delete(DOCTOR).await.is(204);
    staff.delete(DOCTOR).await.says(404, detail("No Doctor matches the given query."));
    app.sql("update sessions set ended_at = now()").await;
    bob.post(DOCTORS, json!({})).await.says(401, bad_token("Token is invalid"));
}

#[tokio::test]
async fn a_right_that_ends_while_a_request_is_under_way_is_not_used() {
    let exposure = Exposure { registration_closed: true, staff_edit_doctors: true, ..Exposure::default() };
    let (app, staff, _) = with_staff(exposure).await;
    staff.post(DOCTORS, emily_carter()).await.is(201);
    let state = "select jsonb_build_array(
        (select jsonb_agg(to_jsonb(d)) from doctors d), (select jsonb_agg(email order by id) from users))";
    let before = app.value(state).await;
    let another = json!({"name": "Gregory House", "specialty": "Nephrology"});
    for (table, method, path, body) in [
        ("doctors", "POST", DOCTORS, another.clone()),
        ("doctors", "PUT", DOCTOR, another),
        ("doctors", "PATCH", DOCTOR, json!({"specialty": "Nephrology"})),
        ("doctors", "DELETE", DOCTOR, json!({})),
        ("users", "POST", REGISTER, alice_smith()),
    ] {
        app.sql("update users set is_staff = true where id = 1").await;
        // its statement waits for this, and its check does not
        let mut other = app.connection().await;
        let sql = format!(
            "begin; select act_as(0, 'system', 'system', 'test'); lock table {table} in share row exclusive mode"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut other).await.unwrap();
        let client = staff.clone();
        let request = tokio::spawn(async move { client.json(method, path, body).await });
        waiting_for_a_lock(&mut app.connection().await, 1).await;
        sqlx::raw_sql("update users set is_staff = false where id = 1; commit").execute(&mut other).await.unwrap();
        request.await.unwrap().says(403, forbidden());
        assert_eq!(app.value(state).await, before);
    }
}
