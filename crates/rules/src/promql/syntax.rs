//! From the text of an expression to what can be evaluated.
//!
//! ```text
//! rate irate increase delta idelta deriv predict_linear double_exponential_smoothing holt_winters changes resets
//! avg_ min_ max_ sum_ count_ last_ first_ present_ absent_ quantile_ stddev_ stdvar_ mad_ ts_of_{min,max,first,last}_over_time
//! absent scalar vector time timestamp histogram_quantile label_replace label_join sort sort_desc sort_by_label(_desc)
//! abs ceil floor round clamp clamp_min clamp_max sgn exp ln log2 log10 sqrt deg rad pi, trigonometry
//! minute hour day_of_week day_of_month day_of_year days_in_month month year
//! sum avg min max count group stddev stdvar quantile count_values topk bottomk
//! ```
//!
//! `promql-parser` reads the grammar and checks the types. It knows no variables, so a `$name` outside quotes is given
//! to it as a number nobody writes and found again in its tree.

use super::expr::{
    At, Expr, How, Keep, Many, Map, Matcher, NAME, Op, Ranged, Relabel, Selector, Subquery, Test, Window, anchored,
    variable,
};
use super::{Query, QueryError};
use promql_parser::label::{MatchOp, Matcher as Printed};
use promql_parser::parser::token::{
    T_ADD, T_ATAN2, T_AVG, T_BOTTOMK, T_COUNT, T_COUNT_VALUES, T_DIV, T_EQLC, T_GROUP, T_GTE, T_GTR, T_LAND, T_LOR,
    T_LSS, T_LTE, T_LUNLESS, T_MAX, T_MIN, T_MOD, T_MUL, T_NEQ, T_POW, T_QUANTILE, T_STDDEV, T_STDVAR, T_SUB, T_SUM,
    T_TOPK, TokenType,
};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    self, AtModifier, Function, LabelModifier, Offset, VectorMatchCardinality, VectorSelector, register_extra_functions,
};

/// Longer expressions are a slip, and deep ones would exhaust the stack.
const MOST_BYTES: usize = 4096;
const MOST_DEPTH: usize = 100;

/// The numbers that stand for variables: 1e-300, 2e-300 …
const PLACEHOLDER: f64 = 1e-300;
const MOST_VARIABLES: usize = 64;

/// The step of a subquery that names none, as the evaluation interval of a Prometheus that was told none.
const SUBQUERY_STEP_MS: i64 = 60_000;

/// Reads an expression; in one of a rule `$name` is a variable, in one of an alert there are none.
pub(super) fn parse(text: &str, with_variables: bool) -> Result<Query, QueryError> {
    // its name until Prometheus 3
    static OLD_NAMES: std::sync::Once = std::sync::Once::new();
    OLD_NAMES.call_once(|| {
        let numbers = vec![ValueType::Matrix, ValueType::Scalar, ValueType::Scalar];
        let old = Function::new("holt_winters", numbers, 0, ValueType::Vector, false);
        // an error would say that the parser knows it by itself
        let _ = register_extra_functions(vec![old]);
    });
    if text.len() > MOST_BYTES {
        return Err(refuse(format!("the expression is longer than {MOST_BYTES} bytes"), Some(MOST_BYTES)));
    }
    let mut variables = Vec::new();
    let (plain, placed) = if with_variables { without_variables(text, &mut variables)? } else { (text.to_owned(), 0) };
    let tree = parser::parse(&plain).map_err(|message| refuse(unplaced(&message, placed), None))?;
    let mut lower = Lower { text, variables: &variables, selectors: Vec::new(), placed: 0, shift_ms: 0, absent: false };
    let expr = lower.expr(&tree, 0)?;
    if lower.placed != placed {
        return Err(refuse(
            "a variable may stand for a number or within the quotes of a label's value, nowhere else".to_owned(),
            text.find('$'),
        ));
    }
    let selectors = lower.selectors;
    if selectors.is_empty() && with_variables {
        return Err(refuse("the expression selects no series".to_owned(), Some(0)));
    }
    Ok(Query { text: text.into(), expr, selectors, variables })
}

