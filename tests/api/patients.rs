//! `/api/patients/`.

use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp, detail, john_doe, with, without_times};

const PATIENTS: &str = "/api/patients/";

/// Adds README A's patient, with some fields changed, and gives its path.
async fn add(user: &Client, changes: Value) -> String {
    let mut patient = john_doe();
    patient.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let reply = user.post(PATIENTS, patient).await.is(201);
    format!("{PATIENTS}{}/", reply.body["id"])
}

fn required(fields: &[&str]) -> Value {
    fields
        .iter()
        .map(|field| ((*field).to_owned(), json!(["This field is required."])))
        .collect::<serde_json::Map<_, _>>()
        .into()
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
        let mut expected = john_doe();
        let rest = json!({
            "id": 1, "created_by": "alice@example.com", "created_at": null, "name": "John Doe",
            "age": age_in_years("1990-01-01"), "date_of_birth_estimated": false, "updated_at": null,
        });
        expected.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        assert_eq!(without_times(reply.body), expected);
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

    /// What is sent in place of a field, and what is said of it.
    async fn is_refused(changes: Value, errors: Value) {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let mut patient = john_doe();
        patient.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        alice.post(PATIENTS, patient).await.says(400, errors);
        alice.get(PATIENTS).await.says(200, json!([]));
    }

    #[tokio::test]
    async fn nothing_at_all_is_four_missing_fields() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let missing = required(&["first_name", "last_name", "date_of_birth", "gender"]);
        alice.post(PATIENTS, json!({})).await.says(400, missing.clone());
        alice.send("POST", PATIENTS).await.says(400, missing);
    }

    #[tokio::test]
    async fn one_part_of_a_name_asks_for_the_other() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        alice
            .post(PATIENTS, json!({"first_name": "Ada", "age": 3, "gender": "F"}))
            .await
            .says(400, required(&["last_name"]));
        alice
            .post(PATIENTS, json!({"last_name": "L", "age": 3, "gender": "F"}))
            .await
            .says(400, required(&["first_name"]));
    }

    #[tokio::test]
    async fn every_fault_is_reported_at_once() {
        let mixed = json!({
            "first_name": "", "last_name": null, "date_of_birth": "1990-13-45", "gender": "X", "address": "a".repeat(1001),
            "phone_number": true, "email": "x".repeat(255), "medical_history": ["none"], "age": 1.5,
        });
        let errors = json!({
            "first_name": ["This field may not be blank."],
            "last_name": ["This field may not be null."],
            "date_of_birth": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
            "age": ["A valid integer is required."],
            "gender": ["\"X\" is not a valid choice."],
            "address": ["Ensure this field has no more than 1000 characters."],
            "phone_number": ["Not a valid string."],
            "email": ["Ensure this field has no more than 254 characters.", "Enter a valid email address."],
            "medical_history": ["Not a valid string."],
        });
        is_refused(mixed, errors).await;
    }

    #[tokio::test]
    async fn blanks_are_refused_where_something_must_stand() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let keys = [
            "first_name",
            "last_name",
            "date_of_birth",
            "gender",
            "address",
            "phone_number",
            "email",
            "medical_history",
        ];
        let blanks: Value =
            keys.map(|key| (key.to_owned(), json!(""))).into_iter().collect::<serde_json::Map<_, _>>().into();
        alice.post(PATIENTS, blanks).await.says(
            400,
            json!({
                "first_name": ["This field may not be blank."],
                "last_name": ["This field may not be blank."],
                "date_of_birth": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
                "gender": ["\"\" is not a valid choice."],
            }),
        );
        alice.post(PATIENTS, json!({"name": "  ", "age": "", "gender": "F"})).await.says(
            400,
            json!({
                "name": ["This field may not be blank."],
                "age": ["A valid integer is required."],
            }),
        );
    }

    #[tokio::test]
    async fn null_is_refused_everywhere() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let keys = [
            "first_name",
            "last_name",
            "name",
            "date_of_birth",
            "age",
            "gender",
            "address",
            "phone_number",
            "email",
            "medical_history",
        ];
        let of = |value: Value| -> Value {
            keys.map(|key| (key.to_owned(), value.clone())).into_iter().collect::<serde_json::Map<_, _>>().into()
        };
        alice.post(PATIENTS, of(json!(null))).await.says(400, of(json!(["This field may not be null."])));
    }

    #[tokio::test]
    async fn values_of_other_types_are_refused_in_drf_s_words() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        for (value, shown) in [
            (json!([]), "[]"),
            (json!({}), "{}"),
            (json!(true), "True"),
            (json!(["M", null]), "['M', None]"),
            (json!({"a": 1.5}), "{'a': 1.5}"),
        ] {
            let body = json!({
                "first_name": value, "last_name": value, "date_of_birth": value, "gender": value, "address": value,
                "phone_number": value, "email": value, "medical_history": value, "age": value, "name": value,
            });
            alice.post(PATIENTS, body).await.says(
                400,
                json!({
                    "first_name": ["Not a valid string."],
                    "last_name": ["Not a valid string."],
                    "name": ["Not a valid string."],
                    "date_of_birth": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
                    "age": ["A valid integer is required."],
                    "gender": [format!("\"{shown}\" is not a valid choice.")],
                    "address": ["Not a valid string."],
                    "phone_number": ["Not a valid string."],
                    "email": ["Enter a valid email address."],
                    "medical_history": ["Not a valid string."],
                }),
            );
        }
    }

    #[tokio::test]
    async fn numbers_are_taken_as_strings_but_not_as_a_date_a_gender_or_an_address() {
        let seven = json!({
            "first_name": 7, "last_name": 7, "date_of_birth": 7, "gender": 7, "address": 7, "phone_number": 7, "email": 7,
            "medical_history": 7,
        });
        is_refused(
            seven,
            json!({
                "date_of_birth": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
                "gender": ["\"7\" is not a valid choice."],
                "email": ["Enter a valid email address."],
            }),
        )
        .await;
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({"phone_number": 5_551_234, "first_name": 5.5})).await;
        let body = alice.get(&path).await.is(200).body;
        assert_eq!((&body["phone_number"], &body["first_name"]), (&json!("5551234"), &json!("5.5")));
    }

    #[tokio::test]
    async fn a_field_that_is_sent_under_two_names_must_be_good_under_both() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let body = with(john_doe(), json!({"phone": "12", "contact": "1".repeat(21)}));
        alice
            .post(PATIENTS, body)
            .await
            .says(400, json!({"contact": ["Ensure this field has no more than 20 characters."]}));
        let body = with(john_doe(), json!({"phone": null, "contact": {}}));
        alice
            .post(PATIENTS, body)
            .await
            .says(400, json!({"phone": ["This field may not be null."], "contact": ["Not a valid string."]}));
        let reply = alice.post(PATIENTS, with(john_doe(), json!({"phone": "12"}))).await;
        assert_eq!(reply.is(201).body["phone_number"], "1234567890");
    }

    #[tokio::test]
    async fn numbers_are_taken_as_texts_while_all_of_their_digits_are_known() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        for (sent, stored) in [
            (json!(5), "5"),
            (json!(1.5), "1.5"),
            (json!(-1e17), "-1e+17"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(i64::MIN), "-9223372036854775808"),
        ] {
            let body = with(john_doe(), json!({ "address": sent }));
            let reply = alice.post(PATIENTS, body).await.is(201);
            assert_eq!(reply.body["address"], stored);
        }
        for (field, sent) in [
            ("address", "18446744073709551616"),
            ("address", "-9223372036854775809"),
            ("address", "1e300"),
            ("address", "true"),
            ("phone_number", "1.5"),
        ] {
            let mut body = john_doe();
            body[field] = serde_json::from_str(sent).unwrap();
            let messages = json!({ field: ["Not a valid string."] });
            alice.post(PATIENTS, body).await.says(400, messages);
        }
        let body = with(john_doe(), json!({"phone_number": 1_234_567_890.0, "address": "\u{1c} x \u{1f}"}));
        let reply = alice.post(PATIENTS, body).await.is(201);
        assert_eq!((&reply.body["phone_number"], &reply.body["address"]), (&json!("1234567890.0"), &json!("x")));
    }

    #[tokio::test]
    async fn ages_are_whole_years_from_0_to_150() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let with_age = |age: Value| json!({"name": "A B", "gender": "O", "age": age});
        for age in [json!(34), json!("34"), json!(" 34 "), json!(34.0), json!("34.0"), json!("+34")] {
            let reply = alice.post(PATIENTS, with_age(age)).await.is(201);
            assert_eq!(reply.body["age"], 34);
        }
        for age in [json!("abc"), json!(1.5), json!("1.5"), json!(true), json!([]), json!("3 4"), json!("-")] {
            alice.post(PATIENTS, with_age(age)).await.says(400, json!({"age": ["A valid integer is required."]}));
        }
        let (low, high) =
            ("Ensure this value is greater than or equal to 0.", "Ensure this value is less than or equal to 150.");
        for (age, message) in [
            (json!(-1), low),
            (json!(i64::MIN), low),
            (json!("-99999999999999999999"), low),
            (json!(151), high),
            (json!(2_147_483_648_i64), high),
            (json!(u64::MAX), high),
            (json!(1e300), high),
            (json!("9".repeat(1000)), high),
        ] {
            alice.post(PATIENTS, with_age(age)).await.says(400, json!({"age": [message]}));
        }
        alice
            .post(PATIENTS, with_age(json!("9".repeat(1001))))
            .await
            .says(400, json!({"age": ["String value too large."]}));
    }

    #[tokio::test]
    async fn genders_are_taken_as_letters_and_as_words() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        for (sent, shown) in [("M", "M"), ("F", "F"), ("O", "O"), ("male", "M"), ("Female", "F"), ("OTHER", "O")] {
            let reply = alice.post(PATIENTS, json!({"name": "A B", "age": 1, "gender": sent})).await.is(201);
            assert_eq!(reply.body["gender"], shown);
        }
        for gender in ["m", " M", "Mr", "X"] {
            let message = format!("\"{gender}\" is not a valid choice.");
            alice
                .post(PATIENTS, json!({"name": "A B", "age": 1, "gender": gender}))
                .await
                .says(400, json!({"gender": [message]}));
        }
    }

    #[tokio::test]
    async fn dates_have_a_year_a_month_and_a_day_that_exist() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let born = |date: &str| json!({"name": "A B", "gender": "O", "date_of_birth": date});
        for (sent, shown) in [("1990-1-1", "1990-01-01"), ("0001-01-01", "0001-01-01"), ("2024-02-29", "2024-02-29")] {
            let reply = alice.post(PATIENTS, born(sent)).await.is(201);
            assert_eq!(reply.body["date_of_birth"], shown);
        }
        for date in [
            "1990-13-45",
            "01/02/1990",
            "1990-01-01T00:00:00Z",
            "1990-02-30",
            "2023-02-29",
            "0000-01-01",
            "10000-01-01",
            "+262142-12-31",
            "-0001-01-01",
            "19900101",
            "1990-001-01",
            "1990-01",
            "1990-01-01-01",
            "",
            "infinity",
            " 1990-01-01",
            "１９９０-01-01",
        ] {
            let message =
                json!({"date_of_birth": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."]});
            alice.post(PATIENTS, born(date)).await.says(400, message);
        }
        let now = chrono::Utc::now();
        let latest = (now + chrono::TimeDelta::hours(14)).date_naive();
        alice.post(PATIENTS, born(&latest.to_string())).await.is(201);
        let future = json!({"date_of_birth": ["Date of birth cannot be in the future."]});
        alice.post(PATIENTS, born(&(latest + chrono::Days::new(2)).to_string())).await.says(400, future.clone());
        alice.post(PATIENTS, born("9999-12-31")).await.says(400, future);
    }

    #[tokio::test]
    async fn strings_are_trimmed_and_unknown_and_read_only_fields_are_ignored() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({
            "first_name": "  John ", "id": 99, "created_by": "bob@example.com", "created_at": "2000-01-01T00:00:00Z",
            "version": 7, "is_staff": true, "favourite_colour": "blue", "user": 2,
        })).await;
        assert_eq!(path, "/api/patients/1/");
        let patient = alice.get(&path).await.is(200).body;
        assert_eq!((&patient["first_name"], &patient["created_by"]), (&json!("John"), &json!("alice@example.com")));
        assert_ne!(patient["created_at"], "2000-01-01T00:00:00Z");
    }

    #[tokio::test]
    async fn a_phone_number_may_be_spelled_in_other_ways_and_errors_are_under_the_key_that_was_sent() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        for key in ["phone", "contact", "contact_number", "phone_number"] {
            let reply = alice.post(PATIENTS, json!({"name": "A B", "age": 1, "gender": "F", key: "12"})).await.is(201);
            assert_eq!(reply.body["phone_number"], "12");
            let long = json!({"name": "A B", "age": 1, "gender": "F", key: "1".repeat(21)});
            alice
                .post(PATIENTS, long)
                .await
                .says(400, json!({key: ["Ensure this field has no more than 20 characters."]}));
            alice
                .post(PATIENTS, json!({"name": "A B", "age": 1, "gender": "F", key: []}))
                .await
                .says(400, json!({key: ["Not a valid string."]}));
        }
    }

    #[tokio::test]
    async fn a_name_is_split_at_its_last_space() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        for (name, first, last) in [
            ("Cher", "Cher", ""),
            ("Ada King Lovelace", "Ada King", "Lovelace"),
            (" Ada  Lovelace ", "Ada ", "Lovelace"),
        ] {
            let patient = alice.post(PATIENTS, json!({"name": name, "age": 1, "gender": "F"})).await.is(201).body;
            assert_eq!((patient["first_name"].as_str(), patient["last_name"].as_str()), (Some(first), Some(last)));
            assert_eq!(patient["name"], format!("{first} {last}").trim());
        }
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
        for query in ["", "?page=2&page_size=1", "?format=json", "?format="] {
            let list = alice.get(&format!("{PATIENTS}{query}")).await.is(200).body;
            let names: Vec<&str> =
                list.as_array().unwrap().iter().map(|patient| patient["first_name"].as_str().unwrap()).collect();
            assert_eq!(names, ["Carl", "Ada", "Bob"]);
        }
        alice.get("/api/patients/?format=xml").await.says(404, detail("Not found."));
    }
}

