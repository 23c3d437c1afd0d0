//! The Terraform program, as the commands and tests here run it: offline where a provider mirror is set, captured, and
//! cut off from the caller's own Terraform and AWS settings.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use crate::{
    error::{Error, ErrorKind, Result},
    files, process,
};

/// Names a directory of unpacked providers (`registry.terraform.io/hashicorp/aws/...`); without one, `terraform init` downloads.
pub const MIRROR_VARIABLE: &str = "TERRANE_PLUGIN_MIRROR";

/// An installed Terraform.
#[derive(Clone, Debug)]
pub struct Terraform {
    program: PathBuf,
    cli_config: PathBuf,
    init_lock: PathBuf,
}

/// A root module under Terraform.
#[derive(Clone, Debug)]
pub struct Root {
    terraform: Terraform,
    dir: PathBuf,
}

/// What a plan would do, from `terraform show -json`.
#[derive(Clone, Debug)]
pub struct Plan {
    json: Value,
}

/// What a plan would do to one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The address of the resource, such as `module.network.aws_vpc.this`.
    pub address: String,
    /// The type of the resource, such as `aws_vpc`.
    pub resource_type: String,
    /// What happens to it.
    pub action: Action,
}

/// What a plan would do to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is destroyed and made again.
    Replace,
    /// It is destroyed.
    Destroy,
}

impl Terraform {
    /// Finds Terraform on `PATH`, with its settings kept under `cache`; `None` if it is not installed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::File`] if the settings cannot be written.
    pub fn find(cache: &Path) -> Result<Option<Self>> {
        let Some(program) = process::find("terraform") else { return Ok(None) };
        let dir = cache.join("terraform");
        let plugins = dir.join("plugins");
        files::make_dir(&plugins)?;
        // Nobody commits it, whatever the .gitignore around it says.
        let ignore = cache.join(".gitignore");
        if !ignore.exists() {
            files::write(&ignore, "*\n")?;
        }
        let cli_config = dir.join("terraform.rc");
        let text = cli_config_text(mirror().as_deref(), &plugins);
        if std::fs::read_to_string(&cli_config).ok().as_ref() != Some(&text) {
            write_whole(&cli_config, &text)?;
        }
        Ok(Some(Self { program, cli_config, init_lock: dir.join("init.lock") }))
    }

    /// Finds Terraform, or says on standard error that the caller skips; where `CI` is set, its absence is an error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`] if it is missing where it may not be, and as [`Terraform::find`].
    pub fn find_or_skip(cache: &Path) -> Result<Option<Self>> {
        let found = Self::find(cache)?;
        if found.is_none() {
            if process::in_ci() {
                return Err(Error::new(
                    ErrorKind::Program,
                    "terraform not found, and CI=true forbids a skip; install Terraform 1.7 or later, which `terraform test` with mocked providers needs",
                ));
            }
            eprintln!("skipped: terraform not found");
        }
        Ok(found)
    }

    /// Returns the version, such as `1.11.4`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`] if Terraform does not say.
    pub fn version(&self) -> Result<String> {
        let text = process::run(self.command(Path::new(".")).args(["version", "-json"]))?;
        let value = parse_json("terraform version", &text)?;
        value["terraform_version"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| Error::new(ErrorKind::Program, "`terraform version -json` names no version"))
    }

    /// Returns a Terraform that finds the modules of a registry host at a URL, by settings written to `cli_config`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::File`].
    pub fn with_registry(&self, host: &str, url: &str, cli_config: &Path) -> Result<Self> {
        let settings = self.settings()?;
        let services = format!("host {host:?} {{\n  services = {{ \"modules.v1\" = {url:?} }}\n}}\n");
        files::write(cli_config, &(settings + &services))?;
        Ok(Self { cli_config: cli_config.to_owned(), ..self.clone() })
    }

    /// Returns the CLI settings that it runs with: where providers are.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::File`].
    pub fn settings(&self) -> Result<String> {
        files::read(&self.cli_config)
    }

    /// Takes a directory as a root module.
    pub fn root(&self, dir: impl Into<PathBuf>) -> Root {
        Root { terraform: self.clone(), dir: dir.into() }
    }

