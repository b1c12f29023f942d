//! The order of lists: by each of their columns, both ways, and page by page.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Browser, app, lists::clinic, lists::names, shows, staff};
use crate::support::{Reply, TestApp};

/// What each list shows, by the names of its columns.
const COLUMNS: [(&str, &[&str]); 4] = [
    ("patients", &["name", "date_of_birth", "gender", "phone_number", "owner", "created_at", "updated_at"]),
    ("doctors", &["name", "specialty", "phone_number", "email", "license_number", "created_at", "updated_at"]),
    ("mappings", &["number", "patient", "doctor", "specialty", "assigned_at"]),
    (
        "users",
        &[
            "email",
            "name",
            "username",
            "is_active",
            "is_staff",
            "is_superuser",
            "date_joined",
            "updated_at",
            "last_login",
        ],
    ),
];

/// Rows of every model, many of them alike in each column, or with nothing in it.
async fn crowd(app: &TestApp) {
    app.sql(
        "insert into users (email, username, name, password_hash, is_active, is_staff, date_joined, last_login) \
         select 'user' || n || '@example.com', case when n % 3 > 0 then 'u' || n end, 'Name ' || n % 7, '!', n % 2 = 0, \
             n % 5 = 0, now() - n % 11 * interval '1 hour', case when n % 4 > 0 then now() - n % 9 * interval '1 hour' end \
         from generate_series(1, 250) n; \
         insert into doctors (first_name, last_name, specialty, phone_number, email, license_number, created_at) \
         select 'A', 'Last ' || n % 20, 'S' || n % 3, n % 5, case when n % 2 = 0 then n || '@example.com' end, \
             case when n % 3 = 0 then 'L' || n end, now() - n % 30 * interval '1 hour' from generate_series(1, 250) n; \
         insert into patients (created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender, address, \
             phone_number, email, medical_history, created_at) \
         select 1 + n % 40, 'A', case when n % 9 > 0 then 'Last ' || n % 20 else '' end, date '1950-01-01' + n % 10, false, \
             (array['F', 'M', 'O'])[1 + n % 3], '', n % 6, '', '', now() - n % 30 * interval '1 hour' \
         from generate_series(1, 250) n; \
         insert into patient_doctor_mappings (patient_id, created_by, doctor_id, assigned_at) \
         select p.id, p.created_by, 1 + p.id % 20, now() - p.id % 13 * interval '1 hour' from patients p",
    )
    .await;
}

fn ids(page: &Reply) -> Vec<i64> {
    let rows = page.text.split("name=\"id\" value=\"").skip(1);
    rows.map(|row| row.split('"').next().unwrap().parse().unwrap()).collect()
}

fn next(page: &Reply) -> Option<String> {
    let link = page.text.split("class=\"button\" href=\"").skip(1).find(|link| link.contains(">Next page"))?;
    Some(link.split('"').next().unwrap().replace("&amp;", "&"))
}

/// The rows of a list, page by page.
async fn walk(browser: &mut Browser, list: &str, order: &str) -> Vec<i64> {
    let (mut path, mut all) = (format!("{list}?o={order}"), Vec::new());
    loop {
        let page = browser.get(&path).await.is(200);
        let way = if order.starts_with('-') { "descending" } else { "ascending" };
        shows(&page, &format!("aria-sort=\"{way}\""));
        all.extend(ids(&page));
        let Some(next) = next(&page) else { return all };
        assert_eq!(ids(&page).len(), 100, "{path}");
        path = format!("{list}{next}");
    }
}

#[tokio::test]
async fn every_column_orders_its_list_both_ways_page_by_page() {
    let app = app().await;
    let mut sam = staff(&app).await;
    crowd(&app).await;
    for (name, columns) in COLUMNS {
        let list = format!("/admin/{name}/");
        let page = sam.get(&list).await.is(200);
        let headings =
            page.text.split("</thead>").next().unwrap().split("<thead>").nth(1).unwrap().matches("?o=").count();
        assert_eq!(headings, columns.len(), "{name}: a column that can't be clicked");
        for column in columns {
            let up = walk(&mut sam, &list, column).await;
            let mut down = walk(&mut sam, &list, &format!("-{column}")).await;
            down.reverse();
            assert!(up == down, "{name} by {column} is not the same both ways");
            assert_eq!(up.iter().collect::<BTreeSet<_>>().len(), up.len(), "{name} by {column}: a row came twice");
            assert!(up.len() >= 250, "{name} by {column}: {}", up.len());
        }
    }
}

