//! The lines of a command's output, each with the host its prompt names: what formats of one row a line share.

use timeline::{Fact, MemberRecords, Name, Quote, Record, Row, Span, Stamp};

use crate::ip_route::prompts;
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
