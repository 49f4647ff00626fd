#!/bin/sh
# The console's pages of running sessions in a terminal (tmux), over real traffic: a session's page, the wall of counters, forms that
# change what runs, profiles, a read-only console, what goes when the console does.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
# shellcheck source=tests/live/terminal.sh
. tests/live/terminal.sh
need_program socat tmux ping
namespaces
start() { # WIDTH HEIGHT WORDS...: as terminal.sh's, in the near namespace
	width=$1 height=$2
	shift 2
	terminal=$((terminal + 1))
	at_end "tmux -S $T/tmux-$terminal kill-server"
	in_tmux new-session -d -x "$width" -y "$height" "ip netns exec $near env TERM=screen-256color $TAPDECK $* 2>&1; echo exit \$?; exec sleep 1000"
}

there socat TCP4-LISTEN:80,reuseaddr,fork 'SYSTEM:read line; echo HTTP/1.1 200 OK; echo' 2>/dev/null &
until_true 5 there sh -c 'ss -ltn | grep -q :80' || echo "# no server"
here sh -c 'while :; do printf "GET / HTTP/1.1\r\n\r\n" | socat - TCP4:10.77.0.2:80; sleep 0.1; done' >/dev/null 2>&1 &
here ping -qi 0.2 10.77.0.2 >/dev/null 2>&1 &

# --- the dashboard: what runs first, what is over with its reason ---
tapdeck new over device va filter icmp
tapdeck stop over
tapdeck new web device va filter tcp port 80 record counter syn='tcp[tcpflags] & tcp-syn != 0'
tapdeck new all device va counter echo=icmp
start 100 30
sees 'the sums count what runs' '2 of 3 sessions run on 1 host, 1 records'
sees 'what is over comes last' '^  over .*ended'
screen >"$T/seen"
if [ "$(grep -nE '^[> ] (web|all|over) ' "$T/seen" | tail -n 1 | grep -c over)" = 1 ]; then ok 'below all that run'; else not_ok 'below all that run' "$(cat "$T/seen")"; fi
keys End
sees 'it is selected' '^> over'
sees 'and says why it ended' 'ended: stop'
keys g
sees 'the first' '^> web'

keys o
sees 'grouped by host' 'sort: host up'
keys o o
sees_no 'and back' 'sort: host'
like "$(tapdeck devices --format csv --columns name,dropped,errors_pps)" '^va,0,0' 'devices tell their drops, and what goes wrong now'

keys C
sees 'an uppercase letter opens a view of the row' 'web connections'
keys 1
sees 'and the list is where it was' '^> web'

# --- a session's page ---
keys S
sees 'its page has the rate' 'running +[0-9.]+[kM]?bit/s +[1-9][0-9.]*k? packets/s'
sees 'and its file' 'web-.*pcapng|web-.*… +writing|writing'
keys t
sees 'a new file is told' 'sealed'
sees 'and marked on the axis' '^ +R *$| R [0-9:]+ new file'
keys m
sees 'the form begins with the filter of now' 'Filter +tcp port 80'
keys C-u
say 'tcp prt 80'
sees 'a wrong one has its caret' '\^ .*did you mean "port"'
keys C-u
say 'tcp port 80 or icmp'
sees 'the command that does the same' "tapdeck modify web 'tcp port 80 or icmp'"
keys Enter
sees 'it holds' 'filter tcp port 80 or icmp'
sees 'and is marked on the axis' 'F [0-9:]+ tcp port 80 or icmp'
keys Tab
sees 'its events' 'started on va'
keys Tab
sees 'its facts' 'snaplen +262144'
keys F8
sees 'a column of the graph is ten seconds' '^ *10 s '
in_tmux resize-window -x 60 -y 15
sees 'at 60x15 too' '^ *10 s '
in_tmux resize-window -x 100 -y 30
keys s
sees 'stopping says what is lost' 'its 2 files \(.*\) stay; what comes from now on'
keys n

