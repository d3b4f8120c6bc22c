#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Real trees, a git repository, a build: ordinary work on the drive.
. "$(dirname "$0")/mount.sh"
start_memfs || exit 1

copy_and_compare() {
    cp -a "$1" "$M/$2" && diff -r --no-dereference "$1" "$M/$2" &&
        [ -z "$(rsync -rlptgon --checksum --delete -i "$1/" "$M/$2/" | tee /dev/stderr)" ]
}
check "a copy of /usr/include is equal to it" copy_and_compare /usr/include include
check "a copy of /usr/share/doc is equal to it" copy_and_compare /usr/share/doc doc

parallel() {
    local pids=() i
    for i in 1 2 3 4; do
        (cp -a /usr/include "$M/p$i" && diff -r --no-dereference /usr/include "$M/p$i" && rm -r "$M/p$i") &
        pids+=($!)
    done
    local code=0
    for i in "${pids[@]}"; do wait "$i" || code=1; done
    return $code
}
check "four copies at once" parallel

make_repository() {
    git init -q -b main "$T/origin" && cd "$T/origin" || return 1
    git config user.email t@example.org && git config user.name Test
    local i
    for ((i = 1; i <= 1100; i++)); do
        printf 'commit refs/heads/main\ncommitter Test <t@example.org> %d +0000\ndata 5\nc%04d\n' $((1700000000 + i)) "$i"
        [ "$i" = 1 ] || printf 'from :%d\n' $((i - 1))
        printf 'M 100644 inline dir%d/file%d\ndata 12\ncontent %04d\n' $((i % 20)) $((i % 300)) "$i"
    done | awk '/^committer/ { print "mark :" ++n } { print }' | git fast-import --quiet
    [ "$(git rev-list --count main)" = 1100 ]
}
check "a repository of 1,100 commits" make_repository
check "git clone onto the drive" git clone -q "file://$T/origin" "$M/clone"
check "git fsck" git -C "$M/clone" fsck --full --strict
check "git gc" git -C "$M/clone" gc -q --aggressive --prune=now
check "git fsck after gc" git -C "$M/clone" fsck --full --strict
check "git status is clean" sh -c "[ -z \"\$(git -C '$M/clone' status --porcelain)\" ]"
check "git checkout of an old commit and back" sh -c "git -C '$M/clone' checkout -q HEAD~500 && git -C '$M/clone' checkout -q main"

make_project() {
    mkdir "$M/project" && cd "$M/project" || return 1
    local i
    {
        echo 'cmake_minimum_required(VERSION 3.16)'
        echo 'project(two_hundred C)'
        echo 'file(GLOB sources *.c)'
        # shellcheck disable=SC2016
        echo 'add_executable(program ${sources})'
    } >CMakeLists.txt
    for ((i = 0; i < 199; i++)); do echo "int f$i(void) { return $i; }" >"f$i.c"; done
    {
        for ((i = 0; i < 199; i++)); do echo "int f$i(void);"; done
        echo 'int main(void) { int s = 0;'
        for ((i = 0; i < 199; i++)); do echo "s += f$i();"; done
        echo 'return s == 19701 ? 0 : 1; }'
    } >main.c
    cmake -S . -B build && cmake --build build -j2 && ./build/program && cmake --build build 2>&1 | tee "$T/again" &&
        ! grep -q Building "$T/again"
}
check "configure and build a project of 200 files with -j2, and run it" make_project
finish
