#!/bin/sh
# What files go through: compressed, held back, announced, piped; with what dies, stalls, is not there or never ends. Needs root.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program capinfos tcpdump gzip zstd lz4 xz ping setpriv unshare
namespaces
case $B in /*) tools=$B/tests/tools ;; *) tools=$PWD/${B:-build/release}/tests/tools ;; esac
chmod 755 "$T"
mkdir -m 755 "$T/bin" "$T/all"

# --- compressors of our own stand in front of the machine's: what $T/mode says becomes of them ---
echo well >"$T/mode"
cat >"$T/bin/gzip" <<END
#!/bin/sh
case \$(cat $T/mode) in
die) echo 'gzip: this one is broken' >&2; exit 1 ;;
kill) kill -9 \$\$ ;;
full) exec /usr/bin/gzip "\$@" >/dev/full ;;
stall) sleep 0.1; exec sleep 1000 ;;
wait) while [ ! -e $T/go ]; do sleep 0.1; done ;;
esac
exec /usr/bin/gzip "\$@"
END
chmod 755 "$T/bin/gzip"
chmod 644 "$T/mode"
daemon_pid() {
	for pid in $(ip netns pids "$near"); do
		tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q '^[^ ]*tapdeckd --daemon ' && echo "$pid"
	done
}
daemon_start() { # FOLDER MORE...: with our programs, and without lz4
	captures=$1
	shift
	rm -f "$T/log"
	here unshare -m sh -c "mount --bind '$T/bin' /usr/local/bin && mount --bind /dev/null /usr/bin/lz4 &&
		exec $BIN/tapdeckd --daemon -s '$TAPDECK_SOCKET' -C '$captures' -l '$T/log' $*" &
	until_true 30 grep -q 'listening at' "$T/log" || bail "no daemon: $(cat "$T/log")"
	daemon=$(daemon_pid)
	[ -n "$daemon" ] || bail 'the daemon is not ours'
}
daemon_end() {
	kill "$daemon" 2>/dev/null
	wait_gone "$daemon"
}
daemon_start "$T/all" -g games
at_end daemon_end

files() { tapdeck files "$1" --format csv --no-header --columns "$2"; }
told() { tapdeck show "$1" --format tsv --no-header --columns name,value | sed -n 's/^event\t//p'; }
is_told() { told "$1" | grep -Eq -e "$2"; }
tells() { # SESSION PATTERN NAME [SECONDS]
	if until_true "${4:-15}" is_told "$1" "$2"; then ok "$3"; else not_ok "$3" "$(told "$1")"; fi
}
holds() { # NAME COMMAND...
	description=$1
	shift
	if "$@"; then ok "$description"; else not_ok "$description" "$* is not so"; fi
}
state_is() { [ "$(tapdeck list --format csv --no-header --columns name,state | sed -n "s/^$1,//p")" = "$2" ]; }
all_packed() { # SESSION SUFFIX: every complete file is
	files "$1" name,state | grep -q "\.$2,sealed$" && ! files "$1" name,state | grep -v ',writing$' | grep -vq "\.$2,sealed$"
}
traffic() { here ping -q -c "$1" -i 0.02 -w 30 10.77.0.2 >"$T/ping" 2>&1; }
folder_of() { tapdeck show "$1" --format csv --no-header | sed -n 's/^folder,//p'; }
packets_in() { # UNPACK FILES...: as tcpdump counts them
	with=$1
	shift
	for f in "$@"; do "$with" -dc "$f" | tcpdump -nr - 2>/dev/null; done | wc -l
}
no_part() { [ -z "$(find "$(folder_of "$1")" -name '*.part')" ]; }
files_agree() { [ "$(files "$1" name,file_bytes | sort)" = "$disk" ]; }
books_agree() { [ "$(tapdeck history files --format csv --no-header --columns session,name,bytes | sed -n "s/^$1,//p" | sort)" = "$disk" ]; }
history_agrees() { # SESSION NAME: names and bytes of files on the disk, of `files`, of the history
	disk=$(cd "$(folder_of "$1")" && stat -c '%n,%s' ./*.pcapng* | sed 's,^\./,,' | sort)
	if until_true 5 files_agree "$1"; then ok "$2: files tells what is there"; else not_ok "$2: files tells what is there" "$(files "$1" name,file_bytes)
$disk"; fi
	if until_true 10 books_agree "$1"; then ok "$2: so does the history"; else not_ok "$2: so does the history" "$(tapdeck history files --format csv --no-header --columns session,name,bytes)
$disk"; fi
}

# --- what takes a minute begins first ---
echo stall >"$T/mode"
exits 0 'a session whose compressor will stall' new stalls device va record every 1s compress gzip
exits 0 'a session whose command never ends' new endless device va record announce "/bin/sh -c 'trap \"\" TERM; sleep 1000 & wait; sleep 1000'"
exits 0 'a session whose live compressor will stall' new livestall device va record compress gzip:live
traffic 20
exits 0 'and that of the other' rotate endless
both_stall() { [ "$(find "$T"/all/stalls-* -name '*.gz.part' | wc -l)" = 2 ]; }
until_true 20 both_stall && echo well >"$T/mode"
is "$(files stalls state | sed -n 1p)" compressing 'a file that is being compressed says so'

# --- refusals ---
exits 3 'a compressor that is not installed' new x device va record compress lz4
like "$(cat "$T/err")" 'lz4, which is not in .*apt install lz4' 'the sentence names the package'
exits 2 'a level that there is not' new x device va record compress xz:12
exits 2 'a compressor that there is not' new x device va record compress rar
exits 3 'a command that there is not' new x device va pipe 'no-such-program -x'
exits 3 'a command beside nothing' new x device va pipe './program'
exits 1 'a user that there is not' new x device va user no-such-user
exits 2 'to announce what is not recorded' new x device va announce /bin/true
is "$(tapdeck list --format csv --no-header --columns name | grep -c '^x$')" 0 'nothing of them is left'

# --- compressed when complete ---
for type in gzip:1 zstd:3 xz:0; do
	program=${type%:*} one=pack-${type%:*}
	case $program in gzip) suffix=gz ;; zstd) suffix=zst ;; xz) suffix=xz ;; esac
	exits 0 "$type" new "$one" device va record filter icmp every 1s compress "$type"
	traffic 100
	exits 0 "$type: stop" stop "$one"
	if until_true 15 all_packed "$one" $suffix; then ok "$type: every file is compressed"; else not_ok "$type: every file is compressed" "$(files "$one" name,state)"; fi
	folder=$(folder_of "$one")
	try "$type: they are sound" 0 "$program" -t "$folder"/*.$suffix
	is "$(packets_in "$program" "$folder"/*.$suffix)" "$(value "$one" packets)" "$type: with every packet"
	is "$(find "$folder" -name "*.part" -o -name "*.pcapng")" "" "$type: and nothing else is left"
	history_agrees "$one" "$type"
	is "$(tapdeck packets "$one" --format csv --no-header --columns number | awk '$1 == NR { n++ } END { print n + 0 }')" \
		"$(value "$one" packets)" "$type: the session is read as it was"
	is "$(tapdeck cat "$one" | tcpdump -nr - 2>/dev/null | wc -l)" "$(value "$one" packets)" "$type: cat gives all of it"
done
exits 0 'fetch' fetch pack-zstd "$T/fetched"
is "$(packets_in zstd "$T"/fetched/*.zst)" "$(value pack-zstd packets)" 'fetch brings the compressed files'

# --- a file is compressed while fetch has its old name: it waits for whoever reads from where its first file is to go ---
echo wait >"$T/mode"
exits 0 'a session' new wait device va record packets 20 compress gzip filter icmp
here ping -q -c 30 -i 0.01 10.77.0.2 >/dev/null
two() { [ "$(files wait name | grep -c 'pcapng$')" -ge 2 ]; }
until_true 20 two
is "$(tapdeck stop wait >/dev/null 2>&1; files wait name | grep -c 'gz$')" 0 'nothing is compressed yet'
mkdir "$T/waited"
first=$(files wait name | head -n 1)
mkfifo "$T/waited/$first.part"
tapdeck fetch wait "$T/waited" >"$T/fetch.log" 2>&1 &
fetching=$!
opens() { for pid in $(ip netns pids "$near"); do grep -q '^[0-9]* 0xffffff9c' "/proc/$pid/syscall" 2>/dev/null && return; done; return 1; }
until_true 10 opens
touch "$T/go"
packed() { [ "$(files wait name | grep -c 'gz$')" = "$(files wait name | wc -l)" ]; }
until_true 30 packed
timeout 20 cat "$T/waited/$first.part" >/dev/null
wait "$fetching"
is "$? $(cat "$T/fetch.log")" '0 ' 'fetch looks again'
is "$(packets_in gzip "$T"/waited/*.gz) $(find "$T/waited" -name '*.part' | wc -l)" "$(value wait packets) 0" 'and brings what there is now'
echo well >"$T/mode"
tapdeck summary "$(files pack-zstd path | sed -n 1p)" --format csv --no-header --columns packets >"$T/out"
is "$(cat "$T/out")" "$(files pack-zstd packets | sed -n 1p)" 'a path of `files` is opened as it is'

# --- a reader that dies while files are compressed: the next one reads those first ---
exits 0 'compressed and watched' new again device va record filter icmp every 1s compress gzip
traffic 100
until_true 15 all_packed again gz
reader_of() { # the session's: the one that was started last
	for pid in $(ip netns pids "$near"); do
		tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q '^tapdeckd --read ' && awk '{ print $22, $1 }' "/proc/$pid/stat"
	done | sort -n | sed -n '$s/.* //p'
}
kill -9 "$(reader_of)"
tells again 'another one has been started and catches up from the files' 'its reader dies'
traffic 20
until_true 10 counted again 240 # totals are told once a second
in_a_row() { # SESSION: every packet from the first on is there once
	[ "$(tapdeck packets "$1" --format csv --no-header --columns number | awk '$1 == NR { n++ } END { print n + 0 }')" = "$(value "$1" packets)" ]
}
if until_true 15 in_a_row again; then ok 'the next one has every packet, of compressed files too'; else
	not_ok 'the next one has every packet, of compressed files too' "$(tapdeck packets again --format csv --no-header --columns number | awk '$1 != NR' | head -n 3; value again packets)"
fi
is "$(tapdeck connections again --format csv --no-header --columns packets_ab,packets_ba | awk -F, '{ n += $1 + $2 } END { print n }')" "$(value again packets)" 'and the connections of them'
exits 0 'its end' stop again
if until_true 15 in_a_row again; then ok 'as when it has ended'; else not_ok 'as when it has ended' "$(tapdeck summary again)"; fi

# --- while it is written ---
exits 0 'compressed while it is written' new live device va record filter icmp compress zstd:1:live
traffic 50
growing() { [ -n "$(find "$(folder_of live)" -name '*.zst.part')" ]; }
if until_true 10 growing; then ok 'its compressor follows it'; else not_ok 'its compressor follows it' "$(ls -l "$(folder_of live)")"; fi
exits 0 'its end' stop live
until_true 15 all_packed live zst
is "$(packets_in zstd "$(folder_of live)"/*.zst)" "$(value live packets)" 'it has every packet'
history_agrees live live

# --- compressors that die ---
for how in die kill full; do
	echo $how >"$T/mode"
	exits 0 "a compressor that will $how" new "packer-$how" device va record filter icmp compress gzip every 1s
	traffic 100
	exits 0 "it did $how: the capture ended well" stop "packer-$how"
	holds "$how: ended, and not failed" state_is "packer-$how" ended
	tells "packer-$how" 'stays as it is, gzip failed: it (ended with 1: gzip: this one is broken|was killed by signal 9|ended with 1: gzip: .*No space left)' "$how: it is told why"
	is "$(told "packer-$how" | grep -c 'stays as it is')" 1 "$how: once"
	folder=$(folder_of "packer-$how")
	holds "$how: nothing half is left" until_true 5 no_part "packer-$how"
	is "$(packets_in cat "$folder"/*.pcapng 2>/dev/null)$(for f in "$folder"/*.pcapng; do tcpdump -nr "$f" 2>/dev/null; done | wc -l)" \
		"0$(value "packer-$how" packets)" "$how: the plain files are whole"
	history_agrees "packer-$how" "$how"
done
echo die >"$T/mode"
exits 0 'a live one that will die' new livedie device va record filter icmp compress gzip:live
tells livedie 'was compressed while it was written, and gzip failed' 'a live one that died is told'
echo well >"$T/mode"
traffic 10
exits 0 'its end' stop livedie
if until_true 15 all_packed livedie gz; then ok 'it is compressed when it is complete'; else not_ok 'it is compressed when it is complete' "$(files livedie name,state)"; fi
is "$(packets_in gzip "$(folder_of livedie)"/*.gz)" "$(value livedie packets)" 'with every packet'

# --- announced ---
exits 0 'files are announced' new told device va record filter icmp every 1s compress gzip announce \
	"/bin/sh -c 'echo \"\$TAPDECK_SEGMENT \$TAPDECK_PACKETS \$TAPDECK_BYTES \$TAPDECK_REASON \$0\" >>said; env >env; pwd >where; [ \$TAPDECK_SEGMENT != 2 ] || { echo first; echo the second is bad; exit 3; } >&2'"
traffic 150
exits 0 'the end of it' stop told
folder=$(folder_of told)
announced() { [ "$(wc -l <"$folder/said")" = "$(files told number | wc -l)" ]; }
if until_true 15 announced; then ok 'each file was'; else not_ok 'each file was' "$(cat "$folder/said")"; fi
is "$(cat "$folder/said")" "$(files told number,packets,file_bytes,reason,path | tr , ' ')" 'in order, with what there is to know, when it had its last name'
is "$(cat "$folder/where")" "$folder" 'in the folder of the capture'
like "$(cat "$folder/env")" "^TAPDECK_SESSION=told$" 'the session stands in its environment'
is "$(grep -Ev '^(TAPDECK_[A-Z]*|PATH|HOME|LANG|PWD|OLDPWD|SHLVL|_)=' "$folder/env")" '' 'and nothing of the daemon'
tells told 'announcing told-.*-00002.pcapng.gz: the command ended with 3: the second is bad' 'one that fails is told, with its last line'

# --- held back ---
sign=$T/sign
exits 0 'files wait for a sign' new held device va record filter icmp every 1s watch-file "$sign"
traffic 200
third() { [ "$(files held state | grep -c held)" -ge 2 ]; }
until_true 20 third
is "$(files held state | sed -n 1p)" sealed 'the first one is shown'
is "$(files held state | sed -n 2p)" held 'the second one is held'
like "$(files held path | sed -n 2p)" 'part$' 'under its name .part'
: >"$sign"
second() { [ "$(files held state | sed -n 2p)" = sealed ]; }
if until_true 10 second; then ok 'the sign shows it'; else not_ok 'the sign shows it' "$(files held state)"; fi
holds 'and is taken away' test ! -e "$sign"
is "$(files held state | sed -n 3p)" held 'the third one waits for another'
mkdir "$sign"
tells held "$sign is there and cannot be removed" 'a sign that cannot be taken away is told'
is "$(files held state | sed -n 3p)" held 'and is none'
rmdir "$sign"
exits 0 'the end of it' stop held
is "$(files held state | sort -u)" sealed 'shows all of them'
tells held 'files that waited for .* are shown, as the session has ended' 'which is told'
is "$(for f in "$(folder_of held)"/*.pcapng; do tcpdump -nr "$f" 2>/dev/null; done | wc -l)" "$(value held packets)" 'nothing is lost'

# --- packets into a command ---
exits 0 'packets go into tcpdump' new piped device va filter icmp pipe 'tcpdump -n -U -r - -w piped.pcap'
exits 0 'and of a recording that rotates' new rotated device va record filter icmp every 1s pipe "tcpdump -n -U -r - -w $T/rotated.pcap"
traffic 120
piped=$(folder_of piped)/piped.pcap
as_counted() { [ "$(tcpdump -nr "$1" 2>/dev/null | wc -l)" = "$(value "$2" packets)" ]; }
if until_true 10 as_counted "$piped" piped; then ok 'it has them while they come'; else not_ok 'it has them while they come' "$(tcpdump -nr "$piped" 2>&1 | tail -n 2)"; fi
exits 0 'the end' stop piped
exits 0 'of both' stop rotated
if until_true 10 as_counted "$T/rotated.pcap" rotated; then ok 'every packet once, over segments'; else not_ok 'every packet once, over segments' "$(tcpdump -nr "$T/rotated.pcap" 2>&1 | tail -n 2)"; fi
exits 0 'a command that dies' new pipedie device va filter icmp pipe "/bin/sh -c 'head -c 200 >part; echo enough >&2; exit 7'"
traffic 20
tells pipedie 'the command of "pipe" ended with 7: enough; the capture goes on without it' 'is told'
before=$(value pipedie packets)
traffic 20
holds 'and the capture goes on' until_true 5 at_least pipedie $((before + 40))
exits 0 'a command that does not read for a while' new slow device va filter 'udp port 7777' pipe "/bin/sh -c 'sleep 13; exec tcpdump -n -r - -w slow.pcap'"
there ip neigh add 10.77.0.9 lladdr "$(here cat /sys/class/net/va/address)" dev vb nud permanent
there "$tools/sender" 10.77.0.9 7777 1400 8000 9 >/dev/null
tells slow 'it has read nothing for 10 seconds' 'one that stalls is told' 30
tells slow 'it reads slower than packets come: [0-9]+ were passed over' 'what it missed is counted' 30
there "$tools/sender" 10.77.0.9 7777 200 100 1 >/dev/null
exits 0 'its end' stop slow
slow=$(folder_of slow)/slow.pcap
missed() { told slow | sed -n 's/.*come: \([0-9]*\) were.*/\1/p' | awk '{ n += $1 } END { print n + 0 }'; }
adds_up() { [ $(($(tcpdump -nr "$slow" 2>/dev/null | wc -l) + $(missed))) = "$(value slow packets)" ]; }
if until_true 15 adds_up; then ok 'and adds up: what it read and what it missed is what came'; else
	not_ok 'and adds up: what it read and what it missed is what came' "$(tcpdump -nr "$slow" 2>/dev/null | wc -l) $(missed) $(value slow packets)"
