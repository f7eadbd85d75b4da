use hit::ErrorCode;
use hit_testkit::Call;

pub const EIO: i32 = 5;
pub const EMFILE: i32 = 24;
pub const ENOSPC: i32 = 28;

/// What one failed call may bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Nothing,
    Refused,
    Poisoned,
}

/// The table of this suite, call by call.
pub fn expected(number: i32, call: Call, name: &str) -> &'static [Effect] {
    use Effect::{Nothing, Poisoned, Refused};
    let is_log = name.ends_with(".log") || name.ends_with(".log.tmp");
    match call {
        // Speed, messages, tidiness.
        Call::Allocate | Call::SetSize | Call::Remove => &[Nothing],
        _ if name.starts_with("OWNER") || name.starts_with("hitkv.reserve") => &[Nothing],
        // Looked at also when it is released, and before it is made.
        Call::Open | Call::Identity if name == "hitkv.lock" => &[Nothing, Refused],
        // By those who tidy up.
        Call::List if name == "store" => &[Nothing, Refused],
        // A backup copies what it cannot link.
        Call::Link if number != ENOSPC && name != "hitkv.json" => &[Nothing],
        // A run has been listed, or not: nobody knows.
        Call::SyncFolder if name == "log" && number == ENOSPC => &[Refused, Poisoned, Nothing],
        Call::SyncFolder if name == "log" => &[Refused, Poisoned],
        // Once more than is strictly needed.
        Call::SyncFolder if name == "/" || name == "data" => &[Nothing, Refused],
        // A new segment is synced before it holds anything that counts; on a full disk it is made once more.
        Call::SyncData if is_log && number == ENOSPC => &[Poisoned, Refused, Nothing],
        Call::SyncData if is_log => &[Poisoned, Refused],
        // A mark is written for safety only.
        Call::WriteAt if is_log => &[Refused, Nothing],
        _ if number == ENOSPC => &[Refused, Nothing],
        _ => &[Refused],
    }
}

pub fn refusal(number: i32) -> ErrorCode {
    if number == ENOSPC { ErrorCode::DiskFull } else { ErrorCode::Io }
}
