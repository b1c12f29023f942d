//! The secret key of a server without the setting SECRET_KEY: random, made once, kept beside the data.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Reads the key in a directory, or makes it there. Only its owner can read the file.
pub fn of_directory(dir: &Path) -> io::Result<String> {
    let path = dir.join("secret_key");
    match fs::read_to_string(&path) {
        Ok(key) if key.len() >= 64 => return Ok(key),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let key = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
    let unfinished = dir.join("secret_key.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(key.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    File::open(dir)?.sync_all()?;
    Ok(key)
}
