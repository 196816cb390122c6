//! Fault 64: whoever answers instead of the portal, or as it should not. Real sockets, real TLS, certificates made here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod http_site;

use http_site::{Authority, Reply, Site};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use std::time::Duration;
use tokio_rustls::rustls;
use twinlock_core::Error;
use twinlock_core::http::{Deadlines, HttpConfig, HttpTransport};
use twinlock_core::ports::{Answer, AnswerKind, Request, Transport};
use twinlock_core::secret::SecretBytes;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
/// Long enough for any machine: whoever waits for it waits for ever.
const NEVER: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_millis(200);
const GIVE_UP: Duration = Duration::from_secs(60);
const MIB: usize = 1024 * 1024;

fn config(site: &Site, authority: &Authority, pins: &[[u8; 32]]) -> HttpConfig {
    let base_url = format!("https://localhost:{}", site.port);
    HttpConfig { base_url, roots_pem: authority.root_pem().into_bytes(), pins: pins.to_vec() }
}

fn request(answer: AnswerKind) -> Request {
    let body = SecretBytes::new(Vec::new());
    Request { method: "GET", target: "/v1/step".to_owned(), headers: Vec::new(), body, answer }
}

async fn ask(config: &HttpConfig) -> Result<Answer, Error> {
    HttpTransport::new(config).unwrap().send(request(AnswerKind::Message)).await
}

async fn ask_within(config: &HttpConfig, deadlines: Deadlines) -> Result<Answer, Error> {
    let transport = HttpTransport::with_deadlines(config, deadlines).unwrap();
    // Only a deadline that does not hold gets here.
    let answered = tokio::time::timeout(GIVE_UP, transport.send(request(AnswerKind::Message))).await;
    answered.expect("the deadline did not hold")
}

/// What the transport makes of a trusted site that answers like this.
async fn ask_site(reply: Reply) -> (Result<Answer, Error>, Site) {
    let authority = Authority::new();
    let site = Site::trusted(&authority, reply).await;
    (ask(&config(&site, &authority, &[])).await, site)
}

#[tokio::test]
async fn f64_a_pin_of_any_certificate_in_the_chain_passes_and_another_key_does_not() {
    let authority = Authority::with_intermediate();
    let leaf = authority.leaf("localhost");
    let pins = [leaf.pin(), authority.intermediate_pin(), authority.root_pin()];
    let site = Site::tls(leaf.tls13(), Reply::Bytes(OK.to_vec())).await;
    let backup = [9; 32];
    assert_eq!(ask(&config(&site, &authority, &[])).await.unwrap().body.expose(), b"{}");
    for pin in pins {
        assert_eq!(ask(&config(&site, &authority, &[pin])).await.unwrap().status, 200);
        assert_eq!(ask(&config(&site, &authority, &[backup, pin])).await.unwrap().status, 200);
    }
    let asked = site.requests().len();
    for wrong in [vec![backup], vec![backup, [0; 32]], vec![Authority::new().root_pin()]] {
        assert_eq!(ask(&config(&site, &authority, &wrong)).await.err(), Some(Error::TlsRefused));
    }
    assert_eq!(site.requests().len(), asked, "nothing was sent to whoever has no pin");
}

#[tokio::test]
async fn f64_a_pinned_certificate_that_is_only_sent_along_does_not_count() {
    let (authority, pinned) = (Authority::new(), Authority::new());
    let real = pinned.leaf("localhost");
    let mut impostor = authority.leaf("localhost");
    impostor.chain.push(real.chain[0].clone());
    impostor.chain.push(pinned.root_der());
    let site = Site::tls(impostor.tls13(), Reply::Bytes(OK.to_vec())).await;
    assert_eq!(ask(&config(&site, &authority, &[])).await.unwrap().status, 200);
    for pin in [real.pin(), pinned.root_pin()] {
        assert_eq!(ask(&config(&site, &authority, &[pin])).await.err(), Some(Error::TlsRefused));
    }
}

