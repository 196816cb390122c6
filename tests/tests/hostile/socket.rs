//! The real program over TLS: what no client library would send.

use super::body::TOO_LONG;
use super::route::{self, Route};
use super::support::phone::By;
use super::support::program::Served;
use super::support::*;
use super::verdict::*;
use super::{MARK, support};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// Until then a connection that should have ended counts as hanging; nothing is measured.
const HANGS: Duration = Duration::from_secs(120);

type Line = StreamOwned<ClientConnection, TcpStream>;

/// The program, and how to reach it below any client library.
struct Target {
    world: World,
    served: Served,
    tls: Arc<ClientConfig>,
}

impl Target {
    async fn start() -> Self {
        let world = World::new();
        let served = Served::start(&world).await;
        let mut roots = RootCertStore::empty();
        let pem = world.folder.path().join("tls.pem");
        roots.add(CertificateDer::from_pem_file(pem).unwrap()).unwrap();
        let tls = Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
        Self { world, served, tls }
    }

    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.served.port)).unwrap();
        stream.set_read_timeout(Some(HANGS)).unwrap();
        stream
    }

    fn line(&self) -> Line {
        let name = ServerName::try_from("localhost").unwrap();
        StreamOwned::new(ClientConnection::new(self.tls.clone(), name).unwrap(), self.tcp())
    }

    /// Sends bytes and reads until the portal ends the connection.
    fn exchange(&self, bytes: &[u8]) -> Vec<u8> {
        let mut line = self.line();
        // It may hang up in the middle, which is an answer.
        let _ = line.write_all(bytes).and_then(|()| line.flush());
        read_all(&mut line)
    }

    /// As useful as before, and nothing in its log that it would have to be ashamed of.
    async fn assert_well(&self) {
        assert!(self.served.is_healthy().await);
        let mut bo = self.served.phone();
        bo.sign_in(BO).await;
        let file = format!("/v1/files/{}", self.world.file);
        assert_eq!(bo.get(By::Session, &file).await.text(), FILE_CONTENT);
        let log = self.served.log();
        for word in ["panicked", "\"ERROR\"", "\"status\":5"] {
            assert!(!log.contains(word), "{:?}", log.lines().find(|line| line.contains(word)));
        }
        assert!(log.contains("\"answered\""), "the log is not the one that was meant");
    }
}

/// All that comes until the connection ends; a connection that hangs is a fault.
fn read_all(from: &mut impl Read) -> Vec<u8> {
    let (mut all, mut some) = (Vec::new(), [0; 4_096]);
    loop {
        match from.read(&mut some) {
            Ok(0) => return all,
            Ok(length) => all.extend_from_slice(&some[..length]),
            Err(fault) if fault.kind() == std::io::ErrorKind::WouldBlock => panic!("the portal keeps the connection"),
            Err(_) => return all,
        }
    }
}

/// Reads what came as an HTTP answer; `None` if nothing came.
fn parse(bytes: &[u8]) -> Option<Answer> {
    if bytes.is_empty() {
        return None;
    }
    let end =
        bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("{}", bytes.escape_ascii()));
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse::<u16>().unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    }
    Some(Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: bytes[end + 4..].to_vec() })
}

/// A refusal of the portal, or of HTTP itself, which has no words: then it never was a request.
#[track_caller]
fn assert_dealt_with(case: &str, bytes: &[u8]) {
    let Some(answer) = parse(bytes) else { return };
    if !answer.body.is_empty() {
        return assert_unharmed(case, &answer);
    }
    let status = answer.status.as_u16();
    assert!([200, 204, 400, 413, 414, 431].contains(&status), "{case}: {}", bytes.escape_ascii());
}

fn request(route: &Route, target: &[u8], headers: &[&[u8]], body: &[u8]) -> Vec<u8> {
    let mut bytes = [route.method.as_bytes(), b" ", target, b" HTTP/1.1\r\nhost: portal.test\r\n"].concat();
    bytes.extend_from_slice(b"connection: close\r\n");
    bytes.extend_from_slice(&headers.iter().flat_map(|header| [header, &b"\r\n"[..]].concat()).collect::<Vec<u8>>());
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    [bytes, body.to_vec()].concat()
}

