//! Signed requests, changed in every way that a portal must refuse.

use super::phone::{By, Headers};
use data_encoding::BASE64;

/// What is done to the headers of a well signed request.
pub type Change = Box<dyn Fn(&Headers) -> Headers>;

/// Names the change that only asks for a session that never was.
const NO_SESSION: &str = "a session token nobody has";

/// The code that answers this change.
pub fn code(name: &str) -> &'static str {
    if name == NO_SESSION { "TL-3005" } else { "TL-4010" }
}

/// Every change of a signed request, by name (RFC 9421 §3.2, Wycheproof).
pub fn changes(by: By) -> Vec<(&'static str, Change)> {
    let key_id = match by {
        By::Device => "keyid=\"device:",
        By::Session => "keyid=\"session:",
    };
    let input = |from: &'static str, to: &'static str| -> Change {
        Box::new(move |headers| {
            replace(headers, "signature-input", |value| {
                assert!(value.contains(from), "{value}");
                value.replacen(from, to, 1)
            })
        })
    };
    let without =
        |name: &'static str| -> Change { Box::new(move |h| h.iter().filter(|(k, _)| k != name).cloned().collect()) };
    let twice = |name: &'static str| -> Change {
        Box::new(move |h| {
            let again = h.iter().find(|(k, _)| k == name).unwrap().clone();
            [h.clone(), vec![again]].concat()
        })
    };
    let part = |range: std::ops::Range<usize>, with: [u8; 32]| -> Change {
        Box::new(move |h| {
            let range = range.clone();
            with_signature(h, move |mut bytes| {
                bytes[range.clone()].copy_from_slice(&with);
                bytes
            })
        })
    };
    vec![
        ("a covered name added", input("\"@query\"", "\"@query\" \"content-type\"")),
        ("a covered name removed", input(" \"@query\"", "")),
        ("covered names reordered", input("\"@method\" \"@authority\"", "\"@authority\" \"@method\"")),
        ("another algorithm", input("ecdsa-p256-sha256", "hmac-sha256")),
        ("another tag", input("twinlock-pop-v1", "twinlock-pop-v2")),
        (
            "no nonce",
            Box::new(|h| {
                replace(h, "signature-input", |v| {
                    let (start, rest) = v.split_once(";nonce=\"").unwrap();
                    format!("{start}{}", rest.split_once('"').unwrap().1)
                })
            }),
        ),
        ("another nonce", input(";nonce=\"", ";nonce=\"AA")),
        ("created changed", input(";created=1", ";created=2")),
        (
            "expires a minute too late",
            Box::new(|h| {
                replace(h, "signature-input", |v| {
                    let created: u64 = v.split(";created=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
                    v.replacen(";nonce=", &format!(";expires={};nonce=", created + 61), 1)
                })
            }),
        ),
        (
            "a second label",
            Box::new(|h| {
                let h = replace(h, "signature-input", |v| format!("{v}, other{}", v.trim_start_matches("sig")));
                replace(&h, "signature", |v| format!("{v}, other{}", v.trim_start_matches("sig")))
            }),
        ),
        (
            "another label",
            Box::new(|h| {
                let h = replace(h, "signature-input", |v| v.replacen("sig=", "gis=", 1));
                replace(&h, "signature", |v| v.replacen("sig=", "gis=", 1))
            }),
        ),
        ("signature twice", twice("signature")),
        ("signature-input twice", twice("signature-input")),
        ("policy version twice", twice("x-policy-version")),
        ("no signature", without("signature")),
        ("no signature-input", without("signature-input")),
        ("no digest", without("content-digest")),
        ("no policy version", without("x-policy-version")),
        ("policy version with a zero in front", Box::new(|h| replace(h, "x-policy-version", |v| format!("0{v}")))),
        ("another policy version", Box::new(|h| replace(h, "x-policy-version", |_| "1".to_owned()))),
        ("DER", Box::new(|h| with_signature(h, |fixed| to_der(&fixed)))),
        ("r = 0", part(0..32, [0; 32])),
        ("s = 0", part(32..64, [0; 32])),
        ("r = n", part(0..32, ORDER)),
        ("s = n", part(32..64, ORDER)),
        ("s = 2^256 - 1", part(32..64, [0xff; 32])),
        ("63 bytes", Box::new(|h| with_signature(h, |b| b[..63].to_vec()))),
        ("65 bytes", Box::new(|h| with_signature(h, |b| [b, vec![0]].concat()))),
        ("no bytes", Box::new(|h| with_signature(h, |_| Vec::new()))),
        (
            "not a structured field",
            Box::new(|h| replace(h, "signature", |_| "\u{7f}".trim_matches('\u{7f}').to_owned())),
        ),
        ("unknown key", input(key_id, "keyid=\"device:00")),
        ("key id of no kind", input(key_id, "keyid=\"root:")),
        (NO_SESSION, input(key_id, "keyid=\"session:00")),
    ]
}

/// The headers with one of them changed.
pub fn replace(headers: &Headers, name: &str, change: impl Fn(&str) -> String) -> Headers {
    headers
        .iter()
        .map(|(key, value)| if key == name { (key.clone(), change(value)) } else { (key.clone(), value.clone()) })
        .collect()
}

fn with_signature(headers: &Headers, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Headers {
    replace(headers, "signature", |value| {
        let text = value.trim_start_matches("sig=:").trim_end_matches(':');
        format!("sig=:{}:", BASE64.encode(&change(BASE64.decode(text.as_bytes()).unwrap())))
    })
}

fn to_der(fixed: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let mut bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        if bytes.first().is_none_or(|first| *first >= 0x80) {
            bytes.insert(0, 0);
        }
        [vec![2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    };
    let content = [integer(&fixed[..32]), integer(&fixed[32..])].concat();
    [vec![0x30, u8::try_from(content.len()).unwrap()], content].concat()
}

const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
