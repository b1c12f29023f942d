//! Which table is which, and which column holds what: found by their names and keys, or as the user says.

use anyhow::{Context, Result, bail};

use super::fields::{self, Field};
use crate::db::django::{Cast, Column, Kind, Selection, Table};

/// What the user says of names.
#[derive(Default)]
pub(super) struct Names {
    apps: Vec<String>,
    tables: Vec<(Kind, String)>,
    columns: Vec<(Option<Kind>, String, String)>,
}

impl Names {
    /// Reads `--app` and `--map`: `patients=TABLE`, `patients.phone_number=COLUMN` or `phone_number=COLUMN`.
    pub(super) fn parse(apps: &[String], maps: &[String]) -> Result<Self> {
        let mut names = Self { apps: apps.to_vec(), ..Self::default() };
        for map in maps {
            let (left, right) = map.split_once('=').with_context(|| format!("--map {map}: it is written NAME=NAME"))?;
            let kind = |name: &str| Kind::ALL.into_iter().find(|kind| kind.name() == name);
            let has = |kind: Kind, field: &str| fields::of(kind).iter().any(|known| known.name == field);
            match (kind(left), left.split_once('.')) {
                (Some(kind), _) => names.tables.push((kind, right.into())),
                (None, Some((table, field))) if kind(table).is_some_and(|kind| has(kind, field)) => {
                    names.columns.push((kind(table), field.into(), right.into()));
                }
                (None, None) if Kind::ALL.into_iter().any(|kind| has(kind, left)) => {
                    names.columns.push((None, left.into(), right.into()));
                }
                _ => bail!("--map {map}: {left} is none of the fields and tables that are taken"),
            }
        }
        Ok(names)
    }

    fn is_of_app(&self, table: &Table) -> bool {
        self.apps.iter().any(|app| table.name.starts_with(&format!("{app}_")))
    }

    fn table(&self, kind: Kind) -> Option<&str> {
        self.tables.iter().find(|(of, _)| *of == kind).map(|(_, table)| table.as_str())
    }

    fn column(&self, kind: Kind, field: &str, table: &Table) -> Option<&str> {
        let is_it = |of: &Option<Kind>, name: &str, column: &str| match of {
            Some(of) => *of == kind && name == field,
            None => name == field && table.columns.iter().any(|there| there.name == column),
        };
        self.columns.iter().find(|(of, name, column)| is_it(of, name, column)).map(|(.., column)| column.as_str())
    }
}

/// What is taken from where.
pub(super) struct Plan {
    pub(super) selections: Vec<(Kind, Selection)>,
    /// The columns that nothing is taken of.
    pub(super) left_behind: Vec<String>,
}

/// Finds the four tables.
pub(super) fn find(tables: &[Table], names: &Names) -> Result<Plan> {
    let mut found = Found { tables, names, chosen: Vec::new() };
    for kind in Kind::ALL {
        let table = found.choose(kind)?;
        found.chosen.push((kind, table));
    }
    let mut plan = Plan { selections: Vec::new(), left_behind: Vec::new() };
    for (kind, table) in &found.chosen {
        let selection = found.selection(*kind, table)?;
        let is_left = |column: &&Column| !selection.fields.iter().any(|(.., taken)| *taken == column.name);
        let left = table.columns.iter().filter(is_left).map(|column| format!("{}.{}", table.name, column.name));
        plan.left_behind.extend(left);
        plan.selections.push((*kind, selection));
    }
    Ok(plan)
}

struct Found<'a> {
    tables: &'a [Table],
    names: &'a Names,
    chosen: Vec<(Kind, &'a Table)>,
}

