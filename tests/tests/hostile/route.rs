//! The routes, as the portal describes them itself.

use super::caller::SESSION_KEY;
use super::support::phone::spki;
use super::support::*;
use serde_json::{Map, Value, json};

/// Where no id is known.
pub const UNKNOWN: &str = "0123456789abcdef";
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "PATCH", "FROB"];

/// One path with one method.
pub struct Route {
    pub method: String,
    /// With its parameters in braces.
    pub path: String,
    /// A body that the schema allows, and that does nothing: its ids and codes are nobody's.
    pub body: Option<Value>,
    /// The names of the body's fields that may be missing.
    pub optional: Vec<String>,
    /// What the path does not answer to.
    pub wrong_methods: Vec<&'static str>,
}

impl Route {
    /// The path with its parameters filled in: the file that exists, otherwise ids that nobody has.
    pub fn target(&self, world: &World) -> String {
        self.with(&world.file).replace(&world.file, if self.path.contains("{file}") { &world.file } else { UNKNOWN })
    }

    /// The path with `value` for its parameters.
    pub fn with(&self, value: &str) -> String {
        let parts = self.path.split('/').map(|part| if part.starts_with('{') { value } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    pub fn has_parameter(&self) -> bool {
        self.path.contains('{')
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Every route of the description.
pub async fn all(door: &Door) -> Vec<Route> {
    let described = door.get("/v1/openapi.json").await.value();
    let mut routes = Vec::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        let methods = methods.as_object().unwrap();
        let is_wrong = |method: &&str| !methods.contains_key(&method.to_lowercase());
        for (method, operation) in methods {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let resolved = resolve(&described, schema);
            let fields = resolved["properties"].as_object().cloned().unwrap_or_default();
            let required = |name: &String| resolved["required"].as_array().unwrap().contains(&json!(name));
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                body: (!schema.is_null()).then(|| sample(&described, schema, "")),
                optional: fields.keys().filter(|name| !required(name)).cloned().collect(),
                wrong_methods: METHODS.into_iter().filter(is_wrong).collect(),
            });
        }
    }
    let bodies = routes.iter().filter(|route| route.body.is_some()).count();
    assert!(routes.len() >= 25 && bodies >= 10, "{} routes, {bodies} with a body", routes.len());
    routes
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            &document[reference.trim_start_matches("#/").split('/').next().unwrap()]["schemas"]
                [reference.rsplit('/').next().unwrap()]
        }
        None => schema,
    }
}

/// A value that fits the schema; keys and signatures have their real form.
fn sample(document: &Value, schema: &Value, name: &str) -> Value {
    match name {
        "session_key" | "device_key" | "activated_key" => return json!(spki(&SESSION_KEY)),
        "signature" | "activated_signature" => return json!("A".repeat(86)),
        // An element that is none: nothing is counted for it.
        "opening" | "commitment" | "element" => return json!("A".repeat(43)),
        // One digit short: what a mutation makes of it may be a code.
        "code" => return json!("12345"),
        "comparison_code" => return json!("1234 5678"),
        "surface" => return json!("phone"),
        "app_version" => return json!("1.0.0"),
        "facts" => return json!(super::support::phone::FACTS),
        _ => {}
    }
    let schema = resolve(document, schema);
    if let Some(first) = schema["enum"].as_array().and_then(|cases| cases.first()) {
        return first.clone();
    }
    // What may be left out is there.
    if let Some(first) = schema["oneOf"].as_array().and_then(|cases| cases.first()) {
        return sample(document, first, name);
    }
    match schema["type"].as_str() {
        Some("object") => {
            // A map of any names has no fields of its own.
            let empty = Map::new();
            let fields = schema["properties"].as_object().unwrap_or(&empty);
            let sampled = fields.iter().map(|(name, schema)| (name.clone(), sample(document, schema, name)));
            Value::Object(sampled.collect::<Map<_, _>>())
        }
        Some("integer") => json!(0),
        Some("boolean") => json!(true),
        Some("string") => json!("nobody"),
        other => panic!("no sample for {other:?} in {schema}"),
    }
}
