use crate::error::EngineError;
use twinlock_core::engine;
use twinlock_core::http::HttpConfig;
use twinlock_core::policy::Surface;

/// What the app says of itself and of its portal.
#[derive(Debug, Clone, uniffi::Record)]
pub struct EngineConfig {
    /// `https://host` or `https://host:port`. Signatures are bound to the host and a port other than 443.
    pub portal_url: String,
    /// The portal's trusted roots, PEM; the system's are not used.
    pub roots_pem: Vec<u8>,
    /// Names the keys in the device's key store; one per account on this phone.
    pub account: String,
    /// The device's name, 1–64 characters.
    pub device_name: String,
    /// Manufacturer and model.
    pub model: String,
    /// System and version.
    pub system: String,
    /// `major.minor.patch`.
    pub app_version: String,
}

impl EngineConfig {
    pub(crate) fn split(self) -> Result<(engine::EngineConfig, HttpConfig), EngineError> {
        let authority = HttpConfig::authority(&self.portal_url)?;
        let http = HttpConfig { base_url: self.portal_url, roots_pem: self.roots_pem, pins: Vec::new() };
        let config = engine::EngineConfig {
            account: self.account,
            authority,
            device_name: self.device_name,
            model: self.model,
            system: self.system,
            app_version: self.app_version,
            surface: Surface::Phone,
        };
        Ok((config, http))
    }
}
