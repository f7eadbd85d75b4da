use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use hit_core::{Error, ErrorCode, Result};

/// Binds `host:port`; port 0 is any free one. `flag` is what a user changes the address with.
///
/// # Errors
/// `HIT_CONFIG` for an address that is none, `HIT_IO` where nothing can listen on it.
pub fn bind(address: &str, flag: &str) -> Result<TcpListener> {
    let candidates = resolve(address, flag)?;
    TcpListener::bind(candidates.as_slice()).map_err(|source| refused(address, flag, source))
}

fn resolve(address: &str, flag: &str) -> Result<Vec<SocketAddr>> {
    let malformed = |reason: &str| {
        let message = format!("{flag} '{address}' {reason}: use host:port, for example 127.0.0.1:8080");
        Error::new(ErrorCode::Config, message)
    };
    let (host, port) = address.rsplit_once(':').ok_or_else(|| malformed("has no port"))?;
    if host.is_empty() {
        return Err(malformed("has no host (0.0.0.0 is every network of this machine)"));
    }
    port.parse::<u16>().map_err(|source| malformed("has no port from 0 to 65535").with_source(source))?;
    let found = address.to_socket_addrs();
    let found: Vec<_> =
        found.map_err(|source| malformed("names an unknown host").with_source(source))?.collect();
    if found.is_empty() { Err(malformed("names a host without an address")) } else { Ok(found) }
}

fn refused(address: &str, flag: &str, source: io::Error) -> Error {
    let message = match source.kind() {
        ErrorKind::AddrInUse => {
            let port = address.rsplit_once(':').map_or(address, |(_, port)| port);
            format!(
                "port {port} is in use ({address}): stop what listens there, or choose another port with {flag}"
            )
        }
        ErrorKind::PermissionDenied => {
            format!("this user may not listen on {address}: choose a port from 1024 with {flag}")
        }
        ErrorKind::AddrNotAvailable => {
            format!("{address} is no address of this machine: choose another with {flag}")
        }
        _ => format!("nothing can listen on {address} ({source}): choose another address with {flag}"),
    };
    Error::new(ErrorCode::Io, message).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_host_or_port_is_refused() {
        for address in
            ["", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "::1"]
        {
            let error = bind(address, "--http").unwrap_err();
            assert_eq!(error.code(), ErrorCode::Config, "{address}");
            assert!(error.message().contains("--http") && error.message().contains(address), "{error}");
        }
    }

    #[test]
    fn a_busy_port_names_itself_and_the_flag() {
        let first = bind("127.0.0.1:0", "--http").unwrap();
        let address = first.local_addr().unwrap();
        let error = bind(&address.to_string(), "--http").unwrap_err();
        assert_eq!(error.code(), ErrorCode::Io);
        assert!(error.message().contains(&format!("port {}", address.port())), "{error}");
        assert!(error.message().contains("--http"), "{error}");
    }
}
