# shellcheck shell=sh
# On top of lib.sh: two network namespaces joined by veth, 10.77.0.1 here on va, 10.77.0.2 over there on vb, and comparisons.
# shellcheck source=tests/live/lib.sh
. tests/live/lib.sh
near=td-$$-a far=td-$$-b

namespaces() {
	need_namespaces
	need_program ip
	ip netns add "$near" && at_end "namespace_end $near"
	ip netns add "$far" && at_end "namespace_end $far"
	ip -n "$near" link add va type veth peer name vb netns "$far" || skip_all 'no veth here'
	# Before the links are up: no IPv6, so that nothing but the test's own traffic is there to be counted.
	ip netns exec "$near" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null
	ip netns exec "$far" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null
	ip -n "$near" addr add 10.77.0.1/24 dev va
	ip -n "$far" addr add 10.77.0.2/24 dev vb
	for d in lo va; do ip -n "$near" link set $d up; done
	for d in lo vb; do ip -n "$far" link set $d up; done
	ip -n "$near" route add default via 10.77.0.2
}

here() { ip netns exec "$near" "$@"; }
there() { ip netns exec "$far" "$@"; }
tapdeck() { here timeout 60 "$TAPDECK" "$@"; }

is() { # GOT WANTED NAME
	if [ "$1" = "$2" ]; then ok "$3"; else not_ok "$3" "got: $1
wanted: $2"; fi
}
like() { # GOT PATTERN NAME: an extended regular expression that a line of it matches
	if printf '%s\n' "$1" | grep -qE -e "$2"; then ok "$3"; else not_ok "$3" "no line matches $2: $1"; fi
}
exits() { # STATUS NAME WORDS...: tapdeck's exit status; what it said is in $T/out and $T/err
	wanted=$1 name=$2
	shift 2
	tapdeck "$@" >"$T/out" 2>"$T/err" </dev/null
	status=$?
	if [ "$status" = "$wanted" ]; then ok "$name"; else not_ok "$name" "exit $status, not $wanted: $(head -c 2000 "$T/out" "$T/err")"; fi
}
until_true() { # SECONDS COMMAND...
	tries=$(($1 * 10))
	shift
	while [ $tries -gt 0 ]; do
		"$@" >/dev/null 2>&1 && return 0
		tries=$((tries - 1))
		sleep 0.1
	done
	return 1
}
value() { # SESSION COLUMN: of poll
	tapdeck poll "$1" --format csv --no-header --columns "$2" 2>/dev/null </dev/null
}
counted() { [ "$(value "$1" packets)" = "$2" ]; }
at_least() { [ "$(value "$1" packets)" -ge "$2" ]; }
