//! AWS emulators for tests: installed into `.cache/`, started on a free port of this machine, ended when dropped.
//!
//! Nothing here speaks to AWS. What an emulator accepts proves little about what AWS accepts; what it *stores* is what the
//! provider asked for, and that is what the tests read back through [`crate::aws`].

use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    files, process,
};

/// Every Python package of the emulators, pinned.
const REQUIREMENTS: &str = include_str!("emulator/requirements.txt");

/// moto with a journal, and with what AWS does and moto does not.
const SERVER: &str = include_str!("emulator/server.py");

/// The longest journal that is read, in bytes.
const JOURNAL_LIMIT: u64 = 1 << 30;

/// How long an emulator may take to answer its first request.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The services whose endpoint the provider is told; the emulators serve all of them on one port.
const SERVICES: [&str; 14] = [
    "dax",
    "dms",
    "docdb",
    "dynamodb",
    "ec2",
    "elasticache",
    "iam",
    "logs",
    "memorydb",
    "neptune",
    "rds",
    "redshift",
    "s3",
    "sts",
];

/// Which emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// moto: the widest EC2, so the one that networks are applied on.
    Moto,
    /// ministack: the most faithful S3, and it can delete ElastiCache subnet groups.
    Ministack,
}

/// A running emulator.
#[derive(Debug)]
pub struct Emulator {
    kind: Kind,
    child: Child,
    endpoint: String,
}

/// The installed emulators.
#[derive(Clone, Debug)]
pub struct Emulators {
    bin: PathBuf,
    server: PathBuf,
}

impl Emulators {
    /// Installs the emulators into a Python environment under `cache`, unless they are there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`] if Python 3 or its `venv` module is missing, or `pip` fails.
    pub fn install(cache: &Path) -> Result<Self> {
        let dir = cache.join("emulators");
        files::make_dir(&dir)?;
        let lock_path = dir.join("lock");
        let lock = File::create(&lock_path).map_err(|source| Error::file("open", &lock_path, source))?;
        lock.lock().map_err(|source| Error::file("lock", &lock_path, source))?;
        let venv = dir.join("venv");
        let installed = dir.join("installed.txt");
        if std::fs::read_to_string(&installed).ok().as_deref() != Some(REQUIREMENTS) {
            install_into(&venv, &dir.join("requirements.txt"))?;
            files::write(&installed, REQUIREMENTS)?;
        }
        let server = dir.join("server.py");
        if std::fs::read_to_string(&server).ok().as_deref() != Some(SERVER) {
            files::write(&server, SERVER)?;
        }
        Ok(Self { bin: venv.join("bin"), server })
    }

    /// Starts an emulator and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`] if it ends or stays silent.
    pub fn start(&self, kind: Kind) -> Result<Emulator> {
        let port = free_port()?;
        let mut command = self.command(kind, port);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|source| {
            Error::new(ErrorKind::Service, format!("cannot start {kind:?}")).because(source)
        })?;
        let mut emulator = Emulator { kind, child, endpoint: format!("http://127.0.0.1:{port}") };
        emulator.wait_until_healthy()?;
        Ok(emulator)
    }

    fn command(&self, kind: Kind, port: u16) -> Command {
        match kind {
            Kind::Moto => {
                let mut command = Command::new(self.bin.join("python"));
                command.arg(&self.server).arg(port.to_string());
                command
            }
            Kind::Ministack => {
                let mut command = Command::new(self.bin.join("ministack"));
                command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
                command
            }
        }
    }
}

impl Emulator {
    /// Returns the address of the emulator, such as `http://127.0.0.1:5000`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes an S3 bucket.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`].
    pub fn create_bucket(&self, name: &str) -> Result<()> {
        let url = format!("{}/{name}", self.endpoint);
        let sent = ureq::put(&url)
            .header("authorization", &crate::aws::authorization("us-east-1", "s3"))
            .send_empty();
        sent.map(drop).map_err(|source| {
            Error::new(ErrorKind::Service, format!("cannot make bucket `{name}`")).because(source)
        })
    }

    /// Returns every call that changed EC2 since the last [`reset`](Emulator::reset), with what stood after it; of moto.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`].
    pub fn journal(&self) -> Result<serde_json::Value> {
        self.ask("journal")
    }

