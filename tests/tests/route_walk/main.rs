//! Every declared route for everybody: what comes out is compared with a table that was written down a second time, by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod cast;

use cast::*;
use std::fmt::Write;
use support::*;
use twinlock_portal::access::{Access, Audience, Declared};

const SESSION_ENDED: &str = "TL-3005";
const STEP_REQUIRED: &str = "TL-3001";
const FORBIDDEN: &str = "TL-3006";
const DEVICE_REVOKED: &str = "TL-5007";
const SIGNATURE_REFUSED: &str = "TL-4010";
const BAD_REQUEST: &str = "TL-4007";
/// An id that nobody has.
const UNKNOWN: &str = "0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn b05_whoever_is_not_meant_is_refused_by_every_route_and_changes_nothing() {
    let walk = Walk::prepare().await;
    let (before, mut combinations, mut report) = (walk.written(), 0, String::new());
    for route in &walk.routes {
        for (who, sender) in &walk.cast {
            let is_page_for_a_program = route.audience == Audience::People && sender.signs();
            if lets_in(route.access, *who) && !is_page_for_a_program {
                continue;
            }
            let case = format!("{who:?} at {} {} ({:?})", route.method, route.path, route.access);
            let (target, body) = (walk.victims.target(&route.path), walk.victims.body(route));
            let answer = sender.send(&walk.portal.door, route, &target, &body).await;
            let status = answer.status.as_u16();
            walk.assert_tells_nothing(&case, &answer);
            if route.audience == Audience::Programs {
                let expected = refused(route.access, *who);
                assert_eq!((status, answer.code().as_str()), expected, "{case}: {}", answer.text());
            } else {
                match led(route.access, *who) {
                    Ok(page) => {
                        assert_eq!(status, 303, "{case}: {}", answer.text());
                        let next = answer.header("location").strip_prefix(page);
                        assert!(
                            next.is_some_and(|rest| rest.is_empty() || rest.starts_with("?next=%2F")),
                            "{case}: {:?}",
                            answer.headers
                        );
                    }
                    Err(code) => {
                        assert!(status == 400 || status == 403, "{case}: {status}");
                        assert!(answer.text().contains(code), "{case}: {}", answer.text());
                    }
                }
            }
            let after = walk.written();
            let changed: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
            assert!(before == after, "{case} changed {changed:#?}");
            combinations += 1;
            writeln!(report, "{case}: {status} {}", answer.code()).unwrap();
        }
    }
    println!(
        "{combinations} combinations of {} routes and {} callers were refused",
        walk.routes.len(),
        walk.cast.len()
    );
    assert!(combinations > 400, "{report}");
}

