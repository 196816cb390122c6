//! `decide`: rules and facts in, the next step out. Pure and small enough to enumerate.

use super::Rules;
use crate::step::{BlockedReason, PinRequest, Step};
use serde::{Deserialize, Serialize};

/// Where the member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// A browser.
    Web,
    /// A phone with the SDK.
    Phone,
    /// The desktop client.
    Desktop,
}

/// Everything the decision depends on; gathered by whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The account.
    pub member: MemberState,
    /// The authenticator app.
    pub factor: FactorState,
    /// The session that asks, if there is one.
    pub session: Option<SessionFact>,
    /// The device that asks; `None` on the web and before enrollment.
    pub device: Option<DeviceFact>,
    /// True if the app is older than the policy allows.
    pub app_outdated: bool,
    /// From when the policy's two-step is demanded of this member, epoch milliseconds: the end of an exception or of the
    /// deadline; 0 for neither.
    pub required_from_ms: u64,
}

impl Facts {
    /// Whether the policy demands two-step of this member now.
    pub fn is_two_step_required(&self, rules: &Rules, now_ms: u64) -> bool {
        rules.two_step && self.required_from_ms <= now_ms
    }
}

/// The account's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberState {
    /// May sign in.
    Active,
    /// May not.
    Suspended,
}

/// The authenticator's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FactorState {
    /// None was ever set up, or it was reset.
    NotSetUp,
    /// A set-up waits for its first code.
    Pending,
    /// Proven with a code.
    Active,
    /// Disabled after too many wrong codes.
    Disabled,
}

/// What a session has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionFact {
    /// When a code was accepted in this session, epoch milliseconds.
    pub code_at_ms: Option<u64>,
    /// True if the session was opened with the PIN.
    pub pin_proved: bool,
    /// True if a recovery code opened it: it can set up a new authenticator, and nothing else.
    pub recovering: bool,
    /// True if the organisation's identity provider opened it and asserted multi-factor authentication for it (RFC 8176).
    pub sso_mfa: bool,
}

/// A device as the decision sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFact {
    /// Where its enrollment stands.
    pub state: DeviceState,
    /// Its PIN.
    pub pin: PinFact,
    /// When this device last showed a code, epoch milliseconds.
    pub code_at_ms: Option<u64>,
    /// True after thirty wrong PINs within thirty days: the next unlock asks for a code too, which settles it.
    pub owes_code: bool,
    /// Until when an approved device may create its PIN without signing in again, epoch milliseconds.
    pub finish_until_ms: u64,
    /// Known to the device alone; the portal never has it here.
    pub comparison_code: Option<String>,
}

/// Where a device's enrollment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Waits for an admin.
    Pending,
    /// Approved.
    Approved,
    /// Revoked by an admin or the member.
    Revoked,
    /// The device knows that its key is gone.
    KeyLost,
}

/// A device's PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinFact {
    /// None yet.
    None,
    /// Set under a rule of so many digits at least.
    Set {
        /// The policy's minimum when it was set; the PIN's own length is not known to the portal.
        rule_length: u8,
        /// Tries before it is erased.
        tries_left: u32,
        /// Nothing is accepted before this, epoch milliseconds; 0 for at once.
        wait_until_ms: u64,
    },
    /// Erased after too many failures; the device has to be enrolled again.
    Erased,
}

const DAY_MS: u64 = 86_400_000;

/// What the member has to do next.
pub fn decide(rules: &Rules, facts: &Facts, surface: Surface, now_ms: u64) -> Step {
    if facts.member == MemberState::Suspended {
        return Step::Blocked { reason: BlockedReason::Suspended };
    }
    match facts.device.as_ref().map(|device| device.state) {
        Some(DeviceState::Revoked) => {
            return Step::Blocked { reason: BlockedReason::Revoked };
        }
        Some(DeviceState::KeyLost) => {
            return Step::Blocked { reason: BlockedReason::KeyLost };
        }
        Some(DeviceState::Pending | DeviceState::Approved) | None => {}
    }
    if facts.app_outdated {
        return Step::Blocked { reason: BlockedReason::UpdateApp };
    }
    let Some(session) = facts.session else {
        return without_session(rules, facts, surface, now_ms);
    };
    if session.recovering {
        return Step::SetUpTwoStep;
    }
    if asks_for_code(rules, facts, surface, now_ms) && !is_vouched_for(facts, &session, surface) {
        match facts.factor {
            FactorState::NotSetUp | FactorState::Pending => return Step::SetUpTwoStep,
            FactorState::Disabled => {
                return Step::Blocked { reason: BlockedReason::AuthenticatorDisabled };
            }
            FactorState::Active if !has_shown_code(rules, &session, facts.device.as_ref(), surface, now_ms) => {
                return Step::EnterCode;
            }
            FactorState::Active => {}
        }
    }
    match surface {
        Surface::Web => Step::Ready,
        Surface::Desktop => on_desktop(facts.device.as_ref()),
        Surface::Phone => on_phone(rules, facts, &session, now_ms),
    }
}

