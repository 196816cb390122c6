//! Pins: of all certificates that the roots vouch for, only those with a known key (RFC 7469 §2.4).

use ring::digest::{SHA256, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerIncompatible, RootCertStore, SignatureScheme};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use webpki::{EndEntityCert, KeyUsage, VerifiedPath, spki_for_anchor};

/// SHA-256 of a DER SubjectPublicKeyInfo.
pub(super) type SpkiPin = [u8; 32];

/// Verifies as webpki does (chain, time, host), then asks for a pin. Pins add to the roots and never replace them.
#[derive(Debug)]
pub(super) struct PinnedVerifier {
    webpki: Arc<WebPkiServerVerifier>,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    pins: Vec<SpkiPin>,
}

impl PinnedVerifier {
    /// Without pins the roots alone decide. The error is that there is no root.
    pub(super) fn new(
        roots: RootCertStore,
        provider: Arc<CryptoProvider>,
        pins: Vec<SpkiPin>,
    ) -> Result<Self, rustls::client::VerifierBuilderError> {
        let roots = Arc::new(roots);
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider)).build()?;
        Ok(Self { webpki, roots, provider, pins })
    }

    /// A pin has to be in a path that leads to a root. What else the portal sends along proves nothing: anybody can send
    /// anybody's certificate.
    fn verify_pin(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), webpki::Error> {
        let is_pinned = |path: &VerifiedPath<'_>| {
            if self.holds_pin(path) { Ok(()) } else { Err(webpki::Error::UnknownIssuer) }
        };
        EndEntityCert::try_from(end_entity)?
            .verify_for_usage(
                self.provider.signature_verification_algorithms.all,
                &self.roots.roots,
                intermediates,
                now,
                KeyUsage::server_auth(),
                None,
                Some(&is_pinned),
            )
            .map(|_| ())
    }

    fn holds_pin(&self, path: &VerifiedPath<'_>) -> bool {
        let between = path.intermediate_certificates().map(|certificate| certificate.subject_public_key_info());
        let ends = [path.end_entity().subject_public_key_info(), spki_for_anchor(path.anchor())];
        between.chain(ends).any(|spki| self.is_pin(&spki))
    }

    fn is_pin(&self, spki: &SubjectPublicKeyInfoDer<'_>) -> bool {
        let found = digest(&SHA256, spki.as_ref());
        self.pins.iter().any(|pin| pin.ct_eq(found.as_ref()).into())
    }
}

impl ServerCertVerifier for PinnedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        if !self.pins.is_empty() && self.verify_pin(end_entity, intermediates, now).is_err() {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::ServerDoesNotSupportTls12Or13.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
