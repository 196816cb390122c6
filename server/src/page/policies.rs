//! Admin → Settings → Policies → Security: the rules, what they would do before they are saved, and the page that turns the
//! requirement off.

use super::policy_form::{self, APPROVALS, FIRST_FACTORS, NUMBERS, Number, Sent};
use super::proposals::{ProposalRow, differences, row};
use super::{Form, Frame, Notice, lead_to_fresh_code, render, render_refused};
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::compliance::{self, Counts};
use crate::exceptions::{self, ExceptionView};
use crate::members;
use crate::policy::{self, Changed, PolicyChange, PolicyView, Version};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::proposals::{self, Content};
use crate::store::{StoreError, Tx};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;
use twinlock_core::policy::{FactorState, Rules};
use twinlock_core::{Error, ErrorCode};

#[derive(Template)]
#[template(path = "policies.html")]
struct PoliciesPage {
    frame: Frame,
    now: Standing,
    /// The rules that the form shows, and the version that they were made on.
    rules: Rules,
    numbers: Vec<NumberField>,
    reason: String,
    fault: String,
    /// The field that the fault belongs to; empty for the whole form.
    fault_at: &'static str,
    /// Who changed what meanwhile, and what one's own change is.
    meanwhile: Vec<Meanwhile>,
    unsaved: Vec<String>,
}

#[derive(Template)]
#[template(path = "policy_off.html")]
struct OffPage {
    frame: Frame,
    version: u64,
    /// What else is saved along with it.
    hidden: Vec<(String, String)>,
    counts: Counts,
    /// Of how many the set-up is no longer demanded, and the first of them.
    released: u64,
    first: Vec<(String, String)>,
    needs_second: bool,
    reason: String,
    fault: String,
}

/// What holds now, and what a save would do.
struct Standing {
    version: u64,
    rules: Rules,
    counts: Counts,
    consequence: String,
    sso: String,
    /// The first who would be led to the set-up.
    first: Vec<(String, String)>,
    more: u64,
    unreachable: u64,
    admins: u64,
    /// Those that end first.
    exceptions: Vec<ExceptionView>,
    has_more_exceptions: bool,
    proposals: Vec<ProposalRow>,
    is_self_set_up: bool,
}

struct NumberField {
    number: &'static Number,
    value: String,
}

/// A version that somebody else saved.
struct Meanwhile {
    by: String,
    at: String,
    reason: String,
    changes: Vec<String>,
}

const FIRST: usize = 10;
/// Exceptions on the page; the list of members has the rest.
const MOST_EXCEPTIONS: usize = 50;

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin/policies", get(show).post(save)).route(
        Access::Admin,
        "/admin/policies/off",
        get(show_off),
    )
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let now = standing(&portal, &caller).await?;
    let rules = now.rules.clone();
    let mut page = page(&caller, now, rules);
    page.frame = page.frame.with_notice(&notice);
    Ok(render(&page))
}

