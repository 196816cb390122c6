//! `twinlock register`: password, code, and the approval of an admin.

use crate::cli::Register;
use crate::client::{Client, failure_of, fit};
use crate::credentials;
use crate::failure::{Class, Failure};
use crate::output::{Output, visible};
use crate::registration::Registration;
use crate::status;
use crate::storage::Storage;
use std::path::Path;
use std::time::Duration;
use twinlock_core::Error;
use twinlock_core::http::HttpConfig;
use twinlock_core::ports::KeyPlace;
use twinlock_core::step::Step;

/// How often the portal is asked for the approval: at first, and at last.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// Registers this desktop, or signs in again on one that is.
pub async fn register(asked: &Register, file: Option<&Path>, output: &Output) -> Result<Class, Failure> {
    let storage = Storage::open(file)?;
    let kept = Registration::read(storage.store.as_ref())?;
    let wanted = wanted(asked, kept.as_ref())?;
    let replaced = kept.filter(|kept| !kept.is_same_as(&wanted));
    if let Some(other) = &replaced
        && !asked.replace
    {
        let message = format!("This desktop is registered as {} at {}.", other.name, other.portal);
        return Err(Failure::usage(message, "Add --replace to forget that registration."));
    }
    if storage.place == KeyPlace::File {
        output.note("The key of this desktop will lie in a file that is not sealed; your admins see that.");
    }
    let client = Client::open(wanted, storage.clone())?;
    let password = credentials::password(&asked.credentials)?.ok_or(Error::SignInRefused)?;
    let name = &client.registration.name;
    let mut step = match client.engine.sign_in(name, password.clone()).await {
        // The device is gone at the portal, and now here as well: it is registered anew.
        Err(Error::DeviceRevoked | Error::EnrollmentClosed | Error::KeyLost) => {
            client.engine.sign_in(name, password).await?
        }
        other => other?,
    };
    if let Some(other) = replaced {
        Client::open(other, storage.clone())?.engine.forget()?;
    }
    client.registration.keep(storage.store.as_ref())?;
    if step == Step::EnterCode {
        step = client.show_code(&asked.credentials).await?;
    }
    if asked.wait && matches!(step, Step::AwaitApproval { .. }) {
        step = wait(&client, output).await?;
        if step == Step::SignIn {
            // The session was idle for too long; the approval stands.
            client.sign_in(&asked.credentials).await?;
            step = client.engine.step();
        }
    }
    match step {
        Step::Ready | Step::AwaitApproval { .. } => Ok(status::tell(&client, &step, output)),
        other => Err(failure_of(&other)),
    }
}

fn wanted(asked: &Register, kept: Option<&Registration>) -> Result<Registration, Failure> {
    let missing = |what: &str, option: &str| Failure::usage(format!("{what} is not known."), format!("Add {option}."));
    let portal = match asked.portal.clone().or_else(|| kept.map(|kept| kept.portal.clone())) {
        Some(portal) => portal,
        None => credentials::ask("Address of the portal: ")?.ok_or_else(|| missing("The portal", "--portal"))?,
    };
    let portal = portal.trim_end_matches('/').to_owned();
    HttpConfig::authority(&portal)
        .map_err(|_| Failure::usage("This is no address of a portal.", "Type https://host or https://host:port."))?;
    let name = match asked.name.clone().or_else(|| kept.map(|kept| kept.name.clone())) {
        Some(name) => name.trim().to_lowercase(),
        None => credentials::ask("Name (e-mail address): ")?.ok_or_else(|| missing("Your name", "--name"))?,
    };
    let roots_pem = match &asked.ca_file {
        Some(path) => Some(std::fs::read_to_string(path).map_err(|fault| Failure::local(path.display(), &fault))?),
        None => kept.filter(|kept| kept.portal == portal).and_then(|kept| kept.roots_pem.clone()),
    };
    let host = || gethostname::gethostname().to_string_lossy().into_owned();
    let device_name = fit(&asked.device_name.clone().unwrap_or_else(host));
    let device_name = if device_name.is_empty() { "Desktop".to_owned() } else { device_name };
    Ok(Registration { portal, name, device_name, roots_pem })
}

/// Asks now and then, less and less often, until an admin has decided.
async fn wait(client: &Client, output: &Output) -> Result<Step, Failure> {
    let mut pause = FIRST_PAUSE;
    if let Step::AwaitApproval { comparison_code: Some(code) } = client.engine.step() {
        output.note(&format!("Comparison code: {}", visible(&code)));
    }
    output.note("Waiting for an admin to approve this desktop …");
    loop {
        match client.ask().await? {
            Step::AwaitApproval { .. } => {
                tokio::time::sleep(pause).await;
                pause = (pause * 3 / 2).min(LAST_PAUSE);
            }
            decided => return Ok(decided),
        }
    }
}
