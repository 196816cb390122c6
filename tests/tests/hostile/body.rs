//! Bodies that are no request, made from one that is.

use super::MARK;
use serde_json::{Map, Value, json};

/// Longer than any route takes.
pub const TOO_LONG: usize = 10 << 20;

/// Each with the name of what is wrong with it; none is a request, whatever else it says.
pub fn hostile(valid: &Value, optional: &[String]) -> Vec<(String, Vec<u8>)> {
    let mut bodies = shapes(valid);
    let mut paths = Vec::new();
    collect(valid, String::new(), &mut paths);
    for path in paths {
        let here = valid.pointer(&path).unwrap();
        // An empty one is a map, which takes any name.
        if let Value::Object(fields) = here
            && !fields.is_empty()
        {
            let mut more = fields.clone();
            more.insert(MARK.to_owned(), json!(MARK));
            bodies.push((format!("an unknown field in `{path}`"), bytes(&with(valid, &path, Value::Object(more)))));
            for name in fields.keys().filter(|name| !path.is_empty() || !optional.contains(name)) {
                let mut fewer = fields.clone();
                fewer.remove(name);
                bodies.push((format!("no `{path}/{name}`"), bytes(&with(valid, &path, Value::Object(fewer)))));
                bodies.push((format!("`{path}/{name}` twice"), twice(valid, &path, fields, name)));
            }
        }
        let may_be_absent = path.strip_prefix('/').is_some_and(|name| optional.iter().any(|own| own == name));
        // What may be left out may be null as well.
        for (name, wrong) in wrong_for(here).into_iter().filter(|(name, _)| !may_be_absent || *name != "null") {
            let text = with(valid, &path, json!(HOLE)).to_string();
            bodies
                .push((format!("`{path}` is {name}"), text.replacen(&json!(HOLE).to_string(), &wrong, 1).into_bytes()));
        }
    }
    bodies
}

/// Stands where a raw piece of text comes in.
const HOLE: &str = "hole-in-the-body";

fn shapes(valid: &Value) -> Vec<(String, Vec<u8>)> {
    let good = bytes(valid);
    let text = |text: &str| text.as_bytes().to_vec();
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000)).into_bytes();
    let named: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("spaces", b" \r\n\t ".to_vec()),
        ("null", text("null")),
        ("a number", text("1e999")),
        ("a text", text(&json!(MARK).to_string())),
        ("an array", text("[]")),
        ("an array of a request", [b"[".to_vec(), good.clone(), b"]".to_vec()].concat()),
        ("an empty object", text("{}")),
        ("half an object", good[..good.len() / 2].to_vec()),
        ("an object without its end", good[..good.len() - 1].to_vec()),
        ("two objects", [good.clone(), good.clone()].concat()),
        ("an object and more", [good.clone(), text(MARK)].concat()),
        ("a mark before it", [vec![0xEF, 0xBB, 0xBF], good.clone()].concat()),
        ("UTF-16", String::from_utf8(good.clone()).unwrap().encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("bytes that are no UTF-8", vec![0xFF, 0xFE, 0x80, 0xC0]),
        ("a key that is no UTF-8", [b"{\"\xFF".to_vec(), good[2..].to_vec()].concat()),
        ("NUL before it", [vec![0], good.clone()].concat()),
        ("NUL after it", [good.clone(), vec![0]].concat()),
        ("only NUL", vec![0; 1_000]),
        ("a form", format!("name={MARK}&code=1").into_bytes()),
        ("deep arrays", deep("[", "]")),
        ("deep objects", deep("{\"a\":", "}")),
        ("deep and open", text(&"[".repeat(60_000))),
        ("a comment", [b"/* x */".to_vec(), good.clone()].concat()),
        ("64 KiB and one byte", [good.clone(), vec![b' '; 64 * 1024 + 1 - good.len()]].concat()),
        ("10 MB", [good, vec![b' '; TOO_LONG]].concat()),
    ];
    named.into_iter().map(|(name, body)| (name.to_owned(), body)).collect()
}

/// Raw JSON of other types than this one, and what no type takes.
fn wrong_for(value: &Value) -> Vec<(&'static str, String)> {
    let all = [
        ("null", "null".to_owned()),
        ("a boolean", "true".to_owned()),
        ("a negative number", "-1".to_owned()),
        ("a fraction", "1.5".to_owned()),
        ("beyond 64 bits", "18446744073709551616".to_owned()),
        ("beyond a float", "1e999".to_owned()),
        ("a text", json!(MARK).to_string()),
        ("a number in a text", "\"1\"".to_owned()),
        ("an array", "[]".to_owned()),
        ("an object", format!("{{{}:1}}", json!(MARK))),
        ("half a surrogate", "\"\\ud800\"".to_owned()),
        ("a raw NUL", "\"\0\"".to_owned()),
    ];
    // A text may be any text: what it says is for the rules of that field, and these have tests of their own.
    let fits = |name: &&str| match value {
        Value::Bool(_) => *name == "a boolean",
        Value::String(_) => ["a text", "a number in a text"].contains(name),
        _ => false,
    };
    all.into_iter().filter(|(name, _)| !fits(name)).collect()
}

fn collect(value: &Value, path: String, into: &mut Vec<String>) {
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            collect(value, format!("{path}/{name}"), into);
        }
    }
    into.push(path);
}

fn with(valid: &Value, path: &str, value: Value) -> Value {
    let mut changed = valid.clone();
    *changed.pointer_mut(path).unwrap() = value;
    changed
}

fn twice(valid: &Value, path: &str, fields: &Map<String, Value>, name: &str) -> Vec<u8> {
    let object = Value::Object(fields.clone()).to_string();
    let again = format!("{},{}:{}}}", &object[..object.len() - 1], json!(name), fields[name]);
    let text = with(valid, path, json!(HOLE)).to_string();
    text.replacen(&json!(HOLE).to_string(), &again, 1).into_bytes()
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
