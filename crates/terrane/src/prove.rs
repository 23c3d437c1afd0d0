//! `terrane prove`: what a network keeps apart and lets through, from its declaration, a plan, or a state.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use terrane_compiler::Resolved;
use terrane_compiler::diagnostics::Diagnostics;
use terrane_compiler::explain;
use terrane_compiler::ledger::Ledger;
use terrane_compiler::network::Network;
use terrane_compiler::proof::deployed::{Given, Measure, diff_documents, prove_document};
use terrane_compiler::proof::{Change, Finding, Proof, Status, diff, measures, sarif, summary};
use terrane_state::WholeState;
use terrane_state::blocking::Reader;

use crate::console;
use crate::exit::{Failure, print_json};
use crate::files;

/// The arguments of `terrane prove`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("input").required(true).multiple(true))]
pub(crate) struct Args {
    /// A topology as TOML or JSON, or - for standard input; beside a plan or a state, what it is measured against
    #[arg(group = "input")]
    file: Option<PathBuf>,
    /// What `terraform show -json PLAN` prints
    #[arg(long, group = "input", conflicts_with = "state", value_name = "PLAN.json")]
    plan: Option<PathBuf>,
    /// s3://bucket/key, a state file, a Terraform directory, or what `terraform show -json` prints of a state
    #[arg(long, group = "input", value_name = "URI")]
    state: Option<String>,
    /// The ledger that was committed for the topology
    #[arg(long, value_name = "LEDGER.toml", requires = "file")]
    ledger: Option<PathBuf>,
    /// Say what is newly permitted and denied since this older topology, or, without FILE, plan or state
    #[arg(long, value_name = "OLD")]
    against: Option<String>,
    /// Look at this module of a plan or state alone, such as module.network
    #[arg(long, value_name = "ADDRESS")]
    module: Option<String>,
    /// Claim that the internet and public subnets cannot reach these subnets of a plan or state, nor they the internet
    #[arg(long, value_name = "SUBNETS")]
    isolated: Vec<String>,
    /// Fail where a claim could not be decided, too: what is UNKNOWN exits 1
    #[arg(long)]
    strict: bool,
    /// Show these alone: statuses, such as refuted,unknown, and claims, such as P1
    #[arg(long, value_name = "WORDS", value_delimiter = ',', value_parser = wanted)]
    only: Vec<String>,
    /// Print the proofs as JSON
    #[arg(long)]
    json: bool,
    /// Print what does not simply hold as SARIF, for annotations in CI
    #[arg(long, conflicts_with = "json")]
    sarif: bool,
}

/// The words of verdicts.
const LEGEND: &str = "\
REFUTED: it does not hold; UNKNOWN: it could not be decided; RESIDUAL: it holds, but for what its text says
PROVED: it holds; `terrane explain P1` explains a claim
";

impl Args {
    /// Returns whether a finding is shown: what was asked for, or all, or, quietly, what does not hold.
    fn shows(&self, finding: &Finding) -> bool {
        let status = finding.status.to_string().to_lowercase();
        let (claims, statuses): (Vec<&String>, Vec<&String>) =
            self.only.iter().partition(|word| word.starts_with(char::is_uppercase));
        if self.only.is_empty() && console::is_quiet() {
            return finding.status > Status::Residual;
        }
        (claims.is_empty() || claims.iter().any(|claim| *claim == finding.property.code()))
            && (statuses.is_empty() || statuses.contains(&&status))
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    networks: &'a [Proof],
    /// What `terrane compile` says of the topology.
    diagnostics: &'a Diagnostics,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<&'a [Change]>,
}

/// Proves, prints the verdicts and what `terrane compile` says of the same file, and fails if a claim does not hold.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let checked = args.file.as_deref().map(|file| resolved(args, file)).transpose()?.map(Resolved::check);
    let network = checked.as_ref().map(|checked| &checked.network);
    let proofs = match (deployed(args)?, &checked) {
        (Some((name, document)), _) => {
            let measure = Measure { network, module: args.module.as_deref(), isolated: &args.isolated };
            prove_document(document.given(), &measure)
                .map_err(|problem| Failure::problems(format!("`{name}` {problem}")))?
        }
        (None, Some(checked)) => vec![checked.proof.clone()],
        (None, None) => return Err(Failure::problems("nothing to prove; give FILE, --plan, or --state")),
    };
    let changes = args.against.as_deref().map(|old| changes(args, old, network)).transpose()?;
    let found = checked.as_ref().map(|checked| checked.found.clone()).unwrap_or_default();
    print(args, &proofs, &found, changes.as_deref())?;
    if let Some(file) = &args.file {
        console::diagnostics(&found);
        if found.has_errors() {
            return Err(files::refused(file, &found));
        }
        files::sum_up(file, &found);
    }
    let refuted: Vec<&str> =
        proofs.iter().filter(|proof| proof.has_refuted()).map(|proof| proof.network.as_str()).collect();
    if !refuted.is_empty() {
        return Err(Failure::problems(format!("a claim does not hold of {}", refuted.join(", "))));
    }
    match undecided(&proofs) {
        Some(problem) if args.strict => Err(Failure::problems(problem)),
        _ => Ok(()),
    }
}

