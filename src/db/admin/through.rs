//! The search through other tables: a mapping is found by what its patient and its doctor are called.
//!
//! A word that many rows have is looked for along the list, which soon has a page of them. The rows of a rare word are found
//! first, through the index of the other tables.

use super::{
    Admin, Table,
    list::{begin, push_texts},
    table::Search,
};
use crate::error::Result;

/// So many of the latest rows say how often a word is found.
const SAMPLE: i64 = 250;
/// A word that as many of them have is found often.
const OFTEN: i64 = 5;
/// The most rows that a rare word has.
const FEW: i64 = 1500;

impl Admin {
    /// The rows with the rarest of the words, if one is rare.
    pub(super) async fn few(&self, table: &Table, words: &[String]) -> Result<Option<Vec<i64>>> {
        let Search::Through(ways) = table.search else { return Ok(None) };
        let mut fewest: Option<Vec<i64>> = None;
        for (word, count) in words.iter().zip(self.sampled(table, words).await?) {
            if count >= OFTEN {
                continue;
            }
            let mut query = begin(&self.staff);
            for (index, (from, text)) in ways.iter().enumerate() {
                query.push(if index == 0 { " (" } else { " union all (" });
                query.push(format!("select m.id from {from} where (select true from actor) and "));
                push_texts(&mut query, [*text].into_iter(), word);
                query.push(" limit ").push_bind(FEW + 1).push(")");
            }
            let query = query.build_query_scalar().persistent(false);
            let ids: Vec<i64> = query.fetch_all(self.db.search_connection()).await?;
            let is_rare = i64::try_from(ids.len()).is_ok_and(|count| count <= FEW);
            if is_rare && fewest.as_ref().is_none_or(|fewest| ids.len() < fewest.len()) {
                fewest = Some(ids);
            }
        }
        Ok(fewest)
    }

    /// How many of the latest rows have each word.
    async fn sampled(&self, table: &Table, words: &[String]) -> Result<Vec<i64>> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = begin(&self.staff);
        query.push(format!(", latest as materialized (select id from {} order by id desc limit ", table.sql));
        query.push_bind(SAMPLE).push(") select array[");
        for (index, word) in words.iter().enumerate() {
            query.push(if index == 0 { "count(*) filter (where " } else { ", count(*) filter (where " });
            push_texts(&mut query, table.search.texts(), word);
            query.push(")");
        }
        query.push(format!("] from {} where (select true from actor) and t.id in (select id from latest)", table.from));
        let query = query.build_query_scalar().persistent(false);
        Ok(query.fetch_one(self.db.search_connection()).await?)
    }
}
