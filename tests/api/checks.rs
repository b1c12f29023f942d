//! What the database itself refuses and writes down, whoever writes.

use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::support::{TestApp, john_doe};

#[tokio::test]
async fn a_check_of_all_columns_says_which_one_is_wrong() {
    let app = TestApp::start().await;
    app.user("alice").await.post("/api/patients/", john_doe()).await.is(201);
    let mut connection = app.connection().await;
    let patients = [
        ("first_name", "''"),
        ("first_name", "repeat('x', 151)"),
        ("last_name", "repeat('x', 151)"),
        ("date_of_birth", "'infinity'"),
        ("gender", "'X'"),
        ("address", "repeat('x', 1001)"),
        ("phone_number", "repeat('1', 21)"),
        ("email", "repeat('x', 255)"),
        ("medical_history", "repeat('x', 100001)"),
    ];
    let patients =
        patients.map(|(column, value)| ("patients", column, format!("update patients set {column} = {value}")));
    let audit = [
        ("via", "'fax', 'EVENT', 'login'"),
        ("action", "'cli', 'READ', 'login'"),
        ("event", "'cli', 'EVENT', 'lunch'"),
    ];
    let audit = audit.map(|(column, values)| {
        let into = "audit_log (request_id, table_name, via, action, event)";
        ("audit_log", column, format!("insert into {into} values ('', 'users', {values})"))
    });
    for (table, column, sql) in patients.into_iter().chain(audit) {
        let error = sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap_err();
        let error = error.as_database_error().unwrap();
        assert_eq!(
            (error.code().as_deref(), error.table(), error.constraint()),
            (Some("23514"), Some(table), Some(&*format!("{table}_{column}_check"))),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_audit_compares_every_column_of_a_change() {
    let app = TestApp::start().await;
    // what `audit` leaves out of every record
    let missing = app
        .value(
            "select coalesce(jsonb_agg(c.relname || '.' || a.attname), '[]')
             from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_attribute a on a.attrelid = c.oid
             where t.tgfoid = 'audit'::regproc and t.tgtype::integer & 16 > 0 and a.attnum > 0 and not a.attisdropped
                and a.attname not in ('last_login', 'last_used_at', 'updated_at', 'version', 'search', 'token_hash',
                    'refresh_jti', 'previous_refresh_jti', 'rotated_at')
                and a.attname <> all (string_to_array(encode(t.tgargs, 'escape'), '\\000'))",
        )
        .await;
    assert_eq!(missing, json!([]));
}
