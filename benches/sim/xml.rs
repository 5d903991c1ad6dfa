//! Lists inside AWS's XML answers: found by a real parser, taken apart and put together as text.

use std::ops::Range;

use quick_xml::{Reader, events::Event};

/// Where a list stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    /// Between its start and its end tag.
    pub(crate) inner: Range<usize>,
    pub(crate) items: Vec<Range<usize>>,
}

/// The first element at `path` below the root, with its children. `None` where there is none, it
/// is an empty tag, or the text is no XML.
pub(crate) fn list(text: &str, path: &[&str]) -> Option<List> {
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    // Elements of the path that are open.
    let mut matched = 0;
    let mut start = 0;
    let mut item = 0;
    let mut items = Vec::new();
    let here = |reader: &Reader<&[u8]>| usize::try_from(reader.buffer_position()).ok();
    loop {
        let before = here(&reader)?;
        let event = reader.read_event().ok()?;
        let after = here(&reader)?;
        match event {
            Event::Start(tag) => {
                depth += 1;
                if matched == path.len() {
                    if depth == path.len() + 2 {
                        item = before;
                    }
                } else if depth == matched + 2
                    && tag.local_name().as_ref() == path[matched].as_bytes()
                {
                    matched += 1;
                    start = after;
                }
            }
            Event::Empty(_) if matched == path.len() && depth == path.len() + 1 => {
                items.push(before..after);
            }
            Event::End(_) => {
                if matched == path.len() && depth == path.len() + 2 {
                    items.push(item..after);
                } else if matched == path.len() && depth == path.len() + 1 {
                    return Some(List { inner: start..before, items });
                } else if matched > 0 && depth == matched + 1 {
                    matched -= 1;
                }
                depth -= 1;
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// The content of the first element of that name.
pub(crate) fn content<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let start = text.find(&format!("<{name}>"))? + name.len() + 2;
    let length = text[start..].find(&format!("</{name}>"))?;
    Some(&text[start..start + length])
}

/// The text without the first element of that name.
pub(crate) fn without(text: &str, name: &str) -> String {
    for (open, close) in [
        (format!("<{name}>"), format!("</{name}>")),
        (format!("<{name}/>"), String::new()),
        (format!("<{name} />"), String::new()),
    ] {
        if let Some(at) = text.find(&open)
            && let Some(length) = text[at..].find(&close)
        {
            let end = at + length.max(open.len()) + close.len();
            return format!("{}{}", &text[..at], &text[end..]);
        }
    }
    text.to_owned()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_found_by_its_path_and_not_by_its_name_alone() {
        let text = "<?xml version=\"1.0\"?>\n<Root xmlns=\"x\"><Other><set><item>no</item></set></Other><Result><set>\n <item>a<set><item/></set></item> <item/></set><Marker/></Result></Root>";
        let found = list(text, &["Result", "set"]).unwrap();
        let items: Vec<_> = found.items.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!(items, ["<item>a<set><item/></set></item>", "<item/>"]);
        assert!(text[found.inner.end..].starts_with("</set><Marker/>"));
        assert_eq!(list(text, &["Result", "nothing"]), None);
        assert_eq!(list("<Root><set><item>", &["set"]), None);
    }

    #[test]
    fn an_element_is_taken_out_full_or_empty() {
        assert_eq!(without("<a><t>x</t><b/></a>", "t"), "<a><b/></a>");
        assert_eq!(without("<a><t/><b/></a>", "t"), "<a><b/></a>");
        assert_eq!(without("<a><b/></a>", "t"), "<a><b/></a>");
        assert_eq!(content("<a><t>x</t></a>", "t"), Some("x"));
    }
}
