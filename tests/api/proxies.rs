//! The client's address, scheme and host behind proxies.

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

/// Where the endpoints are, in a request with these headers.
async fn endpoint(app: &TestApp, headers: &[(&str, &str)]) -> String {
    let mut request = app.anonymous().request("GET", "/api/").header("host", "inside:8000");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::of(request).await.is(200).body["me"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn links_are_as_the_client_sees_the_server_if_a_trusted_proxy_says_so() {
    let app = behind(&["127.0.0.1/32", "10.0.0.0/8"]).await;
    let (proto, host) = ("x-forwarded-proto", "x-forwarded-host");
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[], "http://inside:8000"),
        (&[(proto, "https"), (host, "clinic.example")], "https://clinic.example"),
        (&[(FOR, "192.0.2.7"), (proto, "HTTPS"), (host, "clinic.example:8443")], "https://clinic.example:8443"),
        // what a client wrote itself stands further left
        (&[(FOR, "6.6.6.6, 192.0.2.7"), (proto, "https, http"), (host, "evil.example, a.example")], "http://a.example"),
        // of two proxies, each with its own, the client's side counts
        (&[(FOR, "192.0.2.7, 10.0.0.1"), (proto, "https, http"), (host, "a.example, b.example")], "https://a.example"),
        (&[(FOR, "192.0.2.7, 10.0.0.1"), (proto, "https"), (host, "b.example")], "https://b.example"),
        (&[(FORWARDED, "for=192.0.2.7;proto=https;host=\"a.example:81\"")], "https://a.example:81"),
        (&[(FORWARDED, "for=6.6.6.6;host=evil.example, for=192.0.2.7;proto=https")], "https://inside:8000"),
        // a proxy that knows one of them passes on the other, as a client sent it
        (&[(FORWARDED, "for=6.6.6.6;host=evil.example"), (proto, "https")], "https://inside:8000"),
    ];
    for (headers, expected) in cases {
        assert_eq!(endpoint(&app, headers).await, format!("{expected}/api/auth/me/"), "{headers:?}");
    }
    let stranger = behind(&["10.0.0.0/8"]).await;
    for headers in
        [[(proto, "https"), (host, "evil.example")], [(FORWARDED, "proto=https;host=evil.example"), (FOR, "")]]
    {
        assert_eq!(endpoint(&stranger, &headers).await, "http://inside:8000/api/auth/me/");
    }
}

#[tokio::test]
async fn the_host_that_a_proxy_names_must_be_allowed_too() {
    let trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    let allowed_hosts = vec!["clinic.example".to_owned()];
    let app = TestApp::with(Exposure { trusted_proxies, allowed_hosts, ..Exposure::default() }).await;
    for (host, status) in [("clinic.example", 200), ("evil.example", 400), ("clinic.example, x", 400)] {
        let request = app.anonymous().request("GET", "/api/").header("x-forwarded-host", host);
        Reply::of(request).await.is(status);
    }
}
