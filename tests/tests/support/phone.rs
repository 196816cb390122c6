//! A phone: signs every request in software, enrolls, and has a PIN-activated key.

use super::{AUTHORITY, Answer, Authenticator, Door, PASSWORD};
use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use twinlock_core::enrollment::{Transcript, commitment};
use twinlock_core::pin::{Owner, ShareSeed};
use twinlock_core::ports::{Clock, generate_bytes};
use twinlock_core::proof::{KeyId, RequestHead, RequestParts, SigningKey, Stamp, sign_request};
use twinlock_core::secret::SecretText;
use twinlock_core::wire::*;

pub type Headers = Vec<(String, String)>;

pub fn new_key() -> Arc<SigningKey> {
    Arc::new(SigningKey::generate(&SystemRandom::new()).unwrap())
}

pub fn spki(key: &SigningKey) -> Bytes {
    Bytes::from(key.public_key().unwrap().spki())
}

/// A point of the group; nobody knows of what.
pub fn element(key: &SigningKey) -> Bytes {
    let digest = ring::digest::digest(&ring::digest::SHA256, &spki(key).0);
    let seed = ShareSeed::from_bytes(digest.as_ref()).unwrap();
    let point = seed.derive_key(&Owner::new("any", "any").unwrap(), 1).unwrap().public_key();
    Bytes::from(point.as_bytes())
}

fn random() -> [u8; 32] {
    generate_bytes::<32>(&SystemRandom::new()).unwrap()
}

/// What the device shows and keeps of its enrollment.
#[derive(Clone)]
pub struct Enrollment {
    pub device: String,
    pub code: String,
}

pub struct Phone {
    pub door: Door,
    clock: Arc<dyn Clock>,
    pub policy_version: AtomicU64,
    pub organisation: String,
    pub policy_key: Vec<u8>,
    pub member: String,
    pub session: Option<(String, Arc<SigningKey>)>,
    pub device_key: Arc<SigningKey>,
    pub enrollment: Option<Enrollment>,
    pub activated: Arc<SigningKey>,
    pub authenticator: Option<Authenticator>,
    /// What the last set-up issued.
    pub recovery_codes: Vec<String>,
    pub epoch: u64,
    attempt: AtomicU64,
    /// What the device says of itself.
    pub facts: String,
    /// `phone`, or `desktop`: then a later session is claimed for the device that was enrolled.
    pub surface: &'static str,
}

/// Which key signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    Session,
    Device,
}

pub const FACTS: &str =
    r#"{"name":"Bo's phone","model":"Testfon 3","system":"Android 17","app_version":"1.0.0","key_level":"software"}"#;

impl Phone {
    pub fn new(door: Door, clock: Arc<dyn Clock>) -> Self {
        Self {
            door,
            clock,
            policy_version: AtomicU64::new(1),
            organisation: String::new(),
            policy_key: Vec::new(),
            member: String::new(),
            session: None,
            device_key: new_key(),
            enrollment: None,
            activated: new_key(),
            authenticator: None,
            recovery_codes: Vec::new(),
            epoch: 0,
            attempt: AtomicU64::new(0),
            facts: FACTS.to_owned(),
            surface: "phone",
        }
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.wall_ms().unwrap()
    }

    pub fn device_id(&self) -> String {
        self.enrollment.as_ref().unwrap().device.clone()
    }

    pub fn comparison_code(&self) -> String {
        self.enrollment.as_ref().unwrap().code.clone()
    }

    pub fn key_of(&self, by: By) -> (KeyId, Arc<SigningKey>) {
        match by {
            By::Session => {
                let (token, key) = self.session.as_ref().expect("the phone is signed in");
                (KeyId::Session(token.clone()), key.clone())
            }
            By::Device => {
                let id = KeyId::Device { organisation: self.organisation.clone(), device: self.device_id() };
                (id, self.device_key.clone())
            }
        }
    }

