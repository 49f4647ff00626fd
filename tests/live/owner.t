#!/bin/sh
# The process, user and unit of this machine behind a connection.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program socat setpriv
namespaces
there socat TCP4-LISTEN:80,reuseaddr,fork PIPE 2>/dev/null &
there socat -u UDP4-RECV:7777 OPEN:/dev/null 2>/dev/null &
until_true 5 there sh -c 'ss -ltn | grep -q :80' || echo "# no server"
exits 0 'a session' new s device va record filter tcp or udp
owner() { tapdeck connections s --format csv --no-header --columns proto,port_b,process,user,unit --filter "$1" | sort -u; }
owned() { owner "$1" | grep -Eq "$2"; }
is_owned() { # FILTER PATTERN NAME
	until_true 15 owned "$1" "$2"
	like "$(owner "$1")" "$2" "$3"
}

# --- one that goes out, of another user, and one that comes in ---
mkfifo "$T/hold"
here sh -c "echo \$\$ >$T/client; exec setpriv --reuid=65534 --regid=65534 --clear-groups socat - TCP4:10.77.0.2:80" <"$T/hold" >/dev/null 2>&1 &
exec 3>"$T/hold"
echo hello >&3
is_owned 'port_b == 80' '^tcp,80,socat,nobody,$' 'a client of here: process and user'
here socat TCP4-LISTEN:8080,reuseaddr,fork PIPE 2>/dev/null &
until_true 5 here sh -c 'ss -ltn | grep -q :8080'
mkfifo "$T/hold2"
there socat - TCP4:10.77.0.1:8080 <"$T/hold2" >/dev/null 2>&1 &
exec 4>"$T/hold2"
echo hello >&4
is_owned 'port_b == 8080' '^tcp,8080,socat,root,$' 'a server of here, of a client over there'

# --- UDP: a socket for anybody, and one of its own ---
here socat UDP4-LISTEN:9000,fork PIPE 2>/dev/null &
here socat -u UDP4-RECV:9001 OPEN:/dev/null 2>/dev/null &
until_true 5 here sh -c 'ss -lun | grep -q :9001'
mkfifo "$T/hold3"
there socat -u - UDP4-SENDTO:10.77.0.1:9001,sourceport=4444 <"$T/hold3" 2>/dev/null &
exec 5>"$T/hold3"
echo hello >&5
is_owned 'port_b == 9001' '^udp,9001,socat,root,$' 'a socket that takes what comes from anywhere'
# the same port over there is not ours
here socat -u UDP4-RECV:7777,reuseaddr OPEN:/dev/null 2>/dev/null &
until_true 5 here sh -c 'ss -lun | grep -q :7777'
mkfifo "$T/hold4"
here socat -u - UDP4-SENDTO:10.77.0.2:7777,sourceport=4445 <"$T/hold4" 2>/dev/null &
exec 6>"$T/hold4"
echo hello >&6
is_owned 'port_b == 7777' '^udp,7777,socat,root,$' 'who sends, although its socket is not connected'

# --- a unit ---
group=
for root in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
	[ -z "$group" ] && mkdir "$root/td-$$.service" 2>/dev/null && group=$root/td-$$.service
done
if [ -n "$group" ]; then
	at_end "rmdir $group"
	mkfifo "$T/hold5"
	# before the namespace, where /sys is another one
	sh -c "echo \$\$ >$group/cgroup.procs; cat /proc/self/cgroup >$T/cgroup; exec ip netns exec $near socat - TCP4:10.77.0.2:80,sourceport=5555" <"$T/hold5" >/dev/null 2>&1 &
	exec 7>"$T/hold5"
	echo hello >&7
	until_true 5 test -s "$T/cgroup"
	if grep -Eq "^(0::|[0-9]+:name=systemd:).*td-$$.service" "$T/cgroup"; then
		is_owned 'port_a == 5555' "^tcp,80,socat,root,td-$$.service\$" 'its unit'
	else
		echo "# no unit here: $(tr '\n' ' ' <"$T/cgroup")"
	fi
	exec 7>&-
fi

# --- they stay when the process is gone; files have none ---
kill "$(cat "$T/client")"
wait_gone "$(cat "$T/client")"
is "$(owner 'port_b == 80 and port_a != 5555')" 'tcp,80,socat,nobody,' 'a connection keeps its owner'
tapdeck stop s
exits 0 'fetch' fetch s "$T/s"
exits 0 'a file' connections "$T"/s/*.pcapng --format csv --columns id,process,user,unit,pid
is "$(sed 1d "$T/out" | cut -d, -f2- | sort -u)" ',,,' 'a file tells of nobody'
done_testing
