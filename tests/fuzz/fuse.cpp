// SPDX-License-Identifier: MIT
//
// The FUSE layer of Linux: option strings, and what a program gives for extended attributes and directories,
// as a native client gets it.
//
// input: what to do (8 bits), a number (8 bits), bytes: texts that end in 0, or an EA list
#include "require.h"

#include "fsd/ea_records.h"
#include "fuse/fuse_opt.h"
#include "libfuse/file_system.h"
#include "libfuse/options.h"

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

using namespace fsp;
using namespace fsp::libfuse;

std::vector<std::string> texts_of(const uint8_t* data, size_t size)
{
    std::vector<std::string> texts;
    for (size_t at = 0; at < size;) {
        const size_t length = strnlen(reinterpret_cast<const char*>(data + at), size - at);
        texts.emplace_back(reinterpret_cast<const char*>(data + at), length);
        at += length + 1;
    }
    return texts;
}

// ---- Options ----------------------------------------------------------------------------------------

struct Arguments
{
    explicit Arguments(const std::vector<std::string>& texts)
    {
        fuse_opt_add_arg(&args, "program");
        for (const std::string& text : texts)
            fuse_opt_add_arg(&args, text.c_str());
    }
    Arguments(const Arguments&) = delete;
    ~Arguments() { fuse_opt_free_args(&args); }

    std::vector<std::string> texts() const
    {
        REQUIRE(args.argv && !args.argv[args.argc]);
        return {args.argv, args.argv + args.argc};
    }

    fuse_args args = FUSE_ARGS_INIT(0, nullptr);
};

/// What the layer has to say of options would be most of the output.
class Quiet
{
  public:
    Quiet()
    {
        static std::FILE* const nowhere = std::fopen("/dev/null", "w");
        stderr = nowhere;
    }
    Quiet(const Quiet&) = delete;
    ~Quiet() { stderr = loud_; }

  private:
    std::FILE* const loud_ = stderr;
};

void options(const std::vector<std::string>& texts, Version version)
{
    const Quiet quiet;
    Arguments line(texts);
    CommandLine command_line;
    LibraryOptions library;
    MountOptions mount;
    if (take_command_line(&line.args, version, &command_line) &&
        take_library_options(&line.args, version, &library) &&
        take_mount_options(&line.args, version, &mount))
        check_nothing_left(&line.args, version);
    line.texts();

    // What a table does not know stays as it is.
    struct Values
    {
        int number = 0;
        char* text = nullptr;
    } values;
    const fuse_opt table[] = {{"number=%i", offsetof(Values, number), 0},
                              {"-n %i", offsetof(Values, number), 0},
                              {"flag", offsetof(Values, number), 7},
                              FUSE_OPT_KEY("gone", FUSE_OPT_KEY_DISCARD),
                              FUSE_OPT_END};
    Arguments once(texts);
    if (fuse_opt_parse(&once.args, &values, table, nullptr) != 0)
        return;
    const std::vector<std::string> left = once.texts();
    Arguments twice(std::vector<std::string>(left.begin() + 1, left.end()));
    REQUIRE(fuse_opt_parse(&twice.args, &values, nullptr, nullptr) == 0);
}

/// An option that was escaped comes back as it was.
void escaping(const std::vector<std::string>& texts)
{
    char* list = nullptr;
    std::vector<std::string> added;
    for (const std::string& text : texts)
        if (!text.empty()) {
            REQUIRE(fuse_opt_add_opt_escaped(&list, text.c_str()) == 0);
            added.push_back(text);
        }
    if (!list)
        return;
    std::vector<std::string> found;
    Arguments line({"-o", list});
    std::free(list);
    REQUIRE(fuse_opt_parse(&line.args, &found, nullptr, [](void* data, const char* text, int, fuse_args*) {
                static_cast<std::vector<std::string>*>(data)->emplace_back(text);
                return 0;
            }) == 0);
    REQUIRE(found == added);
}

// ---- A program --------------------------------------------------------------------------------------

/// Gives what the input says.
class Given final : public Program
{
  public:
    Given() { has.xattr = true; }

    std::vector<std::string> entries;
    std::string list; ///< of attributes, whatever it looks like
    std::map<std::string, std::string> attributes;
    bool remembers = true;

