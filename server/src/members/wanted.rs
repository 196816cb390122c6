//! Which members an admin wants to see, in which order and from where on.

use crate::members::status::MemberView;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use twinlock_core::{Error, Result};

/// Which members by their status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusFilter {
    /// Everybody.
    #[default]
    #[serde(rename = "")]
    All,
    /// All who do not comply now.
    NonCompliant,
    /// No authenticator, whether that complies or not: whom the requirement leads to the set-up.
    NoAuthenticator,
    /// Nothing that counts, and nothing begun.
    NotSetUp,
    /// A set-up was begun.
    SettingUp,
    /// Reset by an admin, and not set up again.
    Reset,
    /// Disabled by wrong codes.
    Locked,
    /// In the deadline.
    Grace,
    /// With an exception.
    Exception,
    /// By the identity provider, with MFA.
    Sso,
    /// By the identity provider, without MFA.
    SsoWithoutMfa,
    /// Set up.
    SetUp,
    /// May not sign in.
    Suspended,
}

impl StatusFilter {
    /// All of them, in the order in which a page offers them.
    pub const OFFERED: [StatusFilter; 12] = [
        StatusFilter::NonCompliant,
        StatusFilter::NoAuthenticator,
        StatusFilter::NotSetUp,
        StatusFilter::SettingUp,
        StatusFilter::Reset,
        StatusFilter::Locked,
        StatusFilter::Grace,
        StatusFilter::Exception,
        StatusFilter::Sso,
        StatusFilter::SsoWithoutMfa,
        StatusFilter::SetUp,
        StatusFilter::Suspended,
    ];

    /// The word in the address.
    pub fn word(self) -> &'static str {
        match self {
            StatusFilter::All => "",
            StatusFilter::NonCompliant => "non-compliant",
            StatusFilter::NoAuthenticator => "no-authenticator",
            StatusFilter::NotSetUp => "not-set-up",
            StatusFilter::SettingUp => "setting-up",
            StatusFilter::Reset => "reset",
            StatusFilter::Locked => "locked",
            StatusFilter::Grace => "grace",
            StatusFilter::Exception => "exception",
            StatusFilter::Sso => "sso",
            StatusFilter::SsoWithoutMfa => "sso-without-mfa",
            StatusFilter::SetUp => "set-up",
            StatusFilter::Suspended => "suspended",
        }
    }

    /// Whether a member with this status is on the list.
    pub fn lets_through(self, status: &str) -> bool {
        match self {
            StatusFilter::All => true,
            StatusFilter::NonCompliant => {
                matches!(status, "not_set_up" | "reset" | "setting_up" | "sso_without_mfa" | "locked")
            }
            StatusFilter::NoAuthenticator => !matches!(status, "set_up" | "locked" | "suspended"),
            StatusFilter::Sso => status == "sso_mfa",
            one => one.word().replace('-', "_") == status,
        }
    }
}

/// What the list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// By name.
    #[default]
    Name,
    /// By name, from the end.
    NameDown,
    /// Whoever needs help first.
    Status,
    /// Whoever needs none first.
    StatusDown,
    /// Whoever was not seen for longest first.
    Seen,
    /// Whoever was seen last first.
    SeenDown,
}

impl Sort {
    /// True where the order begins at the end.
    pub fn is_down(self) -> bool {
        matches!(self, Sort::NameDown | Sort::StatusDown | Sort::SeenDown)
    }

    /// What comes before the name in this order; 0 for nothing.
    pub(super) fn number_of(self, row: &MemberView) -> i64 {
        match self {
            Sort::Name | Sort::NameDown => 0,
            Sort::Status | Sort::StatusDown => row.place,
            Sort::Seen | Sort::SeenDown => i64::try_from(row.seen_ms).unwrap_or(i64::MAX),
        }
    }

