# shellcheck shell=sh
# On top of lib.sh: the console in a terminal of tmux.
terminal=0 # each has a server of its own: one that is ending takes nothing more
in_tmux() { tmux -S "$T/tmux-$terminal" -f /dev/null "$@"; }
start() { # WIDTH HEIGHT WORDS...: the console on these words, in a terminal of that size; it stays when the program ends
	width=$1 height=$2
	shift 2
	terminal=$((terminal + 1))
	at_end "tmux -S $T/tmux-$terminal kill-server"
	in_tmux new-session -d -x "$width" -y "$height" "env TERM=screen-256color $TAPDECK $* 2>&1; echo exit \$?; exec sleep 1000"
}
keys() { in_tmux send-keys "$@"; }
say() { in_tmux send-keys -l "$1"; }
screen() { in_tmux capture-pane -p; }
sees() { wait_for "$1" screen "$2"; }
sees_no() { # description, pattern: until no line matches
	wait_for "$1" "screen | grep -Eq -e '$2' || echo it is gone" '^it is gone$'
}
