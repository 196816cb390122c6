//! The signed policy on a phone that lags behind, is lied to, or hears nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use handset::{Handset, PIN, Scene};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use support::*;
use twinlock_core::Error;
use twinlock_core::engine::{Engine, EngineConfig, Ports};
use twinlock_core::error::PolicyFault;
use twinlock_core::policy::{Handover, PolicyDocument, Rules, Signed, Statement, sha256_hex};
use twinlock_core::step::{BlockedReason, Step};
use twinlock_core::testing::{Fate, answer};
use twinlock_core::wire::PolicyPack;

const PACK: &str = "/v1/devices/self/policy";
const UPDATE_APP: Step = Step::Blocked { reason: BlockedReason::UpdateApp };

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn read<T: serde::de::DeserializeOwned>(signed: &Signed) -> T {
    serde_json::from_slice(&BASE64.decode(signed.payload.as_bytes()).unwrap()).unwrap()
}

/// The organisation's own key, as the portal has it.
fn policy_key(portal: &Portal) -> Ed25519KeyPair {
    let place = format!("twinlock/policy-key/v1\0{}", portal.world.organisation);
    let sealed =
        HEXLOWER_PERMISSIVE.decode(portal.world.sql("SELECT hex(policy_key_sealed) FROM organisation").as_bytes());
    let seed = portal.state.key_wrap.open(1, &sealed.unwrap(), place.as_bytes()).unwrap();
    Ed25519KeyPair::from_seed_unchecked(seed.expose()).unwrap()
}

/// What a portal could send: the present document and statement, to be changed and signed.
struct Forge {
    key: Ed25519KeyPair,
    document: PolicyDocument,
    statement: Statement,
}

impl Forge {
    fn of(scene: &Scene, handset: &Handset) -> Self {
        let stored = scene
            .portal
            .world
            .sql("SELECT payload || ' ' || signature FROM policy_version ORDER BY version DESC LIMIT 1");
        let (payload, signature) = stored.split_once(' ').unwrap();
        let signed = Signed { payload: payload.to_owned(), signature: signature.to_owned() };
        let document: PolicyDocument = read(&signed);
        let now_ms = scene.portal.clock.now_ms();
        let statement = Statement {
            organisation: document.organisation.clone(),
            version: document.version,
            hash: sha256_hex(&BASE64.decode(payload.as_bytes()).unwrap()),
            member: handset.account()["member"].as_str().unwrap().to_owned(),
            required_from_ms: 0,
            issued_ms: now_ms,
            expires_ms: now_ms + Statement::VALID_MS,
        };
        Self { key: policy_key(&scene.portal), document, statement }
    }

    /// Signs `document`, and a statement that it is the latest.
    fn pack(&self, document: &PolicyDocument) -> PolicyPack {
        let document_signed = document.sign(&self.key).unwrap();
        let hash = sha256_hex(&BASE64.decode(document_signed.payload.as_bytes()).unwrap());
        let statement = Statement { version: document.version, hash, ..self.statement.clone() };
        PolicyPack { document: document_signed, statement: statement.sign(&self.key).unwrap(), handovers: Vec::new() }
    }

    fn next(&self) -> PolicyDocument {
        let version = self.document.version + 1;
        PolicyDocument { version, previous: self.statement.hash.clone(), ..self.document.clone() }
    }
}

/// Signs JSON that no type of ours writes.
fn sign_value(document: &Value, key: &Ed25519KeyPair) -> Signed {
    let payload = serde_json::to_vec(document).unwrap();
    let kind = "application/vnd.twinlock.policy.v1+json";
    let mut encoded = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    encoded.extend_from_slice(&payload);
    Signed { payload: BASE64.encode(&payload), signature: BASE64.encode(key.sign(&encoded).as_ref()) }
}

/// The portal's next answer about the policy is this one, and the phone asks.
async fn told(scene: &Scene, handset: &Handset, pack: &impl serde::Serialize) -> twinlock_core::Result<Step> {
    scene.pass(13 * HOUR_MS);
    handset.transport.expect(PACK, Fate::Answer(answer(200, &serde_json::to_vec(pack).unwrap())));
    let asked = handset.engine.refresh().await;
    assert!(handset.transport.is_done(), "the phone did not ask for the policy");
    asked
}

