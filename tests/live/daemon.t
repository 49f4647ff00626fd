#!/bin/sh
# The daemon as a service: its configuration, its signals, the socket that systemd hands over and what it is told, the rights that the
# unit leaves.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program ping python3 setpriv
namespaces
conf=$T/config/tapdeck/tapdeckd.conf
mkdir "$T/config/tapdeck"
told() { tapdeck show "$1" | grep -Eq -e "$2"; }
logged() { grep -Eq -e "$1" "${2:-$T/log}"; }
daemon_start() { # sets daemon
	ip netns exec "$near" "$BIN/tapdeckd" --daemon 2>"$T/said" &
	daemon=$!
	at_end "kill -9 $daemon"
	until_true 10 test -S "$TAPDECK_SOCKET"
}

# --- a configuration that is wrong at the start ---
printf 'log %s\n\nlimit sesions 2\n' "$T/log" >"$conf"
here "$BIN/tapdeckd" --daemon >"$T/out" 2>&1
is $? 2 'a wrong configuration: the daemon does not start'
like "$(cat "$T/out")" "^tapdeckd: $conf:3: .*limit sesions.*did you mean .limit sessions" 'file, line, reason'
here "$BIN/tapdeckd" --daemon -f "$T/absent" >"$T/out" 2>&1
is $? 3 'a configuration that is not there'
like "$(cat "$T/out")" "could not open the configuration $T/absent" 'it says so'
printf 'limit sessions 2\n' >"$conf"
chmod 666 "$conf"
here "$BIN/tapdeckd" --daemon >"$T/out" 2>&1
is $? 3 'a configuration that others may write'
like "$(cat "$T/out")" 'chmod go-w' 'it says what to do'
chmod 644 "$conf"
here "$BIN/tapdeckd" --daemon -g no-such-group >"$T/out" 2>&1
is $? 2 'a group that is not there'

# --- what it says holds ---
printf 'log %s\naudit %s\nlimit sessions 2\nlimit buffer 8MB\ncaptures %s\n' "$T/log" "$T/audit" "$T/there" >"$conf"
daemon_start
exits 0 'a session' new one device va record filter icmp
exits 0 'another' new two device va
exits 3 'one more than the configuration has' new three device va
like "$(cat "$T/err")" 'there are 2 sessions already' 'it says why'
like "$(find "$T/there" -name '*.part')" "^$T/there/one-" 'recordings lie where it says'
ring=$(tapdeck show one --format csv --no-header | sed -n 's,^device.*buffer \([0-9]*\) bytes.*,\1,p')
like "$ring" '^[78][0-9]{6}$' 'the ring is as large as it says'
like "$(cat "$T/audit")" "^[0-9T:.Z-]+ done uid=0 user=root pid=[0-9]+ request='new one device va record filter icmp'" 'who asked for what is written down'
like "$(cat "$T/audit")" "refused uid=0 .*request='new three device va' why='there are 2 sessions" 'what was refused too'
is "$(stat -c %a "$T/audit")" 600 'for nobody else to read'

# --- signals ---
kill -USR2 "$daemon"
until_true 10 sh -c "find '$T/there' -name '*-00001.pcapng' | grep -q ."
is $? 0 'SIGUSR2: a new file of what is recorded'
exits 0 'files' files one --format csv --no-header --columns number,state
is "$(cat "$T/out")" '1,sealed
2,writing' 'two of them'
kill -USR1 "$daemon"
until_true 10 logged 'state: session two .*running on va, tap [0-9]+, reader [0-9]+, .*dropped 0 by the device.* of memory'
is $? 0 'SIGUSR1: sessions, drops, memory in the log'
like "$(cat "$T/log")" 'state: tapdeckd .*2 sessions, [0-9]+ clients' 'and itself'
echo 'limit sessions none' >>"$conf"
kill -HUP "$daemon"
until_true 10 logged "was not taken over: $conf:6: limit sessions"
is $? 0 'SIGHUP: a wrong configuration is told'
exits 3 'and changes nothing' new three device va
mv "$T/log" "$T/log.old"
printf 'log %s\naudit %s\nlimit sessions 3\n' "$T/log" "$T/audit" >"$conf"
kill -HUP "$daemon"
until_true 10 logged 'configuration was read again'
is $? 0 'SIGHUP: another one holds, and the log is opened anew'
exits 0 'as many sessions as it has' new three device va
here ping -q -c 3 -i 0.05 10.77.0.2 >/dev/null
until_true 10 counted one 6
kill -TERM "$daemon"
wait "$daemon" 2>/dev/null
is "$(find "$T/there" -name '*.part')" '' 'SIGTERM: what was recorded is whole'
is "$(ls "$TAPDECK_SOCKET" 2>/dev/null)" '' 'and the socket is gone'
exits 0 'sessions are listed by who comes later' list --format csv --no-header --columns name,state,packets
like "$(cat "$T/out")" '^one,ended,6$' 'with their totals'

# --- a tap that does not answer ---
printf 'log %s\n' "$T/log" >"$conf"
daemon_start
exits 0 'a recording' new stuck device va record filter icmp
here ping -q -c 3 -i 0.05 10.77.0.2 >/dev/null
until_true 10 counted stuck 6
tap=$(tapdeck show stuck --format csv --no-header | sed -n 's/^tap_pid,//p')
kill -STOP "$tap"
begun=$(date +%s)
kill -TERM "$daemon"
over() { ! kill -0 "$daemon"; }
until_true 60 over
is "$? $(($(date +%s) - begun < 50 ? 0 : 1))" '0 0' 'SIGTERM: a tap that hangs holds the daemon up for less than 50 seconds'
is "$(find "$T" -name 'stuck-*.part')" '' 'and its file is whole'
kill -9 "$tap" 2>/dev/null