    /// Returns how often each action of EC2 was called since the last [`reset`](Emulator::reset); of moto.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`].
    pub fn requests(&self) -> Result<serde_json::Value> {
        self.ask("requests")
    }

    /// Forgets the journal, the requests, and a refusal to come; of moto.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`].
    pub fn reset(&self) -> Result<()> {
        self.ask("reset").map(drop)
    }

    /// Refuses one call that changes EC2, once: the `nth` from now on, counted from 1; of moto.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`].
    pub fn refuse(&self, nth: u32) -> Result<()> {
        self.ask(&format!("refuse?call={nth}")).map(drop)
    }

    fn ask(&self, what: &str) -> Result<serde_json::Value> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Service, format!("the emulator does not answer /terrane/{what}"))
                .because(source)
        };
        let url = format!("{}/terrane/{what}", self.endpoint);
        let text = ureq::get(&url)
            .call()
            .and_then(|mut answer| answer.body_mut().with_config().limit(JOURNAL_LIMIT).read_to_string())
            .map_err(|source| failed(source.into()))?;
        serde_json::from_str(&text).map_err(|source| failed(source.into()))
    }

    /// Returns an override file that turns a root's AWS provider to the emulator.
    pub fn provider_override(&self) -> String {
        let mut text = String::from("provider \"aws\" {\n");
        for (name, value) in [
            ("access_key", "\"test\""),
            ("secret_key", "\"test\""),
            ("max_retries", "2"),
            ("s3_use_path_style", "true"),
            ("skip_credentials_validation", "true"),
            ("skip_metadata_api_check", "true"),
            // With it, rules that name another security group differ in the second plan.
            ("skip_requesting_account_id", "false"),
        ] {
            text += &format!("  {name} = {value}\n");
        }
        text += "\n  endpoints {\n";
        for service in SERVICES {
            text += &format!("    {service} = \"{}\"\n", self.endpoint);
        }
        text + "  }\n}\n"
    }

    /// Returns an S3 backend in the emulator, with a lock file.
    pub fn s3_backend(&self, bucket: &str, key: &str) -> String {
        format!(
            r#"terraform {{
  backend "s3" {{
    bucket                      = "{bucket}"
    key                         = "{key}"
    region                      = "us-east-1"
    use_lockfile                = true
    access_key                  = "test"
    secret_key                  = "test"
    use_path_style              = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_requesting_account_id  = true
    skip_region_validation      = true

    endpoints = {{
      s3 = "{endpoint}"
    }}
  }}
}}
"#,
            endpoint = self.endpoint
        )
    }

    fn wait_until_healthy(&mut self) -> Result<()> {
        let path = match self.kind {
            Kind::Moto => "moto-api/",
            Kind::Ministack => "_ministack/health",
        };
        let url = format!("{}/{path}", self.endpoint);
        let start = Instant::now();
        while start.elapsed() < START_LIMIT {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Error::new(
                    ErrorKind::Service,
                    format!("{:?} ended at once ({status})", self.kind),
                ));
            }
            if ureq::get(&url).call().is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(Error::new(
            ErrorKind::Service,
            format!("{:?} did not answer {url} within {} s", self.kind, START_LIMIT.as_secs()),
        ))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody left to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn install_into(venv: &Path, requirements: &Path) -> Result<()> {
    if venv.exists() {
        std::fs::remove_dir_all(venv).map_err(|source| Error::file("remove", venv, source))?;
    }
    files::write(requirements, REQUIREMENTS)?;
    process::run(Command::new("python3").args(["-m", "venv"]).arg(venv)).map_err(|error| {
        Error::new(ErrorKind::Program, "the emulators need Python 3 with its venv module (Debian and Ubuntu: `apt install python3-venv`)").because(error)
    })?;
    process::run(
        Command::new(venv.join("bin/pip")).args(["install", "--quiet", "--requirement"]).arg(requirements),
    )
    .map(drop)
}

fn free_port() -> Result<u16> {
    let port = TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port());
    port.map_err(|source| Error::new(ErrorKind::Service, "no free port on 127.0.0.1").because(source))
}
