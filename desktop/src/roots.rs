//! Whom to trust: the certificates that were named, or those of the system.

use crate::failure::{Class, Failure};
use data_encoding::BASE64;
use twinlock_core::ErrorCode;

/// The system's roots, PEM.
pub fn system_roots() -> Result<String, Failure> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let what = "Install them (Debian: ca-certificates), or name the portal's: --ca-file PATH.";
        let message = "This system has no trusted certificates.";
        return Err(Failure::new(ErrorCode::TlsRefused, Class::Network, message, what));
    }
    Ok(found.certs.iter().map(|certificate| to_pem(certificate)).collect())
}

/// RFC 7468 §5.1.
fn to_pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for (at, c) in text.chars().enumerate() {
        pem.push(c);
        if at % 64 == 63 {
            pem.push('\n');
        }
    }
    pem + "\n-----END CERTIFICATE-----\n"
}
