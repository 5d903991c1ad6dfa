//! Ways from one set of permissions to more.

use super::identity::usable_resources;
use super::{Condition, Part, Pattern, Policy, SetOperator, Statement, Test};

/// A known way to gain rights that were not granted: whoever holds all of `actions` has it.
///
/// After the research of Rhino Security Labs ("AWS IAM Privilege Escalation Methods") and its
/// successor, the catalogue pathfinding.cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escalation {
    /// Stable, in kebab case.
    pub name: &'static str,
    pub actions: &'static [&'static str],
    /// The service to which a role is passed, where `iam:PassRole` is among the actions.
    pub passed_to: Option<&'static str>,
}

macro_rules! escalations {
    ($($name:literal $(to $service:literal)?: $($action:literal)+;)*) => {
        /// All ways that are looked for, in the order in which they are reported.
        pub static ESCALATIONS: &[Escalation] = &[
            $(Escalation {
                name: $name,
                actions: &[$($action),+],
                passed_to: passed_to!($($service)?),
            },)*
        ];
    };
}

macro_rules! passed_to {
    () => {
        None
    };
    ($service:literal) => {
        Some($service)
    };
}

escalations! {
    "create-policy-version": "iam:CreatePolicyVersion";
    "set-default-policy-version": "iam:SetDefaultPolicyVersion";
    "create-access-key": "iam:CreateAccessKey";
    "create-login-profile": "iam:CreateLoginProfile";
    "update-login-profile": "iam:UpdateLoginProfile";
    "attach-user-policy": "iam:AttachUserPolicy";
    "attach-group-policy": "iam:AttachGroupPolicy";
    "attach-role-policy": "iam:AttachRolePolicy";
    "put-user-policy": "iam:PutUserPolicy";
    "put-group-policy": "iam:PutGroupPolicy";
    "put-role-policy": "iam:PutRolePolicy";
    "add-user-to-group": "iam:AddUserToGroup";
    "update-assume-role-policy": "iam:UpdateAssumeRolePolicy";
    "delete-user-permissions-boundary": "iam:DeleteUserPermissionsBoundary";
    "delete-role-permissions-boundary": "iam:DeleteRolePermissionsBoundary";
    "put-user-permissions-boundary": "iam:PutUserPermissionsBoundary";
    "put-role-permissions-boundary": "iam:PutRolePermissionsBoundary";
    "assume-any-role": "sts:AssumeRole";
    "pass-role-to-new-instance" to "ec2.amazonaws.com": "iam:PassRole" "ec2:RunInstances";
    "pass-role-to-spot-instance" to "ec2.amazonaws.com":
        "iam:PassRole" "ec2:RequestSpotInstances";
    "pass-role-to-existing-instance" to "ec2.amazonaws.com":
        "iam:PassRole" "ec2:AssociateIamInstanceProfile";
    "change-instance-user-data":
        "ec2:ModifyInstanceAttribute" "ec2:StopInstances" "ec2:StartInstances";
    "change-launch-template": "ec2:CreateLaunchTemplateVersion" "ec2:ModifyLaunchTemplate";
    "send-ssh-public-key": "ec2-instance-connect:SendSSHPublicKey";
    "start-session": "ssm:StartSession";
    "send-command": "ssm:SendCommand";
    "pass-role-to-ssm-automation" to "ssm.amazonaws.com":
        "iam:PassRole" "ssm:StartAutomationExecution";
    "pass-role-to-new-function-and-invoke" to "lambda.amazonaws.com":
        "iam:PassRole" "lambda:CreateFunction" "lambda:InvokeFunction";
    "pass-role-to-new-function-and-trigger" to "lambda.amazonaws.com":
        "iam:PassRole" "lambda:CreateFunction" "lambda:CreateEventSourceMapping";
    "pass-role-to-new-function-and-open" to "lambda.amazonaws.com":
        "iam:PassRole" "lambda:CreateFunction" "lambda:AddPermission";
    "update-function-code": "lambda:UpdateFunctionCode";
    "update-function-configuration": "lambda:UpdateFunctionConfiguration";
    "pass-role-to-stack" to "cloudformation.amazonaws.com":
        "iam:PassRole" "cloudformation:CreateStack";
    "pass-role-to-stack-set" to "cloudformation.amazonaws.com":
        "iam:PassRole" "cloudformation:CreateStackSet" "cloudformation:CreateStackInstances";
    "update-stack-set" to "cloudformation.amazonaws.com":
        "iam:PassRole" "cloudformation:UpdateStackSet";
    "update-stack": "cloudformation:UpdateStack";
    "execute-change-set": "cloudformation:CreateChangeSet" "cloudformation:ExecuteChangeSet";
    "pass-role-to-build" to "codebuild.amazonaws.com":
        "iam:PassRole" "codebuild:CreateProject" "codebuild:StartBuild";
    "pass-role-to-build-batch" to "codebuild.amazonaws.com":
        "iam:PassRole" "codebuild:CreateProject" "codebuild:StartBuildBatch";
    "start-build": "codebuild:StartBuild";
    "start-build-batch": "codebuild:StartBuildBatch";
    "pass-role-to-new-task-and-run" to "ecs-tasks.amazonaws.com":
        "iam:PassRole" "ecs:RegisterTaskDefinition" "ecs:RunTask";
    "pass-role-to-new-task-and-start" to "ecs-tasks.amazonaws.com":
        "iam:PassRole" "ecs:RegisterTaskDefinition" "ecs:StartTask";
    "pass-role-to-new-task-and-serve" to "ecs-tasks.amazonaws.com":
        "iam:PassRole" "ecs:RegisterTaskDefinition" "ecs:CreateService";
    "pass-role-to-glue-endpoint" to "glue.amazonaws.com":
        "iam:PassRole" "glue:CreateDevEndpoint";
    "update-glue-endpoint": "glue:UpdateDevEndpoint";
    "pass-role-to-glue-job-and-run" to "glue.amazonaws.com":
        "iam:PassRole" "glue:CreateJob" "glue:StartJobRun";
    "pass-role-to-glue-job-and-trigger" to "glue.amazonaws.com":
        "iam:PassRole" "glue:CreateJob" "glue:CreateTrigger";
    "update-glue-job-and-run" to "glue.amazonaws.com":
        "iam:PassRole" "glue:UpdateJob" "glue:StartJobRun";
    "pass-role-to-data-pipeline" to "datapipeline.amazonaws.com":
        "iam:PassRole" "datapipeline:CreatePipeline" "datapipeline:PutPipelineDefinition"
        "datapipeline:ActivatePipeline";
    "pass-role-to-app-runner" to "tasks.apprunner.amazonaws.com":
        "iam:PassRole" "apprunner:CreateService";
    "update-app-runner": "apprunner:UpdateService";
    "pass-role-to-notebook" to "sagemaker.amazonaws.com":
        "iam:PassRole" "sagemaker:CreateNotebookInstance"
        "sagemaker:CreatePresignedNotebookInstanceUrl";
    "pass-role-to-training-job" to "sagemaker.amazonaws.com":
        "iam:PassRole" "sagemaker:CreateTrainingJob";
    "pass-role-to-processing-job" to "sagemaker.amazonaws.com":
        "iam:PassRole" "sagemaker:CreateProcessingJob";
    "open-notebook": "sagemaker:CreatePresignedNotebookInstanceUrl";
    "change-notebook-start-script":
        "sagemaker:CreateNotebookInstanceLifecycleConfig" "sagemaker:StopNotebookInstance"
        "sagemaker:UpdateNotebookInstance" "sagemaker:StartNotebookInstance";
    "pass-role-to-code-interpreter" to "bedrock-agentcore.amazonaws.com":
        "iam:PassRole" "bedrock-agentcore:CreateCodeInterpreter"
        "bedrock-agentcore:StartCodeInterpreterSession"
        "bedrock-agentcore:InvokeCodeInterpreter";
    "use-code-interpreter":
        "bedrock-agentcore:StartCodeInterpreterSession"
        "bedrock-agentcore:InvokeCodeInterpreter";
}

