#!/bin/sh
# The past that a session holds: saved by a verb, a packet, an alert, whole or not at all whoever dies meanwhile; one packet in N; what
# a match ends; alerts and what they do. Packets are numbered, so that a file can be told exactly.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
# shellcheck source=tests/live/terminal.sh
. tests/live/terminal.sh
need_program tmux capinfos
namespaces
case $B in /*) tools=$B/tests/tools ;; *) tools=$PWD/$B/tests/tools ;; esac
# To nobody: no answer disturbs the count.
ip -n "$far" neigh add 10.77.0.9 lladdr "$(here cat /sys/class/net/va/address)" dev vb nud permanent

sent=0
send() { # RATE SECONDS: how many it were
	sent=$(there "$tools/sender" 10.77.0.9 7777 "${bytes:-200}" "$1" "$2")
}
paths() { tapdeck files "$1" --format csv --no-header --columns path --filter "state == sealed" 2>/dev/null; }
numbers() { # SESSION: of its files, PACKETS FIRST LAST MISSING
	paths "$1" | xargs -r "$tools/numbers"
}
fact() { tapdeck show "$1" --format csv --no-header 2>/dev/null | sed -n "s/^$2,//p" | tr -d '"'; }
fact_is() { [ "$(fact "$1" "$2")" = "$3" ]; }
column() { tapdeck list --format csv --no-header --columns "name,$2" 2>/dev/null | sed -n "s/^$1,//p" | tr -d '"'; }
column_is() { [ "$(column "$1" "$2")" = "$3" ]; }
has_files() { [ "$(paths "$1" | wc -l)" = "$2" ]; }
told() { fact "$1" event | grep -q "$2"; }
happens() { # NAME COMMAND...: within 20 seconds
	name=$1
	shift
	if until_true 20 "$@"; then ok "$name"; else not_ok "$name" "never: $*
$(tapdeck list; tapdeck show "$2"; tapdeck files "$2")"; fi
}
pids_of() { # tap or daemon: of this test
	[ "$1" != all ] || { pids_of daemon && pids_of tap; return; }
	case $1 in tap) words='^tapdeck-tap ' ;; daemon) words='^[^ ]*tapdeckd --daemon ' ;; esac
	for pid in $(ip netns pids "$near" 2>/dev/null); do
		{ tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q "$words" && echo "$pid"; } 2>/dev/null
	done
}

# --- saved by a verb: what is inside the window, and nothing else ---
exits 0 'a session with a past' new p device va past 4s filter udp port 7777 counter c=udp
send 1000 0.3
before=$sent
happens 'it is counted' counted p "$before"
is "$(column p recording)" no 'it is not recording'
happens 'the window goes on' fact_is p past '0 ns, 0 B'
send 1000 0.2
inside=$sent
exits 0 'save' save p
is "$(numbers p)" "$sent 1 $sent 0" 'the file has what came within the window'
is "$(tapdeck files p --format csv --no-header --columns number,state,packets,reason)" "1,sealed,$sent,save" 'and is one of its files'
like "$(fact p event)" "note: saved $sent packets, .* as p-.*-00001.pcapng" 'it is told'
exits 0 'stop' stop p
happens 'all is counted' counted p $((before + sent))

# --- several files have what they have in common ---
exits 0 'a longer past' new again device va past 60s filter udp port 7777
send 1000 0.2
again=$sent
happens 'it is counted' counted again "$again"
like "$(fact again past)" '^[0-9.]+ m?s, [0-9.]+ kB$' 'what is held now is shown'
exits 0 'an alert' alert again 'pps > 1G for 1h then save'
exits 0 'save' save again
tapdeck save again &
tapdeck save again
wait $!
happens 'two at once follow each other' has_files again 3
is "$(numbers again 2>/dev/null | cut -d' ' -f1)" $((3 * again)) 'each has all of it'
is "$(paths again | xargs capinfos -c 2>&1 | grep -c 'Number of packets')" 3 'others read the files'
tapdeck stop again

# --- the numbers of its packets are the session's, as of recordings ---
kill -9 "$(pids_of daemon)"
until_true 10 tapdeck list
exits 0 'packets of an ended session, from its files' packets p --format csv --no-header --columns number
is "$(head -n 1 "$T/out")-$(tail -n 1 "$T/out")" "$((before + 1))-$((before + inside))" 'have the numbers that they had'
is "$(wc -l <"$T/out")" "$inside" 'each once'
is "$(tapdeck connections again --format csv --no-header --columns packets_ab)" "$again" 'what several files have is one'
is "$(fact again alert)" '1: pps > 1G for 1h then save: not true' 'its alert is known'

# --- a size ---
exits 0 'a past of a size, as pcap' new size device va past 3MB format pcap precision us filter udp port 7777
bytes=1400 send 3000 2
bytes=200
happens 'it is counted' counted size "$sent"
exits 0 'save' save size
file=$(paths size)
is "$(numbers size | cut -d' ' -f3,4)" "$sent 0" 'up to the last packet, without a hole'
is "$(($(wc -c <"$file") > 2900000 && $(wc -c <"$file") <= 3000000))" 1 'as much as was asked for'
is "$(od -An -tx4 -N4 --endian=little "$file" | tr -d ' ')" a1b2c3d4 'in microseconds'
tapdeck stop size
exits 2 'more than there is memory for' new much device va past 479MB record
like "$(cat "$T/err")" 'record' 'is refused'

# --- recording beside it ---
exits 0 'a past' new both device va past 60s filter udp port 7777
send 1000 0.2
first=$sent
happens 'it is counted' counted both "$first"
exits 0 'record on' record both on
send 1000 0.2
happens 'it is counted' counted both $((first + sent))
exits 0 'save' save both
exits 0 'record off' record both off
is "$(tapdeck files both --format csv --no-header --columns packets,reason | tr '\n' ' ')" "$sent,off $((first + sent)),save " 'both files are whole'
exits 0 "a session that holds none" new none device va
exits 2 'has nothing to save' save none
tapdeck stop both
tapdeck stop none

# --- a packet says so ---
exits 0 'save-when' new when device va past 60s save-when 'udp[12:4] = 50' filter udp port 7777
send 1000 0.2
happens 'a packet saves' has_files when 1
is "$(numbers when | awk '{ print ($1 >= 50), $2, $4 }')" '1 1 0' 'with itself'
happens 'it is told' told when 'a packet matches save-when'
tapdeck stop when
exits 0 'stop-when' new until device va record stop-when 'udp[12:4] = 50' filter udp port 7777
send 1000 0.3
happens 'a packet ends the session' column_is until state ended
is "$(numbers until)" '50 1 50 0' 'and is the last one'
is "$(fact until reason)" stop-when 'the reason is told'
is "$(value until packets)" 50 'the totals end with it too'
exits 2 'a wrong filter' new wrong device va stop-when 'tcp prt 80'

# --- one packet in N ---
exits 0 'sample' new few device va record sample 7 filter udp port 7777
send 2000 0.5
happens 'all are counted' counted few "$sent"
tapdeck stop few
is "$(numbers few | cut -d' ' -f1)" $((sent / 7)) 'one in seven is kept'
is "$(numbers few | cut -d' ' -f2,3)" "7 $((sent / 7 * 7))" 'each seventh'
is "$(tapdeck interfaces "$(paths few)" --format csv --no-header --columns comment)" '1 packet in 7' 'the file says so'
is "$(fact few sample)" '1 packet in 7 is kept, all are counted' 'and the session'

# --- stamps ---
exits 3 'stamps that the device has not' new stamps device va stamp adapter
like "$(cat "$T/err")" 'va: has no stamps of the kind "adapter"; it has: host' 'those that it has are named'
exits 0 'stamps of the host, microseconds' new stamps device va stamp host precision us record filter udp port 7777
like "$(fact stamps device)" 'microseconds, stamps: host' 'what was got is shown'
send 1000 0.1
happens 'it is counted' counted stamps "$sent"
tapdeck stop stamps
is "$(tapdeck interfaces "$(paths stamps)" --format csv --no-header --columns precision)" microseconds 'the file is in microseconds'
is "$(tapdeck packets stamps --format csv --no-header --columns number | wc -l)" "$sent" 'and is read'

# --- alerts ---
exits 2 'a wrong alert' new a device va alert 'pps >'
exits 2 'a wrong action' new a device va alert 'pps > 1 then sing'
exits 1 'a counter that is not there' new a device va alert 'counter x pps > 1'
exits 0 'alerts' new a device va past 60s filter udp port 7777 counter 'c=udp[12:4] & 1 = 1' alert 'pps > 20 for 2s then save, record on' alert 'counter c packets > 10'
is "$(column a alert)" '' 'none is true'
ip netns exec "$far" "$tools/sender" 10.77.0.9 7777 200 200 60 >/dev/null &
sending=$!
at_end "kill $sending"
happens 'it begins' column_is a alert 'pps > 20 for 2s then save, record on'
happens 'it is told' told a 'warn: alert: pps > 20 for 2s: [0-9,]* pps'
happens 'it is told of the counter' told a 'warn: alert: counter c packets > 10: [0-9,]* packets'
happens 'it saved' has_files a 1
happens 'and records' column_is a recording yes
exits 0 'another' alert a 'packets > 0 then rotate, record off'
happens 'which ends the recording' column_is a recording no
exits 0 'one goes' alert a remove 2
exits 1 'it is gone' alert a remove 'counter c packets > 10'
is "$(tapdeck show a --format csv --no-header | grep -c '^alert,')" 2 'two are left'
exits 2 'wrong words' alert a 'bogus > 1'
like "$(tail -n 1 "$T/err")" '\^' 'the place is shown'
kill $sending
happens 'it is over' told a 'note: alert is over: pps > 20 for 2s'
exits 0 'off' alert a off
is "$(tapdeck show a --format csv --no-header | grep -c '^alert,')" 0 'none is left'
exits 0 'one that ends it' alert a 'packets > 0 then stop'
happens 'ends it' column_is a state ended
is "$(fact a reason)" alert 'and is the reason'
events=$(tapdeck history events --format csv)
like "$events" 'alert: pps > 20 for 2s: [0-9,"]* pps' 'the history knows when it began'
like "$events" 'alert is over: pps > 20 for 2s' 'and when it was over'

# --- a save and the end at once: there is a whole file, or none ---
for i in 1 2 3 4 5; do
	tapdeck new "end$i" device va past 60s filter udp port 7777
	send 1000 0.1
	until_true 20 counted "end$i" "$sent"
	tapdeck save "end$i" >/dev/null 2>&1 &
	tapdeck stop "end$i"
	wait $!
	echo "$? $(numbers "end$i" | cut -d' ' -f1,4) $(find "$XDG_DATA_HOME" "$XDG_STATE_HOME" -path "*/captures/end$i-*" -name '*.part' | wc -l)" |
		sed "s/^0 $sent 0 0$/good/; s/^[1-9] 0 0 0$/good/; s/^[1-9]  0$/good/"
