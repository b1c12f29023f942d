//! Lists by pages, and counted.

use serde_json::json;

use crate::support::{
    PATIENTS, TestApp, john_doe,
    lists::{all_pages, ids, next, patients},
};

#[tokio::test]
async fn are_paged_by_the_link_header_and_stay_plain_arrays() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    patients(&app, 10).await;
    let pages = all_pages(&alice, "/api/patients/?limit=4").await;
    assert_eq!(pages, [vec![1, 2, 3, 4], vec![5, 6, 7, 8], vec![9, 10]]);
    // a page that is full and the last one says so
    let reply = alice.get("/api/patients/?limit=10").await.is(200);
    assert_eq!((ids(&reply).len(), next(&reply)), (10, None));
    // the rest behind a cursor, whole
    let first = alice.get("/api/patients/?limit=3").await.is(200);
    let rest = next(&first).unwrap().replace("limit=3", "limit=");
    assert_eq!(ids(&alice.get(&rest).await.is(200)), [4, 5, 6, 7, 8, 9, 10]);
    // other parameters are kept
    let path = "/api/patients/?gender=M&ordering=-id&limit=2&search=First";
    let reply = alice.get(path).await.is(200);
    let link = next(&reply).unwrap();
    assert!(link.starts_with("/api/patients/?gender=M&ordering=-id&limit=2&search=First&cursor="), "{link}");
    assert_eq!(all_pages(&alice, path).await.concat(), [9, 6, 3]);
}

#[tokio::test]
async fn pages_of_long_rows_are_whole_and_lead_to_the_next() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    patients(&app, 30).await;
    // of 300 KB, and of 30 KB between short ones
    app.sql("update patients set medical_history = repeat('ä', case when id < 4 then 100000 else 15000 end) where id % 2 = 1")
        .await;
    let all: Vec<i64> = (1..=30).collect();
    for ordering in ["id", "created_at", "first_name", "-date_of_birth"] {
        let whole = alice.get(&format!("{PATIENTS}?ordering={ordering}")).await.is(200);
        let mut seen = ids(&whole);
        let pages = all_pages(&alice, &format!("{PATIENTS}?ordering={ordering}&limit=25")).await;
        assert_eq!(pages, [&seen[..25], &seen[25..]], "{ordering}");
        let reply = alice.get(&format!("{PATIENTS}?ordering={ordering}&limit=30")).await.is(200);
        assert_eq!((reply.text == whole.text, next(&reply)), (true, None), "{ordering}");
        seen.sort_unstable();
        assert_eq!(seen, all, "{ordering}");
    }
}

#[tokio::test]
async fn pages_are_stable_while_rows_come_and_go() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    patients(&app, 9).await;
    for (ordering, page, rest) in
        [("id", [1, 2, 3], vec![4, 5, 6, 7, 8, 9, 10]), ("-id", [10, 9, 8], vec![7, 6, 5, 4, 2])]
    {
        let path = format!("{PATIENTS}?limit=3&ordering={ordering}");
        let first = alice.get(&path).await.is(200);
        assert_eq!(ids(&first), page);
        // the first row of the page goes, and the last one, which the next page begins behind; a new one comes
        for id in [page[0], page[2]] {
            alice.delete(&format!("{PATIENTS}{id}/")).await.is(204);
        }
        alice.post(PATIENTS, john_doe()).await.is(201);
        let next = next(&first).unwrap();
        assert_eq!(all_pages(&alice, &next).await.concat(), rest);
    }
}

#[tokio::test]
async fn a_cursor_is_of_one_list_one_ordering_and_one_user_and_nobody_makes_one() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    patients(&app, 5).await;
    let link = next(&alice.get("/api/patients/?limit=2&ordering=last_name").await.is(200)).unwrap();
    let cursor = link.split_once("cursor=").unwrap().1.to_owned();
    // it does not show what is in a patient's row
    assert!(!cursor.contains("Last") && cursor.len() > 40, "{cursor}");
    let invalid = json!({"cursor": ["Invalid cursor."]});
    let changed = format!("{}{}", &cursor[..cursor.len() - 1], if cursor.ends_with('A') { 'B' } else { 'A' });
    for path in [
        format!("/api/patients/?cursor={cursor}"),
        format!("/api/patients/?ordering=-last_name&cursor={cursor}"),
        format!("/api/doctors/?ordering=last_name&cursor={cursor}"),
        format!("/api/patients/?ordering=last_name&cursor={changed}"),
        "/api/patients/?cursor=x".into(),
        "/api/patients/?cursor=".into(),
        format!("/api/patients/?ordering=last_name&gender=M&cursor={cursor}"),
        "/api/patients/?limit=1&cursor=eyJrZXkiOiIxIiwiaWQiOjF9".into(),
    ] {
        alice.get(&path).await.says(400, invalid.clone());
    }
    let path = format!("/api/patients/?ordering=last_name&cursor={cursor}");
    bob.get(&path).await.says(400, invalid);
    assert_eq!(ids(&alice.get(&path).await.is(200)).len(), 3);
    let link = next(&alice.get("/api/patients/?limit=2").await.is(200)).unwrap();
    let (_, of_patients) = link.split_once("cursor=").unwrap();
    let path_of_mappings = format!("/api/mappings/?cursor={of_patients}");
    alice.get(&path_of_mappings).await.says(400, json!({"cursor": ["Invalid cursor."]}));
    // what says nothing of the rows does not matter
    let path = format!("{path}&_=1&limit=2");
    assert_eq!(ids(&alice.get(&path).await.is(200)).len(), 2);
}

#[tokio::test]
async fn are_counted_when_asked() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    patients(&app, 7).await;
    for (client, query, total) in [
        (&alice, "?count=true", "7"),
        (&alice, "?count=true&limit=2", "7"),
        (&alice, "?count=1&gender=M&limit=1", "2"),
        (&alice, "?count=false", ""),
        (&alice, "", ""),
        (&bob, "?count=true", "0"),
    ] {
        let reply = client.get(&format!("{PATIENTS}{query}")).await.is(200);
        assert_eq!(reply.header("x-total-count"), total, "{query}");
    }
}
