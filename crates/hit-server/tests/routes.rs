//! The routes, each row of the table in the documentation of `hit_server::http`.

mod wire;

use hit::WriteOptions;
use wire::{Client, memory_store, serve, wait};

#[test]
fn set_answers_created_without_a_body() {
    let server = serve(memory_store());
    let answer =
        Client::connect(&server).request("POST", "/set", r#"{"key":"foo","value":"bar","more":[1]}"#);
    assert_eq!((answer.status, answer.body.as_str()), (201, ""));
    assert_eq!(answer.header("content-length"), Some("0"));
}

#[test]
fn get_answers_what_was_set() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    assert_eq!(client.set("foo", "bar").status, 201);
    let answer = client.get("/get?key=foo");
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"key":"foo","value":"bar"}"#));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[test]
fn get_of_a_missing_key_answers_an_empty_value() {
    let server = serve(memory_store());
    let answer = Client::connect(&server).get("/get?key=nope");
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"key":"nope","value":""}"#));
}

#[test]
fn head_answers_as_get_does_without_a_body() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    client.set("foo", "bar");
    let answer = client.request("HEAD", "/get?key=foo", "");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("content-length"), Some("27"));
    assert_eq!(client.get("/get?key=foo").body.len(), 27);
}

#[test]
fn delete_answers_nothing_whether_or_not_there_was_a_key() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    client.set("foo", "bar");
    for _ in 0..2 {
        let answer = client.request("DELETE", "/delete?key=foo", "");
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }
    assert_eq!(client.get("/get?key=foo").body, r#"{"key":"foo","value":""}"#);
}

#[test]
fn plus_and_percent_20_are_spaces_and_the_first_key_counts() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    client.set("a b c", "1");
    assert_eq!(client.get("/get?key=a+b%20c&key=d").body, r#"{"key":"a b c","value":"1"}"#);
}

#[test]
fn keys_that_harm_file_systems_are_only_keys() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    for (key, encoded) in
        [("../escape", "..%2Fescape"), ("a/b", "a/b"), ("/", "%2f"), (".", "."), ("é", "%C3%A9")]
    {
        assert_eq!(client.set(key, key).status, 201);
        let answer = client.get(&format!("/get?key={encoded}"));
        assert_eq!(answer.body, format!(r#"{{"key":"{key}","value":"{key}"}}"#));
    }
    client.request("POST", "/set", "{\"key\":\"nul\\u0000\",\"value\":\"v\"}");
    assert_eq!(client.get("/get?key=nul%00").body, r#"{"key":"nul\u0000","value":"v"}"#);
}

#[test]
fn what_html_would_take_as_its_own_is_escaped() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    client.request("POST", "/set", "{\"key\":\"<&>\",\"value\":\"\u{2028}\u{2029}\"}");
    let answer = client.get("/get?key=%3C%26%3E");
    assert_eq!(answer.body, r#"{"key":"\u003c\u0026\u003e","value":"\u2028\u2029"}"#);
}

#[test]
fn a_body_that_is_no_entry_is_a_bad_request_with_the_reason() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    for body in ["", "{", "[]", "nonsense", r#"{"key":1,"value":"v"}"#, r#"{"key":"k","value":null}"#] {
        let answer = client.request("POST", "/set", body);
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.header("hitkv-code"), Some("HIT_ARGUMENT"));
        assert!(answer.body.starts_with("HIT_ARGUMENT: ") && answer.body.ends_with('\n'), "{answer:?}");
    }
    assert_eq!(client.get("/get?key=k").body, r#"{"key":"k","value":""}"#);
}

#[test]
fn an_empty_or_over_long_key_is_a_bad_request() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    let long = "k".repeat(2_049);
    for (method, target, body) in [
        ("POST", "/set".to_owned(), r#"{"key":"","value":"v"}"#.to_owned()),
        ("POST", "/set".to_owned(), format!(r#"{{"key":"{long}","value":"v"}}"#)),
        ("GET", "/get?key=".to_owned(), String::new()),
        ("GET", "/get".to_owned(), String::new()),
        ("GET", format!("/get?key={long}"), String::new()),
        ("DELETE", "/delete?key=".to_owned(), String::new()),
        ("DELETE", format!("/delete?key={long}"), String::new()),
        ("GET", "/get?key=%ff".to_owned(), String::new()),
    ] {
        let answer = client.request(method, &target, &body);
        assert_eq!(
            (answer.status, answer.header("hitkv-code")),
            (400, Some("HIT_KEY_INVALID")),
            "{method} {target}"
        );
    }
    let longest = "k".repeat(2_048);
    assert_eq!(client.set(&longest, "v").status, 201);
    assert!(client.get(&format!("/get?key={longest}")).body.ends_with(r#""value":"v"}"#));
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    for (method, target, allowed) in [
        ("GET", "/set", "POST"),
        ("PUT", "/set", "POST"),
        ("POST", "/get?key=foo", "GET,HEAD"),
        ("OPTIONS", "/get?key=foo", "GET,HEAD"),
        ("GET", "/delete?key=foo", "DELETE"),
        ("POST", "/delete?key=foo", "DELETE"),
    ] {
        let answer = client.request(method, target, "");
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{method} {target}");
    }
}

#[test]
fn another_path_is_not_found() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    for target in ["/", "/sets", "/set/", "/GET?key=a", "/get%2f?key=a", "//get?key=a"] {
        let answer = client.get(target);
        assert_eq!(answer.status, 404, "{target}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[test]
fn a_value_that_is_not_text_is_an_error_and_never_replaced() {
    let store = memory_store();
    wait(store.set(b"k", b"a\xff", WriteOptions::default())).unwrap();
    let server = serve(store);
    let answer = Client::connect(&server).get("/get?key=k");
    assert_eq!((answer.status, answer.header("hitkv-code")), (500, Some("HIT_VALUE_INVALID")));
    assert!(answer.body.contains("6b"), "{answer:?}");
}

#[test]
fn a_closed_store_is_unavailable_and_nothing_is_answered_as_done() {
    let store = memory_store();
    let server = serve(store.clone());
    wait(store.close()).unwrap();
    let mut client = Client::connect(&server);
    for answer in
        [client.set("k", "v"), client.get("/get?key=k"), client.request("DELETE", "/delete?key=k", "")]
    {
        assert_eq!((answer.status, answer.header("hitkv-code")), (503, Some("HIT_NOT_OPEN")), "{answer:?}");
    }
}
