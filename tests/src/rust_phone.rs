//! The phone in Rust: the engine with ports in memory, behind the line protocol.

use crate::phone::{Answer, Ask};
use crate::secrets::{SECRETS_FILE, Secrets};
use crate::{Doing, Fault, Result};
use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, stdin, stdout};
use twinlock_core::Error;
use twinlock_core::engine::{Engine, EngineConfig, Ports};
use twinlock_core::http::{HttpConfig, HttpTransport};
use twinlock_core::pin::{Pin, PinDigits};
use twinlock_core::policy::Surface;
use twinlock_core::ports::{self, PortFuture, Request, Transport};
use twinlock_core::secret::{SecretBytes, SecretText};
use twinlock_core::testing::{MemoryDeviceKey, MemoryStore};
use twinlock_portal::clock::SystemClock;

/// The phone: its app (open or closed), and what outlives the app.
struct RustPhone {
    secrets: Secrets,
    engine: Option<Engine>,
    made: Option<(EngineConfig, Ports)>,
}

/// Answers the lines on standard input until it ends.
pub async fn serve() -> Result<()> {
    let secrets = match std::env::var_os(SECRETS_FILE) {
        Some(path) => Secrets::at(Path::new(&path))?,
        None => Secrets::none(),
    };
    let mut phone = RustPhone { secrets, engine: None, made: None };
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await.doing("the driver's lines")? {
        let ask: Ask =
            serde_json::from_str(&line).map_err(|_| Fault("a line of the driver is not understood".to_owned()))?;
        let answer = phone.answer(&ask).await?;
        let mut text = serde_json::to_string(&answer).doing("an answer")?;
        text.push('\n');
        let mut out = stdout();
        out.write_all(text.as_bytes()).await.doing("the driver does not listen")?;
        out.flush().await.doing("the driver does not listen")?;
    }
    Ok(())
}

impl RustPhone {
    async fn answer(&mut self, ask: &Ask) -> Result<Answer> {
        match ask.verb.as_str() {
            "open" => self.open(&ask.with)?,
            "close" => {
                if let Some(engine) = self.engine.take() {
                    engine.close();
                }
                return Ok(Answer::default());
            }
            _ => {}
        }
        let engine = self.engine.clone().doing("the app is not open")?;
        let done = act(&engine, ask).await?;
        let step = Some(serde_json::to_value(engine.step()).doing("the step")?);
        Ok(match done {
            Ok(value) => Answer { step, value: (!value.is_null()).then_some(value), error: None },
            Err(error) => Answer { step, value: None, error: Some(describe(error)) },
        })
    }

    /// The app starts. Key and storage are the phone's: they outlive it.
    fn open(&mut self, with: &Map<String, Value>) -> Result<()> {
        if !with.is_empty() {
            self.made = Some(self.make(with)?);
        }
        let (config, ports) = self.made.clone().doing("the first `open` names the portal")?;
        self.engine = Some(Engine::new(config, ports));
        Ok(())
    }

    fn make(&self, with: &Map<String, Value>) -> Result<(EngineConfig, Ports)> {
        let owned = |name: &str| text(with, name).map(str::to_owned);
        let config = EngineConfig {
            account: owned("account")?,
            authority: owned("authority")?,
            device_name: owned("device_name")?,
            model: owned("model")?,
            system: owned("system")?,
            app_version: owned("app_version")?,
            surface: Surface::Phone,
        };
        let roots_pem = text(with, "roots_pem")?.as_bytes().to_vec();
        let http = HttpConfig { base_url: owned("base_url")?, roots_pem, pins: Vec::new() };
        let http = HttpTransport::new(&http).doing("the connection")?;
        let ports = Ports {
            device_key: Arc::new(MemoryDeviceKey::new()),
            store: Arc::new(MemoryStore::new()),
            clock: Arc::new(SystemClock::start()),
            transport: Arc::new(NotingTransport { inner: http, secrets: self.secrets.clone() }),
        };
        Ok((config, ports))
    }
}

