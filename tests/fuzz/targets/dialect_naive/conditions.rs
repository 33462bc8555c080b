//! The conditions of `when`.

use serde_json::{Value, json};

use super::sockets::any;
use super::values::{Item, json_of};
use super::{Halt, Run};

impl Run<'_> {
    pub(super) fn holds(&mut self, condition: &Value) -> Result<bool, Halt> {
        let fields = match condition {
            Value::String(_) => return Ok(is_there(&self.item(condition)?)),
            Value::Array(items) => {
                for item in items {
                    if !self.holds(item)? {
                        return Ok(false);
                    }
                }
                return Ok(true);
            }
            condition => condition.as_object().unwrap(),
        };
        let of = fields.get("of");
        for (name, value) in fields {
            let holds = match name.as_str() {
                "has" => is_there(&self.item(value)?),
                "equal" => {
                    let mut values = Vec::new();
                    for value in value.as_array().unwrap() {
                        values.push(self.json(value)?.unwrap_or_default());
                    }
                    // Objects are equal if their JSON is the same, but the model loses the order of fields.
                    if values
                        .iter()
                        .filter(|value| any(value, &|_, _| true))
                        .count()
                        > 1
                    {
                        return Err(Halt::Unknown);
                    }
                    values.windows(2).all(|pair| pair[0] == pair[1])
                }
                "members" => {
                    let members = match of {
                        Some(room) => {
                            let room = self.name(room)?.unwrap_or_default();
                            self.members(&room)
                        }
                        None => self.here(),
                    };
                    compares(value, members.len())
                }
                "count" => compares(value, count(&self.item(of.unwrap())?)),
                "in" => {
                    let room = self.name(value)?.unwrap_or_default();
                    self.model.socket(&self.from).rooms.contains(&room)
                }
                "online" => {
                    let peer = self.name(value)?.unwrap_or_default();
                    self.model.peer(&peer).is_some()
                }
                "not" => !self.holds(value)?,
                "all" => self.holds(value)?,
                "any" => {
                    let mut any = false;
                    for value in value.as_array().unwrap() {
                        any = any || self.holds(value)?;
                    }
                    any
                }
                _ => continue, // `of` belongs to another key
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn is_there(item: &Item) -> bool {
    let nothing = [json!(null), json!(false), json!(0), json!(""), json!([])];
    json_of(item).is_some_and(|json| !nothing.contains(&json))
}

fn count(item: &Item) -> usize {
    match json_of(item) {
        None | Some(Value::Null) => 0,
        Some(Value::Array(list)) => list.len(),
        Some(_) => 1,
    }
}

fn compares(with: &Value, count: usize) -> bool {
    let text = with
        .as_str()
        .map_or_else(|| with.to_string(), str::to_owned);
    let (sign, number) = text.split_once(' ').unwrap_or(("", &text));
    let number: usize = number.parse().unwrap();
    match sign {
        ">=" => count >= number,
        ">" => count > number,
        "<" => count < number,
        "!=" => count != number,
        _ => count == number,
    }
}
