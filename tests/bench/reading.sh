# Reading of large files: many connections, one that is large, small packets, a second opening. Sourced by run.
# shellcheck shell=bash

# Microseconds, and the most kilobytes that one of its processes held, of a command whose output is not wanted.
costs() {
	python3 -c '
import subprocess, sys, time

def most(pid):  # of a process and what it started: what it held at most so far
    try:
        with open(f"/proc/{pid}/status") as f:
            mine = [int(line.split()[1]) for line in f if line.startswith("VmHWM")]
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return max(mine + [most(child) for child in f.read().split()] + [0])
    except OSError:
        return 0

start = time.monotonic()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
held = 0
while child.poll() is None:
    held = max(held, most(child.pid))
    time.sleep(0.01)
print(int((time.monotonic() - start) * 1e6), held)' "$@"
}

tcp_file() { # NAME CONNECTIONS PACKETS PAYLOAD: its path
	local file=$O/bench/$1.pcap
	mkdir -p "$O/bench"
	[ -s "$file" ] || { "$B/tests/bench/make_tcp" "$file.new" "$2" "$3" "$4" && mv "$file.new" "$file"; }
	cat "$file" >/dev/null
	echo "$file"
}

against_tcpdump() { # NAME FILE WANTED: connections, alternating with tcpdump's filter pass
	local ours='' peer=''
	for _ in 1 2 3; do
		ours="$ours $(elapsed_us "$TAPDECK" summary "$2" --columns connections --format csv)"
		peer="$peer $(elapsed_us tcpdump -nr "$2" -w /dev/null 'tcp port 80')"
	done
	# shellcheck disable=SC2086
	figure "$1, s" "$(printf '%s\n' $ours | best 1000000)" "$(printf '%s\n' $peer | best 1000000)" "$3"
}

# A million connections whose answers come after 50,000 others, so that no cache holds what they look for: its path.
many_file() {
	local file=$O/bench/many.pcap
	mkdir -p "$O/bench"
	[ -s "$file" ] || { "$B/tests/bench/make_many" "$file.new" 1000000 && mv "$file.new" "$file"; }
	cat "$file" >/dev/null
	echo "$file"
}

reading_bench() {
	local file cost peer
	export TAPDECK_CACHE=off # each is read
	file=$(many_file)
	peer=$(for _ in 1 2 3; do elapsed_us tcpdump -nr "$file" -w /dev/null 'tcp port 80'; done | best 1000000)
	cost=$(for _ in 1 2 3; do costs "$TAPDECK" summary "$file" --columns connections --format csv; done | sort -n | head -n 1)
	figure 'a million connections in two million packets, s' "$(echo "${cost% *}" | best 1000000)" "$peer" 1 plain
	figure 'a million connections in two million packets, MB' "$(echo "${cost#* }" | best 1000)" - 500 plain
	against_tcpdump 'one connection of 500 MB' "$(tcp_file one 1 490000 1460)" 1.0
	file=$(tcp_file small 1000 10000 46)
	peer=$(elapsed_us tcpdump -nr "$file" -w /dev/null 'tcp port 80' | best 1000000)
	cost=$(costs "$TAPDECK" summary "$file" --columns connections --format csv)
	figure '10 million packets in a gigabyte, s' "$(echo "${cost% *}" | best 1000000)" "$peer" -
	figure '10 million packets in a gigabyte, MB' "$(echo "${cost#* }" | best 1000)" - 400 plain
	big_file
	cat "$BIG" >/dev/null
	unset TAPDECK_CACHE
	elapsed_us "$TAPDECK" summary "$BIG" --columns packets >/dev/null
	sleep 1 # what was learnt is written down when nobody waits any more
	figure '1 GB opened again unchanged, ms' \
		"$(for _ in 1 2 3; do elapsed_us "$TAPDECK" summary "$BIG" --columns packets; done | best 1000)" - 100 plain
	figure 'all connections of it, ms' \
		"$(for _ in 1 2 3; do elapsed_us "$TAPDECK" connections "$BIG" --format csv; done | best 1000)" - -
	figure 'its last packet, ms' \
		"$(for _ in 1 2 3; do elapsed_us "$TAPDECK" packet "$BIG_PACKETS" "$BIG"; done | best 1000)" - -
}
