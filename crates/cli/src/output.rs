//! Where words go: colours, widths, pipes that close, and what stands on the terminal meanwhile.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use anstream::{AutoStream, ColorChoice};
use anstyle::AnsiColor;
use anyhow::Context;
use coroner::report::{Look, clean};

use crate::args::Colour;

/// Columns where no terminal tells.
const WIDTH: usize = 100;
/// Beyond this a line is hard to follow.
const WIDEST: usize = 140;

/// Standard output.
pub(crate) struct Output {
    choice: ColorChoice,
    width: usize,
}

impl Output {
    pub(crate) fn new(colour: Colour) -> Output {
        let stdout = std::io::stdout();
        let width = terminal_size::terminal_size_of(&stdout).map_or(WIDTH, |(width, _)| usize::from(width.0));
        Output { choice: choice(colour, || AutoStream::choice(&stdout)), width: width.min(WIDEST) }
    }

    pub(crate) fn look(&self, verbose: bool) -> Look {
        Look { colour: self.choice != ColorChoice::Never, width: self.width, verbose }
    }

    /// Writes all of it; a reader that has seen enough is content.
    pub(crate) fn print(&self, text: &str) -> anyhow::Result<()> {
        let mut out = AutoStream::new(std::io::stdout().lock(), self.choice);
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other.context("cannot write to standard output"),
        }
    }
}

fn choice(colour: Colour, auto: impl FnOnce() -> ColorChoice) -> ColorChoice {
    match colour {
        Colour::Auto => auto(),
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    }
}

/// `coroner: cannot read x: No such file or directory`
pub(crate) fn complain(error: &anyhow::Error, colour: Colour) {
    let stderr = std::io::stderr();
    let choice = choice(colour, || AutoStream::choice(&stderr));
    let mut out = AutoStream::new(stderr.lock(), choice);
    let red = AnsiColor::Red.on_default().bold();
    let mut words = clean_lines(&error.to_string());
    for cause in error.chain().skip(1) {
        let cause = clean_lines(&cause.to_string());
        // some errors already say their cause
        if !words.ends_with(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    // where not even standard error can be written, the exit code has to do
    let _ = writeln!(out, "{red}coroner:{red:#} {words}");
}

/// Something that is worth a word beside the answer.
pub(crate) fn warn(words: &str) {
    let _ = writeln!(std::io::stderr().lock(), "coroner: {}", clean_lines(words));
}

/// A broken rule is shown with the lines around it, so line ends stay; nothing else of a file may drive the terminal.
fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// A line on the terminal while it takes its time; nothing where nobody watches.
pub(crate) struct Waiting {
    shown: bool,
}

impl Waiting {
    pub(crate) fn start(inputs: &[PathBuf]) -> Waiting {
        let stderr = std::io::stderr();
        let shown = stderr.is_terminal() && AutoStream::choice(&stderr) != ColorChoice::Never;
        if shown {
            let first = inputs.first().map(|it| clean(&it.to_string_lossy())).unwrap_or_default();
            let more = if inputs.len() > 1 { format!(" and {} more", inputs.len() - 1) } else { String::new() };
            let _ = write!(stderr.lock(), "reading {first}{more} …");
        }
        Waiting { shown }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}
