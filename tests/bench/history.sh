# shellcheck shell=bash
# The history part of tests/bench/run: taking up connections with all their indexes, what a row takes, and questions as their own
# processes over all shards. Figures are CPU time. PARTS=history; ROWS_HISTORY="1000000 5000000" for other sizes.
ROWS_HISTORY=${ROWS_HISTORY:-1000000}

history_number() { # TEXT BEFORE, in the answers of $figures: the number behind it
	sed -n "s,^# $1\([0-9.]*\).*,\1,p" <<<"$figures"
}

history_question() { # NAME WANTED_MS
	figure "$1, $rows rows, p50, ms of CPU" "$(history_number "$1: p50 ")" 0 "$2" plain
}

history_bench() {
	local rows figures rate
	for rows in $ROWS_HISTORY; do
		figures=$("$B/tests/unit/db/test_figures" "$rows" 2>&1)
		rate=$(history_number "$rows connections taken up: ")
		figure "a connection taken up, $rows rows, us of CPU" "$(awk -v r="$rate" 'BEGIN { if (r > 0) printf "%.2f", 1e6 / r; else print "-" }')" \
			0 6.67 plain
		figure "a connection kept, $rows rows, bytes" "$(sed -n 's/^# \([0-9]*\) bytes a connection/\1/p' <<<"$figures")" 0 150 plain
		history_question 'a process that asks nothing' -
		history_question 'newest 100 of a host' 10
		history_question 'a host in an hour' 10
		history_question 'newest 100 of a port' 10
		history_question 'newest 100 of a /24' 20
		history_question 'newest 100 of a capture' 20
		history_question 'top 20 of an hour' 20
		history_question 'top 20 of a day' 50
	done
}
