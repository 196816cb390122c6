//! Reminders: to a member who has not set two-step authentication up, once in 24 hours.

use crate::act::Outcome;
use crate::mail::outbox::{self, Kind, Message};
use crate::store::{StoreError, Tx};
use twinlock_core::Error;

crate::statements! {
    TAKE_REMINDER = "UPDATE member SET reminded_ms = $3
        WHERE organisation = $1 AND id = $2 AND state = 'active' AND reminded_ms <= $4 AND email LIKE '%_@_%'
            AND NOT EXISTS (SELECT 1 FROM factor f
                WHERE f.organisation = $1 AND f.member = $2 AND f.state = 'active')
            AND NOT EXISTS (SELECT 1 FROM two_step_exception x
                WHERE x.organisation = $1 AND x.member = $2 AND x.until_ms > $3)
            AND NOT EXISTS (SELECT 1 FROM sso_link l JOIN identity_provider i ON i.organisation = l.organisation
                    AND i.issuer = l.issuer AND l.signed_in_ms >= i.set_ms
                WHERE l.organisation = $1 AND l.member = $2 AND l.mfa = 1)";
    FIND_REMINDED = "SELECT m.state, m.reminded_ms, m.email, CASE WHEN EXISTS (SELECT 1 FROM factor f
                WHERE f.organisation = $1 AND f.member = $2 AND f.state = 'active')
            OR EXISTS (SELECT 1 FROM two_step_exception x
                WHERE x.organisation = $1 AND x.member = $2 AND x.until_ms > $3)
            OR EXISTS (SELECT 1 FROM sso_link l JOIN identity_provider i ON i.organisation = l.organisation
                    AND i.issuer = l.issuer AND l.signed_in_ms >= i.set_ms
                WHERE l.organisation = $1 AND l.member = $2 AND l.mfa = 1) THEN 1 ELSE 0 END
        FROM member m WHERE m.organisation = $1 AND m.id = $2";
}

/// A member is reminded once in this time.
pub const EVERY_MS: u64 = 24 * 3_600_000;

/// What became of a reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reminded {
    /// The mail is in the outbox.
    Sent,
    /// The member is set up, has an exception, or signs in with SSO and MFA.
    Complies,
    /// The last one was less than 24 hours ago.
    TooSoon {
        /// When, epoch milliseconds.
        last_ms: u64,
    },
    /// There is no address to write to.
    NoAddress,
    /// The member is suspended.
    Suspended,
}

/// Reminds a member, unless there is a reason not to; [`Error::NotFound`]. Compliance and wait are asked in one conditional
/// UPDATE, so that two admins at once send one mail. The audit event is the caller's: one for each act, not for each mail.
pub fn remind(tx: &mut Tx<'_>, organisation: &str, member: &str, now_ms: u64) -> Outcome<Reminded> {
    // 0 stands for never, whatever the time.
    let before_ms = now_ms.saturating_sub(EVERY_MS);
    let values = [organisation.into(), member.into(), now_ms.into(), before_ms.into()];
    if tx.exec(TAKE_REMINDER, &values)? == 1 {
        outbox::put(tx, &Message::to(organisation, member, Kind::Reminder, now_ms))?;
        return Ok(Ok(Reminded::Sent));
    }
    let found = tx.query_one(FIND_REMINDED, &[organisation.into(), member.into(), now_ms.into()])?;
    let Some(row) = found else { return Ok(Err(Error::NotFound)) };
    let last_ms = row.unsigned(1)?;
    Ok(Ok(if row.text(0)? != "active" {
        Reminded::Suspended
    } else if row.int(3)? == 1 {
        Reminded::Complies
    } else if last_ms > before_ms {
        Reminded::TooSoon { last_ms }
    } else {
        Reminded::NoAddress
    }))
}

