// SPDX-License-Identifier: MIT
//
// stress [--seconds N] [--seed S] [--threads N] [--queue] [--verbose]
//
// Random calls of the NT API on few names of MEMFS volumes, on many threads, while volumes are stopped and
// killed. Nothing is expected of a call but that it ends. Exit code 0: no thread hung, no request was
// forgotten, nothing was read that was not written, the verifier found nothing, nothing leaked.
#include "stress/worker.h"

#include "host/system.h"
#include "ntos/verifier.h"
#include "support/memfs_volume.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <execinfo.h>
#include <unistd.h>

namespace {

using namespace fsp::stress;
using namespace std::chrono_literals;

struct Options
{
    unsigned seconds = 20;
    uint64_t seed = 1;
    unsigned threads = 32;
    bool queue = false; ///< requests always go through the dispatcher's threads
    bool verbose = false;
};

/// A thread that has done nothing for so long has been forgotten.
constexpr int patience_seconds = 90;

Options parse(int argc, char** argv)
{
    Options o;
    for (int i = 1; i < argc; i++) {
        const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 0) : 0; };
        if (std::strcmp(argv[i], "--seconds") == 0)
            o.seconds = static_cast<unsigned>(number());
        else if (std::strcmp(argv[i], "--seed") == 0)
            o.seed = number();
        else if (std::strcmp(argv[i], "--threads") == 0)
            o.threads = static_cast<unsigned>(number());
        else if (std::strcmp(argv[i], "--queue") == 0)
            o.queue = true;
        else if (std::strcmp(argv[i], "--verbose") == 0)
            o.verbose = true;
        else {
            std::fprintf(stderr,
                         "usage: stress [--seconds N] [--seed S] [--threads N] [--queue] [--verbose]\n");
            std::exit(2);
        }
    }
    return o;
}

void print_stack(int)
{
    void* frames[48];
    backtrace_symbols_fd(frames, backtrace(frames, 48), 2);
    (void)!write(2, "\n", 1);
}

/// Also those of the executive's and the file systems' threads.
void print_all_stacks()
{
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        const int id = std::atoi(task.path().filename().c_str());
        if (id == gettid())
            continue;
        std::fprintf(stderr, "task %d:\n", id);
        tgkill(getpid(), id, SIGUSR1);
        std::this_thread::sleep_for(100ms);
    }
}

struct Crew
{
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<std::thread> threads;
    std::vector<uint64_t> seen;
    std::vector<int> idle;

    Crew(World& world, const Options& o, const std::atomic<bool>& stop) : seen(o.threads), idle(o.threads)
    {
        for (unsigned i = 0; i < o.threads; i++)
            workers.push_back(std::make_unique<Worker>(world, o.seed * 1000 + i + 1));
        for (auto& w : workers)
            threads.emplace_back([&stop, worker = w.get()] { worker->run(stop); });
    }

    /// Once a second.
    void check_for_hang()
    {
        bool hangs = false;
        for (size_t i = 0; i < workers.size(); i++) {
            const uint64_t now = workers[i]->count();
            idle[i] = now == seen[i] && std::strcmp(workers[i]->doing(), "nothing") != 0 ? idle[i] + 1 : 0;
            seen[i] = now;
            hangs |= idle[i] > patience_seconds;
        }
        if (!hangs)
            return;
        for (size_t i = 0; i < workers.size(); i++)
            std::fprintf(stderr, "thread %zu: %s for %d s\n", i, workers[i]->doing(), idle[i]);
        fsp::ntos::verifier::print_resource_waits();
        print_all_stacks();
        std::abort();
    }

    bool busy() const
    {
        for (const auto& w : workers)
            if (std::strcmp(w->doing(), "nothing") != 0)
                return true;
        return false;
    }

    void print_scores() const
    {
        const auto& actions = Worker::actions();
        for (size_t a = 0; a <= actions.size(); a++) {
            Worker::Score sum{};
            for (const auto& w : workers) {
                sum.calls += w->scores()[a].calls;
                sum.successes += w->scores()[a].successes;
            }
            std::printf("%-20s %10llu calls %10llu successes\n",
                        a < actions.size() ? actions[a].name : "stop or kill",
                        static_cast<unsigned long long>(sum.calls),
                        static_cast<unsigned long long>(sum.successes));
        }
    }
};

} // namespace

int main(int argc, char** argv)
{
    const Options o = parse(argc, argv);
    signal(SIGUSR1, print_stack);
    fsp::ntos::verifier::enable();
    if (!NT_SUCCESS(fsp::host::start()))
        return 1;
    uint64_t calls = 0;
    unsigned mistakes = 0;
    {
        World world(o.seed, !o.queue);
        std::atomic<bool> stop{false};
        Crew crew(world, o, stop);
        for (unsigned second = 0; second < o.seconds; second++) {
            std::this_thread::sleep_for(1s);
            crew.check_for_hang();
        }
        stop = true;
        while (crew.busy()) {
            std::this_thread::sleep_for(1s);
            crew.check_for_hang();
        }
        for (auto& t : crew.threads)
            t.join();
        for (const auto& w : crew.workers)
            calls += w->count();
        if (o.verbose)
            crew.print_scores();
        mistakes = world.mistakes();
    }
    const unsigned findings = fsp::test::end_and_count_findings();
    std::printf("seed %llu: %llu calls in %u s, %u mistakes, %u findings\n",
                static_cast<unsigned long long>(o.seed), static_cast<unsigned long long>(calls), o.seconds,
                mistakes, findings);
    return mistakes == 0 && findings == 0 ? 0 : 1;
}
