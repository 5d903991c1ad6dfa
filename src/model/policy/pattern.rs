use std::fmt;

/// A name with the wildcards `*` (any run of characters) and `?` (exactly one), as AWS writes
/// actions, resources and the values of `StringLike` (IAM User Guide, "IAM JSON policy elements:
/// Resource" and "Condition operators").
///
/// A policy variable such as `${aws:username}` stands for a value that only the request knows.
/// Where a pattern *may* match, a variable counts as `*`; where it must be *sure* to match, as
/// nothing at all. The escapes `${*}`, `${?}` and `${$}` are the plain characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    text: Box<str>,
    ignore_case: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Many,
}

impl Pattern {
    /// Action names are compared without regard to case.
    pub fn action(text: &str) -> Self {
        Self { text: text.into(), ignore_case: true }
    }

    /// Resources and condition values are compared with regard to case.
    pub fn exact_case(text: &str) -> Self {
        Self { text: text.into(), ignore_case: false }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the text is compared without regard to case, as actions are.
    pub fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// `*`, or `**`; for an action also `*:*`, as every action has a service.
    pub fn is_everything(&self) -> bool {
        let stars = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte == b'*');
        stars(&self.text)
            || (self.ignore_case
                && self
                    .text
                    .split_once(':')
                    .is_some_and(|(service, name)| stars(service) && stars(name)))
    }

    pub fn has_variable(&self) -> bool {
        self.text.contains("${") && tokens(&self.text).1
    }

    /// Neither wildcard nor variable: the value is itself and nothing else.
    pub fn is_fixed(&self) -> bool {
        is_fixed(&self.text)
    }

    /// Whether the pattern may match `name`; a variable may take any value.
    pub fn matches(&self, name: &str) -> bool {
        if self.text.contains("${") {
            let subject: Vec<Token> = name.chars().map(Token::Char).collect();
            return tokens_match(&tokens(&self.text).0, &subject, self.ignore_case);
        }
        bytes_match(self.text.as_bytes(), name.as_bytes(), self.ignore_case)
    }

    /// Whether the pattern matches `name` whatever the request; a variable does not.
    pub fn surely_matches(&self, name: &str) -> bool {
        !self.has_variable() && self.matches(name)
    }

    /// Whether every name that `other` may match is certainly matched by this pattern.
    ///
    /// Errs towards `false`: `a*` with `*a` on top of `aa*` and such equivalences between
    /// different spellings are not looked for.
    pub fn covers(&self, other: &Pattern) -> bool {
        if self.text == other.text || self.is_everything() {
            return true;
        }
        if self.has_variable() {
            return false;
        }
        tokens_match(&tokens(&self.text).0, &tokens(&other.text).0, self.ignore_case)
    }

    /// Whether some name may be matched by both.
    pub fn overlaps(&self, other: &Pattern) -> bool {
        if self.is_everything() || other.is_everything() {
            return true;
        }
        let (ours, theirs) = (tokens(&self.text).0, tokens(&other.text).0);
        let ignore_case = self.ignore_case || other.ignore_case;
        // `row[j]`: the tokens of ours so far and the first j of theirs match a common name.
        let mut row = vec![false; theirs.len() + 1];
        row[0] = true;
        for (index, theirs) in theirs.iter().enumerate() {
            row[index + 1] = row[index] && *theirs == Token::Many;
        }
        for ours in &ours {
            let mut diagonal = row[0];
            row[0] = row[0] && *ours == Token::Many;
            for (index, theirs) in theirs.iter().enumerate() {
                let above = row[index + 1];
                row[index + 1] = match (ours, theirs) {
                    // A star matches nothing more, or swallows one token of the other side.
                    (Token::Many, _) | (_, Token::Many) => above || row[index],
                    (Token::Char(a), Token::Char(b)) => diagonal && same(*a, *b, ignore_case),
                    _ => diagonal,
                };
                diagonal = above;
            }
        }
        row[theirs.len()]
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Neither a wildcard nor a policy variable, the condition that AWS sets for "fixed values".
pub(super) fn is_fixed(text: &str) -> bool {
    !text.contains(['*', '?']) && !text.contains("${")
}

/// The tokens, and whether one of them stands for a policy variable.
fn tokens(text: &str) -> (Vec<Token>, bool) {
    let mut out = Vec::with_capacity(text.len());
    let mut variable = false;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some((name, after)) = rest.strip_prefix("${").and_then(|inner| inner.split_once('}'))
        {
            match name {
                "*" => out.push(Token::Char('*')),
                "?" => out.push(Token::Char('?')),
                "$" => out.push(Token::Char('$')),
                _ => {
                    variable = true;
                    out.push(Token::Many);
                }
            }
            rest = after;
            continue;
        }
        out.push(match next {
            '*' => Token::Many,
            '?' => Token::One,
            other => Token::Char(other),
        });
        rest = &rest[next.len_utf8()..];
    }
    out.dedup_by(|a, b| *a == Token::Many && *b == Token::Many);
    (out, variable)
}

fn same(a: char, b: char, ignore_case: bool) -> bool {
    a == b || (ignore_case && a.eq_ignore_ascii_case(&b))
}

/// Greedy matching with one point of return. The subject may itself hold wildcards: then only a
/// `*` of the pattern can stand for its `*`, and only a `?` or `*` for its `?`.
fn tokens_match(pattern: &[Token], subject: &[Token], ignore_case: bool) -> bool {
    let (mut p, mut s) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while s < subject.len() {
        let step = match (pattern.get(p), subject[s]) {
            (Some(Token::Many), _) => {
                back = Some((p, s));
                p += 1;
                continue;
            }
            (Some(Token::One), Token::Char(_) | Token::One) => true,
            (Some(Token::Char(a)), Token::Char(b)) => same(*a, b, ignore_case),
            _ => false,
        };
        if step {
            p += 1;
            s += 1;
        } else if let Some((star, at)) = back {
            back = Some((star, at + 1));
            p = star + 1;
            s = at + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|token| *token == Token::Many)
}

/// The same for plain names, without building tokens: this is the hot path.
fn bytes_match(pattern: &[u8], name: &[u8], ignore_case: bool) -> bool {
    // A name is valid UTF-8: the lead byte tells how far `?` and the star's retreat step.
    let width = |at: usize| match name[at] {
        0..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let (mut p, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p, n));
                p += 1;
                continue;
            }
            Some(b'?') => {
                p += 1;
                n += width(n);
                continue;
            }
            Some(byte)
                if *byte == name[n] || (ignore_case && byte.eq_ignore_ascii_case(&name[n])) =>
            {
                p += 1;
                n += 1;
                continue;
            }
            _ => {}
        }
        let Some((star, at)) = back else { return false };
        let next = at + width(at);
        back = Some((star, next));
        p = star + 1;
        n = next;
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn action(text: &str) -> Pattern {
        Pattern::action(text)
    }
    fn resource(text: &str) -> Pattern {
        Pattern::exact_case(text)
    }