fi

# --- another user's ---
exits 0 'root gives a session to another user' new theirs device va record filter icmp every 1s user games compress gzip \
	announce "/bin/sh -c 'id -u >>ids; id -G >groups; cat /proc/self/status >status; [ ! -r /etc/shadow ] || echo no >shadow'"
traffic 100
exits 0 'its end' stop theirs
folder=$(folder_of theirs)
until_true 15 all_packed theirs gz
until_true 10 test -s "$folder/status"
is "$(tapdeck list --format csv --no-header --columns name,owner | sed -n 's/^theirs,//p')" games 'it is theirs'
is "$(stat -c %U "$folder" "$folder"/*.gz | sort -u)" games 'and so are its files'
is "$(sort -u "$folder/ids")" "$(id -u games)" 'commands run as them'
is "$(cat "$folder/groups")" "$(id -G games)" 'with their groups'
like "$(cat "$folder/status")" '^CapEff:.0*$' 'and no capability'
like "$(cat "$folder/status")" '^NoNewPrivs:.1$' 'nor a way to one'
holds 'they read what they may' test ! -e "$folder/shadow"
is "$(packets_in gzip "$folder"/*.gz)" "$(value theirs packets)" 'nothing is lost'
member() { here setpriv --reuid=5 --regid=60 --clear-groups env HOME="$T/member" XDG_STATE_HOME="$T/member" XDG_DATA_HOME="$T/member" \
	XDG_CONFIG_HOME="$T/member" XDG_CACHE_HOME="$T/member" timeout 60 "$TAPDECK" "$@"; }
