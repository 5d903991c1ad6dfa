#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const OWNER: Owner<'static> = Owner { account: "111122223333", partition: "aws" };

#[test]
fn the_public_is_told_from_the_owner() {
    let policy = Policy::parse(
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}}"#,
    )
    .unwrap();
    assert!(policy.is_public(OWNER));
}
