//! A client that writes raw bytes and reads what comes back, and a server for it on a free port.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use hit::{OpenOptions, Store};
use hit_server::{Server, ServerOptions};

/// Runs a future to its end on this thread.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub fn memory_store() -> Store {
    wait(Store::open("memory:", OpenOptions::default())).unwrap()
}

pub fn serve(store: Store) -> Server {
    let options = ServerOptions { http: Some("127.0.0.1:0".into()), ..ServerOptions::default() };
    Server::start(store, &options).unwrap()
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// One connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(server: &Server) -> Self {
        Self::to(server.http_address().unwrap())
    }

    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // So that a test that waits for an answer that never comes fails instead of hanging.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// For what the server may answer and close before it has read everything.
    pub fn send_while_it_reads(&mut self, bytes: impl AsRef<[u8]>) {
        let _closed_early = self.stream.get_mut().write_all(bytes.as_ref());
    }

    pub fn finish_sending(&mut self) {
        self.stream.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// Whether a byte of an answer has come. Does not wait for one.
    pub fn has_answer(&self) -> bool {
        let stream = self.stream.get_ref();
        stream.set_nonblocking(true).unwrap();
        let peeked = stream.peek(&mut [0]);
        stream.set_nonblocking(false).unwrap();
        !self.stream.buffer().is_empty() || peeked.is_ok()
    }

    pub fn answer(&mut self) -> Answer {
        self.read(true)
    }

    pub fn answer_without_body(&mut self) -> Answer {
        self.read(false)
    }

    fn read(&mut self, with_body: bool) -> Answer {
        let mut head = String::new();
        loop {
            let before = head.len();
            assert!(
                self.stream.read_line(&mut head).unwrap() > 0,
                "the connection ended in a head: {head:?}"
            );
            if &head[before..] == "\r\n" {
                break;
            }
        }
        let status = head[9..12].parse().unwrap();
        let mut answer = Answer { status, head, body: String::new() };
        if with_body {
            let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).unwrap();
            answer.body = String::from_utf8(body).unwrap();
        }
        answer
    }

    /// Whether the server has nothing more to say and has closed.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        // A reset is an end too, where the server closed with bytes unread.
        let ended = self.stream.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
        ended.map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, |_| true)
    }

    pub fn request(&mut self, method: &str, target: &str, body: &str) -> Answer {
        let length = body.len();
        self.send(format!("{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}"));
        self.read(method != "HEAD")
    }

    pub fn set(&mut self, key: &str, value: &str) -> Answer {
        // Enough for the plain keys and values of tests.
        self.request("POST", "/set", &format!(r#"{{"key":{key:?},"value":{value:?}}}"#))
    }

    pub fn get(&mut self, target: &str) -> Answer {
        self.request("GET", target, "")
    }
}
