//! One question and one answer: every call returns the next [`Step`], and the app draws that step.
//!
//! The engine is the only place that combines the other modules. It keeps session key, PIN-activated key and vault key
//! in memory only. No lock is held while a port is called or an answer awaited.

mod account;
mod connection;

use crate::enrollment::{DeviceFacts, Transcript, commitment};
use crate::error::{Error, Result};
use crate::pin::{Owner, Pin, PinKey, PinRules, SALT_LEN, StretchMemory, StretchParameters, Stretched, hardware_guess};
use crate::policy::{
    DeviceFact, DeviceState, FactorState, Facts, MemberState, PinFact, PolicyDocument, Rules, Statement, Surface,
    decide,
};
use crate::ports::{Clock, DeviceKey, Store, Transport, generate_bytes};
use crate::proof::SigningKey;
use crate::sealed::{Opened, SealedFile, SealedHeader, SealedPayload};
use crate::secret::{SecretBytes, SecretText};
use crate::step::Step;
use crate::vault::Vault;
use crate::wire::{
    Bytes, CodeEntry, Commitment, CommitmentTaken, Enrolled, EnrollmentStarted, FileEntry, FileList, PinCommit,
    PinEvaluate, PinEvaluated, PinPrepared, PinProofStatement, PinProve, PolicyPack, Reveal, SessionOpened, SignIn,
    SignedIn, StepAnswer, TwoStepSetUp,
};
use account::{Account, VAULT, pin_file};
use connection::{Connection, Refused, Signer};
use ring::rand::SystemRandom;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the app says of itself and of its portal.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Names the keys in the device's key store; one per account.
    pub account: String,
    /// The portal's host, with the port unless it is 443; signatures are bound to it.
    pub authority: String,
    /// The device's name, 1–64 characters.
    pub device_name: String,
    /// Manufacturer and model.
    pub model: String,
    /// System and version.
    pub system: String,
    /// `major.minor.patch`.
    pub app_version: String,
}

/// The host's ports.
#[derive(Clone)]
pub struct Ports {
    /// Keys in hardware.
    pub device_key: Arc<dyn DeviceKey>,
    /// Blobs.
    pub store: Arc<dyn Store>,
    /// Clocks.
    pub clock: Arc<dyn Clock>,
    /// The way to the portal.
    pub transport: Arc<dyn Transport>,
}

/// A device's side of Twinlock. Clones share one state.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    config: EngineConfig,
    connection: Connection,
    state: Mutex<State>,
    flow: tokio::sync::Mutex<()>,
}

struct State {
    account: Option<Account>,
    session: Option<Signer>,
    step: Step,
    first_pin: Option<Pin>,
    vault: Option<Vault>,
    is_closed: bool,
}

impl Engine {
    /// Cheap; reads nothing yet.
    pub fn new(config: EngineConfig, ports: Ports) -> Self {
        let connection = Connection::new(config.authority.clone(), ports);
        let state =
            State { account: None, session: None, step: Step::SignIn, first_pin: None, vault: None, is_closed: false };
        Self {
            shared: Arc::new(Shared {
                config,
                connection,
                state: Mutex::new(state),
                flow: tokio::sync::Mutex::new(()),
            }),
        }
    }

    /// Reads what the device remembers and says what comes next. No network.
    pub fn open(&self) -> Result<Step> {
        let mut account = Account::load(self.ports().store.as_ref())?;
        if let Some(known) = account.as_mut().filter(|known| known.state == Some(DeviceState::Approved)) {
            // A restored backup or a removed screen lock: the key is gone, and with it the device.
            if self.ports().device_key.level(&self.shared.config.account).is_err() {
                known.state = Some(DeviceState::KeyLost);
            }
        }
        let step = self.local_step(account.as_ref())?;
        let mut state = self.state()?;
        state.account = account;
        state.step = step.clone();
        Ok(step)
    }

