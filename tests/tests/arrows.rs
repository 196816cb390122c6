//! The arrows of `ARCHITECTURE.md` never turn back: between crates as Cargo knows them, inside core as `use` says.
//!
//! Each rule is a function over what was read, and each has a test that shows it failing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Packages that nobody depends on.
const LEAVES: [&str; 4] = ["twinlock-bench", "twinlock-desktop", "twinlock-tests", "xtask"];
const FFI: [&str; 5] = ["jni", "pyo3", "swift-bridge", "uniffi", "wasm-bindgen"];
const WEB: [&str; 14] = [
    "actix-web",
    "askama",
    "axum",
    "axum-core",
    "axum-extra",
    "axum-server",
    "hyper-util",
    "poem",
    "rocket",
    "tower",
    "tower-http",
    "tonic",
    "utoipa-axum",
    "warp",
];
const DATABASE: [&str; 8] =
    ["diesel", "libsqlite3-sys", "postgres", "redb", "rusqlite", "sea-orm", "sqlx", "tokio-postgres"];
const NETWORK: [&str; 5] = ["hyper", "reqwest", "rustls", "tokio", "tokio-rustls"];
const SQL_DRIVERS: [&str; 8] =
    ["diesel", "libsqlite3_sys", "postgres", "rusqlite", "sea_orm", "sqlx", "tokio_postgres", "tokio_postgres_rustls"];

/// What each module of core may use besides itself.
const CORE: [(&str, &[&str]); 15] = [
    ("framing", &[]),
    ("secret", &[]),
    ("error", &["code", "pin"]),
    ("ports", &["error", "secret"]),
    ("code", &["error", "ports", "secret"]),
    ("pin", &["error", "framing", "ports", "secret"]),
    ("proof", &["error", "ports", "secret"]),
    ("enrollment", &["error", "framing", "ports"]),
    ("policy", &["error", "step"]),
    ("step", &["policy"]),
    ("sealed", &["error", "framing", "pin", "ports", "secret"]),
    ("vault", &["error", "framing", "pin", "ports", "sealed", "secret"]),
    ("wire", &["error", "framing", "policy", "secret", "step"]),
    ("http", &["error", "ports", "secret"]),
    (
        "engine",
        &[
            "code",
            "enrollment",
            "error",
            "framing",
            "pin",
            "policy",
            "ports",
            "proof",
            "sealed",
            "secret",
            "step",
            "vault",
            "wire",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(done.status.success(), "cargo {arguments:?}:\n{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn metadata() -> Value {
    static METADATA: OnceLock<Value> = OnceLock::new();
    let read = || serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]));
    METADATA.get_or_init(|| read().unwrap()).clone()
}

/// One Rust file: its path from the root with `/`, and its lines that are no comments.
struct Source {
    path: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        Source { path: path.to_owned(), code: lines.map(|line| format!("{line}\n")).collect() }
    }

    fn names(&self, word: &str) -> bool {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        self.code.match_indices(word).any(|(at, _)| {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    }
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|fault| panic!("{}: {fault}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                found.push(Source::new(&name, &std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

// The rules about crates.

fn package<'a>(metadata: &'a Value, name: &str) -> &'a Value {
    let found = metadata["packages"].as_array().unwrap().iter().find(|found| found["name"] == name);
    found.unwrap_or_else(|| panic!("there is no package {name}"))
}

/// What a package names, of every kind.
fn dependencies<'a>(metadata: &'a Value, name: &str) -> Vec<(&'a str, &'a Value)> {
    let list = package(metadata, name)["dependencies"].as_array().unwrap();
    list.iter().map(|found| (found["name"].as_str().unwrap(), found)).collect()
}

/// Core names no other part of the house and nothing that belongs to another, not even in its tests.
fn core_names_nothing_above_it(metadata: &Value) -> Vec<String> {
    let foreign = [&FFI[..], &WEB, &DATABASE].concat();
    let is_foreign =
        |name: &str| name.starts_with("twinlock-") || name.starts_with("uniffi") || foreign.contains(&name);
    let found = dependencies(metadata, "twinlock-core").into_iter();
    found.filter(|(name, _)| is_foreign(name)).map(|(name, _)| format!("core names {name}")).collect()
}

