//! A secret with its parameters: computes and verifies codes (RFC 4226 §5, RFC 6238 §4).

use crate::code::mac::CodeMac;
use crate::code::{Algorithm, CodeInput, Digits, Parameters, Period, UriFault};
use crate::error::{Error, Result};
use crate::ports::generate_bytes;
use crate::secret::SecretBytes;
use ring::rand::SecureRandom;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

/// Bytes of a secret that is issued (RFC 4226 §4 R6: 160 bits recommended).
pub const ISSUED_SECRET_BYTES: usize = 20;

/// Fewest bytes of a secret that import accepts (RFC 4226 §4 R6: 128 bits required).
pub const MIN_SECRET_BYTES: usize = 16;

/// Most bytes of a secret that import accepts (RFC 6238 §5.1: the length of the largest HMAC output).
pub const MAX_SECRET_BYTES: usize = 64;

/// Times from here on are refused, in seconds since 1970 (the year 36812): far beyond 32 bits (RFC 6238 §4.2), and far
/// from where arithmetic on steps could overflow.
pub const TIME_LIMIT_S: u64 = 1 << 40;

/// How far [`CodeKey::verify_nearby`] looks at most, in steps to either side: an hour and more at 30 seconds.
pub const MAX_NEARBY_STEPS: u32 = 128;

/// What became of a code. A plain answer, not an error: the portal logs the last two apart and answers them alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The code is right. Whoever accepts it stores `step` and passes it as `after_step` from then on.
    Accepted {
        /// The time step it belongs to (RFC 6238 §4.2, T).
        step: u64,
    },
    /// The code belongs to a step that is not after the last accepted one (RFC 6238 §5.2 forbids a second use).
    Replayed,
    /// No step of the window has this code.
    Wrong,
}

/// A TOTP secret with its parameters. Wiped on drop; `Debug` shows the parameters only.
#[derive(Clone, PartialEq)]
pub struct CodeKey {
    // The one copy of the secret. Its skew and `check` are not used: `check` stops at the first match, and `sign` keys
    // its HMAC anew for each step.
    totp: totp_rs::Totp,
    parameters: Parameters,
}

