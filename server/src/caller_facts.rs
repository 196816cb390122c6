//! How a row becomes the facts that a decision is made on.
//!
//! One query brings the session or device together with the member, the policy, the authenticator and the PIN, so that
//! the decision of each request is made on what holds at that moment.

use crate::access::Access;
use crate::caller::{Caller, Key, Origin, Role};
use crate::policy;
use crate::store::{Row, StoreError};
use twinlock_core::policy::{
    DeviceFact, DeviceState, FactorState, Facts, MemberState, PinFact, Rules, SessionFact, Surface, decide,
};

crate::statements! {
    FIND_SESSION = "SELECT m.id, m.name, m.role, m.state, o.policy_version, o.rules, COALESCE(f.state, ''),
            COALESCE(d.id, ''), COALESCE(d.state, ''), COALESCE(d.code_at_ms, 0), COALESCE(d.finish_until_ms, 0),
            COALESCE(d.expires_ms, 0), COALESCE(p.state, 'none'), COALESCE(p.rule_length, 0), COALESCE(p.fails, -1),
            COALESCE(p.wait_until_ms, 0), s.session_key, s.app_version, COALESCE(p.owes_code, 0),
            COALESCE(x.until_ms, 0), o.required_ms, m.created_ms, s.surface, s.code_at_ms, s.pin_proved, s.recovering,
            s.created_ms, s.seen_ms, s.sso_mfa, m.language, m.zone, m.used_ms
        FROM session s
        JOIN organisation o ON o.id = s.organisation
        JOIN member m ON m.organisation = s.organisation AND m.id = s.member
        LEFT JOIN factor f ON f.organisation = s.organisation AND f.member = s.member AND f.state <> 'pending'
        LEFT JOIN two_step_exception x ON x.organisation = s.organisation AND x.member = s.member
        LEFT JOIN device d ON d.organisation = s.organisation AND d.id = s.device
        LEFT JOIN pin p ON p.organisation = s.organisation AND p.device = s.device
        WHERE s.organisation = $1 AND s.token_hash = $2";
    FIND_DEVICE_CALLER = "SELECT m.id, m.name, m.role, m.state, o.policy_version, o.rules, COALESCE(f.state, ''),
            d.id, d.state, d.code_at_ms, d.finish_until_ms, d.expires_ms,
            COALESCE(p.state, 'none'), COALESCE(p.rule_length, 0), COALESCE(p.fails, -1), COALESCE(p.wait_until_ms, 0),
            d.spki, d.facts, COALESCE(p.owes_code, 0), COALESCE(x.until_ms, 0), o.required_ms, m.created_ms,
            d.surface
        FROM device d
        JOIN organisation o ON o.id = d.organisation
        JOIN member m ON m.organisation = d.organisation AND m.id = d.member
        LEFT JOIN factor f ON f.organisation = d.organisation AND f.member = d.member AND f.state <> 'pending'
        LEFT JOIN two_step_exception x ON x.organisation = d.organisation AND x.member = d.member
        LEFT JOIN pin p ON p.organisation = d.organisation AND p.device = d.id
        WHERE d.organisation = $1 AND d.id = $2";
}

/// What a row of either query says.
pub struct Known {
    member: String,
    name: String,
    role: Role,
    device: Option<String>,
    policy_version: u64,
    /// Where the member is.
    pub surface: Surface,
    /// What the decision is made on.
    pub facts: Facts,
    /// The policy that holds.
    pub rules: Rules,
    language: String,
    zone: String,
    is_used: bool,
}

