# shellcheck shell=bash
# The counters part of tests/bench/run: what a packet costs with so many counters, in memory; peer: one program after the other.
counters_bench() {
	local count traffic alone together rest
	echo "# counters: runs a packet, ms to make ready, share found by what is remembered"
	"$B/tests/bench/counters" >"$T/counters" || return
	while read -r count traffic alone together rest; do
		figure "counters $count, $traffic, ns a packet (0.4 Mpps on a core: 2500)" "$together" "$alone" 2500 plain
		echo "#   $rest"
	done <"$T/counters"
}
