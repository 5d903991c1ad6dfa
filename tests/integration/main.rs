//! The binary as a whole: against an emulated account, against recordings, and on its own.
//!
//! One test program, so that the binary and the emulator are built and started once. `moto`
//! needs Python 3.11 with `venv`; the first run makes an environment below the target directory.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod cli;
mod harness;
mod large;
mod meta;
mod moto;
