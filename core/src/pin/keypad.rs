//! Shapes on the keypad every phone shows, by rule and not by list.
//!
//! ```text
//! 1 2 3
//! 4 5 6
//! 7 8 9
//!   0
//! ```

/// Rows, columns, diagonals and the long middle column, each in both directions.
const LINES: [&[u8]; 18] = [
    b"123", b"456", b"789", b"321", b"654", b"987", b"147", b"258", b"369", b"741", b"852", b"963", b"159", b"357",
    b"951", b"753", b"2580", b"0852",
];

/// Corners, edges, the outline and the four small squares, as one goes round them.
const RINGS: [&[u8]; 7] = [b"1397", b"2684", b"12369874", b"1254", b"2365", b"4587", b"5698"];

/// The four corners and the four edges, around the centre 5.
const CROSSES: [[u8; 4]; 2] = [*b"1379", *b"2468"];

/// Whether the whole PIN is such a shape: lines put together (147258, 1236987, also sharing a key at the joint), a walk
/// round a ring (139713, 236987), or a cross (137955).
pub(super) fn is_shape(digits: &[u8]) -> bool {
    is_lines(digits)
        || RINGS.iter().any(|ring| is_walk(digits, ring))
        || CROSSES.iter().any(|cross| is_cross(digits, cross))
}

fn is_lines(digits: &[u8]) -> bool {
    // Bit n: the first n digits are lines put together.
    let mut tiled: u32 = 1;
    for end in 0..digits.len() {
        if tiled & (1 << end) == 0 {
            continue;
        }
        // A line begins on the next digit, or on the last one of the line before.
        for start in [Some(end), end.checked_sub(1)].into_iter().flatten() {
            let rest = digits.get(start..).unwrap_or_default();
            for line in LINES.iter().filter(|line| rest.starts_with(line)) {
                tiled |= 1 << (start + line.len());
            }
        }
    }
    tiled & (1 << digits.len()) != 0
}

fn is_walk(digits: &[u8], ring: &[u8]) -> bool {
    let goes_round = |step: usize| {
        let start = digits.first().and_then(|first| ring.iter().position(|key| key == first));
        start.is_some_and(|start| {
            digits.iter().enumerate().all(|(count, digit)| ring.get((start + count * step) % ring.len()) == Some(digit))
        })
    };
    goes_round(1) || goes_round(ring.len() - 1)
}

/// Each arm once, in any order, and nothing but the centre before and after them.
fn is_cross(digits: &[u8], arms: &[u8; 4]) -> bool {
    let start = digits.iter().position(|digit| *digit != b'5').unwrap_or(digits.len());
    let rest = digits.get(start..).unwrap_or_default();
    let (middle, end) = rest.split_at_checked(4).unwrap_or_default();
    middle.len() == 4 && arms.iter().all(|arm| middle.contains(arm)) && end.iter().all(|digit| *digit == b'5')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f50_keypad_shapes() {
        for digits in [
            "147258",
            "258147",
            "123789",
            "159753",
            "951357",
            "741963",
            "085258",
            "852580",
            "1478963",
            "1235789",
            "25800852",
            "147258369", // lines
            "139713",
            "793179",
            "268426",
            "123698",
            "147896",
            "125412",
            "458745", // rings
            "137955",
            "551379",
            "513795",
            "248655",
            "5137955", // crosses
        ] {
            assert!(is_shape(digits.as_bytes()), "{digits}");
        }
        for digits in ["938174", "147259", "12580", "137956", "113795", "139731", "555555", "125478"] {
            assert!(!is_shape(digits.as_bytes()), "{digits}");
        }
    }
}
