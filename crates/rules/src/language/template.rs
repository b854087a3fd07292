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
    /// Said only where the bundle fills every hole in it.
    Optional(Vec<Part>),
}

impl Template {
    /// Reads the text; a hole is `{$name}` or `{clause.column}`, any other brace is text. What stands in brackets with a hole,
    /// `[ ({$max})]`, is left out where the bundle does not fill the hole; other brackets are text.
    pub(crate) fn parse(text: &str) -> Result<Template, String> {
        Ok(Template { written: text.into(), parts: parts(text)? })
    }

    /// The text as written.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// The variables it shows, in brackets or not.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.holes().filter_map(|it| if let Part::Variable(name) = it { Some(&**name) } else { None })
    }

    /// The variables it cannot do without.
    pub(crate) fn needs(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|it| if let Part::Variable(name) = it { Some(&**name) } else { None })
    }

    /// The columns it shows, with their clauses.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.holes().filter_map(|it| match it {
            Part::Column(clause, column) => Some((&**clause, &**column)),
            _ => None,
        })
    }

    /// What stands in braces as a name would and is no hole: `{node}` for `{$node}`, `{total.value.x}`. What a shell fills in
    /// (`${HOME}`), lists, numbers and what holds blanks or quotes are text.
    pub(crate) fn near_holes(&self) -> Vec<&str> {
        let mut found = Vec::new();
        for (open, _) in self.written.match_indices('{') {
            let Some(inside) = self.written[open + 1..].split('}').next() else { continue };
            let ends = self.written[open + 1 + inside.len()..].starts_with('}');
            let named = inside.starts_with(|it: char| it.is_ascii_alphabetic())
                && inside.chars().all(|it| it.is_ascii_alphanumeric() || "._-$".contains(it));
            let is_column = inside.split_once('.').is_some_and(|(clause, column)| is_word(clause) && is_word(column));
            if ends && named && !is_column && !self.written[..open].ends_with('$') {
                found.push(inside);
            }
        }
        found
    }

    fn holes(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().flat_map(|it| match it {
            Part::Optional(inner) => inner.as_slice(),
            one => std::slice::from_ref(one),
        })
    }

    /// The text, where the bundle says everything in it.
    pub(crate) fn known(&self, scope: &dyn Scope) -> Option<String> {
        are_known(&self.parts, scope).then(|| self.render(scope))
    }

    /// The text, with `unknown` where the bundle did not say.
    pub(crate) fn render(&self, scope: &dyn Scope) -> String {
        self.parts.iter().map(|it| shown(it, scope)).collect()
    }
}

fn shown(part: &Part, scope: &dyn Scope) -> String {
    let filled = |value: Option<timeline::Value>| value.map_or_else(|| "unknown".to_owned(), |it| it.to_string());
    match part {
        Part::Text(it) => it.to_string(),
        Part::Variable(name) => filled(scope.variable(name)),
        Part::Column(clause, column) => filled(scope.column(clause, column)),
        Part::Optional(inner) if are_known(inner, scope) => inner.iter().map(|it| shown(it, scope)).collect(),
        Part::Optional(_) => String::new(),
    }
}

fn are_known(parts: &[Part], scope: &dyn Scope) -> bool {
    parts.iter().all(|it| match it {
        Part::Text(_) | Part::Optional(_) => true,
        Part::Variable(name) => scope.variable(name).is_some(),
        Part::Column(clause, column) => scope.column(clause, column).is_some(),
    })
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let (mut plain, mut rest) = (String::new(), text);
    while let Some(open) = rest.find(['{', '[']) {
        plain.push_str(&rest[..open]);
        let brace = rest.as_bytes()[open] == b'{';
        rest = &rest[open + 1..];
        let (part, len) = match if brace { hole(rest)? } else { optional(rest)? } {
            Some(found) => found,
            None => {
                plain.push(if brace { '{' } else { '[' });
                continue;
            }
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain).into()));
        }
        parts.push(part);
        rest = &rest[len..];
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain.into()));
    }
    Ok(parts)
}

/// What follows a brace, and how long it is with the closing one; nothing where it is text, as braces of PromQL are.
fn hole(rest: &str) -> Result<Option<(Part, usize)>, String> {
    let hole = rest.split('}').next().filter(|it| it.len() < rest.len());
    let part = match hole {
        Some(hole) if hole.starts_with('$') && is_word(&hole[1..]) => Part::Variable(hole[1..].into()),
        _ if rest.starts_with('$') => {
            return Err("{$ begins a hole that does not end in a name and }".to_owned());
        }
        hole => match hole.and_then(|it| it.split_once('.')) {
            Some((clause, column)) if is_word(clause) && is_word(column) => Part::Column(clause.into(), column.into()),
            _ => return Ok(None),
        },
    };
    Ok(Some((part, hole.map_or(0, str::len) + 1)))
}

/// What follows a bracket, and how long it is with the closing one; nothing where no hole stands in it.
fn optional(rest: &str) -> Result<Option<(Part, usize)>, String> {
    let Some(inside) = rest.split(']').next().filter(|it| it.len() < rest.len() && !it.contains('[')) else {
        return Ok(None);
    };
    let inner = parts(inside)?;
    let holes = inner.iter().any(|it| !matches!(it, Part::Text(_)));
    Ok(holes.then(|| (Part::Optional(inner), inside.len() + 1)))
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

    #[test]
    fn what_stands_in_brackets_is_said_where_it_is_known() {
        let render = |text: &str| Template::parse(text).expect("parses").render(&Fixed);
        assert_eq!(render("{$node} is full[ ({total.value} threads)]"), "a is full (7 threads)");
        assert_eq!(render("{$node} is full[ ({total.value} of {$max})] now"), "a is full now");
        assert_eq!(render("rate(x{node=\"{$node}\"}[5m]) [a] [{$node}"), "rate(x{node=\"a\"}[5m]) [a] [a");
        let template = Template::parse("{$node}[ {$max}]").expect("parses");
        assert_eq!(template.needs().collect::<Vec<_>>(), ["node"]);
        assert_eq!(template.variables().collect::<Vec<_>>(), ["node", "max"]);
        assert_eq!(template.known(&Fixed).as_deref(), Some("a"));
        assert!(Template::parse("[{$node]").is_err());
    }

    #[test]
    fn a_name_in_braces_that_is_no_hole_is_found() {
        let near = |text: &str| Template::parse(text).expect("parses").near_holes().join(" ");
        assert_eq!(near("{node} of {total.value.x}[ {a.}]"), "node total.value.x a.");
        assert_eq!(near("{$node} {total.value} up{a=\"b\"} ${HOME} a{1,2} {2} { x } {} {a b} {x"), "");
    }
}
