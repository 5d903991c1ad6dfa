//! Canned AWS answers for collector tests, as bytes on the wire.
//!
//! Swapping the transport, not the client, exercises the SDK's own parsing and signing and
//! turns on no SDK feature that the shipped build leaves off, so tests reuse its compiled SDK.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture},
    orchestrator::HttpRequest,
};

use crate::{
    recording::Answer,
    transport::{question, respond},
};

/// Answers requests whose `region Service Operation METHOD /path body` contains a given text; the
/// first match wins, and an answer given once is used up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Canned {
    answers: Vec<(String, Answer, Times)>,
    /// `region Service Operation METHOD /path body` of every request that reached the transport.
    sent: Arc<Mutex<Vec<String>>>,
    used: Arc<Mutex<Vec<usize>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Once,
    Always,
}

impl Canned {
    /// Answers every matching request.
    pub(crate) fn on(self, request: &str, status: u16, body: &str) -> Self {
        self.add(request, http(status, &[], body), Times::Always)
    }

    /// Answers one matching request, then leaves it to later answers.
    pub(crate) fn once(self, request: &str, status: u16, body: &str) -> Self {
        self.add(request, http(status, &[], body), Times::Once)
    }

    /// The same with headers.
    pub(crate) fn with_headers(
        self,
        request: &str,
        status: u16,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Self {
        self.add(request, http(status, headers, body), Times::Always)
    }

    /// One matching request is lost on its way.
    pub(crate) fn lost(self, request: &str, what: &str) -> Self {
        self.add(request, Answer::Lost(what.to_owned()), Times::Once)
    }

    fn add(mut self, request: &str, answer: Answer, times: Times) -> Self {
        self.answers.push((request.to_owned(), answer, times));
        self
    }

    pub(crate) fn sent(&self) -> Vec<String> {
        self.sent.lock().expect("no test panics while sending").clone()
    }

    fn pick(&self, line: &str) -> Option<&Answer> {
        let mut used = self.used.lock().expect("no test panics while sending");
        let fits = |(at, (wanted, _, times)): &(usize, &(String, Answer, Times))| {
            line.contains(wanted.as_str()) && (*times == Times::Always || !used.contains(at))
        };
        let (at, (_, answer, times)) = self.answers.iter().enumerate().find(fits)?;
        if *times == Times::Once {
            used.push(at);
        }
        Some(answer)
    }
}

fn http(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer::Http { status, headers, body: body.to_owned() }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(question(&request).and_then(|question| {
            let line = format!(
                "{} {} {} {} {}",
                question.region,
                question.service,
                question.operation,
                question.request,
                question.body
            );
            self.sent.lock().expect("no test panics while sending").push(line.clone());
            match self.pick(&line) {
                Some(answer) => respond(answer),
                None => panic!("no answer for {line}"),
            }
        }))
    }
}
