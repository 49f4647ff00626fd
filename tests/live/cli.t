#!/bin/sh
# The command line on one machine, with traffic: devices, sessions, tables of sessions and devices, recordings, history.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program socat tcpdump
namespaces

# A server over there that answers each line and closes.
there socat TCP4-LISTEN:80,reuseaddr,fork 'SYSTEM:read line; echo hello $line' 2>/dev/null &
until_true 5 there sh -c 'ss -ltn | grep -q :80' || echo "# no server"
ask() { printf 'GET\n' | here socat - TCP4:10.77.0.2:80 >/dev/null 2>&1; }
there socat -u UDP4-RECV:7777 OPEN:/dev/null 2>/dev/null &
until_true 5 there sh -c 'ss -lun | grep -q :7777' || echo "# no receiver"
send_n() { # datagrams
	for _ in $(seq "$1"); do echo x; done | while read -r x; do printf '%s' "$x" | here socat -u - UDP4-SENDTO:10.77.0.2:7777,sourceport=40000; done
}

# --- devices ---
exits 0 'devices' devices --format csv --columns name,up
like "$(cat "$T/out")" '^va,yes$' 'devices: the veth is up'
like "$(tapdeck devices --format json)" '"name": *"lo"' 'devices: json'

# --- capstats' own words ---
exits 0 'new web filter tcp port 80' new web filter tcp port 80
is "$(cat "$T/out" "$T/err")" '' 'a verb that acts prints nothing'
exits 0 'new second session' new grams device va filter udp port 7777
send_n 5
until_true 5 counted grams 5
is "$(value grams packets)" 5 'poll: five datagrams are five packets'
is "$(value web packets)" 0 'poll: none of them is on tcp port 80'
ask
until_true 5 at_least web 1
like "$(value web packets)" '^[1-9]' 'poll: the web session counts its own'
exits 0 'list' list --format csv --columns name,devices,state
like "$(cat "$T/out")" '^web,va,' 'list: web, on the default device'
like "$(cat "$T/out")" '^grams,va,' 'list: grams'
exits 0 'show web' show web --format csv
like "$(cat "$T/out")" 'tcp port 80' 'show: its filter'
exits 0 'record on' record grams on
recording() { tapdeck list --format csv --no-header --columns name,recording; }
wait_for 'list: it records' recording '^grams,yes$'
exits 0 'record off' record grams off
like "$(recording)" '^grams,no$' 'list: it does not any more'
exits 0 'watch web frequency 0.2, two rows' watch web frequency 0.2 --limit 2 --format csv --columns time,packets,pps
is "$(wc -l <"$T/out")" 3 'watch: a header and two rows'
before=$(value web packets)
exits 0 'modify web tcp port 443' modify web tcp port 443
ask
is "$(value web packets)" "$before" 'modify: port 80 is not counted any more'
exits 2 'modify without a filter' modify web
like "$(cat "$T/err")" 'the filter is missing' 'opens nothing'
exits 0 'every packet is said' modify web ''
exits 0 'and back' modify web tcp port 443
exits 2 'modify to a wrong filter' modify web tcp prt 443
like "$(cat "$T/err")" '\^' 'a wrong filter has a caret'
like "$(tapdeck show web)" 'tcp port 443' 'the wrong filter changed nothing'

# --- tables of a session ---
like "$(tapdeck connections grams --format csv --columns proto,addr_a,addr_b,packets_ab)" '^udp,10.77.0.1,10.77.0.2,5$' \
	'connections of a session'
like "$(tapdeck connections session:grams --format jsonl)" '"proto": *"udp"' 'session:NAME'
tapdeck watch web frequency 0.2 --format csv --columns time,packets >"$T/watched" 2>"$T/err" </dev/null &
watching=$!
until_true 10 test -s "$T/watched"
exits 0 'stop' stop web
wait $watching
is $? 0 'the end of the session ends its watch'
is "$(tail -n 1 "$T/watched" | cut -d, -f2)" "$(value web packets)" 'whose last row has all of it'
exits 0 'watch of what has ended' watch web --format csv --columns packets
is "$(sed -n 2,9p "$T/out")" "$(value web packets)" 'prints what there is, once'
like "$(cat "$T/err")" 'web has ended: stop' 'and says why no more comes'
like "$(tapdeck list --format csv --columns name,state)" '^web,(ended|stopped)' 'a stopped session stays on the list'
exits 0 'dismiss' dismiss web
exits 1 'dismissed is gone' poll web
exits 0 'stop the other' stop grams
tapdeck dismiss grams

# --- help reads in 80 columns ---
{ tapdeck help && for word in new alert watch counter check history connections; do tapdeck help "$word"; done; } >"$T/help" 2>&1
is "$(awk 'length > 79' "$T/help")" '' 'no line of help is longer'

