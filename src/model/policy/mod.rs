//! IAM policies and their kin.

/// A parsed policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy;
