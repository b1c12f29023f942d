//! Many users at once, whose reads share statements: nobody is ever shown what is another's.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::Connection;

use crate::support::{Client, ME, PATIENTS, TestApp, detail, emily_carter, john_doe, with};

const USERS: i64 = 200;
const LASTS: Duration = Duration::from_secs(5);

/// A user, with what this user alone may see.
struct Person {
    client: Client,
    name: String,
    /// The ids of two patients of the user's own.
    patients: [i64; 2],
    /// One of the next user's.
    foreign: i64,
}

impl Person {
    fn email(&self) -> String {
        format!("{}@example.com", self.name)
    }

    fn path(&self, patient: usize) -> String {
        format!("{PATIENTS}{}/", self.patients[patient])
    }

    /// That an answer shows a patient, and this user's.
    fn sees(&self, patient: &Value, id: i64) {
        assert_eq!(patient["id"], id, "{}: {patient}", self.name);
        assert_eq!(patient["created_by"], self.email(), "{}: {patient}", self.name);
        let history = patient["medical_history"].as_str().unwrap();
        assert!(history.starts_with(&format!("of {};", self.name)), "{}: {patient}", self.name);
    }

    /// Reads what is the user's own, and tries what is not.
    async fn read(&self, round: i64) {
        let gone = || detail("No Patient matches the given query.");
        self.sees(&self.client.get(&self.path(0)).await.is(200).body, self.patients[0]);
        self.client.get(&format!("{PATIENTS}{}/", self.foreign)).await.says(404, gone());
        let me = self.client.get(ME).await.is(200).body;
        assert_eq!(me["email"], self.email(), "{me}");
        for list in ["/api/mappings/", "/api/mappings/by-patient/"] {
            let rows = self.client.get(&format!("{list}{}/", self.patients[0])).await.is(200).text;
            let theirs = rows.matches(&format!("Of {}\"", self.name)).count();
            assert!(theirs > 0 && theirs == rows.matches("Of ").count(), "{}: {rows}", self.name);
            self.client.get(&format!("{list}{}/", self.foreign)).await.says(404, gone());
        }
        let doctor = 1 + round % USERS;
        assert_eq!(self.client.get(&format!("/api/doctors/{doctor}/")).await.is(200).body["id"], doctor);
    }

    /// Changes, and reads what was written.
    async fn write(&self, round: i64) {
        let address = format!("{} {round}", self.name);
        let changed = self.client.patch(&self.path(0), json!({ "address": address })).await.is(200).body;
        self.sees(&changed, self.patients[0]);
        assert_eq!(self.client.get(&self.path(0)).await.is(200).body["address"], address);
        let foreign = format!("{PATIENTS}{}/", self.foreign);
        self.client.patch(&foreign, json!({ "address": "stolen" })).await.is(404);
        self.client.delete(&foreign).await.is(404);
        let body = with(john_doe(), json!({ "medical_history": format!("of {};", self.name) }));
        let added = self.client.post(PATIENTS, body).await.is(201).body["id"].as_i64().unwrap();
        let path = format!("{PATIENTS}{added}/");
        self.sees(&self.client.get(&path).await.is(200).body, added);
        self.client.delete(&path).await.is(204);
        self.client.get(&path).await.is(404);
    }
}

