//! How PostgreSQL runs the statements of lists, and those that many requests share.

use healthcare_backend::{config::ReadAudit, db::SETTINGS};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};

use crate::support::{
    FIRST_CALLER, TestApp,
    lists::{next, patients},
    statements,
};

/// The nodes of a plan, from the top.
fn nodes(plan: &Value) -> Vec<&Value> {
    let parts = plan["Plans"].as_array().into_iter().flatten();
    std::iter::once(plan).chain(parts.flat_map(nodes)).collect()
}

/// How PostgreSQL runs the statement that the server ran last, with these values: planned for them, or for any.
async fn plans(app: &TestApp, values: &[&str]) -> Vec<(String, Value)> {
    let last = "select query from pg_stat_activity where datname = current_database() and query like '%reader as materialized% limit $%' \
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
    let actor = "with actor as materialized (select * from actor($1))";
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
    // its statements would stand where those of the lists are looked for
    let app = TestApp::auditing(ReadAudit { is_on: false, ..ReadAudit::default() }).await;
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
                let begin = [[FIRST_CALLER, "false"].as_slice(), values].concat();
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

/// No look at more rows than a page has, of those that nobody asked for.
fn check_audit(path: &str, sql: &str, plan: &Value) {
    for node in nodes(plan) {
        let removed = node["Rows Removed by Filter"].as_f64().unwrap_or_default();
        assert!(removed <= 51.0, "{path}: looks at {removed}\n{sql}\n{plan:#}");
        assert_ne!(node["Node Type"], "Seq Scan", "{path}\n{sql}\n{plan:#}");
    }
}

#[tokio::test]
async fn of_the_audit_are_read_by_an_index_for_each_filter_that_is_said_to_be_fast() {
    let app = TestApp::start().await;
    let root = app.user("root").await;
    app.sql(
        "update users set is_staff = true; \
         insert into patients (created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender, address, \
             phone_number, email, medical_history) values (1, 'A', 'B', '1990-01-01', false, 'O', '', '', '', ''); \
         insert into audit_log (at, actor_id, actor_email, via, request_id, address, event, table_name, row_id, action, \
             old_values, new_values) \
         select timestamptz '2020-01-01Z' + n * interval '1 minute', n % 200, 'user' || n % 200 || '@example.com', 'api', \
             md5(n::text), '192.0.2.' || n % 200, case when n % 200 = 7 then 'login_failed' end, 'patients', n / 20 + 1, \
             'UPDATE', '{\"gender\": \"M\"}', '{\"gender\": \"F\"}' \
         from generate_series(1, 30000) n; \
         select make_access_months('2026-01-01', '2026-01-31'); \
         insert into access_log (at, actor_id, actor_email, via, request_id, patient_ids, mapping_ids) \
         select timestamptz '2026-01-01Z' + n * interval '1 minute', n % 200, 'x', 'api', md5(n::text), array[n / 20 + 1], '{}' \
         from generate_series(1, 30000) n",
    )
    .await;
    app.sql("analyze audit_log; analyze access_log").await;
    let day = ["'2020-01-05Z'", "'2020-01-06Z'"];
    for (path, values) in [
        ("/api/audit/?", &[][..]),
        ("/api/audit/?ordering=at", &[]),
        ("/api/audit/?actor_id=7", &["7"]),
        ("/api/audit/?actor=user7@example.com", &["'user7@example.com'"]),
        ("/api/audit/?actor=nobody", &["'nobody'"]),
        ("/api/audit/?event=login_failed", &["'login_failed'"]),
        ("/api/audit/?address=192.0.2.7", &["'192.0.2.7'"]),
        ("/api/audit/?address=203.0.113.1", &["'203.0.113.1'"]),
        ("/api/audit/?request_id=x", &["md5('7')"]),
        ("/api/audit/?table=patients&row=77", &["'patients'", "77"]),
        ("/api/audit/?at__gte=2020-01-05&at__lt=2020-01-06", &day),
        ("/api/audit/reads/?", &[]),
        ("/api/audit/reads/?actor_id=7", &["7"]),
        ("/api/audit/reads/?at__gte=2026-01-05&at__lt=2026-01-06", &["'2026-01-05Z'", "'2026-01-06Z'"]),
        ("/api/patients/1/history/?", &["1"]),
        ("/api/patients/1/access/?", &["1"]),
    ] {
        let path = format!("{path}&limit=50");
        root.get(&path).await.is(200);
        for (sql, plan) in plans(&app, &[&[FIRST_CALLER, "false"], values, &["51"]].concat()).await {
            check_audit(&path, &sql, &plan);
        }
    }
}

#[tokio::test]
async fn that_are_shared_find_each_row_by_its_key_however_many_ask_and_however_they_are_planned() {
    let app = TestApp::start().await;
    app.user("alice").await;
    patients(&app, 20_000).await;
    app.sql(
        "insert into users (email, name, password_hash) select n || '@example.org', 'x', 'x' from generate_series(1, 200) n; \
         insert into sessions (user_id, expires_at, user_agent, address) \
             select u.id, now() + interval '1 day', '', '' from users u, generate_series(1, 20); \
         insert into doctors (first_name, last_name, specialty, phone_number) \
             select 'First', 'Last' || n, 'S', '' from generate_series(1, 1000) n; \
         insert into patient_doctor_mappings (patient_id, created_by, doctor_id) \
             select p.id, p.created_by, 1 + (p.id * 7 + n) % 1000 from patients p, generate_series(1, 3) n",
    )
    .await;
    let by_key = [
        "users_pkey",
        "sessions_user_id_id_idx",
        "patients_pkey",
        "patients_created_by_id_key",
        "doctors_pkey",
        "patient_doctor_mappings_patient_id_doctor_id_key",
    ];
    let mut checked = 0;
    let mut connection = app.connection().await;
    // without statistics, as after a start, and with them
    for state in ["select", "analyze"] {
        sqlx::raw_sql(state).execute(&mut connection).await.unwrap();
        for sql in statements::shared() {
            for mode in ["force_custom_plan", "force_generic_plan"] {
                statements::prepare(&mut connection, &sql, mode).await;
                for count in [1, 64] {
                    let keys: Vec<i64> = (1..=count).collect();
                    let plan = statements::explain(&mut connection, &sql, &keys).await;
                    let what = format!("{state} {mode} {count} {sql}\n{plan:#}");
                    for node in nodes(&plan) {
                        let kind = node["Node Type"].as_str().unwrap();
                        assert!(!kind.contains("Hash") && !kind.contains("Merge"), "{what}");
                        let removed = node["Rows Removed by Filter"].as_i64().unwrap_or_default();
                        assert_eq!(removed, 0, "{what}");
                        assert_ne!(kind, "Seq Scan", "{what}");
                        let Some(index) = node["Index Name"].as_str() else { continue };
                        assert!(by_key.contains(&index), "{index} {what}");
                        checked += 1;
                    }
                }
            }
        }
    }
    // users and sessions of each, and what they are asked for
    assert_eq!(checked, 2 * 2 * 2 * (6 * 2 + 1 + 1 + 1 + 3 + 3), "six statements");
}