# --- recording ---
exits 0 'new recording' new rec device va record filter tcp port 80 or udp port 7777
send_n 3
ask
until_true 5 at_least rec 13
exits 0 'cat of a session is pcapng' cat rec --for 1s
tapdeck stop rec
total=$(value rec packets)
exits 0 'files' files rec --format csv --columns name,packets
like "$(cat "$T/out")" "pcapng,$total\$" 'files: one, with all packets'
exits 0 'fetch' fetch rec "$T/home"
file=$(ls "$T"/home/*.pcapng 2>/dev/null)
is "$(tcpdump -nr "$file" 2>/dev/null | wc -l)" "$total" 'fetch: tcpdump reads every packet'
is "$(tapdeck summary "$file" --format csv --no-header --columns packets)" "$total" 'summary of the file'
exits 0 'fetch again changes nothing' fetch rec "$T/home"
mkdir "$T/again"
head -c 200 "$file" >"$T/again/$(basename "$file").part"
exits 0 'fetch goes on from where it left off' fetch rec "$T/again"
cmp -s "$file" "$T/again/$(basename "$file")"
is $? 0 'and the file is the same'
is "$(tapdeck connections "$file" --format csv --columns id,proto,state | sort)" \
	"$(tapdeck connections rec --format csv --columns id,proto,state | sort)" 'the session and its file have the same connections'
like "$(tapdeck cat "$file" | tcpdump -nr - 2>/dev/null | wc -l)" "^$total\$" 'cat of a file'
is "$(tapdeck packets - --format csv --no-header --columns number <"$file" | wc -l)" "$total" 'standard input'

# --- history ---
like "$(tapdeck history captures --format csv --columns session,packets)" "^rec,$total\$" 'history: the capture'
like "$(tapdeck history connections port 80 --format csv --columns proto,addr_b,port_b)" '^tcp,10.77.0.2,80$' 'history: by port'
exits 2 'history: a wrong question' history connections port ==
tapdeck dismiss rec

# --- devices as sources ---
(sleep 0.5; send_n 4) &
exits 0 'a device for a time' connections va --for 3s --filter 'proto == udp' --format csv --columns addr_a,packets_ab
wait $!
like "$(cat "$T/out")" '^10.77.0.1,[1-4]$' 'what came meanwhile'
(while :; do send_n 1 || exit; sleep 0.1; done) &
sender=$!
exits 0 'a device until N packets' packets va --count 6 --format csv --no-header --columns number
is "$(wc -l <"$T/out")" 6 'exactly so many'
here timeout -s INT 1.5 "$TAPDECK" connections va --for 50s --format csv >"$T/out" 2>"$T/err"
like "$(cat "$T/out")" ',udp,' 'ctrl-c prints what there is'
here sh -c "'$TAPDECK' cat va | head -c 100" >"$T/out" 2>"$T/err"
is "$(wc -c <"$T/out") $(cat "$T/err")" '100 ' 'cat ends quietly when nobody reads any more'
ip netns exec "$near" "$TAPDECK" cat dev:va >"$T/cat.pcapng" 2>"$T/err" &
cat=$!
holds() { tcpdump -nr "$T/cat.pcapng" 2>/dev/null | grep -q '10.77.0.2.7777'; }
until_true 30 holds
kill -TERM $cat
wait $cat
is "$?$(cat "$T/err")" 0 'a signal ends cat of a device in order'
like "$(tcpdump -nr "$T/cat.pcapng" 2>&1)" '10.77.0.2.7777' 'what it wrote is readable'
is "$(tcpdump -nr "$T/cat.pcapng" 2>&1 | grep -c truncated)" 0 'and whole'
is "$(tapdeck list --format csv --no-header)" '' 'its session is gone with it'
rm "$T/cat.pcapng"
ip netns exec "$near" "$TAPDECK" cat dev:va >"$T/cat.pcapng" 2>/dev/null &
cat=$!
until_true 30 holds
kill -KILL $cat
wait $cat 2>/dev/null
wait_for 'also where it cannot say so' 'tapdeck list --format csv --no-header | wc -l' '^0$'
kill $sender
wait $sender 2>/dev/null
is "$(tapdeck list --format csv --no-header)" '' 'no session of these is left'

# --- bad input ---
exits 2 'a device without an end' connections va
exits 1 'no such source' connections nonsense
exits 1 'no such session' stop nonsense
exits 1 'no such host' list nonsense.invalid
like "$(cat "$T/err")" 'nonsense.invalid' 'the host is named'
exits 1 'a session on no such host' new x on nonsense.invalid
exits 2 'no name for a session' new a/b
exits 2 'a filter that does not compile' new bad device va filter tcp prt 80
like "$(sed -n 3p "$T/err")" '^ +\^$' 'the caret stands below'
tapdeck new bad device nonsense >/dev/null 2>"$T/err"
like "$?$(cat "$T/err")" '^[13].*nonsense' 'a device that is not there'
like "$(cat "$T/err")" '^tapdeck: [^!]*$' 'one line, and no more'
is "$(tapdeck list --format csv --no-header)" '' 'nothing is left of what went wrong'
done_testing
