//! The list, read in its order from one or several indexes at once.

use crate::members::counts;
use crate::members::folding::pattern;
use crate::members::status::{self, Grace, MemberView, Moment, select_shelved};
use crate::members::wanted::{Cursor, Sort, StatusFilter, Wanted};
use crate::store::{Sql, StoreError, Tx, Value};
use std::cmp::Ordering;
use std::collections::VecDeque;

// The number of rows is part of the text: with a value in its place PostgreSQL would plan for a tenth of the table. Role and
// search are in texts of their own for the same reason.
macro_rules! by_name {
    ($of:expr, $beyond:literal, $order:literal) => {
        concat!(
            select_shelved!(),
            $of,
            " AND (m.sort_name, m.id) ",
            $beyond,
            " ($4, $5)
            ORDER BY m.sort_name ",
            $order,
            ", m.id ",
            $order,
            " LIMIT 51"
        )
    };
}

macro_rules! by_number {
    ($key:literal, $number:literal, $of:expr, $beyond:literal, $order:literal) => {
        concat!(
            select_shelved!(),
            $of,
            " AND (m.",
            $key,
            ", m.sort_name, m.id) ",
            $beyond,
            " (",
            $number,
            ", $4, $5)
            ORDER BY m.",
            $key,
            " ",
            $order,
            ", m.sort_name ",
            $order,
            ", m.id ",
            $order,
            " LIMIT 51"
        )
    };
}

macro_rules! matching {
    ($role:literal, $pattern:literal) => {
        concat!(
            " AND (",
            $role,
            " = '' OR m.role = ",
            $role,
            ")
            AND (",
            $pattern,
            " = '' OR m.search_text LIKE ",
            $pattern,
            " ESCAPE '\\')"
        )
    };
}

macro_rules! open {
    () => {
        " AND m.shelf NOT IN (22, 23, 32, 33, 50, 60) AND (m.created_ms <= $6 OR m.shelf IN (10, 40))"
    };
}

// Both conditions: one engine does not see that the second follows from the first.
macro_rules! role {
    () => {
        " AND m.role = $6 AND m.role <> 'member' AND ($7 = '' OR m.search_text LIKE $7 ESCAPE '\\')"
    };
}

macro_rules! shelf {
    () => {
        " AND m.shelf = $6 AND m.created_ms > $7 AND m.created_ms <= $8"
    };
}

crate::statements! {
    ALL_UP = by_name!("", ">", "ASC");
    ALL_DOWN = by_name!("", "<", "DESC");
    ALL_SEARCHED_UP = by_name!(matching!("$6", "$7"), ">", "ASC");
    ALL_SEARCHED_DOWN = by_name!(matching!("$6", "$7"), "<", "DESC");
    ROLE_UP = by_name!(role!(), ">", "ASC");
    ROLE_DOWN = by_name!(role!(), "<", "DESC");
    ROLE_SEEN_UP = by_number!("seen_ms", "$8", role!(), ">", "ASC");
    ROLE_SEEN_DOWN = by_number!("seen_ms", "$8", role!(), "<", "DESC");
    ROLE_PLACE_UP = by_number!("place", "$8", role!(), ">", "ASC");
    ROLE_PLACE_DOWN = by_number!("place", "$8", role!(), "<", "DESC");
    ALL_SEEN_UP = by_number!("seen_ms", "$6", "", ">", "ASC");
    ALL_SEEN_DOWN = by_number!("seen_ms", "$6", "", "<", "DESC");
    ALL_SEEN_SEARCHED_UP = by_number!("seen_ms", "$6", matching!("$7", "$8"), ">", "ASC");
    ALL_SEEN_SEARCHED_DOWN = by_number!("seen_ms", "$6", matching!("$7", "$8"), "<", "DESC");
    ALL_PLACE_UP = by_number!("place", "$6", "", ">", "ASC");
    ALL_PLACE_DOWN = by_number!("place", "$6", "", "<", "DESC");
    ALL_PLACE_SEARCHED_UP = by_number!("place", "$6", matching!("$7", "$8"), ">", "ASC");
    ALL_PLACE_SEARCHED_DOWN = by_number!("place", "$6", matching!("$7", "$8"), "<", "DESC");
    OPEN_UP = by_name!(open!(), ">", "ASC");
    OPEN_DOWN = by_name!(open!(), "<", "DESC");
    OPEN_SEARCHED_UP = by_name!(concat!(open!(), matching!("$7", "$8")), ">", "ASC");
    OPEN_SEARCHED_DOWN = by_name!(concat!(open!(), matching!("$7", "$8")), "<", "DESC");
    SHELF_UP = by_name!(shelf!(), ">", "ASC");
    SHELF_DOWN = by_name!(shelf!(), "<", "DESC");
    SHELF_SEARCHED_UP = by_name!(concat!(shelf!(), matching!("$9", "$10")), ">", "ASC");
    SHELF_SEARCHED_DOWN = by_name!(concat!(shelf!(), matching!("$9", "$10")), "<", "DESC");
    SHELF_SEEN_UP = by_number!("seen_ms", "$9", shelf!(), ">", "ASC");
    SHELF_SEEN_DOWN = by_number!("seen_ms", "$9", shelf!(), "<", "DESC");
    SHELF_SEEN_SEARCHED_UP = by_number!("seen_ms", "$9", concat!(shelf!(), matching!("$10", "$11")), ">", "ASC");
    SHELF_SEEN_SEARCHED_DOWN = by_number!("seen_ms", "$9", concat!(shelf!(), matching!("$10", "$11")), "<", "DESC");
}

/// Rows that a statement brings at once.
const AT_ONCE: usize = 51;
const SHELVES: [i64; 12] = [10, 20, 21, 22, 23, 30, 31, 32, 33, 40, 50, 60];

/// A part of the members that an index leads to in the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Everybody.
    All,
    /// Admins, or auditors: there are few.
    Role,
    /// Whoever does not comply, where a deadline runs only for those who were added after `upto_ms`.
    Open {
        /// Epoch milliseconds.
        upto_ms: u64,
    },
    /// Of one shelf those who were added in this time.
    Shelf {
        /// The shelf.
        shelf: i64,
        /// After this, epoch milliseconds.
        after_ms: Option<u64>,
        /// Not after this, epoch milliseconds.
        upto_ms: u64,
    },
}

