//! The list of an organisation's members: filtered, searched, sorted, and read by keyset in pages that neither repeat nor
//! miss anybody while members come and go.

use crate::members::folding::pattern;
use crate::members::status::{self, MemberView, Moment, from_members, select_members, status_case};
use crate::store::{Sql, StoreError, Tx, Value};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use twinlock_core::{Error, Result};

/// `$5` role, `$6` pattern, `$7` wanted statuses between commas; each empty for all.
macro_rules! matching {
    () => {
        concat!(
            " AND ($5 = '' OR m.role = $5) AND ($6 = '' OR m.search_text LIKE $6 ESCAPE '\\')
            AND ($7 = '' OR $7 LIKE '%,' || CASE WHEN m.state = 'suspended' THEN 'suspended' ELSE ",
            status_case!(),
            " END || ',%')"
        )
    };
}

macro_rules! by_name {
    ($of:literal, $beyond:literal, $order:literal) => {
        concat!(
            select_members!(),
            $of,
            matching!(),
            " AND (m.sort_name, m.id) ",
            $beyond,
            " ($8, $9)
            ORDER BY m.sort_name ",
            $order,
            ", m.id ",
            $order,
            " LIMIT $10"
        )
    };
}

macro_rules! by_number {
    ($key:literal, $beyond:literal, $order:literal) => {
        concat!(
            select_members!(),
            matching!(),
            " AND (m.",
            $key,
            ", m.sort_name, m.id) ",
            $beyond,
            " ($11, $8, $9)
            ORDER BY m.",
            $key,
            " ",
            $order,
            ", m.sort_name ",
            $order,
            ", m.id ",
            $order,
            " LIMIT $10"
        )
    };
}

macro_rules! count {
    ($of:literal) => {
        concat!(
            "SELECT CAST(count(*) AS BIGINT) FROM (SELECT 1 ",
            from_members!(),
            $of,
            matching!(),
            " LIMIT $8) AS matches"
        )
    };
}

crate::statements! {
    ALL_UP = by_name!("", ">", "ASC");
    ALL_DOWN = by_name!("", "<", "DESC");
    OPEN_UP = by_name!(" AND m.place < 5", ">", "ASC");
    OPEN_DOWN = by_name!(" AND m.place < 5", "<", "DESC");
    ONE_UP = by_name!(" AND m.place = $11", ">", "ASC");
    ONE_DOWN = by_name!(" AND m.place = $11", "<", "DESC");
    SEEN_UP = by_number!("seen_ms", ">", "ASC");
    SEEN_DOWN = by_number!("seen_ms", "<", "DESC");
    PLACE_UP = by_number!("place", ">", "ASC");
    PLACE_DOWN = by_number!("place", "<", "DESC");
    COUNT_ALL = count!("");
    COUNT_OPEN = count!(" AND m.place < 5");
    COUNT_ONE = count!(" AND m.place = $9");
}

/// Members on a page.
pub const PAGE: usize = 50;
/// More than so many are not counted for a page.
pub const MOST_COUNTED: u64 = 1_000;

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

/// Which part of the members an index leads to.
#[derive(Clone, Copy)]
enum Part {
    All,
    /// Active, and without a working authenticator.
    Open,
    /// One place.
    One(i64),
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

    /// The statuses that it lets through, and where they are found.
    fn wanted(self) -> (&'static str, Part) {
        match self {
            StatusFilter::All => ("", Part::All),
            StatusFilter::NonCompliant => (",not_set_up,reset,setting_up,sso_without_mfa,locked,", Part::Open),
            StatusFilter::NoAuthenticator => {
                (",not_set_up,reset,setting_up,sso_without_mfa,sso_mfa,exception,grace,", Part::Open)
            }
            StatusFilter::NotSetUp => (",not_set_up,", Part::Open),
            StatusFilter::SettingUp => (",setting_up,", Part::One(4)),
            StatusFilter::Reset => (",reset,", Part::One(2)),
            StatusFilter::Locked => ("", Part::One(1)),
            StatusFilter::Grace => (",grace,", Part::Open),
            StatusFilter::Exception => (",exception,", Part::Open),
            StatusFilter::Sso => (",sso_mfa,", Part::Open),
            StatusFilter::SsoWithoutMfa => (",sso_without_mfa,", Part::Open),
            StatusFilter::SetUp => ("", Part::One(5)),
            StatusFilter::Suspended => ("", Part::One(6)),
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
    /// True if nobody is left out.
    pub fn is_everybody(&self) -> bool {
        self.status == StatusFilter::All && self.role.is_empty() && self.q.is_empty()
    }
}

/// Beyond which row a page begins. It names a place in the order and nothing else: whose place it is does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    number: i64,
    sort_name: String,
    id: String,
}

/// No name is sorted behind it, and no id.
const LAST: &str = "\u{10ffff}";

impl Cursor {
    /// Where this row stands.
    pub fn at(row: &MemberView, sort: Sort) -> Self {
        let number = match sort {
            Sort::Name | Sort::NameDown => 0,
            Sort::Status | Sort::StatusDown => row.place,
            Sort::Seen | Sort::SeenDown => i64::try_from(row.seen_ms).unwrap_or(i64::MAX),
        };
        Self { number, sort_name: row.sort_name.clone(), id: row.id.clone() }
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

    fn before_all() -> Self {
        Self { number: i64::MIN, sort_name: String::new(), id: String::new() }
    }

    fn behind_all() -> Self {
        Self { number: i64::MAX, sort_name: LAST.to_owned(), id: LAST.to_owned() }
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

/// A part of the list.
pub struct Part50 {
    /// In the wanted order.
    pub members: Vec<MemberView>,
    /// True if there is somebody before the first.
    pub has_before: bool,
    /// True if there is somebody behind the last.
    pub has_after: bool,
}

/// At most `limit` members from a place in the list.
pub fn page(
    tx: &mut Tx<'_>,
    organisation: &str,
    wanted: &Wanted,
    from: &From,
    limit: usize,
    now_ms: u64,
) -> std::result::Result<Part50, StoreError> {
    let moment = Moment::of(tx, organisation, now_ms)?;
    let (is_back, cursor) = match from {
        From::Start => (false, None),
        From::After(cursor) => (false, Some(cursor.clone())),
        From::Before(cursor) => (true, Some(cursor.clone())),
    };
    let is_down = matches!(wanted.sort, Sort::NameDown | Sort::StatusDown | Sort::SeenDown) != is_back;
    let cursor = cursor.unwrap_or_else(|| if is_down { Cursor::behind_all() } else { Cursor::before_all() });
    let (statuses, part) = wanted.status.wanted();
    let is_by_name = matches!(wanted.sort, Sort::Name | Sort::NameDown);
    // In another order than that of names every row is asked for its status.
    let statuses = if is_by_name { statuses.to_owned() } else { statuses_of(wanted.status) };
    let mut values = common(organisation, &moment, wanted, &statuses);
    values.extend([(&cursor.sort_name).into(), (&cursor.id).into(), Value::from((limit + 1) as u64)]);
    match part {
        _ if !is_by_name => values.push(cursor.number.into()),
        Part::One(place) => values.push(place.into()),
        Part::All | Part::Open => {}
    }
    let statement = statement(wanted.sort, part, is_down);
    let mut members = tx
        .query(statement, &values)?
        .iter()
        .map(|row| status::read(row, &moment))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let is_more = members.len() > limit;
    members.truncate(limit);
    let is_inside = !matches!(from, From::Start);
    if is_back {
        members.reverse();
        return Ok(Part50 { members, has_before: is_more, has_after: is_inside });
    }
    Ok(Part50 { members, has_before: is_inside, has_after: is_more })
}

/// How many match, at most `most` and one more.
pub fn count(
    tx: &mut Tx<'_>,
    organisation: &str,
    wanted: &Wanted,
    most: u64,
    now_ms: u64,
) -> std::result::Result<u64, StoreError> {
    let moment = Moment::of(tx, organisation, now_ms)?;
    let (statuses, part) = wanted.status.wanted();
    let mut values = common(organisation, &moment, wanted, statuses);
    values.push((most + 1).into());
    let statement = match part {
        Part::All => COUNT_ALL,
        Part::Open => COUNT_OPEN,
        Part::One(place) => {
            values.push(place.into());
            COUNT_ONE
        }
    };
    tx.query_one(statement, &values)?.map_or(Ok(0), |row| row.unsigned(0))
}

fn statement(sort: Sort, part: Part, is_down: bool) -> Sql {
    match (sort, part, is_down) {
        (Sort::Seen | Sort::SeenDown, _, false) => SEEN_UP,
        (Sort::Seen | Sort::SeenDown, _, true) => SEEN_DOWN,
        (Sort::Status | Sort::StatusDown, _, false) => PLACE_UP,
        (Sort::Status | Sort::StatusDown, _, true) => PLACE_DOWN,
        (_, Part::All, false) => ALL_UP,
        (_, Part::All, true) => ALL_DOWN,
        (_, Part::Open, false) => OPEN_UP,
        (_, Part::Open, true) => OPEN_DOWN,
        (_, Part::One(_), false) => ONE_UP,
        (_, Part::One(_), true) => ONE_DOWN,
    }
}

/// The statuses that a filter lets through, also where the place alone would say it.
fn statuses_of(filter: StatusFilter) -> String {
    match filter.wanted() {
        ("", Part::All) => String::new(),
        ("", _) => format!(",{},", filter.word().replace('-', "_")),
        (statuses, _) => statuses.to_owned(),
    }
}

fn common<'a>(organisation: &'a str, moment: &Moment, wanted: &'a Wanted, statuses: &'a str) -> Vec<Value<'a>> {
    vec![
        organisation.into(),
        moment.now_ms.into(),
        moment.fresh_after_ms().into(),
        moment.graced_after_ms().into(),
        (&wanted.role).into(),
        pattern(&wanted.q).into(),
        statuses.into(),
    ]
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
