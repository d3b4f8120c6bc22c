# SPDX-License-Identifier: MIT
# Sourced by the tests in this folder.
#
#   BIN=DIR   $T scratch   $M the mount point   RUN=(openfsp-run)
set -u
BIN=$(realpath "${1:?usage: $0 FOLDER-WITH-OPENFSP-RUN}")
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -c /dev/fuse ] || { echo "no /dev/fuse here: skipped"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "needs root: skipped"; exit 77; }
T=$(mktemp -d "${TMPDIR:-/tmp}/openfsp-fuse.XXXXXX")
M=$T/mount
mkdir "$M"
chmod 755 "$T"
RUN=$BIN/openfsp-run
good=0 bad=0

ok() { good=$((good + 1)); echo "ok - $1"; }
not_ok() { bad=$((bad + 1)); echo "not ok - $1"; }
mounted() { grep -qF " $M " /proc/self/mountinfo; }

# unmount: and wait until the process named $1 (that has the mount point among its arguments) has ended
unmount() {
    local i
    for ((i = 0; i < 100; i++)); do
        mounted || break
        umount "$M" 2>/dev/null && break
        sleep 0.05
    done
    for ((i = 0; i < 100; i++)); do
        pgrep -f -- " $M( |$)" >/dev/null || return 0
        sleep 0.05
    done
    echo "the process is still there"
}

finish() {
    mounted && umount -l "$M"
    cd /
    rm -rf "$T"
}
trap finish EXIT
trap 'exit 1' INT TERM

# same NAME: the outputs $T/NAME.system and $T/NAME.ours
same() {
    if cmp -s "$T/$1.system" "$T/$1.ours"; then
        ok "$1: as on libfuse ($(wc -l <"$T/$1.ours") lines)"
    else
        not_ok "$1: as on libfuse"
        diff "$T/$1.system" "$T/$1.ours" | head -n 15 | sed 's/^/  # /'
    fi
}

score() {
    echo "$good ok, $bad not ok"
    [ $bad -eq 0 ]
    exit
}
