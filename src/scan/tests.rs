use super::*;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

const TEXTS: [&str; 12] = [
    r#"["offer",{"to":"x","description":{"type":"offer","sdp":"v=0\r\na=\u00e9\"\\"}},null]"#,
    " [ ] ",
    r#" { "a" : [ 1 , { } , [ [ ] ] ] , "b\n" : "" }"#,
    r#"[-0.5e+10,0,1E5,true,false,null,"é😀 long enough for words of eight"]"#,
    r#""[[[{{{""#,
    "-1",
    "01",
    "[1,]",
    r#"{"a":1,}"#,
    r#"{"a"}"#,
    "[1}",
    "nul",
];

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

#[test]
fn texts_with_one_changed_byte_are_json_if_serde_json_says_so() {
    let mut good = 0;
    for text in TEXTS {
        assert_eq!(scan(text).is_some(), is_json(text), "{text}");
        for at in 0..text.len() {
            let others = (0..128)
                .map(|byte| vec![byte])
                .chain([vec![], vec![b'"', b'\\']]);
            for other in others {
                let mut bytes = text.as_bytes().to_vec();
                bytes.splice(at..=at, other);
                let Ok(mutant) = String::from_utf8(bytes) else {
                    continue;
                };
                good += usize::from(is_json(&mutant));
                assert_eq!(scan(&mutant).is_some(), is_json(&mutant), "{mutant:?}");
            }
        }
    }
    assert!(good > 1_000, "{good} of them are JSON");
}

#[test]
fn parts_are_where_serde_json_finds_them() {
    let mut compared = 0;
    for text in TEXTS {
        let get = |part: &Range<usize>| text.get(part.clone()).unwrap_or_default();
        if let Some(elements) = elements(text) {
            let expected: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            let expected: Vec<_> = expected.into_iter().map(RawValue::get).collect();
            let parts: Vec<_> = elements.iter().map(|(range, _)| get(range)).collect();
            assert_eq!(parts, expected);
            for (part, (_, known)) in parts.into_iter().zip(elements) {
                assert_eq!(scan(part), Some(known), "{part}");
            }
            compared += 1;
        } else if let Some(fields) = scan(text).and_then(|scan| scan.fields) {
            let expected: BTreeMap<String, &RawValue> =
                serde_json::from_str(text).unwrap_or_default();
            let expected = expected.iter();
            let expected: Vec<_> = expected
                .map(|(name, value)| (Ok(name.clone()), value.get()))
                .collect();
            let fields = fields.iter();
            let fields: Vec<_> = fields
                .map(|(name, value)| (serde_json::from_str(get(name)).map_err(drop), get(value)))
                .collect();
            assert_eq!(fields, expected);
            compared += 1;
        }
    }
    assert_eq!(compared, 4);
}

#[test]
fn the_names_of_an_object_in_a_field_are_listed() {
    let object = r#"{"a":{"x":1,"y":{"deeper":{}}}, "b":[{"no":1}], "c" : {} ,"d": { "z" : "}" }}"#;
    let array = format!("[0, {object} ]");
    let element = elements(&array).unwrap_or_default().pop();
    for scan in [scan(object), element.map(|(_, scan)| scan)] {
        let nested = scan.map(|scan| scan.nested).unwrap_or_default();
        let name = |(field, name): (usize, Range<usize>)| (field, object.get(name));
        let names: Vec<_> = nested.into_iter().map(name).collect();
        let expected = [(0, r#""x""#), (0, r#""y""#), (3, r#""z""#)];
        assert_eq!(names, expected.map(|(field, name)| (field, Some(name))));
    }
}

#[test]
fn depths() {
    for (text, depth) in [
        ("null", 0),
        (r#""[[{{""#, 0),
        ("[]", 1),
        (r#"[{"a":[1]},{}]"#, 3),
        (r#"{"a":{}}"#, 2),
    ] {
        assert_eq!(scan(text).map(|scan| scan.depth), Some(depth), "{text}");
    }
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(scan(&deep).map(|scan| scan.depth), Some(100_000));
}