#[tokio::test]
async fn f64_a_pin_never_makes_up_for_what_the_roots_refuse() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let expired = authority.leaf_with("localhost", |leaf| {
        leaf.not_before = rcgen::date_time_ymd(2001, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2002, 1, 1);
    });
    let early = authority.leaf_with("localhost", |leaf| leaf.not_before = rcgen::date_time_ymd(2999, 1, 1));
    let elsewhere = authority.leaf("portal.example");
    let unknown_root = stranger.leaf("localhost");
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let self_signed = http_site::Leaf { chain: vec![CertificateDer::from(own)], key };
    for (what, leaf) in [
        ("expired", expired),
        ("not yet valid", early),
        ("another host", elsewhere),
        ("unknown root", unknown_root),
        ("self-signed", self_signed),
    ] {
        let pin = leaf.pin();
        let site = Site::tls(leaf.tls13(), Reply::Bytes(OK.to_vec())).await;
        for pins in [vec![], vec![pin]] {
            assert_eq!(ask(&config(&site, &authority, &pins)).await.err(), Some(Error::TlsRefused), "{what}");
        }
        assert!(site.requests().is_empty(), "{what}");
    }
}

#[tokio::test]
async fn f64_older_tls_and_no_tls_are_refused() {
    let authority = Authority::new();
    let leaf = authority.leaf("localhost");
    let tls12 = Site::tls(leaf.tls12(), Reply::Bytes(OK.to_vec())).await;
    // A ServerHello of TLS 1.1: record header, handshake header, version, random, no session, RSA with AES-128-CBC-SHA.
    let hello = [&[0x03, 0x02][..], &[7; 32], &[0, 0x00, 0x2F, 0]].concat();
    let handshake = [&[2, 0, 0, u8::try_from(hello.len()).unwrap()][..], &hello].concat();
    let record = [&[22, 3, 2, 0, u8::try_from(handshake.len()).unwrap()][..], &handshake].concat();
    let tls11 = Site::raw(Reply::Bytes(record)).await;
    let plain = Site::raw(Reply::Bytes(OK.to_vec())).await;
    for (what, site) in [("TLS 1.2", tls12), ("TLS 1.1", tls11), ("no TLS", plain)] {
        assert_eq!(ask(&config(&site, &authority, &[])).await.err(), Some(Error::TlsRefused), "{what}");
        assert!(site.requests().iter().all(|request| !request.contains("/v1/step")), "{what}");
    }
}

#[tokio::test]
async fn f64_an_address_without_tls_and_roots_that_are_none_are_refused_at_once() {
    let authority = Authority::new();
    let site = Site::raw(Reply::Bytes(OK.to_vec())).await;
    let good = config(&site, &authority, &[]);
    let refused = |config: HttpConfig| HttpTransport::new(&config).err();
    for base_url in ["http://localhost", "localhost", "", "HTTP://localhost"] {
        assert_eq!(refused(HttpConfig { base_url: base_url.to_owned(), ..good.clone() }), Some(Error::BadRequest));
    }
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    for roots_pem in [Vec::new(), b"no certificate".to_vec(), broken] {
        let pins = vec![[1; 32]];
        assert_eq!(refused(HttpConfig { roots_pem, pins, ..good.clone() }), Some(Error::TlsRefused));
    }
    assert!(site.requests().is_empty());
}

#[tokio::test]
async fn f64_a_redirect_is_an_answer_and_is_not_followed() {
    let authority = Authority::new();
    let other = Site::trusted(&authority, Reply::Bytes(OK.to_vec())).await;
    let plain = Site::raw(Reply::Bytes(OK.to_vec())).await;
    for location in [format!("https://localhost:{}/", other.port), format!("http://localhost:{}/", plain.port)] {
        for status in [301, 302, 303, 307, 308] {
            let head = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            let site = Site::trusted(&authority, Reply::Bytes(head.into_bytes())).await;
            assert_eq!(ask(&config(&site, &authority, &[])).await.unwrap().status, status);
            assert_eq!(site.requests().len(), 1);
        }
    }
    assert_eq!((other.requests().len(), plain.requests().len()), (0, 0));
}