    #[test]
    fn actions_ignore_case_and_resources_do_not() {
        assert!(action("S3:putobject").matches("s3:PutObject"));
        assert!(!resource("arn:aws:s3:::B").matches("arn:aws:s3:::b"));
    }

    #[test]
    fn a_star_takes_any_run_and_a_question_mark_one_character() {
        assert!(action("s3:Get*").matches("s3:GetObjectAcl"));
        assert!(action("s3:Get*").matches("s3:Get"));
        assert!(!action("s3:Get?").matches("s3:Get"));
        assert!(action("*:*").matches("iam:PassRole"));
        assert!(action("s3:*Object*Tag*").matches("s3:PutObjectVersionTagging"));
        assert!(!action("s3:*Acl").matches("s3:PutObject"));
        assert!(resource("a*b*c").matches("abbbcbc"));
        assert!(!resource("").matches("a"));
        assert!(resource("").matches(""));
        assert!(!resource("*??").matches("€"));
        assert!(resource("?").matches("€"));
    }

    #[test]
    fn a_wider_pattern_covers_a_narrower_one() {
        assert!(action("s3:*").covers(&action("s3:Get*")));
        assert!(action("*").covers(&action("s3:*")));
        assert!(action("*:*").covers(&action("*")));
        assert!(action("*").covers(&action("*:*")));
        assert!(!action("s3:Get*").covers(&action("s3:*")));
        assert!(!action("s3:?et").covers(&action("s3:*et")));
        assert!(action("s3:?et").covers(&action("s3:Get")));
        assert!(!action("s3:*").covers(&action("*")));
        assert!(!resource("a?").covers(&resource("a*")));
    }

    #[test]
    fn a_variable_may_match_anything_but_covers_nothing() {
        let own = resource("arn:aws:iam::*:user/${aws:username}");
        assert!(own.matches("arn:aws:iam::123456789012:user/anna"));
        assert!(!own.surely_matches("arn:aws:iam::123456789012:user/anna"));
        assert!(!own.covers(&resource("arn:aws:iam::123456789012:user/anna")));
        assert!(own.covers(&own.clone()));
        assert!(resource("arn:aws:iam::*:user/*").covers(&own));
        assert!(!resource("arn:aws:iam::*:user/anna").covers(&own));
    }

    #[test]
    fn an_escaped_wildcard_is_a_plain_character() {
        let star = resource("a${*}b");
        assert!(star.matches("a*b"));
        assert!(!star.matches("axb"));
        assert!(!star.has_variable());
    }

    #[test]
    fn overlap_needs_one_common_name() {
        assert!(action("s3:Get*").overlaps(&action("s3:*Object")));
        assert!(action("s3:*").overlaps(&action("*:PutObject")));
        assert!(!action("s3:Get*").overlaps(&action("s3:Put*")));
        assert!(resource("a*").overlaps(&resource("*a")));
        assert!(resource("a?").overlaps(&resource("?b")));
        assert!(!resource("a?").overlaps(&resource("a")));
        assert!(resource("a*").overlaps(&resource("a")));
        assert!(resource("").overlaps(&resource("*")));
        assert!(!resource("").overlaps(&resource("?")));
    }

    proptest! {
        #[test]
        fn a_covering_pattern_matches_all_that_the_covered_one_does(
            wide in "[ab?*]{0,5}", narrow in "[ab?*]{0,5}", name in "[ab]{0,6}",
        ) {
            let (wide, narrow) = (resource(&wide), resource(&narrow));
            if wide.covers(&narrow) && narrow.matches(&name) {
                prop_assert!(wide.matches(&name));
            }
            if wide.matches(&name) && narrow.matches(&name) {
                prop_assert!(wide.overlaps(&narrow));
            }
        }

        #[test]
        fn both_matchers_agree(pattern in "[ab?*é]{0,6}", name in "[abé€]{0,6}") {
            let subject: Vec<Token> = name.chars().map(Token::Char).collect();
            prop_assert_eq!(
                bytes_match(pattern.as_bytes(), name.as_bytes(), false),
                tokens_match(&tokens(&pattern).0, &subject, false)
            );
        }

        #[test]
        fn any_two_texts_can_be_compared(a in ".*", b in ".*") {
            let (a, b) = (resource(&a), action(&b));
            let _ = (a.matches(b.as_str()), a.covers(&b), a.overlaps(&b), b.covers(&a));
        }
    }
}
