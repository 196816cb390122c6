//! The scenario file: the walk as data.

use crate::{Doing, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// `tests/scenario/main_job.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What the file is and how it is read.
    pub about: Vec<String>,
    /// What happens, in order.
    pub steps: Vec<Act>,
}

/// One step: exactly one of `admin`, `authenticator` and `phone` does something.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// The narrated line.
    pub say: String,
    /// What the admin does in the browser.
    #[serde(default)]
    pub admin: Option<String>,
    /// What the authenticator app does.
    #[serde(default)]
    pub authenticator: Option<String>,
    /// What the phone does.
    #[serde(default)]
    pub phone: Option<String>,
    /// With what; texts that begin with `$` are variables.
    #[serde(default)]
    pub with: Map<String, Value>,
    /// What has to come of it; see `about`.
    #[serde(default)]
    pub expect: Map<String, Value>,
    /// Variables to keep: name → JSON pointer into the answer.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
}

impl Scenario {
    /// The scenario of this repository.
    pub fn main_job() -> Result<Self> {
        serde_json::from_str(include_str!("../scenario/main_job.json")).doing("tests/scenario/main_job.json")
    }
}

/// Values by name, without the `$`.
#[derive(Debug, Default)]
pub struct Variables(BTreeMap<String, Value>);

impl Variables {
    /// Sets one.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// The text of a variable.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.0.get(name).and_then(Value::as_str).doing(format!("the scenario uses ${name} before it is set"))
    }

    /// `value` with every `$name` replaced.
    pub fn fill(&self, value: &Value) -> Result<Value> {
        match value {
            Value::String(text) => match text.strip_prefix('$') {
                Some(name) => self.0.get(name).cloned().doing(format!("the scenario uses ${name} before it is set")),
                None => Ok(value.clone()),
            },
            Value::Array(items) => {
                items.iter().map(|item| self.fill(item)).collect::<Result<Vec<_>>>().map(Value::Array)
            }
            Value::Object(fields) => self.fill_all(fields).map(Value::Object),
            _ => Ok(value.clone()),
        }
    }

    /// Every field of `fields` filled.
    pub fn fill_all(&self, fields: &Map<String, Value>) -> Result<Map<String, Value>> {
        fields.iter().map(|(name, value)| Ok((name.clone(), self.fill(value)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_file_is_read_and_each_step_has_one_actor() {
        let scenario = Scenario::main_job().unwrap();
        assert!(scenario.steps.len() > 15);
        for act in &scenario.steps {
            let actors = [&act.admin, &act.authenticator, &act.phone].into_iter().flatten().count();
            assert_eq!(actors, 1, "{}", act.say);
            assert!(!act.expect.is_empty() || act.phone.is_none(), "nothing is expected of: {}", act.say);
        }
    }

    #[test]
    fn variables_are_filled_in_depth_and_never_guessed() {
        let mut variables = Variables::default();
        variables.set("pin", "274913");
        assert_eq!(variables.fill(&json!({"a": ["$pin", 3]})).unwrap(), json!({"a": ["274913", 3]}));
        assert!(variables.fill(&json!("$pim")).is_err());
    }
}
