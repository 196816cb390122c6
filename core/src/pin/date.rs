//! Calendar dates in the notations people use. Two-digit years have no century, so 29 February is always a date.

/// Whether the whole PIN is a date.
///
/// Six digits: DDMMYY, MMDDYY, YYMMDD, and YYYYMM, MMYYYY from 1930 to 2030 (85,300 PINs). Seven: a date with a
/// four-digit year where day or month lacks its zero. Eight: DDMMYYYY, MMDDYYYY, YYYYMMDD from 1900 to 2099, or two
/// such years side by side.
pub(super) fn is_date(digits: &[u8]) -> bool {
    match digits.len() {
        6 => is_short_date(digits) || is_month_of_year(digits),
        7 => [1, 2].iter().any(|first| is_day_of_year(digits, *first, 3 - first)),
        8 => is_day_of_year(digits, 2, 2) || [0, 4].iter().all(|at| is_long_year(number(digits, *at, 4))),
        _ => false,
    }
}

fn is_short_date(digits: &[u8]) -> bool {
    let [a, b, c] = [0, 2, 4].map(|at| number(digits, at, 2));
    is_day_of_month(a, b) || is_day_of_month(b, a) || is_day_of_month(c, b)
}

fn is_month_of_year(digits: &[u8]) -> bool {
    let is_near = |year| (1930..=2030).contains(&year);
    (is_near(number(digits, 0, 4)) && is_month(number(digits, 4, 2)))
        || (is_month(number(digits, 0, 2)) && is_near(number(digits, 2, 4)))
}

/// Day and month in either order, `first` and `second` digits long, after or before a four-digit year.
fn is_day_of_year(digits: &[u8], first: usize, second: usize) -> bool {
    [0, 4].into_iter().any(|start| {
        let (a, b) = (number(digits, start, first), number(digits, start + first, second));
        let year = number(digits, if start == 0 { first + second } else { 0 }, 4);
        // After a year the month comes first; no notation says YYYYDDMM.
        is_long_year(year) && (is_day_of_month(b, a) || (start == 0 && is_day_of_month(a, b)))
    })
}

fn is_long_year(year: u16) -> bool {
    (1900..=2099).contains(&year)
}

fn is_month(month: u16) -> bool {
    (1..=12).contains(&month)
}

fn is_day_of_month(day: u16, month: u16) -> bool {
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn number(digits: &[u8], at: usize, len: usize) -> u16 {
    digits.iter().skip(at).take(len).fold(0, |number, digit| 10 * number + u16::from(digit.wrapping_sub(b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f50_dates() {
        for digits in [
            "311299", "123199", "991231", "290223", "022923", "193001", "203012", "012030", "121930", "7031984",
            "3171984", "1984703", "1984307", "07031984", "03071984", "19840307", "29022023", "20991231", "19992000",
        ] {
            assert!(is_date(digits.as_bytes()), "{digits}");
        }
        for digits in [
            "320199",
            "300299",
            "310499",
            "001299",
            "192999",
            "203113",
            "132030",
            "000000",
            "1703984",
            "18991231",
            "21000101",
            "19841307",
            "1984030799",
        ] {
            assert!(!is_date(digits.as_bytes()), "{digits}");
        }
    }

    #[test]
    fn b35_the_six_digit_dates_are_85300() {
        let count = (0..1_000_000).filter(|number| is_date(format!("{number:06}").as_bytes())).count();
        assert_eq!(count, 85_300);
    }
}
