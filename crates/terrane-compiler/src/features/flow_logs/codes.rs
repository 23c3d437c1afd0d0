//! The diagnostics of flow logs.

use crate::diagnostics::codes;

codes! {
    /// The problems that this feature reports.
    pub(super) const CODES;

    DUPLICATE_FLOW_LOG = "duplicate-flow-log", Error, ByItself:
        "Two flow logs have or had the same name",
        "The resources of a flow log have its name, and move with `renamed_from` when it changes, so a name belongs to one flow log. Give each a name that no other has or had.";
    FLOW_LOG_SETTING = "flow-log-setting", Error, ByItself:
        "A flow log has a setting of another destination",
        "Retention and log groups belong to CloudWatch Logs, file formats and partitions to S3. A setting of another destination would have no effect. Drop it, or choose the destination that has it.";
    FLOW_LOG_INTERVAL = "flow-log-interval", Error, ByItself:
        "A flow log has an interval that AWS does not take",
        "AWS aggregates packets over 60 or 600 seconds into one record: <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html>. The shorter interval yields more records, which cost more. Take one of the two.";
    FLOW_LOG_RETENTION = "flow-log-retention", Error, ByItself:
        "Records are kept for a time that CloudWatch Logs does not offer",
        "CloudWatch Logs keeps records for one of a fixed list of days, or for ever. The hint names the next longer time, or the longest one. Take that, or leave `retention_days` out.";
    FLOW_LOG_FIELD = "flow-log-field", Error, ByItself:
        "A flow log has a field that no record has, or has one twice",
        "`fields` lists the columns of a record in order, under the names that AWS gives them: <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>. The hint names the closest one. Name each field once.";
    FLOW_LOG_TIER = "flow-log-tier", Error, ByItself:
        "A flow log names a tier twice",
        "`tiers` limits a flow log to the subnets of some tiers. A second log of the same subnet would record and charge its packets twice. Name each tier once.";
}
