//! The portal, its admin and an authenticator behind the line protocol of [`phone`](crate::phone): what a shell's own
//! tests need around them to bring a phone to `ready`, and back.
//!
//! Verbs: `introduce` (value: what a phone needs for `open` and `sign_in`), `scan` (an `otpauth` URI; value: a code),
//! `code` (value: one that was not used yet), `approve` (the comparison code of the member's phone), `revoke`.

use crate::authenticator::Authenticator;
use crate::phone::{Answer, Ask};
use crate::portal::PortalPlace;
use crate::secrets::Secrets;
use crate::world::{PEOPLE, PersonState, World};
use crate::{Doing, Fault, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, stdin, stdout};

struct Stage {
    place: PortalPlace,
    world: World,
    authenticator: Option<Authenticator>,
}

/// Founds the organisation, serves it, and answers the lines on standard input until it ends.
pub async fn serve() -> Result<()> {
    let place = PortalPlace::create(None)?;
    World::found(&place, &Secrets::none())?;
    let running = place.serve().await?;
    let world = World::settle(&place, &Secrets::none()).await?;
    let mut stage = Stage { place, world, authenticator: None };
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await.doing("the test's lines")? {
        let ask: Ask = serde_json::from_str(&line).doing("a line of the test is not understood")?;
        let value = Some(stage.act(&ask).await?).filter(|value| !value.is_null());
        let answer = serde_json::to_string(&Answer { value, ..Answer::default() }).doing("an answer")?;
        let mut out = stdout();
        out.write_all(format!("{answer}\n").as_bytes()).await.doing("the test does not listen")?;
        out.flush().await.doing("the test does not listen")?;
    }
    running.stop().await
}

impl Stage {
    async fn act(&mut self, ask: &Ask) -> Result<Value> {
        let text = |name: &str| ask.with.get(name).and_then(Value::as_str).doing(format!("`{name}` is missing"));
        let member = PEOPLE.iter().find(|person| person.state == PersonState::Walked).doing("nobody is walked")?;
        match ask.verb.as_str() {
            "introduce" => Ok(json!({
                "base_url": self.place.url(),
                "roots_pem": self.place.root_pem(),
                "name": member.email,
                "password": member.password,
            })),
            "scan" => {
                self.authenticator = Some(Authenticator::scan(text("uri")?, &Secrets::none())?);
                self.code().await
            }
            "code" => self.code().await,
            "approve" => {
                self.world.approve(member.name, text("comparison_code")?).await?;
                Ok(Value::Null)
            }
            "revoke" => {
                self.world.revoke(member.name).await?;
                Ok(Value::Null)
            }
            verb => Err(Fault(format!("this stage does not know how to `{verb}`"))),
        }
    }

    async fn code(&mut self) -> Result<Value> {
        let authenticator = self.authenticator.as_mut().doing("nothing was scanned yet")?;
        Ok(Value::String(authenticator.fresh_code(self.world.clock()).await?))
    }
}
