//! Each format, written from one report: as a snapshot, and read back.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod fixture;

use demarc_model::Verdict;
use demarc_report::{
    Error, Finding, Format, Reader, Report, Worst, read_json, read_lines, terminal, write,
    write_line, write_lines,
};
use fixture::{FORMULA, HOSTILE, accepted, large, report};

fn written(format: Format, report: &Report) -> String {
    let mut out = Vec::new();
    let mut findings = report.findings.iter().cloned().map(Ok);
    write(format, &report.head, &mut findings, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn summary(report: &Report, width: usize) -> String {
    let mut worst = Worst::<3>::default();
    report.findings.iter().for_each(|finding| worst.push(finding));
    let mut out = Vec::new();
    terminal::summary(&report.head, &worst.into_vec(), width, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn json_is_one_finding_a_line_and_reads_back_as_written() {
    let report = report();
    let text = written(Format::Json, &report);
    insta::assert_snapshot!("report.json", text);
    for finding in &report.findings {
        let line = serde_json::to_string(finding).unwrap();
        assert!(text.lines().any(|l| l.trim().trim_end_matches(',') == line));
    }
    assert_eq!(read_json(text.as_bytes()).unwrap(), report);
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

#[test]
fn spooled_lines_make_the_same_report_as_the_findings() {
    let report = report();
    for format in Format::ALL {
        for findings in [&report.findings[..], &report.findings[..1], &[]] {
            let mut lines = Vec::new();
            for finding in findings {
                write_line(finding, &mut lines);
            }
            let mut copied = Vec::new();
            write_lines(format, &report.head, &*lines, &mut copied).unwrap();
            let each = Report { head: report.head.clone(), findings: findings.to_vec() };
            assert_eq!(String::from_utf8(copied).unwrap(), written(format, &each), "{format:?}");
            let back: Result<Vec<_>, _> = read_lines(&*lines).collect();
            assert_eq!(back.unwrap(), findings);
        }
    }
}

#[test]
fn a_report_without_findings_is_still_a_report() {
    let empty = Report { findings: Vec::new(), ..report() };
    assert_eq!(read_json(written(Format::Json, &empty).as_bytes()).unwrap(), empty);
}

#[test]
fn a_reader_who_left_is_told_from_a_fault() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let report = report();
    for format in Format::ALL {
        let mut findings = report.findings.iter().cloned().map(Ok);
        let error = write(format, &report.head, &mut findings, &mut Closed).unwrap_err();
        let is_closed =
            matches!(&error, Error::Io(io) if io.kind() == std::io::ErrorKind::BrokenPipe);
        assert!(is_closed, "{format}: {error:?}");
    }
}

#[test]
fn findings_are_read_one_by_one() {
    let report = report();
    let text = written(Format::Json, &report);
    // Cut within the third finding: the two before it are there already.
    let cut = text.find(&report.findings[2].fingerprint.0).unwrap();
    let mut reader = Reader::new(&text.as_bytes()[..cut]).unwrap();
    assert_eq!(reader.head(), &report.head);
    assert_eq!(reader.next().unwrap().unwrap(), report.findings[0]);
    assert_eq!(reader.next().unwrap().unwrap(), report.findings[1]);
    let error = reader.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the report ends early: it breaks off after 2 findings");
    assert!(reader.next().is_none());
}

#[test]
fn a_report_of_many_buffers_reads_back_in_lines_and_without_any() {
    let (head, findings) = large(500);
    let report = Report { head, findings: findings.collect() };
    let text = written(Format::Json, &report);
    assert!(text.len() > 5 * (1 << 16), "{} bytes are too few to cross buffers", text.len());
    assert_eq!(read_json(text.as_bytes()).unwrap(), report);
    assert_eq!(read_json(text.replace('\n', "\r\n").as_bytes()).unwrap(), report);
    assert_eq!(read_json(serde_json::to_string(&report).unwrap().as_bytes()).unwrap(), report);
}

#[test]
fn a_report_is_read_however_another_tool_has_laid_it_out() {
    let report = report();
    let mut value = serde_json::to_value(&report).unwrap();
    let fields = value.as_object_mut().unwrap();
    fields.insert("zz_newer_field".to_owned(), 12.into());
    fields.insert("a_newer_field".to_owned(), serde_json::json!([-1.5e3, null, true]));
    fields.insert("schema_version".to_owned(), "1.99".into());
    // Sorted keys put the findings before the matrix; pretty printing breaks every line.
    for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
        let read = read_json(text.as_bytes()).unwrap();
        assert_eq!(read.findings, report.findings);
        assert_eq!(read.head.matrix, report.head.matrix);
    }
}

#[test]
fn what_is_no_report_is_told_from_what_breaks_off() {
    let text = written(Format::Json, &report());
    let error = |text: &str| read_json(text.as_bytes()).unwrap_err();
    for end in (0..text.len() - 2).step_by(499).filter(|end| text.is_char_boundary(*end)).skip(1) {
        let error = error(&text[..end]);
        assert!(matches!(error, Error::Truncated(_)), "cut at {end}: {error}");
    }
    for foreign in ["", "[]", "{}", "hello", "{\"Findings\":[]}", "{\"a\": 1} x", "{\"a\" 1}"] {
        assert!(matches!(error(foreign), Error::Foreign(_)), "{foreign}: {}", error(foreign));
    }
    assert!(matches!(error(&format!("{text}{text}")), Error::Foreign(_)));
    assert_eq!(
        error("{\"schema_version\": \"2.0\", \"tool\": 1}").to_string(),
        "report schema 2.0 is not one that this demarc reads (1.0)"
    );
    assert!(matches!(error("{\"schema_version\": \"1.0\", \"tool\": 1}"), Error::Json(_)));
}

#[test]
fn ndjson_is_the_findings_and_nothing_else() {
    let report = report();
    let text = written(Format::Ndjson, &report);
    let read: Vec<Finding> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, report.findings);
}

#[test]
fn a_failing_scan_fails_the_writer_too() {
    let (head, findings) = large(50);
    for format in Format::ALL {
        let broken = || Err(Error::Truncated("the spool is gone".to_owned()));
        let mut stream = findings.clone().map(Ok).chain(std::iter::from_fn(|| Some(broken())));
        let result = write(format, &head, &mut stream, &mut Vec::new());
        assert!(matches!(result, Err(Error::Truncated(_))), "{format}: {result:?}");
    }
}

#[test]
fn csv_reads_back_and_runs_no_formula() {
    let report = report();
    let text = written(Format::Csv, &report);
    insta::assert_snapshot!("report.csv", text);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let column = |name: &str| {
        reader.headers().cloned().unwrap().iter().position(|header| header == name).unwrap()
    };
    let (name, tags, verdict) = {
        let mut column = column;
        (column("resource_name"), column("tags"), column("verdict"))
    };
    let rows: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), report.findings.len());
    for (row, finding) in rows.iter().zip(&report.findings) {
        assert_eq!(&row[verdict], finding.verdict.id());
        for cell in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "a formula: {cell}");
        }
    }
    assert!(rows.iter().any(|row| row[name] == format!("'{FORMULA}")));
    assert!(rows.iter().any(|row| row[tags].contains(HOSTILE)));
}

