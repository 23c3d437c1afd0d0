//! `terrane state`: what a Terraform state says, from S3, a file, or a Terraform directory. Nothing is written.

use std::borrow::Cow;
use std::future::Future;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use terrane_state::{
    Change, Encryption, Environment, ErrorKind, Instance, LockKind, Mode, Output, Reader, Resource, State,
    Value,
};

use crate::console;
use crate::exit::{Failure, print_json};
use crate::files;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Print the outputs; with --json as `terraform output -json` does, sensitive ones in clear
    Outputs(Place),
    /// Print values: of an output, of a resource by its address, or of all resources of a module
    Get {
        #[command(flatten)]
        place: Place,
        /// Such as network.subnet_ids["app"]["a"], module.network.aws_vpc.this.id, aws_subnet.app[*].id, or ids[-1]
        path: String,
    },
    /// List the addresses of all resources, as `terraform state list` does
    List(Place),
    /// Show what the state keeps about each resource, except its attributes
    Resources(Place),
    /// List the workspaces that have a state
    Workspaces(Place),
    /// Show who holds the state's lock
    Lock(Place),
    /// Print a line each time that the state changes
    Watch {
        #[command(flatten)]
        place: Place,
        /// Seconds between two looks
        #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
        interval: u64,
        /// Stop after so many lines
        #[arg(long, value_name = "N")]
        count: Option<u64>,
    },
    /// Show how the backend is configured and where each value came from, without secrets
    Backend(Place),
}

/// Which state, and how to print.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// s3://bucket/key, a state file, a Terraform directory, or - for standard input; a file may also hold what
    /// `terraform show -json` prints of a state
    uri: String,
    /// A workspace in place of the selected one
    #[arg(long)]
    workspace: Option<String>,
    /// Read one version of the object, in a bucket that keeps versions
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
    /// Refuse a state of which any output or resource is wrong, as Terraform does
    #[arg(long)]
    strict: bool,
    /// A file with what stands in OpenTofu's `encryption` block, as TF_ENCRYPTION may hold it
    #[arg(long, value_name = "FILE")]
    encryption: Option<PathBuf>,
    /// The profile with the credentials for S3, whatever a backend or the environment says
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The region of the bucket
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The role to take on before S3 is asked
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// The URL at which S3 is spoken to, with the bucket in its path
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Give up a read after so many seconds; 120 for S3 unless given
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
    /// Refuse a state of more than so many bytes
    #[arg(long, value_name = "BYTES", default_value_t = 256 * 1024 * 1024)]
    max_bytes: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::Outputs(place) => outputs(&place).await,
            Command::Get { place, path } => get(&place, &path).await,
            Command::List(place) => list(&place).await,
            Command::Resources(place) => resources(&place).await,
            Command::Workspaces(place) => workspaces(&place).await,
            Command::Lock(place) => lock(&place).await,
            Command::Watch { place, interval, count } => watch(&place, interval, count).await,
            Command::Backend(place) => backend(&place).await,
        }
    })
}

/// Runs what needs no more than one thread.
pub(crate) fn block_on<T>(task: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::service("cannot start", error))?;
    runtime.block_on(task)
}

impl Place {
    async fn open(&self) -> Result<Reader, Failure> {
        let mut builder = Reader::at(&self.uri).max_bytes(self.max_bytes);
        if let Some(seconds) = self.timeout {
            builder = builder.timeout(Duration::from_secs(seconds));
        }
        if let Some(profile) = &self.profile {
            builder = builder.profile(profile);
        }
        if let Some(region) = &self.region {
            builder = builder.region(region);
        }
        if let Some(arn) = &self.role_arn {
            builder = builder.role_arn(arn);
        }
        if let Some(url) = &self.endpoint {
            builder = builder.endpoint(url);
        }
        if let Some(workspace) = &self.workspace {
            builder = builder.workspace(workspace);
        }
        if let Some(id) = &self.version_id {
            builder = builder.version_id(id);
        }
        if self.strict {
            builder = builder.strict();
        }
        if let Some(path) = &self.encryption {
            let encryption = Encryption::from_text(&files::read(path)?, &Environment::process())
                .map_err(|error| Failure::problems(format!("`{}`: {error}", path.display())))?;
            builder = builder.encryption(encryption);
        }
        let reader = builder.connect().await?;
        for warning in reader.warnings() {
            console::warn(warning);
        }
        Ok(reader)
    }

