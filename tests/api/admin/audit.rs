//! The history of each row, and the list of all changes and accesses.

use serde_json::json;

use super::{app, eventually, hides, lists::clinic, shows, staff};
use crate::support::Reply;

/// The headings of the changes of a page.
fn changes(page: &Reply) -> Vec<String> {
    let entries = page.text.split("<div class=\"what\">").skip(1);
    entries
        .map(|entry| {
            let entry = entry.split("</div>").next().unwrap();
            let texts = entry.split('<').map(|part| part.split('>').nth(1).unwrap_or_default());
            texts.collect::<String>()
        })
        .collect()
}

#[tokio::test]
async fn a_row_s_history_has_each_value_before_and_after_who_and_from_where() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let alice = app.anonymous().logged_in("alice@example.com").await;
    alice.patch("/api/patients/1/", json!({"phone_number": "999"})).await.is(200);
    sam.post("/admin/mappings/1/remove/", &[]).await.is(303);
    let page = sam.get("/admin/patients/1/history/").await.is(200);
    assert_eq!(
        changes(&page),
        ["deleted mapping No. 1", "changed patient John Doe", "added mapping No. 1", "added patient John Doe"]
    );
    shows(&page, r#"<th scope="row">phone number</th><td class="was">1234567890</td><td class="is">999</td>"#);
    shows(&page, "alice@example.com</a> · through the API · 127.0.0.1");
    shows(&page, "sam@example.com</a> · at the admin · 127.0.0.1");
    shows(&page, "<a href=\"/admin/accesses/?patient=1\">Who read it</a>");
    alice.delete("/api/patients/1/").await.is(204);
    let page = sam.get("/admin/patients/1/history/").await.is(200);
    shows(&page, "This patient was deleted.");
    assert_eq!(changes(&page)[0], "deleted patient John Doe");
    let page = sam.get("/admin/users/1/history/").await.is(200);
    shows(&page, "********");
    hides(&page, "argon2");
}

#[tokio::test]
async fn all_changes_are_found_by_who_what_when_and_where() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    sam.submit("/admin/doctors/add/", &[("first_name", "Ada"), ("last_name", "B"), ("specialty", "S"), ("_save", "1")])
        .await;
    for (query, expected) in [
        ("?via=admin", vec!["added doctor Ada B"]),
        ("?who=BOB%40example.com&table=patients", vec!["added patient Jane Álvarez"]),
        ("?table=doctors", vec!["added doctor Ada B", "added doctor Emily Carter"]),
        ("?table=doctors&row=1", vec!["added mapping John Doe · Emily Carter", "added doctor Emily Carter"]),
        ("?table=mappings&action=INSERT", vec!["added mapping John Doe · Emily Carter"]),
        ("?action=DELETE", vec![]),
        ("?actor=3&action=INSERT", vec!["added doctor Ada B"]),
        ("?from=2030-01-01", vec![]),
        ("?via=&action=&table=&row=&from=&after=x&who=&actor=3&action=INSERT", vec!["added doctor Ada B"]),
        ("?to=2020-01-01", vec![]),
        ("?from=2020-01-01&via=admin&table=doctors", vec!["added doctor Ada B"]),
        ("?who=nobody", vec![]),
    ] {
        let page = sam.get(&format!("/admin/changes/{query}")).await.is(200);
        let found: Vec<String> = changes(&page).into_iter().filter(|change| !change.contains("sam@")).collect();
        assert_eq!(found, expected, "{query}");
    }
    shows(&sam.get("/admin/changes/?via=admin").await, "login of sam@example.com");
    shows(&sam.get("/admin/changes/?action=DELETE").await, "There is nothing of this.");
}

#[tokio::test]
async fn a_filter_that_can_t_be_understood_is_a_fault_beside_its_field() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    for (query, field, said) in [
        ("changes/?from=x", "from", "Enter a date, such as 2026-11-30."),
        ("changes/?to=2026-13-01", "to", "Enter a date, such as 2026-11-30."),
        ("changes/?row=2", "table", "Choose what this is the number of."),
        ("changes/?table=patients&row=two", "row", "Enter a number."),
        ("changes/?via=elsewhere", "via", "There is no such choice."),
        ("changes/?action=paint", "action", "There is no such choice."),
        ("accesses/?patient=Jane", "patient", "Enter a number."),
        ("accesses/?from=tomorrow", "from", "Enter a date, such as 2026-11-30."),
    ] {
        let page = sam.get(&format!("/admin/{query}")).await.is(400);
        assert_eq!(super::forms::error(&page, field), said, "{query}");
        shows(&page, &format!("aria-describedby=\"{field}-error\""));
        assert_eq!(changes(&page).len(), 0);
        hides(&page, "There is nothing of this.");
    }
    let page = sam.get("/admin/changes/?from=%3Cyesterday%3E").await.is(400);
    shows(&page, r#"<input name="from" type="text" value="&lt;yesterday&gt;""#);
}

#[tokio::test]
async fn a_page_of_one_user_s_changes_says_whose_they_are() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    shows(&sam.get("/admin/changes/?actor=1").await.is(200), "Only what <strong>alice@example.com</strong> did.");
    app.sql("delete from users where id = 1").await;
    shows(&sam.get("/admin/changes/?actor=1").await.is(200), "Only what <strong>alice@example.com</strong> did.");
    shows(&sam.get("/admin/changes/?actor=77").await.is(200), "Only what <strong>No. 77</strong> did.");
    sam.get("/admin/changes/?actor=alice").await.is(400);
}

