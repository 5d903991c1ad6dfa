"""Seed one account of an imaginary company, Nordwind Logistics, through the API of `server.py`.

    seed.py --endpoint http://localhost:PORT [--size N] [--faults demo-faults.json]

The server must have been started with --managed-policies, and must be empty. In every area one
resource is sound and one is not; `expected.json` says which check finds which. `shop` in
eu-central-1 is the company's present platform, mostly sound; `legacy` in us-east-1 came with an
acquisition. `--size N` adds N security groups, N/2 buckets and N/2 users. The server's faults are
cleared first, since they would stand in the way, and `--faults` are set in the end.

Everything is read back, and what did not stick ends the run with an error. On a freshly started
server the ids are the same in every run. Dates are relative to now.

What moto 5.2.5 cannot hold, and what stands in for it:
- dates of users, keys, roles, instances, images and snapshots: the server's `age`;
- a network ACL whose VPC is deleted stays: the server's `remove-default-vpc`;
- the root user's row in the credential report, the names of policies in the account's
  authorization details, the region of a listed bucket, the virtualization type of an instance,
  the groups of an instance whose interface was given, the owners of interfaces: the server's corrections;
- the block public access, metadata and serial console settings of a region, the primary contact,
  option groups, RDS's certificate authorities, the parameters of default parameter groups,
  MFA delete, the expiry of server certificates, a cluster in several zones: `gaps.json`;
- encryption of an image and its snapshot, paravirtual instances: patches made here, since they name ids;
- members of Aurora clusters: held, but not seeded.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ACCOUNT = "123456789012"
VENDOR = "999988887777"
HOME, LEGACY = "eu-central-1", "us-east-1"
HOSTILE = "<script>alert(1)</script>"
ANYWHERE, ANYWHERE6 = "0.0.0.0/0", "::/0"
AWS_POLICY = "arn:aws:iam::aws:policy/"
Json = dict[str, Any]


class Account:
    """The account's clients, what was found not to stick, and what only the server can set."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.made: dict[tuple[str, str], Any] = {}
        self.lost: list[str] = []
        self.answers: list[Json] = []
        self.patches: dict[tuple[str, str], Json] = {}
        self.ages: Json = {
            "account": ACCOUNT,
            "users": {},
            "roles": {},
            "instances": {HOME: {}, LEGACY: {}},
            "images": {HOME: {}, LEGACY: {}},
            "snapshots": {HOME: {}, LEGACY: {}},
        }

    def client(self, service: str, region: str = LEGACY) -> Any:
        if (service, region) not in self.made:
            self.made[service, region] = self.connect(
                service,
                region,
                aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
                aws_secret_access_key="not-a-secret",
            )
        return self.made[service, region]

    def vendor(self, service: str, region: str) -> Any:
        """A client of the other company's account."""
        role = f"arn:aws:iam::{VENDOR}:role/vendor"
        session = self.client("sts").assume_role(RoleArn=role, RoleSessionName="seed")["Credentials"]
        return self.connect(
            service,
            region,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    def connect(self, service: str, region: str, **credentials: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        client = boto3.client(service, region, endpoint_url=self.endpoint, config=config, **credentials)
        # S3 Control puts the account before the host name, which then does not resolve.
        client.meta.events.register("before-send.s3-control", plain_host)
        return client

    def send(self, method: str, path: str, body: bytes = b"") -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}{path}", body, method=method)).close()

    def patch(self, service: str, operation: str, **members: list[Json]) -> None:
        """Something moto does not hold, to be laid over its answer."""
        of_call = self.patches.setdefault((service, operation), {})
        for member, items in members.items():
            of_call.setdefault(member, []).extend(items)

    def send_gaps(self) -> None:
        """What moto lacks, always, and the answers and patches that name ids."""
        gaps = self.answers + json.loads((Path(__file__).parent / "gaps.json").read_text())
        for (service, operation), result in self.patches.items():
            gaps.append({"service": service, "operation": operation, "patch": True, "result": result})
        self.send("PUT", "/demarc-admin/gaps", json.dumps(gaps).encode())

    def stuck(self, what: str, found: Any, wanted: Any) -> None:
        """Notes what is not held."""
        if not holds(found, wanted):
            self.lost.append(f"{what}:\n  wanted {wanted!r}\n  found  {found!r}")


def holds(found: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there; lists are compared without order."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(holds(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(any(holds(item, value) for item in found) for value in wanted)
        )
    return found == wanted


def plain_host(request: Any, **_: Any) -> None:
    request.url = request.url.replace(f"//{ACCOUNT}.", "//")


def tags(name: str, **more: str) -> list[Json]:
    return [{"Key": "Name", "Value": name}, *({"Key": key, "Value": value} for key, value in more.items())]


def tagged(kind: str, name: str, **more: str) -> list[Json]:
    return [{"ResourceType": kind, "Tags": tags(name, **more)}]


def policy(*statements: Json) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> Json:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal: str | Json, action: str = "sts:AssumeRole", **condition: Any) -> str:
    statement: Json = {"Effect": "Allow", "Principal": principal, "Action": action}
    return policy(statement | ({"Condition": condition} if condition else {}))


# ---------------------------------------------------------------------------------------------- S3

BLOCK_ALL = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
OWNER_ENFORCED = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
OBJECT_WRITER = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
ENABLED = {"Status": "Enabled"}
SSE_S3 = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
EXPIRING = {
    "Rules": [
        {
            "ID": "old-versions",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
        }
    ]
}
LOCKED = {
    "ObjectLockEnabled": "Enabled",
    "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 365}},
}

# setting: how it is put, as which parameter, how it is got, and below which member.
BUCKET_SETTINGS = {
    "acls": (
        "put_bucket_ownership_controls",
        "OwnershipControls",
        "get_bucket_ownership_controls",
        "OwnershipControls",
    ),
    "block": (
        "put_public_access_block",
        "PublicAccessBlockConfiguration",
        "get_public_access_block",
        "PublicAccessBlockConfiguration",
    ),
    "encryption": (
        "put_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        "get_bucket_encryption",
        "ServerSideEncryptionConfiguration",
    ),
    "lifecycle": (
        "put_bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        "get_bucket_lifecycle_configuration",
        "",
    ),
    "logging": ("put_bucket_logging", "BucketLoggingStatus", "get_bucket_logging", ""),
    "lock": (
        "put_object_lock_configuration",
        "ObjectLockConfiguration",
        "get_object_lock_configuration",
        "ObjectLockConfiguration",
    ),
    "notifications": (
        "put_bucket_notification_configuration",
        "NotificationConfiguration",
        "get_bucket_notification_configuration",
        "",
    ),
    "policy": ("put_bucket_policy", "Policy", "get_bucket_policy", "Policy"),
    "replication": (
        "put_bucket_replication",
        "ReplicationConfiguration",
        "get_bucket_replication",
        "ReplicationConfiguration",
    ),
    "tags": ("put_bucket_tagging", "Tagging", "get_bucket_tagging", ""),
    "versioning": ("put_bucket_versioning", "VersioningConfiguration", "get_bucket_versioning", ""),
    "website": ("put_bucket_website", "WebsiteConfiguration", "get_bucket_website", ""),
}


def bucket(account: Account, name: str, region: str, *, lockable: bool = False, **settings: Any) -> None:
    client = account.client("s3", region)
    options: Json = {"ObjectLockEnabledForBucket": True} if lockable else {}
    if region != "us-east-1":
        options["CreateBucketConfiguration"] = {"LocationConstraint": region}
    client.create_bucket(Bucket=name, **options)
    for setting, value in settings.items():
        put, parameter, get, member = BUCKET_SETTINGS[setting]
        getattr(client, put)(Bucket=name, **{parameter: value})
        found = getattr(client, get)(Bucket=name)
        account.stuck(f"bucket {name}, {setting}", found.get(member) if member else found, value)


