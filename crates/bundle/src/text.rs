//! Bytes as text, without moving anything.

use std::borrow::Cow;

/// The bytes as text; each byte that is no UTF-8 becomes one `?`, so that offsets hold.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    // the fast check does not say where
    let mut error = match std::str::from_utf8(bytes) {
        Ok(text) => return Cow::Borrowed(text),
        Err(error) => error,
    };
    let mut mended = bytes.to_vec();
    let mut start = 0;
    loop {
        let bad = start + error.valid_up_to();
        let len = error.error_len().unwrap_or(mended.len() - bad);
        mended[bad..bad + len].fill(b'?');
        start = bad + len;
        match std::str::from_utf8(&mended[start..]) {
            Ok(_) => break,
            Err(next) => error = next,
        }
    }
    Cow::Owned(String::from_utf8(mended).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_byte_is_one_question_mark() {
        assert_eq!(text(b"plain"), "plain");
        assert_eq!(text("gr\u{fc}n".as_bytes()), "gr\u{fc}n");
        let bytes = b"a\xffb\xc3\x28c\xe2\x82";
        let mended = text(bytes);
        assert_eq!(mended, "a?b?(c??");
        assert_eq!(mended.len(), bytes.len());
    }
}
