//! `flow_logs`: what is recorded, and where.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::declaration::{Reading, names};
use crate::diagnostics::{Code, Diagnostics, Origin, report};
use crate::keys::{self, Key, Table, is_no, located};
use crate::names::Name;
use crate::suggest;
use crate::topology::Topology;

/// A record of traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowLog {
    /// Its name.
    pub name: String,
    /// The service that takes the records.
    #[serde(default)]
    pub to: LogDestination,
    /// The traffic that is recorded.
    #[serde(default)]
    pub traffic: LoggedTraffic,
    /// The longest time over which packets are counted as one record, in seconds: 60 or 600. AWS's default is 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    /// Days after which the log group forgets records; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// The fields of a record, in order; AWS's default format if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Whether files in S3 are Parquet rather than text.
    #[serde(default, skip_serializing_if = "is_no")]
    pub parquet: bool,
    /// Whether the prefixes of files in S3 are those that Hive reads.
    #[serde(default, skip_serializing_if = "is_no")]
    pub hive_partitions: bool,
    /// Whether files in S3 are by hour rather than by day.
    #[serde(default, skip_serializing_if = "is_no")]
    pub hourly_partitions: bool,
    /// Whether the module's caller brings the log group.
    #[serde(default, skip_serializing_if = "is_no")]
    pub bring_log_group: bool,
    /// The tiers whose subnets are recorded; the whole VPC if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<String>,
    /// Names it had before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed_from: Vec<String>,
    /// Where it was declared.
    #[serde(skip)]
    pub origin: Origin,
}

/// The service that takes the records of a flow log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogDestination {
    /// A log group of CloudWatch Logs.
    #[default]
    Cloudwatch,
    /// A bucket, which the module's caller brings.
    S3,
    /// A Firehose stream, which the module's caller brings.
    Firehose,
}

impl LogDestination {
    pub(super) fn argument(self) -> &'static str {
        match self {
            LogDestination::Cloudwatch => "cloud-watch-logs",
            LogDestination::S3 => "s3",
            LogDestination::Firehose => "kinesis-data-firehose",
        }
    }

    /// Returns what the caller brings for it, in words.
    pub(super) fn brought(self) -> &'static str {
        match self {
            LogDestination::Cloudwatch => "a log group",
            LogDestination::S3 => "a bucket, or a folder in it",
            LogDestination::Firehose => "a Firehose stream",
        }
    }
}

/// The traffic that a flow log records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoggedTraffic {
    /// All of it.
    #[default]
    All,
    /// What security groups and network ACLs let through.
    Accept,
    /// What they do not.
    Reject,
}

impl LoggedTraffic {
    pub(super) fn argument(self) -> &'static str {
        match self {
            LoggedTraffic::All => "ALL",
            LoggedTraffic::Accept => "ACCEPT",
            LoggedTraffic::Reject => "REJECT",
        }
    }
}

located!(FlowLog);

pub(super) const KEYS: &[Key] =
    &[Key::new("flow_logs", "records of traffic; see below", "none").many(&FLOW_LOG)];

static FLOW_LOG: Table = Table {
    title: "A flow log",
    about: "Buckets and streams are the caller's, and a log group outlives the module. A changed flow log is made anew, with a gap of one interval.",
    keys: Cow::Borrowed(&[
        Key::required("name", "its name, such as `audit`"),
        Key::new("to", "`cloudwatch`, `s3`, or `firehose`", "`cloudwatch`"),
        Key::new("traffic", "`all`, `accept`, or `reject`", "`all`"),
        Key::new("interval", "the seconds that one record may span: 60 or 600", "600"),
        Key::new("retention_days", "the days that the log group keeps records, such as 365", "for ever"),
        Key::new("fields", "the fields of a record: `[\"vpc-id\", \"srcaddr\", \"action\"]`", "AWS's default format"),
        Key::new("parquet", "whether files in S3 are Parquet", "`false`"),
        Key::new("hive_partitions", "whether files in S3 have the prefixes that Hive reads", "`false`"),
        Key::new("hourly_partitions", "whether files in S3 are by hour", "`false`"),
        Key::new("bring_log_group", "whether the module's caller brings the log group", "`false`"),
        Key::new("tiers", "the tiers that are recorded", "the whole VPC"),
        Key::new("renamed_from", "names that it had before, oldest first; its log group stays", "none"),
    ]),
    read: keys::read::<FlowLog>,
};

