# shellcheck shell=bash
# The live part of tests/bench/run: the same generator towards ours, dumpcap and tcpdump in turn, each with a ring of 64 MB,
# the generator on the first processor and the capture on the second.
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
SECONDS_LIVE=${SECONDS_LIVE:-10}
capture_cpu=$(($(nproc) > 1 ? 1 : 0))
RING_MB=64
WORK=$T/live

live_setup() {
	near=td-bench-$$-a far=td-bench-$$-b
	namespaces
	mkdir -p "$WORK"
	# To nobody: no answer disturbs the count.
	ip -n "$far" neigh add 10.77.0.9 lladdr "$(here cat /sys/class/net/va/address)" dev vb nud permanent
	ip netns exec "$near" taskset -c "$capture_cpu" "$BIN/tapdeckd" --daemon --log "$WORK/log" &
	daemon=$!
	at_end "kill $daemon"
	until_true 5 test -S "$TAPDECK_SOCKET"
}

cpu_ticks() { # PID...: user and system time of all their threads
	local sum=0 pid rest
	for pid in "$@"; do
		[ -r "/proc/$pid/stat" ] || continue
		rest=$(sed 's/.*) //' "/proc/$pid/stat")
		# shellcheck disable=SC2086
		set -- $rest
		sum=$((sum + ${12} + ${13}))
	done
	echo $sum
}

generate() { # BYTES|mix: sets sent
	sent=$(there taskset -c 0 "$TOOLS/sender" 10.77.0.9 7777 "$1" 0 "$SECONDS_LIVE")
}

