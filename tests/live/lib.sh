# What live tests share: TAP, a folder of their own, waiting for something instead of sleeping. Sourced from the tree's top.
# Sets T (folder), BIN (programs), TAPDECK, and an environment of the test's own.
test_number=0
test_failed=0
BIN=$(cd "${B:-build/release}/bin" && pwd) || exit 1
export TAPDECK="$BIN/tapdeck"
T=$(mktemp -d "${TMPDIR:-/tmp}/tapdeck-live-$$-XXXXXX") || exit 1
ends=
XDG_STATE_HOME=$T/state XDG_DATA_HOME=$T/data XDG_CONFIG_HOME=$T/config XDG_CACHE_HOME=$T/cache TAPDECK_SOCKET=$T/socket TAPDECK_CONFIG=$T/config/tapdeck.conf
TAPDECK_TAP=$BIN/tapdeck-tap LC_ALL=C.UTF-8
export XDG_STATE_HOME XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME TAPDECK_SOCKET TAPDECK_CONFIG TAPDECK_TAP LC_ALL
mkdir -p "$T/state" "$T/data" "$T/config"

at_end() { # a command, run when the test is over, the last first
	ends="$1
$ends"
}
processes_end() { # FOLDER: of the test that has it, by their environment
	for pid in /proc/[0-9]*; do
		{ tr '\0' '\n' <"$pid/environ" | grep -q "^TAPDECK_SOCKET=$1/" && kill "${pid#/proc/}"; } 2>/dev/null
	done
}
finish() {
	status=$?
	trap - EXIT
	{ eval "$ends"; } >/dev/null 2>&1
	processes_end "$T"
	rm -rf "$T"
	exit "$status"
}
leftovers_end() { # of runs that were killed: their number is nobody's any more
	for old in "${TMPDIR:-/tmp}"/tapdeck-live-*-*; do
		run=${old##*/tapdeck-live-}
		run=${run%%-*}
		case $run in '' | *[!0-9]*) continue ;; esac
		[ -d "$old" ] && [ ! -L "$old" ] && [ -O "$old" ] && [ ! -d "/proc/$run" ] || continue
		for old_space in "td-$run-a" "td-$run-b"; do
			[ ! -e "/run/netns/$old_space" ] || namespace_end "$old_space"
		done
		processes_end "$old"
		sed -n "s,^[^ ]* \($old/[^ ]*\) .*,\1,p" /proc/mounts | sort -r | while read -r mounted; do umount "$mounted"; done
		rm -rf --one-file-system "$old"
	done
}
namespace_end() { # its processes are all ours
	ip netns pids "$1" 2>/dev/null | xargs -r kill 2>/dev/null
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -n "$(ip netns pids "$1" 2>/dev/null)" ] || break
		sleep 0.1
	done
	ip netns pids "$1" 2>/dev/null | xargs -r kill -9 2>/dev/null
	ip netns del "$1"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
leftovers_end >/dev/null 2>&1

ok() { # description
	test_number=$((test_number + 1))
	echo "ok $test_number - $1"
}
not_ok() { # description, what was seen
	test_number=$((test_number + 1))
	test_failed=1
	echo "not ok $test_number - $1"
	printf '%s\n' "$2" | head -n 40 | sed 's/^/# /'
}
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}
bail() {
	echo "Bail out! $1"
	exit 1
}
done_testing() {
	echo "1..$test_number"
	exit $test_failed
}
need_namespaces() {
	[ "$(id -u)" = 0 ] && ip netns add "td-probe-$$" 2>/dev/null && ip netns del "td-probe-$$" && return
	skip_all 'network namespaces need root'
}
need_program() {
	for p in "$@"; do
		command -v "$p" >/dev/null || [ -x "/usr/sbin/$p" ] || skip_all "$p is not installed"
	done
}
try() { # description, exit status, command...: its output stays in $T/out
	description=$1 expected=$2
	shift 2
	"$@" >"$T/out" 2>&1 </dev/null
	status=$?
	if [ "$status" = "$expected" ]; then ok "$description"; else not_ok "$description" "exit $status, not $expected: $(cat "$T/out")"; fi
}
is_in() { # description, extended regular expression that some line of the last output matches
	if grep -Eq -e "$2" "$T/out"; then ok "$1"; else not_ok "$1" "no line matches $2: $(cat "$T/out")"; fi
}
wait_for() { # description, command line, extended regular expression: until its output matches, 15 seconds at most
	end=$(($(date +%s) + 15))
	while [ "$(date +%s)" -lt $end ]; do
		seen=$(eval "$2" 2>&1 </dev/null)
		if printf '%s\n' "$seen" | grep -Eq -e "$3"; then
			ok "$1"
			return
		fi
		sleep 0.1
	done
	not_ok "$1" "$2 never gave $3: $seen"
}
wait_gone() { # pid
	tries=0
	while kill -0 "$1" 2>/dev/null && [ $tries -lt 100 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
}
