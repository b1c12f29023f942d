//! What the URL of a list asks for.

use chrono::{DateTime, NaiveDate};
use form_urlencoded::Serializer;

use super::model::Model;
use crate::{
    db::admin::{
        list::{After, Condition, ListRequest},
        table::{By, Column, Filter, Kind},
    },
    error::{ApiError, Result},
};

/// How many rows a page has.
const PAGE: i64 = 100;
/// The most words that are searched for.
const WORDS: usize = 10;
/// The parameter with the list that a page was reached from.
const LIST: &str = "list";
/// How long ago something may be: what the URL says, the interval, and the words.
pub(super) const AGES: [(&str, &str, &str); 4] = [
    ("today", "1 day", "Past 24 hours"),
    ("week", "7 days", "Past 7 days"),
    ("month", "30 days", "Past 30 days"),
    ("year", "365 days", "Past year"),
];

/// The parameters of a list's URL.
#[derive(Clone)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Those that are not empty.
    pub(super) fn parse(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        Self(pairs.filter(|(_, value)| !value.is_empty() && !value.contains('\0')).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(sent, _)| sent == name).map(|(_, value)| value.as_str())
    }

    /// The same with another value, or without one; on its first page.
    pub(super) fn with(&self, name: &str, value: Option<&str>) -> Self {
        let kept = self.0.iter().filter(|(sent, _)| sent != name && sent != "after").cloned();
        Self(kept.chain(value.map(|value| (name.to_owned(), value.to_owned()))).collect())
    }

    /// Only these parameters.
    pub(super) fn only(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| names.contains(&name.as_str())).cloned().collect())
    }

    /// Whether nothing is asked.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a part of a URL, with its question mark.
    pub(super) fn url(&self) -> String {
        if self.0.is_empty() {
            return "?".into();
        }
        format!("?{}", Serializer::new(String::new()).extend_pairs(&self.0).finish())
    }

    /// The same behind a path: nothing, if nothing is asked.
    pub(super) fn behind(&self) -> String {
        if self.0.is_empty() { String::new() } else { self.url() }
    }

    /// As the pages that are reached from the list of a model carry it along.
    pub(super) fn carried(&self, model: &str) -> String {
        if self.0.is_empty() {
            String::new()
        } else {
            Self(vec![(LIST.into(), format!("{model}{}", self.url()))]).url()
        }
    }

    /// What another page carries along of a list, for the next one.
    pub(super) fn carried_on(&self) -> String {
        self.get(LIST).map(|list| Self(vec![(LIST.into(), list.to_owned())]).url()).unwrap_or_default()
    }

    /// The list of a model as it was, if this page was reached from it: only ever a path of ours.
    pub(super) fn list(&self, model: &str) -> String {
        let list = self.get(LIST).and_then(|list| list.strip_prefix(model)?.strip_prefix('?'));
        format!("{model}/{}", list.map(|list| Self::parse(list).behind()).unwrap_or_default())
    }

    /// Each parameter but these, for the hidden fields of a form.
    pub(super) fn others<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        let others = self.0.iter().filter(move |(name, _)| !names.contains(&name.as_str()));
        others.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The words that are searched for.
    pub(super) fn words(&self) -> Result<Vec<String>> {
        words(self.get("q").unwrap_or_default())
    }

    /// What is asked of the list of a model. A filter that can't be understood finds nothing.
    pub(super) fn request(&self, model: &'static Model) -> Result<ListRequest> {
        let mut request = ListRequest { words: self.words()?, ..ListRequest::latest(PAGE) };
        for filter in model.table.filters {
            if let Some(value) = self.get(filter.name) {
                request.conditions.push((filter, condition(filter, value).unwrap_or(Condition::Never)));
            }
        }
        if let Some(order) = self.get("o") {
            let name = order.strip_prefix('-').unwrap_or(order);
            if let Some(column) = model.table.column(name) {
                (request.order, request.is_descending) = (Some(column), order.starts_with('-'));
            }
        }
        request.after = self.get("after").and_then(|after| place(after, request.order));
        Ok(request)
    }
}

/// What a filter asks for with this value, if it is one of its values.
fn condition(filter: &Filter, value: &str) -> Option<Condition> {
    match filter.by {
        By::Choice(choices) => {
            choices.iter().any(|(name, _)| *name == value).then(|| Condition::Text(value.to_owned()))
        }
        By::Value(_) => Some(Condition::Text(value.to_owned())),
        By::Flag => value.parse().ok().map(Condition::Flag),
        By::Age => AGES.iter().find(|(name, ..)| *name == value).map(|(_, age, _)| Condition::Within(age)),
        By::Row(_) => value.parse().ok().map(Condition::Id),
    }
}

/// Where a page begins, as the URL says it: the numbers of the row before it, and what that was ordered by.
fn place(text: &str, order: Option<&Column>) -> Option<After> {
    let mut parts = text.splitn(3, '-');
    let (id, then, key) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
    let is_one = match order.map_or(Kind::Number, |column| column.kind) {
        Kind::Number => key.parse::<i64>().is_ok(),
        Kind::Day => key.parse::<NaiveDate>().is_ok(),
        Kind::Time => key == "-infinity" || DateTime::parse_from_str(key, "%F %T%.f%#z").is_ok(),
        Kind::Flag => key.parse::<bool>().is_ok(),
        Kind::Text | Kind::Choice(_) | Kind::Row(_) => true,
    };
    is_one.then(|| After { key: key.to_owned(), then, id })
}

/// The same for the URL.
pub(super) fn place_text(after: &After) -> String {
    format!("{}-{}-{}", after.id, after.then, after.key)
}

/// The words of a text. The sign between the two of a mapping is none.
pub(super) fn words(text: &str) -> Result<Vec<String>> {
    let words: Vec<_> = text.split_whitespace().filter(|word| !word.contains('\0') && *word != "·").collect();
    if words.len() > WORDS {
        return Err(ApiError::BadRequest(format!("Search for {WORDS} words at most.").into()));
    }
    Ok(words.into_iter().map(ToOwned::to_owned).collect())
}
