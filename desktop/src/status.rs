//! `twinlock status` and `twinlock sign-out`.

use crate::client::Client;
use crate::failure::{Class, Failure};
use crate::output::{Output, visible};
use crate::registration::Registration;
use crate::storage::{Storage, place_name};
use serde_json::json;
use std::path::Path;
use twinlock_core::Error;
use twinlock_core::step::Step;

/// Says where this desktop stands.
pub async fn status(file: Option<&Path>, output: &Output) -> Result<Class, Failure> {
    let client = Client::of_kept(Storage::open(file)?)?;
    let step = client.ask().await?;
    match step {
        Step::SetUpTwoStep | Step::Blocked { .. } => Err(crate::client::failure_of(&step)),
        step => Ok(tell(&client, &step, output)),
    }
}

/// Ends the session, and with `forget` the registration as well.
pub async fn sign_out(forget: bool, file: Option<&Path>, output: &Output) -> Result<Class, Failure> {
    let storage = Storage::open(file)?;
    let Some(registration) = Registration::read(storage.store.as_ref())? else {
        return Err(Failure::not_registered());
    };
    let client = Client::open(registration, storage.clone())?;
    let ended = client.engine.sign_out().await;
    if forget {
        client.engine.forget()?;
        Registration::forget(storage.store.as_ref())?;
    }
    match ended {
        Ok(_) | Err(Error::SessionEnded) => {}
        // Forgotten here all the same; at the portal it ends by itself.
        Err(other) => return Err(other.into()),
    }
    let state = if forget { "forgotten" } else { "signed_out" };
    let line = if forget { "Forgotten. Revoke this desktop on the portal's page, too." } else { "Signed out." };
    output.result(&json!({ "state": state }), &[line.to_owned()]);
    Ok(Class::Done)
}

/// Says how a registered desktop stands, and with which exit code.
pub fn tell(client: &Client, step: &Step, output: &Output) -> Class {
    let (class, state, word) = match step {
        Step::Ready => (Class::Done, "ready", output.good("ready")),
        Step::AwaitApproval { .. } => (Class::Refused, "pending", output.waiting("waiting for approval")),
        _ => (Class::SignIn, "sign_in", output.waiting("signed out")),
    };
    let Registration { portal, name, device_name, .. } = &client.registration;
    let place = place_name(client.storage.place);
    let comparison_code = match step {
        Step::AwaitApproval { comparison_code } => comparison_code.as_deref(),
        _ => None,
    };
    let value = json!({
        "state": state, "portal": portal, "name": name, "device_name": device_name, "device": client.engine.device(),
        "key_place": place, "comparison_code": comparison_code,
    });
    let mut lines = vec![
        format!("{} · {} at {}", word, visible(name), visible(portal)),
        format!(
            "This desktop is called {}; its key lies in {}.",
            visible(device_name),
            match place {
                "file" => "a file that is not sealed",
                _ => "the system's keyring",
            }
        ),
    ];
    if let Some(code) = comparison_code {
        lines.push(format!("Comparison code: {}", output.strong(&visible(code))));
        lines.push("Read it to an admin, who types it on the portal.".to_owned());
    }
    output.result(&value, &lines);
    class
}
