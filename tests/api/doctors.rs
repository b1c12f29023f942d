//! `/api/doctors/`.

use healthcare_backend::config::Exposure;
use serde_json::{Value, json};

use crate::support::{
    DOCTORS, MAPPINGS, PATIENTS, TestApp,
    cases::{all_hold, case},
    detail, emily_carter, john_doe,
    messages::{BLANK, NO_DOCTOR, NO_TOKEN, NOT_FOUND, fault},
    with, without_times,
};

const FIRST: &str = "/api/doctors/1/";

/// What is said of a doctor whose e-mail and license another one has.
fn taken() -> Value {
    json!({
        "email": ["doctor with this email already exists."],
        "license_number": ["doctor with this license number already exists."],
    })
}

mod create {
    use super::*;

    #[tokio::test]
    async fn answers_readme_a_s_keys_in_its_order_then_the_others() {
        let app = TestApp::start().await;
        let reply = app.user("alice").await.post(DOCTORS, emily_carter()).await.is(201);
        let keys: Vec<&String> = reply.body.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "id",
                "first_name",
                "last_name",
                "specialty",
                "phone_number",
                "email",
                "license_number",
                "created_at",
                "name",
                "updated_at",
            ]
        );
        let others = json!({"id": 1, "name": "Emily Carter", "created_at": null, "updated_at": null});
        assert_eq!(without_times(reply.body), with(emily_carter(), others));
    }

    #[tokio::test]
    async fn takes_other_spellings() {
        let app = TestApp::start().await;
        let body = json!({"name": "Dr. Emily Carter", "specialization": "Cardiology", "phone": "98"});
        let reply = app.user("alice").await.post(DOCTORS, body).await.is(201);
        assert_eq!(
            without_times(reply.body),
            json!({
                "id": 1, "first_name": "Dr. Emily", "last_name": "Carter", "specialty": "Cardiology", "phone_number": "98",
                "email": null, "license_number": null, "created_at": null, "name": "Dr. Emily Carter", "updated_at": null,
            })
        );
    }

    #[tokio::test]
    async fn taken_values_are_named_both_and_beside_other_faults() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        alice.post(DOCTORS, emily_carter()).await.is(201);
        let again = with(emily_carter(), json!({"email": "Emily.Carter@EXAMPLE.com"}));
        alice.post(DOCTORS, again.clone()).await.says(400, taken());
        let faulty = with(again, json!({"specialty": ""}));
        alice.post(DOCTORS, faulty).await.says(400, with(taken(), fault("specialty", BLANK)));
    }

    #[tokio::test]
    async fn doctors_without_an_email_or_a_license_are_many() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        for none in
            [json!({}), json!({"email": "", "license_number": ""}), json!({"email": null, "license_number": null})]
        {
            let reply = alice.post(DOCTORS, with(json!({"name": "A B", "specialty": "C"}), none)).await.is(201);
            assert_eq!((&reply.body["email"], &reply.body["license_number"]), (&Value::Null, &Value::Null));
        }
    }
}

mod read {
    use super::*;

    #[tokio::test]
    async fn is_for_every_user_by_ascending_id() {
        let app = TestApp::start().await;
        let (alice, bob) = (app.user("alice").await, app.user("bob").await);
        bob.get(DOCTORS).await.says(200, json!([]));
        let first = alice.post(DOCTORS, json!({"name": "Zoe B", "specialty": "C"})).await.is(201).body;
        let second = bob.post(DOCTORS, json!({"name": "Ada B", "specialty": "C"})).await.is(201).body;
        bob.get(DOCTORS).await.says(200, json!([first, second]));
        alice.get("/api/doctors/2").await.says(200, second);
        alice.get("/api/doctors/9/").await.says(404, detail(NO_DOCTOR));
        alice.get("/api/doctors/abc/").await.says(404, detail(NOT_FOUND));
    }

    #[tokio::test]
    async fn is_for_anybody_where_the_setting_says_so() {
        let app = TestApp::with(Exposure { public_doctors: true, ..Exposure::default() }).await;
        let doctor = app.user("alice").await.post(DOCTORS, emily_carter()).await.is(201).body;
        let anybody = app.anonymous();
        let mut rows = vec![
            case("the list", &anybody, "GET", DOCTORS).says(200, json!([doctor])),
            case("one", &anybody, "GET", FIRST).says(200, doctor),
            case("nobody", &anybody, "GET", "/api/doctors/9/").says(404, detail(NO_DOCTOR)),
            case("no number", &anybody, "GET", "/api/doctors/abc/").says(404, detail(NOT_FOUND)),
            case("the list", &anybody, "HEAD", DOCTORS).is(200),
            case("the list", &anybody, "OPTIONS", DOCTORS).is(200),
        ];
        rows.extend(
            [("POST", DOCTORS), ("PUT", DOCTORS), ("PUT", FIRST), ("PATCH", FIRST), ("DELETE", FIRST)]
                .map(|(method, path)| case("no token", &anybody, method, path).says(401, detail(NO_TOKEN))),
        );
        // what is no token of ours is none
        rows.extend(
            ["", "Basic eA==", "Token x"]
                .map(|header| case(header, &anybody, "GET", DOCTORS).header("authorization", header).is(200)),
        );
        // a token that is sent must be good all the same
        let (garbage, nobodys) = (app.bearer("garbage"), app.bearer(&app.token(99, 99)));
        for path in [DOCTORS, FIRST] {
            rows.push(case("a bad token", &garbage, "GET", path).is(401));
            rows.push(case("a bad token", &garbage, "OPTIONS", path).is(401));
            rows.push(case("a token of nobody", &nobodys, "GET", path).is(401));
        }
        all_hold(rows).await;
        let document = anybody.get("/api/openapi.json").await.is(200).body;
        assert_eq!(document["paths"][DOCTORS]["get"]["security"], json!([{}, {"jwtAuth": []}]));
    }
}

