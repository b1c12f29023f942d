//! What the schema, the code and the documents say of each other.

use std::fs;

use healthcare_backend::error::constraint_error;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{Client, TestApp, emily_carter, john_doe, statements::ACTORS};

/// Statements that do not start from the caller, and why.
const WITHOUT_ACTOR: &[(&str, &str)] = &[
    (
        "select d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email, d.license_number, d.created_at, d.updated_at, d.version from doctors d where d.id = $1",
        "the directory, where PUBLIC_DOCTORS lets anybody read it",
    ),
    (
        "with actor as materialized ( select id, act_as(id, $1, 'api', $5, $6) as acts from nextval(",
        "registration: the actor is the new user",
    ),
    (
        "with actor as materialized ( update users set last_login = now() where id = $1 and password_hash = $2 and is_active and coalesce",
        "login: the actor is the user whose password was verified",
    ),
    (
        "with actor as materialized ( update users set last_login = now() where id = $1 and password_hash = $2 and is_active and is_staff",
        "login to the admin: the same",
    ),
    (
        "with actor as materialized ( select act_as(0, 'system', 'system', $4, $5) as acts, about('password_upgraded') as event) update users",
        "login: nobody changes a password by storing it as another hash",
    ),
    ("select exists (select from users where lower(email)", "registration: which fields are taken"),
    ("select login_wait($2, $3, $4) as wait, u.id", "login: what the password is verified against"),
    ("with failed as ( insert into login_failures", "a login that failed: there is no caller"),
    ("with throttled as ( update login_failures", "a login that was not tried: there is no caller"),
    ("select login_wait($1, $2, $3)", "one's own password, tried too often: the caller was checked just before"),
    ("delete from sessions where id", "the purge of logins that are over, which nobody asked for"),
    ("delete from login_failures where ctid", "the purge of failed logins, which nobody asked for"),
    ("select act_as(0, 'import-django', 'system', 'import-django')", "import-django: it acts as the system"),
    ("lock table users, patients", "import-django: nobody else writes meanwhile"),
    ("select (select count(*) from users)", "import-django: its report"),
    ("insert into users (id, email, username, name, password_hash, is_active", "import-django: users"),
    ("insert into patients (id, created_by", "import-django: patients"),
    ("insert into doctors (id, first_name", "import-django: doctors"),
    ("insert into patient_doctor_mappings (id, patient_id", "import-django: mappings"),
    (
        "select n.id as \"id!\", o.id is not null as \"is_there!\", array_remove(array[ case when o.email <>",
        "import-django: users that are there already",
    ),
    (
        "select n.id as \"id!\", o.id is not null as \"is_there!\", array_remove(array[ case when o.created_by <>",
        "import-django: patients that are there already",
    ),
    (
        "select n.id as \"id!\", o.id is not null as \"is_there!\", array_remove(array[ case when o.first_name <>",
        "import-django: doctors that are there already",
    ),
    (
        "select n.id as \"id!\", o.id is not null as \"is_there!\", array_remove(array[ case when o.patient_id <>",
        "import-django: mappings that are there already",
    ),
    ("select setval(s.sequence, s.greatest)", "import-django: new rows get higher ids"),
    ("select t.relname::text as \"table!\"", "import-django: the tables of the other database"),
    ("delete from idempotency_keys where ctid", "the purge of old keys, which nobody asked for"),
    ("select to_regclass('_sqlx_migrations') is not null as \"is_migrated!\",", "check: what the database is like"),
    (
        "select exists (select from users where is_superuser and is_active and is_staff)",
        "check: whether there is a superuser",
    ),
    ("select t.relname::text as \"name!\"", "the first migration: whether tables of another program are in its way"),
    ("select r.at as \"at!\", r.id as \"id!\", r.is_read", "audit export: the operator's"),
    ("select nextval('access_log_id_seq')", "the record of reads: made ready"),
    ("insert into access_log", "the record of reads, whose actors were checked when they read"),
    (
        "with actor as materialized (select act_as(0, 'system',",
        "the last use of API tokens, which the server notes itself",
    ),
    ("select name as \"name!\" from drop_access_months", "the purge of old records of reads"),
    ("select array( select name from unnest($1::text[], $2::text[])", "a start: what a pooler does to a connection"),
    ("select exists (select from pg_database", "the embedded PostgreSQL: whether its database is made"),
    ("select datname::text as \"name!\" from pg_database", "upgrade: what stays behind"),
    ("select current_setting('server_version_num')", "backup and restore: which pg_dump to take"),
    ("select to_regclass('_sqlx_migrations') is not null as \"is_migrated!\"", "backup: whether there is something"),
    ("select name as \"name!\" from ( select c.relname", "restore: whether the database is empty"),
    ("select exists (select from pg_extension", "restore: whether PostgreSQL has a module"),
];

