//! The published schema and the JSON are the same, both ways.
//!
//! A checker for the few words the schema uses; unlike a general one it also reports what the schema names and a report
//! that fills everything does not have.

mod sample;

use std::collections::BTreeSet;

use coroner_report::{Inspection, Report, SCHEMA, inspection_json, json};
use serde_json::{Value, json as value};

/// Holds a value against a schema; notes every property and every word of an enum that is met.
struct Checker<'s> {
    root: &'s Value,
    wrong: Vec<String>,
    met: BTreeSet<String>,
}

impl Checker<'_> {
    fn check(&mut self, schema: &Value, value: &Value, name: &str, path: &str) {
        for word in schema.as_object().expect("a schema is an object").keys() {
            let known = [
                "$ref",
                "$defs",
                "$schema",
                "$id",
                "title",
                "description",
                "type",
                "properties",
                "required",
                "additionalProperties",
                "items",
                "enum",
                "const",
                "anyOf",
                "minimum",
                "format",
            ];
            assert!(known.contains(&word.as_str()), "{path}: the checker does not know {word}");
        }
        if let Some(to) = schema["$ref"].as_str() {
            let name = to.strip_prefix("#/$defs/").expect("the schema refers only to itself");
            let target = &self.root["$defs"][name];
            assert!(target.is_object(), "{path}: {to} is not defined");
            self.check(target, value, name, path);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            let choice = choices
                .iter()
                .find(|it| (it["type"] == "null") == value.is_null())
                .expect("a choice is a value or null");
            self.check(choice, value, name, path);
        }
        if !schema["const"].is_null() && schema["const"] != *value {
            self.wrong.push(format!("{path}: {value} is not {}", schema["const"]));
        }
        if let Some(words) = schema["enum"].as_array() {
            if !words.contains(value) {
                self.wrong.push(format!("{path}: {value} is none of {words:?}"));
            }
            self.met.insert(format!("{name}={}", value.as_str().unwrap_or_default()));
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(it) if it.is_i64() || it.is_u64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let fits = types.is_empty() || types.contains(&kind) || (kind == "integer" && types.contains(&"number"));
        if !fits {
            self.wrong.push(format!("{path}: {kind} is none of {types:?}"));
        }
        if let (Some(least), Some(number)) = (schema["minimum"].as_f64(), value.as_f64())
            && number < least
        {
            self.wrong.push(format!("{path}: {number} is below {least}"));
        }
        for (at, item) in value.as_array().into_iter().flatten().enumerate() {
            self.check(&schema["items"], item, name, &format!("{path}[{at}]"));
        }
        self.properties(schema, value, name, path);
    }

    fn properties(&mut self, schema: &Value, value: &Value, name: &str, path: &str) {
        let Some(object) = value.as_object() else { return };
        let empty = serde_json::Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&empty);
        for (key, value) in object {
            let path = format!("{path}.{key}");
            match (properties.get(key), &schema["additionalProperties"]) {
                (Some(property), _) => {
                    // a list or a value that is there at least once shows that the property can be filled
                    if !(value.is_null() || value.as_array().is_some_and(Vec::is_empty)) {
                        self.met.insert(format!("{name}.{key}"));
                    }
                    self.check(property, value, &format!("{name}.{key}"), &path);
                }
                (None, rest @ Value::Object(_)) if !rest["$ref"].is_string() => {
                    self.check(rest, value, name, &path);
                }
                // tools must bear what they do not know; we may not add it unsaid
                (None, _) if schema["properties"].is_object() => self.wrong.push(format!("{path}: not in the schema")),
                _ => {} // described by the `$ref` of the same place
            }
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(key) {
                self.wrong.push(format!("{path}: {key} is missing"));
            }
        }
    }
}

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("the schema is JSON")
}

fn checked<'s>(schema: &'s Value, part: &Value, value: &Value) -> Checker<'s> {
    let mut checker = Checker { root: schema, wrong: Vec::new(), met: BTreeSet::new() };
    checker.check(part, value, "", "$");
    checker
}

#[test]
fn every_report_keeps_to_the_schema() {
    let schema = schema();
    for report in [sample::full(), sample::unknown(), sample::healthy(), sample::crowded(), Report::default()] {
        let text: Value = serde_json::from_str(&json(&report)).unwrap();
        assert_eq!(checked(&schema, &schema, &text).wrong, Vec::<String>::new());
    }
}

#[test]
fn everything_the_schema_names_is_in_a_full_report() {
    let schema = schema();
    let full: Value = serde_json::from_str(&json(&sample::full())).unwrap();
    let inspected: Value = serde_json::from_str(&inspection_json(&sample::inspection())).unwrap();
    let mut met = checked(&schema, &schema, &full).met;
    let of_inspection = checked(&schema, &schema["$defs"]["Inspection"], &inspected);
    assert_eq!(of_inspection.wrong, Vec::<String>::new());
    met.extend(
        of_inspection.met.into_iter().map(|it| if it.starts_with('.') { format!("Inspection{it}") } else { it }),
    );
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        for key in definition["properties"].as_object().into_iter().flat_map(|it| it.keys()) {
            assert!(met.contains(&format!("{name}.{key}")), "{name}.{key} is nowhere in the full report");
        }
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let schema = schema();
    let mut report: Value = serde_json::from_str(&json(&sample::full())).unwrap();
    report["surprise"] = value!(1);
    report["verdict"] = value!("guilty");
    report["hypotheses"][0]["rank"] = value!("first");
    report["hypotheses"][0].as_object_mut().unwrap().remove("band");
    let wrong = checked(&schema, &schema, &report).wrong.join("\n");
    insta::assert_snapshot!(wrong, @r#"
    $.hypotheses[0].rank: string is none of ["integer"]
    $.hypotheses[0]: band is missing
    $.surprise: not in the schema
    $.verdict: "guilty" is none of [String("explained"), String("partly"), String("unknown"), String("healthy")]
    "#);
}

#[test]
fn what_was_written_can_be_read_back() {
    for report in [sample::full(), sample::unknown(), sample::healthy(), sample::crowded()] {
        let text = json(&report);
        let read: Report = serde_json::from_str(&text).unwrap();
        assert_eq!(json(&read), text, "the same, byte for byte");
        assert_eq!(read.hypotheses.len(), report.hypotheses.len());
    }
    let inspection = sample::inspection();
    assert_eq!(serde_json::from_str::<Inspection>(&inspection_json(&inspection)).unwrap(), inspection);
}

#[test]
fn numbers_are_rounded_and_the_bytes_add_up() {
    let text = json(&sample::full());
    assert!(text.contains("\"score_db\": 33.3,"));
    assert!(text.contains("\"confidence\": 0.97,"));
    assert!(text.contains("\"weight_db\": 10,"));
    let coverage = sample::full().coverage;
    let parts = coverage.bytes_understood + coverage.bytes_odd + coverage.bytes_not_recognised + coverage.bytes_skipped;
    assert_eq!(parts, coverage.bytes);
    assert_eq!(coverage.members.iter().map(|it| it.bytes).sum::<u64>(), coverage.bytes);
}
