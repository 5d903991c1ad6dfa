//! An answer with holes where the recorded account and region stood.

use aws_smithy_types::base64;
use hyper::body::Bytes;

#[derive(Debug)]
enum Segment {
    Text(std::ops::Range<usize>),
    Account,
    Region,
    /// A document that travels as base64, such as the credential report.
    Base64(Box<Template>),
}

/// A text, cut once, so that an answer is put together by copying alone.
#[derive(Debug)]
pub(crate) struct Template {
    text: Bytes,
    segments: Vec<Segment>,
    account: String,
    region: Option<String>,
}

/// Elements whose content is a base64 document that may name the account.
const BASE64_ELEMENT: (&str, &str) = ("<Content>", "</Content>");

impl Template {
    /// Cuts `text` where it names the account, and the region, where that one is replaced too.
    pub(crate) fn new(text: &str, account: &str, region: Option<&str>) -> Self {
        let mut marks: Vec<_> = text
            .match_indices(account)
            .map(|(at, found)| (at, found.len(), Segment::Account))
            .collect();
        if let Some(region) = region {
            marks.extend(
                text.match_indices(region).map(|(at, found)| (at, found.len(), Segment::Region)),
            );
        }
        let (open, close) = BASE64_ELEMENT;
        for (at, _) in text.match_indices(open) {
            let start = at + open.len();
            let Some(length) = text[start..].find(close) else { continue };
            let document = base64::decode(&text[start..start + length])
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .filter(|document| document.contains(account));
            if let Some(document) = document {
                let inner = Box::new(Self::new(&document, account, None));
                marks.push((start, length, Segment::Base64(inner)));
            }
        }
        marks.sort_by_key(|(at, ..)| *at);
        let mut segments = Vec::with_capacity(2 * marks.len() + 1);
        let mut done = 0;
        for (at, length, segment) in marks {
            if at < done {
                continue;
            }
            segments.push(Segment::Text(done..at));
            segments.push(segment);
            done = at + length;
        }
        segments.push(Segment::Text(done..text.len()));
        Self {
            text: Bytes::copy_from_slice(text.as_bytes()),
            segments,
            account: account.to_owned(),
            region: region.map(str::to_owned),
        }
    }

    /// The text for another account and region; not copied when they are the recorded ones.
    pub(crate) fn render(&self, account: &str, region: &str) -> Bytes {
        let same_region = self.region.as_deref().is_none_or(|recorded| recorded == region);
        if self.segments.len() == 1 || (self.account == account && same_region) {
            return self.text.clone();
        }
        let mut out = Vec::with_capacity(self.text.len() + 64);
        self.render_into(account, region, &mut out);
        out.into()
    }

    fn render_into(&self, account: &str, region: &str, out: &mut Vec<u8>) {
        for segment in &self.segments {
            match segment {
                Segment::Text(range) => out.extend_from_slice(&self.text[range.clone()]),
                Segment::Account => out.extend_from_slice(account.as_bytes()),
                Segment::Region => out.extend_from_slice(region.as_bytes()),
                Segment::Base64(inner) => {
                    let document = inner.render(account, region);
                    out.extend_from_slice(base64::encode(document).as_bytes());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_and_region_are_replaced_and_nothing_else() {
        let text = "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1 in eu-west-1a";
        let template = Template::new(text, "123456789012", Some("eu-west-1"));
        assert_eq!(template.render("123456789012", "eu-west-1"), text);
        assert_eq!(
            template.render("210987654321", "us-east-2"),
            "arn:aws:ec2:us-east-2:210987654321:vpc/vpc-1 in us-east-2a"
        );
        let global = Template::new(text, "123456789012", None);
        assert_eq!(
            global.render("210987654321", "us-east-2"),
            "arn:aws:ec2:eu-west-1:210987654321:vpc/vpc-1 in eu-west-1a"
        );
    }

    #[test]
    fn the_credential_report_names_the_account_that_asks() {
        let report = "user,arn\nann,arn:aws:iam::123456789012:user/ann\n";
        let text = format!("<r><Content>{}</Content></r>", base64::encode(report));
        let rendered = Template::new(&text, "123456789012", None).render("210987654321", "x");
        let expected = report.replace("123456789012", "210987654321");
        assert_eq!(rendered, format!("<r><Content>{}</Content></r>", base64::encode(expected)));
    }
}
