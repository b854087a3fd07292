//! What a clause asks of one column.
//!
//! ```text
//! key: kernel.pid_max          equals a word, number, address or yes/no
//! dev: 'cali*'                 begins with
//! kind: 'bug | oops | gpf'     one of
//! value: $max                  binds the variable, or equals it once bound
//! dst: '$ip/32'                the host route of an address
//! block: 'covers $ip'          contains an address;   ip: 'in $block'   lies in it
//! ratio: '>= 5'                compares numbers; also < <= > != and an expression: '>= 0.9 * $max'
//! location: '~ fs\.h:258[23]$' matches a regular expression
//! release: 'older than 4.4.0-186', 'not older than 4.4.0'
//! ```

use std::cmp::Ordering;

use regex::Regex;
use timeline::Value;

use super::expression::{Expression, Scope};

/// A test of one column.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// Binds, or equals when bound.
    Variable(Box<str>),
    /// Equals one of these.
    OneOf(Vec<Value>),
    /// Begins with this.
    Prefix(Box<str>),
    /// The host route of an address variable.
    HostRoute(Box<str>),
    /// The block in the column contains the variable.
    Covers(Box<str>),
    /// The column lies in the variable's block.
    In(Box<str>),
    /// Is not this.
    Not(Value),
    /// Is not what the variable holds.
    NotVariable(Box<str>),
    /// `value op …`: an expression whose left side is the column.
    Compare(Expression),
    /// Matches.
    Pattern(Box<Regex>),
    /// Version order: true for older.
    Older(Box<str>, bool),
}

/// The name under which the column's own value stands in a [`Condition::Compare`].
const SELF: &str = "$self";

impl Condition {
    /// Reads what was written for a column.
    pub(crate) fn parse(text: &str) -> Result<Condition, String> {
        let text = text.trim();
        if let Some(pattern) = text.strip_prefix("~ ") {
            let regex = Regex::new(pattern).map_err(|error| format!("not a regular expression: {error}"))?;
            return Ok(Condition::Pattern(Box::new(regex)));
        }
        if let Some(version) = text.strip_prefix("older than ") {
            return Ok(Condition::Older(version.trim().into(), true));
        }
        if let Some(version) = text.strip_prefix("not older than ") {
            return Ok(Condition::Older(version.trim().into(), false));
        }
        if let Some(name) = text.strip_prefix("covers $") {
            return Ok(Condition::Covers(name.into()));
        }
        if let Some(name) = text.strip_prefix("in $") {
            return Ok(Condition::In(name.into()));
        }
        if let Some(other) = text.strip_prefix("!= ") {
            return Ok(match other.strip_prefix('$') {
                Some(name) => Condition::NotVariable(name.into()),
                None => Condition::Not(literal(other)),
            });
        }
        if text.starts_with(['<', '>']) {
            return Expression::parse(&format!("{SELF} {text}")).map(Condition::Compare);
        }
        if let Some(name) = text.strip_prefix('$') {
            return Ok(match name.strip_suffix("/32") {
                Some(name) => Condition::HostRoute(name.into()),
                None => Condition::Variable(name.into()),
            });
        }
        if let Some(prefix) = text.strip_suffix('*').filter(|it| !it.contains(['*', '|'])) {
            return Ok(Condition::Prefix(prefix.into()));
        }
        if text.is_empty() {
            return Err("empty condition".to_owned());
        }
        Ok(Condition::OneOf(text.split('|').map(|it| literal(it.trim())).collect()))
    }