live_result() { # FILE, BYTES|mix, ticks: sets got, lost (percent), us (of a packet)
	got=$("$TOOLS/numbers" "$1" | cut -d' ' -f1)
	lost=$(awk -v s="$sent" -v g="$got" 'BEGIN { printf "%.4f", s ? 100 * (s - g) / s : 0 }')
	us=$(awk -v s="$sent" -v t="$2" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.3f", s ? 1e6 * t / hz / s : 0 }')
	kpps=$((sent / SECONDS_LIVE / 1000))
}

live_ours() { # BYTES|mix, WORDS of new...
	local before after pids size=$1
	shift
	tapdeck new bench device va record buffer $RING_MB "$@" || return
	pids=$(pgrep -P "$daemon")
	# shellcheck disable=SC2086
	before=$(cpu_ticks $pids)
	generate "$size"
	sleep 1
	# shellcheck disable=SC2086
	after=$(cpu_ticks $pids)
	tapdeck list --format csv --columns dropped_device,dropped_kernel,dropped_buffer,dropped_disk --no-header >"$WORK/drops"
	tapdeck stop bench
	rm -rf "${WORK:?}/home"
	tapdeck fetch bench "${WORK:?}/home"
	live_result "$(echo "$WORK"/home/*.pcapng)" $((after - before))
	rm -rf "${WORK:?}/home"
	find "$XDG_STATE_HOME" "$XDG_DATA_HOME" -name '*.pcapng' -delete
	tapdeck dismiss bench
}

live_peer() { # BYTES|mix, COMMAND...: ends with -w
	local size=$1 pid after before
	shift
	: >"$WORK/peer.log"
	ip netns exec "$near" taskset -c "$capture_cpu" "$@" "$WORK/peer.pcap" >"$WORK/peer.log" 2>&1 &
	pid=$!
	until_true 5 grep -Eqi 'listening|capturing|running' "$WORK/peer.log"
	before=$(cpu_ticks "$pid")
	generate "$size"
	sleep 1
	after=$(cpu_ticks "$pid")
	kill -TERM "$pid"
	wait "$pid" 2>/dev/null
	live_result "$WORK/peer.pcap" $((after - before))
	rm -f "$WORK/peer.pcap"
}

live_one() { # BYTES|mix
	live_ours "$1"
	local ours_us=$us ours_lost=$lost least=100
	printf '# %s bytes, ours: %s kpps offered, %s%% lost (device,kernel,buffer,disk: %s)\n' "$1" "$kpps" "$lost" "$(cat "$WORK/drops")"
	told() { # NAME: of a peer
		printf '# %s bytes, %s: %s kpps offered, %s%% lost, %s us a packet\n' "$size" "$1" "$kpps" "$lost" "$us"
		least=$(awk -v a="$least" -v b="$lost" 'BEGIN { print a < b ? a : b }')
	}
	local size=$1
	if command -v netsniff-ng >/dev/null; then
		live_peer "$1" netsniff-ng --silent --in va --ring-size ${RING_MB}MiB --out
		told netsniff-ng
	fi
	live_peer "$1" dumpcap -q -i va -B $RING_MB -w
	local dumpcap_us=$us
	told dumpcap
	live_peer "$1" tcpdump -i va -B $((RING_MB * 1024)) -w
	told tcpdump
	figure "live $1 bytes, loss % (the peer that lost least)" "$ours_lost" "$least" "$least" plain
	figure "live $1 bytes, CPU us a packet (peer dumpcap)" "$ours_us" "$dumpcap_us" 1.0
	figure "live $1 bytes, CPU us a packet (peer tcpdump)" "$ours_us" "$us" -
}

# Four devices at full speed into one file: is it in the order of time?
live_merge() {
	local d senders=() file
	for d in 1 2 3 4; do
		ip -n "$near" link add "m$d" type veth peer name "p$d" netns "$far"
		ip -n "$near" addr add "10.78.$d.1/24" dev "m$d"
		ip -n "$far" addr add "10.78.$d.2/24" dev "p$d"
		ip -n "$near" link set "m$d" up
		ip -n "$far" link set "p$d" up
		ip -n "$far" neigh replace "10.78.$d.9" lladdr "$(here cat "/sys/class/net/m$d/address")" dev "p$d" nud permanent
	done
	tapdeck new bench device m1,m2,m3,m4 record buffer $RING_MB filter udp port 7777 || return
	for d in 1 2 3 4; do
		there "$TOOLS/sender" "10.78.$d.9" 7777 64 0 "$SECONDS_LIVE" >"$WORK/sent$d" &
		senders+=($!)
	done
	wait "${senders[@]}"
	sleep 1
	tapdeck stop bench
	tapdeck fetch bench "${WORK:?}/home"
	file=$(echo "$WORK"/home/*.pcapng)
	sent=$(cat "$WORK"/sent? | awk '{ n += $1 } END { print n }')
	printf '# 4 devices at once: %s kpps offered, %s packets in the file, %s late, dropped (device,kernel,buffer,disk): %s\n' $((sent / SECONDS_LIVE / 1000)) \
		"$(tapdeck summary "$file" --format csv --no-header --columns packets)" "$(tapdeck show bench --format csv --no-header | sed -n 's/^late_packets,//p')" \
		"$(tapdeck list --format csv --columns dropped_device,dropped_kernel,dropped_buffer,dropped_disk --no-header)"
	figure 'live 4 devices merged, packets out of order' "$(tshark -r "$file" -T fields -e frame.time_epoch 2>/dev/null |
		awk '{ split($1, t, "."); s = t[1] + 0; n = t[2] + 0; back += s < ms || (s == ms && n < mn); ms = s; mn = n } END { print back + 0 }')" - 0 plain
	rm -rf "${WORK:?}/home"
	tapdeck dismiss bench
}

# As people count: services, hosts and nets; a few of them see the generator's packets.
counter_words() { # HOW MANY
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) {
		if (i % 4 == 0) filter = "tcp port " i + 1
		else if (i % 4 == 1) filter = "host 10.77." int(i / 256) "." i % 256
		else if (i % 4 == 2) filter = "udp port " 7775 + i
		else filter = "net 10." i % 256 ".0.0/16 and not port " i
		print "c" i "=" filter } }'
}

live_counters() {
	local tap ticks words=() line ours_us ours_lost
	while read -r line; do
		words+=(counter "$line")
	done < <(counter_words 16)
	live_ours 64 "${words[@]}"
	ours_us=$us ours_lost=$lost
	printf '# 64 bytes, 16 counters and the connections: %s kpps offered, %s%% lost (device,kernel,buffer,disk: %s)\n' "$kpps" "$lost" "$(cat "$WORK/drops")"
	live_peer 64 dumpcap -q -i va -B $RING_MB -w
	figure 'live 64 bytes, 16 counters and connections, CPU us a packet (peer dumpcap)' "$ours_us" "$us" 1.0
	figure 'live 64 bytes, 16 counters and connections, loss %' "$ours_lost" - 0 plain

	counter_words 1000 >"$WORK/thousand"
	tapdeck new bench device va buffer $RING_MB counter - <"$WORK/thousand" || return
	tap=$(pgrep -P "$daemon" tapdeck-tap)
	ticks=$(cpu_ticks "$tap")
	generate 64
	sleep 2
	ticks=$(($(cpu_ticks "$tap") - ticks))
	got=$(tapdeck list --format csv --columns packets --no-header)
	lost=$(awk -v s="$sent" -v g="$got" 'BEGIN { printf "%.4f", (s > g) ? 100 * (s - g) / s : 0 }')
	us=$(awk -v s="$sent" -v t="$ticks" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.3f", s ? 1e6 * t / hz / s : 0 }')
	printf '# 64 bytes, 1,000 counters: %s kpps offered\n' $((sent / SECONDS_LIVE / 1000))
	figure 'live 64 bytes, 1,000 counters, loss % at what the generator gives' "$lost" - 0 plain
	figure 'live 64 bytes, 1,000 counters, tap CPU us a packet (0.4 Mpps on a core: 2.5)' "$us" - 2.5 plain
	tapdeck stop bench
	tapdeck dismiss bench
}

live_bench() {
	for program in dumpcap tcpdump; do
		command -v $program >/dev/null || { echo "# live: $program is not installed"; return; }
	done
	live_setup
	for size in 64 512 mix; do
		live_one $size
	done
	live_counters
	live_merge
	latency_bench
}

milliseconds() { # COMMAND...: how long it took
	local start
	start=$(date +%s%N)
	"$@" >/dev/null 2>&1
	echo $((($(date +%s%N) - start) / 1000))
}

latency_bench() { # new until it captures (the verb answers then), and a poll
	local list='' i
	for i in 1 2 3 4 5 6 7; do
		list="$list $(milliseconds tapdeck new bench device va record)"
		[ $i -lt 7 ] && tapdeck stop bench && tapdeck dismiss bench
	done
	# shellcheck disable=SC2086
	figure 'new until capturing, ms' "$(printf '%s\n' $list | median 1000)" - 100 plain
	here python3 tests/bench/poll.py "$TAPDECK" "$BIN/tapdeckd" "$TAPDECK_SOCKET" bench >"$WORK/poll"
	figure 'poll answered, ms' "$(awk '/^command/ { printf "%.2f", $2 / 1000 }' "$WORK/poll")" - 2 plain
	figure 'poll answered by --attach, its start included, ms' "$(awk '/^attached/ { printf "%.2f", $2 / 1000 }' "$WORK/poll")" - - plain
	figure 'poll on an open connection, ms' "$(awk '/^request/ { printf "%.3f", $2 / 1000 }' "$WORK/poll")" - 2 plain
	tapdeck stop bench
	tapdeck dismiss bench
}