    /// The headers of a signed request.
    pub fn sign(
        &self,
        method: &str,
        target: &str,
        body: &[u8],
        nonce: String,
        key_id: KeyId,
        key: &SigningKey,
    ) -> Headers {
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let policy_version = self.policy_version.load(Ordering::SeqCst);
        let parts =
            RequestParts { head: RequestHead { method, authority: AUTHORITY, path, query, policy_version }, body };
        let stamp = Stamp { created_s: self.now_ms() / 1_000, nonce, key_id };
        let signed = sign_request(&parts, &stamp, |base| Ok(key.sign(base))).unwrap();
        let mut headers: Headers = signed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        headers
    }

    /// Everything of a request, ready to be sent once or twice.
    pub async fn prepare(&self, by: By, method: &str, target: &str, body: &[u8]) -> Headers {
        let nonce = if method == "GET" { BASE64URL_NOPAD.encode(&random()) } else { self.door.nonce().await };
        let (key_id, key) = self.key_of(by);
        self.sign(method, target, body, nonce, key_id, &key)
    }

    pub async fn send(&self, by: By, method: &str, target: &str, body: &impl Serialize) -> Answer {
        let body = match serde_json::to_value(body).unwrap() {
            Value::Null => Vec::new(),
            value => value.to_string().into_bytes(),
        };
        let headers = self.prepare(by, method, target, &body).await;
        self.door.send(method, target, &headers, body).await
    }

    /// Like [`send`](Self::send); takes a new policy version and asks again, as an app does.
    pub async fn call(&self, by: By, method: &str, target: &str, body: &impl Serialize) -> Answer {
        let answer = self.send(by, method, target, body).await;
        if answer.code() != "TL-3010" {
            return answer;
        }
        let pack: PolicyPack = serde_json::from_value(answer.value()["policy"].clone()).unwrap();
        self.take_policy(&pack);
        self.send(by, method, target, body).await
    }

    fn take_policy(&self, pack: &PolicyPack) {
        let payload = data_encoding::BASE64.decode(pack.document.payload.as_bytes()).unwrap();
        let document: Value = serde_json::from_slice(&payload).unwrap();
        self.policy_version.store(document["version"].as_u64().unwrap(), Ordering::SeqCst);
    }

    pub async fn get(&self, by: By, target: &str) -> Answer {
        self.call(by, "GET", target, &Value::Null).await
    }

    pub async fn post(&self, by: By, target: &str, body: &impl Serialize) -> Answer {
        self.call(by, "POST", target, body).await
    }

    pub async fn try_sign_in(&mut self, name: &str, password: &str) -> Answer {
        let key = new_key();
        let mut request = json!({
            "name": name, "password": password, "surface": self.surface, "session_key": spki(&key), "app_version": "1.0.0",
        });
        if let Some(enrolled) = self.enrollment.as_ref().filter(|_| self.surface == "desktop") {
            request["device"] = self.claim(&enrolled.device, &spki(&key).0);
        }
        self.open_session(&request, &key).await
    }

    /// The claim of a desktop to a session, signed with the device key.
    pub fn claim(&self, device: &str, session_key: &[u8]) -> Value {
        json!({ "device": device, "signature": Bytes(self.device_key.sign(&DeviceClaim::to_sign(session_key))) })
    }

    /// Sends a sign-in as it stands, signed with its session key.
    pub async fn open_session(&mut self, request: &Value, key: &Arc<SigningKey>) -> Answer {
        let body = request.to_string().into_bytes();
        let nonce = self.door.nonce().await;
        let headers = self.sign("POST", "/v1/sessions", &body, nonce, KeyId::Enclosed, key);
        let answer = self.door.send("POST", "/v1/sessions", &headers, body).await;
        if answer.status.is_success() {
            let signed_in: SignedIn = answer.json();
            self.take_policy(&signed_in.policy);
            self.organisation = signed_in.organisation;
            self.policy_key = signed_in.policy_key.0;
            self.member = signed_in.member;
            self.session = Some((signed_in.session.expose().to_owned(), key.clone()));
        }
        answer
    }

