//! The decision, whole: every combination of rules and facts, and what must hold in all of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use twinlock_core::policy::{
    DeviceFact, DeviceState, FactorState, Facts, MemberState, PinFact, Rules, SessionFact, Surface, decide,
};
use twinlock_core::step::{BlockedReason, Step};

const DAY_MS: u64 = 86_400_000;
const NOW_MS: u64 = 1_000 * DAY_MS;
const FUTURE_MS: u64 = NOW_MS + DAY_MS;
const SURFACES: [Surface; 3] = [Surface::Web, Surface::Phone, Surface::Desktop];
const FACTORS: [FactorState; 4] =
    [FactorState::NotSetUp, FactorState::Pending, FactorState::Active, FactorState::Disabled];
const FLAGS: [bool; 2] = [false, true];

/// One state, and what was decided in it.
struct Case {
    rules: Rules,
    facts: Facts,
    surface: Surface,
    step: Step,
}

impl Case {
    fn is_required(&self) -> bool {
        self.rules.two_step && self.facts.required_from_ms <= NOW_MS
    }

    fn has_factor(&self) -> bool {
        matches!(self.facts.factor, FactorState::Active | FactorState::Disabled)
    }

    fn is_recovering(&self) -> bool {
        self.facts.session.is_some_and(|session| session.recovering)
    }

    /// The provider asserted MFA for this browser's session, and nobody guessed at the authenticator until it was disabled.
    fn is_vouched_for(&self) -> bool {
        let has_asserted = self.facts.session.is_some_and(|session| session.sso_mfa);
        has_asserted && self.surface == Surface::Web && self.facts.factor != FactorState::Disabled
    }

    fn with(&self, change: impl FnOnce(&mut Rules)) -> Step {
        let mut rules = self.rules.clone();
        change(&mut rules);
        decide(&rules, &self.facts, self.surface, NOW_MS)
    }

    #[track_caller]
    fn assert(&self, holds: bool, what: &str) {
        assert!(holds, "{what}\n{:?} on {:?}\n{:?}\n{:?}", self.step, self.surface, self.facts, self.rules);
    }
}

fn rules() -> Vec<Rules> {
    let mut all = Vec::new();
    for two_step in FLAGS {
        for pin_min_length in [6, 8] {
            for (two_person, grace_days) in [(false, 0), (true, 30)] {
                all.push(Rules { two_step, pin_min_length, two_person, grace_days, ..Rules::defaults() });
            }
        }
    }
    all
}

fn sessions() -> Vec<Option<SessionFact>> {
    let mut all = vec![None];
    for code_at_ms in [None, Some(NOW_MS - 1)] {
        for pin_proved in FLAGS {
            for recovering in FLAGS {
                for sso_mfa in FLAGS {
                    all.push(Some(SessionFact { code_at_ms, pin_proved, recovering, sso_mfa }));
                }
            }
        }
    }
    all
}

fn devices() -> Vec<Option<DeviceFact>> {
    let set = |rule_length, wait_until_ms| PinFact::Set { rule_length, tries_left: 8, wait_until_ms };
    let mut all = vec![None];
    for state in [DeviceState::Pending, DeviceState::Approved, DeviceState::Revoked, DeviceState::KeyLost] {
        for pin in [PinFact::None, set(6, 0), set(8, 0), set(8, FUTURE_MS), PinFact::Erased] {
            for owes_code in FLAGS {
                // Never, too long ago by the rule of thirty days, a moment ago.
                for code_at_ms in [None, Some(NOW_MS - 30 * DAY_MS), Some(NOW_MS - 1)] {
                    for finish_until_ms in [NOW_MS, FUTURE_MS] {
                        let comparison_code = None;
                        all.push(Some(DeviceFact {
                            state,
                            pin,
                            code_at_ms,
                            owes_code,
                            finish_until_ms,
                            comparison_code,
                        }));
                    }
                }
            }
        }
    }
    all
}