    /// What comes next.
    pub fn step(&self) -> Step {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).step.clone()
    }

    /// What comes next; [`Error::Closed`] after [`close`](Self::close).
    pub fn current_step(&self) -> Result<Step> {
        Ok(self.state()?.step.clone())
    }

    /// Signs in with name and password.
    pub async fn sign_in(&self, name: &str, password: SecretText) -> Result<Step> {
        let _flow = self.flow()?;
        let key = Arc::new(SigningKey::generate(&SystemRandom::new())?);
        let request = SignIn {
            name: name.to_owned(),
            password,
            surface: Surface::Phone,
            session_key: key.public_key()?.spki().into(),
            app_version: self.shared.config.app_version.clone(),
        };
        let signer = Signer::Enclosed(Arc::clone(&key));
        let answer: SignedIn = self.call(&signer, "POST", "/v1/sessions", Some(&request)).await?;
        let mut account = Account {
            organisation: answer.organisation,
            member: answer.member,
            policy_key: answer.policy_key,
            seen: None,
            rules: Rules::strict(),
            device: String::new(),
            state: None,
            comparison_code: None,
            pin_epoch: None,
            tries_left: 0,
            attempt: 0,
        };
        self.accept(&mut account, &answer.policy)?;
        let mut state = self.state()?;
        state.account = Some(account);
        state.session = Some(Signer::Session { token: answer.session.expose().into(), key });
        state.step = answer.step.clone();
        Ok(answer.step)
    }

    /// Begins the set-up of two-step authentication. The URI is shown once.
    pub async fn set_up_two_step(&self) -> Result<TwoStepSetUp> {
        let _flow = self.flow()?;
        self.call(&self.session()?, "POST", "/v1/two-step/set-up", None::<&()>).await
    }

    /// Submits a code, which completes the set-up where one is under way; then enrolls the device if it is new.
    pub async fn submit_code(&self, code: &str) -> Result<Step> {
        let _flow = self.flow()?;
        let target = match self.step() {
            Step::SetUpTwoStep => "/v1/two-step/confirm",
            Step::EnterCode => "/v1/two-step/verify",
            _ => return Err(Error::StepRequired),
        };
        let entry = CodeEntry { code: SecretText::new(code.to_owned()) };
        let answer: StepAnswer = self.call(&self.session()?, "POST", target, Some(&entry)).await?;
        let is_new = self.account()?.device.is_empty();
        if is_new && matches!(answer.step, Step::AwaitApproval { .. }) {
            return self.enroll().await;
        }
        self.set_step(answer.step)
    }

    /// Asks the portal what comes next.
    pub async fn refresh(&self) -> Result<Step> {
        let _flow = self.flow()?;
        let account = self.account()?;
        let session = self.state()?.session.clone();
        let answer: StepAnswer = match session {
            Some(session) if account.state == Some(DeviceState::Approved) || account.device.is_empty() => {
                self.call(&session, "GET", "/v1/step", None::<&()>).await?
            }
            _ => self.call(&self.device_signer(&account), "GET", "/v1/devices/self", None::<&()>).await?,
        };
        let mut account = self.account()?;
        if !matches!(answer.step, Step::AwaitApproval { .. }) && account.state == Some(DeviceState::Pending) {
            account.state = Some(DeviceState::Approved);
            account.comparison_code = None;
            account.save(self.ports().store.as_ref())?;
            self.state()?.account = Some(account);
        }
        self.set_step(answer.step)
    }

    /// Submits a PIN: a new one, twice, at `CreatePin`; the PIN at `EnterPin`.
    pub async fn submit_pin(&self, pin: Pin) -> Result<Step> {
        let _flow = self.flow()?;
        match self.step() {
            Step::CreatePin(mut request) => {
                PinRules::new(request.min_length)?.check(&pin)?;
                let first = self.state()?.first_pin.take();
                match first {
                    None => {
                        request.repeat = true;
                        self.state()?.first_pin = Some(pin);
                        self.set_step(Step::CreatePin(request))
                    }
                    Some(first) if first == pin => self.create_pin(pin).await,
                    Some(_) => {
                        request.repeat = false;
                        self.set_step(Step::CreatePin(request))?;
                        Err(Error::PinMismatch)
                    }
                }
            }
            Step::EnterPin { .. } | Step::Wait { .. } => self.unlock(pin).await,
            _ => Err(Error::StepRequired),
        }
    }

    /// Puts a secret of the app's own into the vault.
    pub fn vault_put(&self, name: &str, secret: SecretBytes) -> Result<()> {
        let sealed = {
            let mut state = self.state()?;
            let vault = state.vault.as_mut().ok_or(Error::Locked)?;
            vault.put(name, secret)?;
            vault.seal(&SystemRandom::new())?
        };
        Ok(self.ports().store.write(VAULT, &sealed)?)
    }

    /// A secret of the app's own; [`Error::Locked`] before the PIN.
    pub fn vault_item(&self, name: &str) -> Result<Option<SecretBytes>> {
        let state = self.state()?;
        Ok(state.vault.as_ref().ok_or(Error::Locked)?.item(name).cloned())
    }

    /// The organisation's files.
    pub async fn files(&self) -> Result<Vec<FileEntry>> {
        let list: FileList = self.call(&self.session()?, "GET", "/v1/files", None::<&()>).await?;
        Ok(list.files)
    }

    /// A file's content.
    pub async fn download(&self, id: &str) -> Result<Vec<u8>> {
        let body = self.send(&self.session()?, "GET", &format!("/v1/files/{id}"), SecretBytes::new(Vec::new())).await?;
        Ok(body.expose().to_vec())
    }

    /// Drops session, keys and vault from memory; the PIN opens them again.
    pub fn lock(&self) {
        let account = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).account.clone();
        let step = self.local_step(account.as_ref()).unwrap_or(Step::SignIn);
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.session, state.vault, state.first_pin) = (None, None, None);
        state.step = step;
    }

    /// Ends the session at the portal and locks.
    pub async fn sign_out(&self) -> Result<Step> {
        let _flow = self.flow()?;
        let session = self.session()?;
        self.send(&session, "DELETE", "/v1/sessions/self", SecretBytes::new(Vec::new())).await?;
        self.lock();
        Ok(self.step())
    }

    /// Locks for good; every later call is [`Error::Closed`].
    pub fn close(&self) {
        self.lock();
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
    }

    async fn enroll(&self) -> Result<Step> {
        let (session, mut account) = (self.session()?, self.account()?);
        let started: EnrollmentStarted = self.call(&session, "POST", "/v1/enrollments", None::<&()>).await?;
        let name = &self.shared.config.account;
        let spki = self.ports().device_key.generate(name)?;
        let opening = generate_bytes::<32>(&SystemRandom::new())?;
        let committed = Commitment { commitment: Bytes(commitment(&spki, &opening).to_vec()) };
        let target = format!("/v1/enrollments/{}", started.enrollment);
        let taken: CommitmentTaken = self.call(&session, "POST", &format!("{target}/commit"), Some(&committed)).await?;
        let facts = self.facts()?;
        let transcript = Transcript {
            organisation: &account.organisation,
            policy_key: &account.policy_key.0,
            member: &account.member,
            spki: &spki,
            opening: &opening,
            first_nonce: &started.first_nonce.0,
            second_nonce: &taken.second_nonce.0,
            facts: &facts,
        };
        let signature = Bytes(self.ports().device_key.sign(name, &transcript.to_sign())?);
        let code = transcript.comparison_code()?.grouped();
        let (opening, device_key) = (Bytes(opening.to_vec()), Bytes(spki));
        let reveal = Reveal { opening, device_key, facts, signature };
        let enrolled: Enrolled = self.call(&session, "POST", &format!("{target}/reveal"), Some(&reveal)).await?;
        account.device = enrolled.device;
        account.state = Some(enrolled.state);
        account.comparison_code = (enrolled.state == DeviceState::Pending).then_some(code);
        account.save(self.ports().store.as_ref())?;
        self.state()?.account = Some(account);
        self.set_step(enrolled.step)
    }

    async fn create_pin(&self, pin: Pin) -> Result<Step> {
        let mut account = self.account()?;
        let device = self.device_signer(&account);
        let prepared: PinPrepared = self.call(&device, "POST", "/v1/pin/prepare", None::<&()>).await?;
        let epoch = u32::try_from(prepared.epoch).map_err(|_| Error::StaleEpoch)?;
        let owner = Owner::new(&account.organisation, &account.device)?;
        let salt = generate_bytes::<SALT_LEN>(&SystemRandom::new())?;
        let parameters = StretchParameters::DEFAULT;
        let key = self.derive(pin, &owner, epoch, salt, parameters).await?;
        let payload = SealedPayload::generate(&SystemRandom::new())?;
        let header = SealedHeader::new(owner.clone(), epoch, parameters, salt, self.shared.connection.portal_ms()?);
        let file = SealedFile::seal(&header, &key, &payload, &SystemRandom::new())?;
        // Durable on the device before the portal commits: either side may die in between.
        self.ports().store.write(&pin_file(epoch), &file)?;
        let (activated, session) = (
            SigningKey::from_scalar(payload.expose_private_key())?,
            Arc::new(SigningKey::generate(&SystemRandom::new())?),
        );
        let session_key = session.public_key()?;
        let statement = PinProofStatement {
            challenge: &prepared.challenge.0,
            number: prepared.epoch,
            authority: &self.shared.config.authority,
            device: &account.device,
            session_key: session_key.spki(),
        };
        let commit = PinCommit {
            epoch: prepared.epoch,
            activated_key: activated.public_key()?.spki().into(),
            activated_signature: Bytes(activated.sign(&statement.to_commit())),
            session_key: session_key.spki().into(),
        };
        let opened: SessionOpened = self.call(&device, "POST", "/v1/pin/commit", Some(&commit)).await?;
        account.pin_epoch = Some(epoch);
        account.tries_left = account.rules.pin_max_tries;
        let vault = Vault::new(payload.vault_key(), &owner);
        self.ports().store.write(VAULT, &vault.seal(&SystemRandom::new())?)?;
        self.enter(account, opened, session, vault)
    }

    async fn unlock(&self, pin: Pin) -> Result<Step> {
        let mut account = self.account()?;
        let epoch = account.pin_epoch.ok_or(Error::NoPin)?;
        let bytes = self.ports().store.read(&pin_file(epoch))?.ok_or(Error::KeyLost)?;
        let owner = Owner::new(&account.organisation, &account.device)?;
        // Damage is found before a try is spent.
        let file = SealedFile::parse(&bytes)?;
        file.check_owner(&owner, epoch)?;
        let session = Arc::new(SigningKey::generate(&SystemRandom::new())?);
        let session_key = session.public_key()?;
        account.attempt += 1;
        account.save(self.ports().store.as_ref())?;
        self.state()?.account = Some(account.clone());
        let device = self.device_signer(&account);
        let evaluate = PinEvaluate { attempt: account.attempt, session_key: session_key.spki().into() };
        let counted: PinEvaluated = match self.call(&device, "POST", "/v1/pin/evaluate", Some(&evaluate)).await {
            Err(Error::PinErased) => {
                self.wipe(None)?;
                return Err(Error::PinErased);
            }
            other => other?,
        };
        let key = self.derive(pin, &owner, epoch, *file.header().salt(), file.header().parameters()).await?;
        let Opened::Payload(payload) = file.open(&key)? else {
            account.tries_left = counted.tries_left;
            account.save(self.ports().store.as_ref())?;
            let until_ms = self.shared.connection.portal_ms()?.saturating_add(counted.retry_after_ms);
            let mut state = self.state()?;
            state.account = Some(account);
            state.step = match (counted.tries_left, counted.retry_after_ms) {
                (_, 0) => Step::EnterPin { tries_left: counted.tries_left },
                _ => Step::Wait { until_ms },
            };
            return Err(Error::WrongPin { tries_left: counted.tries_left, retry_after_ms: counted.retry_after_ms });
        };
        let statement = PinProofStatement {
            challenge: &counted.challenge.0,
            number: account.attempt,
            authority: &self.shared.config.authority,
            device: &account.device,
            session_key: session_key.spki(),
        };
        let prove = PinProve {
            attempt: account.attempt,
            session_key: session_key.spki().into(),
            activated_signature: Bytes(
                SigningKey::from_scalar(payload.expose_private_key())?.sign(&statement.to_prove()),
            ),
        };
        let opened: SessionOpened = self.call(&device, "POST", "/v1/pin/prove", Some(&prove)).await?;
        let vault = match self.ports().store.read(VAULT)? {
            Some(bytes) => Vault::open(&bytes, payload.vault_key(), &owner)?,
            None => Vault::new(payload.vault_key(), &owner),
        };
        account.tries_left = account.rules.pin_max_tries;
        self.enter(account, opened, session, vault)
    }

    fn enter(&self, account: Account, opened: SessionOpened, key: Arc<SigningKey>, vault: Vault) -> Result<Step> {
        account.save(self.ports().store.as_ref())?;
        let mut state = self.state()?;
        state.account = Some(account);
        state.session = Some(Signer::Session { token: opened.session.expose().into(), key });
        state.vault = Some(vault);
        state.step = opened.step.clone();
        Ok(opened.step)
    }

    /// Argon2id off the caller's thread, then one use of the chip.
    async fn derive(
        &self,
        pin: Pin,
        owner: &Owner,
        epoch: u32,
        salt: [u8; SALT_LEN],
        parameters: StretchParameters,
    ) -> Result<PinKey> {
        let stretching = owner.clone();
        let stretch = move || -> Result<Stretched> {
            StretchMemory::allocate(parameters)?.stretch(&pin, &stretching, epoch, &salt, parameters)
        };
        let stretched = tokio::task::spawn_blocking(stretch).await.map_err(|_| Error::Internal)??;
        let (device_key, account) = (&self.ports().device_key, &self.shared.config.account);
        let guess = hardware_guess(&stretched, device_key.pin_key_kind(account)?)?;
        let hardware = device_key.bind_guess(account, guess.expose())?;
        PinKey::derive(owner, epoch, &salt, &hardware)
    }

    /// Removes every secret of the account from the device.
    fn wipe(&self, state: Option<DeviceState>) -> Result<()> {
        let Some(mut account) = self.state()?.account.clone() else { return Ok(()) };
        let store = &self.ports().store;
        if let Some(epoch) = account.pin_epoch.take() {
            store.remove(&pin_file(epoch))?;
        }
        store.remove(VAULT)?;
        self.ports().device_key.delete(&self.shared.config.account)?;
        account.state = state;
        account.save(store.as_ref())?;
        let step = self.local_step(Some(&account))?;
        let mut inner = self.state()?;
        (inner.session, inner.vault, inner.first_pin) = (None, None, None);
        inner.account = Some(account);
        inner.step = step;
        Ok(())
    }

    async fn call<A: DeserializeOwned>(
        &self,
        signer: &Signer,
        method: &'static str,
        target: &str,
        body: Option<&impl Serialize>,
    ) -> Result<A> {
        // Room enough that a password is not copied while the text grows.
        let mut text = Vec::with_capacity(8 * 1024);
        if let Some(body) = body {
            serde_json::to_writer(&mut text, body).map_err(|_| Error::Internal)?;
        }
        let answer = self.send(signer, method, target, SecretBytes::new(text)).await?;
        serde_json::from_slice(answer.expose()).map_err(|_| Error::UnexpectedAnswer { status: 200 })
    }

    /// Sends a call; an outdated policy is taken over and the call repeated once, a revocation wipes the device.
    async fn send(
        &self,
        signer: &Signer,
        method: &'static str,
        target: &str,
        body: SecretBytes,
    ) -> Result<SecretBytes> {
        let connection = &self.shared.connection;
        let refused = match connection.call(signer, self.policy_version()?, method, target, body.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(refused) => refused,
        };
        let Refused { error, policy } = match refused {
            Refused { policy: Some(pack), .. } => {
                let mut account = self.account()?;
                self.accept(&mut account, &pack)?;
                if !account.device.is_empty() {
                    account.save(self.ports().store.as_ref())?;
                }
                self.state()?.account = Some(account);
                match connection.call(signer, self.policy_version()?, method, target, body).await {
                    Ok(answer) => return Ok(answer),
                    Err(refused) => refused,
                }
            }
            refused => refused,
        };
        drop(policy);
        match error {
            Error::DeviceRevoked => self.wipe(Some(DeviceState::Revoked))?,
            Error::SessionEnded => self.lock(),
            _ => {}
        }
        Err(error)
    }

    fn accept(&self, account: &mut Account, pack: &PolicyPack) -> Result<()> {
        let now_ms = self.shared.connection.portal_ms()?;
        let (key, organisation) = (&account.policy_key.0, &account.organisation);
        let (document, seen) =
            PolicyDocument::accept(&pack.document, key, organisation, account.seen.as_ref(), now_ms)?;
        Statement::verify(&pack.statement, key, organisation, &seen, now_ms)?;
        account.rules = document.requires;
        account.seen = Some(seen);
        Ok(())
    }

    fn local_step(&self, account: Option<&Account>) -> Result<Step> {
        let Some(account) = account else { return Ok(Step::SignIn) };
        let device = account.state.map(|state| DeviceFact {
            state,
            pin: match account.pin_epoch {
                Some(_) => PinFact::Set {
                    rule_length: account.rules.pin_min_length,
                    tries_left: account.tries_left,
                    wait_until_ms: 0,
                },
                None => PinFact::None,
            },
            code_at_ms: None,
            // Only the portal knows until when an approved device may finish; it refuses when it is too late.
            finish_until_ms: u64::MAX,
            comparison_code: account.comparison_code.clone(),
        });
        let facts = Facts {
            member: MemberState::Active,
            factor: FactorState::Active,
            session: None,
            device,
            app_outdated: account.rules.is_app_outdated(&self.shared.config.app_version),
        };
        Ok(decide(&account.rules, &facts, Surface::Phone, self.shared.connection.portal_ms()?))
    }

    fn facts(&self) -> Result<String> {
        let config = &self.shared.config;
        let facts = DeviceFacts {
            name: config.device_name.clone(),
            model: config.model.clone(),
            system: config.system.clone(),
            app_version: config.app_version.clone(),
            key_level: self.ports().device_key.level(&config.account)?,
        };
        serde_json::to_string(&facts).map_err(|_| Error::Internal)
    }

    /// The portal never sends the comparison code; the device adds its own.
    fn set_step(&self, step: Step) -> Result<Step> {
        let mut state = self.state()?;
        let code = state.account.as_ref().and_then(|account| account.comparison_code.clone());
        state.step = match step {
            Step::AwaitApproval { .. } => Step::AwaitApproval { comparison_code: code },
            other => other,
        };
        Ok(state.step.clone())
    }

    fn state(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_closed { Err(Error::Closed) } else { Ok(state) }
    }

    /// One flow at a time: a second call is told so instead of waiting, so that a port may call back.
    fn flow(&self) -> Result<tokio::sync::MutexGuard<'_, ()>> {
        drop(self.state()?);
        self.shared.flow.try_lock().map_err(|_| Error::Busy)
    }

    fn account(&self) -> Result<Account> {
        self.state()?.account.clone().ok_or(Error::StepRequired)
    }

    fn session(&self) -> Result<Signer> {
        self.state()?.session.clone().ok_or(Error::SessionEnded)
    }

    fn policy_version(&self) -> Result<u64> {
        Ok(self.state()?.account.as_ref().and_then(|account| account.seen.as_ref()).map_or(0, |seen| seen.version))
    }

    fn device_signer(&self, account: &Account) -> Signer {
        Signer::Device {
            organisation: account.organisation.clone(),
            device: account.device.clone(),
            account: self.shared.config.account.clone(),
        }
    }

    fn ports(&self) -> &Ports {
        &self.shared.connection.ports
    }
}
