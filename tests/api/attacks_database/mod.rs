//! Requests that cost the database, or a thread, more than they are worth; and a database that is not as it should be.

use std::time::{Duration, Instant};

use healthcare_backend::db::Db;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};

use crate::support::{
    Client, PASSWORD, Reply, TestApp, detail, emily_carter, john_doe,
    program::{Directory, Program, signal_postgres_in},
    statements, with,
};

mod a_strangers_patient;
mod old_keys;

fn unavailable() -> Value {
    detail("Service temporarily unavailable, try again later.")
}

/// Fills the directory.
async fn doctors(app: &TestApp, count: usize) {
    app.sql(&format!(
        "insert into doctors (first_name, last_name, specialty, phone_number) \
         select 'First' || n % 7, 'Last' || n, 'Cardiology', n::text from generate_series(1, {count}) n"
    ))
    .await;
}

async fn get_with(client: &Client, path: &str, headers: &[(&str, &str)]) -> Reply {
    let request = client.request("GET", path);
    Reply::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

mod files {
    use super::*;

    const FILES: [&str; 7] = [
        "/api/openapi.json",
        "/api/docs/swagger-ui-bundle.js",
        "/api/docs/swagger-ui.css",
        "/api/docs/page.css",
        "/api/docs/page.js",
        "/api/docs/plugin.js",
        "/api/docs/favicon-32x32.png",
    ];

    #[tokio::test]
    async fn are_compressed_for_who_takes_that_and_known_by_their_tags() {
        let app = TestApp::start().await;
        let anybody = app.anonymous();
        for file in FILES {
            let plain = anybody.get(file).await.is(200);
            let gzip = get_with(&anybody, file, &[("accept-encoding", "br, gzip;q=0.5")]).await.is(200);
            let is_picture = file.contains("favicon");
            assert_eq!(gzip.header("content-encoding"), if is_picture { "" } else { "gzip" }, "{file}");
            assert_eq!(plain.header("content-encoding"), "");
            assert_eq!(gzip.header("etag") == plain.header("etag"), is_picture, "a tag is of one encoding");
            for (reply, encoding) in [(&plain, "identity"), (&gzip, "gzip")] {
                let vary: Vec<_> = reply.headers.get_all("vary").iter().collect();
                assert!(vary.iter().any(|value| *value == "Accept-Encoding"), "{file}: {vary:?}");
                let tag = reply.header("etag");
                let headers = [("accept-encoding", encoding), ("if-none-match", tag)];
                let known = get_with(&anybody, file, &headers).await.is(304);
                assert_eq!((known.header("etag"), known.text.as_str()), (tag, ""));
                assert_eq!(known.header("cache-control"), reply.header("cache-control"));
            }
            let length = |reply: &Reply| reply.header("content-length").parse::<usize>().unwrap();
            assert!(is_picture || length(&gzip) < length(&plain), "{file}");
        }
        for refusal in ["", "br", "gzip;q=0", "gzip; q=0.000", "identity", "gzip;q=x"] {
            let reply = get_with(&anybody, FILES[0], &[("accept-encoding", refusal)]).await.is(200);
            assert_eq!(reply.header("content-encoding"), "", "{refusal}");
            assert!(reply.body["openapi"].is_string());
        }
    }

    #[tokio::test]
    async fn are_compressed_once() {
        let app = TestApp::start().await;
        let anybody = app.anonymous();
        let gzip = [("accept-encoding", "gzip")];
        for file in FILES {
            get_with(&anybody, file, &gzip).await.is(200);
        }
        // compressing the bundle a hundred times takes five seconds of the fastest processor
        let begun = Instant::now();
        for _ in 0..100 {
            get_with(&anybody, FILES[1], &gzip).await.is(200);
        }
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}

mod searches {
    use super::*;

    #[tokio::test]
    async fn have_ten_words_at_most() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        alice.post("/api/patients/", john_doe()).await.is(201);
        let ten = ["john"; 10].join(",%20");
        for list in ["patients", "doctors", "mappings"] {
            alice.get(&format!("/api/{list}/?search=,{ten},")).await.is(200);
            let eleven = json!({"search": ["Ensure this field has no more than 10 words."]});
            alice.get(&format!("/api/{list}/?search={ten}+x&limit=1")).await.says(400, eleven);
        }
        let found = alice.get(&format!("/api/patients/?search={ten}&count=true")).await.is(200);
        assert_eq!((found.header("x-total-count"), found.body[0]["id"].as_i64()), ("1", Some(1)));
    }

    #[tokio::test]
    async fn that_take_long_keep_nobody_else_waiting() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        alice.post("/api/patients/", john_doe()).await.is(201);
        alice.post("/api/doctors/", emily_carter()).await.is(201);
        // a big directory, as it were
        app.sql(
            "alter function fold rename to fold_of_one; \
             create function fold(value text) returns text language plpgsql as \
                 'begin perform pg_sleep(2.5); return fold_of_one(value); end'",
        )
        .await;
        let searches: Vec<_> = (0..40)
            .map(|number| {
                let alice = alice.clone();
                let path = ["/api/doctors/?search=x", "/api/doctors/?search=x&count=true"][number % 2];
                tokio::spawn(async move { alice.get(path).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(200)).await;
        for _ in 0..10 {
            let begun = Instant::now();
            alice.get("/api/patients/1/").await.is(200);
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        }
        let begun = Instant::now();
        let mut refused = 0;
        for search in searches {
            let reply = search.await.unwrap();
            if reply.status != 200 {
                assert_eq!(reply.header("retry-after"), "1");
                reply.says(503, unavailable());
                refused += 1;
            }
        }
        assert!(refused > 30 && refused < 40, "{refused} of 40 are told to come again");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn fold_their_words_once() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        doctors(&app, 300).await;
        app.sql(
            "create sequence folded; alter function fold rename to fold_of_one; \
             create function fold(value text) returns text language plpgsql as \
                 'begin perform nextval(''folded''); return fold_of_one(value); end'",
        )
        .await;
        let reply = alice.get("/api/doctors/?search=LAST+Cárdiology&limit=50&count=true").await.is(200);
        assert_eq!((reply.body.as_array().unwrap().len(), reply.header("x-total-count")), (50, "300"));
        assert_eq!(
            app.value("select last_value from folded").await,
            json!(4),
            "two words, for the count and for the page"
        );
    }
}

mod a_database {
    use super::*;

    #[tokio::test]
    async fn that_is_read_only_is_503_for_writes_and_can_be_read() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        alice.post("/api/patients/", john_doe()).await.is(201);
        let login = json!({"email": "alice@example.com", "password": PASSWORD});
        let refresh = alice.post("/api/auth/login/", login.clone()).await.is(200).body["refresh"].clone();
        let name = app.value("select current_database()").await;
        let mut connection = app.connection().await;
        let read_only = format!("alter database {} set default_transaction_read_only = on", name.as_str().unwrap());
        sqlx::raw_sql(AssertSqlSafe(read_only)).execute(&mut connection).await.unwrap();
        let others = "select pg_terminate_backend(pid) from pg_stat_activity \
                      where datname = current_database() and pid <> pg_backend_pid()";
        sqlx::raw_sql(others).execute(&mut connection).await.unwrap();

        let bob = json!({"name": "Bob", "email": "bob@example.com", "password": PASSWORD});
        for (method, path, body) in [
            ("POST", "/api/auth/register/", bob),
            ("POST", "/api/auth/login/", login),
            ("POST", "/api/auth/token/refresh/", json!({"refresh": refresh})),
            ("PATCH", "/api/auth/me/", json!({"name": "Other"})),
            ("PATCH", "/api/patients/1/", json!({"address": "Other"})),
            ("PUT", "/api/patients/1/", with(john_doe(), json!({"address": "Other"}))),
            ("DELETE", "/api/patients/1/", Value::Null),
        ] {
            let reply = alice.json(method, path, body).await;
            assert_eq!(reply.header("retry-after"), "1", "{method} {path}: {}", reply.text);
            reply.says(503, unavailable());
        }
        for (path, body) in [("/api/patients/", john_doe()), ("/api/doctors/", emily_carter())] {
            alice.post(path, body).await.is(503);
        }
        alice.get("/api/patients/1/").await.is(200);
        assert_eq!(alice.get("/api/patients/").await.is(200).body.as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn that_is_migrated_meanwhile_is_asked_again() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        alice.post("/api/patients/", john_doe()).await.is(201);
        // on every connection, so that every one has the statement prepared
        let together = async || {
            let requests: Vec<_> = (0..30)
                .map(|_| {
                    let alice = alice.clone();
                    tokio::spawn(async move { alice.get("/api/patients/1/").await })
                })
                .collect();
            for request in requests {
                request.await.unwrap().is(200);
            }
        };
        together().await;
        app.sql("alter table patients alter column medical_history type varchar").await;
        together().await;
    }

    #[tokio::test]
    async fn whose_processes_stand_still_costs_a_post_with_a_key_no_more_than_any() {
        let dir = Directory::new();
        let program = Program::start(dir.path(), &[]);
        let alice = Client::at(&program.address).registered("alice").await;
        for (path, body) in [("/api/patients/", john_doe()), ("/api/doctors/", emily_carter())] {
            let taken = with(body, json!({"phone_number": "1"}));
            alice.post(path, taken).await.is(201);
        }
        signal_postgres_in(dir.path(), Signal::SIGSTOP);
        let begun = Instant::now();
        let requests = [
            ("/api/patients/", john_doe()),
            ("/api/doctors/", with(emily_carter(), json!({"specialty": ""}))),
            ("/api/doctors/", emily_carter()),
            ("/api/mappings/", json!({"patient": 1, "doctor": 1})),
            ("/api/auth/register/", json!({"name": "B", "email": "b@example.com", "password": "x"})),
        ]
        .map(|(path, body)| {
            let request = alice.request("POST", path).json(&body).header("idempotency-key", "one");
            tokio::spawn(async move { (Reply::of(request).await, path) })
        });
        let mut replies = Vec::new();
        for request in requests {
            let (reply, path) = request.await.unwrap();
            replies.push((reply.status.as_u16(), path, begun.elapsed()));
        }
        signal_postgres_in(dir.path(), Signal::SIGCONT);
        for (status, path, elapsed) in replies {
            assert_eq!(status, 503, "{path}");
            assert!(elapsed < Duration::from_secs(4), "{path}: {elapsed:?}");
        }
        let request = alice.request("POST", "/api/patients/").json(&john_doe()).header("idempotency-key", "one");
        Reply::of(request).await.is(201);
        assert!(program.stop().status.success());
    }
}