/// The shelves of those with a status that the filter lets through; `late` members apart.
pub fn shelves(filter: StatusFilter, moment: &Moment) -> Vec<Part> {
    let part = |shelf| {
        let lets = |is_in_grace| filter.lets_through(status::of_shelf(shelf, is_in_grace));
        let (after_ms, upto_ms) = match (lets(false), lets(true), moment.grace()) {
            (true, true, _) | (true, false, Grace::Nobody) | (false, true, Grace::Everybody) => (None, u64::MAX),
            (true, false, Grace::AddedAfter(ms)) => (None, ms),
            (false, true, Grace::AddedAfter(ms)) => (Some(ms), u64::MAX),
            (false, false, _) | (true, false, Grace::Everybody) | (false, true, Grace::Nobody) => return None,
        };
        Some(Part::Shelf { shelf, after_ms, upto_ms })
    };
    SHELVES.into_iter().filter_map(part).collect()
}

fn parts(wanted: &Wanted, moment: &Moment) -> Vec<Part> {
    let is_by_name = matches!(wanted.sort, Sort::Name | Sort::NameDown);
    if wanted.is_by_rare_role() {
        return vec![Part::Role];
    }
    match (wanted.status, moment.grace()) {
        (StatusFilter::All, _) => vec![Part::All],
        (StatusFilter::NonCompliant, Grace::AddedAfter(upto_ms)) if is_by_name => vec![Part::Open { upto_ms }],
        (StatusFilter::NonCompliant, Grace::Nobody) if is_by_name => vec![Part::Open { upto_ms: u64::MAX }],
        (filter, _) => shelves(filter, moment),
    }
}

struct Source {
    /// `None` for those who are late, who are all read already.
    part: Option<Part>,
    rows: VecDeque<MemberView>,
    /// Beyond which row the next ones are.
    behind: Cursor,
    is_dry: bool,
}

