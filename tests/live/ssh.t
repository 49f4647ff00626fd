#!/bin/sh
# Another host by SSH: a real sshd in a network namespace of its own, with its own devices, daemon and folders. Its devices,
# sessions, connections and files are asked for with the same words, and a file is brought home.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/lib.sh
. tests/live/lib.sh
need_namespaces
need_program sshd ssh ssh-keygen tcpdump capinfos ping

ns=td-ssh-$$
ip netns add "$ns" || skip_all 'no network namespace can be made here'
at_end "ip netns pids $ns | xargs -r kill 2>/dev/null; ip netns del $ns"
ip link add "tdh$$" type veth peer name wan netns "$ns"
at_end "ip link del tdh$$ 2>/dev/null"
ip addr add 10.77.0.1/24 dev "tdh$$" && ip link set "tdh$$" up
ip -n "$ns" addr add 10.77.0.2/24 dev wan
ip -n "$ns" link set wan up
ip -n "$ns" link set lo up

far=$T/far
mkdir -p "$far" "$T/ssh" /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/host" && ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/key" && ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/other"
cp "$T/ssh/key.pub" "$T/ssh/authorized"
cat >"$T/ssh/sshd_config" <<END
Port 22
ListenAddress 10.77.0.2
HostKey $T/ssh/host
AuthorizedKeysFile $T/ssh/authorized
PasswordAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile $T/ssh/pid
SetEnv PATH=$BIN:/usr/bin:/bin:/usr/sbin:/sbin TAPDECK_SOCKET=$far/socket XDG_STATE_HOME=$far/state XDG_DATA_HOME=$far/data XDG_CONFIG_HOME=$far/config TAPDECK_TAP=$BIN/tapdeck-tap
END
chmod 700 "$T/ssh"
sshd_start() {
	ip netns exec "$ns" "$(command -v sshd || echo /usr/sbin/sshd)" -f "$T/ssh/sshd_config" -E "$T/ssh/log" || bail 'sshd did not start'
	tries=0
	until [ -s "$T/ssh/pid" ] || [ $tries -gt 100 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
}
sshd_again() { # with its new configuration
	pid=$(cat "$T/ssh/pid")
	kill "$pid"
	wait_gone "$pid"
	rm -f "$T/ssh/pid"
	sshd_start
}
sshd_start
printf '10.77.0.2 %s\n' "$(cut -d' ' -f1,2 "$T/ssh/host.pub")" >"$T/ssh/known"
printf '10.77.0.2 %s\n' "$(cut -d' ' -f1,2 "$T/ssh/other.pub")" >"$T/ssh/changed"
: >"$T/ssh/unknown"
ssh_config() { # known_hosts file, key
	cat >"$T/ssh/config" <<END
Host edge
	HostName 10.77.0.2
	User $(id -un)
	IdentityFile $2
	IdentitiesOnly yes
	UserKnownHostsFile $1
	GlobalKnownHostsFile /dev/null
	StrictHostKeyChecking yes
END
}
# ssh(1) takes its configuration from the password file's home, so the test's own comes by a wrapper in PATH.
mkdir -p "$T/bin"
printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$(command -v ssh)" "$T/ssh/config" >"$T/bin/ssh"
chmod +x "$T/bin/ssh"
PATH=$T/bin:$PATH
export PATH
unset SSH_AUTH_SOCK

ssh_config "$T/ssh/known" "$T/ssh/key"
try 'devices of a host' 0 "$TAPDECK" devices edge --columns name --no-header
is_in 'its own device is there' wan
try 'a session over there' 0 "$TAPDECK" new far1 on edge device wan filter 'icmp' record
wait_for 'it runs' "$TAPDECK list edge --no-header --columns name,state" 'far1 +running'
ping -q -c 20 -i 0.05 10.77.0.2 >/dev/null
wait_for 'its packets are counted' "$TAPDECK poll edge:far1 --format csv --columns packets --no-header" '^[4-9][0-9]$'
try 'its connections' 0 "$TAPDECK" connections edge:far1 --format csv --columns proto,addr_a,packets_ab,packets_ba --no-header
is_in 'the ping is one connection, both ways' '^icmp,10.77.0.1,20,20$'
try 'stopped' 0 "$TAPDECK" stop edge:far1
wait_for 'it has ended' "$TAPDECK list edge --no-header --columns name,state" 'far1 +ended'
mkdir -p "$T/home"
try 'its file is brought home' 0 "$TAPDECK" fetch edge:far1 "$T/home"
file=$(find "$T/home" -name '*.pcapng' | head -n 1)
try 'capinfos reads it' 0 capinfos -c -M "$file"
is_in 'all packets are in it' '40$'
remote=$(find "$far/data" -name '*.pcapng' | head -n 1)
try 'a file over there is read over there' 0 "$TAPDECK" summary "edge:$remote" --format csv --columns packets --no-header
is_in 'with the same packets' '^40$'
try 'packets of it' 0 "$TAPDECK" packets "edge:$remote" --limit 1 --no-header --columns proto
is_in 'decoded over there' icmp

# The same panes show another host: the console's own words, without a terminal.
try 'another session over there' 0 "$TAPDECK" new far3 on edge device wan filter icmp
ping -q -c 5 -i 0.05 10.77.0.2 >/dev/null
cat >"$T/script" <<END
:open devices edge
wait wan 15
1
wait far3 15
:open connections edge session:far3
wait 10.77.0.1: 15
:open summary edge file:$remote
:open packets edge file:$remote
wait request 15
screenshot -
END
try 'devices, sessions, connections and a file over there, in the console' 0 "$TAPDECK" --script "$T/script" --size 120x30 --charset ascii
is_in 'packets of the file over there' 'echo request'
try 'the other session is stopped' 0 "$TAPDECK" stop edge:far3

# What carries an attached console is left out by its exact ends, as it comes and goes; what was left out is shown.
try 'a session that would see our own SSH' 0 "$TAPDECK" new own on edge device wan filter 'tcp port 22' own-traffic out
timeout 4 "$TAPDECK" watch edge:own frequency 1 --no-header --format csv --columns packets >"$T/out"
if [ "$(tail -n 2 "$T/out" | sort -u | wc -l)" = 1 ]; then ok 'counts nothing of it'; else not_ok 'counts nothing of it' "$(cat "$T/out")"; fi
try 'and says what was left out' 0 "$TAPDECK" show edge:own
is_in 'from when to when' '^left_out +10.77.0.1 port [0-9]+ - 10.77.0.2 port 22 from .* to .*'
try 'it is stopped' 0 "$TAPDECK" stop edge:own

ssh_config "$T/ssh/unknown" "$T/ssh/key"
try 'an unknown host key is refused' 3 "$TAPDECK" devices edge
is_in 'with its fingerprint' "$(ssh-keygen -lf "$T/ssh/host.pub" | cut -d' ' -f2 | sed 's/+/./g')"
ssh_config "$T/ssh/changed" "$T/ssh/key"
try 'a changed host key is refused' 3 "$TAPDECK" devices edge
is_in 'and said so' 'CHANGED'
ssh_config "$T/ssh/known" "$T/ssh/other"
try 'a key that is not let in' 3 "$TAPDECK" devices edge
is_in 'is named' 'ssh/other'
ssh_config "$T/ssh/known" "$T/ssh/key"
sed -i "s,PATH=$BIN:,PATH=," "$T/ssh/sshd_config"
sshd_again
try 'no tapdeckd over there' 3 "$TAPDECK" devices edge
is_in 'and what to do' 'no tapdeckd'
eval "$(ssh-agent -s)" >/dev/null
at_end "kill $SSH_AGENT_PID"
ssh-add -q "$T/ssh/key" 2>/dev/null
sed -i "s,PATH=,PATH=$BIN:," "$T/ssh/sshd_config"
sshd_again
ssh_config "$T/ssh/known" "$T/ssh/absent"
sed -i '/IdentitiesOnly/d' "$T/ssh/config"
try 'the agent lets in' 0 "$TAPDECK" devices edge --columns name --no-header
is_in 'its device again' wan
ssh_config "$T/ssh/known" "$T/ssh/key"
printf 'Ciphers chacha20-poly1305@openssh.com\n' >>"$T/ssh/sshd_config"
sshd_again
try 'a server that the library cannot talk to is reached by ssh(1)' 0 "$TAPDECK" devices edge --columns name --no-header
is_in 'with the same answer' wan
done_testing
