"""What EC2's errors mean."""

import pytest

from scheduler_service.launchers.ec2.errors import Meaning, configuration_sentence, meaning_of


@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        ("RequestLimitExceeded", 503, Meaning.LATER),
        ("Throttling", 400, Meaning.LATER),
        ("InternalError", 500, Meaning.LATER),
        ("SomethingNew", 500, Meaning.LATER),
        ("SomethingNew", 429, Meaning.LATER),
        ("RequestExpired", 400, Meaning.LATER),
        ("InsufficientInstanceCapacity", 500, Meaning.NO_CAPACITY),
        ("VcpuLimitExceeded", 400, Meaning.NO_CAPACITY),
        ("InstanceLimitExceeded", 400, Meaning.NO_CAPACITY),
        ("MaxSpotInstanceCountExceeded", 400, Meaning.NO_CAPACITY),
        ("Unsupported", 400, Meaning.NO_CAPACITY),
        ("IdempotentInstanceTerminated", 400, Meaning.ALREADY_OVER),
        ("IdempotentParameterMismatch", 400, Meaning.MISMATCH),
        ("UnauthorizedOperation", 403, Meaning.CONFIGURATION),
        ("InvalidAMIID.NotFound", 400, Meaning.CONFIGURATION),
        ("InvalidSubnetID.NotFound", 400, Meaning.CONFIGURATION),
        ("AuthFailure", 401, Meaning.CONFIGURATION),
        ("SomethingNew", 400, Meaning.CONFIGURATION),
    ],
)
def test_each_error_means_one_thing(code: str, status: int, meaning: Meaning) -> None:
    assert meaning_of(code, status) is meaning


def test_a_sentence_names_the_setting_and_says_what_to_do() -> None:
    sentence = configuration_sentence("InvalidSubnetID.NotFound", "The subnet ID 'subnet-x' does not exist")
    assert sentence.startswith("EC2 refused the subnet (InvalidSubnetID.NotFound): The subnet ID 'subnet-x'")
    assert "scheduler_service check" in sentence


def test_what_a_policy_says_stays_out_of_the_sentence() -> None:
    words = "You are not authorized. Encoded authorization failure message: c2VjcmV0"
    assert "c2VjcmV0" not in configuration_sentence("UnauthorizedOperation", words)
