"""A bare machine without a cloud: a fresh Ubuntu or Debian with systemd and cloud-init that executes our user-data.

`image` builds both once, `network` gives machines a net of their own, `metadata` answers at 169.254.169.254 as
IMDSv2 does, `cloud` boots what the EC2 double calls launched and tells it when a machine ends.
"""
