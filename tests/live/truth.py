"""Captures of others through the program. Prints TAP lines for truth.t.
round: what `cat` writes, capinfos and tcpdump (tshark, where tcpdump cannot) read as the same packets.
formats: csv, tsv, json and jsonl say the same.
packed: the rows of truth.tsv for compressed files."""
import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

FOLDER, WORK, TAPDECK = sys.argv[1], sys.argv[2], os.environ["TAPDECK"]
TABLES = ("summary", "connections", "flows", "packets")
# Facts of capinfos that must be the same for the copy.
FACTS = ("Number of packets", "Data size (bytes)", "Start time", "End time", "Capture duration (seconds)", "Strict time order")
# Copies are pcapng in nanoseconds, which tcpdump refuses with times that it cannot hold, and with several link types.
UNTIMED = {
    "pp-pcapng-example.pcapng": "its times lie beyond what 64 bits of nanoseconds hold",
    "d-big-endian-spb.pcapng": "capinfos counts a custom block as a packet, and some of its packets have no time",
}
tests = 0
failed = 0


def result(good, name, *lines):
    global tests, failed
    tests += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {tests} - {name}")
    for line in lines if not good else ():
        print(f"# {line}")


def run(*words):
    return subprocess.run(words, capture_output=True, check=False)


def truth():
    with open(os.path.join(FOLDER, "truth.tsv"), encoding="utf-8") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


def path(name):
    return os.path.join(FOLDER, name)


def copy(name):
    return os.path.join(WORK, name + ".copy")


# --- round trips ---

def write_copy(name):
    with open(copy(name), "wb") as out:
        return subprocess.run([TAPDECK, "cat", "file:" + path(name)], stdout=out, stderr=subprocess.DEVNULL, check=False).returncode


def facts(names):
    """capinfos of many files in one call."""
    out = run("capinfos", "-T", "-M", "-Q", "-S", *names).stdout.decode()
    return {row["File name"]: {key: row.get(key) for key in FACTS} for row in csv.DictReader(out.splitlines(), delimiter="\t")}


def packets_by_tcpdump(file):
    """A digest of times, link headers and bytes."""
    done = run("tcpdump", "--time-stamp-precision=nano", "-ttnnqxx", "-r", file)
    if done.returncode != 0:
        return None
    lines = (line for line in done.stdout.splitlines() if re.match(rb"\s+0x|\d+\.\d+ ", line))
    return hashlib.sha256(b"\n".join(line if line.startswith(b"\t") else line.split()[0] for line in lines)).hexdigest()


def packets_by_tshark(file):
    done = run("tshark", "-n", "-r", file, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len",
               "-e", "frame.protocols")
    return hashlib.sha256(done.stdout).hexdigest()


def same_packets(name):
    ours, theirs = packets_by_tcpdump(copy(name)), packets_by_tcpdump(path(name))
    if theirs and ours:
        return ours == theirs
    return packets_by_tshark(copy(name)) == packets_by_tshark(path(name))


def round_trips(names):
    with ThreadPoolExecutor(2) as two:
        status = dict(zip(names, two.map(write_copy, names)))
        same = dict(zip(names, two.map(same_packets, [n for n in names])))
    both = facts([path(n) for n in names] + [copy(n) for n in names])
    wrong = [f"{n}: cat ended with {status[n]}" for n in names if status[n] not in (0, 4)]
    wrong += [f"{n}: tcpdump or tshark read other packets" for n in names if not same[n] and n not in UNTIMED]
    for name in names:
        mine, other = both.get(copy(name)), both.get(path(name))
        if name in UNTIMED:
            continue
        for key in FACTS:
            if not mine or not other or (number(mine[key]) != number(other[key])):
                wrong.append(f"{name}: {key}: {mine and mine[key]}, not {other and other[key]}")
    result(not wrong, f"what cat writes of {len(names)} captures are the same packets", *wrong)


def number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return text


# --- formats ---

def rows(table, name, form):
    out = run(TAPDECK, table, "file:" + path(name), "--format", form).stdout.decode()
    if form in ("csv", "tsv"):
        return parse_csv(out) if form == "csv" else parse_tsv(out)
    keep = {"parse_int": str, "parse_float": str}
    found = json.loads(out, **keep) if form == "json" else [json.loads(line, **keep) for line in out.splitlines()]
    return [{key: "" if value is None else value for key, value in row.items()} for row in found]


def parse_csv(out):
    return list(csv.DictReader(out.splitlines(keepends=True)))


def parse_tsv(out):
    """Escapes stand for what would break a row; the other formats escape bytes, but neither tab nor backslash."""
    lines = [line.split("\t") for line in out.split("\n")[:-1]]
    plain = {"\\t": "\t", "\\n": "\n", "\\\\": "\\"}
    return [dict(zip(lines[0], (re.sub(r"\\[tn\\]", lambda m: plain[m.group()], cell) for cell in line))) for line in lines[1:]]


def differ(job):
    table, name = job
    first = rows(table, name, "csv")
    return [f"{name}: {table} in {form} is not what csv says" for form in ("tsv", "json", "jsonl") if rows(table, name, form) != first]


def formats(names):
    with ThreadPoolExecutor(2) as two:
        wrong = sum(two.map(differ, [(TABLES[i % len(TABLES)], n) for i, n in enumerate(names)]), [])
    result(not wrong, f"four formats of {len(names)} captures say the same", *wrong)


# --- compressed files ---

def packed(lines):
    wrong = []
    for line in lines:
        row = rows("summary", line["file"], "csv")
        for ours, theirs in (("packets", "packets"), ("wire_bytes", "wire_bytes"), ("captured_bytes", "captured_bytes"),
                             ("duration_s", "duration_s"), ("format", "format")):
            if not row or number(row[0][ours]) != number(line[theirs]):
                wrong.append(f"{line['file']}: {ours}: {row and row[0][ours]}, not {line[theirs]}")
    result(not wrong, f"compressed captures, {len(lines)}, say what capinfos says", *wrong)


def main():
    lines = truth()
    # capinfos and tcpdump do not read on behind damage, or do not read them at all: a copy is more than they see.
    plain = [t["file"] for t in lines if t["capinfos_exit"] == "0" and not t["file"].endswith(".gz")]
    round_trips([n for n in plain if "empty" not in n])
    formats(plain)
    packed([t for t in lines if t["file"].endswith(".gz")])
    print(f"1..{tests}")
    return 1 if failed else 0


sys.exit(main())
