//! The program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    fde_infra::cli::main(std::env::args_os())
}
