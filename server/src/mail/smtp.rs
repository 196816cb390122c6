//! The connection to the mail server, and what its refusals mean.

use crate::config::{Mail as Settings, MailTls};
use crate::mail::sending::Sending;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use std::time::Duration;

/// For connection, TLS and sign-in together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// For one mail on an open connection.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// The mail server, as the operator named it.
pub struct Smtp {
    server: String,
    port: u16,
    tls: MailTls,
    parameters: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello: ClientId,
    /// The sender.
    pub from: Mailbox,
}

impl Smtp {
    /// Reads the files that the settings name; the error says which setting is at fault.
    pub fn new(settings: &Settings, own_host: &str) -> Result<Self, String> {
        let from = settings.from.parse().map_err(|_| "mail.from: must be ADDRESS or NAME <ADDRESS>")?;
        let parameters = (settings.tls != MailTls::None).then(|| parameters(settings)).transpose()?;
        let credentials = match (&settings.user, &settings.password_file) {
            (Some(user), Some(file)) => {
                let text = std::fs::read_to_string(file);
                let password = text.map_err(|fault| format!("mail.password_file: {}: {fault}", file.display()))?;
                Some(Credentials::new(user.clone(), password.trim_end_matches(['\r', '\n']).to_owned()))
            }
            _ => None,
        };
        let hello = ClientId::Domain(own_host.split(':').next().unwrap_or_default().to_owned());
        let (server, port, tls) = (settings.server.clone(), settings.port(), settings.tls);
        Ok(Self { server, port, tls, parameters, credentials, hello, from })
    }

    /// Connects and signs in. Without TLS nothing is sent to another machine.
    pub async fn connect(&self) -> Result<AsyncSmtpConnection, Sending> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.open()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(fault)) => Err(Sending::Later(said(&fault))),
            Err(_) => Err(Sending::Later("connection: time-out".to_owned())),
        }
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Error> {
        let at_once = self.parameters.clone().filter(|_| self.tls == MailTls::Tls);
        let server = (self.server.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT_TIMEOUT), &self.hello, at_once, None).await?;
        if self.tls == MailTls::StartTls
            && let Some(parameters) = &self.parameters
        {
            // Fails where the server offers none: a stranger on the way might have cut it out.
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }

    /// Hands one mail over. After anything but [`Sending::Sent`] the connection is of no use any more.
    pub async fn send(&self, connection: &mut AsyncSmtpConnection, envelope: &Envelope, mail: &[u8]) -> Sending {
        match tokio::time::timeout(SEND_TIMEOUT, hand_over(connection, envelope, mail)).await {
            Ok(Ok(())) => Sending::Sent,
            Ok(Err(sending)) => sending,
            Err(_) => Sending::Later("sending: time-out".to_owned()),
        }
    }
}

async fn hand_over(connection: &mut AsyncSmtpConnection, envelope: &Envelope, mail: &[u8]) -> Result<(), Sending> {
    let later = |fault: Error| Sending::Later(said(&fault));
    let mut parameters = Vec::new();
    let mut addresses = envelope.to().iter().chain(envelope.from());
    if !addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Sending::Bounced("the mail server takes no address with such letters".to_owned()));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    // Refuses the sender: a fault of the settings, not of the receiver.
    connection.command(Mail::new(envelope.from().cloned(), parameters)).await.map_err(later)?;
    for receiver in envelope.to() {
        let refused = |fault: Error| {
            if fault.is_permanent() { Sending::Bounced(said(&fault)) } else { later(fault) }
        };
        connection.command(Rcpt::new(receiver.clone(), Vec::new())).await.map_err(refused)?;
    }
    let refused = |fault: Error| if fault.is_permanent() { Sending::Refused(said(&fault)) } else { later(fault) };
    connection.command(Data).await.map_err(refused)?;
    connection.message(mail).await.map_err(refused)?;
    Ok(())
}

fn parameters(settings: &Settings) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(settings.server.clone());
    if let Some(file) = &settings.roots {
        let pem = std::fs::read(file).map_err(|fault| format!("mail.roots: {}: {fault}", file.display()))?;
        let root = Certificate::from_pem(&pem).map_err(|_| format!("mail.roots: {}: no PEM", file.display()))?;
        builder = builder.certificate_store(lettre::transport::smtp::client::CertificateStore::None);
        builder = builder.add_root_certificate(root);
    }
    builder.build_rustls().map_err(|fault| format!("mail.tls: {fault}"))
}

/// An error with its causes, in one line.
fn said(fault: &Error) -> String {
    let mut text = fault.to_string();
    let mut cause = std::error::Error::source(fault);
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}
