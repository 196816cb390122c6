//! A mail's words: subject, text and HTML, in the receiver's language and zone.
//!
//! What people or devices are called is written by strangers: it is shortened, and nothing in it becomes a link.

use crate::mail::outbox::Kind;
use crate::words::{Words, value};
use askama::Template;
use fluent_templates::fluent_bundle::FluentValue;
use serde_json::{Map, Value};

/// What a mail says.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The subject.
    pub subject: String,
    /// The part in plain text.
    pub text: String,
    /// The part in HTML.
    pub html: String,
}

/// Who reads it, and about what.
pub struct About<'a> {
    /// How the receiver is spoken to.
    pub words: &'a Words,
    /// The receiver's name.
    pub name: &'a str,
    /// The organisation's name.
    pub organisation: &'a str,
    /// What the mail is about.
    pub kind: Kind,
    /// Plain values; see [`Message`](crate::mail::outbox::Message).
    pub facts: &'a Map<String, Value>,
    /// When it happened, epoch milliseconds.
    pub at_ms: u64,
}

/// The links of a mail, as whole addresses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Links<'a> {
    /// An invitation's, or the one that confirms a set-up.
    pub own: Option<&'a str>,
    /// The one that freezes the account.
    pub freeze: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    language: &'static str,
    subject: &'a str,
    greeting: &'a str,
    paragraphs: &'a [String],
    details: &'a [(String, String)],
    own: Option<(&'a str, &'a str)>,
    freeze: Option<(&'a str, &'a str, &'a str)>,
    closing: &'a str,
}

/// A name longer than this many characters is cut.
const MAX_NAME: usize = 60;

