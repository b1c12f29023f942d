//! Where PostgreSQL's programs are.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// Where packages install them. A `*` stands for the version.
const DIRECTORIES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/opt/homebrew/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/lib/postgresql*/bin",
    "/usr/libexec/postgresql*",
];

const REMEDY: &str = "\
Install PostgreSQL:
  Debian, Ubuntu:  apt-get install -y postgresql
  macOS:           brew install postgresql@17
or say where its programs are: PG_BINDIR=/path/to/bin
or use a PostgreSQL that runs: DATABASE_URL=postgres://USER:PASSWORD@HOST:PORT/NAME";

/// What runs a database.
const SERVER: [&str; 3] = ["postgres", "initdb", "pg_ctl"];
/// What puts one into a file, and back.
const CLIENT: [&str; 2] = ["pg_dump", "pg_restore"];

/// The programs of one PostgreSQL.
#[derive(Clone)]
pub(in crate::db) struct Programs {
    bindir: PathBuf,
    pub(super) major: u32,
    /// "15.18".
    pub(in crate::db) version: String,
}

impl Programs {
    /// The newest version; or, if data exists, the major version that made it.
    pub(super) fn find(bindir: Option<&Path>, wanted: Option<u32>, cluster: &Path) -> Result<Self> {
        let mut found = Self::servers(bindir)?;
        let installed = versions(&found);
        let Some(wanted) = wanted else {
            return match found.pop() {
                Some(newest) => Ok(newest),
                None => {
                    bail!("no PostgreSQL is installed here, and no DATABASE_URL is set.\n{REMEDY}")
                }
            };
        };
        found.into_iter().find(|programs| programs.major == wanted).with_context(|| {
            format!(
                "the data in {} is PostgreSQL {wanted}'s; installed: {installed}. Install PostgreSQL {wanted}. To move \
                 the data to a newer PostgreSQL, have both installed, and run `healthcare-backend upgrade`",
                cluster.display()
            )
        })
    }

    /// Those of the data's major version, and the newest ones, which are newer.
    pub(super) fn of_two_majors(bindir: Option<&Path>, old: u32, cluster: &Path) -> Result<(Self, Self)> {
        let newest = Self::servers(bindir)?.pop().filter(|programs| programs.major > old);
        let old_programs = match Self::find(None, Some(old), cluster) {
            // the directory that was named may have them too
            Err(error) => Self::find(bindir, Some(old), cluster).map_err(|_| error),
            found => found,
        }?;
        let newest = newest.with_context(|| {
            format!(
                "the data in {} is PostgreSQL {old}'s, and no newer one was found: install it, or say where its programs \
                 are, with PG_BINDIR",
                cluster.display()
            )
        })?;
        Ok((old_programs, newest))
    }

    /// Those that put a database of this major version into a file, and back: of the same version, or of the next one.
    pub(in crate::db) fn for_files(bindir: Option<&Path>, major: u32) -> Result<Self> {
        let found = Self::all(bindir, &CLIENT);
        let versions = versions(&found);
        found.into_iter().find(|programs| programs.major >= major).with_context(|| {
            format!(
                "this needs pg_dump and pg_restore of PostgreSQL {major} or later; found: {versions}.\nInstall them:\n  \
                 Debian, Ubuntu:  apt-get install -y postgresql-client\n  macOS:           brew install \
                 postgresql@{major}\nor say where they are: PG_BINDIR=/path/to/bin"
            )
        })
    }

    fn servers(bindir: Option<&Path>) -> Result<Vec<Self>> {
        let found = Self::all(bindir, &SERVER);
        match bindir {
            Some(bindir) if found.is_empty() => {
                bail!("PG_BINDIR: no initdb and postgres that run in {}", bindir.display())
            }
            _ => Ok(found),
        }
    }

    /// All directories that have these programs, or that one; the oldest version first.
    fn all(bindir: Option<&Path>, programs: &[&str]) -> Vec<Self> {
        let places = bindir.map_or_else(candidates, |bindir| vec![bindir.to_owned()]);
        let mut found: Vec<Self> = places.iter().filter_map(|bindir| Self::at(bindir, programs)).collect();
        found.sort_by_key(|programs| programs.major);
        found
    }

    fn at(bindir: &Path, programs: &[&str]) -> Option<Self> {
        // Debian's pg_wrapper, in the place of each client, chooses a version by itself
        let has = |program: &&str| {
            let resolved = bindir.join(program).canonicalize();
            resolved.is_ok_and(|path| path.is_file() && !path.ends_with("pg_wrapper"))
        };
        if !programs.iter().all(has) {
            return None;
        }
        let output = Command::new(bindir.join(programs.first()?)).arg("--version").output().ok()?;
        // postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
        let version = String::from_utf8(output.stdout).ok()?.split_whitespace().nth(2)?.to_owned();
        let major = version.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()?;
        Some(Self { bindir: bindir.to_owned(), major, version })
    }

    pub(in crate::db) fn path(&self, program: &str) -> PathBuf {
        self.bindir.join(program)
    }
}

fn versions(found: &[Programs]) -> String {
    let mut versions: Vec<&str> = found.iter().map(|programs| programs.version.as_str()).collect();
    versions.dedup();
    if versions.is_empty() { "none".into() } else { versions.join(", ") }
}

/// The major version of a data directory. None: there is no data yet.
pub(super) fn major_of(cluster: &Path) -> Result<Option<u32>> {
    if !cluster.exists() {
        return Ok(None);
    }
    let file = cluster.join("PG_VERSION");
    let version = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    Ok(Some(version.trim().parse().with_context(|| format!("{} holds {version:?}", file.display()))?))
}

fn candidates() -> Vec<PathBuf> {
    let mut candidates = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        candidates.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    #[expect(clippy::disallowed_methods, reason = "not a setting of ours")]
    if let Some(path) = std::env::var_os("PATH") {
        candidates.extend(std::env::split_paths(&path));
    }
    candidates.extend(DIRECTORIES.iter().flat_map(|pattern| expand(pattern)));
    candidates
}

fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![pattern.into()];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or((".", before));
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let matching = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    matching.map(|entry| entry.path().join(after.trim_start_matches('/'))).collect()
}

/// The command line of a running process.
pub(super) fn command_line(pid: &str) -> Option<String> {
    if pid.is_empty() || !pid.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    if Path::new("/proc/self/cmdline").exists() {
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&line).into_owned());
    }
    let output = Command::new("ps").args(["-p", pid, "-o", "args="]).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
