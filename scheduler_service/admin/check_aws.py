"""Check that the account is as `[ec2]` says: EC2 itself is asked by dry runs, which launch and end nothing.

Every line says what is right, or what is missing and how to mend it.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime
from functools import partial
from itertools import islice
from typing import Any
from uuid import uuid4

from boto3.session import Session
from botocore.exceptions import BotoCoreError, ClientError

from jupyter_schedule.core.errors import Refused
from scheduler_service.admin.check import compare_clocks
from scheduler_service.admin.check_network import check_quotas, check_ways_out
from scheduler_service.launchers.ec2.client import make_client
from scheduler_service.launchers.ec2.errors import describe_error, read_code, read_time
from scheduler_service.launchers.ec2.images import ARCHITECTURES, ROOT_DEVICE, Image, ImageMissing, find_image
from scheduler_service.launchers.ec2.launch_plan import (
    DEADLINE_TAG,
    DEPLOYMENT_TAG,
    STACK_TAG,
    build_launch_parameters,
    list_options,
)
from scheduler_service.launchers.ec2.prices import Prices, fetch_prices, fill_disk_prices, load_prices, save_prices
from scheduler_service.launchers.ec2.settings import Ec2Settings, Size
from scheduler_service.launchers.plugins import CheckResult
from scheduler_service.settings import Settings

#: what to do about an error, by the beginning of its code
MENDS = (
    ("UnauthorizedOperation", "Allow it to the service's role: deploy/aws has the statements."),
    ("InvalidAMIID", "Leave image out for Ubuntu LTS, or name an image of this region."),
    ("InvalidInstanceType", "Name instance types that this region has."),
    ("InvalidSubnet", "Name subnets of this region; `aws ec2 describe-subnets` lists them."),
    ("InvalidGroup", "Name security groups of the subnets' network; `aws ec2 describe-security-groups` lists them."),
    ("InvalidSecurityGroup", "Name security groups by their ids, sg-…"),
    ("InvalidKeyPair", "Name a key of this region; `aws ec2 describe-key-pairs` lists them."),
    ("NoSuchEntity", "Name an instance profile of this account; `aws iam list-instance-profiles` lists them."),
    ("AccessDenied", "Allow it to the service's role, in the key's own policy too: deploy/aws has the statements."),
    ("NotFoundException", "Name a key of this region by its ARN: `aws kms list-keys` lists them."),
    ("VcpuLimitExceeded", "Ask for a higher quota of vCPUs, or lower max_machines."),
)
#: the error of a dry run that would have done it
DRY_RUN = "DryRunOperation"
#: the error of a request, dry or not, that the role isn't allowed
FORBIDDEN = "UnauthorizedOperation"
#: the same of KMS
KMS_DRY_RUN = "DryRunOperationException"
#: the alias of the key that each account has for disks, whose use needs no grant of ours
AMAZONS_KEY = "alias/aws/ebs"
#: dry runs of one size, at most
_OFFERS = 12


def check_account(settings: Ec2Settings, now: datetime, prices: Prices) -> Iterator[CheckResult]:
    """Try each region; nothing is launched or ended.

    now: this machine's time.  prices: what a service that starts now would estimate by.
    """
    yield from _prices(settings, prices)
    try:
        who = make_client(settings, "sts", settings.region).get_caller_identity()
    except (ClientError, BotoCoreError) as problem:
        yield CheckResult(False, f"ec2: there are credentials that Amazon takes: NO. {describe_error(problem, now)}")
        return
    yield CheckResult(True, f"ec2: the service is {who['Arn']}")
    yield compare_clocks("ec2", "Amazon's", now, read_time(who["ResponseMetadata"]))
    yield _profile(settings, now)
    for region in settings.regions:
        ec2 = make_client(settings, "ec2", region)
        yield from _parts(settings, region, ec2, now)
        yield from check_ways_out(settings.regions[region], region, ec2)
        yield from _launches(settings, region, ec2, now)
        yield from _disk_key(settings, region, ec2, now)
        yield from _boundaries(settings, region, ec2, now)
        yield from check_quotas(settings, region, ec2, make_client(settings, "service-quotas", region))
    yield from _ad_hoc(settings, now)


def _prices(settings: Ec2Settings, prices: Prices) -> Iterator[CheckResult]:
    """That runs can be estimated, and count for a monthly cap, wherever their machines are."""
    for region, place in settings.regions.items():
        unknown = [name for name, size in settings.sizes.items() if prices.dearest(size, {region: place}) is None]
        right = f"ec2: what machines cost in {region} is known, as of {prices.at}"
        mend = "Nothing is estimated for them, and no cap counts them: run prices --refresh, then restart the service."
        yield CheckResult(not unknown, f"{right}: NO, not of {', '.join(unknown)}. {mend}" if unknown else right)


def _profile(settings: Ec2Settings, now: datetime) -> CheckResult:
    name = settings.instance_profile
    right = f"ec2: workers get the role of the profile {name}"
    iam = make_client(settings, "iam", settings.region)
    try:
        roles = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    except (ClientError, BotoCoreError) as problem:
        return _no(right, problem, now)
    found = roles[0]["RoleId"] if roles else "no role"
    if found != settings.role_id:
        return CheckResult(
            False, f"{right}: NO. It is {found}, and role_id is {settings.role_id}: set it to the first."
        )
    return CheckResult(True, right)


def _parts(settings: Ec2Settings, region: str, ec2: Any, now: datetime) -> Iterator[CheckResult]:
    """That what a launch names is there; a dry run may say only that it is allowed."""
    place = settings.regions[region]
    yield _tried(
        f"ec2: {', '.join(place.subnets)} are in {region}",
        lambda: ec2.describe_subnets(SubnetIds=list(place.subnets)),
        now,
    )
    yield _tried(
        f"ec2: {', '.join(place.security_groups)} are in {region}",
        lambda: ec2.describe_security_groups(GroupIds=list(place.security_groups)),
        now,
    )
    for name, size in settings.sizes.items():
        yield _types(name, size, region, ec2, now)
        yield _image(settings, region, ec2, size, now)


def _types(name: str, size: Size, region: str, ec2: Any, now: datetime) -> CheckResult:
    right = f"ec2: types of size {name} are in {region} ({', '.join(size.instance_types)})"
    try:
        described = ec2.describe_instance_types(InstanceTypes=list(size.instance_types))["InstanceTypes"]
    except (ClientError, BotoCoreError) as problem:
        return _no(right, problem, now)
    needed = ARCHITECTURES[size.architecture]
    other = [
        each["InstanceType"]
        for each in described
        if needed not in each.get("ProcessorInfo", {}).get("SupportedArchitectures", [needed])
    ]
    if other:
        mend = f"can't run programs for {size.architecture}: name other types, or set the size's architecture."
        return CheckResult(False, f"{right}: NO. {', '.join(other)} {mend}")
    return CheckResult(True, right)


def _image(settings: Ec2Settings, region: str, ec2: Any, size: Size, now: datetime) -> CheckResult:
    """That the image is there and fits the size, whose disk is to be its root."""
    right = f"ec2: the image {size.image_id} is in {region}"
    try:
        image = find_image(size, ec2, lambda: make_client(settings, "ssm", region))
    except ImageMissing as problem:
        return CheckResult(False, f"{right}: NO. {problem}")
    except (ClientError, BotoCoreError) as problem:
        return _no(right, problem, now)
    wrong = _wrong_with(image, size)
    return CheckResult(True, right) if wrong is None else CheckResult(False, f"{right}: NO. {wrong}")


def _wrong_with(image: Image, size: Size) -> str | None:
    if image.architecture and image.architecture != ARCHITECTURES[size.architecture]:
        return (
            f"It is for {image.architecture}, and the size's architecture is {size.architecture}: "
            "name an image or types that fit."
        )
    if image.size > size.disk:
        return f"It needs {image.size} GiB, and disk is {size.disk}: make it larger."
    named = size.root_device or ROOT_DEVICE
    if image.root != named:
        mend = f'set root_device = "{image.root}" in the size'
        if size.root_device is not None:
            return f"Its root is {image.root} and not {named}, so that disk would be a second, empty one: {mend}."
        return (
            f"Its root is {image.root}, which the service has to ask EC2 for before it launches; where that isn't "
            f"allowed, the run has the image's own disk, and one of {size.disk} GiB lies beside it unused: {mend}."
        )
    return None


def _launches(settings: Ec2Settings, region: str, ec2: Any, now: datetime) -> Iterator[CheckResult]:
    """A dry run of what a launch asks for, the same but for its user-data."""
    tags = {DEPLOYMENT_TAG: "check", DEADLINE_TAG: "2000-01-01T00:00:00Z"}
    for name, size in settings.sizes.items():
        turns = [turn for turn, offer in enumerate(list_options(size, settings.regions)) if offer.region == region]
        for turn in islice(turns, _OFFERS):
            asked = build_launch_parameters(
                settings, name, turn=turn, lost=0, token=uuid4().hex, user_data="#!/bin/true\n", tags=tags
            )
            how = "as spot " if "InstanceMarketOptions" in asked else ""
            right = f"ec2: size {name} could start in {region}: {asked['InstanceType']} {how}in {asked['SubnetId']}"
            yield _tried(right, partial(ec2.run_instances, **asked, DryRun=True), now)


def _disk_key(settings: Ec2Settings, region: str, ec2: Any, now: datetime) -> Iterator[CheckResult]:
    """That the key of KMS is there and in use, with which disks are encrypted; nothing where that is Amazon's own.

    EC2 uses it by a grant of the service's: without one it says that a machine could be launched, and then ends it.
    """
    key = settings.regions[region].disk_key
    if key is None:
        with suppress(ClientError, BotoCoreError):
            key = ec2.get_ebs_default_kms_key_id()["KmsKeyId"]
    if key is None or key.endswith(AMAZONS_KEY):
        return
    right = f"ec2: disks in {region} can be encrypted with the key {key}"
    kms = make_client(settings, "kms", region)
    try:
        state = kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
        if state != "Enabled":
            mend = "enable it, or name another as disk_key."
            yield CheckResult(False, f"{right}: NO. It is {state}: {mend}")
            return
        kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256", DryRun=True)
    except (ClientError, BotoCoreError) as problem:
        if read_code(problem) != KMS_DRY_RUN:
            yield _no(right, problem, now, "KMS")
            return
    remark = "that the service may grant it to EC2 (kms:CreateGrant) shows at the first launch"
    yield CheckResult(True, f"{right}; {remark}")


def _ad_hoc(settings: Ec2Settings, now: datetime) -> Iterator[CheckResult]:
    """Check what ad-hoc workers need, which start in the first region; nothing where they aren't allowed."""
    allowed, region = settings.ad_hoc, settings.region
    if allowed is None:
        return
    ec2, iam = make_client(settings, "ec2", region), make_client(settings, "iam", region)
    yield _role_of_its_own(settings, allowed.instance_profile, iam, now)
    groups = list(allowed.security_groups)
    yield _tried(
        f"ec2.ad_hoc: {', '.join(groups)} are in {region}", partial(ec2.describe_security_groups, GroupIds=groups), now
    )
    tags = {DEPLOYMENT_TAG: "check", DEADLINE_TAG: "2000-01-01T00:00:00Z"}
    for name, size in settings.sizes.items():
        asked = build_launch_parameters(
            settings.for_ad_hoc, name, turn=0, token=uuid4().hex, user_data="#!/bin/true\n", tags=tags
        )
        right = f"ec2.ad_hoc: one of size {name} could start in {region}"
        yield _tried(right, partial(ec2.run_instances, **asked, DryRun=True), now)
        yield from _hears_of_extensions(name, size, ec2)


