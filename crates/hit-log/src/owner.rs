//! `OWNER` tells who holds the lock. It is for messages only: nobody decides anything by it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::files::{Files, OpenMode, read_whole};

/// More bytes than it ever has.
const MAX_OWNER_BYTES: u64 = 64 << 10;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Owner {
    pid: u32,
    host: String,
    engine: String,
    /// Unix time in milliseconds.
    since: u64,
    /// Of the server that runs in the process, if one does.
    address: Option<String>,
}

impl Owner {
    pub(crate) fn this_process() -> Self {
        Self {
            pid: std::process::id(),
            host: host(),
            engine: "native".into(),
            since: now_ms(),
            address: None,
        }
    }

    pub(crate) fn with_address(&self, address: Option<&str>) -> Self {
        Self { address: address.map(str::to_owned), ..self.clone() }
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// Who holds the lock and what to do, as far as it is known.
    pub(crate) fn describe(files: &dyn Files, path: &Path) -> String {
        let text = files.open(path, OpenMode::Read).and_then(|file| read_whole(&*file, MAX_OWNER_BYTES));
        let owner: Option<Self> = text.ok().and_then(|text| serde_json::from_slice(&text).ok());
        let Some(owner) = owner else {
            return "by another program: close it there, then try again".into();
        };
        let seconds = now_ms().saturating_sub(owner.since) / 1000;
        let who =
            format!("by process {} on {} (engine {}, for {seconds} s)", owner.pid, owner.host, owner.engine);
        match owner.address {
            Some(address) => format!("{who}: use its server at {address}, or close it there"),
            None => format!("{who}: close it there, then try again"),
        }
    }
}

/// Unix time in milliseconds.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "this machine".into())
}