const ACTOR: &str = "with actor as materialized (select * from actor($1))";
/// The same for staff at the admin.
const STAFF: &str = "with actor as materialized (select * from staff($1))";
/// The same for the operator, who may do everything, and whom the audit names.
const OPERATOR: &str = "with actor as materialized (select act_as(0, $1, 'cli', $2) as acts)";

#[test]
fn every_statement_starts_from_the_actor() {
    let mut others = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx")).unwrap() {
        let file = fs::read_to_string(entry.unwrap().path()).unwrap();
        let query = serde_json::from_str::<Value>(&file).unwrap()["query"].as_str().unwrap().to_owned();
        let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
        count += 1;
        match [ACTOR, ACTORS, STAFF, OPERATOR].iter().find_map(|head| query.strip_prefix(head)) {
            Some(rest) => assert!(rest.contains("actor"), "the actor is named, not used: {query}"),
            None => others.push(query),
        }
    }
    assert!(count >= 10, "{count} statements");
    for query in &others {
        assert!(WITHOUT_ACTOR.iter().any(|(head, _)| query.starts_with(head)), "not from the actor: {query}");
    }
    assert_eq!(others.len(), WITHOUT_ACTOR.len(), "{others:#?}");
}

#[tokio::test]
async fn every_constraint_names_a_field_and_has_a_message() {
    let app = TestApp::start().await;
    let constraints = app
        .value(
            "select jsonb_agg(jsonb_build_array(conrelid::regclass, name) order by name) from (
                select conrelid, conname as name from pg_constraint
                where connamespace = 'public'::regnamespace and contype in ('c', 'f', 'u', 'x')
                    and conrelid not in (select inhrelid from pg_inherits)
                union
                select i.indrelid, c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
                where i.indisunique and not i.indisprimary and c.relnamespace = 'public'::regnamespace) n
             where name not like '%sqlx%' and name not in ('patients_check', 'audit_log_check')",
        )
        .await;
    let columns = app.value(
        "select jsonb_object_agg(relname, columns) from (
            select c.relname, jsonb_agg(a.attname) as columns
            from pg_class c join pg_attribute a on a.attrelid = c.oid
            where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace group by c.relname) t",
    );
    let columns = columns.await;
    // what a foreign key refers to is never at fault
    let referred = ["patients_created_by_id_key"];
    for constraint in constraints.as_array().unwrap() {
        let (table, name) = (constraint[0].as_str().unwrap(), constraint[1].as_str().unwrap());
        let (field, message) = constraint_error(table, name).unwrap_or_else(|| panic!("no message: {name}"));
        let is_column = |column: &Value| column == &json!(field) || column == &json!(format!("{field}_id"));
        let is_field = field == "non_field_errors" || columns[table].as_array().unwrap().iter().any(is_column);
        assert!(is_field || referred.contains(&name), "{name}: {field}: {message}");
    }
    assert!(constraints.as_array().unwrap().len() >= 20, "{constraints}");
}

#[tokio::test]
async fn every_table_with_people_s_data_is_audited() {
    let app = TestApp::start().await;
    // per row, after, on insert, delete and update: pg_trigger.tgtype
    let unaudited = app
        .value(
            "select jsonb_agg(relname order by relname) from pg_class c
             where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace and (
                select bit_or(t.tgtype::integer) from pg_trigger t
                where t.tgrelid = c.oid and t.tgfoid = 'audit'::regproc and t.tgenabled = 'O')
                is distinct from 1 + 4 + 8 + 16",
        )
        .await;
    // what an idempotency key made is in the audit as itself, a cookie is with its session, and a failed login is nobody's data
    let expected =
        ["_sqlx_migrations", "access_log", "admin_cookies", "audit_log", "idempotency_keys", "login_failures"];
    assert_eq!(unaudited, json!(expected));
}

#[tokio::test]
async fn a_write_by_nobody_is_refused_by_the_database() {
    let app = TestApp::start().await;
    app.user("alice").await.post("/api/patients/", john_doe()).await.is(201);
    let mut connection = app.connection().await;
    for sql in [
        "update patients set first_name = 'X'",
        "delete from users",
        "insert into sessions (user_id, expires_at, user_agent, address) values (1, now(), '', '')",
    ] {
        let error = sqlx::query(sql).execute(&mut connection).await.unwrap_err();
        assert!(error.to_string().contains("no actor set: call act_as(…)"), "{error}");
    }
    app.sql("update patients set first_name = 'X'").await;
    // the actor is gone with its statement
    let error = sqlx::query("update patients set first_name = 'Y'").execute(&mut connection).await.unwrap_err();
    assert!(error.to_string().contains("no actor set: call act_as(…)"), "{error}");
}

