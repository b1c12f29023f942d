//! The program: see `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    healthcare_backend::cli::main()
}
