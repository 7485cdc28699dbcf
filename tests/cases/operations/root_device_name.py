"""runs-on #207, devpod-provider-aws #25, ncluster #52, mrack #332: the root disk of an image isn't always /dev/sda1.

`[ec2.sizes.x] image = "ami-…"` may name any image with Python 3.11 (docs/ec2.md); the official ones of Debian and of
Amazon Linux have /dev/xvda.  Then `disk = 200` makes a second, empty, paid volume, and the run has the image's own 8 GB.
Right: the launch names the device that the image has, or `check` says that the disk won't be the run's.  Exit 0 then.
(moto shows every image with /dev/sda1, so EC2's answer is told here.)
"""
import os, sys
sys.path.insert(0, os.getcwd())
from datetime import UTC, datetime
from scheduler_service.launchers.ec2.launch_plan import build_launch_parameters as launch_parameters
from scheduler_service.launchers.ec2.settings import Ec2Settings, Size
from scheduler_service.admin import check_aws as check_account

class Ec2:
    def describe_images(self, ImageIds):
        return {"Images": [{"ImageId": ImageIds[0], "Name": "debian-13-amd64", "RootDeviceName": "/dev/xvda",
                            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}]}]}

size = Size(instance_types=("t3.medium",), hardware="-", disk=200, image="ami-0debian0000000000")
settings = Ec2Settings(region="eu-west-1", subnets=("subnet-a",), security_groups=("sg-1",), instance_profile="w", role_id="AROA", sizes={"small": size})
asked = launch_parameters(settings, "small", turn=0, token="t", user_data="x", tags={})
mapped = {m["DeviceName"]: m["Ebs"]["VolumeSize"] for m in asked["BlockDeviceMappings"]}
found = check_account._image(settings, "eu-west-1", Ec2(), size, datetime.now(UTC))
print("launch asks for:", mapped, "| the image's root: /dev/xvda, 8 GiB | check says:", found)
sys.exit(0 if "/dev/xvda" in mapped or not found.right else 1)
