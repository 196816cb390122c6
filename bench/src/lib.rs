//! Benchmarks: see `cargo xtask bench`.
