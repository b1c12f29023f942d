//! The query of a list: what it asks for, and every error of it.

use std::marker::PhantomData;

use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::request::Parts,
};
use serde_json::Value as Json;

use super::prefer::Handling;
use crate::{
    auth::{CurrentUser, Seal},
    db::{
        Id,
        listing::{Column, Comparison, Kind, ListRequest, Listed, Value},
        page::Cursor,
    },
    error::{
        ApiError, FieldErrors, Result,
        messages::{
            DATE_FORMAT, NOT_A_BOOLEAN, NUL, TIME_FORMAT, UNKNOWN_PARAMETER, not_a_choice, too_great, too_long,
            too_small,
        },
    },
    input,
};

/// The largest page.
pub const MAX_LIMIT: i64 = 200;
/// The longest search, in characters.
pub const MAX_SEARCH: usize = 200;
/// The greatest number of words in a search: each is looked for in every row.
pub const MAX_WORDS: usize = 10;

/// The parameters of every list, beside those that filter it. `format` is read before the list is.
const KNOWN: [&str; 6] = ["limit", "cursor", "count", "search", "ordering", "format"];

/// How a range is asked for (django-filter's).
pub const RANGES: [(&str, Comparison); 4] =
    [("gt", Comparison::Greater), ("gte", Comparison::AtLeast), ("lt", Comparison::Less), ("lte", Comparison::AtMost)];

/// The query of a list of `T`.
pub struct ListQuery<T> {
    path: String,
    /// The row that the list is of.
    parent: Option<i64>,
    pairs: Vec<(String, String)>,
    /// What to do with parameters that nobody knows.
    pub(super) handling: Handling,
    of: PhantomData<fn() -> T>,
}

/// What a query asks for.
pub struct PageRequest {
    pub list: ListRequest,
    /// The rows of a page; none: all there are.
    pub limit: Option<i64>,
    /// The row behind which the page begins.
    pub after: Option<Cursor>,
    /// Whether the rows are to be counted.
    pub is_counted: bool,
}

impl<S: Send + Sync, T> FromRequestParts<S> for ListQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let query = parts.uri.query().unwrap_or_default();
        let path = parts.extensions.get::<MatchedPath>();
        // of several values of one name the last one counts, and an empty one was not filled in: as in Django
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            pairs.retain(|(other, _)| *other != name);
            pairs.push((name.into_owned(), value.into_owned()));
        }
        pairs.retain(|(name, value)| name == "cursor" || !input::strip(value).is_empty());
        let path = path.map_or("", MatchedPath::as_str).to_owned();
        Ok(Self { path, parent: None, pairs, handling: Handling::of(&parts.headers), of: PhantomData })
    }
}

impl<T: Listed> ListQuery<T> {
    /// The same for the list of one row, whose number stands in the path.
    pub(super) fn of<M>(mut self, row: Id<M>) -> Self {
        self.path = self.path.replace("{id}", &row.get().to_string());
        self.parent = Some(row.get());
        self
    }

    /// The row that the list is of.
    pub(super) fn parent(&self) -> Option<i64> {
        self.parent
    }

