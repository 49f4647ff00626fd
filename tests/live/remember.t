#!/bin/sh
# A large file that is opened again unchanged is not read again; one that has changed is.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program python3
tapdeck() { timeout 60 "$TAPDECK" "$@"; } # no network is needed

capture=$T/large.pcap
kept=$XDG_CACHE_HOME/tapdeck
# PACKETS datagrams of 500 connections
large() {
	python3 -c '
import struct, sys
out = open(sys.argv[1], "wb")
out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
for i in range(int(sys.argv[2])):
    port = 1000 + i % 500
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 60, 0, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    p = bytes(12) + b"\x08\x00" + ip + struct.pack(">HHHH", port, 53, 40, 0) + bytes(32)
    out.write(struct.pack("<IIII", 1700000000 + i // 1000, i % 1000, len(p), len(p)) + p)
' "$1" "$2"
}
count_kept() { find "$kept" -name '*.read' 2>/dev/null | wc -l; }
some_kept() { [ "$(count_kept)" -gt 0 ]; }
attached() { # this test's processes that serve a client; their readers end with them
	for pid in /proc/[0-9]*; do
		{ tr '\0' '\n' <"$pid/environ" | grep -q "^TAPDECK_SOCKET=$T/" && grep -q -- --attach "$pid/cmdline" && echo "${pid#/proc/}"; } 2>/dev/null
	done
}
nobody_left() { [ -z "$(attached)" ]; }
tables() {
	for table in summary connections endpoints 'packets --limit 100' 'packets --sort -number --limit 3'; do
		# shellcheck disable=SC2086
		tapdeck $table "$capture" --format csv || echo "exit $?"
	done
}

large "$capture" 150000
sleep 0.2 # what was changed a moment ago may change again under the same time
TAPDECK_CACHE=off tables >"$T/read"
is "$(count_kept)" 0 'TAPDECK_CACHE=off: nothing is kept'
exits 0 'the first opening' summary "$capture" --format csv
until_true 10 some_kept
is "$(count_kept)" 1 'it is kept'
is "$(stat -c %a "$kept" "$kept"/*.read | tr '\n' ' ')" '700 600 ' 'for its owner alone'
tables >"$T/again"
is "$(cmp "$T/read" "$T/again" 2>&1)" '' 'the second opening shows the same tables'
is "$(count_kept)" 1 'and keeps no second copy'

inode=$(stat -c %i "$capture")
large "$capture" 150001
sleep 0.2
is "$(stat -c %i "$capture")" "$inode" 'the capture is written anew in its place'
is "$(tapdeck summary "$capture" --format csv --no-header --columns packets)" 150001 'a changed file is read again'
until_true 10 nobody_left
is "$(count_kept)" 1 'what was known before goes'

# Someone else's file is not believed.
chmod 666 "$kept"/*.read
exits 0 'a cache that others may write' summary "$capture" --format csv --columns packets
until_true 10 nobody_left
is "$(stat -c %a "$kept"/*.read)" 600 'is replaced'
rm -rf "$kept"
: >"$kept" # no folder can be made
exits 0 'no room for a cache is no reason to fail' summary "$capture" --format csv --no-header --columns packets
is "$(cat "$T/out")" 150001 'the file is read'
rm -f "$kept"

# Killed while it is written: nothing half is left.
for wait in 0.01 0.03 0.05 0.07; do
	tapdeck connections "$capture" --format csv >/dev/null 2>&1 &
	sleep "$wait"
	attached | xargs -r kill -KILL 2>/dev/null
	wait
done
is "$(find "$kept" -type f ! -name '*.read' 2>/dev/null | wc -l)" 0 'a kill leaves no part of a file'
exits 0 'and what it left is whole' connections "$capture" --format csv
is "$(wc -l <"$T/out")" 501 'all connections'
done_testing
