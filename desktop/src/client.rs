//! The engine of this desktop, and the way to a session that reaches files.

use crate::cli::Sources;
use crate::credentials;
use crate::failure::Failure;
use crate::registration::Registration;
use crate::roots::system_roots;
use crate::storage::Storage;
use std::sync::Arc;
use twinlock_core::engine::{Engine, EngineConfig, Ports};
use twinlock_core::http::{HttpConfig, HttpTransport};
use twinlock_core::policy::Surface;
use twinlock_core::secret::SecretText;
use twinlock_core::step::Step;
use twinlock_core::{Error, ErrorCode};

/// Codes that somebody at a terminal may type in one command; the portal counts on its own.
const CODE_TRIES: u32 = 3;

/// The registered desktop.
pub struct Client {
    /// Core's engine.
    pub engine: Engine,
    /// With whom it is registered.
    pub registration: Registration,
    /// Where everything lies.
    pub storage: Storage,
}

impl Client {
    /// For a registration that is kept or about to be.
    pub fn open(registration: Registration, storage: Storage) -> Result<Self, Failure> {
        let roots_pem = match &registration.roots_pem {
            Some(pem) => pem.clone(),
            None => system_roots()?,
        };
        let http =
            HttpConfig { base_url: registration.portal.clone(), roots_pem: roots_pem.into_bytes(), pins: Vec::new() };
        let authority = HttpConfig::authority(&registration.portal)?;
        let config = EngineConfig {
            // Keys of one member at one portal: another registration never finds them.
            account: format!("{} at {authority}", registration.name),
            authority,
            device_name: registration.device_name.clone(),
            model: std::env::consts::ARCH.to_owned(),
            system: system(),
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
            surface: Surface::Desktop,
        };
        let ports = Ports {
            device_key: Arc::clone(&storage.key),
            store: Arc::clone(&storage.store),
            clock: Arc::new(crate::clock::SystemClock::start()),
            transport: Arc::new(HttpTransport::new(&http)?),
        };
        let engine = Engine::new(config, ports);
        engine.open()?;
        Ok(Self { engine, registration, storage })
    }

    /// For the registration that is kept.
    pub fn of_kept(storage: Storage) -> Result<Self, Failure> {
        let registration = Registration::read(storage.store.as_ref())?.ok_or_else(Failure::not_registered)?;
        let client = Self::open(registration, storage)?;
        if client.engine.device().is_none() && client.engine.step() == Step::SignIn {
            return Err(Failure::not_registered());
        }
        Ok(client)
    }

    /// What the portal says comes next; a session that has ended is no failure here.
    pub async fn ask(&self) -> Result<Step, Failure> {
        if let Step::Blocked { reason } = self.engine.step() {
            return Err(Failure::blocked(reason));
        }
        match self.engine.refresh().await {
            Ok(step) => Ok(step),
            Err(Error::SessionEnded) => Ok(Step::SignIn),
            Err(other) => Err(other.into()),
        }
    }

    /// Leads to a session that reaches files, as far as somebody is there to ask or files were named.
    pub async fn become_ready(&self, sources: &Sources) -> Result<(), Failure> {
        match self.ask().await? {
            Step::Ready => Ok(()),
            step => self.go_on(step, sources).await,
        }
    }

    /// Signs in again, once.
    pub async fn sign_in(&self, sources: &Sources) -> Result<(), Failure> {
        self.go_on(Step::SignIn, sources).await
    }

    async fn go_on(&self, step: Step, sources: &Sources) -> Result<(), Failure> {
        let mut step = step;
        if step == Step::SignIn {
            let password = credentials::password(sources)?.ok_or(Error::SessionEnded)?;
            step = self.engine.sign_in(&self.registration.name, password).await?;
        }
        if step == Step::EnterCode {
            step = self.show_code(sources).await?;
        }
        match step {
            Step::Ready => Ok(()),
            other => Err(failure_of(&other)),
        }
    }

    /// Asks for a code and submits it; at a terminal a wrong one may be typed again.
    pub async fn show_code(&self, sources: &Sources) -> Result<Step, Failure> {
        let may_repeat = sources.code_file.is_none();
        let mut tries = 0;
        loop {
            let code: SecretText = credentials::code(sources)?.ok_or(Error::SessionEnded)?;
            tries += 1;
            match self.engine.submit_code(code.expose()).await {
                Ok(step) => return Ok(step),
                Err(error) => {
                    let is_wrong = matches!(error.code(), ErrorCode::CodeRefused | ErrorCode::CodeMalformed);
                    if !is_wrong || !may_repeat || tries >= CODE_TRIES {
                        return Err(error.into());
                    }
                    eprintln_failure(&error.into());
                }
            }
        }
    }
}

/// Why a step that is not `Ready` stops a command.
pub fn failure_of(step: &Step) -> Failure {
    match step {
        Step::SignIn | Step::EnterCode => Error::SessionEnded.into(),
        Step::SetUpTwoStep => Error::DesktopNeedsTwoStep.into(),
        Step::AwaitApproval { .. } => Failure::pending(),
        Step::Blocked { reason } => Failure::blocked(*reason),
        _ => Error::Internal.into(),
    }
}

fn eprintln_failure(failure: &Failure) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{} {}", failure.message, failure.what_to_do);
}

/// `Debian GNU/Linux 13 (trixie)`, or what else is known.
fn system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let name = pretty.map_or(std::env::consts::OS, |name| name.trim_matches('"'));
    fit(name)
}

/// At most 64 characters and none that controls: what the portal takes of a device's facts.
pub fn fit(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
