#!/bin/sh
# A file that takes long to read: rows at once, progress, keys meanwhile; Esc stops, and what was read stays and can be used.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/lib.sh
. tests/live/lib.sh
# shellcheck source=tests/live/terminal.sh
. tests/live/terminal.sh
need_program tmux python3

# 64 GB that take no room: behind every 10 usual packets one of 4 MB, nearly all of it a hole of the file. Reading it takes half a
# minute on a fast machine, so that whatever happens here happens meanwhile. Three connections, which hold every packet.
python3 - "$T/big.pcapng" <<'END' || bail 'the file cannot be made'
import struct, sys

LONG = 4 << 20

def ip(src, dst, proto, payload):
    return struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 1, 0x4000, 64, proto, 0, bytes(src), bytes(dst)) + payload

def udp(sport, dport, payload):
    return struct.pack('>HHHH', sport, dport, 8 + len(payload), 0) + payload

def tcp(sport, dport, seq, ack, payload):
    return struct.pack('>HHIIBBHHH', sport, dport, seq, ack, 0x50, 0x18, 65535, 0, 0) + payload

def packet(us, data, captured):
    size = 32 + (captured + 3) // 4 * 4
    head = struct.pack('<IIIIIII', 6, size, 0, us >> 32, us & 0xffffffff, captured, captured)
    return head + bytes(12) + b'\x08\0' + data, size

with open(sys.argv[1], 'wb') as f:
    f.write(struct.pack('<IIIHHqI', 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, -1, 28))
    f.write(struct.pack('<IIHHII', 1, 20, 1, 0, 0, 20))
    us, at, sent = 1700000000000000, 48, 1
    for turn in range(16384):
        unit = b''
        for i in range(10):
            us += 100
            if i % 2:
                data = ip((10, 7, 0, 1), (10, 7, 0, 2), 6, tcp(40000, 80, sent, 1, b'x' * 100))
                sent += 100
            else:
                data = ip((10, 7, 0, 3), (10, 7, 0, 4), 17, udp(5000, 7, b'y' * 32))
            block, size = packet(us, data, 14 + len(data))
            unit += block.ljust(size - 4, b'\0') + struct.pack('<I', size)
        block, size = packet(us, ip((10, 7, 0, 5), (10, 7, 0, 6), 17, udp(6000, 9, b'z' * 32)), LONG)
        f.seek(at)
        f.write(unit + block)
        at += len(unit) + size
        f.seek(at - 4)
        f.write(struct.pack('<I', size))
END

said() { # pattern of sed for one number of the screen
	screen | sed -nE "s/$1/\\1/p" | head -n 1
}
progress='^ +[^ ].* ([0-9]+) %  [0-9.]+ [kMG]B of 6[0-9.]+ GB  Esc stops'

start 100 30 "$T/big.pcapng"
sees 'the summary says how far the reading is' "$progress"
sees 'and what was found up to here' 'packets +[1-9][0-9]* .* connections +3'
sees 'it goes on' ' [1-9][0-9]* %  '
keys P
sees 'rows are there while the file is read' '^> +1 +0\.000000 .*10\.7\.0\.3'
sees 'and how far the reading is' '[1-9][0-9]* % read'
say '#'
say 100
keys Enter
sees 'a key is answered meanwhile: packet 100' '^> +100 .* 10\.7\.0\.[1-6]'
sees 'with its fields' 'packet 100  2023-11-14'
keys Escape
sees 'Esc stops the reading' '! stopped at byte [0-9]+ of 6[0-9]+, after packet [0-9]+'
sees_no 'and it is read no further' '% read'
keys G
sees 'the last packet' '^>.* 10\.7\.0\.[1-6] .* (udp|tcp) '
keys Escape
sees 'Esc again: back to the summary, which says so' 'stopped at byte [0-9]+ of 6[0-9]+, after packet [0-9]+: what was read stays'
packets=$(said '.*after packet ([0-9]+): what.*')
if [ "${packets:-0}" -gt 1000 ]; then ok 'packets were read'; else not_ok 'packets were read' "$(screen)"; fi
sees 'all of them are counted' "packets +$packets( |\$)"
keys P
keys G
sees 'the last packet is the one that it stopped at' "^> +$packets "
sees 'its page' "packet $packets  2023-11-14"
keys Escape
keys C
sees 'the connections' '^> +1 +10\.7\.0\.3:5000 +10\.7\.0\.4:7'
sees 'are three' '1/3'
sum=0
for row in 1 2 3; do
	sees "connection $row" "^> +$row "
	say y
	wait_for "connection $row is copied" "cut -f 1 '$XDG_STATE_HOME/tapdeck/copy.txt'" "^$row\$"
	sum=$((sum + $(cut -f 7 "$XDG_STATE_HOME/tapdeck/copy.txt")))
	keys Down
done
if [ "$sum" = "$packets" ]; then ok 'together they have every packet'; else not_ok 'together they have every packet' "$sum, not $packets"; fi
keys Enter
sees 'a connection has its page' 'A > B +B > A'
sees 'with its packets' '^> +11 +0\.000900'
keys Q
sees 'Q ends the console' '^exit 0'
done_testing
