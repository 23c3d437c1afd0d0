//! Flow logs: records of the traffic of the VPC, or of some tiers, in CloudWatch Logs, S3, or Firehose.
//!
//! Buckets and streams are the caller's, and a log group outlives the module: to destroy a network is not to destroy the
//! evidence about it. A changed flow log is made anew, which leaves a gap of one interval.

mod codes;
mod keys;

use terrane_contract::{Holds, Type};

use super::common;
use super::Feature;
use crate::module::syntax::{Body, Expr, call, each, each_in, each_key, equal, interpolated, keys, length, matches, name, object, reference, string, strings, values, var};
use crate::module::{Condition, File, Module, Output, Resource, Variable};
use crate::network::{Network, Tier};

pub use self::keys::{FlowLog, LogDestination, LoggedTraffic};
pub(super) use self::keys::{Declared, Keys, read, unsaid};
use self::keys::{Log, KEYS};

pub(super) const FEATURE: Feature = Feature {
    keys: KEYS,
    codes: codes::CODES,
    types: || vec!["aws_cloudwatch_log_group", "aws_flow_log", "aws_iam_role", "aws_iam_role_policy"],
    lower,
    test_values,
    ..Feature::NONE
};

/// The variable with the ARNs of buckets, streams, and log groups that the caller brings.
const DESTINATIONS: &str = "flow_log_destination_arns";

/// The variable with the key that encrypts log groups.
const KMS_KEY: &str = "flow_log_kms_key_arn";

fn lower(network: &Network, module: &mut Module) {
    let logs = &network.features.flow_logs;
    let (brought, own): (Vec<&Log>, Vec<&Log>) = logs.iter().partition(|log| log.is_brought());
    if !brought.is_empty() {
        module.variables.push(destinations_variable(&brought));
    }
    if !own.is_empty() {
        module.variables.push(key_variable());
    }
    for log in logs {
        if !log.is_brought() {
            module.resources.push(log_group(network, log));
        }
        if log.to == LogDestination::Cloudwatch {
            module.resources.extend([role(network, log), policy(log)]);
        }
        module.resources.extend(flow_logs(network, log));
    }
    outputs(network, module);
}

impl Log {
    /// Returns the name of its resources, which a change of its name leaves as it is.
    fn label(&self) -> String {
        self.first_name().identifier()
    }

    /// Returns the expression of the ARN that it writes to.
    fn destination(&self) -> Expr {
        if self.is_brought() {
            var(DESTINATIONS).at(string(self.first_name().as_str()))
        } else {
            reference("aws_cloudwatch_log_group", &self.label()).attr("arn")
        }
    }

    /// Returns the resources that record: one for the VPC, or one for the subnets of each tier.
    fn resources<'a>(&'a self, network: &'a Network) -> Vec<(String, Option<&'a Tier>)> {
        if self.tiers.is_empty() {
            return vec![(self.label(), None)];
        }
        // No name holds two underscores, so that no two labels meet.
        let label = |tier: &usize| {
            let tier = &network.tiers[*tier];
            (format!("{}__{}", self.label(), tier.first_name().identifier()), Some(tier))
        };
        self.tiers.iter().map(label).collect()
    }
}

fn destinations_variable(brought: &[&Log]) -> Variable {
    let names: Vec<String> = brought.iter().map(|log| log.first_name().to_string()).collect();
    let missing = || call("setsubtract", [strings(&names), keys(var(DESTINATIONS))]);
    let kinds: Vec<String> = brought.iter().map(|log| format!("`{}`: {}", log.first_name(), log.to.brought())).collect();
    Variable {
        name: DESTINATIONS.to_owned(),
        ty: Type::map(Type::String),
        description: format!("ARN of the destination of each flow log, by its name: {}.", kinds.join(", ")),
        default: None,
        nullable: false,
        validations: vec![
            Condition {
                condition: equal(length(missing()), 0.into()),
                error_message: interpolated([
                    string(DESTINATIONS),
                    " needs the ARN of each destination; missing: ".into(),
                    call("join", [", ".into(), missing()]),
                    ".".into(),
                ]),
            },
            Condition {
                condition: call(
                    "alltrue",
                    [each_in("arn", values(var(DESTINATIONS)))
                        .list(matches("^arn:[a-z-]+:(s3|firehose|logs):", name("arn")))],
                ),
                error_message: string(&format!(
                    "{DESTINATIONS} must map names of flow logs to ARNs of buckets, Firehose streams, or log groups."
                )),
            },
        ],
    }
}

