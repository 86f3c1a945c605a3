#!/bin/bash
# Make copies of an archive with GNU parallel: bash deidentify.sh WORKSPACE SOURCE DEST [SHARDS] [PROCESSES]
#
# WORKSPACE is the hospital's workspace: the job's key is made there, and the manifest written. DEST is a new folder.
# Everything else is as in check.sh. Delete job.key when the copies are there: it makes the workspace's pseudonyms.
set -euo pipefail

WORKSPACE=$1 SOURCE=$(realpath "$2") DEST=$(realpath -m "$3")
SHARDS=${4:-16}
PROCESSES=${5:-$(nproc)}
OPTIONS=()      # of the profile, the same for both arrays: OPTIONS=(--retain-uids)
SEARCH=()       # SEARCH=(--ocr) also blacks text in the pixels
LABELS=()       # LABELS=(--labels "$SOURCE/labels.csv")
PARALLEL=(parallel --quote --halt soon,fail=1 --retries 2 --jobs "$PROCESSES")
KEY=(--key-file "$PWD/job.key")

mkdir -p parts
test -e job.key || privxray -C "$WORKSPACE" deidentify key "$PWD/job.key"

seq "$SHARDS" | "${PARALLEL[@]}" privxray --quiet deidentify terms "$SOURCE" --shard "{}/$SHARDS" "${KEY[@]}" \
    "${OPTIONS[@]}" --out "parts/terms-{}.part"
privxray deidentify terms --merge parts/terms-*.part "${KEY[@]}" --out parts/all.terms

seq "$SHARDS" | "${PARALLEL[@]}" privxray --quiet deidentify "$SOURCE" "$DEST" --shard "{}/$SHARDS" \
    --terms parts/all.terms "${KEY[@]}" "${OPTIONS[@]}" "${SEARCH[@]}" --jobs 1 --out "parts/copies-{}.part"
privxray -C "$WORKSPACE" deidentify "$SOURCE" "$DEST" --merge "$PWD"/parts/copies-*.part "${KEY[@]}" "${LABELS[@]}"
