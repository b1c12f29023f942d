//! Where the data is, and who owns it: PostgreSQL does not run as root.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::{Uid, User};
use tokio::process::Command;

/// Where root's data is if other users can't enter the current directory, as with root's home.
const FOR_ROOT: &str = "/var/lib/healthcare-backend";
/// The longest path of a socket that every Unix accepts (macOS: 103 bytes).
const SOCKET_PATH: usize = 103;

/// A directory for the server's own data.
#[derive(Clone)]
pub struct DataDir {
    dir: PathBuf,
    /// The user whom PostgreSQL runs as, if it is not the server's.
    owner: Option<User>,
    /// Where PostgreSQL's data is in it.
    cluster: PathBuf,
}

impl DataDir {
    /// `dir`, which is made if it does not exist.
    pub fn at(dir: &Path) -> Result<Self> {
        let owner = owner()?;
        let dir = std::path::absolute(dir)?;
        if let Some(owner) = &owner {
            ensure!(
                is_reachable(&dir, owner),
                "PostgreSQL does not run as root, and its user {} can't reach {}: choose another DATA_DIR",
                owner.name,
                dir.display()
            );
        }
        let mode = if owner.is_some() { 0o711 } else { 0o700 };
        if !dir.exists() {
            DirBuilder::new()
                .recursive(true)
                .mode(mode)
                .create(&dir)
                .with_context(|| format!("making {}", dir.display()))?;
        }
        Ok(Self { dir: dir.canonicalize()?, owner, cluster: "postgres".into() })
    }

    /// `dir`; or, as root, another directory if PostgreSQL's user can't enter that one.
    pub fn by_default(dir: &Path) -> Result<Self> {
        Self::at(&default_place(dir)?)
    }

    /// The one that `at`, or `by_default`, made before. None: it is not there.
    pub fn existing(dir: &Path, is_default: bool) -> Result<Option<Self>> {
        let place = if is_default { default_place(dir)? } else { dir.to_owned() };
        place.exists().then(|| Self::at(&place)).transpose()
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// PostgreSQL's data directory.
    pub fn cluster(&self) -> PathBuf {
        self.dir.join(&self.cluster)
    }

    /// The same directory, with PostgreSQL's data in another place of it.
    pub(super) fn with_cluster(&self, cluster: impl Into<PathBuf>) -> Self {
        Self { cluster: cluster.into(), ..self.clone() }
    }

    /// Locks the directory for this process until the file is closed. None: another process has locked it.
    pub fn lock(&self) -> Result<Option<File>> {
        let path = self.dir.join("lock");
        let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// A program, to be run as PostgreSQL's user, without environment variables that would change what it does.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = process::Command::new(program);
        self.clean(&mut command);
        command.into()
    }

    fn clean(&self, command: &mut process::Command) {
        // PostgreSQL's user may not enter the server's directory
        command.current_dir("/");
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            // PostgreSQL would tell systemd that it is ready, in the place of the server
            let is_systemds = text == "NOTIFY_SOCKET";
            if is_systemds || text.starts_with("PG") || text.starts_with("LC_") || text.starts_with("LANG") {
                command.env_remove(&name);
            }
        }
        if let Some(owner) = &self.owner {
            run_as(command, owner);
        }
    }

    /// Makes PostgreSQL's user the owner of a path.
    pub(super) fn give(&self, path: &Path, mode: u32) -> Result<()> {
        if let Some(owner) = &self.owner {
            chown(path, Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
        }
        Ok(fs::set_permissions(path, Permissions::from_mode(mode))?)
    }

    /// An empty log file that only its owner can read.
    pub(super) fn make_log(path: &Path) -> Result<File> {
        let log = File::create(path)?;
        log.set_permissions(Permissions::from_mode(0o600))?;
        Ok(log)
    }

    /// A directory for the socket that only its owner can enter: here, or in the temporary directory if the path is too long
    /// for a socket.
    pub(super) fn make_socket_dir(&self) -> Result<PathBuf> {
        let mut dir = self.dir.join("socket");
        if dir.join(".s.PGSQL.5432").as_os_str().len() > SOCKET_PATH {
            let mut hasher = DefaultHasher::new();
            self.dir.hash(&mut hasher);
            dir = std::env::temp_dir().join(format!("healthcare-backend-{:016x}", hasher.finish()));
        }
        if !dir.exists() {
            DirBuilder::new().mode(0o700).create(&dir)?;
            self.give(&dir, 0o700)?;
        }
        let metadata = fs::symlink_metadata(&dir)?;
        let owner = self.owner.as_ref().map_or(Uid::effective(), |owner| owner.uid);
        if !metadata.is_dir() || metadata.uid() != owner.as_raw() || metadata.mode() & 0o077 != 0 {
            bail!("{} is not this server's own: remove it", dir.display());
        }
        Ok(dir)
    }
}

/// Removes the directory of a socket, if it is empty.
pub(super) fn remove_socket_dir(dir: &Path) {
    // the next start finds it again
    let _ = fs::remove_dir(dir);
}

fn run_as(command: &mut process::Command, owner: &User) {
    use std::os::unix::process::CommandExt;
    // the standard library drops root's other groups as well
    command.uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
}

/// Whom PostgreSQL runs as when root runs the server.
fn owner() -> Result<Option<User>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some(user));
        }
    }
    bail!(
        "PostgreSQL does not run as root, and there is neither a user postgres nor nobody: \
         run the server as another user"
    )
}

fn default_place(dir: &Path) -> Result<PathBuf> {
    let wanted = std::path::absolute(dir)?;
    match owner()? {
        Some(owner) if !is_reachable(&wanted, &owner) => {
            ensure!(
                !wanted.exists(),
                "{} is closed to PostgreSQL's user {}, which runs it for root: run the server as the user who made \
                 it, or set DATA_DIR",
                wanted.display(),
                owner.name
            );
            Ok(FOR_ROOT.into())
        }
        _ => Ok(wanted),
    }
}

/// Whether a user can enter the directory, or the one that it is going to be made in.
fn is_reachable(dir: &Path, user: &User) -> bool {
    let Some(existing) = dir.ancestors().find(|ancestor| ancestor.exists()) else {
        return false;
    };
    let mut enter = process::Command::new("sh");
    enter.args(["-c", "cd \"$1\"", "sh"]).arg(existing).current_dir("/").stderr(process::Stdio::null());
    run_as(&mut enter, user);
    enter.status().is_ok_and(|status| status.success())
}