#[tokio::test]
async fn what_is_audited_stays() {
    let app = TestApp::start().await;
    app.user("alice").await;
    let mut connection = app.connection().await;
    let partition =
        app.value("select inhrelid::regclass from pg_inherits where inhparent = 'access_log'::regclass limit 1");
    let partition = partition.await.as_str().unwrap().to_owned();
    for table in ["audit_log", "access_log", &partition] {
        for sql in
            [format!("update {table} set actor_id = 2"), format!("delete from {table}"), format!("truncate {table}")]
        {
            let error = sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap_err();
            assert!(error.to_string().contains("append-only"), "{error}");
        }
    }
}

#[tokio::test]
async fn the_audit_says_who_changed_what() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    alice.patch("/api/patients/1/", json!({"gender": "F", "address": "Elsewhere"})).await.is(200);
    alice.delete("/api/patients/1/").await.is(204);
    let rows = app
        .value(
            "select jsonb_agg(jsonb_build_array(actor_id, actor_email, via, row_id, action, old_values, new_values) order by id)
             from audit_log where table_name = 'patients'",
        )
        .await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!(row.as_array().unwrap()[..4], [json!(1), json!("alice@example.com"), json!("api"), json!(1)]);
    }
    assert_eq!((&rows[0][4], &rows[0][5], &rows[0][6]["first_name"]), (&json!("INSERT"), &json!(null), &json!("John")));
    let (old, new) =
        (json!({"gender": "M", "address": "123 Health St"}), json!({"gender": "F", "address": "Elsewhere"}));
    assert_eq!((&rows[1][4], &rows[1][5], &rows[1][6]), (&json!("UPDATE"), &old, &new));
    assert_eq!(
        (&rows[2][4], &rows[2][5]["address"], &rows[2][6]),
        (&json!("DELETE"), &json!("Elsewhere"), &json!(null))
    );
}

#[tokio::test]
async fn what_goes_with_a_user_is_audited_too_and_outlives_it() {
    let app = TestApp::start().await;
    app.user("alice").await.post("/api/patients/", john_doe()).await.is(201);
    app.sql("delete from users").await;
    let deleted = app.value("select jsonb_agg(table_name order by table_name) from audit_log where action = 'DELETE' and actor_email = 'system'");
    assert_eq!(deleted.await, json!(["patients", "sessions", "users"]));
}

/// What is said of a field when a body holds this value of it.
async fn messages(client: &Client, method: &str, path: &str, field: &str, value: Value) -> String {
    let reply = client.json(method, path, json!({ field: value })).await;
    reply.body[field].to_string()
}

#[tokio::test]
async fn the_document_s_bounds_are_the_rules() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    alice.post("/api/doctors/", emily_carter()).await.is(201);
    let document = app.anonymous().get("/api/openapi.json").await.is(200).body;
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(schema) = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()
            else {
                continue;
            };
            let (method, path) = (method.to_uppercase(), path.replace("{id}", "1"));
            let schema = document.pointer(schema.trim_start_matches('#')).unwrap();
            for field in schema["properties"].as_object().unwrap().keys() {
                let what = format!("{method} {path} {field}");
                let said = async |value: Value| messages(&alice, &method, &path, field, value).await;
                let property = &schema["properties"][field];
                if property["type"] == "integer" {
                    let bound = |name: &str| property[name].as_i64();
                    if let Some(max) = bound("maximum") {
                        assert!(said(json!(max + 1)).await.contains(&format!("less than or equal to {max}")), "{what}");
                        assert!(!said(json!(max)).await.contains("equal to"), "{what}");
                        let min = bound("minimum").unwrap();
                        let message = format!("greater than or equal to {min}");
                        assert!(said(json!(min - 1)).await.contains(&message), "{what}");
                        assert!(!said(json!(min)).await.contains("equal to"), "{what}");
                        checked += 1;
                    }
                } else if property["format"] != "date" && property["$ref"].is_null() {
                    let of = |length: i64| json!("x".repeat(usize::try_from(length).unwrap()));
                    let max = property["maxLength"].as_i64();
                    if let Some(max) = max {
                        let message = format!("no more than {max} characters");
                        assert!(said(of(max + 1)).await.contains(&message), "{what}");
                    }
                    let longest = said(of(max.unwrap_or(10_000))).await;
                    assert!(!longest.contains("no more than"), "{what}");
                    let blank = said(json!("")).await.contains("may not be blank");
                    assert_eq!(blank, property["minLength"].as_i64() >= Some(1), "{what}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked >= 50, "{checked}");
}
