//! Deriving from a PIN: core's Argon2id in its own memory, libsodium's, and Debian's libargon2. Each run of a contestant
//! is a process of its own, so that its first hash is really the first.

use crate::Result;
use crate::report::{Budget, Report, median};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use twinlock_core::pin::{Owner, PinDigits, SALT_LEN, StretchMemory, StretchParameters};

const PROCESSES: usize = 9;
const WARM: &str = "5";
const SECTION: &str = "PIN derivation, Argon2id, one lane";

/// In a fresh process: allocates, derives, derives again; prints milliseconds as `peers.py` does.
pub fn print(memory_kib: &str, passes: &str, times: &str) -> Result<()> {
    let parameters = StretchParameters::new(memory_kib.parse()?, passes.parse()?, 1)?;
    let owner = Owner::new("organisation", "device")?;
    let mut digits = PinDigits::new();
    b"938174".iter().try_for_each(|digit| digits.push_digit(*digit))?;
    let pin = digits.submit()?;
    let started = Instant::now();
    let mut memory = StretchMemory::allocate(parameters)?;
    let allocate_ms = milliseconds(started);
    let mut took = Vec::new();
    for _ in 0..=times.parse()? {
        let started = Instant::now();
        std::hint::black_box(memory.stretch(&pin, &owner, 1, &[7; SALT_LEN], parameters)?);
        took.push(milliseconds(started));
    }
    let cold_ms = took.remove(0);
    println!("{}", json!({ "allocate_ms": allocate_ms, "cold_ms": cold_ms, "warm_ms": took }));
    Ok(())
}

/// Runs all contestants in turns.
pub fn measure(report: &mut Report) -> Result<()> {
    one(report, 19, 2)?;
    one(report, 46, 2)?;
    report.note(
        "PIN derivation: core allocates and touches its memory ahead (`allocate`, while the member types) and wipes it \
         after every hash; the C libraries allocate inside every call.",
    );
    report.note("PIN derivation: profile `release`, not `phone`; that the two are equally fast is for instruction counts to say.");
    Ok(())
}

#[derive(Default)]
struct Contestant {
    allocate: Vec<f64>,
    cold: Vec<f64>,
    warm: Vec<f64>,
}

fn one(report: &mut Report, mebibytes: u32, passes: u32) -> Result<()> {
    let (kib, passes_text) = ((mebibytes * 1024).to_string(), passes.to_string());
    let this = std::env::current_exe()?;
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers.py");
    let mut found = [Contestant::default(), Contestant::default(), Contestant::default()];
    for _ in 0..PROCESSES {
        let [core, sodium, argon2] = &mut found;
        core.run(Command::new(&this).args(["derive", &kib, &passes_text, WARM]))?;
        for (peer, name) in [(sodium, "libsodium"), (argon2, "libargon2")] {
            peer.run(Command::new("python3").arg(&peers).args([name, &kib, &passes_text, WARM]))?;
        }
    }
    let [core, sodium, argon2] = found;
    let (allocate, cold, warm) = (median(core.allocate), median(core.cold), median(core.warm));
    let (sodium_cold, sodium_warm) = (median(sodium.cold), median(sodium.warm));
    let (argon2_cold, argon2_warm) = (median(argon2.cold), median(argon2.warm));
    let name = |what: &str| format!("{mebibytes} MiB, {passes} passes: {what}");
    let (to_sodium, to_warm) = (warm / sodium_warm, cold / warm);
    report.line(SECTION, name("core, warm"), warm, "ms", None);
    report.line(SECTION, name("core, first hash of a process"), cold, "ms", None);
    report.line(SECTION, name("core, `allocate`"), allocate, "ms", None);
    report.line(SECTION, name("libsodium, warm"), sodium_warm, "ms", None);
    report.line(SECTION, name("libsodium, first hash of a process"), sodium_cold, "ms", None);
    report.line(SECTION, name("Debian's libargon2, warm"), argon2_warm, "ms", None);
    report.line(SECTION, name("Debian's libargon2, first hash of a process"), argon2_cold, "ms", None);
    report.line(SECTION, name("core ÷ libsodium, warm"), to_sodium, "×", Budget::at_most(to_sodium, 1.0, "≤ 1.0 ×"));
    report.line(SECTION, name("core, first ÷ warm"), to_warm, "×", Budget::at_most(to_warm, 1.15, "≤ 1.15 ×"));
    Ok(())
}

impl Contestant {
    fn run(&mut self, command: &mut Command) -> Result<()> {
        let done = command.output().map_err(|fault| format!("{}: {fault}", command.get_program().display()))?;
        if !done.status.success() {
            return Err(
                format!("{}: {}", command.get_program().display(), String::from_utf8_lossy(&done.stderr)).into()
            );
        }
        let said: Value = serde_json::from_slice(&done.stdout)?;
        let number = |name: &str| said.get(name).and_then(Value::as_f64);
        self.allocate.extend(number("allocate_ms"));
        self.cold.push(number("cold_ms").ok_or("no cold_ms")?);
        let warm = said.get("warm_ms").and_then(Value::as_array).ok_or("no warm_ms")?;
        self.warm.extend(warm.iter().filter_map(Value::as_f64));
        Ok(())
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