/// Outer: the driver asked wrongly. Inner: what the engine says.
async fn act(engine: &Engine, ask: &Ask) -> Result<std::result::Result<Value, Error>> {
    let with = &ask.with;
    let none = |_| Value::Null;
    Ok(match ask.verb.as_str() {
        "open" => engine.open().map(none),
        "sign_in" => {
            let password = SecretText::new(text(with, "password")?.to_owned());
            engine.sign_in(text(with, "name")?, password).await.map(none)
        }
        "set_up_two_step" => engine.set_up_two_step().await.map(|set_up| json!(set_up.uri.expose())),
        "submit_code" => engine.submit_code(text(with, "code")?).await.map(none),
        "refresh" => engine.refresh().await.map(none),
        "submit_pin" => match typed(text(with, "pin")?) {
            Ok(pin) => engine.submit_pin(pin).await.map(none),
            Err(error) => Err(error),
        },
        "vault_put" => {
            let secret = SecretBytes::new(text(with, "secret")?.as_bytes().to_vec());
            engine.vault_put(text(with, "name")?, secret).map(|()| Value::Null)
        }
        "vault_item" => {
            let found = engine.vault_item(text(with, "name")?);
            found.map(|item| json!(item.map(|secret| String::from_utf8_lossy(secret.expose()).into_owned())))
        }
        "files" => engine.files().await.map(|files| files.into_iter().map(|file| Value::String(file.name)).collect()),
        "download" => download(engine, text(with, "name")?).await,
        verb => return Err(Fault(format!("this phone does not know how to `{verb}`"))),
    })
}

async fn download(engine: &Engine, name: &str) -> std::result::Result<Value, Error> {
    let files = engine.files().await?;
    let file = files.iter().find(|file| file.name == name).ok_or(Error::NotFound)?;
    Ok(json!(BASE64.encode(&engine.download(&file.id).await?)))
}

fn typed(digits: &str) -> std::result::Result<Pin, Error> {
    let mut keypad = PinDigits::new();
    for digit in digits.bytes() {
        keypad.push_digit(digit)?;
    }
    keypad.submit()
}

fn describe(error: Error) -> Value {
    let mut described = json!({ "code": error.code().to_string(), "name": error.code().name() });
    let more = match error {
        Error::PinRefused(fault) => vec![("reason", json!(fault.name()))],
        Error::WrongPin { tries_left, retry_after_ms } => {
            vec![("tries_left", json!(tries_left)), ("retry_after_ms", json!(retry_after_ms))]
        }
        Error::PinWait { retry_after_ms }
        | Error::CodeWait { retry_after_ms }
        | Error::Throttled { retry_after_ms } => {
            vec![("retry_after_ms", json!(retry_after_ms))]
        }
        _ => Vec::new(),
    };
    if let Some(fields) = described.as_object_mut() {
        fields.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    described
}

fn text<'a>(with: &'a Map<String, Value>, name: &str) -> Result<&'a str> {
    with.get(name).and_then(Value::as_str).doing(format!("`{name}` is missing"))
}

/// Notes the session tokens, which only the transport sees, and the recovery codes.
struct NotingTransport {
    inner: HttpTransport,
    secrets: Secrets,
}

impl Transport for NotingTransport {
    fn send(&self, request: Request) -> PortFuture<'_, twinlock_core::Result<ports::Answer>> {
        Box::pin(async move {
            let answer = self.inner.send(request).await?;
            let body: Option<Value> = serde_json::from_slice(answer.body.expose()).ok();
            let token = body.as_ref().and_then(|body| body.get("session")).and_then(Value::as_str);
            if let Some(token) = token {
                self.secrets.note("session token", token).map_err(|_| Error::Internal)?;
            }
            let codes = body.as_ref().and_then(|body| body.get("recovery_codes")).and_then(Value::as_array);
            for code in codes.into_iter().flatten().filter_map(Value::as_str) {
                self.secrets.note("recovery code", code).map_err(|_| Error::Internal)?;
            }
            Ok(answer)
        })
    }
}
