//! `/api/mappings/`.

use serde_json::{Value, json};

use crate::support::{
    Client, DOCTORS, MAPPINGS, PATIENTS, TestApp,
    cases::{Case, all_hold, case},
    detail, emily_carter, john_doe,
    messages::{
        NO_MAPPING, NO_PATIENT, NOT_FOUND, NOT_UNIQUE, NOT_YOURS, NULL, REQUIRED, all, fault, faults, not_allowed,
    },
    without_times,
};

const FIRST: &str = "/api/mappings/1/";

/// Alice with a patient, and a doctor; both are number 1.
async fn alice(app: &TestApp) -> Client {
    let alice = app.user("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    alice.post(DOCTORS, emily_carter()).await.is(201);
    alice
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
        again.says(400, fault("non_field_errors", NOT_UNIQUE));
    }

    #[tokio::test]
    async fn a_title_is_not_doubled_and_a_single_name_has_no_space() {
        let app = TestApp::start().await;
        let alice = alice(&app).await;
        alice.post(DOCTORS, json!({"name": "Dr. Who", "specialty": "Time"})).await.is(201);
        alice.post(PATIENTS, json!({"name": "Cher", "age": 70, "gender": "F"})).await.is(201);
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
        let post = |name: &str, body: Value| case(name, &alice, "POST", MAPPINGS).json(body);
        let incorrect = |kind: &str| format!("Incorrect type. Expected pk value, received {kind}.");
        let mut rows = vec![post("nothing", json!({})).says(400, faults(&["patient", "doctor"], REQUIRED))];
        for (value, message) in [
            (json!(null), NULL.into()),
            (json!(""), NULL.into()),
            (json!("abc"), incorrect("str")),
            (json!("1.0"), incorrect("str")),
            (json!(true), incorrect("bool")),
            (json!([1]), incorrect("list")),
            (json!({}), incorrect("dict")),
            (json!(1.5), incorrect("float")),
        ] {
            for keys in [["patient", "doctor"], ["patient_id", "doctorId"]] {
                rows.push(post(&message, all(&keys, &value)).says(400, faults(&keys, &message)));
            }
        }
        // a number without a fraction is an integer, however it is written
        rows.push(post("1.0", json!({"patient": 1.0, "doctor": 1.0})).is(201));
        rows.push(post("1e300", json!({"patient": 1e300, "doctor": 1})).says(400, detail(NOT_YOURS)));
        all_hold(rows).await;
    }

    #[tokio::test]
    async fn says_the_same_of_a_foreign_patient_and_a_missing_one_before_anything_else() {
        let app = TestApp::start().await;
        let alice = alice(&app).await;
        let bob = app.user("bob").await;
        alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201);
        let mut rows = Vec::new();
        for patient in [json!(1), json!(999), json!(0), json!(-1), json!(u64::MAX), json!("99999999999999999999")] {
            for doctor in [json!(1), json!(999), json!("abc"), json!(null), json!([])] {
                let body = json!({"patient": patient, "doctor": doctor});
                let row = case(&body, &bob, "POST", MAPPINGS).json(body);
                rows.push(row.writes(400, detail(NOT_YOURS).to_string()));
            }
        }
        rows.extend(["999", "9223372036854775808", "0"].map(|doctor| {
            let errors = fault("doctor", format!("Invalid pk \"{doctor}\" - object does not exist."));
            case(doctor, &alice, "POST", MAPPINGS).json(json!({"patient": 1, "doctor": doctor})).says(400, errors)
        }));
        all_hold(rows).await;
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
                reply.says(400, fault("non_field_errors", NOT_UNIQUE));
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
        alice.post(PATIENTS, john_doe()).await.is(201);
        let second = alice.post(DOCTORS, json!({"name": "A B", "specialty": "C"})).await.is(201).body;
        let first = alice.get("/api/doctors/1/").await.body;
        let b = alice.post(MAPPINGS, json!({"patient": 1, "doctor": 2})).await.is(201).body;
        let a = alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201).body;
        let get = |client: &Client, path: &str| case("a list", client, "GET", path);
        let mut rows = vec![
            get(&alice, MAPPINGS).says(200, json!([b, a])),
            get(&alice, "/api/mappings/1/").says(200, json!([first, second])),
            get(&alice, "/api/mappings/2/").says(200, json!([])),
        ];
        for path in ["/api/mappings/by-patient/", "/api/mappings/patient/"] {
            for slash in ["/", ""] {
                rows.push(get(&alice, &format!("{path}1{slash}")).says(200, json!([b, a])));
                rows.push(get(&alice, &format!("{path}2{slash}")).says(200, json!([])));
            }
        }
        all_hold(rows).await;
    }

    #[tokio::test]
    async fn shows_nothing_of_another_user_s() {
        let app = TestApp::start().await;
        alice(&app).await.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201);
        let bob = app.user("bob").await;
        let get = |path: &str| case("not bob's", &bob, "GET", path);
        let mut rows: Vec<Case> = vec![get(MAPPINGS).says(200, json!([]))];
        rows.extend(
            ["by-patient/1/", "1/", "999/", "patient/999/"]
                .map(|path| get(&format!("{MAPPINGS}{path}")).says(404, detail(NO_PATIENT))),
        );
        rows.extend(
            ["by-patient/abc/", "abc/", "patient/"]
                .map(|path| get(&format!("{MAPPINGS}{path}")).says(404, detail(NOT_FOUND))),
        );
        all_hold(rows).await;
    }
}

mod change {
    use super::*;

    #[tokio::test]
    async fn is_by_deletion_alone() {
        let app = TestApp::start().await;
        let (alice, bob) = (alice(&app).await, app.user("bob").await);
        alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201);
        let mut rows: Vec<Case> = ["PUT", "PATCH", "POST"]
            .map(|method| {
                let row = case("no change", &alice, method, FIRST).says(405, not_allowed(method));
                row.with_header("allow", "GET, DELETE, HEAD, OPTIONS")
            })
            .into();
        rows.extend([
            case("another user's", &bob, "DELETE", FIRST).says(404, detail(NO_MAPPING)),
            case("nobody's", &alice, "DELETE", "/api/mappings/999/").says(404, detail(NO_MAPPING)),
            case("no number", &alice, "DELETE", "/api/mappings/abc/").says(404, detail(NOT_FOUND)),
            case("one's own", &alice, "DELETE", FIRST).writes(204, ""),
            case("gone", &alice, "DELETE", FIRST).says(404, detail(NO_MAPPING)),
            case("gone", &alice, "GET", MAPPINGS).says(200, json!([])),
        ]);
        all_hold(rows).await;
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