def _role_of_its_own(settings: Ec2Settings, profile: str, iam: Any, now: datetime) -> CheckResult:
    right = f"ec2.ad_hoc: the profile {profile} has a role of its own"
    try:
        roles = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
    except (ClientError, BotoCoreError) as problem:
        return _no(right, problem, now)
    if any(role["RoleId"] == settings.role_id for role in roles):
        mend = "Whoever works there could do what workers may: give it a role for Session Manager only."
        return CheckResult(False, f"{right}: NO. It is the workers'. {mend}")
    return CheckResult(True, right)


def _hears_of_extensions(name: str, size: Size, ec2: Any) -> Iterator[CheckResult]:
    """That machines see their tags change; nothing where a type isn't there, which is said elsewhere."""
    with suppress(ClientError, BotoCoreError):
        described = ec2.describe_instance_types(InstanceTypes=list(size.instance_types))["InstanceTypes"]
        old = [each["InstanceType"] for each in described if each.get("Hypervisor", "nitro") != "nitro"]
        if old:
            right = f"ec2.ad_hoc: machines of size {name} hear of an extension"
            yield CheckResult(False, f"{right}: NO. {', '.join(old)} isn't on the Nitro system: name newer types.")


def _boundaries(settings: Ec2Settings, region: str, ec2: Any, now: datetime) -> Iterator[CheckResult]:
    """That no machine of others can be ended, tried on one of them if there is one."""
    try:
        page = ec2.describe_instances(MaxResults=100)
    except (ClientError, BotoCoreError) as problem:
        yield _no(f"ec2: machines in {region} can be seen", problem, now)
        return
    yield CheckResult(True, f"ec2: machines in {region} can be seen")
    machines = [machine for reservation in page["Reservations"] for machine in reservation["Instances"]]
    foreign = [machine["InstanceId"] for machine in machines if not _is_ours(machine, settings)]
    if not foreign:
        return
    right = f"ec2: machines of others in {region} can't be ended"
    try:
        ec2.terminate_instances(InstanceIds=foreign[:1], DryRun=True)
    except (ClientError, BotoCoreError) as problem:
        code = read_code(problem)
        if code == DRY_RUN:
            tag = f"{STACK_TAG} is {settings.stack}" if settings.stack else f"{DEPLOYMENT_TAG} is set"
            mend = f"Allow ec2:TerminateInstances only where aws:ResourceTag/{tag}."
            yield CheckResult(False, f"{right}: NO. This role may end {foreign[0]}. {mend}")
        elif code == FORBIDDEN:
            yield CheckResult(True, right)
        else:
            yield CheckResult(False, f"{right}: NO. It isn't known. {describe_error(problem, now)} Run this again.")


