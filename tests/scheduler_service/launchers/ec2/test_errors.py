"""What EC2's errors mean."""

import pytest

from scheduler_service.launchers.ec2.errors import ErrorKind, classify_error, describe_configuration_error


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


def test_what_a_policy_says_stays_out_of_the_sentence() -> None:
    words = "You are not authorized. Encoded authorization failure message: c2VjcmV0"
    assert "c2VjcmV0" not in describe_configuration_error("UnauthorizedOperation", words)
