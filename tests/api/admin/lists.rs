//! Lists: their columns, search, filters, order and pages; and what is done with chosen rows.

use serde_json::json;

use super::{Browser, app, hides, root, shows, staff};
use crate::support::{Reply, TestApp, emily_carter, john_doe, with};

/// Patients of two owners, the doctor of one, and a mapping.
pub async fn clinic(app: &TestApp) {
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    alice.post("/api/patients/", john_doe()).await.is(201);
    let jane = json!({"first_name": "Jane", "last_name": "Álvarez", "gender": "F", "date_of_birth": "1985-06-15",
        "phone_number": "5550100", "email": "jane@example.org"});
    bob.post("/api/patients/", with(john_doe(), jane)).await.is(201);
    alice.post("/api/doctors/", emily_carter()).await.is(201);
    alice.post("/api/mappings/", json!({"patient": 1, "doctor": 1})).await.is(201);
}

/// The names in the rows of a list, in their order.
pub fn names(page: &Reply) -> Vec<String> {
    let rows = page.text.split("<th scope=\"row\">").skip(1);
    rows.map(|row| row.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_overview_counts_the_models_and_remembers_what_one_did() {
    let app = app().await;
    clinic(&app).await;
    let mut root = root(&app).await;
    let page = root.get("/admin/").await.is(200);
    for (name, noun, count) in
        [("patients", "patient", 2), ("doctors", "doctor", 1), ("mappings", "mapping", 1), ("users", "user", 3)]
    {
        shows(&page, &format!("aria-label=\"Add {noun}\""));
        shows(&page, &format!("aria-label=\"Change {name}\""));
        let row = page.text.split(&format!("class=\"name\" href=\"/admin/{name}/\"")).nth(1).unwrap();
        assert!(
            row.split("</li>").next().unwrap().contains(&format!("<span class=\"number\">{count}</span>")),
            "{row}"
        );
    }
    shows(&page, "Nothing yet.");
    root.submit(
        "/admin/doctors/add/",
        &[("first_name", "Ada"), ("last_name", "Byron"), ("specialty", "Surgery"), ("_save", "1")],
    )
    .await;
    let page = root.get("/admin/").await.is(200);
    shows(
        &page,
        r#"<span class="action is-added">added</span> doctor <a href="/admin/doctors/2/change/">Ada Byron</a>"#,
    );
    hides(&page, "Nothing yet.");
}

#[tokio::test]
async fn more_than_ten_thousand_are_not_counted() {
    let app = app().await;
    let mut root = root(&app).await;
    let doctors = |count: i32| {
        format!(
            "insert into doctors (first_name, last_name, specialty, phone_number) select 'A', 'B', 'S', '' from generate_series(1, {count})"
        )
    };
    app.sql(&doctors(10_000)).await;
    shows(&root.get("/admin/").await, r#"<span class="number">10,000</span>"#);
    shows(&root.get("/admin/doctors/").await, "100 of 10,000 doctors");
    app.sql(&doctors(1)).await;
    shows(&root.get("/admin/").await, r#"<span class="number">more than 10,000</span>"#);
    shows(&root.get("/admin/doctors/").await, "100 of more than 10,000 doctors");
}

#[tokio::test]
async fn a_list_shows_everybody_s_rows_with_their_columns() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let page = sam.get("/admin/patients/").await.is(200);
    assert_eq!(names(&page), ["Álvarez, Jane", "Doe, John"]);
    for title in ["Name", "Born", "Gender", "Phone", "Owner", "Added", "Updated"] {
        shows(&page, title);
    }
    for value in ["1985-06-15", "Female", "5550100", r#"<a href="/admin/users/2/change/">bob@example.com</a>"#] {
        shows(&page, value);
    }
    let page = sam.get("/admin/mappings/").await.is(200);
    shows(&page, r#"<a href="/admin/patients/1/change/">John Doe</a>"#);
    shows(&page, r#"<a href="/admin/doctors/1/change/">Emily Carter</a>"#);
    let page = sam.get("/admin/users/").await.is(200);
    assert_eq!(names(&page), ["sam@example.com", "bob@example.com", "alice@example.com"]);
    hides(&page, "$argon2");
}

#[tokio::test]
async fn an_empty_list_says_what_to_do() {
    let app = app().await;
    let mut sam = staff(&app).await;
    let page = sam.get("/admin/patients/").await.is(200);
    shows(&page, "There are no patients yet.");
    shows(&page, r#"href="/admin/patients/add/">Add the first patient</a>"#);
    let page = sam.get("/admin/patients/?q=nobody").await.is(200);
    shows(&page, "No patient matches.");
    shows(&page, r#"href="/admin/patients/">Show all patients</a>"#);
}

#[tokio::test]
async fn a_search_finds_parts_of_words_without_accents_and_numbers() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    for (query, found) in [
        ("patients/?q=alvar", vec!["Álvarez, Jane"]),
        ("patients/?q=VAREZ+jane", vec!["Álvarez, Jane"]),
        ("patients/?q=jane+doe", vec![]),
        ("patients/?q=jane%40example.org", vec!["Álvarez, Jane"]),
        ("patients/?q=5550", vec!["Álvarez, Jane"]),
        ("patients/?q=1", vec!["Álvarez, Jane", "Doe, John"]),
        ("patients/?q=%231", vec!["Doe, John"]),
        ("patients/?q=%25", vec![]),
        ("patients/?q=_", vec![]),
        ("patients/?q=%5C", vec![]),
        ("patients/?q='", vec![]),
        ("patients/?q=%00", vec!["Álvarez, Jane", "Doe, John"]),
        ("doctors/?q=cardio", vec!["Carter, Emily"]),
        ("doctors/?q=LIC123", vec!["Carter, Emily"]),
        ("mappings/?q=doe", vec!["No. 1"]),
        ("mappings/?q=carter", vec!["No. 1"]),
        ("mappings/?q=jane", vec![]),
        // each word is the patient's or the doctor's
        ("mappings/?q=emily+doe", vec!["No. 1"]),
        ("mappings/?q=John+Doe+%C2%B7+Emily+Carter", vec!["No. 1"]),
        ("mappings/?q=john+nobody", vec![]),
        ("mappings/?q=%231", vec!["No. 1"]),
        ("users/?q=bob%40", vec!["bob@example.com"]),
    ] {
        let page = sam.get(&format!("/admin/{query}")).await.is(200);
        assert_eq!(names(&page), found, "{query}");
    }
}

#[tokio::test]
async fn more_words_than_ten_are_refused_in_words() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let words = ["a"; 11].join("+");
    for path in ["patients/", "mappings/", "search/", "patients/export/", "patients/suggest/"] {
        let page = sam.get(&format!("/admin/{path}?q={words}")).await.is(400);
        shows(&page, "Search for 10 words at most.");
        hides(&page, "Doe");
    }
    let typed = ["a"; 11].join(" ");
    let page = sam.post("/admin/mappings/add/", &[("patient", &*typed), ("doctor", "1")]).await.is(400);
    assert_eq!(super::forms::error(&page, "patient"), "Search for 10 words at most.");
}

#[tokio::test]
async fn one_search_looks_through_all_models() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let page = sam.get("/admin/search/?q=doe").await.is(200);
    shows(&page, r#"<a href="/admin/patients/1/change/">John Doe</a>"#);
    shows(&page, r#"<a href="/admin/mappings/1/change/">John Doe · Emily Carter</a>"#);
    hides(&page, "Álvarez");
    let page = sam.get("/admin/search/?q=bob%40example.com").await.is(200);
    shows(&page, r#"<a href="/admin/users/2/change/">bob@example.com</a>"#);
    shows(&sam.get("/admin/search/?q=zzz").await.is(200), "Nothing matches “zzz”.");
    shows(&sam.get("/admin/search/").await.is(200), "Type a name");
}

#[tokio::test]
async fn several_filters_hold_at_once_and_their_url_can_be_sent_to_a_colleague() {
    let app = app().await;
    clinic(&app).await;
    app.sql("update patients set created_at = now() - interval '40 days' where id = 1").await;
    let mut sam = staff(&app).await;
    for (query, found) in [
        ("patients/?gender=M", vec!["Doe, John"]),
        ("patients/?gender=F&created_at=month", vec!["Álvarez, Jane"]),
        ("patients/?gender=M&created_at=month", vec![]),
        ("patients/?gender=M&created_at=year&owner=1&q=john", vec!["Doe, John"]),
        ("patients/?owner=2", vec!["Álvarez, Jane"]),
        ("patients/?nothing=1", vec!["Álvarez, Jane", "Doe, John"]),
        ("patients/?gender=X", vec![]),
        ("patients/?created_at=never&gender=M", vec![]),
        ("patients/?owner=abc", vec![]),
        ("doctors/?specialty=Cardiology", vec!["Carter, Emily"]),
        ("doctors/?specialty=Surgery", vec![]),
        ("mappings/?patient=1&doctor=1", vec!["No. 1"]),
        ("users/?is_staff=true", vec!["sam@example.com"]),
        ("users/?is_staff=false&is_active=true", vec!["bob@example.com", "alice@example.com"]),
    ] {
        let page = sam.get(&format!("/admin/{query}")).await.is(200);
        assert_eq!(names(&page), found, "{query}");
    }
    let page = sam.get("/admin/patients/?gender=M&q=john").await.is(200);
    shows(&page, r#"href="?gender=M&amp;q=john&amp;created_at=week""#);
    shows(&page, r#"<a href="?q=john&amp;gender=M" aria-current="true">Male</a>"#);
    shows(&page, "Clear all filters");
    shows(&sam.get("/admin/doctors/").await, r#"<a href="?specialty=Cardiology">Cardiology</a>"#);
}

#[tokio::test]
async fn a_filter_by_a_row_takes_what_is_known_of_it() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let reply = sam.get("/admin/patients/pick/?gender=F&filter=owner&pick=bob%40example.com").await.is(303);
    assert_eq!(reply.header("location"), "/admin/patients/?gender=F&owner=2");
    let page = sam.get("/admin/patients/pick/?filter=owner&pick=example").await.is(200);
    shows(&page, r#"<a href="/admin/patients/?owner=1">alice@example.com #1</a>"#);
    shows(&sam.get("/admin/patients/pick/?filter=owner&pick=zzz").await.is(200), "No user matches “zzz”.");
    sam.get("/admin/patients/pick/?filter=gender&pick=x").await.is(404);
    let page = sam.get("/admin/patients/?owner=2").await.is(200);
    shows(&page, r#"<p class="chosen">bob@example.com <a href="?">Remove</a></p>"#);
}

#[tokio::test]
async fn chosen_rows_are_exported_and_so_is_the_whole_list() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let reply = sam.post("/admin/doctors/", &[("action", "export"), ("id", "1")]).await.is(200);
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"doctors.csv\"");
    let lines: Vec<&str> = reply.text.split("\r\n").collect();
    assert_eq!(lines[0], "No.,Name,Specialty,Phone,E-mail,License,Added,Updated");
    assert!(
        lines[1].starts_with("1,\"Carter, Emily\",Cardiology,9876543210,emily.carter@example.com,LIC123,"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 3);
    let reply = sam.get("/admin/patients/export/?gender=F").await.is(200);
    shows(&reply, "2,\"Álvarez, Jane\",1985-06-15,Female,5550100,bob@example.com,");
    hides(&reply, "Doe");
    app.sql(
        "insert into doctors (first_name, last_name, specialty, phone_number) select 'A', 'B' || n, 'S', '' from generate_series(1, 2500) n",
    )
    .await;
    let reply = sam.get("/admin/doctors/export/?o=name").await.is(200);
    assert_eq!(reply.text.lines().count(), 2502);
}

#[tokio::test]
async fn chosen_rows_are_deleted_after_what_goes_with_them_was_shown() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let chosen = [("action", "delete"), ("id", "1"), ("id", "2")];
    let page = sam.post("/admin/patients/", &chosen).await.is(200);
    shows(&page, "Delete 2 patients?");
    shows(&page, "1 mapping");
    shows(&page, "John Doe · Emily Carter");
    assert_eq!(app.value("select count(*) from patients").await, json!(2));
    let page = sam.submit("/admin/patients/", &[chosen.as_slice(), &[("sure", "1")]].concat()).await;
    shows(&page, "2 patients were deleted.");
    assert_eq!(app.value("select count(*) from patients").await, json!(0));
    shows(&sam.submit("/admin/patients/", &[("action", "delete")]).await, "Choose the patients first.");
    sam.post("/admin/patients/", &[("action", "paint"), ("id", "1")]).await.is(400);
}

#[tokio::test]
async fn a_field_suggests_rows_with_what_tells_them_apart() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let found = sam.get("/admin/patients/suggest/?q=jane").await.is(200);
    let label = "1985-06-15 · Female · 5550100 · bob@example.com";
    assert_eq!(found.body, json!([{"value": "Jane Álvarez #2", "label": label}]));
    assert_eq!(sam.get("/admin/patients/suggest/").await.is(200).body, json!([]));
    Browser::new(&app).get("/admin/patients/suggest/?q=jane").await.is(303);
}
