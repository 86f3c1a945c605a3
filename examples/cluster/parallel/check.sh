#!/bin/bash
# Check an archive with GNU parallel: bash check.sh FOLDER [SHARDS] [PROCESSES]
#
# Everything is written to the current folder. With several machines add --sshloginfile NODES --wd . to PARALLEL; they need
# the same paths. A shard that fails is tried twice; type the same command again to go on after that.
set -euo pipefail

FOLDER=$1
SHARDS=${2:-16}
PROCESSES=${3:-$(nproc)}
OPTIONS=()      # of the profile, the same for both arrays: OPTIONS=(--retain-uids)
SEARCH=()       # SEARCH=(--ocr) also looks for text in the pixels
PARALLEL=(parallel --quote --halt soon,fail=1 --retries 2 --jobs "$PROCESSES")
KEY=(--key-file job.key)

mkdir -p parts
test -e job.key || privxray check key job.key

seq "$SHARDS" | "${PARALLEL[@]}" privxray --quiet check terms "$FOLDER" --shard "{}/$SHARDS" "${KEY[@]}" \
    "${OPTIONS[@]}" --jobs 1 --out "parts/terms-{}.part"
privxray check terms --merge parts/terms-*.part "${KEY[@]}" --out parts/all.terms

seq "$SHARDS" | "${PARALLEL[@]}" privxray --quiet check "$FOLDER" --shard "{}/$SHARDS" --terms parts/all.terms \
    "${KEY[@]}" "${OPTIONS[@]}" "${SEARCH[@]}" --jobs 1 --out "parts/check-{}.part"
privxray check --merge parts/check-*.part "${KEY[@]}" --report check.html --csv check.csv --force