/// The ways to more rights that the documents, held together by one identity, open; in the order
/// of [`ESCALATIONS`]. A document that grants everything opens them all: ask
/// [`Policy::grants_admin`] first.
///
/// - An unconditional Deny of an action closes its ways; a conditional one does not.
/// - An action counts only on a resource that it can apply to: `*` on a bucket opens nothing.
/// - Managing one's own credentials (`user/${aws:username}`) is no escalation, but giving oneself
///   policies is.
/// - Passing or assuming roles counts where all roles of an account are meant: roles by name,
///   prefix or path are the "approved set" that AWS advises (IAM User Guide, "Grant a user
///   permissions to pass a role to an AWS service"). Of other resources a wildcard in the name
///   counts.
/// - A condition on `iam:PassedToService`, `iam:PolicyARN` or `iam:PermissionsBoundary` bounds
///   what it is about, and one on the resource's tags is as good as its name (Systems Manager User
///   Guide, "Additional sample IAM policies for Session Manager"), save for the role that is
///   passed, where it "does not have reliable results" (the page on passing roles). Any other
///   condition, MFA included, leaves the way open.
pub fn escalation_paths(policies: &[&Policy]) -> Vec<&'static str> {
    ESCALATIONS
        .iter()
        .filter(|path| {
            path.actions.iter().all(|action| is_usable(policies, action, path.passed_to))
        })
        .map(|path| path.name)
        .collect()
}

