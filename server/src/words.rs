//! How the portal speaks to whoever reads: the language, the zone of times, and how pages look.
//!
//! Every text stands in `locales/`, in Fluent. What a browser chose (cookies) comes before what the member chose in
//! Account settings, and that before what the browser says it accepts.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::Cookie;
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader, langid, static_loader};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::collections::HashMap;

static_loader! {
    static TEXTS = {
        locales: "./locales",
        fallback_language: "en",
        // Marks around what is put in would be copied along with it.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

const ENGLISH: LanguageIdentifier = langid!("en");
const GERMAN: LanguageIdentifier = langid!("de");

/// The cookies of what a browser chose.
pub const LANGUAGE_COOKIE: &str = "__Host-language";
/// See [`LANGUAGE_COOKIE`].
pub const ZONE_COOKIE: &str = "__Host-zone";
/// See [`LANGUAGE_COOKIE`].
pub const APPEARANCE_COOKIE: &str = "__Host-appearance";

/// A language that the portal speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// All of them, in the order of the switch.
    pub const ALL: [Language; 2] = [Language::English, Language::German];

    /// The language of a tag (BCP 47), if it is spoken: `de`, `de-AT`.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The tag (BCP 47), as in the `lang` of a page.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
        }
    }

    /// Its own name for itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::German => "Deutsch",
        }
    }

    fn id(self) -> LanguageIdentifier {
        match self {
            Language::English => ENGLISH,
            Language::German => GERMAN,
        }
    }
}

/// How pages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Appearance {
    /// As the system does.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Appearance {
    /// All of them, in the order of the switch.
    pub const ALL: [Appearance; 3] = [Appearance::System, Appearance::Light, Appearance::Dark];

    /// The appearance of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|appearance| appearance.name() == name)
    }

    /// Its name in the cookie and in the page.
    pub fn name(self) -> &'static str {
        match self {
            Appearance::System => "system",
            Appearance::Light => "light",
            Appearance::Dark => "dark",
        }
    }

    /// The key of its name for people.
    pub fn key(self) -> &'static str {
        match self {
            Appearance::System => "appearance-system",
            Appearance::Light => "appearance-light",
            Appearance::Dark => "appearance-dark",
        }
    }
}

/// What one reader is spoken to with.
#[derive(Debug, Clone, Default)]
pub struct Words {
    language: Language,
    /// An IANA name; empty: UTC.
    zone: String,
    /// How pages look.
    pub appearance: Appearance,
    /// The page asked for, for the way back from a choice; `/` if it is none that can be asked for again.
    pub here: String,
    chosen_language: bool,
    chosen_zone: bool,
}

impl Words {
    /// Of a browser, before it is known who sits there.
    pub fn of(headers: &HeaderMap) -> Self {
        let jar = CookieJar::from_headers(headers);
        let cookie = |name: &str| jar.get(name).map(|cookie| cookie.value().to_owned());
        let chosen = cookie(LANGUAGE_COOKIE).and_then(|tag| Language::of_tag(&tag));
        let zone = cookie(ZONE_COOKIE).filter(|zone| is_zone(zone));
        Self {
            language: chosen.unwrap_or_else(|| accepted(headers)),
            chosen_language: chosen.is_some(),
            chosen_zone: zone.is_some(),
            zone: zone.unwrap_or_default(),
            appearance: cookie(APPEARANCE_COOKIE).and_then(|name| Appearance::of_name(&name)).unwrap_or_default(),
            here: "/".to_owned(),
        }
    }

    /// Of a member whom no browser speaks for, such as the reader of a mail. Empty: nothing was chosen.
    pub fn of_member(language: &str, zone: &str) -> Self {
        Self::default().or_of_member(language, zone)
    }