def tls_only(name: str) -> Json:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def s3(account: Account, keys: dict[str, str]) -> None:
    def kms(region: str) -> Json:
        key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": keys[region]}
        return {"Rules": [{"ApplyServerSideEncryptionByDefault": key}]}

    def logs(name: str, target: str = "nordwind-access-logs") -> Json:
        return {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": f"{name}/"}}

    def labels(**more: str) -> Json:
        return {"TagSet": [{"Key": key, "Value": value} for key, value in more.items()]}

    deliver = allow(
        "s3:PutObject",
        "arn:aws:s3:::nordwind-access-logs/*",
        Principal={"Service": "logging.s3.amazonaws.com"},
        Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    )
    bucket(
        account,
        "nordwind-access-logs",
        HOME,
        block=BLOCK_ALL,
        acls=OWNER_ENFORCED,
        policy=policy(deliver, tls_only("nordwind-access-logs")),
        encryption=SSE_S3,
        lifecycle=EXPIRING,
    )
    account.client("sns", HOME).create_topic(Name="invoice-events")
    bucket(
        account,
        "nordwind-invoices-replica",
        LEGACY,
        block=BLOCK_ALL,
        acls=OWNER_ENFORCED,
        policy=policy(tls_only("nordwind-invoices-replica")),
        encryption=kms(LEGACY),
        versioning=ENABLED,
    )
    bucket(
        account,
        "nordwind-invoices",
        HOME,
        lockable=True,
        block=BLOCK_ALL,
        acls=OWNER_ENFORCED,
        policy=policy(tls_only("nordwind-invoices")),
        encryption=kms(HOME),
        versioning=ENABLED,
        lock=LOCKED,
        lifecycle=EXPIRING,
        logging=logs("nordwind-invoices"),
        notifications={
            "TopicConfigurations": [
                {"TopicArn": f"arn:aws:sns:{HOME}:{ACCOUNT}:invoice-events", "Events": ["s3:ObjectCreated:*"]}
            ]
        },
        replication={
            "Role": f"arn:aws:iam::{ACCOUNT}:role/invoice-replication",
            "Rules": [
                {
                    "ID": "to-us-east-1",
                    "Priority": 1,
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "DeleteMarkerReplication": {"Status": "Disabled"},
                    "Destination": {"Bucket": "arn:aws:s3:::nordwind-invoices-replica"},
                }
            ],
        },
        tags=labels(owner="finance", data="confidential"),
    )
    bucket(
        account,
        "nordwind-website",
        HOME,
        policy=policy(allow("s3:GetObject", "arn:aws:s3:::nordwind-website/*", Principal="*")),
        encryption=SSE_S3,
        website={"IndexDocument": {"Suffix": "index.html"}},
        tags=labels(owner="marketing"),
    )
    # A condition that narrows nothing.
    everyone = {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}
    bucket(
        account,
        "nordwind-partner-drop",
        HOME,
        policy=policy(
            allow(
                "s3:PutObject",
                "arn:aws:s3:::nordwind-partner-drop/*",
                Principal={"AWS": ["*"]},
                Condition=everyone,
            )
        ),
        encryption=SSE_S3,
        versioning=ENABLED,
        tags=labels(owner=HOSTILE),
    )
    bucket(account, "nordwind-legacy-exports", LEGACY, acls=OBJECT_WRITER, encryption=SSE_S3)
    grants = [
        {"Grantee": {"Type": "CanonicalUser", "ID": OWNER_ID}, "Permission": "FULL_CONTROL"},
        {"Grantee": {"Type": "Group", "URI": GROUPS + "AllUsers"}, "Permission": "READ"},
        {"Grantee": {"Type": "Group", "URI": GROUPS + "AuthenticatedUsers"}, "Permission": "WRITE"},
    ]
    client = account.client("s3", LEGACY)
    client.put_bucket_acl(
        Bucket="nordwind-legacy-exports", AccessControlPolicy={"Grants": grants, "Owner": {"ID": OWNER_ID}}
    )
    found = client.get_bucket_acl(Bucket="nordwind-legacy-exports")["Grants"]
    account.stuck("bucket nordwind-legacy-exports, ACL", found, grants)
    # Public by the text, closed by the organization; the account's setting completes its block.
    in_organization = {"StringEquals": {"aws:PrincipalOrgID": "o-nordwind01"}}
    bucket(
        account,
        "nordwind-parcel-tracking",
        HOME,
        block=BLOCK_ALL | {"BlockPublicAcls": False},
        acls=OWNER_ENFORCED,
        policy=policy(
            allow(
                "s3:GetObject",
                "arn:aws:s3:::nordwind-parcel-tracking/*",
                Principal="*",
                Condition=in_organization,
            ),
            tls_only("nordwind-parcel-tracking"),
        ),
        encryption=kms(HOME),
        logging=logs("nordwind-parcel-tracking"),
    )
    bucket(
        account,
        "nordwind-datalake",
        LEGACY,
        block=BLOCK_ALL,
        acls=OWNER_ENFORCED,
        policy=policy(
            allow(
                ["s3:GetObject", "s3:PutBucketPolicy"],
                ["arn:aws:s3:::nordwind-datalake", "arn:aws:s3:::nordwind-datalake/*"],
                Principal={"AWS": f"arn:aws:iam::{VENDOR}:root"},
            ),
            tls_only("nordwind-datalake"),
        ),
        encryption=kms(LEGACY),
        lifecycle=EXPIRING,
    )
    bucket(
        account,
        f"aws-glue-assets-{ACCOUNT}-us-east-1",
        LEGACY,
        block=BLOCK_ALL,
        acls=OWNER_ENFORCED,
        encryption=SSE_S3,
    )
    s3_control(account)


GROUPS = "http://acs.amazonaws.com/groups/global/"
# The canonical user that moto makes the owner of every bucket.
OWNER_ID = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"


def s3_control(account: Account) -> None:
    client = account.client("s3control", HOME)
    flags = {key: key == "BlockPublicAcls" for key in BLOCK_ALL}
    client.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=flags)
    found = client.get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"]
    account.stuck("the account's public access block", found, flags)
    open_ = dict.fromkeys(BLOCK_ALL, False)
    for name, of, flags in (
        ("invoices-reader", "nordwind-invoices", BLOCK_ALL),
        ("website-editors", "nordwind-website", open_),
    ):
        client.create_access_point(
            AccountId=ACCOUNT, Name=name, Bucket=of, PublicAccessBlockConfiguration=flags
        )
        found = client.get_access_point(AccountId=ACCOUNT, Name=name)
        account.stuck(f"access point {name}", found, {"Bucket": of, "PublicAccessBlockConfiguration": flags})
    worldwide = account.client("s3control", "us-west-2")
    for name, of, flags in (
        ("tracking-worldwide", "nordwind-parcel-tracking", BLOCK_ALL),
        ("site-worldwide", "nordwind-website", open_),
    ):
        details = {"Name": name, "PublicAccessBlock": flags, "Regions": [{"Bucket": of}]}
        worldwide.create_multi_region_access_point(AccountId=ACCOUNT, ClientToken=name, Details=details)
        found = worldwide.get_multi_region_access_point(AccountId=ACCOUNT, Name=name)["AccessPoint"]
        account.stuck(f"multi-region access point {name}", found, {"Name": name, "PublicAccessBlock": flags})


# --------------------------------------------------------------------------------------------- IAM

