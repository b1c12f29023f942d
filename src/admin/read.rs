//! From what was typed into a form to what is written.

use super::{
    model::{Ask, Model},
    pick::{self, Picked},
    visit::Visit,
};
use crate::{
    db::admin::{self, rows::Record, write::Values},
    error::{ApiError, FieldErrors, Result},
    input::Form,
};

/// What a form says: what is written, or what is wrong with it.
pub(super) struct Read {
    pub(super) typed: Form,
    pub(super) values: Values,
    pub(super) errors: FieldErrors,
    pub(super) choices: Vec<(&'static str, Vec<(i64, String)>)>,
}

/// Rows that are named by their number alone get their names.
pub(super) async fn fill_in_picks(visit: &Visit, model: &Model, typed: &mut Form) -> Result<()> {
    for field in model.fields {
        if let Ask::Pick(table, _) = field.ask
            && let Some(table) = admin::table(table)
            && let Picked::One(id, label) = pick::picked(visit, table, typed.text(field.name)).await?
        {
            typed.set(field.name, pick::text(id, &label));
        }
    }
    Ok(())
}

/// Reads a form: what is picked by the admin, all else by the rules of the API.
pub(super) async fn read(visit: &Visit, model: &Model, mut typed: Form, record: Option<&Record>) -> Result<Read> {
    let (mut picked, mut errors, mut choices) = (Values::new(), FieldErrors::default(), Vec::new());
    for field in model.fields {
        match field.ask {
            // an empty box is not sent
            Ask::Flag if !typed.has(field.name) => typed.set(field.name, "false"),
            Ask::Pick(name, column) => {
                let table = admin::table(name).ok_or(ApiError::NotFound)?;
                let chosen = typed.text(&format!("{}_choice", field.name)).to_owned();
                let text = if chosen.is_empty() { typed.text(field.name).to_owned() } else { chosen };
                let picked_row = match pick::picked(visit, table, &text).await {
                    Err(ApiError::BadRequest(words)) => {
                        errors.add(field.name, words);
                        continue;
                    }
                    picked_row => picked_row?,
                };
                match picked_row {
                    Picked::One(id, _)
                        if !field.kept.is_empty() && record.is_some_and(|row| row.picked(field.name) != Some(id)) =>
                    {
                        errors.add(field.name, field.kept);
                    }
                    Picked::One(id, label) => {
                        typed.set(field.name, pick::text(id, &label));
                        picked.insert(column.into(), id.into());
                    }
                    Picked::Another(id, label) => errors.add(field.name, format!("No. {id} is “{label}”.")),
                    Picked::Nothing => errors.add(field.name, "This field is required."),
                    Picked::NoRow => errors.add(field.name, format!("No {} matches “{text}”.", table.noun)),
                    Picked::Many(rows) => {
                        errors.add(field.name, "More than one matches.");
                        choices.push((field.name, rows));
                    }
                }
            }
            _ => {}
        }
    }
    let sent = without_empty(model, &typed);
    let by_rules = match record {
        Some(record) => (model.rules.change)(&sent, &record.values),
        None => (model.rules.new)(&sent),
    };
    let mut values = match by_rules {
        Ok(values) => values,
        Err(ApiError::Invalid(found)) => {
            errors = errors.and(found);
            Values::new()
        }
        Err(error) => return Err(error),
    };
    values.extend(picked);
    Ok(Read { typed, values, errors, choices })
}

/// A date, a number or a choice that is empty was not made.
fn without_empty(model: &Model, typed: &Form) -> Form {
    let mut sent = typed.clone();
    for field in model.fields {
        let is_no_text = matches!(field.ask, Ask::Line("date") | Ask::Number | Ask::Choice(_));
        if is_no_text && typed.text(field.name).is_empty() {
            sent.remove(field.name);
        }
    }
    sent
}
