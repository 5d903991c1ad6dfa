//! Settings of the account itself: its contacts.

use aws_sdk_account::types::AlternateContactType;
use demarc_model::{
    Cause, Inventory, Read,
    calls::{self, Call},
    inventory::{
        AccountSettings,
        account::{AlternateContact, ContactInformation},
    },
};

use crate::{Apply, Collector, Context, Scope};

static CALLS: &[&Call] =
    &[&calls::account::GET_ALTERNATE_CONTACT, &calls::account::GET_CONTACT_INFORMATION];

pub(crate) static COLLECTOR: Collector = Collector {
    name: "account",
    calls: CALLS,
    annotations: &[],
    scope: Scope::Global {
        run: |context, _| Box::pin(async move { apply(Box::pin(read(&context)).await) }),
        failed: |inventory, cause| inventory.settings = AccountSettings::unread(cause),
    },
};

fn apply(settings: AccountSettings) -> Apply {
    Box::new(move |inventory: &mut Inventory| inventory.settings = settings)
}

async fn read(context: &Context) -> AccountSettings {
    let client = context.account_client();
    let alternate = |kind: AlternateContactType| {
        let client = &client;
        async move {
            let call = &calls::account::GET_ALTERNATE_CONTACT;
            let answer = context
                .ask_optional(call, &["ResourceNotFoundException"], || {
                    client.get_alternate_contact().alternate_contact_type(kind.clone()).send()
                })
                .await;
            answer.and_then(|answer| match answer.map(|answer| answer.alternate_contact) {
                None => Read::Known(None),
                Some(Some(contact)) => Read::Known(Some(AlternateContact {
                    name: contact.name.unwrap_or_default(),
                    email_address: contact.email_address.unwrap_or_default(),
                    phone_number: contact.phone_number.unwrap_or_default(),
                })),
                Some(None) => {
                    let what = "answer: no AlternateContact in it".to_owned();
                    Read::unknown(call, Cause::Malformed { what })
                }
            })
        }
    };
    let contact = async {
        let call = &calls::account::GET_CONTACT_INFORMATION;
        let answer = context.ask(call, || client.get_contact_information().send()).await;
        answer.and_then(|answer| {
            let Some(contact) = answer.contact_information else {
                let what = "answer: no ContactInformation in it".to_owned();
                return Read::unknown(call, Cause::Malformed { what });
            };
            Read::Known(ContactInformation {
                full_name: contact.full_name,
                phone_number: contact.phone_number,
            })
        })
    };
    let (security_contact, billing_contact, operations_contact, contact) = tokio::join!(
        alternate(AlternateContactType::Security),
        alternate(AlternateContactType::Billing),
        alternate(AlternateContactType::Operations),
        contact,
    );
    let is_set = |contact: &Read<Option<_>>| contact.get().ok().map(Option::is_some);
    tracing::debug!(
        security = is_set(&security_contact),
        billing = is_set(&billing_contact),
        operations = is_set(&operations_contact),
        "alternate contacts"
    );
    AccountSettings { security_contact, billing_contact, operations_contact, contact }
}
