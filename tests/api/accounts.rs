//! `/api/auth/me/`.

use serde_json::json;

use crate::support::{
    PASSWORD, REGISTER, TestApp, alice_smith,
    cases::{all_hold, case},
    detail,
    messages::{BLANK, fault},
    with,
};

const ME: &str = "/api/auth/me/";

#[tokio::test]
async fn me_is_the_caller_s_own_account_of_which_the_name_can_be_changed() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let account =
        |name: &str| json!({"id": 1, "name": name, "email": "alice@example.com", "username": "alice@example.com"});
    alice.get(ME).await.says(200, account("alice"));
    alice.patch(ME, json!({"name": " Alice Jones ", "id": 7, "colour": "red"})).await.says(200, account("Alice Jones"));
    alice.patch("/api/auth/me", json!({})).await.says(200, account("Alice Jones"));
    alice.patch(ME, json!({"name": ""})).await.says(400, json!({"name": ["This field may not be blank."]}));
    alice.put(ME, json!({"name": "X"})).await.says(405, detail("Method \"PUT\" not allowed."));
    assert_eq!(
        app.value("select row_to_json(u) from (select version, is_staff from users u) u").await,
        json!({"version": 2, "is_staff": false})
    );
}

#[tokio::test]
async fn me_refuses_what_can_not_be_changed_there_and_names_the_way_there_is() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = app.value("select to_json(u) from users u").await;
    let ask = "This can't be changed here; ask the operator of the server.";
    let one_name = "An account has one name; send it as name.";
    let password =
        "The password can't be changed here; POST old_password and new_password to /api/auth/password/change/.";
    let rights = "Rights can't be changed here; the operator of the server makes a superuser with the command \
                  createsuperuser.";
    let mut sent = json!({"name": "Other"});
    let mut said = json!({});
    let mut rows = Vec::new();
    for (field, value, message) in [
        ("first_name", json!("Alice"), one_name),
        ("last_name", json!("Jones"), one_name),
        ("email", json!("x@example.com"), ask),
        ("username", json!("x"), ask),
        ("password", json!("AnotherPass456"), password),
        ("old_password", json!(PASSWORD), password),
        ("current_password", json!(PASSWORD), password),
        ("new_password", json!("AnotherPass456"), password),
        ("new_password1", json!("AnotherPass456"), password),
        ("new_password2", json!("AnotherPass456"), password),
        ("is_active", json!(false), ask),
        ("is_staff", json!(true), rights),
        ("is_superuser", json!(true), rights),
    ] {
        let body = json!({"name": "Other", field: value});
        rows.push(case(field, &alice, "PATCH", ME).json(body).says(400, fault(field, message)));
        sent = with(sent, json!({ field: value }));
        said = with(said, fault(field, message));
    }
    rows.push(case("all of them", &alice, "PATCH", ME).json(sent).says(400, said));
    rows.push(case("no email", &alice, "PATCH", ME).json(json!({"email": null})).says(400, fault("email", ask)));
    let both = with(fault("name", BLANK), fault("username", ask));
    let body = json!({"name": "", "username": "x"});
    rows.push(case("beside another error", &alice, "PATCH", ME).json(body).says(400, both));
    let form = json!({"name": "Other", "password": "AnotherPass456"});
    rows.push(case("a form", &alice, "PATCH", ME).form(&form).says(400, fault("password", password)));
    all_hold(rows).await;
    assert_eq!(app.value("select to_json(u) from users u").await, before);
    app.sql("update users set is_active = false").await;
    alice.patch(ME, json!({"password": "AnotherPass456"})).await.is(401);
}

#[tokio::test]
async fn me_takes_back_what_it_showed_and_the_empty_fields_of_a_form() {
    let app = TestApp::start().await;
    app.anonymous().post(REGISTER, alice_smith()).await.is(201);
    let with_username = app.anonymous().logged_in("alice@example.com").await;
    for client in [with_username, app.user("bob").await] {
        let shown = client.get(ME).await.is(200).body;
        client.patch(ME, shown.clone()).await.says(200, shown.clone());
        let renamed = with(shown, json!({"name": "Other"}));
        client.patch(ME, renamed.clone()).await.says(200, renamed.clone());
        let form = with(renamed.clone(), json!({"password": "", "new_password": " "}));
        all_hold([case("a form", &client, "PATCH", ME).form(&form).says(200, renamed)]).await;
    }
}
