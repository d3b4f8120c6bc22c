#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# every_configuration.sh CONFORMANCE [PATTERN...]: runs the suite for every kind of volume, one after the other.
set -u
program=$(realpath "${1:?usage: $0 build/release/bin/conformance [PATTERN...]}")
shift
bad=0
for timeout in 0 1000 infinite; do
    for network in '' --network; do
        for case in '' --case-insensitive; do
            for threads in 1 16; do
                for inline in 1 0; do
                    configuration="--timeout $timeout $network $case --threads $threads --inline $inline"
                    # shellcheck disable=SC2086
                    result=$("$program" $configuration "$@" 2>&1) || { bad=1; echo "$result"; }
                    echo "$configuration: $(tail -n 1 <<<"$result")"
                done
            done
        done
    done
done
exit $bad
