//! Settings, and a database of one's own.

use std::fs;

use sqlx::AssertSqlSafe;

use crate::support::{
    Client, SECRET_KEY, TestApp,
    program::{Directory, Program, program},
};

/// What the program says of its settings before it does anything.
fn refusal(settings: &[(&str, &str)], env_file: &str) -> String {
    let dir = Directory::new();
    fs::write(dir.path().join(".env"), env_file).unwrap();
    let output = program(dir.path(), &["serve"], settings).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!dir.path().join("data").exists());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn all_faults_are_reported_at_once() {
    let said = refusal(
        &[
            ("DATABASE_URL", "mysql://root:hunter2@localhost/x"),
            ("SECRET_KEY", "change-me"),
            ("SECRET_KEY_FALLBACKS", "short,django-insecure-0123456789abcdefghijklmnop"),
            ("HOST", "localhost"),
            ("PORT", "80000"),
            ("ACCESS_TOKEN_LIFETIME", "15"),
            ("DB_CONNECTIONS", "many"),
            ("DEBUG", "maybe"),
            ("RUST_LOG", "verbose"),
            ("ALLOWED_HOSTS", "https://api.example.org,api.example.org:8000,*.example.org,x/y,.ok.example,[::1],*"),
            ("PUBLIC_DOCTORS", "2"),
            ("REGISTRATION", "shut"),
            ("DOCTORS_EDITED_BY", "nobody"),
            ("AUTH_PASSWORD_VALIDATORS", "length,strong,django.contrib.auth.password_validation.Strong"),
            (
                "CORS_ALLOWED_ORIGINS",
                "https://app.example.org,app.example.org,http://x/,https://App.example,https://*.example,https://x:443",
            ),
            ("TRUSTED_PROXIES", "10.0.0.0/8,proxy.example.org,10.0.0.0/33,::1,fd00::/8,10.0.0"),
            ("THROTTLE_LOGIN", "5 per minute"),
            ("THROTTLE_REGISTER", "0/day"),
            ("THROTTLE_REFRESH", "1/fortnight"),
            ("THROTTLE_ANON", "min"),
            ("THROTTLE_USER", "-1/s"),
            ("METRICS_ADDR", "9100"),
            ("DRAIN_DELAY", "6m"),
            ("LOG_FORMAT", "xml"),
            ("DATA_DIR", ""),
        ],
        "REFRESH_TOKEN_LIFETIME=0s\n",
    );
    assert_eq!(
        said,
        "These settings are wrong:
  DEBUG is \"maybe\", which is neither True nor False
  DATABASE_URL is not of the form postgres://USER:PASSWORD@HOST:PORT/NAME (in it, an @ in a password is written %40, a % %25)
  SECRET_KEY is one that stands in an example: make one with `openssl rand -hex 32` (or set DEBUG=True, for development only)
  key 1 of SECRET_KEY_FALLBACKS has 5 bytes of the 32 that it needs: make one with `openssl rand -hex 32` (or set DEBUG=True, for development only)
  key 2 of SECRET_KEY_FALLBACKS is one that stands in an example: make one with `openssl rand -hex 32` (or set DEBUG=True, for development only)
  RUST_LOG is \"verbose\", which is neither a level (off, error, warn, info, debug, trace) nor MODULE=LEVEL, separated by commas
  DB_CONNECTIONS is \"many\", which is not a number
  AUTH_PASSWORD_VALIDATORS has \"strong\", which is none of similarity, length, common, numeric
  AUTH_PASSWORD_VALIDATORS has \"django.contrib.auth.password_validation.Strong\", which is none of similarity, length, common, numeric
  ALLOWED_HOSTS has \"https://api.example.org\", which is not a name such as api.example.org, .example.org or *: it is written without a scheme, a port and a path
  ALLOWED_HOSTS has \"api.example.org:8000\", which is not a name such as api.example.org, .example.org or *: it is written without a scheme, a port and a path
  ALLOWED_HOSTS has \"*.example.org\", which is not a name such as api.example.org, .example.org or *: it is written without a scheme, a port and a path
  ALLOWED_HOSTS has \"x/y\", which is not a name such as api.example.org, .example.org or *: it is written without a scheme, a port and a path
  PUBLIC_DOCTORS is \"2\", which is neither True nor False
  REGISTRATION is \"shut\", which is neither open nor closed
  DOCTORS_EDITED_BY is \"nobody\", which is neither everyone nor staff
  CORS_ALLOWED_ORIGINS has \"app.example.org\", which is not an origin such as https://app.example.org
  CORS_ALLOWED_ORIGINS has \"http://x/\", which is not an origin such as https://app.example.org
  CORS_ALLOWED_ORIGINS has \"https://App.example\", which is not an origin such as https://app.example.org
  CORS_ALLOWED_ORIGINS has \"https://*.example\", which is not an origin such as https://app.example.org
  CORS_ALLOWED_ORIGINS has \"https://x:443\", which is not an origin such as https://app.example.org
  TRUSTED_PROXIES has \"proxy.example.org\", which is neither an address nor a network such as 10.0.0.0/8
  TRUSTED_PROXIES has \"10.0.0.0/33\", which is neither an address nor a network such as 10.0.0.0/8
  TRUSTED_PROXIES has \"10.0.0\", which is neither an address nor a network such as 10.0.0.0/8
  THROTTLE_LOGIN is \"5 per minute\", which is not a rate such as 5/min, 100/hour or 1000/day
  THROTTLE_REGISTER is \"0/day\", which is not a rate such as 5/min, 100/hour or 1000/day
  THROTTLE_REFRESH is \"1/fortnight\", which is not a rate such as 5/min, 100/hour or 1000/day
  THROTTLE_ANON is \"min\", which is not a rate such as 5/min, 100/hour or 1000/day
  THROTTLE_USER is \"-1/s\", which is not a rate such as 5/min, 100/hour or 1000/day
  HOST is \"localhost\", which is not an IP address, such as 127.0.0.1 or 0.0.0.0
  PORT is \"80000\", which is not a port, 0 to 65535
  METRICS_ADDR is \"9100\", which is not an IP address and a port, such as 127.0.0.1:9100
  DRAIN_DELAY is \"6m\", which is not a time from 0s to 5m, such as 10s
  ACCESS_TOKEN_LIFETIME is \"15\", which is not a time such as 15m, 12h or 1day
  REFRESH_TOKEN_LIFETIME is \"0s\", which is not a time such as 15m, 12h or 1day
  LOG_FORMAT is \"xml\", which is neither text nor json
See --help.
"
    );
}