/// Required by the policy, or set up by choice: switching the requirement off stops asking nobody who has it. A desktop has
/// no PIN, and therefore nothing without two-step, whatever policy, exception or deadline say.
fn asks_for_code(rules: &Rules, facts: &Facts, surface: Surface, now_ms: u64) -> bool {
    surface == Surface::Desktop
        || facts.is_two_step_required(rules, now_ms)
        || matches!(facts.factor, FactorState::Active | FactorState::Disabled)
}

/// A browser's session whose second factor the identity provider has asserted is asked for none of ours. An authenticator
/// that wrong codes disabled stays a block all the same: somebody was guessing, and that is settled by a recovery code or an admin.
fn is_vouched_for(facts: &Facts, session: &SessionFact, surface: Surface) -> bool {
    surface == Surface::Web && session.sso_mfa && facts.factor != FactorState::Disabled
}

fn has_shown_code(
    rules: &Rules,
    session: &SessionFact,
    device: Option<&DeviceFact>,
    surface: Surface,
    now_ms: u64,
) -> bool {
    let by_device = || {
        let known = |device: &&DeviceFact| surface == Surface::Phone && session.pin_proved && !device.owes_code;
        let at = device.filter(known)?.code_at_ms?;
        Some(now_ms.saturating_sub(at) < u64::from(rules.code_days) * DAY_MS)
    };
    session.code_at_ms.is_some() || by_device().unwrap_or(false)
}

fn without_session(rules: &Rules, facts: &Facts, surface: Surface, now_ms: u64) -> Step {
    let is_required = facts.is_two_step_required(rules, now_ms);
    let Some(device) = &facts.device else {
        return Step::SignIn;
    };
    match (device.state, device.pin) {
        (DeviceState::Pending, _) => await_approval(device),
        // Without a PIN only password and code open a session.
        _ if surface == Surface::Desktop => Step::SignIn,
        (DeviceState::Approved, PinFact::None) if is_required && now_ms < device.finish_until_ms => create_pin(rules),
        (DeviceState::Approved, PinFact::Set { tries_left, wait_until_ms, .. }) => {
            enter_pin(tries_left, wait_until_ms, now_ms)
        }
        _ => Step::SignIn,
    }
}

fn on_phone(rules: &Rules, facts: &Facts, session: &SessionFact, now_ms: u64) -> Step {
    let is_required = facts.is_two_step_required(rules, now_ms);
    let Some(device) = facts.device.as_ref() else {
        // Nothing asked for a second factor, so there is none to enroll a device with.
        let enrolls = asks_for_code(rules, facts, Surface::Phone, now_ms);
        return if enrolls { Step::AwaitApproval { comparison_code: None } } else { Step::Ready };
    };
    match (device.state, device.pin) {
        (DeviceState::Pending, _) => await_approval(device),
        (_, PinFact::None) if is_required => create_pin(rules),
        (_, PinFact::None) => Step::Ready,
        (_, PinFact::Erased) => Step::SignIn,
        (_, PinFact::Set { tries_left, wait_until_ms, .. }) if !session.pin_proved => {
            enter_pin(tries_left, wait_until_ms, now_ms)
        }
        (_, PinFact::Set { rule_length, .. }) if is_required && rule_length < rules.pin_min_length => {
            Step::ChangePin(pin_request(rules))
        }
        (_, PinFact::Set { .. }) => Step::Ready,
    }
}