#[test]
fn the_other_formats_as_they_are_read_by_people() {
    let report = report();
    insta::assert_snapshot!("report.md", written(Format::Markdown, &report));
    insta::assert_snapshot!("report.junit.xml", written(Format::Junit, &report));
    insta::assert_snapshot!("report.sarif", written(Format::Sarif, &report));
    insta::assert_snapshot!("report.ocsf.json", written(Format::Ocsf, &report));
    insta::assert_snapshot!("report.asff.json", written(Format::Asff, &report));
}

#[test]
fn no_name_becomes_markup_in_markdown() {
    let mut report = report();
    let sly =
        "`|\\| <!-- [x](javascript:1) @octocat #1 https://a.example www.a.example *b* $c$ ~d~";
    for finding in &mut report.findings {
        finding.resource.arn = sly.into();
        finding.part = sly.to_owned();
        for evidence in &mut finding.evidence {
            evidence.observed = sly.into();
        }
    }
    report.head.accounts[2].name = Some(sly.to_owned());
    report.head.coverage.gaps[0].reason = sly.to_owned();
    let text = written(Format::Markdown, &report);
    for live in
        ["`|", "<!--", "[x]", "@octocat", "#1 h", "https://a.", "www.a.", "*b*", "$c$", "~d~"]
    {
        assert!(!text.contains(live), "{live} is live");
    }
    // What it says is all there, once references are read.
    assert!(text.contains("&#64;octocat"));
}

#[test]
fn markdown_shows_some_and_counts_the_rest() {
    let (head, findings) = large(2_000);
    let open: u64 = head.summary.failed.values().sum();
    let mut out = Vec::new();
    write(Format::Markdown, &head, &mut findings.map(Ok), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches("| **critical** |").count(), 25);
    assert!(text.contains(&format!("and {} more open findings, not shown.", open - 25)));
    assert!(text.len() < 30_000, "{} bytes are too many for a comment", text.len());
}