#[tokio::test]
async fn the_order_is_that_of_what_the_column_shows() {
    let app = app().await;
    clinic(&app).await;
    app.sql(
        "update doctors set email = null; insert into doctors (first_name, last_name, specialty, phone_number, email) \
         values ('A', 'Zed', 'surgery', '1', 'Z@example.com'), ('B', 'Ägnes', 'Anatomy', '2', 'a@example.com')",
    )
    .await;
    app.sql("update users set last_login = null where email like 'bob%'").await;
    let mut sam = staff(&app).await;
    for (path, expected) in [
        ("doctors/?o=name", ["Ägnes, B", "Carter, Emily", "Zed, A"]),
        ("doctors/?o=specialty", ["Ägnes, B", "Carter, Emily", "Zed, A"]),
        ("doctors/?o=phone_number", ["Zed, A", "Ägnes, B", "Carter, Emily"]),
        // nothing comes first
        ("doctors/?o=email", ["Carter, Emily", "Ägnes, B", "Zed, A"]),
        ("doctors/?o=-license_number", ["Carter, Emily", "Ägnes, B", "Zed, A"]),
        ("users/?o=last_login", ["bob@example.com", "alice@example.com", "sam@example.com"]),
        ("users/?o=-is_staff", ["sam@example.com", "bob@example.com", "alice@example.com"]),
    ] {
        let page = sam.get(&format!("/admin/{path}")).await.is(200);
        assert_eq!(names(&page), expected, "{path}");
    }
    let page = sam.get("/admin/doctors/?o=-name").await;
    shows(&page, r#"<th scope="col" aria-sort="descending"><a href="?o=name">Name</a></th>"#);
    // a column that is none is not asked
    assert_eq!(names(&sam.get("/admin/doctors/?o=password").await.is(200)).len(), 3);
}

#[tokio::test]
async fn the_next_page_begins_where_this_one_ended_whatever_became_of_its_last_row() {
    let app = app().await;
    let mut sam = staff(&app).await;
    crowd(&app).await;
    for change in [
        "update doctors set last_name = 'Zzz' where id = $",
        "delete from doctors where id = $",
        "insert into doctors (first_name, last_name, specialty, phone_number) values ('B', 'Aaa', 'A', '')",
    ] {
        let order = walk(&mut sam, "/admin/doctors/", "name").await;
        let page = sam.get("/admin/doctors/?o=name").await.is(200);
        let (shown, next) = (ids(&page), next(&page).unwrap());
        app.sql(&change.replace('$', &shown[99].to_string())).await;
        let second = sam.get(&format!("/admin/doctors/{next}")).await.is(200);
        assert_eq!(ids(&second), order[100..200], "{change}");
    }
    // what is no place is the beginning
    for list in [
        "doctors/?o=name",
        "patients/?o=date_of_birth",
        "patients/?o=created_at",
        "users/?o=is_staff",
        "mappings/?o=number",
    ] {
        let first = ids(&sam.get(&format!("/admin/{list}")).await.is(200));
        for after in ["x", "1", "1-1", "1-x-Last", "-1--1--1", "1-1-%00", "999999", "1-1-today\\"] {
            if (list, after) == ("doctors/?o=name", "1-1-today\\") {
                continue;
            }
            assert_eq!(ids(&sam.get(&format!("/admin/{list}&after={after}")).await.is(200)), first, "{list} {after}");
        }
    }
    let reply = sam.get("/admin/doctors/?o=name&after=1-1-zzzz").await.is(303);
    assert_eq!(reply.header("location"), "/admin/doctors/?o=name");
}

#[tokio::test]
async fn rare_and_frequent_words_are_found_in_mappings_on_either_side() {
    let app = app().await;
    let mut sam = staff(&app).await;
    crowd(&app).await;
    // rarer than any sample shows, in the oldest rows
    app.sql(
        "update patients set first_name = 'Jane' where id = 1; update doctors set first_name = 'House' where id = 2",
    )
    .await;
    app.sql(
        "insert into patient_doctor_mappings (patient_id, created_by, doctor_id) \
         select p.id, p.created_by, 100 + n from patients p, generate_series(1, 3) n where p.id > 1",
    )
    .await;
    let expected =
        app.value("select jsonb_agg(id) from patient_doctor_mappings where patient_id = 1 and doctor_id = 2").await;
    for query in ["jane+house", "house+jane", "Last+jane+house", "a+jane+HOUSE"] {
        let page = sam.get(&format!("/admin/mappings/?q={query}")).await.is(200);
        assert_eq!(json!(ids(&page)), expected, "{query}");
    }
    let page = sam.get("/admin/mappings/?q=last+a").await.is(200);
    assert_eq!(ids(&page).len(), 100);
    assert!(next(&page).is_some());
}