fn is_usable(policies: &[&Policy], action: &str, passed_to: Option<&str>) -> bool {
    let pattern = Pattern::action(action);
    policies
        .iter()
        .flat_map(|policy| policy.statements.iter())
        .filter(|statement| statement.is_allow() && statement.actions.matches(action))
        .filter(|statement| !is_bounded(statement, action, passed_to))
        .any(|statement| {
            usable_resources(policies, statement, &pattern)
                .into_iter()
                .any(|part| is_open(action, part))
        })
}

/// Whether the action on this resource is one that escalates.
fn is_open(action: &str, part: Option<Part<'_>>) -> bool {
    let resource = match part {
        // `NotResource` leaves nearly everything.
        None | Some(Part::AllBut(_)) => return true,
        Some(Part::One(resource)) => resource,
    };
    if !is_applicable(action, resource) {
        return false;
    }
    let text = resource.as_str();
    match action {
        "iam:CreateAccessKey" | "iam:CreateLoginProfile" | "iam:UpdateLoginProfile" => {
            !(text.contains("${aws:username}") || text.contains("${aws:userid}"))
        }
        "sts:AssumeRole" | "iam:PassRole" => is_every_role(resource),
        action if action.starts_with("iam:") => true,
        // Creating something new: the role passed to it is what counts.
        action if CREATES.contains(&action) => true,
        _ => has_open_name(text),
    }
}

/// Actions on things of one's own making, where the limit of the resource's name bounds nothing.
const CREATES: &[&str] = &[
    "ec2:RunInstances",
    "ec2:RequestSpotInstances",
    "lambda:CreateFunction",
    "lambda:InvokeFunction",
    "lambda:AddPermission",
    "lambda:CreateEventSourceMapping",
    "cloudformation:CreateStack",
    "cloudformation:CreateStackSet",
    "cloudformation:CreateStackInstances",
    "codebuild:CreateProject",
    "ecs:RegisterTaskDefinition",
    "ecs:RunTask",
    "ecs:StartTask",
    "ecs:CreateService",
    "glue:CreateDevEndpoint",
    "glue:CreateJob",
    "glue:StartJobRun",
    "glue:CreateTrigger",
    "datapipeline:CreatePipeline",
    "apprunner:CreateService",
    "sagemaker:CreateNotebookInstance",
    "sagemaker:CreateNotebookInstanceLifecycleConfig",
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateProcessingJob",
    "bedrock-agentcore:CreateCodeInterpreter",
];

