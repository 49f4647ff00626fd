#!/bin/sh
# What goes wrong at the daemon's door: names, sockets, too many clients, clients and daemons that die. Each is a sentence; what runs goes on.
# Garbage and clients that do not read: bad.t. What is left of recordings after kills: kills.t. Who may what: access.t.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program python3 ping capinfos
namespaces
said() { # NAME PATTERN: one line on standard error
	if [ "$(wc -l <"$T/err")" = 1 ] && grep -Eq -e "$2" "$T/err"; then ok "$1"; else not_ok "$1" "$(cat "$T/err")"; fi
}
daemon_start() { # COMMAND...: before it; sets daemon
	ip netns exec "$near" "$@" "$BIN/tapdeckd" --daemon -l "$T/log" &
	daemon=$!
	at_end "kill -9 $daemon"
	until_true 10 sh -c "test -S '$TAPDECK_SOCKET' && ip netns exec '$near' '$TAPDECK' daemon"
}
cat >"$T/clients.py" <<'END'
import os, resource, socket, struct, sys, time
path, what = sys.argv[1:3]
most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))

def text(s):
    return struct.pack(">I", len(s)) + s

def frame(kind, channel, number, payload):
    return struct.pack(">IHHII", len(payload), kind, 0, channel, number) + payload

hello = frame(1, 0, 0, struct.pack(">I", 1) + text(b"test") * 5 + struct.pack(">q", 0))

def query(number, table, *words):
    return frame(8, 0, number, text(table) + struct.pack(">I", len(words)) + b"".join(text(w) for w in words) + text(b"") * 4 +
                 struct.pack(">QIII", 0, 1000, 0, 0))

def command(number, *words):
    return frame(11, 0, number, struct.pack(">I", len(words)) + b"".join(text(w) for w in words))

def connect(greets=True):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.settimeout(20)
    if greets:
        s.sendall(hello)
    return s

def take(s):
    "kind, number and payload of a frame; None at the end"
    head = b""
    while len(head) < 16:
        got = s.recv(16 - len(head))
        if not got:
            return None
        head += got
    left, kind, _, _, number = struct.unpack(">IHHII", head)
    payload = b""
    while len(payload) < left:
        payload += s.recv(left - len(payload))
    return kind, number, payload

def sentence(payload):
    size = struct.unpack(">I", payload[12:16])[0]
    return payload[16:16 + size].decode()

def answer(s, number):
    while True:
        got = take(s)
        if got is None or got[1] == number or (got[0] == 2 and got[1] == 0):
            return got

if what == "many":
    most = int(sys.argv[3])
    clients = [connect() for _ in range(most)]
    answered = 0
    for i, s in enumerate(clients):
        s.sendall(query(1, b"sessions"))
    for s in clients:
        got = answer(s, 1)
        answered += got is not None and got[0] == 9
    print("answered", answered, flush=True)
    for i in range(3):
        s = connect(False)
        got = take(s)
        print("one more:", sentence(got[2]) if got and got[0] == 2 else got, flush=True)
        s.close()
    clients[0].sendall(command(2, b"new", b"late%d" % most, b"device", b"va"))
    print("served", answer(clients[0], 2)[0], flush=True)
    clients.pop().close()
    deadline = time.time() + 20
    while time.time() < deadline:
        try:
            s = connect()
            s.sendall(query(1, b"sessions"))
            got = answer(s, 1)
        except ConnectionError:
            got = None
        if got and got[0] == 9:
            break
        time.sleep(0.05)
    print("room again", got and got[0], flush=True)
elif what == "middle":
    # Ended at any moment of a request, of a stream, of a start.
    for i in range(40):
        pid = os.fork()
        if pid == 0:
            s = connect()
            s.sendall(query(1, b"poll", b"calm") + command(2, b"new", b"m%d" % i, b"device", b"va", b"record"))
            s.sendall(frame(12, 0, 3, struct.pack(">I", 3) + text(b"segment") + text(b"calm") + text(sys.argv[3].encode()) +
                      struct.pack(">QQ", 0, 1 << 30)))
            s.sendall(command(4, b"stop", b"calm")[: i % 30])
            time.sleep(60)
        time.sleep(0.003 * (i % 10))
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    print("all ended", flush=True)
elif what == "waits":
    # A client that goes while it waits for the end of a session.
    s = connect()
    s.sendall(command(1, b"stop", b"calm"))
    s.close()
    print("gone", flush=True)