def _is_ours(machine: dict[str, Any], settings: Ec2Settings) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in machine.get("Tags", [])}
    return DEPLOYMENT_TAG in tags and tags.get(STACK_TAG) == settings.stack


def _tried(right: str, attempt: Callable[[], object], now: datetime) -> CheckResult:
    try:
        attempt()
    except (ClientError, BotoCoreError) as problem:
        if read_code(problem) == DRY_RUN:
            return CheckResult(True, right)
        return _no(right, problem, now)
    return CheckResult(True, right)


def _no(right: str, problem: ClientError | BotoCoreError, now: datetime, service: str = "EC2") -> CheckResult:
    code = read_code(problem)
    mend = next((mend for beginning, mend in MENDS if code.startswith(beginning)), "")
    return CheckResult(False, f"{right}: NO. {describe_error(problem, now, service)} {mend}".rstrip())


#: where Amazon answers for prices of all regions
PRICING_REGION = "us-east-1"


def format_prices(settings: Settings) -> Iterator[str]:
    """The size, its hardware and the most that an hour of it costs, a line each; then the table's day."""
    ec2, table = settings.machines, load_prices(settings.places.folder)
    for name, size in ec2.sizes.items():
        hourly = table.dearest(size, ec2.regions)
        cost = "no price known: run prices --refresh" if hourly is None else f"${hourly.normalize():f} an hour at most"
        yield f"{name}: {size.hardware}, {cost}"
    yield f"Prices of {table.at}."


def size_prices(settings: Settings) -> dict[str, Any]:
    """The same for programs; the dollars of a size whose price isn't known are None."""
    ec2, table = settings.machines, load_prices(settings.places.folder)
    dearest = {name: table.dearest(size, ec2.regions) for name, size in ec2.sizes.items()}
    sizes = [
        {"size": name, "hardware": size.hardware, "hourly": None if (hourly := dearest[name]) is None else str(hourly)}
        for name, size in ec2.sizes.items()
    ]
    return {"prices_of": str(table.at), "sizes": sizes}


def refresh_prices(settings: Settings, today: date) -> Iterator[str]:
    """Write today's prices of the settings' machines into the folder; what was and wasn't had.  Raises Refused."""
    ec2 = settings.machines
    try:
        table = fetch_prices(Session().client("pricing", region_name=PRICING_REGION), ec2, today)
    except (BotoCoreError, ClientError) as problem:
        raise Refused("no_prices", f"Amazon's price list can't be asked: {problem}") from None
    table, said = fill_disk_prices(table, load_prices(settings.places.folder))
    yield from said
    yield f"Written to {save_prices(table, settings.places.folder)}: restart the service to use it."
