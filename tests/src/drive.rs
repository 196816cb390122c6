//! The driver: goes through a scenario, plays the world, asks the phone, and compares.

use crate::authenticator::Authenticator;
use crate::phone::{Answer, Ask, Phone};
use crate::scenario::{Act, Scenario, Variables};
use crate::secrets::Secrets;
use crate::terminal::{Shown, Terminal};
use crate::world::World;
use crate::{Doing, Fault, Result};
use serde_json::{Map, Value};

/// What was seen at the end of a walk.
#[derive(Debug, Default)]
pub struct Walked {
    /// The phone said `ready`, and was given it again after closing and opening.
    pub readies: usize,
    /// Steps that went as the scenario says.
    pub steps: usize,
}

/// Walks through `scenario`; the first step that goes otherwise ends it.
pub async fn drive(
    scenario: &Scenario,
    variables: &mut Variables,
    world: &mut World,
    phone: &mut impl Phone,
    terminal: &mut Terminal,
    secrets: &Secrets,
) -> Result<Walked> {
    let mut walked = Walked::default();
    for act in &scenario.steps {
        let done = perform(act, variables, world, phone, secrets).await;
        let (answer, shown) = done.map_err(|fault| Fault(format!("“{}”: {fault}", act.say)))?;
        terminal.step(&act.say, &shown).await;
        walked.steps += 1;
        let is_unlock = act.phone.as_deref() == Some("submit_pin") && answer.error.is_none();
        if is_unlock && kind(&answer) == Some("ready") {
            walked.readies += 1;
        }
    }
    Ok(walked)
}

async fn perform(
    act: &Act,
    variables: &mut Variables,
    world: &mut World,
    phone: &mut impl Phone,
    secrets: &Secrets,
) -> Result<(Answer, Shown)> {
    let with = variables.fill_all(&act.with)?;
    let expect = variables.fill_all(&act.expect)?;
    if let Some(verb) = &act.admin {
        let shown = admin(verb, &with, world).await?;
        return Ok((Answer::default(), shown));
    }
    if let Some(verb) = &act.authenticator {
        let code = authenticator(verb, &with, world, secrets).await?;
        let shown = Shown::Screen(format!(
            "Authenticator: {} {}",
            code.get(..3).unwrap_or_default(),
            code.get(3..).unwrap_or_default()
        ));
        variables.set("code", code);
        return Ok((Answer::default(), shown));
    }
    let verb = act.phone.clone().doing("nobody acts in this step")?;
    note_secrets(&with, secrets)?;
    let answer = phone.ask(&Ask { verb: verb.clone(), with }).await?;
    compare(&expect, &answer)?;
    let whole = serde_json::to_value(&answer).doing("the answer")?;
    for (name, pointer) in &act.keep {
        let value = whole.pointer(pointer).cloned().doing(format!("the answer has nothing at {pointer}"))?;
        if let Some(text) = value.as_str() {
            secrets.note(name, text)?;
        }
        variables.set(name, value);
    }
    let shown = shown(&verb, &answer);
    Ok((answer, shown))
}

/// What the admin does in the browser.
pub(crate) async fn admin(verb: &str, with: &Map<String, Value>, world: &mut World) -> Result<Shown> {
    match verb {
        "require_two_step" => {
            world.require_two_step().await?;
            Ok(Shown::Good("Portal: required, for everybody, at once".to_owned()))
        }
        "approve" => {
            world.approve(text(with, "member")?, text(with, "comparison_code")?).await?;
            Ok(Shown::Good("Portal: the device is approved".to_owned()))
        }
        "revoke" => {
            world.revoke(text(with, "member")?).await?;
            Ok(Shown::Good("Portal: the device is revoked".to_owned()))
        }
        _ => Err(Fault(format!("the admin does not know how to `{verb}`"))),
    }
}

/// What the authenticator app shows.
pub(crate) async fn authenticator(
    verb: &str,
    with: &Map<String, Value>,
    world: &World,
    secrets: &Secrets,
) -> Result<String> {
    match verb {
        "scan" => Authenticator::scan(text(with, "uri")?, secrets)?.fresh_code(world.clock()).await,
        _ => Err(Fault(format!("the authenticator does not know how to `{verb}`"))),
    }
}

