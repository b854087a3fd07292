//! Every line that a report quotes.

use coroner::report::Report;

/// A quoted line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quoted<'r> {
    pub(crate) file: &'r str,
    pub(crate) line: u32,
    pub(crate) text: &'r str,
}

impl Quoted<'_> {
    /// Whether it stands where it is said to stand.
    pub(crate) fn stands_in(&self, files: &[(String, Vec<u8>)]) -> bool {
        let bytes = files.iter().find(|(path, _)| path == self.file).map(|(_, bytes)| bytes);
        let line = bytes.and_then(|it| it.split(|it| *it == b'\n').nth((self.line as usize).checked_sub(1)?));
        line.is_some_and(|it| String::from_utf8_lossy(it).contains(self.text))
    }
}

/// Every line quoted as evidence, in a chain, as a reason or for a symptom.
pub(crate) fn quotes(report: &Report) -> Vec<Quoted<'_>> {
    let hypotheses = || report.hypotheses.iter().chain(&report.ruled_out);
    let evidence = hypotheses().flat_map(|it| &it.evidence).map(|it| (it.file.as_deref(), it.line, it.text.as_deref()));
    let links = hypotheses().flat_map(|it| &it.chain).map(|it| (it.file.as_deref(), it.line, it.quote.as_deref()));
    let reasons = hypotheses().filter_map(|it| it.why_not_first.as_ref());
    let reasons = reasons.map(|it| (it.file.as_deref(), it.line, it.text.as_deref()));
    let symptoms = report.symptoms.iter().flat_map(|it| &it.quotes);
    let symptoms = symptoms.map(|it| (Some(it.file.as_str()), Some(it.line), Some(it.text.as_str())));
    evidence.chain(links).chain(reasons).chain(symptoms).filter_map(whole).collect()
}

/// A quote needs all three.
fn whole<'r>((file, line, text): (Option<&'r str>, Option<u32>, Option<&'r str>)) -> Option<Quoted<'r>> {
    Some(Quoted { file: file?, line: line?, text: text? })
}
