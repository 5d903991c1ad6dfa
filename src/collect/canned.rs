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

/// Answers requests whose `Operation METHOD /path body` contains a given text; the first match
/// wins, and an answer given `times` is used up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Canned {
    answers: Vec<(String, Answer)>,
    /// `Service Operation METHOD /path body` of every request that reached the transport.
    pub(crate) sent: Arc<Mutex<Vec<String>>>,
    used: Arc<Mutex<Vec<usize>>>,
}

impl Canned {
    /// Answers every matching request.
    pub(crate) fn on(mut self, request: &str, status: u16, body: &str) -> Self {
        let answer = Answer::Http { status, headers: [].into(), body: body.to_owned() };
        self.answers.push((request.to_owned(), answer));
        self
    }

    /// Answers one matching request, then leaves it to later answers.
    pub(crate) fn once(self, request: &str, status: u16, body: &str) -> Self {
        self.on(&format!("once:{request}"), status, body)
    }

    pub(crate) fn sent(&self) -> Vec<String> {
        self.sent.lock().expect("no test panics while sending").clone()
    }

    fn pick(&self, line: &str) -> Option<&Answer> {
        let mut used = self.used.lock().expect("no test panics while sending");
        self.answers.iter().enumerate().find_map(|(at, (wanted, answer))| {
            match wanted.strip_prefix("once:") {
                Some(wanted) if line.contains(wanted) && !used.contains(&at) => {
                    used.push(at);
                    Some(answer)
                }
                Some(_) => None,
                None => line.contains(wanted.as_str()).then_some(answer),
            }
        })
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(question(&request).and_then(|question| {
            let line = format!(
                "{} {} {} {}",
                question.service, question.operation, question.request, question.body
            );
            self.sent.lock().expect("no test panics while sending").push(line.clone());
            match self.pick(&line) {
                Some(answer) => respond(answer),
                None => panic!("no answer for {line}"),
            }
        }))
    }
}
