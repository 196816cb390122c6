//! Every route, with everything that is wrong, as everybody; in the process.

use super::caller::{Caller, Cast, cast};
use super::route::{self, Route};
use super::support::phone::By;
use super::support::*;
use super::verdict::*;
use super::{MARK, body};

/// A portal with callers and routes.
struct Siege {
    portal: Portal,
    cast: Cast,
    routes: Vec<Route>,
}

impl Siege {
    async fn lay() -> Self {
        let portal = Portal::start();
        let cast = cast(&portal).await;
        // An account is noted as used at the first request of a session that is done.
        portal.world.sql("UPDATE member SET used_ms = 1 WHERE used_ms = 0");
        let routes = route::all(&portal.door).await;
        Self { portal, cast, routes }
    }

    /// Unchanged, and as useful as before.
    async fn lift(&self, before: &[String]) {
        assert_same("the siege", before, &everything(&self.portal.world));
        for (name, caller) in &self.cast {
            if let Caller::Signed(phone, By::Session) = caller
                && *name == "a member"
            {
                let file = format!("/v1/files/{}", self.portal.world.file);
                assert_eq!(phone.get(By::Session, &file).await.text(), FILE_CONTENT);
                return;
            }
        }
        panic!("there was no member");
    }
}

/// Whether the guard lets this caller's body through to the parser.
async fn is_admitted(door: &Door, route: &Route, target: &str, caller: &Caller) -> bool {
    let answer = caller.send(door, &route.method, target, b"[]".to_vec()).await;
    answer.text().contains("The body is not")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_takes_a_body_that_is_no_request() {
    let siege = Siege::lay().await;
    let start = everything(&siege.portal.world);
    let mut asked = 0;
    for route in siege.routes.iter().filter(|route| route.body.is_some()) {
        let target = route.target(&siege.portal.world);
        let mut admitted = 0;
        for (who, caller) in &siege.cast {
            let is_admitted = is_admitted(&siege.portal.door, route, &target, caller).await;
            admitted += u32::from(is_admitted);
            for (case, body) in body::hostile(route.body.as_ref().unwrap(), &route.optional) {
                let case = format!("{who}, {}, {case}", route.name());
                let answer = caller.send(&siege.portal.door, &route.method, &target, body).await;
                assert_refused(&case, &answer);
                // For what is wrong with it, and not because the rest of it came to nothing.
                let says_so = ["The body is not", "There is something after the JSON object", "TL-4008"];
                let is_told = says_so.iter().any(|words| answer.text().contains(words));
                assert!(!is_admitted || is_told, "{case}: {}", answer.text());
                asked += 1;
            }
            // What they were made from is understood.
            let body = route.body.as_ref().unwrap().to_string().into_bytes();
            let answer = caller.send(&siege.portal.door, &route.method, &target, body).await;
            assert!(!answer.text().contains("The body is not"), "{who}, {}: {}", route.name(), answer.text());
        }
        assert!(admitted > 0, "nobody reaches {}", route.name());
        assert_same(&route.name(), &start, &everything(&siege.portal.world));
    }
    assert!(asked > 3_000, "{asked}");
    siege.lift(&start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_takes_a_body_of_another_kind() {
    let siege = Siege::lay().await;
    let start = everything(&siege.portal.world);
    let kinds =
        ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", MARK];
    for route in siege.routes.iter().filter(|route| route.body.is_some()) {
        let target = route.target(&siege.portal.world);
        let body = route.body.as_ref().unwrap().to_string().into_bytes();
        for (who, caller) in &siege.cast {
            let is_admitted = is_admitted(&siege.portal.door, route, &target, caller).await;
            for kind in kinds {
                let mut headers = caller.headers(&siege.portal.door, &route.method, &target, &body).await;
                headers.retain(|(name, _)| name != "content-type");
                if !kind.is_empty() {
                    headers.push(("content-type".to_owned(), kind.to_owned()));
                }
                let answer = siege.portal.door.send(&route.method, &target, &headers, body.clone()).await;
                let case = format!("{who}, {}, `{kind}`", route.name());
                assert_refused(&case, &answer);
                assert!(
                    !is_admitted || answer.text().contains("must be application/json"),
                    "{case}: {}",
                    answer.text()
                );
            }
        }
    }
    siege.lift(&start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_methods_and_unknown_paths_lead_nowhere() {
    let siege = Siege::lay().await;
    let start = everything(&siege.portal.world);
    for route in &siege.routes {
        let target = route.target(&siege.portal.world);
        let mut tries: Vec<(&str, String)> =
            route.wrong_methods.iter().map(|method| (*method, target.clone())).collect();
        for suffix in ["/", "/%68ostile", "%00", "/../../etc/passwd", "/%2e%2e", "%", "%zz", "/."] {
            tries.push((&route.method, format!("{target}{suffix}")));
        }
        tries.push((&route.method, target.replacen("/v1/", "/v2/", 1)));
        tries.push((&route.method, target.replacen("/v1/", "/V1/", 1)));
        tries.push((&route.method, target.replacen("/v1/", "//v1/", 1)));
        for (method, target) in tries {
            for (who, caller) in &siege.cast {
                let answer = caller.send(&siege.portal.door, method, &target, Vec::new()).await;
                let case = format!("{who}, {method} {target}");
                // Whoever signs is a program, wherever it asks.
                if target.starts_with("/v1/") || caller.signs() {
                    assert_refused(&case, &answer);
                } else {
                    assert_page_refused(&case, &answer);
                }
            }
        }
    }
    siege.lift(&start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_are_no_ids_find_nothing() {
    let siege = Siege::lay().await;
    let start = everything(&siege.portal.world);
    let long = "a".repeat(30_000);
    let parameters = [
        "%00",
        "%FF%FE",
        "%C0%AF",
        "%2e%2e%2f%2e%2e%2fkey",
        "..%5C",
        "%",
        "%zz",
        "' OR 1=1 --",
        "%27%20OR%201=1%20--",
        "*",
        "_",
        "%25",
        "-1",
        "null",
        "%E2%80%AE",
        "%0d%0aset-cookie:%20a=b",
        &long,
    ];
    for route in siege.routes.iter().filter(|route| route.has_parameter()) {
        let body = route.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
        for parameter in parameters.into_iter().filter(|parameter| !parameter.contains(' ')) {
            let target = route.with(parameter);
            for (who, caller) in &siege.cast {
                let answer = caller.send(&siege.portal.door, &route.method, &target, body.clone()).await;
                assert_refused(&format!("{who}, {}, {parameter:.20}", route.name()), &answer);
            }
        }
    }
    siege.lift(&start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_query_and_no_header_breaks_a_route() {
    let siege = Siege::lay().await;
    let start = everything(&siege.portal.world);
    let queries = ["?%FF=%FE", "?after=%FF%00", "?after=1&after=2", "?a[b]=c&&&=", "?=", "?after", "??", "?after=%zz"];
    let many = format!("a={MARK}; ").repeat(500);
    let headers = [
        ("authorization", format!("Bearer {MARK}")),
        ("x-forwarded-for", MARK.to_owned()),
        ("x-request-id", MARK.to_owned()),
        ("x-policy-version", MARK.to_owned()),
        ("x-twinlock-nonce", MARK.to_owned()),
        ("accept", MARK.to_owned()),
        ("accept-encoding", MARK.to_owned()),
        ("content-encoding", "gzip".to_owned()),
        ("content-length", MARK.to_owned()),
        ("range", "bytes=-1".to_owned()),
        ("expect", MARK.to_owned()),
        ("origin", format!("https://{}", "a".repeat(10_000))),
        ("cookie", many),
        ("x-http-method-override", "DELETE".to_owned()),
        ("content-digest", MARK.to_owned()),
        ("if-none-match", "*".to_owned()),
    ];
    for route in &siege.routes {
        let target = route.target(&siege.portal.world);
        for (who, caller) in &siege.cast {
            // Somebody's own request may change something; here only what reads is asked for.
            if caller.is_somebody() && route.method != "GET" {
                continue;
            }
            for query in queries {
                let target = format!("{target}{query}");
                let answer = caller.send(&siege.portal.door, &route.method, &target, Vec::new()).await;
                assert_unharmed(&format!("{who}, {} {query}", route.name()), &answer);
            }
            for header in &headers {
                let mut all = caller.headers(&siege.portal.door, &route.method, &target, &[]).await;
                all.push((header.0.to_owned(), header.1.clone()));
                let answer = siege.portal.door.send(&route.method, &target, &all, Vec::new()).await;
                assert_unharmed(&format!("{who}, {}, {}", route.name(), header.0), &answer);
            }
        }
    }
    siege.lift(&without_downloads(&siege.portal, start)).await;
}

/// Whoever may read a file leaves a trace of it, also with a strange header; that trace is no harm.
fn without_downloads(portal: &Portal, before: Vec<String>) -> Vec<String> {
    assert!(portal.world.audited("file.downloaded") > 0);
    portal.world.sql("DELETE FROM audit_entry WHERE json_extract(entry, '$.action') = 'file.downloaded'");
    before
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cookie_of_ones_own_opens_anything() {
    let siege = Siege::lay().await;
    let start = everything(&siege.portal.world);
    let organisation = &siege.portal.world.organisation;
    let cookies = [
        String::new(),
        "_".to_owned(),
        MARK.replace(['"', '\''], ""),
        format!("{organisation}_"),
        format!("{organisation}_{}", "A".repeat(43)),
        format!("{organisation}_{}", "A".repeat(8_000)),
        format!("_{organisation}"),
        "%00".to_owned(),
        "\u{202e}é".to_owned(),
        "a; __Host-session=b".to_owned(),
        "\"quoted\"".to_owned(),
        "' OR '1'='1".to_owned(),
    ];
    for route in siege.routes.iter().filter(|route| route.path != "/v1/nonce") {
        for cookie in &cookies {
            let headers: phone::Headers = vec![
                ("cookie".to_owned(), format!("__Host-session={cookie}")),
                ("content-type".to_owned(), "application/json".to_owned()),
            ];
            let body = route.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
            let target = route.target(&siege.portal.world);
            let answer = siege.portal.door.send(&route.method, &target, &headers, body).await;
            assert_refused(&format!("{}, cookie {cookie:.40}", route.name()), &answer);
            let expected = match route.path.as_str() {
                "/v1/sessions" if route.method == "POST" => "TL-4010",
                "/v1/introspection" => "TL-4010",
                path if path.starts_with("/v1/forward-auth") => "TL-3006",
                _ => "TL-3005",
            };
            assert_eq!(answer.code(), expected, "{}, cookie {cookie:.40}", route.name());
        }
    }
    siege.lift(&start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f61_no_route_takes_a_forged_signature() {
    let siege = Siege::lay().await;
    let start = everything(&siege.portal.world);
    let mut asked = 0;
    // A back end and a proxy do not sign: to them a signature is what they ask about.
    let signs = |path: &str| path != "/v1/introspection" && !path.starts_with("/v1/forward-auth");
    for route in siege.routes.iter().filter(|route| signs(&route.path)) {
        let target = route.target(&siege.portal.world);
        let body = route.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
        for (who, caller) in &siege.cast {
            let Caller::Signed(phone, by) = caller else { continue };
            for (name, change) in forgery::changes(*by) {
                let headers = phone.prepare(*by, &route.method, &target, &body).await;
                let answer = siege.portal.door.send(&route.method, &target, &change(&headers), body.clone()).await;
                let case = format!("{who}, {}, {name}", route.name());
                assert_refused(&case, &answer);
                assert_eq!(answer.code(), forgery::code(name), "{case}");
                asked += 1;
            }
        }
    }
    assert!(asked > 3_000, "{asked}");
    siege.lift(&start).await;
}
