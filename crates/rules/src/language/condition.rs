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
//! release: 'older than 4.4.0-186', 'not older than 4.4.0', 'newer than 5.15'
//! cgroup: 'contains $uid'      holds the text, - and _ being the same;   uid: 'part of $cgroup'   the other way round
//! bytes: '< 512Mi'             also kB, GB, %, 90s, 5m (see `quantity`)
//! free: '<= 0.05 * .total'     .total is another column of the same row
//! node: '$other and != $node'  all of several
//! ```

use std::cmp::Ordering;

use timeline::Value;

use super::expression::{Expression, Scope, number};
use super::pattern::Pattern;
use super::quantity::quantity;

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
    Pattern(Pattern),
    /// Version order: true for older.
    Older(Box<str>, bool),
    /// Version order: newer.
    Newer(Box<str>),
    /// The column's text holds this.
    Contains(Part),
    /// The column's text stands in what the variable holds.
    PartOf(Box<str>),
}

/// What a text holds.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Word(Box<str>),
    Variable(Box<str>),
}

/// The name under which the column's own value stands in a [`Condition::Compare`].
const SELF: &str = "$self";

impl Condition {
    /// Reads what was written for a column: one condition, or several joined by `and`. Patterns of a trusted file are known
    /// to be sound.
    pub(crate) fn parse_all(text: &str, trusted: bool) -> Result<Vec<Condition>, String> {
        let mut found = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() || found.is_empty() {
            // a pattern goes on to the end, whatever it holds
            let end = if rest.starts_with("~ ") { None } else { rest.find(" and ") };
            found.push(Condition::parse(&rest[..end.unwrap_or(rest.len())], trusted)?);
            rest = end.map_or("", |it| rest[it + " and ".len()..].trim_start());
        }
        Ok(found)
    }