    async fn read(&self) -> Result<State, Failure> {
        let state = self.open().await?.read().await?;
        warn(&state);
        Ok(state)
    }
}

/// Says on standard error what was noticed while reading.
pub(crate) fn warn(state: &State) {
    for warning in state.warnings() {
        console::warn(warning);
    }
}

async fn outputs(place: &Place) -> Result<(), Failure> {
    let state = place.read().await?;
    if place.json {
        println!("{}", state.to_json());
    } else {
        for (name, output) in state.iter() {
            if let Ok(output) = output {
                println!("{} = {}", shown(name), readable(output));
            }
        }
    }
    // What can be read was printed.
    Ok(state.check_outputs()?)
}

/// The longest value that is printed on one line, in characters.
const LONGEST_LINE: usize = 100;

/// Returns the value of an output as people read it: on lines of its own where one would be long.
fn readable(output: &Output) -> String {
    let line = output.to_string();
    match output.value() {
        Value::String(_) | Value::Null => shown(&line).into_owned(),
        _ if output.sensitive() || line.chars().count() <= LONGEST_LINE => shown(&line).into_owned(),
        value => value.to_json_pretty().lines().map(shown).collect::<Vec<_>>().join("\n"),
    }
}

/// Returns a text without what would move the cursor of a terminal, or turn the direction of its text.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let turns = |char: char| matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_hidden = |char: char| char.is_control() || turns(char);
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|char| match is_hidden(char) {
        true => char.escape_unicode().to_string(),
        false => char.to_string(),
    });
    Cow::Owned(escaped.collect())
}