END
clients() { here timeout 100 python3 "$T/clients.py" "$TAPDECK_SOCKET" "$@" >"$T/out" 2>&1; }

# --- names ---
daemon_start env
exits 0 'a session' new calm device va record filter icmp
exits 2 'a name twice' new calm device va
said 'it says what to do' '^tapdeck: a session is called "calm" already: take another name, or stop and dismiss that one$'
for words in 'show calmer' 'poll calmer' 'stop calmer' 'dismiss calmer' 'modify calmer tcp' 'files calmer' 'rotate calmer' 'counter calmer remove x'; do
	# shellcheck disable=SC2086
	exits 1 "an unknown session: ${words%% *}" $words
	said 'it names the nearest' 'no session is called "calmer": did you mean "calm"'
done
exits 2 'a name of nothing' new '' device va
said 'it says what a name is' 'has 1 to 64 characters'
exits 2 'a name that is a path' new ../x device va
said 'it says what a name is made of' 'begin with|made of letters'
exits 2 'a session that runs is not taken off the list' dismiss calm
said 'it says what to do' 'stop calm'
exits 0 'stop' stop calm
exits 2 'a name that has ended' new calm device va
said 'it says what to do' 'dismiss calm'
exits 0 'dismiss' dismiss calm

# --- sockets ---
here "$BIN/tapdeckd" --daemon >"$T/out" 2>&1
is $? 3 'a second daemon at the same place'
like "$(cat "$T/out")" "a daemon listens at $TAPDECK_SOCKET already" 'it says so'
kill -9 "$daemon"
wait "$daemon" 2>/dev/null
is "$(test -S "$TAPDECK_SOCKET" && echo there)" there 'a daemon that was killed leaves its socket'
exits 0 'which is nobody: the list' list
exits 1 'its facts' daemon
said 'it says that there is none' 'no daemon runs'
exits 0 'a session over it' new calm device va record filter icmp
here ping -q -c 3 -i 0.02 10.77.0.2 >/dev/null
until_true 10 counted calm 6
exits 0 'stop' stop calm
exits 0 'dismiss' dismiss calm
for pid in $(ip netns pids "$near"); do # the one on demand
	tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q 'tapdeckd --daemon' && kill "$pid" && wait_gone "$pid"
done
echo precious >"$T/file"
TAPDECK_SOCKET=$T/file here "$BIN/tapdeckd" --daemon >"$T/out" 2>&1
is $? 3 'a file in place of the socket'
like "$(cat "$T/out")" "$T/file is there and is no socket" 'it says so'
is "$(cat "$T/file")" precious 'and leaves it alone'
here "$BIN/tapdeckd" --daemon -s "$T/$(printf '%0120d' 0)" >"$T/out" 2>&1
is $? 2 'a path that is too long for a socket'
like "$(cat "$T/out")" 'has at most 107 bytes' 'it says so'
here "$BIN/tapdeckd" --daemon -s "$T/absent/socket" >"$T/out" 2>&1
is $? 3 'a folder that is not there'
like "$(cat "$T/out")" "could not open $T/absent/socket.lock: No such" 'it says so'
mkdir "$T/else"
cp "$TAPDECK" "$T/else/tapdeck"

# --- many clients ---
daemon_start env
exits 0 'a session' new calm device va record filter icmp own-traffic out
SSH_CONNECTION='192.0.2.7 4711 10.77.0.1 22' ip netns exec "$near" timeout 60 "$TAPDECK" watch calm frequency 0.2 >"$T/watch" 2>&1 &
at_end "kill $!"
left_out() { tapdeck show calm | grep -Eq 'left_out +192.0.2.7 port 4711 - 10.77.0.1 port 22 from .* to now'; }
until_true 10 left_out
is $? 0 'the connection that carries who asks without any other program is left out'
kill $!
let_in() { tapdeck show calm | grep -Eq 'left_out +192.0.2.7 port 4711 .* to 20'; }
until_true 10 let_in
is $? 0 'until it goes'
"$T/else/tapdeck" --version >/dev/null
here timeout 20 "$T/else/tapdeck" poll calm >"$T/out" 2>&1
is $? 0 'a daemon is asked without any other program'
if [ "$(python3 -c 'import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[1])')" -ge 4096 ]; then
	clients many 1024
	is_in '1,024 clients at once are served' '^answered 1024$'
	is_in 'one more is told' '^one more: 1024 clients are connected, which is the most'
	is_in 'the others are served on' '^served 3$'
	is_in 'and when one goes there is room' '^room again 9$'
	is "$(grep -c '^one more: 1024' "$T/out")" 3 'each of them is told'
	exits 0 'stop' stop late1024