    void* init(Connection&, Config&) override { return nullptr; }
    void destroy(void*) override {}
    int getattr(const char* path, struct stat* out, OpenInfo*) override
    {
        out->st_mode = std::strcmp(path, "/") == 0 ? S_IFDIR | 0755 : S_IFREG | 0644;
        return 0;
    }
    int opendir(const char*, OpenInfo*) override { return 0; }
    int releasedir(const char*, OpenInfo*) override { return 0; }
    int flush(const char*, OpenInfo*) override { return 0; }
    int release(const char*, OpenInfo*) override { return 0; }
    int open(const char*, OpenInfo*) override { return 0; }
    int readdir(const char*, const Filler& fill, off_t, OpenInfo*, bool) override
    {
        for (const std::string& entry : entries)
            if (!fill(entry.c_str(), nullptr, 0, false))
                break;
        return 0;
    }
    int setxattr(const char*, const char* name, const char* value, size_t size, int) override
    {
        attributes[name] = std::string(value, size);
        return 0;
    }
    int getxattr(const char*, const char* name, char* out, size_t size) override
    {
        if (!remembers) {
            std::memset(out, 'v', std::min<size_t>(size, 9));
            return int(std::strlen(name) * 7 % 11);
        }
        const std::string& value = attributes[name];
        if (value.size() > size)
            return -ERANGE;
        std::memcpy(out, value.data(), value.size());
        return int(value.size());
    }
    int listxattr(const char*, char* out, size_t size) override
    {
        std::string all = list;
        if (remembers)
            for (const auto& [name, value] : attributes)
                all += name + '\0';
        if (all.size() > size)
            return -ERANGE;
        std::memcpy(out, all.data(), all.size());
        return int(all.size());
    }
    int removexattr(const char*, const char* name) override { return attributes.erase(name) ? 0 : -ENODATA; }

    int readlink(const char*, char*, size_t) override { return -ENOSYS; }
    int mknod(const char*, mode_t, dev_t) override { return -ENOSYS; }
    int mkdir(const char*, mode_t) override { return -ENOSYS; }
    int unlink(const char*) override { return -ENOSYS; }
    int rmdir(const char*) override { return -ENOSYS; }
    int symlink(const char*, const char*) override { return -ENOSYS; }
    int rename(const char*, const char*, unsigned) override { return -ENOSYS; }
    int link(const char*, const char*) override { return -ENOSYS; }
    int chmod(const char*, mode_t, OpenInfo*) override { return -ENOSYS; }
    int chown(const char*, uid_t, gid_t, OpenInfo*) override { return -ENOSYS; }
    int truncate(const char*, off_t, OpenInfo*) override { return -ENOSYS; }
    int utimens(const char*, const struct timespec[2], OpenInfo*) override { return -ENOSYS; }
    int access(const char*, int) override { return -ENOSYS; }
    int create(const char*, mode_t, OpenInfo*) override { return -ENOSYS; }
    int read(const char*, char*, size_t, off_t, OpenInfo*) override { return -ENOSYS; }
    int write(const char*, const char*, size_t, off_t, OpenInfo*) override { return -ENOSYS; }
    int fsync(const char*, int, OpenInfo*) override { return -ENOSYS; }
    int statfs(const char*, struct statvfs*) override { return -ENOSYS; }
    int fsyncdir(const char*, int, OpenInfo*) override { return -ENOSYS; }
    int lock(const char*, OpenInfo*, int, struct flock*) override { return -ENOSYS; }
    int flock(const char*, OpenInfo*, int) override { return -ENOSYS; }
    int bmap(const char*, size_t, uint64_t*) override { return -ENOSYS; }
    int ioctl(const char*, unsigned, void*, OpenInfo*, unsigned, void*) override { return -ENOSYS; }
    int poll(const char*, OpenInfo*, void*, unsigned*) override { return -ENOSYS; }
    int fallocate(const char*, int, off_t, off_t, OpenInfo*) override { return -ENOSYS; }
    off_t lseek(const char*, off_t, int, OpenInfo*) override { return -ENOSYS; }
    ssize_t copy_file_range(const char*, OpenInfo*, off_t, const char*, OpenInfo*, off_t, size_t,
                            int) override
    {
        return -ENOSYS;
    }
};

