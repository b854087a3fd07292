//! Rows of relations: what was true when it was collected, and what detectors worked out.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::{Name, Quote, Relation, Time};

/// One cell of a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// The source did not say.
    #[default]
    Nothing,
    /// A word.
    Text(Name),
    /// A whole number.
    Int(i64),
    /// A measured number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// An address.
    Address(IpAddr),
    /// An address block.
    Prefix(IpNet),
}

impl Value {
    /// The number in a cell, also where it was printed as text.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Int(it) => Some(*it as f64),
            Value::Number(it) => Some(*it),
            Value::Text(it) => it.trim().parse().ok(),
            Value::Flag(it) => Some(f64::from(u8::from(*it))),
            Value::Nothing | Value::Address(_) | Value::Prefix(_) => None,
        }
    }

    /// The cell as an address block: an address is a block of one.
    #[must_use]
    pub fn as_prefix(&self) -> Option<IpNet> {
        match self {
            Value::Prefix(it) => Some(*it),
            Value::Address(it) => Some(IpNet::from(*it)),
            Value::Text(it) => it.parse().ok().or_else(|| it.parse::<IpAddr>().ok().map(IpNet::from)),
            _ => None,
        }
    }

    /// Whether the source said anything.
    #[must_use]
    pub fn is_some(&self) -> bool {
        !matches!(self, Value::Nothing)
    }

    /// Whether two cells mean the same, across the ways to print it: `49152` and the number, `10.0.0.1` and `10.0.0.1/32`.
    #[must_use]
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Nothing, _) | (_, Value::Nothing) => false,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Flag(a), Value::Flag(b)) => a == b,
            (Value::Flag(a), Value::Text(b)) | (Value::Text(b), Value::Flag(a)) => {
                b.eq_ignore_ascii_case(if *a { "true" } else { "false" })
            }
            (Value::Address(_) | Value::Prefix(_), _) | (_, Value::Address(_) | Value::Prefix(_)) => {
                matches!((self.as_prefix(), other.as_prefix()), (Some(a), Some(b)) if a == b)
            }
            _ => matches!((self.as_number(), other.as_number()), (Some(a), Some(b)) if a == b),
        }
    }

    /// A total order, for sorting rows the same way on every run.
    #[must_use]
    pub fn order(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            _ => self.to_string().cmp(&other.to_string()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Nothing => out.write_str("unknown"),
            Value::Text(it) => out.write_str(it),
            Value::Int(it) => write!(out, "{it}"),
            Value::Number(it) if it.fract() == 0.0 && it.abs() < 1e15 => write!(out, "{it:.0}"),
            Value::Number(it) => write!(out, "{it:.3}"),
            Value::Flag(it) => write!(out, "{it}"),
            Value::Address(it) => write!(out, "{it}"),
            Value::Prefix(it) => write!(out, "{it}"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(Name::from(text))
    }
}

impl From<Name> for Value {
    fn from(text: Name) -> Value {
        Value::Text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Name::from(text))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Int(i64::from(number))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Value {
        Value::Flag(flag)
    }
}

impl From<IpAddr> for Value {
    fn from(address: IpAddr) -> Value {
        Value::Address(address)
    }
}

impl From<IpNet> for Value {
    fn from(prefix: IpNet) -> Value {
        Value::Prefix(prefix)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(cell: Option<T>) -> Value {
        cell.map_or(Value::Nothing, Into::into)
    }
}

/// The cells of one relation, in the order of its columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which relation.
    pub relation: &'static Relation,
    /// One cell a column.
    pub values: Box<[Value]>,
}

impl Row {
    /// A row whose cells are all unknown.
    #[must_use]
    pub fn new(relation: &'static Relation) -> Row {
        Row { relation, values: vec![Value::Nothing; relation.columns.len()].into() }
    }

    /// The same row with one cell filled.
    ///
    /// # Panics
    /// When the relation has no such column: a slip in the parser's code, never in its input.
    #[must_use]
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Row {
        let at = self.relation.column(column).expect("a parser names only columns that its relation declares");
        self.values[at] = value.into();
        self
    }

    /// A cell by the name of its column.
    #[must_use]
    pub fn get(&self, column: &str) -> &Value {
        self.relation.column(column).map_or(&Value::Nothing, |at| &self.values[at])
    }
}

/// A row, whose it is, when it held and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// What is said.
    pub row: Row,
    /// The node it is said of, where it is said of one.
    pub node: Option<Name>,
    /// When: collection time for state, the instant itself for what happened.
    pub at: Time,
    /// The lines that say so, the most telling first.
    pub quotes: Vec<Quote>,
}

impl Fact {
    /// A state read from one place; the time is filled in when the timeline is built.
    #[must_use]
    pub fn new(row: Row, node: Option<Name>, quote: Quote) -> Fact {
        Fact { row, node, at: Time::UNKNOWN, quotes: vec![quote] }
    }

    /// A cell by the name of its column; `node` is a column of every relation.
    #[must_use]
    pub fn get(&self, column: &str) -> Value {
        match self.row.relation.column(column) {
            Some(at) => self.row.values[at].clone(),
            None if column == "node" => self.node.clone().into(),
            None => Value::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_the_same_across_spellings() {
        assert!(Value::from("49152").same(&Value::Int(49152)));
        assert!(Value::from("10.64.75.0").same(&Value::Address("10.64.75.0".parse().expect("an address"))));
        assert!(!Value::from("10.64.75.0/26").same(&Value::from("10.64.75.0".parse::<IpAddr>().expect("an address"))));
        assert!(!Value::Nothing.same(&Value::Nothing));
    }
}