    /// Checks that every file under a directory is formatted; nothing is written.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] with the difference.
    pub fn check_format(&self, dir: &Path) -> Result<()> {
        let output =
            process::capture(self.command(dir).args(["fmt", "-check", "-diff", "-recursive", "-no-color"]))?;
        if output.status.success() {
            return Ok(());
        }
        let diff =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        Err(Error::new(
            ErrorKind::Refused,
            format!("{} is not formatted\n{}", dir.display(), process::last_lines(&diff)),
        ))
    }

    fn command(&self, dir: &Path) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("TF_") || text.starts_with("AWS_") {
                command.env_remove(&name);
            }
        }
        command.current_dir(dir).env("TF_CLI_CONFIG_FILE", &self.cli_config).envs([
            ("CHECKPOINT_DISABLE", "1"),
            ("TF_IN_AUTOMATION", "1"),
            ("TF_INPUT", "0"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]);
        command
    }
}

impl Root {
    /// Returns the directory of the root module.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs `terraform init`.
    ///
    /// Roots take turns, because Terraform's shared plugin cache does not bear two writers.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`] as for every Terraform command here, with the last lines it wrote.
    pub fn init(&self) -> Result<()> {
        self.run_init(&["init", "-input=false"])
    }

    /// Runs `terraform init -upgrade`, which takes the newest modules and providers that the constraints admit.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn upgrade(&self) -> Result<()> {
        self.run_init(&["init", "-input=false", "-upgrade"])
    }

    fn run_init(&self, args: &[&str]) -> Result<()> {
        let path = &self.terraform.init_lock;
        let lock = File::create(path).map_err(|source| Error::file("open", path, source))?;
        lock.lock().map_err(|source| Error::file("lock", path, source))?;
        self.run(args).map(drop)
    }

    /// Runs `terraform validate`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn validate(&self) -> Result<()> {
        self.run(&["validate"]).map(drop)
    }

    /// Runs `terraform test` and returns how many runs passed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`] with the failed runs.
    pub fn test(&self) -> Result<usize> {
        let text = self.run(&["test"])?;
        let passed = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("Success! ")?.split(' ').next()?.parse().ok());
        passed.ok_or_else(|| {
            Error::new(
                ErrorKind::Program,
                format!("`terraform test` gave no count\n{}", process::last_lines(&text)),
            )
        })
    }

    /// Runs `terraform plan` with variables and returns what it would do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn plan(&self, variables: &[(&str, &str)]) -> Result<Plan> {
        let vars = var_args(variables);
        let mut args = vec!["plan", "-input=false", "-out=plan.tfplan"];
        args.extend(vars.iter().map(String::as_str));
        self.run(&args)?;
        self.saved_plan()
    }

    /// Runs `terraform plan -refresh=false`, which asks the provider nothing about what exists.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn plan_without_refresh(&self) -> Result<Plan> {
        self.run(&["plan", "-input=false", "-refresh=false", "-out=plan.tfplan"])?;
        self.saved_plan()
    }

    /// Returns the command that plans offline and keeps nothing.
    pub fn plan_command(&self) -> Command {
        let mut command = self.terraform.command(&self.dir);
        command.args(["plan", "-input=false", "-refresh=false", "-lock=false", "-no-color"]);
        command
    }

    /// Returns the command that prints all outputs as JSON.
    pub fn output_command(&self) -> Command {
        let mut command = self.terraform.command(&self.dir);
        command.args(["output", "-json"]);
        command
    }

    /// Runs `terraform apply`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn apply(&self, variables: &[(&str, &str)]) -> Result<()> {
        let vars = var_args(variables);
        let mut args = vec!["apply", "-input=false", "-auto-approve", "-parallelism=30"];
        args.extend(vars.iter().map(String::as_str));
        self.run(&args).map(drop)
    }

    /// Runs `terraform destroy`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn destroy(&self) -> Result<()> {
        self.run(&["destroy", "-input=false", "-auto-approve", "-parallelism=30"]).map(drop)
    }

    /// Returns the addresses in the state.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn state_list(&self) -> Result<Vec<String>> {
        Ok(self.run(&["state", "list"])?.lines().map(str::to_owned).collect())
    }

    /// Makes the state forget resources.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn state_rm(&self, addresses: &[String]) -> Result<()> {
        let mut args = vec!["state", "rm"];
        args.extend(addresses.iter().map(String::as_str));
        self.run(&args).map(drop)
    }

    /// Returns the state as Terraform stores it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn state_pull(&self) -> Result<Value> {
        parse_json("terraform state pull", &self.run(&["state", "pull"])?)
    }

    /// Returns what `terraform output` prints with some arguments, such as `-json` or `-raw NAME`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn output(&self, arguments: &[&str]) -> Result<String> {
        self.run(&[&["output"], arguments].concat())
    }

    /// Returns the provider schemas that the root uses, as JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn provider_schemas(&self) -> Result<String> {
        self.run(&["providers", "schema", "-json"])
    }

    fn saved_plan(&self) -> Result<Plan> {
        let text = self.run(&["show", "-json", "plan.tfplan"])?;
        Ok(Plan { json: parse_json("terraform show", &text)? })
    }

    /// Runs one Terraform command in the root and returns its standard output.
    fn run(&self, args: &[&str]) -> Result<String> {
        let mut command = self.terraform.command(&self.dir);
        command.args(args);
        if !args.contains(&"-json") && !matches!(args, ["state", ..]) {
            command.arg("-no-color");
        }
        let output: Output = process::capture(&mut command)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        // `terraform test` reports failed runs on standard output.
        let failure = process::failure(&command, &output);
        let out = String::from_utf8_lossy(&output.stdout);
        let extra = if args == ["test"] { format!("\n{}", process::last_lines(&out)) } else { String::new() };
        Err(Error::new(ErrorKind::Program, format!("{failure}{extra}\n(in {})", self.dir.display())))
    }
}