    /// Variables that must be bound before this can be judged.
    pub(crate) fn needs(&self) -> Vec<&str> {
        match self {
            Condition::HostRoute(name)
            | Condition::Covers(name)
            | Condition::In(name)
            | Condition::NotVariable(name) => vec![name],
            Condition::Compare(expression) => {
                expression.variables().into_iter().filter(|it| *it != &SELF[1..]).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether this picks a row (rather than judging a value in it): a row that is picked but judged false is a known
    /// false, not an absence.
    pub(crate) fn picks(&self) -> bool {
        !matches!(
            self,
            Condition::Compare(_)
                | Condition::Pattern(_)
                | Condition::Older(..)
                | Condition::Not(_)
                | Condition::NotVariable(_)
        )
    }

    /// Whether a value passes; nothing is known of an empty cell, so it passes nothing. A [`Condition::Variable`] that is
    /// not bound yet passes anything.
    pub(crate) fn passes(&self, value: &Value, scope: &dyn Scope) -> bool {
        if !value.is_some() {
            return false;
        }
        let bound = |name: &str| scope.variable(name);
        match self {
            Condition::Variable(name) => bound(name).is_none_or(|it| it.same(value)),
            Condition::OneOf(words) => words.iter().any(|it| it.same(value)),
            Condition::Prefix(prefix) => value.to_string().starts_with(&**prefix),
            Condition::HostRoute(name) => bound(name).is_some_and(|it| {
                matches!((it.as_prefix(), value.as_prefix()), (Some(a), Some(b)) if a == b && b.prefix_len() == b.max_prefix_len())
            }),
            Condition::Covers(name) => bound(name).is_some_and(|it| contains(value, &it)),
            Condition::In(name) => bound(name).is_some_and(|it| contains(&it, value)),
            Condition::Not(other) => !other.same(value),
            Condition::NotVariable(name) => bound(name).is_some_and(|it| !it.same(value)),
            Condition::Compare(expression) => {
                expression.judge(&WithSelf { value, outer: scope }) == timeline::Truth::True
            }
            Condition::Pattern(regex) => regex.is_match(&value.to_string()),
            Condition::Older(version, older) => (versions(&value.to_string(), version) == Ordering::Less) == *older,
        }
    }
}

struct WithSelf<'s> {
    value: &'s Value,
    outer: &'s dyn Scope,
}

impl Scope for WithSelf<'_> {
    fn variable(&self, name: &str) -> Option<Value> {
        if name == &SELF[1..] { Some(self.value.clone()) } else { self.outer.variable(name) }
    }

    fn column(&self, clause: &str, column: &str) -> Option<Value> {
        self.outer.column(clause, column)
    }
}

fn contains(block: &Value, inner: &Value) -> bool {
    matches!((block.as_prefix(), inner.as_prefix()), (Some(block), Some(inner)) if block.contains(&inner))
}

fn literal(text: &str) -> Value {
    match text {
        "true" | "yes" => Value::Flag(true),
        "false" | "no" => Value::Flag(false),
        _ => Value::from(text),
    }
}

/// Orders `4.4.0-104-generic` before `4.4.0-186.216`: numbers by value, words by letters, a missing part is smaller.
pub(crate) fn versions(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| -> Vec<String> {
        text.split(['.', '-', '+', '~', '_', ' ']).filter(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    for pair in parts(a).iter().zip(parts(b).iter()) {
        let order = match (pair.0.parse::<u64>(), pair.1.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Greater,
            (Err(_), Ok(_)) => Ordering::Less,
            (Err(_), Err(_)) => pair.0.cmp(pair.1),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    parts(a).len().cmp(&parts(b).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bound(&'static [(&'static str, &'static str)]);

    impl Scope for Bound {
        fn variable(&self, name: &str) -> Option<Value> {
            self.0.iter().find(|(it, _)| *it == name).map(|(_, value)| Value::from(*value))
        }
        fn column(&self, _: &str, _: &str) -> Option<Value> {
            None
        }
    }

    #[test]
    fn conditions_on_every_kind_of_value() {
        let scope = Bound(&[("ip", "10.64.75.0"), ("block", "10.64.75.0/26"), ("max", "100"), ("owner", "a")]);
        let table = [
            ("blackhole", "blackhole", true),
            ("bug | oops", "oops", true),
            ("bug | oops", "warning", false),
            ("cali*", "calidda3b144ba9", true),
            ("$ip/32", "10.64.75.0/32", true),
            ("$ip/32", "10.64.75.0", true),
            ("$ip/32", "10.64.75.0/26", false),
            ("covers $ip", "10.64.75.0/26", true),
            ("covers $ip", "10.64.76.0/26", false),
            ("in $block", "10.64.75.63", true),
            (">= 0.9 * $max", "95", true),
            ("< 5", "7", false),
            ("!= $owner", "b", true),
            ("$owner", "a", true),
            ("$unbound", "anything", true),
            ("~ fs\\.h:258[23]$", "include/linux/fs.h:2583", true),
            ("older than 4.4.0-186", "4.4.0-104-generic", true),
            ("older than 4.4.0-186", "4.4.0-186-generic", false),
            ("older than 4.4.0-186", "4.15.0-20-generic", false),
            ("yes", "true", true),
        ];
        for (condition, value, expected) in table {
            let parsed = Condition::parse(condition).expect(condition);
            assert_eq!(parsed.passes(&Value::from(value), &scope), expected, "{condition} on {value}");
        }
        assert!(!Condition::parse("!= x").expect("parses").passes(&Value::Nothing, &scope));
    }
}
