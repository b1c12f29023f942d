//! Lists as they are asked for: ordered, searched, filtered.

use serde_json::json;

use crate::support::{
    PATIENTS, Reply, TestApp,
    cases::{Case, all_hold, case},
    john_doe,
    lists::{all_pages, ids, patients},
    messages::{fault, faults},
    with,
};

#[tokio::test]
async fn are_ordered_in_any_case_and_without_accents() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (name, born) in [("zoe", "1990-01-01"), ("Émile", "1980-01-01"), ("adam", "2000-01-01"), ("Eva", "1980-01-01")]
    {
        let body = with(john_doe(), json!({"first_name": name, "date_of_birth": born}));
        alice.post(PATIENTS, body).await.is(201);
    }
    for (ordering, expected) in [
        ("first_name", [3, 2, 4, 1]),
        ("-first_name", [1, 4, 2, 3]),
        ("date_of_birth", [2, 4, 1, 3]),
        ("-date_of_birth", [3, 1, 4, 2]),
        ("created_at", [1, 2, 3, 4]),
        ("-updated_at", [4, 3, 2, 1]),
        ("-id", [4, 3, 2, 1]),
    ] {
        let path = format!("{PATIENTS}?ordering={ordering}");
        assert_eq!(ids(&alice.get(&path).await.is(200)), expected, "{ordering}");
        let pages = all_pages(&alice, &format!("{path}&limit=1")).await;
        assert_eq!(pages.concat(), expected, "{ordering} by pages");
    }
}

#[tokio::test]
async fn are_searched_for_all_words_in_any_case_without_accents_and_to_the_letter() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (first, last, address) in [
        ("José", "Álvarez", "1 Main St"),
        ("Jose", "Smith", "100% Street_"),
        ("ÅSA", "Öberg", r"back\slash"),
        ("Søren ﬁnn", "O’Brien Νίκος", "Straße 1, Łódź"),
    ] {
        let body = with(john_doe(), json!({"first_name": first, "last_name": last, "address": address}));
        alice.post(PATIENTS, body).await.is(201);
    }
    for (search, expected) in [
        ("jose", vec![1, 2]),
        ("JOSÉ%20alvarez", vec![1]),
        ("alvarez%20+%20jose", vec![1]),
        ("asa%20oberg", vec![3]),
        ("jose%20oberg", vec![]),
        ("%25", vec![2]),
        ("t_", vec![2]),
        ("_", vec![2]),
        (r"k\s", vec![3]),
        ("'%20or%201=1", vec![]),
        ("%20%20", vec![1, 2, 3, 4]),
        ("", vec![1, 2, 3, 4]),
        ("issues", vec![]),
        ("jose,%20alvarez", vec![1]),
        ("soren%20lodz%20strasse%20o'brien%20%CE%9D%CE%99%CE%9A%CE%9F%CE%A3", vec![4]),
        ("finn", vec![4]),
    ] {
        let reply = alice.get(&format!("{PATIENTS}?search={search}")).await.is(200);
        assert_eq!(ids(&reply), expected, "{search}");
    }
    // what is changed is found by what it is now
    alice.patch("/api/patients/1/", json!({"last_name": "Núñez"})).await.is(200);
    assert_eq!(ids(&alice.get("/api/patients/?search=nunez").await), [1]);
    assert_eq!(ids(&alice.get("/api/patients/?search=alvarez").await), Vec::<i64>::new());
}

