//! `/api/patients/`.

use serde_json::{Value, json};

use crate::support::{
    Client, PATIENTS, TestApp,
    cases::{all_hold, case},
    detail, john_doe,
    messages::{NO_PATIENT, NOT_FOUND},
    with, without_times,
};

mod changes;

/// Adds README A's patient, with some fields changed, and gives its path.
async fn add(user: &Client, changes: Value) -> String {
    let reply = user.post(PATIENTS, with(john_doe(), changes)).await.is(201);
    format!("{PATIENTS}{}/", reply.body["id"])
}

fn age_in_years(date: &str) -> u32 {
    let date: chrono::NaiveDate = date.parse().unwrap();
    chrono::Utc::now().date_naive().years_since(date).unwrap()
}

mod create {
    use super::*;

    #[tokio::test]
    async fn answers_readme_a_s_keys_in_its_order_then_the_others() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let reply = alice.post(PATIENTS, john_doe()).await.is(201);
        let keys: Vec<&String> = reply.body.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "id",
                "first_name",
                "last_name",
                "date_of_birth",
                "gender",
                "address",
                "phone_number",
                "email",
                "medical_history",
                "created_by",
                "created_at",
                "name",
                "age",
                "date_of_birth_estimated",
                "updated_at",
            ]
        );
        let rest = json!({
            "id": 1, "created_by": "alice@example.com", "created_at": null, "name": "John Doe",
            "age": age_in_years("1990-01-01"), "date_of_birth_estimated": false, "updated_at": null,
        });
        assert_eq!(without_times(reply.body), with(john_doe(), rest));
    }

    #[tokio::test]
    async fn takes_readme_b_s_name_and_age() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let reply = alice
            .post(PATIENTS, json!({"name": "John Smith", "age": 34, "gender": "M", "address": "Bengaluru"}))
            .await
            .is(201);
        let born = reply.body["date_of_birth"].as_str().unwrap().to_owned();
        assert_eq!(age_in_years(&born), 34);
        assert_eq!(
            without_times(reply.body),
            json!({
                "id": 1, "first_name": "John", "last_name": "Smith", "date_of_birth": born, "gender": "M",
                "address": "Bengaluru", "phone_number": "", "email": "", "medical_history": "",
                "created_by": "alice@example.com", "created_at": null, "name": "John Smith", "age": 34,
                "date_of_birth_estimated": true, "updated_at": null,
            })
        );
    }

    #[tokio::test]
    async fn a_copy_of_what_was_shown_is_taken_although_its_name_and_age_are_over_the_limits() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let body = json!({"first_name": "a".repeat(150), "last_name": "b".repeat(150), "date_of_birth": "1800-01-01", "gender": "O"});
        let shown = alice.post(PATIENTS, body).await.is(201).body;
        let copy = alice.post(PATIENTS, shown.clone()).await.is(201).body;
        assert_eq!((&copy["name"], &copy["age"]), (&shown["name"], &shown["age"]));
    }

    #[tokio::test]
    async fn unknown_and_read_only_fields_are_ignored() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let fields = json!({
            "id": 99, "created_by": "bob@example.com", "created_at": "2000-01-01T00:00:00Z", "version": 7,
            "is_staff": true, "favourite_colour": "blue", "user": 2,
        });
        let path = add(&alice, fields).await;
        assert_eq!(path, "/api/patients/1/");
        let patient = alice.get(&path).await.is(200).body;
        assert_eq!(patient["created_by"], "alice@example.com");
        assert_ne!(patient["created_at"], "2000-01-01T00:00:00Z");
    }

    #[tokio::test]
    async fn parts_and_date_win_over_name_and_age() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({"name": "Somebody Else", "age": 3})).await;
        let patient = alice.get(&path).await.is(200).body;
        assert_eq!((&patient["name"], &patient["date_of_birth"]), (&json!("John Doe"), &json!("1990-01-01")));
        assert_eq!(patient["date_of_birth_estimated"], false);
    }
}

mod list {
    use super::*;

    #[tokio::test]
    async fn is_an_array_by_id_whatever_the_query() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        for name in ["Carl", "Ada", "Bob"] {
            add(&alice, json!({"first_name": name})).await;
        }
        add(&app.user("bob").await, json!({})).await;
        for query in ["", "?page=2&page_size=1"] {
            let list = alice.get(&format!("{PATIENTS}{query}")).await.is(200).body;
            let names: Vec<&str> =
                list.as_array().unwrap().iter().map(|patient| patient["first_name"].as_str().unwrap()).collect();
            assert_eq!(names, ["Carl", "Ada", "Bob"]);
        }
    }
}

mod retrieve {
    use super::*;

    #[tokio::test]
    async fn is_what_create_answered() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let created = alice.post(PATIENTS, john_doe()).await.is(201);
        let paths =
            ["/api/patients/1/", "/api/patients/1", "/api/patients/%201/", "/api/patients/+1/", "/api/patients/01/"];
        all_hold(paths.map(|path| case("a patient", &alice, "GET", path).writes(200, created.text.clone()))).await;
    }

    #[tokio::test]
    async fn an_id_that_is_nobody_s_and_one_that_is_no_number() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let get = |id: &str, message: &str| {
            case("an id", &alice, "GET", format!("{PATIENTS}{id}/")).says(404, detail(message))
        };
        let nobodys = ["0", "-1", "2147483648", "9223372036854775807", "9223372036854775808", "99999999999999999999"];
        let no_numbers = ["abc", "1.0", "1.5", "%EF%BC%91", "1%00", "--1", "0x1", "1e1", "%FF"];
        let no_numbers = no_numbers.map(|id| get(id, NOT_FOUND));
        all_hold(nobodys.map(|id| get(id, NO_PATIENT)).into_iter().chain(no_numbers)).await;
    }
}

mod destroy {
    use super::*;

    #[tokio::test]
    async fn is_204_without_a_body_and_then_404() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({})).await;
        let reply = alice.delete(&path).await.is(204);
        assert_eq!((reply.text.as_str(), reply.header("content-type")), ("", ""));
        all_hold([
            case("gone", &alice, "DELETE", &path).says(404, detail(NO_PATIENT)),
            case("gone", &alice, "GET", &path).says(404, detail(NO_PATIENT)),
            case("gone", &alice, "PUT", &path).json(john_doe()).says(404, detail(NO_PATIENT)),
            case("gone", &alice, "PATCH", &path).json(json!({})).says(404, detail(NO_PATIENT)),
        ])
        .await;
    }
}

#[tokio::test]
async fn nobody_gives_a_row_away_or_takes_one() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let mut patient = john_doe();
    for key in ["created_by", "created_by_id", "owner", "user", "user_id"] {
        patient[key] = json!(2);
    }
    alice.post("/api/patients/", patient.clone()).await.is(201);
    alice.put("/api/patients/1/", patient.clone()).await.is(200);
    alice.patch("/api/patients/1/", patient).await.is(200);
    assert_eq!(bob.get("/api/patients/").await.is(200).text, "[]");
    assert_eq!(alice.get("/api/patients/1/").await.is(200).body["created_by"], "alice@example.com");
}
