#!/bin/bash
# Boot a machine: image (folders with `:` between them, the topmost first), folder of its own, network namespace, name.  Runs as the first process of a process namespace,
# so that ending it is cutting the machine's power.
set -eu
mkdir -p "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
exec systemd-nspawn --quiet --boot --directory="$2/root" --register=no --keep-unit --machine="$4" --console=pipe \
  --network-namespace-path="/run/netns/$3" --capability=CAP_NET_ADMIN --resolv-conf=off --timezone=off "${@:5}" < /dev/null
