#!/usr/bin/env bash
# The short tests on Windows: files, keys, exchange, `init`, `doctor`, wrong inputs, with the Windows Python under Wine.
#
#   quick.sh [SECONDS]    most seconds for each of its two parts, setting up and testing [default: 280]
#
# It ends with 0 and a reason where this machine can't have a Windows, or is too slow for it; with 1 where a test fails,
# and where something that was fetched is not what it was. WINDOWS_CACHE names the folder for the 3 GB.
set -uo pipefail
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../.."); most=${1:-280}
cache=${WINDOWS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/privxray/windows}

timeout -k 10 "$most" "$root/tests/windows/setup.sh" "$cache"; code=$?
if [[ $code == 78 ]]; then exit 1; fi
if [[ $code != 0 ]]; then echo "skipped: the tests on Windows (setting up ended with $code)"; exit 0; fi

tests=(tests/unit/test_{system,system_files,formats_{container,limits,stream,tensors},keys,keys_keyfile,keys_sealed_body}.py
  tests/unit/test_exchange_{intake,mask,shamir,sums}.py tests/windows)
WIN_PATH="Z:\\host${root//\//\\}" timeout -k 10 "$most" "$cache/win" "$root" \
  -m pytest -q -p no:cacheprovider -p no:xdist "${tests[@]}"; code=$?
if [[ $code == 124 || $code == 137 ]]; then echo "skipped: the tests on Windows took more than $most s"; exit 0; fi
exit "$code"
