//! Conditions: when an action is performed.

use super::read::{CONDITION_KEYS, Node, Reader, node};
use super::run::Run;
use super::template::Template;
use crate::room::Error;
use crate::socket::Json;

#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// All of these are true.
    All(Vec<Condition>),
    /// At least one of these is true.
    Any(Vec<Condition>),
    /// This is false.
    Not(Box<Condition>),
    /// A value exists and is not `null`, `false`, `0`, an empty text or an empty list.
    Has(Template),
    /// All these values are equal.
    Equal(Vec<Template>),
    /// The number of sockets in a room.
    Members(Compare, Option<Template>),
    /// The number of items of a list.
    Count(Compare, Template),
    /// The sender is in this room.
    In(Template),
    /// A socket with this id or alias is connected.
    Online(Template),
}

/// A comparison with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compare {
    relation: Relation,
    number: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Compare {
    /// `2`, `"2"`, `">= 2"`.
    fn parse(text: &str) -> Option<Self> {
        let relations = [
            (">=", Relation::AtLeast),
            ("<=", Relation::AtMost),
            ("!=", Relation::NotEqual),
            ("==", Relation::Equal),
            (">", Relation::More),
            ("<", Relation::Less),
            ("=", Relation::Equal),
            ("", Relation::Equal),
        ];
        relations.into_iter().find_map(|(sign, relation)| {
            let number = text.trim().strip_prefix(sign)?.trim().parse().ok()?;
            Some(Self { relation, number })
        })
    }

    pub(super) fn holds(self, count: usize) -> bool {
        match self.relation {
            Relation::Equal => count == self.number,
            Relation::NotEqual => count != self.number,
            Relation::Less => count < self.number,
            Relation::AtMost => count <= self.number,
            Relation::More => count > self.number,
            Relation::AtLeast => count >= self.number,
        }
    }

    fn read(reader: &mut Reader, place: &str, json: &Json) -> Option<Self> {
        let text = json.text().unwrap_or_else(|| json.as_str().to_owned());
        let compare = Self::parse(&text);
        if compare.is_none() {
            reader.error(
                place,
                format!("{} is no number: write 2, or \">= 2\"", json.as_str()),
            );
        }
        compare
    }
}

impl Condition {
    /// Reads a condition. Errors go to the reader.
    pub(super) fn read(reader: &mut Reader, place: &str, json: &Json) -> Option<Self> {
        Self::read_in(reader, place, json, 0)
    }

    fn read_in(reader: &mut Reader, place: &str, json: &Json, depth: usize) -> Option<Self> {
        if reader.is_too_deep(place, depth) {
            return None;
        }
        match node(json) {
            Node::Text(_) => Template::read_varying(reader, place, json).map(Self::Has),
            Node::List(items) => Self::list(reader, place, &items, depth).map(Self::All),
            Node::Object(fields) if !fields.is_empty() => {
                Self::object(reader, place, &fields, depth)
            }
            Node::Object(_) | Node::Other => {
                reader.error(
                    place,
                    "a condition is a value that has to be there, such as \"$0.room\", an object, \
                     such as {\"members\": 2}, or a list of conditions",
                );
                None
            }
        }
    }

