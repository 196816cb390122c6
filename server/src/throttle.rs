//! The outer limits per client network and per member, in memory: they protect the portal and replace no counter of the
//! database.

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use twinlock_core::{Error, Result};

/// Enrollments that a member may begin at once; then one a minute.
const ENROLLMENTS: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Three limits: all requests and sign-ins of a network, and the enrollments of a member.
pub struct Throttle {
    requests: DefaultKeyedRateLimiter<IpAddr>,
    sign_ins: DefaultKeyedRateLimiter<IpAddr>,
    enrollments: DefaultKeyedRateLimiter<String>,
}

impl Throttle {
    /// 0 counts as 1.
    pub fn new(requests_a_second: u32, sign_ins_a_minute: u32) -> Self {
        let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            requests: RateLimiter::keyed(Quota::per_second(at_least_one(requests_a_second))),
            sign_ins: RateLimiter::keyed(Quota::per_minute(at_least_one(sign_ins_a_minute))),
            enrollments: RateLimiter::keyed(Quota::per_minute(NonZeroU32::MIN).allow_burst(ENROLLMENTS)),
        }
    }

    /// Any request; [`Error::Throttled`].
    pub fn check_request(&self, address: IpAddr) -> Result<()> {
        check(&self.requests, &network_of(address))
    }

    /// A sign-in; [`Error::Throttled`].
    pub fn check_sign_in(&self, address: IpAddr) -> Result<()> {
        check(&self.sign_ins, &network_of(address))
    }

    /// The begin of an enrollment; [`Error::Throttled`].
    pub fn check_enrollment(&self, organisation: &str, member: &str) -> Result<()> {
        check(&self.enrollments, &format!("{organisation} {member}"))
    }

    /// Drops who is quiet.
    pub fn sweep(&self) {
        self.requests.retain_recent();
        self.sign_ins.retain_recent();
        self.enrollments.retain_recent();
    }
}

fn check<K: Clone + Eq + Hash>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<()> {
    limiter.check_key(key).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        Error::Throttled { retry_after_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1) }
    })
}

/// One IPv4 address, or the /64 of an IPv6 address: whoever holds one holds all of it.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_of_one_network_share_one_limit() {
        let throttle = Throttle::new(1, 2);
        let first: IpAddr = "2001:db8::1".parse().unwrap();
        let second: IpAddr = "2001:db8::ffff:2".parse().unwrap();
        let elsewhere: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        throttle.check_sign_in(first).unwrap();
        throttle.check_sign_in(second).unwrap();
        assert!(matches!(throttle.check_sign_in(first), Err(Error::Throttled { retry_after_ms: 1.. })));
        throttle.check_sign_in(elsewhere).unwrap();
    }
}
