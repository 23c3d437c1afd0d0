//! Plans that Terraform makes with the AWS provider: what is not known, or not modelled, is never PROVED.

use std::fs;
use std::process::Command;

use serde_json::Value;
use terrane_xtask::Workspace;
use terrane_xtask::terraform::Terraform;

const PROVIDER: &str = r#"
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.100" }
  }
}
"#;

const ROOT: &str = r#"
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true
}
"#;

/// A VPC with a public subnet and one for databases, whose ACL is open unless it is given.
const NETWORK: &str = r#"
resource "aws_internet_gateway" "main" { vpc_id = aws_vpc.main.id }
resource "aws_subnet" "pub" {
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.0.2.0/24"
}
resource "aws_route_table" "pub" { vpc_id = aws_vpc.main.id }
resource "aws_route" "pub" {
  route_table_id         = aws_route_table.pub.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}
resource "aws_route_table_association" "pub" {
  subnet_id      = aws_subnet.pub.id
  route_table_id = aws_route_table.pub.id
}
resource "aws_route_table_association" "db" {
  subnet_id      = aws_subnet.db.id
  route_table_id = aws_route_table.db.id
}
resource "aws_network_acl_association" "db" {
  subnet_id      = aws_subnet.db.id
  network_acl_id = aws_network_acl.db.id
}
"#;

const VPC: &str = "resource \"aws_vpc\" \"main\" { cidr_block = \"10.0.0.0/16\" }\n";
const DB: &str =
    "resource \"aws_subnet\" \"db\" {\n  vpc_id     = aws_vpc.main.id\n  cidr_block = \"10.0.1.0/24\"\n}\n";
const TABLE: &str = "resource \"aws_route_table\" \"db\" { vpc_id = aws_vpc.main.id }\n";
const ACL: &str = r#"
resource "aws_network_acl" "db" {
  vpc_id = aws_vpc.main.id
  ingress {
    rule_no    = 1
    action     = "allow"
    protocol   = "-1"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }
  egress {
    rule_no    = 1
    action     = "allow"
    protocol   = "-1"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }
}
"#;

/// A module's name, its parts beside [`NETWORK`], and what is right to say of two claims.
struct Case {
    name: &'static str,
    parts: Vec<String>,
    internet: &'static str,
    routes: &'static str,
}