/// Whether the part of an ARN after the account has a wildcard.
fn has_open_name(resource: &str) -> bool {
    let name = resource.splitn(6, ':').nth(5).unwrap_or(resource);
    name.contains(['*', '?'])
}

/// Whether all roles of some account, at least, are meant.
fn is_every_role(resource: &Pattern) -> bool {
    let name = resource.as_str().splitn(6, ':').nth(5).unwrap_or(resource.as_str());
    Pattern::exact_case(name).covers(&Pattern::exact_case("role/?*"))
}

/// What the action can be applied to: the service and the name after the account in an ARN.
fn targets(action: &str) -> &'static [(&'static str, &'static str)] {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    match service {
        "sts" => &[("iam", "role/*")],
        "iam" if name.contains("PolicyVersion") => &[("iam", "policy/*")],
        "iam" if name.contains("Group") => &[("iam", "group/*")],
        "iam" if name.contains("Role") => &[("iam", "role/*")],
        "iam" => &[("iam", "user/*")],
        "ec2-instance-connect" => &[("ec2", "instance/*")],
        // Of their resources the machine is what matters, not the document.
        "ssm" if matches!(name, "StartSession" | "SendCommand") => {
            &[("ec2", "instance/*"), ("ssm", "managed-instance/*")]
        }
        _ => &[],
    }
}

/// Whether the resource may be one that the action can be applied to.
fn is_applicable(action: &str, resource: &Pattern) -> bool {
    let own_service = action.split_once(':').map_or(action, |(service, _)| service);
    let targets = match targets(action) {
        [] => &[(own_service, "*")],
        targets => targets,
    };
    let parts: Vec<&str> = resource.as_str().splitn(6, ':').collect();
    targets.iter().any(|(service, name)| match parts[..] {
        // Part by part: as a whole, the star of an object's key would reach into any service.
        [_, _, theirs, _, _, rest] => {
            Pattern::exact_case(theirs).matches(service)
                && Pattern::exact_case(rest).overlaps(&Pattern::exact_case(name))
        }
        _ => Pattern::exact_case(&format!("arn:*:{service}:*:*:{name}")).overlaps(resource),
    })
}

/// Whether a condition keeps the action from the way in question.
fn is_bounded(statement: &Statement, action: &str, passed_to: Option<&str>) -> bool {
    statement.conditions.iter().any(|condition| {
        if !demands_value(condition) {
            return false;
        }
        let among =
            |name: &str| condition.values.iter().any(|value| Pattern::action(value).matches(name));
        if picks_by_tag(condition) && counts_by_tag(action) {
            return true;
        }
        if action == "iam:PassRole" && condition.is_key("iam:PassedToService") {
            return !passed_to.is_some_and(among);
        }
        if condition.is_key("iam:PolicyARN") && action.starts_with("iam:Attach") {
            return !["AdministratorAccess", "IAMFullAccess", "PowerUserAccess"]
                .iter()
                .any(|name| among(&format!("arn:aws:iam::aws:policy/{name}")));
        }
        condition.is_key("iam:PermissionsBoundary")
    })
}

/// A tag of the resource tells it apart as its name does.
fn picks_by_tag(condition: &Condition) -> bool {
    let key = condition.key.to_ascii_lowercase();
    let is_tag =
        |service| key.strip_prefix(service).is_some_and(|k| k.starts_with(":resourcetag/"));
    ["aws", "ec2", "iam", "ssm"].into_iter().any(is_tag)
        && condition.values.iter().all(|value| value.contains(|c: char| !matches!(c, '*' | '?')))
}

/// Whether tags of the resource keep the action from escalating.
fn counts_by_tag(action: &str) -> bool {
    !action.starts_with("iam:") && !CREATES.contains(&action)
}

/// A positive comparison that a request without the key fails.
fn demands_value(condition: &Condition) -> bool {
    !condition.operator.if_exists
        && condition.operator.set != Some(SetOperator::ForAllValues)
        && matches!(
            condition.operator.test,
            Test::StringEquals
                | Test::StringEqualsIgnoreCase
                | Test::StringLike
                | Test::ArnEquals
                | Test::ArnLike
        )
}
