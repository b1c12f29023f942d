//! The client's address behind proxies.

use healthcare_backend::config::Exposure;
use serde_json::json;

use crate::support::{LOGIN, PASSWORD, REGISTER, Reply, TestApp, alice_smith};

const FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

/// An application behind proxies that it trusts.
async fn behind(proxies: &[&str]) -> TestApp {
    let trusted_proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
    let app = TestApp::with(Exposure { trusted_proxies, ..Exposure::default() }).await;
    app.anonymous().post(REGISTER, alice_smith()).await.is(201);
    app
}

/// Where a login with these headers comes from.
async fn address(app: &TestApp, headers: &[(&str, &str)]) -> String {
    let mut request = app.anonymous().request("POST", LOGIN);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::of(request.json(&json!({"email": "alice@example.com", "password": PASSWORD}))).await.is(200);
    let address = app.value("select address from sessions order by id desc limit 1").await;
    address.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_trusted_proxy_says_it_and_what_a_client_wrote_itself_counts_for_nothing() {
    let app = behind(&["127.0.0.1/32", "10.0.0.0/8", "2001:db8:ffff::/48"]).await;
    let quoted = "for=192.0.2.7;host=\"x, for=6.6.6.6;y=z\"";
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[], "127.0.0.1"),
        (&[(FOR, "192.0.2.7")], "192.0.2.7"),
        (&[(FOR, "6.6.6.6, 192.0.2.7")], "192.0.2.7"),
        (&[(FOR, "6.6.6.6,192.0.2.7, 10.1.2.3 ,10.9.9.9")], "192.0.2.7"),
        (&[(FOR, "6.6.6.6"), (FOR, "192.0.2.7"), (FOR, "10.1.2.3")], "192.0.2.7"),
        // all of them are trusted
        (&[(FOR, "10.0.0.1, 10.0.0.2")], "10.0.0.1"),
        (&[(FOR, "2001:db8::7, 2001:db8:ffff::1")], "2001:db8::7"),
        (&[(FOR, "::ffff:192.0.2.7, ::ffff:10.0.0.1")], "192.0.2.7"),
        (&[(FOR, "192.0.2.7:4711, [2001:db8:ffff::1]:443")], "192.0.2.7"),
        (&[(FOR, "[2001:db8::7]")], "2001:db8::7"),
        // the last good one
        (&[(FOR, "192.0.2.7, unknown, 10.0.0.2")], "10.0.0.2"),
        (&[(FOR, "192.0.2.7, , 10.0.0.2")], "10.0.0.2"),
        (&[(FOR, "300.1.1.1")], "127.0.0.1"),
        (&[(FOR, "")], "127.0.0.1"),
        (&[(FORWARDED, "for=192.0.2.7")], "192.0.2.7"),
        (&[(FORWARDED, "for=6.6.6.6, For=192.0.2.7;proto=https;by=10.0.0.1, for=10.0.0.2")], "192.0.2.7"),
        (&[(FORWARDED, "proto=http; for=\"[2001:db8::7]:4711\"")], "2001:db8::7"),
        (&[(FORWARDED, "for=6.6.6.6"), (FORWARDED, "for=192.0.2.7")], "192.0.2.7"),
        (&[(FORWARDED, quoted)], "192.0.2.7"),
        (&[(FORWARDED, "for=192.0.2.7;host=\"\\\", for=6.6.6.6\"")], "192.0.2.7"),
        (&[(FORWARDED, "for=192.0.2.7, for=_hidden, for=10.0.0.2")], "10.0.0.2"),
        (&[(FORWARDED, "for=\"192.0.2.7")], "127.0.0.1"),
        (&[(FORWARDED, "proto=https")], "127.0.0.1"),
        // a proxy that knows one of them passes on the other, as a client sent it
        (&[(FORWARDED, "for=6.6.6.6"), (FOR, "192.0.2.7")], "192.0.2.7"),
    ];
    for (headers, expected) in cases {
        assert_eq!(address(&app, headers).await, *expected, "{headers:?}");
    }
}

#[tokio::test]
async fn nobody_else_may_say_it() {
    for app in [behind(&[]).await, behind(&["10.0.0.0/8", "::1/128"]).await] {
        for headers in [[(FOR, "192.0.2.7")], [(FORWARDED, "for=192.0.2.7")], [(FOR, "192.0.2.7, 10.0.0.1")]] {
            assert_eq!(address(&app, &headers).await, "127.0.0.1");
        }
    }
}
