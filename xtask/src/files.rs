//! What a file of this project must not hold, and how long it may be.

use crate::run::Stop;
use crate::workspace::Workspace;

const LONG: usize = 500;

/// Top folders in which one machine or one person keeps things. A project that names them works only there.
const FOLDERS: [&str; 4] = ["home", "Users", "root", "tmp"];

/// Words that hosts of package registries and their mirrors are made of. Clients know their registries, and where
/// another one is wanted it belongs in that machine's configuration, not here.
const REGISTRY_WORDS: [&str; 12] =
    ["artifactory", "crates", "deb", "index", "maven", "mirror", "nexus", "npmjs", "proxy", "pypi", "registry", "repo"];

/// Fails if a file names a package registry's host or a folder of one machine.
pub(crate) fn check_contents(workspace: &Workspace) -> Result<(), Stop> {
    let folders = folders(workspace);
    let mut problems = Vec::new();
    for path in workspace.files()? {
        let Some(text) = workspace.text(&path)? else { continue };
        for (index, line) in text.lines().enumerate() {
            if let Some(problem) = problem_in(line, &folders) {
                problems.push(format!("{path}:{}: {problem}", index + 1));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Stop::repeat(problems.join("\n"), "cargo xtask lint")) }
}

/// Lists long source files. A warning only: the cure is a second concept found, not a line count met.
pub(crate) fn warn_of_length(workspace: &Workspace) -> Result<(), Stop> {
    for path in workspace.files()? {
        if ![".rs", ".kt", ".swift"].iter().any(|ending| path.ends_with(ending)) {
            continue;
        }
        let lines = workspace.text(&path)?.map_or(0, |text| text.lines().count());
        if lines > LONG {
            println!("warning: {path} has {lines} lines; above {LONG}, split it by concept");
        }
    }
    Ok(())
}

/// The folders that must not be named: those that every machine has, and where this checkout and this person's files
/// are.
fn folders(workspace: &Workspace) -> Vec<String> {
    let mut folders: Vec<String> =
        ["HOME", "CARGO_HOME", "CARGO_TARGET_DIR"].iter().filter_map(|name| std::env::var(name).ok()).collect();
    folders.push(workspace.root.display().to_string());
    // Only whole paths, and none as short as `/`, which would be found everywhere.
    folders.retain(|folder| folder.starts_with('/') && folder.len() > 4);
    folders.extend(FOLDERS.iter().map(|name| format!("/{name}/")));
    folders
}

fn problem_in(line: &str, folders: &[String]) -> Option<String> {
    if let Some(folder) = folders.iter().find(|folder| names(line, folder)) {
        return Some(format!("names a folder of one machine: {folder}"));
    }
    // Not an address but a name: what says that a file is Maven's.
    let line = line.replace("xmlns=\"http://", "");
    hosts(&line).find(|host| is_registry(host)).map(|host| format!("names a package registry's host: {host}"))
}

/// True if `line` holds `folder` as the start of a path, and not as the middle of a longer one or of an address.
fn names(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(start, _)| {
        let (before, after) = (&line[..start], &line[start + folder.len()..]);
        let is_whole = folder.ends_with('/') || !after.starts_with(char::is_alphanumeric);
        is_whole && !before.ends_with(|c: char| c.is_alphanumeric() || "_-.~/}".contains(c))
    })
}

/// The hosts of all addresses in a line.
fn hosts(line: &str) -> impl Iterator<Item = &str> {
    line.split("://").skip(1).map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || ".-@:".contains(c))).unwrap_or(rest.len());
        let authority = &rest[..end];
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        host.split_once(':').map_or(host, |(host, _)| host)
    })
}

fn is_registry(host: &str) -> bool {
    // Names that belong to nobody (RFC 2606): examples in texts and tests.
    let is_reserved = host.split('.').any(|label| ["example", "test", "invalid", "localhost"].contains(&label));
    let is_word = |part: &str| {
        let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
        REGISTRY_WORDS.contains(&word) || REGISTRY_WORDS.contains(&word.trim_end_matches('s'))
    };
    host.contains('.') && !is_reserved && host.split(['.', '-']).any(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Addresses and paths are put together here, so that this file passes its own check.
    fn address(host: &str) -> String {
        ["https:", "", host, "x"].join("/")
    }

    #[test]
    fn registries_and_mirrors_are_found() {
        for host in ["registry.corp.org", "repo1.corp.org", "deb.corp.org", "ann@our-mirrors.corp.com:8080"] {
            assert!(problem_in(&address(host), &[]).is_some(), "{host}");
        }
    }

    #[test]
    fn other_addresses_are_fine() {
        for host in ["www.corp.org", "debian.corp.org", "proxy.example", "repo.example.com", "registry", "127.0.0.1"] {
            assert_eq!(problem_in(&address(host), &[]), None, "{host}");
        }
    }

    #[test]
    fn the_name_of_an_xml_language_is_no_address() {
        let named =
            |start: &str| format!("<project {start}\"{}\">", address("maven.corp.org").replace("https", "http"));
        assert_eq!(problem_in(&named("xmlns="), &[]), None);
        assert!(problem_in(&named("url="), &[]).is_some());
    }

    #[test]
    fn folders_of_one_machine_are_found() {
        let folders: Vec<String> = FOLDERS.iter().map(|name| format!("/{name}/")).collect();
        for words in [["", "home", "ann"], ["cd ", "tmp", "y"], ["\"", "Users", "bob\""], ["a=", "root", ".cargo"]] {
            let line = words.join("/");
            assert!(problem_in(&line, &folders).is_some(), "{line}");
        }
        // A route, and folders below another one.
        for words in [["portal.example", "home", "x"], ["target", "tmp", "y"], ["${dir}", "tmp", "y"]] {
            assert_eq!(problem_in(&words.join("/"), &folders), None);
        }
    }

    #[test]
    fn this_checkout_is_found_but_not_what_is_only_called_alike() {
        let folders = ["/srv/checkout".to_owned()];
        assert!(problem_in("see /srv/checkout/core", &folders).is_some());
        assert!(problem_in("see /srv/checkout", &folders).is_some());
        assert_eq!(problem_in("see /srv/checkouts", &folders), None);
    }
}
