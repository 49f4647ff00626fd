#!/bin/sh
# make soak: 500 kills (KILLS says otherwise).
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/soak/kills.sh
. tests/soak/kills.sh
kills "${KILLS:-500}"
done_testing
