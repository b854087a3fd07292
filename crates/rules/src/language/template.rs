//! Texts with holes: `{$node} ran out of process IDs (kernel.pid_max = {$max})`, `threads reached {total.value}`.

use super::expression::Scope;

/// A text with holes for variables and columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template {
    written: Box<str>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(Box<str>),
    Variable(Box<str>),
    Column(Box<str>, Box<str>),
}

impl Template {
    /// Reads the text; a hole is `{$name}` or `{clause.column}`.
    pub(crate) fn parse(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, after) = rest.split_at(open);
            let Some(close) = after.find('}') else { return Err("an opening { without its }".to_owned()) };
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            let hole = &after[1..close];
            if let Some(name) = hole.strip_prefix('$') {
                parts.push(Part::Variable(name.into()));
            } else if let Some((clause, column)) = hole.split_once('.') {
                parts.push(Part::Column(clause.into(), column.into()));
            } else {
                return Err(format!("{{{hole}}} is neither {{$variable}} nor {{clause.column}}"));
            }
            rest = &after[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Ok(Template { written: text.into(), parts })
    }

    /// The text as written.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// The variables it shows.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|it| if let Part::Variable(name) = it { Some(&**name) } else { None })
    }

    /// The clauses whose columns it shows.
    pub(crate) fn clauses(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|it| if let Part::Column(clause, _) = it { Some(&**clause) } else { None })
    }

    /// The text, with `unknown` where the bundle did not say.
    pub(crate) fn render(&self, scope: &dyn Scope) -> String {
        let shown = |value: Option<timeline::Value>| value.map_or_else(|| "unknown".to_owned(), |it| it.to_string());
        let part = |part: &Part| match part {
            Part::Text(it) => it.to_string(),
            Part::Variable(name) => shown(scope.variable(name)),
            Part::Column(clause, column) => shown(scope.column(clause, column)),
        };
        self.parts.iter().map(part).collect()
    }
}