/// Users whose logins were made behind the server's back, because each password takes its time.
async fn people(app: &TestApp) -> Vec<Person> {
    app.sql(&format!(
        "insert into users (email, name, password_hash) \
             select 'user' || n || '@example.com', 'User ' || n, 'x' from generate_series(1, {USERS}) n order by n; \
         insert into sessions (user_id, expires_at, user_agent, address) \
             select id, now() + interval '1 day', '', '' from users order by id desc; \
         insert into patients (created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender, address, \
             phone_number, email, medical_history) \
             select u.id, 'John', 'Doe', '1990-01-01', false, 'M', '', '', '', 'of ' || split_part(u.email, '@', 1) || ';' \
             from users u, generate_series(1, 2) order by md5(u.id::text); \
         insert into doctors (first_name, last_name, specialty, phone_number) \
             select 'Doctor', 'Of ' || split_part(u.email, '@', 1), 'S', '' from users u; \
         insert into patient_doctor_mappings (patient_id, created_by, doctor_id) \
             select p.id, p.created_by, d.id from patients p join users u on u.id = p.created_by \
             join doctors d on d.last_name = 'Of ' || split_part(u.email, '@', 1)"
    ))
    .await;
    let all = app.value(
        "select jsonb_agg(jsonb_build_array(u.id, (select s.id from sessions s where s.user_id = u.id), \
             split_part(u.email, '@', 1), (select jsonb_agg(p.id) from patients p where p.created_by = u.id)) order by u.id) \
         from users u where u.email like 'user%'",
    );
    let all = all.await;
    let all = all.as_array().unwrap();
    let id = |value: &Value| value.as_i64().unwrap();
    let person = |(user, next): (&Value, &Value)| Person {
        client: app.bearer(&app.token(id(&user[0]), id(&user[1]))),
        name: user[2].as_str().unwrap().to_owned(),
        patients: [id(&user[3][0]), id(&user[3][1])],
        foreign: id(&next[3][1]),
    };
    all.iter().zip(all.iter().cycle().skip(1)).map(person).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_users_at_once_see_and_change_their_own_rows_alone() {
    let app = TestApp::start().await;
    let begun = Instant::now();
    let people: Vec<_> = people(&app)
        .await
        .into_iter()
        .map(|person| {
            tokio::spawn(async move {
                let mut round = 0;
                while begun.elapsed() < LASTS || round == 0 {
                    person.read(round).await;
                    if round % 4 == 0 {
                        person.write(round).await;
                    }
                    // cut off, while others share the statement
                    let path = person.path(1);
                    let cut_off = person.client.get(&path);
                    let _ = tokio::time::timeout(Duration::from_micros(300), cut_off).await;
                    round += 1;
                }
                round
            })
        })
        .collect();
    let mut rounds = 0;
    for person in people {
        rounds += person.await.unwrap();
    }
    assert!(rounds >= USERS, "{rounds}");
    assert_eq!(app.value("select count(*) from patients").await, json!(2 * USERS));
    assert_eq!(app.value("select count(*) from patients where address = 'stolen'").await, json!(0));
}

/// An account that is deleted or deactivated, a login that is over, and a token that only reads, all in shared statements.
#[tokio::test(flavor = "multi_thread")]
async fn each_caller_is_refused_for_reasons_of_their_own() {
    let app = TestApp::start().await;
    let mut callers = Vec::new();
    for name in ["gone", "inactive", "ended", "reader", "alice"] {
        let client = app.user(name).await;
        client.post(PATIENTS, john_doe()).await.is(201);
        let id = callers.len() + 1;
        callers.push((name, client, format!("{PATIENTS}{id}/")));
    }
    let reader = app.script(&callers[3].1, true).await;
    callers[3].1 = reader;
    app.sql(
        "delete from users where name = 'gone'; update users set is_active = false where name = 'inactive'; \
         update sessions set ended_at = now() from users u where u.id = user_id and u.name = 'ended'",
    )
    .await;
    let begun = Instant::now();
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let (name, client, path) = callers[number % callers.len()].clone();
            tokio::spawn(async move {
                while begun.elapsed() < Duration::from_secs(1) {
                    let (read, write) = match name {
                        "alice" => (200, 200),
                        "reader" => (200, 403),
                        _ => (401, 401),
                    };
                    let reply = client.get(&path).await.is(read);
                    let code = &reply.body["code"];
                    match name {
                        "gone" => assert_eq!(code, "user_not_found"),
                        "inactive" => assert_eq!(code, "user_inactive"),
                        "ended" => assert_eq!(code, "token_not_valid"),
                        _ => assert_eq!(reply.body["first_name"], "John"),
                    }
                    client.patch(&path, json!({ "first_name": "John" })).await.is(write);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_locked_is_503_in_time_and_keeps_nobody_else_waiting() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    alice.post("/api/doctors/", emily_carter()).await.is(201);
    let mut connection = app.connection().await;
    let mut transaction = connection.begin().await.unwrap();
    sqlx::raw_sql("lock table patients").execute(&mut *transaction).await.unwrap();
    let begun = Instant::now();
    let waiting: Vec<_> = (0..100)
        .map(|_| {
            let alice = alice.clone();
            tokio::spawn(async move { alice.get("/api/patients/1/").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    for path in ["/api/doctors/1/", ME] {
        alice.get(path).await.is(200);
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    for reply in waiting {
        let reply = reply.await.unwrap();
        assert_eq!(reply.header("retry-after"), "1");
        reply.says(503, detail("Service temporarily unavailable, try again later."));
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    transaction.rollback().await.unwrap();
    alice.get("/api/patients/1/").await.is(200);
}

#[tokio::test]
async fn a_patient_with_many_doctors_is_read_whole() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    app.sql(
        "insert into doctors (first_name, last_name, specialty, phone_number) \
             select 'First', 'Last', 'S', '' from generate_series(1, 60); \
         insert into patient_doctor_mappings (patient_id, created_by, doctor_id) \
             select 1, 1, n from generate_series(50, 1, -1) n",
    )
    .await;
    for count in [50, 51, 52] {
        let doctors = alice.get("/api/mappings/1/").await.is(200).body;
        let ids: Vec<_> = doctors.as_array().unwrap().iter().map(|doctor| doctor["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, (1..=count).collect::<Vec<_>>());
        let mappings = alice.get("/api/mappings/by-patient/1/").await.is(200).body;
        let ids: Vec<_> = mappings.as_array().unwrap().iter().map(|mapping| mapping["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, (1..=count).collect::<Vec<_>>());
        alice.post("/api/mappings/", json!({ "patient": 1, "doctor": count + 1 })).await.is(201);
    }
}
