//! `/api/patients/`.

use serde_json::{Value, json};

use crate::support::{
    Client, PATIENTS, TestApp,
    cases::{all_hold, case},
    detail, john_doe,
    messages::{BLANK, NO_PATIENT, NOT_AN_EMAIL, NOT_FOUND, not_a_choice},
    with, without_times,
};

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

mod update {
    use super::*;

    #[tokio::test]
    async fn replaces_what_is_sent_and_keeps_what_is_optional_and_left_out() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({})).await;
        let before = alice.get(&path).await.body;
        let body = json!({"first_name": "Jane", "last_name": "Roe", "date_of_birth": "1991-02-03", "gender": "F", "email": ""});
        let reply = alice.put(&path, body).await.is(200);
        let mut expected = before.clone();
        for (key, value) in [
            ("first_name", json!("Jane")),
            ("last_name", json!("Roe")),
            ("name", json!("Jane Roe")),
            ("gender", json!("F")),
            ("date_of_birth", json!("1991-02-03")),
            ("age", json!(age_in_years("1991-02-03"))),
            ("email", json!("")),
            ("updated_at", reply.body["updated_at"].clone()),
        ] {
            expected[key] = value;
        }
        assert_eq!(reply.body, expected);
        assert_ne!(reply.body["updated_at"], before["updated_at"]);
        assert_eq!(alice.get(&path).await.body, expected);
    }

    #[tokio::test]
    async fn takes_back_what_was_shown_and_writes_nothing() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        for changes in [json!({}), json!({"email": "", "phone_number": ""})] {
            let path = add(&alice, changes).await;
            let shown = alice.get(&path).await.body;
            assert_eq!(alice.put(&path, shown.clone()).await.is(200).body, shown);
        }
        // in whatever way it is written
        for same in [
            json!({"age": format!("+{}.0", age_in_years("1990-01-01"))}),
            json!({"date_of_birth": "1990-1-1"}),
            json!({"name": " John Doe "}),
        ] {
            alice.patch("/api/patients/1/", same).await.is(200);
        }
        // a single name, and an age that is over the limit for ages
        let cher = alice
            .post(PATIENTS, json!({"name": "Cher", "date_of_birth": "1700-01-01", "gender": "F"}))
            .await
            .is(201)
            .body;
        let path = format!("/api/patients/{}/", cher["id"]);
        assert_eq!(alice.put(&path, cher.clone()).await.is(200).body, cher);
        assert_eq!(app.value("select count(*) from audit_log where action = 'UPDATE'").await, 0);
    }

    #[tokio::test]
    async fn of_two_spellings_the_one_that_differs_from_the_row_counts() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({})).await;
        let mut shown = alice.get(&path).await.body;
        shown["name"] = json!("Jane Roe");
        shown["age"] = json!(20);
        let changed = alice.put(&path, shown).await.is(200).body;
        assert_eq!(
            (&changed["first_name"], &changed["last_name"], &changed["age"]),
            (&json!("Jane"), &json!("Roe"), &json!(20))
        );
        assert_eq!(changed["date_of_birth_estimated"], true);

        let mut shown = changed;
        shown["first_name"] = json!("Janet");
        shown["date_of_birth"] = json!("1980-05-06");
        let changed = alice.put(&path, shown).await.is(200).body;
        assert_eq!((&changed["name"], &changed["date_of_birth"]), (&json!("Janet Roe"), &json!("1980-05-06")));
        assert_eq!(changed["date_of_birth_estimated"], false);

        let mut shown = changed;
        shown["name"] = json!("Somebody Else");
        shown["first_name"] = json!("Jim");
        shown["last_name"] = json!("Poe");
        assert_eq!(alice.put(&path, shown).await.is(200).body["name"], "Jim Poe");
    }
}

mod two_puts_at_once {
    use super::*;

