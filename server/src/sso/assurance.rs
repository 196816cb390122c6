//! Whether a provider asserted multi-factor authentication for this sign-in.

use super::settings::Settings;
use openidconnect::core::CoreIdTokenClaims;

/// True if `amr` (RFC 8176 §2) holds one of the values that count, or `acr` is one of them. Absent and unknown is no.
pub fn is_mfa(settings: &Settings, claims: &CoreIdTokenClaims) -> bool {
    let by_method = claims.auth_method_refs().is_some_and(|methods| counts(&settings.mfa_amr, methods));
    let by_context = claims.auth_context_ref().is_some_and(|context| counts(&settings.mfa_acr, [context]));
    by_method || by_context
}

fn counts<'a, T: std::ops::Deref<Target = String> + 'a>(
    accepted: &[String],
    asserted: impl IntoIterator<Item = &'a T>,
) -> bool {
    asserted.into_iter().any(|value| accepted.iter().any(|accepted| *accepted == **value))
}
