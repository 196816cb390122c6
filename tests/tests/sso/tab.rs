//! A browser that goes to the provider and comes back: it follows where it is led and fills the forms that it is shown.

use crate::support::*;
use reqwest::Url;
use std::collections::BTreeMap;

/// Cookies of the portal and of the provider, each kept from the other.
pub struct Tab {
    pub door: Door,
    pub cookies: BTreeMap<String, String>,
    client: reqwest::Client,
    provider: BTreeMap<String, String>,
}

impl Tab {
    pub fn new(door: Door, root: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(root.as_bytes()).unwrap()])
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { door, cookies: BTreeMap::new(), client, provider: BTreeMap::new() }
    }

    /// Opens an address of the portal's, as a link on another site would.
    pub async fn open(&mut self, target: &str) -> Answer {
        let mut headers = vec![("sec-fetch-site".to_owned(), "cross-site".to_owned())];
        if !self.cookies.is_empty() {
            headers.push(("cookie".to_owned(), header(&self.cookies)));
        }
        let answer = self.door.send("GET", target, &headers, Vec::new()).await;
        keep(&mut self.cookies, &answer);
        answer
    }

    /// Begins at the portal; returns the address at the provider that it leads to.
    pub async fn leave(&mut self, entrance: &str) -> Url {
        let answer = self.open(entrance).await;
        Url::parse(answer.expect(303).header("location")).unwrap()
    }

    /// Signs in at the provider; returns the address at the portal that it leads back to, with its query.
    pub async fn authenticate(&mut self, url: Url, login: &str) -> String {
        let (mut url, mut form) = (url, None);
        for _ in 0..10 {
            let answer = self.visit(&url, form.take()).await;
            if answer.status == 200 {
                assert!(answer.text().contains("<form method=\"post\">"), "{}", answer.text());
                form = Some(login);
                continue;
            }
            assert!(answer.status.is_redirection(), "{url}: {} {}", answer.status, answer.text());
            url = url.join(answer.header("location")).unwrap();
            if url.host_str() == Some("portal.test") {
                return format!("{}?{}", url.path(), url.query().unwrap_or_default());
            }
        }
        panic!("the provider leads in circles: {url}");
    }

    /// The whole way.
    pub async fn sign_in(&mut self, entrance: &str, login: &str) -> Answer {
        let url = self.leave(entrance).await;
        let back = self.authenticate(url, login).await;
        self.open(&back).await
    }

    /// The page of the provider that asks who somebody is.
    pub async fn see_form(&mut self, url: Url) -> String {
        let answer = self.visit(&url, None).await;
        let url = url.join(answer.header("location")).unwrap();
        self.visit(&url, None).await.text()
    }

    /// The portal's pages and calls with this tab's session.
    pub fn browser(&self) -> Browser {
        let mut browser = Browser::new(self.door.clone(), std::sync::Arc::new(SystemTimeClock));
        browser.cookie = self.cookies.get("__Host-session").cloned();
        browser
    }

    async fn visit(&mut self, url: &Url, login: Option<&str>) -> Answer {
        let mut request = match login {
            Some(login) => {
                let body = format!("login={}", login.replace('@', "%40"));
                let kind = ("content-type", "application/x-www-form-urlencoded");
                self.client.post(url.clone()).header(kind.0, kind.1).body(body)
            }
            None => self.client.get(url.clone()),
        };
        if !self.provider.is_empty() {
            request = request.header("cookie", header(&self.provider));
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let answer = Answer { status, headers, body: answer.bytes().await.unwrap().to_vec() };
        keep(&mut self.provider, &answer);
        answer
    }
}

fn header(cookies: &BTreeMap<String, String>) -> String {
    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

fn keep(cookies: &mut BTreeMap<String, String>, answer: &Answer) {
    for cookie in answer.headers.get_all("set-cookie") {
        let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
        let value = rest.split(';').next().unwrap();
        if value.is_empty() || rest.contains("1970") {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
