#!/usr/bin/env bash
# Every page in a real Chromium: on the screen (test_pages.py), on paper and without a mouse (test_paper_and_keyboard.py), and
# the documentation's site (test_site.py). It fetches what is missing: Debian's chromium and poppler, where it may; playwright and
# axe-core into build/browser, so that neither is in the environment of the other tests.
#
#   run.sh [SECONDS]    most seconds for each of its two parts, fetching and testing [default: 120]
#
# It ends with 0 and a reason where this machine can't have a browser, or is too slow; with 1 where a test fails.
set -uo pipefail
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../.."); most=${1:-120}; place=$root/build/browser
skipped() { echo "skipped: the tests in a browser ($1)"; exit 0; }

fetch() {
  command -v chromium > /dev/null && command -v pdftotext > /dev/null ||
    { [[ $(id -u) == 0 ]] && apt-get install -qq -y --no-install-recommends chromium poppler-utils; } || return 1
  [[ -d $place/python/playwright ]] ||
    "$root/.venv/bin/python" -m pip install --quiet --target "$place/python" 'playwright==1.*' || return 1
  [[ -f $place/node_modules/axe-core/axe.min.js ]] ||
    npm install --silent --no-audit --no-fund --prefix "$place" 'axe-core@4' || return 1
}
export -f fetch; export root place
mkdir -p "$place"
timeout -k 10 "$most" bash -c fetch > "$place/fetching.log" 2>&1 ||
  skipped "fetching chromium, playwright and axe-core did not succeed: build/browser/fetching.log"

cd "$root" || exit 1
PYTHONPATH="$place/python" timeout -k 10 "$most" .venv/bin/python -m pytest -q -p no:xdist tests/browser; code=$?
if [[ $code == 124 || $code == 137 ]]; then skipped "they took more than $most s"; fi
exit "$code"
