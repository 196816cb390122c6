//! A real nginx, configured as `docs/applications.md` says, in front of a folder of files and of an application.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use axum::http::HeaderMap;
use reqwest::header::{HeaderValue, LOCATION};
use reqwest::{Response, StatusCode, redirect};
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use support::phone::By;
use support::program::{Running, Served, free_port, wait_for};
use support::*;
use twinlock_core::proof::{RequestHead, RequestParts, Stamp, sign_request};

const PLAN: &str = "/plans/harbour plan.txt";
const PLAN_URI: &str = "/plans/harbour%20plan.txt?page=2&mark=a%26b";

/// The portal and a protected host behind one nginx, and an application behind that host.
struct Site {
    world: World,
    portal: Served,
    port: u16,
    _nginx: Running,
}

impl Site {
    async fn start() -> Self {
        let world = World::new();
        let port = free_port();
        let public_url = format!("https://{AUTHORITY}:{port}");
        let settings = [("TWINLOCK_PUBLIC_URL", public_url.as_str()), ("TWINLOCK_TRUSTED_PROXIES", "[127.0.0.2/32]")];
        let portal = Served::start_with(&world, &settings).await;
        world.run(
            &["admin", "protect-host", "--organisation", &world.organisation, "--host", &format!("docs.test:{port}")],
            "",
        );
        let application = serve_application().await;
        let nginx = start_nginx(&world, &portal, port, application);
        wait_for(port).await;
        Self { world, portal, port, _nginx: nginx }
    }

    fn at(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.port)
    }

    fn docs(&self, path: &str) -> String {
        self.at("docs.test", path)
    }

    /// A browser with a cookie jar; it follows what it is told to follow.
    fn person(&self) -> Person {
        Person::new(self)
    }

    fn admin(&self) -> Browser {
        self.portal.browser()
    }
}

/// Says what it was told about who is asking.
async fn serve_application() -> SocketAddr {
    let told = |headers: HeaderMap| async move {
        let names = ["remote-user", "remote-name", "remote-email", "remote-groups", "x-auth-assurance"];
        let all = |name| headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
        names.map(|name| format!("{name}={}", all(name).collect::<Vec<_>>().join("|"))).join("\n")
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(told)).await.unwrap() });
    address
}

