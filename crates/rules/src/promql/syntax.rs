//! From the text of an expression to what can be evaluated; the seam where the rest of PromQL will be let in.
//!
//! ```text
//! rate irate increase delta deriv                          over a range of a counter or gauge
//! max_ min_ avg_ sum_ count_ last_over_time                over a range
//! abs clamp_min clamp_max scalar vector time               of instants
//! ```
//!
//! `promql-parser` reads the grammar and checks the types. It knows no variables, so a `$name` outside quotes is given
//! to it as a number nobody writes and found again in its tree.

use super::expr::{Expr, How, Keep, Many, Matcher, NAME, Op, Selector, Test, Window, anchored, variable};
use super::{Query, QueryError};
use promql_parser::label::{MatchOp, Matcher as Printed};
use promql_parser::parser::token::{
    T_ADD, T_AVG, T_BOTTOMK, T_COUNT, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MAX,
    T_MIN, T_MOD, T_MUL, T_NEQ, T_POW, T_SUB, T_SUM, T_TOPK, TokenType,
};
use promql_parser::parser::{self, LabelModifier, Offset, VectorMatchCardinality, VectorSelector};

/// Longer expressions are a slip, and deep ones would exhaust the stack.
const MOST_BYTES: usize = 4096;
const MOST_DEPTH: usize = 100;

/// The numbers that stand for variables: 1e-300, 2e-300 …
const PLACEHOLDER: f64 = 1e-300;
const MOST_VARIABLES: usize = 64;

pub(super) fn parse(text: &str) -> Result<Query, QueryError> {
    if text.len() > MOST_BYTES {
        return Err(refuse(format!("the expression is longer than {MOST_BYTES} bytes"), Some(MOST_BYTES)));
    }
    let mut variables = Vec::new();
    let (plain, placed) = without_variables(text, &mut variables)?;
    let tree = parser::parse(&plain).map_err(|message| refuse(unplaced(&message, placed), None))?;
    let mut lower = Lower { text, variables: &variables, selectors: Vec::new(), placed: 0 };
    let expr = lower.expr(&tree, 0)?;
    if lower.placed != placed {
        return Err(refuse(
            "a variable may stand for a number or within the quotes of a label's value, nowhere else".to_owned(),
            text.find('$'),
        ));
    }
    let selectors = lower.selectors;
    if selectors.is_empty() {
        return Err(refuse("the expression selects no series".to_owned(), Some(0)));
    }
    Ok(Query { expr, selectors, variables })
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
            parser::Expr::Subquery(_) => return Err(self.unsupported("subqueries such as x[1h:1m]", ":")),
            parser::Expr::MatrixSelector(_) => {
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
        if from.at.is_some() {
            return Err(self.unsupported("the `@` modifier", "@"));
        }
        if !from.matchers.or_matchers.is_empty() {
            return Err(self.unsupported("`or` between matchers", " or "));
        }
        let millis = |it: &std::time::Duration| i64::try_from(it.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        let offset_ms = match &from.offset {
            None => 0,
            Some(Offset::Pos(it)) => millis(it),
            Some(Offset::Neg(it)) => -millis(it),
        };
        let mut matchers = Vec::new();
        if let Some(name) = &from.name {
            matchers.push(Matcher { label: NAME.to_owned(), negated: false, test: Test::Text(name.clone()) });
        }
        for printed in &from.matchers.matchers {
            matchers.push(self.matcher(printed)?);
        }
        self.selectors.push(Selector { matchers, offset_ms, range_ms });
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

    fn call(&mut self, call: &parser::Call, depth: usize) -> Result<Expr, QueryError> {
        let name = call.func.name;
        let window = match name {
            "rate" => Some(Window::Rate),
            "irate" => Some(Window::Irate),
            "increase" => Some(Window::Increase),
            "delta" => Some(Window::Delta),
            "deriv" => Some(Window::Deriv),
            "max_over_time" => Some(Window::Max),
            "min_over_time" => Some(Window::Min),
            "avg_over_time" => Some(Window::Avg),
            "sum_over_time" => Some(Window::Sum),
            "count_over_time" => Some(Window::Count),
            "last_over_time" => Some(Window::Last),
            _ => None,
        };
        let args = &call.args.args;
        if let Some(window) = window {
            return match args.first().map(AsRef::as_ref) {
                Some(parser::Expr::MatrixSelector(it)) => {
                    let range_ms = i64::try_from(it.range.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
                    Ok(Expr::Over(window, self.selector(&it.vs, range_ms)?))
                }
                Some(parser::Expr::Subquery(_)) => Err(self.unsupported("subqueries such as x[1h:1m]", name)),
                _ => Err(refuse(format!("{name} needs a range such as x[5m]"), self.find(name))),
            };
        }
        let boxed = |this: &mut Self, at: usize| match args.get(at) {
            Some(it) => this.expr(it, depth).map(Box::new),
            None => Err(refuse(format!("{name} lacks an argument"), this.find(name))),
        };
        Ok(match name {
            "time" => Expr::Time,
            "abs" => Expr::Abs(boxed(self, 0)?),
            "clamp_min" => Expr::ClampMin(boxed(self, 0)?, boxed(self, 1)?),
            "clamp_max" => Expr::ClampMax(boxed(self, 0)?, boxed(self, 1)?),
            "scalar" => Expr::Scalar(boxed(self, 0)?),
            "vector" => Expr::Vector(boxed(self, 0)?),
            _ => return Err(self.unsupported(&format!("the function {name}"), name)),
        })
    }

    fn aggregate(&mut self, from: &parser::AggregateExpr, depth: usize) -> Result<Expr, QueryError> {
        let how = match from.op.id() {
            T_SUM => How::Sum,
            T_AVG => How::Avg,
            T_MIN => How::Min,
            T_MAX => How::Max,
            T_COUNT => How::Count,
            T_TOPK => How::Top,
            T_BOTTOMK => How::Bottom,
            _ => {
                let name = from.op.to_string();
                return Err(self.unsupported(&format!("the aggregation {name}"), &name));
            }
        };
        let count = from.param.as_ref().map(|it| self.expr(it, depth)).transpose()?.map(Box::new);
        let keep = keep(from.modifier.as_ref()).unwrap_or(Keep::Only(Vec::new()));
        Ok(Expr::Aggregate { how, keep, of: Box::new(self.expr(&from.expr, depth)?), count })
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

fn keep(modifier: Option<&LabelModifier>) -> Option<Keep> {
    modifier.map(|it| match it {
        LabelModifier::Include(labels) => Keep::Only(labels.labels.clone()),
        LabelModifier::Exclude(labels) => Keep::AllBut(labels.labels.clone()),
    })
}