    pub async fn sign_in(&mut self, name: &str) {
        self.try_sign_in(name, PASSWORD).await.expect(200);
    }

    pub async fn step(&self) -> String {
        self.get(By::Session, "/v1/step").await.step()
    }

    pub async fn begin_set_up(&self) -> TwoStepSetUp {
        self.post(By::Session, "/v1/two-step/set-up", &Value::Null).await.json()
    }

    pub async fn confirm(&self, code: &str) -> Answer {
        self.post(By::Session, "/v1/two-step/confirm", &entry(code)).await
    }

    pub async fn verify(&self, code: &str) -> Answer {
        self.post(By::Session, "/v1/two-step/verify", &entry(code)).await
    }

    /// Sets two-step up with the present code.
    pub async fn set_up(&mut self) {
        let set_up = self.begin_set_up().await;
        let authenticator = Authenticator::from_uri(set_up.uri.expose());
        let confirmed: TwoStepConfirmed = self.confirm(&authenticator.code_at(self.now_ms())).await.json();
        self.recovery_codes = confirmed.recovery_codes.iter().map(|code| code.expose().to_owned()).collect();
        self.authenticator = Some(authenticator);
    }

    pub async fn recover(&self, code: &str) -> Answer {
        self.post(By::Session, "/v1/recovery", &RecoveryEntry { code: SecretText::new(code.to_owned()) }).await
    }

    pub fn code_now(&self) -> String {
        self.authenticator.as_ref().unwrap().code_at(self.now_ms())
    }

    pub fn wrong_code(&self, n: u64) -> String {
        self.authenticator.as_ref().unwrap().wrong_code(self.now_ms(), n)
    }

    /// Enrolls; `revealed` may differ from the key that was committed to.
    pub async fn try_enroll(&mut self, revealed: &Arc<SigningKey>) -> Answer {
        let (by, opening, committed) = (By::Session, random(), spki(&self.device_key));
        let started: EnrollmentStarted = self.post(by, "/v1/enrollments", &Value::Null).await.json();
        let target = format!("/v1/enrollments/{}", started.enrollment);
        let promise = Commitment { commitment: Bytes(commitment(&committed.0, &opening).to_vec()) };
        let taken: CommitmentTaken = self.post(by, &format!("{target}/commit"), &promise).await.json();
        let key = spki(revealed);
        let transcript = Transcript {
            organisation: &self.organisation,
            policy_key: &self.policy_key,
            member: &self.member,
            spki: &key.0,
            opening: &opening,
            first_nonce: &started.first_nonce.0,
            second_nonce: &taken.second_nonce.0,
            facts: &self.facts,
        };
        let code = transcript.comparison_code().unwrap().grouped();
        let reveal = Reveal {
            opening: Bytes(opening.to_vec()),
            device_key: key.clone(),
            facts: self.facts.clone(),
            signature: Bytes(revealed.sign(&transcript.to_sign())),
        };
        let answer = self.post(by, &format!("{target}/reveal"), &reveal).await;
        if answer.status.is_success() {
            let enrolled: Enrolled = answer.json();
            self.enrollment = Some(Enrollment { device: enrolled.device, code });
        }
        answer
    }

    pub async fn enroll(&mut self) {
        let key = self.device_key.clone();
        self.try_enroll(&key).await.expect(200);
    }

