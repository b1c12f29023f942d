//! What the admin knows of a table. The statements of its pages are put together when they run, each of these texts alone and
//! of values.

use super::list::ListRequest;
use crate::db::Subject;

/// A table, as the admin shows it. In its SQL, `t` is the row.
pub struct Table {
    /// In the paths of the admin: "mappings".
    pub name: &'static str,
    /// In the database: "patient_doctor_mappings".
    pub sql: &'static str,
    /// One row: "mapping".
    pub noun: &'static str,
    /// Many: "Mappings".
    pub title: &'static str,
    /// Whether it only connects rows of two others, on whose pages its rows are added and removed.
    pub is_link: bool,
    /// What is said of a row that is there already; empty if the error names a field.
    pub twice: &'static str,
    /// The table as `t`, and what else its columns are read from.
    pub from: &'static str,
    /// What a row is called.
    pub label: &'static str,
    /// All of a row, as JSON.
    pub record: &'static str,
    /// What another change of the row changes.
    pub version: &'static str,
    /// The number of the patient that a row tells of, if it tells of one.
    pub patient: Option<&'static str>,
    /// What is searched.
    pub search: Search,
    /// What a list shows. The first one is the name of a row.
    pub columns: &'static [Column],
    /// What a list can be filtered by.
    pub filters: &'static [Filter],
    /// What goes when a row goes, and is shown with it.
    pub related: &'static [Related],
    /// The columns that are written.
    pub written: &'static [&'static str],
    /// Who may write what.
    pub guards: Guards,
}

/// Where a word is searched.
pub enum Search {
    /// In a text that was folded.
    Text(&'static str),
    /// In such texts of other tables, each word in any of them: each with what leads from them to the row, of which `m` is
    /// the one that is meant.
    Through(&'static [(&'static str, &'static str)]),
}

impl Search {
    /// The texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'static str> {
        let (text, ways) = match self {
            Self::Text(text) => (Some(*text), &[][..]),
            Self::Through(ways) => (None, *ways),
        };
        text.into_iter().chain(ways.iter().map(|(_, text)| *text))
    }
}

/// A column of a list.
pub struct Column {
    pub name: &'static str,
    pub title: &'static str,
    pub sql: &'static str,
    pub kind: Kind,
    /// What the list is ordered by; never null. A big table needs an index of it and the number of the row, or at least one
    /// that has it.
    pub order: &'static str,
    /// What rows of the same are ordered by: a number.
    pub then: &'static str,
    /// Whether these are of another table than the row.
    pub is_of_another: bool,
}

/// What a column holds.
#[derive(Clone, Copy)]
pub enum Kind {
    Text,
    /// The number of the row.
    Number,
    Day,
    Time,
    Flag,
    /// One of these values, each with its words.
    Choice(&'static [(&'static str, &'static str)]),
    /// A row of the table of this name: its number and what it is called.
    Row(&'static str),
}

/// What a list can be filtered by.
pub struct Filter {
    pub name: &'static str,
    pub title: &'static str,
    pub sql: &'static str,
    pub by: By,
}

/// How a filter is used.
#[derive(Clone, Copy)]
pub enum By {
    /// One of these values, each with its words.
    Choice(&'static [(&'static str, &'static str)]),
    /// One of the values that there are. This finds them.
    Value(&'static str),
    Flag,
    /// How long ago it is.
    Age,
    /// A row of the table of this name.
    Row(&'static str),
}

/// Rows of another table that belong to a row.
pub struct Related {
    pub title: &'static str,
    /// The name of their table.
    pub table: &'static str,
    /// Their filter that finds them.
    pub filter: &'static str,
}

/// Conditions on the row as it is (`t`), the row as it is to be (`r`) and the `actor`.
pub struct Guards {
    /// Who may change or delete the row as it is.
    pub may: &'static str,
    pub insert: &'static str,
    pub update: &'static str,
    pub delete: &'static str,
    /// What is locked before, as a part of `with`.
    pub lock: &'static str,
}

impl Guards {
    /// All staff may.
    pub const NONE: Self = Self { may: "true", insert: "true", update: "true", delete: "true", lock: "" };
}

impl Column {
    /// One that a list is ordered by as it is.
    pub const fn new(name: &'static str, title: &'static str, sql: &'static str, kind: Kind) -> Self {
        Self { name, title, sql, kind, order: sql, then: "t.id", is_of_another: false }
    }

    /// One that it is ordered by in another way.
    #[must_use]
    pub const fn ordered(self, order: &'static str) -> Self {
        Self { order, ..self }
    }

    /// One that it is ordered by through another table, and then by the number of the row there.
    #[must_use]
    pub const fn ordered_through(self, order: &'static str, then: &'static str) -> Self {
        Self { order, then, is_of_another: true, ..self }
    }

    /// The type of what the list is ordered by.
    pub(super) fn sql_type(&self) -> &'static str {
        match self.kind {
            Kind::Number => "bigint",
            Kind::Day => "date",
            Kind::Time => "timestamptz",
            Kind::Flag => "boolean",
            Kind::Text | Kind::Choice(_) | Kind::Row(_) => "text",
        }
    }
}

impl Filter {
    /// A filter.
    pub const fn new(name: &'static str, title: &'static str, sql: &'static str, by: By) -> Self {
        Self { name, title, sql, by }
    }
}

impl Table {
    /// What most tables have alike: a `version`, `created_at` and `search`, and nothing that belongs to their rows.
    pub const PLAIN: Self = Self {
        name: "",
        sql: "",
        noun: "",
        title: "",
        is_link: false,
        twice: "",
        from: "",
        label: "",
        record: "to_jsonb(t) - 'search'",
        version: "t.version::text",
        patient: None,
        search: Search::Text("t.search"),
        columns: &[],
        filters: &[],
        related: &[],
        written: &[],
        guards: Guards::NONE,
    };

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether a page is found only with what else the columns are read from.
    pub(super) fn needs_all(&self, request: &ListRequest) -> bool {
        let is_through = matches!(self.search, Search::Through(_));
        request.order.is_some_and(|column| column.is_of_another) || is_through && !request.words.is_empty()
    }

    /// The filter of this name.
    pub fn filter(&self, name: &str) -> Option<&'static Filter> {
        self.filters.iter().find(|filter| filter.name == name)
    }

    /// Which patient a row tells of.
    pub(in crate::db) fn subject(&self, id: i64, patient: Option<i64>) -> Subject {
        match patient {
            None => Subject::Nobody,
            Some(patient) if self.is_link => Subject::Mapping { id, patient },
            Some(patient) => Subject::Patient(patient),
        }
    }
}
