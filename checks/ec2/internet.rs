//! How much of the internet a set of address ranges admits.

use demarc_model::inventory::ec2::IpNet;

/// IPv4 and IPv6 are filtered by rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// Addresses of one family: sorted, disjoint, inclusive intervals that do not touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Addresses {
    family: Family,
    intervals: Vec<(u128, u128)>,
}

/// IPv4 blocks that the internet does not route (IANA IPv4 Special-Purpose Address Registry),
/// without the few small ones reserved for documentation.
const NOT_ROUTED: [(u32, u8); 10] = [
    (0x0000_0000, 8),
    (0x0a00_0000, 8),
    (0x6440_0000, 10),
    (0x7f00_0000, 8),
    (0xa9fe_0000, 16),
    (0xac10_0000, 12),
    (0xc0a8_0000, 16),
    (0xc612_0000, 15),
    (0xe000_0000, 4),
    (0xf000_0000, 4),
];

/// 2000::/3, the only IPv6 addresses given out for use on the internet.
const ROUTED_V6: (u128, u128) = (0x2 << 124, (0x4 << 124) - 1);

impl Family {
    pub(crate) const BOTH: [Self; 2] = [Self::V4, Self::V6];

    pub(crate) fn of(range: &IpNet) -> Self {
        match range {
            IpNet::V4(_) => Self::V4,
            IpNet::V6(_) => Self::V6,
        }
    }

    /// The range of all its addresses.
    pub(crate) fn anywhere(self) -> &'static str {
        match self {
            Self::V4 => "0.0.0.0/0",
            Self::V6 => "::/0",
        }
    }

    /// So many public addresses are no longer somebody's network: an IPv4 /8, an IPv6 /16.
    fn wide(self) -> u128 {
        match self {
            Self::V4 => 1 << 24,
            Self::V6 => 1 << 112,
        }
    }
}

impl Addresses {
    pub(crate) fn none(family: Family) -> Self {
        Self { family, intervals: Vec::new() }
    }

    pub(crate) fn all(family: Family) -> Self {
        let last = if family == Family::V4 { u128::from(u32::MAX) } else { u128::MAX };
        Self { family, intervals: vec![(0, last)] }
    }