# name: statements of a customer managed policy. Unattached: break-glass-2020, reporting-2022.
POLICIES: dict[str, list[Json]] = {
    "orders-developer": [
        allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::nordwind-invoices/*"),
        allow("sqs:SendMessage", f"arn:aws:sqs:{HOME}:{ACCOUNT}:orders"),
    ],
    "metrics-write": [allow("cloudwatch:PutMetricData")],
    "everything-for-migration": [allow("*")],
    "break-glass-2020": [allow("*")],
    "reporting-2022": [allow("s3:GetObject", "arn:aws:s3:::nordwind-datalake/*")],
    "team-lead-access": [allow("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/*")],
    "pass-any-role": [allow(["iam:PassRole", "ec2:RunInstances"])],
    "storage-everything": [
        allow("s3:*", ["arn:aws:s3:::nordwind-scratch", "arn:aws:s3:::nordwind-scratch/*"])
    ],
    "decrypt-anything": [allow(["kms:Decrypt", "kms:ReEncryptFrom"])],
    "trail-operator": [allow("cloudtrail:*")],
    "all-but-iam": [
        {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"}
    ],
}

# name: attached policies, members are named with the users.
GROUPS_OF_USERS = {
    "engineers": ["orders-developer", AWS_POLICY + "AWSCloudShellFullAccess"],
    "administrators": [AWS_POLICY + "AdministratorAccess"],
    "machines": ["metrics-write"],
    "interns-2021": [],
}

# name: groups, console password, MFA serial, dates in days before now.
USERS: dict[str, Json] = {
    "anna.keller": {
        "groups": ["engineers", "administrators"],
        "password": True,
        "mfa": f"arn:aws:iam::{ACCOUNT}:mfa/anna.keller",
        "age": {"created": 800, "password_changed": 60, "password_used": 2},
    },
    "ben.vogt": {
        "groups": ["engineers"],
        "password": True,
        "age": {"created": 500, "password_changed": 70, "password_used": 3},
    },
    "carla.neumann": {
        "groups": ["engineers"],
        "password": True,
        "mfa": "GAHT12345678",
        "age": {"created": 1200, "password_changed": 300, "password_used": 200},
    },
    "dora.lang": {
        "groups": ["engineers"],
        "password": True,
        "mfa": f"arn:aws:iam::{ACCOUNT}:mfa/dora.lang",
        "age": {
            "created": 120,
            "password_changed": 40,
            "password_used": 5,
            "access_keys": [{"created": 120}],
        },
    },
    "ci-deploy": {
        "groups": [],
        "policies": [AWS_POLICY + "AdministratorAccess"],
        "age": {
            "created": 900,
            "access_keys": [
                {"created": 400, "used": 1, "service": "s3", "region": LEGACY},
                {"created": 20, "used": 1, "service": "ecr", "region": HOME},
            ],
        },
    },
    "legacy-sync": {
        "groups": ["machines"],
        "inline": {"sync-keys": [allow("kms:Decrypt")]},
        "age": {
            "created": 700,
            "access_keys": [{"created": 80, "used": 70, "service": "s3", "region": LEGACY}],
        },
    },
    "metrics-exporter": {
        "groups": ["machines"],
        "mfa": "GAHT87654321",
        "age": {
            "created": 300,
            "access_keys": [{"created": 30, "used": 1, "service": "monitoring", "region": HOME}],
        },
    },
}

IN_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
OWN_USERS_WITH_MFA = trust(
    {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Bool={"aws:MultiFactorAuthPresent": "true"}
)
GITHUB = "token.actions.githubusercontent.com"
FROM_GITHUB = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"}
FOR_AWS = {f"{GITHUB}:aud": "sts.amazonaws.com"}

# name: trust policy, attached policies, inline policies, days since created and last used.
ROLES: dict[str, tuple[str, list[str], dict[str, list[Json]], int, int]] = {
    "orders-api": (trust({"Service": "ec2.amazonaws.com"}), ["orders-developer"], {}, 400, 1),
    "migration-runner": (trust({"Service": "ec2.amazonaws.com"}), ["everything-for-migration"], {}, 900, 300),
    "vendor-monitoring": (
        trust({"AWS": f"arn:aws:iam::{VENDOR}:root"}),
        [AWS_POLICY + "ReadOnlyAccess"],
        {},
        600,
        3,
    ),
    "vendor-backup": (
        trust({"AWS": f"arn:aws:iam::{VENDOR}:root"}, StringEquals={"sts:ExternalId": "nordwind-7f3a"}),
        ["metrics-write"],
        {},
        600,
        2,
    ),
    "open-house": (trust({"AWS": "*"}), ["metrics-write"], {}, 200, 10),
    "config-recorder": (trust({"Service": "config.amazonaws.com"}), ["metrics-write"], {}, 300, 1),
    "flow-log-delivery": (
        trust({"Service": "vpc-flow-logs.amazonaws.com"}, **IN_ACCOUNT),
        ["metrics-write"],
        {},
        300,
        1,
    ),
    "github-deploy": (
        trust(FROM_GITHUB, "sts:AssumeRoleWithWebIdentity", StringEquals=FOR_AWS),
        ["orders-developer"],
        {},
        150,
        1,
    ),
    "github-release": (
        trust(
            FROM_GITHUB,
            "sts:AssumeRoleWithWebIdentity",
            StringEquals=FOR_AWS | {f"{GITHUB}:sub": "repo:nordwind/shop:environment:production"},
        ),
        ["orders-developer"],
        {},
        150,
        1,
    ),
    "aws-support": (OWN_USERS_WITH_MFA, [AWS_POLICY + "AWSSupportAccess"], {}, 500, 30),
    "team-lead": (OWN_USERS_WITH_MFA, ["team-lead-access", "all-but-iam"], {}, 500, 4),
    "release-manager": (OWN_USERS_WITH_MFA, ["pass-any-role"], {}, 500, 4),
    "warehouse-etl": (
        OWN_USERS_WITH_MFA,
        ["storage-everything", "decrypt-anything", "trail-operator"],
        {},
        500,
        4,
    ),
    "nightly-batch": (OWN_USERS_WITH_MFA, [], {"do-it-all": [allow("*")]}, 500, 1),
    "invoice-replication": (
        trust({"Service": "s3.amazonaws.com"}, **IN_ACCOUNT),
        ["orders-developer"],
        {},
        500,
        1,
    ),
}


def iam(account: Account) -> None:
    client = account.client("iam")
    passwords = {
        "MinimumPasswordLength": 14,
        "RequireSymbols": False,
        "RequireNumbers": True,
        "RequireUppercaseCharacters": True,
        "RequireLowercaseCharacters": True,
        "AllowUsersToChangePassword": True,
        "MaxPasswordAge": 90,
        "PasswordReusePrevention": 5,
    }
    client.update_account_password_policy(**passwords)
    account.stuck("password policy", client.get_account_password_policy()["PasswordPolicy"], passwords)

    arns = {}
    for name, statements in POLICIES.items():
        arns[name] = client.create_policy(PolicyName=name, PolicyDocument=policy(*statements))["Policy"][
            "Arn"
        ]
    for name, attached in GROUPS_OF_USERS.items():
        client.create_group(GroupName=name)
        for which in attached:
            client.attach_group_policy(GroupName=name, PolicyArn=arns.get(which, which))
    for name, facts in USERS.items():
        user(account, name, facts)
    for name, (trusted, attached, inline, created, used) in ROLES.items():
        client.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)
        for which in attached:
            client.attach_role_policy(RoleName=name, PolicyArn=arns.get(which, which))
        for which, statements in inline.items():
            client.put_role_policy(RoleName=name, PolicyName=which, PolicyDocument=policy(*statements))
        account.ages["roles"][name] = {"created": created, "used": used, "region": HOME}
    for name in ("orders-api", "migration-runner"):
        client.create_instance_profile(InstanceProfileName=name)
        client.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    client.create_saml_provider(Name="nordwind-sso", SAMLMetadataDocument="<EntityDescriptor/>" + " " * 1000)
    client.create_open_id_connect_provider(
        Url=f"https://{GITHUB}",
        ClientIDList=["sts.amazonaws.com"],
        ThumbprintList=["6938fd4d98bab03faadb97b34396831e3780aea1"],
    )
    for name in ("shop-2019", "shop-2026"):
        client.upload_server_certificate(
            ServerCertificateName=name, CertificateBody="fake", PrivateKey="fake"
        )

    details = client.get_account_authorization_details(Filter=["User", "Role", "Group", "LocalManagedPolicy"])
    for found in details["Policies"]:
        version = next(v for v in found["PolicyVersionList"] if v["IsDefaultVersion"])
        wanted = json.loads(policy(*POLICIES[found["PolicyName"]]))
        account.stuck(f"policy {found['PolicyName']}", version["Document"], wanted)
    for found in details["RoleDetailList"]:
        trusted, attached, inline, _, _ = ROLES[found["RoleName"]]
        wanted = {
            "AssumeRolePolicyDocument": json.loads(trusted),
            "AttachedManagedPolicies": [{"PolicyArn": arns.get(which, which)} for which in attached],
            "RolePolicyList": [{"PolicyName": which} for which in inline],
        }
        account.stuck(f"role {found['RoleName']}", found, wanted)
    for found in details["UserDetailList"]:
        wanted = {
            "GroupList": USERS[found["UserName"]]["groups"],
            "UserPolicyList": [{"PolicyName": which} for which in USERS[found["UserName"]].get("inline", {})],
        }
        account.stuck(f"user {found['UserName']}", found, wanted)
    for kind, wanted in (
        ("Policies", POLICIES),
        ("RoleDetailList", ROLES),
        ("UserDetailList", USERS),
        ("GroupDetailList", GROUPS_OF_USERS),
    ):
        account.stuck(f"number of {kind}", len(details[kind]), len(wanted))


def user(account: Account, name: str, facts: Json) -> None:
    client = account.client("iam")
    client.create_user(UserName=name)
    for group in facts["groups"]:
        client.add_user_to_group(UserName=name, GroupName=group)
    for which in facts.get("policies", []):
        client.attach_user_policy(UserName=name, PolicyArn=which)
    for which, statements in facts.get("inline", {}).items():
        client.put_user_policy(UserName=name, PolicyName=which, PolicyDocument=policy(*statements))
    if facts.get("password"):
        client.create_login_profile(UserName=name, Password="not-a-secret-1A")
    if serial := facts.get("mfa"):
        if serial.startswith("arn:"):
            client.create_virtual_mfa_device(VirtualMFADeviceName=name)
        client.enable_mfa_device(
            UserName=name, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
        )
    for _ in facts["age"].get("access_keys", []):
        client.create_access_key(UserName=name)
    account.ages["users"][name] = facts["age"]


def iam_dates(account: Account) -> None:
    """After the dates are set: that the credential report and the role listing show them."""
    client = account.client("iam")
    client.generate_credential_report()
    report = client.get_credential_report()["Content"].decode().splitlines()
    header = report[0].split(",")
    rows = {row.split(",")[0]: dict(zip(header, row.split(","), strict=True)) for row in report[1:]}
    account.stuck("credential report, users", sorted(rows), sorted(["<root_account>", *USERS]))
    for name, facts in USERS.items():
        wanted = {
            "password_enabled": str(facts.get("password", False)).lower(),
            "mfa_active": str("mfa" in facts).lower(),
            "access_key_1_active": str("access_keys" in facts["age"]).lower(),
            "access_key_2_active": str(len(facts["age"].get("access_keys", [])) > 1).lower(),
        }
        account.stuck(f"credential report, {name}", rows.get(name), wanted)
    details = client.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    now = datetime.now(UTC)
    for found in details:
        _, _, _, created, used = ROLES[found["RoleName"]]
        last = found.get("RoleLastUsed", {}).get("LastUsedDate", now)
        account.stuck(
            f"dates of role {found['RoleName']}",
            [(now - found["CreateDate"]).days, (now - last).days],
            [created, used],
        )


# ------------------------------------------------------------------------------- EC2, EBS and VPC

INTERFACE_ENDPOINTS = ["ec2", "ecr.api", "ecr.dkr", "ssm", "ssm-contacts", "ssm-incidents"]


class Region:
    """EC2 in one region. Everything made carries its name as the Name tag."""

    def __init__(self, account: Account, name: str) -> None:
        self.account = account
        self.name = name
        self.ec2 = account.client("ec2", name)

    def name_it(self, resource: str, name: str) -> str:
        self.ec2.create_tags(Resources=[resource], Tags=tags(name))
        return resource

    def vpc(self, name: str, cidr: str) -> str:
        vpc = self.ec2.create_vpc(CidrBlock=cidr, TagSpecifications=tagged("vpc", name))["Vpc"]["VpcId"]
        of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
        acl = self.ec2.describe_network_acls(Filters=of_vpc)["NetworkAcls"][0]["NetworkAclId"]
        group = self.ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"][0]["GroupId"]
        routes = self.ec2.describe_route_tables(Filters=of_vpc)["RouteTables"][0]["RouteTableId"]
        for resource, suffix in ((acl, "default-acl"), (group, "default"), (routes, "main-routes")):
            self.name_it(resource, f"{name}-{suffix}")
        return vpc

    def remove_default_vpc(self) -> None:
        """As the company's guidelines ask."""
        body = json.dumps({"account": ACCOUNT, "region": self.name}).encode()
        self.account.send("POST", "/demarc-admin/remove-default-vpc", body)
        self.account.stuck(f"no default VPC in {self.name}", self.ec2.describe_vpcs()["Vpcs"], [])
        self.account.stuck(f"no ACL in {self.name}", self.ec2.describe_network_acls()["NetworkAcls"], [])

    def gateway(self, name: str, vpc: str) -> str:
        made = self.ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", name))
        gateway = made["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        return gateway

    def subnet(self, name: str, vpc: str, cidr: str, zone: str, automatic_ip: bool = False) -> str:
        subnet = self.ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=cidr,
            AvailabilityZone=self.name + zone,
            TagSpecifications=tagged("subnet", name),
        )["Subnet"]["SubnetId"]
        self.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": automatic_ip})
        return subnet

    def routes(self, name: str, vpc: str, subnets: list[str], **route: str) -> str:
        made = self.ec2.create_route_table(VpcId=vpc, TagSpecifications=tagged("route-table", name))
        table = made["RouteTable"]["RouteTableId"]
        for subnet in subnets:
            self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        if route:
            self.ec2.create_route(RouteTableId=table, **route)
        return table

    def group(self, name: str, vpc: str, *rules: Json) -> str:
        group = self.ec2.create_security_group(
            GroupName=name, Description=name, VpcId=vpc, TagSpecifications=tagged("security-group", name)
        )["GroupId"]
        if rules:
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=list(rules))
        return group

    def acl_rule(self, acl: str, number: int, verdict: str, ports: tuple[int, int] | None) -> None:
        of_ports = {"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}
        self.ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=number,
            Protocol="6" if ports else "-1",
            RuleAction=verdict,
            Egress=False,
            CidrBlock=ANYWHERE,
            **of_ports,
        )

    def image(self, name: str, encrypted: bool, days: int) -> str:
        image = self.ec2.register_image(Name=name, RootDeviceName="/dev/sda1", VirtualizationType="hvm")[
            "ImageId"
        ]
        disk = self.ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"][0]
        snapshot = self.name_it(disk["Ebs"]["SnapshotId"], f"{name}-image")
        self.account.ages["images"][self.name][image] = days
        self.account.ages["snapshots"][self.name][snapshot] = days
        if encrypted:
            on_disk = {"DeviceName": "/dev/sda1", "Ebs": {"Encrypted": True}}
            self.account.patch(
                "ec2", "DescribeImages", Images=[{"ImageId": image, "BlockDeviceMappings": [on_disk]}]
            )
            self.account.patch(
                "ec2", "DescribeSnapshots", Snapshots=[{"SnapshotId": snapshot, "Encrypted": True}]
            )
        return self.name_it(image, name)

    def snapshot(self, name: str, volume: str, days: int) -> str:
        snapshot = self.ec2.create_snapshot(VolumeId=volume, TagSpecifications=tagged("snapshot", name))[
            "SnapshotId"
        ]
        self.account.ages["snapshots"][self.name][snapshot] = days
        return snapshot

    def instance(
        self, name: str, launched: int, *, volume: Json, more_tags: Json | None = None, **options: Any
    ) -> str:
        made = self.ec2.run_instances(
            MinCount=1,
            MaxCount=1,
            TagSpecifications=tagged("instance", name, **(more_tags or {})),
            BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": volume}],
            **options,
        )["Instances"][0]
        instance = made["InstanceId"]
        self.account.ages["instances"][self.name][instance] = {"launched": launched}
        attached = [{"Name": "attachment.instance-id", "Values": [instance]}]
        for volume_made in self.ec2.describe_volumes(Filters=attached)["Volumes"]:
            self.name_it(volume_made["VolumeId"], f"{name}-root")
        for interface in self.interfaces(instance):
            self.name_it(
                interface["NetworkInterfaceId"], f"{name}-eth{interface['Attachment']['DeviceIndex']}"
            )
        return instance

    def interfaces(self, instance: str) -> list[Json]:
        attached = [{"Name": "attachment.instance-id", "Values": [instance]}]
        return self.ec2.describe_network_interfaces(Filters=attached)["NetworkInterfaces"]

    def volume(self, name: str, encrypted: bool, instance: str = "") -> str:
        zone = self.name + "a"
        made = self.ec2.create_volume(
            Size=20, Encrypted=encrypted, AvailabilityZone=zone, TagSpecifications=tagged("volume", name)
        )
        if instance:
            self.ec2.attach_volume(VolumeId=made["VolumeId"], InstanceId=instance, Device="/dev/sdf")
        return made["VolumeId"]

    def template(self, name: str, *versions: Json) -> None:
        self.ec2.create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData=versions[0],
            TagSpecifications=tagged("launch-template", name),
        )
        for data in versions[1:]:
            self.ec2.create_launch_template_version(LaunchTemplateName=name, LaunchTemplateData=data)
        self.ec2.modify_launch_template(LaunchTemplateName=name, DefaultVersion=str(len(versions)))
        found = self.ec2.describe_launch_template_versions(LaunchTemplateName=name, Versions=["$Default"])
        data = found["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        self.account.stuck(f"launch template {name}", data, versions[-1])


def tcp(first: int, last: int, *cidrs: str) -> Json:
    return {"IpProtocol": "tcp", "FromPort": first, "ToPort": last, **ranges(*cidrs)}


def ranges(*cidrs: str) -> Json:
    return {
        "IpRanges": [{"CidrIp": cidr} for cidr in cidrs if ":" not in cidr],
        "Ipv6Ranges": [{"CidrIpv6": cidr} for cidr in cidrs if ":" in cidr],
    }


def from_group(port: int, group: str) -> Json:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": group}]}


def shop(account: Account, key: str) -> dict[str, Any]:
    """The platform of today: two zones, public and private subnets, everything encrypted."""
    region = Region(account, HOME)
    ec2 = region.ec2
    region.remove_default_vpc()
    ec2.enable_ebs_encryption_by_default()
    vpc = region.vpc("shop", "10.10.0.0/16")
    public = [
        region.subnet(f"shop-public-{zone}", vpc, f"10.10.{i}.0/24", zone) for i, zone in enumerate("ab")
    ]
    private = [
        region.subnet(f"shop-private-{zone}", vpc, f"10.10.1{i}.0/24", zone) for i, zone in enumerate("ab")
    ]
    gateway = region.gateway("shop-gateway", vpc)
    region.routes("shop-public-routes", vpc, public, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    region.routes("shop-private-routes", vpc, private)
    ec2.create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[vpc],
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::nordwind-access-logs",
        TagSpecifications=tagged("vpc-flow-log", "shop-flow-log"),
    )

    # The default group and ACL of the VPC admit nothing, and the subnets use an ACL of their own.
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    default = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"][0]
    if default["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=default["GroupId"], IpPermissions=default["IpPermissions"])
    ec2.revoke_security_group_egress(GroupId=default["GroupId"], IpPermissions=default["IpPermissionsEgress"])
    default_acl = ec2.describe_network_acls(Filters=of_vpc)["NetworkAcls"][0]
    ec2.delete_network_acl_entry(NetworkAclId=default_acl["NetworkAclId"], RuleNumber=100, Egress=False)
    acl = ec2.create_network_acl(VpcId=vpc, TagSpecifications=tagged("network-acl", "shop-acl"))[
        "NetworkAcl"
    ]["NetworkAclId"]
    # A later rule admits all, after these two have refused the administrators' ports.
    region.acl_rule(acl, 80, "deny", (22, 22))
    region.acl_rule(acl, 90, "deny", (3389, 3389))
    region.acl_rule(acl, 100, "allow", None)
    for association in ec2.describe_network_acls(NetworkAclIds=[default_acl["NetworkAclId"]])["NetworkAcls"][
        0
    ]["Associations"]:
        ec2.replace_network_acl_association(
            AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl
        )

    web = region.group("shop-web", vpc, tcp(80, 80, ANYWHERE, ANYWHERE6), tcp(443, 443, ANYWHERE, ANYWHERE6))
    app = region.group("shop-app", vpc, from_group(8080, web))
    database = region.group("shop-database", vpc, from_group(5432, app))
    bastion = region.group("shop-bastion", vpc, tcp(22, 22, ANYWHERE), tcp(6379, 6379, ANYWHERE))
    inside = region.group("shop-endpoints", vpc, tcp(443, 443, "10.10.0.0/16"))

    own = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
    for service in INTERFACE_ENDPOINTS:
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{HOME}.{service}",
            VpcEndpointType="Interface",
            SubnetIds=private,
            SecurityGroupIds=[inside],
            PolicyDocument=policy(allow("*", Principal="*", Condition=own)),
            TagSpecifications=tagged("vpc-endpoint", f"shop-{service}"),
        )

    image = region.image("shop-base-2026", True, 30)
    required = {"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"}
    app_1 = region.instance(
        "shop-app-1",
        40,
        volume={"Encrypted": True, "KmsKeyId": key, "VolumeSize": 8},
        ImageId=image,
        InstanceType="m7g.large",
        NetworkInterfaces=[
            {"DeviceIndex": 0, "SubnetId": private[0], "Groups": [app], "AssociatePublicIpAddress": False}
        ],
        IamInstanceProfile={"Name": "orders-api"},
        MetadataOptions=required,
        Monitoring={"Enabled": True},
    )
    ec2.create_key_pair(KeyName="shop-admin")
    region.instance(
        "shop-bastion-1",
        300,
        volume={"Encrypted": True, "KmsKeyId": key, "VolumeSize": 8},
        more_tags={"note": HOSTILE},
        ImageId=image,
        InstanceType="t3.micro",
        NetworkInterfaces=[
            {
                "DeviceIndex": 0,
                "SubnetId": public[0],
                "Groups": [bastion, web],
                "AssociatePublicIpAddress": True,
            }
        ],
        IamInstanceProfile={"Name": "migration-runner"},
        MetadataOptions={"HttpTokens": "optional", "HttpEndpoint": "enabled"},
        KeyName="shop-admin",
    )
    data = region.volume("shop-app-1-data", True, app_1)
    region.snapshot("shop-app-1-data-nightly", data, 1)
    for name in ("shop-app-1", "shop-bastion-1"):
        root = ec2.describe_volumes(Filters=[{"Name": "tag:Name", "Values": [f"{name}-root"]}])["Volumes"][0]
        region.snapshot(f"{name}-root-nightly", root["VolumeId"], 1)

    address = ec2.allocate_address(
        Domain="vpc", Address="203.0.113.7", TagSpecifications=tagged("elastic-ip", "shop-nat-address")
    )
    ec2.create_nat_gateway(
        SubnetId=public[0],
        AllocationId=address["AllocationId"],
        TagSpecifications=tagged("natgateway", "shop-nat"),
    )
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeSize": 8}}
    sound = {
        "ImageId": image,
        "InstanceType": "m7g.large",
        "MetadataOptions": {"HttpTokens": "required"},
        "BlockDeviceMappings": [disk],
        "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": False}],
    }
    # What counts is the default version, not the first.
    region.template("shop-app", sound | {"MetadataOptions": {"HttpTokens": "optional"}}, sound)
    # The interface that RDS makes for `shop-orders`; moto's RDS makes none.
    interface = ec2.create_network_interface(
        SubnetId=private[0],
        Groups=[database],
        Description="RDSNetworkInterface",
        TagSpecifications=tagged("network-interface", "shop-orders-interface"),
    )["NetworkInterface"]["NetworkInterfaceId"]
    attached = {
        "NetworkInterfaceId": interface,
        "Status": "in-use",
        "RequesterManaged": True,
        "RequesterId": "amazon-rds",
        "Attachment": {
            "AttachmentId": "eni-attach-0a1b2c3d4e5f60718",
            "InstanceOwnerId": "amazon-rds",
            "Status": "attached",
        },
    }
    account.patch("ec2", "DescribeNetworkInterfaces", NetworkInterfaces=[attached])
    return {"private": private, "database": database}


def legacy(account: Account) -> dict[str, Any]:
    """What the acquisition brought: one public subnet, and doors left open."""
    region = Region(account, LEGACY)
    ec2 = region.ec2
    region.remove_default_vpc()
    ec2.disable_ebs_encryption_by_default()
    vpc = region.vpc("legacy", "172.20.0.0/16")
    subnet = region.subnet("legacy-a", vpc, "172.20.0.0/24", "a", automatic_ip=True)
    gateway = region.gateway("legacy-gateway", vpc)
    table = region.routes("legacy-routes", vpc, [subnet], DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    region.vpc("legacy-empty", "172.21.0.0/16")
    ec2.create_network_acl(VpcId=vpc, TagSpecifications=tagged("network-acl", "legacy-unused-acl"))
    vendor = account.vendor("ec2", LEGACY)
    peering = ec2.create_vpc_peering_connection(
        VpcId=vpc,
        PeerVpcId=vendor.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"],
        PeerOwnerId=VENDOR,
        TagSpecifications=tagged("vpc-peering-connection", "legacy-vendor"),
    )["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    vendor.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.0.0.0/8", VpcPeeringConnectionId=peering)
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{LEGACY}.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[table],
        PolicyDocument=policy(allow("*", Principal="*")),
        TagSpecifications=tagged("vpc-endpoint", "legacy-s3"),
    )

    # As EC2 makes it; moto's default group has no rule for traffic that comes in.
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    default = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"][0]["GroupId"]
    from_itself = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": default}]}
    ec2.authorize_security_group_ingress(GroupId=default, IpPermissions=[from_itself])
    rdp = region.group("legacy-rdp", vpc, tcp(3389, 3389, ANYWHERE6))
    everything = region.group("legacy-everything", vpc, {"IpProtocol": "-1", **ranges(ANYWHERE)})
    region.group(
        "launch-wizard-7", vpc, {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, **ranges(ANYWHERE)}
    )
    many = region.group(
        "legacy-many-rules", vpc, *(tcp(port, port, "10.0.0.0/24") for port in range(5000, 5060))
    )
    wide = region.group(
        "legacy-databases",
        vpc,
        tcp(3306, 3306, "84.0.0.0/6"),
        {"IpProtocol": "-1", **ranges("10.0.0.0/8")},
    )

    image = region.image("legacy-base-2019", False, 2500)
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"Group": "all"}]})
    ec2.create_key_pair(KeyName="legacy")
    erp = region.instance(
        "legacy-erp",
        1500,
        volume={"Encrypted": False, "VolumeSize": 8},
        ImageId=image,
        InstanceType="m4.large",
        KeyName="legacy",
        NetworkInterfaces=[
            {
                "DeviceIndex": 0,
                "SubnetId": subnet,
                "Groups": [everything, rdp, many],
                "AssociatePublicIpAddress": True,
            }
        ],
    )
    second = ec2.create_network_interface(
        SubnetId=subnet, Groups=[wide], TagSpecifications=tagged("network-interface", "legacy-erp-eth1")
    )["NetworkInterface"]["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=second, InstanceId=erp, DeviceIndex=1)
    ec2.modify_network_interface_attribute(NetworkInterfaceId=second, SourceDestCheck={"Value": False})
    fax = region.instance(
        "legacy-fax",
        2000,
        volume={"Encrypted": False, "VolumeSize": 8},
        ImageId=image,
        InstanceType="m1.small",
        NetworkInterfaces=[
            {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [rdp], "AssociatePublicIpAddress": False}
        ],
    )
    found = ec2.describe_instances(InstanceIds=[fax])["Reservations"][0]
    old = {"InstanceId": fax, "VirtualizationType": "paravirtual"}
    account.patch(
        "ec2",
        "DescribeInstances",
        Reservations=[{"ReservationId": found["ReservationId"], "Instances": [old]}],
    )
    ec2.stop_instances(InstanceIds=[fax])
    account.ages["instances"][LEGACY][fax]["stopped"] = 400
    ec2.create_network_interface(
        SubnetId=subnet,
        Groups=[rdp],
        TagSpecifications=tagged("network-interface", "legacy-orphan-interface"),
    )
    ec2.allocate_address(
        Domain="vpc", Address="203.0.113.8", TagSpecifications=tagged("elastic-ip", "legacy-spare-address")
    )

    orphan = region.volume("legacy-orphan-volume", False)
    public = region.snapshot("legacy-orphan-2020", orphan, 2200)
    ec2.modify_snapshot_attribute(
        SnapshotId=public, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"]
    )
    region.template(
        "legacy-web",
        {
            "ImageId": image,
            "InstanceType": "t2.small",
            "MetadataOptions": {"HttpTokens": "optional"},
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": False, "VolumeSize": 8}}
            ],
            "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": True}],
        },
    )
    return {"subnet": subnet, "group": wide}


# What EC2 must answer in the end, per region, kind and name; a name not given here must not exist.
EC2_FACTS: dict[str, dict[str, dict[str, Json]]] = {
    HOME: {
        "Instances": {
            "shop-app-1": {
                "State": {"Name": "running"},
                "PublicIpAddress": None,
                "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
                "IamInstanceProfile": {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/orders-api"},
                "Monitoring": {"State": "enabled"},
                "KeyName": None,
                "VirtualizationType": "hvm",
                "SecurityGroups": [{"GroupName": "shop-app"}],
            },
            "shop-bastion-1": {
                "MetadataOptions": {"HttpTokens": "optional"},
                "IamInstanceProfile": {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/migration-runner"},
                "Monitoring": {"State": "disabled"},
                "KeyName": "shop-admin",
                "SecurityGroups": [{"GroupName": "shop-bastion"}, {"GroupName": "shop-web"}],
                "Tags": tags("shop-bastion-1", note=HOSTILE),
            },
        },
        "Volumes": {
            name: {"Encrypted": True, "State": "in-use"}
            for name in ("shop-app-1-root", "shop-app-1-data", "shop-bastion-1-root")
        },
        "Snapshots": {
            name: {"Encrypted": True}
            for name in (
                "shop-base-2026-image",
                "shop-app-1-root-nightly",
                "shop-app-1-data-nightly",
                "shop-bastion-1-root-nightly",
            )
        },
        "Images": {
            "shop-base-2026": {"Public": False, "BlockDeviceMappings": [{"Ebs": {"Encrypted": True}}]}
        },
        "SecurityGroups": {
            "shop-default": {"IpPermissions": [], "IpPermissionsEgress": []},
            "shop-web": {"IpPermissions": [{"FromPort": 80}, {"FromPort": 443}]},
            "shop-app": {"IpPermissions": [{"FromPort": 8080, "IpRanges": []}]},
            "shop-database": {"IpPermissions": [{"FromPort": 5432, "IpRanges": []}]},
            "shop-bastion": {
                "IpPermissions": [{"FromPort": 22, "IpRanges": [{"CidrIp": ANYWHERE}]}, {"FromPort": 6379}]
            },
            "shop-endpoints": {
                "IpPermissions": [{"FromPort": 443, "IpRanges": [{"CidrIp": "10.10.0.0/16"}]}]
            },
        },
        "NetworkAcls": {
            "shop-default-acl": {"IsDefault": True, "Associations": []},
            "shop-acl": {"IsDefault": False},
        },
        "NetworkInterfaces": {
            "shop-app-1-eth0": {"Status": "in-use", "SourceDestCheck": True},
            "shop-bastion-1-eth0": {"Status": "in-use", "SourceDestCheck": True},
        },
        "Addresses": {"shop-nat-address": {"PublicIp": "203.0.113.7", "InstanceId": None}},
        "Subnets": {
            name: {"MapPublicIpOnLaunch": False}
            for name in ("shop-public-a", "shop-public-b", "shop-private-a", "shop-private-b")
        },
        "VpcEndpoints": {f"shop-{service}": {"State": "available"} for service in INTERFACE_ENDPOINTS},
        "Vpcs": {"shop": {"IsDefault": False}},
        "FlowLogs": {"shop-flow-log": {"FlowLogStatus": "ACTIVE", "TrafficType": "ALL"}},
        "VpcPeeringConnections": {},
    },
    LEGACY: {
        "Instances": {
            "legacy-erp": {
                "State": {"Name": "running"},
                "MetadataOptions": {"HttpTokens": "optional"},
                "IamInstanceProfile": None,
                "KeyName": "legacy",
                "NetworkInterfaces": [{"SourceDestCheck": True}, {"SourceDestCheck": False}],
            },
            "legacy-fax": {
                "State": {"Name": "stopped"},
                "PublicIpAddress": None,
                "VirtualizationType": "paravirtual",
                "KeyName": None,
            },
        },
        "Volumes": {
            "legacy-erp-root": {"Encrypted": False, "State": "in-use"},
            "legacy-fax-root": {"Encrypted": False, "State": "in-use"},
            "legacy-orphan-volume": {"Encrypted": False, "State": "available"},
        },
        "Snapshots": {
            "legacy-base-2019-image": {"Encrypted": False},
            "legacy-orphan-2020": {"Encrypted": False},
        },
        "Images": {"legacy-base-2019": {"Public": True}},
        "SecurityGroups": {
            "legacy-default": {
                "IpPermissions": [{"IpProtocol": "-1"}],
                "IpPermissionsEgress": [{"IpProtocol": "-1"}],
            },
            "legacy-empty-default": {"IpPermissionsEgress": [{"IpProtocol": "-1"}]},
            "legacy-rdp": {
                "IpPermissions": [{"FromPort": 3389, "IpRanges": [], "Ipv6Ranges": [{"CidrIpv6": ANYWHERE6}]}]
            },
            "legacy-everything": {
                "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}]
            },
            "launch-wizard-7": {"IpPermissions": [{"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1}]},
            "legacy-many-rules": {"IpPermissions": [{"FromPort": port} for port in range(5000, 5060)]},
            "legacy-databases": {
                "IpPermissions": [
                    {"FromPort": 3306, "IpRanges": [{"CidrIp": "84.0.0.0/6"}]},
                    {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
                ]
            },
        },
        "NetworkAcls": {
            "legacy-default-acl": {"IsDefault": True},
            "legacy-empty-default-acl": {"IsDefault": True, "Associations": []},
            "legacy-unused-acl": {"IsDefault": False, "Associations": []},
        },
        "NetworkInterfaces": {
            "legacy-erp-eth0": {"SourceDestCheck": True},
            "legacy-erp-eth1": {"SourceDestCheck": False},
            "legacy-fax-eth0": {"SourceDestCheck": True},
            "legacy-orphan-interface": {"Status": "available", "Attachment": None},
        },
        "Addresses": {"legacy-spare-address": {"PublicIp": "203.0.113.8", "AssociationId": None}},
        "Subnets": {"legacy-a": {"MapPublicIpOnLaunch": True}},
        "VpcEndpoints": {"legacy-s3": {"VpcEndpointType": "Gateway"}},
        "Vpcs": {"legacy": {"IsDefault": False}, "legacy-empty": {"IsDefault": False}},
        "FlowLogs": {},
        "VpcPeeringConnections": {
            "legacy-vendor": {"AccepterVpcInfo": {"OwnerId": VENDOR}, "Status": {"Code": "active"}}
        },
    },
}

DESCRIBED_BY: dict[str, tuple[str, Json]] = {
    "Instances": ("describe_instances", {}),
    "Volumes": ("describe_volumes", {}),
    "Snapshots": ("describe_snapshots", {"OwnerIds": ["self"]}),
    "Images": ("describe_images", {"Owners": ["self"]}),
    "SecurityGroups": ("describe_security_groups", {}),
    "NetworkAcls": ("describe_network_acls", {}),
    "NetworkInterfaces": ("describe_network_interfaces", {}),
    "Addresses": ("describe_addresses", {}),
    "Subnets": ("describe_subnets", {}),
    "VpcEndpoints": ("describe_vpc_endpoints", {}),
    "Vpcs": ("describe_vpcs", {}),
    "FlowLogs": ("describe_flow_logs", {}),
    "VpcPeeringConnections": ("describe_vpc_peering_connections", {}),
}


def ec2_facts(account: Account) -> None:
    """After the patches and the dates are set."""
    for region, kinds in EC2_FACTS.items():
        ec2 = account.client("ec2", region)
        for kind, facts in kinds.items():
            describe, arguments = DESCRIBED_BY[kind]
            answer = getattr(ec2, describe)(**arguments)
            if kind == "Instances":
                items = [
                    instance
                    for reservation in answer["Reservations"]
                    for instance in reservation["Instances"]
                ]
            else:
                items = answer[kind]
            found = {name_of(item): item for item in items if not item.get("RequesterManaged")}
            account.stuck(f"{kind} in {region}", sorted(found), sorted(facts))
            for name, wanted in facts.items():
                account.stuck(f"{kind} {name}", found.get(name), wanted)
        attribute = {"Attribute": "createVolumePermission"}
        for snapshot in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
            found = ec2.describe_snapshot_attribute(SnapshotId=snapshot["SnapshotId"], **attribute)
            wanted = [{"Group": "all"}] if name_of(snapshot) == "legacy-orphan-2020" else []
            account.stuck(
                f"permissions of {name_of(snapshot)}", found.get("CreateVolumePermissions", []), wanted
            )
    public_ips = {
        name_of(instance): "PublicIpAddress" in instance
        for region in (HOME, LEGACY)
        for reservation in account.client("ec2", region).describe_instances()["Reservations"]
        for instance in reservation["Instances"]
    }
    wanted = {"shop-app-1": False, "shop-bastion-1": True, "legacy-erp": True, "legacy-fax": False}
    account.stuck("public addresses", public_ips, wanted)


def name_of(item: Json) -> str:
    every = item.get("Tags") or item.get("TagSet") or []
    return next((tag["Value"] for tag in every if tag["Key"] == "Name"), "(no name)")


def region_defaults(account: Account) -> None:
    """The answers of `gaps.json`, as a client reads them."""
    for region, safe in ((HOME, True), (LEGACY, False)):
        ec2 = account.client("ec2", region)
        found = [
            ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"],
            ec2.get_image_block_public_access_state()["ImageBlockPublicAccessState"] == "block-new-sharing",
            ec2.get_snapshot_block_public_access_state()["State"] == "block-all-sharing",
            ec2.get_instance_metadata_defaults()["AccountLevel"].get("HttpTokens") == "required",
            not ec2.get_serial_console_access_status()["SerialConsoleAccessEnabled"],
            ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"][
                "InternetGatewayBlockMode"
            ]
            == "block-ingress",
        ]
        account.stuck(f"defaults of {region}", found, [safe] * 6)


# --------------------------------------------------------------------------------------------- RDS


def shop_databases(account: Account, network: Json, key: str) -> None:
    rds = account.client("rds", HOME)
    subnets(account, HOME, "shop-data", network["private"])
    rds.create_db_parameter_group(
        DBParameterGroupName="shop-postgres", DBParameterGroupFamily="postgres16", Description="TLS only"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="shop-postgres",
        Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}],
    )
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="shop-aurora",
        DBParameterGroupFamily="aurora-mysql8.0",
        Description="TLS only, audited",
    )
    audited = [
        {"ParameterName": "require_secure_transport", "ParameterValue": "ON", "ApplyMethod": "immediate"},
        {"ParameterName": "server_audit_logging", "ParameterValue": "1", "ApplyMethod": "immediate"},
        {
            "ParameterName": "server_audit_events",
            "ParameterValue": "CONNECT,QUERY_DCL",
            "ApplyMethod": "immediate",
        },
    ]
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="shop-aurora", Parameters=audited)
    database(
        account,
        HOME,
        "shop-orders",
        "instance",
        Engine="postgres",
        EngineVersion="16.4",
        DBInstanceClass="db.m7g.large",
        AllocatedStorage=100,
        MasterUsername="orders_owner",
        MasterUserPassword="not-a-secret",
        StorageEncrypted=True,
        KmsKeyId=key,
        PubliclyAccessible=False,
        AutoMinorVersionUpgrade=True,
        MultiAZ=True,
        BackupRetentionPeriod=14,
        DeletionProtection=True,
        EnableIAMDatabaseAuthentication=True,
        EnableCloudwatchLogsExports=["postgresql", "upgrade"],
        CopyTagsToSnapshot=True,
        Port=6432,
        MonitoringInterval=60,
        MonitoringRoleArn=f"arn:aws:iam::{ACCOUNT}:role/rds-monitoring",
        CACertificateIdentifier="rds-ca-rsa2048-g1",
        DBSubnetGroupName="shop-data",
        DBParameterGroupName="shop-postgres",
        VpcSecurityGroupIds=[network["database"]],
    )
    database(
        account,
        HOME,
        "shop-payments",
        "cluster",
        Engine="aurora-mysql",
        EngineVersion="8.0.mysql_aurora.3.05.2",
        MasterUsername="payments_owner",
        MasterUserPassword="not-a-secret",
        StorageEncrypted=True,
        KmsKeyId=key,
        BackupRetentionPeriod=14,
        DeletionProtection=True,
        EnableIAMDatabaseAuthentication=True,
        EnableCloudwatchLogsExports=["audit", "error", "slowquery"],
        CopyTagsToSnapshot=True,
        Port=6306,
        BacktrackWindow=86400,
        DBSubnetGroupName="shop-data",
        DBClusterParameterGroupName="shop-aurora",
        VpcSecurityGroupIds=[network["database"]],
    )
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="shop-cluster-postgres",
        DBParameterGroupFamily="postgres16",
        Description="TLS only",
    )
    rds.modify_db_cluster_parameter_group(
        DBClusterParameterGroupName="shop-cluster-postgres",
        Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}],
    )
    database(
        account,
        HOME,
        "shop-ledger",
        "cluster",
        Engine="postgres",
        EngineVersion="16.4",
        DBClusterInstanceClass="db.m6gd.large",
        AllocatedStorage=100,
        StorageType="io1",
        Iops=1000,
        MasterUsername="ledger_owner",
        MasterUserPassword="not-a-secret",
        StorageEncrypted=True,
        KmsKeyId=key,
        AutoMinorVersionUpgrade=True,
        BackupRetentionPeriod=14,
        DeletionProtection=True,
        EnableCloudwatchLogsExports=["postgresql"],
        CopyTagsToSnapshot=True,
        Port=6432,
        DBSubnetGroupName="shop-data",
        DBClusterParameterGroupName="shop-cluster-postgres",
        VpcSecurityGroupIds=[network["database"]],
    )
    drop_automated_snapshots(rds)
    rds.create_db_snapshot(DBSnapshotIdentifier="shop-orders-weekly", DBInstanceIdentifier="shop-orders")
    rds.create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="shop-payments-weekly", DBClusterIdentifier="shop-payments"
    )
    account.client("sns", HOME).create_topic(Name="database-events")
    for source, categories in (
        ("db-instance", ["maintenance", "configuration change", "failure"]),
        ("db-cluster", ["maintenance", "failure"]),
        ("db-parameter-group", ["configuration change"]),
        ("db-security-group", ["configuration change", "failure"]),
    ):
        rds.create_event_subscription(
            SubscriptionName=f"shop-{source}",
            SnsTopicArn=f"arn:aws:sns:{HOME}:{ACCOUNT}:database-events",
            SourceType=source,
            EventCategories=categories,
            Enabled=True,
        )


def legacy_databases(account: Account, network: Json) -> None:
    rds = account.client("rds", LEGACY)
    subnets(account, LEGACY, "legacy-data", [network["subnet"]])
    database(
        account,
        LEGACY,
        "legacy-crm",
        "instance",
        Engine="mysql",
        EngineVersion="8.0.32",
        DBInstanceClass="db.t3.medium",
        AllocatedStorage=100,
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
        StorageEncrypted=False,
        PubliclyAccessible=True,
        AutoMinorVersionUpgrade=False,
        MultiAZ=False,
        BackupRetentionPeriod=0,
        DeletionProtection=False,
        CopyTagsToSnapshot=False,
        Port=3306,
        CACertificateIdentifier="rds-ca-2019",
        DBSubnetGroupName="legacy-data",
        VpcSecurityGroupIds=[network["group"]],
    )
    database(
        account,
        LEGACY,
        "legacy-reports",
        "cluster",
        Engine="aurora-mysql",
        EngineVersion="8.0.mysql_aurora.3.04.0",
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
        StorageEncrypted=False,
        BackupRetentionPeriod=1,
        DeletionProtection=False,
        CopyTagsToSnapshot=False,
        AutoMinorVersionUpgrade=False,
        Port=3306,
        DBSubnetGroupName="legacy-data",
        VpcSecurityGroupIds=[network["group"]],
    )
    database(
        account,
        LEGACY,
        "legacy-billing",
        "cluster",
        Engine="mysql",
        EngineVersion="8.0.32",
        DBClusterInstanceClass="db.m5d.large",
        AllocatedStorage=100,
        StorageType="io1",
        Iops=1000,
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
        StorageEncrypted=False,
        AutoMinorVersionUpgrade=False,
        BackupRetentionPeriod=1,
        DeletionProtection=False,
        CopyTagsToSnapshot=False,
        Port=3306,
        DBSubnetGroupName="legacy-data",
        VpcSecurityGroupIds=[network["group"]],
    )
    drop_automated_snapshots(rds)
    rds.create_db_snapshot(DBSnapshotIdentifier="legacy-crm-export", DBInstanceIdentifier="legacy-crm")
    rds.modify_db_snapshot_attribute(
        DBSnapshotIdentifier="legacy-crm-export", AttributeName="restore", ValuesToAdd=["all"]
    )
    rds.create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="legacy-reports-export", DBClusterIdentifier="legacy-reports"
    )
    rds.modify_db_cluster_snapshot_attribute(
        DBClusterSnapshotIdentifier="legacy-reports-export", AttributeName="restore", ValuesToAdd=["all"]
    )


def subnets(account: Account, region: str, name: str, members: list[str]) -> None:
    account.client("rds", region).create_db_subnet_group(
        DBSubnetGroupName=name, DBSubnetGroupDescription=name, SubnetIds=members
    )


def drop_automated_snapshots(rds: Any) -> None:
    """moto makes one at once, whatever the retention, and names it by the minute."""
    for snapshot in rds.describe_db_snapshots(SnapshotType="automated")["DBSnapshots"]:
        rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot["DBSnapshotIdentifier"])
    for snapshot in rds.describe_db_cluster_snapshots(SnapshotType="automated")["DBClusterSnapshots"]:
        rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=snapshot["DBClusterSnapshotIdentifier"])


# What is asked for under one name and answered under another.
ANSWERED_AS = {
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "DBClusterParameterGroupName": "DBClusterParameterGroup",
    "VpcSecurityGroupIds": "VpcSecurityGroups",
    "DBSubnetGroupName": "DBSubnetGroup",
    "DBParameterGroupName": "DBParameterGroups",
}


def database(account: Account, region: str, name: str, kind: str, **options: Any) -> None:
    rds = account.client("rds", region)
    wanted = {
        ANSWERED_AS.get(key, key): value for key, value in options.items() if key != "MasterUserPassword"
    }
    wanted["VpcSecurityGroups"] = [{"VpcSecurityGroupId": group} for group in options["VpcSecurityGroupIds"]]
    if kind == "cluster":
        rds.create_db_cluster(DBClusterIdentifier=name, Tags=tags(name), **options)
        found = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    else:
        wanted["DBSubnetGroup"] = {"DBSubnetGroupName": options["DBSubnetGroupName"]}
        if group := options.get("DBParameterGroupName"):
            wanted["DBParameterGroups"] = [{"DBParameterGroupName": group}]
        if port := wanted.pop("Port", 0):
            wanted["Endpoint"] = {"Port": port}
        rds.create_db_instance(DBInstanceIdentifier=name, Tags=tags(name), **options)
        found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    account.stuck(f"database {name}", found, wanted)


def rds_facts(account: Account) -> None:
    """After the patches are set."""
    for region, public in ((HOME, []), (LEGACY, ["all"])):
        rds = account.client("rds", region)
        for snapshot in rds.describe_db_snapshots()["DBSnapshots"]:
            name = snapshot["DBSnapshotIdentifier"]
            found = rds.describe_db_snapshot_attributes(DBSnapshotIdentifier=name)[
                "DBSnapshotAttributesResult"
            ]
            account.stuck(f"restore of {name}", found["DBSnapshotAttributes"], [{"AttributeValues": public}])
            account.stuck(f"encryption of {name}", snapshot["Encrypted"], not public)
        for snapshot in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]:
            name = snapshot["DBClusterSnapshotIdentifier"]
            found = rds.describe_db_cluster_snapshot_attributes(DBClusterSnapshotIdentifier=name)
            values = found["DBClusterSnapshotAttributesResult"]["DBClusterSnapshotAttributes"]
            account.stuck(f"restore of {name}", values, [{"AttributeValues": public}])
            account.stuck(f"encryption of {name}", snapshot["StorageEncrypted"], not public)
        for cluster in rds.describe_db_clusters()["DBClusters"]:
            name, engine = cluster["DBClusterIdentifier"], cluster["Engine"]
            zones = not public or not engine.startswith("aurora")
            account.stuck(f"zones of {name}", cluster["MultiAZ"], zones)
            account.stuck(f"IAM login to {name}", cluster["IAMDatabaseAuthenticationEnabled"], not public)
            group = cluster["DBClusterParameterGroup"]
            found = rds.describe_db_cluster_parameters(DBClusterParameterGroupName=group)["Parameters"]
            values = {p["ParameterName"]: p.get("ParameterValue") for p in found}
            parameter = "rds.force_ssl" if engine == "postgres" else "require_secure_transport"
            account.stuck(f"parameters {group}", values[parameter] in ("1", "ON"), not public)
        subscriptions = rds.describe_event_subscriptions()["EventSubscriptionsList"]
        account.stuck(f"event subscriptions in {region}", len(subscriptions), 0 if public else 4)


def contacts(account: Account) -> None:
    client = account.client("account")
    address = {
        "Name": "Jana Ritter",
        "Title": "Head of IT",
        "EmailAddress": "it@nordwind.example",
        "PhoneNumber": "+49 40 5550100",
    }
    for kind in ("SECURITY", "BILLING"):
        client.put_alternate_contact(AlternateContactType=kind, **address)
        found = client.get_alternate_contact(AlternateContactType=kind)["AlternateContact"]
        account.stuck(f"{kind} contact", found, address)


# ------------------------------------------------------------------------------------------- Scale


def size(account: Account, number: int) -> None:
    """Many more of three kinds: every tenth group is open to SSH, every tenth bucket lacks its block."""
    ec2 = account.client("ec2", HOME)
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16", TagSpecifications=tagged("vpc", "scale"))["Vpc"]["VpcId"]

    def group(index: int) -> None:
        name = f"scale-{index:04}"
        made = ec2.create_security_group(
            GroupName=name, Description=name, VpcId=vpc, TagSpecifications=tagged("security-group", name)
        )
        rule = tcp(443, 443, "10.0.0.0/8") if index % 10 else tcp(22, 22, ANYWHERE)
        ec2.authorize_security_group_ingress(GroupId=made["GroupId"], IpPermissions=[rule])

    def bucket_and_user(index: int) -> None:
        settings: Json = {"block": BLOCK_ALL} if index % 10 else {}
        bucket(account, f"nordwind-scale-{index:04}", LEGACY, **settings)
        account.client("iam").create_user(UserName=f"scale-{index:04}")

    for index in range(number):
        group(index)
    for index in range(number // 2):
        bucket_and_user(index)
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    account.stuck("number of scale groups", len(groups), number + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True, help="what server.py printed")
    parser.add_argument(
        "--size",
        type=int,
        default=0,
        help="how many security groups to add, and half as many buckets and users",
    )
    parser.add_argument("--faults", type=Path, help="faults that the server injects from then on")
    options = parser.parse_args()

    account = Account(options.endpoint.rstrip("/"))
    account.send("POST", "/moto-api/reset")
    account.send("POST", "/moto-api/seed?a=42")
    account.send("PUT", "/demarc-admin/gaps", b"[]")
    account.send("PUT", "/demarc-admin/faults", b"[]")
    keys = {
        region: account.client("kms", region).create_key(Description="shop")["KeyMetadata"]["Arn"]
        for region in (HOME, LEGACY)
    }
    s3(account, keys)
    iam(account)
    shop_databases(account, shop(account, keys[HOME]), keys[HOME])
    legacy_databases(account, legacy(account))
    contacts(account)
    account.send_gaps()
    account.send("POST", "/demarc-admin/age", json.dumps(account.ages).encode())
    iam_dates(account)
    ec2_facts(account)
    region_defaults(account)
    rds_facts(account)
    if options.size:
        size(account, options.size)
    if options.faults:
        account.send("PUT", "/demarc-admin/faults", options.faults.read_bytes())
    account.send("DELETE", "/demarc-admin/calls")
    if account.lost:
        sys.exit("did not stick:\n" + "\n".join(account.lost))


if __name__ == "__main__":
    main()