    /// The names of its parameters that nobody knows.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &str> {
        let names = self.pairs.iter().map(|(name, _)| name.as_str());
        names.filter(|name| !name.is_empty() && !KNOWN.contains(name) && filter::<T>(name).is_none())
    }

    /// What it asks for, or all that is wrong with it.
    pub fn read(&self, seal: &Seal, user: Option<&CurrentUser>) -> Result<PageRequest> {
        let mut errors = FieldErrors::default();
        let list = ListRequest::all::<T>(self.parent);
        let mut page = PageRequest { list, limit: None, after: None, is_counted: false };
        for (name, value) in self.pairs.iter().filter(|(name, _)| name != "cursor") {
            if let Err(message) = read_one::<T>(&mut page, name, value) {
                errors.add(name, message);
            }
        }
        if let Some((name, cursor)) = self.pairs.iter().find(|(name, _)| name == "cursor") {
            page.after = self.opened(seal, user, cursor);
            if page.after.is_none() {
                errors.add(name, "Invalid cursor.");
            }
        }
        if self.handling == Handling::Strict {
            self.unknown().for_each(|name| errors.add(name, UNKNOWN_PARAMETER));
        }
        if errors.is_empty() { Ok(page) } else { Err(ApiError::Invalid(errors)) }
    }

    /// The address of the next page, which begins behind `last`.
    pub fn next(&self, seal: &Seal, user: Option<&CurrentUser>, last: &Cursor) -> String {
        let content = serde_json::to_vec(last).unwrap_or_default();
        let cursor = seal.seal(&self.purpose(user), &content);
        let others = self.pairs.iter().filter(|(name, _)| name != "cursor");
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others).append_pair("cursor", &cursor);
        format!("{}?{}", self.path, query.finish())
    }

    fn opened(&self, seal: &Seal, user: Option<&CurrentUser>, cursor: &str) -> Option<Cursor> {
        let content = seal.open(&self.purpose(user), cursor)?;
        serde_json::from_slice(&content).ok()
    }

    /// A cursor is of one list, in one order, with the same conditions, and of one user's own rows.
    fn purpose(&self, user: Option<&CurrentUser>) -> String {
        let user = user.filter(|_| T::IS_OWNED).map_or(0, CurrentUser::id);
        let says = |name: &str| ["search", "ordering"].contains(&name) || filter::<T>(name).is_some();
        let mut pairs: Vec<_> = self.pairs.iter().filter(|(name, _)| says(name)).collect();
        pairs.sort();
        format!("cursor {user} {} {pairs:?}", self.path)
    }
}

fn read_one<T: Listed>(page: &mut PageRequest, name: &str, value: &str) -> Result<(), String> {
    let text = input::strip(value);
    let filter = filter::<T>(name);
    if (filter.is_some() || KNOWN.contains(&name)) && text.contains('\0') {
        return Err(NUL.into());
    }
    match name {
        "limit" => page.limit = Some(limit(text)?),
        "count" => page.is_counted = input::parse_boolean(text).ok_or(NOT_A_BOOLEAN)?,
        "search" if T::SEARCH.is_none() => {}
        "search" if text.chars().count() > MAX_SEARCH => {
            return Err(too_long(MAX_SEARCH));
        }
        "search" => {
            let words = text.split(|letter: char| letter.is_whitespace() || letter == ',');
            let words: Vec<String> = words.filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect();
            if words.len() > MAX_WORDS {
                return Err(format!("Ensure this field has no more than {MAX_WORDS} words."));
            }
            page.list.words = words;
        }
        "ordering" => {
            (page.list.order, page.list.is_descending) = T::ordering(text).ok_or_else(|| not_a_choice(text))?;
        }
        _ => {
            if let Some((column, comparison)) = filter {
                let value = value_of(column.kind, text)?;
                page.list.filters.push((column, comparison, value));
            }
        }
    }
    Ok(())
}

fn filter<T: Listed>(name: &str) -> Option<(&'static Column, Comparison)> {
    let find = |name: &str| T::COLUMNS.iter().find(|column| column.name == name);
    match name.split_once("__") {
        None => Some((find(name)?, Comparison::Equal)),
        Some((name, range)) => {
            let column = find(name).filter(|column| column.has_ranges())?;
            let (_, comparison) = RANGES.iter().find(|(name, _)| *name == range)?;
            Some((column, *comparison))
        }
    }
}

fn value_of(kind: Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Id => integer(text).map(Value::Id),
        Kind::Ids => integer(text).map(|id| Value::Ids(vec![id])),
        Kind::Text => Ok(Value::Text(text.into())),
        Kind::Email => Ok(Value::Text(text.to_lowercase())),
        Kind::Choice(_, choices) if choices.contains(&text) => Ok(Value::Text(text.into())),
        Kind::Choice(..) => Err(not_a_choice(text)),
        Kind::Date => input::parse_date(text).map(Value::Date).ok_or(DATE_FORMAT.into()),
        Kind::Time => input::parse_time(text).map(Value::Time).ok_or(TIME_FORMAT.into()),
    }
}

fn integer(text: &str) -> Result<i64, String> {
    input::integer(&Json::from(text)).map_err(|error| error.to_string())
}

fn limit(text: &str) -> Result<i64, String> {
    match integer(text)? {
        limit if limit < 1 => Err(too_small(1)),
        limit if limit > MAX_LIMIT => Err(too_great(MAX_LIMIT)),
        limit => Ok(limit),
    }
}
