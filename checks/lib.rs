//! The built-in checks, one file each, grouped by AWS service.

use demarc_model::Check;

mod account;
pub mod boundary;
mod ebs;
mod ec2;
pub mod frameworks;
mod iam;
pub mod page;
mod rds;
mod s3;
#[cfg(test)]
mod testing;
mod vpc;

/// Every built-in check, ordered by id.
pub fn all() -> impl Iterator<Item = &'static Check> {
    [account::CHECKS, ebs::CHECKS, ec2::CHECKS, iam::CHECKS, rds::CHECKS, s3::CHECKS, vpc::CHECKS]
        .into_iter()
        .flatten()
        .copied()
}

/// The check of that id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id == id)
}
