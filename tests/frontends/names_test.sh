#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Names: everything that Linux allows comes back as it was written.
. "$(dirname "$0")/mount.sh"
start_memfs || exit 1
cat >"$T/names.py" <<'END'
import os, sys
d = os.fsencode(sys.argv[1])
os.mkdir(d)
names = [b"plain", b"CON", b"nul.txt", b"COM1", b"trailing.", b"trailing ", b"...", b". .", b" lead", b"a:b", b"a:b:$DATA", b"*", b"?", b"\"",
         b"<>", b"|", b"back\\slash", b"\x01\x1f", b"new\nline", b"tab\t", b"\x7f", "é".encode(), "e\u0301".encode(), "日本語".encode(),
         "😀 emoji 👩‍👩‍👧".encode(), "İıſß".encode(), b"\xff\xfe invalid utf-8 \x80", b"\xed\xa0\x80 surrogate", "\uf03a private".encode(),
         "\uf0ff".encode(), b"a" * 255, ("é" * 127).encode(), ("日" * 255).encode(), ("😀" * 63).encode(), b"UPPER", b"upper", b"~", b"-rf", b"$MFT", b"`"]
for n in names:
    with open(os.path.join(d, n), "wb") as f: f.write(n)
assert sorted(os.listdir(d)) == sorted(names), set(names) ^ set(os.listdir(d))
for n in names:
    assert open(os.path.join(d, n), "rb").read() == n, n
    os.rename(os.path.join(d, n), os.path.join(d, b"tmp"))
    os.rename(os.path.join(d, b"tmp"), os.path.join(d, n))
    os.symlink(n, os.path.join(d, b"link"))
    assert os.readlink(os.path.join(d, b"link")) == n, n
    os.unlink(os.path.join(d, b"link"))
for n in names:
    os.unlink(os.path.join(d, n))
    os.mkdir(os.path.join(d, n))
    os.rmdir(os.path.join(d, n))
assert os.listdir(d) == []
for long in (b"a" * 256, ("日" * 256).encode()):
    try:
        open(os.path.join(d, long), "wb")
        raise SystemExit("a name that is too long was taken")
    except OSError as e:
        assert e.errno == 36, e
os.rmdir(d)
END
check "names that only Linux allows, emoji, invalid UTF-8, 255 units" python3 "$T/names.py" "$M/names"
stop_memfs
start_memfs -i || exit 1
check "a case-insensitive volume finds a name in any case and keeps it as written" sh -c \
    "echo x >'$M/Hello.TXT' && [ \"\$(cat '$M/hello.txt')\" = x ] && [ \"\$(ls '$M')\" = Hello.TXT ]"
finish