mod update {
    use super::*;

    #[tokio::test]
    async fn is_for_every_user_and_keeps_what_is_left_out() {
        let app = TestApp::start().await;
        let (alice, bob) = (app.user("alice").await, app.user("bob").await);
        let before = alice.post(DOCTORS, emily_carter()).await.is(201).body;
        let body = json!({"name": "Emily Smith", "specialty": "Neurology"});
        let after = bob.put(FIRST, body).await.is(200).body;
        let changed = json!({"last_name": "Smith", "name": "Emily Smith", "specialty": "Neurology", "updated_at": after["updated_at"]});
        assert_eq!(after, with(before, changed));
        let after = bob.patch(FIRST, json!({"email": null, "license_number": ""})).await.is(200).body;
        assert_eq!((&after["email"], &after["license_number"]), (&Value::Null, &Value::Null));
        bob.put(FIRST, json!({})).await.is(400);
        assert_eq!(bob.put(FIRST, after.clone()).await.is(200).body, after);
        assert_eq!(
            app.value("select jsonb_agg(actor_email order by id) from audit_log where table_name = 'doctors'").await,
            json!(["alice@example.com", "bob@example.com", "bob@example.com"])
        );
    }

    #[tokio::test]
    async fn taken_values_are_those_of_others() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        alice.post(DOCTORS, emily_carter()).await.is(201);
        alice.post(DOCTORS, json!({"name": "A B", "specialty": "C"})).await.is(201);
        let own = json!({"email": "EMILY.carter@example.com", "license_number": "LIC123"});
        alice.patch("/api/doctors/2/", own.clone()).await.says(400, taken());
        alice
            .patch("/api/doctors/2/", with(own.clone(), json!({"specialty": ""})))
            .await
            .says(400, with(taken(), fault("specialty", BLANK)));
        alice.patch(FIRST, own).await.is(200);
    }
}

mod destroy {
    use super::*;

    #[tokio::test]
    async fn takes_one_s_own_mappings_along_but_not_those_of_others() {
        let app = TestApp::start().await;
        let (alice, bob) = (app.user("alice").await, app.user("bob").await);
        alice.post(DOCTORS, emily_carter()).await.is(201);
        alice.post(DOCTORS, json!({"name": "A B", "specialty": "C"})).await.is(201);
        alice.post(PATIENTS, john_doe()).await.is(201);
        for doctor in [1, 2] {
            alice.post(MAPPINGS, json!({"patient": 1, "doctor": doctor})).await.is(201);
        }
        bob.delete(FIRST).await.says(409, detail("This doctor is assigned to patients of other users."));
        assert_eq!(alice.get(MAPPINGS).await.body.as_array().unwrap().len(), 2);
        alice.delete(FIRST).await.is(204);
        alice.get(FIRST).await.says(404, detail(NO_DOCTOR));
        let left = alice.get(MAPPINGS).await.body;
        assert_eq!((left.as_array().unwrap().len(), &left[0]["doctor"]), (1, &json!(2)));
        bob.delete("/api/doctors/9/").await.says(404, detail(NO_DOCTOR));
    }

    /// From both sides, in a loop: whatever comes first, nobody else's mapping goes, and none is left without a doctor.
    #[tokio::test]
    async fn while_it_is_being_assigned_is_one_or_the_other() {
        let app = TestApp::start().await;
        let (alice, bob) = (app.user("alice").await, app.user("bob").await);
        bob.post(PATIENTS, john_doe()).await.is(201);
        let (mut kept, mut deleted) = (0, 0);
        for round in 0..60_u64 {
            let doctor = alice.post(DOCTORS, json!({"name": "A B", "specialty": "C"})).await.is(201).body["id"].clone();
            let (other, assigned) = (bob.clone(), doctor.clone());
            let assign = tokio::spawn(async move {
                tokio::time::sleep(std::time::Duration::from_micros(round * 97 % 6000)).await;
                other.post(MAPPINGS, json!({"patient": 1, "doctor": assigned})).await
            });
            tokio::time::sleep(std::time::Duration::from_micros((60 - round) * 131 % 6000)).await;
            let delete = alice.delete(&format!("{DOCTORS}{doctor}/")).await;
            let assign = assign.await.unwrap();
            match (assign.status.as_u16(), delete.status.as_u16()) {
                (201, 409) => {
                    // the owner of the patient may delete it, and its mapping goes too
                    if round % 10 == 0 {
                        bob.delete(&format!("{DOCTORS}{doctor}/")).await.is(204);
                    } else {
                        kept += 1;
                    }
                }
                (400, 204) => {
                    let message = format!("Invalid pk \"{doctor}\" - object does not exist.");
                    assert_eq!(assign.body, json!({ "doctor": [message] }));
                    deleted += 1;
                }
                other => panic!("{other:?} {} {}", assign.text, delete.text),
            }
        }
        let mappings = bob.get(MAPPINGS).await.is(200).body;
        assert_eq!(mappings.as_array().unwrap().len(), kept);
        assert!(kept > 0 && deleted > 0, "{kept} kept, {deleted} deleted");
    }
}
