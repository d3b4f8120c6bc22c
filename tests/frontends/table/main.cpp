// SPDX-License-Identifier: MIT
//
// posix_table MOUNT MODEL [TABLE...]
//
// Tables of POSIX: calls x conditions x users, each done in a directory of the drive and in one of a file
// system that is known to be right (tmpfs, mounted with noatime). Compared are errno, what stat says
// afterwards and which times moved. Prints each difference; exit code 0 without any. Needs root.
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include "both.h"

int main(int count, char** arguments)
{
    static constexpr struct
    {
        const char* name;
        void (*run)(table::Both&);
        bool asked_for; ///< runs only when it is named
    } tables[] = {
        {"paths", table::paths, false},
        {"renames", table::renames, false},
        {"opens", table::opens, false},
        {"creations", table::creations, false},
        {"owners", table::owners, false},
        {"accesses", table::accesses, false},
        {"moved_times", table::moved_times, false},
        {"set_times", table::set_times, false},
        {"input_output", table::input_output, false},
        {"directories", table::directories, false},
        {"read_only", table::read_only, true},
    };
    if (count < 3 || geteuid() != 0) {
        fprintf(stderr, "usage, as root: posix_table MOUNT MODEL [TABLE...]\n");
        return 2;
    }
    const std::string here = std::filesystem::canonical(arguments[1]);
    const std::string model = std::filesystem::canonical(arguments[2]);
    setvbuf(stdout, nullptr, _IOLBF, 0);
    size_t failures = 0;
    for (const auto& each : tables) {
        bool wanted = count == 3 && !each.asked_for;
        for (int i = 3; i < count; ++i)
            wanted |= strcmp(arguments[i], each.name) == 0;
        if (!wanted)
            continue;
        table::Both both(here, model);
        each.run(both);
        printf("%s: %zu cases, %zu different\n", each.name, both.cases(), both.failures());
        failures += both.failures();
    }
    return failures != 0;
}