/// A desktop is a device: it enrolls, and waits for its approval. What it has no PIN for, password and code open.
fn on_desktop(device: Option<&DeviceFact>) -> Step {
    match device {
        None => Step::AwaitApproval { comparison_code: None },
        Some(device) if device.state == DeviceState::Pending => await_approval(device),
        Some(_) => Step::Ready,
    }
}

fn await_approval(device: &DeviceFact) -> Step {
    Step::AwaitApproval { comparison_code: device.comparison_code.clone() }
}

fn enter_pin(tries_left: u32, wait_until_ms: u64, now_ms: u64) -> Step {
    if wait_until_ms > now_ms {
        return Step::Wait { until_ms: wait_until_ms };
    }
    Step::EnterPin { tries_left }
}

fn create_pin(rules: &Rules) -> Step {
    Step::CreatePin(pin_request(rules))
}

fn pin_request(rules: &Rules) -> PinRequest {
    PinRequest { min_length: rules.pin_min_length, max_length: 12, repeat: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            member: MemberState::Active,
            factor: FactorState::Active,
            session: Some(SessionFact { code_at_ms: Some(1), pin_proved: false, recovering: false, sso_mfa: false }),
            device: Some(DeviceFact {
                state: DeviceState::Approved,
                pin: PinFact::None,
                code_at_ms: Some(1),
                owes_code: false,
                finish_until_ms: 100,
                comparison_code: None,
            }),
            app_outdated: false,
            required_from_ms: 0,
        }
    }

    fn required() -> Rules {
        Rules { two_step: true, ..Rules::defaults() }
    }

    #[test]
    fn nothing_is_ready_on_a_phone_before_its_pin_exists() {
        assert!(matches!(decide(&required(), &facts(), Surface::Phone, 2), Step::CreatePin(_)));
    }

    #[test]
    fn b07_switching_off_still_asks_who_has_a_factor() {
        let mut f = facts();
        f.session = Some(SessionFact { code_at_ms: None, pin_proved: false, recovering: false, sso_mfa: false });
        f.device = None;
        assert_eq!(decide(&Rules::defaults(), &f, Surface::Web, 2), Step::EnterCode);
        f.factor = FactorState::NotSetUp;
        assert_eq!(decide(&Rules::defaults(), &f, Surface::Web, 2), Step::Ready);
        assert_eq!(decide(&required(), &f, Surface::Web, 2), Step::SetUpTwoStep);
    }

    #[test]
    fn b11_b12_a_deadline_or_an_exception_ends_by_itself() {
        let mut f = facts();
        (f.factor, f.device, f.required_from_ms) = (FactorState::NotSetUp, None, 100);
        f.session = Some(SessionFact { code_at_ms: None, pin_proved: false, recovering: false, sso_mfa: false });
        assert_eq!(decide(&required(), &f, Surface::Web, 99), Step::Ready);
        assert_eq!(decide(&required(), &f, Surface::Web, 100), Step::SetUpTwoStep);
        f.factor = FactorState::Active;
        assert_eq!(decide(&required(), &f, Surface::Web, 99), Step::EnterCode, "who has set it up is asked");
    }

    #[test]
    fn b54_a_desktop_is_enrolled_and_has_two_step_whatever_the_policy_says() {
        let mut f = facts();
        (f.device, f.required_from_ms) = (None, u64::MAX);
        let desktop = |f: &Facts| decide(&Rules::defaults(), f, Surface::Desktop, 2);
        assert_eq!(desktop(&f), Step::AwaitApproval { comparison_code: None });
        f.session = Some(SessionFact { code_at_ms: None, pin_proved: true, recovering: false, sso_mfa: false });
        assert_eq!(desktop(&f), Step::EnterCode, "a PIN is no way into a desktop");
        f.factor = FactorState::NotSetUp;
        assert_eq!(desktop(&f), Step::SetUpTwoStep);
        let mut f = facts();
        assert_eq!(desktop(&f), Step::Ready);
        f.session = None;
        assert_eq!(decide(&required(), &f, Surface::Desktop, 2), Step::SignIn, "no PIN to create");
    }

    #[test]
    fn f74_a_recovery_code_leads_to_a_new_authenticator_and_nowhere_else() {
        let mut f = facts();
        f.session = Some(SessionFact { code_at_ms: Some(1), pin_proved: true, recovering: true, sso_mfa: false });
        for factor in [FactorState::Active, FactorState::Disabled, FactorState::Pending, FactorState::NotSetUp] {
            f.factor = factor;
            for surface in [Surface::Web, Surface::Phone, Surface::Desktop] {
                assert_eq!(decide(&required(), &f, surface, 2), Step::SetUpTwoStep);
                assert_eq!(decide(&Rules::defaults(), &f, surface, 2), Step::SetUpTwoStep);
            }
        }
    }

    #[test]
    fn b10_the_providers_second_factor_counts_in_a_browser_and_never_over_a_disabled_authenticator() {
        let mut f = facts();
        f.device = None;
        f.session = Some(SessionFact { code_at_ms: None, pin_proved: false, recovering: false, sso_mfa: true });
        for (factor, web) in [
            (FactorState::NotSetUp, Step::Ready),
            (FactorState::Pending, Step::Ready),
            (FactorState::Active, Step::Ready),
            (FactorState::Disabled, Step::Blocked { reason: BlockedReason::AuthenticatorDisabled }),
        ] {
            f.factor = factor;
            assert_eq!(decide(&required(), &f, Surface::Web, 2), web, "{factor:?}");
            for surface in [Surface::Phone, Surface::Desktop] {
                assert_ne!(decide(&required(), &f, surface, 2), Step::Ready, "{factor:?} on {surface:?}");
            }
        }
        f.factor = FactorState::NotSetUp;
        f.session = Some(SessionFact { code_at_ms: None, pin_proved: false, recovering: false, sso_mfa: false });
        assert_eq!(decide(&required(), &f, Surface::Web, 2), Step::SetUpTwoStep, "it is not because it is SSO");
    }

    #[test]
    fn approved_overnight_goes_on_for_a_day_and_no_longer() {
        let mut f = facts();
        f.session = None;
        assert!(matches!(decide(&required(), &f, Surface::Phone, 99), Step::CreatePin(_)));
        assert_eq!(decide(&required(), &f, Surface::Phone, 100), Step::SignIn);
    }

    #[test]
    fn the_pin_opens_sessions_until_the_code_is_too_old() {
        let mut f = facts();
        f.session = Some(SessionFact { code_at_ms: None, pin_proved: true, recovering: false, sso_mfa: false });
        if let Some(device) = f.device.as_mut() {
            device.pin = PinFact::Set { rule_length: 6, tries_left: 8, wait_until_ms: 0 };
        }
        assert_eq!(decide(&required(), &f, Surface::Phone, 30 * DAY_MS), Step::Ready);
        assert_eq!(decide(&required(), &f, Surface::Phone, 30 * DAY_MS + 1), Step::EnterCode);
    }

    #[test]
    fn f52_after_thirty_failures_the_pin_alone_opens_nothing() {
        let mut f = facts();
        f.session = Some(SessionFact { code_at_ms: None, pin_proved: true, recovering: false, sso_mfa: false });
        if let Some(device) = f.device.as_mut() {
            device.pin = PinFact::Set { rule_length: 6, tries_left: 8, wait_until_ms: 0 };
            device.owes_code = true;
        }
        assert_eq!(decide(&required(), &f, Surface::Phone, 2), Step::EnterCode);
        f.session = Some(SessionFact { code_at_ms: Some(2), pin_proved: true, recovering: false, sso_mfa: false });
        assert_eq!(decide(&required(), &f, Surface::Phone, 2), Step::Ready);
    }

    #[test]
    fn a_raised_rule_asks_for_a_new_pin_after_the_old_one() {
        let mut f = facts();
        if let Some(device) = f.device.as_mut() {
            device.pin = PinFact::Set { rule_length: 6, tries_left: 8, wait_until_ms: 0 };
        }
        let rules = Rules { pin_min_length: 8, ..required() };
        assert_eq!(decide(&rules, &f, Surface::Phone, 2), Step::EnterPin { tries_left: 8 });
        f.session = Some(SessionFact { code_at_ms: Some(1), pin_proved: true, recovering: false, sso_mfa: false });
        assert!(matches!(decide(&rules, &f, Surface::Phone, 2), Step::ChangePin(p) if p.min_length == 8));
    }
}
