//! Where a signed request goes, cut out of its address.

use crate::error::{Error, Result};

/// An `https` address (RFC 9110 §4.2.2) as a signature covers it: authority, path and query (RFC 9421 §2.2.3, 2.2.6, 2.2.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host in lower case, with the port unless it is 443.
    pub authority: String,
    /// The path exactly as it stands, `/` if there is none.
    pub path: String,
    /// What stands behind the question mark; `None` if there is none.
    pub query: Option<String>,
}

/// Longer addresses are refused by most servers as well (RFC 9110 §4.1 asks for 8000 octets at least).
const MAX_LEN: usize = 8_000;

impl Target {
    /// Reads an absolute address strictly.
    ///
    /// # Errors
    /// [`Error::BadRequest`] for another scheme, a user name in it, a fragment, or anything but visible ASCII: the app's
    /// developer corrects it.
    pub fn parse(url: &str) -> Result<Self> {
        let is_plain = url.len() <= MAX_LEN && url.bytes().all(|byte| byte.is_ascii_graphic());
        let rest = url.strip_prefix("https://").filter(|_| is_plain && !url.contains(['#', '\\', '"']));
        let rest = rest.ok_or(Error::BadRequest)?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query.to_owned())));
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { authority: canonical_authority(authority)?, path: path.to_owned(), query })
    }
}

/// Host and port in their one spelling: lower case, without the port 443.
///
/// # Errors
/// [`Error::BadRequest`] for what is no host name (letters, digits, `-`, `.`), no address in brackets, or no port.
pub fn canonical_authority(authority: &str) -> Result<String> {
    let authority = authority.to_ascii_lowercase();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority.as_str(), None),
    };
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    let is_host = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|a| a.parse::<std::net::Ipv6Addr>().is_ok()),
        None => !host.is_empty() && is_name(host),
    };
    let number = port.map(|port| port.parse::<u16>().ok().filter(|number| number.to_string() == port));
    match (is_host, number) {
        (true, None | Some(Some(443))) => Ok(host.to_owned()),
        (true, Some(Some(number))) => Ok(format!("{host}:{number}")),
        _ => Err(Error::BadRequest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_cut_as_a_signature_covers_it() {
        let parts = |url| Target::parse(url).map(|t| (t.authority, t.path, t.query)).unwrap();
        let of = |authority: &str, path: &str, query: Option<&str>| {
            (authority.to_owned(), path.to_owned(), query.map(str::to_owned))
        };
        assert_eq!(parts("https://API.example.org:443"), of("api.example.org", "/", None));
        assert_eq!(
            parts("https://api.example.org:8443/a%2Fb?x=1?y"),
            of("api.example.org:8443", "/a%2Fb", Some("x=1?y"))
        );
        assert_eq!(parts("https://[2001:db8::1]:8443?"), of("[2001:db8::1]:8443", "/", Some("")));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for url in [
            "http://a.example/",
            "https://",
            "https:///a",
            "https://user@a.example/",
            "https://a.example/#b",
            "a.example",
            "https://a.example:0443/",
            "https://a.example:/",
            "https://a.example:99999/",
            "https://a.example/ü",
            "https://a.example/a b",
            "https://a.example\\b",
            "https://a_b.example/",
            "https://[::1/",
            "https://[x]/",
            "HTTPS://a.example/",
            "https://a.example/\r\nx: y",
            "https://a.example/\"",
        ] {
            assert_eq!(Target::parse(url), Err(Error::BadRequest), "{url}");
        }
        assert_eq!(Target::parse(&format!("https://a.example/{}", "a".repeat(8_000))), Err(Error::BadRequest));
    }
}
