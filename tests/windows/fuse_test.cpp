// SPDX-License-Identifier: MIT
//
// The FUSE layer of the DLL through its headers, as a program sees it that is linked with another C run-time
// library, and by name, as other languages do. There is no driver here. Prints a line for each test, and a
// closing count.
#define FUSE_USE_VERSION 26
#include <fuse/fuse.h>

#include <windows.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

int checks = 0, failures = 0;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        ++checks;                                                                                            \
        if (!(condition)) {                                                                                  \
            ++failures;                                                                                      \
            std::printf("%s:%d: not so: %s\n", __func__, __LINE__, #condition);                              \
        }                                                                                                    \
    } while (0)

using Words = std::vector<std::string>;

/// Words as a command line of the program's own.
class Line
{
  public:
    explicit Line(Words words) : words_(std::move(words))
    {
        for (std::string& word : words_)
            pointers_.push_back(word.data());
        args_ = FUSE_ARGS_INIT(int(pointers_.size()), pointers_.data());
    }
    ~Line() { fuse_opt_free_args(&args_); }
    fuse_args* get() { return &args_; }
    Words left() const { return Words(args_.argv, args_.argv + args_.argc); }

  private:
    Words words_;
    std::vector<char*> pointers_;
    fuse_args args_{};
};

void options()
{
    struct Values
    {
        int number = 0;
        char* text = nullptr;
    } values;
    const fuse_opt table[] = {
        {"n=%d", offsetof(Values, number), 0}, {"t=%s", offsetof(Values, text), 0}, FUSE_OPT_END};
    Line line({"prog", "-on=5,t=x\\,y,rest", "X:"});
    CHECK(fuse_opt_parse(line.get(), &values, table, nullptr) == 0);
    CHECK(values.number == 5 && std::string(values.text) == "x,y");
    CHECK((line.left() == Words{"prog", "-o", "rest", "X:"}));
    free(values.text); // it is this program's memory

    char* list = nullptr;
    CHECK(fuse_opt_add_opt(&list, "a") == 0 && fuse_opt_add_opt_escaped(&list, "b,c") == 0);
    CHECK(std::string(list) == "a,b\\,c");
    free(list);
    CHECK(fuse_opt_match(table, "n=1") == 1 && fuse_opt_match(table, "m=1") == 0);
    CHECK(fuse_is_lib_option("umask=22") == 1 && fuse_is_lib_option("-f") == 0);
    CHECK(fuse_version() == FUSE_VERSION);
    CHECK(fsp_fuse_ntstatus_from_errno(fsp_fuse_env(), ENOTEMPTY) == int32_t(0xC0000101));
    CHECK(fsp_fuse_ntstatus_from_errno(fsp_fuse_env(), -ENOSYS) == int32_t(0xC0000010));
}

void command_line()
{
    Line line({"prog", "-s", "-f", "X:", "-oumask=0"});
    char* mount_point = nullptr;
    int multithreaded = 1, foreground = 0;
    CHECK(fuse_parse_cmdline(line.get(), &mount_point, &multithreaded, &foreground) == 0);
    CHECK(std::string(mount_point) == "X:" && multithreaded == 0 && foreground == 1);
    free(mount_point);
    for (const char* good : {"*", "", "X:", "C:\\mnt\\x", "relative", "\\\\.\\X:", "\\\\?\\C:\\x"}) {
        fuse_chan* ch = fuse_mount(good, nullptr);
        CHECK(ch != nullptr);
        fuse_unmount(good, ch);
    }
    CHECK(fuse_mount(std::string(300, 'x').c_str(), nullptr) == nullptr);
}

std::atomic<int> allocated{0};

/// Each thread has a context of its own, and gives it back to the program when it ends.
void contexts()
{
    static struct fsp_fuse_env counting = *fsp_fuse_env();
    counting.memalloc = [](size_t size) { return ++allocated, malloc(size); };
    counting.memfree = [](void* memory) {
        allocated -= memory != nullptr;
        free(memory);
    };
    fuse_context* const own = fuse_get_context();
    CHECK(own != nullptr && own == fuse_get_context());
    std::thread([own] {
        fuse_context* const other = fsp_fuse_get_context(&counting);
        CHECK(other != nullptr && other != own && allocated == 1);
        CHECK(other->fuse == nullptr && other->private_data == nullptr);
    }).join();
    CHECK(allocated == 0);
}

