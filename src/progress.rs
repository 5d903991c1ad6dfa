//! How far the scan is, on a terminal; nothing anywhere else.

use std::{
    io::IsTerminal as _,
    sync::Arc,
    time::{Duration, Instant},
};

use demarc_collect::ledger::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

/// A line on stderr that is gone at the end.
pub(crate) struct Display {
    bar: ProgressBar,
    task: JoinHandle<()>,
}

impl Display {
    /// `None` where stderr is no terminal, or the user asked for quiet.
    pub(crate) fn start(progress: &Arc<Progress>, quiet: bool) -> Option<Self> {
        if quiet || !std::io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("{spinner} {elapsed} {msg}").ok()?);
        bar.enable_steady_tick(Duration::from_millis(120));
        let (progress, shown) = (Arc::clone(progress), bar.clone());
        let task = tokio::spawn(async move {
            let (mut last, mut at) = (0, Instant::now());
            loop {
                let requests = Progress::read(&progress.requests);
                let seconds = at.elapsed().as_secs_f64().max(0.001);
                #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
                let rate = (requests - last) as f64 / seconds;
                (last, at) = (requests, Instant::now());
                shown.set_message(line(&progress, requests, rate));
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        Some(Self { bar, task })
    }

    pub(crate) fn finish(self) {
        self.task.abort();
        self.bar.finish_and_clear();
    }
}

fn line(progress: &Progress, requests: u64, rate: f64) -> String {
    let read = Progress::read;
    let accounts = match read(&progress.accounts) {
        0 | 1 => String::new(),
        all => format!("accounts {}/{all} · ", read(&progress.accounts_done)),
    };
    let throttled = match read(&progress.throttled) {
        0 => String::new(),
        number => format!(" · throttled {number}"),
    };
    format!(
        "{accounts}collectors {}/{} · calls {requests} · {rate:.0}/s{throttled}",
        read(&progress.collectors_done),
        read(&progress.collectors),
    )
}