#[tokio::test]
async fn f64_ten_gigabytes_are_not_taken_in() {
    let (announced, closed) = ("content-length: 10737418240", "connection: close");
    for (header, reads_at_most) in [(announced, 0), (closed, 1)] {
        for (kind, cap) in [(AnswerKind::Message, MIB), (AnswerKind::File, 64 * MIB)] {
            let head = format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n").into_bytes();
            let authority = Authority::new();
            let site = Site::trusted(&authority, Reply::Endless { head, chunk: vec![b' '; 16 * 1024] }).await;
            let transport = HttpTransport::new(&config(&site, &authority, &[])).unwrap();
            assert_eq!(transport.send(request(kind)).await.err(), Some(Error::AnswerTooLarge), "{header} {kind:?}");
            // What was taken in, and what lay in the buffers of two sockets.
            assert!(site.sent().await < reads_at_most * cap + 32 * MIB, "{header} {kind:?}");
        }
    }
}

#[tokio::test]
async fn f64_an_answer_in_pieces_is_counted_too() {
    let chunk = [b"4000\r\n".to_vec(), vec![b' '; 0x4000], b"\r\n".to_vec()].concat();
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let (answer, site) = ask_site(Reply::Endless { head, chunk }).await;
    assert_eq!(answer.err(), Some(Error::AnswerTooLarge));
    assert!(site.sent().await < 32 * MIB);
}

#[tokio::test]
async fn f64_the_limits_are_exact() {
    let sized = |len: usize| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n").into_bytes();
        Reply::Bytes([head, vec![b' '; len]].concat())
    };
    let unsized_ = |len: usize| Reply::Bytes([b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; len]].concat());
    let authority = Authority::new();
    for (kind, cap) in [(AnswerKind::Message, MIB), (AnswerKind::File, 64 * MIB)] {
        assert_eq!(kind.max_len(), cap);
        for (reply, fits) in
            [(sized(cap), true), (sized(cap + 1), false), (unsized_(cap), true), (unsized_(cap + 1), false)]
        {
            let site = Site::trusted(&authority, reply).await;
            let transport = HttpTransport::new(&config(&site, &authority, &[])).unwrap();
            match transport.send(request(kind)).await {
                Ok(answer) => assert!(fits && answer.body.expose().len() == cap),
                Err(fault) => assert!(!fits && fault == Error::AnswerTooLarge, "{fault:?}"),
            }
        }
    }
}

#[tokio::test]
async fn f64_who_drips_or_falls_silent_is_not_waited_for() {
    let authority = Authority::new();
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n".to_vec();
    let in_body = [&head[..], b"\r\n"].concat();
    let whole = Deadlines { connect: NEVER, read: NEVER, message: SOON, file: NEVER };
    let silence = Deadlines { connect: NEVER, read: SOON, message: NEVER, file: NEVER };
    for (what, reply, deadlines) in [
        ("drips in the status line", Reply::Drip { head: b"HTTP/1.1 200 ".to_vec(), piece: b"O" }, whole),
        ("drips in the headers", Reply::Drip { head: head.clone(), piece: b"a: b\r\n" }, whole),
        ("drips in the body", Reply::Drip { head: in_body.clone(), piece: b" " }, whole),
        ("never comes to the point", Reply::Drip { head: Vec::new(), piece: b"HTTP/1.1 100 Continue\r\n\r\n" }, whole),
        ("says nothing", Reply::Silence { head: Vec::new() }, silence),
        ("falls silent in the headers", Reply::Silence { head }, silence),
        ("falls silent in the body", Reply::Silence { head: in_body }, silence),
    ] {
        let site = Site::trusted(&authority, reply).await;
        let answer = ask_within(&config(&site, &authority, &[]), deadlines).await;
        assert_eq!(answer.err(), Some(Error::Offline), "{what}");
        assert_eq!(site.requests().len(), 1, "{what}");
    }
    // Takes the connection and never says hello.
    let mute = Site::raw(Reply::Silence { head: Vec::new() }).await;
    let connect = Deadlines { connect: SOON, read: NEVER, message: NEVER, file: NEVER };
    assert_eq!(ask_within(&config(&mute, &authority, &[]), connect).await.err(), Some(Error::Offline));
}

