//! What a registry costs: publishing as a whole process, and the version list under load, with few versions and many.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    bench::{
        Figures,
        measure::{self, duration, median},
    },
    cargo,
    error::{Error, ErrorKind, Result},
    files, modules,
    workspace::Workspace,
};

/// How many versions a list has.
const VERSIONS: [usize; 3] = [1, 100, 2_000];
/// How often a module is published onto each list.
const PUBLISHES: usize = 15;
/// Clients that ask at the same time, and how often each does.
const CLIENTS: usize = 8;
const REQUESTS: usize = 500;
/// The longest that all but one of a hundred requests may take.
const TARGET: Duration = Duration::from_millis(10);

/// Publishes a module of the workspace into a directory, again and again, and then asks for its versions.
pub(crate) fn run(workspace: &Workspace, module: &str) -> Result<Figures> {
    let terrane = cargo::build_release(workspace, &["--package", "terrane", "--bin", "terrane"])?;
    let scratch = files::scratch()?;
    let mut markdown = format!(
        "| versions | publish `{module}`, median | `versions`, median | 99 of 100 | requests per second |\n|---:|---:|---:|---:|---:|\n"
    );
    let mut problems = Vec::new();
    for n in VERSIONS {
        let bench = Bench {
            terrane: &terrane,
            name: format!("bench/{module}/aws"),
            store: scratch.path().join(format!("store-{n}")),
            source: scratch.path().join(format!("module-{n}")),
        };
        modules::copy(&workspace.modules().join(module), &bench.source)?;
        bench.publish(0)?;
        bench.lengthen(n)?;
        // Publishing makes the list longer, so the load comes first.
        let load = bench.load()?;
        let publishes = (1..=PUBLISHES).map(|patch| bench.publish(patch)).collect::<Result<Vec<_>>>()?;
        markdown += &format!(
            "| {n} | {} | {} | {} | {:.0} |\n",
            duration(median(publishes)),
            duration(load.median),
            duration(load.p99),
            load.per_second
        );
        if load.p99 > TARGET {
            let (p99, target) = (duration(load.p99), duration(TARGET));
            problems.push(format!("`versions` of {n} versions takes {p99} for one of 100, over {target}"));
        }
    }
    markdown += &format!(
        "\nA publish is a whole process onto a synced directory; `versions` is asked by {CLIENTS} clients at once. {}",
        measure::conditions(&format!("Medians of {PUBLISHES} publishes"), &[])?
    );
    Ok(Figures { markdown, problems })
}

struct Bench<'a> {
    terrane: &'a Path,
    /// What the module is called in the registry.
    name: String,
    store: PathBuf,
    source: PathBuf,
}

struct Load {
    median: Duration,
    p99: Duration,
    per_second: f64,
}

impl Bench<'_> {
    /// Publishes one more version, which differs from the others by a note.
    fn publish(&self, patch: usize) -> Result<Duration> {
        let note = self.source.join("NOTE.md");
        files::write(&note, &format!("{patch}\n"))?;
        let mut command = Command::new(self.terrane);
        command.args(["registry", "publish"]).arg(&self.source).arg("--to").arg(&self.store);
        command.args(["--module", &self.name, "--host", "modules.example.test"]);
        measure::time(command.args(["--version", &format!("1.1000000.{patch}")]))
    }

    /// Puts versions into the list that were never published: nobody reads more of them than their numbers.
    fn lengthen(&self, n: usize) -> Result<()> {
        let path = self.store.join("v1/modules").join(&self.name).join("versions");
        let text = files::read(&path)?;
        let unreadable = || Error::new(ErrorKind::Program, "the list of versions is not as clients read it");
        let mut list: Value = serde_json::from_str(&text).map_err(|source| unreadable().because(source))?;
        let versions =
            list.pointer_mut("/modules/0/versions").and_then(Value::as_array_mut).ok_or_else(unreadable)?;
        versions.splice(0..0, (1..n).map(|minor| json!({"version": format!("1.{minor}.0")})));
        files::write(&path, &list.to_string())
    }

    /// Asks a server for the versions, by several clients at once.
    fn load(&self) -> Result<Load> {
        let mut server = Server::start(self.terrane, &self.store)?;
        let url = format!("http://{}/v1/modules/{}/versions", server.address, self.name);
        let start = Instant::now();
        let clients: Vec<Result<Vec<Duration>>> = thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| ask(&url))).collect();
            clients.into_iter().map(|client| client.join().unwrap_or_else(|_| Ok(Vec::new()))).collect()
        });
        let total = start.elapsed();
        server.stop();
        let mut took: Vec<Duration> = clients.into_iter().collect::<Result<Vec<_>>>()?.concat();
        took.sort_unstable();
        let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
        Ok(Load { median: at(50), p99: at(99), per_second: took.len() as f64 / total.as_secs_f64() })
    }
}

fn ask(url: &str) -> Result<Vec<Duration>> {
    let failed =
        |source: ureq::Error| Error::new(ErrorKind::Service, format!("{url} failed")).because(source);
    let agent = ureq::Agent::new_with_defaults();
    let mut took = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let start = Instant::now();
        let mut response = agent.get(url).call().map_err(failed)?;
        response.body_mut().read_to_vec().map_err(failed)?;
        took.push(start.elapsed());
    }
    Ok(took)
}

/// A running `terrane registry serve`, which is ended when this is dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(terrane: &Path, store: &Path) -> Result<Self> {
        let mut command = Command::new(terrane);
        command.args(["registry", "serve", "--listen", "127.0.0.1:0"]).arg(store);
        let failed = || Error::new(ErrorKind::Service, "`terrane registry serve` did not start");
        let mut child = command.stderr(Stdio::piped()).spawn().map_err(|source| failed().because(source))?;
        let stderr = child.stderr.take();
        let mut server = Self { child, address: String::new() };
        let mut lines = BufReader::new(stderr.ok_or_else(failed)?).lines().map_while(std::result::Result::ok);
        let first = lines.next().ok_or_else(failed)?;
        first.strip_prefix("listening on http://").ok_or_else(failed)?.clone_into(&mut server.address);
        // Its access log would fill the pipe.
        thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }

    fn stop(&mut self) {
        // It may have ended by itself; there is nobody left to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
