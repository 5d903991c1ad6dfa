//! Settings of the account itself.

use demarc_model::Check;

#[rustfmt::skip] // One entry a line, so that parallel branches merge.
pub(crate) static CHECKS: &[&Check] = &[
];
