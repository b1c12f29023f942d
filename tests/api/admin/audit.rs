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
        ("?table=doctors&row=1", vec!["added doctor Emily Carter"]),
        ("?table=mappings&action=INSERT", vec!["added mapping John Doe · Emily Carter"]),
        ("?action=DELETE", vec![]),
        ("?actor=3&action=INSERT", vec!["added doctor Ada B"]),
        ("?from=2030-01-01", vec![]),
        ("?to=2020-01-01", vec![]),
        ("?from=2020-01-01&via=admin&table=doctors", vec!["added doctor Ada B"]),
        ("?who=nobody", vec![]),
        ("?via=elsewhere&action=paint&table=x&row=x&from=x&after=x&who=", vec![]),
    ] {
        let page = sam.get(&format!("/admin/changes/{query}")).await.is(200);
        if query.contains("elsewhere") {
            assert!(changes(&page).len() > 8);
        } else {
            let found: Vec<String> = changes(&page).into_iter().filter(|change| !change.contains("sam@")).collect();
            let expected: Vec<&str> = expected.clone();
            assert_eq!(found, expected, "{query}");
        }
    }
    shows(&sam.get("/admin/changes/?via=admin").await, "login of sam@example.com");
    shows(&sam.get("/admin/changes/?action=DELETE").await, "There is nothing of this.");
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
    for query in ["?from=2030-01-01", "?who=nobody", "?patient=99"] {
        shows(&sam.get(&format!("/admin/accesses/{query}")).await.is(200), "There is nothing of this.");
    }
}
