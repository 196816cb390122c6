//! Finds a Swift toolchain. Where `swift` is on the PATH, that one is used. Debian 12 has none, but Debian 13 packages
//! one: as root we make a small Debian 13 root with it, once, in the user's cache folder.
//!
//! Everything in that root runs in a mount namespace of its own, which ends with the program: no mount can leak, and
//! deleting the root or the checkout never reaches through one.

use crate::run::{Run, Stop, output_of};
use crate::tools::{DEBOOTSTRAP, ensure_packages, is_root};
use crate::workspace::Workspace;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest version whose manifests and language mode `ios/Package.swift` needs.
const OLDEST: u32 = 6;

const SUITE: &str = "trixie";
/// The toolchain, and the authenticator that its tests ask for codes.
const PACKAGES: [&str; 8] =
    ["swiftlang", "swiftlang-dev", "libc6-dev", "libstdc++-14-dev", "gcc", "git", "libncurses6", "oathtool"];
/// Changes when a root made by an older recipe has to be made again.
const RECIPE: &str = "2";

/// Mounts what the program needs, then becomes it. Arguments: root, working folder, folders to bind, `--`, program.
const ENTER: &str = r#"
set -e
root=$1 work=$2
shift 2
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
while [ "$1" != -- ]; do
  mkdir -p "$root$1"
  mount --rbind "$1" "$root$1"
  shift
done
shift
exec chroot "$root" /usr/bin/env -C "$work" HOME=/var/cache LC_ALL=C.UTF-8 "$@"
"#;

/// A toolchain: the machine's own, or one in a small root.
#[derive(Debug)]
pub(crate) struct Toolchain {
    root: Option<PathBuf>,
}

impl Toolchain {
    /// Finds a toolchain or makes one; says what to type where neither can be.
    pub(crate) fn ensure(run: &mut Run) -> Result<Self, Stop> {
        let version = output_of(Command::new("swift").arg("--version"));
        if version.as_deref().and_then(major_version).is_some_and(|major| major >= OLDEST) {
            return Ok(Self { root: None });
        }
        if !is_root() || output_of(Command::new("apt-get").arg("--version")).is_none() {
            return Err(Stop::because(format!(
                "Swift {OLDEST} or newer is not on the PATH. On macOS install Xcode. On Debian 13:\n  \
                 sudo apt-get install --no-install-recommends {}\n\
                 On Debian 12 a small root with it is made in root's cache folder:\n  \
                 sudo cargo xtask test swift",
                PACKAGES.join(" ")
            )));
        }
        let folder = cache_folder()?.join("twinlock/swift");
        let (root, complete) = (folder.join("root"), folder.join("complete"));
        std::fs::create_dir_all(&folder).map_err(|fault| told(&folder, &fault))?;
        // Two checkouts share the root: the second waits for the first to finish it.
        let lock = File::create(folder.join("lock")).map_err(|fault| told(&folder, &fault))?;
        lock.lock().map_err(|fault| told(&folder, &fault))?;
        if std::fs::read_to_string(&complete).is_ok_and(|found| found == recipe()) {
            return Ok(Self { root: Some(root) });
        }
        ensure_packages(run, &[&DEBOOTSTRAP])?;
        for leftover in [&complete, &root] {
            remove(leftover)?;
        }
        println!("\nA Debian root with Swift is made once, in {}: 3.3 GB, some minutes.", folder.display());
        let mirror = debian_mirror()?;
        let mut debootstrap = Command::new("debootstrap");
        debootstrap.args(["--variant=minbase", SUITE]).arg(&root).arg(mirror).stdout(Stdio::null());
        run.command("make a Debian root", debootstrap)?;
        let toolchain = Self { root: Some(root.clone()) };
        let mut install = toolchain.inside(&root, Path::new("/"), &[]);
        install.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends"]);
        install.args(PACKAGES).stdout(Stdio::null());
        run.command("install Swift into it", install)?;
        // Last, so that an interrupted attempt is never taken for a toolchain.
        std::fs::write(&complete, recipe()).map_err(|fault| told(&complete, &fault))?;
        Ok(toolchain)
    }

    /// A program of the toolchain, run at the project's root with the project's folders in reach.
    pub(crate) fn command(&self, workspace: &Workspace, program: &str) -> Command {
        match &self.root {
            None => {
                let mut command = Command::new(program);
                command.current_dir(&workspace.root);
                command
            }
            Some(root) => {
                let mut command = self.inside(root, &workspace.root, &[&workspace.root, &workspace.target]);
                command.arg(program);
                command
            }
        }
    }

