//! Lists: paged, searched, ordered, filtered; and whole ones, as they are read.

use std::time::Duration;

use healthcare_backend::db::SETTINGS;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Client, Reply, TestApp, john_doe, with};

const PATIENTS: &str = "/api/patients/";

/// Adds rows to the first user's patients, behind the server's back.
async fn patients(app: &TestApp, count: usize) {
    app.sql(&format!(
        "insert into patients (created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender, \
             address, phone_number, email, medical_history) \
         select 1, 'First' || n % 7, 'Last' || n % 11, '1950-01-01'::date + n % 20000, false, \
             (array['M', 'F', 'O'])[n % 3 + 1], '', n::text, '', repeat('x', 100) \
         from generate_series(1, {count}) n"
    ))
    .await;
}

fn ids(reply: &Reply) -> Vec<i64> {
    let rows = reply.body.as_array().unwrap().iter();
    rows.map(|row| row["id"].as_i64().unwrap()).collect()
}

/// Where the next page is.
fn next(reply: &Reply) -> Option<String> {
    let link = reply.header("link").strip_prefix('<')?;
    Some(link.strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

/// The numbers of all pages, one behind the other.
async fn all_pages(client: &Client, path: &str) -> Vec<Vec<i64>> {
    let (mut pages, mut path) = (Vec::new(), Some(path.to_owned()));
    while let Some(current) = path {
        let reply = client.get(&current).await.is(200);
        pages.push(ids(&reply));
        path = next(&reply);
    }
    pages
}

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

#[tokio::test]
async fn that_are_long_come_whole_and_as_those_that_are_short() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for count in [199, 1, 1, 1, 300] {
        patients(&app, count).await;
        let whole = alice.get(PATIENTS).await.is(200);
        let pages = all_pages(&alice, "/api/patients/?limit=57").await.concat();
        assert_eq!(ids(&whole), pages);
        let one = alice.get("/api/patients/200/").await;
        if one.status == 200 {
            assert!(whole.text.contains(&one.text), "a row is written as it is alone");
        }
    }
    let by_date = alice.get("/api/patients/?ordering=-date_of_birth").await.is(200);
    assert_eq!(ids(&by_date).len(), 502);
    assert_eq!(by_date.header("content-type"), "application/json");
}

/// Sends a GET by hand; what comes back until the connection ends, or stands still.
async fn exchange(app: &TestApp, client: &Client, path: &str, headers: &str) -> Vec<u8> {
    let mut socket = TcpStream::connect(app.address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{headers}Connection: close\r\n\r\n",
        client.token()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn that_break_off_break_the_connection() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    patients(&app, 3000).await;
    app.sql("update patients set medical_history = repeat('x', 20000)").await;
    let mut socket = TcpStream::connect(app.address).await.unwrap();
    let request = format!("GET /api/patients/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", alice.token());
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut begin = [0; 1000];
    socket.read_exact(&mut begin).await.unwrap();
    assert!(begin.starts_with(b"HTTP/1.1 200 OK"));
    // who is no more gets no further
    app.sql("update users set is_active = false").await;
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest).await;
    assert!(rest.len() > 100_000 && rest.len() < 50_000_000, "{}", rest.len());
    assert!(!rest.ends_with(b"0\r\n\r\n") && !rest.ends_with(b"]"), "it looks whole");
}

#[tokio::test]
async fn that_are_read_slowly_keep_no_connection_to_the_database() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    patients(&app, 2000).await;
    app.sql("update patients set medical_history = repeat('x', 20000)").await;
    // more of them than there are connections
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let mut socket = TcpStream::connect(app.address).await.unwrap();
        let request =
            format!("GET /api/patients/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", alice.token());
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut begin = [0; 100];
        socket.read_exact(&mut begin).await.unwrap();
        sockets.push(socket);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let busy = "select count(*) from pg_stat_activity where application_name = 'healthcare-backend' and state <> 'idle' \
                and datname = current_database()";
    assert_eq!(app.value(busy).await, json!(0));
    alice.get("/api/patients/1/").await.is(200);
}

#[tokio::test]
async fn are_compressed_when_asked() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    patients(&app, 500).await;
    let plain = alice.get(PATIENTS).await.is(200);
    assert_eq!(plain.header("content-encoding"), "");
    let gzipped = exchange(&app, &alice, PATIENTS, "Accept-Encoding: gzip\r\n").await;
    let head = String::from_utf8_lossy(&gzipped[..gzipped.len().min(2000)]).to_lowercase();
    assert!(head.contains("content-encoding: gzip") && head.contains("vary: accept-encoding"), "{head}");
    assert!(gzipped.len() * 5 < plain.text.len(), "{} of {}", gzipped.len(), plain.text.len());
    // neither what has an ETag, nor tokens, nor what is short
    for path in ["/api/patients/1/", "/api/auth/me/", "/api/patients/?limit=1"] {
        let answer = exchange(&app, &alice, path, "Accept-Encoding: gzip\r\n").await;
        assert!(!String::from_utf8_lossy(&answer).contains("content-encoding"), "{path}");
    }
}

/// The nodes of a plan, from the top.
fn nodes(plan: &Value) -> Vec<&Value> {
    let parts = plan["Plans"].as_array().into_iter().flatten();
    std::iter::once(plan).chain(parts.flat_map(nodes)).collect()
}