bool exists(const std::wstring& path) { return GetFileAttributesW(path.c_str()) != INVALID_FILE_ATTRIBUTES; }

/// Every program that cannot mount says why and ends with 1.
void without_driver()
{
    fuse_operations on{};
    const auto run = [&](Words words) {
        std::vector<char*> argv;
        for (std::string& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        return fuse_main(int(words.size()), argv.data(), &on, nullptr);
    };
    CHECK(run({"prog", "X:"}) == 1);
    CHECK(run({"prog", "-h"}) == 1);
    CHECK(run({"prog", "-V"}) == 1);
    // Who mounts, and accounts of this machine.
    CHECK(run({"prog", "-ouid=-1,gid=-1,UserName=S-1-5-18", "X:"}) == 1);
    CHECK(run({"prog", "-oFileSecurity=D:P(A;;FA;;;WD)", "*"}) == 1);

    wchar_t folder[MAX_PATH];
    CHECK(GetTempPathW(MAX_PATH, folder) != 0);
    const std::wstring log = std::wstring(folder) + L"fuse-test.log";
    DeleteFileW(log.c_str());
    std::string option = "-oDebugLog=" + std::string(log.begin(), log.end());
    std::replace(option.begin(), option.end(), '\\', '/');   // a backslash escapes in a list of options
    CHECK(run({"prog", option, "X:"}) == 1 && !exists(log)); // counts with -d only
    CHECK(run({"prog", "-d", option, "X:"}) == 1 && exists(log));
    CHECK(run({"prog", "-d", "-oDebugLog=C:/no such folder/x", "X:"}) == 1);
}

/// As a language that loads the DLL: memory is the process heap's.
void by_name()
{
    const HMODULE dll = GetModuleHandleA(sizeof(void*) == 8 ? "winfsp-x64.dll" : "winfsp-x86.dll");
    const auto find = [dll](const char* name) { return reinterpret_cast<void*>(GetProcAddress(dll, name)); };
    CHECK(find("fuse_main_real") != nullptr && find("fuse3_main_real") != nullptr);
    CHECK(find("fuse3_new_30") == nullptr && find("fuse_main") == nullptr);
    CHECK(reinterpret_cast<int (*)()>(find("fuse_version"))() == 28);
    CHECK(reinterpret_cast<int (*)()>(find("fuse3_version"))() == 32);
    CHECK(std::string(reinterpret_cast<const char* (*)()>(find("fuse3_pkgversion"))()) == "3.2");
    CHECK(reinterpret_cast<int (*)(int, void*)>(find("fuse_getgroups"))(0, nullptr) == -40);
    CHECK(reinterpret_cast<int (*)(void*, const char*)>(find("fuse3_invalidate_path"))(nullptr, "/") == -2);
    const auto add = reinterpret_cast<int (*)(fuse_args*, const char*)>(find("fuse_opt_add_arg"));
    const auto release = reinterpret_cast<void (*)(fuse_args*)>(find("fuse_opt_free_args"));
    fuse_args args{};
    CHECK(add(&args, "a") == 0 && add(&args, "b") == 0 && args.argc == 2);
    CHECK(HeapSize(GetProcessHeap(), 0, args.argv[1]) == 2);
    release(&args);
    CHECK(args.argv == nullptr);
}

} // namespace

int main()
{
    const struct
    {
        const char* name;
        void (*run)();
    } tests[] = {{"options", options},
                 {"command_line", command_line},
                 {"contexts", contexts},
                 {"without_driver", without_driver},
                 {"by_name", by_name}};
    for (const auto& test : tests) {
        const int before = failures;
        test.run();
        std::printf("%s: %s\n", test.name, failures == before ? "good" : "FAILED");
        std::fflush(stdout);
    }
    std::printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}
