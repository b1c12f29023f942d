//! How PostgreSQL finds the pages of big lists: never by reading a table as a whole.

use serde_json::json;
use sqlx::AssertSqlSafe;

use super::{app, eventually, staff};
use crate::support::lists::patients;

/// Ends the server's connections, so that what they counted is known.
const FLUSH: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
    where datname = current_database() and application_name = 'healthcare-backend'";

#[tokio::test]
async fn a_page_of_a_big_list_is_found_without_reading_a_table_as_a_whole() {
    let app = app().await;
    app.user("alice").await;
    patients(&app, 20_000).await;
    app.sql(
        "insert into doctors (first_name, last_name, specialty, phone_number) \
             select 'First' || n % 7, 'Last' || n, 'S' || n % 20, '' from generate_series(1, 2000) n; \
         insert into patient_doctor_mappings (patient_id, created_by, doctor_id) \
             select id, created_by, 1 + id % 2000 from patients",
    )
    .await;
    for table in ["patients", "patient_doctor_mappings", "doctors", "users"] {
        let vacuum = AssertSqlSafe(format!("vacuum analyze {table}"));
        sqlx::raw_sql(vacuum).execute(&mut app.connection().await).await.unwrap();
    }
    let mut sam = staff(&app).await;
    for path in [
        "patients/",
        "patients/?o=name",
        "patients/?o=-name",
        "patients/?o=phone_number",
        "patients/?o=date_of_birth",
        "patients/?o=-updated_at",
        "patients/?o=owner",
        "patients/?q=first",
        "mappings/",
        "mappings/?o=patient",
        "mappings/?o=-assigned_at",
        "mappings/?q=nobody+knows",
    ] {
        app.value(FLUSH).await;
        // the first request finds its connection closed, and tells the others
        while sam.get("/admin/password/").await.status.as_u16() != 200 {}
        app.value("select pg_stat_reset() is null").await;
        sam.get(&format!("/admin/{path}")).await.is(200);
        app.value(FLUSH).await;
        let was_read = "select bool_or(idx_scan > 0) from pg_stat_user_tables \
            where relname in ('patients', 'patient_doctor_mappings')";
        eventually(&app, was_read, json!(true)).await;
        let as_a_whole = "select jsonb_agg(relname) from pg_stat_user_tables \
            where relname in ('patients', 'patient_doctor_mappings') and seq_scan > 0";
        assert_eq!(app.value(as_a_whole).await, json!(null), "{path}");
    }
}

#[tokio::test]
async fn a_search_finds_the_same_where_postgresql_has_no_trigrams() {
    let app = app().await;
    super::lists::clinic(&app).await;
    let mut sam = staff(&app).await;
    app.sql("drop extension pg_trgm cascade").await;
    for (query, found) in
        [("patients/?q=varez+JANE", "Álvarez, Jane"), ("mappings/?q=emily+doe", "No. 1"), ("patients/?q=zzz", "")]
    {
        let page = sam.get(&format!("/admin/{query}")).await.is(200);
        assert_eq!(super::lists::names(&page).concat(), found, "{query}");
    }
}
