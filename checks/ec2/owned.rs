//! What the account sees of a shared VPC and does not own.

use demarc_model::{Findings, Inventory, Listing, Outcome, Region, Resource};

/// Judges every resource of a listing that this account owns. The owner of a shared VPC sees the
/// participants' security groups and network interfaces, and they see the owner's groups and
/// network ACLs; neither can change the other's (Amazon VPC User Guide, "Share your VPC subnets
/// with other accounts"). They are judged where they belong.
pub(crate) fn each_owned<'a, R: Resource + 'a>(
    inventory: &'a Inventory,
    findings: &mut Findings,
    listing: impl Fn(&'a Region) -> &'a Listing<R>,
    judge: impl Fn(&R) -> Outcome,
) {
    findings.each_region(inventory, listing, |_, resource| {
        let owner = resource.subject().arn.split(':').nth(4);
        Ok(if owner == Some(&*inventory.account_id) {
            judge(resource)
        } else {
            Outcome::NotApplicable("another account owns it")
        })
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use demarc_model::{
        Subject,
        inventory::ec2::{NetworkAcl, NetworkInterface, SecurityGroup},
    };

    use crate::{
        ec2::{
            CHECKS,
            testing::{acl, acl_entry, group, interface, permission},
        },
        testing::{run, with_region},
    };

    use super::*;

    fn foreign(own: &Arc<Subject>) -> Arc<Subject> {
        let arn = own.arn.replace(crate::testing::ACCOUNT, "210987654321");
        Arc::new(Subject { arn: arn.into(), ..Subject::clone(own) })
    }

    /// A shared VPC with everything wrong with it.
    fn shared() -> Inventory {
        let open = || vec![permission("-1", -1, -1, &["0.0.0.0/0", "10.0.0.0/8", "52.0.0.0/9"])];
        let named = |name: &str| SecurityGroup {
            subject: foreign(&group(vec![]).subject),
            group_name: name.to_owned(),
            owner_id: "210987654321".to_owned(),
            ..group(open())
        };
        let acl = acl(vec![acl_entry(100, true, "-1", None, "0.0.0.0/0")]);
        let unused = NetworkAcl { subnet_ids: Vec::new(), ..self::acl(Vec::new()) };
        let acls = [acl, unused].map(|acl| NetworkAcl { subject: foreign(&acl.subject), ..acl });
        let interface = NetworkInterface {
            subject: foreign(&interface().subject),
            status: "available".to_owned(),
            source_dest_check: false,
            ..interface()
        };
        with_region(|region| {
            let groups = vec![named("default"), named("launch-wizard-1")];
            region.ec2.security_groups = Listing::complete(groups);
            region.ec2.network_acls = Listing::complete(acls.into());
            region.ec2.network_interfaces = Listing::complete(vec![interface]);
        })
    }

    #[test]
    fn what_another_account_owns_is_judged_there() {
        let kinds =
            ["AWS::EC2::SecurityGroup", "AWS::EC2::NetworkAcl", "AWS::EC2::NetworkInterface"];
        let account = shared();
        for check in CHECKS.iter().filter(|check| kinds.contains(&check.resource)) {
            let verdicts = run(check, &account);
            assert!(!verdicts.is_empty(), "{}", check.id);
            for verdict in verdicts {
                let left = matches!(verdict.assessed, Ok(Outcome::NotApplicable(_)));
                assert!(left, "{}: {verdict:#?}", check.id);
            }
        }
    }
}
