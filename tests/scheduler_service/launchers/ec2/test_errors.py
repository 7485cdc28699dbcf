"""What EC2's errors mean."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from scheduler_service.launchers.ec2.errors import (
    ErrorKind,
    classify_error,
    describe_configuration_error,
    describe_end,
    describe_error,
    read_code,
)


@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        ("RequestLimitExceeded", 503, ErrorKind.LATER),
        ("Throttling", 400, ErrorKind.LATER),
        ("InternalError", 500, ErrorKind.LATER),
        ("SomethingNew", 500, ErrorKind.LATER),
        ("SomethingNew", 429, ErrorKind.LATER),
        ("RequestExpired", 400, ErrorKind.LATER),
        ("InsufficientInstanceCapacity", 500, ErrorKind.NO_CAPACITY),
        ("VcpuLimitExceeded", 400, ErrorKind.NO_CAPACITY),
        ("InstanceLimitExceeded", 400, ErrorKind.NO_CAPACITY),
        ("MaxSpotInstanceCountExceeded", 400, ErrorKind.NO_CAPACITY),
        ("Unsupported", 400, ErrorKind.NO_CAPACITY),
        ("IdempotentInstanceTerminated", 400, ErrorKind.ALREADY_OVER),
        ("IdempotentParameterMismatch", 400, ErrorKind.MISMATCH),
        ("UnauthorizedOperation", 403, ErrorKind.CONFIGURATION),
        ("InvalidAMIID.NotFound", 400, ErrorKind.CONFIGURATION),
        ("InvalidSubnetID.NotFound", 400, ErrorKind.CONFIGURATION),
        ("AuthFailure", 401, ErrorKind.CONFIGURATION),
        ("SomethingNew", 400, ErrorKind.CONFIGURATION),
    ],
)
def test_each_error_means_one_thing(code: str, status: int, meaning: ErrorKind) -> None:
    assert classify_error(code, status) is meaning


def test_a_sentence_names_the_setting_and_says_what_to_do() -> None:
    sentence = describe_configuration_error("InvalidSubnetID.NotFound", "The subnet ID 'subnet-x' does not exist")
    assert sentence.startswith("EC2 refused the subnet (InvalidSubnetID.NotFound): The subnet ID 'subnet-x'")
    assert "scheduler_service check" in sentence


def test_an_image_for_other_processors_than_the_types_is_refused_once_and_in_ec2s_words() -> None:
    code, words = "InvalidParameterValue", "The architecture 'x86_64' of the specified instance type does not match"
    assert classify_error(code, 400) is ErrorKind.CONFIGURATION
    assert describe_configuration_error(code, f"{words} the architecture 'arm64' of the specified AMI.").startswith(
        f"EC2 refused a setting (InvalidParameterValue): {words} the architecture 'arm64' of the specified AMI."
    )


def test_what_a_policy_says_stays_out_of_the_sentence() -> None:
    words = "You are not authorized. Encoded authorization failure message: c2VjcmV0"
    assert "c2VjcmV0" not in describe_configuration_error("UnauthorizedOperation", words)


@pytest.mark.parametrize(
    ("code", "words", "is_final", "is_shortage"),
    [
        ("Client.InternalError", "the key of KMS", True, False),
        ("Client.InvalidSnapshot.NotFound", "name another image", True, False),
        ("Client.VolumeLimitExceeded", "as many disks as it may have", False, True),
        ("Server.InsufficientInstanceCapacity", "no room", False, True),
        ("Server.SpotInstanceTermination", "took its spot machine back", False, False),
        ("Client.UserInitiatedShutdown", "Somebody ended its machine", False, False),
        ("Server.Unheard", "EC2 ended its machine, and says: of something new", False, False),
    ],
)
def test_why_a_machine_ended_is_one_sentence_with_ec2s_code(
    code: str, words: str, is_final: bool, is_shortage: bool
) -> None:
    end = describe_end(code, f"{code}: of something new", "", "jupyter-schedule: not asked")
    assert words in end.sentence
    assert end.sentence.endswith(f"({code}).")
    assert (end.is_final, end.is_shortage) == (is_final, is_shortage)


CONSOLE = """\
[   12.345678] cloud-init[812]: jupyter-schedule: the agent can't be fetched: <urlopen error timed out>
[   14.000001] cloud-init[812]: jupyter-schedule: the agent can't be fetched: <urlopen error [Errno 101] unreachable>
[   14.100000] systemd-shutdown[1]: Powering off.
"""


def test_a_machine_that_shut_itself_down_has_the_last_word() -> None:
    end = describe_end("Client.InstanceInitiatedShutdown", "Instance initiated shutdown", "", CONSOLE)
    assert end.sentence == (
        "Its machine shut itself down before the run was over (Client.InstanceInitiatedShutdown). "
        "Its last word was: the agent can't be fetched: <urlopen error [Errno 101] unreachable>."
    )
    assert end.log.splitlines()[0].startswith("jupyter-schedule: the agent can't be fetched")
    # user-data says in the end, whatever happened, by which code
    ended = f"{CONSOLE}[   14.2] cloud-init[812]: jupyter-schedule: the agent ended with code 1\n"
    assert describe_end("Client.InstanceInitiatedShutdown", "", "", ended).sentence == end.sentence
    alone = describe_end("Client.InstanceInitiatedShutdown", "", "", "jupyter-schedule: the agent ended with code 137")
    assert alone.sentence.endswith("Its last word was: the agent ended with code 137.")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("User initiated (2026-11-23 12:34:56 GMT)", datetime(2026, 11, 23, 12, 34, 56, tzinfo=UTC)),
        ("User initiated", None),
        ("", None),
    ],
)
def test_when_a_machine_ended_is_read_where_ec2_says_it(text: str, at: datetime | None) -> None:
    assert describe_end("Client.UserInitiatedShutdown", "", text).at == at


UNFETCHED = "jupyter-schedule: the agent can't be fetched:"
FETCHING = f"cloud-init[812]: {UNFETCHED} HTTP Error 403: Forbidden b'<Error><Code>{{}}</Code>{{}}'"


@pytest.mark.parametrize(
    ("console", "words"),
    [
        ("/var/lib/cloud/instance/scripts/part-001: line 10: python3: command not found", "image has no Python"),
        ("System has not been booted with systemd as init system (PID 1). Can't operate.", "another init than systemd"),
        ("part-001: line 8: systemd-run: command not found", "another init than systemd"),
        ("OSError: [Errno 28] No space left on device: '/opt/jupyter-schedule/boto3'", "disk is full"),
        (FETCHING.format("RequestTimeTooSkewed", ""), "clock is wrong by more than 15 minutes"),
        (FETCHING.format("PermanentRedirect", ""), "set storage.region"),
        (FETCHING.format("AccessDenied", "not authorized to perform: kms:Decrypt"), "may not use the key of KMS"),
        (FETCHING.format("AccessDenied", ""), "S3 refuses the agent to the workers' role"),
        ("jupyter-schedule: refused: The machine may not write as AROA1:i-1: set role_id.", "set role_id (Client.Ins"),
        (
            "jupyter-schedule: the agent can't be fetched: <urlopen error timed out>",
            "Its last word was: the agent can't",
        ),
    ],
)
def test_what_another_machine_would_not_mend_is_one_sentence_and_final(console: str, words: str) -> None:
    end = describe_end(
        "Client.InstanceInitiatedShutdown", "", "", f"booting\n{console}\njupyter-schedule: the agent ended"
    )
    assert words in end.sentence or "the agent can't be fetched: <urlopen" in console
    assert end.is_final


@pytest.mark.parametrize(
    "console",
    [
        "",
        "jupyter-schedule: the agent ended with code 137",
        # what passed is no reason
        f"{FETCHING.format('AccessDenied', '')}\n{UNFETCHED} HTTP Error 503: Slow Down",
        "Traceback (most recent call last):\nRuntimeError: something of ours",
    ],
)
def test_what_another_machine_may_mend_is_tried_again(console: str) -> None:
    assert not describe_end("Client.InstanceInitiatedShutdown", "", "", console).is_final
    # and what EC2 itself explains needs no console
    assert not describe_end("Server.SpotInstanceTermination", "", "", "python3: command not found").is_final


def test_what_another_server_answers_in_ec2s_place_is_a_sentence_too() -> None:
    """An endpoint that speaks as S3 does has no code where EC2 has one."""
    problem = ClientError({"ResponseMetadata": {"HTTPStatusCode": 405}}, "DescribeSubnets")
    assert describe_error(problem, datetime.now(UTC)) == (
        "What answers isn't EC2: correct the endpoint in the settings."
    )
    assert read_code(problem) == ""