#[test]
fn a_filter_of_the_log_is_made_of_levels_and_of_modules_with_levels() {
    for wrong in ["a=b=c", "info,sqlx", "healthcare_backend=loud"] {
        let said = refusal(&[("RUST_LOG", wrong)], "");
        assert!(said.contains(&format!("RUST_LOG is {wrong:?}, which is neither a level")), "{said}");
    }
    let dir = Directory::new();
    for good in ["WARN", "off", "warn,sqlx=debug,healthcare_backend::server=trace", "[request]=info"] {
        let output = program(dir.path(), &["serve"], &[("RUST_LOG", good), ("PG_BINDIR", "/nonexistent")]).output();
        assert_eq!(output.unwrap().status.code(), Some(1), "{good}");
    }
}

#[test]
fn a_rate_is_written_as_for_django_rest_framework() {
    let dir = Directory::new();
    let start = |rate: &str| {
        let settings = [("THROTTLE_USER", rate), ("PG_BINDIR", "/nonexistent")];
        program(dir.path(), &["serve"], &settings).output().unwrap().status.code()
    };
    for unit in ["s", "sec", "second", "m", "min", "minute", "h", "hour", "d", "day"] {
        assert_eq!(start(&format!("1000000/{unit}")), Some(1), "{unit}");
    }
    for good in ["", " ", " 5 / min "] {
        assert_eq!(start(good), Some(1), "{good}");
    }
    for wrong in ["5", "/min", "5/", "5/min/min", "1000001/s", "99999999999/s", "5/M", "5/week", "+/s"] {
        assert_eq!(start(wrong), Some(2), "{wrong}");
    }
}

#[test]
fn a_wrong_sslmode_is_named() {
    let url = "postgres://app:hunter2@db.example.org/x?application_name=a&sslmode=bogus";
    let said = refusal(&[("DATABASE_URL", url), ("DEBUG", "True")], "");
    assert_eq!(
        said,
        "These settings are wrong:
  DATABASE_URL has sslmode=bogus, which is none of disable, allow, prefer, require, verify-ca, verify-full
See --help.
"
    );
}

#[test]
fn a_database_of_one_s_own_needs_a_key_and_a_name() {
    let said = refusal(&[("DB_PASSWORD", "x")], "");
    assert_eq!(
        said,
        "These settings are wrong:
  DB_NAME is missing: with one of DB_NAME, DB_USER and DB_PASSWORD, give the others too
  DB_USER is missing: with one of DB_NAME, DB_USER and DB_PASSWORD, give the others too
  SECRET_KEY is missing: make one with `openssl rand -hex 32` (or set DEBUG=True, for development only)
See --help.
"
    );
}

#[test]
fn a_line_of_the_env_file_that_can_t_be_read_is_numbered_and_not_shown() {
    let said = refusal(&[], "DB_NAME=x\nDB_PASSWORD=hunter 2\n");
    assert!(said.contains(".env: line 2 can't be read") && !said.contains("hunter"), "{said}");
}

#[test]
fn a_value_with_a_dollar_needs_quotes_and_an_empty_one_is_not_given() {
    let said = refusal(&[], "DEBUG=True\nSECRET_KEY=abc$defghijklmnop\n");
    assert!(said.contains(".env: line 2 can't be read") && !said.contains("abc"), "{said}");
    let every_setting = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example")).unwrap();
    let names = every_setting
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once('='))
        .filter(|(name, _)| !name.contains(' '));
    let empty: String = names.map(|(name, _)| format!("{name}=\n")).filter(|line| !line.starts_with("PORT")).collect();
    let dir = Directory::new();
    fs::write(dir.path().join(".env"), format!("{empty}SECRET_KEY='abc$defghijklmnopqrstuvwxyz0123456789'\n")).unwrap();
    Program::start(dir.path(), &[]).stop();
}