/// The question before the requirement ends. It takes a fresh code, asked for before anything is typed.
async fn show_off(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Refusal> {
    let now = standing(&portal, &caller).await?;
    if !now.rules.two_step {
        return Ok(Redirect::to("/admin/policies").into_response());
    }
    if let Err(error) = caller.require_fresh_code() {
        return Ok(lead_to_fresh_code(error.into(), "/admin/policies/off"));
    }
    let sent = Sent::from([("version".to_owned(), now.version.to_string())]);
    Ok(render(&off_page(&caller, now, &sent)))
}

async fn save(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(sent): Form<Sent>,
) -> Result<Response, Refusal> {
    let words = &caller.words;
    let version = sent.get("version").and_then(|version| version.parse::<u64>().ok()).ok_or(Error::BadRequest)?;
    let reason = sent.get("reason").cloned().unwrap_or_default();
    let now = standing(&portal, &caller).await?;
    let (of, before) = (caller.organisation.clone(), now.rules.clone());
    let history = portal.store.read(move |tx| policy::versions_from(tx, &of, version)).await?;
    // The rules that the form was filled in on.
    let shown = history.iter().find(|one| one.version == version).map_or(before, |one| one.requires.clone());
    let requires = match policy_form::read(&sent, &shown) {
        Ok(requires) => requires,
        Err(field) => {
            let mut page = page(&caller, now, shown);
            page.keep(&sent, &reason);
            (page.fault, page.fault_at) = (fault_of(words, field), field);
            return Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let turns_off = now.rules.two_step && !requires.two_step;
    if turns_off && version == now.version && !sent.contains_key("off") {
        // Whoever unchecks the box is asked first.
        let mut page = off_page(&caller, now, &sent);
        if reason.trim().is_empty() {
            page.refuse(words.say("policies-reason-missing"));
            return Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
        return Ok(render(&page));
    }
    let change = PolicyChange { version, requires: requires.clone(), reason: reason.clone() };
    let wrap = Arc::clone(&portal.key_wrap);
    let saved = portal.act(&caller, move |tx, caller| policy::change(tx, caller, wrap.as_ref(), &change)).await;
    let refused = match saved {
        Ok(Changed::Saved(_)) => return Ok(Redirect::to("/admin/policies?done=saved").into_response()),
        Ok(Changed::Proposed(_)) => return Ok(Redirect::to("/admin/policies?done=proposed").into_response()),
        Err(refused) => refused,
    };
    let fault = match refused.code() {
        ErrorCode::ReasonRequired => "policies-reason-missing",
        ErrorCode::PolicyConflict => "policies-conflict",
        ErrorCode::BadRequest => "policies-reason-long",
        _ if turns_off => return Ok(lead_to_fresh_code(refused, "/admin/policies/off")),
        _ => return Ok(lead_to_fresh_code(refused, "/admin/policies")),
    };
    if refused.code() == ErrorCode::PolicyConflict {
        let now = standing(&portal, &caller).await?;
        let merged = policy_form::merge(&shown, &requires, &now.rules);
        let unsaved = differences(words, &now.rules, &merged);
        let mut page = page(&caller, now, merged);
        page.frame = page.frame.with_fault();
        (page.fault, page.reason, page.unsaved) = (words.say(fault), reason, unsaved);
        page.meanwhile = meanwhile(words, &history);
        return Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    if turns_off {
        let mut page = off_page(&caller, now, &sent);
        page.refuse(words.say(fault));
        return Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let mut page = page(&caller, now, requires);
    page.keep(&sent, &reason);
    (page.fault, page.fault_at) = (words.say(fault), "reason");
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

impl PoliciesPage {
    /// The form again, as it was filled in.
    fn keep(&mut self, sent: &Sent, reason: &str) {
        self.rules.two_step = sent.contains_key("two_step");
        self.rules.two_person = sent.contains_key("two_person");
        for field in &mut self.numbers {
            if let Some(typed) = sent.get(field.number.name) {
                field.value.clone_from(typed);
            }
        }
        if let Some(typed) = sent.get("min_app") {
            self.rules.min_app.clone_from(typed);
        }
        if let Some(chosen) =
            sent.get("device_approval").and_then(|name| serde_json::from_value(name.as_str().into()).ok())
        {
            self.rules.device_approval = chosen;
        }
        if let Some(chosen) =
            sent.get("first_factor").and_then(|name| serde_json::from_value(name.as_str().into()).ok())
        {
            self.rules.first_factor = chosen;
        }
        reason.clone_into(&mut self.reason);
        let frame = std::mem::replace(&mut self.frame, Frame::plain(&Words::default(), ""));
        self.frame = frame.with_fault();
    }

    fn is_approval(&self, name: &str) -> bool {
        serde_json::to_value(self.rules.device_approval).is_ok_and(|value| value == name)
    }

    fn is_first_factor(&self, name: &str) -> bool {
        serde_json::to_value(self.rules.first_factor).is_ok_and(|value| value == name)
    }

    fn range(&self, number: &Number) -> String {
        range(&self.frame.words, number)
    }
}

impl OffPage {
    fn refuse(&mut self, fault: String) {
        let frame = std::mem::replace(&mut self.frame, Frame::plain(&Words::default(), ""));
        (self.frame, self.fault) = (frame.with_fault(), fault);
    }
}

fn range(words: &Words, number: &Number) -> String {
    let bounds = [("min", words.number(number.min).into()), ("max", words.number(number.max).into())];
    words.with("policies-range", &bounds)
}

fn fault_of(words: &Words, field: &str) -> String {
    match NUMBERS.iter().find(|number| number.name == field) {
        Some(number) => range(words, number),
        None if field == "min_app" => words.say("policies-min-app-fault"),
        None => words.say("policies-approval-fault"),
    }
}

fn page(caller: &Caller, now: Standing, rules: Rules) -> PoliciesPage {
    PoliciesPage {
        frame: Frame::of(caller, "policies", "policies-title"),
        numbers: NUMBERS.iter().map(|number| NumberField { number, value: number.shown(&rules) }).collect(),
        now,
        rules,
        reason: String::new(),
        fault: String::new(),
        fault_at: "",
        meanwhile: Vec::new(),
        unsaved: Vec::new(),
    }
}

fn off_page(caller: &Caller, now: Standing, sent: &Sent) -> OffPage {
    let is_other = |name: &&String| !matches!(name.as_str(), "version" | "reason" | "two_step" | "off");
    let mut hidden: Vec<_> =
        sent.iter().filter(|(name, _)| is_other(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    hidden.sort();
    // Asked from its own link, nothing but the requirement changes.
    if hidden.is_empty() && now.rules.two_person {
        hidden.push(("two_person".to_owned(), "on".to_owned()));
    }
    let version = sent.get("version").and_then(|version| version.parse().ok()).unwrap_or(now.version);
    OffPage {
        frame: Frame::of(caller, "policies", "policies-off-title"),
        version,
        hidden,
        counts: now.counts,
        released: now.counts.active.saturating_sub(now.counts.set_up),
        first: now.first,
        needs_second: now.rules.two_person,
        reason: sent.get("reason").cloned().unwrap_or_default(),
        fault: String::new(),
    }
}

/// Each version after the first with what it changed.
fn meanwhile(words: &Words, history: &[Version]) -> Vec<Meanwhile> {
    let pairs = history.iter().zip(history.iter().skip(1));
    let one = |(before, after): (&Version, &Version)| Meanwhile {
        by: if after.made_by_name.is_empty() { words.say("audit-operator") } else { after.made_by_name.clone() },
        at: words.time(after.made_ms),
        reason: after.reason.clone(),
        changes: differences(words, &before.requires, &after.requires),
    };
    pairs.map(one).collect()
}

async fn standing(portal: &Portal, caller: &Arc<Caller>) -> Result<Standing, Refusal> {
    let reader = Arc::clone(caller);
    let read = move |tx: &mut Tx<'_>| {
        let (organisation, now_ms) = (&reader.organisation, reader.now_ms);
        let Some(current) = policy::current(tx, organisation)? else { return Ok(None) };
        let counts = compliance::count(tx, organisation, now_ms)?;
        let first = compliance::to_be_led(tx, organisation, FIRST, now_ms)?;
        let exceptions = exceptions::list(tx, organisation, "", now_ms)?;
        let words = &reader.words;
        let missing = counts.active.saturating_sub(counts.set_up + counts.locked);
        let values = [("ready", words.number(counts.set_up).into()), ("missing", words.number(missing).into())];
        Ok(Some(Standing {
            consequence: words.with("policies-consequence", &values),
            sso: match counts.sso_mfa {
                0 => String::new(),
                sso => words.with("policies-consequence-sso", &[("sso", words.number(sso).into())]),
            },
            more: missing.saturating_sub(first.len() as u64),
            first,
            unreachable: compliance::unreachable(tx, organisation)?,
            admins: compliance::admins(tx, organisation)?,
            has_more_exceptions: exceptions.len() > MOST_EXCEPTIONS,
            exceptions: exceptions.into_iter().take(MOST_EXCEPTIONS).collect(),
            proposals: in_words(tx, &reader, &current)?,
            is_self_set_up: reader.facts.factor == FactorState::Active,
            counts,
            version: current.version,
            rules: current.requires,
        }))
    };
    let found = portal.store.read(read).await?;
    Ok(found.ok_or(Error::Internal)?)
}

fn in_words(tx: &mut Tx<'_>, caller: &Caller, current: &PolicyView) -> Result<Vec<ProposalRow>, StoreError> {
    let open = proposals::list(tx, &caller.organisation, caller.now_ms)?;
    let mut rows = Vec::with_capacity(open.len());
    for proposal in open {
        let name = match &proposal.content {
            Content::Exception { member, .. } => {
                members::find(tx, &caller.organisation, member, caller.now_ms)?.map(|member| member.name)
            }
            Content::Policy(_) => None,
        };
        let policy = (current.version, &current.requires);
        rows.push(row(proposal, caller, policy, |id| name.unwrap_or_else(|| id.to_owned())));
    }
    Ok(rows)
}