#[test]
fn the_page_has_no_markup_but_its_own() {
    let report = report();
    let text = written(Format::Html, &report);
    // One script that runs; what findings carry is data, and escaped.
    assert_eq!(text.matches("<script>").count(), 1);
    assert!(!text.contains("<img"), "a name became an element");
    assert!(text.contains("audit &#60;b&#62;&#38;"), "an account's name is not escaped");
    // Beside its own, no address is ever asked.
    for source in ["src=\"", "url(", "@import", "http-equiv=\"refresh\""] {
        assert!(!text.contains(source), "{source} in the page");
    }
    assert_eq!(text, written(Format::Html, &report), "not the same twice");
}

#[test]
fn inherited_controls_say_where_their_evidence_is_in_the_page_and_in_markdown() {
    let mut report = report();
    let of_the_web = "<a href=\"https://aws.amazon.com/compliance/data-center/controls/\"";
    assert!(written(Format::Html, &report).contains(of_the_web));
    for row in &mut report.head.inherited {
        row.page = "javascript:window.pwned=1".to_owned();
    }
    let page = written(Format::Html, &report);
    assert!(!page.contains("javascript:"), "an address that is no page's became a link");
    for text in [page, written(Format::Markdown, &report)] {
        for row in &report.head.inherited {
            assert!(text.contains(&row.title), "{} is missing", row.title);
        }
        assert!(text.contains("ISO/IEC 27001 certificate") && text.contains("AWS Artifact"));
    }
    for row in &report.head.control_types {
        let page = written(Format::Html, &report);
        assert!(page.contains(&row.aws) && page.contains(&row.customer), "{}", row.title);
    }
}

#[test]
fn a_report_that_knows_no_control_types_is_read_and_shown_without_them() {
    let mut report = report();
    report.head.control_types.clear();
    report.head.inherited.clear();
    let text = written(Format::Json, &report);
    assert!(!text.contains("\"control_types\"") && !text.contains("\"inherited\": ["));
    assert_eq!(read_json(text.as_bytes()).unwrap(), report);
    for text in [written(Format::Html, &report), written(Format::Markdown, &report)] {
        assert!(!text.contains("Who proves what"));
    }
    assert!(!summary(&report, 100).contains("Who proves what"));
}

#[test]
fn the_page_shows_what_was_accepted_and_what_was_carried_over() {
    assert!(!written(Format::Html, &report()).contains("id=\"accepted\""));
    let report = accepted();
    let page = written(Format::Html, &report);
    assert!(page.contains(&report.head.suppressions[0].text));
    assert!(page.contains("6 earlier failures could not be looked at again"));
    assert!(page.contains("2026-11-21, suppressed"));
    assert!(!page.contains("<img"), "a name became an element");
    let carried = page.split("id=\"accepted\"").nth(1).unwrap();
    let first = carried.find("badge critical").unwrap();
    assert!(carried.find("badge medium").unwrap() > first, "the severest stand first");
}

#[test]
fn a_page_too_large_to_open_leaves_out_what_asks_nothing_and_says_so() {
    let mut report = report();
    report.head.summary.verdicts.pass = 400_000;
    let text = written(Format::Html, &report);
    let passed = |f: &&Finding| matches!(f.verdict, Verdict::Pass | Verdict::NotApplicable);
    for finding in report.findings.iter().filter(passed) {
        assert!(!text.contains(&finding.fingerprint.0));
    }
    for finding in report.findings.iter().filter(|f| !passed(f)) {
        assert!(text.contains(&finding.fingerprint.0));
    }
    assert!(text.contains("The list leaves out 400,001 findings that passed or did not apply"));
}

#[test]
fn the_summary_fits_the_terminal_and_steers_nothing() {
    let report = report();
    for width in [80, 100, 140] {
        let text = summary(&report, width);
        let styles = anstyle_free(&text);
        for line in styles.lines() {
            assert!(line.chars().count() <= width, "wider than {width}: {line}");
        }
        assert!(!styles.contains('\u{1b}'), "an escape sequence of a resource's name came through");
    }
    insta::assert_snapshot!("terminal-100", anstyle_free(&summary(&report, 100)));
    insta::assert_snapshot!("terminal-styled", summary(&report, 100).replace('\u{1b}', "␛"));
}

/// Without the sequences that styles are written with.
fn anstyle_free(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        plain += &rest[..at];
        let end = rest[at..].find('m').map_or(rest.len(), |m| at + m + 1);
        rest = &rest[end..];
    }
    plain + rest
}

#[test]
fn the_worst_come_first_and_suppressed_ones_not_at_all() {
    let report = report();
    let mut worst = Worst::<2>::default();
    report.findings.iter().for_each(|finding| worst.push(finding));
    assert_eq!(worst.seen(), 6);
    let worst: Vec<_> = worst.into_vec().into_iter().map(|f| f.check).collect();
    assert_eq!(worst, ["ec2.security-group-private-ports", "iam.root-hardware-mfa"]);
}