#[tokio::test]
async fn are_filtered_by_field_and_by_range() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (first, born, gender, phone) in
        [("Ann", "1990-05-05", "F", "1"), ("Bob", "1991-05-05", "M", "2"), ("Cleo", "1992-05-05", "F", "2")]
    {
        let email = format!("{first}@example.com");
        let body = json!({"first_name": first, "last_name": "X", "date_of_birth": born, "gender": gender, "phone": phone, "email": email});
        alice.post(PATIENTS, body).await.is(201);
    }
    let created = alice.get("/api/patients/2/").await.body["created_at"].as_str().unwrap().to_owned();
    for (query, expected) in [
        ("gender=F", vec![1, 3]),
        ("gender=F&phone_number=2", vec![3]),
        ("first_name=Bob", vec![2]),
        ("first_name=bob", vec![]),
        ("id=3", vec![3]),
        ("email=ANN@example.com", vec![1]),
        ("created_at__gt=2000-01-01 00:00:00", vec![1, 2, 3]),
        ("created_at__gt=2000-01-01T00:00:00 02:00", vec![1, 2, 3]),
        ("created_at__gte=0001-01-01", vec![1, 2, 3]),
        ("unknown=%00", vec![1, 2, 3]),
        ("date_of_birth=1991-05-05", vec![2]),
        ("date_of_birth__gte=1991-05-05", vec![2, 3]),
        ("date_of_birth__gt=1991-05-05", vec![3]),
        ("date_of_birth__lte=1991-5-5", vec![1, 2]),
        ("date_of_birth__lt=1991-05-05", vec![1]),
        ("date_of_birth__gt=1990-05-05&date_of_birth__lt=1992-05-05", vec![2]),
        (&format!("created_at__gte={created}"), vec![2, 3]),
        (&format!("created_at__lt={created}"), vec![1]),
        ("created_at__gt=2999-01-01T00:00:00%2B02:00", vec![]),
        ("created_at__gt=2000-01-01", vec![1, 2, 3]),
        // the last one of several counts, an empty one is none, and what is not known says nothing
        ("gender=F&gender=M", vec![2]),
        ("gender=&first_name=", vec![1, 2, 3]),
        ("colour=red&first_name__like=A&gender__gte=M&page=7&offset=2", vec![1, 2, 3]),
    ] {
        let reply = alice.get(&format!("{PATIENTS}?{query}")).await.is(200);
        assert_eq!(ids(&reply), expected, "{query}");
    }
    alice.post("/api/doctors/", json!({"name": "A B", "specialty": "C"})).await.is(201);
    alice.post("/api/doctors/", json!({"name": "Émile D", "specialty": "E"})).await.is(201);
    for (patient, doctor) in [(1, 2), (2, 2), (3, 1)] {
        alice.post("/api/mappings/", json!({"patient": patient, "doctor": doctor})).await.is(201);
    }
    for (path, expected) in [
        ("/api/doctors/?specialty=E", vec![2]),
        ("/api/doctors/?search=emile&ordering=-specialty", vec![2]),
        ("/api/doctors/?ordering=-specialty", vec![2, 1]),
        ("/api/mappings/?doctor=2&ordering=-assigned_at", vec![2, 1]),
        ("/api/mappings/?patient=3", vec![3]),
        ("/api/mappings/?search=emile%20bob", vec![2]),
        ("/api/mappings/?search=emile&limit=1", vec![1]),
    ] {
        assert_eq!(ids(&alice.get(path).await.is(200)), expected, "{path}");
    }
}

#[tokio::test]
async fn say_everything_that_is_wrong_with_a_query_at_once_and_after_who_asks() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let query =
        "?limit=0&count=maybe&ordering=medical_history&gender=X&date_of_birth__gte=soon&created_at=x&id=y&search=%00";
    let time = "Datetime has wrong format. Use one of these formats instead: \
                YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
    let faults = json!({
        "limit": ["Ensure this value is greater than or equal to 1."],
        "count": ["Must be a valid boolean."],
        "ordering": ["\"medical_history\" is not a valid choice."],
        "gender": ["\"X\" is not a valid choice."],
        "date_of_birth__gte": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
        "created_at": [time],
        "id": ["A valid integer is required."],
        "search": ["Null characters are not allowed."],
    });
    alice.get(&format!("{PATIENTS}{query}")).await.says(400, faults);
    for (query, message) in [
        ("limit=201", json!({"limit": ["Ensure this value is less than or equal to 200."]})),
        ("limit=ten", json!({"limit": ["A valid integer is required."]})),
        ("ordering=--id", json!({"ordering": ["\"--id\" is not a valid choice."]})),
        ("ordering=id,first_name", json!({"ordering": ["\"id,first_name\" is not a valid choice."]})),
        ("ordering=gender", json!({"ordering": ["\"gender\" is not a valid choice."]})),
        ("created_at__lt=%2B262142-01-01T00:00:00Z", json!({"created_at__lt": [time]})),
    ] {
        alice.get(&format!("{PATIENTS}?{query}")).await.says(400, message);
    }
    app.anonymous().get("/api/patients/?limit=0").await.is(401);
    app.sql("update users set is_active = false").await;
    alice.get("/api/patients/?limit=0").await.is(401);
}

mod unknown_parameters {
    use super::*;

    const LISTS: [&str; 3] = [PATIENTS, "/api/doctors/", "/api/mappings/"];
    const UNKNOWN: &str = "Unknown parameter.";

    /// A list that was answered without regard to these parameters.
    fn ignores(row: Case, names: &str) -> Case {
        row.is(200).with_header("ignored-parameters", names).with_header("preference-applied", "")
    }

