//! The texts of labels and annotations: what stands between `{{` and `}}` is replaced.
//!
//! ```text
//! {{ $labels.instance }}   {{ .Labels.pod }}   {{ $value }}   {{ $value | humanize1024 }}   {{ printf "%.2f" $value }}
//! ```
//!
//! Functions: humanize, humanize1024, humanizeDuration, humanizePercentage, humanizeTimestamp, printf, title, toUpper, toLower,
//! stripPort, stripDomain, reReplaceAll. An action with anything else in it (queries, conditions, loops) stays as it is written.

use timeline::Name;

use super::humanize;

/// A text with holes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    /// As written, and what it says where that is known: commands, each given the value of the one before.
    Action(String, Option<Vec<Vec<Word>>>),
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    Value,
    Label(String),
    Text(String),
    Number(f64),
    Function(String),
}

/// What a command gives the next.
#[derive(Debug, Clone)]
enum Said {
    Text(String),
    Number(f64),
}

impl Said {
    fn number(&self) -> Option<f64> {
        match self {
            Said::Number(it) => Some(*it),
            Said::Text(it) => it.trim().parse().ok(),
        }
    }

    fn text(&self) -> String {
        match self {
            Said::Number(it) => humanize::general(*it, None),
            Said::Text(it) => it.clone(),
        }
    }
}

impl Template {
    /// Finds the holes of a text.
    pub(crate) fn parse(text: &str) -> Template {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let Some(length) = rest[start..].find("}}") else { break };
            let written = &rest[start..start + length + 2];
            let (inner, before) = (&written[2..written.len() - 2], &rest[..start]);
            let (inner, before) = match inner.strip_prefix("- ") {
                Some(inner) => (inner, before.trim_end()),
                None => (inner, before),
            };
            rest = &rest[start + length + 2..];
            let inner = match inner.strip_suffix(" -") {
                Some(inner) => {
                    rest = rest.trim_start();
                    inner
                }
                None => inner,
            };
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Action(written.to_owned(), commands(inner)));
        }
        parts.push(Part::Text(rest.to_owned()));
        Template { parts }
    }

    /// The text for a value and its labels.
    pub(crate) fn render(&self, labels: &[(Name, Name)], value: f64) -> String {
        let part = |it: &Part| match it {
            Part::Text(it) => it.clone(),
            Part::Action(written, commands) => {
                let said = commands.as_ref().and_then(|it| run(it, labels, value));
                said.map_or_else(|| written.clone(), |it| it.text())
            }
        };
        self.parts.iter().map(part).collect()
    }
}

/// `$value | printf "%.1f"`
fn commands(text: &str) -> Option<Vec<Vec<Word>>> {
    let mut found = vec![Vec::new()];
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '|' => {
                found.push(Vec::new());
                1
            }
            '(' | ')' => return None,
            '"' | '`' => {
                let (word, taken) = quoted(rest, first)?;
                found.last_mut()?.push(Word::Text(word));
                taken
            }
            _ => {
                let end = rest.find(|it: char| it.is_whitespace() || matches!(it, '|' | '(' | ')' | '"' | '`'));
                let word = &rest[..end.unwrap_or(rest.len())];
                found.last_mut()?.push(bare(word)?);
                word.len()
            }
        };
        rest = rest[taken..].trim_start();
    }
    found.iter().all(|it| !it.is_empty()).then_some(found)
}

/// A text in quotes at the start, and how long it is with them.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut word = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, it)) = chars.next() {
        match it {
            it if it == quote => return Some((word, at + 1)),
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => word.push('\n'),
                't' => word.push('\t'),
                other => word.push(other),
            },
            other => word.push(other),
        }
    }
    None
}

fn bare(word: &str) -> Option<Word> {
    if matches!(word, "$value" | ".Value") {
        return Some(Word::Value);
    }
    if let Some(label) = word.strip_prefix("$labels.").or_else(|| word.strip_prefix(".Labels.")) {
        return Some(Word::Label(label.to_owned()));
    }
    if let Ok(number) = word.parse() {
        return Some(Word::Number(number));
    }
    const FUNCTIONS: [&str; 13] = [
        "humanize",
        "humanize1024",
        "humanizeDuration",
        "humanizePercentage",
        "humanizeTimestamp",
        "printf",
        "print",
        "title",
        "toUpper",
        "toLower",
        "stripPort",
        "stripDomain",
        "reReplaceAll",
    ];
    FUNCTIONS.contains(&word).then(|| Word::Function(word.to_owned()))
}