fn key_variable() -> Variable {
    Variable {
        name: KMS_KEY.to_owned(),
        ty: Type::String,
        description: "ARN of the KMS key that encrypts log groups of flow logs; its policy must admit the service `logs` of the region. Null for the key of CloudWatch Logs."
            .to_owned(),
        default: Some(Expr::Null),
        nullable: true,
        validations: vec![Condition {
            condition: var(KMS_KEY).is_null_or(matches("^arn:[a-z-]+:kms:", var(KMS_KEY))),
            error_message: string("flow_log_kms_key_arn must be the ARN of a KMS key, or null."),
        }],
    }
}

fn log_group(network: &Network, log: &Log) -> Resource {
    let name = log.first_name();
    let mut body = Body::new().arg("name", interpolated(["/".into(), var("name"), string(&format!("/flow-logs/{name}"))]));
    if let Some(days) = log.retention_days {
        body = body.arg("retention_in_days", Expr::Number(days.into()));
    }
    let body = body
        .arg("kms_key_id", var(KMS_KEY))
        .arg("skip_destroy", Expr::Bool(true))
        .blank()
        .arg("tags", common::tags(network, common::named([string(name.as_str())])));
    Resource::new(File::Security, "aws_cloudwatch_log_group", &log.label(), body)
        .comment("It stays when the module is destroyed: it is the evidence.")
}

/// Returns the role that the service of flow logs takes to write to a log group, for flow logs of this account and region.
fn role(network: &Network, log: &Log) -> Resource {
    let vpc = || reference("aws_vpc", "this");
    let arn = |idx: u8| call("split", [":".into(), vpc().attr("arn")]).at(idx);
    let owner = || vpc().attr("owner_id");
    let source =
        ["arn:".into(), arn(1), ":ec2:".into(), arn(3), ":".into(), owner(), ":vpc-flow-log/*".into()];
    let statement = object([
        ("Effect", string("Allow")),
        ("Action", string("sts:AssumeRole")),
        ("Principal", object([("Service", string("vpc-flow-logs.amazonaws.com"))])),
        (
            "Condition",
            object([
                ("StringEquals", common::table_of([("aws:SourceAccount", owner())])),
                ("ArnLike", common::table_of([("aws:SourceArn", interpolated(source))])),
            ]),
        ),
    ]);
    let name = log.first_name();
    let body = Body::new()
        .arg("name_prefix", call("substr", [common::named(["flow-logs-".into()]), 0.into(), 38.into()]))
        .arg("assume_role_policy", document(statement))
        .blank()
        .arg("tags", common::tags(network, common::named([string(name.as_str())])));
    Resource::new(File::Security, "aws_iam_role", &format!("flow_log_{}", log.label()), body)
}

fn policy(log: &Log) -> Resource {
    let destination = log.destination();
    let actions =
        ["logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"];
    let statement = object([
        ("Effect", string("Allow")),
        ("Action", Expr::Array(actions.map(string).to_vec())),
        ("Resource", Expr::Array(vec![destination.clone(), interpolated([destination, ":*".into()])])),
    ]);
    let label = format!("flow_log_{}", log.label());
    let body = Body::new()
        .arg("name", string("write"))
        .arg("role", reference("aws_iam_role", &label).attr("id"))
        .arg("policy", document(statement));
    Resource::new(File::Security, "aws_iam_role_policy", &label, body)
}

/// Returns a policy document of one statement.
fn document(statement: Expr) -> Expr {
    call("jsonencode", [object([("Version", string("2012-10-17")), ("Statement", Expr::Array(vec![statement]))])])
}

