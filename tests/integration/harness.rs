//! Runs the binary, and the emulated AWS that it scans.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    ops::Deref,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use serde_json::Value;

/// The access key that the emulator takes for the seeded account's.
pub(crate) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// Where `seed.py` puts its resources.
pub(crate) const REGIONS: [&str; 2] = ["eu-central-1", "us-east-1"];

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files of the tests that last between runs.
fn cache() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// The binary, without anything of the environment that could lead it to somebody's account.
pub(crate) fn demarc<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let home = cache().join("home");
    fs::create_dir_all(&home).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_demarc"));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null());
    command
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Ran {
        code: status.code().unwrap_or_else(|| panic!("the binary ended by a signal: {status}")),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The one line on stderr that says what is wrong.
    #[track_caller]
    pub(crate) fn error(&self) -> &str {
        assert_eq!(self.stdout, "", "nothing but an error was expected");
        assert_eq!(self.stderr.lines().count(), 1, "one line was expected: {}", self.stderr);
        self.stderr.trim_end()
    }
}

/// A report of the binary's.
#[derive(Debug, Clone)]
pub(crate) struct Report(pub(crate) Value);

/// Check, then resource and part: the verdict.
pub(crate) type Verdicts = BTreeMap<(String, String), String>;

impl Report {
    pub(crate) fn read(path: &Path) -> Self {
        Self(serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
    }

    pub(crate) fn findings(&self) -> &[Value] {
        self.0["findings"].as_array().unwrap()
    }

    /// By check and by resource, its worst part's verdict.
    pub(crate) fn by_name(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut checks: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let rank = |verdict: &str| {
            let order = ["not-applicable", "pass", "manual", "not-assessed", "fail"];
            order.iter().position(|known| *known == verdict).unwrap()
        };
        for finding in self.findings() {
            let verdict = text(&finding["verdict"]);
            let of_check = checks.entry(text(&finding["check"]).to_owned()).or_default();
            let worst = of_check.entry(name(finding)).or_insert_with(|| verdict.to_owned());
            if rank(verdict) > rank(worst) {
                verdict.clone_into(worst);
            }
        }
        checks
    }

    /// By check and by fingerprint.
    pub(crate) fn verdicts(&self) -> Verdicts {
        let verdict = |finding: &Value| {
            let [check, fingerprint, verdict] =
                ["check", "fingerprint", "verdict"].map(|member| text(&finding[member]).to_owned());
            ((check, fingerprint), verdict)
        };
        self.findings().iter().map(verdict).collect()
    }

    /// Service and operation of each call that the report tells of.
    pub(crate) fn calls(&self) -> BTreeSet<String> {
        let rows = self.0["coverage"]["calls"].as_array().unwrap();
        rows.iter()
            .map(|row| format!("{} {}", text(&row["service"]), text(&row["operation"])))
            .collect()
    }
}

#[track_caller]
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// How `expected.json` names a finding's resource.
pub(crate) fn name(finding: &Value) -> String {
    let resource = &finding["resource"];
    let kind = text(&resource["type"]);
    if kind == "AWS::::Account" {
        return match text(&finding["region"]) {
            "global" => "account".to_owned(),
            region => format!("account@{region}"),
        };
    }
    let tag = resource["tags"]["Name"].as_str().filter(|_| kind.starts_with("AWS::EC2::"));
    tag.or(resource["name"].as_str()).unwrap_or(text(&resource["arn"])).to_owned()
}

/// An emulated AWS on a loopback port; ends when this is dropped, or with this process.
#[derive(Debug)]
pub(crate) struct Moto {
    server: Child,
    pub(crate) url: String,
}

impl Moto {
    /// An empty account.
    pub(crate) fn start() -> Self {
        let mut server = Command::new(python())
            .arg(root().join("tests/moto/server.py"))
            .args(["--managed-policies", "--until-stdin-ends"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the server tells where it is");
        Self { url: url.to_owned(), server }
    }

    /// Fills the account with what `expected.json` speaks of.
    pub(crate) fn seed(&self, arguments: &[&str]) {
        let Output { status, stderr, .. } = Command::new(python())
            .arg(root().join("tests/moto/seed.py"))
            .args(["--endpoint", &self.url])
            .args(arguments)
            .output()
            .unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    }

    /// `demarc` with the account's credentials and endpoint.
    pub(crate) fn demarc<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = demarc(arguments);
        command
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_ENDPOINT_URL", &self.url);
        command
    }

    /// `demarc scan` of the regions with resources.
    pub(crate) fn scan<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let regions = REGIONS.into_iter().flat_map(|region| ["--region", region]);
        self.demarc(["scan"].into_iter().chain(regions).chain(arguments))
    }