/// From now on nothing arrives.
fn cut_off(handset: &Handset) {
    (0..200).for_each(|_| handset.transport.expect("", Fate::Drop));
}

#[tokio::test(flavor = "multi_thread")]
async fn f66_what_is_not_the_organisations_latest_policy_leaves_the_strict_profile_in_force() {
    let mut scene = Scene::start().await;
    let handset = scene.ready().await;
    let (rules, seen) = (handset.account()["rules"].clone(), handset.account()["seen"].clone());
    type Make = fn(&Forge) -> PolicyPack;
    let cases: [(&str, PolicyFault, Make); 17] = [
        ("an older version", PolicyFault::Rollback, |f| {
            f.pack(&PolicyDocument { version: f.document.version - 1, ..f.document.clone() })
        }),
        ("not yet valid", PolicyFault::NotYetValid, |f| {
            let not_before_ms = f.statement.issued_ms + 60 * HOUR_MS;
            f.pack(&PolicyDocument { not_before_ms, ..f.next() })
        }),
        ("another organisation", PolicyFault::Organisation, |f| {
            f.pack(&PolicyDocument { organisation: "another".to_owned(), ..f.next() })
        }),
        ("another predecessor", PolicyFault::Predecessor, |f| {
            f.pack(&PolicyDocument { previous: "0".repeat(64), ..f.next() })
        }),
        ("rules out of range", PolicyFault::Unreadable, |f| {
            f.pack(&PolicyDocument { requires: Rules { pin_min_length: 4, ..f.document.requires.clone() }, ..f.next() })
        }),
        ("a foreign key", PolicyFault::Signature, |f| PolicyPack {
            document: f.next().sign(&key(7)).unwrap(),
            ..f.pack(&f.next())
        }),
        ("a hand-over that the old key did not sign", PolicyFault::Signature, |f| {
            let (own, other) = (BASE64.encode(f.key.public_key().as_ref()), key(7));
            let organisation = f.document.organisation.clone();
            let to = BASE64.encode(other.public_key().as_ref());
            let note = Handover { organisation, from: own, to, issued_ms: 1 }.sign(&other).unwrap();
            let forged = Forge { key: other, document: f.document.clone(), statement: f.statement.clone() };
            PolicyPack { handovers: vec![note], ..forged.pack(&f.next()) }
        }),
        ("a truncated document", PolicyFault::Signature, |f| {
            let mut pack = f.pack(&f.next());
            pack.document.payload.truncate(40);
            pack
        }),
        ("a document that is no base64", PolicyFault::Unreadable, |f| {
            let mut pack = f.pack(&f.next());
            pack.document.payload.truncate(41);
            pack
        }),
        ("a document of 1 MB", PolicyFault::Unreadable, |f| {
            f.pack(&PolicyDocument { previous: "0".repeat(1 << 20), ..f.next() })
        }),
        ("a note of 1 MB", PolicyFault::Unreadable, |f| {
            let note = Signed { payload: "A".repeat(1 << 20), signature: String::new() };
            PolicyPack { handovers: vec![note], ..f.pack(&f.document) }
        }),
        ("version 2⁶⁴−1 with the statement about another", PolicyFault::Statement, |f| {
            let statement = f.statement.sign(&f.key).unwrap();
            PolicyPack { statement, ..f.pack(&PolicyDocument { version: u64::MAX, ..f.next() }) }
        }),
        ("a forged statement", PolicyFault::Signature, |f| PolicyPack {
            statement: f.statement.sign(&key(7)).unwrap(),
            ..f.pack(&f.document)
        }),
        ("an expired statement", PolicyFault::Statement, |f| {
            let statement = Statement { issued_ms: 1, expires_ms: f.statement.issued_ms, ..f.statement.clone() };
            PolicyPack { statement: statement.sign(&f.key).unwrap(), ..f.pack(&f.document) }
        }),
        ("a statement for more than a day", PolicyFault::Statement, |f| {
            let statement = Statement { issued_ms: f.statement.issued_ms - 1, ..f.statement.clone() };
            PolicyPack { statement: statement.sign(&f.key).unwrap(), ..f.pack(&f.document) }
        }),
        ("a statement to another member", PolicyFault::Statement, |f| {
            let statement = Statement { member: "somebody else".to_owned(), ..f.statement.clone() };
            PolicyPack { statement: statement.sign(&f.key).unwrap(), ..f.pack(&f.document) }
        }),
        ("a document in the statement's place", PolicyFault::Signature, |f| PolicyPack {
            statement: f.document.sign(&f.key).unwrap(),
            ..f.pack(&f.document)
        }),
    ];
    for (name, fault, make) in cases {
        // Thirteen hours go by before the phone hears it.
        let mut forge = Forge::of(&scene, &handset);
        forge.statement.issued_ms += 13 * HOUR_MS;
        forge.statement.expires_ms += 13 * HOUR_MS;
        assert_eq!(told(&scene, &handset, &make(&forge)).await, Err(Error::PolicyRefused(fault)), "{name}");
        let account = handset.account();
        assert_eq!(account["rules_until_ms"], 0, "{name}: nobody vouches for the rules");
        assert_eq!((&account["rules"], &account["seen"]), (&rules, &seen), "{name}: nothing is remembered of it");
        assert_eq!(handset.engine.vault_item("item"), Err(Error::Locked), "{name}: and nothing stays open");
        // A good one is believed again, without signing in.
        assert_eq!(handset.enter(PIN).await, Ok(Step::Ready), "{name}");
        assert!(handset.account()["rules_until_ms"].as_u64().unwrap() > scene.portal.clock.now_ms(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f66_two_policies_with_one_version_leave_the_stricter_of_both() {
    let mut scene = Scene::start().await;
    scene.ada.change_policy(json!({ "pin_max_tries": 5 }), "").await.expect(200);
    let handset = scene.ready().await;
    let mut forge = Forge::of(&scene, &handset);
    forge.statement.issued_ms += 13 * HOUR_MS;
    forge.statement.expires_ms += 13 * HOUR_MS;
    let requires = Rules { pin_min_length: 9, pin_max_tries: 10, ..forge.document.requires.clone() };
    let other = forge.pack(&PolicyDocument { requires, ..forge.document.clone() });
    let refused = told(&scene, &handset, &other).await;
    assert_eq!(refused, Err(Error::PolicyRefused(PolicyFault::Equivocation)));
    let account = handset.account();
    assert_eq!((&account["rules"]["pin_min_length"], &account["rules"]["pin_max_tries"]), (&json!(9), &json!(5)));
    assert_eq!(account["rules_until_ms"], 0);
    // Signed by anybody else, it is no policy at all and tightens nothing either.
    let requires = Rules { pin_min_length: 12, ..forge.document.requires.clone() };
    let foreign = PolicyDocument { requires, ..forge.document.clone() }.sign(&key(7)).unwrap();
    let refused = told(&scene, &handset, &PolicyPack { document: foreign, ..other }).await;
    assert_eq!(refused, Err(Error::PolicyRefused(PolicyFault::Signature)));
    assert_eq!(handset.account()["rules"]["pin_min_length"], 9);
    // The document that was seen first ends it.
    assert_eq!(handset.enter(PIN).await, Ok(Step::Ready));
    assert_eq!(handset.account()["rules"]["pin_min_length"], 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn f69_a_day_without_the_portal_ends_what_is_open_and_nothing_opens_without_it() {
    let mut scene = Scene::start().await;
    scene.ada.change_policy(json!({ "idle_ms": HOUR_MS }), "").await.expect(200);
    let mut handset = scene.ready().await;
    assert!(handset.is_open().await);
    let until_ms = handset.account()["rules_until_ms"].as_u64().unwrap();
    cut_off(&handset);
    // In use all the time, so that it never idles.
    while scene.portal.clock.now_ms() + 30 * MINUTE_MS < until_ms {
        scene.pass(30 * MINUTE_MS);
        assert!(handset.engine.vault_item("item").is_ok(), "the policy allows an hour");
    }
    scene.pass(until_ms - 1 - scene.portal.clock.now_ms());
    assert!(handset.engine.vault_item("item").is_ok(), "the statement's last millisecond");
    assert_eq!(handset.engine.tick(), Ok(Step::Ready));
    scene.pass(1);
    assert!(matches!(handset.engine.tick(), Ok(Step::EnterPin { .. })));
    assert_eq!(handset.engine.vault_item("item"), Err(Error::Locked));
    assert_eq!(handset.enter(PIN).await, Err(Error::Offline));
    assert_eq!(handset.engine.refresh().await, Err(Error::Offline));
    handset.restart().unwrap();
    assert!(matches!(handset.engine.step(), Step::EnterPin { .. }), "{:?}", handset.engine.step());
    assert_eq!(handset.enter(PIN).await, Err(Error::Offline));
    // At the next contact the statement is renewed and the organisation's own rules hold again.
    handset.reach(scene.portal.door.clone());
    assert_eq!(handset.enter(PIN).await, Ok(Step::Ready));
    assert!(handset.account()["rules_until_ms"].as_u64().unwrap() > until_ms);
    scene.pass(50 * MINUTE_MS);
    assert!(handset.is_open().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn b69_a_rule_that_has_to_be_known_blocks_an_old_app_and_another_does_not() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    let mut forge = Forge::of(&scene, &handset);
    forge.statement.issued_ms += 13 * HOUR_MS;
    forge.statement.expires_ms += 13 * HOUR_MS;
    let refused = told(&scene, &handset, &with_rule(&forge, true)).await;
    assert_eq!(refused, Err(Error::PolicyRefused(PolicyFault::UnknownCritical)));
    assert_eq!(handset.engine.step(), UPDATE_APP);
    assert_eq!(handset.engine.vault_item("item"), Err(Error::Locked));
    assert_eq!(handset.enter(PIN).await, Err(Error::StepRequired));
    assert_eq!(handset.restart(), Ok(UPDATE_APP));
    // A newer app looks for itself.
    let newer = Engine::new(
        EngineConfig {
            account: handset.account.clone(),
            authority: AUTHORITY.to_owned(),
            device_name: "Bo's phone".to_owned(),
            model: "Testfon 3".to_owned(),
            system: "Android 17".to_owned(),
            app_version: "2.0.0".to_owned(),
            surface: twinlock_core::policy::Surface::Phone,
        },
        Ports {
            device_key: handset.keys.clone(),
            store: handset.store.clone(),
            clock: handset.clock.clone(),
            transport: handset.transport.clone(),
        },
    );
    assert!(matches!(newer.open(), Ok(Step::EnterPin { .. })));
    // And so does this one where the policy does not ask for it any more.
    assert!(matches!(handset.engine.refresh().await, Ok(Step::EnterPin { .. })), "{:?}", handset.engine.step());
    assert_eq!(handset.enter(PIN).await, Ok(Step::Ready));

    // The same rule, not critical, in a document and an answer with more than this app knows.
    forge.statement.issued_ms += 13 * HOUR_MS;
    forge.statement.expires_ms += 13 * HOUR_MS;
    let mut pack = serde_json::to_value(with_rule(&forge, false)).unwrap();
    (pack["later"], pack["document"]["later"]) = (json!([1, 2]), json!("x"));
    let step = json!({ "step": { "kind": "enter_pin", "tries_left": 8, "later": 1 }, "later": {} });
    handset.transport.expect("/v1/devices/self", Fate::Answer(answer(200, &serde_json::to_vec(&step).unwrap())));
    assert_eq!(told(&scene, &handset, &pack).await, Ok(Step::EnterPin { tries_left: 8 }));
    assert_eq!(handset.account()["seen"]["version"], forge.document.version + 1);
}

/// The next document with a rule that this app does not know, and more of the kind.
fn with_rule(forge: &Forge, is_critical: bool) -> PolicyPack {
    let mut document = serde_json::to_value(&forge.document).unwrap();
    (document["requires"]["eye_scan"], document["later"]) = (json!(true), json!({ "more": 1 }));
    if is_critical {
        document["critical"].as_array_mut().unwrap().push(json!("eye_scan"));
    }
    let version = forge.document.version + 1;
    (document["version"], document["previous"]) = (json!(version), json!(forge.statement.hash));
    let signed = sign_value(&document, &forge.key);
    let hash = sha256_hex(&BASE64.decode(signed.payload.as_bytes()).unwrap());
    let statement = Statement { version, hash, ..forge.statement.clone() }.sign(&forge.key).unwrap();
    PolicyPack { document: signed, statement, handovers: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn b69_a_new_phone_with_an_old_app_is_told_to_update_at_sign_in() {
    let mut scene = Scene::start().await;
    let known = scene.ready().await;
    let forge = Forge::of(&scene, &known);
    let mut document = serde_json::to_value(&forge.document).unwrap();
    document["critical"].as_array_mut().unwrap().push(json!("eye_scan"));
    let pack = PolicyPack { document: sign_value(&document, &forge.key), ..forge.pack(&forge.document) };
    let handset = scene.handset();
    let signed_in = json!({ "session": "s", "organisation": forge.document.organisation, "member": forge.statement.member,
        "policy_key": data_encoding::BASE64URL_NOPAD.encode(forge.key.public_key().as_ref()), "policy": pack,
        "step": { "kind": "ready" } });
    handset.transport.expect("/v1/sessions", Fate::Answer(answer(200, &serde_json::to_vec(&signed_in).unwrap())));
    assert_eq!(handset.sign_in().await, Err(Error::PolicyRefused(PolicyFault::UnknownCritical)));
    assert_eq!(handset.engine.step(), UPDATE_APP);
    assert!(handset.engine.files().await.is_err());
}

#[test]
fn f66_trust_follows_a_chain_of_notes_and_nothing_else() {
    let public = |key: &Ed25519KeyPair| key.public_key().as_ref().to_vec();
    let note = |from: &Ed25519KeyPair, to: &Ed25519KeyPair, organisation: &str| Handover {
        organisation: organisation.to_owned(),
        from: BASE64.encode(&public(from)),
        to: BASE64.encode(&public(to)),
        issued_ms: 1,
    };
    let (a, b, c, stranger) = (key(1), key(2), key(3), key(9));
    let chain = [note(&a, &b, "o").sign(&a).unwrap(), note(&b, &c, "o").sign(&b).unwrap()];
    for pinned in [&a, &b, &c] {
        assert_eq!(Handover::follow(&chain, &public(pinned), "o"), Ok(public(&c)));
    }
    assert_eq!(
        Handover::follow(&chain, &public(&stranger), "o"),
        Ok(public(&stranger)),
        "a key that nobody names stays"
    );
    assert_eq!(Handover::follow(&[], &public(&a), "o"), Ok(public(&a)));
    // The newest first is no chain: the first note does not come from the pinned key.
    let turned = [chain[1].clone(), chain[0].clone()];
    assert_eq!(Handover::follow(&turned, &public(&a), "o"), Ok(public(&b)));
    let refused =
        |notes: &[Signed], organisation: &str| Handover::follow(notes, &public(&a), organisation).unwrap_err();
    let by_stranger = note(&a, &stranger, "o").sign(&stranger).unwrap();
    assert_eq!(refused(&[by_stranger], "o"), Error::PolicyRefused(PolicyFault::Signature));
    assert_eq!(refused(&chain, "another"), Error::PolicyRefused(PolicyFault::Organisation));
    let mut cut = chain.to_vec();
    cut[1].payload.truncate(20);
    assert_eq!(refused(&cut, "o"), Error::PolicyRefused(PolicyFault::Unreadable));
    let mut swapped = chain.to_vec();
    swapped[0].signature = chain[1].signature.clone();
    assert_eq!(refused(&swapped, "o"), Error::PolicyRefused(PolicyFault::Signature));
    // A document is no note, whoever signed it.
    let document = PolicyDocument {
        organisation: "o".to_owned(),
        version: 1,
        issued_ms: 1,
        not_before_ms: 1,
        previous: String::new(),
        requires: Rules::defaults(),
        critical: Vec::new(),
    };
    assert_eq!(refused(&[document.sign(&a).unwrap()], "o"), Error::PolicyRefused(PolicyFault::Unreadable));
    // A document that another key signs anew keeps its bytes; what the former did not sign is not signed.
    let signed = document.sign(&a).unwrap();
    let again = PolicyDocument::sign_again(&signed, &public(&a), &b).unwrap();
    assert_eq!(again.payload, signed.payload);
    PolicyDocument::accept(&again, &public(&b), "o", None, 1).unwrap();
    assert!(PolicyDocument::sign_again(&signed, &public(&stranger), &b).is_err());
}
