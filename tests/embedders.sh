#!/bin/sh
# Runs the programs that embed the C library in languages with faults of their own, which catch the same signals as guests' traps.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
passed=0
failed=0
for program in "java checks" "java signals" "go checks" "go signals"; do
    language=${program% *}
    if said=$("$root/examples/$language/run.sh" "${program#* }" 2>&1); then
        passed=$((passed + 1))
    else
        echo "$said"
        echo "FAILED examples/$language, $program"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
