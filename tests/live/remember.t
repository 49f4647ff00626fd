#!/bin/sh
# A large file that is opened again unchanged is not read again; one that has changed is.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
# shellcheck source=tests/live/terminal.sh
. tests/live/terminal.sh
need_program python3 tmux
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

# Where it cannot be kept the file is read all the same, and nothing lies about.
in_cache() { # XDG_CACHE_HOME
	(cd "$T/here" && HOME=$T/home XDG_CACHE_HOME=$1 tapdeck summary "$capture" --format csv --no-header --columns packets 2>&1)
	until_true 10 nobody_left
}
names() { find "$1" -type f | wc -l; }
mkdir "$T/here" "$T/home" "$T/elsewhere" "$T/link"
is "$(in_cache relative) $(ls "$T/here") $(names "$T/home")" '150001  1' 'a relative XDG_CACHE_HOME is none: the usual place'
is "$(in_cache /proc/self)" 150001 'a folder where nothing can be made'
ln -s "$T/elsewhere" "$T/link/tapdeck"
is "$(in_cache "$T/link") $(names "$T/elsewhere")" '150001 1' 'a link to a folder of our own is followed'
rm "$T/elsewhere"/*
chmod 777 "$T/elsewhere"
is "$(in_cache "$T/link") $(names "$T/elsewhere")" '150001 0' 'a folder that others may write is not used'
for _ in 1 2 3; do tapdeck summary "$capture" --format csv >/dev/null & done
wait
until_true 10 nobody_left
is "$(find "$kept" -type f | wc -l)" 1 'of several that read it at once one file is kept'

# What may not be written so large ends neither the reading nor the reader.
rm -rf "$kept"
printf '#!/bin/sh\nulimit -f 1000\nexec "%s" "$@"\n' "$TAPDECK" >"$T/limited"
chmod 700 "$T/limited"
whole=$TAPDECK TAPDECK=$T/limited
start 80 24 "$capture"
sees 'a limit for the size of files: it is read' 'packets +150001'
sleep 1 # it was written, up to the limit
keys P
sees 'and goes on to be' '> 53 len 32'
keys Escape
keys F
sees 'a table of more than a hundred columns shows those that have room' 'SRC +SPORT'
keys Q
sees 'the console ends' '^exit 0$'
TAPDECK=$whole
is "$(find "$kept" -type f | wc -l)" 0 'nothing is kept of it'

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
