//! Keys in software, with the faults of key hardware.

use crate::ports::{DeviceKey, KeyLevel, PinKeyKind, PortError, generate_bytes};
use crate::proof::SigningKey;
use crate::sealed::{open_blob, seal_blob};
use crate::secret::SecretBytes;
use p256::ecdh::diffie_hellman;
use ring::hmac;
use ring::rand::SystemRandom;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keys by account, in memory. Another one on the same [`MemoryStore`](super::MemoryStore) is a restored backup.
pub struct MemoryDeviceKey {
    kind: PinKeyKind,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: HashMap<String, Keys>,
    biometric_keys: HashMap<String, SecretBytes>,
    uses: u64,
    fault: Option<Fault>,
    cancels: bool,
}

impl State {
    fn pin_key(&self, account: &str) -> Result<&PinKey, PortError> {
        self.keys.get(account).and_then(|keys| keys.pin_key.as_ref()).ok_or(PortError::KeyLost)
    }
}

struct Keys {
    device_key: SigningKey,
    pin_key: Option<PinKey>,
}

enum PinKey {
    Mac(hmac::Key),
    Agreement(p256::SecretKey),
}

struct Fault {
    from_use: u64,
    error: PortError,
}

impl MemoryDeviceKey {
    /// No keys; PIN keys will be MAC keys, as on Android.
    pub fn new() -> Self {
        Self::with_kind(PinKeyKind::Mac)
    }

    /// No keys; PIN keys will be of this kind.
    pub fn with_kind(kind: PinKeyKind) -> Self {
        Self { kind, state: Mutex::default() }
    }

    /// The keys of `account` are gone, as after the member removed the screen lock.
    pub fn lose(&self, account: &str) {
        self.state().keys.remove(account);
    }

    /// The PIN key of `account` is gone and its device key is not, as platforms that invalidate keys one by one do it.
    pub fn lose_pin_key(&self, account: &str) {
        if let Some(keys) = self.state().keys.get_mut(account) {
            keys.pin_key = None;
        }
    }

    /// A finger or face was added to the phone: what a biometric of `account` opened stays closed.
    pub fn add_finger(&self, account: &str) {
        self.state().biometric_keys.remove(account);
    }

    /// Whether the member puts the biometric's dialog away.
    pub fn cancel_biometric(&self, cancels: bool) {
        self.state().cancels = cancels;
    }

    /// The `nth` use from now (1 is the next) and every later one answer `error`, until [`MemoryDeviceKey::repair`].
    pub fn fail_from(&self, nth: u64, error: PortError) {
        let mut state = self.state();
        let from_use = state.uses.saturating_add(nth);
        state.fault = Some(Fault { from_use, error });
    }

    /// Whatever [`MemoryDeviceKey::fail_from`] broke works again.
    pub fn repair(&self) {
        self.state().fault = None;
    }

    /// Calls so far, of whatever kind; one guess is one use.
    pub fn uses(&self) -> u64 {
        self.state().uses
    }

    /// How many accounts have keys.
    pub fn keys(&self) -> usize {
        self.state().keys.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn use_chip(&self) -> Result<MutexGuard<'_, State>, PortError> {
        let mut state = self.state();
        state.uses += 1;
        match &state.fault {
            Some(fault) if state.uses >= fault.from_use => Err(fault.error),
            _ => Ok(state),
        }
    }
}

impl Default for MemoryDeviceKey {
    fn default() -> Self {
        Self::new()
    }
}

impl DeviceKey for MemoryDeviceKey {
    fn generate(&self, account: &str) -> Result<Vec<u8>, PortError> {
        let mut state = self.use_chip()?;
        let device_key = SigningKey::generate(&SystemRandom::new()).map_err(|_| PortError::Host)?;
        let spki = device_key.public_key().map_err(|_| PortError::Host)?.spki().to_vec();
        let pin_key = Some(PinKey::generate(self.kind)?);
        state.keys.insert(account.to_owned(), Keys { device_key, pin_key });
        Ok(spki)
    }

    fn sign(&self, account: &str, message: &[u8]) -> Result<Vec<u8>, PortError> {
        let state = self.use_chip()?;
        state.keys.get(account).map(|keys| keys.device_key.sign(message)).ok_or(PortError::KeyLost)
    }

    fn pin_key_kind(&self, account: &str) -> Result<PinKeyKind, PortError> {
        let state = self.use_chip()?;
        state.pin_key(account).map(PinKey::kind)
    }

    fn bind_guess(&self, account: &str, guess: &[u8]) -> Result<SecretBytes, PortError> {
        let state = self.use_chip()?;
        state.pin_key(account)?.bind(guess)
    }

