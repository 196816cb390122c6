//! The surface that crosses the FFI, as text: read out of the Swift glue, kept in `bindings/api.txt`, compared at each
//! making of the glue. A change of it breaks shells, so it has to be seen in review.

use crate::bindings;
use crate::run::Stop;
use crate::workspace::Workspace;

const KEPT: &str = "bindings/api.txt";

/// Compares the surface with the one that is kept, or keeps the new one.
pub(crate) fn compare(workspace: &Workspace, accept: bool) -> Result<(), Stop> {
    let glue = bindings::folder(workspace, "swift").join("TwinlockGlue.swift");
    let glue = std::fs::read_to_string(&glue).map_err(|fault| Stop::because(format!("{}: {fault}", glue.display())))?;
    let surface = surface(&glue);
    let kept = workspace.root.join(KEPT);
    if accept {
        return std::fs::write(&kept, surface).map_err(|fault| Stop::because(format!("{KEPT}: {fault}")));
    }
    let known = std::fs::read_to_string(&kept).unwrap_or_default();
    if known == surface {
        return Ok(());
    }
    let mut text = format!("What crosses the FFI is not what {KEPT} says:\n");
    for (mark, one, other) in [("-", &known, &surface), ("+", &surface, &known)] {
        for line in one.lines().filter(|line| !other.lines().any(|same| same == *line)) {
            text += &format!("  {mark} {line}\n");
        }
    }
    Err(Stop::repeat(text, "cargo xtask bindings --accept"))
}

/// Declarations only: no bodies, no documentation, nothing of UniFFI's own.
fn surface(glue: &str) -> String {
    let mut kept = String::new();
    let mut in_block = false;
    for line in glue.lines() {
        // The end of a comment may stand before what it documents.
        let text = line.rsplit("*/").next().unwrap_or(line).trim();
        if line.starts_with('}') {
            in_block = false;
        }
        let opens = ["public protocol ", "public struct ", "public enum "].iter().any(|start| line.starts_with(start));
        if opens && !line.contains("FfiConverter") {
            in_block = true;
            kept += &format!("\n{}\n", text.trim_end_matches(" {"));
        } else if in_block && !is_comment(text) && !is_inside(text) {
            kept += &format!("  {text}\n");
        } else if is_maker(line) {
            kept += &format!("{}\n", text.trim_end_matches(" {").trim_end());
        }
    }
    kept.trim_start().to_owned()
}

/// Constructors, and functions outside of any object.
fn is_maker(line: &str) -> bool {
    ["public convenience init(", "public static func ", "public func "].iter().any(|start| line.starts_with(start))
        && !line.contains("FfiConverter")
}

fn is_comment(text: &str) -> bool {
    text.is_empty() || text.starts_with('*') || text.starts_with("/*") || text.starts_with("//")
}

/// What stands inside the declarations: initialisers that repeat the fields, and closing brackets.
fn is_inside(text: &str) -> bool {
    ["public init(", "self.", "}", ")", "public var errorDescription", "String(reflecting"]
        .iter()
        .any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_stay_and_everything_else_goes() {
        let glue = "\
public protocol PinEntryProtocol: AnyObject, Sendable {
    
    /**
     * Appends.
     */
    func pushDigit(digit: UInt8) throws 
}
open class PinEntry: PinEntryProtocol, @unchecked Sendable {
public convenience init()throws  {
    let handle = 1
}
public struct FfiConverterTypeStep: FfiConverterRustBuffer {
    typealias SwiftType = Step
}
public enum Step: Equatable, Hashable {
    case wait(
        /**
         * Until.
         */untilMs: UInt64
    )
}
";
        let lines = "\
public protocol PinEntryProtocol: AnyObject, Sendable
  func pushDigit(digit: UInt8) throws
public convenience init()throws

public enum Step: Equatable, Hashable
  case wait(
  untilMs: UInt64
";
        assert_eq!(surface(glue), lines);
    }
}
