use crate::config::EngineConfig;
use crate::error::EngineError;
use crate::panic;
use crate::password::Password;
use crate::pin_entry::PinEntry;
use crate::ports::{Clock, DeviceKey, HostClock, HostDeviceKey, HostStore, Store};
use crate::step::Step;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use twinlock_core::http::HttpTransport;
use twinlock_core::secret::{SecretBytes, SecretText};
use twinlock_core::{Error, engine, wire};

/// A device's side of Twinlock: every call returns the next [`Step`]. Calls overlap only to be told `Misuse` (TL-9002).
///
/// Dropping a call's future never gives a free guess: the portal counts a try before this device can make it.
#[derive(uniffi::Object)]
pub struct Engine(Mutex<Option<engine::Engine>>);

#[uniffi::export(async_runtime = "tokio")]
impl Engine {
    /// Cheap; reads nothing and connects to nothing yet. `Misuse` (TL-4007) for an address that is no `https://host`,
    /// `NotTrusted` (TL-4002) for roots that are none.
    #[uniffi::constructor]
    pub fn new(
        config: EngineConfig,
        device_key: Arc<dyn DeviceKey>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EngineError> {
        panic::tell_places_only();
        let (config, http) = config.split()?;
        let ports = engine::Ports {
            device_key: Arc::new(HostDeviceKey(device_key)),
            store: Arc::new(HostStore(store)),
            clock: Arc::new(HostClock(clock)),
            transport: Arc::new(HttpTransport::new(&http)?),
        };
        Ok(Self(Mutex::new(Some(engine::Engine::new(config, ports)))))
    }

    /// Reads what the device remembers and says what comes next. No network; calls the store on the caller's thread.
    pub fn open(&self) -> Result<Step, EngineError> {
        Ok(self.open_engine()?.open()?.into())
    }

    /// What comes next. `Misuse` (TL-9003) after [`shut_down`](Self::shut_down).
    pub fn step(&self) -> Result<Step, EngineError> {
        Ok(self.open_engine()?.current_step()?.into())
    }

    /// Signs in with the account's name and password, which is taken out of `password`.
    pub async fn sign_in(&self, name: String, password: Arc<Password>) -> Result<Step, EngineError> {
        let password = password.take().ok_or(Error::SignInRefused)?;
        Ok(self.open_engine()?.sign_in(&name, password).await?.into())
    }

    /// Begins the set-up of two-step authentication. One of the three places where a secret leaves: show it once.
    pub async fn set_up_two_step(&self) -> Result<TwoStepSetUp, EngineError> {
        let set_up = self.open_engine()?.set_up_two_step().await?;
        Ok(TwoStepSetUp {
            uri: set_up.uri.expose().to_owned(),
            key: set_up.key.expose().to_owned(),
            expires_ms: set_up.expires_ms,
        })
    }

    /// Submits a code of the authenticator app; then enrolls the device if it is new. When `Ready`, it is the fresh code that
    /// a weighty act needs. If it completes a set-up, see [`take_recovery_codes`](Self::take_recovery_codes).
    pub async fn submit_code(&self, code: String) -> Result<Step, EngineError> {
        let code = zeroize::Zeroizing::new(code);
        Ok(self.open_engine()?.submit_code(&code).await?.into())
    }

    /// Submits a recovery code instead of a code, right after the sign-in; what follows is the set-up of a new authenticator.
    /// `EntryRefused` (TL-2001) for what cannot be one, which is not counted.
    pub async fn submit_recovery_code(&self, code: String) -> Result<Step, EngineError> {
        let code = zeroize::Zeroizing::new(code);
        Ok(self.open_engine()?.submit_recovery_code(&code).await?.into())
    }

    /// The recovery codes that came with the set-up just completed, once; `None` after that. With
    /// [`new_recovery_codes`](Self::new_recovery_codes) one of the three places where a secret leaves: show them, and let the
    /// member save them, before anything else.
    pub fn take_recovery_codes(&self) -> Result<Option<Vec<String>>, EngineError> {
        Ok(self.open_engine()?.take_recovery_codes()?.map(shown))
    }

    /// Makes ten new recovery codes, to be shown once; all older ones are void. `StepRequired` (TL-3003) without a fresh code:
    /// [`submit_code`](Self::submit_code) first.
    pub async fn new_recovery_codes(&self) -> Result<Vec<String>, EngineError> {
        Ok(shown(self.open_engine()?.new_recovery_codes().await?))
    }

    /// Asks the portal what comes next.
    pub async fn refresh(&self) -> Result<Step, EngineError> {
        Ok(self.open_engine()?.refresh().await?.into())
    }

    /// Submits what was typed, which is taken out of `entry`: a new PIN, twice, or the PIN.
    pub async fn submit_pin(&self, entry: Arc<PinEntry>) -> Result<Step, EngineError> {
        let pin = entry.submit()?;
        Ok(self.open_engine()?.submit_pin(pin).await?.into())
    }

    /// Begins a change of the PIN: `ChangePin` if it was entered within five minutes, or else `EnterPin` first.
    /// [`refresh`](Self::refresh) leaves it again.
    pub fn change_pin(&self) -> Result<Step, EngineError> {
        Ok(self.open_engine()?.change_pin()?.into())
    }

    /// Tells that time has passed: call it when the app leaves the foreground and when it comes back. Locks if the policy's
    /// idle time is over.
    pub fn tick(&self) -> Result<Step, EngineError> {
        Ok(self.open_engine()?.tick()?.into())
    }

    /// Switches the biometric on, with the next PIN that opens or is set, or off, at once.
    pub fn use_biometric(&self, on: bool) -> Result<(), EngineError> {
        Ok(self.open_engine()?.use_biometric(on)?)
    }

    /// Whether a biometric could open this device now.
    pub fn has_biometric(&self) -> Result<bool, EngineError> {
        Ok(self.open_engine()?.has_biometric()?)
    }

    /// Unlocks with the biometric, which the device key's port asks for on a thread of its own. A try like any other.
    pub async fn unlock_with_biometric(&self) -> Result<Step, EngineError> {
        Ok(self.open_engine()?.unlock_with_biometric().await?.into())
    }

    /// Puts a secret of the app's own into the vault. `StepRequired` (TL-5009) before the PIN.
    pub fn vault_put(&self, name: String, secret: &[u8]) -> Result<(), EngineError> {
        Ok(self.open_engine()?.vault_put(&name, SecretBytes::new(secret.to_vec()))?)
    }

    /// Removes a secret from the vault; says whether there was one.
    pub fn vault_remove(&self, name: String) -> Result<bool, EngineError> {
        Ok(self.open_engine()?.vault_remove(&name)?)
    }

    /// A secret of the app's own. One of the three places where a secret leaves: the app wipes what it gets.
    pub fn vault_item(&self, name: String) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.open_engine()?.vault_item(&name)?.map(|secret| secret.expose().to_vec()))
    }

    /// The organisation's files.
    pub async fn files(&self) -> Result<Vec<FileEntry>, EngineError> {
        Ok(self.open_engine()?.files().await?.into_iter().map(FileEntry::from).collect())
    }

    /// A file's content, by [`FileEntry::id`].
    pub async fn download(&self, id: String) -> Result<Vec<u8>, EngineError> {
        Ok(self.open_engine()?.download(&id).await?)
    }

    /// The headers that authorise one request to the app's own back end, by name, for exactly this method (upper case),
    /// `https` address and body; good once, within a minute. Their check is the portal's introspection.
    ///
    /// `StepRequired` (TL-3001, TL-3005) unless `Ready`, `Misuse` (TL-4007) for what cannot be signed.
    pub async fn authorise(
        &self,
        method: String,
        url: String,
        body: Vec<u8>,
    ) -> Result<HashMap<String, String>, EngineError> {
        let headers = self.open_engine()?.authorise(&method, &url, &body).await?;
        Ok(headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Drops session, keys and vault from memory; the PIN opens them again.
    pub fn lock(&self) -> Result<Step, EngineError> {
        let engine = self.open_engine()?;
        engine.lock();
        Ok(engine.current_step()?.into())
    }

    /// Ends the session at the portal and locks.
    pub async fn sign_out(&self) -> Result<Step, EngineError> {
        Ok(self.open_engine()?.sign_out().await?.into())
    }

    /// Locks for good and lets go of the ports; every later call is `Misuse` (TL-9003). Harmless to repeat.
    ///
    /// Not named `close`: Kotlin's generated objects have a `close` of their own, which frees the handle.
    pub fn shut_down(&self) -> Result<(), EngineError> {
        let engine = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(engine) = engine {
            engine.close();
        }
        Ok(())
    }
}

impl Engine {
    /// A handle for one call; no lock is held while the call runs.
    fn open_engine(&self) -> Result<engine::Engine, EngineError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::Closed)?)
    }
}

fn shown(codes: Vec<SecretText>) -> Vec<String> {
    codes.iter().map(|code| code.expose().to_owned()).collect()
}

/// What an authenticator app needs, shown this one time.
#[derive(uniffi::Record)]
pub struct TwoStepSetUp {
    /// `otpauth://` URI, for a QR code or a link into an app.
    pub uri: String,
    /// The same key for typing, base32 in groups of four.
    pub key: String,
    /// Void from then on; milliseconds since 1970-01-01 UTC.
    pub expires_ms: u64,
}

/// One file of the organisation.
#[derive(Debug, Clone, uniffi::Record)]
pub struct FileEntry {
    /// Names it in [`Engine::download`].
    pub id: String,
    /// File name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Last change, milliseconds since 1970-01-01 UTC.
    pub modified_ms: u64,
    /// SHA-256 of the content, hex.
    pub sha256: String,
}

impl From<wire::FileEntry> for FileEntry {
    fn from(file: wire::FileEntry) -> Self {
        let wire::FileEntry { id, name, size, modified_ms, sha256 } = file;
        Self { id, name, size, modified_ms, sha256 }
    }
}
