# awk -f sizes.awk FILES...: lines of files, headers and functions; how deep functions nest. "size:" in a comment on the line
# before a function, with its reason, allows a longer one (a switch over a table of cases).
function count(s, c,   n) { n = gsub(c, c, s); return n }
function end_file() {
	if (file == "")
		return
	limit = file ~ /\.h$/ ? 150 : 600
	if (file ~ /\.def$|^include\/decode\/proto\.h$/)
		limit = 600
	if (lines > limit) {
		print file ": " lines " lines, at most " limit
		bad = 1
	}
}
FNR == 1 { end_file(); file = FILENAME; depth = 0; start = 0; allowed = 0 }
{ lines = FNR; s = $0; gsub(/"([^"\\]|\\.)*"/, "", s); gsub(/'([^'\\]|\\.)'/, "", s); sub(/\/\/.*/, "", s); gsub(/\/\*.*\*\//, "", s) }
/\/\* *size:/ { allowed = FNR }
file ~ /\.c$/ && /^\{/ { start = FNR; deepest = 0 }
{
	while (gsub(/\{[^{}]*\}/, "", s)) # an initialiser within a line is no depth
		;
	depth += count(s, "{")
	if (depth > deepest)
		deepest = depth
	depth -= count(s, "}")
}
file ~ /\.c$/ && /^\}/ && start {
	if (FNR - start - 1 > 60 && !(allowed && start - allowed < 12)) {
		print file ":" start ": a function of " FNR - start - 1 " lines, at most 60"
		bad = 1
	}
	if (deepest > 5) {
		print file ":" start ": nests " deepest - 1 " deep, at most 4"
		bad = 1
	}
	start = 0
	allowed = 0
	depth = 0
}
END { end_file(); exit bad }
