//! How reads are recorded.

use std::str::FromStr;

/// Whether reads are recorded, and how.
#[derive(Debug, Clone, Copy)]
pub struct ReadAudit {
    /// Whether they are.
    pub is_on: bool,
    /// What happens to a record for which there is no room.
    pub when_full: WhenFull,
    /// How many bytes of records wait for the database at most.
    pub room: u32,
}

impl Default for ReadAudit {
    fn default() -> Self {
        Self { is_on: true, when_full: WhenFull::Wait, room: 8 * 1024 * 1024 }
    }
}

/// What happens to a record of a read if too many others wait for the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The request waits.
    Wait,
    /// The record is dropped, and counted.
    Drop,
}

impl FromStr for WhenFull {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "wait" => Ok(Self::Wait),
            "drop" => Ok(Self::Drop),
            _ => Err(()),
        }
    }
}
