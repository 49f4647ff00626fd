#!/bin/sh
# The console in a terminal (tmux), over real traffic: from the devices to a recording that the history finds and opens again.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program socat tcpdump tmux capinfos ping
namespaces

there socat TCP4-LISTEN:80,reuseaddr,fork 'SYSTEM:read line; echo HTTP/1.1 200 OK; echo' 2>/dev/null &
until_true 5 there sh -c 'ss -ltn | grep -q :80' || echo "# no server"
here sh -c 'while :; do printf "GET /index.html HTTP/1.1\r\n\r\n" | socat - TCP4:10.77.0.2:80; sleep 0.1; done' >/dev/null 2>&1 &

terminal=0 # each has a server of its own: one that is ending takes nothing more
in_tmux() { tmux -S "$T/tmux-$terminal" -f /dev/null "$@"; }
start() { # WIDTH HEIGHT WORDS...: the console, or what is put before it, in a terminal of that size; it stays when the program ends
	width=$1 height=$2
	shift 2
	terminal=$((terminal + 1))
	at_end "tmux -S $T/tmux-$terminal kill-server"
	in_tmux new-session -d -x "$width" -y "$height" "ip netns exec $near env TERM=screen-256color $* $TAPDECK 2>&1; echo exit \$?; exec sleep 1000"
}
keys() { in_tmux send-keys "$@"; }
say() { in_tmux send-keys -l "$1"; }
# shellcheck disable=SC2317 # wait_for runs it
screen() { in_tmux capture-pane -p; }
sees() { wait_for "$1" screen "$2"; }
sees_no() { # description, pattern: until no line matches
	wait_for "$1" "screen | grep -Eq -e '$2' || echo it is gone" '^it is gone$'
}

# --- devices with rates, the form ---
start 100 30
sees 'the first screen says how to begin' 'No session yet: F5'
keys 2
sees 'devices have rates' '^. va +yes .* [1-9][0-9.]*k? '
keys Down
sees 'the row of va is selected' '^> va'
keys F5
sees 'the form begins with the selected device' '\[x\] va'
keys Tab Tab Tab
say 'tcp prt 80'
sees 'a wrong filter has a caret and a sentence' '\^ .*did you mean "port"'
keys BSpace BSpace BSpace BSpace BSpace BSpace
say 'port 80'
sees 'a right one is said to be right' ' ok +'
sees 'the command that does the same' 'as a command: tapdeck new .* device va filter .tcp port 80. record'
keys Enter

# --- the session, its connections ---
sees 'the session is on the list' '^> s[0-9]+ .* va .*tcp port 80 .*running'
sees 'its packets are counted' '[1-9][0-9.]* packets/s'
sees 'it says that it records' 'recording'
name=$(tapdeck list --format csv --no-header --columns name)
keys Enter
sees 'Enter: its connections' '10\.77\.0\.1:[0-9]+ +10\.77\.0\.2:80'
say \\
sees 'the filter line' 'filter:'
say 'port_b == 80'
keys Enter
sees 'a filter' 'filter: port_b == 80'
sees 'leaves what matches' '10\.77\.0\.2:80'
say \\
keys C-u
say 'port_b = = 80'
keys Enter
sees 'a wrong filter of rows has a caret' '^ +\^ *$'
sees 'the one before stays in force' 'filter: port_b == 80'
say /
say '10.77.0.2'
keys Enter
sees 'a search counts its matches' 'match [0-9]+ of [1-9]'
keys Enter
sees 'a connection has a page' 'A > B +B > A'
sees 'with its packets' 'GET /index.html'
sees 'and its handshake' 'handshake [0-9]'

# --- pause, sizes ---
keys F7
sees 'the display is paused' 'PAUSED: [1-9][0-9]* held'
before=$(value "$name" packets)
until_true 5 at_least "$name" $((before + 5)) && ok 'the capture goes on meanwhile'
keys F7
sees_no 'and goes on' PAUSED
in_tmux resize-window -x 60 -y 15
sees 'at 60x15 it has a layout of its own' '1 Sess  2 Live'
in_tmux resize-window -x 100 -y 30
sees 'and back' 'tapdeck  1 Sessions  2 Live .3 Connections'