    /// Asks one of the server's own routes.
    pub(crate) fn admin(&self, method: &str, route: &str, body: &str) -> String {
        let host = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} /demarc-admin/{route} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{answer}");
        body.to_owned()
    }

    /// Faults to inject from now on, as the server's documentation describes them.
    pub(crate) fn faults(&self, rules: &Value) {
        self.admin("PUT", "faults", &rules.to_string());
    }

    pub(crate) fn forget_calls(&self) {
        self.admin("DELETE", "calls", "");
    }

    /// `s3 GetBucketAcl` and so on, as they arrived.
    pub(crate) fn calls(&self) -> BTreeSet<String> {
        let calls: Vec<Value> = serde_json::from_str(&self.admin("GET", "calls", "")).unwrap();
        calls
            .iter()
            .map(|call| format!("{} {}", text(&call["service"]), text(&call["operation"])))
            .collect()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// `S3 Control ListAccessPoints` as the emulator names it.
pub(crate) fn wire_name(call: &str) -> String {
    let (service, operation) = call.rsplit_once(' ').unwrap();
    format!("{} {operation}", service.to_lowercase().replace(' ', ""))
}

/// The seeded account that all tests share. It ends with this process, whose end of its
/// standard input it watches.
fn seeded() -> &'static RwLock<Moto> {
    static SEEDED: OnceLock<RwLock<Moto>> = OnceLock::new();
    SEEDED.get_or_init(|| {
        let moto = Moto::start();
        moto.seed(&[]);
        RwLock::new(moto)
    })
}

/// The seeded account, to be scanned beside others.
pub(crate) fn account() -> RwLockReadGuard<'static, Moto> {
    seeded().read().unwrap_or_else(PoisonError::into_inner)
}

/// The seeded account, for a test that counts calls or injects faults.
pub(crate) struct Alone(RwLockWriteGuard<'static, Moto>);

pub(crate) fn account_alone() -> Alone {
    let moto = seeded().write().unwrap_or_else(PoisonError::into_inner);
    moto.forget_calls();
    Alone(moto)
}

impl Deref for Alone {
    type Target = Moto;

    fn deref(&self) -> &Moto {
        &self.0
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.faults(&Value::Array(Vec::new()));
    }
}

/// The interpreter of a virtual environment with what the emulator needs, made when it is not
/// there or was made for other requirements.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let environment = cache().join("moto-venv");
        let python = environment.join("bin/python");
        let made_for = environment.join("requirements.txt");
        let requirements = root().join("tests/moto/requirements.txt");
        // Another run of the tests may be at it.
        let lock = File::create(cache().join("moto-venv.lock")).unwrap();
        lock.lock().unwrap();
        let wanted = fs::read(&requirements).unwrap();
        if fs::read(&made_for).is_ok_and(|made_for| made_for == wanted) {
            return python;
        }
        let must = |command: &mut Command| {
            let Output { status, stderr, .. } = command.output().unwrap();
            assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
        };
        must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment));
        must(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
                .arg(&requirements),
        );
        fs::write(made_for, wanted).unwrap();
        python
    })
}
