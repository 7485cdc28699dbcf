#!/bin/bash
# What an ad-hoc worker does first: arm its end, then let its owner in.
set -u
json=$(base64 -d <<< '@CONFIGURATION@')

# Its time can be extended, which the deadline tag tells; whatever can't be read ends it.  Before all else, so that
# nothing that hangs can outlive it; not `shutdown`, which waits for whoever ignores TERM.
cat > /usr/local/sbin/jupyter-schedule-failsafe <<'FAILSAFE'
#!/bin/bash
at=http://169.254.169.254/latest
token=$(curl -sf -m 5 --retry 3 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$at/api/token")
until=$(curl -sf -m 5 --retry 3 -H "X-aws-ec2-metadata-token: $token" "$at/meta-data/tags/instance/jupyter-schedule:deadline")
left=$(($(date -d "${until:-1970-01-01}" +%s) - $(date +%s)))
if (( left > 0 )); then
  (( left > 86400 )) && left=86400
  systemd-run --timer-property=AccuracySec=1s --on-active="$left" bash /usr/local/sbin/jupyter-schedule-failsafe && exit
fi
systemctl poweroff --force --force
FAILSAFE
[[ $json =~ \"power_off_after\":\ ([0-9]+) ]] && systemd-run --unit=jupyter-schedule-failsafe --timer-property=AccuracySec=1s \
  --on-active="${BASH_REMATCH[1]}" bash /usr/local/sbin/jupyter-schedule-failsafe

python3 - "$json" <<'PYTHON'
import json, os, pwd, sys

told = json.loads(sys.argv[1])
if told["ssh_key"]:
    user = pwd.getpwnam(told["login_user"])
    folder = os.path.join(user.pw_dir, ".ssh")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    keys = os.path.join(folder, "authorized_keys")
    with open(keys, "a") as file:
        file.write(told["ssh_key"] + "\n")
    os.chmod(keys, 0o600)
    for path in (folder, keys):
        os.chown(path, user.pw_uid, user.pw_gid)
PYTHON
