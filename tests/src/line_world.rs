//! The world behind lines, the other way round: a phone's own tests start this process and ask it for what they cannot
//! do themselves.
//!
//! It begins with one line, `{"base_url":…,"roots_pem":…,…}`: the variables of the scenario, and under `phones` the
//! sign-in of each member whose phone may be walked. Then it answers each line: `{"admin":"approve","with":{…}}` with
//! `{}`, `{"authenticator":"scan","with":{"uri":…}}` with `{"code":…}`,
//! `{"back_end":"introspect","with":{"method":…,"url":…,"headers":{…}}}` with what the portal says of that request, and
//! what fails with `{"fault":…}`. It ends at the end of its input.

use crate::back_end::BackEnd;
use crate::drive::{admin, authenticator};
use crate::portal::PortalPlace;
use crate::secrets::Secrets;
use crate::world::{PEOPLE, PersonState, World};
use crate::{Doing, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, stdin, stdout};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    #[serde(default)]
    admin: Option<String>,
    #[serde(default)]
    authenticator: Option<String>,
    #[serde(default)]
    back_end: Option<String>,
    #[serde(default)]
    with: Map<String, Value>,
}

/// Founds an organisation with the two-step requirement on, and answers the lines on standard input until it ends.
pub async fn serve() -> Result<()> {
    let secrets = Secrets::none();
    let place = PortalPlace::create(None)?;
    let organisation = World::found(&place, &secrets)?;
    let back_end = BackEnd::add(&place, &organisation)?;
    let running = place.serve().await?;
    let mut world = World::settle(&place, &secrets).await?;
    say(&introduction(&place)).await?;
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await.doing("the phone's lines")? {
        let ask: Ask = serde_json::from_str(&line).doing("a line of the phone's tests")?;
        let answer = match answer(&ask, &mut world, &back_end, &secrets).await {
            Ok(answer) => answer,
            Err(fault) => json!({ "fault": fault.0 }),
        };
        say(&answer).await?;
    }
    running.stop().await
}

fn introduction(place: &PortalPlace) -> Value {
    let is_new = |state| matches!(state, PersonState::Walked | PersonState::NotSetUp);
    let phones: Vec<Value> = PEOPLE
        .iter()
        .filter(|person| is_new(person.state))
        .map(|person| json!({ "member": person.name, "email": person.email, "password": person.password }))
        .collect();
    json!({ "base_url": place.url(), "roots_pem": place.root_pem(), "phones": phones })
}

async fn answer(ask: &Ask, world: &mut World, back_end: &BackEnd, secrets: &Secrets) -> Result<Value> {
    if let Some(verb) = &ask.admin {
        admin(verb, &ask.with, world).await?;
        return Ok(json!({}));
    }
    if ask.back_end.as_deref() == Some("introspect") {
        return back_end.introspect(&ask.with).await;
    }
    let verb = ask.authenticator.as_deref().doing("nobody is asked")?;
    Ok(json!({ "code": authenticator(verb, &ask.with, world, secrets).await? }))
}

async fn say(line: &Value) -> Result<()> {
    let mut out = stdout();
    out.write_all(format!("{line}\n").as_bytes()).await.doing("nobody listens")?;
    out.flush().await.doing("nobody listens")
}