    fn statement<'a>(
        &self,
        challenge: &'a [u8],
        number: u64,
        device: &'a str,
        session_key: &'a [u8],
    ) -> PinProofStatement<'a> {
        let policy_version = self.policy_version.load(Ordering::SeqCst);
        PinProofStatement { challenge, number, authority: AUTHORITY, policy_version, device, session_key }
    }

    /// Asks for a new PIN's seed and evaluates its one element.
    pub async fn prepare_pin(&self, by: By) -> PinPrepared {
        let prepared: PinPrepared = self.post(by, "/v1/pin/prepare", &Value::Null).await.json();
        self.evaluate_prepared(by, prepared.epoch, &new_key()).await.expect(200);
        prepared
    }

    pub async fn evaluate_prepared(&self, by: By, epoch: u64, key: &SigningKey) -> Answer {
        self.post(by, "/v1/pin/prepare/evaluate", &PinPrepareEvaluate { epoch, element: element(key) }).await
    }

    /// Commits with the key that a new PIN opens.
    pub async fn commit_pin(&mut self, by: By, prepared: &PinPrepared) -> Answer {
        let (key, device) = (new_key(), self.device_id());
        let session_key = spki(&key);
        let statement = self.statement(&prepared.challenge.0, prepared.epoch, &device, &session_key.0);
        let commit = PinCommit {
            epoch: prepared.epoch,
            activated_key: spki(&self.activated),
            activated_signature: Bytes(self.activated.sign(&statement.to_commit())),
            session_key: session_key.clone(),
        };
        let answer = self.post(by, "/v1/pin/commit", &commit).await;
        if answer.status.is_success() {
            let opened: SessionOpened = answer.json();
            self.session = Some((opened.session.expose().to_owned(), key));
            self.epoch = prepared.epoch;
        }
        answer
    }

    /// From the sign-in to an open session: code, device, approval by `ada`, PIN.
    pub async fn make_ready(&mut self, name: &str, ada: &mut super::Browser) {
        self.sign_in(name).await;
        self.set_up().await;
        self.enroll().await;
        ada.approve(self).await.expect(204);
        self.create_pin().await;
    }

    pub async fn create_pin(&mut self) {
        let prepared = self.prepare_pin(By::Device).await;
        self.commit_pin(By::Device, &prepared).await.expect(200);
    }

    pub fn next_attempt(&self) -> u64 {
        self.attempt.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// A try; its element follows from `key`, so that the same key is the same try.
    pub fn try_of(&self, attempt: u64, key: &SigningKey) -> PinEvaluate {
        PinEvaluate { epoch: self.epoch, attempt, element: element(key) }
    }

    pub async fn evaluate(&self, attempt: u64, key: &SigningKey) -> Answer {
        self.post(By::Device, "/v1/pin/evaluate", &self.try_of(attempt, key)).await
    }

    /// What proves with `activated`: the right key is [`Phone::activated`], a wrong PIN opens nothing or another one.
    pub fn proof(
        &self,
        evaluated: &PinEvaluated,
        attempt: u64,
        session_key: &SigningKey,
        activated: &SigningKey,
    ) -> PinProve {
        let (device, session_key) = (self.device_id(), spki(session_key));
        let statement = self.statement(&evaluated.challenge.0, attempt, &device, &session_key.0);
        let signature = Bytes(activated.sign(&statement.to_prove()));
        PinProve { attempt, session_key: session_key.clone(), activated_signature: signature }
    }

    pub async fn prove(
        &self,
        evaluated: &PinEvaluated,
        attempt: u64,
        session_key: &SigningKey,
        activated: &SigningKey,
    ) -> Answer {
        let body = self.proof(evaluated, attempt, session_key, activated);
        self.post(By::Device, "/v1/pin/prove", &body).await
    }

    /// One whole try with the right PIN or a wrong one.
    pub async fn try_pin(&mut self, is_right: bool) -> Answer {
        let (key, attempt) = (new_key(), self.next_attempt());
        let answer = self.evaluate(attempt, &key).await;
        if !answer.status.is_success() {
            return answer;
        }
        let activated = if is_right { self.activated.clone() } else { new_key() };
        let answer = self.prove(&answer.json(), attempt, &key, &activated).await;
        if answer.status.is_success() {
            let opened: SessionOpened = answer.json();
            self.session = Some((opened.session.expose().to_owned(), key));
        }
        answer
    }
}

pub fn entry(code: &str) -> CodeEntry {
    CodeEntry { code: SecretText::new(code.to_owned()) }
}
