//! What a guess costs: the hashings are counted, not the time.

use super::*;
use std::sync::atomic::{AtomicU32, Ordering};
use twinlock_core::Result;
use twinlock_core::secret::SecretBytes;
use twinlock_portal::key_wrap::KeyWrap;
use twinlock_portal::portal::PortalState;
use twinlock_portal::store::Options;

/// Counts how often the pepper is taken, which each hashing of a recovery code does once.
struct Counting {
    inner: Arc<dyn KeyWrap>,
    hashings: AtomicU32,
}

impl KeyWrap for Counting {
    fn seal(&self, secret: &[u8], associated: &[u8]) -> Result<(i64, Vec<u8>)> {
        self.inner.seal(secret, associated)
    }

    fn open(&self, version: i64, sealed: &[u8], associated: &[u8]) -> Result<SecretBytes> {
        self.inner.open(version, sealed, associated)
    }

    fn nonce_key(&self) -> &SecretBytes {
        self.inner.nonce_key()
    }

    fn recovery_pepper(&self) -> &SecretBytes {
        self.hashings.fetch_add(1, Ordering::SeqCst);
        self.inner.recovery_pepper()
    }
}

/// Which selectors there are is not told by the time an answer takes; nor whether there is a set at all.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_selector_costs_as_much_as_a_known_one() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = bo(&portal).await;
    let counting = Arc::new(Counting { inner: portal.state.key_wrap.clone(), hashings: AtomicU32::new(0) });
    let store = portal.world.open(Options::at(i64::try_from(portal.clock.now_ms()).unwrap()));
    let second = PortalState::new(portal.state.config.clone(), store, portal.clock.clone(), counting.clone());
    let mut phone = Phone::new(Door::Here(twinlock_portal::app::app(second)), portal.clock.clone());
    phone.sign_in(BO).await;
    let hashings = async |guess: &str| {
        portal.world.sql("UPDATE recovery SET fails = 0, wait_until_ms = 0");
        let before = counting.hashings.load(Ordering::SeqCst);
        phone.recover(guess).await.expect_problem(422, REFUSED);
        counting.hashings.load(Ordering::SeqCst) - before
    };
    assert_eq!(hashings(&wrong(&bo.recovery_codes[0], 1)).await, 1, "a known selector");
    assert_eq!(hashings(&unknown(&bo.recovery_codes)).await, 1, "an unknown one");
    portal.world.sql("DELETE FROM recovery_code; DELETE FROM recovery; SELECT 1");
    assert_eq!(hashings(&bo.recovery_codes[0]).await, 1, "no set");
}
