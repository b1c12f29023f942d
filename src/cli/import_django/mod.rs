//! Moving over from Django: all rows of its database or none, and a report of each that can't be taken.

use std::{
    collections::{HashMap, HashSet},
    io,
    str::FromStr,
};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use futures_util::{StreamExt, TryStreamExt};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;

use super::{
    run::{MIGRATION, Running, Sharing},
    say,
};
use crate::{
    config::Config,
    db::django::{Existing, Kind, Rows, Selection, Source, Target},
    error::constraint_error,
};

mod fields;
mod rows;
mod tables;

use rows::{Taken, convert};
use tables::{Names, find};

/// How many rows are held at a time.
const BATCH: usize = 500;

/// Where from, and how.
#[derive(Args)]
pub(super) struct ImportDjango {
    /// The database that Django made, postgres://USER:PASSWORD@HOST:PORT/NAME; if it is not given, the server's own
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// The app whose tables to take, if several apps have such tables; may be given more than once
    #[arg(long)]
    app: Vec<String>,
    /// A table or column that has another name than expected: patients=TABLE, or patients.phone_number=COLUMN, or
    /// phone_number=COLUMN for every table that has it; may be given more than once
    #[arg(long, value_name = "NAME=NAME")]
    map: Vec<String>,
    /// Do everything, report it, and take it back
    #[arg(long)]
    dry_run: bool,
    /// Leave the rows behind that can't be taken, instead of taking none
    #[arg(long)]
    skip_invalid: bool,
}

/// Moves the rows of a database that Django made.
pub(super) async fn import(config: &Config, arguments: ImportDjango) -> Result<()> {
    let names = Names::parse(&arguments.app, &arguments.map)?;
    let from = arguments.from.as_deref().map(parse_url).transpose()?;
    let database = Running::new(config, Sharing::Wanted).await?;
    let from = from.as_ref().unwrap_or(&database.options);
    let imported = move_all(from, &database, &names, &arguments).await;
    database.stop().await?;
    imported
}

fn parse_url(url: &str) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url).ok().filter(|_| url.starts_with("postgres"));
    options.context("--from is not of the form postgres://USER:PASSWORD@HOST:PORT/NAME")
}

async fn move_all(from: &PgConnectOptions, database: &Running, names: &Names, arguments: &ImportDjango) -> Result<()> {
    // sqlx says the cause in its own words already
    let in_words = |error| anyhow!("{error}");
    let unreadable = "the database that Django made can't be read";
    let mut source = Source::open(from).await.map_err(in_words).context(unreadable)?;
    let tables = source.tables().await.map_err(in_words).context(unreadable)?;
    let plan = find(&tables, names)?;
    let target = Target::begin(&database.options, MIGRATION).await.map_err(in_words);
    let mut target = target.with_context(|| format!("{} can't be used", database.name))?;
    let before = target.counts().await?;
    let mut import = Import { source, target, taken: Taken::new(), counts: HashMap::new() };
    for (kind, selection) in &plan.selections {
        import.move_table(*kind, selection).await?;
    }
    let after = import.target.counts().await?;
    say(&mut io::stdout(), &import.report(&plan.selections, &before, &after));
    if !plan.left_behind.is_empty() {
        let columns = plan.left_behind.join(", ");
        say(&mut io::stdout(), &format!("Columns that have no place here, and stay behind: {columns}"));
    }
    let refused: usize = import.counts.values().map(|counts| counts.refused).sum();
    if refused > 0 && !arguments.skip_invalid {
        import.target.roll_back().await?;
        bail!("nothing is taken: correct the rows that can't be ({refused}), or leave them behind with --skip-invalid");
    }
    if arguments.dry_run {
        import.target.roll_back().await?;
        say(&mut io::stdout(), "It was a dry run: nothing is kept.");
        return Ok(());
    }
    import.target.commit().await?;
    say(&mut io::stdout(), "All of it is kept.");
    Ok(())
}

/// What became of the rows of a table.
#[derive(Default)]
struct Counts {
    read: usize,
    taken: usize,
    there: usize,
    refused: usize,
}

impl Counts {
    fn refuse(&mut self, table: &str, id: i64, why: &str) {
        self.refused += 1;
        say(&mut io::stderr(), &format!("{table} {id}: {why}"));
    }
}

/// An import under way.
struct Import {
    source: Source,
    target: Target,
    taken: Taken,
    counts: HashMap<Kind, Counts>,
}

impl Import {
    async fn move_table(&mut self, kind: Kind, selection: &Selection) -> Result<()> {
        let mut counts = Counts::default();
        let mut ids = HashSet::new();
        let mut batches = self.source.rows(selection).try_chunks(BATCH).boxed();
        while let Some(batch) = batches.try_next().await.map_err(|error| error.1)? {
            counts.read += batch.len();
            let mut rows = Vec::new();
            for row in batch {
                let id = row.id;
                match convert(kind, row, &self.taken) {
                    Ok(row) => rows.push(row),
                    Err(errors) => counts.refuse(&selection.table, id, &errors.lines().replace('\n', " ")),
                }
            }
            let made = self.target.insert(kind, &rows).await?;
            counts.taken += made.len();
            ids.extend(made);
            rows.retain(|row| !row.get("id").and_then(Value::as_i64).is_some_and(|id| ids.contains(&id)));
            for existing in self.target.existing(kind, &rows).await? {
                if let Some(why) = in_the_way(kind, &existing) {
                    counts.refuse(&selection.table, existing.id, &why);
                } else {
                    counts.there += 1;
                    ids.insert(existing.id);
                }
            }
        }
        drop(batches);
        self.taken.insert(kind, ids);
        self.counts.insert(kind, counts);
        Ok(())
    }

    fn report(&self, selections: &[(Kind, Selection)], before: &Rows, after: &Rows) -> String {
        let head =
            format!("{:39}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}", "", "before", "read", "taken", "there", "refused", "after");
        let lines = selections.iter().filter_map(|(kind, selection)| {
            let Counts { read, taken, there, refused } = self.counts.get(kind)?;
            let (before, after) = (before.get(kind)?, after.get(kind)?);
            let (name, from) = (kind.name(), &selection.table);
            Some(format!("{name:9}{from:30}{before:>9}{read:>9}{taken:>9}{there:>9}{refused:>9}{after:>9}"))
        });
        std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
    }
}

/// Why a row was not inserted. None: it is here already.
fn in_the_way(kind: Kind, existing: &Existing) -> Option<String> {
    if let Some(different) = &existing.different {
        let fields = different.join(", ");
        return (!different.is_empty()).then(|| format!("the row here with this id has another {fields}"));
    }
    let taken = existing.taken.iter().filter_map(|(rule, id)| {
        let (field, message) = constraint_error(kind.table(), rule)?;
        Some(format!("{field}: {message} (row {id})"))
    });
    Some(taken.collect::<Vec<_>>().join(" "))
}
