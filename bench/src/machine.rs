//! Where this runs: figures of two machines are not comparable, and a disk decides what a commit costs.

use crate::Result;
use crate::report::median;
use std::io::Write;
use std::time::Instant;

/// The machine, and how this program was built.
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub system: String,
    pub build: String,
    pub fdatasync_ms: f64,
    pub load: String,
}

/// Looks at the machine.
pub fn describe() -> Result<Machine> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    Ok(Machine {
        processor: processor.map_or("unknown processor", |(_, name)| name.trim()).to_owned(),
        cores: std::thread::available_parallelism()?.get(),
        system: format!("{} {}", std::env::consts::OS, read("/proc/sys/kernel/osrelease").trim()),
        build: build(),
        fdatasync_ms: fdatasync_ms()?,
        load: read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
    })
}

fn build() -> String {
    if cfg!(debug_assertions) {
        return "**without optimisation: these figures mean nothing**".to_owned();
    }
    match option_env!("CARGO_PROFILE_RELEASE_LTO") {
        Some(lto) => format!("profile `release` with `lto = {lto}` instead of the workspace's own"),
        None => "profile `release` of the workspace".to_owned(),
    }
}

/// What one durable append costs in the folder where the portal's database is going to lie.
fn fdatasync_ms() -> Result<f64> {
    let mut file = tempfile::tempfile()?;
    let mut took = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        took.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(took))
}