impl<'a> Found<'a> {
    fn choose(&self, kind: Kind) -> Result<&'a Table> {
        if let Some(name) = self.names.table(kind) {
            let named = self.tables.iter().find(|table| table.name == name);
            return named.with_context(|| format!("--map {}={name}: there is no such table", kind.name()));
        }
        let mut candidates: Vec<&Table> =
            self.tables.iter().filter(|table| self.missing(kind, table).is_none()).collect();
        if kind == Kind::Users || self.names.apps.is_empty() {
            prefer(&mut candidates, |table| self.names.is_of_app(table));
        } else {
            candidates.retain(|table| self.names.is_of_app(table));
        }
        prefer(&mut candidates, |table| kind != Kind::Users || self.owns_patients(table));
        prefer(&mut candidates, |table| table.name.ends_with(models_name(kind)));
        let option = format!("--map {}=TABLE", kind.name());
        match candidates[..] {
            [table] => Ok(table),
            [] => bail!("no table looks like that of the {}: name it with {option}", kind.name()),
            _ => {
                let names = candidates.iter().map(|table| table.name.as_str()).collect::<Vec<_>>().join(", ");
                bail!(
                    "more than one table looks like that of the {} ({names}): choose with --app APP or {option}",
                    kind.name()
                )
            }
        }
    }

    /// Whether a table that looks like that of the patients refers to this one.
    fn owns_patients(&self, users: &Table) -> bool {
        let is_gender = |column: &Column| ["gender", "sex"].contains(&column.name.as_str());
        let mut patients: Vec<&Table> =
            self.tables.iter().filter(|table| table.columns.iter().any(is_gender)).collect();
        prefer(&mut patients, |table| self.names.is_of_app(table));
        let refers = |column: &Column| column.refers_to.as_ref() == Some(&users.name);
        patients.iter().any(|table| table.columns.iter().any(refers))
    }

    /// The fields of which a table must have one, and has none.
    fn missing(&self, kind: Kind, table: &Table) -> Option<&'static [&'static str]> {
        let has = |name: &str| {
            fields::of(kind).iter().any(|field| field.name == name && self.column(kind, field, table).is_some())
        };
        fields::required(kind).iter().find(|names| !names.iter().any(|name| has(name))).copied()
    }

    /// The column that holds a field. A key is known by what it refers to, if only one does.
    fn column(&self, kind: Kind, field: &Field, table: &'a Table) -> Option<&'a Column> {
        if let Some(name) = self.names.column(kind, field.name, table) {
            return table.columns.iter().find(|column| column.name == name);
        }
        let all: Vec<&Column> = table.columns.iter().collect();
        let Some(referred) = field.refers_to.and_then(|kind| self.chosen(kind)) else {
            return named(field, &all);
        };
        let is_key = |column: &&Column| column.refers_to.as_ref() == Some(&referred.name);
        let keys: Vec<&Column> = all.iter().copied().filter(is_key).collect();
        match keys[..] {
            [column] => Some(column),
            [] => named(field, &all),
            _ => named(field, &keys),
        }
    }

    fn chosen(&self, kind: Kind) -> Option<&'a Table> {
        self.chosen.iter().find(|(of, _)| *of == kind).map(|(_, table)| *table)
    }

    fn selection(&self, kind: Kind, table: &'a Table) -> Result<Selection> {
        for (of, field, column) in &self.names.columns {
            if *of == Some(kind) && !table.columns.iter().any(|there| there.name == *column) {
                bail!("--map {}.{field}={column}: {} has no such column", kind.name(), table.name);
            }
        }
        if let Some([field, ..]) = self.missing(kind, table) {
            bail!("{} has no column for {field}: name it with --map {}.{field}=COLUMN", table.name, kind.name());
        }
        let mut selected = Vec::new();
        for field in fields::of(kind) {
            if let Some(column) = self.column(kind, field, table) {
                check_type(field, table, column)?;
                selected.push((field.name, field.cast, column.name.clone()));
            }
        }
        Ok(Selection { table: table.name.clone(), fields: selected })
    }
}

/// Leaves only those, if there are some.
fn prefer<'a>(candidates: &mut Vec<&'a Table>, is_preferred: impl Fn(&'a Table) -> bool) {
    if candidates.iter().any(|table| is_preferred(table)) {
        candidates.retain(|table| is_preferred(table));
    }
}

fn named<'a>(field: &Field, columns: &[&'a Column]) -> Option<&'a Column> {
    field.columns.iter().find_map(|name| columns.iter().copied().find(|column| column.name == *name))
}

/// How Django ends the name of the table.
fn models_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Users => "user",
        Kind::Patients => "_patient",
        Kind::Doctors => "_doctor",
        Kind::Mappings => "mapping",
    }
}

fn check_type(field: &Field, table: &Table, column: &Column) -> Result<()> {
    let (kinds, wanted): (&[&str], _) = match field.cast {
        Cast::Key => (&["bigint", "integer", "smallint"], "whole numbers"),
        Cast::Time => (&["timestamp with time zone", "timestamp without time zone", "date"], "times"),
        Cast::Text => return Ok(()),
    };
    if kinds.contains(&column.kind.as_str()) {
        return Ok(());
    }
    bail!(
        "{}.{} is of the type {}: only {wanted} can be taken for {}",
        table.name,
        column.name,
        column.kind,
        field.name
    )
}
