//! What the checks of launch templates share: which versions are judged, and as what.

use demarc_model::{
    Assessed, Evidence, Outcome, Unread,
    inventory::ec2::{LaunchTemplate, LaunchTemplateVersion},
};

/// One part for each version that is found wanting: `$Default`, and `$Latest` where that is
/// another one. The numbers are left out of the keys, because they change with every version.
pub(crate) fn parts(
    template: &LaunchTemplate,
    judge: impl Fn(&LaunchTemplateVersion) -> Result<Vec<Evidence>, Unread>,
) -> Assessed {
    let mut parts = Vec::new();
    let mut unread = None;
    for version in template.versions.get()? {
        let key = if version.is_default { "$Default" } else { "$Latest" };
        match judge(version) {
            Ok(evidence) if evidence.is_empty() => {}
            Ok(evidence) => parts.push((key.to_owned(), Ok(Outcome::Fail(evidence)))),
            Err(why) => unread = unread.or(Some(why)),
        }
    }
    match unread {
        Some(why) if parts.is_empty() => Err(why),
        Some(why) => {
            parts.push(("other version".to_owned(), Err(why)));
            Ok(Outcome::Parts(parts))
        }
        None => Ok(Outcome::Parts(parts)),
    }
}
