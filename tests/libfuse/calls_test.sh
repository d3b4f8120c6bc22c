#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a FUSE program hears when applications work: the same sequence of calls as on libfuse, but for the differences that
# expected_calls.txt explains.
# shellcheck source=tests/libfuse/common.sh
. "$(dirname "$0")/common.sh"
mkdir "$T/source"

# try NAME VERSION OPTION...: records on both libraries, and compares
try() {
    local name=$1 version=$2 library environment problems
    shift 2
    for library in system ours; do
        environment=()
        [ $library = system ] && environment=(LD_LIBRARY_PATH="$(dirname "$(ldconfig -p | awk '/libfuse3?\.so\.'"$version"' / { print $NF; exit }')")")
        rm -rf "${T:?}/source/"*
        : >"$T/log"
        env "${environment[@]}" "$BIN/calls$version" "$T/log" -o "$(IFS=,; echo "$*")" "$T/source" "$M" || break
        python3 "$HERE/calls.py" record "$M" "$T/source" "$T/log" "$T/$name.$library"
        unmount
    done
    if problems=$(python3 "$HERE/calls.py" compare "$name" "$T/$name.system" "$T/$name.ours" "$HERE/expected_calls.txt" 2>&1); then
        ok "$name: as on libfuse ($problems)"
    else
        not_ok "$name: as on libfuse"
        sed 's/^/  # /' <<<"$problems"
    fi
}

# try_all VERSION
try_all() {
    ldconfig -p | grep -q "libfuse3\\?\\.so\\.$1 " || return
    try fuse$1-remembering $1 allow_other entry_timeout=3600 attr_timeout=3600
    try fuse$1-forgetting $1 allow_other entry_timeout=0 attr_timeout=0
    CALLS_IN_PIECES=1 try fuse$1-in-pieces $1 allow_other entry_timeout=3600 attr_timeout=3600
}
try_all 2
try_all 3
# Who waits for a lock of the program's keeps nobody from the file.
"$BIN/calls3" "$T/log" "$T/source" "$M"
if timeout 60 python3 - "$M/locked" <<'PY'; then ok "a writer goes on while another waits for its lock"; else
import fcntl, os, sys, time
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.lockf(file, fcntl.LOCK_EX)
child = os.fork()
if child == 0:
    fcntl.lockf(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX)
    os._exit(7)
# Until it sleeps in the file system's process, where the waiting is done.
while not any("fcntl" in open(f"/proc/{p}/task/{t}/wchan").read() or "lock" in open(f"/proc/{p}/task/{t}/wchan").read()
              for p in os.listdir("/proc") if p.isdigit() and "calls3" in open(f"/proc/{p}/comm").read()
              for t in os.listdir(f"/proc/{p}/task")):
    time.sleep(0.01)
os.write(file, b"x")
fcntl.lockf(file, fcntl.LOCK_UN)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 7)
PY
    not_ok "a writer goes on while another waits for its lock"
fi
unmount
score