    /// With what the member chose where the browser chose nothing.
    pub fn or_of_member(mut self, language: &str, zone: &str) -> Self {
        if let Some(language) = Language::of_tag(language).filter(|_| !self.chosen_language) {
            self.language = language;
        }
        if !self.chosen_zone && is_zone(zone) {
            zone.clone_into(&mut self.zone);
        }
        self
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The zone's IANA name.
    pub fn zone(&self) -> &str {
        if self.zone.is_empty() { "UTC" } else { &self.zone }
    }

    /// A text without values.
    pub fn say(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// A text with values.
    pub fn with(&self, key: &str, values: &[(&'static str, FluentValue<'static>)]) -> String {
        self.find(key, values).unwrap_or_else(|| {
            tracing::error!(key, "a text is missing");
            key.to_owned()
        })
    }

    /// A text that may not exist.
    pub fn find(&self, key: &str, values: &[(&'static str, FluentValue<'static>)]) -> Option<String> {
        let values: HashMap<Cow<'static, str>, FluentValue<'_>> =
            values.iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())).collect();
        TEXTS.try_lookup_complete(&self.language.id(), key, Some(&values))
    }

    /// A text about a number of things, `$count`.
    pub fn count(&self, key: &str, count: u64) -> String {
        self.with(key, &[("count", value(count)), ("shown", self.number(count).into())])
    }

    /// A time in the reader's zone: `2026-11-24 10:30 CET`.
    pub fn time(&self, ms: u64) -> String {
        self.format(ms, "%Y-%m-%d %H:%M %Z", "%d.%m.%Y, %H:%M %Z")
    }

    /// A day in the reader's zone: `2026-11-24`.
    pub fn date(&self, ms: u64) -> String {
        self.format(ms, "%Y-%m-%d", "%d.%m.%Y")
    }

    /// A time in UTC, which is named: `2026-11-24 09:30:05 UTC`.
    pub fn utc(&self, ms: u64) -> String {
        let at = timestamp(ms).map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
        at.unwrap_or_else(|| "–".to_owned())
    }

    /// A time as a `time` element: in the reader's zone, with UTC in its title.
    pub fn stamp(&self, ms: u64) -> String {
        let Some(at) = timestamp(ms) else { return "–".to_owned() };
        format!(r#"<time datetime="{at:.0}" title="{}">{}</time>"#, self.utc(ms), self.time(ms))
    }

    /// A wait, rounded up: `30 seconds`, `5 minutes`, `12 hours`.
    pub fn wait(&self, ms: u64) -> String {
        let seconds = ms.div_ceil(1_000);
        if seconds < 120 {
            return self.count("wait-seconds", seconds);
        }
        let minutes = seconds.div_ceil(60);
        if minutes < 120 || (minutes < 600 && !minutes.is_multiple_of(60)) {
            return self.count("wait-minutes", minutes);
        }
        let hours = minutes.div_ceil(60);
        if hours < 48 || (hours < 240 && !hours.is_multiple_of(24)) {
            return self.count("wait-hours", hours);
        }
        self.count("wait-days", hours.div_ceil(24))
    }

    /// A size in bytes: `12 kB`, `3.4 MB`.
    pub fn size(&self, bytes: u64) -> String {
        if bytes < 1_000 {
            return self.count("size-bytes", bytes);
        }
        let mut tenths = bytes / 100;
        let mut units = ["kB", "MB", "GB", "TB"].into_iter();
        let mut unit = units.next().unwrap_or_default();
        while tenths >= 10_000 {
            let Some(larger) = units.next() else { break };
            (unit, tenths) = (larger, tenths / 1_000);
        }
        let point = if self.language == Language::German { ',' } else { '.' };
        if tenths >= 100 {
            format!("{} {unit}", tenths / 10)
        } else {
            format!("{}{point}{} {unit}", tenths / 10, tenths % 10)
        }
    }

    /// A number with its thousands apart: `12,345`.
    pub fn number(&self, number: u64) -> String {
        let apart = if self.language == Language::German { '.' } else { ',' };
        let digits = number.to_string();
        let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push(apart);
            }
            grouped.push(digit);
        }
        grouped
    }

    fn format(&self, ms: u64, english: &str, german: &str) -> String {
        let zone = TimeZone::get(self.zone()).unwrap_or(TimeZone::UTC);
        let form = if self.language == Language::German { german } else { english };
        timestamp(ms).map(|at| at.to_zoned_datetime(zone).strftime(form).to_string()).unwrap_or_else(|| "–".to_owned())
    }
}