impl Known {
    /// The caller, with the decision.
    pub fn into_caller(
        self,
        organisation: &str,
        key: Key,
        token_hash: Vec<u8>,
        origin: &Origin,
        now_ms: u64,
    ) -> Caller {
        let step = decide(&self.rules, &self.facts, self.surface, now_ms);
        Caller {
            organisation: organisation.to_owned(),
            member: self.member,
            name: self.name,
            role: self.role,
            surface: self.surface,
            key,
            token_hash,
            device: self.device,
            facts: self.facts,
            rules: self.rules,
            policy_version: self.policy_version,
            step,
            access: Access::Public,
            claimed_policy: None,
            nonce: None,
            origin: origin.clone(),
            words: origin.words.clone().or_of_member(&self.language, &self.zone),
            is_used: self.is_used,
            now_ms,
        }
    }
}

/// Reads a row of either query.
pub fn read_row(row: &Row, is_session: bool) -> std::result::Result<Known, StoreError> {
    // Unreadable rules are no rules to relax: the strict profile holds.
    let rules: Rules = serde_json::from_str(row.text(5)?).unwrap_or_else(|_| Rules::strict());
    let factor = match row.text(6)? {
        "active" => FactorState::Active,
        "disabled" => FactorState::Disabled,
        _ => FactorState::NotSetUp,
    };
    let device_id = Some(row.text(7)?.to_owned()).filter(|id| !id.is_empty());
    let owes_code = row.int(18)? != 0;
    let device = device_id.is_some().then(|| read_device(row, &rules, owes_code)).transpose()?;
    let surface = match row.text(22)? {
        "phone" => Surface::Phone,
        "desktop" => Surface::Desktop,
        _ => Surface::Web,
    };
    let session = if is_session {
        let code_at_ms = Some(row.unsigned(23)?).filter(|at| *at > 0);
        let (pin_proved, sso_mfa) = (row.int(24)? == 1, row.int(28)? == 1);
        Some(SessionFact { code_at_ms, pin_proved, recovering: row.int(25)? != 0, sso_mfa })
    } else {
        None
    };
    let app_version = if is_session {
        row.text(17)?.to_owned()
    } else {
        twinlock_core::enrollment::DeviceFacts::parse(row.text(17)?).map(|facts| facts.app_version).unwrap_or_default()
    };
    let facts = Facts {
        member: if row.text(3)? == "active" { MemberState::Active } else { MemberState::Suspended },
        factor,
        session,
        device,
        app_outdated: surface != Surface::Web && rules.is_app_outdated(&app_version),
        required_from_ms: policy::required_from_ms(&rules, row.unsigned(19)?, row.unsigned(20)?, row.unsigned(21)?),
    };
    Ok(Known {
        member: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        role: match row.text(2)? {
            "admin" => Role::Admin,
            "auditor" => Role::Auditor,
            _ => Role::Member,
        },
        surface,
        device: device_id,
        facts,
        policy_version: row.unsigned(4)?,
        rules,
        // A device key is no reader.
        language: if is_session { row.text(29)?.to_owned() } else { String::new() },
        zone: if is_session { row.text(30)?.to_owned() } else { String::new() },
        is_used: !is_session || row.int(31)? > 0,
    })
}

fn read_device(row: &Row, rules: &Rules, owes_code: bool) -> std::result::Result<DeviceFact, StoreError> {
    let state = match row.text(8)? {
        // Denied within this request: it waits, as an expired one does; its next request is refused by the guard.
        "pending" | "denied" => DeviceState::Pending,
        "approved" => DeviceState::Approved,
        _ => DeviceState::Revoked,
    };
    let pin = match row.text(12)? {
        "set" => PinFact::Set {
            rule_length: u8::try_from(row.int(13)?).unwrap_or(u8::MAX),
            tries_left: rules.pin_max_tries.saturating_sub(u32::try_from(row.int(14)?).unwrap_or(u32::MAX)),
            wait_until_ms: row.unsigned(15)?,
        },
        "erased" => PinFact::Erased,
        _ => PinFact::None,
    };
    Ok(DeviceFact {
        state,
        pin,
        code_at_ms: Some(row.unsigned(9)?).filter(|at| *at > 0),
        owes_code,
        finish_until_ms: row.unsigned(10)?,
        comparison_code: None,
    })
}
