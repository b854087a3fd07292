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
    /// `rate(node_forks_total[5m])`, `quantile_over_time(0.9, x[1h])` with its numbers.
    Over(Window, Ranged, Vec<Expr>),
    /// `-x`
    Negate(Box<Expr>),
    /// `abs(x)`, `clamp_min(x, least)` with its numbers.
    Map(Map, Box<Expr>, Vec<Expr>),
    /// `timestamp(x)`
    Timestamp(Box<Expr>),
    /// `absent(x)`
    Absent(Box<Expr>),
    /// `absent_over_time(x[5m])`
    AbsentOver(Ranged),
    /// `scalar(x)`
    Scalar(Box<Expr>),
    /// `vector(x)`
    Vector(Box<Expr>),
    /// `histogram_quantile(0.99, x)`
    HistogramQuantile(Box<Expr>, Box<Expr>),
    /// `label_replace(x, …)`, `label_join(x, …)`
    Relabel(Relabel, Box<Expr>),
    /// `sum by (node) (x)`, `topk(3, x)`
    Aggregate { how: How, keep: Keep, of: Box<Expr>, param: Option<Box<Expr>>, label: Option<String> },
    /// `x / on (node) y`
    Binary { op: Op, left: Box<Expr>, right: Box<Expr>, on: Keep, many: Many, bool: bool },
}

/// What a function over a range sees.
#[derive(Debug, Clone)]
pub(super) enum Ranged {
    /// `x[5m]`
    Select(usize),
    /// `rate(x[5m])[1h:1m]`
    Sub(Box<Subquery>),
}

/// An expression evaluated on a grid of its own.
#[derive(Debug, Clone)]
pub(super) struct Subquery {
    pub of: Expr,
    pub range_ms: i64,
    pub step_ms: i64,
    pub offset_ms: i64,
    pub at: Option<At>,
}

/// `@ 1609746000`, `@ start()`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Start,
    End,
    Millis(i64),
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

    /// The selector it is, where it is one and nothing else.
    pub(super) fn selector(&self) -> Option<usize> {
        if let Expr::Select(at) = self { Some(*at) } else { None }
    }

    /// The labels its values may have; none where only the series tell.
    pub(super) fn labels(&self) -> Option<Vec<String>> {
        let without = |of: &Expr, names: &[String]| {
            of.labels().map(|it| it.into_iter().filter(|it| !names.contains(it)).collect::<Vec<_>>())
        };
        let with = |of: Option<Vec<String>>, more: &[String]| of.map(|it| [it.as_slice(), more].concat());
        match self {
            Expr::Number(_) | Expr::Variable(_) | Expr::Time | Expr::Scalar(_) | Expr::Vector(_) => Some(Vec::new()),
            Expr::Select(_) | Expr::Absent(_) | Expr::AbsentOver(_) | Expr::Over(_, Ranged::Select(_), _) => None,
            Expr::Over(_, Ranged::Sub(sub), _) => sub.of.labels(),
            Expr::Negate(of) | Expr::Map(_, of, _) | Expr::Timestamp(of) => of.labels(),
            Expr::HistogramQuantile(_, of) => without(of, &["le".to_owned()]),
            Expr::Relabel(Relabel::Replace { to, .. } | Relabel::Join { to, .. }, of) => {
                with(of.labels(), std::slice::from_ref(to))
            }
            Expr::Aggregate { how: How::Top | How::Bottom, of, .. } => of.labels(),
            Expr::Aggregate { keep, of, label, .. } => {
                let kept = match keep {
                    Keep::Only(names) => Some(names.clone()),
                    Keep::AllBut(names) => without(of, names),
                };
                with(kept, label.as_slice())
            }
            Expr::Binary { left, right, .. } if right.is_scalar() => left.labels(),
            Expr::Binary { left, right, .. } if left.is_scalar() => right.labels(),
            Expr::Binary { op: Op::And | Op::Unless, left, .. } => left.labels(),
            Expr::Binary { op: Op::Or, left, right, .. } => with(left.labels(), &right.labels()?),
            Expr::Binary { left, many: Many::Left(more), .. } => with(left.labels(), more),
            Expr::Binary { right, many: Many::Right(more), .. } => with(right.labels(), more),
            Expr::Binary { on: Keep::Only(names), .. } => Some(names.clone()),
            Expr::Binary { left, on: Keep::AllBut(names), .. } => without(left, names),
        }
    }

    /// What it asks of its value, `> 50`, where that is a number.
    pub(super) fn asks(&self) -> Option<String> {
        let Expr::Binary { op, right, .. } = self else { return None };
        let Expr::Number(number) = **right else { return None };
        let op = match op {
            Op::Equal => "==",
            Op::NotEqual => "!=",
            Op::Greater => ">",
            Op::GreaterEqual => ">=",
            Op::Less => "<",
            Op::LessEqual => "<=",
            _ => return None,
        };
        Some(format!("{op} {number}"))
    }

    /// The expressions it is made of.
    pub(super) fn parts(&self) -> Vec<&Expr> {
        fn of_range(ranged: &Ranged) -> Vec<&Expr> {
            match ranged {
                Ranged::Select(_) => Vec::new(),
                Ranged::Sub(sub) => vec![&sub.of],
            }
        }
        match self {
            Expr::Number(_) | Expr::Variable(_) | Expr::Time | Expr::Select(_) => Vec::new(),
            Expr::Over(_, of, numbers) => of_range(of).into_iter().chain(numbers).collect(),
            Expr::AbsentOver(of) => of_range(of),
            Expr::Negate(of)
            | Expr::Timestamp(of)
            | Expr::Absent(of)
            | Expr::Scalar(of)
            | Expr::Vector(of)
            | Expr::Relabel(_, of) => vec![of],
            Expr::Map(_, of, numbers) => std::iter::once(&**of).chain(numbers).collect(),
            Expr::HistogramQuantile(number, of) => vec![number, of],
            Expr::Aggregate { of, param, .. } => std::iter::once(&**of).chain(param.as_deref()).collect(),
            Expr::Binary { left, right, .. } => vec![left, right],
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
    Idelta,
    Deriv,
    PredictLinear,
    Smooth,
    Max,
    Min,
    Avg,
    Sum,
    Count,
    Last,
    First,
    Present,
    Quantile,
    Stddev,
    Stdvar,
    Mad,
    Changes,
    Resets,
    WhenMax,
    WhenMin,
    WhenLast,
    WhenFirst,
}

impl Window {
    /// By its name in PromQL.
    pub(super) fn named(name: &str) -> Option<Window> {
        Some(match name {
            "rate" => Window::Rate,
            "irate" => Window::Irate,
            "increase" => Window::Increase,
            "delta" => Window::Delta,
            "idelta" => Window::Idelta,
            "deriv" => Window::Deriv,
            "predict_linear" => Window::PredictLinear,
            "double_exponential_smoothing" | "holt_winters" => Window::Smooth,
            "max_over_time" => Window::Max,
            "min_over_time" => Window::Min,
            "avg_over_time" => Window::Avg,
            "sum_over_time" => Window::Sum,
            "count_over_time" => Window::Count,
            "last_over_time" => Window::Last,
            "first_over_time" => Window::First,
            "present_over_time" => Window::Present,
            "quantile_over_time" => Window::Quantile,
            "stddev_over_time" => Window::Stddev,
            "stdvar_over_time" => Window::Stdvar,
            "mad_over_time" => Window::Mad,
            "changes" => Window::Changes,
            "resets" => Window::Resets,
            "ts_of_max_over_time" => Window::WhenMax,
            "ts_of_min_over_time" => Window::WhenMin,
            "ts_of_last_over_time" => Window::WhenLast,
            "ts_of_first_over_time" => Window::WhenFirst,
            _ => return None,
        })
    }

    /// Whether its values are values of the metric, so that it keeps its name.
    pub(super) fn keeps_name(self) -> bool {
        matches!(self, Window::Last | Window::First)
    }
}

/// A function of each value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Map {
    Abs,
    Ceil,
    Floor,
    Exp,
    Ln,
    Log2,
    Log10,
    Sqrt,
    Sgn,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Deg,
    Rad,
    Clamp,
    ClampMin,
    ClampMax,
    Round,
    Minute,
    Hour,
    DayOfWeek,
    DayOfMonth,
    DayOfYear,
    DaysInMonth,
    Month,
    Year,
}

