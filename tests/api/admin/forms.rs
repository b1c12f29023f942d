//! Forms: rows are added, changed and deleted by the rules of the API, and nobody overwrites what they have not seen.

use serde_json::{Value, json};

use super::{app, hides, lists::clinic, shows, staff};
use crate::support::Reply;

type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// A patient's form that is filled in.
fn patient<'a>(changes: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let form = [
        ("owner", "alice@example.com"),
        ("first_name", "Ada"),
        ("last_name", "Byron"),
        ("date_of_birth", "1990-12-10"),
        ("age", ""),
        ("gender", "F"),
        ("phone_number", ""),
        ("email", ""),
        ("address", "12 St James's Square"),
        ("medical_history", "None.\r\nNone at all."),
    ];
    let filled =
        |(name, value)| (name, changes.iter().find(|(other, _)| *other == name).map_or(value, |(_, value)| *value));
    let others = changes.iter().filter(|(name, _)| !form.iter().any(|(known, _)| known == name)).copied();
    form.into_iter().map(filled).chain(others).collect()
}

/// What is said beside a field.
pub fn error<'a>(page: &'a Reply, field: &str) -> &'a str {
    let marked = page.text.split(&format!("<p class=\"error\" id=\"{field}-error\">")).nth(1);
    marked.map_or("", |rest| rest.split("</p>").next().unwrap())
}

/// The version that a page's form changes.
fn version(page: &Reply) -> String {
    let value = page.text.split("name=\"version\" value=\"").nth(1).unwrap();
    value.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_patient_is_added_for_its_owner_by_the_rules_of_the_api() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let page = sam.submit("/admin/patients/add/", &patient(&[("_save", "1")])).await;
    shows(&page, "The patient “Ada Byron” was added.");
    let alice = app.anonymous().logged_in("alice@example.com").await;
    let seen = alice.get("/api/patients/3/").await.is(200).body;
    assert_eq!((&seen["name"], &seen["medical_history"]), (&json!("Ada Byron"), &json!("None.\nNone at all.")));
    let made = app.value("select jsonb_build_array(actor_email, via, action) from audit_log where table_name = 'patients' order by id desc limit 1");
    assert_eq!(made.await, json!(["sam@example.com", "admin", "INSERT"]));
    let page = sam.post("/admin/patients/add/", &patient(&[("date_of_birth", ""), ("gender", "")])).await.is(400);
    for field in ["date_of_birth", "gender"] {
        assert_eq!(error(&page, field), "This field is required.");
    }
    // by an age
    sam.submit("/admin/patients/add/", &patient(&[("date_of_birth", ""), ("age", "40"), ("_save", "1")])).await;
    assert_eq!(app.value("select date_of_birth_estimated from patients where id = 4").await, json!(true));
}

#[tokio::test]
async fn every_fault_stands_beside_its_field_and_what_was_typed_is_kept() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let long = "x".repeat(151);
    let form = patient(&[
        ("owner", "nobody@example.com"),
        ("first_name", " "),
        ("last_name", &long),
        ("date_of_birth", "tomorrow"),
        ("gender", "Q"),
        ("email", "no-address"),
        ("phone_number", "123456789012345678901"),
    ]);
    let page = sam.post("/admin/patients/add/", &form).await.is(400);
    for (field, expected) in [
        ("owner", "No user matches “nobody@example.com”."),
        ("first_name", "This field may not be blank."),
        ("last_name", "Ensure this field has no more than 150 characters."),
        ("date_of_birth", "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."),
        ("gender", "&quot;Q&quot; is not a valid choice."),
        ("email", "Enter a valid email address."),
        ("phone_number", "Ensure this field has no more than 20 characters."),
    ] {
        assert_eq!(error(&page, field), expected, "{field}");
    }
    for typed in
        ["value=\"tomorrow\"", "value=\"no-address\"", "12 St James's Square</textarea>", "None.\nNone at all."]
    {
        shows(&page, typed);
    }
    assert_eq!(app.value("select count(*) from patients").await, json!(2));
    let page = sam
        .post(
            "/admin/doctors/add/",
            &[("first_name", "E"), ("last_name", "C"), ("specialty", "S"), ("license_number", "LIC123")],
        )
        .await
        .is(400);
    assert_eq!(error(&page, "license_number"), "doctor with this license number already exists.");
    let page = sam.post("/admin/mappings/add/", &[("patient", "#1"), ("doctor", "#1")]).await.is(400);
    shows(&page, "This doctor looks after this patient already.");
}

