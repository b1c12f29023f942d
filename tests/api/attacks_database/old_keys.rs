//! Keys that are forgotten.

use super::*;

/// So many keys of the day before yesterday.
async fn old_keys(count: usize) -> (TestApp, Db) {
    let app = TestApp::start().await;
    app.user("alice").await;
    app.sql(&format!(
        "insert into idempotency_keys (user_id, route, key, fingerprint, answer, created_at) \
         select 1, 'patients', n::text, '', '{{}}', now() - interval '2 days' from generate_series(1, {count}) n"
    ))
    .await;
    let db = Db::new(app.database.options.clone(), 1);
    (app, db)
}

#[tokio::test]
async fn that_take_longer_than_a_statement_may_are_purged_by_and_by() {
    let (app, db) = old_keys(1000).await;
    app.sql(
        "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.004); return old; end'; \
         create trigger slow before delete on idempotency_keys for each row execute function slow()",
    )
    .await;
    assert_eq!(db.purge_keys().await.unwrap(), 1000);
    assert_eq!(app.value("select count(*) from idempotency_keys").await, json!(0));
}

#[tokio::test]
async fn that_are_held_keep_nobody_from_the_others() {
    let (app, db) = old_keys(250).await;
    let mut connection = app.connection().await;
    let mut transaction = connection.begin().await.unwrap();
    let hold = "select from idempotency_keys where key = '7' for update";
    sqlx::raw_sql(hold).execute(&mut *transaction).await.unwrap();
    assert_eq!(db.purge_keys().await.unwrap(), 249);
    transaction.rollback().await.unwrap();
    assert_eq!(db.purge_keys().await.unwrap(), 1);
}
