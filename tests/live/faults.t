#!/bin/sh
# Disks that are full, slow, or fail: each is a sentence; files stay whole, the journal agrees with them, and counting goes on.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program capinfos
namespaces
case $B in /*) tools=$B/tests/tools ;; *) tools=$PWD/$B/tests/tools ;; esac
[ -e "$tools/faults.so" ] || bail 'make tools'
ENOSPC=28 EIO=5 EMFILE=24 EROFS=30

# To nobody: no answer disturbs the count.
ip -n "$far" neigh add 10.77.0.9 lladdr "$(here cat /sys/class/net/va/address)" dev vb nud permanent
send() { there "$tools/sender" 10.77.0.9 7777 "$@"; }
told() { tapdeck show "$1" | grep -Eq -e "$2"; }
fact() { tapdeck show "$1" --format csv --no-header --filter "name == $2" --columns value; }
state() { tapdeck list --format csv --no-header --columns name,state | sed -n "s/^$1,//p"; }
is_over() { state "$1" | grep -Eq '^(ended|failed)$'; }
column() { tapdeck list --format csv --no-header --columns "name,$2" | sed -n "s/^$1,//p"; }

# The tap starts with what $T/faults says.
cat >"$T/tap" <<END
#!/bin/sh
[ ! -s "$T/limit" ] || ulimit -f "\$(cat "$T/limit")"
FAULTS=\$(cat "$T/faults") LD_PRELOAD=$tools/faults.so exec "$BIN/tapdeck-tap"
END
chmod 755 "$T/tap"
: >"$T/faults"
export TAPDECK_TAP="$T/tap"

daemon() { # its own faults, or none; each has a state and a socket of its own
	runs=$((runs + 1))
	export XDG_STATE_HOME="$T/state-$runs" XDG_DATA_HOME="${1:-$T/data-$runs}" TAPDECK_SOCKET="$T/socket-$runs"
	mkdir -p "$XDG_STATE_HOME" "$XDG_DATA_HOME"
	shift
	here env "$@" "$BIN/tapdeckd" --daemon --log "$T/log-$runs" &
	until_true 10 test -S "$TAPDECK_SOCKET"
}
runs=0
daemon ''

agrees() { # NAME WHAT: files are whole and as they are told; so are the journal, which the history has read, and the folder
	tapdeck files "$1" --format csv --no-header --columns name,packets,path >"$T/files"
	wrong=
	while IFS=, read -r _ packets path; do
		[ "$(capinfos -Mc "$path" 2>&1 | sed -n 's/.*Number of packets: *//p')" = "$packets" ] || wrong="$wrong $path: not $packets packets;"
	done <"$T/files"
	tapdeck history files --format csv --no-header --columns session,path,packets,state 2>&1 | sed -n "s/^$1,//p" | grep -v 'removed: ' | sort >"$T/history"
	cut -d, -f3 "$T/files" | sort >"$T/paths"
	cut -d, -f1 "$T/history" | cmp -s - "$T/paths" || wrong="$wrong history: $(cat "$T/history"), not $(cat "$T/paths");"
	folder=$(fact "$1" folder)
	find "$folder" -type f ! -name '*.journal' | sort | cmp -s - "$T/paths" || wrong="$wrong there is: $(ls "$folder");"
	is "$wrong" '' "$2: files, journal and folder agree"
}
in_files() { # NAME: packets
	tapdeck files "$1" --format csv --no-header --columns packets | awk '{ n += $1 } END { print n + 0 }'
}
faulty() { # NAME FAULTS WORDS...: recorded, sent to for a second and a half, stopped
	faulted=$1
	echo "$2" >"$T/faults"
	shift 2
	exits 0 "$faulted: new" new "$faulted" device va record filter udp port 7777 "$@"
	: >"$T/faults"
	sent=$(send 200 2000 1.5)
	until_true 15 counted "$faulted" "$sent"
	is "$(value "$faulted" packets)" "$sent" "$faulted: counting goes on"
}
settled() { # NAME: it ends; what is not in its files was counted as lost
	exits 0 "$1: stop" stop "$1"
	agrees "$1" "$1"
	lost=$(($(column "$1" dropped_disk) + $(column "$1" dropped_buffer)))
	is "$(($(in_files "$1") + lost))" "$sent" "$1: every packet is in a file, or counted as lost ($lost)"
}

