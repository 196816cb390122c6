//! One account's blobs in the host's store. Accounts share a store and never a name in it.

use super::account::Account;
use crate::error::{Error, Result};
use crate::ports::Store;
use crate::secret::SecretBytes;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Names are `<32 hex digits>.<what>`: the start of SHA-256 over the account's name, which may be an address or anything
/// else, so that a name is fit for every file system and tells a reader of the folder nobody's name.
pub(super) struct Shelf {
    store: Arc<dyn Store>,
    prefix: String,
}

impl Shelf {
    pub(super) fn new(store: Arc<dyn Store>, account: &str) -> Self {
        let digest = HEXLOWER.encode(&Sha256::digest(account.as_bytes()));
        Self { store, prefix: digest.chars().take(PREFIX_LEN).collect() }
    }

    pub(super) fn account(&self) -> Result<Option<Account>> {
        let Some(bytes) = self.store.read(&self.name(ACCOUNT))? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| Error::Corrupt)
    }

    pub(super) fn save(&self, account: &Account) -> Result<()> {
        let bytes = serde_json::to_vec(account).map_err(|_| Error::Internal)?;
        Ok(self.store.write(&self.name(ACCOUNT), &bytes)?)
    }

    pub(super) fn pin_file(&self, epoch: u32) -> Result<Option<Vec<u8>>> {
        Ok(self.store.read(&self.pin_name(epoch))?)
    }

    pub(super) fn save_pin_file(&self, epoch: u32, file: &[u8]) -> Result<()> {
        Ok(self.store.write(&self.pin_name(epoch), file)?)
    }

    pub(super) fn remove_pin_file(&self, epoch: u32) -> Result<()> {
        Ok(self.store.remove(&self.pin_name(epoch))?)
    }

    pub(super) fn vault(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.store.read(&self.name(VAULT))?)
    }

    pub(super) fn save_vault(&self, sealed: &[u8]) -> Result<()> {
        Ok(self.store.write(&self.name(VAULT), sealed)?)
    }

    pub(super) fn remove_vault(&self) -> Result<()> {
        Ok(self.store.remove(&self.name(VAULT))?)
    }

    pub(super) fn biometric(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.store.read(&self.name(BIOMETRIC))?)
    }

    pub(super) fn save_biometric(&self, sealed: &[u8]) -> Result<()> {
        Ok(self.store.write(&self.name(BIOMETRIC), sealed)?)
    }

    pub(super) fn remove_biometric(&self) -> Result<()> {
        Ok(self.store.remove(&self.name(BIOMETRIC))?)
    }

    pub(super) fn session(&self) -> Result<Option<SecretBytes>> {
        Ok(self.store.read(&self.name(SESSION))?.map(SecretBytes::new))
    }

    pub(super) fn save_session(&self, session: &SecretBytes) -> Result<()> {
        Ok(self.store.write(&self.name(SESSION), session.expose())?)
    }

    pub(super) fn remove_session(&self) -> Result<()> {
        Ok(self.store.remove(&self.name(SESSION))?)
    }

    fn name(&self, what: &str) -> String {
        format!("{}.{what}", self.prefix)
    }

    fn pin_name(&self, epoch: u32) -> String {
        self.name(&format!("pin.{epoch}"))
    }
}

const ACCOUNT: &str = "account";
const VAULT: &str = "vault";
const BIOMETRIC: &str = "biometric";
const SESSION: &str = "session";
const PREFIX_LEN: usize = 32;
