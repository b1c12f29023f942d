//! Making accounts from the command line.

use serde_json::json;

use crate::{
    operator::{audited, does, refuses},
    support::{
        Client, ME, PASSWORD, TestApp,
        program::{Directory, Program, run},
    },
};

#[tokio::test]
async fn a_user_is_made_with_or_without_the_rights_of_staff_and_logs_in() {
    let app = TestApp::start().await;
    let create = ["createuser", "--name", "Alice", "--password-stdin", "--email"];
    let create = |rest: &[&'static str]| [&create[..], rest].concat();
    does(&app, &create(&["alice@example.com"]), "User created successfully.");
    does(&app, &create(&["bob@example.com", "--username", "bob", "--staff"]), "User created successfully.");
    let rows = audited(&app).await;
    assert_eq!(rows[0].as_array().unwrap()[..3], [json!("users"), json!(2), json!("INSERT")]);
    assert_eq!(rows[0][3]["password_hash"], "********");
    app.anonymous().logged_in("bob").await;
    let alice = app.anonymous().logged_in("alice@example.com").await;
    alice.get(ME).await.is(200);
    let ranks = "select jsonb_agg(jsonb_build_array(username, is_staff, is_superuser) order by id) from users";
    assert_eq!(app.value(ranks).await, json!([[null, false, false], ["bob", true, false]]));
    refuses(&app, &create(&["BOB@example.com"]), "email: user with this email already exists.");
    let taken = "username: A user with that username already exists.";
    refuses(&app, &create(&["x@example.com", "--username", "BOB"]), taken);
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
async fn a_superuser_is_made_before_the_first_start_too() {
    let dir = Directory::new();
    let arguments = ["createsuperuser", "--email", "root@example.org", "--name", "Root", "--password-stdin"];
    let made = run(dir.path(), &arguments, "StrongPass123");
    assert!(made.status.success(), "{made:?}");
    let server = Program::start(dir.path(), &[]);
    Client::at(&server.address).logged_in("root@example.org").await;
}
