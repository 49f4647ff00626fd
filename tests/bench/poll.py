"""How long a poll takes, microseconds, medians: the whole command; the same without a socket (by a process that serves one client); one
request on a connection that is open. Arguments: TAPDECK TAPDECKD SOCKET SESSION."""
import os
import socket
import struct
import subprocess
import sys
import time

tapdeck, tapdeckd, path, session = sys.argv[1:5]
ROUNDS = 41


def text(s):
    return struct.pack(">I", len(s)) + s


def frame(kind, number, payload):
    return struct.pack(">IHHII", len(payload), kind, 0, 0, number) + payload


def read_frame(s):
    head = b""
    while len(head) < 16:
        head += s.recv(16 - len(head))
    left, kind, _, _, number = struct.unpack(">IHHII", head)
    while left:
        left -= len(s.recv(left))
    return kind, number


HELLO = frame(1, 0, struct.pack(">I", 1) + text(b"test") * 5 + struct.pack(">q", 0))


def poll(s, number):
    """QUERY of the table poll, until its WINDOW or ERROR is there."""
    words = struct.pack(">I", 1) + text(session.encode())
    s.sendall(frame(8, number, text(b"poll") + words + text(b"") * 3 + text(b"-time") + struct.pack(">QIII", 0, 1, 0, 0)))
    while True:
        kind, got = read_frame(s)
        if got == number:
            assert kind == 9, "no rows"
            return


def median(function):
    took = []
    for number in range(ROUNDS):
        start = time.perf_counter_ns()
        function(number + 1)
        took.append((time.perf_counter_ns() - start) / 1000)
    return sorted(took)[ROUNDS // 2]


def command(_):
    null = os.open("/dev/null", os.O_WRONLY)
    pid = os.posix_spawn(tapdeck, ["tapdeck", "poll", session], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
    assert os.waitpid(pid, 0)[1] == 0
    os.close(null)


def attached(number):
    ours, theirs = socket.socketpair()
    process = subprocess.Popen([tapdeckd, "--attach"], stdin=theirs, stdout=theirs, close_fds=True)
    theirs.close()
    ours.sendall(HELLO)
    poll(ours, number)
    ours.close()
    process.wait()


door = socket.socket(socket.AF_UNIX)
door.connect(path)
door.sendall(HELLO)
print("command %.0f" % median(command))
print("attached %.0f" % median(attached))
print("request %.0f" % median(lambda number: poll(door, number)))