#[tokio::test]
async fn without_a_script_the_server_asks_which_row_is_meant() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let page = sam.post("/admin/patients/add/", &patient(&[("owner", "example")])).await.is(400);
    assert_eq!(error(&page, "owner"), "More than one matches.");
    shows(&page, r#"<input type="radio" name="owner_choice" value="2"> bob@example.com #2"#);
    let form = patient(&[("owner", "example"), ("owner_choice", "2"), ("_continue", "1")]);
    let page = sam.submit("/admin/patients/add/", &form).await;
    shows(&page, r#"value="bob@example.com #2""#);
    assert_eq!(app.value("select created_by from patients where id = 3").await, json!(2));
    for (typed, said) in
        [("#99", "No user matches “#99”."), ("", "This field is required."), ("x #abc", "No user matches “x #abc”.")]
    {
        let page = sam.post("/admin/patients/add/", &patient(&[("owner", typed)])).await.is(400);
        assert_eq!(error(&page, "owner"), said);
    }
}

#[tokio::test]
async fn the_buttons_go_on_to_the_list_another_form_and_the_same_row() {
    let app = app().await;
    let mut sam = staff(&app).await;
    let doctor = [("first_name", "Ada"), ("last_name", "Byron"), ("specialty", "Surgery")];
    for (button, next) in [
        ("_save", "/admin/doctors/"),
        ("_addanother", "/admin/doctors/add/"),
        ("_continue", "/admin/doctors/3/change/"),
    ] {
        let reply = sam.post("/admin/doctors/add/", &[doctor.as_slice(), &[(button, "1")]].concat()).await.is(303);
        assert_eq!(reply.header("location"), next);
        shows(&sam.get(next).await.is(200), "The doctor “Ada Byron” was added.");
    }
    assert_eq!(sam.get("/admin/doctors/3/").await.is(303).header("location"), "/admin/doctors/3/change/");
    assert_eq!(sam.get("/admin/doctors/3").await.is(308).header("location"), "/admin/doctors/3/");
}

#[tokio::test]
async fn a_change_writes_what_was_changed_and_nothing_else() {
    let app = app().await;
    clinic(&app).await;
    app.sql("update patients set last_name = '', medical_history = E'One.\\r\\nTwo.' where id = 1").await;
    let mut sam = staff(&app).await;
    let page = sam.get("/admin/patients/1/change/").await.is(200);
    let form = [
        ("version", &*version(&page)),
        ("owner", "alice@example.com #1"),
        ("first_name", "John"),
        // one who has one name keeps it
        ("last_name", ""),
        ("date_of_birth", "1990-01-01"),
        ("age", ""),
        ("gender", "O"),
        ("phone_number", "1234567890"),
        ("email", ""),
        ("address", "123 Health St"),
        ("medical_history", "One.\r\nTwo."),
        ("_save", "1"),
    ];
    shows(&sam.submit("/admin/patients/1/change/", &form).await, "The patient “John” was changed.");
    let change = app.value("select jsonb_build_array(old_values, new_values, via) from audit_log where table_name = 'patients' order by id desc limit 1");
    let (old, new) = (json!({"gender": "M", "email": "john.doe@example.com"}), json!({"gender": "O", "email": ""}));
    assert_eq!(change.await, json!([old, new, "admin"]));
}

#[tokio::test]
async fn a_patient_gets_another_owner_and_takes_its_mappings_along() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let page = sam.get("/admin/patients/1/change/").await.is(200);
    let version = version(&page);
    let form = patient(&[("version", &version), ("owner", "bob@example.com"), ("_save", "1")]);
    sam.submit("/admin/patients/1/change/", &form).await;
    let bob = app.anonymous().logged_in("bob@example.com").await;
    assert_eq!(bob.get("/api/mappings/").await.is(200).body.as_array().unwrap().len(), 1);
    app.anonymous().logged_in("alice@example.com").await.get("/api/patients/1/").await.is(404);
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_shown_beside_and_not_overwritten() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let stale = version(&sam.get("/admin/patients/1/change/").await.is(200));
    let alice = app.anonymous().logged_in("alice@example.com").await;
    alice.patch("/api/patients/1/", json!({"phone_number": "999", "gender": "O"})).await.is(200);
    let form = patient(&[("version", &stale), ("phone_number", "111"), ("gender", "O"), ("_save", "1")]);
    let page = sam.post("/admin/patients/1/change/", &form).await.is(409);
    shows(&page, "alice@example.com changed this while you were working on it.");
    shows(&page, r#"name="phone_number" type="tel" value="111""#);
    shows(&page, r#"<p class="now" id="phone_number-now">Now it is: <strong>999</strong></p>"#);
    hides(&page, "id=\"gender-now\"");
    assert_eq!(app.value("select phone_number from patients where id = 1").await, json!("999"));
    // saved once more, it is meant
    let now = version(&page);
    let form = patient(&[("version", &now), ("phone_number", "111"), ("_save", "1")]);
    sam.submit("/admin/patients/1/change/", &form).await;
    assert_eq!(app.value("select phone_number from patients where id = 1").await, json!("111"));
    for version in ["", "x", "0", "99"] {
        let form = patient(&[("version", version), ("phone_number", "222")]);
        sam.post("/admin/patients/1/change/", &form).await.is(409);
    }
}

#[tokio::test]
async fn a_person_with_one_name_keeps_it() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    app.sql("update patients set last_name = '' where id = 1").await;
    let page = sam.get("/admin/patients/1/change/").await.is(200);
    shows(&page, "<input id=\"first_name\" name=\"first_name\" type=\"text\" value=\"John\" required ");
    shows(&page, "<input id=\"last_name\" name=\"last_name\" type=\"text\" value=\"\" autocomplete");
    let version = version(&page);
    let form = patient(&[("version", &version), ("last_name", ""), ("phone_number", "111"), ("_save", "1")]);
    shows(&sam.submit("/admin/patients/1/change/", &form).await, "The patient “Ada” was changed.");
}

#[tokio::test]
async fn of_many_who_save_at_once_one_is_first_and_the_others_are_told() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let stale = version(&sam.get("/admin/doctors/1/change/").await.is(200));
    let mut saving = Vec::new();
    for number in 0..12 {
        let mut browser = super::Browser::new(&app);
        browser.cookies.clone_from(&sam.cookies);
        let stale = stale.clone();
        saving.push(tokio::spawn(async move {
            let phone = number.to_string();
            let form = [
                ("version", &*stale),
                ("first_name", "E"),
                ("last_name", "C"),
                ("specialty", "S"),
                ("phone_number", &phone),
            ];
            browser.post("/admin/doctors/1/change/", &form).await.status.as_u16()
        }));
    }
    let mut statuses = Vec::new();
    for one in saving {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (303, &[409; 11][..]));
    assert_eq!(app.value("select version from doctors where id = 1").await, json!(2));
}