/// How PostgreSQL runs the statement that the server ran last, with these values: planned for them, or for any.
async fn plans(app: &TestApp, values: &[&str]) -> Vec<(String, Value)> {
    let last = "select query from pg_stat_activity where datname = current_database() and query like '%as place%' \
                and application_name = 'healthcare-backend' order by state_change desc limit 1";
    let sql = app.value(last).await.as_str().unwrap().to_owned();
    assert!(sql.contains(" limit $") && sql.len() < 1023, "it was cut off: {sql}");
    let mut connection = app.connection().await;
    let mut plans = Vec::new();
    for mode in ["force_custom_plan", "force_generic_plan"] {
        for (name, value) in SETTINGS {
            let set = format!("set {name} = '{value}'");
            sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut connection).await.unwrap();
        }
        let prepare = format!("set plan_cache_mode = {mode}; deallocate all; prepare list as {sql}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap();
        let explain = format!("explain (analyze, format json) execute list({})", values.join(", "));
        let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut connection).await.unwrap();
        let plan: Value = serde_json::from_str(rows.try_get_unchecked(0).unwrap()).unwrap();
        plans.push((format!("{mode}: {sql}"), plan[0]["Plan"].clone()));
    }
    plans
}

/// No look at every row of a big table, and no sort of more than a page.
fn check(what: &str, sql: &str, plan: &Value) {
    let actor = "with actor as materialized (select * from actor($1, $2, $3))";
    assert!(sql.contains(actor) && !sql.contains("offset"), "{sql}");
    for node in nodes(plan) {
        let kind = node["Node Type"].as_str().unwrap();
        let relation = node["Relation Name"].as_str().unwrap_or_default();
        // what is asked for by a value of its own is found by that
        let is_unique = ["&id=", "&license_number=", "&patient="].iter().any(|filter| what.contains(filter));
        let removed = node["Rows Removed by Filter"].as_f64().unwrap_or_default();
        assert!(!(is_unique && removed > 51.0), "{what}: looks at {removed}\n{sql}\n{plan:#}");
        let is_big = ["patients", "doctors", "patient_doctor_mappings"].contains(&relation);
        assert!(!(kind == "Seq Scan" && is_big), "{what}: reads all {relation}\n{sql}\n{plan:#}");
        let sorted = node["Plans"][0]["Actual Rows"].as_f64().unwrap_or_default();
        assert!(!(kind.contains("Sort") && sorted > 51.0), "{what}: sorts {sorted}\n{sql}\n{plan:#}");
    }
}

#[tokio::test]
async fn are_read_by_an_index_without_an_offset_and_without_a_sort_of_more_than_a_page() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    app.user("bob").await;
    patients(&app, 20_000).await;
    app.sql("update patients set created_by = 2 where id % 2 = 0").await;
    app.sql(
        "insert into doctors (first_name, last_name, specialty, phone_number) \
             select 'First' || n % 7, 'Last' || n, 'S' || n % 20, '' from generate_series(1, 5000) n; \
         insert into patient_doctor_mappings (patient_id, created_by, doctor_id) \
             select id, created_by, id % 5000 + 1 from patients",
    )
    .await;
    app.sql("analyze").await;
    let texts = [("id", "'5000'"), ("first_name", "'first3'"), ("last_name", "'last3'")];
    let times = [("created_at", "now()"), ("updated_at", "now()")];
    let of_patients = [texts.as_slice(), &[("date_of_birth", "'1970-01-01'")], &times].concat();
    let of_doctors = [texts.as_slice(), &[("specialty", "'s3'")], &times].concat();
    let mut checked = 0;
    for (list, orderings, filters) in [
        (
            "patients",
            of_patients.as_slice(),
            [
                ("", vec![]),
                ("&gender=M", vec!["'M'"]),
                ("&search=first1%20last3", vec!["array['first1', 'last3']"]),
                ("&date_of_birth__gte=1960-01-01", vec!["'1960-01-01'"]),
                ("&phone_number=4711", vec!["'4711'"]),
                ("&id=4711", vec!["4711"]),
            ]
            .as_slice(),
        ),
        (
            "doctors",
            &of_doctors,
            &[
                ("", vec![]),
                ("&search=last1", vec!["array['last1']"]),
                ("&specialty=S3", vec!["'S3'"]),
                ("&license_number=nobody", vec!["'nobody'"]),
            ],
        ),
        (
            "mappings",
            &[("id", "'5000'"), ("assigned_at", "now()")],
            &[
                ("", vec![]),
                ("&doctor=17", vec!["17"]),
                ("&patient=4711", vec!["4711"]),
                ("&search=first1", vec!["array['first1']"]),
            ],
        ),
    ] {
        for ((ordering, place), (filter, values)) in
            orderings.iter().flat_map(|one| filters.iter().map(move |two| (one, two)))
        {
            for sign in ["", "-"] {
                let path = format!("/api/{list}/?ordering={sign}{ordering}{filter}&limit=50");
                let first = alice.get(&path).await.is(200);
                let begin = [["1", "1", "'x'", "false"].as_slice(), values].concat();
                for (sql, plan) in plans(&app, &[begin.as_slice(), &["51"]].concat()).await {
                    check(&path, &sql, &plan);
                }
                if let Some(next) = next(&first) {
                    alice.get(&next).await.is(200);
                    let behind: &[&str] = if *ordering == "id" { &["5000"] } else { &[place, "5000"] };
                    for (sql, plan) in plans(&app, &[begin.as_slice(), behind, &["51"]].concat()).await {
                        check(&next, &sql, &plan);
                    }
                }
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 2 * (6 * 6 + 6 * 4 + 2 * 4));
}
