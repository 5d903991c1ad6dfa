//! The tags of a resource.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Key to value, in the order of the keys; shared by all findings about a resource. Compact: an
/// inventory holds tens of thousands of them, most with a single tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(Arc<[(Box<str>, Box<str>)]>);

impl Tags {
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, String)> for Tags {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(tags: I) -> Self {
        let sorted: BTreeMap<_, _> = tags.into_iter().collect();
        Self(sorted.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tags = BTreeMap::<String, String>::deserialize(deserializer)?;
        Ok(tags.into_iter().collect())
    }
}

impl JsonSchema for Tags {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Tags".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, String>::json_schema(generator)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use super::Tags;

    #[test]
    fn tags_are_found_by_key_and_written_in_order() {
        let pairs = [("b", "2"), ("a", "1"), ("b", "3")];
        let tags: Tags =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!((tags.get("a"), tags.get("b"), tags.get("c")), (Some("1"), Some("3"), None));
        let json = serde_json::to_string(&tags).unwrap();
        assert_eq!(json, r#"{"a":"1","b":"3"}"#);
        assert_eq!(serde_json::from_str::<Tags>(&json).unwrap(), tags);
    }
}