/// A walk through the list.
pub struct Walk<'a> {
    organisation: &'a str,
    moment: &'a Moment,
    wanted: &'a Wanted,
    pattern: String,
    is_down: bool,
    sources: Vec<Source>,
    last: String,
}

impl<'a> Walk<'a> {
    /// A walk that begins behind a row, upwards or downwards.
    pub fn begin(
        tx: &mut Tx<'_>,
        organisation: &'a str,
        moment: &'a Moment,
        wanted: &'a Wanted,
        (is_down, behind): (bool, Cursor),
    ) -> Result<Self, StoreError> {
        let pattern = pattern(&wanted.q);
        let mut late = Vec::new();
        if wanted.status != StatusFilter::All && !wanted.is_by_rare_role() {
            late = counts::late(tx, organisation, moment, (&wanted.role, &pattern))?;
        }
        let of = |part: Part| {
            let mut behind = behind.clone();
            let mut is_dry = false;
            if let (Some(place), Sort::Status | Sort::StatusDown) = (place_of(part), wanted.sort) {
                // Of the places before the one that the walk begins in nothing is left, and of those behind it everything.
                is_dry = if is_down { place > behind.number } else { place < behind.number };
                if place != behind.number {
                    behind = Cursor::before_first(is_down);
                }
            }
            Source { part: Some(part), rows: VecDeque::new(), behind, is_dry }
        };
        let turn = |order: Ordering| if is_down { order.reverse() } else { order };
        late.sort_by(|a, b| turn(wanted.sort.compare(a, b)));
        let is_beyond = |row: &MemberView| {
            let key = (wanted.sort.number_of(row), &row.sort_name, &row.id);
            turn(key.cmp(&(behind.number_in(wanted.sort), &behind.sort_name, &behind.id))).is_gt()
        };
        let rows = late.into_iter().filter(is_beyond).collect();
        let mut parts = parts(wanted, moment);
        if is_down {
            // What may come first is looked at first: the places behind it are not read before they are reached.
            parts.reverse();
        }
        let late = Source { part: None, rows, behind: behind.clone(), is_dry: true };
        let sources = std::iter::once(late).chain(parts.into_iter().map(of)).collect();
        Ok(Self { organisation, moment, wanted, pattern, is_down, sources, last: String::new() })
    }

    /// The next member on the list; `None` behind the last.
    pub fn next(&mut self, tx: &mut Tx<'_>) -> Result<Option<MemberView>, StoreError> {
        loop {
            let mut first: Option<usize> = None;
            for at in 0..self.sources.len() {
                self.fill(tx, at, first)?;
                if self.comes_before(at, first) {
                    first = Some(at);
                }
            }
            let row = first.and_then(|at| self.sources.get_mut(at)).and_then(|source| source.rows.pop_front());
            let Some(row) = row else { return Ok(None) };
            // Who is late stands on a shelf as well.
            if row.id != self.last && self.wanted.status.lets_through(row.status()) {
                self.last.clone_from(&row.id);
                return Ok(Some(row));
            }
        }
    }

    fn head(&self, at: usize) -> Option<&MemberView> {
        self.sources.get(at).and_then(|source| source.rows.front())
    }

    fn comes_before(&self, at: usize, other: Option<usize>) -> bool {
        let Some(own) = self.head(at) else { return false };
        let Some(other) = other.and_then(|other| self.head(other)) else { return true };
        let order = self.wanted.sort.compare(own, other);
        if self.is_down { order.is_gt() } else { order.is_lt() }
    }

