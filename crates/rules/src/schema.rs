//! The JSON Schema of rule files, for editors. Names of sources and relations come from the code; a test holds the rest
//! against the whole pack and against files that must be refused.

use timeline::Source;

use crate::detectors::DETECTORS;

const TEMPLATE: &str = include_str!("../schema/rule.template.json");

/// The JSON Schema that rule, signal and known-bug files follow.
#[must_use]
pub fn rule_schema() -> String {
    let list = |names: Vec<&str>| {
        let mut names = names;
        names.sort_unstable();
        names.dedup();
        names.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", ")
    };
    let sources = Source::ALL.iter().map(|it| it.name()).chain(["journal"]).collect();
    let facts = timeline::relation::ALL.iter().map(|it| it.name).collect();
    let relations = DETECTORS.iter().map(|it| it.relation.name).collect();
    TEMPLATE
        .replace("\"@sources\"", &list(sources))
        .replace("\"@facts\"", &list(facts))
        .replace("\"@relations\"", &list(relations))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::pack::built_in_texts;

    /// What is wrong with a value, by the few words the schema uses.
    fn wrong(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (word, of) in schema.as_object().expect("a schema is an object") {
            match word.as_str() {
                "$schema" | "$id" | "title" | "description" | "$defs" => {}
                "$ref" => {
                    let name = of.as_str().and_then(|it| it.strip_prefix("#/$defs/")).expect("refers to itself");
                    found.extend(wrong(root, &root["$defs"][name], value, path));
                }
                "oneOf" => {
                    let choices = of.as_array().expect("choices");
                    let all: Vec<Vec<String>> = choices.iter().map(|it| wrong(root, it, value, path)).collect();
                    if all.iter().filter(|it| it.is_empty()).count() != 1 {
                        let least = all.into_iter().min_by_key(Vec::len).unwrap_or_default();
                        found.push(format!("{path}: not one of the choices: {least:?}"));
                    }
                }
                "type" => {
                    let is = |name: &str| match name {
                        "object" => value.is_object(),
                        "array" => value.is_array(),
                        // `off` is a word in YAML 1.2, which editors read, and no in what reads it here
                        "string" => value.is_string() || value.is_boolean(),
                        "integer" => value.is_u64() || value.is_i64(),
                        "number" => value.is_number(),
                        "boolean" => value.is_boolean(),
                        other => panic!("the checker does not know {other}"),
                    };
                    let fits = match of {
                        Value::String(name) => is(name),
                        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
                        _ => false,
                    };
                    if !fits {
                        found.push(format!("{path}: {value} is no {of}"));
                    }
                }
                "enum" if value.is_string() && !of.as_array().expect("words").contains(value) => {
                    found.push(format!("{path}: {value} is none of the words"));
                }
                "pattern" => {
                    let regex = regex::Regex::new(of.as_str().expect("a pattern")).expect("a pattern");
                    if value.as_str().is_some_and(|it| !regex.is_match(it)) {
                        found.push(format!("{path}: {value} does not match {of}"));
                    }
                }
                "minLength" if value.as_str().is_some_and(|it| (it.len() as u64) < of.as_u64().unwrap_or(0)) => {
                    found.push(format!("{path}: {value} is too short"));
                }
                "minItems" if value.as_array().is_some_and(|it| (it.len() as u64) < of.as_u64().unwrap_or(0)) => {
                    found.push(format!("{path}: too few"));
                }
                "minProperties" if value.as_object().is_some_and(|it| (it.len() as u64) < of.as_u64().unwrap_or(0)) => {
                    found.push(format!("{path}: too few"));
                }
                "required" if value.is_object() => {
                    let names = of.as_array().expect("names").iter().filter_map(Value::as_str);
                    found.extend(names.filter(|it| value.get(it).is_none()).map(|it| format!("{path}: no {it}")));
                }
                "items" => {
                    for (at, it) in value.as_array().into_iter().flatten().enumerate() {
                        found.extend(wrong(root, of, it, &format!("{path}/{at}")));
                    }
                }
                "properties" => {
                    for (name, of) in of.as_object().expect("properties") {
                        if let Some(it) = value.get(name) {
                            found.extend(wrong(root, of, it, &format!("{path}/{name}")));
                        }
                    }
                }
                "additionalProperties" => {
                    for (name, it) in value.as_object().into_iter().flatten() {
                        if schema["properties"].get(name).is_some() {
                            continue;
                        }
                        match of {
                            Value::Bool(false) => found.push(format!("{path}: unknown {name}")),
                            of => found.extend(wrong(root, of, it, &format!("{path}/{name}"))),
                        }
                    }
                }
                "enum" | "minLength" | "minItems" | "minProperties" | "minimum" | "required" => {}
                other => panic!("the checker does not know {other}"),
            }
        }
        found
    }

    fn check(text: &str) -> Vec<String> {
        let root: Value = serde_json::from_str(&rule_schema()).expect("the schema is JSON");
        let value: Value = serde_saphyr::from_str(text).expect("the file is YAML");
        wrong(&root, &root, &value, "")
    }

    /// `UPDATE_DOCS=1 cargo test -p coroner-rules schema` writes it anew.
    #[test]
    fn the_published_schema_is_current() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rule.schema.json");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, rule_schema()).expect("docs can be written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == rule_schema(), "docs/rule.schema.json is out of date: see above");
    }

    #[test]
    fn the_whole_pack_follows_the_schema() {
        let files = built_in_texts();
        assert!(files.len() > 30);
        for (name, text) in files {
            let wrong = check(&text);
            assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
        }
    }

    #[test]
    fn what_the_language_refuses_the_schema_refuses() {
        let signal = "signal: a\nabout: b\nmatch:\n  - { from: [kernel], any: ['some text'], regex: 'some text' }\n\
                      samples: ['some text']\nnot_samples: ['none']\n";
        let rule = "rule: a\ntitle: t\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node, key: x }\nframe: [one]\n";
        let bugs =
            "known-bugs:\n  - { bug: a, title: b, component: kernel, affected: [{ before: '5.0' }], refs: [x] }\n";
        for right in [signal, rule, bugs] {
            assert_eq!(check(right), [""; 0], "{right}");
        }
        let slips = [
            (signal, "samples: ['some text']", "sample: ['some text']"),
            (signal, "kernel", "kernle"),
            (signal, "'some text'], regex", "'abc'], regex"),
            (signal, "about: b\n", ""),
            (signal, "not_samples: ['none']\n", ""),
            (rule, "fact: sysctl", "fact: sysctls"),
            (rule, "fact: sysctl,", ""),
            (rule, "fact: sysctl", "fact: sysctl, signal: b"),
            (rule, "key: x", "within: ten minutes before $t"),
            (rule, "key: x", "count: many"),
            (rule, "key: x", "at: t"),
            (rule, "frame: [one]\n", ""),
            (rule, "frame: [one]", "frame: []"),
            (rule, "frame: [one]", "frame: [one]\nstatus: good"),
            (rule, "frame: [one]", "frame: [one]\nfor: [{ when: one, weight: big }]"),
            (rule, "frame: [one]", "frame: [one]\nfor: [{ when: one, weight: excludes }]"),
            (rule, "frame: [one]", "frame: [one]\nagainst: [{ when: one, weight: strong, expected: always }]"),
            (rule, "frame: [one]", "frame: [one]\nexplains: ['b in 3m']"),
            (rule, "frame: [one]", "frame: [one]\ntests: [{ name: a, expect: { band: sure } }]"),
            (rule, "rule: a", "rule: a\nsymptom: b"),
            (bugs, "refs: [x]", "refs: []"),
            (bugs, "before", "befor"),
        ];
        for (text, part, slip) in slips {
            assert!(text.contains(part), "{part}");
            let text = text.replace(part, slip);
            assert!(!check(&text).is_empty(), "{text}");
            let pack = crate::Pack::of_texts(&[("mine.yaml".to_owned(), text.clone())]);
            assert!(pack.is_err(), "the language takes it, the schema does not: {text}");
        }
    }
}
