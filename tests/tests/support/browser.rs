//! A browser: one cookie, pages and the admin's JSON calls.

use super::{Answer, Authenticator, Door, PASSWORD, Phone};
use data_encoding::BASE32;
use serde_json::{Value, json};
use std::sync::Arc;
use twinlock_core::code::OneTimeCode;
use twinlock_core::ports::Clock;
use twinlock_core::wire::TwoStepSetUp;

pub struct Browser {
    pub door: Door,
    clock: Arc<dyn Clock>,
    pub cookie: Option<String>,
    pub authenticator: Option<Authenticator>,
    /// What the last set-up issued.
    pub recovery_codes: Vec<String>,
}

impl Browser {
    pub fn new(door: Door, clock: Arc<dyn Clock>) -> Self {
        Self { door, clock, cookie: None, authenticator: None, recovery_codes: Vec::new() }
    }

    /// Another tab: the same cookie.
    pub fn tab(&self) -> Self {
        Self { cookie: self.cookie.clone(), ..Self::new(self.door.clone(), self.clock.clone()) }
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.wall_ms().unwrap()
    }

    async fn send(&mut self, method: &str, target: &str, kind: &str, body: Vec<u8>) -> Answer {
        let mut headers = vec![("sec-fetch-site".to_owned(), "same-origin".to_owned())];
        if !kind.is_empty() {
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        if let Some(cookie) = &self.cookie {
            headers.push(("cookie".to_owned(), format!("__Host-session={cookie}")));
        }
        let answer = self.door.send(method, target, &headers, body).await;
        for value in answer.headers.get_all("set-cookie") {
            let value = value.to_str().unwrap();
            if let Some(rest) = value.strip_prefix("__Host-session=") {
                assert!(value.contains("HttpOnly") && value.contains("Secure") && value.contains("Path=/"), "{value}");
                self.cookie = rest.split(';').next().filter(|token| !token.is_empty()).map(str::to_owned);
            }
        }
        answer
    }

    pub async fn get(&mut self, target: &str) -> Answer {
        self.send("GET", target, "", Vec::new()).await
    }

    pub async fn form(&mut self, target: &str, fields: &[(&str, &str)]) -> Answer {
        let escape = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        let body: Vec<String> = fields.iter().map(|(k, v)| format!("{}={}", escape(k), escape(v))).collect();
        self.send("POST", target, "application/x-www-form-urlencoded", body.join("&").into_bytes()).await
    }

    /// Sends a file as the form of the files page does. `name` goes out as it is.
    pub async fn upload(&mut self, name: &str, content: &[u8]) -> Answer {
        let head = format!(
            "--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
            Content-Type: text/html\r\n\r\n"
        );
        let body = [head.as_bytes(), content, b"\r\n--boundary--\r\n"].concat();
        self.upload_raw(body).await
    }

    /// Sends this body to where files are added.
    pub async fn upload_raw(&mut self, body: Vec<u8>) -> Answer {
        self.send("POST", "/files/upload", "multipart/form-data; boundary=boundary", body).await
    }

    pub async fn post(&mut self, target: &str, body: &Value) -> Answer {
        self.send("POST", target, "application/json", body.to_string().into_bytes()).await
    }

    pub async fn put(&mut self, target: &str, body: &Value) -> Answer {
        self.send("PUT", target, "application/json", body.to_string().into_bytes()).await
    }

    pub async fn delete(&mut self, target: &str) -> Answer {
        self.send("DELETE", target, "", Vec::new()).await
    }

    pub async fn try_sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.form("/sign-in", &[("name", name), ("password", password), ("next", "")]).await
    }

    pub async fn sign_in(&mut self, name: &str) {
        self.try_sign_in(name, PASSWORD).await.expect(303);
        assert!(self.cookie.is_some());
    }

    /// The step that the portal sees for this session.
    pub async fn step(&mut self) -> String {
        let answer = self.get("/v1/step").await;
        answer.step()
    }

    /// Begins the set-up over the JSON interface, which gives the URI.
    pub async fn begin_set_up(&mut self) -> Answer {
        self.post("/v1/two-step/set-up", &Value::Null).await
    }

