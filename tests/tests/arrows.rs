//! The arrows of ARCHITECTURE.md, kept by what Cargo says and by what the sources name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Normal dependencies that a package names itself: `(name, is optional)`.
fn dependencies(package: &str) -> Vec<(String, bool)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let found = packages.iter().find(|found| found["name"] == package).expect("the package exists");
    let all = found["dependencies"].as_array().unwrap().iter();
    all.filter(|dependency| dependency["kind"].is_null())
        .map(|d| (d["name"].as_str().unwrap().to_owned(), d["optional"].as_bool().unwrap()))
        .collect()
}

/// Rust files below a folder with their text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

#[test]
fn core_names_no_platform_no_framework_and_no_database() {
    let named = dependencies("twinlock-core");
    for foreign in ["uniffi", "axum", "hyper", "askama", "tower", "rusqlite", "postgres", "twinlock-portal"] {
        assert!(named.iter().all(|(name, _)| name != foreign), "core names {foreign}");
    }
    for of_the_client in ["reqwest", "rustls", "tokio"] {
        let is_optional = named.iter().any(|(name, optional)| name == of_the_client && *optional);
        assert!(is_optional, "{of_the_client} has to come with the feature `client` only");
    }
}

#[test]
fn nothing_ships_on_top_of_tests_and_tools() {
    for package in ["twinlock-core", "twinlock-portal"] {
        for (name, _) in dependencies(package) {
            let is_tool = ["twinlock-tests", "twinlock-bench", "xtask"].contains(&name.as_str());
            assert!(!is_tool, "{package} depends on {name}");
        }
    }
}

#[test]
fn only_the_store_names_a_database_driver() {
    for (name, text) in sources("server/src") {
        let names_driver = text.contains("rusqlite") || text.contains("tokio_postgres");
        assert!(!names_driver || name.starts_with("server/src/store/"), "{name} names a driver");
    }
}

#[test]
fn one_room_for_each_library_of_core() {
    for (name, text) in sources("core/src") {
        assert!(!text.contains("use totp_rs") || name.starts_with("core/src/code/"), "{name} names totp-rs");
        assert!(!text.contains("use argon2") || name.starts_with("core/src/pin/"), "{name} names argon2");
        assert!(!text.contains("use reqwest") || name == "core/src/http.rs", "{name} names reqwest");
        let uses_engine = text.contains("use crate::engine") || text.contains("use crate::http");
        assert!(!uses_engine, "{name}: nothing in core stands above the engine");
    }
}
