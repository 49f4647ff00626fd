# awk -f layers.awk layers.txt FILES...: prints each #include that breaks a rule of layers.txt; exit 1 if any.
function dir(p) { sub(/\/[^\/]*$/, "", p); return p }
function top(d) { return d ~ /^tui(\/|$)/ ? "tui" : d }
FNR == NR && /^#/ { next }
FNR == NR && $2 == ":" { known[$1]; for (i = 3; i <= NF; i++) may[$1, $i]; next }
FNR == NR && $2 == "@" { owned[$1]; for (i = 3; i <= NF; i++) own[$1, $i]; next }
FNR == NR { next }
/^#[ \t]*include/ {
	split($0, q, /["<>]/)
	inc = q[2]
	d = dir(FILENAME)
	if (sub(/^include\//, "", d))
		d = ("backend/" d) in known ? "backend/" d : d
	if ($0 ~ /"/) {
		if (inc !~ /\//)
			next # a private header beside the .c
		layer = inc
		sub(/\/.*/, "", layer)
		t = top(d)
		self = t
		sub(/^backend\//, "", self)
		if (layer != self && !((t, layer) in may)) {
			print FILENAME ":" FNR ": " t " may not include \"" inc "\""
			bad = 1
		}
	} else
		for (h in owned)
			if (index(inc, h) == 1 && !((h, d) in own)) {
				print FILENAME ":" FNR ": <" inc "> is not for " d
				bad = 1
			}
}
END { exit bad }
