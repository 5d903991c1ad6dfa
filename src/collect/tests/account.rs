//! The account's contacts, and collectors side by side.

use demarc_model::calls::{account as calls, ec2, iam};

use super::*;

static CONTACTS: &[&Call] = &[&calls::GET_ALTERNATE_CONTACT, &calls::GET_CONTACT_INFORMATION];
const CONTACT: &str = "{\"ContactInformation\":{\"FullName\":\"Ann\",\"PhoneNumber\":\"+491\",\"AddressLine1\":\"x\",\
     \"City\":\"y\",\"PostalCode\":\"1\",\"CountryCode\":\"DE\"}}";

#[tokio::test]
async fn a_contact_that_is_not_set_is_none_and_one_denied_is_not() {
    let error = |code: &str| vec![("x-amzn-errortype", code.to_owned())];
    let (none, denied) = (error("ResourceNotFoundException"), error("AccessDeniedException"));
    let header = |of: &[(&'static str, String)]| [(of[0].0, of[0].1.clone())];
    let (none, denied) = (header(&none), header(&denied));
    let canned = Canned::default()
        .with_headers(
            "SECURITY",
            404,
            &[(none[0].0, &none[0].1)],
            "{\"message\":\"No contact of the inputted alternate contact type found.\"}",
        )
        .with_headers("BILLING", 403, &[(denied[0].0, &denied[0].1)], "{\"message\":\"no\"}")
        .on(
            "OPERATIONS",
            200,
            "{\"AlternateContact\":{\"Name\":\"Ops\",\"EmailAddress\":\"ops@example.com\",\
             \"PhoneNumber\":\"+492\",\"Title\":\"t\",\"AlternateContactType\":\"OPERATIONS\"}}",
        )
        .on("GetContactInformation", 200, CONTACT);
    let settings = read(&canned, CONTACTS).await.settings;
    assert_eq!(settings.security_contact.get().unwrap(), &None);
    assert!(matches!(cause(&settings.billing_contact), Cause::Denied { .. }));
    let operations = settings.operations_contact.get().unwrap().as_ref().unwrap();
    assert_eq!(operations.email_address, "ops@example.com");
    assert_eq!(settings.contact.get().unwrap().phone_number, "+491");
}

#[tokio::test]
async fn a_collector_that_panics_costs_its_own_reads_alone() {
    // The canned transport panics where it has no answer: within the collector's own task.
    let canned = Canned::default().on("GetContactInformation", 200, CONTACT).on(
        "eu-central-1 EC2",
        200,
        &super::ec2("DescribeVpcs", "<vpcSet/>"),
    );
    let wanted: &[&Call] =
        &[&calls::GET_CONTACT_INFORMATION, &iam::GET_ACCOUNT_SUMMARY, &ec2::DESCRIBE_VPCS];
    let inventory = read_regions(&canned, wanted, &[HOME, "us-west-2"], false).await;
    assert!(inventory.settings.contact.get().is_ok());
    assert!(inventory.regions[0].vpc.vpcs.all().is_ok());
    let bug = |collector: &str| Cause::Bug { what: format!("collector {collector} panicked") };
    assert_eq!(cause(&inventory.iam.summary), bug("iam"));
    assert_eq!(inventory.iam.users.all().unwrap_err().cause, bug("iam"));
    assert_eq!(inventory.regions[1].vpc.vpcs.all().unwrap_err().cause, bug("ec2"));
}
