#!/bin/sh
# Several devices in one session: one file in the order of time, whatever the devices do.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program tshark capinfos python3
namespaces
for d in m1 m2 m3 m4 m5; do
	ip -n "$near" link add $d type veth peer name p$d netns "$far"
	here sysctl -qw net.ipv6.conf.$d.disable_ipv6=1 2>/dev/null
	there sysctl -qw net.ipv6.conf.p$d.disable_ipv6=1 2>/dev/null
	ip -n "$near" link set $d up
	ip -n "$far" link set p$d up
done

# send NUMBER DEVICE...: so many numbered datagrams on each at once, in small bursts. A device that starts with "t" is a tunnel to
# this program: packets come in from it without a link layer.
cat >"$T/send.py" <<'END'
import fcntl, os, random, socket, struct, sys, time
number, names, out = int(sys.argv[1]), sys.argv[2:], []
ip = bytes.fromhex("45000030000000004011000000000000") + bytes(4) + struct.pack(">HHHH", 4000, 7777, 28, 0)
for name in names:
    if name[0] == "t":
        t = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(t, 0x400454ca, struct.pack("16sH22x", name.encode(), 0x1001))
        os.system("sysctl -qw net.ipv6.conf.%s.disable_ipv6=1; ip link set %s up" % (name, name))
        out.append((lambda p, t=t: os.write(t, p)))
    else:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        s.bind((name, 0))
        out.append((lambda p, s=s: s.send(bytes(12) + b"\x08\x00" + p)))
print("ready", flush=True)
sys.stdin.readline()
random.seed(1)
left = [number] * len(out)
while any(left):
    for i, f in enumerate(out):
        for _ in range(min(left[i], random.randrange(40))):
            f(ip + struct.pack(">I", number - left[i]) + bytes(16))
            left[i] -= 1
    time.sleep(0.001)
print("sent", flush=True)
sys.stdin.readline()
END
sender() { # NUMBER DEVICE...: `go` lets it send, `leave` ends it
	mkfifo "$T/orders"
	here python3 "$T/send.py" "$@" <"$T/orders" >"$T/sender" 2>&1 &
	sending=$!
	exec 3>"$T/orders"
	rm "$T/orders"
	until_true 10 grep -q ready "$T/sender" || bail "no sender: $(cat "$T/sender")"
}
go() { echo >&3 && until_true 60 grep -q sent "$T/sender"; }
leave() {
	exec 3>&-
	wait $sending
}
# Every time that goes back carries the mark, and no other.
in_order() {
	tshark -r "$1" -T fields -e frame.time_epoch -e frame.comment 2>/dev/null | awk -F'\t' '
		{ split($1, t, "."); s = t[1] + 0; n = t[2] + 0; back = s < ms || (s == ms && n < mn); late += $2 == "late" }
		back != ($2 == "late") { print "packet " NR ": " $0; exit }
		!back { ms = s; mn = n }
		END { print NR " packets, " late + 0 " late" }'
}
fact() { tapdeck show "$1" --format csv --no-header 2>/dev/null | sed -n "s/^$2,//p"; }
per_device() { tapdeck interfaces "$1" --format csv --no-header --columns name,link_type,packets | sort; }

# --- four at once, two link types, and one that says nothing ---
sender 20000 m1 m2 m3 tun1
exits 0 'five devices' new four device m1,m2,m3,m4,tun1 record filter udp port 7777
go || not_ok 'the sender sent' "$(cat "$T/sender")"
until_true 30 counted four 80000
is "$(value four packets)" 80000 'all are counted'
tapdeck stop four
exits 0 'fetch' fetch four "$T/four"
file=$(ls "$T"/four/*.pcapng)
is "$(per_device "$file" | tr '\n' ' ')" 'm1,EN10MB,20000 m2,EN10MB,20000 m3,EN10MB,20000 m4,EN10MB,0 tun1,RAW,20000 ' 'each by its device'
late=$(fact four late_packets)
is "$(in_order "$file")" "80000 packets, $late late" 'in the order of time, but for what is marked'
if [ "$late" = 0 ]; then
	is "$(tapdeck summary "$file" --format csv --no-header --columns in_order)" yes 'our reader: in order'
	like "$(capinfos -o "$file")" 'Strict time order: +True' 'capinfos: in order'
else
	echo "# a machine under load: $late packets were late"
fi
tapdeck dismiss four
leave

# --- one vanishes while it sends; the others go on ---
sender 5000 m1 m2
exits 0 'three devices' new vanish device m1,m2,m5 record filter udp port 7777
ip -n "$near" link del m5
go || not_ok 'the sender sent' "$(cat "$T/sender")"
until_true 30 counted vanish 10000
is "$(value vanish packets)" 10000 'what the others saw is all there'
gone() { tapdeck show vanish --format csv | grep -q 'm5 is gone'; }
until_true 10 gone
like "$(tapdeck show vanish --format csv)" 'm5 is gone' 'and it is told'
tapdeck stop vanish
exits 0 'fetch' fetch vanish "$T/vanish"
file=$(ls "$T"/vanish/*.pcapng)
is "$(in_order "$file")" "10000 packets, $(fact vanish late_packets) late" 'in order all the same'
leave

# --- the bound can be set: nobody waits for others ---
sender 2000 m1 m2
exits 0 'wait-ms' new hasty device m1,m2,m4 wait-ms 0 record filter udp port 7777
go || not_ok 'the sender sent' "$(cat "$T/sender")"
until_true 30 counted hasty 4000
tapdeck stop hasty
exits 0 'fetch' fetch hasty "$T/hasty"
file=$(ls "$T"/hasty/*.pcapng)
is "$(in_order "$file")" "4000 packets, $(fact hasty late_packets) late" 'what is late is marked'
leave
done_testing
