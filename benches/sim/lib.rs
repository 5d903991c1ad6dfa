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