    /// The union of those ranges that are of this family.
    pub(crate) fn of<'a>(family: Family, ranges: impl IntoIterator<Item = &'a IpNet>) -> Self {
        let ranges = ranges.into_iter().filter(|range| Family::of(range) == family);
        Self::merged(family, ranges.map(bounds).collect())
    }

    fn merged(family: Family, mut intervals: Vec<(u128, u128)>) -> Self {
        intervals.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(intervals.len());
        for (first, last) in intervals {
            match merged.last_mut() {
                Some(previous) if first <= previous.1.saturating_add(1) => {
                    previous.1 = previous.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        Self { family, intervals: merged }
    }

    #[must_use]
    pub(crate) fn union(mut self, other: Self) -> Self {
        self.intervals.extend(other.intervals);
        Self::merged(self.family, self.intervals)
    }

    #[must_use]
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for &(first, last) in &self.intervals {
            // What is left of the interval starts here; `None` once nothing is.
            let mut rest = Some(first);
            for &(from, to) in &other.intervals {
                let Some(start) = rest.filter(|start| from <= last && to >= *start) else {
                    continue;
                };
                if from > start {
                    left.push((start, from - 1));
                }
                rest = (to < last).then(|| to + 1);
            }
            left.extend(rest.map(|start| (start, last)));
        }
        Self { family: self.family, intervals: left }
    }

    #[must_use]
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.minus(&self.minus(other))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// Those that the internet routes.
    #[must_use]
    pub(crate) fn public(&self) -> Self {
        match self.family {
            Family::V4 => {
                let blocks = NOT_ROUTED.iter().map(|&(first, length)| {
                    let first = u128::from(first);
                    (first, first + (1 << (32 - length)) - 1)
                });
                self.minus(&Self::merged(Family::V4, blocks.collect()))
            }
            Family::V6 => {
                self.intersection(&Self { family: Family::V6, intervals: vec![ROUTED_V6] })
            }
        }
    }

    /// How many of them the internet routes.
    pub(crate) fn public_count(&self) -> u128 {
        self.public().intervals.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether they are the internet, or so much of it that no network of anyone's is meant.
    pub(crate) fn is_open(&self) -> bool {
        self.public_count() >= self.family.wide()
    }

    /// What to call an open set that `ranges` make up: `0.0.0.0/0` where they leave out nothing
    /// public, or else the widest of them.
    pub(crate) fn label<'a>(&self, ranges: impl IntoIterator<Item = &'a IpNet>) -> String {
        if self.public() == Self::all(self.family).public() {
            return self.family.anywhere().to_owned();
        }
        let mut ranges: Vec<_> = ranges
            .into_iter()
            .filter(|range| Family::of(range) == self.family && is_public(range))
            .collect();
        ranges.sort_by_key(|range| (range.prefix_len(), bounds(range)));
        ranges.dedup();
        match ranges.as_slice() {
            [] => self.family.anywhere().to_owned(),
            [only] => only.to_string(),
            [widest, ..] => format!("{widest} and more"),
        }
    }
}

/// Whether the internet routes any address of the range.
pub(crate) fn is_public(range: &IpNet) -> bool {
    !Addresses::of(Family::of(range), [range]).public().is_empty()
}

fn bounds(range: &IpNet) -> (u128, u128) {
    match range {
        IpNet::V4(range) => {
            (u128::from(u32::from(range.network())), u128::from(u32::from(range.broadcast())))
        }
        IpNet::V6(range) => (u128::from(range.network()), u128::from(range.broadcast())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::testing::ranges;

    fn set(text: &[&str]) -> Addresses {
        let ranges = ranges(text);
        Addresses::of(Family::of(&ranges[0]), &ranges)
    }

    #[test]
    fn halves_make_the_whole() {
        let halves = ["128.0.0.0/1", "0.0.0.0/1"];
        assert_eq!(set(&halves), Addresses::all(Family::V4));
        assert_eq!(set(&halves).label(&ranges(&halves)), "0.0.0.0/0");
        assert_eq!(set(&["::/1", "8000::/1"]), Addresses::all(Family::V6));
    }

    #[test]
    fn all_of_the_routed_ipv6_is_the_internet() {
        assert!(set(&["2000::/3"]).is_open());
        assert_eq!(set(&["2000::/3"]).label(&ranges(&["2000::/3"])), "::/0");
        assert!(!set(&["fc00::/7"]).is_open());
        assert!(!set(&["2001:db8::/32"]).is_open());
    }

    #[test]
    fn private_ranges_are_not_open_however_wide() {
        assert!(!set(&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]).is_open());
        assert!(!is_public(&ranges(&["10.0.0.0/8"])[0]));
    }

    #[test]
    fn a_range_that_reaches_beyond_a_private_one_is_open() {
        let beyond = ["10.0.0.0/7", "10.0.0.0/8"];
        assert!(set(&beyond).is_open());
        assert_eq!(set(&beyond).label(&ranges(&beyond)), "10.0.0.0/7");
        assert!(!set(&["203.0.113.0/24"]).is_open());
    }

    #[test]
    fn taking_a_range_out_leaves_the_two_ends() {
        let left = set(&["0.0.0.0/0"]).minus(&set(&["64.0.0.0/2"]));
        assert_eq!(left, set(&["0.0.0.0/2", "128.0.0.0/1"]));
        assert!(left.minus(&left).is_empty());
        assert_eq!(left.intersection(&set(&["0.0.0.0/1"])), set(&["0.0.0.0/2"]));
        assert_eq!(left.label(&ranges(&["0.0.0.0/2", "128.0.0.0/1"])), "128.0.0.0/1 and more");
    }
}
