# awk -f banned.awk FILES...: calls that are not for us, and what only a main may do.
function code(s) { gsub(/"([^"\\]|\\.)*"/, "\"\"", s); sub(/\/\/.*/, "", s); sub(/\/\*.*/, "", s); return s }
FNR == 1 { comment = 0 }
{
	line = $0
	if (comment) {
		if (!sub(/^.*\*\//, "", line))
			next
		comment = 0
	}
	if (line ~ /\/\*/ && line !~ /\*\//)
		comment = 1
	line = code(line)
}
line ~ /(^|[^A-Za-z0-9_])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|alloca|system|popen)[ \t]*\(/ {
	print FILENAME ":" FNR ": banned call: " $0
	bad = 1
}
FILENAME !~ /(main|xalloc|spawn)\.c$|tap\/tap\.c$/ && FILENAME ~ /^(backend|db)\// &&
line ~ /(^|[^A-Za-z0-9_])(exit|_exit|abort|printf|fprintf|puts|perror)[ \t]*\(/ {
	print FILENAME ":" FNR ": only a main may do this: " $0
	bad = 1
}
line ~ /(^|[^A-Za-z0-9_])(FIXME|TODO|XXX)([^A-Za-z0-9_]|$)/ || $0 ~ /(FIXME|TODO)/ {
	print FILENAME ":" FNR ": unfinished: " $0
	bad = 1
}
END { exit bad }
