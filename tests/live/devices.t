#!/bin/sh
# Devices by pattern: one that appears joins, one that vanishes and returns is taken up again, also as another kind of device.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program python3
namespaces
pair() { # NAME: a veth whose other end is over there, named p and its name
	ip -n "$near" link add "$1" type veth peer name "p$1" netns "$far" || return
	here sysctl -qw "net.ipv6.conf.$1.disable_ipv6=1" 2>/dev/null
	there sysctl -qw "net.ipv6.conf.p$1.disable_ipv6=1" 2>/dev/null
	ip -n "$near" link set "$1" up
	ip -n "$far" link set "p$1" up
}
unpair() { ip -n "$near" link del "$1"; }
send() { # NUMBER DEVICE: frames of an unused type
	here python3 -c 'import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[2], 0))
for i in range(int(sys.argv[1])): s.send(bytes(12) + b"\x88\xb5" + bytes(50))' "$1" "$2"
}
told() { tapdeck show "$1" --format csv | grep -Eq "$2"; }
is_told() { # SESSION PATTERN NAME
	until_true 15 told "$1" "$2"
	like "$(tapdeck show "$1" --format csv)" "$2" "$3"
}

# --- none is there yet ---
exits 0 'a pattern that nothing matches' new wait device 'tw*' record counter odd=ether proto 0x88b5 counter never=tcp port 1
like "$(cat "$T/out" "$T/err")" 'no such device is here yet' 'and that is said'
like "$(tapdeck list --format csv --columns name,devices,state)" '^wait,tw\*,running' 'the session waits'
exits 2 'a wrong filter is refused all the same' new wrong device 'tw*' filter tcp prt 80
exits 2 'a pcap file needs to know its link type' new pcap device 'tw*' record format pcap
exits 0 'modify while it waits' modify wait ether proto 0x88b5
pair tw1
is_told wait 'tw1 has appeared and is captured now' 'one appears and joins'
send 5 tw1
until_true 15 counted wait 5
is "$(value wait packets)" 5 'its packets are counted'
count_of() { tapdeck counters "$1" --format csv --no-header --columns name,packets | sed -n "s/^$2,//p"; }
counter_is() { [ "$(count_of "$1" "$2")" = "$3" ]; }
until_true 5 counter_is wait odd 5
is "$(count_of wait odd) $(count_of wait never)" '5 0' 'by its counters too'
pair tw2
is_told wait 'tw2 has appeared and is captured now' 'a second one'
like "$(tapdeck list --format csv --columns name,devices)" '^wait,"?tw1,tw2' 'both are listed'
send 7 tw2
until_true 15 counted wait 12
is "$(value wait packets)" 12 'both are counted'
is "$(tapdeck interfaces wait --format csv --no-header --columns name,packets | tr '\n' ' ')" 'tw1,5 tw2,7 ' 'the live tables know them too'
exits 0 'a counter for both' counter wait add late=greater 10
send 2 tw1
send 3 tw2
until_true 15 counted wait 17
until_true 5 counter_is wait late 5
is "$(count_of wait late)" 5 'and it counts on both'

# --- gone and back ---
unpair tw2
is_told wait 'tw2 is gone' 'one vanishes'
send 1 tw1
until_true 15 counted wait 18
pair tw2
is_told wait 'tw2 is back and captured again' 'it is taken up again'
send 4 tw2
until_true 15 counted wait 22
is "$(value wait packets)" 22 'with its packets'
exits 0 'modify takes in all of them' modify wait ether proto 0x88b5 and greater 20
send 1 tw1
send 1 tw2
until_true 15 counted wait 24
is "$(value wait packets)" 24 'and loses none'

# --- back as another kind of device: no link layer ---
if [ -c /dev/net/tun ]; then
	gone_twice() { [ "$(tapdeck show wait --format csv | grep -c 'tw2 is gone')" = 2 ]; }
	unpair tw2
	until_true 15 gone_twice
	cat >"$T/tun.py" <<'END'
import fcntl, os, sys
t = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(t, 0x400454ca, b"tw2" + bytes(13) + b"\x01\x10" + bytes(22))
os.system("sysctl -qw net.ipv6.conf.tw2.disable_ipv6=1; ip link set tw2 up")
print("ready", flush=True)
for line in sys.stdin:
    os.write(t, bytes.fromhex("4500001c000000004011000000000000") + bytes(4) + bytes.fromhex("0fa01e6100080000"))
END
	mkfifo "$T/orders"
	here python3 "$T/tun.py" <"$T/orders" >"$T/ready" &
	exec 3>"$T/orders"
	until_true 10 grep -q ready "$T/ready"
	is_told wait '^event,.*tw2 cannot be captured: ' 'a filter that means nothing there is told'
	exits 0 'another filter' modify wait ''
	exec 3>&-
	exits 0 'a session for it' new kinds device 'tw[23]' counter udp=udp record
	unpair tw1
	mkfifo "$T/again"
	here python3 "$T/tun.py" <"$T/again" >"$T/ready2" &
	exec 3>"$T/again"
	until_true 10 grep -q ready "$T/ready2"
	is_told kinds 'tw2 has appeared|tw2 is back' 'a tunnel joins'
	printf '\n\n\n' >&3
	until_true 15 counted kinds 3
	until_true 5 counter_is kinds udp 3
	is "$(value kinds packets) $(count_of kinds udp)" '3 3' 'it is counted'
	exec 3>&-
	is_told kinds 'tw2 is gone' 'it goes'
	pair tw2
	is_told kinds 'tw2 is back with another link type' 'and is back as another'
	send 4 tw2
	until_true 15 counted kinds 7
	is "$(value kinds packets)" 7 'counted as that'
	tapdeck stop kinds
	exits 0 'fetch' fetch kinds "$T/kinds"
	is "$(tapdeck interfaces "$T"/kinds/*.pcapng --format csv --no-header --columns name,link_type,packets | tr '\n' ' ')" \
		'tw2,RAW,3 tw2,EN10MB,4 ' 'two interfaces of its file'
fi
tapdeck stop wait
exits 0 'fetch' fetch wait "$T/wait"
is "$(tapdeck summary "$T"/wait/*.pcapng --format csv --no-header --columns packets)" "$(value wait packets)" 'the file holds all'

# --- more than a session can have ---
exits 0 'many' new many device 'x*' count
for i in $(seq 2 2 66); do
	ip -n "$near" link add "x$i" type veth peer name "x$((i - 1))"
	ip -n "$near" link set "x$i" up
	ip -n "$near" link set "x$((i - 1))" up
done
is_told many 'at most 64 devices' 'the 65th is told'
done_testing
