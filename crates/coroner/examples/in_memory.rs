//! Analyses a bundle that never touches the disk: `cargo run -p coroner --example in_memory`.

use coroner::Analyzer;

const KUBELET: &str = "\
Jul 23 22:09:08 node-a kubelet[2817]: runtime: failed to create new OS thread (have 5 already; errno=11)
Jul 23 22:09:08 node-a kubelet[2817]: fatal error: newosproc
";

#[allow(clippy::print_stdout, reason = "an example shows what it found")]
fn main() -> Result<(), coroner::Error> {
    let report = Analyzer::new().bytes("kubelet-journal.txt", KUBELET.as_bytes()).analyze()?;
    for hypothesis in &report.hypotheses {
        println!("{} ({})", hypothesis.title, hypothesis.band.name());
        for missing in &hypothesis.missing {
            println!("  to decide: {}", missing.collect);
        }
    }
    Ok(())
}
