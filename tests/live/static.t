#!/bin/sh
# The static tapdeckd: one file in a folder, which is the tap too under that name, captures with nothing else beside it.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/live/veth.sh
. tests/live/veth.sh
need_program ping tcpdump
static=${O:-build}/static/bin/tapdeckd
[ -x "$static" ] || skip_all "$static is not built: \`make static\`"
namespaces

mkdir "$T/one"
cp "$static" "$T/one/tapdeckd"
ln "$T/one/tapdeckd" "$T/one/tapdeck-tap"
unset TAPDECK_TAP
is "$("$T/one/tapdeckd" --version)" "$("$BIN/tapdeckd" --version)" 'it says its version'
ldd "$T/one/tapdeckd" >"$T/out" 2>&1
is_in 'it needs no library' 'not a dynamic executable|statically linked'
here "$T/one/tapdeck-tap" --probe
is $? 0 'under the name tapdeck-tap it is the tap, and may capture'
here "$T/one/tapdeckd" --daemon --log "$T/log" &
at_end "kill $!"
until_true 5 test -S "$TAPDECK_SOCKET"
exits 0 'a session' new one device va record filter icmp
here ping -q -c 3 -i 0.05 10.77.0.2 >/dev/null
until_true 5 counted one 6
is "$(value one packets)" 6 'three pings are six packets'
like "$(tapdeck connections one --format csv --columns proto,packets_ab)" '^icmp,3$' 'its reader has the connection'
exits 0 'stop' stop one
file=$(find "$XDG_STATE_HOME" "$XDG_DATA_HOME" -name '*.pcapng')
is "$(tcpdump -nr "$file" 2>/dev/null | wc -l)" 6 'tcpdump reads the file'
echo "# $(wc -c <"$static") bytes"
done_testing
