//! What `terraform plan` costs above the floor of a root with one VPC, for 20 networks in one root.
//!
//! The wiring of the reference network stands beside a lean module that a person would write with the same resources,
//! once with instances by index and few outputs and once with instances by zone letter and the outputs of ours, and
//! beside a public module where that can be had; the policy is shown as what its resources cost more.

use std::{collections::BTreeSet, fmt::Write as _, path::Path, time::Duration};

use terrane_compiler::{
    compile,
    ledger::Ledger,
    module::{File, Module, print, syntax},
    topology::Topology,
};

use crate::{
    bench::{
        Figures,
        measure::{self, Contender, duration},
    },
    error::{Error, ErrorKind, Result},
    files,
    region::Region,
    terraform::{Root, Terraform},
};

/// How many networks stand in one root.
const NETWORKS: usize = 20;
/// How often each root is planned.
const ROUNDS: usize = 5;
/// The network whose wiring the others have too.
const REFERENCE: &str = "kubernetes-network";

/// The same resources as a person would write them for one company.
const LEAN: &str = include_str!("fixtures/lean/main.tf");
/// The same with instances by zone letter, and with the outputs of the wiring.
const LEAN_BY_LETTER: &str = include_str!("fixtures/lean_by_letter/main.tf");

const FLOOR: &str = "resource \"aws_vpc\" \"this\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n";

/// The arguments of the public module that make the wiring of the reference network.
const PUBLIC: &str = r#"  cidr                        = "10.0.0.0/16"
  azs                         = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
  public_subnets              = ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]
  private_subnets             = ["10.0.64.0/20", "10.0.80.0/20", "10.0.96.0/20"]
  database_subnets            = ["10.0.4.0/24", "10.0.5.0/24", "10.0.6.0/24"]
  elasticache_subnets         = ["10.0.8.0/24", "10.0.9.0/24", "10.0.10.0/24"]
  enable_nat_gateway          = true
  one_nat_gateway_per_az      = true
  manage_default_network_acl    = false
  manage_default_security_group = false
"#;

/// Where the public module comes from, for who has that release checked out, as a machine without its registry may.
const PUBLIC_MODULE_VARIABLE: &str = "TERRANE_BENCH_VPC_MODULE";
/// Where it comes from otherwise.
const PUBLIC_RELEASE: &str = "  source  = \"terraform-aws-modules/vpc/aws\"\n  version = \"5.21.0\"\n";

/// Returns the arguments that say where the public module is.
fn public_source() -> String {
    std::env::var(PUBLIC_MODULE_VARIABLE)
        .map_or_else(|_| PUBLIC_RELEASE.to_owned(), |dir| format!("  source = {dir:?}\n"))
}

/// Plans every root in turn and compares.
pub(crate) fn run(terraform: &Terraform, catalog: &[Topology]) -> Result<Option<Figures>> {
    let Some(reference) = catalog.iter().find(|topology| topology.name == REFERENCE) else {
        eprintln!("skipped: the catalog has no `{REFERENCE}`");
        return Ok(None);
    };
    let scratch = files::scratch()?;
    let module = compile(reference, &Ledger::default(), &semver::Version::new(0, 1, 0))
        .map_err(|found| Error::new(ErrorKind::Refused, found.to_string()))?
        .module;
    let dir = scratch.path();
    write_module(&dir.join("modules/whole"), &module)?;
    let wiring = without_policy(module);
    check_outputs(&wiring)?;
    write_module(&dir.join("modules/wiring"), &wiring)?;
    files::write(&dir.join("modules/lean/main.tf"), LEAN)?;
    files::write(&dir.join("modules/lean-by-letter/main.tf"), LEAN_BY_LETTER)?;

    let region = Region::start("eu-west-1")?;
    let root = |name: &str, text: &str| root(terraform, &region, &dir.join(name), text);
    let mut roots = vec![root("floor", FLOOR)?];
    for name in ["lean", "lean-by-letter", "wiring", "whole"] {
        roots.push(root(name, &calls(&format!("  source = \"../modules/{name}\"\n")))?);
    }
    match root("public", &calls(&(public_source() + PUBLIC))) {
        Ok(public) => roots.push(public),
        Err(_) => eprintln!(
            "skipped: terraform-aws-modules/vpc, as `terraform init` cannot fetch it; set {PUBLIC_MODULE_VARIABLE} to a checkout of v5.21.0"
        ),
    }
    figures(&roots, &[format!("Terraform {}", terraform.version()?), provider(&roots[0])?])
}

/// Returns the provider that was planned with, such as `hashicorp/aws 5.100.0`.
fn provider(root: &Root) -> Result<String> {
    let path = root.dir().join(".terraform.lock.hcl");
    let text = files::read(&path)?;
    let version = text.lines().find_map(|line| line.trim().strip_prefix("version"));
    let version = version.map(|rest| rest.trim_matches([' ', '=', '"'])).unwrap_or("of unknown version");
    Ok(format!("hashicorp/aws {version}"))
}