# --- the tap's calls ---
faulty full-once "pwrite:4:1:$ENOSPC:0"
until_true 5 told full-once 'recording stopped as the disk takes no more \(No space left'
is $? 0 'a full disk: told'
exits 0 'record on, when there is room' record full-once on
sent=$((sent + $(send 200 1000 0.3)))
until_true 10 counted full-once $sent
settled full-once
like "$(fact full-once dropped_disk_time)" '^from 20.*Z to 20.*Z$' 'the time is told'
like "$(tapdeck history events --format csv)" 'gap on disk' 'the history has the gap'

faulty full-ring "pwrite:6:1:$ENOSPC:0" packets 300 on-full oldest
until_true 5 told full-ring 'of the oldest files of this session (was|were) removed, so that recording goes on'
is $? 0 'on-full oldest: told'
until_true 10 told full-ring '^recording +yes'
is $? 0 'and recording goes on'
exits 0 'full-ring: stop' stop full-ring
agrees full-ring full-ring

faulty full-wait "pwrite:4:1:$ENOSPC:0" on-full wait
until_true 5 told full-wait 'recording waits, as the disk takes no more'
is $? 0 'on-full wait: told'
until_true 20 told full-wait 'recording goes on in another file'
is $? 0 'it goes on when there is room'
sent=$((sent + $(send 200 1000 0.3)))
until_true 10 counted full-wait $sent
settled full-wait

faulty broken-once "pwrite:4:1:$EIO:0"
until_true 5 told broken-once 'recording goes on in another file \(Input/output error\)'
is $? 0 'a write that fails once: told'
settled broken-once
is "$([ "$lost" -lt "$sent" ] && echo some)" some 'and the rest is there'

faulty broken "pwrite:4:100000:$EIO:0"
until_true 5 told broken 'recording stopped as the disk takes no more \(Input/output error\)'
is $? 0 'writes that fail: told'
settled broken

faulty read-only "pwrite:4:100000:$EROFS:0"
until_true 5 told read-only 'recording stopped as the disk takes no more \(Read-only file system\)'
is $? 0 'a file system that turns read-only: told'
settled read-only

faulty unsynced "fsync:1:1:$EIO:0" packets 500
until_true 5 told unsynced 'whether all of it is on the disk is not known'
is $? 0 'an fsync that fails: told'
exits 0 'unsynced: stop' stop unsynced
agrees unsynced unsynced
like "$(tapdeck files unsynced --format csv)" 'not synced: Input/output error.*\.part$' 'it is marked, and keeps the name .part'
like "$(tapdeck history files --format csv)" 'not synced: Input/output error' 'in the history too'

faulty unsynced-data "fdatasync:2:2:$EIO:0" # one may be the journal's
until_true 5 told unsynced-data 'may not be wholly on the disk, as syncing it failed: Input/output error'
is $? 0 'an fdatasync that fails: told'
settled unsynced-data

faulty journal "write:3:4:$ENOSPC:0" every 1s
until_true 10 told journal 'the journal cannot be written: No space left'
is $? 0 'a journal that cannot be written: told'
settled journal
is "$(tapdeck history captures --format csv --no-header --columns session,packets | sed -n 's/^journal,//p')" "$sent" 'and it is whole when it can'

# --- a slow disk ---
echo 'pwrite:2:30:0:300' >"$T/faults"
exits 0 'a slow disk' new slow device va record filter udp port 7777
: >"$T/faults"
sent=$(send 1400 20000 6)
slow_counted() { [ "$(($(value slow packets) + $(column slow dropped_kernel)))" = "$sent" ]; }
until_true 20 slow_counted
is "$(($(value slow packets) + $(column slow dropped_kernel)))" "$sent" 'every packet is counted'
echo "# of $sent packets $(column slow dropped_kernel) were dropped by the kernel, $(column slow dropped_buffer) by us"
is "$([ "$(column slow dropped_buffer)" -gt 0 ] && echo some)" some 'what found no room was dropped, and is counted apart'
like "$(fact slow dropped_buffer_time)" '^from 20.*Z to 20.*Z$' 'with the time'
tap=$(pgrep -f '^tapdeck-tap' | while read -r pid; do ip netns identify "$pid" | grep -qx "$near" && echo "$pid"; done | tail -n 1)
like "$(awk '/VmHWM/ { print $2 < 300000 ? "bounded" : $2 }' "/proc/${tap:-self}/status" 2>&1)" '^bounded$' 'and its memory is bounded'
exits 0 'slow: stop' stop slow
agrees slow slow
is "$(($(in_files slow) + $(column slow dropped_buffer)))" "$(column slow packets)" 'what was not dropped is there'