const JSON: &[u8] = b"content-type: application/json";

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_are_refused_in_every_place_of_every_route() {
    let target = Target::start().await;
    let before = everything(&target.world);
    for route in route::all(&target.served.door).await {
        let path = route.target(&target.world).into_bytes();
        let body = route.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let raw = b"\xFF\xFE\xC0\xAF";
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("path", request(&route, &[&path, &raw[..]].concat(), &[JSON], &body)),
            ("query", request(&route, &[&path, &b"?after="[..], raw].concat(), &[JSON], &body)),
            ("header", request(&route, &path, &[JSON, b"x-odd: \xFF\xFE"], &body)),
            ("cookie", request(&route, &path, &[JSON, b"cookie: __Host-session=\xFF\xFE"], &body)),
            ("content type", request(&route, &path, &[b"content-type: \xFF"], &body)),
            ("signature", request(&route, &path, &[JSON, b"signature: sig=:\xFF:", b"signature-input: \xFF"], &body)),
            ("forwarded for", request(&route, &path, &[JSON, b"x-forwarded-for: \xFF"], &body)),
            ("origin", request(&route, &path, &[JSON, b"origin: \xFF", b"sec-fetch-site: \xFF"], &body)),
            ("host", request(&route, &path, &[JSON, b"host: \xFF"], &body)),
            ("body", request(&route, &path, &[JSON], raw)),
            ("header name", request(&route, &path, &[b"x\xFF: 1"], &body)),
            ("NUL in a header", request(&route, &path, &[b"x-odd: a\0b"], &body)),
            ("NUL in the path", request(&route, &[&path, &b"\0"[..]].concat(), &[JSON], &body)),
        ];
        for (place, bytes) in cases {
            let case = format!("{}, {place}", route.name());
            let answer = target.exchange(&bytes);
            assert!(!answer.is_empty(), "{case}: no answer");
            assert_dealt_with(&case, &answer);
        }
    }
    assert_same("raw bytes", &before, &everything(&target.world));
    target.assert_well().await;
}

/// 10 MB are refused at their announcement, and without one as soon as the limit is passed.
#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_refused_on_every_route() {
    let target = Target::start().await;
    let before = everything(&target.world);
    for route in route::all(&target.served.door).await {
        let path = route.target(&target.world);
        let announced = format!(
            "{} {path} HTTP/1.1\r\nhost: portal.test\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {TOO_LONG}\r\n\r\n{{",
            route.method
        );
        let answer = parse(&target.exchange(announced.as_bytes())).unwrap();
        assert_refused(&route.name(), &answer);
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "TL-4008"), "{}", route.name());
        // Signed by nobody: signatures are over the whole body, so it has to be read first, and only so far.
        let mut line = target.line();
        let head = format!(
            "{} {path} HTTP/1.1\r\nhost: portal.test\r\nconnection: close\r\ncontent-type: application/json\r\n\
             signature: x\r\ntransfer-encoding: chunked\r\n\r\n",
            route.method
        );
        line.write_all(head.as_bytes()).unwrap();
        let piece = [b"8000\r\n".to_vec(), vec![b'x'; 0x8000], b"\r\n".to_vec()].concat();
        let sent = (0..TOO_LONG / 0x8000).take_while(|_| line.write_all(&piece).is_ok()).count();
        let answer = read_all(&mut line);
        assert_dealt_with(&route.name(), &answer);
        assert!(sent < TOO_LONG / 0x8000 || !answer.is_empty(), "{}: all of it was taken", route.name());
    }
    assert_same("ten megabytes", &before, &everything(&target.world));
    target.assert_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_ends_the_connection() {
    let target = Target::start().await;
    let before = everything(&target.world);
    let head = "GET /v1/step HTTP/1.1\r\nhost: portal.test\r\n";
    let post = "POST /v1/sessions HTTP/1.1\r\nhost: portal.test\r\ncontent-type: application/json\r\n";
    let many = (0..5_000).map(|n| format!("x-{n}: {n}\r\n")).collect::<String>();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("bytes", (0..=255).cycle().take(10_000).collect()),
        ("NUL", vec![0; 10_000]),
        ("half a line", b"GET\r\n\r\n".to_vec()),
        ("no version", b"GET /v1/step\r\n\r\n".to_vec()),
        ("another version", b"GET /v1/step HTTP/9.9\r\n\r\n".to_vec()),
        ("another protocol", b"SSH-2.0-OpenSSH_9\r\n\r\n".to_vec()),
        ("a method of symbols", b"G\x01T / HTTP/1.1\r\n\r\n".to_vec()),
        ("a method without end", vec![b'G'; 100_000]),
        ("a path without end", [b"GET /".to_vec(), vec![b'a'; 1_000_000]].concat()),
        ("a header without colon", format!("{head}nonsense\r\n\r\n").into_bytes()),
        ("a space before the colon", format!("{head}cookie : a=b\r\nconnection: close\r\n\r\n").into_bytes()),
        ("a folded header", format!("{head}cookie: a\r\n b\r\nconnection: close\r\n\r\n").into_bytes()),
        ("five thousand headers", format!("{head}{many}\r\n").into_bytes()),
        ("a header of a megabyte", format!("{head}x: {}\r\n\r\n", "a".repeat(1_000_000)).into_bytes()),
        ("two lengths", format!("{post}content-length: 1\r\ncontent-length: 2\r\n\r\n{{}}").into_bytes()),
        ("a negative length", format!("{post}content-length: -1\r\n\r\n{{}}").into_bytes()),
        ("a length beyond numbers", format!("{post}content-length: 99999999999999999999\r\n\r\n").into_bytes()),
        (
            "a length and chunks",
            format!("{post}connection: close\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")
                .into_bytes(),
        ),
        ("an unknown coding", format!("{post}connection: close\r\ntransfer-encoding: x\r\n\r\n").into_bytes()),
        (
            "a chunk of no number",
            format!("{post}connection: close\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n").into_bytes(),
        ),
        (
            "a chunk beyond numbers",
            format!("{post}connection: close\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n").into_bytes(),
        ),
        ("no host", b"GET /v1/step HTTP/1.1\r\nconnection: close\r\n\r\n".to_vec()),
        ("two hosts", format!("{head}host: {}\r\nconnection: close\r\n\r\n", "evil.example").into_bytes()),
        ("somebody else's address", b"GET http://evil.example/v1/step HTTP/1.1\r\nconnection: close\r\n\r\n".to_vec()),
        ("a tunnel", b"CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n".to_vec()),
        ("everything's options", b"OPTIONS * HTTP/1.1\r\nhost: portal.test\r\nconnection: close\r\n\r\n".to_vec()),
        ("an upgrade", format!("{head}upgrade: websocket\r\nconnection: upgrade, close\r\n\r\n").into_bytes()),
    ];
    for (case, bytes) in cases {
        let answer = target.exchange(&bytes);
        if let Some(answer) = parse(&answer) {
            assert!((400..500).contains(&answer.status.as_u16()), "{case}: {} {}", answer.status, answer.text());
            assert!(!answer.text().contains(FILE_NAME) && !answer.text().contains(MARK), "{case}");
        }
    }
    assert_same("no HTTP", &before, &everything(&target.world));
    target.assert_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tls_ends_the_connection() {
    let target = Target::start().await;
    let hello = {
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(target.tls.clone(), name).unwrap();
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        hello
    };
    let mut broken = hello.clone();
    broken.iter_mut().skip(40).for_each(|byte| *byte ^= 0x5A);
    let cases: Vec<Vec<u8>> = vec![
        b"GET / HTTP/1.1\r\nhost: portal.test\r\n\r\n".to_vec(),
        vec![0; 1_000],
        (0..=255).collect(),
        [&hello[..], &hello[..]].concat(),
        broken,
        vec![0x16, 3, 1, 0xFF, 0xFF],
        vec![0x15, 3, 3, 0, 2, 2, 80],
    ];
    for bytes in cases {
        let mut stream = target.tcp();
        let _ = stream.write_all(&bytes);
        let answer = read_all(&mut stream);
        // An alert, perhaps, and never anything of the portal's.
        assert!(!String::from_utf8_lossy(&answer).contains("HTTP/"), "{}", answer.escape_ascii());
    }
    target.assert_well().await;
}