fn refuse(message: String, offset: Option<usize>) -> QueryError {
    QueryError { message, offset }
}

/// The parser's complaint, which knows nothing of the variables that stood there.
fn unplaced(message: &str, placed: usize) -> String {
    if placed == 0 {
        return message.to_owned();
    }
    let message = if message.contains("e-300") { "invalid promql query" } else { message };
    format!("{message} (a variable may stand for a number or within quotes)")
}

fn place(name: &str, variables: &mut Vec<String>) -> usize {
    variables.iter().position(|it| it == name).unwrap_or_else(|| {
        variables.push(name.to_owned());
        variables.len() - 1
    })
}

/// The text with numbers for its variables outside quotes, and how many there are.
fn without_variables(text: &str, variables: &mut Vec<String>) -> Result<(String, usize), QueryError> {
    let mut plain = String::with_capacity(text.len() + 16);
    let mut placed = 0;
    let mut quote = None;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        if let Some(name) = variable(rest) {
            let index = place(name, variables);
            if variables.len() > MOST_VARIABLES {
                return Err(refuse(format!("more than {MOST_VARIABLES} variables"), Some(at)));
            }
            let whole = &rest[..=name.len()];
            if quote.is_some() {
                plain.push_str(whole);
            } else {
                plain.push_str(&format!("{}e-300", index + 1));
                placed += 1;
            }
            rest = &rest[whole.len()..];
            continue;
        }
        let mut taken = first.len_utf8();
        match quote {
            Some(open) if first == open => quote = None,
            Some(open) if first == '\\' && open != '`' => {
                taken += rest[taken..].chars().next().map_or(0, char::len_utf8);
            }
            Some(_) => {}
            None if matches!(first, '"' | '\'' | '`') => quote = Some(first),
            None if first == '$' => return Err(refuse("`$` without a name".to_owned(), Some(at))),
            None => {}
        }
        plain.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    Ok((plain, placed))
}

/// Walks the parser's tree.
struct Lower<'t> {
    text: &'t str,
    variables: &'t [String],
    selectors: Vec<Selector>,
    placed: usize,
    /// The offsets of the subqueries around.
    shift_ms: i64,
    /// Whether the next selector is asked for its absence.
    absent: bool,
}