    fn list(reader: &mut Reader, place: &str, items: &[Json], depth: usize) -> Option<Vec<Self>> {
        let mut conditions = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let place = format!("{place}[{at}]");
            conditions.push(Self::read_in(
                reader,
                &place,
                item,
                depth.saturating_add(1),
            )?);
        }
        Some(conditions)
    }

    fn object(
        reader: &mut Reader,
        place: &str,
        fields: &[(String, Json)],
        depth: usize,
    ) -> Option<Self> {
        let find = |wanted: &str| {
            let mut fields = fields.iter();
            fields
                .find(|(name, _)| name == wanted)
                .map(|(_, json)| json)
        };
        let next = depth.saturating_add(1);
        reader.check_keys(place, fields);
        let mut all = Vec::new();
        let of_place = format!("{place}.of");
        for (name, json) in fields {
            let place = format!("{place}.{name}");
            all.push(match name.as_str() {
                "has" => Self::Has(Template::read_varying(reader, &place, json)?),
                "equal" => {
                    let Node::List(items) = node(json) else {
                        reader.error(&place, "equal takes a list of the values to compare");
                        return None;
                    };
                    let values = reader.templates(&place, &items)?;
                    reader.check_varies(&place, values.iter().all(Template::is_constant));
                    Self::Equal(values)
                }
                "members" => {
                    let of = match find("of") {
                        Some(of) => Some(Template::read(reader, &of_place, of)?),
                        None => None,
                    };
                    Self::Members(Compare::read(reader, &place, json)?, of)
                }
                "count" => {
                    let Some(of) = find("of") else {
                        reader.error(&place, "count needs \"of\": the list to count");
                        return None;
                    };
                    let of = Template::read_varying(reader, &of_place, of)?;
                    Self::Count(Compare::read(reader, &place, json)?, of)
                }
                "of" if find("members").or(find("count")).is_some() => continue,
                "of" => {
                    reader.error(&place, "\"of\" belongs to members or count");
                    return None;
                }
                "in" => Self::In(Template::read(reader, &place, json)?),
                "online" => Self::Online(Template::read(reader, &place, json)?),
                "not" => Self::Not(Self::read_in(reader, &place, json, next)?.into()),
                "all" | "any" => {
                    let Node::List(items) = node(json) else {
                        reader.error(&place, format!("{name} takes a list of conditions"));
                        return None;
                    };
                    let list = Self::list(reader, &place, &items, next)?;
                    if name == "all" {
                        Self::All(list)
                    } else {
                        Self::Any(list)
                    }
                }
                _ => {
                    reader.unknown(&place, name, "a condition", &CONDITION_KEYS);
                    return None;
                }
            });
        }
        match <[Self; 1]>::try_from(all) {
            Ok([only]) => Some(only),
            Err(all) => Some(Self::All(all)),
        }
    }
}

impl Run<'_> {
    /// Whether a condition is true.
    pub(super) fn holds(&self, condition: &Condition) -> Result<bool, Error> {
        Ok(match condition {
            Condition::All(conditions) => {
                for condition in conditions {
                    if !self.holds(condition)? {
                        return Ok(false);
                    }
                }
                true
            }
            Condition::Any(conditions) => {
                for condition in conditions {
                    if self.holds(condition)? {
                        return Ok(true);
                    }
                }
                false
            }
            Condition::Not(condition) => !self.holds(condition)?,
            Condition::Has(template) => self.value(template)?.is_there(),
            Condition::Equal(templates) => {
                let mut values = Vec::with_capacity(templates.len());
                for template in templates {
                    let json = self.json(template)?;
                    let json = json.filter(|json| json.as_str() != "null");
                    values.push(json.map(|json| (json.text(), json)));
                }
                values.windows(2).all(|pair| match pair {
                    [Some((Some(a), _)), Some((Some(b), _))] => a == b,
                    [Some((_, a)), Some((_, b))] => a == b,
                    [a, b] => a.is_none() && b.is_none(),
                    _ => true,
                })
            }
            Condition::Members(compare, of) => {
                let members = match of {
                    Some(of) => self.members(&self.name(of)?.unwrap_or_default()),
                    None => self.here(),
                };
                compare.holds(members.len())
            }
            Condition::Count(compare, list) => compare.holds(self.value(list)?.count()),
            Condition::In(room) => {
                let room = self.name(room)?;
                room.is_some_and(|room| self.sockets.is_in(self.from, &room))
            }
            Condition::Online(name) => self
                .name(name)?
                .is_some_and(|name| self.peer(&name).is_some()),
        })
    }
}
