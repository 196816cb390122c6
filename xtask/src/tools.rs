//! Finds what a machine lacks, and installs it where nobody has to be asked.

use crate::run::{Run, Stop, output_of, shown};
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Debian package, and how to tell that what it brings is there.
pub(crate) struct Package {
    name: &'static str,
    what_for: &'static str,
    is_there: fn() -> bool,
}

/// An independent authenticator: codes are checked against one that we did not write.
pub(crate) const OATHTOOL: Package =
    Package { name: "oathtool", what_for: "plays the authenticator app", is_there: || on_path("oathtool") };

/// Stands in front of an application and asks the portal.
pub(crate) const NGINX: Package = Package {
    name: "nginx-light",
    what_for: "asks the portal before it serves",
    is_there: || on_path("nginx") || Path::new("/usr/sbin/nginx").is_file(),
};

/// The Secret Service that the desktop client keeps its key in.
pub(crate) const KEYRING: Package = Package {
    name: "gnome-keyring",
    what_for: "holds the desktop client's key in its tests",
    is_there: || on_path("gnome-keyring-daemon"),
};

/// A message bus of a test's own, for the keyring on it.
pub(crate) const DBUS: Package = Package {
    name: "dbus-daemon",
    what_for: "carries what the desktop client says to the keyring",
    is_there: || on_path("dbus-run-session"),
};

/// The second database; tests start a server of their own from it.
pub(crate) const POSTGRESQL: Package = Package {
    name: "postgresql",
    what_for: "tests run on it as well as on SQLite",
    is_there: || on_path("initdb") || debian_has_initdb(Path::new("/usr/lib/postgresql")),
};

/// Looks at a portal's database from outside, and damages it.
pub(crate) const SQLITE: Package = Package {
    name: "sqlite3",
    what_for: "tests read the portal's database beside it",
    is_there: || on_path("sqlite3"),
};

/// Counts instructions where time would be too coarse.
pub(crate) const VALGRIND: Package =
    Package { name: "valgrind", what_for: "counts the instructions of a code check", is_there: || on_path("valgrind") };

/// Runs the identity provider of the tests, which nobody here wrote; npm brings it as its lockfile has it.
pub(crate) const NPM: Package = Package {
    name: "npm",
    what_for: "brings and runs the identity provider of the tests",
    is_there: || on_path("npm") && on_path("node"),
};

/// The browser of the tests in `tests/web`.
pub(crate) const CHROMIUM: Package =
    Package { name: "chromium", what_for: "opens the portal's pages in their tests", is_there: || on_path("chromium") };

/// Makes the certificate of the portal that the browser opens.
pub(crate) const OPENSSL: Package = Package {
    name: "openssl",
    what_for: "makes the certificates of the browser tests",
    is_there: || on_path("openssl"),
};

/// Reads the QR code of the set-up from a picture of the page.
pub(crate) const ZBAR: Package = Package {
    name: "zbar-tools",
    what_for: "reads the QR code of the set-up as a phone's camera does",
    is_there: || on_path("zbarimg"),
};

