"""moto on a loopback port, with what moto lacks and the faults a test asks for in front of it.

    server.py [--port 0] [--gaps FILE] [--faults FILE] [--managed-policies] [--until-stdin-ends]

The first line on stdout is `listening on http://localhost:PORT`. One thread serves a connection,
connections are kept alive, requests are handled in this process.

Faults (`--faults`, or `PUT /demarc-admin/faults`): a list of rules, the first that matches answers.

    {"service": "ec2", "operation": "DescribeVpcs", "respond": "denied",
     "region": "eu-central-1", "account": "123456789012", "resource": "a word of the request", "times": 3}

Only `respond` is required; a key left out matches everything. `respond` is an entry of `ERRORS`
(AWS's own status, code and body, per protocol) or one of `reset`, `stall` (until the client gives
up) and `truncated` (half of the real answer, then the connection ends).

Gaps (`--gaps`, or `PUT /demarc-admin/gaps`): matched like faults; the answer is the `result`, in the
spelling of the API reference, serialized from the service's API model. With `"patch": true` the result is
laid over moto's own answer instead: objects member by member, lists of objects by their first member.
A string `@days:-400` stands for the time 400 days before the request, `@subnet:NAME` for the ARN of the subnet
of that name.

Other admin routes: `POST /demarc-admin/age` (see `age`), `POST /demarc-admin/remove-default-vpc`,
`GET` and `DELETE /demarc-admin/calls`. `/moto-api` is moto's own.
"""

from __future__ import annotations

import argparse
import base64
import collections
import csv
import hashlib
import io
import json
import os
import re
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus
from xml.sax.saxutils import escape

from werkzeug.serving import ThreadedWSGIServer

# moto reads these when its modules are imported or first used.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"

from botocore.parsers import create_parser  # noqa: E402
from moto.core.request import Request  # noqa: E402
from moto.core.routing import NotFound, get_service_router  # noqa: E402
from moto.core.serialize import SerializationContext, get_serializer_class  # noqa: E402
from moto.core.utils import get_service_model  # noqa: E402
from moto.ec2.models import ec2_backends  # noqa: E402
from moto.iam.models import AccessKeyLastUsed, IAMBackend, get_account_id_from, iam_backends  # noqa: E402
from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends  # noqa: E402
from moto.sts.models import sts_backends  # noqa: E402

REQUEST_ID = "7c1d0a52-5a3e-4f5b-9d0e-3b6f2c8a1e47"

