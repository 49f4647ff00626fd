#!/bin/sh
# Captures of others through the program: round trips, formats, compressed files (truth.py says more).
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/lib.sh
. tests/live/lib.sh
shared=${TAPDECK_CAPTURES:-../shared/captures}
if [ ! -r "$shared/truth.tsv" ]; then
	echo "1..0 # SKIP no shared captures at $shared: their truth is not tested"
	exit 0
fi
python3 tests/live/truth.py "$shared" "$T"
