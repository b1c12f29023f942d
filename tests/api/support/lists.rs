//! What tests of lists are written in: many rows, and their pages.

use super::{Client, Reply, TestApp};

/// Adds rows to the first user's patients, behind the server's back.
pub async fn patients(app: &TestApp, count: usize) {
    app.sql(&format!(
        "insert into patients (created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender, \
             address, phone_number, email, medical_history) \
         select 1, 'First' || n % 7, 'Last' || n % 11, '1950-01-01'::date + n % 20000, false, \
             (array['M', 'F', 'O'])[n % 3 + 1], '', n::text, '', repeat('x', 100) \
         from generate_series(1, {count}) n"
    ))
    .await;
}

/// The numbers of the rows.
pub fn ids(reply: &Reply) -> Vec<i64> {
    let rows = reply.body.as_array().unwrap().iter();
    rows.map(|row| row["id"].as_i64().unwrap()).collect()
}

/// Where the next page is.
pub fn next(reply: &Reply) -> Option<String> {
    let link = reply.header("link").strip_prefix('<')?;
    Some(link.strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

/// The numbers of all pages, one behind the other.
pub async fn all_pages(client: &Client, path: &str) -> Vec<Vec<i64>> {
    let (mut pages, mut path) = (Vec::new(), Some(path.to_owned()));
    while let Some(current) = path {
        let reply = client.get(&current).await.is(200);
        pages.push(ids(&reply));
        path = next(&reply);
    }
    pages
}
