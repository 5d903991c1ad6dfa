//! Names of regions. AWS adds regions more often than there is a new demarc, so a list cannot
//! tell a typing error from a new region; the words that names are made of can.

use demarc_collect::target::default_regions;

use crate::exit::Usage;

/// The last word of every region's name so far. The first is a country or a continent, any two
/// letters: `sa-west-1` was new, `ca-west-1` was there before it.
const COMPASS: [&str; 9] = [
    "central",
    "east",
    "north",
    "northeast",
    "northwest",
    "south",
    "southeast",
    "southwest",
    "west",
];

/// Refuses what cannot be a region's name, and what is nearly a word of one.
pub(crate) fn check(name: &str) -> Result<(), Usage> {
    let Some((words, number)) = parts(name) else {
        let lower = name.to_ascii_lowercase();
        let near = known().map(|known| (strsim::osa_distance(&lower, known), known));
        return Err(Usage(match near.min() {
            Some((..=2, meant)) => did_you_mean(name, meant),
            _ => format!("\"{name}\" is not the name of a region, such as eu-central-1"),
        }));
    };
    let (place, last) = words.rsplit_once('-').unwrap_or_default();
    let tolerance = if last.len() < 6 { 1 } else { 2 };
    let meant = COMPASS
        .into_iter()
        .map(|word| (strsim::osa_distance(last, word), word))
        .filter(|(distance, _)| *distance <= tolerance)
        .map(|(distance, word)| (distance, format!("{place}-{word}-{number}")))
        // Of two words equally near, the one that makes a region.
        .min_by_key(|(distance, meant)| (*distance, known().all(|known| known != meant)));
    match meant {
        Some((1.., meant)) => Err(Usage(did_you_mean(name, &meant))),
        _ => Ok(()),
    }
}

fn did_you_mean(name: &str, meant: &str) -> String {
    format!("unknown region \"{name}\": did you mean \"{meant}\"?")
}

fn known() -> impl Iterator<Item = &'static str> {
    ["aws", "aws-cn", "aws-us-gov"].into_iter().flat_map(default_regions).copied()
}

/// Words and number: `us-gov-west` and `1`.
fn parts(name: &str) -> Option<(&str, &str)> {
    let (words, number) = name.rsplit_once('-')?;
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
    let is_region = words.contains('-')
        && words.split('-').all(is_word)
        && !number.is_empty()
        && number.chars().all(|c| c.is_ascii_digit());
    is_region.then_some((words, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_region_needs_no_new_demarc() {
        let there = known().chain([
            "il-central-1",
            "mx-central-1",
            "us-iso-east-1",
            "us-isob-west-1",
            "eu-isoe-west-1",
            "eusc-de-east-1",
        ]);
        // Not there yet, or of another vendor: AWS, or who else is asked, knows better.
        let new = ["ap-southeast-8", "sa-west-1", "zz-north-1", "eu-atlantis-1", "us-isog-south-2"];
        for name in there.chain(new) {
            assert_eq!(check(name).map_err(|error| error.to_string()), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_typing_error_is_told_with_what_was_meant() {
        for (name, meant) in [
            ("eu-centrl-1", "eu-central-1"),
            ("eu-centarl-1", "eu-central-1"),
            ("eu-cetnrl-2", "eu-central-2"),
            ("ap-sotheast-1", "ap-southeast-1"),
            ("ap-southest-2", "ap-southeast-2"),
            ("cn-northest-1", "cn-northwest-1"),
            ("us-gov-wst-1", "us-gov-west-1"),
            ("us-eats-1", "us-east-1"),
            ("us-est-1", "us-east-1"),
            ("sa-est-1", "sa-east-1"),
            ("eu-central1", "eu-central-1"),
            ("us-east-1a", "us-east-1"),
            ("US-EAST-1", "us-east-1"),
        ] {
            let error = check(name).expect_err(name).to_string();
            assert_eq!(error, format!("unknown region \"{name}\": did you mean \"{meant}\"?"));
        }
    }

    #[test]
    fn what_no_region_could_be_called_is_told_as_such() {
        for name in ["", "frankfurt", "eu-1", "eu--1", "all", "*"] {
            let error = check(name).expect_err(name).to_string();
            let text = format!("\"{name}\" is not the name of a region, such as eu-central-1");
            assert_eq!(error, text);
        }
    }
}
