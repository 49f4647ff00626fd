#!/bin/sh
# Files that follow each other, at speed and in silence: at the packet, at a size, at a time; which stay, what they are called.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program capinfos
namespaces
case $B in /*) tools=$B/tests/tools ;; *) tools=$PWD/$B/tests/tools ;; esac
ip -n "$far" neigh add 10.77.0.9 lladdr "$(here cat /sys/class/net/va/address)" dev vb nud permanent
send() { there "$tools/sender" 10.77.0.9 7777 "$@"; }
state() { tapdeck list --format csv --no-header --columns name,state | sed -n "s/^$1,//p"; }
is_over() { state "$1" | grep -Eq '^(ended|failed)$'; }
of_files() { tapdeck files "$1" --format csv --no-header --columns "$2"; }
numbers() { # SESSION: of its files, in their order
	# shellcheck disable=SC2046
	"$tools/numbers" $(of_files "$1" path) 2>&1
}
export TZ=XXX-05:30 # half an hour beside the others' hours

# --- at the packet ---
exits 0 'packets' new exact device va record packets 1000 filter udp port 7777
sent=$(send 200 20000 1.5)
until_true 15 counted exact "$sent"
exits 0 'stop' stop exact
is "$(of_files exact packets | sed '$d' | sort -u)" 1000 'every file but the last has as many as was said'
is "$(numbers exact)" "$sent 1 $sent 0" 'and nothing is missing'

exits 0 'stop-after files' new some device va record packets 500 stop-after 3 filter udp port 7777
send 200 20000 1 >/dev/null
until_true 10 is_over some
is "$(of_files some packets | tr '\n' ' ')" '500 500 500 ' 'it ends at the last packet of the last file'
like "$(tapdeck show some)" '^reason +stop-after' 'and says why'
like "$(numbers some)" '^1500 [0-9]+ [0-9]+ 0$' 'without a hole'

exits 0 'stop-after packets' new few device va record stop-after 777 filter udp port 7777
send 200 20000 0.5 >/dev/null
until_true 10 is_over few
is "$(of_files few packets) $(tapdeck list --format csv --no-header --columns name,packets | sed -n 's/^few,//p')" '777 777' 'recorded and counted are the same'

# --- at a size ---
for format in pcapng pcap; do
	exits 0 "size, $format" new "size-$format" device va record size 1MB format $format filter udp port 7777
	sent=$(send 1000 20000 1)
	until_true 15 counted "size-$format" "$sent"
	exits 0 'stop' stop "size-$format"
	wrong=$(of_files "size-$format" file_bytes | sed '$d' | awk '$1 > 1000000 || $1 < 998500')
	is "$wrong" '' "$format: no file is larger, and none by a packet smaller"
	is "$(numbers "size-$format")" "$sent 1 $sent 0" "$format: nothing is missing"
done
exits 0 'stop-after bytes' new bytes device va record stop-after 1MB filter udp port 7777
send 1000 20000 1 >/dev/null
until_true 10 is_over bytes
is "$(of_files bytes file_bytes | awk '$1 >= 1000000 && $1 < 1003000 { print "near" }')" near 'it ends at the packet'

# --- at a time ---
before=$(date +%H)
exits 0 'aligned' new clock device va record every 2s aligned names 'c-%H%M%S-%N' filter udp port 7777
send 200 500 5 >/dev/null
tapdeck stop clock
odd=$(of_files clock name | sed '1d; s/^c-\(....\)\(..\)-.*/\2/' | awk '$1 % 2')
is "$odd" '' 'files begin at whole multiples of the time'
wrong=$(of_files clock first_time,last_time | sed '$d' | awk -F'[:,Z]' '{ if (int($3 / 2) != int($7 / 2)) print }')
is "$wrong" '' 'a packet is in the file of its time'
like "$(of_files clock name | head -n 1)" "^c-($before|$(date +%H))" 'names are in local time'
before=$(date -u +%H)
exits 0 'in UTC' new utc device va record every 2s aligned utc names 'u-%H-%N' filter udp port 7777
exits 0 'stop' stop utc
like "$(of_files utc name | head -n 1)" "^u-($before|$(date -u +%H))-" 'or in UTC'

exits 0 'in silence' new quiet device va record every 1s keep 3 filter udp port 9
three() { [ "$(of_files quiet number | tail -n 1)" -gt 5 ]; }
until_true 20 three
is $? 0 'files follow each other when nothing comes'
exits 0 'stop' stop quiet
is "$(of_files quiet number | wc -l)" 3 'and three stay'
# shellcheck disable=SC2046
is "$(capinfos -Mc $(of_files quiet path) 2>&1 | grep -c 'packets: *0$')" 3 'empty and valid'
is "$(tapdeck history files --format csv --no-header --columns session,state | grep -c '^quiet,"*removed')" "$(($(of_files quiet number | tail -n 1) - 3))" 'the history knows which are gone'

# --- numbers hold where the oldest files are gone: for a reader that is started again, and after the daemon was ---
process_of() { # WORD: of this test's daemon and readers
	for pid in $(ip netns pids "$near"); do tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -e " $1 " && echo "$pid"; done
}
exits 0 'keep' new held device va record packets 100 keep 3 filter udp port 7777
sent=0
for _ in 1 2 3 4; do sent=$((sent + $(send 100 2000 0.3))); done
until_true 15 counted held "$sent"
first=$(($(of_files held number | head -n 1) * 100 - 99))
noted() { tapdeck history connections --format csv --no-header --columns session,id 2>/dev/null | grep -q '^held,4$'; }
until_true 30 noted
for killed in --read --daemon; do
	old=$(process_of "$killed")
	# shellcheck disable=SC2086
	kill -9 $old
	other() { [ "$(tapdeck connections held --format csv --no-header --columns id 2>/dev/null)" = 4 ]; }
	until_true 20 other
	is "$(tapdeck connections held --format csv --no-header --columns id 2>/dev/null)" 4 "$killed was killed: the connection has its number"
	is "$(tapdeck packets held --format csv --no-header --columns number,connection 2>/dev/null | head -n 1)" "$first,4" 'and packets have theirs'
done
exits 4 'a filter looks at what is there' packets held --bpf udp
like "$(cat "$T/err")" "^tapdeck: packets 1 to $((first - 1)) could not be looked at" 'and says what is not'

# --- what a removed file leaves ---
exits 0 'a ring' new ring device va record size 100k keep 1MB filter udp port 7777
sent=$(send 1000 5000 2)
until_true 15 counted ring "$sent"
like "$(tapdeck connections ring --format csv --no-header --columns packets_ab)" "^$sent\$" 'connections go on'
reader=$(for pid in $(ip netns pids "$near"); do tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q '^tapdeckd --read' && echo "$pid"; done)
let_go() { [ -z "$(for pid in $reader; do find "/proc/$pid/fd" -lname '*pcapng*(deleted)'; done 2>/dev/null)" ]; }
until_true 5 let_go
is $? 0 'nobody holds a file that was removed'
exits 0 'stop' stop ring
is "$(of_files ring file_bytes | awk '{ n += $1 } END { print n <= 1100000 ? "kept" : n }')" kept 'no more stays than was said'
is "$(numbers ring | awk '{ print $3, $4 }')" "$sent 0" 'the newest, without a hole'
done_testing
