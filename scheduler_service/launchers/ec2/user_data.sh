#!/bin/bash
# What a fresh Debian or Ubuntu does first: arm the end of the machine, fetch the agent, hand over to it, power off.
set -u
json=$(base64 -d <<< '@CONFIGURATION@')

# Not `shutdown`, which waits for whoever ignores TERM.  Before all else, so that nothing that hangs can outlive it.
[[ $json =~ \"power_off_after\":\ ([0-9]+) ]] && systemd-run --unit=jupyter-schedule-failsafe --timer-property=AccuracySec=1s \
  --on-active="${BASH_REMATCH[1]}" systemctl poweroff --force --force

python3 - "$json" <<'PYTHON'
@BOOTSTRAP@
PYTHON
echo "jupyter-schedule: the agent ended with code $?"
systemctl poweroff || poweroff -f