    fn seal_for_biometric(&self, account: &str, secret: &[u8]) -> Result<Vec<u8>, PortError> {
        let mut state = self.use_chip()?;
        let random = SystemRandom::new();
        let key = SecretBytes::new(generate_bytes::<32>(&random).map_err(|_| PortError::Host)?.to_vec());
        let sealed = seal_blob(&key, account.as_bytes(), secret, &random).map_err(|_| PortError::Host)?;
        state.biometric_keys.insert(account.to_owned(), key);
        Ok(sealed)
    }

    fn open_by_biometric(&self, account: &str, sealed: &[u8]) -> Result<SecretBytes, PortError> {
        let state = self.use_chip()?;
        if state.cancels {
            return Err(PortError::Cancelled);
        }
        let key = state.biometric_keys.get(account).ok_or(PortError::KeyLost)?;
        let secret = open_blob(key, account.as_bytes(), sealed).ok_or(PortError::Host)?;
        Ok(SecretBytes::new(secret.to_vec()))
    }

    fn delete(&self, account: &str) -> Result<(), PortError> {
        let mut state = self.use_chip()?;
        state.keys.remove(account);
        state.biometric_keys.remove(account);
        Ok(())
    }

    fn level(&self, account: &str) -> Result<KeyLevel, PortError> {
        let state = self.use_chip()?;
        state.keys.get(account).map(|_| KeyLevel::Software).ok_or(PortError::KeyLost)
    }
}

impl PinKey {
    fn generate(kind: PinKeyKind) -> Result<Self, PortError> {
        let random = SystemRandom::new();
        match kind {
            PinKeyKind::Mac => {
                hmac::Key::generate(hmac::HMAC_SHA256, &random).map(Self::Mac).map_err(|_| PortError::Host)
            }
            PinKeyKind::Agreement => {
                let scalar = SigningKey::generate(&random).map_err(|_| PortError::Host)?.to_scalar();
                p256::SecretKey::from_slice(scalar.expose()).map(Self::Agreement).map_err(|_| PortError::Host)
            }
        }
    }

    fn kind(&self) -> PinKeyKind {
        match self {
            Self::Mac(_) => PinKeyKind::Mac,
            Self::Agreement(_) => PinKeyKind::Agreement,
        }
    }

    fn bind(&self, guess: &[u8]) -> Result<SecretBytes, PortError> {
        let answer = match self {
            Self::Mac(key) => hmac::sign(key, guess).as_ref().to_vec(),
            Self::Agreement(key) => {
                let peer = p256::PublicKey::from_sec1_bytes(guess).map_err(|_| PortError::Host)?;
                diffie_hellman(key.to_nonzero_scalar(), peer.as_affine()).raw_secret_bytes().to_vec()
            }
        };
        Ok(SecretBytes::new(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use serde_json::Value;

    /// The vectors were made by another implementation (Python, OpenSSL); see their `about`.
    #[test]
    fn both_kinds_of_pin_key_answer_the_vectors() {
        let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/hardware_guess.json")).unwrap();
        let hex = |value: &Value| HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap();
        let key = hex(&vectors["hardware_key"]);
        let mac = PinKey::Mac(hmac::Key::new(hmac::HMAC_SHA256, &key));
        let agreement = PinKey::Agreement(p256::SecretKey::from_slice(&key).unwrap());
        for case in vectors["guesses"].as_array().unwrap() {
            let answer = mac.bind(&hex(&case["mac_guess"])).unwrap();
            assert_eq!(answer.expose(), hex(&case["mac_answer"]));
            let answer = agreement.bind(&hex(&case["agreement_guess"])).unwrap();
            assert_eq!(answer.expose(), hex(&case["agreement_answer"]));
            assert_eq!(agreement.bind(&hex(&case["mac_guess"])), Err(PortError::Host), "not a point");
        }
    }

    #[test]
    fn each_fault_comes_at_the_use_it_was_set_for() {
        let keys = MemoryDeviceKey::with_kind(PinKeyKind::Agreement);
        assert_eq!(keys.pin_key_kind("a"), Err(PortError::KeyLost));
        keys.generate("a").unwrap();
        assert_eq!(keys.pin_key_kind("a"), Ok(PinKeyKind::Agreement));
        keys.fail_from(2, PortError::KeyUnavailable);
        assert!(keys.sign("a", b"m").is_ok());
        assert_eq!(keys.sign("a", b"m"), Err(PortError::KeyUnavailable));
        assert_eq!(keys.level("a"), Err(PortError::KeyUnavailable));
        keys.repair();
        assert_eq!(keys.level("a"), Ok(KeyLevel::Software));
        keys.lose("a");
        assert_eq!(keys.bind_guess("a", b"g"), Err(PortError::KeyLost));
        assert_eq!(keys.uses(), 8);
    }
}
