//! The error of an event with wrong arguments says what the event takes.

use serde_json::json;

use crate::peer::server_of;

const DOCUMENT: &str = include_str!("../../docs/contract.md");

/// The events that take an object, with its fields as the document's table has them, such as `name?`.
fn forms() -> Vec<(&'static str, Vec<&'static str>)> {
    let (_, table) = DOCUMENT
        .split_once("| event | sent with | effect; the ack has |\n|---|---|---|\n")
        .expect("the table");
    let mut forms = Vec::new();
    for row in table.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').collect();
        let [_, events, argument, ..] = cells[..] else {
            continue;
        };
        let object = argument
            .split_once("`{")
            .and_then(|(_, rest)| rest.split_once("}`"));
        let Some((fields, _)) = object else {
            continue;
        };
        let events = events.split('`').skip(1).step_by(2);
        forms.extend(events.map(|event| (event, fields.split(", ").collect())));
    }
    forms
}

#[test]
fn a_wrong_argument_is_answered_with_all_fields_of_the_event() {
    let forms = forms();
    assert!(forms.len() >= 12, "{forms:?}");
    for (event, fields) in forms {
        let (mut server, [host]) = server_of();
        host.join(&mut server, "Ann");
        let calls = [json!([event, 7]), json!([event])].map(|call| host.call(&mut server, call));
        let refused = calls
            .iter()
            .filter(|reply| reply["error"]["code"] == "bad-payload");
        let messages: Vec<&str> = refused
            .filter_map(|reply| reply["error"]["message"].as_str())
            .collect();
        assert!(!messages.is_empty(), "{event}: {calls:?}");
        for message in messages {
            let words: Vec<&str> = message.split([' ', '{', '}', ',', ':']).collect();
            for field in &fields {
                assert!(words.contains(field), "{event}: {message:?} lacks {field}");
            }
        }
    }
}