done >"$T/ends"
is "$(sort -u "$T/ends")" good 'a save and the end at once'

# --- who dies in the middle of a save ---
its_files() { # SESSION TESTS...
	find "$XDG_DATA_HOME" "$XDG_STATE_HOME" -path "*/captures/$1-*" "$2" "$3" -size +0
}
saving() { its_files "$1" -name '*.part' | grep -q .; }
killed() { # NAME WHOM
	exits 0 "a large past, and the $2 is killed" new "$1" device va past 200MB filter udp port 7777
	bytes=1400 send 40000 3 # slow enough for a busy machine, more than is written at once
	happens 'it is counted' at_least "$1" 1000
	tapdeck save "$1" 2>/dev/null &
	for _ in $(seq 2000); do saving "$1" && break; done
	# shellcheck disable=SC2046
	kill -9 $(pids_of "$2")
	wait $!
	happens 'the session is over' until_over "$1"
	is "$(its_files "$1" -name '*.part')" '' 'no file is half announced'
	for f in $(its_files "$1" -name '*.pcapng'); do
		if seen=$("$tools/numbers" "$f") && [ "${seen##* }" = 0 ]; then ok "$2: what was saved is whole"; else not_ok "$2: what was saved is whole" "$seen"; fi
		is "$(tapdeck files "$1" --format csv --no-header --columns packets)" "${seen%% *}" "$2: and is told truly"
		echo "# $seen"
		[ "$2" != tap ] || continue # the reader of a session whose tap died has all that it saw
		is "$(tapdeck packets "$1" --limit 1 --format csv --no-header --columns number)" "$(echo "$seen" | cut -d' ' -f2)" "$2: with the numbers of the session"
	done
}
until_over() { column "$1" state | grep -Eq '^(ended|failed)$'; }
killed ta tap
killed da daemon
killed all all

