#!/bin/sh
# Sessions that come back: after the daemon was stopped, killed, or the machine went down; with what was changed meanwhile, under their name
# and their owner; not when somebody has ended them; and as soon as their device is there.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program ping capinfos setpriv
namespaces
pings() { here ping -q -c "$1" -i 0.02 10.77.0.2 >/dev/null 2>&1; }
told() { tapdeck show "$1" | grep -Eq -e "$2"; }
is_state() { [ "$(tapdeck list --format csv --no-header --columns name,state | sed -n "s/^$1,//p")" = "$2" ]; }
daemon_start() { # sets daemon
	ip netns exec "$near" "$BIN/tapdeckd" --daemon -g 64200 -l "$T/log" &
	daemon=$!
	at_end "kill -9 $daemon"
	until_true 10 sh -c "test -S '$TAPDECK_SOCKET' && ip netns exec '$near' '$TAPDECK' daemon"
}
ours() { # pids of tapdeckd and its children in the namespace, but for those that serve one client
	for pid in $(ip netns pids "$near"); do
		tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -Eq '^(tapdeck-tap|[^ ]*tapdeckd --(daemon|read))' && echo "$pid"
	done
}
folders() { find "$T/data" -maxdepth 4 -type d -name "$1-2*" | wc -l; }
chmod 755 "$T"

daemon_start
exits 0 'a session that lasts' new web device va filter icmp record persist counter req='icmp[0] == 8'
exits 0 'one that does not' new brief device va
exits 0 'one that counts' new count device va persist
exits 0 'one with an end of its own' new ends device va filter icmp persist stop-after 4
exits 0 'one that records no more' new off device va record persist
exits 0 'recording off' record off off
exits 0 'one that is ended' new gone device va persist
here setpriv --reuid=64101 --regid=64200 --clear-groups env HOME="$T" "$TAPDECK" new hers device va record persist >"$T/out" 2>&1
is $? 0 "one of a member's"
pings 2
until_true 10 counted web 4
until_true 10 is_state ends ended
is $? 0 'its end came'
exits 0 'another filter' modify web icmp or arp
exits 0 'an alert' alert web 'packets > 1M'
exits 0 'another counter' counter web add rep='icmp[0] == 0'
exits 0 'it is ended' stop gone

# --- SIGTERM ---
kill -TERM "$daemon"
wait "$daemon" 2>/dev/null
is "$(find "$T/data" -name '*.part')" '' 'the daemon ends: files are whole'
pings 3 # nobody sees these
daemon_start
until_true 10 is_state web running
is $? 0 'it is back under its name'
for back in count hers off; do until_true 10 is_state $back running; done
is "$(tapdeck list --format csv --no-header --columns name,state | sort | tr '\n' ' ')" \
	'brief,ended count,running ends,ended gone,ended hers,running off,running web,running ' 'as are those that were to last, and no other'
like "$(tapdeck show web)" '^filter +icmp or arp$' 'with the filter that it had'
is "$(tapdeck counters web --format csv --no-header --columns name,filter)" 'req,icmp[0] == 8
rep,icmp[0] == 0' 'and the counters'
like "$(tapdeck show web)" '1: packets > 1M: not true' 'and the alert'
is "$(tapdeck list --format csv --no-header --columns name,recording | grep -E '^(web|off|count),' | sort | tr '\n' ' ')" 'count,no off,no web,yes ' \
	'what recorded records, what did not does not'
like "$(tapdeck show web)" 'event .*is back: nothing was seen since 20.*the daemon was stopped' 'it says since when nothing was seen, and why'
is "$(tapdeck list --format csv --no-header --columns name,owner | sed -n 's/^hers,//p')" 64101 'hers is hers'
is "$(find "$T/data" -name 'hers-*' -printf '%U\n' | sort -u)" 64101 'with all its files'
pings 2
until_true 10 counted web 4
is "$(value web packets)" 4 'it counts from its own beginning'
is "$(folders web)" 2 'its former run has a folder of its own'
like "$(tapdeck history captures --format csv --no-header --columns session,packets)" '^web,4$' 'which the history knows'
like "$(tapdeck history events --format csv)" 'is back: nothing was seen' 'as it does the gap'

# --- killed, with all that it had started ---
file=$(find "$T/data" -name 'web-*.part')
# shellcheck disable=SC2046
kill -9 $(ours)
wait "$daemon" 2>/dev/null
daemon_start
until_true 20 is_state web running
is $? 0 'killed with its children: it is back'
until_true 10 is_state count running
is "$(test -e "$file" && echo there)" '' 'the file of before is mended'
like "$(capinfos -Mc "${file%.part}")" 'Number of packets: *4$' 'and whole'
like "$(tapdeck show web)" 'event .*is back: .*interrupted' 'it says what happened'

# --- only the daemon is killed: its tap drains, then the session begins anew ---
kill -9 "$daemon"
wait "$daemon" 2>/dev/null
pings 1
daemon_start
until_true 20 is_state web running
is $? 0 'the daemon killed: it is back'

# --- only its tap is killed ---
first=$(tapdeck show web --format csv --no-header | sed -n 's/^tap_pid,//p')
kill -9 "$first"
other_tap() { [ "$(tapdeck show web --format csv --no-header | sed -n 's/^tap_pid,//p')" != "$first" ] && is_state web running; }
until_true 20 other_tap
is $? 0 'its tap killed: it is back'

# --- its device is not there ---
kill -TERM "$daemon"
wait "$daemon" 2>/dev/null
ip -n "$near" link del va
daemon_start
until_true 10 told web 'begins again as soon as it can: .*"va"'
is $? 0 'without its device it waits, and says so'
is "$(tapdeck list --format csv --no-header --columns name,state | sed -n 's/^web,//p')" failed 'on the list'
kill -9 "$daemon" # while it waits
wait "$daemon" 2>/dev/null
daemon_start
until_true 10 told web 'begins again as soon as it can'
is $? 0 'also when the daemon is killed meanwhile'
exits 0 'one that waits is ended' stop count
ip -n "$near" link add va type veth peer name vb netns "$far"
ip -n "$near" addr add 10.77.0.1/24 dev va
ip -n "$far" addr add 10.77.0.2/24 dev vb
ip -n "$near" link set va up
ip -n "$far" link set vb up
until_true 20 is_state web running
is $? 0 'when the device comes it begins'
is_state count failed
is $? 0 'but for the one that was ended'
like "$(tapdeck show web)" '^filter +icmp or arp$' 'all of it as before'
exits 0 'stop' stop web
kill -TERM "$daemon"
wait "$daemon" 2>/dev/null
daemon_start
is "$(tapdeck list --format csv --no-header --columns name,state | sed -n 's/^web,//p')" ended 'what somebody stopped stays so'
kill -TERM "$daemon"
wait "$daemon" 2>/dev/null

# --- a daemon that was started because somebody asked ---
export TAPDECK_SOCKET="$T/demand" XDG_STATE_HOME="$T/demand-state"
mkdir "$XDG_STATE_HOME"
exits 0 'persist without a service' new mine device va persist
like "$(cat "$T/err")" 'on demand.*tapdeckd\(8\)' 'it says what that means'
# shellcheck disable=SC2046
kill -9 $(ours)
exits 0 'once somebody asks' list --format csv --no-header
until_true 20 is_state mine running
is $? 0 'it is back'
exits 0 'stop' stop mine
done_testing
