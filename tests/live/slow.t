#!/bin/sh
# A terminal that takes nothing for a while (a slow or stuck line): the console goes on, leaves out what would be old when it is seen,
# and shows the newest when it can. What the terminal was sent in the end is shown to another one, which says what is on the screen.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/lib.sh
. tests/live/lib.sh
# shellcheck source=tests/live/terminal.sh
. tests/live/terminal.sh
need_program tmux
PTY=$(cd "${B:-build/release}/tests/tools" && pwd)/pty

mkdir "$T/captures"
"${PTY%pty}make_captures" "$T/captures" || bail 'no captures can be made'
capture=$T/captures/mixed.pcap

recorded() { timeout 60 "$PTY" -s 100x30 -t screen-256color -- "$TAPDECK" "$capture" >"$T/pty" 2>&1; }
answer() { awk -v w="$1" '$1 == w { print $2; exit }' "$T/pty"; }
repaints() { # COUNT: each asks for the whole screen, and moves one row down; more time than a frame takes is between them
	seq "$1" | while read -r _; do printf 'send j\\x0c\nstall 0.02\n'; done
}

{
	printf '%s\n' 'expect 5 sound' 'send P' 'expect 5 PROTO' 'drain 5'
	repaints 5
	printf 'drain 5\n'
	repaints 15
	printf 'send g\nstall 0.1\n'
	repaints 120
	printf 'send gjjjjjj\nstall 0.2\n'
	printf '%s\n' 'drain 5' "save $T/stalled" 'key 20 j' 'send Q' 'gone 5'
} | recorded
status=$?
if [ $status = 0 ]; then ok 'keys are taken while the terminal takes nothing'; else not_ok 'keys are taken while the terminal takes nothing' "$(cat "$T/pty")"; fi
five=$(awk '$1 == "drain" { print $2 }' "$T/pty" | sed -n 2p)
waited=$(awk '$1 == "drain" { print $2 }' "$T/pty" | sed -n 3p)
echo "# five screens are ${five:-no} bytes; ${waited:-no} waited after 135"
if [ "${waited:-0}" -gt 0 ] && [ "$waited" -lt $((five * 27 / 2)) ]; then ok 'frames were left out'; else not_ok 'frames were left out' "$(cat "$T/pty")"; fi
if [ "${waited:-1000000}" -lt 100000 ]; then ok 'what waits for the terminal is bounded'; else not_ok 'what waits for the terminal is bounded' "$waited bytes"; fi

terminal=1
at_end "tmux -S $T/tmux-1 kill-server"
in_tmux new-session -d -x 100 -y 30 "stty raw -echo; cat $T/stalled; exec sleep 1000"
sees 'afterwards the newest is on the screen: the seventh row is selected' '^> +7 '
sees 'and the whole of it is right' 'mixed.pcap > packets  7/[0-9]+'
if [ "$(screen | grep -c '^>')" = 1 ]; then ok 'one row is selected'; else not_ok 'one row is selected' "$(screen)"; fi

{
	printf '%s\n' 'expect 5 sound' 'send P' 'expect 5 PROTO'
	repaints 60
	printf '%s\n' 'send Q' 'gone 3'
} | recorded
case $(answer gone) in
[0-9]*) ok "Q ends the console while the terminal takes nothing, in $(answer gone) ms" ;;
*) not_ok 'Q ends the console while the terminal takes nothing' "$(cat "$T/pty")" ;;
esac
done_testing