impl CodeKey {
    /// A new secret of 20 random bytes for SHA-1, six digits and 30 seconds. [`Error::RandomFailed`] if there is no
    /// randomness.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self> {
        let bytes = Zeroizing::new(generate_bytes::<ISSUED_SECRET_BYTES>(random)?);
        Self::from_bytes(bytes.as_slice(), Parameters::default())
    }

    /// A secret of 16–64 bytes that was stored or imported; otherwise [`UriFault::SecretLength`].
    pub fn from_secret(secret: &SecretBytes, parameters: Parameters) -> Result<Self> {
        Self::from_bytes(secret.expose(), parameters)
    }

    /// A copy of the secret, to seal it. It wipes itself.
    pub fn secret(&self) -> SecretBytes {
        SecretBytes::new(self.totp.secret().as_bytes().to_vec())
    }

    /// What the codes are computed with.
    pub fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// Whether the secret is shorter than the 20 bytes that RFC 4226 §4 R6 recommends: acceptable on import with a
    /// warning, never issued.
    pub fn is_weak(&self) -> bool {
        self.totp.secret().as_bytes().len() < ISSUED_SECRET_BYTES
    }

    /// The time step of a moment: seconds since 1970 divided by the period (RFC 6238 §4.2).
    ///
    /// `now_ms` is milliseconds since 1970-01-01 UTC; from 2⁴⁰ seconds on it is [`Error::TimeOutOfRange`].
    pub fn step_at(&self, now_ms: u64) -> Result<u64> {
        step_at(self.parameters.period, now_ms)
    }

    /// The code of a step (RFC 4226 §5.3). [`Error::TimeOutOfRange`] for a step that no accepted time has.
    pub fn derive_code(&self, step: u64) -> Result<CodeInput> {
        if step >= TIME_LIMIT_S / self.parameters.period.seconds() {
            return Err(Error::TimeOutOfRange);
        }
        Ok(CodeInput::from_number(self.number(&self.mac()?, step)?, self.parameters.digits))
    }

    /// Verifies a code at `now_ms` (milliseconds since 1970-01-01 UTC) against exactly the step before, the present one
    /// and the next (RFC 6238 §5.2), always all three and in constant time, and only steps greater than `after_step`
    /// are accepted.
    ///
    /// A code that two of the steps share counts for the later one, so that it cannot be used again at that one.
    ///
    /// Errors: [`Error::TimeOutOfRange`] from 2⁴⁰ seconds on; [`Error::CodeMalformed`] if `code` has another number of
    /// digits.
    pub fn verify(&self, code: &CodeInput, now_ms: u64, after_step: Option<u64>) -> Result<Verdict> {
        let now = self.step_at(now_ms)?;
        self.check_form(code)?;
        let typed = code.number();
        let mac = self.mac()?;
        let mut found = Choice::from(0);
        let mut matched = 0;
        // In step 0 there is no step before: the work is done all the same, on step 0 itself.
        for step in [now.saturating_sub(1), now, now + 1] {
            let equal = self.number(&mac, step)?.ct_eq(&typed);
            matched.conditional_assign(&step, equal);
            found |= equal;
        }
        Ok(match after_step {
            _ if !bool::from(found) => Verdict::Wrong,
            Some(last) if matched <= last => Verdict::Replayed,
            _ => Verdict::Accepted { step: matched },
        })
    }

    /// Verifies the first code of a set-up, before anything was accepted, and names the app that computes something
    /// else than it was told: [`Error::AuthenticatorUnsupported`] instead of [`Verdict::Wrong`].
    ///
    /// Errors otherwise as for [`verify`](Self::verify). Nobody else gets the difference: it is for whoever holds the
    /// secret on the screen at that moment.
    pub fn verify_set_up(&self, code: &CodeInput, now_ms: u64) -> Result<Verdict> {
        let verdict = self.verify(code, now_ms, None)?;
        if verdict == Verdict::Wrong && self.looks_like_fallback(code, now_ms)? {
            return Err(Error::AuthenticatorUnsupported);
        }
        Ok(verdict)
    }

    /// Whether a code that [`verify`](Self::verify) calls wrong is right for SHA-1, with this key's period or with
    /// 30 seconds: what apps compute that accept other parameters and ignore them. Always false for a key of SHA-1 and
    /// 30 seconds.
    ///
    /// Errors as for [`verify`](Self::verify).
    pub fn looks_like_fallback(&self, code: &CodeInput, now_ms: u64) -> Result<bool> {
        self.step_at(now_ms)?;
        self.check_form(code)?;
        for period in [self.parameters.period, Period::Seconds30] {
            let fallback = Parameters { algorithm: Algorithm::Sha1, period, ..self.parameters };
            if fallback == self.parameters {
                continue;
            }
            let key = Self::from_bytes(self.totp.secret().as_bytes(), fallback)?;
            if key.verify(code, now_ms, None)? != Verdict::Wrong {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many steps the clock that made this code is ahead (positive) or behind (negative), looking at most
    /// `max_steps` to either side, never more than [`MAX_NEARBY_STEPS`]; `None` if the code is of none of them.
    ///
    /// Only to explain a wrong clock where the secret is at hand during set-up. It accepts nothing, is not constant in
    /// time, and each step looked at is one more code that a guess could hit: the portal never calls it.
    /// Errors as for [`verify`](Self::verify).
    pub fn verify_nearby(&self, code: &CodeInput, now_ms: u64, max_steps: u32) -> Result<Option<i64>> {
        let now = self.step_at(now_ms)?;
        self.check_form(code)?;
        let mac = self.mac()?;
        // Nearest first: of two steps with one code the nearer is the likelier.
        for distance in 0..=i64::from(max_steps.min(MAX_NEARBY_STEPS)) {
            for offset in [distance, -distance] {
                let Some(step) = now.checked_add_signed(offset) else {
                    continue;
                };
                if bool::from(self.number(&mac, step)?.ct_eq(&code.number())) {
                    return Ok(Some(offset));
                }
            }
        }
        Ok(None)
    }

    fn from_bytes(secret: &[u8], parameters: Parameters) -> Result<Self> {
        if !(MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&secret.len()) {
            return Err(UriFault::SecretLength.into());
        }
        let totp = totp_rs::Builder::new()
            .with_algorithm(match parameters.algorithm {
                Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
                Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
                Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
            })
            .with_digits(parameters.digits.count())
            .with_step_duration(parameters.period.seconds())
            // On the heap from the start: moving this value must not leave the secret on the stack.
            .with_secret(totp_rs::Secret::new(secret.into()))
            .build()
            .map_err(|_| Error::Internal)?;
        Ok(Self { totp, parameters })
    }

    fn check_form(&self, code: &CodeInput) -> Result<()> {
        if code.digits() == self.parameters.digits { Ok(()) } else { Err(Error::CodeMalformed) }
    }

    fn mac(&self) -> Result<CodeMac> {
        CodeMac::new(self.parameters.algorithm, self.totp.secret().as_bytes())
    }

    /// The code of a step as a number (RFC 4226 §5.3). `step` comes from a time that was checked.
    fn number(&self, mac: &CodeMac, step: u64) -> Result<u32> {
        let number = mac.truncated(step)?;
        // Constants, so that no division takes longer for some codes than for others.
        Ok(match self.parameters.digits {
            Digits::Six => number % 1_000_000,
            Digits::Eight => number % 100_000_000,
        })
    }
}

impl std::fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeKey").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

fn step_at(period: Period, now_ms: u64) -> Result<u64> {
    let seconds = now_ms / 1000;
    if seconds >= TIME_LIMIT_S {
        return Err(Error::TimeOutOfRange);
    }
    Ok(seconds / period.seconds())
}