# --- systemd ---
cat >"$T/manager.py" <<'END'
import os, socket, sys
path, program = sys.argv[1:3]
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.bind(path + ".notify")
door = socket.socket(socket.AF_UNIX)
door.bind(path)
door.listen(5)
pid = os.fork()
if pid == 0:
    os.dup2(door.fileno(), 3)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=path + ".notify")
    os.execv(program, ["tapdeckd", "--daemon"] + sys.argv[3:])
door.close()
print("pid", pid, flush=True)
while True:
    text = told.recv(1000).decode().split("\n")[0]
    print(text, flush=True)
    if text == "STOPPING=1":
        break
print("status", os.waitpid(pid, 0)[1], flush=True)
END
export TAPDECK_SOCKET="$T/handed"
: >"$T/manager"
here timeout 120 python3 "$T/manager.py" "$TAPDECK_SOCKET" "$BIN/tapdeckd" >"$T/manager" 2>&1 &
until_true 10 grep -q READY "$T/manager"
is $? 0 'a socket that is handed over is taken, and it says when it is ready'
daemon=$(sed -n 's/^pid //p' "$T/manager")
exits 0 'it serves there' new handed device va
tap=$(tapdeck show handed --format csv --no-header | sed -n 's/^tap_pid,//p')
is "$(tr '\0' '\n' <"/proc/$tap/environ" | grep -E '^PATH=|LISTEN|NOTIFY' | sed 's/=.*//')" PATH 'no child hears of it'
kill -HUP "$daemon"
until_true 10 grep -q RELOADING "$T/manager"
is $? 0 'it says that it reads its configuration again'
kill -TERM "$daemon"
until_true 20 grep -q status "$T/manager"
is "$(tail -n 2 "$T/manager")" 'STOPPING=1
status 0' 'and that it ends'
is "$(test -S "$TAPDECK_SOCKET" && echo there)" there 'the socket is left to who made it'
rm -f "$TAPDECK_SOCKET"
# shellcheck disable=SC2016
here python3 -c '
import os, sys
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.dup2(os.open("/dev/null", os.O_RDWR), 3)
os.execv(sys.argv[1], ["tapdeckd", "--daemon"])' "$BIN/tapdeckd" >"$T/out" 2>&1
is $? 2 'what is handed over and is no socket'
like "$(cat "$T/out")" 'no unix socket that listens' 'it says so'

# --- root's own, at the usual places, which a mount namespace makes ---
cp -a /etc "$T/etc"
mkdir -p "$T/etc/tapdeck"
echo 'tapdeck:x:64300:' >>"$T/etc/group"
echo 'limit sessions 7' >"$T/etc/tapdeck/tapdeckd.conf"
chmod 755 "$T"
cat >"$T/installed" <<'END'
mount --bind "$T/etc" /etc
for place in /run /var/lib /var/log; do mount -t tmpfs -o mode=755 none $place; done
unset TAPDECK_SOCKET XDG_STATE_HOME XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME
"$BIN/tapdeckd" --daemon &
daemon=$!
tries=0
until "$TAPDECK" daemon >/dev/null 2>&1 || [ $tries = 100 ]; do sleep 0.1 && tries=$((tries + 1)); done
stat -c '%n %a %G' /run/tapdeck/socket
"$TAPDECK" daemon --format csv --no-header | grep -E '^(group|captures|limit_sessions),'
"$TAPDECK" new usual device va record && "$TAPDECK" stop usual
# A member has no daemon of their own, and asks root's.
mkdir "$T/member" && chown 64301 "$T/member"
setpriv --reuid=64301 --regid=65534 --groups=64300 env HOME="$T/member" "$TAPDECK" list --format csv --no-header --columns name,owner,state
setpriv --reuid=64302 --regid=65534 --clear-groups env HOME="$T/member" TAPDECK_SOCKET=/run/tapdeck/socket "$TAPDECK" new x device va 2>&1
ls /var/lib/tapdeck/captures | sed 's/-.*//'
stat -c '%a' /var/lib/tapdeck /var/log/tapdeck/audit.log
kill $daemon
wait $daemon
END
export T BIN
here unshare -m sh "$T/installed" >"$T/out" 2>&1
for line in '/run/tapdeck/socket 660 tapdeck' 'group,tapdeck' 'captures,/var/lib/tapdeck/captures' 'limit_sessions,7' 'usual,root,ended' \
	'tapdeck: .*does not let you in.*' usual 700 600; do
	is_in "root's own daemon: $line" "^$line\$"
done

# --- with no more rights than the unit leaves ---
export TAPDECK_SOCKET="$T/bounded"
caps=$(sed -n 's/^CapabilityBoundingSet=//p' backend/agent/tapdeckd.service.in | sed 's/CAP_/+/g' | tr 'A-Z ' 'a-z,')
here setpriv --no-new-privs --inh-caps=-all --bounding-set="-all,$caps" "$BIN/tapdeckd" --daemon 2>"$T/said" &
at_end "kill -9 $!"
until_true 10 test -S "$TAPDECK_SOCKET"
exits 0 'a recording within the rights of the unit' new bounded device va record filter icmp
here ping -q -c 3 -i 0.05 10.77.0.2 >/dev/null
until_true 10 counted bounded 6
is "$(value bounded packets)" 6 'captures'
exits 0 'and is read' connections bounded --format csv --no-header --columns proto,packets_ab,packets_ba
is "$(cat "$T/out")" icmp,3,3 'as ever'
exits 0 'it ends' stop bounded
done_testing
