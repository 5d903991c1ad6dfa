//! What the scanner knows: the inventory, the checks' vocabulary and the calls that fill it.
//!
//! No SDK below this crate: checks build and test against it in seconds.

pub mod boundary;
pub mod calls;
pub mod check;
pub mod finding;
pub mod inventory;
pub mod layer;
pub mod policy;
pub mod read;
mod tags;
pub mod time;

pub use calls::Call;
pub use check::{Assessed, Check, Evidence, Findings, Judged, Outcome, Service, Severity};
pub use finding::{Fingerprint, Verdict};
pub use inventory::{Inventory, Region, Resource, Subject};
pub use layer::{ControlType, Layer, ServiceModel};
pub use read::{Cause, Listing, NotAssessed, Read, Unread};
pub use tags::Tags;
