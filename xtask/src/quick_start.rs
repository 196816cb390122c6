//! README's quick starts are the code that compiles, word for word, and at most fifteen lines.

use crate::run::Stop;
use crate::workspace::Workspace;

/// Language of the block in README, and the file that it is taken from.
const SOURCES: [(&str, &str); 2] = [
    ("kotlin", "android/sdk/src/test/kotlin/dev/twinlock/sample/QuickStart.kt"),
    ("swift", "ios/Tests/TwinlockTests/QuickStart.swift"),
];
const MOST_LINES: usize = 15;

/// Fails if README shows anything else than the marked lines.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Stop> {
    let readme = workspace.text("README.md")?.unwrap_or_default();
    for (language, path) in SOURCES {
        let source = workspace.text(path)?.unwrap_or_default();
        let block = marked(&source).ok_or_else(|| Stop::because(format!("{path} marks no quick start.")))?;
        if block.lines().count() > MOST_LINES {
            return Err(Stop::because(format!("{path}: the quick start has more than {MOST_LINES} lines.")));
        }
        let shown = format!("```{language}\n{block}```\n");
        if !readme.contains(&shown) {
            return Err(Stop::because(format!("README.md does not show the quick start of {path}:\n\n{shown}")));
        }
    }
    Ok(())
}

/// The lines between the marks, moved to the left edge.
fn marked(source: &str) -> Option<String> {
    let lines = source.lines().skip_while(|line| line.trim() != "// [quick start]").skip(1);
    let lines: Vec<&str> = lines.take_while(|line| line.trim() != "// [quick start end]").collect();
    let indent = lines.iter().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len());
    let indent = indent.min()?;
    Some(lines.iter().map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_moved_to_the_left() {
        let source = "x\n    // [quick start]\n    let a\n\n      b\n    // [quick start end]\ny\n";
        assert_eq!(marked(source).as_deref(), Some("let a\n\n  b\n"));
        assert_eq!(marked("nothing"), None);
    }
}