fn figures(roots: &[Root], versions: &[String]) -> Result<Option<Figures>> {
    let mut counts = Vec::new();
    for root in roots {
        counts.push(root.plan_without_refresh()?.changes().len());
    }
    let mut contenders: Vec<Contender> =
        roots.iter().map(|root| Contender { name: String::new(), command: root.plan_command() }).collect();
    let medians: Vec<Duration> =
        measure::clock(&mut contenders, ROUNDS)?.into_iter().map(measure::median).collect();
    let mut markdown = table(&counts, &medians);
    let mut problems = Vec::new();
    if let ([_, lean, _, wiring, ..], [floor, lean_took, by_letter_took, wiring_took, ..]) =
        (counts.as_slice(), medians.as_slice())
    {
        if lean != wiring {
            problems.push(format!("the lean module has {lean} resources, but the wiring has {wiring}"));
        }
        let ratio = |took: &Duration| above(*wiring_took, *floor) / above(*took, *floor);
        let _ = writeln!(
            markdown,
            "\nAt equal resources Terrane's wiring takes {:.2} times what the lean module takes, and {:.2} times \
             with equal addresses and outputs.",
            ratio(lean_took),
            ratio(by_letter_took)
        );
    }
    markdown +=
        &format!("\n{}", measure::conditions(&format!("Medians of {ROUNDS} interleaved plans"), versions)?);
    Ok(Some(Figures { markdown, problems }))
}

fn table(counts: &[usize], medians: &[Duration]) -> String {
    let names = [
        "one VPC: the floor".to_owned(),
        format!("{NETWORKS} × lean module written by hand"),
        format!("{NETWORKS} × lean module with instances by zone letter and the same outputs"),
        format!("{NETWORKS} × Terrane, wiring only"),
        format!("{NETWORKS} × Terrane, with policy"),
        format!("{NETWORKS} × terraform-aws-modules/vpc 5.21"),
    ];
    let floor = medians.first().copied().unwrap_or_default();
    let mut text =
        "| root | resources | plan | above the floor | per resource |\n|---|---:|---:|---:|---:|\n"
            .to_owned();
    for ((name, count), took) in names.iter().zip(counts).zip(medians) {
        let above = took.saturating_sub(floor);
        let each = above.as_secs_f64() * 1e3 / *count as f64;
        // Writing to a string cannot fail.
        let _ =
            writeln!(text, "| {name} | {count} | {} | {} | {each:.2} ms |", duration(*took), duration(above));
    }
    if let ([_, _, _, wiring, whole, ..], [_, _, _, wiring_took, whole_took, ..]) = (counts, medians) {
        let extra = whole - wiring;
        let each = above(*whole_took, *wiring_took) * 1e3 / extra as f64;
        let _ = writeln!(text, "\nPolicy is {extra} resources more, at {each:.2} ms each.");
    }
    text
}

/// Returns by how many seconds one is longer than the other.
fn above(one: Duration, other: Duration) -> f64 {
    one.saturating_sub(other).as_secs_f64()
}

/// Returns the module without network ACLs and security groups, and without the outputs that name them.
fn without_policy(mut module: Module) -> Module {
    module.resources.retain(|resource| resource.file != File::Security);
    module.locals.retain(|local| local.file != File::Security);
    module.outputs.retain(|output| {
        !syntax::any(&output.value, &mut |expr| {
            let syntax::Expr::Variable(root) = expr else { return false };
            root.as_str().starts_with("aws_network_acl") || root.as_str().starts_with("aws_security_group")
        })
    });
    module
}

/// Checks that the lean module with the same outputs still has them.
fn check_outputs(wiring: &Module) -> Result<()> {
    let ours: BTreeSet<&str> = wiring.outputs.iter().map(|output| output.name.as_str()).collect();
    let lean = LEAN_BY_LETTER.lines().filter_map(|line| line.strip_prefix("output \"")?.strip_suffix("\" {"));
    let differ: Vec<&str> = ours.symmetric_difference(&lean.collect()).copied().collect();
    if differ.is_empty() {
        return Ok(());
    }
    let message = format!("fixtures/lean_by_letter/main.tf and the wiring differ in {}", differ.join(", "));
    Err(Error::new(ErrorKind::Refused, message))
}

fn write_module(dir: &Path, module: &Module) -> Result<()> {
    print::files(module, ">= 1.5").iter().try_for_each(|(name, text)| files::write(&dir.join(name), text))
}

fn root(terraform: &Terraform, region: &Region, dir: &Path, text: &str) -> Result<Root> {
    files::write(&dir.join("main.tf"), &format!("{}\n{text}", region.provider()))?;
    let root = terraform.root(dir);
    root.init()?;
    Ok(root)
}

fn calls(arguments: &str) -> String {
    (0..NETWORKS)
        .map(|idx| format!("module \"network_{idx}\" {{\n{arguments}  name = \"network-{idx}\"\n}}\n"))
        .collect()
}
