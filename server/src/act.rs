//! How a handler changes something: one transaction that first takes the request's nonce.

use crate::access::Access;
use crate::caller::Caller;
use crate::nonce;
use crate::portal::PortalState;
use crate::problem::Refusal;
use crate::store::{StoreError, Tx};
use crate::two_step;
use std::sync::Arc;
use twinlock_core::policy::FactorState;
use twinlock_core::{Error, Result};

/// What a business function answers: a fault of the database undoes everything; a refusal keeps what was written, such
/// as a counted try.
pub type Outcome<T> = std::result::Result<Result<T>, StoreError>;

impl PortalState {
    /// Runs a business function for this caller in one transaction.
    pub async fn act<T, F>(&self, caller: &Arc<Caller>, act: F) -> std::result::Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>, &Caller) -> Outcome<T> + Send + 'static,
    {
        let has_no_code = caller.facts.factor == FactorState::NotSetUp;
        let caller = Arc::clone(caller);
        let outcome = self.store.write(move |tx| {
            if let Some(nonce) = &caller.nonce
                && let Err(refused) = nonce::take(tx, &caller.organisation, nonce, caller.now_ms)?
            {
                return Ok(Err(refused));
            }
            // What an admin may do reaches others, so it is asked again where nothing can come between.
            if caller.access == Access::Admin
                && let Err(refused) = caller.admit_again(tx)?
            {
                return Ok(Err(refused));
            }
            act(tx, &caller)
        });
        outcome.await?.map_err(|error| match error {
            Error::FreshCodeRequired if has_no_code => Refusal::from(error).explained(two_step::NO_AUTHENTICATOR),
            error => error.into(),
        })
    }
}
