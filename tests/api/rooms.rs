//! The rooms of the house: each imports only from those below it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const SRC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// The rooms as lib.rs lists them, from the top.
fn rooms() -> Vec<String> {
    let map = fs::read_to_string(format!("{SRC}/lib.rs")).unwrap();
    let rows = map.lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned()).collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// What follows `crate::` in the code of a file, also within the braces of a `use`.
fn imports(code: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let mut found: Vec<String> = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.push(name(rest));
            continue;
        };
        let mut depth = 0;
        let end = list.find(|letter| {
            depth += match letter {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth < 0
        });
        let mut depth = 0_usize;
        for part in list[..end.unwrap()].split_inclusive(['{', '}', ',']) {
            if depth == 0 && !part.trim().is_empty() {
                found.push(name(part.trim()));
            }
            depth = (depth + part.matches('{').count()).saturating_sub(part.matches('}').count());
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

#[test]
fn a_room_imports_only_from_the_rooms_below_it() {
    let rooms = rooms();
    let level: BTreeMap<&str, usize> = rooms.iter().enumerate().map(|(level, room)| (room.as_str(), level)).collect();
    let mut upward = Vec::new();
    let mut count = 0;
    for file in files(Path::new(SRC)) {
        let relative = file.strip_prefix(SRC).unwrap().with_extension("");
        let room = relative.iter().next().unwrap().to_str().unwrap();
        if ["lib", "main"].contains(&room) {
            continue;
        }
        let own = *level.get(room).unwrap_or_else(|| panic!("lib.rs does not list {room}"));
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            let other = *level.get(import.as_str()).unwrap_or_else(|| panic!("{}: {import}?", file.display()));
            count += 1;
            if other < own {
                upward.push(format!("{} imports {import}", relative.display()));
            }
        }
    }
    assert!(count > 100, "{count} imports");
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn no_file_is_over_300_lines_and_half_of_them_are_under_120() {
    let mut lines: Vec<(usize, PathBuf)> = files(Path::new(SRC))
        .into_iter()
        .map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file))
        .collect();
    lines.sort();
    let (longest, file) = lines.last().unwrap();
    assert!(*longest <= 300, "{}: {longest}", file.display());
    for test in files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api"))) {
        let length = fs::read_to_string(&test).unwrap().lines().count();
        assert!(length <= 300, "{}: {length}", test.display());
    }
    assert!(lines[lines.len() / 2].0 <= 120, "the median: {}", lines[lines.len() / 2].0);
}

#[test]
fn only_the_command_line_makes_an_operator() {
    let makers =
        files(Path::new(SRC)).into_iter().filter(|file| fs::read_to_string(file).unwrap().contains("Operator::"));
    let makers: Vec<PathBuf> = makers.collect();
    assert!(!makers.is_empty());
    assert!(makers.iter().all(|file| file.starts_with(format!("{SRC}/cli"))), "{makers:?}");
}

#[test]
fn every_statement_of_the_admin_that_is_put_together_starts_from_the_staff_member() {
    let mut beginnings = Vec::new();
    for file in files(&Path::new(SRC).join("db/admin")) {
        let code = fs::read_to_string(&file).unwrap();
        beginnings.extend(
            code.match_indices("QueryBuilder::new(").map(|(at, _)| code[at..].lines().next().unwrap().to_owned()),
        );
        // one that is not put together is in the cache of statements, which another test reads
        assert!(!code.contains("sqlx::query(") && !code.contains("raw_sql("), "{}", file.display());
    }
    assert_eq!(beginnings, ["QueryBuilder::new(\"with actor as materialized (select * from staff(\");"]);
}