/// True if the member is active and still without two-step authentication: asked again at the moment of sending.
pub fn is_needed(tx: &mut Tx<'_>, organisation: &str, member: &str, now_ms: u64) -> Result<bool, StoreError> {
    let found = tx.query_one(FIND_REMINDED, &[organisation.into(), member.into(), now_ms.into()])?;
    found.map_or(Ok(false), |row| Ok(row.text(0)? == "active" && row.int(3)? == 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Options, Store};

    crate::statements! {
        SEED_ORGANISATION = "INSERT INTO organisation (id, name, policy_key_sealed, policy_key_version, policy_public,
                policy_version, policy_hash, rules, clock_mark_ms, created_ms)
            VALUES ('o', 'Harbour', $1, 1, $1, 1, '', '{}', 0, 0)";
        SEED_MEMBER = "INSERT INTO member (organisation, id, name, email, role, state, password, password_fails, created_ms)
            VALUES ('o', $1, $1, $2, 'member', $3, '', 0, 0)";
        SEED_FACTOR = "INSERT INTO factor (organisation, member, id, state, seed_sealed, key_version, fails, wait_until_ms,
                last_step, created_ms, confirmed_ms)
            VALUES ('o', $1, $1, $2, $3, 1, 0, 0, 0, 0, 0)";
        SEED_EXCEPTION = "INSERT INTO two_step_exception (organisation, member, until_ms, reason, made_by, made_ms)
            VALUES ('o', $1, $2, '', '', 0)";
        COUNT_WAITING = "SELECT CAST(count(*) AS BIGINT) FROM outbox WHERE kind = 'reminder' AND member = $1";
    }

    const NOW_MS: u64 = 1_795_512_605_000;

    /// `bare` has nothing, `lost` a disabled authenticator; the others comply, or cannot be reached.
    fn seed(tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let _ = STATEMENTS;
        let bytes: &[u8] = &[0];
        tx.exec(SEED_ORGANISATION, &[bytes.into()])?;
        for (id, email, state) in [
            ("bare", "bare@example.test", "active"),
            ("lost", "lost@example.test", "active"),
            ("done", "done@example.test", "active"),
            ("excepted", "excepted@example.test", "active"),
            ("gone", "gone@example.test", "suspended"),
            ("mute", "mute", "active"),
        ] {
            tx.exec(SEED_MEMBER, &[id.into(), email.into(), state.into()])?;
        }
        for (id, state) in [("done", "active"), ("lost", "disabled")] {
            tx.exec(SEED_FACTOR, &[id.into(), state.into(), bytes.into()])?;
        }
        tx.exec(SEED_EXCEPTION, &["excepted".into(), (NOW_MS + 1).into()])?;
        Ok(())
    }

    #[tokio::test]
    async fn b59_only_who_does_not_comply_is_reminded_and_once_in_24_hours() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("db"), Options::at(1)).unwrap();
        store.write(seed).await.unwrap();
        let ask = async |member: &'static str, now_ms: u64| {
            store.write(move |tx| remind(tx, "o", member, now_ms)).await.unwrap()
        };
        for (member, reminded) in [
            ("bare", Reminded::Sent),
            ("lost", Reminded::Sent),
            ("done", Reminded::Complies),
            ("excepted", Reminded::Complies),
            ("gone", Reminded::Suspended),
            ("mute", Reminded::NoAddress),
        ] {
            assert_eq!(ask(member, NOW_MS).await, Ok(reminded), "{member}");
        }
        assert_eq!(ask("nobody", NOW_MS).await, Err(Error::NotFound));
        let last_ms = NOW_MS;
        assert_eq!(ask("bare", NOW_MS + EVERY_MS - 1).await, Ok(Reminded::TooSoon { last_ms }));
        assert_eq!(ask("bare", NOW_MS + EVERY_MS).await, Ok(Reminded::Sent));
        assert_eq!(ask("excepted", NOW_MS + 1).await, Ok(Reminded::Sent), "the exception is over");
        let count = |tx: &mut Tx<'_>| tx.query_one(COUNT_WAITING, &["bare".into()])?.map_or(Ok(0), |row| row.int(0));
        assert_eq!(store.read(count).await.unwrap(), 2);
        store.close().await;
    }
}