fn cases() -> Vec<Case> {
    let case = |name, parts: [&str; 5], internet, routes| Case {
        name,
        parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        internet,
        routes,
    };
    let gateway = |gateway: &str| {
        format!(
            "resource \"aws_route\" \"db\" {{\n  route_table_id = aws_route_table.db.id\n  destination_cidr_block = \"0.0.0.0/0\"\n  gateway_id = {gateway}\n}}\n"
        )
    };
    let child = "module \"gw\" {\n  source = \"../gateway\"\n  vpc_id = aws_vpc.main.id\n}\n";
    let by_local = format!("{child}locals {{\n  id = module.gw.id\n}}\n{}", gateway("local.id"));
    let table = |body: &str| {
        format!("resource \"aws_route_table\" \"db\" {{\n  vpc_id = aws_vpc.main.id\n{body}\n}}\n")
    };
    let route =
        |gateway: &str| format!("content {{\n cidr_block = \"0.0.0.0/0\"\n gateway_id = {gateway}\n}}");
    let dynamic = format!(
        "{child}{}",
        table(&format!("dynamic \"route\" {{\n for_each = toset([\"a\"])\n {}\n}}", route("module.gw.id")))
    );
    let inline = table("route {\n cidr_block = \"0.0.0.0/0\"\n gateway_id = aws_internet_gateway.main.id\n}");
    let propagating = format!(
        "resource \"aws_vpn_gateway\" \"v\" {{\n  vpc_id = aws_vpc.main.id\n}}\n{}",
        table("propagating_vgws = [aws_vpn_gateway.v.id]")
    );
    let list = "resource \"aws_ec2_managed_prefix_list\" \"l\" {\n  name = \"l\"\n  address_family = \"IPv4\"\n  max_entries = 5\n}\nresource \"aws_route\" \"db\" {\n  route_table_id = aws_route_table.db.id\n  destination_prefix_list_id = aws_ec2_managed_prefix_list.l.id\n  gateway_id = aws_internet_gateway.main.id\n}\n";
    let six = "resource \"aws_vpc\" \"main\" {\n  cidr_block = \"10.0.0.0/16\"\n  assign_generated_ipv6_cidr_block = true\n}\n";
    let db_six = "resource \"aws_subnet\" \"db\" {\n  vpc_id = aws_vpc.main.id\n  cidr_block = \"10.0.1.0/24\"\n  ipv6_cidr_block = cidrsubnet(aws_vpc.main.ipv6_cidr_block, 8, 1)\n}\n";
    vec![
        case("apart", [VPC, DB, TABLE, ACL, ""], "PROVED", "PROVED"),
        case(
            "child",
            [VPC, DB, TABLE, ACL, &format!("{child}{}", gateway("module.gw.id"))],
            "REFUTED",
            "REFUTED",
        ),
        case("by_local", [VPC, DB, TABLE, ACL, &by_local], "UNKNOWN", "UNKNOWN"),
        case("dynamic", [VPC, DB, &dynamic, ACL, ""], "UNKNOWN", "UNKNOWN"),
        case("inline", [VPC, DB, &inline, ACL, ""], "UNKNOWN", "UNKNOWN"),
        case("propagating", [VPC, DB, &propagating, ACL, ""], "UNKNOWN", "PROVED"),
        case("list", [VPC, DB, TABLE, ACL, list], "UNKNOWN", "REFUTED"),
        case("six", [six, DB, TABLE, ACL, ""], "PROVED", "PROVED"),
        case("db_six", [six, db_six, TABLE, ACL, ""], "UNKNOWN", "UNKNOWN"),
    ]
}

#[test]
fn plans_of_the_provider_are_never_proved_where_they_are_not_known() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let directory = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "gateway/main.tf",
        &format!(
            "{PROVIDER}variable \"vpc_id\" {{}}\nresource \"aws_internet_gateway\" \"this\" {{\n  vpc_id = var.vpc_id\n}}\noutput \"id\" {{\n  value = aws_internet_gateway.this.id\n}}\n"
        ),
    );
    let mut root = format!("{PROVIDER}{ROOT}");
    for case in cases() {
        write(&format!("{}/main.tf", case.name), &format!("{PROVIDER}{NETWORK}{}", case.parts.concat()));
        root.push_str(&format!("module \"{0}\" {{\n  source = \"./{0}\"\n}}\n", case.name));
    }
    write("main.tf", &root);
    let root = terraform.root(directory.path());
    root.init().unwrap();
    let plan = directory.path().join("plan.json");
    fs::write(&plan, root.plan_without_refresh().unwrap().json().to_string()).unwrap();
    for case in cases() {
        let output = Command::new(env!("CARGO_BIN_EXE_terrane"))
            .args(["prove", "--plan", plan.to_str().unwrap(), "--isolated", "db", "--json"])
            .args(["--module", &format!("module.{}", case.name)])
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["networks"][0]["findings"].as_array().unwrap();
        let status = |property: &str, subject: &str| {
            let found = findings
                .iter()
                .find(|finding| finding["property"] == property && finding["subject"] == subject)
                .unwrap_or_else(|| panic!("{}: no {property} {subject} in {report:#}", case.name));
            found["status"].as_str().unwrap().to_owned()
        };
        let found = (status("P1", "internet \u{219b} db"), status("P4", "db"));
        assert_eq!(found, (case.internet.to_owned(), case.routes.to_owned()), "{}: {report:#}", case.name);
    }
}