    /// Starts a program that the toolchain built, without any mount: the root's own loader is told where to look.
    pub(crate) fn start(&self, program: &Path, libraries: &Path) -> Result<Command, Stop> {
        let Some(root) = &self.root else { return Ok(Command::new(program)) };
        let loader = ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"]
            .into_iter()
            .map(|loader| root.join(loader))
            .find(|loader| loader.exists())
            .ok_or_else(|| Stop::because("The Debian root has no loader for this processor."))?;
        let system = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
        let folders = [root.join("usr/libexec/swift/lib/swift/linux"), root.join(system), libraries.to_owned()];
        let path = std::env::join_paths(folders).map_err(|fault| Stop::because(fault.to_string()))?;
        let mut command = Command::new(loader);
        command.arg("--library-path").arg(path).arg(program);
        Ok(command)
    }

    fn inside(&self, root: &Path, work: &Path, folders: &[&Path]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", ENTER, "sh"]);
        command.arg(root).arg(work).args(folders).arg("--");
        command
    }
}

fn recipe() -> String {
    format!("{RECIPE} {SUITE} {}\n", PACKAGES.join(" "))
}

/// The user's folder for what can be made again (XDG Base Directory Specification 0.8).
fn cache_folder() -> Result<PathBuf, Stop> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .ok_or_else(|| Stop::because("Neither XDG_CACHE_HOME nor HOME names a folder for the Swift toolchain."))
}

/// The Debian mirror that apt is configured with; none is named here.
fn debian_mirror() -> Result<String, Stop> {
    let mut ask = Command::new("apt-get");
    ask.args(["indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]);
    let listed = output_of(&mut ask).unwrap_or_default();
    mirror_in(&listed).map(str::to_owned).ok_or_else(|| {
        Stop::repeat("apt knows no Debian mirror on this machine; fetch its lists first.", "apt-get update")
    })
}

/// The first line that is Debian's own archive, not its security archive or somebody else's.
fn mirror_in(listed: &str) -> Option<&str> {
    listed.lines().find_map(|line| line.strip_prefix("Debian ")).map(str::trim)
}

/// The 6 of `Swift version 6.0.3 (…)`; another program of that name (OpenStack's client) says something else.
fn major_version(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("Swift version ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn remove(path: &Path) -> Result<(), Stop> {
    let outcome = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match outcome {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => Err(told(path, &fault)),
        _ => Ok(()),
    }
}

fn told(path: &Path, fault: &std::io::Error) -> Stop {
    Stop::because(format!("{}: {fault}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_apples_swift_of_a_new_enough_version_counts() {
        assert_eq!(major_version("Swift version 6.0.3 (swift-6.0.3-RELEASE)\nTarget: x86_64"), Some(6));
        assert_eq!(major_version("Apple Swift version 5.10 (swiftlang-5.10.0.13)"), Some(5));
        assert_eq!(major_version("swift 4.1.0"), None, "OpenStack's client");
    }

    #[test]
    fn the_mirror_is_debians_own_archive_and_nobody_elses() {
        let listed =
            "Debian-Security http://s.example/security/\nGoogle http://g.example/\nDebian http://d.example/d/\n";
        assert_eq!(mirror_in(listed), Some("http://d.example/d/"));
        assert_eq!(mirror_in("Ubuntu http://u.example/"), None);
    }

    #[test]
    fn mounts_happen_in_a_namespace_of_their_own() {
        let toolchain = Toolchain { root: Some("r".into()) };
        let command = toolchain.inside(Path::new("r"), Path::new("w"), &[Path::new("w")]);
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(command.get_program(), "unshare");
        assert_eq!(words.get(..3), Some(&["--mount", "--propagation", "private"].map(str::to_owned)[..]));
        assert_eq!(words.last().map(String::as_str), Some("--"), "what follows is the program");
    }

    #[test]
    fn a_program_of_the_machines_own_toolchain_is_started_as_it_is() {
        let start = Toolchain { root: None }.start(Path::new("p"), Path::new("l")).unwrap();
        assert_eq!((start.get_program().to_str(), start.get_args().count()), (Some("p"), 0));
    }
}
