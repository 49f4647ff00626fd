#!/bin/sh
# make soak: captures cut at every byte and changed at a thousand places, read under ASan and UBSan: two processes, two minutes.
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
harm=$O/asan/tests/unit/reader/test_harm
make --no-print-directory BUILD=asan O="$O" "$harm" "$O/asan/tests/tools/make_captures" >/dev/null || {
	echo 'Bail out! test_harm does not build'
	exit 1
}
said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT
part() {
	B=$O/asan TAPDECK_HARM=full TAPDECK_HARM_PART=$1/2 CMOCKA_MESSAGE_OUTPUT=tap "$harm" 2>&1
}
report() { # number, exit status; what was said on standard input
	sed 's/^/# /'
	if [ "$2" = 0 ]; then echo "ok $1 - part $1 of 2"; else echo "not ok $1 - part $1 of 2"; fi
}
echo 1..2
part 2 >"$said" &
first=$(part 1) status=$?
printf '%s\n' "$first" | report 1 $status
wait $!
report 2 $? <"$said"
