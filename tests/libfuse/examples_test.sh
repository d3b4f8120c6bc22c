#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# libfuse's example programs, compiled against our headers and against libfuse's: each does the same on both.
# shellcheck source=tests/libfuse/common.sh
. "$(dirname "$0")/common.sh"
examples=/usr/share/doc/libfuse3-dev/examples
[ -d $examples ] || { echo "no examples of libfuse3-dev: skipped"; exit 77; }

# build NAME: $T/NAME.system, $T/NAME.ours
build() {
    local options=(-w -O1 -D_FILE_OFFSET_BITS=64 -DHAVE_UTIMENSAT -DHAVE_SETXATTR -DHAVE_POSIX_FALLOCATE)
    gcc "${options[@]}" -I/usr/include/fuse3 "$examples/$1.c" -lfuse3 -lpthread -o "$T/$1.bin.system" &&
        gcc "${options[@]}" -I"$HERE/../../include/fuse3" "$examples/$1.c" -L"$BIN/fuse" -lfuse3 -lpthread \
            -Wl,-rpath,"$BIN/fuse" -o "$T/$1.bin.ours"
}

# try NAME FUNCTION [OPTION...]: mounts, calls the function, unmounts, on both
try() {
    local name=$1 function=$2 library
    shift 2
    build "$name" || { not_ok "$name: compiles"; return; }
    for library in system ours; do
        {
            "$T/$name.bin.$library" "$@" "$M" 2>&1
            echo "exit code $?"
            $function 2>&1
            unmount
        } >"$T/$name.$library"
    done
    same "$name"
}

use_hello() {
    ls "$M"
    cat "$M/hello"
    stat -c '%A %h %s' "$M/hello" "$M"
    echo x >"$M/hello"
    touch "$M/new"
}
use_null() {
    head -c 100 "$M" | md5sum
    echo x >"$M"
    stat -c '%A %s' "$M"
}
a_file() { # its mount point is a file
    M=$T/file
    touch "$M"
}
use_tree() {
    mkdir "$T/tree"
    bash "$HERE/use.sh" "$M$T/tree" "$T"
    rm -rf "$T/tree"
}
use_poll() {
    ls "$M"
    head -c 1 "$M/F" | od -c | head -n 1
}
use_ioctl() {
    stat -c %s "$M/fioc"
    "$T/ioctl_client" "$M/fioc" 12345
    "$T/ioctl_client" "$M/fioc"
}
use_invalidate() {
    ls "$M"
    local file=$M/current_time a b i
    a=$(cat "$file")
    for ((i = 0; i < 40; i++)); do
        b=$(cat "$file")
        [ "$a" != "$b" ] && break
        sleep 0.1
    done
    [ "$a" != "$b" ] && echo "the time goes on"
}

gcc -w "$examples/ioctl_client.c" -o "$T/ioctl_client"
try hello use_hello
(a_file; try null use_null -s; [ $bad -eq 0 ]) || bad=$((bad + 1))
try passthrough use_tree
try passthrough_fh use_tree
try poll use_poll
try ioctl use_ioctl
try invalidate_path use_invalidate --update-interval=1
score
