//! Configuration: a TOML file, then `TWINLOCK_` environment variables, then flags.

use crate::store::Address;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Everything an operator can set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder of the files, and of the database if it is SQLite.
    pub data: PathBuf,
    /// A PostgreSQL database, `postgres://USER@HOST/DATABASE`; without it SQLite in the data folder.
    pub database: Option<Address>,
    /// The root certificates (PEM) that the database's server is known by; needed where it is another machine.
    pub database_roots: Option<PathBuf>,
    /// The key-encryption key, mode 0600, outside the data folder.
    pub key_file: PathBuf,
    /// The root certificates (PEM) that identity providers are known by; without it those of the system.
    pub provider_roots: Option<PathBuf>,
    /// Where members and devices connect.
    pub listen: SocketAddr,
    /// Where the operator's probes connect; keep it private.
    pub management_listen: SocketAddr,
    /// The address that members and devices see; signatures are bound to its authority.
    pub public_url: String,
    /// Further names that unsigned requests may call the portal by, as `HOST` or `HOST:PORT`; signatures stay bound to
    /// `public_url`.
    pub other_hosts: Vec<String>,
    /// Certificate and key; without them a proxy in front has to do TLS.
    pub tls: Option<Tls>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Sign-ins a minute from one network (/32, /64) before it has to wait.
    pub sign_ins_a_minute: u32,
    /// Requests a second from one network before it has to wait.
    pub requests_a_second: u32,
    /// The mail server; without it mails are kept, and shown to the admins.
    pub mail: Option<Mail>,
    /// Log filter in `tracing` syntax.
    pub log: String,
}

/// The mail server (SMTP).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Its name.
    pub server: String,
    /// Its port; by default 587, with `tls = "tls"` 465.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: MailTls,
    /// The root certificates (PEM) that it is known by; without it those of the web.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// The name to sign in with, if it wants one.
    #[serde(default)]
    pub user: Option<String>,
    /// The file of the password that belongs to it.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The sender, as `NAME <ADDRESS>` or `ADDRESS`.
    pub from: String,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// It begins in clear text and goes on in TLS, or not at all.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None: for a server on this machine alone.
    None,
}

impl Mail {
    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls == MailTls::Tls { 465 } else { 587 })
    }

    fn check(&self) -> Result<(), String> {
        let is_local = self.server == "localhost"
            || self.server.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if self.tls == MailTls::None && !is_local {
            return Err("mail.tls: \"none\" is for a mail server on this machine alone".to_owned());
        }
        if self.from.parse::<lettre::message::Mailbox>().is_err() {
            return Err("mail.from: must be ADDRESS or NAME <ADDRESS>".to_owned());
        }
        if self.user.is_some() != self.password_file.is_some() {
            return Err("mail.user and mail.password_file: give both or none".to_owned());
        }
        Ok(())
    }
}

/// PEM files.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What the command line says about every command's database; it wins over file and environment.
#[derive(Default, clap::Args, Serialize)]
pub struct Flags {
    /// PostgreSQL database, postgres://USER@HOST/DATABASE; without it SQLite in the data folder. A password belongs into
    /// the configuration file or into TWINLOCK_DATABASE: other users of this machine see arguments
    #[arg(long, global = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    /// Root certificates (PEM) that the database's server is known by, where it is another machine
    #[arg(long, global = true, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_roots: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            database: None,
            database_roots: None,
            key_file: PathBuf::from("twinlock.key"),
            provider_roots: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            management_listen: SocketAddr::from(([127, 0, 0, 1], 9443)),
            public_url: "https://localhost:8443".to_owned(),
            other_hosts: Vec::new(),
            tls: None,
            trusted_proxies: Vec::new(),
            sign_ins_a_minute: 30,
            requests_a_second: 500,
            mail: None,
            log: "info".to_owned(),
        }
    }
}

impl Config {
    /// Reads the file (if any), the environment and the flags; the error names the file or the variable at fault.
    pub fn read(file: Option<&Path>, flags: &Flags) -> Result<Self, String> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let figment = figment.merge(Env::prefixed("TWINLOCK_").split("__")).merge(Serialized::defaults(flags));
        let config: Self = figment.extract().map_err(|fault| fault.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// Host and port as they stand in a request's `Host`, without the scheme's default port.
    pub fn authority(&self) -> &str {
        self.public_url.strip_prefix("https://").unwrap_or_default().trim_end_matches('/')
    }

    /// True if a request may call the portal by this name, whose case and default port do not matter.
    pub fn is_own_host(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(":443").unwrap_or(&name);
        let is = |own: &str| own.strip_suffix(":443").unwrap_or(own) == name;
        is(self.authority()) || self.other_hosts.iter().any(|own| is(own))
    }

    fn check(&self) -> Result<(), String> {
        let authority = self.authority();
        if authority.is_empty() || authority.contains('/') || authority.to_ascii_lowercase() != authority {
            return Err("public_url: must be https://HOST or https://HOST:PORT in lower case".to_owned());
        }
        let is_plain =
            |host: &String| !host.is_empty() && *host == host.to_ascii_lowercase() && !host.contains(['/', ' ', '*']);
        if !self.other_hosts.iter().all(is_plain) {
            return Err("other_hosts: each must be HOST or HOST:PORT in lower case".to_owned());
        }
        let key_file = std::path::absolute(&self.key_file).map_err(|fault| fault.to_string())?;
        let data = std::path::absolute(&self.data).map_err(|fault| fault.to_string())?;
        if key_file.starts_with(data) {
            return Err("key_file: must not lie in the data folder; a copy of the data must not open itself".to_owned());
        }
        if let Some(mail) = &self.mail {
            mail.check()?;
        }
        if self.tls.is_none() && self.trusted_proxies.is_empty() {
            return Err("tls: public_url is https, but there is neither a certificate nor a trusted proxy".to_owned());
        }
        Ok(())
    }
}