    #[tokio::test]
    async fn are_ignored_and_named_in_a_header() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        patients(&app, 2).await;
        let ask = |list: &str, query: &str| case("", &alice, "GET", format!("{list}?{query}"));
        let mut rows: Vec<Case> = LISTS.map(|list| ignores(ask(list, "gendre=F&page=2"), "gendre, page")).into();
        let long = "x".repeat(60);
        let cut = format!("{}...", "x".repeat(50));
        let many: Vec<String> = (1..=11).map(|number| format!("p{number}=1")).collect();
        for (query, names) in [
            ("", ""),
            // what is known
            ("format=json&limit=5&count=true&search=first&ordering=-id", ""),
            ("gender=F&date_of_birth__gte=1990-01-01", ""),
            // what is known of other fields alone
            ("first_name__like=A&gender__gte=M&specialty=C", "first_name__like, gender__gte, specialty"),
            ("Gender=F&_=1", "Gender, _"),
            // what was not filled in asks for nothing, and neither does what has no name
            ("gendre=&page=%20&=1", ""),
            ("page=1&page=2", "page"),
            // no name ends the header, or looks like two
            ("a%0d%0aSet-Cookie:%20b=1&c,d=1&%25=1", "a%0D%0ASet-Cookie%3A%20b, c%2Cd, %25"),
            ("%C3%A9=1&%00=1&%FF=1", "%C3%A9, %00, %EF%BF%BD"),
            (&format!("{long}=1&b=1"), &format!("{cut}, b")),
            (&many[..10].join("&"), "p1, p2, p3, p4, p5, p6, p7, p8, p9, p10"),
            (&many.join("&"), "p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, ..."),
        ] {
            rows.push(ignores(ask(PATIENTS, query), names));
        }
        // beside an error too
        let row = ask(PATIENTS, "limit=0&page=2").is(400);
        rows.push(row.with_header("ignored-parameters", "page"));
        all_hold(rows).await;
        assert_eq!(ids(&alice.get("/api/patients/?gendre=F&page=2").await.is(200)), [1, 2]);
    }

    #[tokio::test]
    async fn are_refused_where_the_client_prefers_that() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let prefer = |path: &str, header: &str| case(header, &alice, "GET", path).header("prefer", header);
        let strict =
            |row: Case| row.with_header("preference-applied", "handling=strict").with_header("ignored-parameters", "");
        let mut rows = Vec::new();
        for list in LISTS {
            let refused = prefer(&format!("{list}?gendre=F&page=2"), "handling=strict");
            rows.push(strict(refused.says(400, faults(&["gendre", "page"], UNKNOWN))));
            let known = prefer(&format!("{list}?limit=5&format=json"), "handling=strict");
            rows.push(strict(known.says(200, json!([]))));
        }
        let path = "/api/patients/?page=2";
        for header in ["Handling=Strict", "handling = \"strict\"", "return=minimal, handling=strict; x=1"] {
            rows.push(strict(prefer(path, header).says(400, fault("page", UNKNOWN))));
        }
        for header in
            ["handling=lenient", "handling=lenient, handling=strict", "handling", "strict", "", "xhandling=strict"]
        {
            rows.push(ignores(prefer(path, header), "page"));
        }
        // beside what else is wrong
        let both = with(fault("limit", "A valid integer is required."), fault("page", UNKNOWN));
        rows.push(strict(prefer("/api/patients/?page=2&limit=x", "handling=strict").says(400, both)));
        all_hold(rows).await;
        app.sql("update users set is_active = false").await;
        let row = prefer(path, "handling=strict").is(401).with_header("preference-applied", "");
        all_hold([row]).await;
    }

    #[tokio::test]
    async fn are_none_that_the_document_names() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let document = alice.get("/api/openapi.json").await.is(200).body;
        for list in LISTS {
            let parameters = document["paths"][list]["get"]["parameters"].as_array().unwrap();
            let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
            let names: Vec<&str> = in_query.map(|parameter| parameter["name"].as_str().unwrap()).collect();
            assert!(names.len() > 8, "{names:?}");
            let path = format!("{list}?{}=x", names.join("=x&"));
            let reply = Reply::of(alice.request("GET", &path).header("prefer", "handling=strict")).await.is(400);
            assert!(!reply.text.contains(UNKNOWN), "{}", reply.text);
        }
    }

    #[tokio::test]
    async fn make_the_answer_one_that_varies_with_the_preference() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        for list in LISTS {
            let reply = alice.get(list).await.is(200);
            assert!(reply.headers.get_all("vary").iter().any(|vary| vary == "Prefer"), "{list}");
        }
    }
}