/// A number as a value of a text, for its plural.
pub fn value(number: u64) -> FluentValue<'static> {
    FluentValue::from(i64::try_from(number).unwrap_or(i64::MAX))
}

/// True for the name of a zone that the clock knows.
pub fn is_zone(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && TimeZone::get(name).is_ok()
}

/// A cookie of what a browser chose, for a year. `value` is one of ours, without a character that cookies forbid.
pub fn choice(name: &'static str, value: &str) -> Option<Cookie<'static>> {
    let attributes = "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000";
    Cookie::parse(format!("{name}={value}; {attributes}")).ok()
}

/// Layer: whoever asks is spoken to in their words.
pub async fn listen(mut request: Request, next: Next) -> Response {
    let mut words = Words::of(request.headers());
    if request.method() == Method::GET {
        words.here = request.uri().path_and_query().map_or("/", |here| here.as_str()).to_owned();
    }
    request.extensions_mut().insert(words);
    next.run(request).await
}

/// The language that the browser accepts most, of those that are spoken (RFC 9110, 12.5.4).
fn accepted(headers: &HeaderMap) -> Language {
    let list = headers.get(header::ACCEPT_LANGUAGE).and_then(|list| list.to_str().ok()).unwrap_or_default();
    let weighed = list.split(',').filter_map(|entry| {
        let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
        Some((Language::of_tag(tag)?, weight)).filter(|(_, weight)| *weight > 0.0)
    });
    // The first of the heaviest.
    let best = weighed.reduce(|best, other| if other.1 > best.1 { other } else { best });
    best.map_or(Language::English, |(language, _)| language)
}

fn timestamp(ms: u64) -> Option<Timestamp> {
    i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of(headers: &[(&'static str, &str)]) -> Words {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Words::of(&map)
    }

    #[test]
    fn the_most_accepted_language_that_is_spoken_is_taken() {
        for (list, language) in [
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("fr, en;q=0.5, de;q=0.7", Language::German),
            ("fr", Language::English),
            ("de;q=0", Language::English),
            ("", Language::English),
            ("de;q=x", Language::English),
        ] {
            assert_eq!(of(&[("accept-language", list)]).language(), language, "{list}");
        }
    }

    #[test]
    fn the_browsers_choice_comes_before_the_members_and_that_before_what_is_accepted() {
        let accepts = of(&[("accept-language", "de")]);
        assert_eq!(accepts.clone().or_of_member("", "").language(), Language::German);
        assert_eq!(accepts.or_of_member("en", "").language(), Language::English);
        let chose = of(&[("accept-language", "en"), ("cookie", "__Host-language=de; __Host-zone=Europe/Berlin")]);
        let chose = chose.or_of_member("en", "Asia/Tokyo");
        assert_eq!((chose.language(), chose.zone()), (Language::German, "Europe/Berlin"));
        assert_eq!(of(&[("cookie", "__Host-zone=../../etc/passwd")]).zone(), "UTC");
    }

    #[test]
    fn times_sizes_and_numbers_are_written_as_the_reader_writes_them() {
        let (english, german) = (Words::of_member("en", ""), Words::of_member("de", "Europe/Berlin"));
        let at_ms = 1_795_512_605_000;
        assert_eq!(english.time(at_ms), "2026-11-24 09:30 UTC");
        assert_eq!(german.time(at_ms), "24.11.2026, 10:30 CET");
        assert_eq!(german.utc(at_ms), "2026-11-24 09:30:05 UTC");
        assert_eq!((english.number(1_234_567), german.number(1_234)), ("1,234,567".to_owned(), "1.234".to_owned()));
        assert_eq!((english.size(64_000_000), german.size(3_400)), ("64 MB".to_owned(), "3,4 kB".to_owned()));
        assert_eq!((english.wait(30_000), english.wait(1_000)), ("30 seconds".to_owned(), "1 second".to_owned()));
        assert_eq!(german.wait(300_000), "5 Minuten");
        assert_eq!(english.time(u64::MAX), "–");
    }
}
