//! The statements of reads that are asked together, and how PostgreSQL runs them.

use std::fs;

use healthcare_backend::db::SETTINGS;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// How each of them begins.
pub const ACTORS: &str = "with actor as (select * from actors($1))";

/// All of them.
pub fn shared() -> Vec<String> {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx")).unwrap();
    let statements = files.map(|file| {
        let file = fs::read_to_string(file.unwrap().path()).unwrap();
        serde_json::from_str::<Value>(&file).unwrap()["query"].as_str().unwrap().trim().to_owned()
    });
    statements.filter(|sql| sql.starts_with(ACTORS)).collect()
}

/// Prepares one of them as `shared`, on a connection like the server's.
pub async fn prepare(connection: &mut PgConnection, sql: &str, mode: &str) {
    for (name, value) in SETTINGS {
        let set = format!("set {name} = '{value}'");
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *connection).await.unwrap();
    }
    let types = if sql.contains("$2") { "caller[], bigint[]" } else { "caller[]" };
    let prepare = format!("set plan_cache_mode = {mode}; deallocate all; prepare shared ({types}) as {sql}");
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(connection).await.unwrap();
}

/// How it is run for the first user with the first login, who asks for these keys.
pub async fn explain(connection: &mut PgConnection, sql: &str, keys: &[i64]) -> Value {
    let callers = vec!["row(1, 1, null, false, '', '')::caller"; keys.len()].join(", ");
    let keys =
        if sql.contains("$2") { format!(", '{keys:?}'").replace('[', "{").replace(']', "}") } else { String::new() };
    let explain = format!("explain (analyze, buffers, format json) execute shared(array[{callers}]{keys})");
    let row = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(connection).await.unwrap();
    let plan: Value = serde_json::from_str(row.try_get_unchecked(0).unwrap()).unwrap();
    plan[0]["Plan"].clone()
}