    /// Sets two-step up with the present code.
    pub async fn set_up(&mut self) {
        let set_up: TwoStepSetUp = self.begin_set_up().await.json();
        let authenticator = Authenticator::from_uri(set_up.uri.expose());
        let code = authenticator.code_at(self.now_ms());
        let page = self.form("/set-up/confirm", &[("code", &code), ("next", "")]).await;
        self.save_codes(&page).await.expect(303);
        self.authenticator = Some(authenticator);
    }

    /// Takes down the codes of the page that shows them, and says so.
    pub async fn save_codes(&mut self, page: &Answer) -> Answer {
        let text = page.expect(200).text();
        self.recovery_codes = Self::shown_codes(&text);
        let fields = Self::saved_fields(&text);
        let mut fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.push(("saved", "yes"));
        self.form("/account/recovery-codes/saved", &fields).await
    }

    /// What the page with the codes sends, without the box that says that they are saved.
    pub fn saved_fields(page: &str) -> Vec<(&'static str, String)> {
        let field =
            |name: &str| page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap();
        let mut fields = vec![];
        for name in ["issued_ms", "next", "done"] {
            fields.push((name, field(name).replace("&#38;", "&")));
        }
        fields.extend(Self::shown_codes(page).into_iter().map(|code| ("code", code)));
        fields
    }

    /// Where the wizard's last page leads.
    pub async fn finish(&mut self, saved: &Answer) -> String {
        let done = saved.expect(303).header("location").to_owned();
        assert!(done.starts_with("/set-up/done?next="), "{done}");
        let page = self.get(&done).await.expect(200).text();
        let link = page.split("<a class=\"button primary\" href=\"").nth(1).unwrap();
        link.split('"').next().unwrap().replace("&#38;", "&")
    }

    /// The recovery codes that a page shows.
    pub fn shown_codes(page: &str) -> Vec<String> {
        let list = page.split("<ul class=\"codes mono\">").nth(1).unwrap().split("</ul>").next().unwrap();
        list.split("<li>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    }

    /// Submits a recovery code on its page.
    pub async fn recover(&mut self, code: &str) -> Answer {
        self.form("/recovery", &[("code", code), ("next", "/files")]).await
    }

    pub async fn code(&mut self, code: &str) -> Answer {
        self.form("/code", &[("code", code), ("next", "")]).await
    }

    /// Shows the present code.
    pub async fn enter_code(&mut self) {
        let code = self.authenticator.as_ref().unwrap().code_at(self.now_ms());
        self.code(&code).await.expect(303);
    }

    pub async fn policy(&mut self) -> Value {
        self.get("/v1/admin/policy").await.json()
    }

    /// Saves the present policy with some rules replaced.
    pub async fn change_policy(&mut self, rules: Value, reason: &str) -> Answer {
        let now = self.policy().await;
        let mut wanted = now["requires"].clone();
        for (name, value) in rules.as_object().unwrap() {
            wanted[name] = value.clone();
        }
        let change = json!({ "version": now["version"], "requires": wanted, "reason": reason });
        self.put("/v1/admin/policy", &change).await
    }

    /// Signs in as Ada, requires two-step from everybody and sets up her own.
    pub async fn enforce(&mut self) {
        self.sign_in(super::ADA).await;
        self.require_two_step().await;
        self.set_up().await;
    }

    pub async fn require_two_step(&mut self) {
        self.change_policy(json!({ "two_step": true }), "").await.expect(200);
    }

    pub async fn approve(&mut self, phone: &Phone) -> Answer {
        self.type_comparison(&phone.device_id(), &phone.comparison_code()).await
    }

    pub async fn type_comparison(&mut self, device: &str, code: &str) -> Answer {
        let target = format!("/v1/admin/devices/{device}/approve");
        self.post(&target, &json!({ "comparison_code": code })).await
    }

    pub async fn decide(&mut self, device: &str, what: &str) -> Answer {
        self.post(&format!("/v1/admin/devices/{device}/{what}"), &Value::Null).await
    }

    /// The secret of the page that shows it, as somebody types it from there.
    pub fn typed_key(page: &str) -> Authenticator {
        let key = page.split("<p class=\"key mono\">").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
        let key: String = key.chars().filter(|c| !c.is_whitespace()).collect();
        let bytes = BASE32.decode(key.as_bytes()).unwrap();
        assert_eq!(bytes.len(), 20);
        Authenticator(OneTimeCode::parse_uri(&format!("otpauth://totp/typed?secret={key}")).unwrap())
    }
}