/// The names under which the phone is given what no log may hold.
fn note_secrets(with: &Map<String, Value>, secrets: &Secrets) -> Result<()> {
    for name in ["password", "code", "pin", "secret"] {
        if let Some(secret) = with.get(name).and_then(Value::as_str) {
            secrets.note(name, secret)?;
        }
    }
    Ok(())
}

/// Succeeds if the answer is what the scenario expects.
pub fn compare(expect: &Map<String, Value>, answer: &Answer) -> Result<()> {
    let code = answer.error.as_ref().map(|error| error.get("code").cloned().unwrap_or_default());
    match (expect.get("error"), &code) {
        (None, None) => {}
        (None, Some(_)) => return Err(differs("no error", answer)),
        (Some(Value::Array(allowed)), Some(code)) if allowed.contains(code) => {}
        (Some(wanted), Some(code)) if wanted == code => {}
        (Some(wanted), _) => return Err(differs(&format!("the error {wanted}"), answer)),
    }
    for (name, wanted) in expect {
        let is_met = match name.as_str() {
            "error" => true,
            "step" => wanted.as_str() == kind(answer),
            "value" => *wanted == answer.value.clone().unwrap_or_default(),
            field => {
                let of_error =
                    answer.error.as_ref().and_then(|error| error.get(field)).filter(|value| !value.is_null());
                of_error.or_else(|| answer.step.as_ref().and_then(|step| step.get(field))) == Some(wanted)
            }
        };
        if !is_met {
            return Err(differs(&format!("{name} {wanted}"), answer));
        }
    }
    Ok(())
}

fn kind(answer: &Answer) -> Option<&str> {
    answer.step.as_ref()?.get("kind")?.as_str()
}

fn differs(wanted: &str, answer: &Answer) -> Fault {
    let came = serde_json::to_string(answer).unwrap_or_default();
    Fault(format!("expected {wanted}, and this came: {came}"))
}

fn text<'a>(with: &'a Map<String, Value>, name: &str) -> Result<&'a str> {
    with.get(name).and_then(Value::as_str).doing(format!("`{name}` is missing"))
}

fn shown(verb: &str, answer: &Answer) -> Shown {
    if let Some(error) = &answer.error {
        return Shown::of_error(error);
    }
    let value = answer.value.as_ref();
    match (verb, value) {
        ("set_up_two_step", _) => Shown::Screen("A QR code, shown once".to_owned()),
        ("vault_put", _) => Shown::Good("Kept, sealed under the PIN".to_owned()),
        ("vault_item", Some(Value::String(secret))) => Shown::Good(format!("“{secret}”")),
        ("files", Some(Value::Array(names))) => Shown::Good(format!("{} files", names.len())),
        ("download", Some(Value::String(_))) => Shown::Good("Opened, the same to the last byte".to_owned()),
        ("close", _) => Shown::Screen("Closed and locked".to_owned()),
        _ => answer.step.as_ref().map_or_else(|| Shown::Good("Done".to_owned()), Shown::of_step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(value: Value) -> Answer {
        serde_json::from_value(value).unwrap()
    }

    #[allow(clippy::needless_pass_by_value, reason = "the cases read better with literals")]
    fn is_met(expect: Value, came: Value) -> bool {
        compare(expect.as_object().unwrap(), &answer(came)).is_ok()
    }

    #[test]
    fn an_unexpected_error_is_never_overlooked() {
        assert!(is_met(json!({"step": "ready"}), json!({"step": {"kind": "ready"}})));
        assert!(!is_met(json!({"step": "ready"}), json!({"step": {"kind": "ready"}, "error": {"code": "TL-4001"}})));
        assert!(!is_met(json!({"error": "TL-4001"}), json!({"step": {"kind": "ready"}})));
    }

    #[test]
    fn fields_are_of_the_error_before_the_step() {
        let came =
            json!({"error": {"code": "TL-1003", "tries_left": 7}, "step": {"kind": "enter_pin", "tries_left": 6}});
        assert!(is_met(json!({"error": ["TL-1", "TL-1003"], "tries_left": 7}), came.clone()));
        assert!(!is_met(json!({"error": "TL-1003", "tries_left": 6}), came.clone()));
        assert!(!is_met(json!({"error": "TL-1003", "reason": "x"}), came));
    }

    #[test]
    fn a_missing_value_is_null() {
        assert!(is_met(json!({"value": null}), json!({})));
        assert!(!is_met(json!({"value": "a"}), json!({})));
    }
}
