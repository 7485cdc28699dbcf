"""What is asked of EC2 for an attempt."""

import pytest

from scheduler_service.decide import MAX_ATTEMPTS
from scheduler_service.launchers.ec2.launch_plan import (
    STACK_TAG,
    MachineOption,
    UserDataTooLarge,
    build_launch_parameters,
    choose_option,
    list_options,
)
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.launchers.ec2.settings import Region as Place
from tests.scheduler_service.launchers.ec2.machines import SETTINGS


def parameters(size: str = "small", turn: int = 0, user_data: str = "#!/bin/bash\n") -> dict[str, object]:
    return build_launch_parameters(SETTINGS, size, turn=turn, token="t", user_data=user_data, tags={"b": "2", "a": "1"})


def test_spot_is_tried_everywhere_before_anything_is_paid_in_full() -> None:
    assert list_options(SETTINGS.sizes["cheap"], SETTINGS.regions) == [
        MachineOption("t3.medium", "eu-west-1", "subnet-a", spot=True),
        MachineOption("t3.medium", "eu-west-1", "subnet-b", spot=True),
        MachineOption("t3.medium", "eu-west-1", "subnet-a", spot=False),
        MachineOption("t3.medium", "eu-west-1", "subnet-b", spot=False),
    ]


@pytest.mark.parametrize("types", [("t3.medium",), ("t3.medium", "m7i.large", "m6i.large")])
def test_the_last_attempt_of_a_run_is_on_a_machine_that_nobody_takes_back(types: tuple[str, ...]) -> None:
    size = SETTINGS.sizes["cheap"].model_copy(update={"instance_types": types})
    settings = SETTINGS.model_copy(update={"sizes": {"cheap": size}})
    # two were taken back, and any number found no capacity
    for turn in range(20):
        assert not choose_option(settings, "cheap", turn, MAX_ATTEMPTS - 1).spot
        request = build_launch_parameters(
            settings, "cheap", turn=turn, token="t", user_data="", tags={}, lost=MAX_ATTEMPTS - 1
        )
        assert "InstanceMarketOptions" not in request
    # where nobody counted, one of three is
    assert any(not choose_option(settings, "cheap", turn).spot for turn in range(MAX_ATTEMPTS))


def test_what_finds_no_capacity_goes_through_all_offers_whatever_was_lost() -> None:
    for lost in range(MAX_ATTEMPTS - 1):
        tried = [choose_option(SETTINGS, "cheap", turn, lost) for turn in range(4)]
        assert tried == list_options(SETTINGS.sizes["cheap"], SETTINGS.regions)
    tried = [choose_option(SETTINGS, "cheap", turn, MAX_ATTEMPTS - 1) for turn in range(2)]
    assert {each.subnet for each in tried} == {"subnet-a", "subnet-b"}


def test_a_disk_is_encrypted_with_the_key_of_its_region_and_tags_name_the_stack() -> None:
    there = Place(subnets=("subnet-c",), security_groups=("sg-2",), disk_key="arn:aws:kms:eu-north-1:1:key/b")
    settings = SETTINGS.model_copy(
        update={"disk_key": "arn:aws:kms:eu-west-1:1:key/a", "elsewhere": {"eu-north-1": there}, "stack": "acme"}
    )
    keys = []
    for turn in (0, 4):
        asked = build_launch_parameters(settings, "small", turn=turn, token="t", user_data="", tags={"a": "1"})
        [disk] = asked["BlockDeviceMappings"]
        assert disk["Ebs"]["Encrypted"]
        keys.append(disk["Ebs"]["KmsKeyId"])
        assert all({"Key": STACK_TAG, "Value": "acme"} in each["Tags"] for each in asked["TagSpecifications"])
    assert keys == ["arn:aws:kms:eu-west-1:1:key/a", "arn:aws:kms:eu-north-1:1:key/b"]
    [plain] = build_launch_parameters(SETTINGS, "small", turn=0, token="t", user_data="", tags={})[
        "BlockDeviceMappings"
    ]
    assert "KmsKeyId" not in plain["Ebs"]


def test_the_zone_changes_before_the_type_does() -> None:
    tried = [(offer.instance_type, offer.subnet) for offer in list_options(SETTINGS.sizes["small"], SETTINGS.regions)]
    assert tried == [
        ("t3.medium", "subnet-a"),
        ("t3.medium", "subnet-b"),
        ("t3a.medium", "subnet-a"),
        ("t3a.medium", "subnet-b"),
    ]


def test_another_region_is_tried_last_with_what_it_has_itself() -> None:
    two = SETTINGS.model_copy(
        update={"elsewhere": {"eu-north-1": Place(subnets=("subnet-c",), security_groups=("sg-2",))}}
    )
    tried = [(offer.region, offer.subnet) for offer in list_options(two.sizes["small"], two.regions)]
    assert tried == [*[("eu-west-1", f"subnet-{zone}") for zone in "abab"], *[("eu-north-1", "subnet-c")] * 2]
    asked = build_launch_parameters(two, "small", turn=4, token="t", user_data="", tags={})
    assert (asked["SubnetId"], asked["SecurityGroupIds"]) == ("subnet-c", ["sg-2"])


def test_an_image_of_one_region_is_refused_where_there_are_several() -> None:
    size = {"instance_types": ["t3.medium"], "hardware": "2 cores", "image": "ami-1"}
    written = SETTINGS.model_dump() | {"sizes": {"small": size}}
    Ec2Settings.model_validate(written)
    elsewhere = {"eu-north-1": {"subnets": ["subnet-c"], "security_groups": ["sg-2"]}}
    with pytest.raises(ValueError, match="image of size small is in one region only"):
        Ec2Settings.model_validate(written | {"elsewhere": elsewhere})


def test_after_the_last_offer_comes_the_first_again() -> None:
    assert parameters(turn=4) == parameters(turn=0)


def test_the_same_attempt_asks_for_the_same() -> None:
    assert parameters() == parameters()


@pytest.mark.parametrize("size", ["small", "cheap"])
def test_a_machine_ends_with_its_work_and_keeps_its_role_to_itself(size: str) -> None:
    asked = parameters(size)
    assert asked["InstanceInitiatedShutdownBehavior"] == "terminate"
    metadata = asked["MetadataOptions"]
    assert isinstance(metadata, dict)
    assert (metadata["HttpTokens"], metadata["HttpPutResponseHopLimit"]) == ("required", 1)


def test_tags_are_set_in_the_same_call_on_the_machine_and_on_its_disk() -> None:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert parameters()["TagSpecifications"] == [
        {"ResourceType": "instance", "Tags": tags},
        {"ResourceType": "volume", "Tags": tags},
    ]


def test_only_spot_asks_for_spot() -> None:
    assert "InstanceMarketOptions" in parameters("cheap", turn=0)
    assert "InstanceMarketOptions" not in parameters("cheap", turn=2)


def test_user_data_over_the_limit_is_found_before_ec2_is_asked() -> None:
    with pytest.raises(UserDataTooLarge):
        parameters(user_data="é" * 8193)
    parameters(user_data="é" * 8192)


def test_a_size_that_the_operator_dropped_is_no_size() -> None:
    with pytest.raises(KeyError):
        parameters("huge")
