// SPDX-License-Identifier: MIT
#include "verifier/stack.h"

#include "ntos/verifier.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <execinfo.h>

namespace fsp::ntos::verifier {

Flag enabled;

namespace {

std::atomic<unsigned> count{0};
std::atomic<Hook> hook{nullptr};

struct Collected
{
    std::mutex lock;
    std::vector<std::string> sentences;
    int expecting = 0;
};

Collected& collected()
{
    static Collected* instance = new Collected;
    return *instance;
}

[[gnu::constructor]] void enable_from_environment()
{
    const char* value = std::getenv("OPENFSP_VERIFIER");
    if (value != nullptr && *value != 0 && std::strcmp(value, "0") != 0)
        enable();
}

} // namespace

void Stack::capture() { depth = backtrace(frames, max_frames); }

void Stack::print(const char* title) const
{
    std::fprintf(stderr, "  %s:\n", title);
    std::fflush(stderr);
    // The innermost frames are the verifier's own.
    const int skipped = depth > 2 ? 2 : 0;
    backtrace_symbols_fd(frames + skipped, depth - skipped, 2);
}

bool tell(const char* sentence)
{
    {
        Collected& c = collected();
        std::lock_guard guard(c.lock);
        if (c.expecting > 0) {
            c.sentences.push_back(sentence);
            return false;
        }
    }
    count.fetch_add(1, std::memory_order_relaxed);
    if (Hook h = hook.load()) {
        h(sentence);
        return false;
    }
    std::fprintf(stderr, "verifier: %s\n", sentence);
    return true;
}

void enable() { enabled.on.store(true, std::memory_order_relaxed); }
void disable() { enabled.on.store(false, std::memory_order_relaxed); }
unsigned findings() { return count.load(std::memory_order_relaxed); }
void set_hook(Hook h) { hook.store(h); }

void report(const char* format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (!tell(sentence))
        return;
    Stack stack;
    stack.capture();
    stack.print("at");
}

Expect::Expect()
{
    Collected& c = collected();
    std::lock_guard guard(c.lock);
    if (c.expecting++ == 0)
        c.sentences.clear();
}

Expect::~Expect()
{
    Collected& c = collected();
    std::lock_guard guard(c.lock);
    c.expecting--;
}

std::vector<std::string> Expect::found() const
{
    Collected& c = collected();
    std::lock_guard guard(c.lock);
    return c.sentences;
}

bool Expect::found(const char* text) const
{
    for (const std::string& s : found())
        if (s.find(text) != std::string::npos)
            return true;
    return false;
}

} // namespace fsp::ntos::verifier
