//! The HTTP server.

use std::{
    collections::HashMap,
    future::poll_fn,
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use demarc_model::calls;
use http_body_util::BodyExt as _;
use hyper::{
    Method, Request, Response,
    body::{Body, Bytes, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::{AbortHandle, JoinSet},
};

use crate::{
    Fault, Latency, Logged, Recorded, Rule, Snapshot,
    books::Books,
    errors::{self, Says},
    faults::Faults,
    index::{Index, Prepared},
    organization::{Caller, Organization},
    request::{self, Asked, Protocol},
};

/// A simulated AWS, before it is started.
#[derive(Debug)]
pub struct Sim;

impl Sim {
    pub fn builder(recorded: Recorded) -> Builder {
        Builder {
            recorded,
            accounts: 1,
            suspended: 0,
            regions: Vec::new(),
            latency: Latency::None,
            limits: true,
            foreign: 0.0,
            rules: Vec::new(),
            seed: 0,
            session: Duration::from_hours(1),
            log: false,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}

#[derive(Debug)]
pub struct Builder {
    recorded: Recorded,
    accounts: usize,
    suspended: usize,
    regions: Vec<String>,
    latency: Latency,
    limits: bool,
    foreign: f64,
    rules: Vec<Rule>,
    seed: u64,
    session: Duration,
    log: bool,
    listen: SocketAddr,
}

impl Builder {
    /// Accounts in all; the recorded ones come first.
    #[must_use]
    pub fn accounts(self, accounts: usize) -> Self {
        Self { accounts, ..self }
    }

    /// The last so many accounts are suspended.
    #[must_use]
    pub fn suspended(self, suspended: usize) -> Self {
        Self { suspended, ..self }
    }

    /// Regions that are enabled; those that were not recorded copy recorded ones in turn.
    #[must_use]
    pub fn regions(self, regions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { regions: regions.into_iter().map(Into::into).collect(), ..self }
    }

    #[must_use]
    pub fn latency(self, latency: Latency) -> Self {
        Self { latency, ..self }
    }

    /// Whether AWS's token buckets are enforced; they are unless told otherwise.
    #[must_use]
    pub fn limits(self, limits: bool) -> Self {
        Self { limits, ..self }
    }

    /// The share, 0 to below 1, that another client takes of every bucket and its refill.
    #[must_use]
    pub fn foreign_load(self, share: f64) -> Self {
        Self { foreign: share, ..self }
    }

    #[must_use]
    pub fn fault(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    #[must_use]
    pub fn faults(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.rules.extend(rules);
        self
    }

    /// Decides which requests a probable fault befalls.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How long the credentials of a role last at most.
    #[must_use]
    pub fn session(self, session: Duration) -> Self {
        Self { session, ..self }
    }

    /// Keeps every request, for [`Running::log`].
    #[must_use]
    pub fn log(self) -> Self {
        Self { log: true, ..self }
    }

    #[must_use]
    pub fn listen(self, listen: SocketAddr) -> Self {
        Self { listen, ..self }
    }

    fn shared(self) -> io::Result<Shared> {
        if self.recorded.header.targets.is_empty() {
            let what = "the recording names no account";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        if !(0.0..1.0).contains(&self.foreign) {
            let what = format!("a foreign load of {} is not within 0 and 1", self.foreign);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        Ok(Shared {
            index: Index::new(&self.recorded),
            organization: Organization::new(
                &self.recorded,
                self.accounts,
                self.suspended,
                &self.regions,
                self.session,
            ),
            books: Arc::new(Books::new(self.limits, self.foreign, self.log)),
            faults: Faults::new(self.rules, self.seed),
            latency: self.latency,
            answered: Mutex::default(),
        })
    }

    /// Serves on the current Tokio runtime until [`Running`] is dropped.
    pub async fn start(self) -> io::Result<Running> {
        let listen = self.listen;
        let shared = Arc::new(self.shared()?);
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let accept = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Running { address, shared, stop: Stop::Task(accept.abort_handle()) })
    }

    /// Serves on a thread of its own until [`Running`] is dropped: for tests without a runtime,
    /// and for measuring on one core.
    pub fn start_on_thread(self) -> io::Result<Running> {
        let listen = self.listen;
        let shared = Arc::new(self.shared()?);
        let served = Arc::clone(&shared);
        let listener = std::net::TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("simulated-aws".to_owned());
        thread.spawn(move || {
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener)?;
                tokio::select! {
                    () = accept(listener, served) => {}
                    _ = stopped => {}
                }
                io::Result::Ok(())
            })
        })?;
        Ok(Running { address, shared, stop: Stop::Thread(Some(stop)) })
    }
}

#[derive(Debug)]
enum Stop {
    Task(AbortHandle),
    Thread(Option<oneshot::Sender<()>>),
}

/// A simulated AWS that answers; dropping it stops it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Stop,
}

impl Running {
    /// For `AWS_ENDPOINT_URL` and `--endpoint-url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn stats(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Forgets what was asked; buckets are full again.
    pub fn reset(&self) {
        self.shared.books.reset();
    }

    /// Every request so far, if [`Builder::log`] was asked for.
    pub fn log(&self) -> Vec<Logged> {
        self.shared.books.logged()
    }

    /// The id of each account, the recorded ones first.
    pub fn account(&self, number: u32) -> &str {
        self.shared.organization.id(number)
    }

    pub fn stop(self) {}
}

impl Drop for Running {
    fn drop(&mut self) {
        match &mut self.stop {
            Stop::Task(accept) => accept.abort(),
            Stop::Thread(stop) => drop(stop.take()),
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this future, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                } else {
                    // Out of file descriptors, most likely.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Without it, an answer in two segments waits for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let service = service_fn({
        let reset = Arc::clone(&reset);
        move |request| {
            let (shared, reset) = (Arc::clone(&shared), Arc::clone(&reset));
            // Pinned: the connection is polled by hand below.
            Box::pin(async move { shared.respond(request, &reset).await })
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    if reset.load(Ordering::Relaxed) {
        let stream = connection.into_parts().io.into_inner();
        // Closing then sends RST in place of FIN.
        let _ = stream.set_zero_linger();
    }
}

#[derive(Debug)]
struct Shared {
    index: Index,
    organization: Organization,
    books: Arc<Books>,
    faults: Faults,
    latency: Latency,
    /// How often an account has asked what has more than one answer: by account, entry, region.
    answered: Mutex<HashMap<(u32, usize, String), usize>>,
}

/// An answer, whole as far as AWS is concerned.
#[derive(Debug)]
struct Whole {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Whole {
    fn response(self, ending: Ending) -> io::Result<Response<Reply>> {
        let body = match ending {
            Ending::Complete => Reply::Complete(Some(self.body)),
            Ending::Truncated | Ending::Stalls => {
                let length = self.body.len();
                let part = Some(self.body.slice(..length / 2));
                let length = length as u64;
                let pause = Box::pin(match ending {
                    // Time to get the first part onto the wire.
                    Ending::Truncated => tokio::time::sleep(Duration::from_millis(2)),
                    _ => tokio::time::sleep(FOREVER),
                });
                Reply::Broken { part, length, pause }
            }
        };
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(body).map_err(io::Error::other)
    }
}

/// Longer than any client waits.
const FOREVER: Duration = Duration::from_hours(24);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Complete,
    Truncated,
    Stalls,
}

#[derive(Debug)]
enum Reply {
    Complete(Option<Bytes>),
    /// Announces `length`, sends `part`, and after a pause breaks the connection.
    Broken {
        part: Option<Bytes>,
        length: u64,
        pause: Pin<Box<tokio::time::Sleep>>,
    },
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Complete(body) => {
                Poll::Ready(body.take().filter(|b| !b.is_empty()).map(|b| Ok(Frame::data(b))))
            }
            Self::Broken { part, pause, .. } => match part.take().filter(|part| !part.is_empty()) {
                Some(part) => Poll::Ready(Some(Ok(Frame::data(part)))),
                None => pause.as_mut().poll(context).map(|()| {
                    let what = "the answer is truncated on demand";
                    Some(Err(io::Error::new(io::ErrorKind::ConnectionAborted, what)))
                }),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Complete(None))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Complete(body) => body.as_ref().map_or(0, |body| body.len() as u64),
            Self::Broken { length, .. } => *length,
        })
    }
}

impl Shared {
    fn snapshot(&self) -> Snapshot {
        self.books.snapshot(|account| self.organization.id(account).to_owned())
    }

    /// An error ends the connection without an answer.
    async fn respond(
        &self,
        request: Request<Incoming>,
        reset: &AtomicBool,
    ) -> io::Result<Response<Reply>> {
        let _in_flight = self.books.enter();
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        let services = &self.index.services;
        let Ok(mut asked) = request::read(&head.method, &head.uri, &head.headers, body, services)
        else {
            return self.unsigned(&head.method, head.uri.path()).response(Ending::Complete);
        };
        self.index.name(&mut asked);
        let (fault, mut answer) = match self.organization.caller(&asked) {
            Err(says) => (None, refusal(says, &asked, None)),
            Ok(caller) => self.decide(&asked, &caller),
        };
        let latency = self.latency.draw();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let ending = match fault {
            Some(Fault::Stall) => {
                tokio::time::sleep(FOREVER).await;
                Ending::Complete
            }
            Some(Fault::Reset) => {
                reset.store(true, Ordering::Relaxed);
                return Err(io::Error::new(io::ErrorKind::ConnectionReset, "reset on demand"));
            }
            Some(Fault::Truncated) => Ending::Truncated,
            Some(Fault::StallMidway) => Ending::Stalls,
            Some(Fault::Malformed) => {
                let half = &answer.body[..answer.body.len() / 2];
                answer.body = [half, b"<&"].concat().into();
                Ending::Complete
            }
            _ => Ending::Complete,
        };
        answer.response(ending)
    }

    fn unsigned(&self, method: &Method, path: &str) -> Whole {
        let json = vec![("content-type".to_owned(), "application/json".to_owned())];
        let plain = |status, text: &str| Whole {
            status,
            headers: Vec::new(),
            body: Bytes::copy_from_slice(text.as_bytes()),
        };
        match (method, path) {
            (&Method::GET, "/sim/stats") => match serde_json::to_vec(&self.snapshot()) {
                Ok(body) => Whole { status: 200, headers: json, body: body.into() },
                Err(error) => plain(500, &error.to_string()),
            },
            (&Method::POST, "/sim/reset") => {
                self.books.reset();
                plain(204, "")
            }
            _ => plain(
                403,
                "MissingAuthenticationToken: this is a simulated AWS; sign requests, or ask /sim/stats\n",
            ),
        }
    }

    /// The fault that befalls the answer, and the answer.
    fn decide(&self, asked: &Asked, caller: &Caller) -> (Option<Fault>, Whole) {
        let organization = &self.organization;
        self.books.log(|| Logged {
            account: organization.id(caller.account).to_owned(),
            region: asked.region.clone(),
            service: asked.service.clone(),
            operation: asked.operation.clone(),
            request: asked.request.clone(),
            body: asked.body.clone(),
        });
        let granted = self.books.request(caller.account, asked, Instant::now());
        let error = |says| refusal(says, asked, Some(caller));
        if !granted {
            return (None, error(Says::SlowDown));
        }
        if caller.expired {
            return (None, error(Says::ExpiredToken));
        }
        let action = action(asked);
        let fault = self.faults.befalls(asked, organization.meant(asked, caller), &action);
        let Some(fault) = fault else { return (None, self.answer(asked, caller)) };
        self.books.fault();
        let answer = match fault {
            Fault::InternalError => error(Says::InternalError),
            Fault::Unavailable => error(Says::Unavailable),
            Fault::Throttled => error(Says::SlowDown),
            Fault::ExpiredToken => error(Says::ExpiredToken),
            Fault::Denied => error(Says::Denied),
            Fault::DeniedByScp => error(Says::DeniedByScp),
            Fault::RegionDisabled => error(Says::RegionDisabled),
            Fault::NotSubscribed => error(Says::NotSubscribed),
            Fault::Reset
            | Fault::Truncated
            | Fault::Stall
            | Fault::StallMidway
            | Fault::Malformed => self.answer(asked, caller),
        };
        (Some(fault), answer)
    }

    fn answer(&self, asked: &Asked, caller: &Caller) -> Whole {
        match self.organization.answer(asked, caller) {
            Some(Ok(made)) => {
                let headers = vec![("content-type".to_owned(), made.mime.to_owned())];
                return Whole { status: 200, headers, body: made.body.into() };
            }
            Some(Err(says)) => return refusal(says, asked, Some(caller)),
            None => {}
        }
        let account = self.organization.id(caller.account);
        let target = self.organization.target(caller.account);
        let region = self.organization.source(&asked.region);
        let Some((at, entry)) = self.index.find(asked, account, target, region) else {
            self.books.unknown();
            return refusal(Says::NotRecorded, asked, Some(caller));
        };
        let turn = if entry.answers.len() == 1 {
            0
        } else {
            let mut answered = self.answered.lock().expect("no holder of the turns panics");
            let turn = answered.entry((caller.account, at, asked.region.clone())).or_default();
            *turn += 1;
            (*turn - 1).min(entry.answers.len() - 1)
        };
        match &entry.answers[turn] {
            Prepared::Http { status, headers, body } => Whole {
                status: *status,
                headers: headers.clone(),
                body: body.render(account, &asked.region),
            },
            Prepared::Lost => refusal(Says::Unavailable, asked, Some(caller)),
        }
    }
}

fn refusal(says: Says, asked: &Asked, caller: Option<&Caller>) -> Whole {
    let caller = caller.map_or("", |caller| caller.arn.as_str());
    let answer = errors::answer(says, asked, caller, &action(asked));
    let headers = answer.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
    Whole { status: answer.status, headers: headers.collect(), body: answer.body.into() }
}

/// The IAM action that allows a request.
fn action(asked: &Asked) -> String {
    let known = calls::find(&asked.service, &asked.operation).map(|call| call.action);
    match known {
        Some(action) if !action.is_empty() => action.to_owned(),
        _ => {
            let prefix = match asked.protocol {
                Protocol::S3 | Protocol::S3Control => "s3".to_owned(),
                _ => request::signed_as(&asked.service),
            };
            format!("{prefix}:{}", asked.operation)
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use http_body_util::Full;
    use hyper::client::conn;

    use super::*;
    use crate::testing::{self, ACCOUNT};

    /// A client's request; `key` and `token` are its credentials.
    struct Client<'a> {
        running: &'a Running,
        key: &'a str,
        token: &'a str,
    }

    impl Client<'_> {
        async fn send(
            &self,
            region: &str,
            service: &str,
            line: &str,
            body: &str,
        ) -> Result<(u16, String), String> {
            let stream = TcpStream::connect(self.running.address).await.unwrap();
            let (mut sender, connection) =
                conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            let (method, path) = line.split_once(' ').unwrap();
            let scope = format!("{}/20261122/{region}/{service}/aws4_request", self.key);
            let mut request =
                Request::builder().method(method).uri(path).header("host", "localhost").header(
                    "authorization",
                    format!("AWS4-HMAC-SHA256 Credential={scope}, Signature=0"),
                );
            if !self.token.is_empty() {
                request = request.header("x-amz-security-token", self.token);
            }
            let request = request.body(Full::<Bytes>::from(body.to_owned())).unwrap();
            let response = sender.send_request(request).await.map_err(|e| format!("{e:?}"))?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.map_err(|e| format!("{e:?}"))?;
            Ok((status, String::from_utf8(body.to_bytes().to_vec()).unwrap()))
        }

        async fn vpcs(&self, region: &str) -> Result<(u16, String), String> {
            let body = "Action=DescribeVpcs&Version=2016-11-15&MaxResults=1000";
            self.send(region, "ec2", "POST /", body).await
        }
    }

    fn client(running: &Running) -> Client<'_> {
        Client { running, key: "AKIAX", token: "" }
    }

    async fn running(change: impl FnOnce(Builder) -> Builder) -> Running {
        change(Sim::builder(testing::recorded())).start().await.unwrap()
    }

    #[tokio::test]
    async fn every_account_and_region_has_a_copy_of_the_recording() {
        let regions = ["eu-west-1", "us-east-1", "ap-south-1"];
        let running = running(|sim| sim.accounts(2).regions(regions)).await;
        let (status, body) = client(&running).vpcs("us-east-1").await.unwrap();
        assert!(status == 200 && body.contains("<vpcId>vpc-2</vpcId>"), "{body}");
        assert!(body.contains(&format!("<ownerId>{ACCOUNT}</ownerId>")), "{body}");
        let assume = format!(
            "Action=AssumeRole&RoleArn=arn:aws:iam::{}:role/audit&RoleSessionName=s",
            running.account(1)
        );
        let (_, answer) =
            client(&running).send("eu-west-1", "sts", "POST /", &assume).await.unwrap();
        let inner = |name: &str| {
            let rest = answer.split_once(&format!("<{name}>")).unwrap().1;
            rest.split_once('<').unwrap().0.to_owned()
        };
        let (key, token) = (inner("AccessKeyId"), inner("SessionToken"));
        let assumed = Client { running: &running, key: &key, token: &token };
        let (_, body) = assumed.vpcs("ap-south-1").await.unwrap();
        assert!(body.contains("<ownerId>300000000000</ownerId>"), "{body}");
        assert!(body.contains("<value>ap-south-1</value>"), "{body}");
        let who = "Action=GetCallerIdentity&Version=2011-06-15";
        let (_, body) = assumed.send("eu-west-1", "sts", "POST /", who).await.unwrap();
        assert!(body.contains("arn:aws:sts::300000000000:assumed-role/audit/s"), "{body}");
        let asked = running.stats();
        assert_eq!((asked.requests, asked.unknown), (4, 0));
        assert_eq!(asked.accounts["300000000000"], 2);
    }

    #[tokio::test]
    async fn other_clients_find_the_same_answers() {
        let running = running(|sim| sim).await;
        let client = client(&running);
        let python = "Action=DescribeVpcs&Version=2016-11-15";
        let (_, body) = client.send("eu-west-1", "ec2", "POST /", python).await.unwrap();
        assert!(body.contains("vpc-1"), "{body}");
        // A bucket's region is its own, however it is asked.
        for line in ["GET /logs?versioning", "GET /logs/?versioning&x-id=GetBucketVersioning"] {
            let (status, body) = client.send("us-east-1", "s3", line, "").await.unwrap();
            assert!(status == 200 && body.contains("Enabled"), "{status} {body}");
        }
        let (status, body) = client.send("us-east-1", "s3", "GET /logs?policy", "").await.unwrap();
        assert!(status == 404 && body.contains("NoSuchBucketPolicy"), "{status} {body}");
        let (_, body) = client.send("us-east-1", "s3", "GET /", "").await.unwrap();
        assert!(body.contains("<BucketRegion>eu-west-1</BucketRegion>"), "{body}");
        let line = "POST /getContactInformation";
        let (_, body) = client.send("us-east-1", "account", line, "{}").await.unwrap();
        assert!(body.contains("Ann"), "{body}");
        assert_eq!(running.stats().operations["Account GetContactInformation"], 1);
        let unknown = "Action=DescribeNothing";
        let (status, body) = client.send("eu-west-1", "ec2", "POST /", unknown).await.unwrap();
        assert!(status == 400 && body.contains("InvalidAction"), "{status} {body}");
    }

    #[tokio::test]
    async fn answers_of_one_question_come_in_order_and_the_last_one_stays() {
        let running = running(|sim| sim.accounts(2)).await;
        let state = async |key: &str| {
            let client = Client { running: &running, key, token: "" };
            let body = "Action=GenerateCredentialReport&Version=2010-05-08";
            let (_, body) = client.send("us-east-1", "iam", "POST /", body).await.unwrap();
            body.contains("COMPLETE")
        };
        assert!(!state("AKIAX").await && state("AKIAX").await && state("AKIAX").await);
        assert!(!state("AKIA300000000000SIMU").await, "another account starts anew");
    }

    #[tokio::test]
    async fn the_hundred_and_first_request_at_once_is_told_to_slow_down() {
        let running = running(|sim| sim).await;
        let client = client(&running);
        let mut throttled = 0;
        for _ in 0..130 {
            let (status, body) = client.vpcs("eu-west-1").await.unwrap();
            if status == 503 {
                assert!(body.contains("<Code>RequestLimitExceeded</Code>"), "{body}");
                throttled += 1;
            }
        }
        // A few tokens come back meanwhile.
        assert!((1..=30).contains(&throttled), "{throttled}");
        assert_eq!(running.stats().throttled, throttled);
        running.reset();
        assert_eq!(client.vpcs("eu-west-1").await.unwrap().0, 200);
    }

    #[tokio::test]
    async fn each_fault_shows_on_the_wire_and_then_passes() {
        let on_wire = async |fault| {
            let rule = Rule::new(fault).operation("DescribeVpcs").attempts(1);
            let running = running(|sim| sim.fault(rule)).await;
            let client = client(&running);
            let first =
                tokio::time::timeout(Duration::from_millis(300), client.vpcs("eu-west-1")).await;
            let (status, body) = client.vpcs("eu-west-1").await.unwrap();
            assert!(status == 200 && body.ends_with("</DescribeVpcsResponse>"), "{status} {body}");
            assert_eq!(running.stats().faults, 1);
            match first {
                Err(_) => "stalled".to_owned(),
                Ok(Err(error)) => error,
                Ok(Ok((status, body))) => format!("{status} {body}"),
            }
        };
        let shows = async |fault, expected: &str| {
            let shown = on_wire(fault).await;
            assert!(shown.contains(expected), "{fault:?} shows as {shown}");
        };
        shows(Fault::InternalError, "500 <?xml").await;
        shows(Fault::Unavailable, "<Code>Unavailable</Code>").await;
        shows(Fault::Throttled, "<Code>RequestLimitExceeded</Code>").await;
        shows(Fault::Reset, "reset").await;
        shows(Fault::Truncated, "IncompleteBody").await;
        shows(Fault::Stall, "stalled").await;
        shows(Fault::StallMidway, "stalled").await;
        shows(Fault::ExpiredToken, "<Code>RequestExpired</Code>").await;
        shows(Fault::Denied, "no identity-based policy allows the ec2:DescribeVpcs").await;
        shows(Fault::DeniedByScp, "an explicit deny in a service control policy").await;
        shows(Fault::RegionDisabled, "<Code>AuthFailure</Code>").await;
        shows(Fault::NotSubscribed, "<Code>OptInRequired</Code>").await;
        let malformed = on_wire(Fault::Malformed).await;
        assert!(malformed.starts_with("200 ") && malformed.ends_with("<&"), "{malformed}");
    }

    #[tokio::test]
    async fn answers_take_the_latency_and_many_are_answered_at_once() {
        let latency = Latency::Fixed(Duration::from_millis(100));
        let running = running(|sim| sim.latency(latency)).await;
        let started = Instant::now();
        let client = client(&running);
        let (a, b, c) = tokio::join!(
            client.vpcs("eu-west-1"),
            client.vpcs("eu-west-1"),
            client.vpcs("us-east-1")
        );
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        let took = started.elapsed();
        assert!(
            took >= Duration::from_millis(100) && took < Duration::from_millis(290),
            "{took:?}"
        );
        assert_eq!(running.stats().max_concurrency, 3);
    }

    #[tokio::test]
    async fn who_is_not_signed_may_read_the_statistics() {
        let running = running(Builder::log).await;
        client(&running).vpcs("eu-west-1").await.unwrap();
        let stream = TcpStream::connect(running.address).await.unwrap();
        let (mut sender, connection) = conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut get = async |path: &str| {
            let request = Request::get(path).header("host", "x").body(Full::<Bytes>::default());
            let answer = sender.send_request(request.unwrap()).await.unwrap();
            let status = answer.status().as_u16();
            (status, answer.into_body().collect().await.unwrap().to_bytes())
        };
        let (status, body) = get("/sim/stats").await;
        let shown: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, shown["operations"]["EC2 DescribeVpcs"].as_u64()), (200, Some(1)));
        assert_eq!(get("/logs").await.0, 403);
        assert_eq!(running.log()[0].operation, "DescribeVpcs");
    }

    #[test]
    fn a_simulation_on_a_thread_of_its_own_ends_with_its_handle() {
        let ask = |address| {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { TcpStream::connect(address).await.is_ok() })
        };
        let running = Sim::builder(testing::recorded()).start_on_thread().unwrap();
        let address = running.address;
        assert!(ask(address));
        running.stop();
        let closed = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            !ask(address)
        });
        assert!(closed, "the port still answers");
    }

    #[tokio::test]
    async fn what_cannot_be_simulated_is_refused_at_the_start() {
        let mut nobody = testing::recorded();
        nobody.header.targets.clear();
        assert!(Sim::builder(nobody).start().await.is_err());
        assert!(Sim::builder(testing::recorded()).foreign_load(1.0).start().await.is_err());
    }
}