/// Holds the SMTP server of the tests, which nobody here wrote.
pub(crate) const VENV: Package = Package {
    name: "python3-venv",
    what_for: "holds the SMTP server that receives the portal's mails in tests",
    is_there: || output_of(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_some(),
};

/// Builds and tests what is in `android/`.
pub(crate) const MAVEN: Package =
    Package { name: "maven", what_for: "builds the Kotlin SDK", is_there: || on_path("mvn") };

/// Runs Maven, the Kotlin compiler and its tests.
pub(crate) const JDK: Package = Package {
    name: "default-jdk-headless",
    what_for: "runs the Kotlin SDK's compiler and tests",
    is_there: || on_path("java"),
};

/// Makes the small root with the Swift toolchain, where the machine has none of its own.
pub(crate) const DEBOOTSTRAP: Package =
    Package { name: "debootstrap", what_for: "makes the root with Swift in it", is_there: || on_path("debootstrap") };

/// The version that CI uses; a newer one that is already there is welcome.
const CARGO_DENY: [u32; 3] = [0, 20, 2];

/// Makes sure that `packages` are there: as root on Debian, or in CI, installs what is missing; elsewhere says what
/// to type and stops.
pub(crate) fn ensure_packages(run: &mut Run, packages: &[&Package]) -> Result<(), Stop> {
    let missing: Vec<&&Package> = packages.iter().filter(|package| !(package.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let is_root = is_root();
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    if !on_path("apt-get") || !(is_root || is_ci) {
        let mut text = String::from("Missing on this machine:\n");
        for package in &missing {
            text += &format!("  {}: {}\n", package.name, package.what_for);
        }
        text += "Install it and start again. On Debian or Ubuntu:\n";
        text += &format!("  sudo apt-get install --no-install-recommends {}", names.join(" "));
        return Err(Stop::because(text));
    }
    run.check("install", || install(&names, is_root))?;
    match missing.iter().find(|package| !(package.is_there)()) {
        None => Ok(()),
        Some(package) => Err(Stop::because(format!("{} was installed, but is still not found.", package.name))),
    }
}

/// Whether we may install and mount.
pub(crate) fn is_root() -> bool {
    output_of(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0")
}

/// Makes sure that `cargo deny` is there, in the version that CI uses or a newer one.
pub(crate) fn ensure_cargo_deny(workspace: &Workspace, run: &mut Run) -> Result<(), Stop> {
    let found = output_of(workspace.cargo().args(["deny", "--version"]));
    if found.as_deref().and_then(version_of).is_some_and(|version| version >= CARGO_DENY) {
        return Ok(());
    }
    let [major, minor, patch] = CARGO_DENY;
    println!("\ncargo-deny is compiled once and kept in cargo's bin folder. This takes several minutes.");
    // A folder of its own, because CARGO_TARGET_DIR would otherwise keep its hundreds of crates for ever.
    let scratch = workspace.target.join("cargo-deny-build");
    let mut command = workspace.cargo();
    command.args(["install", "--locked", "cargo-deny", "--version", &format!("{major}.{minor}.{patch}")]);
    command.arg("--target-dir").arg(&scratch);
    // It runs for a second; optimising it would take longer than it ever saves.
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").env("CARGO_PROFILE_RELEASE_LTO", "off");
    run.command("install cargo-deny", command)?;
    // What a failed attempt compiled stays, so that the next one is quick.
    let _ = std::fs::remove_dir_all(&scratch);
    Ok(())
}

fn install(names: &[&str], is_root: bool) -> Result<(), Stop> {
    let mut command = apt_get(is_root);
    command.args(["install", "-y", "--no-install-recommends"]).args(names);
    println!("{}", shown(&command));
    // The first try is silent: with package lists that are old or were never fetched it fails, and that is no news.
    if output_of(&mut command).is_some() {
        return Ok(());
    }
    let mut update = apt_get(is_root);
    update.arg("update");
    for mut step in [update, command] {
        println!("{}", shown(&step));
        let outcome = step.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).status();
        if !outcome.is_ok_and(|status| status.success()) {
            return Err(Stop::repeat(format!("{} could not be installed.", names.join(", ")), shown(&step)));
        }
    }
    Ok(())
}

fn apt_get(is_root: bool) -> Command {
    let mut command = if is_root {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "apt-get"]);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Debian keeps the server's programs off the PATH, in one folder per version.
fn debian_has_initdb(folder: &Path) -> bool {
    let Ok(versions) = std::fs::read_dir(folder) else { return false };
    versions.flatten().any(|version| version.path().join("bin/initdb").is_file())
}

fn on_path(program: &str) -> bool {
    place_of(program).is_some()
}

/// Where a program lies, for those who do not search the PATH themselves.
pub(crate) fn place_of(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|place| place.is_file())
}

/// The three numbers in `name 1.2.3`.
fn version_of(text: &str) -> Option<[u32; 3]> {
    let mut numbers = text.split_whitespace().nth(1)?.split('.').map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        assert_eq!(version_of("cargo-deny 0.20.2\n"), Some([0, 20, 2]));
        assert!(version_of("cargo-deny 0.100.0").unwrap() > CARGO_DENY);
        assert!(version_of("cargo-deny 0.9.99").unwrap() < CARGO_DENY);
        for unclear in ["", "cargo-deny", "cargo-deny 1.2", "cargo-deny one.two.three"] {
            assert_eq!(version_of(unclear), None);
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert!(!on_path("a-program-that-nobody-has"));
        assert!(!debian_has_initdb(Path::new("a-folder-that-nobody-has")));
    }
}
