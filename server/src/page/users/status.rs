//! A member's 2FA status for a person: an icon, words and a colour.

use crate::members::list::StatusFilter;
use crate::members::status::MemberView;
use crate::words::Words;

/// A status as it is shown.
pub(super) struct Status {
    pub(super) icon: &'static str,
    /// The class that colours it; what it says never depends on the colour.
    pub(super) class: &'static str,
    pub(super) text: String,
}

impl Status {
    /// Of a member; somebody suspended is that before all else.
    pub(super) fn of(words: &Words, member: &MemberView) -> Self {
        Self::of_word(words, member.status(), member)
    }

    /// Of the member's authenticator, also while the member is suspended.
    pub(super) fn of_two_step(words: &Words, member: &MemberView) -> Self {
        Self::of_word(words, &member.two_step, member)
    }

    fn of_word(words: &Words, word: &str, member: &MemberView) -> Self {
        let at = |key: &str, name: &'static str, ms: Option<u64>| {
            words.with(key, &[(name, words.time(ms.unwrap_or(0)).into())])
        };
        let (icon, class, text) = match word {
            "suspended" => ("✕", "bad", words.say("status-suspended")),
            "set_up" => ("✓", "good", words.say("status-set-up")),
            "setting_up" => ("◷", "wait", words.say("status-setting-up")),
            "locked" => ("✕", "bad", words.say("status-locked")),
            "sso_mfa" => ("✓", "good", at("status-sso-at", "time", member.sso_at_ms)),
            "sso_without_mfa" => ("✕", "bad", at("status-sso-without-mfa-at", "time", member.sso_at_ms)),
            "exception" => ("◷", "wait", at("status-exception-until", "until", member.until_ms)),
            "grace" => ("◷", "wait", at("status-grace-until", "until", member.until_ms)),
            "reset" => ("↺", "wait", words.say("status-reset")),
            _ => ("○", "", words.say("status-not-set-up")),
        };
        Self { icon, class, text }
    }
}

/// The key of a filter's name.
pub(super) fn status_key(status: StatusFilter) -> &'static str {
    match status {
        StatusFilter::All => "status-all",
        StatusFilter::NonCompliant => "status-non-compliant",
        StatusFilter::NoAuthenticator => "status-no-authenticator",
        StatusFilter::NotSetUp => "status-not-set-up",
        StatusFilter::SettingUp => "status-setting-up",
        StatusFilter::Reset => "status-reset",
        StatusFilter::Locked => "status-locked",
        StatusFilter::Grace => "status-grace",
        StatusFilter::Exception => "status-exception",
        StatusFilter::Sso => "status-sso",
        StatusFilter::SsoWithoutMfa => "status-sso-without-mfa",
        StatusFilter::SetUp => "status-set-up",
        StatusFilter::Suspended => "status-suspended",
    }
}

/// The key of a role's name; empty for all.
pub(super) fn role_key(role: &str) -> &'static str {
    match role {
        "admin" => "users-role-admin",
        "auditor" => "users-role-auditor",
        "member" => "users-role-member",
        _ => "users-role-all",
    }
}

const DAY_MS: u64 = 86_400_000;

/// A time as HTML: how long ago within a day, else the date; a dash for never.
pub(super) fn ago(words: &Words, ms: u64, now_ms: u64) -> String {
    if ms == 0 {
        return "–".to_owned();
    }
    let passed_ms = now_ms.saturating_sub(ms);
    if passed_ms >= DAY_MS - 3_600_000 {
        return words.stamp(ms);
    }
    let text = match passed_ms {
        0..600_000 => words.say("users-seen-now"),
        _ => words.with("users-ago", &[("wait", words.wait(passed_ms).into())]),
    };
    // The element with its title stays; only what is read changes.
    let stamp = words.stamp(ms);
    stamp.split_once('>').map_or(stamp.clone(), |(tag, _)| format!("{tag}>{text}</time>"))
}
