//! Moving rows from a database that Django made into this one, with their ids.

use std::collections::HashMap;

mod compare;
mod insert;
mod source;
mod target;

pub use source::{Cast, Column, Row, Selection, Source, Table};
pub use target::{Existing, Target};

/// The tables that rows come from and go to, in the order in which they refer to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Users,
    Patients,
    Doctors,
    Mappings,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Users, Self::Patients, Self::Doctors, Self::Mappings];

    /// "patients".
    pub fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Patients => "patients",
            Self::Doctors => "doctors",
            Self::Mappings => "mappings",
        }
    }

    /// The table here.
    pub fn table(self) -> &'static str {
        match self {
            Self::Mappings => "patient_doctor_mappings",
            other => other.name(),
        }
    }
}

/// How many rows each table has.
pub type Rows = HashMap<Kind, i64>;