impl Map {
    /// By its name in PromQL.
    pub(super) fn named(name: &str) -> Option<Map> {
        Some(match name {
            "abs" => Map::Abs,
            "ceil" => Map::Ceil,
            "floor" => Map::Floor,
            "exp" => Map::Exp,
            "ln" => Map::Ln,
            "log2" => Map::Log2,
            "log10" => Map::Log10,
            "sqrt" => Map::Sqrt,
            "sgn" => Map::Sgn,
            "sin" => Map::Sin,
            "cos" => Map::Cos,
            "tan" => Map::Tan,
            "asin" => Map::Asin,
            "acos" => Map::Acos,
            "atan" => Map::Atan,
            "sinh" => Map::Sinh,
            "cosh" => Map::Cosh,
            "tanh" => Map::Tanh,
            "asinh" => Map::Asinh,
            "acosh" => Map::Acosh,
            "atanh" => Map::Atanh,
            "deg" => Map::Deg,
            "rad" => Map::Rad,
            "clamp" => Map::Clamp,
            "clamp_min" => Map::ClampMin,
            "clamp_max" => Map::ClampMax,
            "round" => Map::Round,
            "minute" => Map::Minute,
            "hour" => Map::Hour,
            "day_of_week" => Map::DayOfWeek,
            "day_of_month" => Map::DayOfMonth,
            "day_of_year" => Map::DayOfYear,
            "days_in_month" => Map::DaysInMonth,
            "month" => Map::Month,
            "year" => Map::Year,
            _ => return None,
        })
    }

    /// Whether it speaks of the evaluation time where it is given nothing.
    pub(super) fn is_date(self) -> bool {
        use Map::{DayOfMonth, DayOfWeek, DayOfYear, DaysInMonth, Hour, Minute, Month, Year};
        matches!(self, Minute | Hour | DayOfWeek | DayOfMonth | DayOfYear | DaysInMonth | Month | Year)
    }
}

/// A function of labels.
#[derive(Debug, Clone)]
pub(super) enum Relabel {
    /// `label_replace(x, to, replacement, from, pattern)`
    Replace { to: String, replacement: String, from: String, pattern: Regex },
    /// `label_join(x, to, separator, from…)`
    Join { to: String, separator: String, from: Vec<String> },
}

/// How an aggregation combines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    Quantile,
    CountValues,
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
    Atan2,
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
    pub at: Option<At>,
    pub range_ms: i64,
    /// Its own offset and those of the subqueries it stands in: so much later a point of it still speaks.
    pub shift_ms: i64,
    /// Whether it is asked for its absence.
    pub absent: bool,
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
