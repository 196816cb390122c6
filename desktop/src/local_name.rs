//! The local name of a file whose name the portal says. It may come from anybody: it never leaves the folder, is no device
//! of Windows's, hides nothing and fits every file system.

use crate::output::is_invisible;

/// Bytes of a name at most, so that `.part` fits behind it (255 on most file systems).
const MAX_LEN: usize = 200;
const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];

/// The name to store a file under.
pub fn local_name(name: &str) -> String {
    let is_reserved = |c: char| matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') || is_invisible(c);
    let clean: String = name.chars().map(|c| if is_reserved(c) { '_' } else { c }).collect();
    let mut local = shorten(clean.trim());
    // Windows drops them, and the name would be another one.
    local.truncate(local.trim_end_matches(['.', ' ']).len());
    if local.is_empty() || local.starts_with(['.', '-']) || is_device(&local) {
        local.insert(0, '_');
    }
    local
}

/// `NUL`, `nul.txt`, `COM1` …: not a file on Windows, whatever the folder.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    DEVICES.contains(&stem.as_str()) || numbered.is_some_and(|rest| rest.chars().count() == 1)
}

/// At most so many bytes, with the extension kept where it is a short one.
fn shorten(name: &str) -> String {
    if name.len() <= MAX_LEN {
        return name.to_owned();
    }
    let extension = name.rsplit_once('.').map(|(_, end)| format!(".{end}")).filter(|end| end.len() <= 16);
    let extension = extension.unwrap_or_default();
    let mut short = String::new();
    for c in name.chars() {
        if short.len() + c.len_utf8() + extension.len() > MAX_LEN {
            break;
        }
        short.push(c);
    }
    short + &extension
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_in_the_folder_and_is_a_file_everywhere() {
        for (name, local) in [
            ("harbour plan.txt", "harbour plan.txt"),
            ("../../etc/passwd", "_.._.._etc_passwd"),
            ("..", "_"),
            ("", "_"),
            (" . ", "_"),
            (".bashrc", "_.bashrc"),
            ("-rf", "_-rf"),
            ("C:\\boot.ini", "C__boot.ini"),
            ("a\u{202e}txt.exe", "a_txt.exe"),
            ("a\u{1b}[2J\n", "a_[2J_"),
            ("nul", "_nul"),
            ("Com1.txt", "_Com1.txt"),
            ("LPT²", "_LPT²"),
            ("CONSOLE", "CONSOLE"),
            ("report. . .", "report"),
        ] {
            assert_eq!(local_name(name), local, "{name:?}");
        }
        let long = local_name(&format!("{}.pdf", "ü".repeat(200)));
        assert!(long.len() <= MAX_LEN && long.ends_with(".pdf"), "{long}");
    }
}