/// `client` and `testing` are asked for, never there by default.
fn core_has_no_default_features(metadata: &Value) -> Vec<String> {
    let default = package(metadata, "twinlock-core")["features"].get("default").and_then(Value::as_array);
    let on = default.into_iter().flatten();
    on.map(|feature| format!("core switches on {feature} by default")).collect()
}

/// `tree`: all that core is built from, as `cargo tree` prints it.
fn core_is_built_without_network(tree: &str) -> Vec<String> {
    let refused = [&NETWORK[..], &WEB, &DATABASE, &FFI].concat();
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.into_iter().filter(|name| refused.contains(name)).map(|name| format!("core is built from {name}")).collect()
}

/// The portal takes the rules, never the phone's engine or the doubles of tests.
fn portal_uses_core_with_schema_only(metadata: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let shipped = dependencies(metadata, "twinlock-portal").into_iter().filter(|(_, found)| found["kind"] != "dev");
    for (name, found) in shipped.filter(|(name, _)| name.starts_with("twinlock-")) {
        if name != "twinlock-core" || found["features"] != json!(["schema"]) {
            faults.push(format!("the portal uses {name} with {}", found["features"]));
        }
    }
    faults
}

/// The desktop is core's engine with a terminal around it: nothing else of ours, and never the doubles of tests.
fn desktop_uses_the_client_of_core_only(metadata: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, found) in dependencies(metadata, "twinlock-desktop") {
        if name.starts_with("twinlock-") && (name != "twinlock-core" || found["features"] != json!(["client"])) {
            faults.push(format!("the desktop uses {name} with {}", found["features"]));
        }
    }
    faults
}

/// Only the bindings know the FFI, and they know nothing of ours but the core.
fn only_the_bindings_name_the_ffi(metadata: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for found in metadata["packages"].as_array().unwrap() {
        let name = found["name"].as_str().unwrap();
        let is_bindings = name == "twinlock-bindings";
        for (on, _) in dependencies(metadata, name) {
            let is_ffi = on.starts_with("uniffi") || FFI.contains(&on);
            let is_ours = on.starts_with("twinlock-") && on != "twinlock-core";
            if (is_ffi && !is_bindings) || (is_ours && is_bindings) {
                faults.push(format!("{name} names {on}"));
            }
        }
    }
    faults
}

fn nobody_depends_on_leaves(metadata: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for found in metadata["packages"].as_array().unwrap() {
        let name = found["name"].as_str().unwrap();
        let leaves = dependencies(metadata, name).into_iter().filter(|(on, _)| LEAVES.contains(on));
        faults.extend(leaves.map(|(on, _)| format!("{name} depends on {on}")));
    }
    faults
}

// The rules about sources.

/// `word` stands only below the paths `allowed`.
fn only_there(sources: &[Source], word: &str, allowed: &[&str]) -> Vec<String> {
    let outside = sources.iter().filter(|source| !allowed.iter().any(|path| source.path.starts_with(path)));
    outside.filter(|source| source.names(word)).map(|source| format!("{} names {word}", source.path)).collect()
}

/// The modules that a file reaches through `crate::…`, also through `crate::{…}`.
fn reached(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        let rest = &code[at + path.len()..];
        let names = rest.strip_prefix('{').map_or_else(|| vec![rest], first_names);
        let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        found.extend(names.into_iter().map(word).filter(|name| !name.is_empty()));
    }
    found
}

/// The parts of `a::b, c::{d, e}, f}` up to the brace that closes the list.
fn first_names(list: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut found) = (1, 0, Vec::new());
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                found.push(list[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            found.push(list[begin..at].trim());
            return found;
        }
    }
    panic!("a list of imports has no end");
}

fn arrows_inside_core(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        let from = source.path.strip_prefix("core/src/").unwrap().split('/').next().unwrap().trim_end_matches(".rs");
        // `lib` lists them all, and `testing` stands for the host.
        if ["lib", "testing"].contains(&from) {
            continue;
        }
        let Some((_, allowed)) = CORE.iter().find(|(name, _)| *name == from) else {
            faults.push(format!("{}: {from} is new; say in this test what it may use", source.path));
            continue;
        };
        let refused = reached(&source.code).into_iter().filter(|to| to != from && !allowed.contains(&to.as_str()));
        faults.extend(refused.map(|to| format!("{}: {from} may not use {to}", source.path)));
    }
    faults
}

