//! How long to wait after wrong PINs (NIST SP 800-63B-4 §3.2.2 and §3.2.10). The portal counts, per device.

const MINUTE_MS: u64 = 60_000;

/// Milliseconds until the next try is accepted, after `fails` wrong ones in a row: 30 s after the third, then 1, 5, 15
/// and 60 minutes, and an hour after each further one.
pub fn wait_after_failures(fails: u32) -> u64 {
    match fails {
        0..=2 => 0,
        3 => MINUTE_MS / 2,
        4 => MINUTE_MS,
        5 => 5 * MINUTE_MS,
        6 => 15 * MINUTE_MS,
        _ => 60 * MINUTE_MS,
    }
}