# --- the daemon's calls ---
daemon '' LD_PRELOAD="$tools/faults.so" FAULTS="renameat2:2:1:$EIO:0 openat:5:1:$EMFILE:0"
faulty names '' packets 500
until_true 5 told names 'a complete file keeps its name .part: could not rename'
is $? 0 'a rename that fails: told'
until_true 5 told names 'recording goes on in another file \(could not make the file .*: Too many open files\)'
is $? 0 'a file that cannot be made: told'
settled names

# --- limits ---
daemon ''
echo 400 >"$T/limit" # blocks of 512 bytes
faulty limit ''
: >"$T/limit"
until_true 5 told limit 'recording goes on in another file \(File too large\)'
is $? 0 'a limit for the size of files: told'
settled limit
is "$([ "$(tapdeck files limit --format csv --no-header | wc -l)" -gt 1 ] && echo several)" several 'and several files have it'

# --- disks that are really full ---
small() { # NAME: a disk of 8 MB
	mkdir "$T/$1"
	mount -t tmpfs -o size=8m none "$T/$1" && at_end "umount $T/$1"
}
small oldest
daemon "$T/oldest"
exits 0 'a ring on a small disk' new ring device va record size 1MB on-full oldest filter udp port 7777
sent=$(send 1400 2000 6)
until_true 15 counted ring "$sent"
is "$(value ring packets)" "$sent" 'counting goes on'
is "$(fact ring recording)" yes 'recording goes on'
is "$([ "$(fact ring files_removed)" -gt 3 ] && echo some)" some 'the oldest files were removed'
exits 0 'ring: stop' stop ring
agrees ring ring
# shellcheck disable=SC2046
seen=$("$tools/numbers" $(cut -d, -f3 "$T/files" | sort) 2>&1)
is "$(echo "$seen" | cut -d' ' -f3)" "$sent" 'the newest packets are there'
# A disk that filled up between two looks has refused some, which is told.
is "$([ "${seen##* }" -le "$(($(column ring dropped_disk) + $(column ring dropped_buffer)))" ] && echo told)" told "what is missing between them (${seen##* }) was counted"

small wait
daemon "$T/wait"
exits 0 'a recording that waits' new patient device va record size 1MB on-full wait filter udp port 7777
sent=$(send 1400 2000 5)
until_true 10 told patient 'recording waits'
is $? 0 'it waits: told'
until_true 10 counted patient "$sent"
first=$(tapdeck files patient --format csv --no-header --columns path | head -n 2)
# shellcheck disable=SC2086
"$tools/numbers" $first >"$T/first"
rm -f $first
until_true 15 told patient 'there is room on the disk again'
is $? 0 'room was made: told'
until_true 10 told patient '^recording +yes'
more=$(send 1400 500 0.5)
sent=$((sent + more))
until_true 10 counted patient "$sent"
is "$(value patient packets)" "$sent" 'counting went on all the time'
exits 0 'patient: stop' stop patient
is "$(($(in_files patient) + $(awk '{ print $1 }' "$T/first") + $(column patient dropped_disk)))" "$sent" 'every packet was written, or counted as lost'
like "$(fact patient dropped_disk_time)" '^from 20.*Z to 20.*Z$' 'with the time'

exits 0 'check: how long it would last' check new other device va record size 1MB stop-after 5MB
like "$(cat "$T/out")" '^va( now [0-9.]+ .?B/s|: nothing comes now); [0-9.]+ .?B free.*; stop-after: 5.00 MB' 'the disk, and the limits'
exits 2 'check: what new would refuse' check new other device va record sizes 1MB

small begin
head -c 8200000 /dev/zero >"$T/begin/filler"
daemon "$T/begin"
exits 3 'a disk that is full already' new none device va record
like "$(cat "$T/err")" 'are free, and .* stay so; make room' 'it says what to do'
done_testing