/// Writes a mail.
pub fn write(about: &About<'_>, links: Links<'_>) -> Letter {
    let words = about.words;
    let fact = |name: &str| about.facts.get(name).and_then(Value::as_str).map(tame);
    let organisation = tame(about.organisation);
    let values: [(&'static str, FluentValue<'static>); 4] = [
        ("organisation", organisation.clone().into()),
        ("who", fact("who").unwrap_or_default().into()),
        ("role", role(words, about.facts).into()),
        ("count", value(about.facts.get("left").and_then(Value::as_u64).unwrap_or_default())),
    ];
    let (subject, text) = about.kind.keys();
    let subject = words.with("mails-subject", &[("subject", words.with(subject, &values).into()), values[0].clone()]);
    let greeting = words.with("mails-greeting", &[("name", tame(about.name).into())]);
    let paragraphs: Vec<String> = words.with(text, &values).split("\n\n").map(str::to_owned).collect();
    let details = details(about, fact);
    let closing = words.with("mails-closing", &values);
    let link_label = words.say(about.kind.link_label().unwrap_or("mails-way-in"));
    let (question, freeze_label) = (words.say("mails-not-me"), words.say("mails-freeze"));
    let html = Html {
        language: words.language().tag(),
        subject: &subject,
        greeting: &greeting,
        paragraphs: &paragraphs,
        details: &details,
        own: links.own.map(|link| (link, link_label.as_str())),
        freeze: links.freeze.map(|link| (link, question.as_str(), freeze_label.as_str())),
        closing: &closing,
    };
    let html = html.render().unwrap_or_default();
    let mut parts = vec![greeting.clone()];
    parts.extend(paragraphs.iter().cloned());
    if !details.is_empty() {
        parts.push(details.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n"));
    }
    parts.extend(links.own.map(|link| format!("{link_label}:\n{link}")));
    parts.extend(links.freeze.map(|link| format!("{question}\n{freeze_label}:\n{link}")));
    parts.push(format!("-- \n{closing}"));
    Letter { subject, text: parts.join("\n\n") + "\n", html }
}

/// Facts as lines of their own, so that what a stranger wrote stands in no sentence of ours.
fn details(about: &About<'_>, fact: impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    let words = about.words;
    let mut details = vec![(words.say("mails-when"), words.time(about.at_ms))];
    details.extend(fact("device").map(|device| {
        let device = words.with("mails-quoted", &[("text", device.into())]);
        (words.say("mails-device"), device)
    }));
    details.extend(fact("address").map(|address| (words.say("mails-address"), address)));
    details.extend(fact("by").map(|by| (words.say("mails-by"), by)));
    details
}

fn role(words: &Words, facts: &Map<String, Value>) -> String {
    words.say(match facts.get("role").and_then(Value::as_str) {
        Some("admin") => "mails-role-admin",
        Some("auditor") => "mails-role-auditor",
        _ => "mails-role-member",
    })
}

/// A text of a stranger, fit for a mail: one short line that no program takes for an address.
pub fn tame(text: &str) -> String {
    let is_hidden = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let plain: Vec<char> = text.trim().chars().filter(|c| !is_hidden(c)).collect();
    let is_cut = plain.len() > MAX_NAME;
    let mut tamed = String::with_capacity(plain.len());
    for (at, c) in plain.iter().take(MAX_NAME).enumerate() {
        let next = plain.get(at + 1).copied().unwrap_or(' ');
        let before = at.checked_sub(1).and_then(|at| plain.get(at)).copied().unwrap_or(' ');
        match c {
            // Between letters it makes a host's name; between digits it is a version.
            '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' if next.is_alphabetic() && before.is_alphanumeric() => {
                tamed.push_str("[.]");
            }
            ':' if next == '/' => tamed.push_str("[:]"),
            '@' | '\u{ff20}' => tamed.push_str("[at]"),
            c => tamed.push(*c),
        }
    }
    if is_cut {
        tamed.push('…');
    }
    tamed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HOSTILE: &str = "Phone <b>x</b> http://evil.example/login \"\r\nBcc: all@evil.example";

    fn letter(kind: Kind, language: &str, facts: Value, links: Links<'_>) -> Letter {
        let words = Words::of_member(language, "Europe/Berlin");
        let Value::Object(facts) = facts else { panic!("an object") };
        let about = About {
            words: &words,
            name: "Bo <i>Brandt</i>",
            organisation: "Harbour & Söhne",
            kind,
            facts: &facts,
            at_ms: 1_795_512_605_000,
        };
        write(&about, links)
    }

    #[test]
    fn every_kind_is_written_in_every_language_and_without_a_link_of_its_own() {
        let facts =
            json!({ "device": "Pixel", "address": "192.0.2.1", "by": "Ada", "who": "Bo", "role": "admin", "left": 1 });
        for kind in Kind::ALL {
            let [english, german] =
                ["en", "de"].map(|language| letter(*kind, language, facts.clone(), Links::default()));
            assert_ne!(english.text, german.text, "{kind:?}");
            for letter in [english, german] {
                assert!(letter.subject.ends_with("Harbour & Söhne"), "{}", letter.subject);
                assert!(!letter.text.contains("mails-") && !letter.subject.contains("mails-"), "{}", letter.text);
                assert!(!letter.text.contains("://") && !letter.html.contains("://"), "{}", letter.text);
                assert!(
                    letter.html.contains("<!doctype html>") && !letter.html.contains("<i>Brandt"),
                    "{}",
                    letter.html
                );
            }
        }
    }

    #[test]
    fn b51_what_a_device_calls_itself_is_escaped_short_and_never_a_link() {
        let letter = letter(Kind::DeviceAsked, "en", json!({ "device": HOSTILE }), Links::default());
        for part in [&letter.text, &letter.html, &letter.subject] {
            assert!(!part.contains("://") && !part.contains("evil.example"), "{part}");
        }
        assert!(!letter.html.contains("<b>") && letter.html.contains("&#60;b&#62;"), "{}", letter.html);
        assert!(!letter.text.contains("\nBcc"), "{}", letter.text);
        assert_eq!(tame(&"x".repeat(500)).chars().count(), MAX_NAME + 1);
        for (text, tamed) in [
            ("Ada's iPhone 12.1", "Ada's iPhone 12.1"),
            ("evil.com", "evil[.]com"),
            ("evil\u{200b}.com", "evil[.]com"),
            ("evil。com", "evil[.]com"),
            ("https://1.2.3.4/", "https[:]//1.2.3.4/"),
            ("a@b", "a[at]b"),
            ("Dr. No", "Dr. No"),
        ] {
            assert_eq!(tame(text), tamed);
        }
    }

    #[test]
    fn times_are_in_the_receivers_zone_and_the_link_stands_in_both_parts() {
        let link = "https://localhost:8443/not-me/x_y";
        let links = Links { own: None, freeze: Some(link) };
        let letter = letter(Kind::SetUp, "de", json!({ "address": "192.0.2.1" }), links);
        assert!(letter.text.contains("24.11.2026, 10:30 CET") && letter.text.contains("192.0.2.1"), "{}", letter.text);
        assert!(letter.text.contains(&format!("\n{link}\n")), "{}", letter.text);
        assert!(letter.html.contains(&format!("href=\"{link}\"")), "{}", letter.html);
    }
}
