//! The authenticator app: Debian's `oathtool`, which nobody here wrote.

use crate::secrets::Secrets;
use crate::{Doing, Fault, Result};
use std::process::Command;
use std::time::Duration;
use twinlock_core::ports::Clock;

const PERIOD_MS: u64 = 30_000;

/// An account in an authenticator app.
pub struct Authenticator {
    key: String,
    used: Option<u64>,
    secrets: Secrets,
}

impl Authenticator {
    /// Scans what the QR code holds, an `otpauth://` URI.
    pub fn scan(uri: &str, secrets: &Secrets) -> Result<Self> {
        let query = uri.strip_prefix("otpauth://totp/").and_then(|rest| rest.split_once('?')).map(|(_, query)| query);
        let key = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("secret=")));
        secrets.note("otpauth", uri)?;
        Self::typed(key.doing("the set-up text is no otpauth URI with a secret")?, secrets)
    }

    /// Adds an account by typing its key; groups of four are fine.
    pub fn typed(key: &str, secrets: &Secrets) -> Result<Self> {
        let key: String = key.chars().filter(|c| !c.is_whitespace()).collect();
        secrets.note("totp key", &key)?;
        Ok(Self { key, used: None, secrets: secrets.clone() })
    }

    /// The command that shows the present code, for somebody at a terminal.
    pub fn command(&self) -> String {
        format!("oathtool --totp -b {}", self.key)
    }

    /// A code that was not used before; waits for the next one if need be, since the portal takes each once.
    pub async fn fresh_code(&mut self, clock: &dyn Clock) -> Result<String> {
        let mut step = Self::step(clock)?;
        while self.used == Some(step) {
            tokio::time::sleep(Duration::from_millis(250)).await;
            step = Self::step(clock)?;
        }
        self.used = Some(step);
        let shown = Command::new("oathtool").args(["--totp", "-b", &self.key]).output().map_err(|fault| {
            Fault(format!("oathtool, the authenticator of this demo, does not start ({fault}); install it: apt-get install oathtool"))
        })?;
        let code = String::from_utf8(shown.stdout).doing("oathtool")?.trim().to_owned();
        if !shown.status.success() || code.len() != 6 {
            return Err(Fault(format!("oathtool showed no code: {}", String::from_utf8_lossy(&shown.stderr).trim())));
        }
        self.secrets.note("code", &code)?;
        Ok(code)
    }

    fn step(clock: &dyn Clock) -> Result<u64> {
        Ok(clock.wall_ms().doing("the clock")? / PERIOD_MS)
    }
}
