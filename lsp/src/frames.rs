//! The frames that messages come in. One bad message must not end a conversation.

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
    DuplexStream,
};

/// Longer messages are taken for a broken header: source files end at 64 MiB.
const MAX_LENGTH: usize = 256 << 20;

/// Longer lines of a header too.
const MAX_HEADER: u64 = 4 << 10;

/// Copies frames from `input` to `output`, leaving out those whose body isn't `sound`. Ends with the input, or
/// where it can't be told any more where the next frame begins.
pub(crate) async fn forward_sound(
    input: impl AsyncRead + Unpin,
    mut output: DuplexStream,
    sound: fn(&[u8]) -> bool,
) {
    let mut input = BufReader::new(input);
    let mut body = vec![];
    while let Some(length) = read_length(&mut input).await {
        body.resize(length, 0);
        if input.read_exact(&mut body).await.is_err() {
            return;
        }
        if !sound(&body) {
            tracing::warn!(length, "left out a message that is no JSON-RPC");
            continue;
        }
        let header = format!("Content-Length: {length}\r\n\r\n");
        let written = async {
            output.write_all(header.as_bytes()).await?;
            output.write_all(&body).await
        };
        if written.await.is_err() {
            return;
        }
    }
}

/// Reads a header, for the length of the body. `None` at the end of the input, and where there is no telling.
async fn read_length(input: &mut (impl AsyncBufRead + Unpin)) -> Option<usize> {
    let mut length = None;
    loop {
        let mut line = vec![];
        let read = input.take(MAX_HEADER).read_until(b'\n', &mut line).await.ok()?;
        if read == 0 {
            return None;
        }
        let line = std::str::from_utf8(&line).ok()?.trim_end();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        }
    }
    if length.is_none_or(|length| length > MAX_LENGTH) {
        tracing::error!("a message without a usable length: there is no telling where the next one begins");
        return None;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(input: &'static [u8]) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut reader, writer) = tokio::io::duplex(1 << 16);
            forward_sound(input, writer, |body| body.starts_with(b"{")).await;
            let mut out = String::new();
            reader.read_to_string(&mut out).await.unwrap();
            out
        })
    }

    #[test]
    fn good_frames_pass_and_bad_ones_do_not() {
        let input = b"Content-Length: 2\r\n\r\n{}Content-Type: x\r\ncontent-length:3\r\n\r\nbadContent-Length: 4\r\n\r\n{  }";
        assert_eq!(forwarded(input), "Content-Length: 2\r\n\r\n{}Content-Length: 4\r\n\r\n{  }");
    }

    #[test]
    fn it_ends_where_frames_do() {
        for broken in [
            &b"Content-Length: x\r\n\r\n{}"[..],
            b"\r\n\r\n",
            b"Content-Length: 99999999999\r\n\r\n{}",
            b"Content-Length: 9\r\n\r\n{}",
            b"\xff\xfe\r\n\r\n",
            b"Content-Length: 2",
        ] {
            assert_eq!(forwarded(broken), "");
        }
    }
}
