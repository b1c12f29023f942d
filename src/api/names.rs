//! Names of people: in two parts (README A), or in one (README B).

/// First and last name: split at the last space. One word is a first name.
pub(super) fn split(name: &str) -> (String, String) {
    match name.rsplit_once(' ') {
        Some((first, last)) => (first.to_owned(), last.to_owned()),
        None => (name.to_owned(), String::new()),
    }
}

/// The two parts as one name.
pub fn join(first: &str, last: &str) -> String {
    if last.is_empty() { first.to_owned() } else { format!("{first} {last}") }
}
