#!/bin/sh
# What goes wrong on one machine: devices, rights, disks, files, strangers at the socket. Each is a sentence and an exit status,
# nothing crashes or hangs, and nothing that was held is lost. Kills at random moments: kills.t.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program capinfos ping python3 setpriv
namespaces
case $B in /*) tools=$B/tests/tools ;; *) tools=$PWD/$B/tests/tools ;; esac

one_line() { # NAME: what was said on standard error is a sentence
	is "$(wc -l <"$T/err")" 1 "$1: one line"
	like "$(cat "$T/err")" '^tapdeck: .{15,}' "$1: a sentence"
}
refused() { # NAME PATTERN WORDS...: exit 3
	what=$1 pattern=$2
	shift 2
	exits 3 "$what" "$@"
	like "$(cat "$T/err")" "$pattern" "$what: it says why"
	one_line "$what"
}
pings() { here ping -q -c "$1" -i 0.02 10.77.0.2 >/dev/null 2>&1; }
told() { tapdeck show "$1" | grep -Eq -e "$2"; }
neighbour() { ip -n "$far" neigh replace 10.77.0.9 lladdr "$(here cat /sys/class/net/va/address)" dev vb nud permanent; }
send() { there "$tools/sender" 10.77.0.9 7777 "$@"; }

# --- devices ---
exits 1 'a device that is not there' new x device vq
like "$(cat "$T/err")" '"vq".*(did you mean|devices)' 'it says what to do'
one_line 'a device that is not there'
exits 2 'a filter that does not compile' new x device va filter tcp prt 80
like "$(sed -n 3p "$T/err")" '^ +\^$' 'a caret stands under the place'
exits 0 'a recording' new up device va record filter icmp
pings 2
until_true 5 counted up 4
ip -n "$near" link set va down
until_true 5 told up 'va is down'
is $? 0 'a device that goes down is told'
ip -n "$near" link set va up
until_true 5 told up 'va is up again'
is $? 0 'and that it is up again'
ip -n "$near" route replace default via 10.77.0.2
pings 2
until_true 5 counted up 8
is "$(value up packets)" 8 'the recording goes on'
ip -n "$near" link del va
until_true 5 told up 'va is gone'
is $? 0 'a device that is removed is told'
is "$(tapdeck list --format csv --no-header --columns state)" running 'the session goes on'
ip -n "$near" link add va type veth peer name vb netns "$far"
ip -n "$near" addr add 10.77.0.1/24 dev va
ip -n "$far" addr add 10.77.0.2/24 dev vb
ip -n "$near" link set va up
ip -n "$far" link set vb up
until_true 10 told up 'va is back'
is $? 0 'a device that returns is told'
pings 3
until_true 5 counted up 14
is "$(value up packets)" 14 'and is captured again'
exits 0 'stop' stop up
file=$(find "$T/data" -name 'up-*.pcapng')
like "$(capinfos -Mc "$file")" 'Number of packets: *14$' 'one file has all of it'
like "$(tr -c '[:print:]' '\n' <"$(dirname "$file")/tap.journal")" 'the device was not there' 'the journal has the gap'
like "$(tapdeck history events --format csv 2>&1)" 'va is (gone|back)' 'the history tells of it'
tapdeck dismiss up

# --- rights ---
chmod 755 "$T"
mkdir "$T/nobody"
chown 65534:65534 "$T/nobody"
as_nobody() {
	here setpriv --reuid=65534 --regid=65534 --clear-groups env TAPDECK_SOCKET="$T/nobody/socket" HOME="$T/nobody" XDG_STATE_HOME="$T/nobody" \
		XDG_DATA_HOME="$T/nobody" XDG_CONFIG_HOME="$T/nobody" TAPDECK_TAP="$T/tap" timeout 20 "$TAPDECK" "$@" >"$T/out" 2>"$T/err"
}
install -m 755 "$BIN/tapdeck-tap" "$T/tap"
as_nobody new x device va record
is $? 3 'no right to capture'
like "$(cat "$T/err")" 'va: no right to capture; .*(make run|tapdeck-capture)' 'it says how to get it'
one_line 'no right to capture'
chmod 750 "$T/tap"
as_nobody new x device va
is $? 3 'a tap that is for others'
like "$(cat "$T/err")" 'tapdeck-capture' 'it says which group may'
as_nobody devices --format csv --columns name
like "$(cat "$T/out")" '^va$' 'the devices are seen without any right'
as_nobody list --format csv --no-header
is "$(cat "$T/out")" '' 'nothing is left of it'

# --- disks ---
small=$T/small
mkdir "$small"
mount -t tmpfs -o size=4m none "$small" && at_end "umount $small"
neighbour
full() { XDG_DATA_HOME=$small TAPDECK_SOCKET=$T/full-socket XDG_STATE_HOME=$T/full-state "$@"; }
mkdir "$T/full-state"
full exits 0 'a recording on a small disk' new full device va record filter udp port 7777
send 1400 3000 3 >"$T/sent"
full until_true 10 told full 'recording stopped as the disk takes no more'
is $? 0 'a full disk is told'
full until_true 5 counted full "$(cat "$T/sent")"
is "$(full value full packets)" "$(cat "$T/sent")" 'counting goes on'
full exits 0 'it can be stopped' stop full
file=$(find "$small" -name 'full-*.pcapng')
numbers=$("$tools/numbers" "$file" 2>&1)
is "$? ${numbers##* }" '0 0' 'the file is whole, and has no hole before its end'
like "$(full tapdeck list --format csv --no-header --columns dropped_disk)" '^[1-9]' 'what the disk did not take is counted'
rm -f "$file"
full tapdeck dismiss full
full exits 0 'once there is room, the next one records' new again device va record filter udp port 7777
send 200 1000 0.3 >"$T/sent"
full until_true 5 counted again "$(cat "$T/sent")"
full tapdeck stop again
is "$("$tools/numbers" "$(find "$small" -name 'again-*.pcapng')")" "$(cat "$T/sent") 1 $(cat "$T/sent") 0" 'all of it'

home=$T/readonly
mkdir "$home"
mount -t tmpfs -o ro none "$home" && at_end "umount $home"
read_only() { XDG_DATA_HOME=$home XDG_STATE_HOME=$home XDG_CONFIG_HOME=$home "$@"; }
full tapdeck cat again >"$T/one.pcapng"
for words in 'devices' 'connections file:'"$T/one.pcapng"; do
	# shellcheck disable=SC2086
	read_only exits 0 "a read-only home: ${words%%:*}" $words
done
TAPDECK_SOCKET=$T/ro-socket read_only refused 'a read-only home: recording' 'Read-only file system' new ro device va record

# --- files ---
: >"$T/empty"
refused 'an empty file' 'empty' summary "$T/empty"
refused 'a folder' '[Ff]older|directory' summary "$T/nobody"
refused 'a file that is not there' 'no file' summary "$T/absent.pcap"
wrong=
whole=$(wc -c <"$T/one.pcapng")
for cut in 1 3 4 11 12 27 28 100 151 200 $((whole / 3)) $((whole / 2)) $((whole - 1)) $((whole - 3)) $((whole - 100)); do
	head -c "$cut" "$T/one.pcapng" >"$T/cut.pcapng"
	tapdeck packets "$T/cut.pcapng" --format csv >"$T/out" 2>"$T/err"
	status=$?
	case $status in 0 | 3 | 4) ;; *) wrong="$wrong $cut:$status" ;; esac
	[ "$(wc -l <"$T/err")" -le 1 ] || wrong="$wrong $cut: $(cat "$T/err")"
	[ $status = 0 ] || [ -s "$T/err" ] || wrong="$wrong $cut:silent"
done
is "$wrong" '' 'a file cut anywhere: what is there, and a sentence'
for _ in 1 2 3 4 5 6 7 8 9 10; do # for a reading that takes a moment
	full tapdeck cat again
done >"$T/growing.pcapng" 2>/dev/null
for _ in 1 2 3 4 5 6; do cat "$T/growing.pcapng" "$T/growing.pcapng" >"$T/twice" && mv "$T/twice" "$T/growing.pcapng"; done
wrong=
for delay in 0.02 0.05 0.1; do
	cp "$T/growing.pcapng" "$T/shrinks.pcapng"
	tapdeck packets "$T/shrinks.pcapng" --format csv >"$T/out" 2>"$T/err" &
	reading=$!
	sleep $delay
	truncate -s 70000 "$T/shrinks.pcapng"
	wait $reading
	status=$?
	case $status in 0 | 3 | 4) ;; *) wrong="$wrong $delay:$status $(cat "$T/err")" ;; esac
done
is "$wrong" '' 'a file that shrinks while it is read: no crash, no hang'
wrong=
if [ -d "${TAPDECK_CAPTURES:-}/malformed" ]; then
	for f in "$TAPDECK_CAPTURES"/malformed/*; do
		for words in summary interfaces connections flows packets 'packet 1' 'hex 1'; do
			# shellcheck disable=SC2086
			tapdeck $words "$f" --format csv >"$T/out" 2>"$T/err"
			status=$?
			case $status in
			0 | 3 | 4) ;;
			1) case $words in *1) ;; *) wrong="$wrong $words $f:$status" ;; esac ;; # no packet 1
			*) wrong="$wrong $words $f:$status" ;;
			esac
			[ "$(wc -l <"$T/err")" -le 1 ] || wrong="$wrong $words $f: $(cat "$T/err")"
		done
	done
	is "$wrong" '' 'every malformed capture in every table'
else
	echo "# no captures at TAPDECK_CAPTURES: their malformed ones are not tried"
fi

# --- strangers at the socket ---
exits 0 'a session beside strangers' new calm device va filter icmp
daemon=$(for pid in $(ip netns pids "$near"); do tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q 'daemon' && [ -S "$TAPDECK_SOCKET" ] &&
	tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "TAPDECK_SOCKET=$TAPDECK_SOCKET" && echo "$pid"; done)
cat >"$T/strangers.py" <<'END'
import os, socket, struct, sys, time

def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(sys.argv[1])
    return s

def ended(s):
    try:
        while s.recv(65536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True

def frame(kind, channel, id, payload):
    return struct.pack(">IHHII", len(payload), kind, 0, channel, id) + payload

def text(s):
    return struct.pack(">I", len(s)) + s

hello = frame(1, 0, 0, struct.pack(">I", 1) + text(b"test") * 5 + struct.pack(">q", 0))
query = lambda id, table: frame(8, 0, id, text(table) + struct.pack(">I", 0) + text(b"") * 4 + struct.pack(">QIII", 0, 1000, 1, 0))

s = connect(); s.sendall(os.urandom(4096)); print("garbage", ended(s))
s = connect(); s.sendall(struct.pack(">IHHII", 0xffffffff, 8, 0, 0, 1)); print("length", ended(s))
s = connect(); s.sendall(hello); s.sendall(struct.pack(">IHHII", 0xffffffff, 8, 0, 0, 1)); print("length after hello", ended(s))
s = connect(); s.sendall(hello[:9]); s.close(); print("half", True)
s = connect(); s.sendall(hello); s.sendall(query(1, b"sessions")[:30]); s.close(); print("half later", True)
quiet = connect(); quiet.sendall(hello)
try:
    for id in range(1, 2000):
        quiet.sendall(query(id, b"devices"))
except OSError:
    pass
time.sleep(2)
print("stalled", True)
END
here timeout 60 python3 "$T/strangers.py" "$TAPDECK_SOCKET" >"$T/out" 2>&1 &
strangers=$!
until_true 40 grep -q stalled "$T/out"
for what in garbage length 'length after hello' half 'half later' stalled; do
	is_in "a stranger, $what" "^$what True\$"
done
wait $strangers
exits 0 'others are served as before' list --format csv --no-header --columns name,state
like "$(cat "$T/out")" '^calm,running$' 'and sessions go on'
like "$(awk '/VmHWM/ { print $2 < 200000 ? "small" : $2 }' "/proc/$daemon/status" 2>&1)" '^small$' 'the daemon took no memory for it'
is "$(kill -0 "$daemon" 2>&1)" '' 'it is the same daemon'
done_testing