impl Topology {
    /// Records traffic.
    #[must_use]
    pub fn flow_log(mut self, log: FlowLog) -> Topology {
        self.features.flow_logs.push(log);
        self
    }
}

impl FlowLog {
    /// Returns a record of all traffic of the VPC in a log group of its own.
    #[track_caller]
    pub fn to_cloudwatch(name: &str) -> FlowLog {
        FlowLog { name: name.to_owned(), origin: Origin::caller(), ..FlowLog::default() }
    }

    /// Returns a record of all traffic of the VPC in a bucket that the module's caller brings.
    #[track_caller]
    pub fn to_s3(name: &str) -> FlowLog {
        FlowLog { to: LogDestination::S3, ..FlowLog::to_cloudwatch(name) }
    }

    /// Returns a record of all traffic of the VPC in a Firehose stream that the module's caller brings.
    #[track_caller]
    pub fn to_firehose(name: &str) -> FlowLog {
        FlowLog { to: LogDestination::Firehose, ..FlowLog::to_cloudwatch(name) }
    }
}

/// What a topology says of them.
pub(in crate::features) type Keys = Vec<FlowLog>;

/// The flow logs, each sound by itself and with a name of its own.
pub(in crate::features) type Declared = Vec<Log>;

pub(in crate::features) fn unsaid() -> Keys {
    Vec::new()
}

/// A record of traffic, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its name.
    pub(super) name: Name,
    /// Names it had before, oldest first.
    pub(super) renamed_from: Vec<Name>,
    pub(super) to: LogDestination,
    pub(super) traffic: LoggedTraffic,
    pub(super) interval: Option<u32>,
    pub(super) retention_days: Option<u32>,
    pub(super) fields: Vec<String>,
    pub(super) parquet: bool,
    pub(super) hive_partitions: bool,
    pub(super) hourly_partitions: bool,
    bring_log_group: bool,
    /// Indices of tiers; none for the whole VPC.
    pub(super) tiers: Vec<usize>,
}

impl Log {
    /// Returns whether the caller brings the destination.
    pub(super) fn is_brought(&self) -> bool {
        self.bring_log_group || self.to != LogDestination::Cloudwatch
    }

    /// Returns the name it was first declared with, which names in AWS and in Terraform keep.
    pub(super) fn first_name(&self) -> &Name {
        self.renamed_from.first().unwrap_or(&self.name)
    }

    /// Returns every name under which outputs hold it.
    pub(super) fn names(&self) -> impl Iterator<Item = &Name> {
        std::iter::once(&self.name).chain(&self.renamed_from)
    }
}

/// Days that CloudWatch Logs can keep records:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>.
const RETENTION: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/// Fields of a record: <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>.
const FIELDS: [&str; 41] = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "az-id",
    "sublocation-type",
    "sublocation-id",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "flow-direction",
    "traffic-path",
    "ecs-cluster-arn",
    "ecs-cluster-name",
    "ecs-container-instance-arn",
    "ecs-container-instance-id",
    "ecs-container-id",
    "ecs-second-container-id",
    "ecs-service-name",
    "ecs-task-definition-arn",
    "ecs-task-arn",
    "ecs-task-id",
    "reject-reason",
    "encryption-status",
];

pub(in crate::features) fn read(reading: &Reading<'_>, found: &mut Diagnostics) -> Option<Declared> {
    let logs = &reading.topology.features.flow_logs;
    for (idx, log) in logs.iter().enumerate() {
        let names = |log: &FlowLog| log.renamed_from.iter().chain([&log.name]).cloned().collect::<Vec<_>>();
        let own = names(log);
        let twice = own.iter().enumerate().find(|(at, name)| own[..*at].contains(name));
        let before = logs[..idx].iter().flat_map(names).find(|name| own.contains(name));
        if let Some(name) = before.or(twice.map(|(_, name)| name.clone())) {
            report!(
                found, Code::DUPLICATE_FLOW_LOG, &log.origin.at(if name == log.name { "name" } else { "renamed_from" }),
                "the name `{name}` is or was that of a flow log twice";
                "give each flow log a name of its own"
            );
        }
    }
    logs.iter().map(|log| one(reading.topology, log, found)).collect::<Vec<_>>().into_iter().collect()
}

