//! Clients that keep their connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// Connections where each asks again once it is answered, and where requests are due by the clock.
const CLOSED: u64 = 64;
const OPEN: u64 = 192;

/// What to ask of whom.
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) key: &'a str,
    /// Requests a second; as many as are answered, if none.
    pub(crate) rate: Option<u32>,
    pub(crate) length: Duration,
    pub(crate) batch: usize,
}

/// What came of it.
pub(crate) struct Measured {
    /// In microseconds, ascending.
    latencies: Vec<u64>,
    pub(crate) failed: u64,
    took: Duration,
    batch: usize,
}

impl Measured {
    /// Decisions a second.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub(crate) fn rate(&self) -> f64 {
        (self.latencies.len() * self.batch) as f64 / self.took.as_secs_f64()
    }

    /// In milliseconds, of so many thousandths.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub(crate) fn latency(&self, thousandths: usize) -> f64 {
        let place = (self.latencies.len() * thousandths / 1000).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(place).map_or(f64::NAN, |latency| *latency as f64 / 1000.0)
    }
}

impl Load<'_> {
    /// On a thread of its own, so that clients are no tasks of the server's.
    pub(crate) fn run(&self) -> Measured {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.asked())
    }

    async fn asked(&self) -> Measured {
        let (next, begun) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let clients: Vec<_> = (0..if self.rate.is_some() { OPEN } else { CLOSED })
            .map(|client| {
                let (next, rate, end) = (Arc::clone(&next), self.rate, begun + self.length);
                let (address, key, batch) = (self.address, self.key.to_owned(), self.batch);
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(address).await.expect("the server listens");
                    stream.set_nodelay(true).expect("TCP");
                    let (mut latencies, mut failed, mut buffer) = (vec![], 0, vec![0; 1 << 18]);
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let due = match rate {
                            None => Instant::now(),
                            // The clock of tasks ticks in milliseconds, so requests are due on those.
                            Some(rate) => begun + Duration::from_millis(number * 1000 / u64::from(rate)),
                        };
                        if due >= end {
                            break;
                        }
                        sleep_until(due).await;
                        let request = request(&key, number.wrapping_add(client << 32), batch);
                        if exchange(&mut stream, &request, &mut buffer).await {
                            let took = due.elapsed().as_micros();
                            latencies.push(u64::try_from(took).expect("less than a lifetime"));
                        } else {
                            failed += 1;
                        }
                    }
                    (latencies, failed)
                })
            })
            .collect();
        let (mut latencies, mut failed) = (vec![], 0);
        for client in clients {
            let (own, bad) = client.await.expect("a client");
            latencies.extend(own);
            failed += bad;
        }
        latencies.sort_unstable();
        Measured { latencies, failed, took: begun.elapsed(), batch: self.batch }
    }
}

fn ask(number: u64) -> String {
    let agent = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
    format!(
        "{{\"path\":\"acme/p{}/a{agent}\",\"facts\":{{}},\"usage\":{{\"tokens\":{},\"cost\":{{\"USD\":\"0.01\"}}}}}}",
        agent % 10,
        100 + number % 900
    )
}

fn request(key: &str, number: u64, batch: usize) -> String {
    let all = (0..batch as u64).map(|i| ask(number.wrapping_mul(31).wrapping_add(i))).collect::<Vec<_>>();
    let body = if batch == 1 { ask(number) } else { format!("[{}]", all.join(",")) };
    format!(
        "POST /api/v1/decisions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: \
         application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Whether a whole answer with status 200 came back that isn't degraded.
async fn exchange(stream: &mut TcpStream, request: &str, buffer: &mut Vec<u8>) -> bool {
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
            let body = &buffer[head + 4..filled];
            let degraded = body.windows(15).any(|it| it == b"\"degraded\":true");
            return text.starts_with("http/1.1 200") && !degraded;
        }
    }
}
