# SPDX-License-Identifier: MIT
# Sourced by the tests in this folder: mounts MEMFS, keeps the score, cleans up.
#
#   BIN=DIR with memfs    $M the mount point    $T scratch outside of it
#   $share the share of the work to do: 1 of so many, more than 1 if memfs runs under a sanitizer
set -u
BIN=$(realpath "${1:?usage: $0 FOLDER-WITH-MEMFS}")
[ -c /dev/fuse ] || { echo "no /dev/fuse here: skipped"; exit 77; }
T=$(mktemp -d "${TMPDIR:-/tmp}/openfsp-test.XXXXXX")
M=$T/mount
mkdir "$M"
chmod 755 "$T"
good=0 bad=0
memfs_pid=
share=${MOUNT_TEST_SHARE:-$(if ldd "$BIN/memfs" | grep -qE 'lib[at]san'; then echo 20; else echo 1; fi)}

mounted() { grep -qF " $M " /proc/self/mountinfo; }

# check_log: no finding of verifier or sanitizer in the log of the memfs that just ended
check_log() {
    if grep -qE 'verifier:|ERROR: [A-Za-z]*Sanitizer|WARNING: ThreadSanitizer|runtime error' "$T/memfs.log"; then
        not_ok "no finding of verifier or sanitizer"
        head -n 60 "$T/memfs.log" | sed 's/^/  # /'
    fi
}

# start_memfs [OPTION...]: returns when the drive is mounted; 1 and the log on standard error if it is not
start_memfs() {
    [ -f "$T/memfs.log" ] && check_log
    : >"$T/memfs.log" # the last one's must not be taken for this one's
    # The shell ignores Ctrl-C for what it runs in the background.
    env --default-signal=INT "$BIN/memfs" -n 1000000 -s 68719476736 "$@" -m "$M" >"$T/memfs.log" 2>&1 </dev/null &
    memfs_pid=$!
    local i
    for ((i = 0; i < 200; i++)); do
        mounted && grep -q '^memfs ' "$T/memfs.log" && return 0
        kill -0 "$memfs_pid" 2>/dev/null || break
        sleep 0.05
    done
    cat "$T/memfs.log" >&2
    return 1
}

# stop_memfs: unmounts with SIGTERM; the exit code of memfs
stop_memfs() {
    [ -n "$memfs_pid" ] || return 0
    kill -TERM "$memfs_pid" 2>/dev/null
    wait "$memfs_pid" 2>/dev/null
    local code=$?
    memfs_pid=
    return $code
}

ok() { good=$((good + 1)); echo "ok - $*"; }
not_ok() { bad=$((bad + 1)); echo "not ok - $*"; }

# check DESCRIPTION COMMAND...: the command must succeed
check() {
    local what=$1
    shift
    if "$@" >"$T/out" 2>&1; then ok "$what"; else
        not_ok "$what"
        tail -n 15 "$T/out" | sed 's/^/  # /'
    fi
}

# check_fails DESCRIPTION TEXT COMMAND...: the command must fail and say TEXT (extended regexp)
check_fails() {
    local what=$1 text=$2
    shift 2
    if "$@" >"$T/out" 2>&1; then not_ok "$what (succeeded)"; elif grep -qE -- "$text" "$T/out"; then ok "$what"; else
        not_ok "$what"
        tail -n 5 "$T/out" | sed 's/^/  # /'
    fi
}

cleanup() {
    cd /
    [ -n "$memfs_pid" ] && { kill -TERM "$memfs_pid" 2>/dev/null; for _ in $(seq 100); do kill -0 "$memfs_pid" 2>/dev/null || break; sleep 0.1; done; kill -KILL "$memfs_pid" 2>/dev/null; }
    mounted && fusermount3 -u -z "$M" 2>/dev/null
    rm -rf --one-file-system "$T"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# finish: last line of a test
finish() {
    cd / # a drive in which somebody stands is only detached
    if [ -n "$memfs_pid" ]; then
        stop_memfs && ok "memfs ends with exit code 0 on SIGTERM" || not_ok "memfs ends with exit code 0 on SIGTERM ($?)"
        mounted && not_ok "nothing stays mounted" || ok "nothing stays mounted"
    fi
    [ -f "$T/memfs.log" ] && check_log
    echo "$good passed, $bad failed"
    [ "$bad" = 0 ] && [ "$good" -gt 0 ]
    exit
}
