//! Starts the other side of the network, and runs a command that plays scenarios against it:
//!
//! `peers COMMAND [ARGUMENT ...]`
//!
//! The command finds the scenarios, with the ports filled in, in the folder that the variable `SCENARIOS` names, and the client
//! of the local socket at the path that `DIAL` names.

#![allow(missing_docs)]

mod dns;
mod fill;
mod h2;
mod http;
mod packed;
mod servers;
mod tls;

use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> std::io::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next().ok_or_else(|| std::io::Error::other("which command?"))?;
    let peers = servers::start()?;
    let filled = fill::scenarios(Path::new(env!("CARGO_MANIFEST_DIR")), &peers)?;
    let dial = std::env::current_exe()?.with_file_name("dial");
    let mut command = Command::new(command);
    let status = command.args(arguments).env("SCENARIOS", filled.path()).env("DIAL", dial).status()?;
    Ok(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1).into())
}