    /// Reads one condition.
    fn parse(text: &str, trusted: bool) -> Result<Condition, String> {
        let text = text.trim();
        if let Some(pattern) = text.strip_prefix("~ ") {
            if trusted {
                return Ok(Condition::Pattern(Pattern::trusted(pattern)));
            }
            let checked = Pattern::checked(pattern).map_err(|(why, _)| why)?;
            return Ok(Condition::Pattern(checked));
        }
        if let Some(version) = text.strip_prefix("older than ") {
            return Ok(Condition::Older(version.trim().into(), true));
        }
        if let Some(version) = text.strip_prefix("not older than ") {
            return Ok(Condition::Older(version.trim().into(), false));
        }
        if let Some(version) = text.strip_prefix("newer than ") {
            return Ok(Condition::Newer(version.trim().into()));
        }
        if let Some(part) = text.strip_prefix("contains ") {
            return Ok(Condition::Contains(match part.strip_prefix('$') {
                Some(name) => Part::Variable(name.into()),
                None => Part::Word(part.trim().into()),
            }));
        }
        if let Some(name) = text.strip_prefix("part of $") {
            return Ok(Condition::PartOf(name.into()));
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
            let whole = |it: char| !(it.is_alphanumeric() || it == '_' || it == '-');
            let bare = name.strip_suffix("/32").unwrap_or(name);
            if bare.is_empty() || bare.contains(whole) {
                return Err(format!("${name} is no variable; join conditions with `and`, compare with <, >, !="));
            }
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
            | Condition::NotVariable(name)
            | Condition::PartOf(name)
            | Condition::Contains(Part::Variable(name)) => vec![name],
            Condition::Compare(expression) => {
                expression.variables().into_iter().filter(|it| *it != &SELF[1..]).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The other columns of its row that it reads.
    pub(crate) fn columns(&self) -> Vec<&str> {
        match self {
            Condition::Compare(expression) => expression.own_columns(),
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
                | Condition::Newer(_)
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
            Condition::OneOf(words) => words.iter().any(|it| it.same(value) || same_quantity(it, value)),
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
            Condition::Pattern(pattern) => pattern.is_match(&value.to_string()),
            Condition::Older(version, older) => (versions(&value.to_string(), version) == Ordering::Less) == *older,
            Condition::Newer(version) => versions(&value.to_string(), version) == Ordering::Greater,
            Condition::Contains(Part::Word(word)) => holds_text(&value.to_string(), word),
            Condition::Contains(Part::Variable(name)) => {
                bound(name).is_some_and(|it| holds_text(&value.to_string(), &it.to_string()))
            }
            Condition::PartOf(name) => bound(name).is_some_and(|it| holds_text(&it.to_string(), &value.to_string())),
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

/// Whether one text stands in another. The kernel writes the uid of a pod with `_` where Kubernetes writes `-`.
fn holds_text(text: &str, part: &str) -> bool {
    let plain = |it: &str| it.replace('_', "-");
    !part.is_empty() && plain(text).contains(&plain(part))
}

/// `512Mi` and 536870912 are the same.
fn same_quantity(a: &Value, b: &Value) -> bool {
    let unit = |it: &Value| matches!(it, Value::Text(text) if text.parse::<f64>().is_err() && quantity(text).is_some());
    (unit(a) || unit(b)) && matches!((number(a), number(b)), (Some(a), Some(b)) if a == b)
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

/// Orders `4.4.0-104-generic` before `4.4.0-186.216`: numbers by value, words by letters, a missing part is smaller. A
/// pre-release (`6.4-rc6`, `1.30.0-beta.1`) comes before its release, `v1.20` is `1.20`.
pub(crate) fn versions(a: &str, b: &str) -> Ordering {
    let (a, b) = (parts(a), parts(b));
    for at in 0..a.len().max(b.len()) {
        let order = match (a.get(at), b.get(at)) {
            (Some(a), Some(b)) => part_order(a, b),
            (Some(more), None) if early(more) => Ordering::Less,
            (None, Some(more)) if early(more) => Ordering::Greater,
            (Some(_), None) => Ordering::Greater,
            (None, _) => Ordering::Less,
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn parts(version: &str) -> Vec<&str> {
    let version = version.trim();
    let bare = version.strip_prefix(['v', 'V']).filter(|it| it.starts_with(|it: char| it.is_ascii_digit()));
    bare.unwrap_or(version).split(['.', '-', '+', '~', '_', ' ', ':']).filter(|it| !it.is_empty()).collect()
}

fn part_order(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (Ok(_), Err(_)) => Ordering::Greater,
        (Err(_), Ok(_)) => Ordering::Less,
        // 0ubuntu9 before 0ubuntu10
        (Err(_), Err(_)) => {
            let split = |it: &str| -> (String, Option<u64>) {
                let word = it.trim_end_matches(|it: char| it.is_ascii_digit());
                (word.to_owned(), it[word.len()..].parse().ok())
            };
            split(a).cmp(&split(b)).then_with(|| a.cmp(b))
        }
    }
}

fn early(part: &str) -> bool {
    ["rc", "alpha", "beta", "pre"].iter().any(|it| part.starts_with(it))
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
            ("newer than 5.15", "5.15.0-60-generic", true),
            ("newer than 5.15", "5.15", false),
            ("older than 1.24", "v1.23.17", true),
            ("contains $owner", "/kubepods/pod_a", true),
            ("contains kubepods", "/system.slice/docker.service", false),
            ("part of $block", "10.64.75.0", true),
            ("< 512Mi", "524287kB", true),
            (">= 90%", "0.93", true),
            ("> 3m", "3m46.7s", true),
            ("512Mi", "536870912", true),
        ];
        for (condition, value, expected) in table {
            let parsed = Condition::parse(condition, false).expect(condition);
            assert_eq!(parsed.passes(&Value::from(value), &scope), expected, "{condition} on {value}");
        }
        assert!(!Condition::parse("!= x", false).expect("parses").passes(&Value::Nothing, &scope));
    }

    #[test]
    fn several_conditions_on_one_column() {
        let several = |text: &str| Condition::parse_all(text, false).expect(text).len();
        assert_eq!(several("$other and != $node"), 2);
        assert_eq!(several("not older than 4.4.0-58 and older than 4.4.0-63"), 2);
        assert_eq!(several("~ this and that"), 1);
        assert_eq!(several("cali* and ~ a and b"), 2);
        for wrong in ["", "$a and ", "$a != $b", "$", "~ ("] {
            assert!(Condition::parse_all(wrong, false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn versions_are_ordered_as_their_makers_mean() {
        for (older, newer) in [
            ("4.4.0-104-generic", "4.4.0-186.216"),
            ("6.4-rc6", "6.4"),
            ("v1.9.3", "1.10.0"),
            ("249.11-0ubuntu3.7", "249.11-0ubuntu3.10"),
            ("3.10.0-957.el7", "3.10.0-1075.el7"),
            ("5.15.0-1019-aws", "5.15.0-1020-aws"),
        ] {
            assert_eq!(versions(older, newer), Ordering::Less, "{older} < {newer}");
            assert_eq!(versions(newer, older), Ordering::Greater, "{newer} > {older}");
        }
        assert_eq!(versions("v1.20.3", "1.20.3"), Ordering::Equal);
    }
}