# --- quit, come back, stop ---
keys Q
sees 'Q ends the console' '^exit 0'
at_least "$name" 1 && before=$(value "$name" packets)
until_true 5 at_least "$name" $((before + 5)) && ok 'the session runs on'
in_tmux kill-server
start 100 30
sees 'it is there when one comes back' "^> $name .*running"
keys F9
sees 'stopping is asked for by name' "Stop session $name"
keys y
sees 'it has ended' "^> $name .*ended"
file=$(find "$T/data" -name '*.pcapng' | head -n 1)
packets=$(value "$name" packets)
is "$(tcpdump -nr "$file" 2>/dev/null | wc -l)" "$packets" 'tcpdump reads every packet that was counted'
like "$(capinfos -rc "$file" 2>&1)" '[1-9]' 'capinfos finds nothing wrong'

# --- the history, analysis ---
keys 5
sees 'the history has it' "^> +[0-9]+ .*$name .* va " # by its number: the sessions' screen has a row like it
keys Enter
sees 'its files' "$name.*\\.pcapng"
keys Enter
sees 'Enter opens one: a summary, with every packet' "packets +$packets( |$)" # its order in time is the kernel's affair
keys P
sees 'packets' '^> +1 +0\.000000 .*10\.77\.0\.1'
sees 'the fields of the first' 'packet 1  20'
sees 'and its bytes' '^.> +0 ([0-9a-f]{2} ){16}'
say '#'
sees 'the place to go to is asked for' 'go to packet'
say 5
keys Enter
sees 'packet 5' ' 5/[0-9]+'
say ':goto 0.2s'
keys Enter
sees 'a time' '^> +[0-9]+ +0\.[2-9]'
say b
say 'tcp prt 80'
keys Enter
sees 'a wrong BPF has a caret' '^ +\^ *$'
say b
keys C-u
say 'tcp port 81'
keys Enter
sees 'BPF leaves what matches: nothing' 'No row passes'
say b
keys C-u
say 'tcp[tcpflags] & tcp-syn != 0'
keys Enter
sees 'or some' 'SYN'
sees_no 'and nothing else' '\[ACK\]|GET '
in_tmux kill-server

# --- a terminal that goes, that can nothing, that is too small ---
tapdeck new stays device va filter icmp
start 80 24
sees 'a console' 'stays .*running'
sees 'what runs comes first' '^> stays'
keys r
sees 'r: it records' '^> stays .*running +yes'
here ping -qc 3 -i 0.1 10.77.0.2 >/dev/null 2>&1
keys r
sees 'to end that is asked for by name' 'End the recording of session stays'
keys y
sees 'and then it counts alone' '^> stays .*running +no'
like "$(tapdeck list --format csv --columns name,recording)" '^stays,no' 'the list says so'
like "$(tapdeck files stays --format csv --columns state)" '^sealed' 'and what was recorded is whole'
keys r
sees 'r again: another file' '^> stays .*running +yes'
pid=$(ip netns pids "$near" | while read -r p; do [ "$(cat "/proc/$p/comm" 2>/dev/null)" = tapdeck ] && echo "$p"; done | head -n 1)
in_tmux kill-session
if [ -n "$pid" ] && until_true 1 sh -c "! grep -q '^State:.[^ZX]' /proc/$pid/status"; then ok 'hangup: the console ends within a second'; else not_ok 'hangup: the console ends within a second' "pid $pid"; fi
like "$(tapdeck list --format csv --columns name,state)" '^stays,running' 'and the session goes on'
start 80 24 TERM=dumb
sees 'TERM=dumb is refused with a sentence' 'TERM.*dumb|dumb.*cannot'
sees 'as what could not be opened' '^exit 3'
in_tmux kill-server
start 20 5
sees '20x5: what it needs' 'tapdeck needs [0-9]+x'
in_tmux resize-window -x 80 -y 24
sees 'and comes when it has it' 'Sessions'
tapdeck stop stays
done_testing