    /// How two rows stand to each other, upwards.
    pub(super) fn compare(self, a: &MemberView, b: &MemberView) -> Ordering {
        let key = |row: &MemberView| self.number_of(row);
        key(a).cmp(&key(b)).then_with(|| a.sort_name.cmp(&b.sort_name)).then_with(|| a.id.cmp(&b.id))
    }
}

/// Which members, in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// By status.
    #[serde(default)]
    pub status: StatusFilter,
    /// `member`, `admin` or `auditor`; empty for all.
    #[serde(default)]
    pub role: String,
    /// What is looked for in name and address; empty for all.
    #[serde(default)]
    pub q: String,
    /// The order.
    #[serde(default)]
    pub sort: Sort,
}

impl Wanted {
    /// True if only admins are wanted, or only auditors.
    pub(super) fn is_by_rare_role(&self) -> bool {
        !matches!(self.role.as_str(), "" | "member")
    }

    /// True if nobody is left out.
    pub fn is_everybody(&self) -> bool {
        self.status == StatusFilter::All && self.role.is_empty() && self.q.is_empty()
    }
}

/// Beyond which row a page begins. It names a place in the order and nothing else: whose place it is does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// What comes before the name in the order; 0 in that of names.
    pub(super) number: i64,
    pub(super) sort_name: String,
    pub(super) id: String,
}

/// No name is sorted behind it, and no id.
const LAST: &str = "\u{10ffff}";

impl Cursor {
    /// Where this row stands.
    pub fn at(row: &MemberView, sort: Sort) -> Self {
        let number = sort.number_of(row);
        Self { number, sort_name: row.sort_name.clone(), id: row.id.clone() }
    }

    /// What is compared with [`Sort::number_of`].
    pub(super) fn number_in(&self, sort: Sort) -> i64 {
        if matches!(sort, Sort::Name | Sort::NameDown) { 0 } else { self.number }
    }

    /// For an address.
    pub fn to_text(&self) -> String {
        BASE64URL_NOPAD.encode(format!("{}\n{}\n{}", self.number, self.id, self.sort_name).as_bytes())
    }

    /// Reads what [`Cursor::to_text`] wrote; [`Error::BadRequest`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > 4_096 {
            return Err(Error::BadRequest);
        }
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Error::BadRequest)?;
        let plain = String::from_utf8(bytes).map_err(|_| Error::BadRequest)?;
        let mut parts = plain.splitn(3, '\n');
        let (Some(number), Some(id), Some(sort_name)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::BadRequest);
        };
        if id.contains('\0') || sort_name.contains('\0') {
            return Err(Error::BadRequest);
        }
        let number = number.parse().map_err(|_| Error::BadRequest)?;
        Ok(Self { number, sort_name: sort_name.to_owned(), id: id.to_owned() })
    }

    /// Before everybody, upwards or downwards.
    pub(super) fn before_first(is_down: bool) -> Self {
        let (number, text) = if is_down { (i64::MAX, LAST) } else { (i64::MIN, "") };
        Self { number, sort_name: text.to_owned(), id: text.to_owned() }
    }
}

/// Where a page begins.
#[derive(Debug, Clone)]
pub enum From {
    /// At the beginning.
    Start,
    /// Behind this row.
    After(Cursor),
    /// Before this row: its last row is the one before it.
    Before(Cursor),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_nothing_else_is_one() {
        let cursor = Cursor { number: -3, sort_name: "o'brien\n🦊".to_owned(), id: "01".to_owned() };
        assert_eq!(Cursor::parse(&cursor.to_text()), Ok(cursor));
        let of = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        for hostile in ["", "x", "====", &of("1\n2"), &of("a\nb\nc"), &of("1\n\0\nc"), &"A".repeat(5_000)] {
            assert_eq!(Cursor::parse(hostile), Err(Error::BadRequest), "{hostile}");
        }
    }

    #[test]
    fn every_filter_has_its_word() {
        for filter in StatusFilter::OFFERED {
            let word = serde_json::to_value(filter).unwrap();
            assert_eq!(word, filter.word(), "{filter:?}");
        }
    }
}
