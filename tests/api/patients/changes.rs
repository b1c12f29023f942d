//! `/api/patients/<id>/`: PUT and PATCH.

use serde_json::{Value, json};

use super::{add, age_in_years};
use crate::support::{
    PATIENTS, TestApp,
    messages::{BLANK, NOT_AN_EMAIL, not_a_choice},
    with,
};

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
