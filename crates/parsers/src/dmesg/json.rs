//! `dmesg --json`, read line by line: util-linux prints one key a line.
//!
//! ```text
//!       },{
//!          "pri": 6,
//!          "time":     0.741095,
//!          "msg": "devtmpfs: initialized"
//! ```
//!
//! Read this way a file that is cut or holds bytes that are no UTF-8 loses one message and not all of them.

use crate::kernel;

/// What is known of the record whose message is still to come.
#[derive(Debug, Default)]
pub(super) struct Record {
    pri: Option<u32>,
    micros: Option<u64>,
    caller: Option<String>,
}

/// What a line says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Message { text: String, micros: Option<u64>, pri: Option<u32> },
    Part,
    Nothing,
}

impl Record {
    pub(super) fn line(&mut self, line: &str) -> Said {
        let line = line.trim();
        if line.bytes().all(|it| b"{}[],".contains(&it)) || line.starts_with("\"dmesg\"") {
            return Said::Part;
        }
        let Some((key, value)) = line.split_once(':') else { return Said::Nothing };
        let value = value.trim();
        let bare = value.strip_suffix(',').unwrap_or(value);
        match key {
            "\"pri\"" => self.pri = bare.parse().ok(),
            "\"time\"" => self.micros = kernel::seconds(bare.trim_matches('"').trim()),
            "\"caller\"" => self.caller = Some(bare.trim_matches('"').trim().to_owned()),
            "\"msg\"" => {
                let text: Result<String, _> = serde_json::from_str(value).or_else(|_| serde_json::from_str(bare));
                let Record { pri, micros, caller } = std::mem::take(self);
                let Ok(text) = text else { return Said::Nothing };
                let text = caller.map_or(text.clone(), |it| format!("[{it}] {text}"));
                return Said::Message { text, micros, pri };
            }
            _ => return Said::Nothing,
        }
        Said::Part
    }
}
