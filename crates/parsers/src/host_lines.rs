//! The lines of a command's output, each with the host its prompt names: what formats of one row a line share.

use timeline::{Collected, Fact, MemberRecords, Name, Quote, Record, Relation, Row, Span, Stamp};

use crate::ip_route::prompts;
use crate::lines::is_elision;
use crate::{Input, Line};

/// A line and whose it is.
pub(crate) struct HostLine<'t> {
    /// The host of the last prompt, else the member's node.
    pub(crate) node: Option<Name>,
    /// The line as it stands.
    pub(crate) line: Line<'t>,
    /// Whether it is where a command was typed.
    pub(crate) prompt: bool,
}

/// All lines that are not blank.
pub(crate) fn host_lines<'t>(input: &Input<'t>) -> Vec<HostLine<'t>> {
    let mut prompts = prompts(input.text).into_iter().peekable();
    let mut node = input.origin.node.clone();
    let mut found = Vec::new();
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        let end = line.start as usize + line.text.len();
        let mut prompt = false;
        while let Some((_, host)) = prompts.next_if(|(at, _)| *at <= end) {
            prompt = true;
            node = host.or(node);
        }
        found.push(HostLine { node: node.clone(), line, prompt });
    }
    found
}

impl HostLine<'_> {
    /// The line without its indentation.
    pub(crate) fn quote(&self, input: &Input<'_>) -> Quote {
        let text = self.line.text.trim();
        let indent = self.line.text.len() - self.line.text.trim_start().len();
        let start = self.line.start + indent as u64;
        let span = Span { member: input.origin.member, start, len: text.len() as u32, line: self.line.number };
        Quote { span, text: text.into() }
    }

    /// Keeps a row that this line says.
    pub(crate) fn push(&self, input: &Input<'_>, row: Row, out: &mut MemberRecords) {
        let fact = Fact::new(row, self.node.clone(), self.quote(input));
        out.records.push(Record::Fact(Box::new(fact), Stamp::None));
    }
}

/// What a line says to a table of one relation.
pub(crate) enum Said {
    /// A row.
    Row(Row),
    /// It is known: a header, say.
    Known,
    /// Nothing that this table understands.
    Nothing,
}

/// A table of one relation, a row a line: keeps the rows with their hosts, counts the lines, and says of each host that
/// asked whether its list is whole; `missing` is what is known beforehand to be left out.
pub(crate) fn table<'t>(
    input: &Input<'t>,
    relation: &'static Relation,
    missing: Option<String>,
    out: &mut MemberRecords,
    mut read: impl FnMut(&'t str) -> Said,
) {
    table_by_host(input, relation, missing, out, |of| read(of.line.text));
}

/// The same where the host of a line matters.
pub(crate) fn table_by_host<'t>(
    input: &Input<'t>,
    relation: &'static Relation,
    missing: Option<String>,
    out: &mut MemberRecords,
    mut read: impl FnMut(&HostLine<'t>) -> Said,
) {
    let mut incomplete = input.truncated.then(|| "the file is cut".to_owned()).or(missing);
    let mut nodes = Vec::new();
    for of in host_lines(input) {
        out.tally.lines += 1;
        match read(&of) {
            Said::Row(row) => of.push(input, row, out),
            Said::Known => {}
            Said::Nothing if of.prompt => {}
            Said::Nothing => {
                out.tally.odd_bytes += of.line.text.len() as u64;
                if is_elision(of.line.text) {
                    incomplete.get_or_insert_with(|| "the listing is elided".to_owned());
                }
                continue;
            }
        }
        out.tally.understood += 1;
        if !nodes.contains(&of.node) {
            nodes.push(of.node);
        }
    }
    let (relation, member) = (relation.name, input.origin.member);
    out.collected.extend(nodes.into_iter().map(|node| Collected {
        relation,
        node,
        incomplete: incomplete.clone(),
        member,
    }));
}