#[tokio::test]
async fn a_doctor_s_history_has_its_patients_and_a_user_s_its_logins() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    app.sql("insert into doctors (first_name, last_name, specialty, phone_number) values ('Greg', 'House', 'S', '')")
        .await;
    let form = [("version", "1/1"), ("patient", "John Doe #1"), ("doctor", "2"), ("_save", "1")];
    sam.submit("/admin/mappings/1/change/", &form).await;
    sam.post("/admin/mappings/1/remove/", &[]).await.is(303);
    let page = sam.get("/admin/doctors/1/history/").await.is(200);
    let expected = ["changed mapping No. 1", "added mapping No. 1", "added doctor Emily Carter"];
    assert_eq!(changes(&page), expected);
    let page = sam.get("/admin/doctors/2/history/").await.is(200);
    assert_eq!(changes(&page)[..2], ["deleted mapping No. 1", "changed mapping No. 1"]);
    app.anonymous().logged_in("bob@example.com").await;
    let page = sam.get("/admin/users/2/history/").await.is(200);
    assert_eq!(changes(&page)[0], "login login of bob@example.com");
    hides(&page, "alice@");
}

#[tokio::test]
async fn what_no_index_finds_is_looked_for_further_and_further_back() {
    let app = app().await;
    let mut sam = staff(&app).await;
    app.sql(
        "insert into audit_log (at, actor_id, actor_email, via, request_id, table_name, row_id, action) \
         select now() - n * interval '1 minute', 9, 'x@example.com', case when n = 3000 then 'cli' else 'api' end, 'r', 'doctors', n, 'DELETE' \
         from generate_series(1, 4500) n",
    )
    .await;
    let mut path = "/admin/changes/?via=cli".to_owned();
    let mut found = Vec::new();
    let mut pages = 0;
    loop {
        let page = sam.get(&path).await.is(200);
        found.extend(changes(&page));
        pages += 1;
        let Some(rest) = page.text.split("class=\"button\" href=\"").nth(1) else { break };
        shows(&page, "Look further");
        path = format!("/admin/changes/{}", rest.split('"').next().unwrap().replace("&amp;", "&"));
    }
    assert_eq!((found, pages), (vec!["deleted doctor No. 3000".to_owned()], 3));
    // pages of fifty, without a gap and without an entry twice
    let (mut path, mut count) = ("/admin/changes/?who=x%40example.com".to_owned(), 0);
    for _ in 0..4 {
        let page = sam.get(&path).await.is(200);
        for entry in changes(&page) {
            count += 1;
            assert_eq!(entry, format!("deleted doctor No. {count}"));
        }
        let rest = page.text.split("class=\"button\" href=\"").nth(1).unwrap();
        path = format!("/admin/changes/{}", rest.split('"').next().unwrap().replace("&amp;", "&"));
    }
    assert_eq!(count, 200);
}

#[tokio::test]
async fn who_read_which_patients_is_shown_with_what_staff_read_here() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let alice = app.anonymous().logged_in("alice@example.com").await;
    alice.get("/api/patients/1/").await.is(200);
    sam.get("/admin/patients/2/change/").await.is(200);
    // a name alone is shown too
    let by_name = ["mappings/add/?patient=2", "mappings/?patient=2", "patients/2/history/?after=0-0"];
    for (number, path) in by_name.iter().enumerate() {
        sam.get(&format!("/admin/{path}")).await.is(200);
        let recorded = "select count(*) from access_log where via = 'admin' and patient_ids = '{2}'";
        eventually(&app, recorded, json!(number + 2)).await;
    }
    let reads = "select jsonb_build_array(bool_or(patient_ids = '{1}'), bool_or(via = 'admin')) from access_log";
    eventually(&app, reads, json!([true, true])).await;
    let page = sam.get("/admin/accesses/?who=alice%40example.com").await.is(200);
    shows(&page, r#"<a href="/admin/patients/1/change/">John Doe</a></td><td>API</td><td>127.0.0.1</td>"#);
    hides(&page, "Jane");
    let page = sam.get("/admin/accesses/?patient=2&via=admin").await.is(200);
    shows(&page, r#"<a href="/admin/users/3/change/">sam@example.com</a>"#);
    shows(&page, "Jane Álvarez</a></td><td>Admin</td>");
    hides(&page, "alice@example.com</a>");
    app.sql("delete from users where email = 'alice@example.com'").await;
    shows(&sam.get("/admin/accesses/?who=ALICE%40example.com").await.is(200), "alice@example.com");
    // of a patient who is gone the number is left
    alice_is_gone(&mut sam).await;
    for query in ["?from=2030-01-01", "?who=nobody", "?patient=99"] {
        shows(&sam.get(&format!("/admin/accesses/{query}")).await.is(200), "There is nothing of this.");
    }
}

async fn alice_is_gone(sam: &mut super::Browser) {
    let page = sam.get("/admin/accesses/?patient=1").await.is(200);
    shows(&page, r#"<a href="/admin/patients/1/history/">No. 1</a><span class="quiet"> (deleted)</span>"#);
    hides(&page, "more</td>");
}
