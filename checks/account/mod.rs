//! The AWS account itself: whom AWS tells when something is wrong with it.

use demarc_model::Check;

mod alternate_contacts_distinct;
mod contact_details_current;
mod security_contact_registered;
mod security_questions_registered;

#[rustfmt::skip] // One entry a line, so that parallel branches merge.
pub(crate) static CHECKS: &[&Check] = &[
    &alternate_contacts_distinct::CHECK,
    &contact_details_current::CHECK,
    &security_contact_registered::CHECK,
    &security_questions_registered::CHECK,
];
