//! What a stranger's patient has shows in no time.

use super::*;

/// How many pages PostgreSQL looks at for the statement of a list, asked for one of these patients by Alice.
async fn pages(app: &TestApp, sql: &str, mode: &str, patients: [i64; 3]) -> Vec<i64> {
    let mut connection = app.connection().await;
    statements::prepare(&mut connection, sql, mode).await;
    let mut pages = Vec::new();
    for patient in patients {
        // the first time it may look something up that it remembers
        for _ in 0..2 {
            let plan = statements::explain(&mut connection, sql, &[patient]).await;
            pages.push(plan["Shared Hit Blocks"].as_i64().unwrap());
        }
    }
    pages.into_iter().skip(1).step_by(2).collect()
}

#[tokio::test]
async fn costs_the_same_with_mappings_without_and_where_there_is_none() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    for client in [&alice, &bob, &bob] {
        client.post("/api/patients/", john_doe()).await.is(201);
    }
    doctors(&app, 300).await;
    app.sql(
        "insert into patient_doctor_mappings (patient_id, created_by, doctor_id) values (1, 1, 1); \
         insert into patient_doctor_mappings (patient_id, created_by, doctor_id) select 2, 2, id from doctors",
    )
    .await;
    for state in ["select", "analyze"] {
        sqlx::raw_sql(state).execute(&mut app.connection().await).await.unwrap();
        let mut checked = 0;
        for sql in statements::shared().iter().filter(|sql| sql.contains("patient_doctor_mappings")) {
            for mode in ["force_custom_plan", "force_generic_plan"] {
                let pages = pages(&app, sql, mode, [2, 3, 4]).await;
                assert_eq!(pages[0], pages[1], "{sql} {state} {mode}: {pages:?}");
                assert!(pages[0] - pages[2] <= 1, "{sql} {state} {mode}: {pages:?}");
                checked += 1;
            }
        }
        assert_eq!(checked, 4);
    }
}