fn flow_logs(network: &Network, log: &Log) -> Vec<Resource> {
    let one = |(label, tier): (String, Option<&Tier>)| {
        let mut body = match tier {
            None => Body::new().arg("vpc_id", common::vpc_id()),
            Some(tier) => {
                Body::new().arg("subnet_id", common::subnets(tier).at(each_key()).attr("id"))
            }
        };
        body = body
            .arg("traffic_type", string(log.traffic.argument()))
            .arg("log_destination_type", string(log.to.argument()))
            .arg("log_destination", log.destination());
        let role = format!("flow_log_{}", log.label());
        if log.to == LogDestination::Cloudwatch {
            body = body.arg("iam_role_arn", reference("aws_iam_role", &role).attr("arn"));
        }
        if !log.fields.is_empty() {
            let format: Vec<String> = log.fields.iter().map(|field| format!("${{{field}}}")).collect();
            body = body.arg("log_format", string(&format.join(" ")));
        }
        if let Some(interval) = log.interval {
            body = body.arg("max_aggregation_interval", Expr::Number(interval.into()));
        }
        let name = match tier {
            None => common::named([string(log.name.as_str())]),
            Some(tier) => common::named([string(&format!("{}-{}-", log.name, tier.name)), each_key()]),
        };
        body = body.blank().arg("tags", common::tags(network, name));
        if log.parquet || log.hive_partitions || log.hourly_partitions {
            let format = if log.parquet { "parquet" } else { "plain-text" };
            body = body.blank().block(
                "destination_options",
                Body::new()
                    .arg("file_format", string(format))
                    .arg("hive_compatible_partitions", Expr::Bool(log.hive_partitions))
                    .arg("per_hour_partition", Expr::Bool(log.hourly_partitions)),
            );
        }
        let resource = Resource::new(File::Security, "aws_flow_log", &label, body);
        let resource = match tier {
            Some(tier) => resource.for_each(common::zones(tier)),
            None => resource,
        };
        if log.to == LogDestination::Cloudwatch {
            resource.depends_on("aws_iam_role_policy", &role)
        } else {
            resource
        }
    };
    log.resources(network).into_iter().map(one).collect()
}

fn outputs(network: &Network, module: &mut Module) {
    let logs = &network.features.flow_logs;
    let mut by_name = |name: &str, description: &str, holds, values: Vec<(&Log, Expr)>| {
        if values.is_empty() {
            return;
        }
        let entries = values.into_iter().flat_map(|(log, value)| {
            log.names().map(move |name| (name.identifier(), value.clone())).collect::<Vec<_>>()
        });
        module.outputs.push(Output {
            name: name.to_owned(),
            description: description.to_owned(),
            holds,
            value: call("tomap", [object(entries)]),
        });
    };
    let ids = |log: &Log| {
        let parts = log.resources(network).into_iter().map(|(label, tier)| {
            let log = reference("aws_flow_log", &label);
            match tier {
                None => call("tolist", [Expr::Array(vec![log.attr("id")])]),
                Some(_) => call("tolist", [each("log", log, "id")]),
            }
        });
        let mut parts: Vec<Expr> = parts.collect();
        if parts.len() == 1 { parts.remove(0) } else { call("concat", parts) }
    };
    by_name(
        "flow_log_ids",
        "Ids of the flow logs by name: one for the VPC, or one for each subnet of its tiers.",
        None,
        logs.iter().map(|log| (log, ids(log))).collect(),
    );
    let groups = logs.iter().filter(|log| !log.is_brought());
    let group = |log: &Log| reference("aws_cloudwatch_log_group", &log.label()).attr("name");
    by_name(
        "flow_log_group_names",
        "Names of the log groups of flow logs, by name of the flow log.",
        None,
        groups.map(|log| (log, group(log))).collect(),
    );
    let roles = logs.iter().filter(|log| log.to == LogDestination::Cloudwatch);
    let role = |log: &Log| reference("aws_iam_role", &format!("flow_log_{}", log.label())).attr("arn");
    by_name(
        "flow_log_role_arns",
        "ARNs of the roles that write flow logs to log groups, by name of the flow log.",
        Some(Holds::Arn),
        roles.map(|log| (log, role(log))).collect(),
    );
}

fn test_values(network: &Network) -> Vec<(&'static str, Expr)> {
    let brought = network.features.flow_logs.iter().filter(|log| log.is_brought());
    let arn = |log: &Log| match log.to {
        LogDestination::S3 => format!("arn:aws:s3:::{}", log.name),
        LogDestination::Firehose => {
            format!("arn:aws:firehose:eu-west-1:123456789012:deliverystream/{}", log.name)
        }
        LogDestination::Cloudwatch => format!("arn:aws:logs:eu-west-1:123456789012:log-group:{}", log.name),
    };
    let arns: Vec<(String, String)> = brought.map(|log| (log.first_name().to_string(), arn(log))).collect();
    if arns.is_empty() {
        return Vec::new();
    }
    let entries = arns.iter().map(|(name, arn)| (name.as_str(), string(arn)));
    vec![(DESTINATIONS, common::table_of(entries))]
}
