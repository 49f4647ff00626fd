#!/bin/sh
# Devices in network namespaces of others, and of this one, in one session.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program python3 setpriv
namespaces
third=td-$$-c
ip netns add "$third" && at_end "namespace_end $third"
ip -n "$far" link add c1 type veth peer name c2 netns "$third"
for space in "$far c1" "$third c2"; do
	ip netns exec "${space% *}" sysctl -qw "net.ipv6.conf.${space#* }.disable_ipv6=1" 2>/dev/null
	ip -n "${space% *}" link set "${space#* }" up
done
send() { # NUMBER NAMESPACE DEVICE: frames of an unused type
	ip netns exec "$2" python3 -c 'import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[2], 0))
for i in range(int(sys.argv[1])): s.send(bytes(12) + b"\x88\xb5" + bytes(50))' "$1" "$3"
}
told() { tapdeck show "$1" --format csv | grep -Eq "$2"; }
is_told() { # SESSION PATTERN NAME
	until_true 15 told "$1" "$2"
	like "$(tapdeck show "$1" --format csv)" "$2" "$3"
}

# --- by the name of a namespace, by the number of a process, and here ---
ip netns exec "$third" sleep 600 &
inside=$!
until_true 5 test "/proc/$inside/ns/net" -ef "/run/netns/$third"
exits 0 'devices of three namespaces' new three device "va,netns:$far/c1,netns:$inside/c2" record filter ether proto 0x88b5 \
	counter c=ether proto 0x88b5
rights() { # of all threads of taps: user, capabilities, no new ones, seccomp
	for pid in $(ip netns pids "$near"); do
		grep -q '^tapdeck-tap$' "/proc/$pid/comm" 2>/dev/null || continue
		sed -n 's/^\(Uid\|CapPrm\|CapEff\|NoNewPrivs\|Seccomp\):[[:space:]]*\([0-9a-f]*\).*/\2/p' /proc/"$pid"/task/*/status | paste -d' ' - - - - -
	done
}
is "$(rights | sort | uniq -c | sed 's/^ *//')" '4 65534 0000000000002000 0000000000000000 1 2' 'each thread has the one right, and it is not in effect'
send 3 "$near" va
send 5 "$far" c1
until_true 15 counted three 13 # what c1 sends, c2 receives
is "$(value three packets)" 13 'all are counted'
exits 0 'modify' modify three ether proto 0x88b5 and greater 20
send 2 "$third" c2
until_true 15 counted three 17
is "$(value three packets)" 17 'with another filter too'

# --- a device that goes and returns in there ---
ip -n "$far" link del c1
is_told three "netns:$far/c1 is gone" 'one is removed in there'
ip -n "$far" link add c1 type veth peer name c2 netns "$third"
for space in "$far c1" "$third c2"; do
	ip netns exec "${space% *}" sysctl -qw "net.ipv6.conf.${space#* }.disable_ipv6=1" 2>/dev/null
	ip -n "${space% *}" link set "${space#* }" up
done
is_told three "netns:$far/c1 is back and captured again" 'and taken up again'
is_told three "netns:$inside/c2 is back and captured again" 'the other end too'
send 1 "$far" c1
until_true 15 counted three 19
is "$(value three packets)" 19 'with its packets'

# --- patterns ---
exits 0 'a pattern in there' new some device "netns:$far/t*" filter ether proto 0x88b5
ip -n "$far" link add t1 type veth peer name t2
for d in t1 t2; do
	there sysctl -qw net.ipv6.conf.$d.disable_ipv6=1 2>/dev/null
	ip -n "$far" link set $d up
done
is_told some "netns:$far/t1 has appeared" 'one joins'
is_told some "netns:$far/t2 has appeared" 'and another'
send 4 "$far" t1
until_true 15 counted some 8
is "$(value some packets)" 8 'they are counted'
tapdeck stop some

# --- its process ends: the namespace is let go, the rest goes on ---
kill $inside
is_told three "netns:$inside is gone" 'the namespace of a process that ended'
send 1 "$far" c1
until_true 15 counted three 20
is "$(value three packets)" 20 'the others go on'
tapdeck stop three
exits 0 'fetch' fetch three "$T/three"
is "$(tapdeck interfaces "$T"/three/*.pcapng --format csv --no-header --columns name,packets | sed "s/$inside/PID/;s/$far/FAR/" | tr '\n' ' ')" \
	'va,3 netns:FAR/c1,9 netns:PID/c2,8 ' 'each in its file'
is "$(tapdeck summary "$T"/three/*.pcapng --format csv --no-header --columns packets)" 20 'which is whole'

# --- nobody in there is held ---
exits 0 'a session in a namespace' new last device "netns:$third/c2"
ip netns del "$third"
is_told last "netns:$third is gone" 'the namespace is removed'
tapdeck stop last

# --- what cannot be ---
exits 1 'no such process' new x device netns:999999999/eth0
like "$(cat "$T/err")" 'netns:999999999' 'it is named'
exits 1 'no such namespace' new x device netns:nobody/eth0
exits 2 'a path' new x device netns:../eth0
exits 2 'no device' new x device "netns:$far/"
exits 2 'a pattern of namespaces' new x device 'netns:*/eth0'
exits 3 'no such device in there' new x device "netns:$far/nosuch"
like "$(cat "$T/err")" "netns:$far: nosuch: there is no such device" 'it says where'
is "$(tapdeck list --format csv --no-header --columns name,state | grep -c '^x')" 0 'nothing is left of it'
chmod 755 "$T"
mkdir "$T/nobody"
chown 65534:65534 "$T/nobody"
as_nobody() {
	here setpriv --reuid=65534 --regid=65534 --clear-groups env TAPDECK_SOCKET="$T/nobody/socket" HOME="$T/nobody" XDG_STATE_HOME="$T/nobody" \
		XDG_DATA_HOME="$T/nobody" XDG_CONFIG_HOME="$T/nobody" timeout 20 "$TAPDECK" "$@" >"$T/out" 2>"$T/err"
}
as_nobody new x device "netns:$far/c1"
is $? 3 'a daemon of a user'
like "$(cat "$T/err")" "a daemon of root's" 'may not, and it says who may'
done_testing
