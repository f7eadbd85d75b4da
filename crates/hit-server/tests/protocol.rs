//! HTTP itself: connections, requests in pieces, requests in a row, and what is over a limit.

mod wire;

use hit_core::limits::MAX_VALUE_BYTES;
use wire::{Client, memory_store, serve};

const SET: &str =
    "POST /set HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\n\r\n{\"key\":\"foo\",\"value\":\"1\"}";
const GET: &str = "GET /get?key=foo HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_connection_serves_many_requests() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    for number in 0..100 {
        assert_eq!(client.set("foo", &number.to_string()).status, 201);
        assert_eq!(client.get("/get?key=foo").body, format!(r#"{{"key":"foo","value":"{number}"}}"#));
    }
}

#[test]
fn a_failed_request_leaves_the_connection_usable() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    assert_eq!(client.request("POST", "/set", "nonsense").status, 400);
    assert_eq!(client.get("/nowhere").status, 404);
    assert_eq!(client.set("foo", "1").status, 201);
}

#[test]
fn requests_sent_in_a_row_are_answered_in_their_order() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    client.send([SET, GET, "DELETE /delete?key=foo HTTP/1.1\r\nHost: x\r\n\r\n", GET].concat());
    assert_eq!(client.answer().status, 201);
    assert_eq!(client.answer().body, r#"{"key":"foo","value":"1"}"#);
    assert_eq!(client.answer().status, 204);
    assert_eq!(client.answer().body, r#"{"key":"foo","value":""}"#);
}

#[test]
fn half_a_request_does_not_hold_back_the_answer_before_it() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    let (half, rest) = GET.split_at(10);
    client.send([SET, half].concat());
    assert_eq!(client.answer().status, 201);
    client.send(rest);
    assert_eq!(client.answer().status, 200);
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    for byte in SET.bytes() {
        client.send([byte]);
    }
    assert_eq!(client.answer().status, 201);
}

#[test]
fn a_body_may_come_in_chunks() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    client.send("POST /set HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for chunk in [r#"{"key":"#, r#""foo","#, r#""value":"1"}"#] {
        client.send(format!("{:x}\r\n{chunk}\r\n", chunk.len()));
    }
    client.send("0\r\nTrailer: x\r\n\r\n");
    assert_eq!(client.answer().status, 201);
    assert_eq!(client.get("/get?key=foo").body, r#"{"key":"foo","value":"1"}"#);
}

#[test]
fn a_client_that_only_listens_any_more_is_answered() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    client.send(SET);
    client.finish_sending();
    assert_eq!(client.answer().status, 201);
    assert!(client.is_closed());
}

#[test]
fn a_request_that_is_never_finished_changes_nothing() {
    let server = serve(memory_store());
    for cut in [1, 10, SET.len() - 10, SET.len() - 1] {
        let mut client = Client::connect(&server);
        client.send(&SET[..cut]);
        client.finish_sending();
        drop(client);
    }
    assert_eq!(Client::connect(&server).get("/get?key=foo").body, r#"{"key":"foo","value":""}"#);
}

#[test]
fn what_is_no_http_is_a_bad_request() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    client.send("SET foo bar\r\n\r\n");
    assert_eq!(client.answer().status, 400);
    assert!(client.is_closed());
}

#[test]
fn a_client_of_http_1_0_is_answered_and_the_connection_closed() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    client.send("GET /get?key=foo HTTP/1.0\r\n\r\n");
    assert_eq!(client.answer().body, r#"{"key":"foo","value":""}"#);
    assert!(client.is_closed());
}

#[test]
fn headers_over_the_limit_are_refused() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    client.send_while_it_reads(format!("GET /get?key=foo HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(1 << 20)));
    assert_eq!(client.answer().status, 431);
    let mut client = Client::connect(&server);
    client.send(format!("GET /get?key=foo HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(1_000)));
    assert_eq!(client.answer().status, 431);
    assert_eq!(Client::connect(&server).get("/get?key=foo").status, 200);
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_sent() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    let length = MAX_VALUE_BYTES * 2;
    client.send(format!("POST /set HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"));
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("hitkv-code")), (413, Some("HIT_VALUE_TOO_LARGE")));
}

#[test]
fn a_value_of_a_megabyte_comes_back_whole() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    let value = "0123456789abcdef".repeat(1 << 16);
    assert_eq!(client.set("big", &value).status, 201);
    assert_eq!(client.get("/get?key=big").body, format!(r#"{{"key":"big","value":"{value}"}}"#));
}

#[test]
fn many_connections_write_at_once() {
    let server = serve(memory_store());
    std::thread::scope(|scope| {
        for writer in 0..20 {
            let server = &server;
            scope.spawn(move || {
                let mut client = Client::connect(server);
                for number in 0..50 {
                    assert_eq!(client.set(&format!("{writer}/{number}"), "v").status, 201);
                }
            });
        }
    });
    let mut client = Client::connect(&server);
    for writer in 0..20 {
        for number in 0..50 {
            assert!(client.get(&format!("/get?key={writer}/{number}")).body.ends_with(r#""v"}"#));
        }
    }
}
