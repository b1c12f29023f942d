//! What is measured.

use clap::ValueEnum;

/// Something that clients ask for again and again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Operation {
    /// One of one's patients
    Get,
    /// A doctor
    Doctor,
    /// The mappings of one of one's patients
    ByPatient,
    /// All of one's 100 patients
    List,
    /// 100 of one's 10,000 patients, from anywhere
    Page,
    /// All of one's 10,000 patients
    LongList,
    /// A new patient
    Post,
    /// All fields of a patient, of which three change
    Put,
    /// One field of a patient
    Patch,
    /// A patient goes
    Delete,
    /// A doctor for a patient
    PostMapping,
    /// A login with a password
    Login,
    /// 80 % get, 10 % list, 9 % post, put and patch, 1 % login
    Mix,
    /// Get, while 8 other clients log in without pause
    GetDuringLogins,
}

impl Operation {
    /// In the order of the table.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Get,
        Self::Doctor,
        Self::ByPatient,
        Self::List,
        Self::Page,
        Self::LongList,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::PostMapping,
        Self::Login,
        Self::Mix,
        Self::GetDuringLogins,
    ];

    /// As the table names it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Get => "GET a patient",
            Self::Doctor => "GET a doctor",
            Self::ByPatient => "GET a patient's mappings",
            Self::List => "list of 100",
            Self::Page => "page of 100 out of 10,000",
            Self::LongList => "list of 10,000",
            Self::Post => "POST a patient",
            Self::Put => "PUT a patient",
            Self::Patch => "PATCH a patient",
            Self::Delete => "DELETE a patient",
            Self::PostMapping => "POST a mapping",
            Self::Login => "login",
            Self::Mix => "mix",
            Self::GetDuringLogins => "GET during logins",
        }
    }

    /// As the command line and JSON name it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// How many clients ask the server at once.
    pub(crate) fn clients(self) -> usize {
        match self {
            Self::LongList => 4,
            Self::Login => 8,
            _ => 32,
        }
    }

    /// How many connections pgbench has: with more, PostgreSQL answers fewer.
    pub(crate) fn pgbench_clients(self) -> usize {
        self.clients().min(16)
    }

    /// Whether it is a list, of which the first byte matters.
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::List | Self::Page | Self::LongList)
    }

    /// Whether it leaves more or other rows than it found.
    pub(crate) fn writes(self) -> bool {
        !matches!(self, Self::Get | Self::Doctor | Self::ByPatient | Self::GetDuringLogins) && !self.is_list()
    }

    /// What a mix is made of, by thousandths.
    pub(crate) fn parts(self) -> &'static [(Self, u32)] {
        const MIX: &[(Operation, u32)] = &[
            (Operation::Get, 800),
            (Operation::List, 100),
            (Operation::Post, 30),
            (Operation::Put, 30),
            (Operation::Patch, 30),
            (Operation::Login, 10),
        ];
        if self == Self::Mix { MIX } else { &[] }
    }
}
