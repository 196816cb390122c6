//! Authorised requests: what proves member, device and session to the app's own back end, which asks the portal about it.

use super::Engine;
use super::connection::{Headers, generate_nonce};
use crate::error::{Error, Result};
use crate::proof::{RequestHead, RequestParts, Target};
use crate::step::Step;

impl Engine {
    /// The headers that authorise one request to the app's own back end: `content-digest`, `x-policy-version`,
    /// `signature-input` and `signature` (RFC 9421, RFC 9530). Send them with exactly this method, address and body within
    /// a minute, once: the back end has them checked by the portal's `POST /v1/introspection`.
    ///
    /// `method` is upper case, `url` absolute and `https`. It costs one request to the portal at most, to learn its time.
    ///
    /// # Errors
    /// [`Error::StepRequired`] unless `Ready`: draw the step. [`Error::SessionEnded`]: it was locked; the PIN opens it.
    /// [`Error::BadRequest`] for a method or an address that cannot be signed, and for the portal's own, which no app has
    /// business with: the app's developer corrects it.
    pub async fn authorise(&self, method: &str, url: &str, body: &[u8]) -> Result<Headers> {
        let session = self.session()?;
        if self.current_step()? != Step::Ready {
            return Err(Error::StepRequired);
        }
        let target = Target::parse(url)?;
        let connection = &self.shared.connection;
        let is_method = (1..=32).contains(&method.len()) && method.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_method || target.authority == connection.authority {
            return Err(Error::BadRequest);
        }
        connection.learn_portal_ms().await?;
        let head = RequestHead {
            method,
            authority: &target.authority,
            path: &target.path,
            query: target.query.as_deref(),
            policy_version: self.policy_version()?,
        };
        connection.sign(&session, &RequestParts { head, body }, generate_nonce()?)
    }
}
