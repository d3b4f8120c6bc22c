// SPDX-License-Identifier: MIT
//
// The driver's own price: Nt calls on a MEMFS volume in this process, with inline dispatch; ns a call, memory
// a file and a handle, and in which rooms the time goes (sampled program counters).
//
// The time of a call stands with the processor time of all threads behind it, which says more on a busy
// machine.
//
//   driver_cost [SECONDS-PER-MEASURE [PART-OF-A-MEASURE'S-NAME]]
#include "memfs/memfs.h"

#include <ntifs.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

namespace {

std::atomic<unsigned> samples_taken;
void* samples[200'000];

void sample(int, siginfo_t*, void* context)
{
    const unsigned at = samples_taken.fetch_add(1, std::memory_order_relaxed);
    if (at < std::size(samples))
#if defined(__x86_64__)
        samples[at] = reinterpret_cast<void*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#else
        samples[at] = reinterpret_cast<void*>(static_cast<ucontext_t*>(context)->uc_mcontext.pc);
#endif
}

void set_sampling(bool on)
{
    struct sigaction action{};
    action.sa_sigaction = sample;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGPROF, &action, nullptr);
    itimerval interval{};
    interval.it_interval.tv_usec = interval.it_value.tv_usec = on ? 1000 : 0;
    setitimer(ITIMER_PROF, &interval, nullptr);
}

/// The load address of this program, to turn addresses into those of the file.
std::uintptr_t load_address()
{
    std::ifstream maps("/proc/self/maps");
    std::uintptr_t first = 0;
    maps >> std::hex >> first;
    return first;
}

/// Prints the share of each room: the source folder that addr2line finds for a sample.
void print_profile()
{
    const unsigned count = std::min<unsigned>(samples_taken.exchange(0), std::size(samples));
    char command[4200] = "addr2line -e ";
    const ssize_t length = readlink("/proc/self/exe", command + 13, 4096);
    if (count == 0 || length < 0)
        return;
    char list[] = "/tmp/openfsp-samples-XXXXXX";
    const int fd = mkstemp(list);
    FILE* out = fdopen(fd, "w");
    const std::uintptr_t base = load_address();
    for (unsigned i = 0; i != count; ++i)
        fprintf(out, "%zx\n", reinterpret_cast<std::uintptr_t>(samples[i]) - base);
    fclose(out);
    FILE* lines = popen((std::string(command) + " <" + list).c_str(), "r");
    std::map<std::string, unsigned> rooms;
    char line[4096];
    while (lines != nullptr && fgets(line, sizeof line, lines) != nullptr) {
        const std::string where = line;
        const std::size_t src = where.rfind("/src/"), sample_folder = where.rfind("/samples/");
        std::string room = "system libraries and kernel";
        if (src != where.npos) {
            const std::size_t end = where.find_first_of("/", src + 5);
            room = where.substr(src + 1, end - src - 1);
            if (room == "src/ntos" && end != where.npos)
                room = where.substr(src + 1, where.find('/', end + 1) - src - 1);
        } else if (sample_folder != where.npos) {
            room = "samples/memfs";
        }
        ++rooms[room];
    }
    if (lines != nullptr)
        pclose(lines);
    unlink(list);
    std::vector<std::pair<unsigned, std::string>> order;
    for (const auto& [room, n] : rooms)
        order.emplace_back(n, room);
    std::sort(order.rbegin(), order.rend());
    printf("    ");
    for (const auto& [n, room] : order)
        printf(" %s %.0f%%", room.c_str(), 100.0 * n / count);
    printf("\n");
}

double seconds = 1;
std::string only;

/// ns that all threads of this process have worked
double processor_time()
{
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

template<class Work> void measure(const char* name, Work work)
{
    if (std::string(name).find(only) == std::string::npos)
        return;
    for (int i = 0; i != 1000; ++i)
        work();
    samples_taken = 0;
    set_sampling(true);
    const auto start = std::chrono::steady_clock::now();
    const double processor_start = processor_time();
    std::chrono::duration<double, std::nano> taken{};
    long count = 0;
    do {
        for (int i = 0; i != 1000; ++i)
            work();
        count += 1000;
        taken = std::chrono::steady_clock::now() - start;
    } while (taken.count() < seconds * 1e9);
    const double processor = processor_time() - processor_start;
    set_sampling(false);
    const auto calls = static_cast<double>(count);
    printf("%-34s %8.0f ns %8.0f ns processor\n", name, taken.count() / calls, processor / calls);
    print_profile();
}

void expect(NTSTATUS status, const char* what)
{
    if (NT_SUCCESS(status))
        return;
    fprintf(stderr, "%s: status 0x%08X\n", what, static_cast<unsigned>(status));
    exit(1);
}

HANDLE open(const std::u16string& path, ACCESS_MASK access, ULONG disposition, ULONG options)
{
    UNICODE_STRING name{static_cast<USHORT>(path.size() * 2), static_cast<USHORT>(path.size() * 2),
                        const_cast<PWSTR>(path.data())};
    OBJECT_ATTRIBUTES object{};
    object.Length = sizeof object;
    object.ObjectName = &name;
    HANDLE handle = nullptr;
    IO_STATUS_BLOCK block{};
    expect(NtCreateFile(&handle, access | SYNCHRONIZE, &object, &block, nullptr, 0,
                        FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, disposition,
                        options | FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0),
           "NtCreateFile");
    return handle;
}

long resident()
{
    long pages = 0;
    std::ifstream statm("/proc/self/statm");
    statm >> pages >> pages;
    return pages * sysconf(_SC_PAGESIZE);
}

std::u16string wide(const std::string& text) { return {text.begin(), text.end()}; }

/// Memory of 100,000 files that nobody has open, and of 10,000 open handles.
void measure_memory(const std::u16string& root)
{
    constexpr int files = 100'000, handles = 10'000;
    const long before = resident();
    for (int i = 0; i != files; ++i)
        NtClose(open(root + wide("file" + std::to_string(i)), FILE_READ_ATTRIBUTES, FILE_CREATE, 0));
    const long idle = resident();
    std::vector<HANDLE> open_files;
    open_files.reserve(handles);
    for (int i = 0; i != handles; ++i)
        open_files.push_back(open(root + wide("file" + std::to_string(i)), FILE_READ_DATA, FILE_OPEN, 0));
    const long opened = resident();
    for (const HANDLE handle : open_files)
        NtClose(handle);
    printf("%-34s %8ld bytes\n%-34s %8ld bytes\n", "memory of an idle file", (idle - before) / files,
           "memory of an open file", (opened - idle) / handles);
}

} // namespace

int main(int argc, char** argv)
{
    seconds = argc > 1 ? atof(argv[1]) : seconds;
    only = argc > 2 ? argv[2] : "";
    memfs::Options options;
    options.max_nodes = 1'000'000;
    std::unique_ptr<memfs::Memfs> memfs;
    expect(memfs::Memfs::create(options, memfs), "FspFileSystemCreate");
    expect(FspFileSystemStartDispatcher(memfs->handle(), 0), "FspFileSystemStartDispatcher");
    const std::u16string root = std::u16string(memfs->handle()->VolumeName) + u"\\";
    NtClose(open(root + u"file", FILE_WRITE_DATA, FILE_CREATE, 0));

    measure("open + close", [&] { NtClose(open(root + u"file", FILE_READ_DATA, FILE_OPEN, 0)); });
    measure("create + delete on close",
            [&] { NtClose(open(root + u"new", DELETE, FILE_CREATE, FILE_DELETE_ON_CLOSE)); });

    static char data[65536];
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER offset{};
    for (const ULONG option : {0U, FILE_NO_INTERMEDIATE_BUFFERING + 0U}) {
        const HANDLE file =
            open(root + u"file", FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES, FILE_OPEN, option);
        const std::string kind = option == 0 ? ", cached" : ", not cached";
        expect(NtWriteFile(file, nullptr, nullptr, nullptr, &block, data, sizeof data, &offset, nullptr),
               "NtWriteFile");
        measure(("read 4 KiB" + kind).c_str(), [&] {
            expect(NtReadFile(file, nullptr, nullptr, nullptr, &block, data, 4096, &offset, nullptr),
                   "NtReadFile");
        });
        measure(("write 4 KiB" + kind).c_str(), [&] {
            expect(NtWriteFile(file, nullptr, nullptr, nullptr, &block, data, 4096, &offset, nullptr),
                   "NtWriteFile");
        });
        if (option == 0) {
            FILE_BASIC_INFORMATION basic{};
            measure("query basic information", [&] {
                expect(NtQueryInformationFile(file, &block, &basic, sizeof basic, FileBasicInformation),
                       "NtQueryInformationFile");
            });
            alignas(8) char all[1024];
            measure("query all information", [&] {
                expect(NtQueryInformationFile(file, &block, all, sizeof all, FileAllInformation),
                       "NtQueryInformationFile");
            });
        }
        NtClose(file);
    }
    if (only.empty())
        measure_memory(root);
    FspFileSystemStopDispatcher(memfs->handle());
    return 0;
}
