//! A call to the portal as the engine makes it: typed, and with what a refusal means for the device.

use super::Engine;
use super::account::Account;
use super::connection::{Call, Refused, Signer};
use crate::error::{Error, Result};
use crate::policy::DeviceState;
use crate::proof::PublicKey;
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
        let body = body.map_or_else(|| Ok(SecretBytes::new(Vec::new())), to_json)?;
        read_json(&self.send(signer, &Call { body, ..Call::new(method, target) }).await?)
    }

    /// Like [`call`](Self::call), for a body that is signed for the policy version which the request names.
    pub(super) async fn call_with<A: DeserializeOwned, B: Serialize>(
        &self,
        signer: &Signer,
        method: &'static str,
        target: &str,
        body: impl Fn(u64) -> Result<B>,
    ) -> Result<A> {
        let call = |version| Ok(Call { body: to_json(&body(version)?)?, ..Call::new(method, target) });
        read_json(&self.send_with(signer, call).await?)
    }

    /// Sends a call; an outdated policy is taken over and the call repeated once.
    pub(super) async fn send(&self, signer: &Signer, call: &Call<'_>) -> Result<SecretBytes> {
        self.send_with(signer, |_| Ok(call.clone())).await
    }

    async fn send_with<'a>(&self, signer: &Signer, call: impl Fn(u64) -> Result<Call<'a>>) -> Result<SecretBytes> {
        let connection = &self.shared.connection;
        let version = self.policy_version()?;
        let refused = match connection.call(signer, version, &call(version)?).await {
            Err(Refused { policy: Some(pack), .. }) => {
                self.take_policy(&pack)?;
                let version = self.policy_version()?;
                connection.call(signer, version, &call(version)?).await
            }
            first => first,
        };
        match refused {
            Ok(answer) => Ok(answer),
            Err(refused) => Err(self.obey(signer, refused)?),
        }
    }

    pub(super) fn device_signer(&self, account: &Account) -> Signer {
        Signer::Device {
            organisation: account.organisation.clone(),
            device: account.device.clone(),
            account: self.shared.config.account.clone(),
        }
    }

    /// What a refusal does to the device, before the caller learns of it.
    fn obey(&self, signer: &Signer, refused: Refused) -> Result<Error> {
        let is_desktop = self.is_desktop() && self.state()?.account.as_ref().is_some_and(Account::needs_keys);
        let is_device = is_desktop || matches!(signer, Signer::Device { .. });
        match (refused.error, refused.step) {
            (Error::DeviceRevoked, _) => self.wipe(Some(DeviceState::Revoked))?,
            // Denied or expired: there is nothing left to wait for.
            (Error::EnrollmentClosed, _) if is_device => self.wipe(None)?,
            (Error::SignatureRefused, _) if is_device && !self.is_enrolled_key()? => {
                self.block()?;
                return Ok(Error::KeyLost);
            }
            (Error::KeyLost, _) => self.block()?,
            (Error::SessionEnded, _) => self.end_session()?,
            // The portal went on while its answers got lost, or somebody else changed something.
            (Error::StepRequired, Some(step)) => drop(self.set_step(step)?),
            _ => {}
        }
        Ok(refused.error)
    }

    /// Whether the host's device key is the one that was enrolled, and not another under its name.
    fn is_enrolled_key(&self) -> Result<bool> {
        const PROBE: &[u8] = b"twinlock/own-key/v1";
        let signature = self.ports().device_key.sign(&self.shared.config.account, PROBE)?;
        let enrolled = PublicKey::from_spki(&self.account()?.device_key.0);
        Ok(enrolled.and_then(|key| key.verify(PROBE, &signature)).is_ok())
    }
}

fn to_json(body: &impl Serialize) -> Result<SecretBytes> {
    // Room enough that a password is not copied while the text grows.
    let mut text = Vec::with_capacity(8 * 1024);
    serde_json::to_writer(&mut text, body).map_err(|_| Error::Internal)?;
    Ok(SecretBytes::new(text))
}

fn read_json<A: DeserializeOwned>(answer: &SecretBytes) -> Result<A> {
    serde_json::from_slice(answer.expose()).map_err(|_| Error::UnexpectedAnswer { status: 200 })
}