#[tokio::test]
async fn a_form_that_is_none_is_refused() {
    let app = app().await;
    let mut sam = staff(&app).await;
    let long = "x".repeat(3 * 1024 * 1024);
    let page = sam.post("/admin/doctors/add/", &[("first_name", &long)]).await.is(413);
    shows(&page, "A form may have 2,097,152 bytes at most. Nothing of this one was saved.");
    for kind in ["application/json", "multipart/form-data; boundary=x"] {
        let headers = [("content-type", kind), ("sec-fetch-site", "same-origin")];
        let page = sam.send("POST", "/admin/doctors/add/", None, &headers).await.is(415);
        shows(&page, &format!("This page takes what the forms of a browser send, and not “{kind}”."));
    }
    let many: Pairs<'_> = vec![("id", "1"); 1001];
    sam.post("/admin/doctors/", &many).await.is(400);
    let page = sam
        .post("/admin/doctors/add/", &[("first_name", "a\0b"), ("last_name", "C"), ("specialty", "S")])
        .await
        .is(400);
    assert_eq!(error(&page, "first_name"), "Null characters are not allowed.");
    for id in ["0", "abc", "9223372036854775808", "1.0", "-1"] {
        sam.get(&format!("/admin/doctors/{id}/change/")).await.is(404);
    }
    let none: Value = app.value("select count(*) from doctors").await;
    assert_eq!(none, json!(0));
}
