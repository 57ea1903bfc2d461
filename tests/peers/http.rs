//! A server of HTTP/1.1 written by hand, so that it can break the rules: what it says depends on the path.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::packed;

/// A request as it came.
struct Asked {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    trailers: Vec<(String, String)>,
}

/// Answers one request after another until the other side, or an answer, ends the connection.
pub fn serve(stream: impl Read + Write) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream)? {
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let answer = match path.trim_start_matches('/').split('/').collect::<Vec<_>>()[..] {
            ["echo"] => ok("", told(&asked).as_bytes()),
            ["hello"] => ok("", b"hello"),
            ["headers"] => ok("x-one: 1\r\nx-one: 2\r\nx-odd: gr\u{fc}n\r\n", b""),
            ["status", status] => head(&format!("HTTP/1.1 {status} So\r\n"), "content-length: 0\r\n"),
            ["to", status] => {
                let to = format!("location: {query}\r\ncontent-length: 0\r\nset-cookie: a=b\r\n");
                head(&format!("HTTP/1.1 {status} There\r\n"), &to)
            }
            ["around", left] => {
                let left: u32 = left.parse().unwrap_or(0);
                let to = left.checked_sub(1).map_or("/hello".to_owned(), |left| format!("/around/{left}"));
                head("HTTP/1.1 302 Found\r\n", &format!("location: {to}\r\ncontent-length: 0\r\n"))
            }
            ["nowhere"] => head("HTTP/1.1 302 Found\r\n", "location: http://\r\ncontent-length: 0\r\n"),
            ["packed", coding] => ok(&format!("content-encoding: {coding}\r\n"), &packed::hello(coding)),
            ["bomb", coding] => ok(&format!("content-encoding: {coding}\r\n"), &packed::bomb(coding)),
            ["broken", coding] => ok(&format!("content-encoding: {coding}\r\n"), b"\x1f\x8b\x08not at all"),
            ["big", length] => ok("", &vec![b'x'; length.parse().unwrap_or(0)]),
            ["trailers"] => chunks("trailer: x-sum\r\n", &["one ", "two"], "x-sum: 7\r\n"),
            ["pieces"] => {
                stream.get_mut().write_all(&chunks("", &["one"], "")[..CHUNKED_HEAD + 8])?;
                stream.get_mut().flush()?;
                thread::sleep(Duration::from_millis(300));
                b"3\r\ntwo\r\n0\r\n\r\n".to_vec()
            }
            ["mute"] => return forever(stream),
            ["stall"] => {
                stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst")?;
                stream.get_mut().flush()?;
                return forever(stream);
            }
            ["short"] => return end(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst"),
            ["garbage"] => return end(stream, b"what is this\r\n\r\n"),
            ["chunks-that-lie"] => {
                return end(
                    stream,
                    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
                );
            }
            ["many-headers"] => {
                return end(stream, format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(300)).as_bytes());
            }
            ["end"] => return Ok(()),
            _ => head("HTTP/1.1 404 Not Found\r\n", "content-length: 0\r\n"),
        };
        let body_alone = if asked.method == "HEAD" { head_of(&answer) } else { &answer };
        stream.get_mut().write_all(body_alone)?;
        stream.get_mut().flush()?;
    }
    Ok(())
}

/// The length of the head that `chunks` writes without further headers.
const CHUNKED_HEAD: usize = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".len();

fn head_of(answer: &[u8]) -> &[u8] {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    end.map_or(answer, |end| &answer[..end + 4])
}

fn head(first: &str, headers: &str) -> Vec<u8> {
    // Headers are bytes: an odd letter is one of them, not two.
    format!("{first}{headers}\r\n").chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect()
}

fn ok(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = head("HTTP/1.1 200 OK\r\n", &format!("{headers}content-length: {}\r\n", body.len()));
    answer.extend_from_slice(body);
    answer
}

fn chunks(headers: &str, pieces: &[&str], trailers: &str) -> Vec<u8> {
    let mut answer = head("HTTP/1.1 200 OK\r\n", &format!("{headers}transfer-encoding: chunked\r\n"));
    for piece in pieces {
        answer.extend(format!("{:x}\r\n{piece}\r\n", piece.len()).bytes());
    }
    answer.extend(format!("0\r\n{trailers}\r\n").bytes());
    answer
}

fn end(mut stream: BufReader<impl Read + Write>, answer: &[u8]) -> io::Result<()> {
    stream.get_mut().write_all(answer)?;
    stream.get_mut().flush()
}

/// Says nothing more, until the other side has had enough.
fn forever(mut stream: BufReader<impl Read + Write>) -> io::Result<()> {
    io::copy(&mut stream, &mut io::sink()).map(drop)
}

fn told(asked: &Asked) -> String {
    let (method, path, headers) = (&asked.method, &asked.path, &asked.headers);
    let (body, trailers) = (String::from_utf8_lossy(&asked.body), &asked.trailers);
    json!({ "method": method, "path": path, "headers": headers, "body": body, "trailers": trailers })
        .to_string()
}

fn read(stream: &mut impl BufRead) -> io::Result<Option<Asked>> {
    let first = line(stream)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let headers = fields(stream)?;
    let named =
        |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let (mut body, mut trailers) = (Vec::new(), Vec::new());
    if named("transfer-encoding") == Some("chunked") {
        loop {
            let length = usize::from_str_radix(line(stream)?.trim(), 16).unwrap_or(0);
            if length == 0 {
                trailers = fields(stream)?;
                break;
            }
            let at = body.len();
            body.resize(at + length, 0);
            stream.read_exact(&mut body[at..])?;
            line(stream)?;
        }
    } else {
        body.resize(named("content-length").and_then(|length| length.parse().ok()).unwrap_or(0), 0);
        stream.read_exact(&mut body)?;
    }
    Ok(Some(Asked { method, path, headers, body, trailers }))
}

fn fields(stream: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut fields = Vec::new();
    loop {
        let line = line(stream)?;
        let Some((name, value)) = line.split_once(':') else { return Ok(fields) };
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}
