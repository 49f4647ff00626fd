# shellcheck shell=bash
# The console's part of tests/bench/run: what a terminal of 100x30 sees of it, measured by tests/tools/pty.

console() { # FILE or nothing: commands on standard input, answers in $T/pty
	timeout 120 "$TOOLS/pty" -s 100x30 -- "$TAPDECK" "$@" >"$T/pty" 2>"$T/pty.err"
}
console_here() { timeout 120 ip netns exec "$near" "$TOOLS/pty" -s 100x30 -- "$TAPDECK" "$@" >"$T/pty" 2>"$T/pty.err"; }
seen_ms() { awk -v n="$1" '$1 == "expect" && ++i == n { print $2 }' "$T/pty"; } # the Nth expectation
seen_p95() { awk -v n="$1" '$1 == "key" && ++i == n { for (k = 1; k < NF; k++) if ($k == "p95") print $(k + 1) }' "$T/pty"; }
seen_rate() { awk -v n="$1" '$1 == "rate" && ++i == n { print $2 }' "$T/pty"; }
best_of() { printf '%s\n' "$@" | sort -n | head -n 1; }

first_screen() { # TEXT FILE...: the best of five, as the first one reads the programs from disk
	local text=$1 list='' i
	shift
	for i in 1 2 3 4 5; do
		printf 'expect 5 %s\nsend Q\n' "$text" | console "$@"
		list="$list $(seen_ms 1)"
	done
	# shellcheck disable=SC2086
	best_of $list
}

pager_key() { # what a key costs where nothing has to be asked: it shows how busy the machine is
	seq 100000 >"$T/numbers"
	printf '%s\n' 'rate 1' 'key 100 j' 'send q' | timeout 60 "$TOOLS/pty" -s 100x30 -- less "$T/numbers" >"$T/pty" 2>/dev/null
	seen_p95 1
}

console_file() {
	local pager
	big_file
	pager=$(pager_key)
	figure 'console: first screen, ms' "$(first_screen 'F1Help')" - 60 plain
	figure 'console: first rows of 1 GB, ms' "$(first_screen 'packets    ' "$BIG")" - 100 plain
	local turns=() i
	for i in 1 2 3 4 5 6 7 8 9 10; do # one key each, as each must change what is seen
		turns+=('key 1 g' 'key 1 G')
	done
	# P: the packets; the file is still being read for a second or more, and then it is not.
	printf '%s\n' 'expect 5 packets    ' 'send P' 'expect 5 PROTO' 'key 40 j' 'rate 10' 'key 100 j' "${turns[@]}" 'send Q' | console "$BIG"
	figure 'console: a key while 1 GB is read, p95, ms (peer less)' "$(seen_p95 1)" "${pager:--}" 5 plain
	figure 'console: a key, p95, ms (peer less)' "$(seen_p95 2)" "${pager:--}" 5 plain
	figure 'console: first and last packet in turn, p95, ms' "$(for i in $(seq 3 22); do seen_p95 "$i"; done | sort -n | sed -n 19p)" - 5 plain
}

console_sessions() { # as many sessions as a screen has rows, all counting the same traffic
	local i
	for i in $(seq 24); do
		tapdeck new "row-$i" device va filter "udp and len > $i"
	done
	there "$TOOLS/sender" 10.77.0.9 7777 mix 3000 60 >/dev/null &
	local sender=$!
	printf '%s\n' 'expect 5 row-9' 'rate 3' 'rate 10' 'send Q' | console_here
	figure 'console: all rows moving, bytes a second' "$(seen_rate 2)" - 1500 plain
	kill "$(pgrep -P $sender | head -n 1)" $sender 2>/dev/null
	for i in $(seq 24); do
		tapdeck stop "row-$i"
		tapdeck dismiss "row-$i"
	done
	printf '%s\n' 'expect 5 F1Help' 'rate 3' 'rate 10' 'send Q' | console_here
	figure 'console: idle, bytes a second' "$(seen_rate 2)" - 60 plain
}

console_bench() {
	export TAPDECK_CACHE=off # the file is to be read while somebody looks
	console_file
	[ -n "${daemon:-}" ] || live_setup
	console_sessions
}
