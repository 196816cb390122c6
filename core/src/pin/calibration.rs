//! How much work one guess costs on this device: measured when a PIN is set, memory before passes.

use crate::error::Result;
use crate::pin::{StretchMemory, StretchParameters};
use crate::ports::Clock;

/// The least and the most time that stretching shall take, and what is aimed at, in milliseconds.
const LEAST_MS: u64 = 250;
const MOST_MS: u64 = 500;
const AIM_MS: u64 = 350;
/// Machines are not proportional: what was computed is measured again, so often at most.
const ROUNDS: u32 = 6;

/// Parameters with which stretching takes 250 to 500 ms on this device, as far as the accepted bounds allow: memory first,
/// from 19 to 256 MiB, then passes. Slow (some seconds): never on a thread that draws.
///
/// A clock that does not move, or memory that cannot be had, gives what was last known to work, at first the default.
pub fn calibrate(clock: &dyn Clock) -> StretchParameters {
    search(|parameters| measure(parameters, clock))
}

/// The fastest of three runs after one to warm up: what disturbs a run only ever makes it slower. The memory is touched
/// before.
fn measure(parameters: StretchParameters, clock: &dyn Clock) -> Result<u64> {
    let mut memory = StretchMemory::allocate(parameters)?;
    memory.exercise(parameters)?;
    let mut fastest = u64::MAX;
    for _ in 0..3 {
        let begun = clock.boot_ms()?;
        memory.exercise(parameters)?;
        fastest = fastest.min(clock.boot_ms()?.saturating_sub(begun));
    }
    Ok(fastest)
}

fn search(mut measure: impl FnMut(StretchParameters) -> Result<u64>) -> StretchParameters {
    let mut works = StretchParameters::DEFAULT;
    let mut wanted = works;
    for _ in 0..ROUNDS {
        let Ok(taken_ms) = measure(wanted) else { break };
        works = wanted;
        if taken_ms == 0 || (LEAST_MS..=MOST_MS).contains(&taken_ms) {
            break;
        }
        wanted = if taken_ms < LEAST_MS { more(works, taken_ms) } else { less(works, taken_ms) };
        if wanted == works {
            break;
        }
    }
    works
}

fn more(now: StretchParameters, taken_ms: u64) -> StretchParameters {
    if now.memory_kib() < StretchParameters::MOST_MEMORY_KIB {
        return now.with_memory(scaled(now.memory_kib(), taken_ms));
    }
    now.with_passes(scaled(now.passes(), taken_ms).max(now.passes() + 1))
}

fn less(now: StretchParameters, taken_ms: u64) -> StretchParameters {
    if now.passes() > StretchParameters::FEWEST_PASSES {
        return now.with_passes(scaled(now.passes(), taken_ms).min(now.passes() - 1));
    }
    now.with_memory(scaled(now.memory_kib(), taken_ms))
}

fn scaled(amount: u32, taken_ms: u64) -> u32 {
    u32::try_from(u64::from(amount) * AIM_MS / taken_ms.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    /// A machine on which one pass over one MiB takes `us` microseconds.
    fn on(us: u64) -> (StretchParameters, Vec<u64>) {
        let mut taken = Vec::new();
        let found = search(|parameters| {
            let ms = u64::from(parameters.memory_kib()) * u64::from(parameters.passes()) * us / 1024 / 1000;
            taken.push(ms);
            Ok(ms)
        });
        (found, taken)
    }

    #[test]
    fn each_machine_takes_a_quarter_to_half_a_second_with_memory_before_passes() {
        for us in [150, 250, 500, 700, 1_000, 2_000, 3_000, 5_000, 8_000] {
            let (found, taken) = on(us);
            assert!((LEAST_MS..=MOST_MS).contains(taken.last().unwrap()), "{us}: {found:?} {taken:?}");
            let is_full = found.memory_kib() == 256 * 1024;
            assert!(found.passes() == 2 || is_full, "{us}: {found:?}");
        }
    }

    #[test]
    fn machines_beyond_the_bounds_stop_at_them() {
        let (fast, taken) = on(20);
        assert_eq!((fast.memory_kib(), fast.passes()), (256 * 1024, 8), "{taken:?}");
        let (slow, taken) = on(100_000);
        assert_eq!((slow.memory_kib(), slow.passes()), (19 * 1024, 2), "{taken:?}");
    }

    #[test]
    fn a_clock_that_stands_or_memory_that_is_missing_leaves_what_works() {
        assert_eq!(search(|_| Ok(0)), StretchParameters::DEFAULT);
        assert_eq!(search(|_| Err(Error::Internal)), StretchParameters::DEFAULT);
        let scarce = |parameters: StretchParameters| match parameters.memory_kib() {
            0..=65_536 => Ok(100),
            _ => Err(Error::Internal),
        };
        assert_eq!(search(scarce), StretchParameters::DEFAULT);
    }
}
