// SPDX-License-Identifier: MIT
//
// model [--sequences N | --seconds N] [--seed S] [--length N] [--threads N] [--replay "SEQUENCE"] [--known
// FILE]
//
// Runs random sequences of calls on MEMFS and on the model, and compares every answer. A sequence on which
// they differ is made as short as it gets and printed in the form that --replay takes; once mended it belongs
// into known.txt, whose sequences are run first. Exit code 0: no difference.
#include "model/model.h"
#include "model/system.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace {

using namespace fsp::model;

struct Options
{
    uint64_t sequences = 1000;
    unsigned seconds = 0; ///< if not 0: as many sequences as there is time for
    uint64_t seed = 1;
    unsigned length = 60;
    unsigned threads = 2; ///< of the dispatcher
    const char* replay = nullptr;
    const char* known = nullptr;
};

Options parse_options(int argc, char** argv)
{
    Options o;
    for (int i = 1; i < argc; i++) {
        const char* value = i + 1 < argc ? argv[i + 1] : "";
        if (std::strcmp(argv[i], "--sequences") == 0)
            o.sequences = std::strtoull(value, nullptr, 0);
        else if (std::strcmp(argv[i], "--seconds") == 0)
            o.seconds = static_cast<unsigned>(std::strtoul(value, nullptr, 0));
        else if (std::strcmp(argv[i], "--seed") == 0)
            o.seed = std::strtoull(value, nullptr, 0);
        else if (std::strcmp(argv[i], "--length") == 0)
            o.length = static_cast<unsigned>(std::strtoul(value, nullptr, 0));
        else if (std::strcmp(argv[i], "--threads") == 0)
            o.threads = static_cast<unsigned>(std::strtoul(value, nullptr, 0));
        else if (std::strcmp(argv[i], "--replay") == 0)
            o.replay = value;
        else if (std::strcmp(argv[i], "--known") == 0)
            o.known = value;
        else {
            std::fprintf(stderr, "usage: model [--sequences N | --seconds N] [--seed S] [--length N] "
                                 "[--threads N] [--replay SEQUENCE] [--known FILE]\n");
            std::exit(2);
        }
        i++;
    }
    return o;
}

std::string describe(const Outcome& o)
{
    char status[16];
    std::snprintf(status, sizeof status, "0x%08x", static_cast<unsigned>(o.status));
    return status + (o.detail.empty() ? std::string() : " \"" + o.detail + "\"");
}

/// What is a file in the middle of a path the file system says in two ways; NTFS only in one.
bool same(const Operation& operation, Outcome real, const Outcome& right)
{
    if (real.status == STATUS_NOT_A_DIRECTORY && right.status == STATUS_OBJECT_PATH_NOT_FOUND)
        real.status = right.status;
    // The driver looks at sharing before it knows that a file to be superseded is read-only.
    if (operation.kind == Kind::open && operation.disposition == FILE_SUPERSEDE &&
        real.status == STATUS_SHARING_VIOLATION && right.status == STATUS_ACCESS_DENIED)
        real.status = right.status;
    return real == right;
}

/// @return index of the first call on which model and system differ, or the sequence's length
size_t run(const Sequence& sequence, unsigned threads, bool print)
{
    System system(threads);
    Model model;
    for (size_t i = 0; i < sequence.size(); i++) {
        const Outcome real = system.perform(sequence[i]);
        const Outcome right = model.perform(sequence[i]);
        if (print)
            std::printf("    %-60s %s%s%s\n", to_text({sequence[i]}).c_str(), describe(real).c_str(),
                        same(sequence[i], real, right) ? "" : "   the model says ",
                        same(sequence[i], real, right) ? "" : describe(right).c_str());
        if (!same(sequence[i], real, right))
            return i;
    }
    return sequence.size();
}

bool fails(const Sequence& sequence, unsigned threads)
{
    return run(sequence, threads, false) != sequence.size();
}

/// Leaves out what the difference does not need: longer pieces first.
Sequence shrink(Sequence sequence, unsigned threads)
{
    sequence.resize(run(sequence, threads, false) + 1);
    for (size_t piece = sequence.size() / 2; piece > 0;) {
        bool shorter = false;
        for (size_t at = 0; at + piece <= sequence.size();) {
            Sequence rest = sequence;
            rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at),
                       rest.begin() + static_cast<std::ptrdiff_t>(at + piece));
            if (!rest.empty() && fails(rest, threads)) {
                sequence = rest;
                shorter = true;
            } else
                at += piece;
        }
        if (!shorter)
            piece /= 2;
    }
    return sequence;
}

/// @return false if model and system differ; says so
bool check(const Sequence& sequence, unsigned threads)
{
    if (!fails(sequence, threads))
        return true;
    const Sequence smallest = shrink(sequence, threads);
    std::printf("model and system differ:\n");
    run(smallest, threads, true);
    std::printf("replay: model --replay \"%s\"\n", to_text(smallest).c_str());
    return false;
}

bool check_text(const std::string& text, unsigned threads)
{
    const auto sequence = parse(text);
    if (!sequence) {
        std::printf("not a sequence: %s\n", text.c_str());
        return false;
    }
    return check(*sequence, threads);
}

bool check_known(const char* file, unsigned threads)
{
    std::ifstream in(file);
    bool ok = in.good();
    for (std::string line; std::getline(in, line);)
        if (!line.empty() && line[0] != '#')
            ok &= check_text(line, threads);
    return ok;
}

} // namespace

int main(int argc, char** argv)
{
    const Options o = parse_options(argc, argv);
    bool ok = o.known == nullptr || check_known(o.known, o.threads);
    uint64_t sequences = 0;
    if (o.replay != nullptr)
        ok &= check_text(o.replay, o.threads);
    else {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(o.seconds);
        const auto more = [&] {
            return o.seconds != 0 ? std::chrono::steady_clock::now() < end : sequences < o.sequences;
        };
        while (ok && more()) {
            std::mt19937_64 random(o.seed * 1'000'003 + sequences);
            Sequence sequence(o.length);
            for (Operation& operation : sequence)
                operation = random_operation(random);
            ok &= check(sequence, o.threads);
            sequences++;
        }
        std::printf("seed %llu: %llu sequences of %u calls\n", static_cast<unsigned long long>(o.seed),
                    static_cast<unsigned long long>(sequences), o.length);
    }
    const unsigned findings = fsp::test::end_and_count_findings();
    return ok && findings == 0 ? 0 : 1;
}