impl Lower<'_> {
    fn expr(&mut self, tree: &parser::Expr, depth: usize) -> Result<Expr, QueryError> {
        if depth > MOST_DEPTH {
            return Err(refuse(format!("the expression nests deeper than {MOST_DEPTH}"), None));
        }
        let depth = depth + 1;
        Ok(match tree {
            parser::Expr::Paren(it) => self.expr(&it.expr, depth)?,
            parser::Expr::NumberLiteral(it) => self.number(it.val),
            parser::Expr::Unary(it) => Expr::Negate(Box::new(self.expr(&it.expr, depth)?)),
            parser::Expr::VectorSelector(it) => Expr::Select(self.selector(it, 0)?),
            parser::Expr::Call(it) => self.call(it, depth)?,
            parser::Expr::Aggregate(it) => self.aggregate(it, depth)?,
            parser::Expr::Binary(it) => self.binary(it, depth)?,
            parser::Expr::Subquery(_) | parser::Expr::MatrixSelector(_) => {
                return Err(self.unsupported("a range outside the call of a function", "["));
            }
            parser::Expr::StringLiteral(_) => return Err(self.unsupported("text as a value", "\"")),
            parser::Expr::Extension(_) => return Err(self.unsupported("extensions of PromQL", "")),
        })
    }

    /// A number, or the variable it stands for; `-$x` reaches us as one negative number.
    fn number(&mut self, value: f64) -> Expr {
        let index = (value.abs() / PLACEHOLDER).round();
        if value != 0.0 && value.is_finite() && index >= 1.0 && index <= self.variables.len() as f64 {
            self.placed += 1;
            let variable = Expr::Variable(index as usize - 1);
            return if value < 0.0 { Expr::Negate(Box::new(variable)) } else { variable };
        }
        Expr::Number(value)
    }

    fn selector(&mut self, from: &VectorSelector, range_ms: i64) -> Result<usize, QueryError> {
        if !from.matchers.or_matchers.is_empty() {
            return Err(self.unsupported("`or` between matchers", " or "));
        }
        let offset_ms = offset(from.offset.as_ref());
        let mut matchers = Vec::new();
        if let Some(name) = &from.name {
            matchers.push(Matcher { label: NAME.to_owned(), negated: false, test: Test::Text(name.clone()) });
        }
        for printed in &from.matchers.matchers {
            matchers.push(self.matcher(printed)?);
        }
        let at = from.at.as_ref().map(pinned);
        let shift_ms = self.shift_ms.saturating_add(offset_ms);
        self.selectors.push(Selector { matchers, offset_ms, at, range_ms, shift_ms, absent: self.absent });
        Ok(self.selectors.len() - 1)
    }

    fn matcher(&self, printed: &Printed) -> Result<Matcher, QueryError> {
        let varies = printed.value.match_indices('$').any(|(at, _)| variable(&printed.value[at..]).is_some());
        let (negated, pattern) = match printed.op {
            MatchOp::Equal => (false, false),
            MatchOp::NotEqual => (true, false),
            MatchOp::Re(_) => (false, true),
            MatchOp::NotRe(_) => (true, true),
        };
        let value = printed.value.clone();
        let test = match (pattern, varies) {
            (false, false) => Test::Text(value),
            (false, true) => Test::TextOf(value),
            (true, true) => Test::PatternOf(value),
            (true, false) => Test::Pattern(anchored(&value).map_err(|it| refuse(it, self.text.find(&value)))?),
        };
        Ok(Matcher { label: printed.name.clone(), negated, test })
    }

    /// What a function over a range sees.
    fn ranged(&mut self, name: &str, tree: Option<&parser::Expr>, depth: usize) -> Result<Ranged, QueryError> {
        match tree {
            Some(parser::Expr::Paren(it)) => self.ranged(name, Some(&it.expr), depth),
            Some(parser::Expr::MatrixSelector(it)) => Ok(Ranged::Select(self.selector(&it.vs, millis(&it.range))?)),
            Some(parser::Expr::Subquery(it)) => {
                let (offset_ms, range_ms) = (offset(it.offset.as_ref()), millis(&it.range));
                let step_ms = it.step.as_ref().map_or(SUBQUERY_STEP_MS, millis).max(1);
                let (outer_shift, outer_absent) = (self.shift_ms, self.absent);
                self.shift_ms = self.shift_ms.saturating_add(offset_ms);
                self.absent = false;
                let of = self.expr(&it.expr, depth)?;
                (self.shift_ms, self.absent) = (outer_shift, outer_absent);
                let at = it.at.as_ref().map(pinned);
                Ok(Ranged::Sub(Box::new(Subquery { of, range_ms, step_ms, offset_ms, at })))
            }
            _ => Err(refuse(format!("{name} needs a range such as x[5m]"), self.find(name))),
        }
    }

    fn call(&mut self, call: &parser::Call, depth: usize) -> Result<Expr, QueryError> {
        let name = call.func.name;
        let args: Vec<&parser::Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
        let lacks = |this: &Self| refuse(format!("{name} lacks an argument"), this.find(name));
        if let Some(window) = Window::named(name) {
            // all take their range first, but this one
            let (range, numbers) = if window == Window::Quantile { (1, 0..1) } else { (0, 1..args.len()) };
            let numbers = args.get(numbers).ok_or_else(|| lacks(self))?;
            let numbers = numbers.iter().map(|it| self.expr(it, depth)).collect::<Result<Vec<_>, _>>()?;
            return Ok(Expr::Over(window, self.ranged(name, args.get(range).copied(), depth)?, numbers));
        }
        let boxed = |this: &mut Self, at: usize| match args.get(at) {
            Some(it) => this.expr(it, depth).map(Box::new),
            None => Err(lacks(this)),
        };
        if let Some(map) = Map::named(name) {
            let of = match args.first() {
                None if map.is_date() => Box::new(Expr::Vector(Box::new(Expr::Time))),
                _ => boxed(self, 0)?,
            };
            let numbers = args.iter().skip(1).map(|it| self.expr(it, depth)).collect::<Result<Vec<_>, _>>()?;
            return Ok(Expr::Map(map, of, numbers));
        }
        Ok(match name {
            "time" => Expr::Time,
            "pi" => Expr::Number(std::f64::consts::PI),
            "timestamp" => Expr::Timestamp(boxed(self, 0)?),
            "scalar" => Expr::Scalar(boxed(self, 0)?),
            "vector" => Expr::Vector(boxed(self, 0)?),
            // the order of an answer says nothing to a clause
            "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => *boxed(self, 0)?,
            "absent" | "absent_over_time" => {
                let outer = std::mem::replace(&mut self.absent, true);
                let found = if name == "absent" {
                    boxed(self, 0).map(Expr::Absent)
                } else {
                    self.ranged(name, args.first().copied(), depth).map(Expr::AbsentOver)
                };
                self.absent = outer;
                found?
            }
            "histogram_quantile" => Expr::HistogramQuantile(boxed(self, 0)?, boxed(self, 1)?),
            "label_replace" => {
                let text = |this: &Self, at: usize| this.literal(name, args.get(at).copied());
                let (to, replacement, from) = (text(self, 1)?, text(self, 2)?, text(self, 3)?);
                let pattern = text(self, 4)?;
                let pattern = anchored(&pattern).map_err(|it| refuse(it, self.text.find(&pattern)))?;
                Expr::Relabel(Relabel::Replace { to, replacement, from, pattern }, boxed(self, 0)?)
            }
            "label_join" => {
                let text = |this: &Self, at: usize| this.literal(name, args.get(at).copied());
                let (to, separator) = (text(self, 1)?, text(self, 2)?);
                let from = (3..args.len()).map(|at| text(self, at)).collect::<Result<Vec<_>, _>>()?;
                Expr::Relabel(Relabel::Join { to, separator, from }, boxed(self, 0)?)
            }
            _ if name.starts_with("histogram_") => {
                let message = format!("the function {name} is of native histograms, which no source of a bundle holds");
                return Err(refuse(message, self.find(name)));
            }
            _ => return Err(self.unsupported(&format!("the function {name}"), name)),
        })
    }

    /// A text that a function takes; a variable in it would be no part of any label.
    fn literal(&self, name: &str, tree: Option<&parser::Expr>) -> Result<String, QueryError> {
        match tree {
            Some(parser::Expr::Paren(it)) => self.literal(name, Some(&it.expr)),
            Some(parser::Expr::StringLiteral(it)) => {
                let mut places = it.val.match_indices('$').filter_map(|(at, _)| variable(&it.val[at..]));
                match places.find(|it| self.variables.iter().any(|name| name == it)) {
                    Some(of) => {
                        let message =
                            format!("`${of}` within the text of {name}: write ${{1}} for a group of its pattern");
                        Err(refuse(message, self.text.find(&format!("${of}"))))
                    }
                    None => Ok(it.val.clone()),
                }
            }
            _ => Err(refuse(format!("{name} needs a text in quotes here"), self.find(name))),
        }
    }

    fn aggregate(&mut self, from: &parser::AggregateExpr, depth: usize) -> Result<Expr, QueryError> {
        let how = match from.op.id() {
            T_SUM => How::Sum,
            T_AVG => How::Avg,
            T_MIN => How::Min,
            T_MAX => How::Max,
            T_COUNT => How::Count,
            T_GROUP => How::Group,
            T_STDDEV => How::Stddev,
            T_STDVAR => How::Stdvar,
            T_QUANTILE => How::Quantile,
            T_COUNT_VALUES => How::CountValues,
            T_TOPK => How::Top,
            T_BOTTOMK => How::Bottom,
            _ => {
                let name = from.op.to_string();
                return Err(self.unsupported(&format!("the aggregation {name}"), &name));
            }
        };
        let (mut param, mut label) = (None, None);
        if how == How::CountValues {
            label = Some(self.literal("count_values", from.param.as_deref())?);
        } else if let Some(it) = &from.param {
            param = Some(Box::new(self.expr(it, depth)?));
        }
        let keep = keep(from.modifier.as_ref()).unwrap_or(Keep::Only(Vec::new()));
        Ok(Expr::Aggregate { how, keep, of: Box::new(self.expr(&from.expr, depth)?), param, label })
    }

    fn binary(&mut self, from: &parser::BinaryExpr, depth: usize) -> Result<Expr, QueryError> {
        let op = self.op(from.op)?;
        let left = Box::new(self.expr(&from.lhs, depth)?);
        let right = Box::new(self.expr(&from.rhs, depth)?);
        let mut on = Keep::AllBut(Vec::new());
        let (mut many, mut bool) = (Many::Neither, false);
        if let Some(modifier) = &from.modifier {
            if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
                return Err(self.unsupported("fill values of an operator", "fill"));
            }
            bool = modifier.return_bool;
            on = keep(modifier.matching.as_ref()).unwrap_or(on);
            many = match &modifier.card {
                VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => Many::Neither,
                VectorMatchCardinality::ManyToOne(labels) => Many::Left(labels.labels.clone()),
                VectorMatchCardinality::OneToMany(labels) => Many::Right(labels.labels.clone()),
            };
        }
        Ok(Expr::Binary { op, left, right, on, many, bool })
    }

    fn op(&self, from: TokenType) -> Result<Op, QueryError> {
        Ok(match from.id() {
            T_ADD => Op::Add,
            T_SUB => Op::Subtract,
            T_MUL => Op::Multiply,
            T_DIV => Op::Divide,
            T_MOD => Op::Modulo,
            T_POW => Op::Power,
            T_ATAN2 => Op::Atan2,
            T_EQLC => Op::Equal,
            T_NEQ => Op::NotEqual,
            T_GTR => Op::Greater,
            T_GTE => Op::GreaterEqual,
            T_LSS => Op::Less,
            T_LTE => Op::LessEqual,
            T_LAND => Op::And,
            T_LOR => Op::Or,
            T_LUNLESS => Op::Unless,
            _ => {
                let name = from.to_string();
                return Err(self.unsupported(&format!("the operator {name}"), &name));
            }
        })
    }

    fn unsupported(&self, feature: &str, sign: &str) -> QueryError {
        refuse(format!("{feature}: not supported yet"), self.find(sign))
    }

    /// Where a word stands outside quotes; the parser's tree does not say.
    fn find(&self, word: &str) -> Option<usize> {
        let mut quote = None;
        let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let wordy = word.starts_with(is_word);
        for (at, it) in self.text.char_indices() {
            match quote {
                Some(open) if it == open => quote = None,
                Some(_) => {}
                None => {
                    let before = self.text[..at].ends_with(is_word);
                    if !word.is_empty() && self.text[at..].starts_with(word) {
                        let after = self.text[at + word.len()..].starts_with(is_word);
                        if !wordy || (!before && !after) {
                            return Some(at);
                        }
                    }
                    if matches!(it, '"' | '\'' | '`') {
                        quote = Some(it);
                    }
                }
            }
        }
        None
    }
}

fn millis(it: &std::time::Duration) -> i64 {
    i64::try_from(it.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
}

fn offset(it: Option<&Offset>) -> i64 {
    match it {
        None => 0,
        Some(Offset::Pos(it)) => millis(it),
        Some(Offset::Neg(it)) => -millis(it),
    }
}

fn pinned(it: &AtModifier) -> At {
    match it {
        AtModifier::Start => At::Start,
        AtModifier::End => At::End,
        AtModifier::At(it) => At::Millis(match it.duration_since(std::time::SystemTime::UNIX_EPOCH) {
            Ok(after) => millis(&after),
            Err(before) => -millis(&before.duration()),
        }),
    }
}

fn keep(modifier: Option<&LabelModifier>) -> Option<Keep> {
    modifier.map(|it| match it {
        LabelModifier::Include(labels) => Keep::Only(labels.labels.clone()),
        LabelModifier::Exclude(labels) => Keep::AllBut(labels.labels.clone()),
    })
}
