//! A month of the record is a table of its own.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Connection;

use super::{practice, recorded};
use crate::{
    config::url,
    support::{
        SECRET_KEY, TestApp,
        program::{Directory, Program},
    },
};

const MONTHS: &str = "select jsonb_agg(inhrelid::regclass::text order by 1) from pg_inherits \
                      where inhparent = 'access_log'::regclass";

/// A row at each of these times.
fn rows_at(times: &[&str]) -> String {
    let rows: Vec<String> =
        times.iter().map(|time| format!("('{time}', 1, 'a', 'api', 'x', array[1], '{{}}')")).collect();
    format!(
        "insert into access_log (at, actor_id, actor_email, via, request_id, patient_ids, mapping_ids) values {}",
        rows.join(", ")
    )
}

#[tokio::test]
async fn months_are_made_as_they_are_needed_and_the_next_one_before() {
    let (app, alice, _) = practice().await;
    let this_and_next = app.value(MONTHS).await;
    let names = "select jsonb_agg('access_log_' || to_char((now() + n * interval '1 month') at time zone 'UTC', 'YYYY_MM')) \
                 from generate_series(0, 1) n";
    assert_eq!(this_and_next, app.value(names).await);
    for month in this_and_next.as_array().unwrap() {
        app.sql(&format!("drop table {}", month.as_str().unwrap())).await;
    }
    alice.get("/api/patients/1/").await.is(200);
    assert_eq!(recorded(&app, 1).await.as_array().unwrap().len(), 1);
    assert_eq!(app.value(MONTHS).await, this_and_next);
}

#[tokio::test]
async fn a_month_begins_and_ends_in_utc_whatever_the_time_zone() {
    let app = TestApp::start().await;
    let ends = ["2030-12-31 23:59:59.999999Z", "2031-01-01 00:00Z", "2031-02-28 23:59:59.999999Z", "2031-03-01 00:00Z"];
    let make =
        format!("set time zone 'Asia/Tokyo'; select make_access_months('{}', '{}'); reset time zone", ends[0], ends[3]);
    app.sql(&format!("{make}; set time zone 'America/New_York'; {}", rows_at(&ends))).await;
    let placed = "select jsonb_agg(tableoid::regclass::text order by at) from access_log";
    let expected = ["2030_12", "2031_01", "2031_02", "2031_03"].map(|month| format!("access_log_{month}"));
    assert_eq!(app.value(placed).await, json!(expected));
}

#[tokio::test]
async fn several_servers_make_a_month_at_once() {
    let app = TestApp::start().await;
    let makers: Vec<_> = (0..8)
        .map(|_| {
            let options = app.database.options.clone();
            tokio::spawn(async move {
                let mut connection = sqlx::PgConnection::connect_with(&options).await.unwrap();
                let make = "select make_access_months('2040-01-01', '2041-12-01')";
                sqlx::raw_sql(make).execute(&mut connection).await.map(drop)
            })
        })
        .collect();
    for maker in makers {
        maker.await.unwrap().unwrap();
    }
    let made = "select count(*) from pg_inherits where inhparent = 'access_log'::regclass and inhrelid::regclass::text like '%204_\\___'";
    assert_eq!(app.value(made).await, json!(24));
}

#[tokio::test]
async fn a_month_is_dropped_when_its_last_day_is_older_than_the_retention() {
    let app = TestApp::start().await;
    // the end of a month is so long ago that 400 days are over, or not
    let month = |days| format!("date_trunc('month', now() - interval '{days} days', 'UTC') - interval '1 day'");
    app.sql("select make_access_months(now() - interval '500 days', now())").await;
    for days in [400, 370, 0] {
        app.sql(&format!(
            "insert into access_log (at, actor_id, actor_email, via, request_id, patient_ids, mapping_ids) \
             select {}, 1, 'a', 'api', '{days}', array[1], '{{}}'",
            month(days)
        ))
        .await;
    }
    let kept = "select count(*) from generate_series(date_trunc('month', now() - interval '400 days', 'UTC'), \
                now() + interval '1 month', '1 month')";
    let kept = app.value(kept).await;
    let dir = Directory::new();
    let url = url(&app);
    let settings = [("DATABASE_URL", url.as_str()), ("SECRET_KEY", SECRET_KEY), ("AUDIT_RETENTION", "400days")];
    let server = Program::start(dir.path(), &settings);
    let count = "select count(*) from pg_inherits where inhparent = 'access_log'::regclass";
    let begun = Instant::now();
    while app.value(count).await != kept {
        assert!(begun.elapsed() < Duration::from_secs(10), "they are not dropped");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // it says so when it is done
    tokio::time::sleep(Duration::from_millis(500)).await;
    let log = String::from_utf8(server.stop().stderr).unwrap();
    let dropped = log.lines().find(|line| line.contains("dropped access_log_")).unwrap_or_else(|| panic!("{log}"));
    assert!(dropped.ends_with(", as AUDIT_RETENTION says"), "{dropped}");
    let left = app.value("select jsonb_agg(request_id order by at) from access_log").await;
    assert_eq!(left, json!(["370", "0"]));
}
