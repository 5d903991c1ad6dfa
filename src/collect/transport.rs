//! What lies below the SDK: the network, with or without a tape, or a recording.

use std::{collections::BTreeMap, sync::Arc};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;

use crate::{
    guard::Label,
    recording::{Answer, Exchange, Recorder, Recording, redact},
};

/// Marks the error of a request that a recording does not answer.
pub(crate) const NO_RECORDED_ANSWER: &str = "the recording holds no answer to this request";

/// Where requests go.
#[derive(Debug, Clone)]
pub enum Transport {
    Live(SharedHttpClient),
    /// The network, every exchange written down.
    Record(SharedHttpClient, Arc<Recorder>),
    Replay(Arc<Recording>),
    /// Canned answers, for tests.
    #[cfg(test)]
    #[expect(private_interfaces, reason = "tests alone build and see it")]
    Canned(crate::canned::Canned),
}

impl Transport {
    pub fn is_replay(&self) -> bool {
        !matches!(self, Self::Live(_) | Self::Record(..))
    }
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        match self {
            Self::Live(network) => network.http_connector(settings, components),
            Self::Record(network, recorder) => SharedHttpConnector::new(Tape {
                network: network.http_connector(settings, components),
                recorder: Arc::clone(recorder),
            }),
            Self::Replay(recording) => SharedHttpConnector::new(Player(Arc::clone(recording))),
            #[cfg(test)]
            Self::Canned(canned) => SharedHttpConnector::new(canned.clone()),
        }
    }
}

/// The request as it is filed, without its answer. S3 buckets move from the host into the path,
/// so that virtual-hosted and path-style requests are filed alike.
pub(crate) fn question(request: &HttpRequest) -> Result<Exchange, ConnectorError> {
    let label = request
        .extension::<Label>()
        .ok_or_else(|| ConnectorError::user("a request without a label".into()))?;
    let uri = request.uri();
    let after_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let at = after_scheme.find('/').unwrap_or(after_scheme.len());
    let (host, path) = after_scheme.split_at(at);
    let bucket = if label.call.service == "S3" { bucket_of_host(host) } else { None };
    let request_line = match bucket {
        Some(bucket) if path == "/" || path.starts_with("/?") => {
            format!("{} /{bucket}{}", request.method(), path.trim_start_matches('/'))
        }
        Some(bucket) => format!("{} /{bucket}{path}", request.method()),
        None => format!("{} {path}", request.method()),
    };
    let body = request.body().bytes().unwrap_or_default();
    Ok(Exchange {
        account: label.account.to_string(),
        region: label.region.to_string(),
        service: label.call.service.to_owned(),
        operation: label.call.operation.to_owned(),
        request: request_line.replacen("/?", "?", usize::from(bucket_in_path(path))),
        body: String::from_utf8_lossy(body).into_owned(),
        answer: Answer::Lost(String::new()),
    })
}

/// Whether `/bucket/?query` should be filed as `/bucket?query`.
fn bucket_in_path(path: &str) -> bool {
    path.find("/?").is_some_and(|at| at > 0)
}

/// `logs` of `logs.s3.eu-central-1.amazonaws.com`.
fn bucket_of_host(host: &str) -> Option<&str> {
    [".s3.", ".s3-"].iter().find_map(|mark| host.find(mark)).map(|at| &host[..at])
}

/// Answer headers that carry meaning.
const KEPT_HEADERS: &[&str] = &[
    "content-type",
    "retry-after",
    "x-amz-bucket-region",
    "x-amz-retry-after",
    "x-amzn-errortype",
];

#[derive(Debug)]
struct Tape {
    network: SharedHttpConnector,
    recorder: Arc<Recorder>,
}

impl HttpConnector for Tape {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let question = match question(&request) {
            Ok(question) => question,
            Err(error) => return HttpConnectorFuture::ready(Err(error)),
        };
        let (answer, recorder) = (self.network.call(request), Arc::clone(&self.recorder));
        HttpConnectorFuture::new(async move {
            let answer = match answer.await {
                Ok(response) => Ok(response),
                Err(error) => {
                    let lost = Answer::Lost(error.to_string());
                    recorder.add(&Exchange { answer: lost, ..question });
                    return Err(error);
                }
            };
            answer_on_tape(answer, &recorder, question).await
        })
    }
}

async fn answer_on_tape(
    answer: Result<HttpResponse, ConnectorError>,
    recorder: &Recorder,
    question: Exchange,
) -> Result<HttpResponse, ConnectorError> {
    let mut response = answer?;
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let bytes = match http_body_util::BodyExt::collect(body).await {
        Ok(collected) => collected.to_bytes(),
        Err(error) => {
            recorder.add(&Exchange { answer: Answer::Lost(error.to_string()), ..question });
            return Err(ConnectorError::io(error));
        }
    };
    let header = |name: &&str| {
        response.headers().get(*name).map(|value| ((*name).to_owned(), value.to_owned()))
    };
    recorder.add(&Exchange {
        answer: Answer::Http {
            status: response.status().as_u16(),
            headers: KEPT_HEADERS.iter().filter_map(header).collect::<BTreeMap<_, _>>(),
            body: redact(&String::from_utf8_lossy(&bytes)),
        },
        ..question
    });
    *response.body_mut() = SdkBody::from(bytes);
    Ok(response)
}

#[derive(Debug)]
struct Player(Arc<Recording>);

impl HttpConnector for Player {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(question(&request).and_then(|question| {
            match self.0.answer(question) {
                Some(answer) => respond(answer),
                None => Err(ConnectorError::other(NO_RECORDED_ANSWER.into(), None)),
            }
        }))
    }
}

pub(crate) fn respond(answer: &Answer) -> Result<HttpResponse, ConnectorError> {
    match answer {
        Answer::Http { status, headers, body } => {
            let status = (*status)
                .try_into()
                .map_err(|_| ConnectorError::user(format!("HTTP status {status}").into()))?;
            let mut response = HttpResponse::new(status, SdkBody::from(body.as_str()));
            for (name, value) in headers {
                response.headers_mut().insert(name.clone(), value.clone());
            }
            Ok(response)
        }
        Answer::Lost(what) => Err(ConnectorError::io(what.clone().into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filed(uri: &str) -> String {
        let mut request = HttpRequest::get(uri).expect("a valid URI");
        request.add_extension(Label {
            call: &demarc_model::calls::s3::GET_BUCKET_ACL,
            account: Arc::from("123456789012"),
            region: Arc::from("eu-central-1"),
        });
        question(&request).expect("a labelled request").request
    }

    #[test]
    fn virtual_hosted_and_path_style_requests_are_filed_alike() {
        let virtual_hosted = filed("https://logs.s3.eu-central-1.amazonaws.com/?acl");
        assert_eq!(virtual_hosted, "GET /logs?acl");
        assert_eq!(filed("http://localhost:5000/logs?acl"), virtual_hosted);
        assert_eq!(filed("http://localhost:5000/logs/?acl"), virtual_hosted);
        assert_eq!(filed("https://a.b.s3.eu-central-1.amazonaws.com/?acl"), "GET /a.b?acl");
        assert_eq!(
            filed("https://s3.eu-central-1.amazonaws.com/?max-buckets=5"),
            "GET /?max-buckets=5"
        );
    }
}
