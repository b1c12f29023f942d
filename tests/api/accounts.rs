//! `/api/auth/me/`, and accounts from the command line.

use serde_json::json;

use crate::support::{
    Client, PASSWORD, TestApp, detail,
    program::{Directory, Program, run},
};

const ME: &str = "/api/auth/me/";

#[tokio::test]
async fn me_is_the_caller_s_own_account_of_which_the_name_can_be_changed() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let account =
        |name: &str| json!({"id": 1, "name": name, "email": "alice@example.com", "username": "alice@example.com"});
    alice.get(ME).await.says(200, account("alice"));
    let changes = json!({"name": " Alice Jones ", "email": "x@example.com", "is_staff": true, "id": 7});
    alice.patch(ME, changes).await.says(200, account("Alice Jones"));
    alice.patch("/api/auth/me", json!({})).await.says(200, account("Alice Jones"));
    alice.patch(ME, json!({"name": ""})).await.says(400, json!({"name": ["This field may not be blank."]}));
    alice.put(ME, json!({"name": "X"})).await.says(405, detail("Method \"PUT\" not allowed."));
    assert_eq!(
        app.value("select row_to_json(u) from (select version, is_staff from users u) u").await,
        json!({"version": 2, "is_staff": false})
    );
}

#[tokio::test]
async fn a_superuser_is_made_beside_a_running_server_and_logs_in() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let arguments =
        ["createsuperuser", "--email", "Root@Example.org", "--name", "Root", "--username", "root", "--password-stdin"];
    let made = run(dir.path(), &arguments, "StrongPass123\n");
    assert!(made.status.success(), "{made:?}");
    assert_eq!(String::from_utf8_lossy(&made.stdout), "Superuser created successfully.\n");
    let root = Client::at(&server.address).logged_in("root").await;
    root.get(ME).await.says(200, json!({"id": 1, "name": "Root", "email": "Root@example.org", "username": "root"}));

    for (arguments, input, said) in [
        (&arguments[..], PASSWORD, "error: email: user with this email already exists.\n"),
        (
            &["createsuperuser", "--email", "x", "--name", "X", "--password-stdin"],
            PASSWORD,
            "error: email: Enter a valid email address.\n",
        ),
        (
            &["createsuperuser", "--email", "x@example.org", "--name", "X", "--password-stdin"],
            "password",
            "error: password: This password is too common.\n",
        ),
        (
            &["createsuperuser", "--email", "x@example.org", "--password-stdin"],
            PASSWORD,
            "error: --name is needed with --password-stdin\n",
        ),
        (
            &["changepassword", "ROOT", "--password-stdin"],
            "root@example.org",
            "error: The password is too similar to the email.\n",
        ),
        (&["changepassword", "nobody", "--password-stdin"], PASSWORD, "error: user 'nobody' does not exist\n"),
    ] {
        let refused = run(dir.path(), arguments, input);
        assert_eq!((refused.status.code(), &*String::from_utf8_lossy(&refused.stderr)), (Some(1), said));
    }
    server.stop();
}

#[tokio::test]
async fn a_changed_password_ends_the_sessions() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let alice = Client::at(&server.address).registered("alice").await;
    let changed = run(dir.path(), &["changepassword", "alice@example.com", "--password-stdin"], "AnotherPass456\n");
    assert!(changed.status.success(), "{changed:?}");
    alice.get(ME).await.is(401);
    let login = |password: &str| json!({"email": "alice@example.com", "password": password});
    let client = Client::at(&server.address);
    client.post("/api/auth/login/", login(PASSWORD)).await.is(401);
    client.post("/api/auth/login/", login("AnotherPass456")).await.is(200);
}

#[tokio::test]
async fn a_superuser_is_made_before_the_first_start_too() {
    let dir = Directory::new();
    let arguments = ["createsuperuser", "--email", "root@example.org", "--name", "Root", "--password-stdin"];
    let made = run(dir.path(), &arguments, "StrongPass123");
    assert!(made.status.success(), "{made:?}");
    let server = Program::start(dir.path(), &[]);
    Client::at(&server.address).logged_in("root@example.org").await;
}