mod retrieve {
    use super::*;

    #[tokio::test]
    async fn is_what_create_answered() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let created = alice.post(PATIENTS, john_doe()).await.is(201);
        for path in
            ["/api/patients/1/", "/api/patients/1", "/api/patients/%201/", "/api/patients/+1/", "/api/patients/01/"]
        {
            assert_eq!(alice.get(path).await.is(200).text, created.text, "{path}");
        }
    }

    #[tokio::test]
    async fn an_id_that_is_nobody_s_and_one_that_is_no_number() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        for id in ["0", "-1", "2147483648", "9223372036854775807", "9223372036854775808", "99999999999999999999"] {
            alice.get(&format!("/api/patients/{id}/")).await.says(404, detail("No Patient matches the given query."));
        }
        for id in ["abc", "1.0", "1.5", "%EF%BC%91", "1%00", "--1", "0x1", "1e1", "%FF"] {
            alice.get(&format!("/api/patients/{id}/")).await.says(404, detail("Not found."));
        }
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
    async fn asks_for_what_is_required() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let path = add(&alice, json!({})).await;
        alice
            .put(&path, json!({"gender": "F"}))
            .await
            .says(400, required(&["first_name", "last_name", "date_of_birth"]));
        alice.put(&path, json!({})).await.says(400, required(&["first_name", "last_name", "date_of_birth", "gender"]));
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
                "last_name": ["This field may not be blank."],
                "age": ["Ensure this value is less than or equal to 150."],
                "gender": ["\"?\" is not a valid choice."],
                "email": ["Enter a valid email address."],
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
}

mod many_at_once {
    use super::*;

    #[tokio::test]
    async fn change_one_patient_and_all_are_200() {
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
        let gone: fn(Reply) -> Reply = |reply| reply.says(404, detail("No Patient matches the given query."));
        gone(alice.delete(&path).await);
        gone(alice.get(&path).await);
        gone(alice.put(&path, john_doe()).await);
        gone(alice.patch(&path, json!({})).await);
    }
}
