//! How long the network and AWS take.

use std::{str::FromStr, time::Duration};

/// Added to every answer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Latency {
    #[default]
    None,
    Fixed(Duration),
    /// The logarithm is normal: half of the answers take longer than `median`, a few much longer.
    LogNormal {
        median: Duration,
        sigma: f64,
    },
}

/// The longest that one answer takes, medians; a log-normal has no longest.
const LONGEST: f64 = 50.0;

impl Latency {
    pub(crate) fn draw(self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Fixed(latency) => latency,
            Self::LogNormal { median, sigma } => {
                // Box and Muller; 1 - f lies above 0.
                let radius = (-2.0 * (1.0 - fastrand::f64()).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * fastrand::f64()).cos();
                median.mul_f64((sigma * normal).exp().min(LONGEST))
            }
        }
    }
}

/// `50ms`, `1.5s`, `2m`, `1h`, `0`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "" if number == "0" => 0.0,
        _ => return Err(format!("\"{text}\" is not a duration such as 50ms, 1.5s or 1h")),
    };
    let number: f64 = number.parse().map_err(|_| format!("\"{text}\" starts with no number"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| format!("\"{text}\": {error}"))
}

impl FromStr for Latency {
    type Err = String;

    /// `50ms` or `lognormal:50ms:0.5`.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("lognormal:") else {
            let latency = duration(text)?;
            return Ok(if latency.is_zero() { Self::None } else { Self::Fixed(latency) });
        };
        let (median, sigma) =
            rest.split_once(':').ok_or("a log-normal latency is lognormal:MEDIAN:SIGMA")?;
        let sigma: f64 = sigma.parse().map_err(|_| format!("\"{sigma}\" is no number"))?;
        if !(0.0..=3.0).contains(&sigma) {
            return Err(format!("sigma {sigma} is not within 0 and 3"));
        }
        Ok(Self::LogNormal { median: duration(median)?, sigma })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_answers_take_longer_than_the_median() {
        let latency: Latency = "lognormal:50ms:0.5".parse().unwrap();
        fastrand::seed(1);
        let mut drawn: Vec<_> = (0..2_000).map(|_| latency.draw()).collect();
        drawn.sort();
        let near = |at: usize, expected: f64| {
            let found = drawn[at].as_secs_f64() * 1000.0;
            assert!((found / expected - 1.0).abs() < 0.1, "{found} ms instead of {expected}");
        };
        near(1_000, 50.0);
        // exp(0.5): one standard deviation up.
        near(1_683, 50.0 * 0.5_f64.exp());
    }

    #[test]
    fn latencies_are_read_and_nonsense_is_refused() {
        assert_eq!("50ms".parse(), Ok(Latency::Fixed(Duration::from_millis(50))));
        assert_eq!("0".parse(), Ok(Latency::None));
        for nonsense in ["50", "ms", "lognormal:50ms", "lognormal:50ms:9", "1.2.3s"] {
            assert!(nonsense.parse::<Latency>().is_err(), "{nonsense}");
        }
    }
}
