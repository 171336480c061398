//! Clients that keep their connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// When requests are due.
#[derive(Clone)]
pub(crate) enum Schedule {
    /// Each connection asks again once it is answered.
    Closed(Duration),
    /// By the clock, whether earlier ones are answered or not: so many a second for so long, one stage after the other.
    Open(Vec<(u32, Duration)>),
}

impl Schedule {
    /// When the request of this number is due; none once all is over.
    fn due(&self, number: u64, now: Duration) -> Option<Duration> {
        let stages = match self {
            Self::Closed(length) => return Some(now).filter(|now| now < length),
            Self::Open(stages) => stages,
        };
        let (mut begun, mut left) = (Duration::ZERO, number);
        for (rate, length) in stages {
            let rate = u64::from(*rate);
            let many = rate * length.as_secs();
            if left < many {
                // The clock of tasks ticks in milliseconds, so requests are due on those.
                return Some(begun + Duration::from_millis(left * 1000 / rate));
            }
            (begun, left) = (begun + *length, left - many);
        }
        None
    }
}

/// What is asked.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// Decisions, so many in one body.
    Decisions(usize),
    /// Of twenty requests one hands in a violation, one reads the last fifty, and eighteen ask for a decision, each under a
    /// name of its own.
    Mixed,
}

/// What to ask of whom.
#[derive(Clone)]
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) key: &'a str,
    pub(crate) schedule: Schedule,
    pub(crate) work: Work,
    pub(crate) connections: usize,
    /// How late a request may be sent; after that its client has lost patience and doesn't ask any more.
    pub(crate) patience: Duration,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Answered, with nothing left out.
    Served,
    /// The server said that it is overloaded.
    TurnedAway,
    /// Answered without counters.
    Degraded,
    /// Any other answer.
    Failed,
    /// Not sent in time.
    GivenUp,
}

/// What became of one request.
#[derive(Clone, Copy)]
pub(crate) struct Done {
    /// Since the beginning.
    pub(crate) due: Duration,
    /// From the instant at which it was due.
    pub(crate) latency: Duration,
    pub(crate) end: End,
}

/// What came of it.
pub(crate) struct Measured {
    /// By when they were due.
    pub(crate) all: Vec<Done>,
    took: Duration,
}

impl Measured {
    /// How many requests ended like this.
    pub(crate) fn count(&self, end: End) -> usize {
        self.all.iter().filter(|done| done.end == end).count()
    }

    /// Requests served a second.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub(crate) fn rate(&self) -> f64 {
        self.count(End::Served) as f64 / self.took.as_secs_f64()
    }
}

/// In milliseconds, of so many thousandths of the requests that were served.
pub(crate) fn latency(done: &[Done], thousandths: usize) -> f64 {
    let mut all: Vec<_> = done.iter().filter(|it| it.end == End::Served).map(|it| it.latency).collect();
    all.sort_unstable();
    let place = (all.len() * thousandths / 1000).min(all.len().saturating_sub(1));
    all.get(place).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
}

impl Load<'_> {
    pub(crate) fn run(&self) -> Measured {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.asked())
    }

    async fn asked(&self) -> Measured {
        let mut streams = vec![];
        for _ in 0..self.connections {
            let stream = TcpStream::connect(self.address).await.expect("the server listens");
            stream.set_nodelay(true).expect("TCP");
            streams.push(stream);
        }
        let (next, begun) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let clients: Vec<_> = (0..)
            .zip(streams)
            .map(|(client, stream)| {
                let (load, next) = (self.owned(), Arc::clone(&next));
                tokio::spawn(one(load, client, stream, next, begun))
            })
            .collect();
        let mut all = vec![];
        for client in clients {
            all.extend(client.await.expect("a client"));
        }
        let took = begun.elapsed();
        all.sort_unstable_by_key(|done| done.due);
        Measured { all, took }
    }

    fn owned(&self) -> Load<'static> {
        // A few dozen bytes for each run of a program that ends soon.
        Load { key: self.key.to_owned().leak(), ..self.clone() }
    }
}

/// What one connection does.
async fn one(
    load: Load<'static>,
    client: u64,
    mut stream: TcpStream,
    next: Arc<AtomicU64>,
    begun: Instant,
) -> Vec<Done> {
    let (mut all, mut buffer) = (vec![], vec![0; 1 << 14]);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(due) = load.schedule.due(number, begun.elapsed()) else { return all };
        sleep_until(begun + due).await;
        let late = begun.elapsed().saturating_sub(due);
        if late > load.patience {
            all.push(Done { due, latency: late, end: End::GivenUp });
            continue;
        }
        let request = load.request(number.wrapping_add(client << 32));
        let end = exchange(&mut stream, &request, &mut buffer).await;
        all.push(Done { due, latency: begun.elapsed().saturating_sub(due), end });
    }
}

impl Load<'_> {
    fn request(&self, number: u64) -> String {
        let send = |path: &str, body: &str| {
            format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: \
                 application/json\r\nContent-Length: {}\r\n\r\n{body}",
                self.key,
                body.len()
            )
        };
        match self.work {
            Work::Decisions(1) => send("/api/v1/decisions", &ask(number, "")),
            Work::Decisions(many) => {
                let one = |i| ask(number.wrapping_mul(31).wrapping_add(i), "");
                let all: Vec<_> = (0..many as u64).map(one).collect();
                send("/api/v1/decisions", &format!("[{}]", all.join(",")))
            }
            Work::Mixed if number.is_multiple_of(20) => format!(
                "GET /api/v1/policies/violations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
                self.key
            ),
            Work::Mixed if number % 20 == 1 => send(
                "/api/v1/violations",
                r#"{"violation_type":"cost","source":"guard","severity":0.75,"path":"acme/p/a"}"#,
            ),
            Work::Mixed => send("/api/v1/decisions", &ask(number, &format!(",\"request_id\":\"{number}\""))),
        }
    }
}

/// A request of one of 1,024 agents in ten projects.
fn ask(number: u64, more: &str) -> String {
    let agent = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
    format!(
        "{{\"path\":\"acme/p{}/a{agent}\",\"facts\":{{}},\"usage\":{{\"tokens\":{},\"cost\":{{\"USD\":\"0.01\"}}}}{more}}}",
        agent % 10,
        100 + number % 900
    )
}

/// Sends a request and reads the whole answer.
async fn exchange(stream: &mut TcpStream, request: &str, buffer: &mut Vec<u8>) -> End {
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            buffer.resize(filled * 2, 0);
        }
        let read = stream.read(&mut buffer[filled..]).await.expect("the server answers");
        assert!(read > 0, "the server hung up");
        filled += read;
        let Some(head) = buffer[..filled].windows(4).position(|it| it == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|text| text.parse().ok()).expect("says its length");
        if filled >= head + 4 + length {
            let holds = |text: &[u8]| buffer[head..filled].windows(text.len()).any(|it| it == text);
            return match text.split(' ').nth(1) {
                Some("200" | "201") if holds(b"\"degraded\":true") => End::Degraded,
                Some("200" | "201") => End::Served,
                Some("503") if holds(b"\"overloaded\"") => End::TurnedAway,
                _ => End::Failed,
            };
        }
    }
}
