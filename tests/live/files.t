#!/bin/sh
# Files as people have them: compressed, in pipes, under wrong names, several at once, cut, huge when unpacked. Needs no right.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/lib.sh
. tests/live/lib.sh
need_program gzip zstd lz4 xz mergecap capinfos python3
case $B in '' | /*) tools=${B:-$PWD/build/release}/tests/tools ;; *) tools=$PWD/$B/tests/tools ;; esac
cd "$T" || exit 1
TMPDIR=$T/spool
export TMPDIR
mkdir "$TMPDIR" captures
"$tools/make_captures" captures || bail 'make_captures failed'
one=captures/http.pcap two=captures/dns.pcap
run() { timeout 60 "$TAPDECK" "$@"; }
table() { run "$@" --format csv 2>"$T/err"; }
same() { # description, expected exit, words of one table, words of another
	description=$1 expected=$2 a=$3 b=$4
	# shellcheck disable=SC2086
	seen=$(table $a) status=$?
	# shellcheck disable=SC2086
	wanted=$(table $b)
	if [ $status = "$expected" ] && [ "$seen" = "$wanted" ] && [ -n "$seen" ]; then
		ok "$description"
	else
		not_ok "$description" "exit $status: $seen
not: $wanted
$(cat "$T/err")"
	fi
}
says() { # description, expected exit, pattern of standard error, words
	description=$1 expected=$2 pattern=$3
	shift 3
	run "$@" >"$T/out" 2>"$T/err" </dev/null
	status=$?
	if [ $status = "$expected" ] && grep -Eq -e "$pattern" "$T/err" && [ "$(wc -l <"$T/err")" = 1 ]; then
		ok "$description"
	else
		not_ok "$description" "exit $status: $(cat "$T/err")"
	fi
}

is() { # seen, expected, description
	if [ "$1" = "$2" ]; then ok "$3"; else not_ok "$3" "$1, not $2"; fi
}

# --- a capture of some size, and what becomes of it ---
python3 - big.pcap <<'END'
import random, struct, sys
random.seed(1)
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for i in range(20000):
        data = bytes(12) + b"\x88\xb5" + random.randbytes(200)
        f.write(struct.pack("<IIII", 1700000000 + i, 0, len(data), len(data)) + data)
END
gzip -c big.pcap >big.gz
zstd -qc big.pcap >big.zst
lz4 -qB4c big.pcap >big.lz4 # in small blocks: what is cut off is a part of one
xz -0c big.pcap >big.xz
for f in big.gz big.zst big.lz4 big.xz; do
	same "$f reads as what is in it" 0 "packets $f" 'packets big.pcap'
	is_size=$(table summary $f --no-header --columns file_bytes)
	is "$is_size" "$(wc -c <$f)" "$f: its size is the file's"
	head -c 3000000 $f >cut.bin
	says "$f, cut: what was read stays" 4 'is not whole, (gzip|zstd|lz4|xz) says: .*after packet [1-9]' packets cut.bin
	is "$(awk "NR == 1000" "$T/out" | wc -l)" 1 "$f, cut: rows"
done
cp big.xz looks.zst
same 'a wrong ending does not count' 0 'summary looks.zst --columns packets,format' 'summary big.pcap --columns packets,format'
cat big.gz big.gz >twice.gz # RFC 1952 2.2: members follow each other; the second header is damage to a capture
says 'a file of two members' 4 'after packet 20000' summary twice.gz
head -c 6 big.gz >tiny.gz
says 'nothing comes out of it' 3 'tiny.gz is not whole, gzip says' summary tiny.gz
printf 'no capture at all, but text' | gzip >text.gz
says 'compressed text is no capture' 3 'text' summary text.gz
gzip -c big.gz >nested.gz
says 'compressed twice' 3 'compressed with gzip' summary nested.gz
mkdir empty
run() { timeout 60 env PATH="$search" "$TAPDECK" "$@"; }
search=$T/empty
says 'no compressor: a sentence says what to install' 3 'zstd, which is needed here \(apt install zstd\)' summary big.zst
search=$PATH
is "$(ls "$TMPDIR")" "" "no file is left of it"

# --- pipes ---
mkfifo pipe
cat big.pcap >pipe &
same 'a fifo' 0 'packets pipe' 'packets big.pcap'
cat big.zst >pipe &
same 'a fifo of compressed bytes' 0 'packets pipe' 'packets big.pcap'
{ head -c 3000 big.pcap; sleep 1; tail -c +3001 big.pcap; } >pipe &
same 'a fifo that stalls' 0 'summary pipe --columns packets,damage' 'summary big.pcap --columns packets,damage'
is "$(table summary --no-header --columns file,packets - <big.xz)" '-,20000' 'standard input has no name'
cat big.zst >pipe &
is "$(table summary --no-header --columns file,packets pipe)" "$(pwd)/pipe,20000" 'a fifo has its own'
table packets - <big.xz >"$T/out"
is "$(table packets big.pcap | cmp - "$T/out")" '' 'standard input, compressed'
: >pipe &
says 'a fifo that gives nothing' 3 'empty' summary pipe

# --- several as one ---
mergecap -w merged.pcapng $one $two big.pcap
columns='--columns number,time,connection,src,dst,proto,length,info'
same 'three files are merged as mergecap does' 0 "packets $one $two big.gz $columns" "packets merged.pcapng $columns"
same 'in any order' 0 "connections $two big.xz $one" 'connections merged.pcapng'
same 'with a filter' 0 "packets $one $two big.zst $columns --bpf udp" "packets merged.pcapng $columns --bpf udp"
run cat $one $two big.pcap >again.pcapng
same "written as one and read again" 0 "packets again.pcapng $columns" "packets merged.pcapng $columns"
same 'one packet of it' 0 "hex 3 $one $two big.pcap" 'hex 3 merged.pcapng'
says 'standard input is no file' 2 'standard input cannot be merged' packets $one -
says 'a session is none' 2 'no file' packets $one session:x
says 'one that is not there' 3 'no file .*absent' packets $one ./absent.pcap
printf 'some words\n' >text
says 'one that is text' 3 'is text' packets $one ./text
head -c 1000000 big.gz >part.gz
says 'one that is cut: the others are whole' 4 'part.gz is not whole' packets $one part.gz

# --- interfaces, times ---
python3 - many.pcapng <<'END'
import struct, sys
def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
with open(sys.argv[1], "wb") as f:
    f.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
    for i in range(100000):
        f.write(block(1, struct.pack("<HHI", 1, 0, 65535)))
    for i in range(100000):
        f.write(block(6, struct.pack("<IIIII", 99999 - i, 0, i, 60, 60) + bytes(60)))
END
is_many=$(table summary many.pcapng --no-header --columns interfaces,packets)
is "$is_many" 100000,100000 '100,000 interfaces'
is_many=$(table interfaces many.pcapng --no-header --columns id,packets --limit 2)
is "$is_many" '0,1
1,1' 'each has its packets'
python3 - times.pcap <<'END'
import struct, sys
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for s in 0, 2**31 - 1, 2**31, 2**32 - 1, 1600000000, 0:
        f.write(struct.pack("<IIII", s, 999999, 60, 60) + bytes(60))
END
table packets times.pcap --no-header --columns time >"$T/out"
is "$(cat "$T/out")" "$(printf '%s.999999000Z\n' 1970-01-01T00:00:00 2038-01-19T03:14:07 2038-01-19T03:14:08 2106-02-07T06:28:15 2020-09-13T12:26:40 \
	1970-01-01T00:00:00)" 'times at 0, 2038, 2106, and backwards'

# --- under any name, and what a walk may meet ---
cp big.pcap named.pcapng
run cat $one >named.pcap
same 'pcap under another name' 0 'summary named.pcapng --columns format,packets' 'summary big.pcap --columns format,packets'
is "$(table summary named.pcap --no-header --columns format)" pcapng 'pcapng under another name'
is "$(table summary big.pcap named.pcap named.pcapng --no-header --columns format)" 'pcap pcapng' 'several: all that differ'
{ cat big.pcap & sleep 0.2; } | head -c 3000 >growing.pcap
{ sleep 0.5; tail -c +3001 big.pcap >>growing.pcap; } &
says 'a file that is not whole yet' 4 'after packet 12: .*cut short; 216 bytes are missing' summary growing.pcap
wait $!
same 'and is, later' 0 'packets growing.pcap' 'packets big.pcap'
(head -c 3000 big.pcap; sleep 60) >pipe &
writer=$!
"$TAPDECK" packets pipe --format csv --no-header --columns number >"$T/out" 2>"$T/err" &
reading=$!
sleep 1
kill -INT $reading
wait $reading
is "$?,$(tail -n 1 "$T/out"),$(cat "$T/err")" '4,12,tapdeck: interrupted: stopped at byte 2784 of 3000, after packet 12: what was read stays' 'Ctrl-C while a pipe stalls prints what there is'
kill $writer 2>/dev/null

# --- what is far more than it looks ---
{ cat big.pcap; head -c 40000000 /dev/zero; } >bomb.pcap
gzip -1c bomb.pcap >bomb.gz
zstd -qc bomb.pcap >bomb.zst
lz4 -qc bomb.pcap >bomb.lz4
xz -0c bomb.pcap >bomb.xz
rm bomb.pcap
# In blocks of 512 bytes, or of 1024 in some shells.
(ulimit -f 10000 && for f in bomb.gz bomb.zst bomb.lz4 bomb.xz; do
	run summary $f 2>&1
	echo "exit $?"
done) >"$T/out"
expected='tapdeck: [^ ]*bomb.[a-z0-9]* \([0-9]* bytes\) was unpacked to (5120000|10240000) bytes, which is the most that is: .*; what there was of it ends at byte (5120000|10240000), after packet 20000'
is "$(grep -Ec "^$expected\$" "$T/out"),$(grep -c '^exit 4$' "$T/out")" 4,4 'more than may be unpacked: the limit, both sizes, the packet'
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=16m none small 2>/dev/null; then
	at_end "umount $T/small"
	for f in bomb.gz bomb.zst bomb.lz4 bomb.xz; do
		TMPDIR=$T/small says "$f: more than the disk holds" 4 \
			"$f \([0-9]+ bytes\) was unpacked to 1[0-9]{7} bytes, and then the disk .*TMPDIR.*, after packet 20000\$" packets $f
		tries=0
		while is_left=$(df --output=used -k small | tail -n 1) && [ "$is_left" -gt 100 ] && [ $tries -lt 100 ]; do
			sleep 0.05
			tries=$((tries + 1))
		done
		is "$([ "$is_left" -lt 100 ] || echo "$is_left")" '' 'the disk is given back'
	done
else
	echo '# no small file system can be mounted: a full one is not tried'
fi
(head -c 100000 big.pcap; sleep 60) >pipe &
writer=$!
run packets pipe >/dev/null 2>&1 &
reading=$!
spooling() { # the process that fills the spool of this test
	for pid in /proc/[0-9]*; do
		[ "$(tr '\0' ' ' <"$pid/cmdline")" = 'cat - ' ] && readlink "$pid/fd/1" | grep -q "^$TMPDIR/" && echo "${pid#/proc/}"
	done 2>/dev/null
}
tries=0
while [ -z "$(spooling)" ] && [ $tries -lt 100 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
unpacker=$(spooling)
is "${unpacker:+one}" one 'a pipe is followed by a process of its own'
pkill -P $reading 2>/dev/null
kill $reading 2>/dev/null
wait_gone "$unpacker"
is "$(kill -0 "${unpacker:-$$}" 2>/dev/null && echo alive)" '' 'it ends with who asked'
kill $writer 2>/dev/null
done_testing