mkdir "$T/member" && chown 5:60 "$T/member"
for words in 'record announce /bin/true' 'pipe /bin/cat' 'record watch-file /tmp/x' 'user root' 'user daemon'; do
	# shellcheck disable=SC2086
	member new y device va $words >"$T/out" 2>"$T/err"
	is "$?" 3 "a member of the group may not say: $words"
done
member new theirown device va record filter icmp compress gzip >"$T/out" 2>&1
is "$? $(cat "$T/out")" '0 ' 'but they may compress'
traffic 10
member stop theirown >"$T/out" 2>&1
until_true 15 all_packed theirown gz
is "$(stat -c %U "$(folder_of theirown)"/*.gz)" games 'and have what comes of it'

# --- what took a minute ---
tells endless 'the command of "announce" did not end in time' 'a command that never ends is ended' 90
tells stalls 'stays as it is, gzip failed: it made no way for 60 seconds' 'a compressor that makes no way is ended' 90
holds 'meanwhile files waited, which is told' is_told stalls 'gzip is slower than the traffic: [0-9]+ complete files wait as they are'
exits 0 'the capture went on' stop stalls
none_packed_wait() { no_part stalls && ! files stalls state | grep -q compressing; }
if until_true 30 none_packed_wait; then ok 'the others are compressed, and nothing half is left'; else not_ok 'the others are compressed, and nothing half is left' "$(files stalls name,state)"; fi
is "$(files stalls name | grep -c '\.pcapng$')" 2 'those two stay as they are'
exits 0 'as did the other' stop endless
exits 0 'as did the third' stop livestall

