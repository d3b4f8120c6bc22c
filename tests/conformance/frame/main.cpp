// SPDX-License-Identifier: MIT
#include "host.h"
#include "test.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>

namespace conformance {
namespace {

constexpr char usage[] =
    "conformance [--list | --table] [OPTION...] [DIRECTORY] [PATTERN...]\n"
    "\n"
    "Runs the tests whose Suite.Rule fits a pattern (* stands for any text; -PATTERN leaves out).\n"
    "DIRECTORY is a directory on the volume to test; without one, where that is possible, the\n"
    "program makes a volume of its own.\n";

std::vector<TestCase>& tests()
{
    static std::vector<TestCase> all;
    return all;
}

std::atomic<unsigned> failures_of_test{0};
std::mutex printing;

bool matches(const char* pattern, const char* text)
{
    if (*pattern == '*')
        return matches(pattern + 1, text) || (*text != '\0' && matches(pattern, text + 1));
    return *pattern == *text && (*text == '\0' || matches(pattern + 1, text + 1));
}

/// The last pattern that fits decides; without a positive one all are wanted.
bool wanted(const std::string& name, const std::vector<const char*>& patterns)
{
    bool result = std::all_of(patterns.begin(), patterns.end(), [](const char* p) { return *p == '-'; });
    for (const char* pattern : patterns)
        if (const bool without = *pattern == '-'; matches(pattern + without, name.c_str()))
            result = !without;
    return result;
}

enum class Result
{
    passed,
    failed,
    skipped
};

Result run(const TestCase& test)
{
    const std::string name = std::string(test.suite) + "." + test.rule;
    const auto begin = std::chrono::steady_clock::now();
    std::printf("%s ", name.c_str());
    std::fflush(stdout);
    failures_of_test = 0;
    std::string skipped;
    try {
        const std::unique_ptr<Volume> volume = test.make();
        volume->begin(name);
        if (test.difference != nullptr && !volume->is_ours())
            SKIP("differs on purpose from other file systems");
        volume->run();
    } catch (const Failed&) {
    } catch (const Skipped& reason) {
        skipped = reason.reason;
    } catch (const std::exception& exception) {
        Report report{name.c_str(), 0, false, exception.what()};
        report = Note();
    }
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    if (failures_of_test != 0) {
        std::printf("FAILED %s\n", name.c_str());
        return Result::failed;
    }
    if (!skipped.empty()) {
        std::printf("skipped: %s\n", skipped.c_str());
        return Result::skipped;
    }
    std::printf("ok (%lld ms)\n", static_cast<long long>(took.count()));
    return Result::passed;
}

/// "NameGoesWithTheLastHandle" as words; a run of capitals is a name ("EAs", "POSIX").
std::string sentence(std::string_view rule)
{
    const auto capital = [&](std::size_t i) { return i < rule.size() && rule[i] >= 'A' && rule[i] <= 'Z'; };
    std::string result;
    for (std::size_t i = 0; i != rule.size(); ++i) {
        const bool begins =
            capital(i) && i != 0 && (!capital(i - 1) || (!capital(i + 1) && i + 1 < rule.size()));
        const bool one_letter_word = begins && capital(i + 1) && i + 2 < rule.size() && !capital(i + 2);
        const bool word = begins && (!capital(i + 1) || one_letter_word);
        if (begins)
            result += ' ';
        result += word ? static_cast<char>(rule[i] - 'A' + 'a') : rule[i];
    }
    return result;
}

/// The tables of docs/conformance.md.
void print_tables(const std::vector<TestCase>& chosen)
{
    const char* suite = "";
    for (const TestCase& test : chosen) {
        if (std::strcmp(suite, test.suite) != 0) {
            suite = test.suite;
            std::printf("\n## %s\n\n| rule | test | difference from NTFS |\n| --- | --- | --- |\n", suite);
        }
        std::printf("| %s | `%s.%s` | %s |\n", sentence(test.rule).c_str(), test.suite, test.rule,
                    test.difference != nullptr ? test.difference : "");
    }
}

int run_all(const std::vector<TestCase>& chosen, const char* directory)
{
    const std::u16string root = host::start(directory);
    if (root.empty())
        return 1;
    Volume::use(root);
    unsigned counts[3]{};
    for (const TestCase& test : chosen)
        ++counts[static_cast<int>(run(test))];
    const bool failures_count = host::failures_count();
    const bool clean = host::stop();
    std::printf("\n%u passed, %u failed, %u skipped\n", counts[0], counts[1] + (clean ? 0 : 1), counts[2]);
    return (counts[1] == 0 || !failures_count) && clean && counts[0] + counts[2] != 0 ? 0 : 1;
}

int main(int argc, char** argv)
{
    bool only_list = false, table = false;
    const char* directory = "";
    std::vector<const char*> patterns;
    for (int i = 1; i < argc; ++i) {
        const char* argument = argv[i];
        const char* value = i + 1 < argc ? argv[i + 1] : "";
        if (std::strcmp(argument, "--help") == 0)
            return std::fputs(usage, stdout), 0;
        if (std::strcmp(argument, "--list") == 0)
            only_list = true;
        else if (std::strcmp(argument, "--table") == 0)
            table = true;
        else if (const int taken = host::take_argument(argument, value); taken != 0)
            i += taken - 1;
        else if (std::strncmp(argument, "--", 2) == 0)
            return std::fprintf(stderr, "conformance: unknown option %s\n%s", argument, usage), 2;
        else if (std::strpbrk(argument, "\\/:") != nullptr)
            directory = argument;
        else
            patterns.push_back(argument);
    }

    std::vector<TestCase> chosen;
    for (const TestCase& test : tests())
        if (wanted(std::string(test.suite) + "." + test.rule, patterns))
            chosen.push_back(test);
    // The linker's order differs from system to system.
    std::sort(chosen.begin(), chosen.end(), [](const TestCase& a, const TestCase& b) {
        const int suites = std::strcmp(a.suite, b.suite);
        return suites < 0 || (suites == 0 && std::strcmp(a.rule, b.rule) < 0);
    });
    if (only_list)
        for (const TestCase& test : chosen)
            std::printf("%s.%s\n", test.suite, test.rule);
    if (table)
        print_tables(chosen);
    if (only_list || table)
        return 0;
    return run_all(chosen, directory);
}

} // namespace

Registration::Registration(const TestCase& test) { tests().push_back(test); }

void Report::operator=(const Note& note)
{
    ++failures_of_test;
    {
        const std::lock_guard lock(printing);
        std::printf("\n  %s:%d: %s%s%s\n", file, line, problem->c_str(), note.text().empty() ? "" : ": ",
                    note.text().c_str());
        std::fflush(stdout);
    }
    problem.reset();
    if (ends_test)
        throw Failed();
}

std::string printable(std::u16string_view text)
{
    std::string result;
    for (const char16_t unit : text) // a surrogate is shown as the three bytes of its own
        if (unit < 0x80)
            result += static_cast<char>(unit);
        else if (unit < 0x800)
            (result += static_cast<char>(0xC0 | unit >> 6)) += static_cast<char>(0x80 | (unit & 0x3F));
        else
            ((result += static_cast<char>(0xE0 | unit >> 12)) +=
             static_cast<char>(0x80 | (unit >> 6 & 0x3F))) += static_cast<char>(0x80 | (unit & 0x3F));
    return result;
}

} // namespace conformance

int main(int argc, char** argv) { return conformance::main(argc, argv); }
