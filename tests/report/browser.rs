//! The HTML report in a real browser: Chromium, driven over WebDriver.
//!
//! Needs Debian's `chromium` and `chromium-driver` (or CHROMEDRIVER and CHROMIUM naming them);
//! without them the test fails, unless DEMARC_BROWSER=skip.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod fixture;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use demarc_report::{Format, write};
use serde_json::{Value, json};

/// Chromium behind its driver; both end with it.
struct Browser {
    driver: Child,
    _said: std::io::Lines<BufReader<ChildStdout>>,
    port: u16,
    session: String,
    profile: PathBuf,
}

impl Browser {
    fn start() -> Self {
        let driver = std::env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
        let mut driver = Command::new(&driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start {driver} ({error}): install chromium and chromium-driver, or set DEMARC_BROWSER=skip")
            });
        // Kept open: the driver has more to say.
        let mut said = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = said
            .find_map(|line| {
                let port = line.unwrap().rsplit_once("successfully on port ")?.1.to_owned();
                port.trim_end_matches('.').parse().ok()
            })
            .expect("the driver says its port");
        let profile = scratch().join("profile");
        let _ = fs::remove_dir_all(&profile);
        let mut browser = Self { driver, _said: said, port, session: String::new(), profile };
        let profile = format!("--user-data-dir={}", browser.profile.display());
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "binary": chromium, "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--window-size=1400,900", profile,
            ] },
        } } });
        let session = browser.send("POST", "/session", &capabilities);
        session["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        browser
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = None;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = Some(value.trim().parse().unwrap());
            }
        }
        let mut answer = vec![0; length.expect("the driver states a length")];
        reader.read_exact(&mut answer).unwrap();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        let value = answer["value"].take();
        assert!(value.get("error").is_none(), "{method} {path}: {value}");
        value
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.send("POST", &format!("/session/{}{path}", self.session), body)
    }

    fn open(&self, page: &Path, hash: &str) {
        // A change of the hash alone would not load the page anew.
        self.post("/url", &json!({ "url": "about:blank" }));
        self.post("/url", &json!({ "url": format!("file://{}{hash}", page.display()) }));
        self.wait("document.documentElement.dataset.ready === 'yes'");
    }

    /// The value of an expression.
    fn get(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    #[track_caller]
    fn wait(&self, condition: &str) {
        let end = Instant::now() + Duration::from_mins(1);
        while self.get(condition) != true {
            assert!(
                Instant::now() < end,
                "never true: {condition}\n{}",
                self.get("document.body.innerText.slice(0, 2000)")
            );
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    fn click(&self, selector: &str) {
        self.post(&format!("/element/{}/click", self.element(selector)), &json!({}));
    }

    /// Keys, sent to whatever has the focus.
    fn keys(&self, keys: &str) {
        let actions: Vec<_> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        self.post(
            "/actions",
            &json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }),
        );
    }

    fn status(&self) -> String {
        self.get("document.getElementById('status').textContent").as_str().unwrap().to_owned()
    }

    /// What the console said since it was last asked, warnings and errors alone.
    fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        let serious =
            |entry: &&Value| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING"));
        log.as_array()
            .unwrap()
            .iter()
            .filter(serious)
            .map(|entry| entry["message"].to_string())
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.send("DELETE", &format!("/session/{}", self.session), &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

fn scratch() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    fs::create_dir_all(&path).unwrap();
    path
}

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

#[test]
fn the_page_works_in_a_browser_and_runs_nothing_of_others() {
    if std::env::var("DEMARC_BROWSER").is_ok_and(|value| value == "skip") {
        // Written past the test harness, which would keep it to itself.
        let _ = writeln!(
            std::io::stderr().lock(),
            "\nSKIPPED: the HTML report was not opened in a browser (DEMARC_BROWSER=skip)\n"
        );
        return;
    }
    let size = 100_000;
    let (head, findings) = fixture::large(size);
    let large = scratch().join("large.html");
    let mut out = std::io::BufWriter::new(fs::File::create(&large).unwrap());
    let hostile = findings.clone().nth(size / 2).unwrap();
    let linked = findings.clone().nth(70_001).unwrap();
    write(Format::Html, &head, &mut findings.map(Ok), &mut out).unwrap();
    out.into_inner().unwrap();
    let report = fixture::accepted();
    let small = scratch().join("small.html");
    let mut findings = report.findings.iter().cloned().map(Ok);
    write(Format::Html, &report.head, &mut findings, &mut fs::File::create(&small).unwrap())
        .unwrap();

    let browser = Browser::start();
    large_report(&browser, &large, head.summary.verdicts.fail + head.summary.verdicts.not_assessed);

    // A deep link opens its finding, whatever the filters would hide.
    browser.open(&large, &format!("#f={}", linked.fingerprint.0));
    browser.wait("document.getElementById('panel').open");
    let panel = browser.get("document.getElementById('panel').innerText");
    assert!(panel.as_str().unwrap().contains(&*linked.resource.arn), "{panel}");
    assert_eq!(browser.get("document.activeElement.id"), "panel-title");

    // A hostile name is text, and has run nothing.
    browser.open(&large, &format!("#f={}", hostile.fingerprint.0));
    let panel = browser.get("document.getElementById('panel-body').textContent");
    assert!(panel.as_str().unwrap().contains("</script><script>window.pwned=1"), "{panel}");
    assert_eq!(browser.complaints(), [""; 0]);

    small_report(&browser, &small);
    for page in [&large, &small] {
        browser.open(page, "");
        assert_eq!(browser.get("typeof window.pwned"), "undefined");
        assert_eq!(browser.get("document.querySelectorAll('img').length"), 0);
        assert_eq!(browser.get("document.querySelectorAll('script:not([type])').length"), 1);
        // No request left the page.
        assert_eq!(browser.get("performance.getEntriesByType('resource').length"), 0);
    }
    assert_eq!(browser.complaints(), [""; 0]);

    // Were something to slip in all the same, the policy stops it.
    browser.get("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = 1' }))");
    browser.get("void fetch('http://127.0.0.1:1/').catch(() => {})");
    assert_eq!(browser.get("typeof window.ran"), "undefined");
    assert!(browser.complaints().iter().any(|said| said.contains("Content Security Policy")));
}

fn large_report(browser: &Browser, page: &Path, attention: u64) {
    let start = Instant::now();
    browser.open(page, "");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(15), "opening took {took:?}");
    let grouped = |number: u64| format!("{},{:03}", number / 1000, number % 1000);
    let expected = format!("{} of 100,000 findings, 1 to 100 here", grouped(attention));
    assert_eq!(browser.status(), expected);
    assert_eq!(browser.get("document.querySelectorAll('#rows tbody tr').length"), 100);
    // What asks most comes first.
    assert_eq!(browser.get("document.querySelector('#rows tbody .badge').textContent"), "critical");

    // Filters narrow, one upon the other, and the address keeps them.
    browser.click("#verdicts label:nth-child(2)");
    browser.wait("!document.querySelector('#rows tbody').innerText.includes('Not assessed')");
    browser.click("#severities label:nth-child(2)");
    browser.wait("[...document.querySelectorAll('#rows tbody .badge')].every((b) => b.textContent === 'high')");
    assert_eq!(
        browser.get("decodeURIComponent(location.hash)"),
        "#verdict=fail,manual&severity=high"
    );
    browser.get("(() => { const s = document.getElementById('service'); s.value = 'iam'; s.dispatchEvent(new Event('input', { bubbles: true })); })()");
    browser.wait("[...document.querySelectorAll('#rows tbody .what a')].every((a) => a.textContent === 'iam.user-console-mfa')");

    // Search, from the keyboard.
    browser.click("#filters button[type=reset]");
    browser.keys("/");
    assert_eq!(browser.get("document.activeElement.id"), "q");
    browser.keys("iam-077");
    browser.wait("document.getElementById('status').textContent.startsWith('91 of 100,000')");

    // A row opens with Enter, steps with j and k, closes with Escape, and has the focus again.
    browser.get("document.querySelector('#rows tbody a').focus()");
    browser.keys(ENTER);
    browser.wait("document.getElementById('panel').open");
    let first = browser.get("location.hash");
    browser.keys("j");
    browser.wait(&format!("location.hash !== {first}"));
    browser.keys("k");
    browser.wait(&format!("location.hash === {first}"));
    browser.keys(ESCAPE);
    browser.wait("!document.getElementById('panel').open");
    assert_eq!(browser.get("document.activeElement.getAttribute('href')"), first);

    // Paging and sorting.
    browser.click("#filters button[type=reset]");
    browser.click("#pages [data-go=next]");
    assert!(browser.status().ends_with("101 to 200 here"));
    browser.click("#rows th[data-sort=account] button");
    assert_eq!(
        browser.get("document.querySelector('#rows th[data-sort=account]').ariaSort"),
        "ascending"
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

fn small_report(browser: &Browser, page: &Path) {
    browser.open(page, "");
    // A cell of the matrix tells whose it is, and leads to its findings.
    browser.click(".matrix button[data-service=s3][data-layer=customer-data]");
    browser.wait("document.getElementById('panel').open");
    let panel = browser.get("document.getElementById('panel').innerText").to_string();
    assert!(
        panel.contains("You must") && panel.contains("Decide who may reach the data"),
        "{panel}"
    );
    browser.click("#panel-body a");
    browser.wait("!document.getElementById('panel').open");
    assert_eq!(browser.status(), "6 of 16 findings");

    // A chart's row is a link to what it counts.
    browser.get("document.querySelector('.bars a[href=\"#layer=operating-system\"]').click()");
    browser.wait("document.getElementById('status').textContent === '1 of 16 findings'");

    // Inherited controls open from the keyboard; no table is wider than the page.
    browser.get("document.querySelector('#proof summary').focus()");
    browser.keys(ENTER);
    browser.wait("document.querySelector('#proof details').open");
    let proof = browser.get("document.getElementById('proof').innerText").to_string();
    assert!(proof.contains("ISO/IEC 27001 certificate"), "{proof}");
    let accepted = browser.get("document.getElementById('accepted').innerText").to_string();
    assert!(accepted.contains("</script><script>window.pwned=1"), "{accepted}");
    assert_eq!(browser.get("document.documentElement.scrollWidth <= innerWidth"), true);

    // Suppressed findings are a choice of their own.
    browser.get("location.hash = 'verdict=suppressed'");
    browser.wait("document.getElementById('status').textContent === '1 of 16 findings'");

    // The other colours, and back.
    let ground = "getComputedStyle(document.body).backgroundColor";
    let light = browser.get(ground);
    browser.click("#theme");
    assert_ne!(browser.get(ground), light);
    browser.click("#theme");
    assert_eq!(browser.get(ground), light);

    // Every control has a name, every table its headers, every id is one of a kind.
    let nameless = "[...document.querySelectorAll('button, a, input, select')].filter((e) => !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).length";
    assert_eq!(browser.get(nameless), 0);
    assert_eq!(browser.get("[...document.querySelectorAll('table')].filter((t) => !t.querySelector('thead th[scope=col]')).length"), 0);
    assert_eq!(browser.get("(() => { const ids = [...document.querySelectorAll('[id]')].map((e) => e.id); return ids.length - new Set(ids).size; })()"), 0);
    assert_eq!(browser.get("document.querySelectorAll('main').length"), 1);
    assert_eq!(browser.complaints(), [""; 0]);
}
