#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The public headers compile for Windows, in C and C++, and have the layout that tests/unit/dll/layout.cpp states.
set -u
cd "$(dirname "$0")/../.." || exit 1
options=(-Iinclude -Wall -Wextra -Werror -fsyntax-only)
ran=0 bad=0

# compile NAME COMMAND...: skipped if the command does not exist
compile() {
    local name=$1
    shift
    command -v "$1" > /dev/null || { echo "$name: $1 is not installed"; return; }
    ran=1
    if "$@" "${options[@]}"; then
        echo "$name: good"
    else
        echo "$name: FAILED"
        bad=1
    fi
}

for triple in x86_64-w64-mingw32 i686-w64-mingw32; do
    command -v $triple-gcc > /dev/null || continue # clang has no Windows headers of its own
    for internal in CLIENT WINFSP_DLL_INTERNAL; do
        compile "$triple g++ $internal" $triple-g++ -std=c++20 -D$internal tests/unit/dll/layout.cpp
        compile "$triple gcc $internal" $triple-gcc -std=gnu99 -D$internal tests/headers/client.c
        compile "$triple clang++ $internal" clang++-19 --target=$triple -std=c++20 -D$internal tests/unit/dll/layout.cpp
    done
    for version in 2 3; do
        source=tests/headers/fuse${version}_layout.c
        compile "$triple gcc FUSE $version" $triple-gcc -std=gnu11 -Wno-unused-function $source
        compile "$triple g++ FUSE $version" $triple-g++ -std=c++17 -x c++ -Wno-unused-function $source
        compile "$triple clang FUSE $version" clang-19 --target=$triple -std=gnu11 -Wno-unused-function $source
    done
    for use in 30 31 32; do
        compile "$triple gcc FUSE_USE_VERSION=$use" $triple-gcc -std=gnu11 -DFUSE_USE_VERSION=$use -Wno-unused-function \
            tests/headers/fuse3_layout.c
    done
    compile "$triple g++ C++11" $triple-g++ -std=c++11 tests/headers/client.cpp
done

# Debian has no C++ library and no C run-time for ARM64; the C headers are those of all architectures.
if [ -d /usr/share/mingw-w64/include ]; then
    for version in 2 3; do
        for language in c c++; do
            compile "aarch64 clang $language FUSE $version" clang-19 --target=aarch64-w64-windows-gnu -x $language \
                -isystem /usr/share/mingw-w64/include -Wno-unused-function tests/headers/fuse${version}_layout.c
        done
    done
    compile "aarch64 clang client" clang-19 --target=aarch64-w64-windows-gnu -std=gnu99 -isystem /usr/share/mingw-w64/include \
        tests/headers/client.c
fi

[ $ran = 1 ] || { echo "no compiler for Windows: skipped"; exit 77; }
exit $bad
