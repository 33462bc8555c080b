//! Lone surrogates: JavaScript can write them into JSON, but a text in Rust cannot have them.

const REPLACEMENT: &str = "\\ufffd";

/// How many bytes `\uXXXX` has.
const ESCAPE: usize = 6;

/// Replaces each lone surrogate in a JSON text by U+FFFD, as browsers do for UTF-8; `None` if there is
/// none.
pub(super) fn replace(json: &str) -> Option<String> {
    let mut without_lone_surrogates = String::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = json.get(at..)?.find('\\') {
        at = at.saturating_add(found);
        at = at.saturating_add(match unit(json, at) {
            None => 2, // another escape
            Some(0xD800..=0xDBFF) if is_low(unit(json, at.saturating_add(ESCAPE))) => 2 * ESCAPE,
            Some(0xD800..=0xDFFF) => {
                without_lone_surrogates.push_str(json.get(from..at)?);
                without_lone_surrogates.push_str(REPLACEMENT);
                from = at.saturating_add(ESCAPE);
                ESCAPE
            }
            Some(_) => ESCAPE,
        });
    }
    if from == 0 {
        return None;
    }
    without_lone_surrogates.push_str(json.get(from..)?);
    Some(without_lone_surrogates)
}

/// The UTF-16 unit of the escape at `at`.
fn unit(json: &str, at: usize) -> Option<u16> {
    let digits = json
        .get(at..at.saturating_add(ESCAPE))?
        .strip_prefix("\\u")?;
    u16::from_str_radix(digits, 16).ok()
}

fn is_low(unit: Option<u16>) -> bool {
    matches!(unit, Some(0xDC00..=0xDFFF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_are_replaced() {
        for (json, expected) in [
            (r#""\ud83d""#, Some(r#""\ufffd""#)),
            (r#""a\uDE00b""#, Some(r#""a\ufffdb""#)),
            (
                r#""\ud83d\ud83d\ude00\ude00""#,
                Some(r#""\ufffd\ud83d\ude00\ufffd""#),
            ),
            (r#"["\ud83d","\ude00"]"#, Some(r#"["\ufffd","\ufffd"]"#)),
            (r#""\ud83d\\ude00""#, Some(r#""\ufffd\\ude00""#)),
            (r#""\ud83d\n😀""#, Some(r#""\ufffd\n😀""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud83d""#, None),
            (r#""\u00e9 \" é 😀""#, None),
            ("1", None),
            ("\"\\", None),
            ("\"\\ud8", None),
        ] {
            assert_eq!(replace(json).as_deref(), expected, "{json}");
        }
    }
}
