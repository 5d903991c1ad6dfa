use demarc_model::{
    Assessed, ControlType, Layer, Outcome, Region, Service, Severity, calls, declare_check,
    inventory::ec2::{FlowLog, Vpc},
};

use super::usage::each_own_vpc;

declare_check! {
    /// The VPC has an active flow log of its own that records at least rejected traffic (`ALL`
    /// or `REJECT`) and whose delivery does not fail. Logs of single subnets or interfaces do
    /// not count, because they miss whatever is added next. One of accepted traffic alone
    /// misses what the filters stopped. A VPC that another account shares is its owner's to
    /// log.
    ///
    /// ## Why it matters
    /// Flow logs are the record of who talked to whom: without them neither a scan from outside
    /// nor data leaving can be reconstructed.
    ///
    /// ## Remediation
    /// Log the whole VPC:
    /// ```sh
    /// aws ec2 create-flow-logs --resource-type VPC --resource-ids VPC --traffic-type ALL \
    ///   --log-destination-type s3 --log-destination arn:aws:s3:::BUCKET/flow-logs/
    /// ```
    ///
    /// ## References
    /// - <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html>
    /// - <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html>
    /// - <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-6>
    pub(super) static CHECK = {
        id: "vpc.flow-logs-enabled",
        title: "VPC has flow logs",
        service: Service::Vpc,
        severity: Severity::Medium,
        layer: Layer::NetworkConfiguration,
        control_type: ControlType::SharedConfigurationManagement,
        resource: "AWS::EC2::VPC",
        needs: &[&calls::ec2::DESCRIBE_VPCS, &calls::ec2::DESCRIBE_FLOW_LOGS],
        evaluate: |inventory, findings| {
            each_own_vpc(inventory, findings, evaluate);
        },
    }
}

fn evaluate(region: &Region, vpc: &Vpc) -> Assessed {
    let logs = &region.vpc.flow_logs;
    let own = |log: &&FlowLog| log.resource_id == vpc.vpc_id;
    if logs.seen().iter().filter(own).any(|log| shortcoming(log).is_none()) {
        return Ok(Outcome::Pass);
    }
    let logs = logs.all()?;
    let shortcomings: Vec<_> = logs.iter().filter(own).filter_map(shortcoming).collect();
    let observed = if shortcomings.is_empty() {
        "no flow log of the VPC".to_owned()
    } else {
        shortcomings.join("; ")
    };
    Ok(Outcome::fail(
        &calls::ec2::DESCRIBE_FLOW_LOGS,
        "FlowLogs",
        observed,
        "an active flow log of all or rejected traffic",
    ))
}

/// Why the log does not count.
fn shortcoming(log: &FlowLog) -> Option<String> {
    let id = &log.subject.name;
    if log.status != "ACTIVE" {
        return Some(format!("{id} has FlowLogStatus {}", log.status));
    }
    if log.deliver_logs_status.as_deref() == Some("FAILED") {
        return Some(format!("{id} has DeliverLogsStatus FAILED"));
    }
    let records_rejects = matches!(log.traffic_type.as_str(), "ALL" | "REJECT");
    (!records_rejects).then(|| format!("{id} has TrafficType {}", log.traffic_type))
}

#[cfg(test)]
mod tests {
    use demarc_model::{Inventory, Listing};

    use super::*;
    use crate::{
        ec2::testing::vpc,
        testing::{assert_fails, assert_not_assessed, denial, only, subject, with_region},
    };

    fn log(resource: &str, traffic: &str) -> FlowLog {
        FlowLog {
            subject: subject("AWS::EC2::FlowLog", "fl-1"),
            resource_id: resource.to_owned(),
            traffic_type: traffic.to_owned(),
            status: "ACTIVE".to_owned(),
            deliver_logs_status: Some("SUCCESS".to_owned()),
        }
    }

    fn account(logs: Listing<FlowLog>) -> Inventory {
        with_region(|region| {
            region.vpc.vpcs = Listing::complete(vec![vpc("vpc-1")]);
            region.vpc.flow_logs = logs;
        })
    }

    fn logged(log: FlowLog) -> Inventory {
        account(Listing::complete(vec![log]))
    }

    #[test]
    fn a_log_of_all_or_rejected_traffic_passes() {
        assert_eq!(only(&CHECK, &logged(log("vpc-1", "ALL"))), Ok(Outcome::Pass));
        assert_eq!(only(&CHECK, &logged(log("vpc-1", "REJECT"))), Ok(Outcome::Pass));
    }

    #[test]
    fn a_log_of_a_subnet_or_of_accepted_traffic_does_not_count() {
        assert_fails(&CHECK, &logged(log("subnet-1", "ALL")), "FlowLogs", "no flow log of the VPC");
        let observed = "fl-1 has TrafficType ACCEPT";
        assert_fails(&CHECK, &logged(log("vpc-1", "ACCEPT")), "FlowLogs", observed);
    }

    #[test]
    fn a_log_that_is_not_delivered_does_not_count() {
        let failing =
            FlowLog { deliver_logs_status: Some("FAILED".to_owned()), ..log("vpc-1", "ALL") };
        let observed = "fl-1 has DeliverLogsStatus FAILED";
        assert_fails(&CHECK, &logged(failing), "FlowLogs", observed);
    }

    #[test]
    fn half_a_listing_proves_a_log_but_not_its_absence() {
        let call = &calls::ec2::DESCRIBE_FLOW_LOGS;
        let half = |logs| account(Listing::broken(logs, denial(call)));
        assert_eq!(only(&CHECK, &half(vec![log("vpc-1", "ALL")])), Ok(Outcome::Pass));
        assert_not_assessed(&CHECK, &half(vec![log("vpc-1", "ACCEPT")]), call);
    }

    #[test]
    fn a_shared_vpc_is_its_owners_to_log() {
        let mut account = account(Listing::complete(vec![]));
        account.regions[0].vpc.vpcs.seen_mut()[0].owner_id = "210987654321".to_owned();
        assert!(matches!(only(&CHECK, &account), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_denied_listing_is_not_assessed() {
        let call = &calls::ec2::DESCRIBE_VPCS;
        let account = with_region(|region| {
            region.vpc.vpcs = Listing::denied(call, "AccessDenied");
        });
        assert_not_assessed(&CHECK, &account, call);
    }
}
