//! Whose PIN, file or vault it is.

use crate::error::{Error, Result};

/// The organisation and the device that a sealed thing belongs to. Bound into keys and files, never secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    organisation: String,
    device: String,
}

impl Owner {
    /// The longest identifier, in bytes of UTF-8.
    pub const MAX_ID_LEN: usize = 64;

    /// Two identifiers of 1 to 64 bytes without control characters, as the portal gave them.
    ///
    /// # Errors
    /// [`Error::BadRequest`] if one is empty, too long or holds a control character.
    pub fn new(organisation: &str, device: &str) -> Result<Self> {
        let is_id = |id: &str| (1..=Self::MAX_ID_LEN).contains(&id.len()) && !id.chars().any(char::is_control);
        if !is_id(organisation) || !is_id(device) {
            return Err(Error::BadRequest);
        }
        Ok(Self { organisation: organisation.to_owned(), device: device.to_owned() })
    }

    /// The organisation's identifier.
    pub fn organisation(&self) -> &str {
        &self.organisation
    }

    /// The device's identifier.
    pub fn device(&self) -> &str {
        &self.device
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_bounded() {
        let long = "x".repeat(64);
        assert!(Owner::new("o", &long).is_ok());
        assert!(Owner::new("Ärzte", "d").is_ok());
        for (organisation, device) in [("", "d"), ("o", ""), ("o", &*format!("{long}x")), ("o\0", "d"), ("o", "d\n")] {
            assert_eq!(Owner::new(organisation, device), Err(Error::BadRequest));
        }
    }
}