fi
kill "$daemon"
wait "$daemon" 2>/dev/null
daemon_start prlimit --nofile=256:256
exits 0 'with 256 descriptors: a session' new tight device va record filter icmp
clients many 128
is_in '128 clients are served' '^answered 128$'
is_in 'one more is told' '^one more: 128 clients are connected'
is_in 'there are descriptors left for sessions' '^served 3$'
exits 0 'it goes on' list --format csv --no-header --columns name,state
like "$(cat "$T/out")" '^tight,running$' 'with its sessions'
n=0
until_more() { n=$((n + 1)) && ! tapdeck new "more$n" device va >"$T/out" 2>"$T/err"; }
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; do
	until_more && break
done
said 'sessions until there is no descriptor left: a sentence' '^tapdeck: .*(Too many open files|descriptor|as many)'
exits 0 'the others are served' list --format csv --no-header --columns name,state
like "$(cat "$T/out")" '^tight,running$' 'and go on'
before=$(awk '{ print $14 + $15 }' "/proc/$daemon/stat")
clients many 128 >/dev/null 2>&1
after=$(awk '{ print $14 + $15 }' "/proc/$daemon/stat")
like "$((after - before))" '^[0-9]{1,2}$' 'who is not let in costs nothing'
kill "$daemon"
wait "$daemon" 2>/dev/null

# --- clients that end in the middle ---
rm -rf "$XDG_STATE_HOME/tapdeck/sessions"
daemon_start env
exits 0 'a session' new calm device va record filter icmp
here ping -q -c 5 -i 0.02 10.77.0.2 >/dev/null
until_true 10 counted calm 10
exits 0 'rotate' rotate calm
file=$(tapdeck files calm --format csv --no-header --columns name | head -n 1)
clients middle "$file"
is_in 'clients that are killed in the middle of requests, streams and starts' '^all ended$'
is "$(kill -0 "$daemon" 2>&1)" '' 'the daemon is there'
exits 0 'it answers' poll calm --format csv --no-header --columns packets
is "$(cat "$T/out")" 10 'as before'
settled() { ! tapdeck list --format csv --no-header --columns state | grep -Eq '^(starting|stopping)'; }
until_true 20 settled
is $? 0 'what they had begun began, or did not'
clients_left() { [ "$(tapdeck daemon --format csv --no-header | sed -n 's/^clients,//p')" = 1 ]; }
until_true 10 clients_left
is $? 0 'nothing of them is left'
clients waits
calm_ended() { tapdeck list --format csv --no-header --columns name,state | grep -qx calm,ended; }
until_true 20 calm_ended
is $? 0 'what a client asked for who went is done'
kill "$daemon"
wait "$daemon" 2>/dev/null

# --- the daemon ends under a client ---
daemon_start env
exits 0 'a session' new last device va record filter icmp
here ping -q -c 5 -i 0.02 10.77.0.2 >/dev/null
until_true 10 counted last 10
here timeout 60 "$TAPDECK" watch last frequency 0.2 >"$T/watched" 2>"$T/err" &
watching=$!
until_true 10 test -s "$T/watched"
kill -9 "$daemon"
wait $watching
is $? 3 'the daemon killed under a watch'
said 'it says so' 'closed|gone'
over() { tapdeck list --format csv --no-header --columns name,state | grep -Eqx 'last,(ended|failed)'; }
until_true 20 over
is $? 0 'its sessions are listed again'
like "$(capinfos -Mc "$(find "$T/data" -name 'last-*.pcapng')")" 'Number of packets: *10$' 'and the file is whole'

# --- a device that goes ---
exits 0 'a session' new gone device va record filter icmp
ip -n "$near" link del va
gone_told() { tapdeck show gone | grep -q 'event .*va is gone'; }
until_true 10 gone_told
is $? 0 'a device that is removed is told'
exits 0 'and the session can be stopped' stop gone
done_testing