/// Returns how many claims could not be decided, and of which networks.
fn undecided(proofs: &[Proof]) -> Option<String> {
    let count = |proof: &Proof| proof.with_status(Status::Unknown).count();
    let networks: Vec<String> = proofs
        .iter()
        .filter(|proof| count(proof) > 0)
        .map(|proof| format!("{} ({})", proof.network, count(proof)))
        .collect();
    (!networks.is_empty()).then(|| {
        format!("claims could not be decided, which --strict does not accept: {}", networks.join(", "))
    })
}

/// Returns what changed since an older topology, or an older plan or state.
fn changes(args: &Args, old: &str, network: Option<&Network>) -> Result<Vec<Change>, Failure> {
    if let Some(new) = network {
        return Ok(diff(&resolved(args, Path::new(old))?.network, new));
    }
    let Some((_, new)) = deployed(args)? else { return Ok(Vec::new()) };
    diff_documents(document(old)?.given(), new.given(), args.module.as_deref())
        .map_err(|problem| Failure::problems(format!("`--against {old}`: {problem}")))
}

fn print(
    args: &Args,
    proofs: &[Proof],
    diagnostics: &Diagnostics,
    changes: Option<&[Change]>,
) -> Result<(), Failure> {
    if args.json {
        return print_json(&Report { schema_version: 1, networks: proofs, diagnostics, changes });
    }
    if args.sarif {
        return print_json(&sarif(proofs, diagnostics));
    }
    proofs.iter().for_each(|proof| console::print(shown(args, proof)));
    match changes {
        None => {}
        Some([]) => console::print("nothing is newly permitted, and nothing newly denied"),
        Some(changes) => changes.iter().for_each(console::print),
    }
    Ok(())
}

/// Returns a proof as people read it: how it went, and then what is wrong first.
fn shown(args: &Args, proof: &Proof) -> String {
    let mut text = format!("{}: {}\n", console::strong(&proof.network), summary(proof));
    if !console::is_quiet() {
        text.push_str(LEGEND);
    }
    let mut findings: Vec<&Finding> = proof.findings.iter().filter(|finding| args.shows(finding)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.status));
    findings.iter().for_each(|finding| text.push_str(&finding.to_string()));
    if args.only.is_empty() && !console::is_quiet() {
        text.push_str(&measures(proof));
    }
    text
}

/// Reads a status or the code of a claim.
fn wanted(text: &str) -> Result<String, String> {
    let statuses = [Status::Refuted, Status::Unknown, Status::Residual, Status::Proved];
    let mut known: Vec<String> = statuses.iter().map(|status| status.to_string().to_lowercase()).collect();
    let claims = explain::entries().into_iter().filter(|entry| entry.kind == explain::Kind::Claim);
    known.extend(claims.map(|entry| entry.code.to_owned()));
    match known.iter().find(|known| known.eq_ignore_ascii_case(text)) {
        Some(known) => Ok(known.clone()),
        None => Err(format!("take some of {}", known.join(", "))),
    }
}

/// Resolves the topology in a file, or prints its problems.
fn resolved(args: &Args, file: &Path) -> Result<Resolved, Failure> {
    let text = files::declaration(file)?;
    let ledger = match &args.ledger {
        Some(path) => Ledger::read(&path.display().to_string(), &files::read(path)?),
        None => Ok(Ledger::default()),
    };
    Resolved::of_read(files::topology(file, &text), ledger).map_err(|found| {
        let printed = if args.json || args.sarif { print(args, &[], &found, None) } else { Ok(()) };
        console::diagnostics(&found);
        printed.err().unwrap_or_else(|| files::refused(file, &found))
    })
}

/// A plan or a state.
enum Document {
    /// What `terraform show -json` prints.
    Shown(Value),
    State(Box<WholeState>),
}

impl Document {
    fn given(&self) -> Given<'_> {
        match self {
            Document::Shown(shown) => shown.into(),
            Document::State(state) => state.resources().into(),
        }
    }
}

/// Returns the plan or the state that was given, with its name.
fn deployed(args: &Args) -> Result<Option<(String, Document)>, Failure> {
    if let Some(plan) = &args.plan {
        return Ok(Some((plan.display().to_string(), Document::Shown(parse(plan)?))));
    }
    args.state.as_deref().map(|uri| Ok((uri.to_owned(), document(uri)?))).transpose()
}

/// Reads a plan or a state: what `terraform show -json` prints of one, or a state wherever it is kept.
fn document(uri: &str) -> Result<Document, Failure> {
    let path = Path::new(uri);
    if path.is_file()
        && let Ok(shown) = parse(path)
        && (shown["values"].is_object() || shown["planned_values"].is_object())
    {
        return Ok(Document::Shown(shown));
    }
    let state = Reader::open(uri).and_then(|reader| reader.read_whole())?;
    Ok(Document::State(Box::new(state)))
}

fn parse(path: &Path) -> Result<Value, Failure> {
    serde_json::from_str(&files::read(path)?).map_err(|error| {
        Failure::problems(format!(
            "`{}` is not JSON, as `terraform show -json` prints it: {error}",
            path.display()
        ))
    })
}