/// What ends the caller's own session comes last.
fn ends_the_session(route: &Declared) -> bool {
    ["/sign-out", "/v1/sessions/self"].contains(&route.path.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_whoever_is_meant_gets_past_the_guard() {
    let walk = Walk::prepare().await;
    let mut routes: Vec<&Declared> = walk.routes.iter().collect();
    routes.sort_by_key(|route| ends_the_session(route));
    let mut combinations = 0;
    for route in routes {
        for (who, sender) in &walk.cast {
            if !lets_in(route.access, *who) || (route.audience == Audience::People && sender.signs()) {
                continue;
            }
            let case = format!("{who:?} at {} {} ({:?})", route.method, route.path, route.access);
            // Ids of nobody: what is admitted here is not meant to succeed.
            let target = route.path.split('/').map(|part| if part.starts_with('{') { UNKNOWN } else { part });
            let target = target.collect::<Vec<_>>().join("/");
            let answer = sender.send(&walk.portal.door, route, &target, "{}").await;
            let status = answer.status.as_u16();
            assert!(status < 500, "{case}: {status} {}", answer.text());
            // The guard's refusals name the step, a handler's do not.
            let is_guards = status >= 400 && !answer.value()["step"].is_null();
            assert!(!is_guards, "{case}: {}", answer.text());
            let is_led = status == 303
                && !ends_the_session(route)
                && led_to_step(*who).is_some_and(|page| answer.header("location").starts_with(page));
            assert!(!is_led, "{case}: {}", answer.header("location"));
            assert!(!answer.text().contains(FORBIDDEN), "{case}: {}", answer.text());
            combinations += 1;
        }
    }
    println!("{combinations} combinations were admitted");
    assert!(combinations > 200, "{combinations}");
}

fn led_to_step(who: Who) -> Option<&'static str> {
    match who {
        Stranger | Ended => Some("/sign-in"),
        Unset | Recovering => Some("/set-up"),
        Uncoded => Some("/code"),
        _ => None,
    }
}

/// The guard lets the other organisation's people in; what they name is not theirs.
#[tokio::test(flavor = "multi_thread")]
async fn another_organisations_ids_lead_nowhere() {
    let walk = Walk::prepare().await;
    let (before, mut combinations) = (walk.written(), 0);
    for route in walk.routes.iter().filter(|route| !ends_the_session(route) && route.access != Access::Public) {
        for (who, sender) in walk.cast.iter().filter(|(who, _)| matches!(who, Foreigner | ForeignAdmin)) {
            if !lets_in(route.access, *who) {
                continue;
            }
            let case = format!("{who:?} at {} {}", route.method, route.path);
            let (target, body) = (walk.victims.target(&route.path), walk.victims.body(route));
            let has_id = target != route.path;
            // Without an id it is the caller's own organisation that is changed; here only what is read is of interest.
            if !has_id && route.method != "GET" {
                continue;
            }
            let answer = sender.send(&walk.portal.door, route, &target, &body).await;
            let status = answer.status.as_u16();
            walk.assert_tells_nothing(&case, &answer);
            assert!(!has_id || (400..500).contains(&status), "{case}: {status} {}", answer.text());
            let after = walk.written();
            let changed: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
            assert!(before == after, "{case} changed {changed:#?}");
            combinations += 1;
        }
    }
    println!("{combinations} combinations with the other organisation's ids");
    assert!(combinations > 25, "{combinations}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_served_that_was_not_declared() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let routes = twinlock_portal::app::declared(&portal.state).unwrap();
    let named = |method: &str, path: &str| {
        let found = routes.iter().find(|route| route.method == method && route.path == path);
        found.unwrap_or_else(|| panic!("{method} {path} is not declared")).access
    };
    assert_eq!(named("GET", "/v1/openapi.json"), Access::Public);
    assert_eq!(named("GET", "/assets/style.css"), Access::Public);
    let public: Vec<_> =
        routes.iter().filter(|route| route.access == Access::Public).map(|route| route.path.as_str()).collect();
    let mut expected = vec![
        "/v1/nonce",
        "/v1/openapi.json",
        "/v1/sessions",
        "/assets/style.css",
        "/assets/icon.svg",
        "/assets/portal.js",
        "/assets/portal-devices.js",
        "/sign-in",
        "/sign-in",
        "/auth/start",
        "/auth/landing",
        "/not-me/{token}",
        "/not-me/{token}",
        "/confirm-set-up/{token}",
        "/confirm-set-up/{token}",
        "/first-run/{token}",
        "/first-run/{token}",
        "/invitation",
        "/invitation",
        "/sign-in/sso",
        "/sign-in/sso/callback",
        "/sign-in/sso/{organisation}",
        "/language",
        "/appearance",
    ];
    let mut found = public.clone();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected, "who else may be public is decided here");
    let methods = ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "FROB"];
    let elsewhere =
        ["/healthz", "/readyz", "/metrics", "/v1", "/v1/", "/v1/nowhere", "/admin/nowhere", "/assets/", "/files/"];
    for path in elsewhere.into_iter().chain(routes.iter().map(|route| route.path.as_str())) {
        for method in methods {
            if routes.iter().any(|route| route.method == method && matches(&route.path, path)) {
                continue;
            }
            let headers = [
                ("cookie".to_owned(), format!("__Host-session={}", ada.cookie.as_ref().unwrap())),
                ("sec-fetch-site".to_owned(), "same-origin".to_owned()),
            ];
            let answer = portal.door.send(method, &path.replace(['{', '}'], ""), &headers, Vec::new()).await;
            let status = answer.status.as_u16();
            // A declared path with another method meets its guard first.
            let is_elsewhere = !routes.iter().any(|route| matches(&route.path, path));
            assert!(status == 404 || (!is_elsewhere && status >= 300), "{method} {path}: {status} {}", answer.text());
        }
    }
    ada.get("/files").await.expect(200);
}

/// Whether a declared path takes another one.
fn matches(declared: &str, path: &str) -> bool {
    let (left, right): (Vec<_>, Vec<_>) = (declared.split('/').collect(), path.split('/').collect());
    left.len() == right.len() && left.iter().zip(&right).all(|(a, b)| a.starts_with('{') || a == b)
}

/// No route comes into the portal but with its access: in the source, every call of `route` names one.
#[test]
fn every_route_names_its_access() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/src");
    let mut named = 0;
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // The collectors themselves, and the operator's probes on their own listener.
            if ["access.rs", "health.rs"].iter().any(|own| path.ends_with(own)) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for call in text.split(".route(").skip(1) {
                let argument = call.trim_start().trim_start_matches("crate::access::");
                assert!(argument.starts_with("Access::"), "{}: .route({}", path.display(), &call[..40.min(call.len())]);
                named += 1;
            }
            for other in [".route_service(", ".nest(", ".nest_service(", ".fallback_service("] {
                assert!(!text.contains(other), "{}: {other}", path.display());
            }
        }
    }
    assert!(named > 40, "{named}");
}
