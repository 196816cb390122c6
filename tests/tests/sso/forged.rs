//! Tokens that are wrong in one point each, and a provider that does not behave.

use crate::hostile_provider::{Forge, Key, Signer, asked, token};
use crate::provider::{CLIENT_ID, CLIENT_SECRET};
use crate::support::*;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};

const HOUR: u64 = 3_600;

/// An honest token with some claims replaced; `null` takes one away.
fn with(change: Value) -> impl FnOnce(&Forge, Value, Value) -> String {
    move |forge, header, mut claims| {
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        token(&header, &claims, &Signer::Key(&forge.key))
    }
}

async fn assert_refused(forge: &Forge, what: &str, forged: impl FnOnce(&Forge, Value, Value) -> String) {
    let (before, refused) = (forge.sessions(), forge.portal.world.audited("sso.refused"));
    let answer = forge.sign_in(forged).await;
    let text = answer.expect(403).text();
    assert!(text.contains("did not confirm you"), "{what}: {text}");
    assert!(answer.headers.get("set-cookie").is_none(), "{what}");
    assert_eq!(forge.sessions(), before, "{what}");
    assert_eq!(forge.portal.world.audited("sso.refused"), refused + 1, "{what}");
}

async fn assert_accepted(forge: &Forge, what: &str, made: impl FnOnce(&Forge, Value, Value) -> String) {
    let before: u32 = forge.sessions().parse().unwrap();
    let answer = forge.sign_in(made).await;
    assert_eq!(answer.status, 303, "{what}: {}", answer.text());
    assert_eq!(forge.sessions(), (before + 1).to_string(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_provider_did_not_sign_opens_nothing() {
    let forge = Forge::start().await;
    assert_accepted(&forge, "an honest token", with(json!({}))).await;
    let foreign = Key::generate(&forge.key.kid);
    assert_refused(&forge, "another key under the same name", |_, header, claims| {
        token(&header, &claims, &Signer::Key(&foreign))
    })
    .await;
    for alg in ["none", "None", "NONE", ""] {
        assert_refused(&forge, alg, |_, mut header, claims| {
            header["alg"] = json!(alg);
            token(&header, &claims, &Signer::Nobody)
        })
        .await;
    }
    let public = forge.key.public();
    let point = [public["x"].as_str().unwrap(), public["y"].as_str().unwrap()].concat().into_bytes();
    for (what, key) in [
        ("the client secret as a key", CLIENT_SECRET.as_bytes().to_vec()),
        ("the public key as a secret one", point),
        ("no key", Vec::new()),
    ] {
        for kid in [json!(forge.key.kid), Value::Null] {
            assert_refused(&forge, what, |_, mut header, claims| {
                header["alg"] = json!("HS256");
                header["kid"] = kid;
                token(&header, &claims, &Signer::Mac(key.clone()))
            })
            .await;
        }
    }
    assert_refused(&forge, "claims of another token under its signature", |forge, header, mut claims| {
        let honest = token(&header, &claims, &Signer::Key(&forge.key));
        claims["sub"] = json!("somebody-else");
        let changed = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
        let parts: Vec<&str> = honest.split('.').collect();
        [parts[0], &changed, parts[2]].join(".")
    })
    .await;
    assert_refused(&forge, "no signature", |forge, header, claims| {
        let honest = token(&header, &claims, &Signer::Key(&forge.key));
        honest[..=honest.rfind('.').unwrap()].to_owned()
    })
    .await;
    assert_refused(&forge, "nothing that is a token", |_, _, _| "x".to_owned()).await;
    assert_accepted(&forge, "an honest token still", with(json!({}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_made_for_another_sign_in_opens_nothing() {
    let forge = Forge::start().await;
    for (what, change) in [
        ("another audience", json!({ "aud": "somebody-else" })),
        ("one audience too many", json!({ "aud": [CLIENT_ID, "somebody-else"] })),
        ("no audience", json!({ "aud": [] })),
        ("another authorised party", json!({ "azp": "somebody-else" })),
        ("another issuer", json!({ "iss": "https://evil.example" })),
        ("nearly the issuer", json!({ "iss": format!("{}/", forge.issuer) })),
        ("another nonce", json!({ "nonce": "n" })),
        ("no nonce", json!({ "nonce": null })),
        ("no subject", json!({ "sub": null })),
        ("an empty subject", json!({ "sub": "" })),
        ("a subject that is longer than any", json!({ "sub": "s".repeat(256) })),
    ] {
        assert_refused(&forge, what, with(change)).await;
    }
    assert_accepted(&forge, "it names us twice", with(json!({ "aud": [CLIENT_ID], "azp": CLIENT_ID }))).await;
    // A token of this very provider for this very member, from a sign-in before.
    let (mut first, url) = forge.leave().await;
    let kept = token(&forge.header(), &forge.claims(&url), &Signer::Key(&forge.key));
    forge.hand_out(&kept);
    forge.come_back(&mut first, &url).await.expect(303);
    assert_refused(&forge, "a token that was kept", |_, _, _| kept).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_time_opens_nothing() {
    let forge = Forge::start().await;
    let now = forge.portal.clock.now_ms() / 1_000;
    for (what, change) in [
        ("expired now", json!({ "exp": now })),
        ("expired an hour ago", json!({ "exp": now - HOUR })),
        ("no end", json!({ "exp": null })),
        ("issued in the future", json!({ "iat": now + 62 })),
        ("issued an hour ago", json!({ "iat": now - HOUR })),
        ("no time of issue", json!({ "iat": null })),
        ("authenticated longer ago than a session may be", json!({ "auth_time": now - 12 * HOUR - 62 })),
        ("authenticated in the future", json!({ "auth_time": now + 62 })),
        ("not said when authenticated", json!({ "auth_time": null })),
    ] {
        assert_refused(&forge, what, with(change)).await;
    }
    for (what, change) in [
        ("one second left", json!({ "exp": now + 1 })),
        ("a clock that is a little ahead", json!({ "iat": now + 58 })),
        ("authenticated half a day ago", json!({ "auth_time": now - 12 * HOUR + 2 })),
    ] {
        assert_accepted(&forge, what, with(change)).await;
    }
    // The limit is the policy's of this moment.
    let mut ada = forge.portal.browser();
    ada.sign_in(ADA).await;
    ada.change_policy(json!({ "session_ms": HOUR_MS }), "").await.expect(200);
    assert_refused(&forge, "older than the policy's session", with(json!({ "auth_time": now - HOUR - 62 }))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_an_assertion_of_another_kind_counts_nothing() {
    let forge = Forge::start().await;
    let mut ada = forge.portal.enforced().await;
    for amr in [json!(null), json!([]), json!(["pwd"]), json!(["MFA"]), json!([""]), json!("mfa"), json!([["mfa"]])] {
        let (mut tab, url) = forge.leave().await;
        let mut claims = forge.claims(&url);
        claims["amr"] = amr.clone();
        forge.hand_out(&token(&forge.header(), &claims, &Signer::Key(&forge.key)));
        let answer = forge.come_back(&mut tab, &url).await;
        // What is no list of texts is no ID token (Core §2), and nobody is let in on it.
        let is_list = amr.is_null() || amr.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        assert_eq!(answer.status, if is_list { 303 } else { 403 }, "{amr}");
        let mut browser = tab.browser();
        assert_ne!(browser.step().await, "ready", "{amr}");
    }
    let list: Value = ada.get("/v1/admin/members").await.json();
    let bo = list["members"].as_array().unwrap().iter().find(|member| member["email"] == BO).unwrap().clone();
    assert_eq!(bo["two_step"], "sso_without_mfa");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_are_asked_for_once_a_minute_and_no_more() {
    let mut forge = Forge::start().await;
    assert_accepted(&forge, "the first key", with(json!({}))).await;
    let asked = |forge: &Forge| forge.said.lock().unwrap().keys_asked;
    assert_eq!(asked(&forge), 1);
    let unknown = Key::generate("nobody's");
    for _ in 0..5 {
        assert_refused(&forge, "a key that the provider does not have", |_, mut header, claims| {
            header["kid"] = json!("nobody's");
            token(&header, &claims, &Signer::Key(&unknown))
        })
        .await;
    }
    assert_eq!(asked(&forge), 2, "strangers cannot make the portal ask all the time");
    // New keys at the provider: found as soon as the minute is over.
    forge.key = Key::generate("key-2");
    forge.said.lock().unwrap().keys = json!({ "keys": [forge.key.public()] });
    assert_refused(&forge, "within the minute", with(json!({}))).await;
    forge.portal.clock.pass(MINUTE_MS);
    assert_accepted(&forge, "after the minute", with(json!({}))).await;
    assert_accepted(&forge, "and it is kept", with(json!({}))).await;
    assert_eq!((asked(&forge), forge.said.lock().unwrap().discovered), (3, 1));
    forge.portal.clock.pass(HOUR_MS);
    assert_accepted(&forge, "an hour later", with(json!({}))).await;
    assert_eq!(forge.said.lock().unwrap().discovered, 2, "what a provider says of itself is kept for an hour");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_names_another_issuer_is_never_exchanged() {
    let forge = Forge::start().await;
    let exchanges = || forge.said.lock().unwrap().exchanges.len();
    let come_back = async |iss: &str| {
        let (mut tab, url) = forge.leave().await;
        forge.hand_out(&token(&forge.header(), &forge.claims(&url), &Signer::Key(&forge.key)));
        let state = asked(&url, "state");
        tab.open(&format!("/sign-in/sso/callback?code=c0de&state={state}{iss}")).await
    };
    for iss in ["https://evil.example", "", &format!("{}/", forge.issuer)] {
        come_back(&format!("&iss={iss}")).await.expect(403);
    }
    assert_eq!(exchanges(), 0);
    come_back(&format!("&iss={}", forge.issuer)).await.expect(303);
    come_back("").await.expect(303);
    // A provider that says that it always names itself has to (RFC 9207 §2.4).
    forge.said.lock().unwrap().metadata["authorization_response_iss_parameter_supported"] = json!(true);
    forge.portal.clock.pass(HOUR_MS);
    come_back("").await.expect(403);
    assert_eq!(exchanges(), 2);
    come_back(&format!("&iss={}", forge.issuer)).await.expect(303);
    assert!(forge.portal.world.audit_details("sso.refused").iter().all(|detail| detail["reason"] == "other_issuer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_goes_to_the_provider_with_its_proof_and_the_secret_in_a_header() {
    let forge = Forge::start().await;
    let (mut tab, url) = forge.leave().await;
    assert!(!url.as_str().contains("client_secret"), "{url}");
    assert_eq!(asked(&url, "redirect_uri"), "https://portal.test/sign-in/sso/callback");
    forge.hand_out(&token(&forge.header(), &forge.claims(&url), &Signer::Key(&forge.key)));
    forge.come_back(&mut tab, &url).await.expect(303);
    let (authorization, body) = forge.said.lock().unwrap().exchanges[0].clone();
    let field =
        |name: &str| body.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap().to_owned();
    let verifier = field("code_verifier");
    let challenge = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
    assert_eq!(BASE64URL_NOPAD.encode(challenge.as_ref()), asked(&url, "code_challenge"));
    assert_eq!(field("code"), "c0de");
    let basic = BASE64.decode(authorization.strip_prefix("Basic ").unwrap().as_bytes()).unwrap();
    let basic = String::from_utf8(basic).unwrap();
    // RFC 6749 §2.3.1: both halves are encoded as in a form first.
    assert_eq!(basic, format!("{CLIENT_ID}:a+client+secret%2Bthat%2Fmust%3Anot%3Dleak"));
    assert!(!body.contains("client_secret"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_misbehaves_opens_nothing_and_leads_nowhere() {
    let forge = Forge::start().await;
    let come_back = async |status: u16, body: String, location: &str| {
        let (mut tab, url) = forge.leave().await;
        forge.said.lock().unwrap().answer = (status, body, location.to_owned());
        forge.come_back(&mut tab, &url).await
    };
    let error = json!({ "error": "invalid_grant", "error_description": "<script>alert(1)</script>" }).to_string();
    let text = come_back(400, error, "").await.expect(403).text();
    assert!(!text.contains("alert(1)") && !text.contains("invalid_grant"), "{text}");
    come_back(200, json!({ "access_token": "a", "token_type": "Bearer" }).to_string(), "").await.expect(403);
    come_back(200, "<html>".to_owned(), "").await.expect(403);
    come_back(200, String::new(), "").await.expect(403);
    let before = forge.said.lock().unwrap().exchanges.len();
    come_back(307, String::new(), &format!("{}/token", forge.issuer)).await.expect(403);
    assert_eq!(forge.said.lock().unwrap().exchanges.len(), before + 1, "a redirect is not followed");
    let huge = json!({ "access_token": "a".repeat(1 << 20), "token_type": "Bearer" }).to_string();
    come_back(200, huge, "").await.expect(503);
    assert_eq!(forge.sessions(), "0");
    // What it says of itself has to be its own, and https.
    let entrance = format!("/sign-in/sso/{}", forge.portal.world.organisation);
    let honest = forge.said.lock().unwrap().metadata.clone();
    for (name, value) in [
        ("issuer", json!("https://evil.example")),
        ("authorization_endpoint", json!("http://localhost/authorize")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("jwks_uri", json!(format!("{}/keys", forge.plain))),
        ("jwks_uri", json!(null)),
    ] {
        forge.said.lock().unwrap().metadata = honest.clone();
        forge.said.lock().unwrap().metadata[name] = value.clone();
        forge.portal.clock.pass(HOUR_MS);
        let answer = forge.portal.door.get(&entrance).await;
        assert_eq!(answer.status, 503, "{name} {value}: {}", answer.header("location"));
    }
    // Neither code nor secret goes out in the clear.
    forge.said.lock().unwrap().metadata = honest.clone();
    forge.said.lock().unwrap().metadata["token_endpoint"] = json!(format!("{}/token", forge.plain));
    forge.portal.clock.pass(HOUR_MS);
    let before = forge.said.lock().unwrap().exchanges.len();
    let (mut tab, url) = forge.leave().await;
    forge.hand_out(&token(&forge.header(), &forge.claims(&url), &Signer::Key(&forge.key)));
    forge.come_back(&mut tab, &url).await.expect(503);
    assert_eq!(forge.said.lock().unwrap().exchanges.len(), before);
    forge.said.lock().unwrap().metadata = honest;
    forge.portal.clock.pass(HOUR_MS);
    assert_accepted(&forge, "an honest provider again", with(json!({}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_comes_back_after_ten_minutes_is_over() {
    let forge = Forge::start().await;
    let late = async |ms: u64| {
        let (mut tab, url) = forge.leave().await;
        forge.portal.clock.pass(ms);
        forge.hand_out(&token(&forge.header(), &forge.claims(&url), &Signer::Key(&forge.key)));
        forge.come_back(&mut tab, &url).await
    };
    late(10 * MINUTE_MS - 1).await.expect(303);
    late(10 * MINUTE_MS).await.expect(403);
    forge.portal.state.sweep().await.unwrap();
    assert_eq!(forge.portal.world.sql("SELECT count(*) FROM sso_attempt"), "0", "what never came back is forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_counts_is_what_holds_when_the_session_opens() {
    let forge = Forge::start().await;
    let (mut tab, url) = forge.leave().await;
    forge.hand_out(&token(&forge.header(), &forge.claims(&url), &Signer::Key(&forge.key)));
    let world = &forge.portal.world;
    let secret = world.folder.path().join("client-secret");
    let arguments = ["admin", "sso", "set", &world.organisation, "--issuer", &forge.issuer, "--client-id", CLIENT_ID];
    let rest = ["--client-secret-file", secret.to_str().unwrap(), "--mfa-amr", "hwk"];
    let command = world.command(&[&arguments[..], &rest[..]].concat());
    let meanwhile = move || assert!(program::run(command, "").status.success());
    forge.said.lock().unwrap().meanwhile = Some(Box::new(meanwhile));
    forge.come_back(&mut tab, &url).await.expect(403);
    assert_eq!(forge.sessions(), "0");
    assert_eq!(forge.portal.world.audit_details("sso.refused"), [json!({ "reason": "settings_changed" })]);
}
