//! `cargo xtask bindings`: the library that Kotlin and Swift load, and the glue that calls it. Nothing of it is
//! committed: glue and library must come from the same sources.

use crate::api;
use crate::run::{Run, Stop};
use crate::workspace::Workspace;
use std::path::PathBuf;
use std::process::Command;

/// What each language's glue has to consist of; other names mean that `uniffi.toml` was not obeyed.
const GLUE: [(&str, &[&str]); 2] = [
    ("kotlin", &["dev/twinlock/ffi/twinlock_bindings.kt"]),
    ("swift", &["TwinlockGlue.swift", "TwinlockFFI.h", "TwinlockFFI.modulemap"]),
];

/// Builds the library with the shells' test functions in it, and makes the glue in `target/bindings/LANGUAGE`.
pub(crate) fn bindings(workspace: &Workspace, run: &mut Run, rest: &[&str]) -> Result<(), Stop> {
    let accept = match rest {
        [] => false,
        ["--accept"] => true,
        _ => return Err(Stop::because("bindings knows only --accept.")),
    };
    // The generator first: it builds the library with other features, and the one that stays must be the shells'.
    for (name, what, features) in [
        ("build the generator", ["--bin", "uniffi-bindgen"].as_slice(), "bindgen,testing"),
        ("build the library", ["--lib"].as_slice(), "testing"),
    ] {
        let mut build = workspace.cargo();
        build.args(["build", "-p", "twinlock-bindings", "--features", features]).args(what);
        run.command(name, build)?;
    }
    for (language, files) in GLUE {
        let folder = folder(workspace, language);
        // A file of an earlier run must not hide that nothing came out of this one.
        match std::fs::remove_dir_all(&folder) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
                return Err(Stop::because(format!("{}: {fault}", folder.display())));
            }
            _ => {}
        }
        let program = format!("uniffi-bindgen{}", std::env::consts::EXE_SUFFIX);
        let mut generate = Command::new(workspace.target.join("debug").join(program));
        generate.current_dir(&workspace.root).args(["generate", "--language", language, "--config", "uniffi.toml"]);
        generate.arg("--no-format").arg("--out-dir").arg(&folder).arg(library(workspace));
        run.command(&format!("glue for {language}"), generate)?;
        if let Some(missing) = files.iter().find(|file| !folder.join(file).is_file()) {
            return Err(Stop::because(format!("The glue lacks {missing}: uniffi.toml was not obeyed.")));
        }
    }
    run.check("what crosses the FFI", || api::compare(workspace, accept))
}

/// The library that the glue loads.
pub(crate) fn library(workspace: &Workspace) -> PathBuf {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    workspace.target.join("debug").join(format!("{prefix}twinlock_bindings{suffix}"))
}

/// Where a language's glue is made.
pub(crate) fn folder(workspace: &Workspace, language: &str) -> PathBuf {
    workspace.target.join("bindings").join(language)
}
