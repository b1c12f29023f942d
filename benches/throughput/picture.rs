//! The picture of the README: how near each operation comes to pgbench.

use anyhow::{Context, Result};

use crate::{
    results::{Figures, Results},
    table::short,
};

const WIDTH: f64 = 760.0;
/// Where bars begin, and how long one is that is as fast as pgbench.
const LEFT: f64 = 200.0;
const LONG: f64 = 360.0;
const TOP: f64 = 58.0;
const ROW: f64 = 26.0;
/// The most that is shown: the rest of a longer bar would leave the picture.
const MOST: f64 = 1.2;

/// Readable in light and dark.
const STYLE: &str = "text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .more { fill: #59636e }
  .end { text-anchor: end }
  .bar { fill: #2f81c7 }
  .full { stroke: #8b949e; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .more { fill: #9198a1 }
    .bar { fill: #4493f8 }
  }";

/// Draws the first server's results.
pub(crate) fn svg(results: &Results) -> Result<String> {
    let server = results.servers.first().context("no results")?;
    let shown = server.operations.iter().filter_map(|figures| Some((figures, figures.share_of_pgbench?)));
    let rows: Vec<String> = shown.enumerate().map(|(index, (figures, share))| row(index, figures, share)).collect();
    let bottom = TOP + ROW * rows.len() as f64;
    let (height, full) = (bottom + 12.0, LEFT + LONG);
    Ok(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">
<title>Requests a second, and their share of what pgbench alone reaches</title>
<style>
  {STYLE}
</style>
<text class="title" x="12" y="24">Requests a second · their share of what PostgreSQL alone does</text>
<text class="more end" x="{full}" y="44">pgbench, the same work</text>
<line class="full" x1="{full}" y1="50" x2="{full}" y2="{bottom}"/>
{}</svg>
"#,
        rows.concat()
    ))
}

fn row(index: usize, figures: &Figures, share: f64) -> String {
    let y = TOP + ROW * index as f64;
    let (length, text) = (LONG * share.min(MOST), y + 14.0);
    let (label_end, number_begin) = (LEFT - 10.0, LEFT + length + 8.0);
    format!(
        "<text class=\"end\" x=\"{label_end}\" y=\"{text}\">{}</text>\n\
        <rect class=\"bar\" x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"18\" rx=\"3\"/>\n\
        <text x=\"{number_begin:.1}\" y=\"{text}\">{}<tspan class=\"more\"> · {share:.2}</tspan></text>\n",
        figures.label,
        short(figures.requests_per_second)
    )
}