/// An open file of the program, as a native client has it.
class OpenNatively
{
  public:
    OpenNatively(std::unique_ptr<Given> program, const WCHAR* name) : fs_(std::move(program), {}, nullptr)
    {
        native_.UserContext = &fs_;
        FSP_FSCTL_FILE_INFO info;
        std::u16string path(name);
        REQUIRE(
            NT_SUCCESS(native_operations.Open(&native_, path.data(), 0, FILE_READ_DATA, &context_, &info)));
    }
    OpenNatively(const OpenNatively&) = delete;
    ~OpenNatively() { native_operations.Close(&native_, context_); }

    FSP_FILE_SYSTEM* fs() { return &native_; }
    PVOID context() const { return context_; }

  private:
    FileSystem fs_;
    FSP_FILE_SYSTEM native_{};
    PVOID context_ = nullptr;
};

void get_attributes(OpenNatively& file, unsigned number)
{
    for (const ULONG size : {ULONG(number * 8), ULONG(0xFFFF)}) {
        std::vector<UINT64> out((size + 7) / 8);
        ULONG done = 0;
        if (NT_SUCCESS(native_operations.GetEa(file.fs(), file.context(),
                                               reinterpret_cast<PFILE_FULL_EA_INFORMATION>(out.data()), size,
                                               &done)))
        {
            REQUIRE(done <= size);
            REQUIRE(done == 0 || NT_SUCCESS(fsd::ea::validate_answer(out.data(), done)));
        }
    }
}

void attributes_given(const uint8_t* data, size_t size, unsigned number)
{
    auto program = std::make_unique<Given>();
    program->remembers = false;
    // As many as fit, without an end.
    program->list.assign(reinterpret_cast<const char*>(data), size);
    if (number & 1)
        program->list.resize(64 * 1024, 'x');
    OpenNatively file(std::move(program), FSP_L("\\file"));
    get_attributes(file, number);
}

void attributes_set(const uint8_t* data, size_t size, unsigned number)
{
    if (size == 0)
        return;
    std::vector<UINT64> list((size + 7) / 8);
    std::memcpy(list.data(), data, size);
    ULONG bad = 0;
    if (!NT_SUCCESS(fsd::ea::validate(list.data(), ULONG(size), &bad)))
        return; // the driver's business
    OpenNatively file(std::make_unique<Given>(), FSP_L("\\file"));
    FSP_FSCTL_FILE_INFO info;
    native_operations.SetEa(file.fs(), file.context(),
                            reinterpret_cast<PFILE_FULL_EA_INFORMATION>(list.data()), ULONG(size), &info);
    get_attributes(file, number);
}

void listing(const std::vector<std::string>& names, unsigned number)
{
    auto program = std::make_unique<Given>();
    for (const std::string& name : names)
        if (!name.empty())
            program->entries.push_back(name);
    OpenNatively directory(std::move(program), FSP_L("\\"));
    const ULONG size = 700 + number * 16;
    std::vector<UINT64> out(size / 8 + 1);
    std::u16string marker;
    for (bool first = true;; first = false) {
        ULONG done = 0;
        REQUIRE(NT_SUCCESS(native_operations.ReadDirectory(directory.fs(), directory.context(), nullptr,
                                                           first ? nullptr : marker.data(), out.data(), size,
                                                           &done)));
        REQUIRE(done <= size);
        const std::u16string before = marker;
        for (ULONG at = 0; at + sizeof(UINT16) <= done;) {
            const auto& entry =
                *reinterpret_cast<FSP_FSCTL_DIR_INFO*>(reinterpret_cast<UINT8*>(out.data()) + at);
            if (entry.Size == 0)
                return; // the end
            REQUIRE(entry.Size > sizeof entry && entry.Size <= done - at);
            marker.assign(entry.FileNameBuf, (entry.Size - sizeof entry) / sizeof(WCHAR));
            at += (entry.Size + 7u) & ~7u;
        }
        if (marker == before)
            return; // no room for a next one
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    if (size < 2)
        return 0;
    const unsigned number = data[1];
    data += 2;
    size -= 2;
    switch (data[-2] % 5) {
    case 0:
        options(texts_of(data, size), number & 1 ? Version::three : Version::two);
        break;
    case 1:
        escaping(texts_of(data, size));
        break;
    case 2:
        attributes_given(data, size, number);
        break;
    case 3:
        attributes_set(data, size, number);
        break;
    default:
        listing(texts_of(data, size), number);
    }
    return 0;
}
