//! JSON documents whose posts stand in one long list, read one post at a time.

use std::{fmt, io::BufRead};

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use super::{error::ImportError, input::Meter};

/// Top-level fields that are kept; feeds have about a dozen.
const FIELDS: usize = 64;

/// What takes the posts of a document, with the top-level fields that stood before them.
pub(super) type Take<'t> = dyn FnMut(Value, &Map<String, Value>) -> Result<(), ImportError> + 't;

/// Reads a document: gives every entry of the list `items` or `orderedItems` to `take`,
/// and the other top-level fields that are no lists and no objects in the end.
///
/// # Errors
/// [`ImportError::Syntax`], [`ImportError::Truncated`], [`ImportError::Read`], and what
/// `take` says.
pub(super) fn read<R: BufRead>(
    input: R,
    meter: &Meter,
    take: &mut Take<'_>,
) -> Result<Map<String, Value>, ImportError> {
    let mut failed = None;
    let mut json = serde_json::Deserializer::from_reader(input);
    let document = Document {
        meter,
        take,
        failed: &mut failed,
    };
    let read = document
        .deserialize(&mut json)
        .and_then(|head| json.end().map(|()| head));
    match (read, failed) {
        (_, Some(error)) => Err(error),
        (Ok(head), None) => Ok(head),
        (Err(error), None) => Err(syntax(error)),
    }
}

/// What is wrong with a JSON document.
pub(super) fn syntax(error: serde_json::Error) -> ImportError {
    if error.is_io() {
        return ImportError::Read(error.into());
    }
    if error.is_eof() {
        return ImportError::Truncated;
    }
    if error.to_string().starts_with("recursion limit") {
        return ImportError::TooDeep(128);
    }
    ImportError::Syntax {
        at: format!("line {}, column {}", error.line(), error.column()),
        what: error.to_string(),
    }
}

struct Document<'d, 't> {
    meter: &'d Meter,
    take: &'d mut Take<'t>,
    /// What `take` said.
    failed: &'d mut Option<ImportError>,
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut head = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if matches!(key.as_str(), "items" | "orderedItems") {
                let list = List {
                    meter: self.meter,
                    take: &mut *self.take,
                    failed: &mut *self.failed,
                    head: &head,
                };
                map.next_value_seed(list)?;
            } else if head.len() < FIELDS {
                let value: Value = map.next_value()?;
                if !value.is_array() && !value.is_object() {
                    head.insert(key, value);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(head)
    }
}

struct List<'d, 't> {
    meter: &'d Meter,
    take: &'d mut Take<'t>,
    failed: &'d mut Option<ImportError>,
    head: &'d Map<String, Value>,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of posts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(post) = list.next_element::<Value>()? {
            self.meter.next_post();
            if let Err(error) = (self.take)(post, self.head) {
                *self.failed = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posts(text: &str) -> Result<(Vec<Value>, Map<String, Value>), ImportError> {
        let mut all = Vec::new();
        let head = read(text.as_bytes(), &Meter::default(), &mut |post, _| {
            all.push(post);
            Ok(())
        })?;
        Ok((all, head))
    }

    #[test]
    fn posts_one_by_one() {
        let (all, head) = posts(r#"{"a":1,"items":[{"id":2},3],"b":{"c":[]},"d":"e"}"#).unwrap();
        assert_eq!(all, [serde_json::json!({"id":2}), serde_json::json!(3)]);
        assert_eq!(Value::Object(head), serde_json::json!({"a":1,"d":"e"}));
    }

    #[test]
    fn faults_have_names() {
        assert!(matches!(
            posts(r#"{"items":[{"#),
            Err(ImportError::Truncated)
        ));
        assert!(matches!(
            posts(r#"{"items":[}"#),
            Err(ImportError::Syntax { .. })
        ));
        assert!(matches!(
            posts(r#"{"items":5}"#),
            Err(ImportError::Syntax { .. })
        ));
        let deep = format!(r#"{{"items":[{}"#, "[".repeat(200_000));
        assert!(matches!(posts(&deep), Err(ImportError::TooDeep(_))));
        let deep = format!(r#"{{"other":{}"#, "[".repeat(200_000));
        assert!(matches!(posts(&deep), Err(ImportError::TooDeep(_))));
    }
}
