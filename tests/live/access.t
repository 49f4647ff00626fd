#!/bin/sh
# A daemon of root's and three people: anna and bert are in its group, carl is not. Each request of the table of rights, by whose session
# it is about; what is refused is a sentence, and all of it stands in the audit log.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program setpriv ping python3
namespaces
anna=64101 bert=64102 carl=64103 group=64200
audit=$T/state/tapdeck/audit.log
chmod 755 "$T"
for who in anna bert carl; do
	mkdir "$T/$who"
	eval "chown \$$who \"\$T/$who\""
done
as() { # WHO WORDS...: anna's groups are supplementary, bert's is his first; sets status
	name=$1 uid=$(eval "echo \$$1") first=$group more=--clear-groups
	shift
	[ "$name" != anna ] || { first=65534 more="--groups=65534,$group"; }
	[ "$name" != carl ] || first=65534
	here setpriv --reuid="$uid" --regid="$first" "$more" env HOME="$T/$name" XDG_STATE_HOME="$T/$name" XDG_DATA_HOME="$T/$name" XDG_CONFIG_HOME="$T/$name" \
		timeout 30 "$TAPDECK" "$@" >"$T/out" 2>"$T/err" </dev/null
	status=$?
}
may() { # WHO NAME WORDS...
	who=$1 what=$2
	shift 2
	as "$who" "$@"
	if [ $status = 0 ]; then ok "$who may: $what"; else not_ok "$who may: $what" "exit $status: $(cat "$T/err")"; fi
}
may_not() { # WHO NAME PATTERN WORDS...: a sentence, and a line in the audit log
	who=$1 what=$2 pattern=$3
	shift 3
	as "$who" "$@"
	if [ $status = 3 ] && [ "$(wc -l <"$T/err")" = 1 ] && grep -Eq -e "$pattern" "$T/err"; then
		ok "$who may not: $what"
	else
		not_ok "$who may not: $what" "exit $status: $(cat "$T/err")"
	fi
}
audited() { # NAME PATTERN
	if until_true 10 grep -Eq -e "$2" "$audit"; then ok "$1"; else not_ok "$1" "no line matches $2: $(tail -n 5 "$audit")"; fi
}

here "$BIN/tapdeckd" --daemon -g $group --log "$T/log" &
at_end "kill -9 $!"
until_true 10 test -S "$TAPDECK_SOCKET"
is "$(stat -c '%a %g' "$TAPDECK_SOCKET")" "660 $group" 'the socket is for root and the group'

# --- what any member may ---
may anna 'devices' devices
may anna 'a session' new web device va record filter icmp counter req='icmp[0] == 8'
may bert 'a session of his own' new his device va
may bert 'the list' list --format csv --no-header --columns name,owner
is "$(sort "$T/out")" "his,$bert
web,$anna" 'everybody is on it, with their owner'
may bert 'the daemon' daemon --format csv --no-header
like "$(cat "$T/out")" "^group,$group\$" 'its facts'
here ping -q -c 2 -i 0.05 10.77.0.2 >/dev/null
until_true 10 counted web 4

# --- what is theirs ---
own='only they and root may'
may anna 'facts of her own' show web
may_not bert 'facts of hers' "$own" show web
may anna 'poll' poll web
may_not bert 'poll of hers' "$own" poll web
may anna 'counters' counters web
may_not bert 'counters of hers' "$own" counters web
may anna 'files' files web
may_not bert 'files of hers' "$own" files web
may anna 'connections' connections web
may_not bert 'connections of hers' "$own" connections session:web
may anna 'another filter' modify web icmp or arp
may_not bert 'another filter of hers' "$own" modify web tcp
may anna 'counters while it runs' counter web add rep='icmp[0] == 0'
may_not bert 'counters of hers while it runs' "$own" counter web remove rep
may anna 'a new file' rotate web
may_not bert 'a new file of hers' "$own" rotate web
may anna 'recording off' record web off
may_not bert 'recording of hers' "$own" record web on
may anna 'her files brought home' fetch web "$T/anna"
may_not bert 'her files brought home' "$own" fetch web "$T/bert"
may_not bert 'the end of hers' "$own" stop web
may_not bert 'hers off the list' "$own" dismiss web
may anna 'the end' stop web
may anna 'off the list' dismiss web
is "$(find "$T/data" -name 'web-*.pcapng' -printf '%U %m\n' | sort -u)" "$anna 600" 'what was recorded is hers'

# --- what is for the owner ---
only='for the owner of this daemon only'
for words in 'pipe cat' 'announce true' "watch-file $T/x" 'user root'; do
	# shellcheck disable=SC2086
	as anna new x device va record $words
	grep -q 'cannot do .* yet' "$T/err" && continue
	# shellcheck disable=SC2086
	may_not anna "new ${words%% *}" "$only" new x device va record $words
done
for device in netns:1/eth0 usbmon0 dbus-system bluetooth0 nflog nfqueue; do
	as anna new x device "$device"
	grep -q 'cannot .* yet' "$T/err" && continue
	may_not anna "new device $device" "$only" new x device "$device"
done
tapdeck list --format csv --no-header --columns name >"$T/out"
is "$(cat "$T/out")" his 'none of these has begun'

# --- who is no member ---
may carl 'a list of what is theirs' list --format csv --no-header
is "$(cat "$T/out")" '' 'which is nothing'
may_not carl 'a session' 'does not let you in|not yours to ask' new x device va
chmod 666 "$TAPDECK_SOCKET" # as if somebody had opened the door: the kernel still says who comes
may_not carl 'a session, through an open door' 'not yours to ask .uid 64103.: ask its owner' new x device va
chmod 660 "$TAPDECK_SOCKET"

# --- root ---
exits 0 'root may everything: facts' show his
exits 0 'and the end' stop his

# --- what is written down ---
audited 'what was done' "^[0-9TZ:.-]+ done uid=$anna user=.* pid=[0-9]+ request=.new web device va record filter icmp counter .req="
audited 'what was opened' "done uid=$anna .*request='open session:web'"
audited 'bytes of files' "done uid=$anna .*request='stream segment web"
audited 'what was refused, and why' "refused uid=$bert .*request='modify web tcp' why=.*another user"
audited 'questions that were refused' "refused uid=$bert .*request='query poll web' why=.*another user"
audited 'devices that were refused' "refused uid=$anna .*request='new x device usbmon0' why=.*owner of this daemon"
audited 'who was not let in' "refused uid=$carl user=.* pid=[0-9]+ request=connect why=.*not yours to ask"
audited 'root too' "done uid=0 user=root pid=[0-9]+ request='stop his'"
is "$(stat -c '%a %u' "$audit")" '600 0' 'for root alone'
is "$(grep -c "done .*request='query" "$audit")" 0 'those that were answered are not written down'
done_testing
