//! `/api/mappings/`.

use serde_json::{Value, json};

use crate::support::{Client, TestApp, detail, emily_carter, john_doe, without_times};

const MAPPINGS: &str = "/api/mappings/";

/// Alice with a patient, and a doctor; both are number 1.
async fn alice(app: &TestApp) -> Client {
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    alice.post("/api/doctors/", emily_carter()).await.is(201);
    alice
}

/// README A's.
fn not_yours() -> Value {
    detail("You can only assign doctors to your own patients.")
}

mod create {
    use super::*;

    #[tokio::test]
    async fn answers_readme_a_s_example() {
        let app = TestApp::start().await;
        let alice = alice(&app).await;
        let reply = alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201);
        let keys: Vec<&String> = reply.body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "patient", "doctor", "patient_name", "doctor_name", "assigned_at"]);
        assert_eq!(
            without_times(reply.body),
            json!({
                "id": 1, "patient": 1, "doctor": 1, "patient_name": "John Doe", "doctor_name": "Dr. Emily Carter", "assigned_at": null,
            })
        );
        let again = alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await;
        again.says(400, json!({"non_field_errors": ["The fields patient, doctor must make a unique set."]}));
    }

    #[tokio::test]
    async fn a_title_is_not_doubled_and_a_single_name_has_no_space() {
        let app = TestApp::start().await;
        let alice = alice(&app).await;
        alice.post("/api/doctors/", json!({"name": "Dr. Who", "specialty": "Time"})).await.is(201);
        alice.post("/api/patients/", json!({"name": "Cher", "age": 70, "gender": "F"})).await.is(201);
        let mapping = alice.post(MAPPINGS, json!({"patient": 2, "doctor": 2})).await.is(201).body;
        assert_eq!((&mapping["patient_name"], &mapping["doctor_name"]), (&json!("Cher"), &json!("Dr. Who")));
    }

    #[tokio::test]
    async fn takes_numbers_as_strings_and_other_spellings() {
        let app = TestApp::start().await;
        let alice = alice(&app).await;
        for body in [
            json!({"patient": "1", "doctor": "1"}),
            json!({"patient_id": 1, "doctor_id": 1}),
            json!({"patientId": "1", "doctorId": 1}),
            json!({"patient": " 1 ", "doctor": 1}),
        ] {
            let id = alice.post(MAPPINGS, body).await.is(201).body["id"].clone();
            alice.delete(&format!("{MAPPINGS}{id}/")).await.is(204);
        }
    }

    #[tokio::test]
    async fn refuses_what_is_no_number_under_the_key_that_was_sent() {
        let app = TestApp::start().await;
        let alice = alice(&app).await;
        let required = json!(["This field is required."]);
        alice.post(MAPPINGS, json!({})).await.says(400, json!({"patient": required, "doctor": required}));
        let incorrect = |kind: &str| json!([format!("Incorrect type. Expected pk value, received {kind}.")]);
        let null = json!(["This field may not be null."]);
        for (value, messages) in [
            (json!(null), null.clone()),
            (json!(""), null),
            (json!("abc"), incorrect("str")),
            (json!("1.0"), incorrect("str")),
            (json!(true), incorrect("bool")),
            (json!([1]), incorrect("list")),
            (json!({}), incorrect("dict")),
            (json!(1.5), incorrect("float")),
        ] {
            for keys in [["patient", "doctor"], ["patient_id", "doctorId"]] {
                let [patient, doctor] = keys;
                let body = json!({patient: value, doctor: value});
                alice.post(MAPPINGS, body).await.says(400, json!({patient: messages, doctor: messages}));
            }
        }
        // a number without a fraction is an integer, however it is written
        let body = json!({"patient": 1.0, "doctor": 1.0});
        alice.post(MAPPINGS, body).await.is(201);
        let body = json!({"patient": 1e300, "doctor": 1});
        alice.post(MAPPINGS, body).await.says(400, not_yours());
    }

    #[tokio::test]
    async fn says_the_same_of_a_foreign_patient_and_a_missing_one_before_anything_else() {
        let app = TestApp::start().await;
        let alice = alice(&app).await;
        let bob = app.user("bob").await;
        alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201);
        for patient in [json!(1), json!(999), json!(0), json!(-1), json!(u64::MAX), json!("99999999999999999999")] {
            for doctor in [json!(1), json!(999), json!("abc"), json!(null), json!([])] {
                let reply = bob.post(MAPPINGS, json!({"patient": patient, "doctor": doctor})).await;
                assert_eq!(reply.says(400, not_yours()).text, not_yours().to_string());
            }
        }
        for doctor in ["999", "9223372036854775808", "0"] {
            let message = format!("Invalid pk \"{doctor}\" - object does not exist.");
            alice.post(MAPPINGS, json!({"patient": 1, "doctor": doctor})).await.says(400, json!({"doctor": [message]}));
        }
        assert_eq!(app.value("select count(*) from patient_doctor_mappings").await, 1);
    }

    #[tokio::test]
    async fn one_eight_times_at_once_is_one_201() {
        let app = TestApp::start().await;
        let alice = alice(&app).await;
        let attempts: Vec<_> = (0..8)
            .map(|_| {
                let alice = alice.clone();
                tokio::spawn(async move { alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await })
            })
            .collect();
        let mut made = 0;
        for attempt in attempts {
            let reply = attempt.await.unwrap();
            if reply.status == 201 {
                made += 1;
            } else {
                reply.says(400, json!({"non_field_errors": ["The fields patient, doctor must make a unique set."]}));
            }
        }
        assert_eq!((made, app.value("select count(*) from patient_doctor_mappings").await), (1, json!(1)));
    }
}

