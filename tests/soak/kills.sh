# shellcheck shell=sh
# KILLS kills at random moments while numbered packets are recorded: of the tap, the reader, the daemon, or all. After each the files
# are whole, nothing that was acknowledged is missing, files, journals and history agree, and a new session starts.
# Into one file, into files that follow each other, and into a ring of them, by turns; KILL_WORDS: words of `new` besides.
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program capinfos
namespaces
case $B in /*) tools=$B/tests/tools ;; *) tools=$PWD/$B/tests/tools ;; esac

random() { # below N
	echo $(($(od -An -N4 -tu4 /dev/urandom) % $1))
}
pids_of() { # tap, reader or daemon: of this test
	case $1 in tap) words='^tapdeck-tap ' ;; reader) words='^tapdeckd --read ' ;; daemon) words='^[^ ]*tapdeckd --daemon ' ;; esac
	for pid in $(ip netns pids "$near" 2>/dev/null); do
		tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "$words" && echo "$pid"
	done
}
kill_one() { # tap, reader or daemon; or all of them at once, as when the machine goes down
	case $1 in
	all) pid=$(pids_of daemon) && pid="$pid $(pids_of tap) $(pids_of reader)" ;;
	*) pid=$(pids_of "$1" | head -n 1) ;;
	esac
	[ -n "$pid" ] || { fault "no $1 to kill"; return; }
	# shellcheck disable=SC2086
	kill -9 $pid
}
state() { tapdeck list --format csv --no-header --columns name,state 2>/dev/null | sed -n "s/^$1,//p"; }
is_over() { state "$1" | grep -Eq '^(ended|failed)$'; }
other_reader() { # PID that it is not
	now=$(pids_of reader)
	[ -n "$now" ] && [ "$now" != "$1" ]
}
fault() { faults="$faults
$victim, session $name: $*"; }

words_of() { # NUMBER: how it is recorded
	case $(($1 % 3)) in
	0) echo ;;
	1) echo size 40k ;;
	2) echo packets 150 keep 4 keep 10MB ;;
	esac
}
history_files() { # that are there
	tapdeck history files --format csv --no-header --columns session,path,state 2>&1 | sed -n "s/^$name,//p" | grep -v ',"*removed' | cut -d, -f1 | sort
}
recorded() { # the folder of the session's files
	for f in "$XDG_STATE_HOME" "$XDG_DATA_HOME"; do find "$f" -path "*$name*" \( -name '*.pcapng' -o -name '*.part' \); done | sort
}
check_files() { # ACKNOWLEDGED
	files=$(recorded)
	[ -n "$files" ] || { fault 'it left no file'; return; }
	case $files in *.part*) fault "a file kept its name .part: $files" ;; esac
	# shellcheck disable=SC2086
	seen=$("$tools/numbers" $files 2>&1) || fault "the files cannot be read to the end: $seen"
	# shellcheck disable=SC2086
	capinfos -c $files >"$T/capinfos" 2>&1 || fault "capinfos: $(cat "$T/capinfos")"
	packets=${seen%% *}
	[ "${seen##* }" = 0 ] || fault "the recording has holes: $seen"
	case $ring in
	'') [ "$packets" -ge "$1" ] || fault "$1 packets were acknowledged, $packets are in the files" ;;
	*) [ "$packets" -ge $(($1 < 300 ? $1 : 300)) ] || fault "$1 packets were acknowledged, a ring of $packets is in the files" ;;
	esac
	[ "$(history_files)" = "$files" ] || fault "the history has $(history_files), there is $files"
	told=$(tapdeck files "$name" --format csv --no-header --columns packets | awk '{ n += $1 } END { print n + 0 }')
	[ "$told" = "$packets" ] || fault "files tells of $told packets, there are $packets"
	told=$(tapdeck history captures --format csv --no-header --columns session,packets,bytes 2>&1 | sed -n "s/^$name,//p")
	if [ $victim = all ] && [ "${told%,*}" -gt "$packets" ] 2>/dev/null && [ "${told#*,}" = $((${told%,*} * 200)) ]; then
		return # counted in the last moment, and in no memory but theirs
	fi
	[ -n "$ring" ] || [ "$told" = "$packets,$((packets * 200))" ] || fault "history tells of ${told:-no} packets and bytes, there are $packets of 200"
}
stop_and_count() { # the connections of what was recorded, once it has ended
	tapdeck stop "$name" >"$T/err" 2>&1 || fault "stop: $(cat "$T/err")"
	[ -z "$ring" ] || return 0 # it has what is not there any more
	told=$(tapdeck connections "$name" --format csv --no-header --columns packets_ab 2>&1)
	# shellcheck disable=SC2046
	[ "$told" = "$("$tools/numbers" $(recorded) | cut -d' ' -f1)" ] ||
		fault "the reader that came back tells of $told packets: $("$tools/numbers" $(recorded))"
}

one_kill() { # NUMBER
	name=kill-$1 before=$faults
	case $(random 4) in 0) victim=tap ;; 1) victim=reader ;; 2) victim=daemon ;; *) victim=all ;; esac
	kept=$(words_of "$1")
	case $kept in *keep*) ring=yes ;; *) ring= ;; esac
	# shellcheck disable=SC2086
	tapdeck new "$name" device va record $kept ${KILL_WORDS:-} filter udp port 7777 >"$T/err" 2>&1 || { fault "new: $(cat "$T/err")"; return; }
	sleep "0.$(printf %03d "$(random 600)")"
	acknowledged=$(value "$name" packets)
	old=$(pids_of reader)
	kill_one $victim
	case $victim in
	reader)
		until_true 10 other_reader "$old" || fault 'no reader came back'
		stop_and_count
		;;
	*) until_true 15 is_over "$name" || fault "it is $(state "$name"), not over: $(tail -n 3 "$XDG_STATE_HOME"/tapdeck/*.log)" ;;
	esac
	check_files "${acknowledged:-0}"
	if [ $victim = daemon ] || [ $victim = all ]; then
		tapdeck show "$name" | grep -q interrupted || fault 'it is not told that it was interrupted'
	fi
	tapdeck dismiss "$name" >"$T/err" 2>&1 || fault "dismiss: $(cat "$T/err")"
	[ "$before" = "$faults" ] && recorded | xargs -r rm -f
}

kills() { # HOW MANY
	# To nobody: no answer disturbs the count.
	ip -n "$far" neigh add 10.77.0.9 lladdr "$(here cat /sys/class/net/va/address)" dev vb nud permanent
	there "$tools/sender" 10.77.0.9 7777 200 4000 100000 >/dev/null &
	at_end "kill $!"
	faults=
	for i in $(seq "$1"); do
		one_kill "$i"
	done
	is "$faults" '' "$1 kills, and nothing that was held is lost"
	is "$(pids_of tap)" '' 'no tap is left behind'
}