#[tokio::test]
async fn f64_a_file_may_take_longer_than_a_message() {
    let authority = Authority::new();
    let reply = || Reply::Drip { head: b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_vec(), piece: b" " };
    for (kind, message, file) in [(AnswerKind::Message, SOON, NEVER), (AnswerKind::File, NEVER, SOON)] {
        let site = Site::trusted(&authority, reply()).await;
        let deadlines = Deadlines { connect: NEVER, read: NEVER, message, file };
        let transport = HttpTransport::with_deadlines(&config(&site, &authority, &[]), deadlines).unwrap();
        let answered = tokio::time::timeout(GIVE_UP, transport.send(request(kind))).await;
        assert_eq!(answered.expect("the deadline did not hold").err(), Some(Error::Offline), "{kind:?}");
    }
}

#[tokio::test]
async fn f64_an_encoded_answer_is_neither_asked_for_nor_decoded() {
    for encoding in ["gzip", "br", "deflate", "zstd", "gzip, gzip", "identity"] {
        // Ten bytes of gzip that promise much; nobody looks at them.
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: 10\r\n\r\n");
        let reply = Reply::Bytes([head.as_bytes(), &[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]].concat());
        let (answer, site) = ask_site(reply).await;
        assert_eq!(answer.err(), Some(Error::UnexpectedAnswer { status: 200 }), "{encoding}");
        assert!(!site.requests()[0].to_ascii_lowercase().contains("accept-encoding"), "{}", site.requests()[0]);
    }
}

#[tokio::test]
async fn f64_what_is_no_http_is_no_answer() {
    let flood = (0..10_000).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    for (what, reply) in [
        ("garbage", b"\x00\x01\x02 nonsense\r\n\r\n".to_vec()),
        ("a status that is none", b"HTTP/1.1 99999 Eh\r\n\r\n".to_vec()),
        ("an old protocol", b"220 smtp.example ESMTP\r\n\r\n".to_vec()),
        ("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}".to_vec()),
        ("a negative length", b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_vec()),
        ("ten thousand headers", format!("HTTP/1.1 200 OK\r\n{flood}\r\n").into_bytes()),
    ] {
        let (answer, _) = ask_site(Reply::Bytes(reply)).await;
        assert_eq!(answer.err(), Some(Error::UnexpectedAnswer { status: 0 }), "{what}");
    }
    let endless = Reply::Endless { head: b"HTTP/1.1 200 OK\r\nx: ".to_vec(), chunk: vec![b'y'; 16 * 1024] };
    let (answer, site) = ask_site(endless).await;
    assert_eq!(answer.err(), Some(Error::UnexpectedAnswer { status: 0 }));
    assert!(site.sent().await < 32 * MIB);
}

#[tokio::test]
async fn f64_who_hangs_up_was_not_there() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}".to_vec();
    for reply in [Vec::new(), b"HTTP/1.1 200".to_vec(), short] {
        let (answer, _) = ask_site(Reply::Bytes(reply)).await;
        assert_eq!(answer.err(), Some(Error::Offline));
    }
    let authority = Authority::new();
    let mut nobody = config(&Site::raw(Reply::Bytes(Vec::new())).await, &authority, &[]);
    assert_eq!(ask(&nobody).await.err(), Some(Error::Offline), "hangs up before TLS");
    nobody.base_url = "https://localhost:1".to_owned();
    assert_eq!(ask(&nobody).await.err(), Some(Error::Offline), "nobody listens");
}
