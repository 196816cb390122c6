//! The browser part of `cargo xtask test`: `tests/web` with Debian's Chromium against the real portal.

use crate::run::{Run, Stop};
use crate::tools::{CHROMIUM, JDK, NPM, OATHTOOL, OPENSSL, VENV, ZBAR, ensure_packages, place_of};
use crate::workspace::Workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The SMTP server that receives the portal's mails.
const SMTP_SERVER: &str = "aiosmtpd==1.4.6";
/// Every test file, in one process: they share one portal and one browser.
const ALL: &str = "all.test.js";

/// Runs all browser tests, or what `arguments` ask Node's test runner for: a file of `tests/web`, or its options.
pub(crate) fn test(workspace: &Workspace, run: &mut Run, arguments: &[&str]) -> Result<(), Stop> {
    let folder = prepare(workspace, run)?;
    let mut node = node(workspace, &folder);
    // Node takes what follows the first file for files.
    let (files, options): (Vec<&str>, Vec<&str>) = arguments.iter().partition(|argument| argument.ends_with(".js"));
    node.args(["--test", "--test-reporter=spec"]).args(options);
    node.args(if files.is_empty() { vec![ALL] } else { files });
    run.command("browser tests", node)
}

/// Makes the pictures of `docs/images` anew, and one of every page in `target/web/pictures`.
pub(crate) fn pictures(workspace: &Workspace, run: &mut Run) -> Result<(), Stop> {
    let folder = prepare(workspace, run)?;
    let mut node = node(workspace, &folder);
    node.arg("pictures.js").env("WEB_IMAGES", workspace.root.join("docs/images"));
    run.command("pictures", node)
}

/// Brings what the tests are made of into `target/web`, and builds what they start.
fn prepare(workspace: &Workspace, run: &mut Run) -> Result<PathBuf, Stop> {
    ensure_packages(run, &[&CHROMIUM, &JDK, &NPM, &OATHTOOL, &OPENSSL, &VENV, &ZBAR])?;
    for package in ["twinlock-portal", "twinlock-desktop"] {
        let mut build = workspace.cargo();
        build.args(["build", "-p", package]);
        run.command(&format!("build {package}"), build)?;
    }
    let folder = workspace.target.join("web");
    copy(&workspace.root.join("tests/web"), &folder)?;
    copy(&workspace.root.join("tests/provider"), &provider(&folder))?;
    install(&folder, run)?;
    Ok(folder)
}

/// Sources are read from the checkout only; what tests bring and write stays under `target`.
fn copy(from: &Path, to: &Path) -> Result<(), Stop> {
    let told = |path: &Path, fault: std::io::Error| Stop::because(format!("{}: {fault}.", path.display()));
    let is_script = |path: &Path| path.extension().is_some_and(|extension| extension == "js");
    let files = |folder: &Path| -> Result<Vec<PathBuf>, Stop> {
        let entries = fs::read_dir(folder).map_err(|fault| told(folder, fault))?;
        Ok(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect())
    };
    fs::create_dir_all(to).map_err(|fault| told(to, fault))?;
    // A test that was taken away is not run from an older copy.
    for old in files(to)?.iter().filter(|path| is_script(path)) {
        fs::remove_file(old).map_err(|fault| told(old, fault))?;
    }
    for source in files(from)? {
        let Some(name) = source.file_name() else { continue };
        fs::copy(&source, to.join(name)).map_err(|fault| told(&source, fault))?;
    }
    Ok(())
}

/// What the lockfiles name and the SMTP server, once for each state of them.
fn install(folder: &Path, run: &mut Run) -> Result<(), Stop> {
    let places = [folder.to_owned(), provider(folder)];
    let lock = |place: &PathBuf| fs::read_to_string(place.join("package-lock.json")).unwrap_or_default();
    let (wanted, mark) = (format!("{SMTP_SERVER}\n{}", places.each_ref().map(lock).concat()), folder.join("installed"));
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    for place in &places {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(place);
        run.command("packages of the browser tests", npm)?;
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(folder.join("python"));
    run.command("Python of the SMTP server", venv)?;
    let mut pip = Command::new(python(folder));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", SMTP_SERVER]);
    run.command("SMTP server", pip)?;
    // Last, so that an interrupted attempt is made again.
    fs::write(&mark, wanted).map_err(|fault| Stop::because(format!("{}: {fault}.", mark.display())))
}

/// Where the identity provider of the tests is.
fn provider(folder: &Path) -> PathBuf {
    folder.join("provider")
}

fn python(folder: &Path) -> PathBuf {
    folder.join("python/bin/python")
}

fn node(workspace: &Workspace, folder: &Path) -> Command {
    let program = |name: &str| workspace.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let mut node = Command::new("node");
    node.current_dir(folder);
    node.env("WEB_PORTAL", program("twinlock-portal")).env("WEB_DESKTOP", program("twinlock"));
    node.env("WEB_CHROMIUM", place_of("chromium").unwrap_or_default()).env("WEB_PYTHON", python(folder));
    node.env("WEB_PROVIDER", provider(folder));
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_holds_what_the_source_holds_and_no_older_test() {
        let folder = std::env::temp_dir().join(format!("twinlock-xtask-web-{}", std::process::id()));
        let (from, to) = (folder.join("from"), folder.join("to"));
        for made in [&from, &to] {
            fs::create_dir_all(made).unwrap();
        }
        fs::write(from.join("new.test.js"), "new").unwrap();
        fs::write(from.join("package.json"), "{}").unwrap();
        fs::write(to.join("old.test.js"), "old").unwrap();
        fs::write(to.join("installed"), "mark").unwrap();
        copy(&from, &to).unwrap();
        let mut names: Vec<_> =
            fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["installed", "new.test.js", "package.json"]);
        fs::remove_dir_all(folder).unwrap();
    }
}
