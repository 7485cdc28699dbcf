#!/usr/bin/env bash
# Packs run.sh and the text, at the root of the archive, as wordcount.tar.gz or the file named.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
target="${1:-$here/wordcount.tar.gz}"
tar -czf "$target" -C "$here" run.sh gettysburg.txt
echo "$target"
