//! What an expression is made of, once everything in it can be honoured.

use regex::Regex;

/// An expression that can be evaluated.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    /// `0.85`
    Number(f64),
    /// `$max`, by its place in the variables of the query.
    Variable(usize),
    /// `time()`
    Time,
    /// `container_threads{container!=""}`, by its place among the selectors.
    Select(usize),
    /// `rate(node_forks_total[5m])`
    Over(Window, usize),
    /// `-x`
    Negate(Box<Expr>),
    /// `abs(x)`
    Abs(Box<Expr>),
    /// `clamp_min(x, least)`
    ClampMin(Box<Expr>, Box<Expr>),
    /// `clamp_max(x, most)`
    ClampMax(Box<Expr>, Box<Expr>),
    /// `scalar(x)`
    Scalar(Box<Expr>),
    /// `vector(x)`
    Vector(Box<Expr>),
    /// `sum by (node) (x)`, `topk(3, x)`
    Aggregate { how: How, keep: Keep, of: Box<Expr>, count: Option<Box<Expr>> },
    /// `x / on (node) y`
    Binary { op: Op, left: Box<Expr>, right: Box<Expr>, on: Keep, many: Many, bool: bool },
}

impl Expr {
    /// Whether it has one value an instant and no labels.
    pub(super) fn is_scalar(&self) -> bool {
        match self {
            Expr::Number(_) | Expr::Variable(_) | Expr::Time | Expr::Scalar(_) => true,
            Expr::Negate(of) => of.is_scalar(),
            Expr::Binary { left, right, .. } => left.is_scalar() && right.is_scalar(),
            _ => false,
        }
    }
}

/// A function over a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    Rate,
    Irate,
    Increase,
    Delta,
    Deriv,
    Max,
    Min,
    Avg,
    Sum,
    Count,
    Last,
}

/// How an aggregation combines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Top,
    Bottom,
}

/// Which labels stay: those of the list, or all but those.
#[derive(Debug, Clone)]
pub(super) enum Keep {
    Only(Vec<String>),
    AllBut(Vec<String>),
}

/// Which side of an operator may have several series for one of the other, and which labels it takes from there.
#[derive(Debug, Clone)]
pub(super) enum Many {
    Neither,
    Left(Vec<String>),
    Right(Vec<String>),
}

/// An operator between two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    And,
    Or,
    Unless,
}

impl Op {
    /// Whether it filters.
    pub(super) fn compares(self) -> bool {
        use Op::*;
        matches!(self, Equal | NotEqual | Greater | GreaterEqual | Less | LessEqual)
    }
}

/// `name{label="value"}[5m] offset 1h`
#[derive(Debug, Clone)]
pub(super) struct Selector {
    pub matchers: Vec<Matcher>,
    pub offset_ms: i64,
    pub range_ms: i64,
}

impl Selector {
    /// The metric it names, where it names one.
    pub(super) fn metric(&self) -> Option<&str> {
        self.matchers.iter().find_map(|it| match &it.test {
            Test::Text(text) if it.label == NAME && !it.negated => Some(text.as_str()),
            _ => None,
        })
    }
}

/// The label under which PromQL knows the metric's name.
pub(super) const NAME: &str = "__name__";

/// One condition on a label.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    pub label: String,
    pub negated: bool,
    pub test: Test,
}

/// What a label is compared with.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Text(String),
    Pattern(Regex),
    /// Text with `$name` in it.
    TextOf(String),
    /// A pattern with `$name` in it.
    PatternOf(String),
}

/// A pattern as PromQL means it: of the whole value.
pub(super) fn anchored(pattern: &str) -> Result<Regex, String> {
    regex::RegexBuilder::new(&format!("^(?s:{pattern})$"))
        .size_limit(1 << 20)
        .build()
        .map_err(|_| format!("the pattern `{pattern}` cannot be read"))
}

/// A test whose variables have values.
#[derive(Debug, Clone)]
pub(super) enum Bound {
    Text(String),
    Pattern(Regex),
}

impl Bound {
    /// Whether the value passes.
    pub(super) fn holds(&self, value: &str) -> bool {
        match self {
            Bound::Text(it) => it == value,
            Bound::Pattern(it) => it.is_match(value),
        }
    }
}

impl Test {
    /// The test with its variables filled in; nothing when one has no value.
    pub(super) fn bind(&self, value: &dyn Fn(&str) -> Option<String>) -> Option<Bound> {
        Some(match self {
            Test::Text(it) => Bound::Text(it.clone()),
            Test::Pattern(it) => Bound::Pattern(it.clone()),
            Test::TextOf(it) => Bound::Text(filled(it, value)?),
            Test::PatternOf(it) => {
                Bound::Pattern(anchored(&filled(it, &|name| value(name).map(|it| regex::escape(&it)))?).ok()?)
            }
        })
    }
}

/// `order-$who`, with `$who` replaced.
fn filled(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match variable(rest) {
            Some(name) => {
                out.push_str(&value(name)?);
                name.len() + 1
            }
            None => {
                out.push('$');
                1
            }
        };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    Some(out)
}

/// `$name` at the start of the text.
pub(super) fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let end = name.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(name.len());
    let name = &name[..end];
    name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_').then_some(name)
}
