//! Verdicts and their identity from run to run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Fail,
    /// The answer it rests on could not be read; never a pass.
    NotAssessed,
    /// Only a person can answer.
    Manual,
    Pass,
    NotApplicable,
}

impl Verdict {
    pub const ALL: [Self; 5] =
        [Self::Fail, Self::NotAssessed, Self::Manual, Self::Pass, Self::NotApplicable];

    pub fn id(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::NotAssessed => "not-assessed",
            Self::Manual => "manual",
            Self::Pass => "pass",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// What a finding is recognized by: nothing that changes from run to run or between versions.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    pub partition: &'a str,
    pub account: &'a str,
    pub region: &'a str,
    /// ARN.
    pub resource: &'a str,
    pub check: &'a str,
    /// Sub-key within the resource; empty for the resource as a whole.
    pub part: &'a str,
}

/// 32 hexadecimal digits: the first half of a SHA-256 over the identity's fields.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

impl Identity<'_> {
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(digest([
            self.partition,
            self.account,
            self.region,
            self.resource,
            self.check,
            self.part,
        ]))
    }
}

const HEX: [u8; 16] = *b"0123456789abcdef";

/// 32 hexadecimal digits that stand for these texts, in this order, on every machine and in every
/// version.
pub fn digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        // Lengths, so that no two lists share their concatenation.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)]));
    hash.finalize().iter().take(16).flat_map(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::Identity;

    const LOGS: Identity<'_> = Identity {
        partition: "aws",
        account: "123456789012",
        region: "eu-central-1",
        resource: "arn:aws:s3:::logs",
        check: "s3.bucket-public-access-block",
        part: "",
    };

    /// Tickets hang on this value: it may never change.
    #[test]
    fn the_fingerprint_is_the_same_for_ever() {
        assert_eq!(LOGS.fingerprint().0, "e60c2424517dc349763ba4c4ce2877ae");
    }

    #[test]
    fn no_two_identities_share_their_concatenation() {
        let moved = Identity { region: "eu-central-", resource: "1arn:aws:s3:::logs", ..LOGS };
        assert_ne!(moved.fingerprint(), LOGS.fingerprint());
    }
}
