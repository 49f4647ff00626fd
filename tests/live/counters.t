#!/bin/sh
# A thousand counters on a device: exact to the packet against what the sender says, while others are added, changed and removed.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
namespaces
TOOLS=$(cd "$BIN/../tests/tools" && pwd)
# To nobody: no answer disturbs the count.
ip -n "$far" neigh add 10.77.0.9 lladdr "$(here cat /sys/class/net/va/address)" dev vb nud permanent
ip netns exec "$near" "$BIN/tapdeckd" --daemon --log "$T/log" &
daemon=$!
at_end "kill $daemon"
until_true 10 test -S "$TAPDECK_SOCKET" || bail 'no daemon'

# The sender numbers its packets from 1: counter cI has those whose number leaves I.
seq 0 999 | sed 's/.*/c&=udp port 7777 and udp[12:4] \& 1023 = &/' >"$T/list"
tapdeck new many device va buffer 64 filter udp port 7777 counter - <"$T/list" >"$T/out" 2>&1
is "$?" 0 'a session with a thousand counters, read from standard input'
is "$(tapdeck counters many --format csv --no-header --columns name | wc -l)" 1000 'it has them'

ip netns exec "$far" "$TOOLS/sender" 10.77.0.9 7777 100 10000 60 >"$T/sent" &
sender=$!
tapdeck show many --format csv --no-header --columns name,value >"$T/out"
is "$(grep -c '^counter,' "$T/out")" 20 'show tells of some of them'
like "$(cat "$T/out")" '^counters_more,"?and 980 more: .counters many. shows' 'how many more there are, and where they are'
like "$(cat "$T/out")" '^words,.* and [0-9]+ bytes more' 'and the beginning of its words'
until_true 20 at_least many 5000
exits 0 'one more, while packets come' counter many add all='udp port 7777'
exits 0 'many at once: new, changed and gone' counter many add late='udp[12:4] & 1 = 1' change c7='udp port 7777 and udp[12:4] & 1023 = 7' remove c998 c999
exits 1 'a change of what is not there' counter many change nobody=udp
like "$(cat "$T/err")" 'no counter "nobody"' 'is told'
exits 2 'of many of which one is wrong' counter many add x='udp' add y='udp prt 3'
like "$(cat "$T/err")" 'counter y' 'the wrong one is named'
seq 2000 2999 | sed 's/.*/d&=udp port &/' | tapdeck counter many add - >"$T/out" 2>&1
is "$?" 0 'a thousand more, while packets come'
seq 2000 2999 | sed 's/^/d/' | tapdeck counter many remove - >"$T/out" 2>&1
is "$?" 0 'and gone again'
is "$(tapdeck counters many --format csv --no-header --columns name --filter 'name == "x"')" '' 'nothing was taken of those with a mistake'
kill "$sender"
wait "$sender"
sent=$(cat "$T/sent")
until_true 20 counted many "$sent"
is "$(value many packets)" "$sent" "all $sent packets are seen"
tapdeck counters many --format csv --no-header --columns name,packets,bytes,filter >"$T/counters"
awk -F, -v n="$sent" '/^c[0-9]/ { i = substr($1, 2) + 0; want = n < i ? 0 : int((n - i) / 1024) + (i > 0)
	if ($2 != want || $3 != want * 100) { print $1 " has " $2 " packets, " $3 " bytes, not " want; wrong++ } seen++ }
	END { print seen " counters, " wrong + 0 " wrong" }' "$T/counters" >"$T/out"
is "$(tail -n 1 "$T/out")" '998 counters, 0 wrong' 'each counter has exactly its packets, also the one that was changed to the same'
all=$(awk -F, '$1 == "all" { print $2 }' "$T/counters") late=$(awk -F, '$1 == "late" { print $2 }' "$T/counters")
if [ "$all" -gt 0 ] && [ "$all" -le $((sent - 5000)) ]; then ok 'one that came later has what came later'; else not_ok 'one that came later has what came later' "$all of $sent"; fi
if [ $((2 * late)) -le $((all + 1)) ] && [ "$late" -gt 0 ]; then ok 'and half of it'; else not_ok 'and half of it' "$late, of $all"; fi
is "$(tapdeck poll many --counter all --format csv --no-header --columns packets)" "$all" 'poll tells a counter of its own'

exits 0 'stop' stop many
folder=$(tapdeck show many --format csv --no-header --filter 'name == folder' --columns value)
is "$(test -s "$folder/tap.journal" && echo there)" there 'the journal is there'
hours() { tapdeck history "session many counter $1 | hours" --format csv --no-header --columns packets | awk '{ n += $1 } END { print n + 0 }'; }
have_hours() { [ "$(hours all)" = "$all" ]; }
until_true 20 have_hours
is "$(hours all)" "$all" 'the history has its total by the hour'
is "$(tapdeck history 'session many | minutes' --format csv --no-header --columns counter,packets | awk -F, '$1 == "" { n += $2 } END { print n + 0 }')" "$sent" 'and the session by the minute'

# A tap that is killed: what it had counted by its last second is in the history as well.
exits 0 'a session with a counter' new killed device va filter udp port 7777 counter one='udp port 7777'
there "$TOOLS/sender" 10.77.0.9 7777 100 1000 1 >"$T/sent"
sent=$(cat "$T/sent")
until_true 20 counted killed "$sent"
kill -9 "$(pgrep -P "$daemon" tapdeck-tap)"
ended() { tapdeck list --format csv --no-header --columns name,state | grep -q '^killed,failed'; }
until_true 20 ended
minutes() { tapdeck history 'session killed counter one' --format csv --no-header --columns packets | awk '{ n += $1 } END { print n + 0 }'; }
have_minutes() { [ "$(minutes)" = "$sent" ]; }
until_true 20 have_minutes
is "$(minutes)" "$sent" 'the history has what a killed tap had counted'
done_testing
