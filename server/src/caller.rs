//! Who is calling: the member, the device, and the decision about them.

use crate::access::Access;
use crate::act::Outcome;
use crate::caller_facts::{FIND_DEVICE_CALLER, FIND_SESSION, read_row};
use crate::store::{StoreError, Tx};
use crate::words::Words;
use twinlock_core::policy::{Facts, Rules, Surface};
use twinlock_core::step::Step;
use twinlock_core::{Error, Result};

/// A member's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Uses files.
    Member,
    /// Also decides: policy, devices, members.
    Admin,
    /// Also reads the audit log.
    Auditor,
}

/// What the caller proved itself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A browser's cookie.
    Cookie,
    /// A session's key.
    Session,
    /// The device key.
    Device,
}

/// Where a request came from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The client's address.
    pub address: String,
    /// What the client calls itself, for people to recognise a session by.
    pub agent: String,
    /// Names the request in the log.
    pub request_id: String,
    /// How the browser is spoken to.
    pub words: Words,
}

/// An authenticated caller and the decision about it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The organisation's id.
    pub organisation: String,
    /// The member's id.
    pub member: String,
    /// The member's name.
    pub name: String,
    /// The member's role.
    pub role: Role,
    /// Where the member is.
    pub surface: Surface,
    /// What it proved itself with.
    pub key: Key,
    /// The session's place in the table; empty for a device key.
    pub token_hash: Vec<u8>,
    /// The device's id, if there is one.
    pub device: Option<String>,
    /// What the decision was made on.
    pub facts: Facts,
    /// The policy of this moment.
    pub rules: Rules,
    /// Its version.
    pub policy_version: u64,
    /// The decision.
    pub step: Step,
    /// What the guard admitted it for.
    pub access: Access,
    /// The policy version that a signed request named.
    pub claimed_policy: Option<u64>,
    /// The nonce of a signed call; taken in the transaction of whatever the call changes.
    pub nonce: Option<String>,
    /// Where the request came from.
    pub origin: Origin,
    /// How the member is spoken to.
    pub words: Words,
    /// True once a session of the member has had nothing left to do.
    pub is_used: bool,
    /// The portal's time when it arrived.
    pub now_ms: u64,
}

/// How long an accepted code counts as fresh for a weighty act.
const FRESH_CODE_MS: u64 = 10 * 60_000;

impl Caller {
    /// When a code was accepted in this session, epoch milliseconds, or 0.
    pub fn code_at_ms(&self) -> u64 {
        self.facts.session.and_then(|session| session.code_at_ms).unwrap_or(0)
    }

    /// From when two-step is demanded of this member, where it is not yet.
    pub fn required_from_ms(&self) -> Option<u64> {
        Some(self.facts.required_from_ms).filter(|from_ms| self.rules.two_step && *from_ms > self.now_ms)
    }

    /// True if a recovery code opened the session.
    pub fn is_recovering(&self) -> bool {
        self.facts.session.is_some_and(|session| session.recovering)
    }

    /// [`Error::FreshCodeRequired`] unless a code was accepted in this session within the last ten minutes.
    pub fn require_fresh_code(&self) -> Result<()> {
        if self.now_ms.saturating_sub(self.code_at_ms()) < FRESH_CODE_MS {
            Ok(())
        } else {
            Err(Error::FreshCodeRequired)
        }
    }

    /// The decision as it stands inside this transaction, after what the transaction has changed.
    pub fn step_now(&self, tx: &mut Tx<'_>) -> std::result::Result<Step, StoreError> {
        Ok(self.as_of_now(tx)?.map_or(Step::SignIn, |caller| caller.step))
    }

    /// The guard's question once more, inside this transaction: since the guard looked, the role may have been taken away,
    /// the member suspended, the session ended.
    pub fn admit_again(&self, tx: &mut Tx<'_>) -> Outcome<()> {
        let Some(now) = self.as_of_now(tx)? else { return Ok(Err(Error::SessionEnded)) };
        Ok(self.access.check(&now))
    }

    /// The caller with facts, policy and decision as they stand inside this transaction; `None` if its session is over.
    pub fn as_of_now(&self, tx: &mut Tx<'_>) -> std::result::Result<Option<Caller>, StoreError> {
        let found = match (&self.key, &self.device) {
            (Key::Device, Some(device)) => {
                tx.query_one(FIND_DEVICE_CALLER, &[(&self.organisation).into(), device.into()])?
            }
            _ => tx.query_one(FIND_SESSION, &[(&self.organisation).into(), (&self.token_hash).into()])?,
        };
        let Some(row) = found else { return Ok(None) };
        let known = read_row(&row, self.key != Key::Device)?;
        Ok(Some(known.into_caller(&self.organisation, self.key, self.token_hash.clone(), &self.origin, self.now_ms)))
    }
}
