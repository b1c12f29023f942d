//! Texts that would be a program: in every text of every model, on every page that shows them.

use serde_json::json;

use super::{account, app, root};
use crate::support::TestApp;

const EVIL: &str = "<script>alert('1')</script>\"'><img src=x onerror=alert(2)>&lt;b&gt;{{7*7}}";

/// A row of each model whose texts are all evil.
async fn evil(app: &TestApp) {
    account(app, "mallory", &[]).await;
    let text = EVIL.replace('\'', "''");
    app.sql(&format!(
        "update users set name = '{text}', username = '{text}', email = '\"{text}\"@example.com'; \
         insert into patients (created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender, address, \
             phone_number, email, medical_history) \
             values (1, '{text}', '{text}', '1990-01-01', false, 'O', '{text}', left('{text}', 20), '{text}', '</textarea>{text}'); \
         insert into doctors (first_name, last_name, specialty, phone_number, email, license_number) \
             values ('{text}', '{text}', '{text}', left('{text}', 20), '{text}', left('{text}', 50)); \
         insert into patient_doctor_mappings (patient_id, created_by, doctor_id) values (1, 1, 1); \
         update sessions set user_agent = '{text}'; \
         update patients set address = '{text}{text}' where id = 1; \
         update doctors set specialty = '<script>alert(3)</script>' where id = 1"
    ))
    .await;
    app.sql("update users set email = 'mallory@example.com', username = 'mallory' where id = 1").await;
}

/// Asserts that nothing of it is markup.
#[track_caller]
fn is_harmless(path: &str, text: &str) {
    for markup in ["<script>alert", "<img src=x", "onerror=alert(2)>\"", "</textarea><script", "\"'><"] {
        assert!(!text.contains(markup), "{path}: {markup} in {text}");
    }
}

#[tokio::test]
async fn is_never_markup_in_lists_forms_histories_and_confirmations() {
    let app = app().await;
    evil(&app).await;
    let mut root = root(&app).await;
    let mut seen = 0;
    for model in ["patients", "doctors", "mappings", "users"] {
        for path in ["", "?q=script", "1/change/", "1/history/", "1/delete/", "add/"] {
            let path = format!("/admin/{model}/{path}");
            let page = root.get(&path).await.is(200);
            is_harmless(&path, &page.text);
            seen += page.text.matches("&lt;script&gt;").count();
        }
        let page = root.post(&format!("/admin/{model}/"), &[("action", "delete"), ("id", "1")]).await.is(200);
        is_harmless(model, &page.text);
    }
    assert!(seen > 60, "{seen}");
    let query: String = form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    for path in [
        String::new(),
        "changes/".into(),
        "accesses/".into(),
        "search/?q=script".into(),
        format!("search/?q={query}"),
        format!("patients/?q={query}&gender={query}&owner={query}&o={query}&after={query}&{query}={query}"),
        format!("doctors/?specialty={query}"),
        format!("changes/?who={query}&from={query}&row={query}&via={query}"),
        format!("accesses/?who={query}&patient={query}"),
        format!("patients/pick/?filter=owner&pick={query}"),
        format!("patients/add/?owner={query}&first_name={query}&back={query}"),
        format!("{query}/"),
        format!("patients/{query}/change/"),
    ] {
        let page = root.get(&format!("/admin/{path}")).await;
        is_harmless(&path, &page.text);
        assert!([200, 303, 400, 404].contains(&page.status.as_u16()), "{path}: {}", page.status);
    }
    let login = super::Browser::new(&app).get(&format!("/admin/login/?next={query}")).await.is(200);
    is_harmless("login", &login.text);
}

#[tokio::test]
async fn is_never_markup_where_a_form_is_shown_again_with_its_faults_or_a_notice() {
    let app = app().await;
    evil(&app).await;
    let mut root = root(&app).await;
    for (path, fields) in [
        (
            "patients/add/",
            ["owner", "first_name", "last_name", "date_of_birth", "gender", "address", "medical_history"].as_slice(),
        ),
        ("patients/1/change/", &["owner", "first_name", "date_of_birth", "email", "phone_number", "medical_history"]),
        ("doctors/1/change/", &["first_name", "email", "license_number"]),
        ("users/add/", &["email", "username", "name"]),
        ("users/1/change/", &["email", "username", "name"]),
        ("mappings/add/", &["patient", "doctor"]),
        ("login/", &["username", "next"]),
    ] {
        let form: Vec<(&str, &str)> =
            fields.iter().map(|field| (*field, EVIL)).chain([("version", EVIL), ("password", EVIL)]).collect();
        let page = if path == "login/" {
            super::Browser::new(&app).post("/admin/login/", &form).await
        } else {
            root.post(&format!("/admin/{path}"), &form).await
        };
        assert!([400, 409].contains(&page.status.as_u16()), "{path}: {}", page.status);
        is_harmless(path, &page.text);
    }
    let form = [("first_name", EVIL), ("last_name", EVIL), ("specialty", "S"), ("_save", "1")];
    let page = root.submit("/admin/doctors/add/", &form).await;
    super::shows(&page, "was added.");
    is_harmless("notice", &page.text);
}

#[tokio::test]
async fn is_no_formula_and_no_second_cell_in_a_file() {
    let app = app().await;
    let mut root = root(&app).await;
    for (name, expected) in [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("a\"b", "\"a\"\"b\""),
        ("a,b", "\"a,b\""),
        ("a\nb", "\"a\nb\""),
        ("<b>", "<b>"),
    ] {
        app.sql("delete from doctors").await;
        app.sql(&format!(
            "insert into doctors (first_name, last_name, specialty, phone_number) values ('A', '', '{}', '+49 30 (123)-45')",
            name.replace('\'', "''")
        ))
        .await;
        let file = root.get("/admin/doctors/export/").await.is(200);
        let row = file.text.split_once("\r\n").unwrap().1;
        assert!(row.contains(&format!(",A,{expected},+49 30 (123)-45,")), "{row:?}");
    }
    assert_eq!(app.value("select count(*) from doctors").await, json!(1));
}
