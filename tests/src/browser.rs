//! A browser without a screen: a cookie jar, pages, forms.

use crate::secrets::Secrets;
use crate::{Doing, Fault, Result};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Certificate, Client, Method, StatusCode, redirect};
use std::collections::BTreeMap;

/// A page that arrived.
#[derive(Debug)]
pub struct Page {
    /// Its status.
    pub status: StatusCode,
    /// Its path, after all redirects.
    pub path: String,
    /// Its HTML.
    pub html: String,
}

/// A browser that somebody is signed in with.
pub struct Browser {
    client: Client,
    base: String,
    cookies: BTreeMap<String, String>,
    secrets: Secrets,
}

const MOST_REDIRECTS: usize = 5;

impl Browser {
    /// A browser that trusts this root and nothing else.
    pub fn open(base: &str, root_pem: &[u8], secrets: &Secrets) -> Result<Self> {
        let root = Certificate::from_pem(root_pem).doing("the root certificate")?;
        let client = Client::builder()
            .tls_certs_only([root])
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()
            .doing("a browser cannot be made")?;
        Ok(Self { client, base: base.to_owned(), cookies: BTreeMap::new(), secrets: secrets.clone() })
    }

    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Result<Page> {
        self.follow(Method::GET, path, None).await
    }

    /// Sends a form.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.follow(Method::POST, path, Some(pairs.join("&"))).await
    }

    async fn follow(&mut self, method: Method, path: &str, form: Option<String>) -> Result<Page> {
        let (mut method, mut path, mut form) = (method, path.to_owned(), form);
        for _ in 0..MOST_REDIRECTS {
            let doing = format!("{method} {path}");
            let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
            if !self.cookies.is_empty() {
                let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header(COOKIE, pairs.join("; "));
            }
            if let Some(form) = form.take() {
                request = request
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(ORIGIN, &self.base)
                    .header("sec-fetch-site", "same-origin")
                    .body(form);
            }
            let answer = request.send().await.doing(&doing)?;
            for set in answer.headers().get_all(SET_COOKIE) {
                self.keep_cookie(set.to_str().doing(&doing)?)?;
            }
            let status = answer.status();
            if status.is_redirection() {
                let next = answer.headers().get(LOCATION).and_then(|next| next.to_str().ok());
                path = next.filter(|next| next.starts_with('/')).doing(format!("{doing} leads nowhere"))?.to_owned();
                method = Method::GET;
                continue;
            }
            return Ok(Page { status, path, html: answer.text().await.doing(&doing)? });
        }
        Err(Fault(format!("{path} leads in circles")))
    }

    fn keep_cookie(&mut self, set: &str) -> Result<()> {
        let pair = set.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else { return Ok(()) };
        if value.is_empty() {
            self.cookies.remove(name.trim());
            return Ok(());
        }
        self.secrets.note("cookie", value)?;
        self.cookies.insert(name.trim().to_owned(), value.to_owned());
        Ok(())
    }
}

impl Page {
    /// This page, if it is the one at `path` and was answered well.
    pub fn expect(self, path: &str) -> Result<Self> {
        let at = self.path.split('?').next().unwrap_or_default();
        if self.status.is_success() && at == path {
            return Ok(self);
        }
        let said = self.between("role=\"alert\"", "</p>").or_else(|| self.between("<h1", "</h1>")).unwrap_or_default();
        let said = said.split_once('>').map_or(said, |(_, text)| text);
        Err(Fault(format!("expected the page {path}, arrived at {} ({}): {said}", self.path, self.status.as_u16())))
    }

    /// The text between two marks.
    pub fn between(&self, from: &str, to: &str) -> Option<&str> {
        let (_, rest) = self.html.split_once(from)?;
        rest.split_once(to).map(|(text, _)| text)
    }

    /// The last text between `from` and `to` that stands before `mark`.
    pub fn before(&self, mark: &str, from: &str, to: &str) -> Option<&str> {
        let (head, _) = self.html.split_once(mark)?;
        let (_, rest) = head.rsplit_once(from)?;
        rest.split_once(to).map(|(text, _)| text)
    }

    /// The first text between `from` and `to` that stands after `mark`.
    pub fn after(&self, mark: &str, from: &str, to: &str) -> Option<&str> {
        let (_, tail) = self.html.split_once(mark)?;
        let (_, rest) = tail.split_once(from)?;
        rest.split_once(to).map(|(text, _)| text)
    }

    /// The value of the form field, as the browser would send it back.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.between(&format!("name=\"{name}\" value=\""), "\"")
    }

    /// The page that a `next` parameter of the address names.
    pub fn next(&self) -> String {
        let next = self.path.split_once("next=").map(|(_, next)| next).unwrap_or_default();
        percent_decode_str(next).decode_utf8_lossy().into_owned()
    }
}
