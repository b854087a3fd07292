//! Calico's selectors over labels.
//!
//! ```text
//! has(node-role.kubernetes.io/master) && zone in {'a', 'b'}
//! ```
//!
//! Source: `libcalico-go/lib/selector` in projectcalico/calico.

use std::collections::BTreeMap;

/// Whether labels fit a selector; nothing where the selector cannot be read.
pub(super) fn fits(selector: &str, labels: &BTreeMap<String, String>) -> Option<bool> {
    let mut parser = Parser { rest: selector.trim(), labels, depth: 0 };
    let found = parser.or()?;
    parser.rest.trim().is_empty().then_some(found)
}

struct Parser<'p> {
    rest: &'p str,
    labels: &'p BTreeMap<String, String>,
    depth: u8,
}

impl<'p> Parser<'p> {
    fn take(&mut self, word: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn or(&mut self) -> Option<bool> {
        let mut found = self.and()?;
        while self.take("||") {
            found |= self.and()?;
        }
        Some(found)
    }

    fn and(&mut self) -> Option<bool> {
        let mut found = self.term()?;
        while self.take("&&") {
            found &= self.term()?;
        }
        Some(found)
    }

    fn term(&mut self) -> Option<bool> {
        self.depth += 1;
        if self.depth > 64 {
            return None;
        }
        if self.take("!") {
            return Some(!self.term()?);
        }
        if self.take("(") {
            let found = self.or()?;
            return self.take(")").then_some(found);
        }
        if self.take("all()") {
            return Some(true);
        }
        if self.take("global()") {
            return Some(false);
        }
        if self.take("has(") {
            let label = self.label()?;
            return self.take(")").then(|| self.labels.contains_key(label));
        }
        let label = self.label()?;
        let value = self.labels.get(label).map(String::as_str);
        if self.take("==") {
            let wanted = self.string()?;
            return Some(value == Some(wanted));
        }
        if self.take("!=") {
            let wanted = self.string()?;
            return Some(value != Some(wanted));
        }
        if self.take("not in") {
            let wanted = self.set()?;
            return Some(value.is_none_or(|it| !wanted.contains(&it)));
        }
        if self.take("in") {
            let wanted = self.set()?;
            return Some(value.is_some_and(|it| wanted.contains(&it)));
        }
        for (word, test) in [
            ("contains", str::contains as fn(&str, &'p str) -> bool),
            ("starts with", str::starts_with),
            ("ends with", str::ends_with),
        ] {
            if self.take(word) {
                let wanted = self.string()?;
                return Some(value.is_some_and(|it| test(it, wanted)));
            }
        }
        None
    }

    fn label(&mut self) -> Option<&'p str> {
        self.rest = self.rest.trim_start();
        let legal = |it: char| it.is_ascii_alphanumeric() || "_./-".contains(it);
        let end = self.rest.find(|it| !legal(it)).unwrap_or(self.rest.len());
        let (label, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!label.is_empty()).then_some(label)
    }

    fn string(&mut self) -> Option<&'p str> {
        self.rest = self.rest.trim_start();
        let quote = self.rest.chars().next().filter(|it| matches!(it, '\'' | '"'))?;
        let (value, rest) = self.rest[1..].split_once(quote)?;
        self.rest = rest;
        Some(value)
    }

    fn set(&mut self) -> Option<Vec<&'p str>> {
        self.take("{").then_some(())?;
        let mut found = Vec::new();
        while !self.take("}") {
            found.push(self.string()?);
            self.take(",");
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_of_all_kinds() {
        let labels: BTreeMap<String, String> =
            [("node-role.kubernetes.io/control-plane", ""), ("zone", "a"), ("rr", "true")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .into();
        for (selector, expected) in [
            ("all()", Some(true)),
            ("has(node-role.kubernetes.io/master)", Some(false)),
            ("!has(node-role.kubernetes.io/master) && rr == 'true'", Some(true)),
            ("zone in {'a', \"b\"} && rr != \"false\"", Some(true)),
            ("zone not in {'a'} || (rr == 'true' && zone starts with 'a')", Some(true)),
            ("zone not in { 'a' }", Some(false)),
            ("missing != 'x'", Some(true)),
            ("zone ==", None),
            ("zone == 'a' zone", None),
            ("", None),
        ] {
            assert_eq!(fits(selector, &labels), expected, "{selector}");
        }
        assert_eq!(fits(&"!".repeat(10_000), &labels), None);
    }
}
