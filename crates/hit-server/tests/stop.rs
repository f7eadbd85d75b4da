//! Stopping: what has been read is answered, the rest is let go.

mod wire;

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use hit_server::{Server, ServerOptions};
use wire::{Client, memory_store, serve, wait};

/// Returns once nothing listens on `address`, so once the server has begun to stop.
fn until_refused(address: SocketAddr) {
    while TcpStream::connect(address).is_ok() {
        thread::yield_now();
    }
}

/// Leaves the server waiting for the body of a request whose head it has read.
fn begin_a_set(client: &mut Client) {
    client.send("POST /set HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 25\r\n\r\n");
    assert_eq!(client.answer_without_body().status, 100);
}

#[test]
fn a_request_that_has_been_begun_is_answered() {
    let store = memory_store();
    let server = serve(store.clone());
    let address = server.http_address().unwrap();
    let mut client = Client::connect(&server);
    begin_a_set(&mut client);
    thread::scope(|scope| {
        let stopping = scope.spawn(|| wait(server.stop()));
        until_refused(address);
        assert!(!stopping.is_finished());
        client.send(r#"{"key":"foo","value":"1"}"#);
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("connection")), (201, Some("close")));
        assert!(client.is_closed());
        stopping.join().unwrap();
    });
    assert_eq!(store.get(b"foo").unwrap().unwrap(), b"1");
}

#[test]
fn idle_connections_are_closed() {
    let server = serve(memory_store());
    let mut used = Client::connect(&server);
    assert_eq!(used.set("foo", "1").status, 201);
    let mut unused = Client::connect(&server);
    wait(server.stop());
    assert!(used.is_closed());
    assert!(unused.is_closed());
}

#[test]
fn a_request_that_never_ends_does_not_hold_the_server_for_ever() {
    let options = ServerOptions {
        http: Some("127.0.0.1:0".into()),
        stop_timeout: Duration::from_millis(20),
        ..ServerOptions::default()
    };
    let store = memory_store();
    let server = Server::start(store.clone(), &options).unwrap();
    let mut client = Client::connect(&server);
    begin_a_set(&mut client);
    wait(server.stop());
    assert!(client.is_closed());
    assert_eq!(store.get(b"foo").unwrap(), None);
}

#[test]
fn stopping_again_and_dropping_are_harmless() {
    let server = serve(memory_store());
    let address = server.http_address().unwrap();
    wait(server.stop());
    wait(server.stop());
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn it_stops_from_a_thread_that_runs_no_futures() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    server.stop_blocking();
    server.stop_blocking();
    assert!(client.is_closed());
}

#[test]
fn a_dropped_server_is_gone() {
    let server = serve(memory_store());
    let mut client = Client::connect(&server);
    assert_eq!(client.set("foo", "1").status, 201);
    wait(async { drop(server) });
    assert!(client.is_closed());
}

#[test]
fn the_address_is_free_again_at_once() {
    let first = serve(memory_store());
    let address = first.http_address().unwrap();
    assert_eq!(Client::connect(&first).set("foo", "1").status, 201);
    wait(first.stop());
    let options = ServerOptions { http: Some(address.to_string()), ..ServerOptions::default() };
    let second = Server::start(memory_store(), &options).unwrap();
    assert_eq!(Client::connect(&second).get("/get?key=foo").body, r#"{"key":"foo","value":""}"#);
}

#[test]
fn a_server_without_a_listener_starts_and_stops() {
    let server = Server::start(memory_store(), &ServerOptions::default()).unwrap();
    assert_eq!(server.http_address(), None);
    wait(server.stop());
}
