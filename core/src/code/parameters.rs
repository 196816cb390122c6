//! What a secret is computed with. Closed types: a parameter that is not accepted cannot be expressed.

/// The hash under the HMAC (RFC 6238 §1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// HMAC-SHA-1: the only one issued, since several apps compute it whatever the URI says.
    #[default]
    Sha1,
    /// HMAC-SHA-256, on import only.
    Sha256,
    /// HMAC-SHA-512, on import only.
    Sha512,
}

impl Algorithm {
    /// The name in a key URI: `SHA1`, `SHA256` or `SHA512` (Key URI format, "Algorithm").
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
            Algorithm::Sha512 => "SHA512",
        }
    }

    /// The algorithm of this name in any case; `None` for everything else, also for `SHA-256`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }
}

/// How many decimal digits a code has (RFC 4226 §5.3; seven is allowed there and used by nobody).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Digits {
    /// Six: the only one issued.
    #[default]
    Six,
    /// Eight, on import only.
    Eight,
}

impl Digits {
    /// 6 or 8.
    pub fn count(self) -> u8 {
        match self {
            Digits::Six => 6,
            Digits::Eight => 8,
        }
    }

    /// `None` for every other number than 6 and 8.
    pub fn from_count(count: u8) -> Option<Self> {
        match count {
            6 => Some(Digits::Six),
            8 => Some(Digits::Eight),
            _ => None,
        }
    }
}

/// How long one time step lasts (RFC 6238 §4.1, X). NIST SP 800-63B-4 §3.1.4.1 forbids more than two minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Period {
    /// 30 seconds: the only one issued.
    #[default]
    Seconds30,
    /// 60 seconds, on import only.
    Seconds60,
}

impl Period {
    /// 30 or 60, in seconds.
    pub fn seconds(self) -> u64 {
        match self {
            Period::Seconds30 => 30,
            Period::Seconds60 => 60,
        }
    }

    /// `None` for every other number than 30 and 60.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        match seconds {
            30 => Some(Period::Seconds30),
            60 => Some(Period::Seconds60),
            _ => None,
        }
    }
}

/// Everything but the secret that a code depends on. The default is what is issued: SHA-1, six digits, 30 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Parameters {
    /// The hash under the HMAC.
    pub algorithm: Algorithm,
    /// The length of a code.
    pub digits: Digits,
    /// The length of a time step.
    pub period: Period,
}
