//! stand-in
use timeline::{Name, Quote, Series, Value};
#[derive(Debug)]
pub(crate) struct Query {
    v: Vec<String>,
}
#[derive(Debug, thiserror::Error)]
#[error("no")]
pub(crate) struct QueryError;
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) vectors: Vec<Output>,
    pub(crate) had_input: bool,
    pub(crate) unfiltered: Vec<Output>,
}
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) labels: Vec<(Name, Name)>,
    pub(crate) points: Vec<(i64, f64)>,
    pub(crate) cited: Vec<Quote>,
    pub(crate) first: i64,
    pub(crate) peak: (i64, f64),
}
impl Query {
    pub(crate) fn parse(_t: &str) -> Result<Query, QueryError> {
        Ok(Query { v: vec![] })
    }
    pub(crate) fn variables(&self) -> &[String] {
        &self.v
    }
    pub(crate) fn metrics(&self) -> Vec<&str> {
        vec![]
    }
    pub(crate) fn evaluate(&self, _s: &[&Series], _v: &dyn Fn(&str) -> Option<Value>) -> Outcome {
        Outcome { vectors: vec![], had_input: false, unfiltered: vec![] }
    }
}
