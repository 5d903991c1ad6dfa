//! Amazon EC2: instances, images, launch templates and packet filters.

use demarc_model::Check;

#[rustfmt::skip] // One entry a line, so that parallel branches merge.
pub(crate) static CHECKS: &[&Check] = &[
];