    /// Reads the next rows of a part, unless it has some, or its place cannot come before `first`.
    fn fill(&mut self, tx: &mut Tx<'_>, at: usize, first: Option<usize>) -> Result<(), StoreError> {
        let first = first.and_then(|first| self.head(first)).map(|row| row.place);
        let (sort, is_down) = (self.wanted.sort, self.is_down);
        let Some(source) = self.sources.get_mut(at) else { return Ok(()) };
        let Some(part) = source.part else { return Ok(()) };
        if source.is_dry || !source.rows.is_empty() {
            return Ok(());
        }
        if let (Some(own), Some(first), Sort::Status | Sort::StatusDown) = (place_of(part), first, sort)
            && ((is_down && own < first) || (!is_down && own > first))
        {
            return Ok(());
        }
        let is_searched = !self.wanted.role.is_empty() || !self.pattern.is_empty();
        let mut values: Vec<Value<'_>> = vec![
            self.organisation.into(),
            (&self.moment.issuer).into(),
            self.moment.provider_ms.into(),
            (&source.behind.sort_name).into(),
            (&source.behind.id).into(),
        ];
        match part {
            Part::All => {}
            Part::Role => values.extend([(&self.wanted.role).into(), (&self.pattern).into()]),
            Part::Open { upto_ms } => values.push(upto_ms.into()),
            Part::Shelf { shelf, after_ms, upto_ms } => {
                values.extend([shelf.into(), after_ms.map_or(Value::Int(-1), Value::from), upto_ms.into()]);
            }
        }
        let is_by_place = matches!(sort, Sort::Status | Sort::StatusDown) && matches!(part, Part::All | Part::Role);
        if is_by_place || matches!(sort, Sort::Seen | Sort::SeenDown) {
            values.push(source.behind.number.into());
        }
        if is_searched && part != Part::Role {
            values.extend([(&self.wanted.role).into(), (&self.pattern).into()]);
        }
        let rows = tx.query(statement(part, sort, is_searched, is_down), &values)?;
        drop(values);
        source.is_dry = rows.len() < AT_ONCE;
        for row in &rows {
            source.rows.push_back(status::read(row, self.moment)?);
        }
        if let Some(row) = source.rows.back() {
            source.behind = Cursor::at(row, sort);
        }
        Ok(())
    }
}

/// The one place of a shelf.
fn place_of(part: Part) -> Option<i64> {
    match part {
        Part::Shelf { shelf, .. } => Some(shelf / 10),
        Part::All | Part::Role | Part::Open { .. } => None,
    }
}

fn statement(part: Part, sort: Sort, is_searched: bool, is_down: bool) -> Sql {
    let [up, down, searched_up, searched_down] = match (part, sort) {
        (Part::All, Sort::Name | Sort::NameDown) => [ALL_UP, ALL_DOWN, ALL_SEARCHED_UP, ALL_SEARCHED_DOWN],
        (Part::All, Sort::Seen | Sort::SeenDown) => {
            [ALL_SEEN_UP, ALL_SEEN_DOWN, ALL_SEEN_SEARCHED_UP, ALL_SEEN_SEARCHED_DOWN]
        }
        (Part::All, Sort::Status | Sort::StatusDown) => {
            [ALL_PLACE_UP, ALL_PLACE_DOWN, ALL_PLACE_SEARCHED_UP, ALL_PLACE_SEARCHED_DOWN]
        }
        (Part::Role, Sort::Name | Sort::NameDown) => [ROLE_UP, ROLE_DOWN, ROLE_UP, ROLE_DOWN],
        (Part::Role, Sort::Seen | Sort::SeenDown) => [ROLE_SEEN_UP, ROLE_SEEN_DOWN, ROLE_SEEN_UP, ROLE_SEEN_DOWN],
        (Part::Role, Sort::Status | Sort::StatusDown) => {
            [ROLE_PLACE_UP, ROLE_PLACE_DOWN, ROLE_PLACE_UP, ROLE_PLACE_DOWN]
        }
        (Part::Open { .. }, _) => [OPEN_UP, OPEN_DOWN, OPEN_SEARCHED_UP, OPEN_SEARCHED_DOWN],
        (Part::Shelf { .. }, Sort::Seen | Sort::SeenDown) => {
            [SHELF_SEEN_UP, SHELF_SEEN_DOWN, SHELF_SEEN_SEARCHED_UP, SHELF_SEEN_SEARCHED_DOWN]
        }
        (Part::Shelf { .. }, _) => [SHELF_UP, SHELF_DOWN, SHELF_SEARCHED_UP, SHELF_SEARCHED_DOWN],
    };
    match (is_searched, is_down) {
        (false, false) => up,
        (false, true) => down,
        (true, false) => searched_up,
        (true, true) => searched_down,
    }
}
