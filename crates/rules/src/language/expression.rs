//! Arithmetic and comparison between what clauses found: `$max < $tmax`, `total.value >= 0.5 * $max`.

use std::fmt;

use timeline::{Truth, Value};

use super::quantity::quantity;

/// What an expression needs to know.
pub(crate) trait Scope {
    /// The value of `$name`, when bound.
    fn variable(&self, name: &str) -> Option<Value>;
    /// The value of `clause.column`, when the clause found anything; without a clause, a column of the row at hand.
    fn column(&self, clause: &str, column: &str) -> Option<Value>;
}

/// A comparison of two sums.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expression {
    left: Term,
    op: Op,
    right: Term,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Number(f64),
    Word(Box<str>),
    Variable(Box<str>),
    Column(Box<str>, Box<str>),
    Binary(Box<Term>, char, Box<Term>),
}

impl Expression {
    /// Reads `left op right`.
    pub(crate) fn parse(text: &str) -> Result<Expression, String> {
        let mut tokens = tokenize(text)?;
        tokens.reverse();
        let left = sum(&mut tokens)?;
        let op = match tokens.pop().as_deref() {
            Some("<") => Op::Less,
            Some("<=") => Op::LessOrEqual,
            Some("=" | "==") => Op::Equal,
            Some("!=") => Op::NotEqual,
            Some(">=") => Op::GreaterOrEqual,
            Some(">") => Op::Greater,
            other => return Err(format!("expected a comparison, found {}", other.unwrap_or("the end"))),
        };
        let right = sum(&mut tokens)?;
        match tokens.pop() {
            None => Ok(Expression { left, op, right }),
            Some(more) => Err(format!("unexpected {more} after the comparison")),
        }
    }

    /// The variables it reads.
    pub(crate) fn variables(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.left.walk(&mut |it| {
            if let Term::Variable(name) = it {
                found.push(&**name)
            }
        });
        self.right.walk(&mut |it| {
            if let Term::Variable(name) = it {
                found.push(&**name)
            }
        });
        found
    }

    /// The clauses whose columns it reads.
    pub(crate) fn clauses(&self) -> Vec<&str> {
        self.columns().into_iter().map(|it| it.0).filter(|it| !it.is_empty()).collect()
    }

    /// The columns of the row at hand that it reads.
    pub(crate) fn own_columns(&self) -> Vec<&str> {
        self.columns().into_iter().filter(|it| it.0.is_empty()).map(|it| it.1).collect()
    }

    /// Clause and column of all it reads.
    pub(crate) fn columns(&self) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        for side in [&self.left, &self.right] {
            side.walk(&mut |it| {
                if let Term::Column(clause, column) = it {
                    found.push((&**clause, &**column));
                }
            });
        }
        found
    }

    /// The clause whose records it counts and how many there must be: `failed.count >= 20`.
    pub(crate) fn at_least(&self) -> Option<(&str, f64)> {
        match (&self.left, self.op, &self.right) {
            (Term::Column(clause, column), Op::GreaterOrEqual, Term::Number(number)) if &**column == "count" => {
                Some((clause, *number))
            }
            _ => None,
        }
    }

    /// True, false, or unknown where a part is.
    pub(crate) fn judge(&self, scope: &dyn Scope) -> Truth {
        let (Some(left), Some(right)) = (self.left.value(scope), self.right.value(scope)) else {
            return Truth::Unknown;
        };
        let known = match self.op {
            Op::Equal => Some(left.same(&right)),
            Op::NotEqual => Some(!left.same(&right)),
            op => match (number(&left), number(&right)) {
                (Some(left), Some(right)) => Some(match op {
                    Op::Less => left < right,
                    Op::LessOrEqual => left <= right,
                    Op::GreaterOrEqual => left >= right,
                    _ => left > right,
                }),
                _ => None,
            },
        };
        known.map_or(Truth::Unknown, |it| if it { Truth::True } else { Truth::False })
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = match self.op {
            Op::Less => "<",
            Op::LessOrEqual => "<=",
            Op::Equal => "=",
            Op::NotEqual => "!=",
            Op::GreaterOrEqual => ">=",
            Op::Greater => ">",
        };
        write!(out, "{} {op} {}", self.left, self.right)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Number(it) => write!(out, "{it}"),
            Term::Word(it) => write!(out, "{it}"),
            Term::Variable(name) => write!(out, "${name}"),
            Term::Column(clause, column) => write!(out, "{clause}.{column}"),
            Term::Binary(left, op, right) => write!(out, "{left} {op} {right}"),
        }
    }
}

/// The number in a cell, its unit applied where it is printed with one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    value.as_number().or_else(|| match value {
        Value::Text(text) => quantity(text),
        _ => None,
    })
}

