//! Where a PostgreSQL database is.

use postgres::Config;
use postgres::config::Host;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The address of a database, `postgres://USER:PASSWORD@HOST/DATABASE`. No text made from it shows the password.
#[derive(Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Config);

impl Address {
    /// Reads an address. The refusal never repeats it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        let config = url.parse::<Config>().ok().filter(|_| is_url);
        let config = config.ok_or("is not an address like postgres://USER@HOST/DATABASE")?;
        if config.get_hosts().is_empty() || config.get_user().is_none() || config.get_dbname().is_none() {
            return Err("needs a user, a host and a database: postgres://USER@HOST/DATABASE".to_owned());
        }
        Ok(Address(config))
    }

    /// Whether nothing leaves this machine on the way to the database.
    pub fn is_local(&self) -> bool {
        let named = self.0.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
            #[cfg(unix)]
            Host::Unix(_) => true,
        });
        named && self.0.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
    }

    pub(super) fn is_socket(&self) -> bool {
        #[cfg(unix)]
        return self.0.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        #[cfg(not(unix))]
        return false;
    }

    pub(super) fn config(&self) -> &Config {
        &self.0
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        Address::parse(&zeroize::Zeroizing::new(url))
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = if self.0.get_password().is_some() { ":***" } else { "" };
        let hosts = self.0.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        let (user, name) = (self.0.get_user().unwrap_or_default(), self.0.get_dbname().unwrap_or_default());
        write!(f, "postgres://{user}{password}@{hosts}/{name}")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_in_no_text() {
        let address = Address::parse("postgres://portal:hunter2@db.example/twinlock").unwrap();
        let shown = format!("{address} {address:?} {}", serde_json::to_string(&address).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        for wrong in ["postgres://portal:hunter2@db.example/twinlock?hunter2=1", "host=db password=hunter2", "hunter2"]
        {
            let refusal = serde_json::from_value::<Address>(wrong.into()).unwrap_err().to_string();
            assert!(refusal.contains("postgres://USER@HOST/DATABASE") && !refusal.contains("hunter2"), "{refusal}");
        }
    }

    #[test]
    fn only_sockets_and_loopback_are_local() {
        let is_local = |host: &str| Address::parse(&format!("postgres://portal@{host}")).unwrap().is_local();
        for host in ["localhost/db", "127.0.0.1:5433/db", "%2Frun%2Fpostgresql/db", "/db?host=/run/postgresql"] {
            assert!(is_local(host), "{host}");
        }
        for host in ["db.example/db", "10.0.0.1/db", "localhost,db.example/db", "localhost/db?hostaddr=10.0.0.1"] {
            assert!(!is_local(host), "{host}");
        }
    }
}
