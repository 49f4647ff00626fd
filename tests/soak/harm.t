#!/bin/sh
# make soak: captures cut at every byte and changed at a thousand places, read under ASan and UBSan.
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
harm=$O/asan/tests/unit/reader/test_harm
make --no-print-directory BUILD=asan O="$O" "$harm" "$O/asan/tests/tools/make_captures" >/dev/null || {
	echo 'Bail out! test_harm does not build'
	exit 1
}
B=$O/asan TAPDECK_HARM=full CMOCKA_MESSAGE_OUTPUT=tap exec "$harm"