impl Term {
    fn walk<'t>(&'t self, visit: &mut impl FnMut(&'t Term)) {
        visit(self);
        if let Term::Binary(left, _, right) = self {
            left.walk(visit);
            right.walk(visit);
        }
    }

    fn value(&self, scope: &dyn Scope) -> Option<Value> {
        match self {
            Term::Number(it) => Some(Value::Number(*it)),
            Term::Word(it) => Some(Value::from(&**it)),
            Term::Variable(name) => scope.variable(name).filter(Value::is_some),
            Term::Column(clause, column) => scope.column(clause, column).filter(Value::is_some),
            Term::Binary(left, op, right) => {
                let (left, right) = (number(&left.value(scope)?)?, number(&right.value(scope)?)?);
                Some(Value::Number(match op {
                    '+' => left + right,
                    '-' => left - right,
                    '*' => left * right,
                    _ => left / right,
                }))
            }
        }
    }
}

fn sum(tokens: &mut Vec<String>) -> Result<Term, String> {
    chain(tokens, &["+", "-"], |tokens| chain(tokens, &["*", "/"], atom))
}

fn chain(
    tokens: &mut Vec<String>,
    ops: &[&str],
    part: impl Fn(&mut Vec<String>) -> Result<Term, String>,
) -> Result<Term, String> {
    let mut term = part(tokens)?;
    while let Some(op) = tokens.last().filter(|it| ops.contains(&it.as_str())).and_then(|it| it.chars().next()) {
        tokens.pop();
        term = Term::Binary(Box::new(term), op, Box::new(part(tokens)?));
    }
    Ok(term)
}

fn atom(tokens: &mut Vec<String>) -> Result<Term, String> {
    let token = tokens.pop().ok_or("expected a value, found the end")?;
    if token == "(" {
        let inner = sum(tokens)?;
        return match tokens.pop().as_deref() {
            Some(")") => Ok(inner),
            other => Err(format!("expected ), found {}", other.unwrap_or("the end"))),
        };
    }
    if let Some(name) = token.strip_prefix('$') {
        return if name.is_empty() { Err("$ without a name".to_owned()) } else { Ok(Term::Variable(name.into())) };
    }
    if let Some(number) = quantity(&token) {
        return Ok(Term::Number(number));
    }
    let word = token.starts_with(|it: char| it.is_alphanumeric());
    if let Some((clause, column)) = token.split_once('.')
        && !column.is_empty()
        && !token.starts_with(|it: char| it.is_ascii_digit())
    {
        return Ok(Term::Column(clause.into(), column.into()));
    }
    if word { Ok(Term::Word(token.into())) } else { Err(format!("expected a value, found {token}")) }
}

fn tokenize(text: &str) -> Result<Vec<String>, String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let len = if "<>=!".contains(first) {
            rest.find(|it| !"<>=!".contains(it)).unwrap_or(rest.len())
        } else if "+*/()".contains(first) || (first == '-' && rest[1..].starts_with(' ')) {
            1
        } else if "$-.".contains(first) || first.is_alphanumeric() {
            let end = |it: char| !(it.is_alphanumeric() || "$_-.%".contains(it));
            rest.find(end).unwrap_or(rest.len())
        } else {
            return Err(format!("unexpected {first}"));
        };
        tokens.push(rest[..len].to_owned());
        rest = rest[len..].trim_start();
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Scope for Fixed {
        fn variable(&self, name: &str) -> Option<Value> {
            match name {
                "max" => Some(Value::from("49152")),
                "owner" => Some(Value::from("a")),
                "user" => Some(Value::from("b")),
                _ => None,
            }
        }
        fn column(&self, clause: &str, column: &str) -> Option<Value> {
            (clause == "total" && column == "value").then_some(Value::Number(46_210.0))
        }
    }

    #[test]
    fn compares_numbers_words_and_unknowns() {
        let judge = |text: &str| Expression::parse(text).expect("parses").judge(&Fixed);
        assert_eq!(judge("total.value >= 0.85 * $max"), Truth::True);
        assert_eq!(judge("total.value < 0.5 * $max + 10"), Truth::False);
        assert_eq!(judge("$user != $owner"), Truth::True);
        assert_eq!(judge("$user = b"), Truth::True);
        assert_eq!(judge("$nothing < 3"), Truth::Unknown);
        assert_eq!(judge("total.value >= 90% * $max"), Truth::True);
        assert_eq!(judge("2 * (total.value - 10) > 1Ki"), Truth::True);
        assert_eq!(judge("$owner = 10.0.0.1"), Truth::False);
    }

    #[test]
    fn says_what_it_cannot_read() {
        for text in ["", "$a", "$a <", "$a ~ 3", "$a < 3 4", "$a < (3", "$ < 3", "$a < )"] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }
}
