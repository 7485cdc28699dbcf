#!/usr/bin/env bash
# Runs the notebook of this bundle by papermill: outputs go to the output folder beside the notebook,
# the executed notebook and its HTML to report/.  Exits with 0 only when every cell succeeded.
#
# Needs python3 and a package index (pip's and uv's own configuration is honoured), nothing else.  Two environments
# are made in .environment/, or in $ENVIRONMENT_DIR, and used again while their requirements stay the same:
#   runner   papermill and nbconvert                 from .wrapper/runner.txt
#   kernel   what the notebook's own code imports    from .wrapper/requirements.txt
# Which notebook and kernel: .wrapper/config.json.  Parameters: .wrapper/params.json.  What it does then: the modules in .wrapper/driver.
# Variables that are set already (OUTPUT_DIR, REPORT_DIR, SCHEDULED_FOR, DATA_DATE, …) are kept.
set -euo pipefail
unset CDPATH

say() { printf 'run.sh: %s\n' "$1"; }

fail() { # $1: one sentence without quotes
  local report="${REPORT_DIR:-$PWD/report}"
  if mkdir -p -- "$report"; then
    printf '{"kind": "environment", "code": 69, "name": "environment", "message": "%s", "sentence": "%s", %s}\n' \
      "$1" "$1" '"cell": null, "cells": null, "line": null' >"$report/failure.json" || true
  fi
  say "$1"
  exit 69
}

absolute() { # $1: name of a variable that holds a path of the folder we were called from
  local value="${!1:-}"
  if [[ -n $value && $value != /* ]]; then export "$1=$PWD/$value"; fi
}

can_install_packages() { [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; }

install_packages() { # Debian packages
  say "installing $*"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null
}

install_apt_txt() {
  local names=()
  while read -r name _ || [[ -n $name ]]; do
    if [[ -n $name && $name != \#* ]] && ! dpkg -s "$name" &>/dev/null; then names+=("$name"); fi
  done <apt.txt
  [[ ${#names[@]} -gt 0 ]] || return 0
  if ! can_install_packages; then
    say "apt.txt isn't installed: that takes root on Debian or Ubuntu"
  else
    install_packages "${names[@]}" || fail "The Debian packages of apt.txt could not be installed."
  fi
}

find_uv() { # sets uv; from PATH, or our own by pip
  uv="$(command -v uv || true)"
  [[ -z $uv ]] || return 0
  uv="$environments/tools/bin/uv"
  [[ ! -x $uv ]] || return 0
  command -v python3 >/dev/null || fail "Python 3.11 or newer is needed: install python3 and run this again."
  say "fetching uv, which makes the environments"
  if ! python3 -m venv --clear "$environments/tools" >/dev/null 2>&1; then
    can_install_packages || fail "Python can not make an environment here: install python3-venv and run this again."
    install_packages python3-venv || fail "Python can not make an environment here: python3-venv could not be installed."
    python3 -m venv --clear "$environments/tools" >/dev/null || fail "Python can not make an environment here."
  fi
  "$environments/tools/bin/python" -m pip install --quiet --disable-pip-version-check uv ||
    fail "uv could not be installed: is a package index reachable from here?"
}

settle_uv() { # uv installs as this machine's pip would
  export UV_PYTHON_DOWNLOADS=never
  local python=python3 setting
  if [[ -x $environments/tools/bin/python ]]; then python="$environments/tools/bin/python"; fi
  while IFS= read -r -d '' setting; do export "${setting?}"; done < <("$python" .wrapper/uv_settings.py || true)
}

make_environment() { # $1: name, $2: requirements, $3: wanted Python, further: options of uv pip install
  local environment="$environments/$1" requirements="$2" wanted="$3" have
  if cmp -s -- "$requirements" "$environment/made-from" && "$environment/bin/python" -c ''; then return 0; fi
  if [[ -z ${uv:-} ]]; then find_uv && settle_uv; fi
  say "making the $1 environment"
  if ! "$uv" venv --quiet --clear --python "$wanted" "$environment" 2>/dev/null; then
    say "Python $wanted is not installed here; taking what there is"
    "$uv" venv --quiet --clear --python '>=3.11' "$environment" ||
      fail "Python 3.11 or newer is needed to make the $1 environment."
  fi
  if ! "$uv" pip install --quiet --python "$environment/bin/python" --requirements "$requirements" "${@:4}"; then
    have="$("$environment/bin/python" -c 'import platform; print(platform.python_version())')"
    fail "Packages of the $1 environment, pinned for Python $wanted, could not be installed; Python here is $have."
  fi
  cp -- "$requirements" "$environment/made-from"
}

for variable in OUTPUT_DIR REPORT_DIR PREVIOUS_DIR ENVIRONMENT_DIR RUNNER_PYTHON KERNEL_SPEC; do absolute $variable; done
if [[ ${BASH_SOURCE[0]} == */* ]]; then cd -P -- "${BASH_SOURCE[0]%/*}/.."; else cd ..; fi

environments="${ENVIRONMENT_DIR:-$PWD/.environment}"
if [[ -z ${KERNEL_SPEC:-} ]]; then
  if [[ -f apt.txt ]]; then install_apt_txt; fi
  [[ -f .wrapper/requirements.txt ]] || fail "The packages of the notebook are not known, so it runs only with its own kernel."
  make_environment kernel .wrapper/requirements.txt "$(<.wrapper/python-version)"
  export KERNEL_PYTHON="$environments/kernel/bin/python"
fi
if [[ -z ${RUNNER_PYTHON:-} ]]; then
  make_environment runner .wrapper/runner.txt '>=3.11' --compile-bytecode
  RUNNER_PYTHON="$environments/runner/bin/python"
fi

# isolated: PYTHONPATH and the like are the kernel's affair
exec "$RUNNER_PYTHON" -I -X utf8 -c 'import sys; sys.path.insert(0, ".wrapper"); from driver.main import main; sys.exit(main())'
