//! Measures how many requests a second the simulation answers on one core.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

/// What a load made of the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    pub requests: u64,
    pub wall: Duration,
}

/// What every request of a load asks, signed by nobody: the simulation checks no signature.
#[derive(Debug, Clone)]
pub struct Question {
    pub region: String,
    /// As it is in a signature, `ec2`.
    pub service: String,
    pub body: String,
}

impl Question {
    fn request(&self) -> io::Result<Request<Full<Bytes>>> {
        let scope = format!("AKIALOAD/20261122/{}/{}/aws4_request", self.region, self.service);
        Request::post("/")
            .header("host", "simulated")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
            )
            .body(Full::from(self.body.clone()))
            .map_err(io::Error::other)
    }
}

/// Asks the same question over and over, on `connections` connections, for `lasts`.
pub async fn load(
    server: SocketAddr,
    question: &Question,
    connections: usize,
    lasts: Duration,
) -> io::Result<Load> {
    let started = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..connections {
        let question = question.clone();
        running.spawn(async move {
            let stream = TcpStream::connect(server).await?;
            stream.set_nodelay(true)?;
            let (mut sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
            tokio::spawn(connection);
            let mut requests = 0;
            while started.elapsed() < lasts {
                let answer =
                    sender.send_request(question.request()?).await.map_err(io::Error::other)?;
                let status = answer.status();
                answer.into_body().collect().await.map_err(io::Error::other)?;
                if !status.is_success() {
                    return Err(io::Error::other(format!("the simulation answered {status}")));
                }
                requests += 1;
            }
            io::Result::Ok(requests)
        });
    }
    let mut requests = 0;
    while let Some(done) = running.join_next().await {
        requests += done.map_err(io::Error::other)??;
    }
    Ok(Load { requests, wall: started.elapsed() })
}