mod read {
    use super::*;

    #[tokio::test]
    async fn lists_one_s_own_and_answers_both_ways_which_doctors_a_patient_has() {
        let app = TestApp::start().await;
        let alice = alice(&app).await;
        alice.post("/api/patients/", john_doe()).await.is(201);
        let second = alice.post("/api/doctors/", json!({"name": "A B", "specialty": "C"})).await.is(201).body;
        let first = alice.get("/api/doctors/1/").await.body;
        let b = alice.post(MAPPINGS, json!({"patient": 1, "doctor": 2})).await.is(201).body;
        let a = alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201).body;
        alice.get(MAPPINGS).await.says(200, json!([b, a]));
        for path in [
            "/api/mappings/by-patient/1/",
            "/api/mappings/patient/1/",
            "/api/mappings/patient/1",
            "/api/mappings/by-patient/1",
        ] {
            alice.get(path).await.says(200, json!([b, a]));
            alice.get(&path.replace('1', "2")).await.says(200, json!([]));
        }
        alice.get("/api/mappings/1/").await.says(200, json!([first, second]));
        alice.get("/api/mappings/2/").await.says(200, json!([]));

        let bob = app.user("bob").await;
        bob.get(MAPPINGS).await.says(200, json!([]));
        for path in
            ["/api/mappings/by-patient/1/", "/api/mappings/1/", "/api/mappings/999/", "/api/mappings/patient/999/"]
        {
            bob.get(path).await.says(404, detail("No Patient matches the given query."));
        }
        for path in ["/api/mappings/by-patient/abc/", "/api/mappings/abc/", "/api/mappings/patient/"] {
            bob.get(path).await.says(404, detail("Not found."));
        }
    }
}

mod change {
    use super::*;

    #[tokio::test]
    async fn is_by_deletion_alone() {
        let app = TestApp::start().await;
        let alice = alice(&app).await;
        alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201);
        for method in ["PUT", "PATCH", "POST"] {
            let reply = alice.send(method, "/api/mappings/1/").await;
            assert_eq!(reply.header("allow"), "GET, DELETE, HEAD, OPTIONS");
            reply.says(405, detail(&format!("Method \"{method}\" not allowed.")));
        }
        let no = || detail("No PatientDoctorMapping matches the given query.");
        app.user("bob").await.delete("/api/mappings/1/").await.says(404, no());
        alice.delete("/api/mappings/999/").await.says(404, no());
        alice.delete("/api/mappings/abc/").await.says(404, detail("Not found."));
        assert_eq!(alice.delete("/api/mappings/1/").await.is(204).text, "");
        alice.delete("/api/mappings/1/").await.says(404, no());
        alice.get(MAPPINGS).await.says(200, json!([]));
    }

    #[tokio::test]
    async fn goes_with_the_patient() {
        let app = TestApp::start().await;
        let alice = alice(&app).await;
        alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201);
        alice.delete("/api/patients/1/").await.is(204);
        alice.get(MAPPINGS).await.says(200, json!([]));
        let audited =
            "select jsonb_agg(table_name order by table_name) from audit_log where action = 'DELETE' and actor_id = 1";
        assert_eq!(app.value(audited).await, json!(["patient_doctor_mappings", "patients"]));
    }
}