/// The recipe of the documentation with this machine's names and places in it, and nothing else changed.
fn start_nginx(world: &World, portal: &Served, port: u16, application: SocketAddr) -> Running {
    let folder = world.folder.path().join("nginx");
    let files = folder.join("docs");
    std::fs::create_dir_all(files.join("plans")).unwrap();
    std::fs::write(files.join(PLAN.trim_start_matches('/')), FILE_CONTENT).unwrap();
    let made = rcgen::generate_simple_self_signed(vec![AUTHORITY.to_owned(), "docs.test".to_owned()]).unwrap();
    std::fs::write(folder.join("site.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("site.key"), made.signing_key.serialize_pem()).unwrap();
    let text = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let upstream = format!("localhost:{}", portal.port);
    let places = [
        ("listen 443 ssl", format!("listen 127.0.0.1:{port} ssl")),
        ("docs.example.org", "docs.test".to_owned()),
        ("/etc/nginx/docs.pem", text("site.pem")),
        ("/etc/nginx/docs.key", text("site.key")),
        ("/etc/nginx/twinlock.conf", text("twinlock.conf")),
        ("/srv/docs", text("docs")),
        ("127.0.0.1:8000", application.to_string()),
        ("portal.internal:8443", upstream.clone()),
        // The portal's certificate is for the name that it has on this machine.
        ("proxy_ssl_name portal.example.org", "proxy_ssl_name localhost".to_owned()),
        ("portal.example.org", format!("{AUTHORITY}:{port}")),
        ("/etc/nginx/portal-root.pem", world.folder.path().join("tls.pem").to_str().unwrap().to_owned()),
    ];
    let recipe = |mark: &str| {
        let page = include_str!("../../docs/applications.md");
        let block = page.split(&format!("<!-- {mark} -->\n```nginx\n")).nth(1).unwrap();
        let block = block.split("```").next().unwrap().to_owned();
        places.iter().fold(block, |text, (from, to)| text.replace(from, to))
    };
    // As if it ran on another machine, whose address the portal trusts.
    let include = format!("{}proxy_bind 127.0.0.2;\n", recipe("nginx include"));
    std::fs::write(folder.join("twinlock.conf"), include).unwrap();
    let configuration = format!(
        "daemon off; master_process off; pid {pid}; error_log stderr warn; worker_processes 1;\nevents {{}}\nhttp {{\n\
        access_log off; client_body_temp_path {t}; proxy_temp_path {t}; fastcgi_temp_path {t}; uwsgi_temp_path {t}; \
        scgi_temp_path {t};\n{site}\n\
        server {{ listen 127.0.0.1:{port} ssl; server_name {AUTHORITY}; ssl_certificate {pem}; ssl_certificate_key {key};\n\
        location / {{ proxy_pass https://{upstream}; include {include}; }} }}\n}}",
        pid = text("pid"),
        t = text("temporary"),
        site = recipe("nginx"),
        pem = text("site.pem"),
        key = text("site.key"),
        include = text("twinlock.conf"),
    );
    std::fs::write(folder.join("nginx.conf"), configuration).unwrap();
    let program = if Path::new("/usr/sbin/nginx").is_file() { "/usr/sbin/nginx" } else { "nginx" };
    let mut command = Command::new(program);
    command.args(["-p", folder.to_str().unwrap(), "-e", "stderr", "-c", &text("nginx.conf")]).stdin(Stdio::null());
    if std::env::var_os("TWINLOCK_SHOW_NGINX").is_none() {
        command.stderr(std::fs::File::create(folder.join("error.log")).unwrap());
    }
    Running(command.spawn().expect("nginx"))
}

struct Person {
    client: reqwest::Client,
    port: u16,
    authenticator: Option<Authenticator>,
}

impl Person {
    fn new(site: &Site) -> Self {
        let pem = std::fs::read(site.world.folder.path().join("nginx/site.pem")).unwrap();
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .cookie_store(true)
            .redirect(redirect::Policy::limited(10))
            .resolve(AUTHORITY, here)
            .resolve("docs.test", here)
            .no_proxy()
            .build()
            .unwrap();
        Self { client, port: site.port, authenticator: None }
    }

    async fn open(&self, url: &str) -> Response {
        self.client.get(url).send().await.unwrap()
    }

    /// Sends a form of the page it is on: the portal's, with what the page's address says comes next.
    async fn submit(&self, page: &Response, path: &str, fields: &[(&str, &str)]) -> Response {
        let next = page.url().query_pairs().find(|(name, _)| name == "next").unwrap().1.into_owned();
        let mut all = vec![("next", next.as_str())];
        all.extend(fields);
        let request = self.client.post(format!("https://{AUTHORITY}:{}{path}", self.port)).form(&all);
        request.header("sec-fetch-site", "same-origin").send().await.unwrap()
    }

    async fn sign_in(&self, page: &Response, name: &str) -> Response {
        assert_eq!(page.url().path(), "/sign-in", "{}", page.url());
        self.submit(page, "/sign-in", &[("name", name), ("password", PASSWORD)]).await
    }

    /// Through the wizard, from its first page to the end, as its forms lead.
    async fn set_up(&mut self, page: Response) -> Response {
        assert_eq!(page.url().path(), "/set-up", "{}", page.url());
        let secret = self.submit(&page, "/set-up", &[]).await;
        let html = secret.text().await.unwrap();
        let authenticator = Browser::typed_key(&html);
        let code = authenticator.code_at(system_now_ms());
        self.authenticator = Some(authenticator);
        let codes = self.submit(&page, "/set-up/confirm", &[("code", &code)]).await;
        assert_eq!(codes.status(), StatusCode::OK);
        let html = codes.text().await.unwrap();
        let field =
            |name: &str| html.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap();
        let next = field("next").replace("&#38;", "&").replace("&amp;", "&");
        let fields =
            [("issued_ms", field("issued_ms")), ("next", next.as_str()), ("done", field("done")), ("saved", "yes")];
        let saved = format!("https://{AUTHORITY}:{}/account/recovery-codes/saved", self.port);
        let done = self.client.post(saved).form(&fields).header("sec-fetch-site", "same-origin").send().await.unwrap();
        // The last page leads on.
        assert_eq!(done.url().path(), "/set-up/done");
        let html = done.text().await.unwrap();
        let link = html.split("<a class=\"button primary\" href=\"").nth(1).unwrap().split('"').next().unwrap();
        let link = link.replace("&#38;", "&").replace("&amp;", "&");
        self.open(&format!("https://{AUTHORITY}:{}{link}", self.port)).await
    }
}

/// The plan, at the address first asked for.
async fn assert_is_plan(answer: Response) {
    let (status, url) = (answer.status(), answer.url().to_string());
    assert_eq!((status.as_u16(), answer.text().await.unwrap().as_str()), (200, FILE_CONTENT), "{url}");
    assert!(url.ends_with(PLAN_URI), "back to the page first asked for: {url}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_done_is_led_through_wizard_and_back_to_the_page_first_asked_for() {
    let site = Site::start().await;
    site.admin().enforce().await;
    let mut bo = site.person();
    let page = bo.open(&site.docs(PLAN_URI)).await;
    let page = bo.sign_in(&page, BO).await;
    assert_is_plan(bo.set_up(page).await).await;
    // From here on it serves without a detour.
    assert_is_plan(bo.open(&site.docs(PLAN_URI)).await).await;

    // Another browser of a member who has an authenticator is asked for its code.
    let other = site.person();
    let page = other.open(&site.docs(PLAN_URI)).await;
    let page = other.sign_in(&page, BO).await;
    assert_eq!(page.url().path(), "/code");
    site.world.sql("UPDATE factor SET last_step = 0");
    let code = bo.authenticator.as_ref().unwrap().code_at(system_now_ms());
    assert_is_plan(other.submit(&page, "/code", &[("code", &code)]).await).await;
    assert_eq!(site.world.audited("host.opened"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_learns_who_it_is_and_never_what_the_browser_claims() {
    let site = Site::start().await;
    let cy = site.person();
    let page = cy.open(&site.docs("/app/")).await;
    let said = cy.sign_in(&page, CY).await.text().await.unwrap();
    let expected = "remote-user=cy@example.test\nremote-name=Cy Castle\nremote-email=cy@example.test\n\
        remote-groups=member\nx-auth-assurance=aal1";
    assert_eq!(said, expected, "no policy, no authenticator: one factor");
    let names = ["Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Auth-Assurance"];
    let request = cy.client.get(site.docs("/app/"));
    let request = names.iter().fold(request, |request, name| request.header(*name, "ada@example.test"));
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), expected);

    // The switch: it holds for the very next request at the other host.
    let mut ada = site.admin();
    ada.enforce().await;
    let page = cy.open(&site.docs("/app/")).await;
    assert_eq!(page.url().path(), "/set-up", "{}", page.url());
    let mut cy = cy;
    let said = cy.set_up(page).await.text().await.unwrap();
    assert_eq!(said, expected.replace("aal1", "aal2"));

    // Suspended: refused, and not led in circles.
    let member = site.world.member(CY);
    ada.post(&format!("/v1/admin/members/{member}/suspend"), &json!({})).await.expect(204);
    assert_eq!(cy.open(&site.docs("/app/")).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_at_the_portal_ends_it_at_every_host() {
    let site = Site::start().await;
    let bo = site.person();
    let page = bo.open(&site.docs(PLAN_URI)).await;
    assert_is_plan(bo.sign_in(&page, BO).await).await;
    let sign_out = bo.client.post(site.at(AUTHORITY, "/sign-out")).header("sec-fetch-site", "same-origin");
    sign_out.send().await.unwrap();
    let page = bo.open(&site.docs(PLAN_URI)).await;
    assert_eq!(page.url().path(), "/sign-in");
}

/// Steps of the way, one at a time.
struct Way<'a> {
    site: &'a Site,
    client: reqwest::Client,
}

impl Way<'_> {
    async fn step(&self, url: &str, cookie: &str) -> (StatusCode, String, Vec<String>) {
        let answer = self.client.get(url).header("cookie", cookie).send().await.unwrap();
        let location = answer.headers().get(LOCATION).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        let set = answer.headers().get_all("set-cookie").iter().map(|v: &HeaderValue| v.to_str().unwrap().to_owned());
        (answer.status(), location, set.collect())
    }

    /// What the browser keeps, and where the portal sends it with a ticket.
    async fn begin(&self, session: &str) -> (String, String) {
        let (status, start, _) = self.step(&self.site.docs(PLAN_URI), "").await;
        assert_eq!(status, StatusCode::FOUND);
        assert!(start.starts_with(&self.site.docs("/_twinlock/start?to=")), "{start}");
        let (_, hand_over, set) = self.step(&start, "").await;
        assert!(set[0].contains("HttpOnly") && set[0].contains("Secure") && set[0].contains("Path=/"), "{set:?}");
        let begun = set[0].split(';').next().unwrap().to_owned();
        assert!(hand_over.starts_with(&self.site.at(AUTHORITY, "/auth/hand-over?")), "{hand_over}");
        let (_, landing, _) = self.step(&hand_over, &format!("__Host-session={session}")).await;
        assert!(landing.starts_with(&self.site.docs("/_twinlock/landing?ticket=")), "{landing}");
        (begun, landing)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_for_one_browser_one_host_one_minute_and_once() {
    let site = Site::start().await;
    let mut bo = site.portal.browser();
    bo.sign_in(BO).await;
    let session = bo.cookie.clone().unwrap();
    let pem = std::fs::read(site.world.folder.path().join("nginx/site.pem")).unwrap();
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .redirect(redirect::Policy::none())
        .resolve(AUTHORITY, here)
        .resolve("docs.test", here)
        .no_proxy()
        .build()
        .unwrap();
    let way = Way { site: &site, client };
    let is_in = |set: &[String]| set.iter().any(|cookie| cookie.starts_with("__Host-twinlock="));

    // Somebody else's browser: an attacker's ticket signs nobody in, a stolen one is worth nothing.
    let (begun, landing) = way.begin(&session).await;
    let (other, _) = way.begin(&session).await;
    for cookie in ["", other.as_str(), "__Host-twinlock-begun=x"] {
        let (_, next, set) = way.step(&landing, cookie).await;
        assert!(!is_in(&set) && next.contains("/_twinlock/start?"), "{next} {set:?}");
    }
    let (status, next, set) = way.step(&landing, &begun).await;
    assert_eq!((status, next.as_str()), (StatusCode::SEE_OTHER, PLAN_URI));
    assert!(is_in(&set), "{set:?}");
    let kept = set.iter().find(|cookie| cookie.starts_with("__Host-twinlock=")).unwrap();
    assert!(kept.contains("HttpOnly") && kept.contains("Secure") && kept.contains("SameSite=Lax"), "{kept}");
    let kept = kept.split(';').next().unwrap().to_owned();
    assert_eq!(way.step(&site.docs(PLAN_URI), &kept).await.0, StatusCode::OK);
    // The cookies of the two hosts are worth nothing in each other's place.
    let swapped = kept.replace("__Host-twinlock=", "__Host-session=");
    let (status, location, _) = way.step(&site.at(AUTHORITY, "/files"), &swapped).await;
    assert_eq!((status, location.starts_with("/sign-in")), (StatusCode::SEE_OTHER, true));
    let portals = format!("__Host-twinlock={session}");
    assert_eq!(way.step(&site.docs(PLAN_URI), &portals).await.0, StatusCode::FOUND);

    let (_, _, set) = way.step(&landing, &begun).await;
    assert!(!is_in(&set), "a ticket is taken once");
    let (begun, landing) = way.begin(&session).await;
    site.world.sql("UPDATE host_ticket SET expires_ms = 1");
    assert!(!is_in(&way.step(&landing, &begun).await.2), "too old");
    let (begun, landing) = way.begin(&session).await;
    site.world.sql("UPDATE host_ticket SET host = 'other.test'");
    assert!(!is_in(&way.step(&landing, &begun).await.2), "for another host");

    // Back to a path of the host, never elsewhere; neither from the address nor from what the portal is asked for.
    for to in ["https%3A%2F%2Fevil.test", "%2F%2Fevil.test", "%2F%5Cevil.test", "javascript%3Ax"] {
        let (begun, landing) = way.begin(&session).await;
        let changed = format!("{}&to={to}", landing.split("&to=").next().unwrap());
        assert_eq!(way.step(&changed, &begun).await.1, "/", "{to}");
    }
    let hash = data_encoding::BASE64URL_NOPAD.encode(&[0; 32]);
    let evil = site.at(AUTHORITY, &format!("/auth/hand-over?host=evil.test&browser={hash}&to=%2F"));
    let (status, location, _) = way.step(&evil, &format!("__Host-session={session}")).await;
    assert_eq!((status, location.as_str()), (StatusCode::NOT_FOUND, ""), "only hosts that the operator named");
    // Another organisation's member is refused.
    let foreign = site.world.run(&["admin", "create-organisation", "--name", "Elsewhere"], "");
    let add = ["admin", "add-member", "--organisation", &foreign, "--name", "Eve", "--email", "eve@example.test"];
    site.world.run(&add, PASSWORD);
    let mut eve = site.portal.browser();
    eve.sign_in("eve@example.test").await;
    let docs = format!("docs.test%3A{}", site.port);
    let over = site.at(AUTHORITY, &format!("/auth/hand-over?host={docs}&browser={hash}&to=%2F"));
    let (status, location, _) = way.step(&over, &format!("__Host-session={}", eve.cookie.unwrap())).await;
    assert_eq!((status, location.as_str()), (StatusCode::FORBIDDEN, ""));
}

/// What a proxy says is believed from trusted addresses alone; nginx's own is 127.0.0.2, the test's is not.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_proxy_asks() {
    let site = Site::start().await;
    let forwarded: Vec<(String, String)> = [
        ("x-forwarded-method", "GET".to_owned()),
        ("x-forwarded-host", format!("docs.test:{}", site.port)),
        ("x-forwarded-uri", "/".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    for path in ["/v1/forward-auth", "/v1/forward-auth/redirect"] {
        site.portal.door.send("GET", path, &forwarded, Vec::new()).await.expect_problem(403, "TL-3006");
    }
    for path in ["/auth/start?to=/", "/auth/landing?ticket=x"] {
        site.portal.door.send("GET", path, &forwarded, Vec::new()).await.expect(400);
    }
    // The question itself is nobody's page.
    let asked = site.person().open(&site.docs("/_twinlock/check")).await;
    assert_eq!(asked.status(), StatusCode::NOT_FOUND);
}

/// Caddy and Traefik hand the browser what is no success: a redirect, and never one for a program that signs.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_passes_answers_on_gets_a_redirect() {
    let portal = Portal::start_with(|config, _| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]);
    let world = &portal.world;
    world.run(&["admin", "protect-host", "--organisation", &world.organisation, "--host", "docs.test"], "");
    let ask = |path: &'static str, host: &'static str, more: Vec<(String, String)>| {
        let mut headers = more;
        for (name, value) in [("x-forwarded-method", "GET"), ("x-forwarded-host", host), ("x-forwarded-uri", "/a?b=c")]
        {
            headers.push((name.to_owned(), value.to_owned()));
        }
        let door = portal.door.clone();
        async move { door.send("GET", path, &headers, Vec::new()).await }
    };
    let led = ask("/v1/forward-auth/redirect", "docs.test", Vec::new()).await;
    assert_eq!(led.expect(303).header("location"), "https://docs.test/_twinlock/start?to=%2Fa%3Fb%3Dc");
    let told = ask("/v1/forward-auth", "docs.test", Vec::new()).await;
    assert_eq!(told.expect_problem(401, "TL-3005").header("location"), led.header("location"));
    // A host in other letters and with its default port is the same host; an unknown one is refused.
    ask("/v1/forward-auth/redirect", "DOCS.test:443", Vec::new()).await.expect(303);
    ask("/v1/forward-auth/redirect", "other.test", Vec::new()).await.expect_problem(403, "TL-3006");
    ask("/v1/forward-auth/redirect", "docs.test/x", Vec::new()).await.expect_problem(400, "TL-4007");
    let twice = vec![("x-forwarded-host".to_owned(), "docs.test".to_owned())];
    ask("/v1/forward-auth", "docs.test", twice).await.expect_problem(400, "TL-4007");

    // A phone's authorised request: let in without a body, once, at the host and path that it was signed for.
    let mut ada = portal.enforced().await;
    let mut bo = portal.phone();
    bo.make_ready(BO, &mut ada).await;
    let (key_id, key) = bo.key_of(By::Session);
    let signed = |authority: &'static str, body: &'static [u8], nonce: &str| {
        let head = RequestHead {
            method: "GET",
            authority,
            path: "/a",
            query: Some("b=c"),
            policy_version: bo.policy_version.load(std::sync::atomic::Ordering::SeqCst),
        };
        let stamp = Stamp { created_s: bo.now_ms() / 1_000, nonce: nonce.to_owned(), key_id: key_id.clone() };
        let key = Arc::clone(&key);
        let headers = sign_request(&RequestParts { head, body }, &stamp, |base| Ok(key.sign(base))).unwrap();
        headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Vec<_>>()
    };
    let good = signed("docs.test", b"", "nonce-number-0001");
    let answer = ask("/v1/forward-auth", "docs.test", good.clone()).await;
    assert_eq!((answer.expect(200).header("remote-user"), answer.header("x-auth-assurance")), (BO, "aal2"));
    ask("/v1/forward-auth/redirect", "docs.test", good).await.expect_problem(401, "TL-4011");
    let elsewhere = signed("evil.test", b"", "nonce-number-0002");
    ask("/v1/forward-auth", "docs.test", elsewhere).await.expect_problem(401, "TL-4010");
    let with_body = signed("docs.test", b"x", "nonce-number-0003");
    ask("/v1/forward-auth", "docs.test", with_body).await.expect_problem(403, "TL-3006");
}
