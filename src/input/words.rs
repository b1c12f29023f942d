//! Texts that stand for other values, as bodies and queries write them.

use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// A date: four digits, then one or two, and one or two.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    // one more than there may be, of however many
    let parts: Vec<&str> = text.splitn(4, '-').collect();
    let [year, month, day] = parts[..] else {
        return None;
    };
    let number = |part: &str, digits: RangeInclusive<usize>| {
        let is_number = digits.contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
        is_number.then(|| part.parse::<u32>().ok()).flatten()
    };
    let year = number(year, 4..=4).filter(|year| *year > 0)?;
    NaiveDate::from_ymd_opt(year.cast_signed(), number(month, 1..=2)?, number(day, 1..=2)?)
}

/// A time as clients get it, or with a space for the T, or without its seconds or its zone, which is UTC then; or a day,
/// which is its beginning.
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let mut text = text.to_owned();
    if text.get(10..11) == Some(" ") {
        text.replace_range(10..11, "T");
    }
    // a `+` that was not encoded
    let text = text.replace(' ', "+");
    let zoned = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc());
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let naive = || {
        let mut formats = formats.iter();
        formats.find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
    };
    let day = || parse_date(&text)?.and_hms_opt(0, 0, 0);
    let time = zoned.ok().or_else(|| Some(naive().or_else(day)?.and_utc()))?;
    // a day more or less, for the zones of the years 1 to 9999
    (time.timestamp() > -62_135_683_200 && time.timestamp() < 253_402_387_200).then_some(time)
}

/// The words that Django REST framework's `BooleanField` knows.
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}
