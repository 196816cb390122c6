//! What a member chose for the pages and mails: the language, and the zone of times.

use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::store::{StoreError, Tx};
use crate::words::{Language, is_zone};
use serde_json::json;
use twinlock_core::Error;

crate::statements! {
    FIND_PREFERENCES = "SELECT language, zone FROM member WHERE organisation = $1 AND id = $2";
    SAVE_PREFERENCES = "UPDATE member SET language = $3, zone = $4 WHERE organisation = $1 AND id = $2";
}

/// A member's own choice; empty where nothing was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// The tag of a language (BCP 47).
    pub language: String,
    /// An IANA name.
    pub zone: String,
}

/// The zones of one part of the world.
#[derive(Debug)]
pub struct Region {
    /// Its name in the IANA database: `Europe`.
    pub region: String,
    /// Their full names, sorted.
    pub zones: Vec<String>,
}

/// What the member chose.
pub fn read(tx: &mut Tx<'_>, organisation: &str, member: &str) -> Result<Preferences, StoreError> {
    let Some(row) = tx.query_one(FIND_PREFERENCES, &[organisation.into(), member.into()])? else {
        return Ok(Preferences::default());
    };
    Ok(Preferences { language: row.text(0)?.to_owned(), zone: row.text(1)?.to_owned() })
}

/// Keeps the caller's choice; [`Error::BadRequest`] for what is not offered.
pub fn save(tx: &mut Tx<'_>, caller: &Caller, chosen: &Preferences) -> Outcome<()> {
    let Preferences { language, zone } = chosen;
    let is_offered = (language.is_empty() || Language::ALL.iter().any(|known| known.tag() == language))
        && (zone.is_empty() || is_zone(zone));
    if !is_offered {
        return Ok(Err(Error::BadRequest));
    }
    let (organisation, member) = (&caller.organisation, &caller.member);
    tx.exec(SAVE_PREFERENCES, &[organisation.into(), member.into(), language.into(), zone.into()])?;
    let detail = json!({ "language": language, "zone": zone });
    audit::record(tx, organisation, &Event::by(caller, "member.preferences_saved", member, detail))?;
    Ok(Ok(()))
}

/// The zones that can be chosen. Old names that stand for others have no region of the world and are left out.
pub fn regions() -> Vec<Region> {
    const REGIONS: [&str; 9] =
        ["Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];
    let mut names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    names.sort_unstable();
    let of = |region: &str| {
        let is_in = |name: &&String| name.strip_prefix(region).is_some_and(|rest| rest.starts_with('/'));
        Region { region: region.to_owned(), zones: names.iter().filter(is_in).cloned().collect() }
    };
    REGIONS.into_iter().map(of).filter(|region| !region.zones.is_empty()).collect()
}
