//! Moments as AWS reports them, to the second.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Seconds since the Unix epoch, UTC.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Parses an RFC 3339 moment; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text, &Rfc3339).ok().map(|at| Self(at.unix_timestamp()))
    }

    /// Whole days from `self` to `now`; negative when `self` lies ahead.
    pub fn days_before(self, now: Self) -> i64 {
        (now.0 - self.0).div_euclid(86_400)
    }

    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0 + days * 86_400)
    }

    /// `2026-11-22T00:00:00Z`.
    pub fn rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp(self.0)
            .ok()
            .and_then(|at| at.format(&Rfc3339).ok())
            .unwrap_or_else(|| self.0.to_string())
    }

    /// `2026-11-22`.
    pub fn date(self) -> String {
        self.rfc3339().chars().take_while(|c| *c != 'T').collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn a_moment_survives_the_round_trip_and_counts_whole_days() {
        let now = Timestamp::parse("2026-11-22T00:00:00Z").expect("a valid moment");
        assert_eq!(now.rfc3339(), "2026-11-22T00:00:00Z");
        let then = Timestamp::parse("2026-08-24T00:00:01+00:00").expect("a valid moment");
        assert_eq!(then.days_before(now), 89);
        assert_eq!(Timestamp::parse("N/A"), None);
    }
}