/// Asks `check` about every state there is; returns how many there are.
fn in_every_state(mut check: impl FnMut(&Case)) -> u64 {
    let (devices, mut states) = (devices(), 0);
    for rules in rules() {
        for member in [MemberState::Active, MemberState::Suspended] {
            for factor in FACTORS {
                for session in sessions() {
                    for device in &devices {
                        for surface in SURFACES {
                            for app_outdated in FLAGS {
                                for required_from_ms in [0, FUTURE_MS] {
                                    let device = device.clone();
                                    let facts =
                                        Facts { member, factor, session, device, app_outdated, required_from_ms };
                                    let step = decide(&rules, &facts, surface, NOW_MS);
                                    check(&Case { rules: rules.clone(), facts, surface, step });
                                    states += 1;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    println!("{states} states");
    assert_eq!(states, 8 * 2 * 4 * 17 * 241 * 3 * 2 * 2);
    states
}

#[test]
fn ready_is_only_who_has_shown_what_is_demanded() {
    let mut ready = 0;
    in_every_state(|case| {
        if case.step != Step::Ready {
            return;
        }
        ready += 1;
        let Facts { member, factor, session, device, app_outdated, .. } = &case.facts;
        case.assert(*member == MemberState::Active, "a suspended member reaches nothing");
        case.assert(!app_outdated, "an app that is too old reaches nothing");
        let is_gone = |device: &DeviceFact| matches!(device.state, DeviceState::Revoked | DeviceState::KeyLost);
        case.assert(!device.as_ref().is_some_and(is_gone), "a device that is revoked or lost its key reaches nothing");
        let session = session.unwrap_or_else(|| panic!("ready without a session: {:?}", case.facts));
        case.assert(!session.recovering, "a recovering session reaches nothing");
        let is_phone = case.surface == Surface::Phone;
        let is_desktop = case.surface == Surface::Desktop;
        if (case.is_required() || case.has_factor() || is_desktop) && !case.is_vouched_for() {
            case.assert(*factor == FactorState::Active, "where a code is asked for, the authenticator is proven");
            let by_device = |device: &DeviceFact| {
                let is_fresh = device.code_at_ms.is_some_and(|at| NOW_MS - at < 30 * DAY_MS);
                is_phone && session.pin_proved && is_fresh && !device.owes_code
            };
            let has_shown = session.code_at_ms.is_some() || device.as_ref().is_some_and(by_device);
            case.assert(has_shown, "a code was shown: in the session, or on this phone within its days under its PIN");
            case.assert(case.surface == Surface::Web || device.is_some(), "phone and desktop are enrolled");
        }
        if is_desktop {
            case.assert(session.code_at_ms.is_some(), "on a desktop each session has shown a code of its own");
            let is_approved = device.as_ref().is_some_and(|device| device.state == DeviceState::Approved);
            case.assert(is_approved, "a desktop is approved");
        }
        if let Some(device) = device.as_ref().filter(|_| is_phone) {
            case.assert(device.state == DeviceState::Approved, "a phone is approved");
            case.assert(device.pin != PinFact::Erased, "an erased PIN opens nothing");
            let is_set = matches!(device.pin, PinFact::Set { .. });
            case.assert(!is_set || session.pin_proved, "a PIN that is set is asked for, whatever the policy says");
            if case.is_required() {
                let minimum = case.rules.pin_min_length;
                let fits = matches!(device.pin, PinFact::Set { rule_length, .. } if rule_length >= minimum);
                case.assert(
                    fits && session.pin_proved,
                    "under the policy a phone has a PIN that fits, and it was proven",
                );
            }
        }
    });
    assert!(ready > 1_000, "{ready}");
}

#[test]
fn suspended_and_revoked_are_told_so_and_nothing_else() {
    in_every_state(|case| {
        if case.facts.member == MemberState::Suspended {
            case.assert(case.step == Step::Blocked { reason: BlockedReason::Suspended }, "suspended");
        } else if case.facts.device.as_ref().is_some_and(|device| device.state == DeviceState::Revoked) {
            case.assert(case.step == Step::Blocked { reason: BlockedReason::Revoked }, "revoked");
        }
    });
}

#[test]
fn f74_a_recovering_session_can_set_up_and_nothing_else() {
    in_every_state(|case| {
        if case.is_recovering() {
            let is_allowed = matches!(case.step, Step::SetUpTwoStep | Step::Blocked { .. });
            case.assert(is_allowed, "a recovering session opens the set-up alone");
        }
    });
}

#[test]
fn b11_b12_exempt_is_as_if_nothing_were_required_and_who_has_a_factor_is_asked() {
    in_every_state(|case| {
        if case.rules.two_step && case.facts.required_from_ms > NOW_MS {
            let off = case.with(|rules| rules.two_step = false);
            case.assert(case.step == off, "an exception or a deadline counts as no requirement, and as nothing less");
            let is_open = case.facts.session.is_some() && !case.is_recovering();
            if is_open && !matches!(case.step, Step::Blocked { .. }) && case.surface == Surface::Web {
                let is_asked = case.step != Step::Ready;
                let has_shown = case.facts.session.is_some_and(|session| session.code_at_ms.is_some());
                case.assert(
                    is_asked == (case.has_factor() && !has_shown && !case.is_vouched_for()),
                    "asked is who has a factor, and nobody else",
                );
            }
        }
    });
}

#[test]
fn b07_switching_off_opens_no_more_to_who_has_a_factor_than_the_pin_that_becomes_optional() {
    in_every_state(|case| {
        if !case.rules.two_step {
            return;
        }
        let off = case.with(|rules| rules.two_step = false);
        case.assert(case.step != Step::Ready || off == Step::Ready, "switching on opens nothing");
        if case.has_factor() && off != case.step {
            let is_about_the_pin = matches!(case.step, Step::CreatePin(_) | Step::ChangePin(_));
            case.assert(
                is_about_the_pin
                    && (case.surface == Surface::Phone
                        || (case.facts.session.is_none() && case.surface == Surface::Web)),
                "off changes nothing but the phone's PIN",
            );
        }
    });
}

/// What the provider asserted stands in for the second factor in a browser, and is worth nothing anywhere else.
#[test]
fn b10_the_providers_second_factor_counts_in_a_browser_and_nowhere_else() {
    let mut opened = 0;
    in_every_state(|case| {
        let Some(session) = case.facts.session.filter(|session| session.sso_mfa) else { return };
        let mut without = case.facts.clone();
        without.session = Some(SessionFact { sso_mfa: false, ..session });
        let without = decide(&case.rules, &without, case.surface, NOW_MS);
        if case.is_vouched_for() {
            let is_settled = matches!(case.step, Step::Ready | Step::Blocked { .. });
            case.assert(is_settled || session.recovering, "whom the provider vouches for is asked for nothing more");
            case.assert(without != Step::Ready || case.step == Step::Ready, "it closes nothing");
            opened += u64::from(case.step == Step::Ready && without != Step::Ready);
        } else {
            case.assert(case.step == without, "it opens nothing else");
        }
        if case.facts.factor == FactorState::Disabled {
            case.assert(case.step != Step::Ready, "a disabled authenticator blocks also whom the provider vouches for");
        }
    });
    assert!(opened > 1_000, "{opened}");
}

#[test]
fn rules_that_are_no_business_of_the_decision_change_nothing() {
    in_every_state(|case| {
        let other =
            case.with(|rules| (rules.two_person, rules.grace_days) = (!rules.two_person, 90 - rules.grace_days));
        case.assert(other == case.step, "two-person and the days of grace are settled before: in the facts");
    });
}

#[test]
fn b54_on_a_desktop_policy_exception_and_deadline_change_nothing() {
    in_every_state(|case| {
        if case.surface != Surface::Desktop {
            return;
        }
        let other = case.with(|rules| rules.two_step = !rules.two_step);
        case.assert(other == case.step, "two-step is demanded on a desktop whatever the policy says");
        let facts = Facts { required_from_ms: FUTURE_MS - case.facts.required_from_ms, ..case.facts.clone() };
        let other = decide(&case.rules, &facts, case.surface, NOW_MS);
        case.assert(other == case.step, "an exception or a deadline opens no desktop");
        let is_about_a_pin =
            matches!(case.step, Step::CreatePin(_) | Step::EnterPin { .. } | Step::ChangePin(_) | Step::Wait { .. });
        case.assert(!is_about_a_pin, "a desktop has no PIN");
        let has_no_factor = matches!(case.facts.factor, FactorState::NotSetUp | FactorState::Pending);
        if has_no_factor && case.facts.session.is_some() {
            let is_led = matches!(case.step, Step::SetUpTwoStep | Step::Blocked { .. });
            case.assert(is_led, "without an authenticator a desktop opens nothing");
        }
    });
}

/// Who can do what a step asks for.
#[derive(PartialEq, Eq)]
enum Actor {
    Oneself,
    /// An admin, or the maker of the app.
    Somebody,
}

/// What the state is after the step's act was done.
fn after(step: &Step, facts: &Facts, rules: &Rules) -> (Actor, Facts) {
    let mut next = facts.clone();
    let fresh = SessionFact { code_at_ms: None, pin_proved: false, recovering: false, sso_mfa: false };
    let actor = match step {
        Step::SignIn => {
            (next.session, next.device) = (Some(fresh), None);
            Actor::Oneself
        }
        Step::SetUpTwoStep => {
            next.factor = FactorState::Active;
            next.session =
                next.session.map(|session| SessionFact { code_at_ms: Some(NOW_MS), recovering: false, ..session });
            Actor::Oneself
        }
        Step::EnterCode => {
            next.session = next.session.map(|session| SessionFact { code_at_ms: Some(NOW_MS), ..session });
            next.device = next.device.map(|device| DeviceFact { code_at_ms: Some(NOW_MS), owes_code: false, ..device });
            Actor::Oneself
        }
        Step::AwaitApproval { .. } => match next.device.take() {
            None => {
                next.device = Some(DeviceFact {
                    state: DeviceState::Pending,
                    pin: PinFact::None,
                    code_at_ms: facts.session.and_then(|session| session.code_at_ms),
                    owes_code: false,
                    finish_until_ms: 0,
                    comparison_code: None,
                });
                Actor::Oneself
            }
            Some(device) => {
                next.device = Some(DeviceFact { state: DeviceState::Approved, finish_until_ms: FUTURE_MS, ..device });
                Actor::Somebody
            }
        },
        Step::CreatePin(_) | Step::ChangePin(_) | Step::EnterPin { .. } => {
            let device = next.device.as_mut().expect("a PIN is a device's");
            let rule_length = match (step, device.pin) {
                (Step::EnterPin { .. }, PinFact::Set { rule_length, .. }) => rule_length,
                _ => rules.pin_min_length,
            };
            device.pin = PinFact::Set { rule_length, tries_left: 8, wait_until_ms: 0 };
            next.session = Some(SessionFact { pin_proved: true, ..fresh });
            Actor::Oneself
        }
        Step::Wait { .. } => {
            let device = next.device.as_mut().expect("it is a PIN that is waited for");
            device.pin = PinFact::Set { rule_length: 8, tries_left: 8, wait_until_ms: 0 };
            Actor::Oneself
        }
        Step::Ready => panic!("there is nothing left to do"),
        Step::Blocked { reason } => match reason {
            BlockedReason::Suspended => {
                next.member = MemberState::Active;
                Actor::Somebody
            }
            BlockedReason::UpdateApp => {
                next.app_outdated = false;
                Actor::Oneself
            }
            // The member enrolls anew.
            BlockedReason::Revoked | BlockedReason::KeyLost => {
                (next.device, next.session) = (None, None);
                Actor::Oneself
            }
            // Password and recovery code.
            BlockedReason::AuthenticatorDisabled => {
                next.session = Some(SessionFact { recovering: true, ..fresh });
                Actor::Oneself
            }
        },
    };
    (actor, next)
}

/// Follows the steps; returns whether somebody else had to help.
fn walk(case: &Case) -> bool {
    let (mut facts, mut step, mut is_helped) = (case.facts.clone(), case.step.clone(), false);
    for _ in 0..12 {
        if step == Step::Ready {
            return is_helped;
        }
        let (actor, next) = after(&step, &facts, &case.rules);
        case.assert(next != facts, &format!("{step:?} names an act that changes nothing"));
        is_helped |= actor == Actor::Somebody;
        facts = next;
        step = decide(&case.rules, &facts, case.surface, NOW_MS);
    }
    panic!("no way to the files: {:?} on {:?} under {:?}", case.facts, case.surface, case.rules)
}

#[test]
fn nobody_is_left_without_a_next_step_and_every_way_leads_to_ready() {
    in_every_state(|case| {
        walk(case);
    });
}

/// In a browser, whatever the state of the authenticator, and with nobody else left.
#[test]
fn b03_the_last_admin_always_gets_in() {
    in_every_state(|case| {
        let is_there = case.facts.member == MemberState::Active && case.facts.device.is_none();
        if is_there && case.surface == Surface::Web && !case.facts.app_outdated {
            case.assert(!walk(case), "in a browser nobody else is needed");
        }
    });
}