fn one(topology: &Topology, log: &FlowLog, found: &mut Diagnostics) -> Option<Log> {
    let name = names::name(&log.name, "a flow log", &log.origin.at("name"), found);
    let subject = format!("flow log `{}` before", log.name);
    let renamed_from: Vec<Option<Name>> =
        log.renamed_from.iter().map(|old| names::name(old, &subject, &log.origin.at("renamed_from"), found)).collect();
    let user = format!("flow log `{}`", log.name);
    let place = |idx: usize| log.origin.at(&format!("tiers[{idx}]"));
    let tiers = log.tiers.iter().enumerate();
    let tiers: Vec<Option<usize>> =
        tiers.map(|(idx, tier)| names::tier(topology, tier, &user, &place(idx), found)).collect();
    settings(log, found);
    times(log, found);
    repeated(log, found);
    Some(Log {
        name: name?,
        renamed_from: renamed_from.into_iter().collect::<Option<_>>()?,
        to: log.to,
        traffic: log.traffic,
        interval: log.interval,
        retention_days: log.retention_days,
        fields: log.fields.clone(),
        parquet: log.parquet,
        hive_partitions: log.hive_partitions,
        hourly_partitions: log.hourly_partitions,
        bring_log_group: log.bring_log_group,
        tiers: tiers.into_iter().collect::<Option<_>>()?,
    })
}

/// Reports settings that another destination has.
fn settings(log: &FlowLog, found: &mut Diagnostics) {
    let cloudwatch = log.to == LogDestination::Cloudwatch;
    let own_group = cloudwatch && !log.bring_log_group;
    let s3 = log.to == LogDestination::S3;
    let settings = [
        ("retention_days", log.retention_days.is_some() && !own_group, "a log group of the module's own"),
        ("bring_log_group", log.bring_log_group && !cloudwatch, "CloudWatch"),
        ("parquet", log.parquet && !s3, "S3"),
        ("hive_partitions", log.hive_partitions && !s3, "S3"),
        ("hourly_partitions", log.hourly_partitions && !s3, "S3"),
    ];
    for (key, _, owner) in settings.into_iter().filter(|(_, wrong, _)| *wrong) {
        report!(
            found, Code::FLOW_LOG_SETTING, &log.origin.at(key),
            "flow log `{}` has `{key}`, which is for {owner} alone", log.name;
            "drop `{key}`, or choose another destination"
        );
    }
}

/// Reports times that AWS does not take.
fn times(log: &FlowLog, found: &mut Diagnostics) {
    if let Some(interval) = log.interval.filter(|interval| ![60, 600].contains(interval)) {
        report!(
            found, Code::FLOW_LOG_INTERVAL, &log.origin.at("interval"),
            "flow log `{}` has an interval of {interval} seconds, but AWS takes 60 or 600", log.name;
            "take 60, which costs more, or 600"
        );
    }
    if let Some(days) = log.retention_days.filter(|days| !RETENTION.contains(days)) {
        let nearest = RETENTION.iter().find(|known| **known >= days).unwrap_or(&RETENTION[RETENTION.len() - 1]);
        report!(
            found, Code::FLOW_LOG_RETENTION, &log.origin.at("retention_days"),
            "flow log `{}` keeps records for {days} days, which CloudWatch Logs cannot", log.name;
            "take {nearest}, or leave it out to keep them for ever"
        );
    }
}

/// Reports fields that no record has, and fields and tiers that are named twice.
fn repeated(log: &FlowLog, found: &mut Diagnostics) {
    for (idx, field) in log.fields.iter().enumerate() {
        let (problem, hint) = if !FIELDS.contains(&field.as_str()) {
            ("which no record has", suggest::hint(field, FIELDS))
        } else if log.fields[..idx].contains(field) {
            ("which it has already", "name each field once".to_owned())
        } else {
            continue;
        };
        let message = format!("flow log `{}` has the field `{field}`, {problem}", log.name);
        report!(found, Code::FLOW_LOG_FIELD, &log.origin.at(&format!("fields[{idx}]")), "{message}"; "{hint}");
    }
    for (idx, tier) in log.tiers.iter().enumerate().filter(|(idx, tier)| log.tiers[..*idx].contains(tier)) {
        report!(
            found, Code::FLOW_LOG_TIER, &log.origin.at(&format!("tiers[{idx}]")),
            "flow log `{}` names tier `{tier}` twice, as its tier {}", log.name, idx + 1;
            "name each tier once"
        );
    }
}