#[test]
fn the_readmes_env_files_are_taken_as_they_are() {
    for env_file in [
        "SECRET_KEY=your-secret-key-here\nDEBUG=True\nDB_NAME=healthcare_db\nDB_USER=your-db-user\nDB_PASSWORD=your-db-password\nDB_HOST=localhost\nDB_PORT=1\n",
        "SECRET_KEY=change-me\nDEBUG=True\nALLOWED_HOSTS=*\n# Format: postgres://USER:PASSWORD@HOST:PORT/DBNAME\nDATABASE_URL=postgres://postgres:postgres@localhost:1/healthcare_db\n",
    ] {
        let dir = Directory::new();
        fs::write(dir.path().join(".env"), env_file).unwrap();
        let output = program(dir.path(), &[], &[("PORT", "0"), ("DATABASE_WAIT", "0s")]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with("error: database healthcare_db at localhost:1 as "), "{said}");
        assert!(!said.contains("password"), "{said}");
    }
}

/// `postgres://` for the test's own database, as a user would write it.
pub fn url(app: &TestApp) -> String {
    let options = &app.database.options;
    match options.get_socket() {
        Some(socket) => {
            format!("postgres:///{}?host={}&user=postgres", options.get_database().unwrap(), socket.display())
        }
        None => {
            std::env::var("TEST_DATABASE_URL").unwrap().rsplit_once('/').unwrap().0.to_owned()
                + "/"
                + options.get_database().unwrap()
        }
    }
}

#[tokio::test]
async fn several_servers_that_start_at_once_migrate_a_database_once() {
    let app = TestApp::start().await;
    // an empty database again
    app.sql("commit; drop schema public cascade; create schema public; begin").await;
    let url = url(&app);
    let start = || {
        let url = url.clone();
        std::thread::spawn(move || {
            let dir = Directory::new();
            Program::start(dir.path(), &[("DATABASE_URL", url.as_str()), ("SECRET_KEY", SECRET_KEY)])
        })
    };
    let servers: Vec<Program> = [start(), start(), start()].into_iter().map(|server| server.join().unwrap()).collect();
    assert!(servers[0].printed.contains("(from DATABASE_URL)"), "{}", servers[0].printed);
    let alice = Client::at(&servers[0].address).registered("alice").await;
    for server in &servers {
        let there = alice.clone().moved_to(&server.address);
        there.get("/api/patients/").await.is(200);
    }
    let migrations = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().count();
    assert_eq!(app.value("select count(*) from _sqlx_migrations where success").await, migrations);
}

/// What `migrate` says of a database that it refuses.
fn refused(url: &str) -> String {
    let dir = Directory::new();
    let settings = [("DATABASE_URL", url), ("SECRET_KEY", SECRET_KEY)];
    let output = program(dir.path(), &["migrate"], &settings).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_database_with_tables_of_another_program_is_left_alone() {
    let app = TestApp::start().await;
    let url = url(&app);
    let ours = "select jsonb_agg(relname) from pg_class where relkind in ('r', 'p') and not relispartition \
                and relnamespace = 'public'::regnamespace";
    let ours = app.value(ours).await;
    let ours = ours.as_array().unwrap().iter().map(|table| table.as_str().unwrap());
    let ours: Vec<&str> = ours.filter(|table| *table != "_sqlx_migrations").collect();
    assert!(ours.len() > 5, "{ours:?}");
    let has = async |tables: &str| {
        let sql = format!("drop schema public cascade; create schema public; {tables}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut app.connection().await).await.unwrap();
    };
    for tables in ours.iter().map(std::slice::from_ref).chain([&["auth_user", "django_migrations"][..]]) {
        let made: String = tables.iter().map(|table| format!("create table {table} (id int);")).collect();
        has(&made).await;
        let said = refused(&url);
        let names = tables.join(", ");
        assert!(said.contains(&format!("can't be used: it has tables of another program ({names}), and")), "{said}");
        let left = app.value("select count(*) from pg_class where relnamespace = 'public'::regnamespace").await;
        assert_eq!(left, tables.len());
    }
    has("create table spatial_ref_sys (id int)").await;
    let dir = Directory::new();
    Program::start(dir.path(), &[("DATABASE_URL", &url), ("SECRET_KEY", SECRET_KEY)]).stop();
}

#[tokio::test]
async fn what_postgresql_says_is_passed_on_without_a_line_of_its_source() {
    let app = TestApp::start().await;
    let url = url(&app);
    app.sql("commit; alter table _sqlx_migrations rename column checksum to sum; begin").await;
    let said = refused(&url);
    assert!(said.ends_with("can't be used: column \"checksum\" does not exist\n"), "{said}");
    let said = refused(&url.replace("/test_", "/no_such_test_"));
    assert!(
        said.contains("can't be used: database \"no_such_test_") && said.ends_with("\" does not exist\n"),
        "{said}"
    );
}