/// The value of the last command; nothing where one cannot be run.
fn run(commands: &[Vec<Word>], labels: &[(Name, Name)], value: f64) -> Option<Said> {
    let mut before: Option<Said> = None;
    for command in commands {
        let mut args = Vec::new();
        let mut function = None;
        for (at, word) in command.iter().enumerate() {
            args.push(match word {
                Word::Function(name) if at == 0 => {
                    function = Some(name.as_str());
                    continue;
                }
                Word::Function(_) => return None,
                Word::Value => Said::Number(value),
                Word::Number(it) => Said::Number(*it),
                Word::Text(it) => Said::Text(it.clone()),
                Word::Label(name) => {
                    let found = labels.iter().find(|it| it.0.as_ref() == name);
                    Said::Text(found.map(|it| it.1.to_string()).unwrap_or_default())
                }
            });
        }
        args.extend(before.take());
        before = Some(match function {
            Some(name) => call(name, &args)?,
            None => match <[Said; 1]>::try_from(args) {
                Ok([single]) => single,
                Err(_) => return None,
            },
        });
    }
    before
}

fn call(name: &str, args: &[Said]) -> Option<Said> {
    let number = || args.last()?.number();
    let text = || args.last().map(Said::text);
    Some(Said::Text(match name {
        "humanize" => humanize::humanize(number()?),
        "humanize1024" => humanize::humanize_1024(number()?),
        "humanizeDuration" => humanize::duration(number()?),
        "humanizePercentage" => humanize::percentage(number()?),
        "humanizeTimestamp" => humanize::timestamp(number()?),
        "print" => args.iter().map(Said::text).collect(),
        "printf" => formatted(&args.first()?.text(), &args[1..])?,
        "title" => {
            let text = text()?;
            let word = |it: &str| {
                let mut chars = it.chars();
                chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
            };
            text.split(' ').map(word).collect::<Vec<_>>().join(" ")
        }
        "toUpper" => text()?.to_uppercase(),
        "toLower" => text()?.to_lowercase(),
        "stripPort" => {
            let text = text()?;
            let port = text.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
            port.map_or_else(|| text.clone(), |(host, _)| host.trim_matches(['[', ']']).to_owned())
        }
        "stripDomain" => {
            let text = text()?;
            let (host, port) = text.split_once(':').map_or((text.as_str(), None), |(host, port)| (host, Some(port)));
            let is_address = host.parse::<std::net::IpAddr>().is_ok();
            let short = if is_address { host } else { host.split('.').next().unwrap_or(host) };
            port.map_or_else(|| short.to_owned(), |port| format!("{short}:{port}"))
        }
        "reReplaceAll" => {
            let [pattern, replacement, text] = args else { return None };
            let pattern = regex::RegexBuilder::new(&pattern.text()).size_limit(1 << 20).build().ok()?;
            pattern.replace_all(&text.text(), replacement.text().as_str()).into_owned()
        }
        _ => return None,
    }))
}

/// `printf "%s has %.2f"`
fn formatted(format: &str, args: &[Said]) -> Option<String> {
    let mut out = String::new();
    let mut args = args.iter();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(|it: char| it.is_ascii_alphabetic() || it == '%')?;
        let (flags, verb) = (&rest[..end], rest[end..].chars().next()?);
        rest = &rest[end + 1..];
        if verb == '%' {
            out.push('%');
            continue;
        }
        let digits = flags.split_once('.').map(|(_, digits)| digits.parse::<usize>().unwrap_or(0).min(40));
        let arg = args.next()?;
        out.push_str(&match verb {
            's' | 'v' => arg.text(),
            'q' => format!("{:?}", arg.text()),
            'd' => format!("{:.0}", arg.number()?),
            'f' => format!("{:.*}", digits.unwrap_or(6), arg.number()?),
            'g' => humanize::general(arg.number()?, digits),
            _ => return None,
        });
    }
    out.push_str(rest);
    Some(out)
}
