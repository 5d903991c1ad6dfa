//! Settings of the account itself.

use super::unread;
use crate::{Cause, Read, calls};

#[derive(Debug)]
pub struct AccountSettings {
    pub security_contact: Read<Option<AlternateContact>>,
    pub billing_contact: Read<Option<AlternateContact>>,
    pub operations_contact: Read<Option<AlternateContact>>,
    /// The primary contact.
    pub contact: Read<ContactInformation>,
}

/// Held as read, for comparison alone; never reported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlternateContact {
    pub name: String,
    pub email_address: String,
    pub phone_number: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactInformation {
    pub full_name: String,
    pub phone_number: String,
}

impl AccountSettings {
    /// The section with everything unread for one reason.
    pub fn unread(cause: &Cause) -> Self {
        Self {
            security_contact: unread(cause, &calls::account::GET_ALTERNATE_CONTACT),
            billing_contact: unread(cause, &calls::account::GET_ALTERNATE_CONTACT),
            operations_contact: unread(cause, &calls::account::GET_ALTERNATE_CONTACT),
            contact: unread(cause, &calls::account::GET_CONTACT_INFORMATION),
        }
    }
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self::unread(&Cause::NotCollected)
    }
}
