//! What Cargo knows about this project: where it is, where it builds, which tests exist.

use crate::run::{Stop, output_of};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// The project, as `cargo metadata` describes it.
#[derive(Debug, PartialEq)]
pub(crate) struct Workspace {
    /// The folder of the top `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where Cargo builds: `target`, or what `CARGO_TARGET_DIR` says.
    pub(crate) target: PathBuf,
    /// The test targets of `twinlock-tests`, sorted.
    pub(crate) tests: Vec<String>,
}

impl Workspace {
    /// Asks Cargo.
    pub(crate) fn load() -> Result<Self, Stop> {
        let mut command = plain_cargo();
        command.args(["metadata", "--format-version", "1", "--no-deps"]);
        let text = output_of(&mut command).ok_or_else(|| {
            let again = "cargo metadata --format-version 1 --no-deps";
            Stop::repeat("Cargo cannot read this project.", again)
        })?;
        Self::parse(&text).ok_or_else(|| Stop::because("Cargo's description of this project is not understood."))
    }

    /// `cargo` at the project's root.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = plain_cargo();
        command.current_dir(&self.root);
        command
    }

    /// The paths of all files that belong to the project, relative to its root: tracked ones, and new ones that git
    /// does not ignore, so that a check sees a file before it is added.
    pub(crate) fn files(&self) -> Result<Vec<String>, Stop> {
        let mut git = Command::new("git");
        git.current_dir(&self.root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let text = output_of(&mut git).ok_or_else(|| Stop::because("This check needs git and a git checkout."))?;
        let mut paths: Vec<String> = text.split_terminator('\0').map(str::to_owned).collect();
        paths.retain(|path| self.root.join(path).is_file());
        Ok(paths)
    }

    /// The text of one of the project's files; `None` if it is not UTF-8.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, Stop> {
        let bytes = std::fs::read(self.root.join(path)).map_err(|fault| Stop::because(format!("{path}: {fault}")))?;
        Ok(String::from_utf8(bytes).ok())
    }

    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let folder = |key: &str| Some(PathBuf::from(value.get(key)?.as_str()?));
        let packages = value.get("packages")?.as_array()?;
        let mut tests: Vec<String> = packages
            .iter()
            .filter(|package| is(package, "name", "twinlock-tests"))
            .filter_map(|package| package.get("targets")?.as_array())
            .flatten()
            .filter(|target| target.get("kind").and_then(|kinds| kinds.get(0)).is_some_and(|kind| kind == "test"))
            .filter_map(|target| Some(target.get("name")?.as_str()?.to_owned()))
            .collect();
        tests.sort();
        Some(Self { root: folder("workspace_root")?, target: folder("target_directory")?, tests })
    }
}

/// The cargo that started us, with the variables it set for *us* taken away again. Left in place they reach build
/// scripts that watch them (ring's does), and each change between `cargo test` and `cargo xtask test` rebuilds half
/// of the tree.
fn plain_cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_BIN_NAME" {
            command.env_remove(&name);
        }
    }
    command
}

fn is(value: &Value, key: &str, wanted: &str) -> bool {
    value.get(key).is_some_and(|found| found == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_folders_and_test_targets() {
        let text = r#"{
            "workspace_root": "here", "target_directory": "here/target",
            "packages": [
                {"name": "twinlock-core", "targets": [{"kind": ["test"], "name": "not_ours"}]},
                {"name": "twinlock-tests", "targets": [
                    {"kind": ["lib"], "name": "twinlock_tests"}, {"kind": ["bin"], "name": "twinlock-demo"},
                    {"kind": ["test"], "name": "journey"}, {"kind": ["test"], "name": "arrows"}
                ]}
            ]
        }"#;
        let workspace = Workspace::parse(text).unwrap();
        assert_eq!(workspace.target, PathBuf::from("here/target"));
        assert_eq!(workspace.tests, ["arrows", "journey"]);
    }

    #[test]
    fn refuses_what_is_not_metadata() {
        for text in ["", "[]", "{}", r#"{"packages": 3}"#] {
            assert_eq!(Workspace::parse(text), None);
        }
    }

    #[test]
    fn finds_this_very_project() {
        let workspace = Workspace::load().unwrap();
        assert!(workspace.root.join("xtask/src/workspace.rs").is_file());
        assert!(workspace.files().unwrap().contains(&"xtask/src/workspace.rs".to_owned()));
    }
}
