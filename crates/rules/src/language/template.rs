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
    /// Reads the text; a hole is `{$name}` or `{clause.column}`, any other brace is text.
    pub(crate) fn parse(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let (mut plain, mut rest) = (String::new(), text);
        while let Some(open) = rest.find('{') {
            plain.push_str(&rest[..open]);
            rest = &rest[open + 1..];
            let hole = rest.split('}').next().filter(|it| it.len() < rest.len());
            let part = match hole {
                Some(hole) if hole.starts_with('$') && is_word(&hole[1..]) => Part::Variable(hole[1..].into()),
                _ if rest.starts_with('$') => {
                    return Err("{$ begins a hole that does not end in a name and }".to_owned());
                }
                // other braces, such as those of PromQL, are text
                hole => match hole.and_then(|it| it.split_once('.')) {
                    Some((clause, column)) if is_word(clause) && is_word(column) => {
                        Part::Column(clause.into(), column.into())
                    }
                    _ => {
                        plain.push('{');
                        continue;
                    }
                },
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain).into()));
            }
            parts.push(part);
            rest = &rest[hole.map_or(0, str::len) + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain.into()));
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

    /// The columns it shows, with their clauses.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts.iter().filter_map(|it| match it {
            Part::Column(clause, column) => Some((&**clause, &**column)),
            _ => None,
        })
    }

    /// The text, where the bundle says everything in it.
    pub(crate) fn known(&self, scope: &dyn Scope) -> Option<String> {
        let all = self.parts.iter().all(|it| match it {
            Part::Text(_) => true,
            Part::Variable(name) => scope.variable(name).is_some(),
            Part::Column(clause, column) => scope.column(clause, column).is_some(),
        });
        all.then(|| self.render(scope))
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

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Scope for Fixed {
        fn variable(&self, name: &str) -> Option<timeline::Value> {
            (name == "node").then(|| timeline::Value::from("a"))
        }
        fn column(&self, clause: &str, column: &str) -> Option<timeline::Value> {
            (clause == "total" && column == "value").then_some(timeline::Value::Int(7))
        }
    }

    #[test]
    fn holes_are_filled_and_other_braces_stay() {
        let render = |text: &str| Template::parse(text).expect("parses").render(&Fixed);
        assert_eq!(render("{$node}: {total.value} of {$max}"), "a: 7 of unknown");
        assert_eq!(render("topk(5, up{node=\"{$node}\"})"), "topk(5, up{node=\"a\"})");
        assert!(Template::parse("{$node").is_err());
    }
}
