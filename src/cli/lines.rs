//! What a line of the log looks like: for people, or a JSON object with flat fields for programs.

use std::{
    fmt::{self, Debug, Write},
    mem,
};

use serde::Serialize;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::Record,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields, format,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// The form of all lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// `2026-01-31T09:30:00.123456Z  INFO request{id="5f0c…" address=192.0.2.7 user=1}: 201 POST /api/patients/ 3 ms`
    Text,
    /// `{"time":"2026-01-31T09:30:00.123456Z","level":"INFO","id":"5f0c…","address":"192.0.2.7","user":1,"status":201,
    /// "method":"POST","route":"/api/patients/","ms":3}`, on one line.
    Json,
}

impl Lines {
    pub(super) fn new(is_json: bool) -> Self {
        if is_json { Self::Json } else { Self::Text }
    }

    /// An error that is no event.
    pub(super) fn error(self, message: &str) -> String {
        let time = now();
        match self {
            Self::Text => format!("{time} ERROR {message}\n"),
            Self::Json => {
                let mut line = beginning(&time, "ERROR");
                add(&mut line, "message", message);
                line + "}\n"
            }
        }
    }
}

fn now() -> String {
    let mut time = String::new();
    // a time that can't be written is left out
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    time
}

fn beginning(time: &str, level: &str) -> String {
    format!(r#"{{"time":"{time}","level":"{level}""#)
}

/// Adds a field to what there is of an object, if it has none of this name. (In a text, a quote has a backslash before it, so
/// that a text is never taken for a name.)
fn add(object: &mut String, name: &str, value: impl Serialize) {
    let name = format!(",\"{name}\":");
    if !object.contains(&name)
        && let Ok(value) = serde_json::to_string(&value)
    {
        *object += &name;
        *object += &value;
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, Self> for Lines {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Self>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if *self == Self::Text {
            return format().with_target(false).format_event(context, writer, event);
        }
        let mut line = beginning(&now(), event.metadata().level().as_str());
        for span in context.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            if let Some(fields) = span.extensions().get::<FormattedFields<Self>>() {
                line += fields;
            }
        }
        event.record(&mut Json(&mut line));
        writeln!(writer, "{line}}}")
    }
}

impl<'w> FormatFields<'w> for Lines {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        if *self == Self::Text {
            fields.record(&mut Text::new(&mut writer));
            return Ok(());
        }
        let mut text = String::new();
        fields.record(&mut Json(&mut text));
        writer.write_str(&text)
    }

    fn add_fields(&self, current: &'w mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        if *self == Self::Json {
            fields.record(&mut Json(&mut current.fields));
            return Ok(());
        }
        let mut text = String::new();
        fields.record(&mut Text::new(&mut text));
        // a caller may be found out more than once
        if !current.fields.split(' ').any(|known| known == text) {
            current.fields += " ";
            current.fields += &text;
        }
        Ok(())
    }
}

/// Fields for people. Those of a request's line need no names.
struct Text<'a> {
    out: &'a mut dyn Write,
    is_first: bool,
}

impl<'a> Text<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Self { out, is_first: true }
    }

    fn write(&mut self, name: &str, value: &dyn Debug) -> fmt::Result {
        if !mem::take(&mut self.is_first) {
            self.out.write_char(' ')?;
        }
        let mut out = OneLine(self.out);
        match name {
            "message" | "status" | "method" | "route" => write!(out, "{value:?}"),
            "ms" => write!(out, "{value:?} ms"),
            "note" => write!(out, "({value:?})"),
            _ => write!(out, "{name}={value:?}"),
        }
    }
}

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // a buffer takes everything
        let _ = self.write(field.name(), value);
    }
}

/// Text that ends no line and moves no cursor.
struct OneLine<'a>(&'a mut dyn Write);

impl Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(char::is_control) {
            match part.char_indices().next_back() {
                Some((at, last)) if last.is_control() => {
                    let (plain, _) = part.split_at(at);
                    write!(self.0, "{plain}{}", last.escape_default())?;
                }
                _ => self.0.write_str(part)?,
            }
        }
        Ok(())
    }
}

/// Fields for programs.
struct Json<'a>(&'a mut String);

impl Visit for Json<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        add(self.0, field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        add(self.0, field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        add(self.0, field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        add(self.0, field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        add(self.0, field.name(), format!("{value:?}"));
    }
}