/// All of them at once; while they dawdle, others are served, and in the end each is cut off.
#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_off_and_hinder_nobody() {
    const EACH: usize = 40;
    let target = Target::start().await;
    let before = everything(&target.world);
    let head = "POST /v1/sessions HTTP/1.1\r\nhost: portal.test\r\ncontent-type: application/json\r\n";
    let form = "POST /sign-in HTTP/1.1\r\nhost: portal.test\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let slow: [(&str, String); 5] = [
        ("half a method", "PO".to_owned()),
        ("half the headers", format!("{head}x-half")),
        ("half a signed body", format!("{head}signature: x\r\ncontent-length: 100\r\n\r\n{{\"name\"")),
        ("half a form", format!("{form}content-length: 100\r\n\r\nname=")),
        ("half a chunk", format!("{form}transfer-encoding: chunked\r\n\r\n64\r\nname=")),
    ];
    let mut lines: Vec<(&str, Line)> = Vec::new();
    for (case, bytes) in &slow {
        for _ in 0..EACH {
            let mut line = target.line();
            line.write_all(bytes.as_bytes()).unwrap();
            line.flush().unwrap();
            lines.push((case, line));
        }
    }
    let silent: Vec<TcpStream> = (0..EACH).map(|_| target.tcp()).collect();
    target.assert_well().await;
    let end = tokio::task::spawn_blocking(move || {
        for (case, mut line) in lines {
            let bytes = read_all(&mut line);
            let Some(answer) = parse(&bytes) else { continue };
            let status = answer.status.as_u16();
            assert!((400..500).contains(&status), "{case}: {}", answer.text());
            if !answer.body.is_empty() {
                let is_page = answer.header("content-type").starts_with("text/html");
                if is_page {
                    assert_page_refused(case, &answer)
                } else {
                    assert_refused(case, &answer)
                }
                // Too slow, and not too large.
                assert_eq!(status, 400, "{case}: {}", answer.text());
            }
        }
        silent.into_iter().for_each(|mut stream| drop(read_all(&mut stream)));
    });
    end.await.unwrap();
    let after = everything(&target.world);
    let quiet = |dump: &[String]| -> Vec<String> {
        // The sign-in of whoever looked whether it is well.
        let is_his =
            |line: &&String| ["INTO session", "INTO audit_entry", "INTO member"].iter().any(|t| line.contains(t));
        dump.iter().filter(|line| !is_his(line)).cloned().collect()
    };
    assert_same("slow clients", &quiet(&before), &quiet(&after));
    support::Door::nonce(&target.served.door).await;
    target.assert_well().await;
}
