//! A call to the portal as the engine makes it: typed, and with what a refusal means for the device.

use super::Engine;
use super::account::Account;
use super::connection::{Refused, Signer};
use crate::error::{Error, Result};
use crate::policy::DeviceState;
use crate::secret::SecretBytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

impl Engine {
    pub(super) async fn call<A: DeserializeOwned>(
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
    pub(super) async fn send(
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

    pub(super) fn session(&self) -> Result<Signer> {
        self.state()?.session.clone().ok_or(Error::SessionEnded)
    }

    pub(super) fn device_signer(&self, account: &Account) -> Signer {
        Signer::Device {
            organisation: account.organisation.clone(),
            device: account.device.clone(),
            account: self.shared.config.account.clone(),
        }
    }
}
