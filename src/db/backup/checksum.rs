//! The last line of a backup: the SHA-256 of all before it. A file that was cut short, or changed on its way, is known by it.

use std::{
    fmt::Write,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use anyhow::{Context, Result, ensure};
use ring::digest::{self, SHA256};
use tokio::task::yield_now;

const NAME: &str = "\nsha256 ";
/// The length of the line in bytes.
const LENGTH: u64 = 8 + 64 + 1;
/// How much is read at a time.
const BLOCK: usize = 1024 * 1024;

/// The last line for this sum.
pub(super) fn line(sum: &str) -> String {
    format!("{NAME}{sum}\n")
}

/// The sum of the next so many bytes, or of all that are left.
pub(super) async fn of(file: &mut File, length: u64) -> Result<String> {
    let mut context = digest::Context::new(&SHA256);
    let mut block = vec![0; BLOCK];
    let mut left = file.take(length);
    loop {
        let read = left.read(&mut block)?;
        if read == 0 {
            break;
        }
        context.update(block.get(..read).unwrap_or_default());
        // an interrupt is heard
        yield_now().await;
    }
    let mut hexadecimal = String::new();
    for byte in context.finish().as_ref() {
        write!(hexadecimal, "{byte:02x}")?;
    }
    Ok(hexadecimal)
}

/// Refuses a file that is not as it was made.
pub(super) async fn check(path: &Path) -> Result<()> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let refused = "is no backup of this server, or not all of one: it does not end with its checksum";
    let length = file.metadata()?.len().checked_sub(LENGTH);
    let length = length.with_context(|| format!("{} {refused}", path.display()))?;
    file.seek(SeekFrom::Start(length))?;
    let mut last = Vec::new();
    file.read_to_end(&mut last)?;
    ensure!(last.starts_with(NAME.as_bytes()), "{} {refused}", path.display());
    file.rewind()?;
    let sum = of(&mut file, length).await?;
    ensure!(
        last == line(&sum).as_bytes(),
        "{} is not as it was made: its checksum is another. Take an older backup",
        path.display()
    );
    Ok(())
}
