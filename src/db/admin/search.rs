//! The search over all tables.

use super::{
    Admin, TABLES, Table,
    list::{ListPage, ListRequest},
};
use crate::error::Result;

impl Admin {
    /// The latest rows of a table with all these words.
    pub async fn search(&self, table: &'static Table, words: &[String], limit: i64) -> Result<ListPage> {
        let request = ListRequest { words: words.to_vec(), ..ListRequest::latest(limit) };
        self.list(table, &request).await
    }

    /// The same of each table.
    pub async fn search_all(&self, words: &[String], limit: i64) -> Result<Vec<(&'static Table, ListPage)>> {
        let mut found = Vec::new();
        for table in TABLES {
            found.push((table, self.search(table, words, limit).await?));
        }
        Ok(found)
    }
}
