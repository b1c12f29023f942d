//! While servers of a new release take the place of those of the release before, both use the new schema.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Column, Executor, SqlSafeStr, TypeInfo};

use crate::{
    config::url,
    support::{
        Client, PATIENTS, SECRET_KEY, TestApp, john_doe,
        program::{Directory, Program},
    },
};

/// The first migration that must leave what the release before it asks. Those before it were made when there was no release.
const FIRST: &str = "0032";

/// What git says. None: this is no clone with its history.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// For each migration from the first one on, the statements of the commit before it: what each is called, and its columns.
fn statements_before_each_migration() -> BTreeMap<String, Vec<Value>> {
    let migrations = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap();
    let names = migrations.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let before = names.filter(|name| name.as_str() >= FIRST).filter_map(|name| {
        let path = format!("migrations/{name}");
        let added = git(&["log", "--diff-filter=A", "--format=%H", "-1", "--", &path])?;
        let parent = format!("{}^", added.trim());
        let files = git(&["ls-tree", "-r", "--name-only", &parent, ".sqlx"])?;
        let read = |file: &str| serde_json::from_str(&git(&["show", &format!("{parent}:{file}")])?).ok();
        Some((name, files.lines().filter_map(read).collect()))
    });
    before.collect()
}

/// The name of a type as sqlx keeps it.
fn type_name(kept: &Value) -> String {
    let name = kept.as_str().or_else(|| kept["Custom"]["name"].as_str());
    name.unwrap_or_default().to_uppercase()
}

#[tokio::test]
async fn each_statement_of_the_release_before_a_migration_finds_the_same_columns_after_it() {
    let app = TestApp::start().await;
    let mut connection = app.connection().await;
    for (migration, statements) in statements_before_each_migration() {
        assert!(statements.len() > 50, "{migration}: {} statements", statements.len());
        for statement in statements {
            let sql = statement["query"].as_str().unwrap().to_owned();
            let described = connection.describe(AssertSqlSafe(sql.clone()).into_sql_str()).await;
            let described = described.unwrap_or_else(|error| panic!("{migration}: {error}: {sql}"));
            let columns = described.columns().iter();
            let now: Vec<_> = columns
                .map(|column| (column.name(), column.type_info().name().replace("[]", "array").to_uppercase()))
                .collect();
            let columns = statement["describe"]["columns"].as_array().unwrap().iter();
            let before = columns.map(|column| (column["name"].as_str().unwrap(), type_name(&column["type_info"])));
            assert_eq!(now, before.collect::<Vec<_>>(), "{migration}: {sql}");
        }
    }
}

#[tokio::test]
async fn a_server_starts_also_on_the_schema_of_a_later_release_and_says_so() {
    let app = TestApp::start().await;
    app.sql("insert into _sqlx_migrations values (9999, '', now(), true, '', 0)").await;
    let (dir, url) = (Directory::new(), url(&app));
    let server = Program::start(dir.path(), &[("DATABASE_URL", &url), ("SECRET_KEY", SECRET_KEY)]);
    let alice = Client::at(&server.address).registered("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    let log = String::from_utf8(server.stop().stderr).unwrap();
    assert!(log.contains("the database has migrations of a later release: [9999]; only the release before"), "{log}");
}
