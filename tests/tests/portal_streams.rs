//! Admin → Devices brings itself up to date: a real connection hears that a device asks, and ends with its session.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use std::net::SocketAddr;
use std::time::Duration;
use support::*;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Long enough for a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// The portal on a socket, until the test ends.
async fn listen(portal: &Portal) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = twinlock_portal::app::app(portal.state.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

struct Stream {
    lines: BufReader<TcpStream>,
    status: String,
    head: String,
}

impl Stream {
    async fn open(address: SocketAddr, browser: &Browser) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let cookie = browser.cookie.as_deref().unwrap_or_default();
        let request = format!(
            "GET /admin/devices/events HTTP/1.1\r\nhost: {AUTHORITY}\r\ncookie: __Host-session={cookie}\r\n\
            accept: text/event-stream\r\nsec-fetch-site: same-origin\r\nconnection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut stream = Self { lines: BufReader::new(socket), status: String::new(), head: String::new() };
        stream.status = stream.line().await.unwrap();
        while let Some(line) = stream.line().await.filter(|line| !line.is_empty()) {
            stream.head += &(line.to_lowercase() + "\n");
        }
        stream
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.lines.read_line(&mut line)).await.expect("nothing came");
        (read.unwrap_or(0) > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event as its name and its data; `None` at the end.
    async fn event(&mut self) -> Option<(String, String)> {
        let mut name = String::new();
        loop {
            let line = self.line().await?;
            if let Some(of) = line.strip_prefix("event: ") {
                name = of.to_owned();
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Some((name, data.to_owned()));
            }
        }
    }

    /// Reads to the end of the stream; says what the last event was.
    async fn last(&mut self) -> Option<(String, String)> {
        let mut last = None;
        while let Some(event) = self.event().await {
            last = Some(event);
        }
        last
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_hears_that_a_device_asks_and_the_stream_ends_with_the_session() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let address = listen(&portal).await;
    let page = ada.get("/admin/devices").await.expect(200).text();
    assert!(page.contains("data-mark=\"0-0\"") && page.contains("data-events=\"/admin/devices/events\""), "{page}");
    let mut stream = Stream::open(address, &ada).await;
    assert!(stream.status.contains(" 200 "), "{}", stream.status);
    assert!(stream.head.contains("content-type: text/event-stream\n"), "{}", stream.head);
    assert!(stream.head.contains("cache-control: no-store\n"), "{}", stream.head);
    assert_eq!(stream.event().await, Some(("devices".to_owned(), "0-0".to_owned())));
    let bo = portal.waiting_phone(BO).await;
    let (name, mark) = stream.event().await.unwrap();
    assert!(name == "devices" && mark.starts_with("1-"), "{name} {mark}");
    // The mark is that of the page, which is fetched then; there is no name and no id in it.
    let page = ada.get("/admin/devices").await.text();
    assert!(page.contains(&format!("data-mark=\"{mark}\"")), "{page}");
    assert!(page.contains(&format!("id=\"c-{}\"", bo.device_id())), "{page}");
    assert!(mark.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'), "{mark}");
    // Decided: another hint.
    ada.approve(&bo).await.expect(204);
    assert_eq!(stream.event().await, Some(("devices".to_owned(), "0-0".to_owned())));
    ada.tab().delete("/v1/sessions/self").await;
    assert_eq!(stream.last().await, Some(("end".to_owned(), "end".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn listening_keeps_no_session_open_and_is_for_admins_of_this_moment() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let address = listen(&portal).await;
    let mut stream = Stream::open(address, &ada).await;
    stream.event().await.unwrap();
    portal.clock.pass(16 * MINUTE_MS);
    assert_eq!(stream.last().await.unwrap().0, "end", "an idle session is over, whoever listens");
    let ada = portal.browser_again(std::mem::replace(&mut ada, portal.browser())).await;
    let mut stream = Stream::open(address, &ada).await;
    stream.event().await.unwrap();
    portal.world.sql("UPDATE member SET role = 'member' WHERE email = 'ada@example.test'");
    assert_eq!(stream.last().await.unwrap().0, "end", "the role was taken away");
    assert!(Stream::open(address, &ada).await.status.contains(" 403 "));
    assert!(Stream::open(address, &portal.browser()).await.status.contains(" 303 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_opens_streams_without_end() {
    let portal = Portal::start();
    let ada = portal.enforced().await;
    let address = listen(&portal).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let stream = Stream::open(address, &ada).await;
        assert!(stream.status.contains(" 200 "), "{}", stream.status);
        open.push(stream);
    }
    assert!(Stream::open(address, &ada).await.status.contains(" 429 "));
    // One that is gone makes room: at the next word that nobody hears.
    drop(open);
    portal.waiting_phone(BO).await;
    for _ in 0..30 {
        if Stream::open(address, &ada).await.status.contains(" 200 ") {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("no room after half a minute");
}