# --- the wall ---
keys W
sees 'the wall of the session' 'web \(all of it\) +[1-9]'
sees 'has its counter' 'syn +[0-9.]+k?/s'
keys +
sees 'one more by a form' 'A counter of web'
say 'ack'
keys Tab
say 'tcp[tcpflags] & tcp-ack != 0'
sees 'checked' ' ok'
keys Enter
sees 'it counts' 'ack +[1-9][0-9.]*k?/s'
like "$(tapdeck show web --format csv)" 'counter,ack=' 'and the host has it'
say ':sort key'
keys Enter
sees 'by name' 'sort: key up'
keys g Right
sees 'ack is selected' '>ack'
keys Enter
sees 'a counter has a page' 'counts tcp\[tcpflags\] & tcp-ack != 0'
sees 'with its rate' '[1-9][0-9.]*k? packets/s'
keys d
sees 'to remove it is asked for' 'Remove counter ack of session web'
keys y
until_true 10 sh -c "! ip netns exec $near $TAPDECK show web --format csv | grep -q counter,ack=" && ok 'and it is gone'
keys B
sees 'the wall of all: sessions, and their counters' 'all/echo +[1-9]'
sees 'of each' 'web/syn'
say ':filter "counter == echo"'
keys Enter
sees_no 'a filter leaves what matches' 'web/syn'
keys Q
sees 'the console ends: nothing goes with it' '^exit 0'
in_tmux kill-server

# --- profiles ---
start 80 24
sees 'a console' '^. web'
say ':profile pings device va filter icmp count counter all=icmp'
keys Enter
sees 'a profile is kept' 'pings is kept'
like "$(cat "$TAPDECK_CONFIG")" '^profile pings device va filter icmp count counter all=icmp$' 'in the configuration file'
exits 0 'the command line takes its words' new byname profile pings note here
like "$(tapdeck show byname --format csv)" '^filter,icmp$' 'as if they had been said'
like "$(tapdeck show byname --format csv)" '^counter,all=icmp$' 'all of them'
exits 1 'one that is not there is told' new other profile pigns
like "$(cat "$T/err")" "did you mean 'pings'" 'with the one that was meant'
keys F5
sees 'the form offers it' 'Profile +\(o\) none +\( \) pings'
keys Tab Tab Tab Tab Tab Space
sees 'and fills its words in' 'counter all=icmp *│'
keys Escape

# --- what goes with the console ---
say ':new brief device va filter icmp ephemeral'
keys Enter
sees 'a session that is ours' '^. brief .*running'
keys Q
sees 'quitting names it' 'brief ends with this console'
keys n
sees 'and may be thought over' '^. brief .*running'
keys Q
sees 'again' 'brief ends with this console'
keys y
sees 'it ends' '^exit 0'
until_true 10 sh -c "! ip netns exec $near $TAPDECK list --format csv | grep -q '^brief,'" && ok 'and the session with it'
in_tmux kill-server
start 80 24
sees 'a console' '^. web'
say ':new short device va filter icmp stop-after 2 ephemeral'
keys Enter
sees 'one of ours that is over' '^. short .*ended'
keys Q
sees 'is asked about no more' '^exit 0'
in_tmux kill-server

# --- read-only ---
start 80 24 --readonly
sees 'it says that it is' 'READ-ONLY'
sees 'and shows what runs' '^. web .*running'
sees_no 'no key is offered that acts' 'F9Stop|F5New'
keys s
sees 'one that is pressed does nothing' 'this console is read-only: stop-session is not done'
keys F5
sees 'nor is a session begun' 'this console is read-only: new is not done'
say ':stop web'
keys Enter
sees 'nor by words' 'this console is read-only: stop is not done'
keys Escape
say ':set readonly off'
keys Enter
sees 'nor is it set back' 'started with --readonly'
keys Escape
like "$(tapdeck list --format csv --columns name,state)" '^web,running' 'web runs on'
keys Q
sees 'it ends' '^exit 0'
in_tmux kill-server

# --- the daemon dies under a page, and is back ---
exits 0 'one that lasts' new lasting device va persist
start 80 24
say ':open session local session:lasting'
keys Enter
sees 'its page' 'running +[0-9.]+[kM]?bit/s +[1-9][0-9.]*k? packets/s'
kill -9 "$(tapdeck daemon --format csv | sed -n 's/^pid,//p')"
sees 'what is shown is of before' 'STALE: the daemon is gone'
tapdeck list >/dev/null
sees_no 'the page finds the daemon that came after it' 'STALE'
sees 'and what runs there' 'running +[0-9.]+[kM]?bit/s +[1-9][0-9.]*k? packets/s'
done_testing