impl Plan {
    /// Returns the whole plan, as `terraform show -json` writes it.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Returns what the plan would do to each resource that does not stay as it is, by address.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<Change> =
            self.json["resource_changes"].as_array().into_iter().flatten().filter_map(change).collect();
        changes.sort();
        changes
    }

    /// Returns whether applying the plan would leave resources and outputs as they are.
    pub fn is_empty(&self) -> bool {
        let outputs = self.json["output_changes"].as_object();
        let outputs_stay = outputs.is_none_or(|outputs| outputs.values().all(is_no_op));
        outputs_stay && self.changes().is_empty()
    }
}

fn change(value: &Value) -> Option<Change> {
    if value["mode"] != "managed" {
        return None;
    }
    let actions: Vec<&str> =
        value["change"]["actions"].as_array()?.iter().filter_map(Value::as_str).collect();
    let action = match actions.as_slice() {
        ["create"] => Action::Create,
        ["update"] => Action::Update,
        ["delete"] => Action::Destroy,
        [_, _] => Action::Replace,
        _ => return None,
    };
    Some(Change {
        address: value["address"].as_str()?.to_owned(),
        resource_type: value["type"].as_str()?.to_owned(),
        action,
    })
}

fn is_no_op(output: &Value) -> bool {
    output["actions"].as_array().is_some_and(|actions| actions == &["no-op"])
}

fn var_args(variables: &[(&str, &str)]) -> Vec<String> {
    variables.iter().map(|(name, value)| format!("-var={name}={value}")).collect()
}

fn parse_json(what: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|source| Error::new(ErrorKind::Program, format!("`{what}` wrote no JSON")).because(source))
}

/// Returns the provider mirror of this machine: what [`MIRROR_VARIABLE`] names, else one in the places where people put it.
pub fn mirror() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(MIRROR_VARIABLE).filter(|dir| !dir.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let mut places: Vec<PathBuf> =
        ["/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"].map(PathBuf::from).into();
    places.extend(std::env::var_os("HOME").map(|home| Path::new(&home).join(".terraform.d/plugins")));
    let mut optional: Vec<PathBuf> =
        std::fs::read_dir("/opt").into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    optional.sort();
    places.extend(optional);
    places.into_iter().find(|dir| dir.join("registry.terraform.io/hashicorp/aws").is_dir())
}

/// A mirror is used in place, without a cache; downloads are kept in the cache.
fn cli_config_text(mirror: Option<&Path>, plugins: &Path) -> String {
    let quoted = |path: &Path| Value::from(path.display().to_string()).to_string();
    match mirror {
        Some(mirror) => format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = {}\n  }}\n}}\n",
            quoted(mirror)
        ),
        None => format!("plugin_cache_dir = {}\n", quoted(plugins)),
    }
}

/// Writes a file so that another process sees the old text or the new one, never a part.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let part = path.with_extension(format!("part{}", std::process::id()));
    std::fs::write(&part, text)
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(|source| Error::file("write", path, source))
}
