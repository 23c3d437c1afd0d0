//! The text of JSON strings.

use std::borrow::Cow;

/// Returns the text between two quotes, unescaped; what is no text becomes U+FFFD, one for each byte or surrogate.
pub(super) fn unescape(raw: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(raw) {
        Ok(text) if !raw.contains(&b'\\') => Cow::Borrowed(text),
        _ => Cow::Owned(unescape_all(raw)),
    }
}

fn unescape_all(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        push_lossy(&mut text, &rest[..at]);
        rest = unescape_one(&mut text, &rest[at + 1..]);
    }
    push_lossy(&mut text, rest);
    text
}

fn push_lossy(text: &mut String, mut bytes: &[u8]) {
    loop {
        match std::str::from_utf8(bytes) {
            Ok(valid) => return text.push_str(valid),
            Err(error) => {
                let (valid, invalid) = bytes.split_at(error.valid_up_to());
                text.push_str(&String::from_utf8_lossy(valid));
                text.push(char::REPLACEMENT_CHARACTER);
                bytes = &invalid[1..];
            }
        }
    }
}

fn unescape_one<'a>(text: &mut String, after_backslash: &'a [u8]) -> &'a [u8] {
    let Some((letter, rest)) = after_backslash.split_first() else { return after_backslash };
    text.push(match letter {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescape_unicode(text, rest),
        other => char::from(*other),
    });
    rest
}

fn unescape_unicode<'a>(text: &mut String, digits: &'a [u8]) -> &'a [u8] {
    let Some((first, rest)) = code_unit(digits) else { return digits };
    if let Some(low) = rest.strip_prefix(b"\\u")
        && let Some((second, after)) = code_unit(low)
        && let Some(Ok(pair)) = char::decode_utf16([first, second]).next()
        && u32::from(pair) > 0xffff
    {
        text.push(pair);
        return after;
    }
    text.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

fn code_unit(digits: &[u8]) -> Option<(u16, &[u8])> {
    let (unit, rest) = digits.split_at_checked(4)?;
    Some((u16::from_str_radix(std::str::from_utf8(unit).ok()?, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn what_is_no_text_becomes_replacement_characters() {
        for (raw, expected) in [
            (&br"a\n\u0041\/"[..], "a\nA/"),
            (br"\ud83d\ude00", "\u{1f600}"),
            (br"\ud800", "\u{fffd}"),
            (br"\ud800\u0041", "\u{fffd}A"),
            (br"\udc00\ud800x", "\u{fffd}\u{fffd}x"),
            (b"\xff\xfe", "\u{fffd}\u{fffd}"),
            (b"\xe2\x82z", "\u{fffd}\u{fffd}z"),
        ] {
            assert_eq!(unescape(raw), expected);
        }
    }
}
