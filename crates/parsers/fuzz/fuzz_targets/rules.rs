//! Any text as rule files: a pack or an error with a place, never a panic. Files are parted by a line of `%%%`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rules::{Error, Pack};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let names = ["a.yaml", "b.yaml", "c.yaml", "d.yaml", "e.yaml", "f.yaml", "g.yaml", "h.yaml"];
    let files: Vec<(String, String)> =
        names.iter().zip(text.split("\n%%%\n")).map(|(name, text)| ((*name).to_owned(), text.to_owned())).collect();
    match Pack::of_texts(&files) {
        Ok(pack) => {
            let _ = pack.rules();
        }
        Err(error) => {
            if let Error::Broken { file, line, .. } = &error {
                let of = files.iter().find(|it| it.0 == *file).expect("the file of an error is one of those given");
                // to YAML a carriage return alone ends a line as well
                assert!(*line as usize <= of.1.split(['\n', '\r']).count(), "line {line} is not in {file}");
            }
            let _ = error.to_string();
        }
    }
});