async fn get(place: &Place, path: &str) -> Result<(), Failure> {
    let reader = place.open().await?;
    let state = reader.read().await?;
    warn(&state);
    match state.select(path) {
        Ok(value) => print_value(&value, place.json),
        // The outputs alone are quicker to read; an address needs the whole state.
        Err(error) if matches!(error.kind(), ErrorKind::MissingOutput { name, .. } if begins(path, name)) => {
            let whole = reader.read_whole().await?;
            match whole.select(path) {
                Ok(value) => print_value(&value, place.json),
                Err(other) if path.contains('.') => return Err(other.into()),
                Err(_) => return Err(error.into()),
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Returns whether `name` is the first name of a path, so that no output has it.
fn begins(path: &str, name: &str) -> bool {
    path.split(['.', '[']).next() == Some(name)
}

fn print_value(value: &Value, json: bool) {
    match value.as_str() {
        // A terminal would obey what is meant for a file.
        Some(text) if !json && std::io::stdout().is_terminal() => {
            println!("{}", text.split('\n').map(shown).collect::<Vec<_>>().join("\n"));
        }
        Some(text) if !json => println!("{text}"),
        _ if json => println!("{}", value.to_json()),
        _ => println!("{}", value.to_json_pretty()),
    }
}

async fn list(place: &Place) -> Result<(), Failure> {
    let whole = place.open().await?.read_whole().await?;
    warn(&whole);
    print_lines(whole.list().into_iter(), place.json)
}

/// One line of `terrane state resources`.
#[derive(Serialize)]
struct Row<'a> {
    address: &'a str,
    module: Option<&'a str>,
    mode: &'static str,
    #[serde(rename = "type")]
    ty: &'a str,
    name: &'a str,
    provider: &'a str,
    schema_version: u64,
    tainted: bool,
    deposed: Option<&'a str>,
    dependencies: &'a [String],
}

impl<'a> Row<'a> {
    fn new(resource: &'a Resource, instance: &'a Instance) -> Row<'a> {
        Row {
            address: instance.address(),
            module: resource.module(),
            mode: if resource.mode() == Mode::Data { "data" } else { "managed" },
            ty: resource.ty(),
            name: resource.name(),
            provider: resource.provider(),
            schema_version: instance.schema_version(),
            tainted: instance.tainted(),
            deposed: instance.deposed(),
            dependencies: instance.dependencies(),
        }
    }

    fn print(&self) {
        let deposed = self.deposed.map(|key| format!(" (deposed {key})")).unwrap_or_default();
        let tainted = if self.tainted { " (tainted)" } else { "" };
        println!("{}{deposed}{tainted}  {}", shown(self.address), shown(self.provider));
    }
}

async fn resources(place: &Place) -> Result<(), Failure> {
    let whole = place.open().await?.read_whole().await?;
    warn(&whole);
    let rows: Vec<Row<'_>> = whole
        .resources()
        .iter()
        .flat_map(|resource| resource.instances().iter().map(move |instance| Row::new(resource, instance)))
        .collect();
    if place.json {
        return print_json(&rows);
    }
    rows.iter().for_each(Row::print);
    Ok(())
}

async fn workspaces(place: &Place) -> Result<(), Failure> {
    let names = place.open().await?.workspaces().await?;
    print_lines(names.iter().map(String::as_str), place.json)
}

async fn lock(place: &Place) -> Result<(), Failure> {
    let locks = place.open().await?.locks().await?;
    if place.json {
        let kind = |kind| match kind {
            LockKind::Table => "table",
            LockKind::File => "file",
            _ => "object",
        };
        let rows = locks.iter().map(|lock| {
            json!({
                "kind": kind(lock.kind), "id": lock.id, "operation": lock.operation, "info": lock.info,
                "who": lock.who, "version": lock.version, "created": lock.created, "path": lock.path,
            })
        });
        return print_json(&rows.collect::<Vec<_>>());
    }
    if locks.is_empty() {
        println!("not locked");
    }
    for lock in locks {
        println!("locked by {} since {} for {} (id {})", lock.who, lock.created, lock.operation, lock.id);
    }
    Ok(())
}

async fn watch(place: &Place, interval: u64, count: Option<u64>) -> Result<(), Failure> {
    let mut watch = place.open().await?.watch(Duration::from_secs(interval));
    let mut printed = 0;
    while count.is_none_or(|count| printed < count) {
        let update = match watch.next().await {
            Ok(update) => update,
            Err(error) => {
                eprintln!("error: {error}");
                continue;
            }
        };
        warn(&update.state);
        let (change, skipped) = match &update.change {
            Change::First => ("first", 0),
            Change::Newer { skipped } => ("newer", *skipped),
            Change::Rewritten => ("rewritten", 0),
            Change::Replaced { .. } => ("replaced", 0),
            _ => ("changed", 0),
        };
        let (serial, lineage) = (update.state.serial(), update.state.lineage());
        if place.json {
            println!(
                "{}",
                json!({"change": change, "skipped": skipped, "serial": serial, "lineage": lineage})
            );
        } else {
            println!("{change}: serial {serial} of {lineage}, {skipped} skipped");
        }
        printed += 1;
    }
    Ok(())
}

async fn backend(place: &Place) -> Result<(), Failure> {
    let reader = place.open().await?;
    let settings = reader.settings();
    if place.json {
        let rows = settings
            .iter()
            .map(|setting| json!({"name": setting.name, "value": setting.value, "source": setting.source}));
        return print_json(&json!({"place": reader.place(), "settings": rows.collect::<Vec<_>>()}));
    }
    println!("{}", reader.place());
    for setting in settings {
        println!("{} = {}  # {}", setting.name, setting.value, setting.source);
    }
    Ok(())
}

fn print_lines<'a>(lines: impl Iterator<Item = &'a str>, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&lines.collect::<Vec<_>>());
    }
    lines.for_each(|line| println!("{}", shown(line)));
    Ok(())
}
