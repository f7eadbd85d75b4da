use std::str::FromStr;

use crate::{Error, ErrorCode};

/// What an answered write survives. Ordered: a later variant promises more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// Answered when accepted; lost with the process.
    Memory,
    /// Survives the death of the writing program, not of the machine.
    Os,
    /// Survives power loss. The default.
    #[default]
    Disk,
}

impl FromStr for Durability {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "memory" => Ok(Self::Memory),
            "os" => Ok(Self::Os),
            "disk" => Ok(Self::Disk),
            other => Err(Error::new(
                ErrorCode::Argument,
                format!("durability '{other}' does not exist: use 'disk', 'os' or 'memory'"),
            )),
        }
    }
}