    #[tokio::test]
    async fn leave_one_of_them_whole() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({})).await;
        let shown = alice.get(&path).await.is(200).body;
        // each changes another field, and sends the rest back as it was shown
        for (one, other) in [
            (json!({"first_name": "Jane"}), json!({"last_name": "Roe"})),
            (json!({"address": "Here"}), json!({"phone_number": "1"})),
            (json!({"gender": "F"}), json!({"date_of_birth": "1991-02-03"})),
        ] {
            for _ in 0..10 {
                alice.put(&path, shown.clone()).await.is(200);
                let (one, other) = (with(shown.clone(), one.clone()), with(shown.clone(), other.clone()));
                let (first, second) = tokio::join!(alice.put(&path, one.clone()), alice.put(&path, other.clone()));
                first.is(200);
                second.is(200);
                let left = alice.get(&path).await.is(200).body;
                let is_whole = |sent: &Value| SENT.iter().all(|key| left[key] == sent[key]);
                assert!(is_whole(&one) || is_whole(&other), "{left} is neither {one} nor {other}");
            }
        }
    }

    const SENT: [&str; 6] = ["first_name", "last_name", "date_of_birth", "gender", "address", "phone_number"];
}

mod partial_update {
    use super::*;

    #[tokio::test]
    async fn changes_what_is_sent_alone() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({})).await;
        let before = alice.get(&path).await.body;
        let reply = alice.patch(&path, json!({"gender": "F"})).await.is(200);
        let mut expected = before;
        expected["gender"] = json!("F");
        expected["updated_at"] = reply.body["updated_at"].clone();
        assert_eq!(reply.body, expected);
        assert_eq!(alice.patch(&path, json!({"name": "Ada Lovelace"})).await.is(200).body["last_name"], "Lovelace");
        assert_eq!(alice.patch(&path, json!({"age": 7})).await.is(200).body["date_of_birth_estimated"], true);
    }

    #[tokio::test]
    async fn of_nothing_writes_nothing() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({})).await;
        let before = alice.get(&path).await.body;
        assert_eq!(alice.patch(&path, json!({})).await.is(200).body, before);
        assert_eq!(alice.patch(&path, json!({"first_name": "John", "unknown": 1})).await.is(200).body, before);
        assert_eq!(app.value("select version from patients").await, 1);
        assert_eq!(app.value("select count(*) from audit_log where table_name = 'patients'").await, 1);
    }

    #[tokio::test]
    async fn a_fault_changes_nothing() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({})).await;
        let before = alice.get(&path).await.body;
        let body = json!({"gender": "?", "last_name": "", "first_name": "New", "email": "nobody", "age": 999});
        alice.patch(&path, body).await.says(
            400,
            json!({
                "last_name": [BLANK],
                "age": ["Ensure this value is less than or equal to 150."],
                "gender": [not_a_choice("?")],
                "email": [NOT_AN_EMAIL],
            }),
        );
        assert_eq!(alice.get(&path).await.body, before);
    }

    #[tokio::test]
    async fn at_once_on_different_fields_loses_none() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({})).await;
        let change = |body: Value| {
            let (alice, path) = (alice.clone(), path.clone());
            tokio::spawn(async move { alice.patch(&path, body).await.is(200) })
        };
        let changes = [
            json!({"first_name": "A"}),
            json!({"last_name": "B"}),
            json!({"address": "C"}),
            json!({"phone_number": "D"}),
        ];
        for task in changes.map(change) {
            task.await.unwrap();
        }
        let patient = alice.get(&path).await.body;
        assert_eq!(
            [&patient["first_name"], &patient["last_name"], &patient["address"], &patient["phone_number"]],
            ["A", "B", "C", "D"]
        );
        assert_eq!(app.value("select version from patients").await, 5);
    }

    #[tokio::test]
    async fn of_one_patient_fifty_times_at_once_is_always_200() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({})).await;
        let changes: Vec<_> = (0..50)
            .map(|number| {
                let (alice, path) = (alice.clone(), path.clone());
                tokio::spawn(async move { alice.patch(&path, json!({"address": format!("{number}")})).await.is(200) })
            })
            .collect();
        for change in changes {
            change.await.unwrap();
        }
        assert_eq!(app.value("select version from patients").await, 51);
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
