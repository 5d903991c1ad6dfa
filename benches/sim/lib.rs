//! A simulated AWS: serves a recording over HTTP to any AWS client (demarc, boto3, the AWS CLI),
//! for any number of accounts and regions, with latency, AWS's rate limits and faults on demand.
//!
//! ```ignore
//! let running = Sim::builder(Recorded::open(path)?)
//!     .accounts(100)
//!     .latency("50ms".parse()?)
//!     .fault(Rule::new(Fault::Reset).probability(0.05))
//!     .start()
//!     .await?;
//! // … AWS_ENDPOINT_URL=running.url() …
//! assert_eq!(running.stats().throttled, 0);
//! ```
//!
//! The account is in the access key id: any key without one is the first account's, and AssumeRole
//! answers keys that hold the role's account. `GET /sim/stats` (unsigned) shows what was asked,
//! `POST /sim/reset` forgets it.
//!
//! The same as a program:
//!
//! ```text
//! demarc-sim serve account.demarc --accounts 100 --latency lognormal:50ms:0.5 --faults faults.toml
//! demarc-sim scale --instances 12906 --buckets 391 account.demarc large.demarc
//! demarc-sim load account.demarc
//! ```
//!
//! Fault rules in a file, of which the first that fits and hits counts:
//!
//! ```toml
//! [[fault]]
//! fault = "reset"          # or internal-error, unavailable, throttled, truncated, stall,
//! probability = 0.05       # stall-midway, malformed, expired-token, denied, denied-by-scp,
//!                          # region-disabled, not-subscribed
//! [[fault]]
//! fault = "denied"
//! action = "s3:GetBucket*" # or service, operation, account, region
//! attempts = 2             # the third attempt at the same request is answered
//! ```
//!
//! What it does not do: check signatures, throttle by anything but requests, or give copies of a
//! resource in another account or region ids of their own.

mod books;
mod errors;
mod faults;
mod index;
mod latency;
pub mod load;
mod organization;
mod request;
pub mod scale;
mod server;
mod template;
#[cfg(test)]
mod testing;
mod xml;

pub use books::{Fullest, Logged, Snapshot};
pub use faults::{Fault, Rule, rules};
pub use index::Recorded;
pub use latency::{Latency, duration};
pub use server::{Builder, Running, Sim};
