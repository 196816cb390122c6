//! The portal's state, shared by every handler.

use crate::applications::host_sessions;
use crate::config::Config;
use crate::devices::streams::Streams;
use crate::key_wrap::KeyWrap;
use crate::password::Hasher;
use crate::sso::{self, Providers};
use crate::store::{Store, Tx};
use crate::throttle::Throttle;
use crate::{
    compliance, enrollments, first_factor, mail::freeze, mail::sending, members::places, nonce, pins, proposals,
    sessions,
};
use ring::rand::SystemRandom;
use std::sync::Arc;
use twinlock_core::ports::Clock;
use twinlock_core::{Error, Result};

/// A handle on everything a handler may use. Cheap to clone.
pub type Portal = Arc<PortalState>;

/// What [`Portal`] points to.
pub struct PortalState {
    /// The database.
    pub store: Store,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Keys at rest.
    pub key_wrap: Arc<dyn KeyWrap>,
    /// The operator's settings.
    pub config: Config,
    /// Password hashing, a few at a time.
    pub hasher: Hasher,
    /// Limits per client network.
    pub throttle: Throttle,
    /// The admins who watch devices being enrolled.
    pub streams: Streams,
    /// What identity providers say of themselves.
    pub providers: Providers,
    /// Randomness.
    pub random: SystemRandom,
}

impl PortalState {
    /// Puts the parts together.
    pub fn new(config: Config, store: Store, clock: Arc<dyn Clock>, key_wrap: Arc<dyn KeyWrap>) -> Portal {
        let throttle = Throttle::new(config.requests_a_second, config.sign_ins_a_minute);
        let providers = Providers::new(config.provider_roots.clone());
        let (hasher, random, streams) = (Hasher::new(), SystemRandom::new(), Streams::default());
        Arc::new(Self { store, clock, key_wrap, config, hasher, throttle, streams, providers, random })
    }

    /// Forgets what is too old to matter, erases the PINs whose last try nobody came back to, and notes the day's
    /// compliance. Call it every minute.
    pub async fn sweep(&self) -> Result<()> {
        self.throttle.sweep();
        let now_ms = self.now_ms()?;
        let is_sending = self.config.mail.is_some();
        let swept = self.store.write(move |tx| {
            nonce::sweep(tx, now_ms)?;
            host_sessions::sweep(tx, now_ms)?;
            enrollments::sweep(tx, now_ms)?;
            places::sweep(tx, now_ms)?;
            pins::sweep(tx, now_ms)?;
            sending::sweep(tx, is_sending, now_ms)?;
            freeze::sweep(tx, now_ms)?;
            first_factor::sweep(tx, now_ms)?;
            proposals::sweep(tx, now_ms)?;
            sso::sweep(tx, now_ms)?;
            sessions::sweep(tx, now_ms)
        });
        swept.await.map_err(|_| Error::PortalUnavailable)?;
        // Many exceptions may end at once; others get their turn between two parts.
        let over = move |tx: &mut Tx<'_>| places::sweep_exceptions(tx, now_ms);
        while self.store.write(over).await.map_err(|_| Error::PortalUnavailable)? == u64::from(places::AT_ONCE) {}
        compliance::note_days(self, now_ms).await.map_err(|_| Error::PortalUnavailable)
    }

    /// Wall time in epoch milliseconds.
    pub fn now_ms(&self) -> Result<u64> {
        self.clock.wall_ms().map_err(|_| Error::PortalUnavailable)
    }
}
