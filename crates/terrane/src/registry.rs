//! `terrane registry`: publish, list, yank, check, and serve.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use semver::Version;
use terrane_registry::{
    Allowance, Error, ErrorKind, Fault, Format, ModuleName, Package, Publication, Published, Registry,
    Server, Settings, Store, Tokens, Trust, open_store, parse_version,
};

use crate::console;
use crate::exit::{Failure, both, print_json};
use crate::files;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Publish a module's directory as a version
    Publish(PublishArgs),
    /// List the modules of a registry, or the versions of one
    List {
        /// A directory or s3://bucket/prefix
        store: String,
        /// namespace/name/system
        module: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Hide a version from clients, or show it again
    Yank {
        /// A directory or s3://bucket/prefix
        store: String,
        /// namespace/name/system
        module: String,
        version: String,
        /// Show it again
        #[arg(long)]
        undo: bool,
    },
    /// Check every object of a registry
    Fsck {
        /// A directory or s3://bucket/prefix
        store: String,
        /// Give up the claim of a version that was never listed: namespace/name/system@X.Y.Z
        #[arg(long, value_name = "MODULE@VERSION")]
        abandon: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Ask a running registry what clients ask it, and report what would break them
    Doctor {
        /// The registry's address, such as https://modules.example.com
        url: String,
        /// namespace/name/system
        module: String,
        /// A token, for a private registry; better in TERRANE_TOKEN
        #[arg(long, env = "TERRANE_TOKEN", hide_env_values = true)]
        token: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Check one published version: digests, manifest, what leads clients to it, and its signature, if it has one
    Verify {
        /// A directory or s3://bucket/prefix
        store: String,
        /// namespace/name/system
        module: String,
        version: String,
        /// Certificate authorities in PEM that must vouch for the signer
        #[arg(long, value_name = "FILE", conflicts_with = "key")]
        roots: Option<PathBuf>,
        /// The signer that its certificate must name, by URI
        #[arg(long, value_name = "URI", requires = "roots")]
        signer: Option<String>,
        /// A public key in PEM that must have signed the archive
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Write the versions that clients see in the layout of another registry
    Export {
        /// A directory or s3://bucket/prefix
        store: String,
        /// boring (for boring-registry), oci (image layouts for OpenTofu), or git (repositories with tags, for the public registries)
        #[arg(long)]
        format: String,
        /// Where to write: a directory or s3://bucket/prefix; for git, a directory
        #[arg(long)]
        to: String,
        /// Only this module: namespace/name/system
        #[arg(long)]
        module: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Serve a registry to Terraform and OpenTofu
    Serve(ServeArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct PublishArgs {
    /// The module's directory
    directory: PathBuf,
    /// A directory or s3://bucket/prefix
    #[arg(long)]
    to: String,
    /// namespace/name/system
    #[arg(long)]
    module: String,
    /// X.Y.Z
    #[arg(long)]
    version: String,
    /// The host in module sources; needed by the first publish
    #[arg(long)]
    host: Option<String>,
    /// Where clients reach the store's root, when that is not https://HOST
    #[arg(long)]
    url: Option<String>,
    /// A file of breaking changes that are accepted, with reasons
    #[arg(long, value_name = "FILE")]
    allow: Option<PathBuf>,
    /// The commit that the module was built from
    #[arg(long)]
    commit: Option<String>,
    /// Print what would be recorded, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// A directory or s3://bucket/prefix
    store: String,
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// A file of lines `NAMESPACE TOKEN`; without it everybody may read
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// The certificate chain in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Publish(args) => publish(&args),
        Command::List { store, module, json } => list(&store, module.as_deref(), json),
        Command::Yank { store, module, version, undo } => {
            let name = both(ModuleName::parse(&module), parse_version(&version));
            let (place, (module, version)) = both(open_store(&store), name)?;
            let registry = open(&store, place.as_ref())?;
            match undo {
                true => registry.unyank(&module, &version)?,
                false => registry.yank(&module, &version)?,
            }
            let done = if undo { "shown again" } else { "yanked" };
            console::note(format_args!("{module} {version} is {done}"));
            Ok(())
        }
        Command::Fsck { store, abandon, json } => fsck(&store, abandon.as_deref(), json),
        Command::Doctor { url, module, token, json } => {
            let faults = terrane_registry::doctor(&url, &ModuleName::parse(&module)?, token.as_deref())?;
            report(&faults, &format!("`{url}` answers what clients ask of {module}"), json)
        }
        Command::Verify { store, module, version, roots, signer, key, json } => {
            let trust = trust(roots.as_deref(), key.as_deref(), signer.as_deref());
            let name = both(ModuleName::parse(&module), parse_version(&version));
            let (place, ((module, version), trust)) = both(open_store(&store), both(name, trust))?;
            let registry = open(&store, place.as_ref())?;
            let faults = registry.verify_trusting(&module, &version, &trust)?;
            report(&faults, &format!("{module} {version} is what was published"), json)
        }
        Command::Export { store, format, to, module, json } => {
            let module = module.as_deref().map(ModuleName::parse).transpose();
            let (place, (format, module)) = both(open_store(&store), both(format.parse::<Format>(), module))?;
            let exported = open(&store, place.as_ref())?.export(format, &to, module.as_ref())?;
            if json {
                return print_json(&exported);
            }
            exported.iter().for_each(|exported| println!("{exported}"));
            Ok(())
        }
        Command::Serve(args) => serve(&args),
    }
}

fn publish(args: &PublishArgs) -> Result<(), Failure> {
    let module = ModuleName::parse(&args.module);
    // Without a good module there is no namespace; a word in its place leaves what is wrong with the host.
    let namespace = module.as_ref().map_or("namespace", ModuleName::namespace).to_owned();
    let settings =
        args.host.as_deref().map(|host| settings(host, &namespace, args.url.as_deref())).transpose();
    let allow = args.allow.as_deref().map(allowances).transpose();
    let package = Package::from_directory(&args.directory)
        .map_err(|error| Failure::from(error).about(args.directory.display()));
    let name = both(both(module, parse_version(&args.version)), settings);
    let (((module, version), settings), (store, (package, allow))) =
        both(name, both(open_store(&args.to), both(package, allow)))?;
    let allow = allow.unwrap_or_default();
    let publication = Publication {
        module: &module,
        version: &version,
        package: &package,
        allow: &allow,
        commit: args.commit.as_deref(),
    };
    if args.dry_run {
        // A copy in memory stands for a store that has no registry yet.
        let empty = terrane_registry::MemoryStore::default();
        let registry = match (&settings, Registry::open(store.as_ref())) {
            (Some(settings), Err(error)) if error.kind() == ErrorKind::NotFound => {
                Registry::open_or_create(&empty, settings)?
            }
            (_, opened) => opened.map_err(|error| unopened(&args.to, error))?,
        };
        return print_json(&registry.prepare(&publication)?);
    }
    let registry = match &settings {
        Some(settings) => Registry::open_or_create(store.as_ref(), settings)?,
        None => open(&args.to, store.as_ref())?,
    };
    let published = registry.publish(&publication)?;
    let (Published::New(manifest) | Published::Already(manifest)) = &published;
    if args.json {
        return print_json(manifest);
    }
    let what = match &published {
        Published::New(_) => "published",
        Published::Already(_) => "already published",
    };
    println!("{what} {} {}\n{}\nsha256:{}", manifest.module, manifest.version, manifest.h1, manifest.sha256);
    Ok(())
}

fn settings(host: &str, namespace: &str, url: Option<&str>) -> Result<Settings, Failure> {
    Ok(Settings { url: url.map(str::to_owned), ..Settings::new(host, namespace)? })
}

fn allowances(path: &Path) -> Result<Vec<Allowance>, Failure> {
    Allowance::parse_file(&files::read(path)?).map_err(|error| Failure::from(error).about(path.display()))
}

fn trust(roots: Option<&Path>, key: Option<&Path>, signer: Option<&str>) -> Result<Trust, Failure> {
    let mut trust = Trust::default();
    if let Some(path) = roots {
        let pem = files::read(path)?;
        trust =
            trust.with_roots(pem.as_bytes()).map_err(|error| Failure::from(error).about(path.display()))?;
    }
    if let Some(path) = key {
        let pem = files::read(path)?;
        trust = trust.with_key(pem.as_bytes()).map_err(|error| Failure::from(error).about(path.display()))?;
    }
    Ok(signer.iter().fold(trust, |trust, uri| trust.with_signer(uri)))
}

fn open<'a>(name: &str, store: &'a dyn Store) -> Result<Registry<'a>, Failure> {
    Registry::open(store).map_err(|error| unopened(name, error))
}

fn unopened(name: &str, error: Error) -> Failure {
    let hint = match error.kind() {
        ErrorKind::NotFound => "\nhint: check the name; `registry publish --host HOST` makes a new registry",
        _ => "",
    };
    Failure::from(error).about(name).hinting(hint)
}

fn list(store: &str, module: Option<&str>, json: bool) -> Result<(), Failure> {
    let module = module.map(ModuleName::parse).transpose();
    let (place, module) = both(open_store(store), module)?;
    let registry = open(store, place.as_ref())?;
    let Some(module) = module else {
        let modules: Vec<String> = registry.modules()?.iter().map(ToString::to_string).collect();
        if json {
            return print_json(&modules);
        }
        modules.iter().for_each(|module| println!("{module}"));
        return Ok(());
    };
    let index = registry.index(&module)?;
    if index.listed.is_empty() && index.yanked.is_empty() {
        let message =
            format!("{module} has no versions in `{store}`, and `registry list {store}` lists what has");
        return Err(Failure::problems(message));
    }
    if json {
        return print_json(&serde_json::json!({"listed": index.listed, "yanked": index.yanked}));
    }
    index.listed.iter().for_each(|version| println!("{version}"));
    index.yanked.iter().for_each(|version| println!("{version} yanked"));
    Ok(())
}

fn fsck(store: &str, abandon: Option<&str>, json: bool) -> Result<(), Failure> {
    let claim = abandon.map(claimed).transpose();
    let (place, claim) = both(open_store(store), claim)?;
    let registry = open(store, place.as_ref())?;
    if let Some((module, version)) = claim {
        registry.abandon(&module, &version)?;
    }
    report(&registry.fsck()?, &format!("every object of `{store}` is as it must be"), json)
}

/// Reads `namespace/name/system@X.Y.Z`.
fn claimed(text: &str) -> Result<(ModuleName, Version), Failure> {
    match text.split_once('@') {
        Some((module, version)) => both(ModuleName::parse(module), parse_version(version)),
        None => Err(Failure::problems(format!("{text:?} is not namespace/name/system@X.Y.Z"))),
    }
}

/// Prints faults, or says that all is well.
fn report(faults: &[Fault], fine: &str, json: bool) -> Result<(), Failure> {
    if json {
        print_json(&faults)?;
    } else {
        faults.iter().for_each(|fault| println!("{fault}"));
    }
    match faults.len() {
        0 if json => Ok(()),
        0 => {
            console::note(fine);
            Ok(())
        }
        1 => Err(Failure::problems("1 fault")),
        n => Err(Failure::problems(format!("{n} faults"))),
    }
}

fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let store: Arc<dyn Store> = open_store(&args.store)?;
    // A name that is misspelt would look like a registry without modules.
    store.check().map_err(|error| {
        Failure::from(error)
            .hinting("\nhint: `terrane registry publish` makes a registry; or correct the name")
    })?;
    if Registry::open(store.as_ref()).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        console::warn(format_args!(
            "`{}` holds no registry yet; clients find nothing until the first publish",
            args.store
        ));
    }
    let mut server = Server::new(store, Arc::new(|line| eprintln!("{line}")));
    if let Some(path) = &args.tokens {
        let tokens = Tokens::parse(&files::read(path)?);
        server = server.with_tokens(tokens.map_err(|error| Failure::from(error).about(path.display()))?);
    }
    if let (Some(chain), Some(key)) = (&args.tls_cert, &args.tls_key) {
        server = server.with_tls(files::read(chain)?.as_bytes(), files::read(key)?.as_bytes())?;
    }
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| Failure::service("cannot start the server", error))?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(&args.listen)
            .await
            .map_err(|error| Failure::service(format!("cannot listen on {}", args.listen), error))?;
        if let Ok(address) = listener.local_addr() {
            eprintln!("listening on {}://{address}", if args.tls_cert.is_some() { "https" } else { "http" });
        }
        server.run(listener, stopped()).await.map_err(Failure::from)
    })
}

/// Resolves when the process is asked to stop.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    let _ = interrupt.await;
}