#[track_caller]
fn holds(faults: &[String]) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn core_names_no_platform_no_framework_and_no_database() {
    holds(&core_names_nothing_above_it(&metadata()));
    holds(&core_has_no_default_features(&metadata()));
}

#[test]
fn core_without_features_has_no_network() {
    let tree = |features: &[&str]| {
        let first = ["tree", "--offline", "-p", "twinlock-core", "-e", "normal", "--prefix", "none"];
        cargo(&[&first[..], features].concat())
    };
    holds(&core_is_built_without_network(&tree(&[])));
    // The same look at what a phone is built from does find it.
    assert!(core_is_built_without_network(&tree(&["--features", "client"])).len() >= 3);
}

#[test]
fn the_portal_never_has_the_engine() {
    assert!(dependencies(&metadata(), "twinlock-portal").iter().any(|(name, _)| *name == "twinlock-core"));
    holds(&portal_uses_core_with_schema_only(&metadata()));
}

#[test]
fn the_desktop_is_core_with_a_terminal() {
    assert!(dependencies(&metadata(), "twinlock-desktop").iter().any(|(name, _)| *name == "twinlock-core"));
    holds(&desktop_uses_the_client_of_core_only(&metadata()));
}

#[test]
fn the_ffi_is_named_in_the_bindings_alone() {
    assert!(dependencies(&metadata(), "twinlock-bindings").iter().any(|(name, _)| *name == "uniffi"));
    holds(&only_the_bindings_name_the_ffi(&metadata()));
    // xtask starts the generator, by its program's name.
    let all = sources(&["core/src", "server/src", "bench/src", "tests/src"]);
    holds(&only_there(&all, "uniffi", &[]));
}

#[test]
fn nothing_ships_on_top_of_tests_benchmarks_and_tools() {
    for leaf in LEAVES {
        package(&metadata(), leaf);
    }
    holds(&nobody_depends_on_leaves(&metadata()));
}

#[test]
fn only_the_store_names_a_database_driver() {
    // Tests and tools are left out: they name PostgreSQL's programs, and one test prepares the statements through its driver.
    let all = sources(&["core/src", "server/src", "bench/src"]);
    for driver in SQL_DRIVERS {
        holds(&only_there(&all, driver, &["server/src/store/"]));
    }
    assert!(all.iter().any(|source| source.names("rusqlite")), "rusqlite is nowhere: is it spelled so?");
}

#[test]
fn one_room_for_each_library_of_core() {
    let core = sources(&["core/src"]);
    for (word, rooms) in [
        ("totp_rs", &["core/src/code/"][..]),
        ("argon2", &["core/src/pin/"]),
        ("voprf", &["core/src/pin/share/"]),
        ("rand_core", &["core/src/pin/share/"]),
        ("aes_gcm", &["core/src/sealed/"]),
        ("sfv", &["core/src/proof/"]),
        ("reqwest", &["core/src/http"]),
        ("rustls", &["core/src/http"]),
        ("tokio", &["core/src/engine", "core/src/http", "core/src/testing/"]),
    ] {
        holds(&only_there(&core, word, rooms));
        assert!(core.iter().any(|source| source.names(word)), "{word} is nowhere: is it spelled so?");
    }
    holds(&only_there(&sources(&["server/src", "xtask/src", "tests/src"]), "totp_rs", &[]));
}

#[test]
fn arrows_between_the_modules_of_core() {
    let core = sources(&["core/src"]);
    assert!(core.len() > 20, "core has lost its sources");
    holds(&arrows_inside_core(&core));
    // Nor does the table itself lead upwards.
    let upwards = CORE.iter().filter(|(_, to)| ["engine", "http", "testing"].iter().any(|above| to.contains(above)));
    assert_eq!(upwards.count(), 0);
}

// Each rule can fail.

/// The workspace with one more dependency.
fn with(name: &str, dependency: Value) -> Value {
    let mut metadata = metadata();
    let packages = metadata["packages"].as_array_mut().unwrap();
    let found = packages.iter_mut().find(|found| found["name"] == name).unwrap();
    found["dependencies"].as_array_mut().unwrap().push(dependency);
    metadata
}