# --- the daemon is killed in the middle ---
echo stall >"$T/mode"
exits 0 'compressing' new killed device va record filter icmp every 1s compress gzip
exits 0 'holding' new killheld device va record filter icmp every 1s watch-file "$sign"
exits 0 'following' new killlive device va record filter icmp compress gzip:live
traffic 150
packing() { files killed state | grep -q compressing && [ "$(files killheld state | grep -c held)" -ge 1 ]; }
if until_true 15 packing; then ok 'both have begun'; else not_ok 'both have begun' "$(files killed name,state; files killheld name,state)"; fi
kill -9 "$daemon"
wait_gone "$daemon"
echo well >"$T/mode"
daemon_start "$T/all" -g games
for one in killed killheld killlive; do
	until_true 15 state_is $one failed
	is "$(find "$(folder_of $one)" -name '*.part')" '' "$one: nothing half is left"
	is "$(for f in "$(folder_of $one)"/*.pcapng; do tcpdump -nr "$f" 2>/dev/null; done | wc -l)" "$(tapdeck files $one --format csv --no-header --columns packets |
		awk '{ n += $1 } END { print n + 0 }')" "$one: plain files with every packet"
	history_agrees $one $one
done
tells killheld 'complete files that were held back are shown' 'those that were held are told of'
daemon_end

done_testing
