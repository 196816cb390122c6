//! What the address of the list says.

use crate::members::list::{Cursor, From, Sort, StatusFilter, Wanted};
use crate::page::encode;
use serde::Deserialize;
use twinlock_core::{Error, Result};

/// Longer words find nobody.
const MAX_SEARCH: usize = 100;
const ROLES: [&str; 4] = ["", "member", "admin", "auditor"];

/// The parameters, as a browser sends them: a field that was left empty is there, and empty.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    status: StatusFilter,
    #[serde(default)]
    role: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: Sort,
    #[serde(default)]
    after: String,
    #[serde(default)]
    before: String,
    /// The number of the first row, for the reader alone.
    pub(super) first: Option<u64>,
}

impl ListQuery {
    /// What is wanted, and from where.
    pub(super) fn read(&self) -> Result<(Wanted, From)> {
        let from = match (self.after.as_str(), self.before.as_str()) {
            ("", "") => From::Start,
            (after, "") => From::After(Cursor::parse(after)?),
            ("", before) => From::Before(Cursor::parse(before)?),
            _ => return Err(Error::BadRequest),
        };
        let wanted =
            Wanted { status: self.status, role: self.role.clone(), q: self.q.trim().to_owned(), sort: self.sort };
        check(&wanted)?;
        Ok((wanted, from))
    }
}

/// [`Error::BadRequest`] for what no form of ours sends.
pub(super) fn check(wanted: &Wanted) -> Result<()> {
    let is_ours = ROLES.contains(&wanted.role.as_str()) && wanted.q.chars().count() <= MAX_SEARCH;
    if is_ours { Ok(()) } else { Err(Error::BadRequest) }
}

/// The address of a list, with `more` parameters.
pub(super) fn address(wanted: &Wanted, more: &[(&str, &str)]) -> String {
    format!("/admin/users{}", parameters(wanted, more))
}

/// `?status=…&q=…`, or nothing.
pub(super) fn parameters(wanted: &Wanted, more: &[(&str, &str)]) -> String {
    let sort = match wanted.sort {
        Sort::Name => "",
        Sort::NameDown => "name-down",
        Sort::Status => "status",
        Sort::StatusDown => "status-down",
        Sort::Seen => "seen",
        Sort::SeenDown => "seen-down",
    };
    let own = [("status", wanted.status.word()), ("role", &wanted.role), ("q", &wanted.q), ("sort", sort)];
    let mut query = String::new();
    for (name, value) in own.iter().chain(more).filter(|(_, value)| !value.is_empty()) {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        query.push_str(&encode(value));
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let wanted = Wanted {
            status: StatusFilter::NotSetUp,
            role: "admin".to_owned(),
            q: "a&b=ü".to_owned(),
            sort: Sort::Seen,
        };
        assert_eq!(address(&wanted, &[]), "/admin/users?status=not%2Dset%2Dup&role=admin&q=a%26b%3D%C3%BC&sort=seen");
        assert_eq!(address(&Wanted::default(), &[]), "/admin/users");
        assert!(check(&Wanted { role: "owner".to_owned(), ..Wanted::default() }).is_err());
        assert!(check(&Wanted { q: "x".repeat(101), ..Wanted::default() }).is_err());
    }
}