#[test]
fn a_wrong_dependency_is_found() {
    for name in ["uniffi", "uniffi_core", "axum", "rusqlite", "askama", "twinlock-portal"] {
        for kind in [Value::Null, json!("dev"), json!("build")] {
            let bad = with("twinlock-core", json!({ "name": name, "kind": kind, "features": [] }));
            assert_eq!(core_names_nothing_above_it(&bad), [format!("core names {name}")]);
        }
    }
    for features in [json!([]), json!(["client"]), json!(["schema", "testing"])] {
        let bad = with("twinlock-portal", json!({ "name": "twinlock-core", "kind": null, "features": features }));
        assert_eq!(portal_uses_core_with_schema_only(&bad).len(), 1);
    }
    for (name, features) in [("twinlock-core", json!(["client", "testing"])), ("twinlock-portal", json!([]))] {
        let bad = with("twinlock-desktop", json!({ "name": name, "kind": null, "features": features }));
        assert_eq!(desktop_uses_the_client_of_core_only(&bad).len(), 1);
    }
    for (from, on) in
        [("xtask", "uniffi_bindgen"), ("twinlock-portal", "uniffi"), ("twinlock-bindings", "twinlock-portal")]
    {
        let bad = with(from, json!({ "name": on, "kind": null, "features": [] }));
        assert_eq!(only_the_bindings_name_the_ffi(&bad), [format!("{from} names {on}")]);
    }
    for leaf in LEAVES {
        let bad = with("twinlock-portal", json!({ "name": leaf, "kind": "dev", "features": [] }));
        assert_eq!(nobody_depends_on_leaves(&bad), [format!("twinlock-portal depends on {leaf}")]);
    }
    let mut bad = metadata();
    let packages = bad["packages"].as_array_mut().unwrap();
    let core = packages.iter_mut().find(|found| found["name"] == "twinlock-core").unwrap();
    core["features"]["default"] = json!(["client"]);
    assert_eq!(core_has_no_default_features(&bad).len(), 1);
    let tree = "twinlock-core v0.1.0\nring v0.17.14\ntokio v1.54.1\nserde v1.0.0 (proc-macro)\n";
    assert_eq!(core_is_built_without_network(tree), ["core is built from tokio"]);
}

#[test]
fn a_wrong_name_in_a_source_is_found() {
    let found = |path: &str, text: &str| only_there(&[Source::new(path, text)], "rusqlite", &["server/src/store/"]);
    assert_eq!(found("server/src/files/mod.rs", "use rusqlite::Row;\n"), ["server/src/files/mod.rs names rusqlite"]);
    assert_eq!(found("server/src/files/mod.rs", "fn f() -> rusqlite::Result<()> {}\n").len(), 1);
    assert!(found("server/src/files/mod.rs", "// rusqlite\nuse my_rusqlite::x;\nlet rusqlite2 = 1;\n").is_empty());
    assert!(found("server/src/store/sqlite.rs", "use rusqlite::Row;\n").is_empty());
}

#[test]
fn a_wrong_arrow_inside_core_is_found() {
    let faults = |path: &str, text: &str| arrows_inside_core(&[Source::new(path, text)]).len();
    for low in ["policy/decide.rs", "code/key.rs", "pin/key.rs", "proof/key.rs", "enrollment.rs", "secret.rs"] {
        for above in ["engine", "http", "testing", "wire"] {
            let path = format!("core/src/{low}");
            assert_eq!(faults(&path, &format!("use crate::{above}::X;\n")), 1, "{low} {above}");
            assert_eq!(faults(&path, &format!("use crate::{{{above}::{{A, B}}}};\n")), 1, "{low} {above}");
            assert_eq!(faults(&path, &format!("fn f() {{ crate::{above}::f() }}\n")), 1, "{low} {above}");
        }
    }
    assert_eq!(faults("core/src/pin/key.rs", "use crate::{error::{Error, Result},\n    pin::Pin};\n"), 0);
    assert_eq!(faults("core/src/http.rs", "use crate::engine::Engine;\n"), 1);
    assert_eq!(faults("core/src/gossip.rs", ""), 1);
    assert_eq!(faults("core/src/code/key.rs", "/// [`crate::engine`]\n"), 0);
}
