//! demarc: scans live AWS accounts and says where each finding falls in the shared
//! responsibility model.

use std::process::ExitCode;

mod cli;
mod exit;
mod judge;
mod output;
mod permissions;
mod progress;
mod scan;
mod spool;
mod tickets;
mod totals;

fn main() -> ExitCode {
    match cli::config::load().and_then(cli::Cli::run) {
        Ok(outcome) => outcome.into(),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // One line: what failed, and each cause that says more than the one before it.
            anstream::eprintln!("demarc: {}", one_line(&error));
            if error.is::<exit::Usage>() {
                ExitCode::from(exit::USAGE)
            } else {
                exit::Outcome::CouldNotRun.into()
            }
        }
    }
}

fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string().replace('\n', " ");
        if !line.contains(&text) {
            line += if line.is_empty() { "" } else { ": " };
            line += &text;
        }
    }
    line
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
