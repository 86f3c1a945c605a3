#!/bin/bash
# Check an archive with Slurm: bash check.sh FOLDER [SHARDS]
#
# Submits four jobs, each of which waits for the one before: two arrays, each with its merge. Everything is written to the
# current folder, which all nodes have to see. The last job ends with 3 if an image did not pass: look at its log and at
# check.html. Submit it again to go on after a failure; what is done is not done again.
set -euo pipefail

FOLDER=$(realpath "$1")
SHARDS=${2:-64}
HERE=$(dirname "$(realpath "$0")")

mkdir -p parts logs
test -e job.key || privxray check key job.key

submit() {      # submit STEP [OPTIONS OF SBATCH...]
    local step=$1
    shift
    sbatch --parsable --job-name="privxray-$step" "$@" "$HERE/step.sbatch" "$step" "$FOLDER" "$SHARDS"
}

TERMS=$(submit terms --array="1-$SHARDS")
ALL=$(submit all_terms --dependency="afterok:$TERMS" --kill-on-invalid-dep=yes)
CHECK=$(submit check --array="1-$SHARDS" --dependency="afterok:$ALL" --kill-on-invalid-dep=yes)
MERGE=$(submit merge --dependency="afterok:$CHECK" --kill-on-invalid-dep=yes)
echo "Submitted $TERMS, $ALL, $CHECK and $MERGE. The report will be check.html."