# --- who dies before its first byte leaves no file ---
# Who asked sleeps: it has been connected, and waits for its answer.
asked() { [ "$(tapdeck daemon --format csv --no-header | sed -n 's/^clients,//p')" -ge 2 ] && grep -q '^State:.S' "/proc/$1/status"; }
exits 0 'a past' new early device va past 60s filter udp port 7777
kill -STOP "$(pids_of tap)"
tapdeck save early 2>"$T/early" &
saver=$!
happens 'it waits' asked $saver
kill -9 "$(pids_of tap)"
wait $saver
is "$?" 4 'save says so'
like "$(cat "$T/early")" 'ended before its past was saved' 'in a sentence'
happens 'the session is over' until_over early
is "$(tapdeck files early --format csv --no-header)" '' 'no file is listed'
is "$(tapdeck history captures --format csv --no-header --columns session,files | sed -n 's/^early,//p')" 0 'nor in the history'
is "$(find "$XDG_DATA_HOME" "$XDG_STATE_HOME" -path '*/captures/early-*' -name '*.pcapng*')" '' 'and none is there'

# --- a key ---
tapdeck list --format csv --no-header --columns name | while read -r each; do tapdeck dismiss "$each"; done
exits 0 'a past' new keyed device va past 60s filter udp port 7777
send 1000 0.1
happens 'it is counted' counted keyed "$sent"
start 120 30
sees 'the console shows it' keyed
keys w
happens 'w saves' has_files keyed 1
is "$(numbers keyed | cut -d' ' -f1,4)" "$sent 0" 'all of it'
done_testing
