//! The results for people: a table, as Markdown has them.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::results::{Figures, Results, ServerResults};

const BEGIN: &str = "<!-- throughput -->\n";
const END: &str = "<!-- end of throughput -->";
const HEADS: [&str; 10] = [
    "",
    "req/s",
    "of pgbench",
    "p50 ms",
    "p99 ms",
    "first byte ms",
    "CPU µs: server",
    "PostgreSQL",
    "pgbench's",
    "peak MB",
];
/// The columns that the README has.
const SHORT: [usize; 7] = [0, 1, 2, 3, 4, 5, 9];

/// All of it.
pub(crate) fn print(results: &Results) -> String {
    let columns: Vec<usize> = (0..HEADS.len()).collect();
    let tables = results.servers.iter().map(|server| {
        let table = table(server, &columns);
        format!("{}\n\n{table}\n{}\n", server.program, footer(server))
    });
    format!("{}\n\n{}", conditions(results), tables.collect::<Vec<_>>().join("\n"))
}

/// Puts the first server's table into a README.
pub(crate) fn put_into(readme: &Path, results: &Results) -> Result<()> {
    let text = fs::read_to_string(readme)?;
    let (before, rest) = text.split_once(BEGIN).with_context(|| format!("{BEGIN} is missing"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{END} is missing"))?;
    let server = results.servers.first().context("no results")?;
    let (table, footer, conditions) = (table(server, &SHORT), footer(server), conditions(results));
    Ok(fs::write(readme, format!("{before}{BEGIN}{table}\n{footer}\n\n{conditions}\n{END}{after}"))?)
}

fn conditions(results: &Results) -> String {
    let Results { machine, postgresql, rounds, seconds, taken_at, .. } = results;
    format!(
        "Medians of {rounds} rounds of {seconds} seconds on {machine}, shared with PostgreSQL {postgresql} and the \
        clients, {taken_at}."
    )
}

fn footer(server: &ServerResults) -> String {
    let login = server.operations.iter().find(|figures| figures.operation == "login");
    let login = login.map_or_else(String::new, |login| {
        let times = login.server_cpu_us / server.bare_argon2id_cpu_us;
        format!(" A login takes {times:.2} times the processor time of the bare Argon2id verification.")
    });
    let refused: f64 = server.operations.iter().map(|figures| figures.refused).sum();
    let refused =
        if refused > 0.0 { format!(" {refused} requests got a 503, and were sent again.") } else { String::new() };
    format!(
        "Idle, the server holds {:.0} MB. It answers {:.2} s after its start.{login}{}{refused}",
        server.idle_mb,
        server.first_answer_ms / 1e3,
        beside_logins(server).unwrap_or_default()
    )
}

/// What a GET is like beside logins, against a quiet one.
fn beside_logins(server: &ServerResults) -> Option<String> {
    let find = |name| server.operations.iter().find(|figures| figures.operation == name);
    let (quiet, beside) = (find("get")?, find("get-during-logins")?);
    Some(format!(
        " While 8 clients log in without pause, the p99 of GET is {:.1} times the quiet one, its throughput {:.2} times.",
        beside.p99_ms / quiet.p99_ms,
        beside.requests_per_second / quiet.requests_per_second
    ))
}

fn table(server: &ServerResults, columns: &[usize]) -> String {
    let heads = HEADS.map(str::to_owned);
    let rows: Vec<[String; 10]> = std::iter::once(heads).chain(server.operations.iter().map(cells)).collect();
    let cell = |row: &[String; 10], column: usize| row.get(column).cloned().unwrap_or_default();
    let width = |column| rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0);
    let line = |row: &[String; 10]| {
        let padded = columns.iter().map(|&column| match column {
            0 => format!(" {:<1$} |", cell(row, column), width(column)),
            _ => format!(" {:>1$} |", cell(row, column), width(column)),
        });
        format!("|{}\n", padded.collect::<String>())
    };
    let rule = columns.iter().map(|&column| match column {
        0 => format!("{}|", "-".repeat(width(column) + 2)),
        _ => format!("{}:|", "-".repeat(width(column) + 1)),
    });
    let rule = format!("|{}\n", rule.collect::<String>());
    let mut lines = rows.iter().map(line);
    let head = lines.next().unwrap_or_default();
    head + &rule + &lines.collect::<String>()
}

fn cells(figures: &Figures) -> [String; 10] {
    let some = |value: Option<f64>| value.map_or_else(String::new, short);
    [
        figures.label.clone(),
        short(figures.requests_per_second),
        figures.share_of_pgbench.map_or_else(String::new, |share| format!("{share:.2}")),
        short(figures.p50_ms),
        short(figures.p99_ms),
        some(figures.first_byte_ms),
        short(figures.server_cpu_us),
        short(figures.postgres_cpu_us),
        some(figures.pgbench_postgres_cpu_us),
        short(figures.peak_mb),
    ]
}

/// A number with as many digits as it is worth: 12,345 or 1.2.
pub(crate) fn short(value: f64) -> String {
    if value < 20.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let (thousands, rest) = digits.split_at(digits.len().saturating_sub(3));
    if thousands.is_empty() { rest.to_owned() } else { format!("{thousands},{rest}") }
}
