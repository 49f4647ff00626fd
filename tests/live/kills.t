#!/bin/sh
# make check: 20 kills of what `make soak` does 500 times.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/soak/kills.sh
. tests/soak/kills.sh
kills 20
done_testing
