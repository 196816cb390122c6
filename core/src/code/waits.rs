//! How long to wait after wrong codes, and when to stop (RFC 4226 §7.3; NIST SP 800-63B-4 §3.2.2 and §3.2.10).
//!
//! The numbers are those of the design's *Defaults*. The portal counts, per account and factor, never per session.

use std::ops::RangeInclusive;

/// Wrong codes in a row that cost no wait; the next one is the first that does.
pub const FAILURES_BEFORE_WAIT: u32 = 2;

/// Wrong codes in a row after which the authenticator is disabled: a recovery code or a reset is the way back.
pub const FAILURES_BEFORE_DISABLED: u32 = 10;

/// What a policy may set instead of [`FAILURES_BEFORE_DISABLED`]; NIST allows no more than ten.
pub const FAILURES_BEFORE_DISABLED_RANGE: RangeInclusive<u32> = 5..=10;

/// How long an accepted code counts as fresh for a weighty act, in milliseconds: ten minutes.
pub const FRESH_CODE_MS: u64 = 10 * MINUTE_MS;

/// How long a set-up waits for its first correct code, in milliseconds: ten minutes.
pub const SET_UP_MS: u64 = 10 * MINUTE_MS;

const MINUTE_MS: u64 = 60_000;

/// Milliseconds until the next code is looked at, after `fails` wrong ones in a row: 30 s after the third, then 1, 5
/// and 15 minutes, and 15 minutes after each further one.
///
/// Says nothing about disabling: whoever counts compares with [`FAILURES_BEFORE_DISABLED`] or the policy's number.
pub fn wait_after_failures(fails: u32) -> u64 {
    match fails {
        0..=FAILURES_BEFORE_WAIT => 0,
        3 => MINUTE_MS / 2,
        4 => MINUTE_MS,
        5 => 5 * MINUTE_MS,
        _ => 15 * MINUTE_MS,
    }
}
