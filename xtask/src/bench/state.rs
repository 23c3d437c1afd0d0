//! What it costs to get outputs out of a state in S3, as a whole process, for states of three sizes.

use std::{fmt::Write as _, process::Command};

use crate::{
    bench::{
        Figures,
        bucket::Bucket,
        measure::{self, Contender},
    },
    cargo,
    emulator::Emulators,
    error::Result,
    files, process,
    terraform::{Root, Terraform},
    workspace::Workspace,
};

/// How often each process runs.
const ROUNDS: usize = 5;
/// The sizes of the states, and how the tables call them.
pub(super) const SIZES: [(usize, &str); 3] =
    [(100_000, "100 KB"), (10_000_000, "10 MB"), (100_000_000, "100 MB")];
/// How much a bare GET asks for, which is what a reader asks for first.
const FIRST_PART: &str = "0-65535";

/// What every process is told about the bucket.
pub(super) const ENVIRONMENT: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

/// Times `terrane state get` beside a bare GET and what people use in its place.
pub(crate) fn run(workspace: &Workspace) -> Result<Figures> {
    let terrane = cargo::build_release(workspace, &["--package", "terrane", "--bin", "terrane"])?;
    let terraform = Terraform::find_or_skip(&workspace.cache())?;
    Emulators::install(&workspace.cache())?;
    let python = workspace.cache().join("emulators/venv/bin/python");
    let scratch = files::scratch()?;
    let mut markdown = String::from(
        "| state | process | median | × bare GET | peak memory | bytes fetched |\n|---|---|---:|---:|---:|---:|\n",
    );
    for (size, name) in SIZES {
        let bucket = Bucket::serve(state(size))?;
        let mut contenders = vec![
            contender(
                "64 KiB GET by `curl`",
                curl(&bucket, &["--range", FIRST_PART, "--output", "/dev/null"]),
            ),
            contender("`terrane state get`", {
                let mut command = Command::new(&terrane);
                command.args(["state", "get", "s3://bench/state", "network.vpc_id"]);
                command
            }),
            contender("`curl` and `jq`", {
                let script =
                    format!("curl --silent --fail {} | jq .outputs.network.value.vpc_id", bucket.url());
                let mut command = Command::new("sh");
                command.args(["-c", &script]);
                command
            }),
            contender("boto3 and `json`", {
                let mut command = Command::new(&python);
                command.args(["-c", include_str!("state/boto.py")]);
                command
            }),
        ];
        if let Some(terraform) = &terraform {
            let root = terraform.root(scratch.path().join(size.to_string()));
            contenders.push(contender("`terraform output -json`", terraform_output(&root, &bucket)?));
        }
        for contender in &mut contenders {
            contender.command.envs(ENVIRONMENT).env("AWS_ENDPOINT_URL_S3", bucket.endpoint());
        }
        let mut fetched = Vec::new();
        for contender in &mut contenders {
            let before = bucket.sent();
            process::run(&mut contender.command)?;
            fetched.push(bucket.sent() - before);
        }
        let measured = measure::measure(contenders, ROUNDS)?;
        let base = measured.first().map(|row| row.median.as_secs_f64()).unwrap_or_default();
        for (row, fetched) in measured.iter().zip(fetched) {
            // Writing to a string cannot fail.
            let _ = writeln!(
                markdown,
                "| {name} | {} | {} | {:.2} | {} | {fetched} |",
                row.name,
                measure::duration(row.median),
                row.median.as_secs_f64() / base,
                row.peak.map_or_else(|| "–".to_owned(), measure::mebibytes),
            );
        }
    }
    let mut versions = vec![process::run(Command::new(&terrane).arg("--version"))?.trim().to_owned()];
    if let Some(terraform) = terraform {
        versions.push(format!("Terraform {}", terraform.version()?));
    }
    let _ = write!(
        markdown,
        "\n{}",
        measure::conditions(&format!("Medians of {ROUNDS} interleaved runs"), &versions)?
    );
    Ok(Figures { markdown, problems: Vec::new() })
}

fn contender(name: &str, command: Command) -> Contender {
    Contender { name: name.to_owned(), command }
}

fn curl(bucket: &Bucket, args: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--fail"]).args(args).arg(bucket.url());
    command
}

/// Makes a root whose backend is the bucket, and returns the command that prints its outputs.
fn terraform_output(root: &Root, bucket: &Bucket) -> Result<Command> {
    let configuration = format!(
        "terraform {{\n  backend \"s3\" {{\n    bucket = \"bench\"\n    key = \"state\"\n    region = \"us-east-1\"\n    \
         access_key = \"test\"\n    secret_key = \"test\"\n    use_path_style = true\n    \
         skip_credentials_validation = true\n    skip_requesting_account_id = true\n    \
         skip_region_validation = true\n    endpoints = {{ s3 = \"{}\" }}\n  }}\n}}\n",
        bucket.endpoint()
    );
    files::write(&root.dir().join("main.tf"), &configuration)?;
    root.init()?;
    Ok(root.output_command())
}

/// A state of about a size, of the form that Terraform writes, with the outputs of one network.
pub(super) fn state(size: usize) -> String {
    let mut text = String::from(
        r#"{
  "version": 4,
  "terraform_version": "1.11.4",
  "serial": 3,
  "lineage": "0a1b2c3d-0000-0000-0000-000000000000",
  "outputs": {
    "network": {
      "value": {
        "app_subnet_ids": ["subnet-a", "subnet-b", "subnet-c"],
        "vpc_id": "vpc-1234"
      },
      "type": ["object", {"app_subnet_ids": ["list", "string"], "vpc_id": "string"}]
    }
  },
  "resources": ["#,
    );
    let mut idx = 0;
    while text.len() < size {
        let comma = if idx == 0 { "" } else { "," };
        let _ = write!(
            text,
            r#"{comma}
    {{
      "mode": "managed",
      "type": "aws_subnet",
      "name": "s{idx}",
      "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
      "instances": [
        {{
          "index_key": "a",
          "schema_version": 1,
          "attributes": {{
            "arn": "arn:aws:ec2:us-east-1:123456789012:subnet/subnet-{idx:08x}",
            "cidr_block": "10.{}.{}.0/24",
            "id": "subnet-{idx:08x}",
            "map_public_ip_on_launch": false,
            "tags": {{
              "Name": "network-{idx}",
              "kubernetes.io/role/internal-elb": "1"
            }},
            "timeouts": null,
            "vpc_id": "vpc-1234"
          }},
          "sensitive_attributes": [],
          "private": "eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ==",
          "dependencies": [
            "aws_vpc.this"
          ]
        }}
      ]
    }}"#,
            idx / 256 % 256,
            idx % 256
        );
        idx += 1;
    }
    text + "\n  ],\n  \"check_results\": null\n}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_of_their_size() {
        let text = state(100_000);
        assert!((100_000..102_000).contains(&text.len()), "{}", text.len());
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["outputs"]["network"]["value"]["vpc_id"], "vpc-1234");
        assert!(json["resources"].as_array().unwrap().len() > 50);
    }
}