# kind: protocol family: (HTTP status, error code, message). `query` is the fallback of the XML
# families, `json` of the JSON ones.
ERRORS: dict[str, dict[str, tuple[int, str, str]]] = {
    "denied": {
        "query": (403, "AccessDenied", "{who} because no identity-based policy allows the {action} action"),
        "ec2": (
            403,
            "UnauthorizedOperation",
            "You are not authorized to perform this operation. {who} because no identity-based policy "
            "allows the {action} action. Encoded authorization failure message: 4cXo2iL5nZk",
        ),
        "json": (
            400,
            "AccessDeniedException",
            "{who} because no identity-based policy allows the {action} action",
        ),
        "rest-json": (
            403,
            "AccessDeniedException",
            "{who} because no identity-based policy allows the {action} action",
        ),
    },
    "denied-scp": {
        "query": (403, "AccessDenied", "{who} with an explicit deny in a service control policy"),
        "ec2": (
            403,
            "UnauthorizedOperation",
            "You are not authorized to perform this operation. {who} with an explicit deny in a service "
            "control policy. Encoded authorization failure message: 4cXo2iL5nZk",
        ),
        "json": (400, "AccessDeniedException", "{who} with an explicit deny in a service control policy"),
        "rest-json": (
            403,
            "AccessDeniedException",
            "{who} with an explicit deny in a service control policy",
        ),
    },
    "denied-resource-policy": {
        "query": (403, "AccessDenied", "{who} with an explicit deny in a resource-based policy"),
        "json": (400, "AccessDeniedException", "{who} with an explicit deny in a resource-based policy"),
        "rest-json": (403, "AccessDeniedException", "{who} with an explicit deny in a resource-based policy"),
    },
    "throttled": {
        "query": (400, "Throttling", "Rate exceeded"),
        "ec2": (503, "RequestLimitExceeded", "Request limit exceeded."),
        "s3": (503, "SlowDown", "Please reduce your request rate."),
        "s3control": (503, "SlowDown", "Please reduce your request rate."),
        "json": (400, "ThrottlingException", "Rate exceeded"),
        "rest-json": (429, "TooManyRequestsException", "Too Many Requests"),
    },
    "5xx": {
        "query": (500, "InternalFailure", "The request processing has failed because of an unknown error."),
        "ec2": (500, "InternalError", "An internal error has occurred"),
        "s3": (500, "InternalError", "We encountered an internal error. Please try again."),
        "json": (500, "InternalServerException", "The service failed. Please try again."),
    },
    "expired": {
        "query": (403, "ExpiredToken", "The security token included in the request is expired"),
        "ec2": (400, "RequestExpired", "Request has expired."),
        "s3": (400, "ExpiredToken", "The provided token has expired."),
        "json": (400, "ExpiredTokenException", "The security token included in the request is expired"),
        "rest-json": (403, "ExpiredTokenException", "The security token included in the request is expired"),
    },
    "region-disabled": {
        "query": (403, "InvalidClientTokenId", "The security token included in the request is invalid."),
        "ec2": (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        "s3": (400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
        "json": (
            400,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        "rest-json": (
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
    },
}
BREAKS = ("reset", "stall", "truncated")

# IAM actions that are not `service:Operation`.
ACTIONS = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:HeadBucket": "s3:ListBucket",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
}


@dataclass
class Call:
    """One request, as AWS's documentation would name it."""

    service: str
    operation: str
    region: str
    account: str
    access_key: str
    family: str
    method: str
    text: str
    bucket: str

    @property
    def action(self) -> str:
        name = f"{self.service}:{self.operation}"
        return ACTIONS.get(name, name.replace("s3control:", "s3:"))

    def who(self) -> str:
        """The sentence with which AWS's denials begin; EC2's reads name no resource."""
        partition = (
            "aws-cn" if self.region.startswith("cn-") else "aws-us-gov" if "-gov-" in self.region else "aws"
        )
        caller = sts_backends[self.account][partition].get_caller_identity(self.access_key, self.region)[1]
        sentence = f"User: {caller} is not authorized to perform: {self.action}"
        if self.bucket:
            return f'{sentence} on resource: "arn:{partition}:s3:::{self.bucket}"'
        return sentence if self.service == "ec2" else f"{sentence} on resource: *"


def identify(environ: dict[str, Any], body: bytes) -> Call:
    """Which operation a request asks for, by its signature's scope, then by its protocol."""
    scope = re.search(
        r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request", environ.get("HTTP_AUTHORIZATION", "")
    )
    access_key, region, service = scope.groups() if scope else ("", "us-east-1", "s3")
    path = environ.get("PATH_INFO", "/")
    query = environ.get("QUERY_STRING", "")
    if service == "s3" and path.startswith("/v20180820/"):
        service = "s3control"

    form = dict(parse_qsl(query))
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form |= dict(parse_qsl(body.decode()))
    bucket = ""
    if "Action" in form:
        operation, family = form["Action"], "ec2" if service == "ec2" else "query"
    elif "HTTP_X_AMZ_TARGET" in environ:
        operation, family = environ["HTTP_X_AMZ_TARGET"].rpartition(".")[2], "json"
    else:
        family = service if service in ("s3", "s3control") else "rest-json"
        if service == "s3":
            bucket = path.lstrip("/").partition("/")[0]
        try:
            operation = get_service_router(service).match(Request(environ))[0].name
        except (NotFound, FileNotFoundError, KeyError):
            operation = f"{environ['REQUEST_METHOD']} {path}"
    return Call(
        service=service,
        operation=operation,
        region=region,
        account=get_account_id_from(access_key),
        access_key=access_key,
        family=family,
        method=environ["REQUEST_METHOD"],
        text=unquote_plus(f"{path}?{query}\n") + unquote_plus(body.decode(errors="replace")),
        bucket=bucket,
    )


@dataclass
class Rule:
    """One fault or gap."""

    respond: str = ""
    result: dict[str, Any] | None = None
    patch: bool = False
    service: str | None = None
    operation: str | None = None
    region: str | None = None
    account: str | None = None
    resource: str | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        if self.result is None and self.respond not in (*ERRORS, *BREAKS):
            raise ValueError(f"a rule needs a result or one of {[*ERRORS, *BREAKS]}, not {self.respond!r}")

    def matches(self, call: Call) -> bool:
        return bool(
            self.service in (None, call.service)
            and self.operation in (None, call.operation)
            and self.region in (None, call.region)
            and self.account in (None, call.account)
            and (
                self.resource is None
                or re.search(rf"(?<![\w.-]){re.escape(self.resource)}(?![\w.-])", call.text)
            )
            and self.times != 0
        )


# Operations whose XML root element moto names by another rule than AWS's API reference does.
# boto3 does not look at it; other SDKs refuse an answer with another root.
ROOTS: dict[tuple[str, str], str] = {
    ("s3", "GetBucketVersioning"): "VersioningConfiguration",
    ("s3", "GetBucketNotificationConfiguration"): "NotificationConfiguration",
    ("s3", "GetBucketLifecycleConfiguration"): "LifecycleConfiguration",
    ("s3", "GetBucketLogging"): "BucketLoggingStatus",
    ("s3control", "ListAccessPoints"): "ListAccessPointsResult",
    ("s3control", "GetAccessPoint"): "GetAccessPointResult",
    ("s3control", "ListMultiRegionAccessPoints"): "ListMultiRegionAccessPointsResult",
}


def with_root(body: bytes, root: str) -> bytes:
    """The document with its root element renamed."""
    found = re.search(rb"<([A-Za-z0-9]+)", body)
    if not found:
        return body
    wrong, right = found[1], root.encode()
    body = body.replace(b"<" + wrong, b"<" + right, 1)
    return body.replace(b"</" + wrong + b">", b"</" + right + b">")


class Rules:
    """Rules in the order of their file; the first match wins."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.lock = threading.Lock()

    def load(self, text: str | bytes) -> None:
        rules = [Rule(**rule) for rule in json.loads(text)]
        with self.lock:
            self.rules = rules

    def take(self, call: Call) -> Rule | None:
        with self.lock:
            found = next((rule for rule in self.rules if rule.matches(call)), None)
            if found and found.times is not None:
                found.times -= 1
            return found


@dataclass
class Answer:
    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)
    broken: str = ""
    """One of `BREAKS`."""


def error(kind: str, call: Call) -> Answer:
    """The error AWS answers in this protocol."""
    family = call.family
    by_family = ERRORS[kind]
    fallback = "json" if family in ("json", "rest-json") else "query"
    status, code, text = by_family.get(family) or by_family[fallback]
    message = text.format(who=call.who(), action=call.action) if "{who}" in text else text
    if call.method == "HEAD":
        return Answer(status, b"", [("Content-Type", "application/xml")])
    if family in ("json", "rest-json"):
        headers = [
            ("Content-Type", "application/json" if family == "rest-json" else "application/x-amz-json-1.1")
        ]
        if family == "rest-json":
            return Answer(
                status, json.dumps({"Message": message}).encode(), [*headers, ("x-amzn-errortype", code)]
            )
        shape = "com.amazonaws." + call.service + "#" + code
        return Answer(status, json.dumps({"__type": shape, "message": message}).encode(), headers)
    inner = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if family == "ec2":
        body = (
            f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
        )
    elif family == "s3":
        body = f"<Error>{inner}<RequestId>{REQUEST_ID}</RequestId><HostId>{REQUEST_ID}</HostId></Error>"
    elif family == "s3control":
        body = f"<ErrorResponse><Error>{inner}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    else:
        body = (
            f"<ErrorResponse><Error><Type>{'Sender' if status < 500 else 'Receiver'}</Type>{inner}</Error>"
            f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        )
    return Answer(
        status, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode(), [("Content-Type", "text/xml")]
    )


def correct_list_buckets(call: Call, result: dict[str, Any]) -> None:
    """moto names no region; S3 does, when the request has one of these parameters."""
    if re.search(r"[?&](max-buckets|prefix|continuation-token|bucket-region)=", call.text):
        for bucket in result["Buckets"]:
            bucket["BucketRegion"] = s3_backends[call.account]["aws"].buckets[bucket["Name"]].region_name


def correct_authorization_details(_call: Call, result: dict[str, Any]) -> None:
    """moto leaves out policies' names and ids, lists AWS's policies that nobody uses, and has no order."""
    result["Policies"] = [
        {"PolicyName": policy["Arn"].rpartition("/")[2], "PolicyId": "ANPA" + policy_id(policy["Arn"])}
        | policy
        for policy in sorted(result.get("Policies", []), key=lambda policy: policy["Arn"])
        if policy["AttachmentCount"] or not policy["Arn"].startswith("arn:aws:iam::aws:")
    ]


def policy_id(arn: str) -> str:
    return base64.b32encode(hashlib.sha256(arn.encode()).digest()).decode()[:17]


def correct_instances(_call: Call, result: dict[str, Any]) -> None:
    """moto leaves out the virtualization type, and the groups that are given with an interface."""
    for reservation in result.get("Reservations", []):
        for instance in reservation["Instances"]:
            instance.setdefault("VirtualizationType", "hvm")
            first = next(
                (i for i in instance["NetworkInterfaces"] if i["Attachment"]["DeviceIndex"] == 0), None
            )
            if first and not instance.get("SecurityGroups"):
                instance["SecurityGroups"] = first["Groups"]


def correct_interfaces(call: Call, result: dict[str, Any]) -> None:
    """moto shows the interfaces of endpoints and NAT gateways as unattached ones of the default group."""
    backend = ec2_backends[call.account][call.region]
    endpoints = {
        i: endpoint for endpoint in backend.vpc_end_points.values() for i in endpoint.network_interface_ids
    }
    gateways = {
        address["networkInterfaceId"]
        for gateway in backend.nat_gateways.values()
        for address in gateway.address_set
    }
    for interface in result.get("NetworkInterfaces", []):
        name = interface["NetworkInterfaceId"]
        if name in endpoints:
            groups = [
                backend.get_security_group_from_id(group) for group in endpoints[name].security_group_ids
            ]
            interface["InterfaceType"] = "vpc_endpoint"
            interface["Groups"] = [{"GroupId": group.id, "GroupName": group.name} for group in groups]
        elif name in gateways:
            interface["InterfaceType"] = "nat_gateway"
            interface["Groups"] = []
        else:
            continue
        interface["Status"] = "in-use"
        interface["RequesterManaged"] = True


def correct_addresses(_call: Call, result: dict[str, Any]) -> None:
    """moto writes empty strings where EC2 leaves the element out."""
    result["Addresses"] = [
        {key: value for key, value in address.items() if value != ""}
        for address in result.get("Addresses", [])
    ]


def correct_regions(call: Call, result: dict[str, Any]) -> None:
    """moto lists regions that are not enabled even when not asked for all."""
    if "AllRegions=true" not in call.text:
        result["Regions"] = [
            region for region in result["Regions"] if region["OptInStatus"] != "not-opted-in"
        ]


def correct_access_points(call: Call, result: dict[str, Any]) -> None:
    """moto lists a partition's access points in every region; S3 Control, those of buckets there."""
    buckets = s3_backends[call.account]["aws"].buckets
    result["AccessPointList"] = [
        point | {"AccessPointArn": f"arn:aws:s3:{call.region}:{call.account}:accesspoint/{point['Name']}"}
        for point in result.get("AccessPointList", [])
        if buckets[point["Bucket"]].region_name == call.region
    ]


# Changes to moto's answers that every test wants.
CORRECTIONS = {
    ("s3control", "ListAccessPoints"): correct_access_points,
    ("ec2", "DescribeInstances"): correct_instances,
    ("ec2", "DescribeNetworkInterfaces"): correct_interfaces,
    ("ec2", "DescribeAddresses"): correct_addresses,
    ("ec2", "DescribeRegions"): correct_regions,
    ("s3", "ListBuckets"): correct_list_buckets,
    ("iam", "GetAccountAuthorizationDetails"): correct_authorization_details,
}


def days_ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def dated(value: Any) -> Any:
    """`@days:N` replaced by that time."""
    if isinstance(value, dict):
        return {key: dated(member) for key, member in value.items()}
    if isinstance(value, list):
        return [dated(member) for member in value]
    if isinstance(value, str) and value.startswith("@days:"):
        return days_ago(-float(value.removeprefix("@days:")))
    return value


def placed(value: Any, call: Call) -> Any:
    """`@subnet:NAME` replaced by that subnet's ARN."""
    if isinstance(value, dict):
        return {key: placed(member, call) for key, member in value.items()}
    if isinstance(value, list):
        return [placed(member, call) for member in value]
    if isinstance(value, str) and value.startswith("@subnet:"):
        name = value.removeprefix("@subnet:")
        found = ec2_backends[call.account][call.region].describe_subnets(filters={"tag:Name": [name]})
        return f"arn:aws:ec2:{call.region}:{call.account}:subnet/{found[0].id}" if found else name
    return value


def laid_over(base: Any, patch: Any) -> Any:
    """Objects member by member; a list of objects changes those items that its first member names.

    An empty list within an item is filled; one of the answer itself stays empty, there is nothing to patch.
    """
    if isinstance(base, dict) and isinstance(patch, dict):
        return base | {key: laid_over(base.get(key), value) for key, value in patch.items()}
    if base and isinstance(base, list) and patch and isinstance(patch, list) and isinstance(patch[0], dict):
        changed = list(base)
        for item in patch:
            key = next(iter(item))
            changed = [laid_over(old, item) if old.get(key) == item[key] else old for old in changed]
        return changed
    return patch


def serialized(call: Call, result: dict[str, Any]) -> Answer:
    """A result in the wire shape that the service's API model documents."""
    model = get_service_model(call.service)
    serializer = get_serializer_class(call.service, model.protocol)(
        operation_model=model.operation_model(call.operation), context=SerializationContext(REQUEST_ID)
    )
    answer = serializer.serialize(result)
    body = answer["body"] or b""
    return Answer(
        answer["status_code"],
        body.encode() if isinstance(body, str) else body,
        list(answer["headers"].items()),
    )


def parsed(call: Call, answer: Answer) -> dict[str, Any]:
    """The result in an answer of moto's."""
    model = get_service_model(call.service)
    shape = model.operation_model(call.operation).output_shape
    wire = {"status_code": answer.status, "headers": dict(answer.headers), "body": answer.body}
    result = create_parser(model.protocol).parse(wire, shape)
    del result["ResponseMetadata"]
    return result


CREDENTIAL_REPORT_COLUMNS = (
    "user arn user_creation_time password_enabled password_last_used password_last_changed "
    "password_next_rotation mfa_active access_key_1_active access_key_1_last_rotated "
    "access_key_1_last_used_date access_key_1_last_used_region access_key_1_last_used_service "
    "access_key_2_active access_key_2_last_rotated access_key_2_last_used_date "
    "access_key_2_last_used_region access_key_2_last_used_service cert_1_active cert_1_last_rotated "
    "cert_2_active cert_2_last_rotated"
).split()

# moto's users have no such field.
password_changed: dict[str, datetime] = {}


def stamp(when: datetime | AccessKeyLastUsed | None, absent: str) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S+00:00") if when else absent


def credential_report(account: str, root: dict[str, Any]) -> str:
    """The report as the IAM user guide describes it; moto's has no row for the root user, no
    "no_information", and always the same date for the password."""
    out = io.StringIO()
    report = csv.DictWriter(out, CREDENTIAL_REPORT_COLUMNS, restval="N/A", lineterminator="\n")
    report.writeheader()
    row = {
        "user": "<root_account>",
        "arn": f"arn:aws:iam::{account}:root",
        "password_enabled": "not_supported",
        "password_last_changed": "not_supported",
        "password_next_rotation": "not_supported",
        **{f"{key}_active": "false" for key in ("mfa", "access_key_1", "access_key_2", "cert_1", "cert_2")},
    }
    report.writerow(
        row | {key: stamp(v, "") if isinstance(v, datetime) else v for key, v in dated(root).items()}
    )
    for user in iam_backends[account]["aws"].users.values():
        row = {
            "user": user.name,
            "arn": user.arn,
            "user_creation_time": stamp(user.create_date, ""),
            "password_enabled": str(bool(user.password)).lower(),
            "mfa_active": str(bool(user.mfa_devices)).lower(),
            **{f"{key}_active": "false" for key in ("access_key_1", "access_key_2", "cert_1", "cert_2")},
        }
        if user.password:
            row["password_last_used"] = stamp(user.password_last_used, "no_information")
            row["password_last_changed"] = stamp(password_changed.get(user.arn, user.create_date), "")
        for number, key in enumerate(user.access_keys, 1):
            row |= {
                f"access_key_{number}_active": str(key.status == "Active").lower(),
                f"access_key_{number}_last_rotated": stamp(key.create_date, ""),
                f"access_key_{number}_last_used_date": stamp(key.last_used, "N/A"),
            }
            if key.last_used:
                row[f"access_key_{number}_last_used_region"] = key.last_used.region
                row[f"access_key_{number}_last_used_service"] = key.last_used.service
        for number, certificate in enumerate(user.signing_certificates.values(), 1):
            row[f"cert_{number}_active"] = str(certificate.status == "Active").lower()
            row[f"cert_{number}_last_rotated"] = stamp(certificate.upload_date, "")
        report.writerow(row)
    return out.getvalue()


def age(wanted: dict[str, Any]) -> None:
    """Set dates, in days before now, which no API call can.

    {"account": "123456789012",
     "users": {"NAME": {"created": 400, "password_changed": 400, "password_used": 200,
                        "access_keys": [{"created": 400, "used": 300, "service": "s3", "region": "us-east-1"}]}},
     "roles": {"NAME": {"created": 900, "used": 300, "region": "us-east-1"}},
     "instances": {"REGION": {"ID": {"launched": 900, "stopped": 400}}},
     "images": {"REGION": {"ID": 900}}, "snapshots": {"REGION": {"ID": 900}}}
    """

    def ago(days: float) -> datetime:
        return days_ago(days).replace(tzinfo=None)  # moto's dates are naive

    backend = iam_backends[wanted["account"]]["aws"]
    for name, dates in wanted.get("users", {}).items():
        user = backend.get_user(name)
        user.create_date = ago(dates["created"])
        if "password_used" in dates:
            user.password_last_used = ago(dates["password_used"])
        if "password_changed" in dates:
            password_changed[user.arn] = ago(dates["password_changed"])
        for key, of_key in zip(user.access_keys, dates.get("access_keys", []), strict=True):
            key.create_date = ago(of_key["created"])
            if "used" in of_key:
                key.last_used = AccessKeyLastUsed(ago(of_key["used"]), of_key["service"], of_key["region"])
    for name, dates in wanted.get("roles", {}).items():
        role = backend.get_role(name)
        role.create_date = ago(dates["created"])
        if "used" in dates:
            role.last_used = ago(dates["used"])
            role.last_used_region = dates["region"]
    in_region = ec2_backends[wanted["account"]]
    for region, instances in wanted.get("instances", {}).items():
        for name, dates in instances.items():
            instance = in_region[region].get_instance(name)
            instance.launch_time = ago(dates["launched"])
            if "stopped" in dates:
                instance._reason = f"User initiated ({ago(dates['stopped']):%Y-%m-%d %H:%M:%S} GMT)"
    for region, images in wanted.get("images", {}).items():
        for name, days in images.items():
            in_region[region].amis[name].creation_date = ago(days)
    for region, snapshots in wanted.get("snapshots", {}).items():
        for name, days in snapshots.items():
            in_region[region].snapshots[name].start_time = ago(days)


def remove_default_vpc(account: str, region: str) -> None:
    """Through moto's API the VPC's network ACL stays behind."""
    backend = ec2_backends[account][region]
    for vpc in [vpc for vpc in backend.vpcs.values() if vpc.is_default]:
        for subnet in backend.describe_subnets(filters={"vpc-id": vpc.id}):
            backend.delete_subnet(subnet.id)
        for acl in backend.describe_network_acls(filters={"vpc-id": vpc.id}):
            del backend.network_acls[acl.id]
        backend.delete_vpc(vpc.id)


class Front:
    """What stands before moto."""

    def __init__(self) -> None:
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.faults = Rules()
        self.gaps = Rules()
        self.calls: collections.Counter[tuple[str, str, str, str]] = collections.Counter()

    def answer(self, environ: dict[str, Any], body: bytes) -> Answer:
        path = environ["PATH_INFO"]
        if path.startswith("/demarc-admin/"):
            return self.admin(environ["REQUEST_METHOD"], path.removeprefix("/demarc-admin/"), body)
        if path.startswith("/moto-api"):
            return self.ask_moto(environ, body)
        call = identify(environ | {"wsgi.input": io.BytesIO(body)}, body)
        self.calls[call.service, call.operation, call.region, call.account] += 1
        fault = self.faults.take(call)
        if fault and fault.respond in ERRORS:
            return error(fault.respond, call)
        answer = self.unfaulted(environ, body, call)
        root = ROOTS.get((call.service, call.operation))
        if root and answer.status == 200:
            answer.body = with_root(answer.body, root)
        if fault:
            answer.broken = fault.respond
        return answer

    def unfaulted(self, environ: dict[str, Any], body: bytes, call: Call) -> Answer:
        gap = self.gaps.take(call)
        if gap and (call.service, call.operation) == ("iam", "GetCredentialReport"):
            answer = self.ask_moto(environ, body)
            if answer.status != 200:
                return answer
            report = credential_report(call.account, gap.result or {})
            return serialized(
                call,
                {"Content": report, "ReportFormat": "text/csv", "GeneratedTime": datetime.now(UTC)},
            )
        if gap and gap.respond:
            return error(gap.respond, call)
        if gap and not gap.patch:
            return serialized(call, placed(dated(gap.result), call))
        try:
            answer = self.ask_moto(environ, body)
        except NotImplementedError:
            return self.lacking(call)
        except Exception:  # moto raises whatever its backend meets
            traceback.print_exc()
            return self.lacking(call)
        if answer.status == 404 and answer.body.startswith(b"<!doctype html>"):
            return self.lacking(call)
        correct = CORRECTIONS.get((call.service, call.operation))
        if answer.status != 200 or not (correct or gap):
            return answer
        result = parsed(call, answer)
        if correct:
            correct(call, result)
        if gap:
            applies = {key: value for key, value in (gap.result or {}).items() if result.get(key) != []}
            result = laid_over(result, dated(applies))
        return serialized(call, result)

    def lacking(self, call: Call) -> Answer:
        """Unlike moto's own answers to this, one that SDKs do not retry."""
        print(
            f"moto cannot answer {call.service}:{call.operation} in {call.region}",
            file=sys.stderr,
            flush=True,
        )
        return Answer(501, f"moto cannot answer {call.service}:{call.operation}".encode())

    def ask_moto(self, environ: dict[str, Any], body: bytes) -> Answer:
        began: list[Any] = []
        environ = environ | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        chunks: Iterable[bytes] = self.moto(environ, lambda *start: began.extend(start))
        answered = b"".join(chunks)
        return Answer(int(began[0].split()[0]), answered, began[1])

    def admin(self, method: str, route: str, body: bytes) -> Answer:
        try:
            if (method, route) == ("PUT", "faults"):
                self.faults.load(body)
            elif (method, route) == ("PUT", "gaps"):
                self.gaps.load(body)
            elif (method, route) == ("POST", "age"):
                age(json.loads(body))
            elif (method, route) == ("POST", "remove-default-vpc"):
                remove_default_vpc(**json.loads(body))
            elif (method, route) == ("DELETE", "calls"):
                self.calls.clear()
            elif (method, route) == ("GET", "calls"):
                names = ("service", "operation", "region", "account", "times")
                counts = [
                    dict(zip(names, (*key, times), strict=True)) for key, times in sorted(self.calls.items())
                ]
                return Answer(200, json.dumps(counts).encode(), [("Content-Type", "application/json")])
            else:
                return Answer(404, b"no such route\n")
        except Exception as wrong:  # answered to whoever sent it
            return Answer(400, f"{type(wrong).__name__}: {wrong}\n".encode())
        return Answer(200, b"")


class Handler(MotoRequestHandler):
    """Keeps connections alive, which werkzeug's own handler does not."""

    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def run_wsgi(self) -> None:
        body = self.read_body()
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(body)
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(body))
        answer = self.server.app.answer(environ, body)  # type: ignore[attr-defined]
        if answer.broken == "stall":
            self.connection.recv(1)
            self.close_connection = True
        elif answer.broken == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
        else:
            self.send(answer)

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def send(self, answer: Answer) -> None:
        cut = answer.broken == "truncated"
        own = ("content-length", "connection", "transfer-encoding", "date", "server")
        self.send_response(answer.status)
        for name, value in answer.headers:
            if name.lower() not in own or (name.lower() == "content-length" and self.command == "HEAD"):
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)
        self.close_connection = self.close_connection or cut

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--gaps", type=Path, help="answers for what moto lacks")
    parser.add_argument("--faults", type=Path, help="faults to inject")
    parser.add_argument("--managed-policies", action="store_true", help="load AWS's managed IAM policies")
    parser.add_argument("--until-stdin-ends", action="store_true", help="so that who started it takes it along")
    options = parser.parse_args()
    # Read when an account's IAM backend is first used.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = str(options.managed_policies).lower()
    in_every_partition = IAMBackend._init_aws_policies

    def in_one_partition(self: IAMBackend) -> list[Any]:
        """moto would load them for each of its partitions, whenever it looks up an access key."""
        return in_every_partition(self) if self.region_name == "aws" else []

    IAMBackend._init_aws_policies = in_one_partition  # type: ignore[method-assign]

    front = Front()
    if options.gaps:
        front.gaps.load(options.gaps.read_text())
    if options.faults:
        front.faults.load(options.faults.read_text())
    server = ThreadedWSGIServer("127.0.0.1", options.port, front, Handler)  # type: ignore[arg-type]
    # moto's own calls to itself go here.
    os.environ["MOTO_PORT"] = str(server.port)
    print(f"listening on http://localhost:{server.port}", flush=True)
    if options.until_stdin_ends:

        def end_with_stdin() -> None:
            sys.stdin.buffer.read()
            os._exit(0)

        threading.Thread(target=end_with_stdin, daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
