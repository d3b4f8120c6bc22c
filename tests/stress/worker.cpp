// SPDX-License-Identifier: MIT
#include "stress/worker.h"

#include "support/memfs_volume.h"

#include <algorithm>
#include <cstring>

#include <winfsp/ntfsctl.h>

namespace fsp::stress {

namespace {

constexpr size_t files_at_most = 6;
constexpr size_t pending_at_most = 12;
constexpr size_t buffer_size = 8192;

class Attributes
{
  public:
    explicit Attributes(std::u16string path, HANDLE root = nullptr)
        : path_(std::move(path)), name_(test::text(path_)), attributes_{}
    {
        InitializeObjectAttributes(&attributes_, &name_, OBJ_CASE_INSENSITIVE, root, nullptr);
    }
    POBJECT_ATTRIBUTES get() { return &attributes_; }

  private:
    std::u16string path_;
    UNICODE_STRING name_;
    OBJECT_ATTRIBUTES attributes_;
};

LARGE_INTEGER large(uint64_t value)
{
    LARGE_INTEGER l;
    l.QuadPart = static_cast<LONGLONG>(value);
    return l;
}

/// What writes are made of. Nothing else than these and zero may ever be read.
char letter(Random& random) { return static_cast<char>('a' + random() % 26); }

} // namespace

const std::vector<Worker::Action>& Worker::actions()
{
    static const std::vector<Action> all = {
        {"open", 24, &Worker::open},
        {"close", 10, &Worker::close},
        {"share", 3, &Worker::share},
        {"delete by name", 3, &Worker::delete_by_name},
        {"read", 10, &Worker::read},
        {"write", 12, &Worker::write},
        {"flush", 2, &Worker::flush},
        {"map", 4, &Worker::map},
        {"lock", 5, &Worker::lock},
        {"unlock", 4, &Worker::unlock},
        {"query", 6, &Worker::query},
        {"query volume", 1, &Worker::query_volume},
        {"set size", 5, &Worker::set_size},
        {"set times", 2, &Worker::set_times},
        {"dispose", 4, &Worker::dispose},
        {"rename", 7, &Worker::rename},
        {"list", 6, &Worker::list},
        {"streams", 1, &Worker::streams},
        {"attributes by name", 3, &Worker::attributes_by_name},
        {"ea", 2, &Worker::ea},
        {"security", 2, &Worker::security},
        {"reparse", 1, &Worker::reparse},
        {"watch", 5, &Worker::watch},
        {"oplock", 6, &Worker::oplock},
        {"cancel", 4, &Worker::cancel},
        {"notify", 2, &Worker::notify},
    };
    return all;
}

void Worker::run(const std::atomic<bool>& stop)
{
    const auto& all = actions();
    std::vector<unsigned> weights;
    for (const Action& a : all)
        weights.push_back(a.weight);
    std::discrete_distribution<size_t> choice(weights.begin(), weights.end());
    scores_.resize(all.size() + 1);
    while (!stop) {
        NTSTATUS status;
        Score* score;
        // Rarely, whatever the weights add up to.
        if (chance(20'000)) {
            doing_ = "kill";
            status = kill();
            score = &scores_.back();
        } else {
            const size_t i = choice(random_);
            doing_ = all[i].name;
            status = (this->*all[i].perform)();
            score = &scores_[i];
        }
        score->calls++;
        score->successes += NT_SUCCESS(status);
        doing_ = "reap";
        reap();
        count_++;
    }
    doing_ = "finish";
    finish();
    doing_ = "nothing";
}

/// Few names, so that everything meets.
std::u16string Worker::path()
{
    static const char16_t* const names[] = {u"\\a",    u"\\b",    u"\\c",      u"\\d",       u"\\d\\a",
                                            u"\\d\\b", u"\\d\\e", u"\\e",      u"\\e\\a",    u"\\d\\e\\a",
                                            u"\\A",    u"\\a:s",  u"\\d\\a:s", u"\\d\\e\\f", u"\\"};
    return pick(names);
}

OpenPtr Worker::file()
{
    if (files_.empty() || chance(4)) {
        if (OpenPtr shared = world_.shared(random_))
            return shared;
    }
    return files_.empty() ? nullptr : files_[random_() % files_.size()];
}

void Worker::keep(std::unique_ptr<Pending> pending, NTSTATUS status)
{
    if (status == STATUS_PENDING)
        pending_.push_back(std::move(pending));
}

void Worker::reap()
{
    std::erase_if(pending_, [](const auto& p) { return p->wait(0); });
    if (pending_.size() > pending_at_most)
        cancel();
}

/// After its last file is closed nothing of a thread may go on for ever.
void Worker::finish()
{
    files_.clear();
    for (const auto& p : pending_)
        while (!p->wait(1000)) {
            // On a file that others hold open.
            doing_ = p->kind;
            cancel();
        }
    pending_.clear();
}

void Worker::check_bytes(const char* data, size_t size)
{
    const char* strange =
        std::find_if(data, data + size, [](char c) { return c != 0 && (c < 'a' || c > 'z'); });
    if (strange != data + size)
        world_.wrong("read a byte 0x%02x that nobody wrote", static_cast<unsigned char>(*strange));
}

// ---- Opening and closing ------------------------------------------------------------------------------

NTSTATUS Worker::open()
{
    static constexpr ACCESS_MASK accesses[] = {FILE_READ_ATTRIBUTES,
                                               FILE_READ_DATA,
                                               FILE_WRITE_DATA,
                                               FILE_APPEND_DATA,
                                               FILE_GENERIC_READ,
                                               FILE_READ_DATA | FILE_WRITE_DATA,
                                               DELETE,
                                               FILE_ALL_ACCESS,
                                               FILE_ALL_ACCESS,
                                               FILE_ALL_ACCESS,
                                               MAXIMUM_ALLOWED,
                                               FILE_WRITE_EA | FILE_READ_EA};
    static constexpr ULONG extra[] = {FILE_DELETE_ON_CLOSE,    FILE_NO_INTERMEDIATE_BUFFERING,
                                      FILE_WRITE_THROUGH,      FILE_COMPLETE_IF_OPLOCKED,
                                      FILE_OPEN_REPARSE_POINT, FILE_OPEN_FOR_BACKUP_INTENT,
                                      FILE_SEQUENTIAL_ONLY,    FILE_OPEN_REQUIRING_OPLOCK};
    const auto volume = world_.volume(random_);
    const std::u16string name = path();
    const bool directory = name.back() == u'e' || name.back() == u'd' || name.size() == 1;
    ULONG options = directory ? FILE_DIRECTORY_FILE : FILE_NON_DIRECTORY_FILE;
    if (chance(8))
        options = 0;
    if (chance(3))
        options |= pick(extra);
    const bool reserves_oplock = (options & FILE_OPEN_REQUIRING_OPLOCK) != 0;
    const bool synchronous = !reserves_oplock && chance(2);
    if (synchronous)
        options |= FILE_SYNCHRONOUS_IO_NONALERT;
    ACCESS_MASK access = pick(accesses) | SYNCHRONIZE;
    if (options & FILE_DELETE_ON_CLOSE)
        access |= DELETE;
    const ULONG share = chance(4) ? static_cast<ULONG>(random_() % 8) : test::share_all;
    const ULONG disposition = chance(2) ? FILE_OPEN_IF : static_cast<ULONG>(random_() % 6);

    Attributes attributes(volume->device() + name);
    HANDLE handle = nullptr;
    IO_STATUS_BLOCK iosb{};
    LARGE_INTEGER allocation = large(random_() % 20'000);
    const NTSTATUS status =
        NtCreateFile(&handle, access, attributes.get(), &iosb, chance(4) ? &allocation : nullptr,
                     FILE_ATTRIBUTE_NORMAL, share, disposition, options, nullptr, 0);
    if (!NT_SUCCESS(status))
        return status;
    auto file = std::make_shared<Open>(handle, synchronous, volume->device());
    // Others wait until the oplock is asked for, or the file is closed.
    if (reserves_oplock && !NT_SUCCESS(request_oplock(file)))
        return status;
    files_.push_back(std::move(file));
    while (files_.size() > files_at_most)
        close();
    return status;
}

NTSTATUS Worker::close()
{
    if (files_.empty())
        return STATUS_UNSUCCESSFUL;
    files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(random_() % files_.size()));
    return STATUS_SUCCESS;
}

NTSTATUS Worker::share()
{
    world_.share(random_, chance(3) || files_.empty() ? nullptr : files_[random_() % files_.size()]);
    return STATUS_SUCCESS;
}

NTSTATUS Worker::delete_by_name()
{
    Attributes attributes(world_.volume(random_)->device() + path());
    return NtDeleteFile(attributes.get());
}

// ---- Data ---------------------------------------------------------------------------------------------

NTSTATUS Worker::read()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    alignas(512) char buffer[buffer_size];
    Pending p("read");
    const auto length =
        static_cast<ULONG>(chance(3) ? random_() % sizeof buffer : (1 + random_() % 16) * 512);
    LARGE_INTEGER at = large(chance(2) ? random_() % 40'000 : (random_() % 80) * 512);
    NTSTATUS status = NtReadFile(f->handle, p.event, nullptr, nullptr, &p.iosb, buffer, length, &at, nullptr);
    status = p.end(status);
    if (NT_SUCCESS(status))
        check_bytes(buffer, p.iosb.Information);
    return status;
}

NTSTATUS Worker::write()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    alignas(512) char buffer[buffer_size];
    Pending p("write");
    const auto length =
        static_cast<ULONG>(chance(3) ? random_() % sizeof buffer : (1 + random_() % 16) * 512);
    std::memset(buffer, letter(random_), length);
    LARGE_INTEGER at = large(chance(2) ? random_() % 40'000 : (random_() % 80) * 512);
    if (chance(6))
        at = {{FILE_WRITE_TO_END_OF_FILE, -1}};
    NTSTATUS status =
        NtWriteFile(f->handle, p.event, nullptr, nullptr, &p.iosb, buffer, length, &at, nullptr);
    status = p.end(status);
    return status;
}

NTSTATUS Worker::flush()
{
    const OpenPtr f = file();
    IO_STATUS_BLOCK iosb{};
    return f ? NtFlushBuffersFile(f->handle, &iosb) : STATUS_UNSUCCESSFUL;
}

NTSTATUS Worker::map()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    const bool writes = chance(2);
    HANDLE section = nullptr;
    LARGE_INTEGER size = large(chance(2) ? 0 : 1 + random_() % 40'000);
    NTSTATUS status = NtCreateSection(&section, SECTION_ALL_ACCESS, nullptr, &size,
                                      writes ? PAGE_READWRITE : PAGE_READONLY, SEC_COMMIT, f->handle);
    if (!NT_SUCCESS(status))
        return status;
    PVOID base = nullptr;
    SIZE_T length = 0;
    status = NtMapViewOfSection(section, NtCurrentProcess(), &base, 0, 0, nullptr, &length, ViewUnmap, 0,
                                writes ? PAGE_READWRITE : PAGE_READONLY);
    NtClose(section);
    if (!NT_SUCCESS(status))
        return status;
    auto* bytes = static_cast<volatile char*>(base);
    for (int i = 0; i < 8; i++) {
        const size_t at = random_() % length;
        if (writes)
            bytes[at] = letter(random_);
        const char c = bytes[at];
        check_bytes(&c, 1);
    }
    if (writes && chance(2)) {
        IO_STATUS_BLOCK iosb{};
        PVOID from = base;
        SIZE_T part = length;
        NtFlushVirtualMemory(NtCurrentProcess(), &from, &part, &iosb);
    }
    NtUnmapViewOfSection(NtCurrentProcess(), base);
    return status;
}

NTSTATUS Worker::lock()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    auto p = std::make_unique<Pending>("lock");
    LARGE_INTEGER at = large(random_() % 8 * 100);
    p->number = large(1 + random_() % 300);
    // A synchronous file would keep its lock, and this thread, until others unlock.
    const NTSTATUS status =
        NtLockFile(f->handle, p->event, nullptr, nullptr, &p->iosb, &at, &p->number,
                   static_cast<ULONG>(random_() % 2), f->synchronous || chance(2), chance(2));
    keep(std::move(p), status);
    return status;
}

NTSTATUS Worker::unlock()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    IO_STATUS_BLOCK iosb{};
    LARGE_INTEGER at = large(random_() % 8 * 100), length = large(1 + random_() % 300);
    return NtUnlockFile(f->handle, &iosb, &at, &length, static_cast<ULONG>(random_() % 2));
}

// ---- Metadata -----------------------------------------------------------------------------------------

NTSTATUS Worker::query()
{
    static constexpr FILE_INFORMATION_CLASS classes[] = {
        FileBasicInformation,       FileStandardInformation, FileInternalInformation,
        FileEaInformation,          FileNameInformation,     FileAllInformation,
        FileNetworkOpenInformation, FilePositionInformation, FileAttributeTagInformation,
        FileAccessInformation,      FileModeInformation,     FileNormalizedNameInformation};
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    alignas(8) char buffer[1024];
    IO_STATUS_BLOCK iosb{};
    const ULONG length = chance(6) ? static_cast<ULONG>(random_() % 100) : sizeof buffer;
    return NtQueryInformationFile(f->handle, &iosb, buffer, length, pick(classes));
}

NTSTATUS Worker::query_volume()
{
    static constexpr FS_INFORMATION_CLASS classes[] = {FileFsVolumeInformation, FileFsSizeInformation,
                                                       FileFsAttributeInformation, FileFsFullSizeInformation,
                                                       FileFsDeviceInformation};
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    alignas(8) char buffer[512];
    IO_STATUS_BLOCK iosb{};
    return NtQueryVolumeInformationFile(f->handle, &iosb, buffer, sizeof buffer, pick(classes));
}

NTSTATUS Worker::set_size()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    IO_STATUS_BLOCK iosb{};
    LARGE_INTEGER size = large(chance(3) ? 0 : random_() % 40'000);
    return NtSetInformationFile(f->handle, &iosb, &size, sizeof size,
                                chance(3) ? FileAllocationInformation : FileEndOfFileInformation);
}

NTSTATUS Worker::set_times()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    FILE_BASIC_INFORMATION info{};
    info.LastWriteTime = large(1'000'000 + random_() % 1'000'000);
    info.FileAttributes = chance(4) ? FILE_ATTRIBUTE_HIDDEN : 0;
    IO_STATUS_BLOCK iosb{};
    return NtSetInformationFile(f->handle, &iosb, &info, sizeof info, FileBasicInformation);
}

NTSTATUS Worker::dispose()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    IO_STATUS_BLOCK iosb{};
    if (chance(2)) {
        FILE_DISPOSITION_INFORMATION info{};
        info.DeleteFile = random_() % 4 != 0;
        return NtSetInformationFile(f->handle, &iosb, &info, sizeof info, FileDispositionInformation);
    }
    FILE_DISPOSITION_INFORMATION_EX info{};
    info.Flags = static_cast<ULONG>(random_() % 32);
    return NtSetInformationFile(f->handle, &iosb, &info, sizeof info, FileDispositionInformationEx);
}

NTSTATUS Worker::rename()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    const std::u16string to = chance(8) ? std::u16string(u":t") : f->device + path();
    alignas(8) char buffer[sizeof(FILE_RENAME_INFORMATION) + 256] = {};
    auto* info = reinterpret_cast<FILE_RENAME_INFORMATION*>(buffer);
    info->FileNameLength = static_cast<ULONG>(to.size() * sizeof(WCHAR));
    std::memcpy(info->FileName, to.data(), info->FileNameLength);
    const bool extended = chance(2);
    info->Flags = static_cast<ULONG>(extended ? random_() % 4 : random_() % 2);
    IO_STATUS_BLOCK iosb{};
    return NtSetInformationFile(f->handle, &iosb, info, sizeof buffer,
                                extended ? FileRenameInformationEx : FileRenameInformation);
}

NTSTATUS Worker::list()
{
    static constexpr FILE_INFORMATION_CLASS classes[] = {
        FileDirectoryInformation, FileFullDirectoryInformation, FileBothDirectoryInformation,
        FileNamesInformation, FileIdBothDirectoryInformation};
    static const char16_t* const patterns[] = {u"*", u"a", u"?", u"d*"};
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    alignas(8) char buffer[2048];
    UNICODE_STRING pattern = test::text(pick(patterns));
    Pending p("list");
    NTSTATUS status =
        NtQueryDirectoryFile(f->handle, p.event, nullptr, nullptr, &p.iosb, buffer,
                             chance(4) ? 128 : sizeof buffer, pick(classes), chance(4), &pattern, chance(2));
    status = p.end(status);
    return status;
}

NTSTATUS Worker::streams()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    alignas(8) char buffer[512];
    IO_STATUS_BLOCK iosb{};
    return NtQueryInformationFile(f->handle, &iosb, buffer, sizeof buffer, FileStreamInformation);
}

NTSTATUS Worker::attributes_by_name()
{
    Attributes attributes(world_.volume(random_)->device() + path());
    FILE_NETWORK_OPEN_INFORMATION info{};
    return NtQueryFullAttributesFile(attributes.get(), &info);
}

NTSTATUS Worker::ea()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    alignas(8) char buffer[256] = {};
    IO_STATUS_BLOCK iosb{};
    if (chance(2))
        return NtQueryEaFile(f->handle, &iosb, buffer, sizeof buffer, chance(2), nullptr, 0, nullptr, TRUE);
    auto* ea = reinterpret_cast<FILE_FULL_EA_INFORMATION*>(buffer);
    ea->EaNameLength = 1;
    ea->EaName[0] = static_cast<char>('A' + random_() % 3);
    ea->EaValueLength = static_cast<USHORT>(random_() % 20);
    return NtSetEaFile(f->handle, &iosb, buffer, sizeof *ea + 2 + ea->EaValueLength);
}

NTSTATUS Worker::security()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    alignas(8) char buffer[512];
    ULONG needed = 0;
    constexpr SECURITY_INFORMATION parts = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    const NTSTATUS status = NtQuerySecurityObject(f->handle, parts, buffer, sizeof buffer, &needed);
    return NT_SUCCESS(status) && chance(2) ? NtSetSecurityObject(f->handle, DACL_SECURITY_INFORMATION, buffer)
                                           : status;
}

NTSTATUS Worker::reparse()
{
    const OpenPtr f = file();
    if (!f)
        return STATUS_UNSUCCESSFUL;
    // Some data of a tag that is nobody's.
    struct
    {
        ULONG tag = 0x0000BEEF;
        USHORT length = 4, reserved = 0;
        GUID guid{0x12345678, 0x1234, 0x1234, {1, 2, 3, 4, 5, 6, 7, 8}};
        ULONG data = 1;
    } point;
    Pending p("reparse");
    NTSTATUS status;
    switch (random_() % 4) {
    case 0:
        status = NtFsControlFile(f->handle, p.event, nullptr, nullptr, &p.iosb, FSCTL_SET_REPARSE_POINT,
                                 &point, sizeof point, nullptr, 0);
        break;
    case 1:
        status = NtFsControlFile(f->handle, p.event, nullptr, nullptr, &p.iosb, FSCTL_GET_REPARSE_POINT,
                                 nullptr, 0, p.buffer, sizeof p.buffer);
        break;
    default:
        point.length = 0;
        status = NtFsControlFile(f->handle, p.event, nullptr, nullptr, &p.iosb, FSCTL_DELETE_REPARSE_POINT,
                                 &point, sizeof point - sizeof point.data, nullptr, 0);
        break;
    }
    return p.end(status);
}

// ---- Others' doings -----------------------------------------------------------------------------------

NTSTATUS Worker::watch()
{
    const OpenPtr f = file();
    if (!f || f->synchronous)
        return STATUS_UNSUCCESSFUL;
    auto p = std::make_unique<Pending>("watch");
    const NTSTATUS status = NtNotifyChangeDirectoryFile(
        f->handle, p->event, nullptr, nullptr, &p->iosb, p->buffer,
        chance(4) ? 16 : static_cast<ULONG>(sizeof p->buffer), FILE_NOTIFY_VALID_MASK, chance(2));
    keep(std::move(p), status);
    return status;
}

NTSTATUS Worker::oplock()
{
    const OpenPtr f = file();
    return f && !f->synchronous ? request_oplock(f) : STATUS_UNSUCCESSFUL;
}

NTSTATUS Worker::request_oplock(const OpenPtr& f)
{
    static constexpr ULONG legacy[] = {FSCTL_REQUEST_OPLOCK_LEVEL_1, FSCTL_REQUEST_OPLOCK_LEVEL_2,
                                       FSCTL_REQUEST_BATCH_OPLOCK, FSCTL_REQUEST_FILTER_OPLOCK};
    static constexpr ULONG levels[] = {
        OPLOCK_LEVEL_CACHE_READ, OPLOCK_LEVEL_CACHE_READ | OPLOCK_LEVEL_CACHE_HANDLE,
        OPLOCK_LEVEL_CACHE_READ | OPLOCK_LEVEL_CACHE_WRITE,
        OPLOCK_LEVEL_CACHE_READ | OPLOCK_LEVEL_CACHE_WRITE | OPLOCK_LEVEL_CACHE_HANDLE};
    Oplock o{std::make_unique<Pending>("oplock"), f, chance(2)};
    NTSTATUS status;
    if (o.granular) {
        REQUEST_OPLOCK_INPUT_BUFFER input{};
        input.StructureVersion = REQUEST_OPLOCK_CURRENT_VERSION;
        input.StructureLength = sizeof input;
        input.RequestedOplockLevel = pick(levels);
        input.Flags = REQUEST_OPLOCK_INPUT_FLAG_REQUEST;
        status = NtFsControlFile(f->handle, o.request->event, nullptr, nullptr, &o.request->iosb,
                                 FSCTL_REQUEST_OPLOCK, &input, sizeof input, o.request->buffer,
                                 sizeof o.request->buffer);
    } else
        status = NtFsControlFile(f->handle, o.request->event, nullptr, nullptr, &o.request->iosb,
                                 pick(legacy), nullptr, 0, nullptr, 0);
    if (status == STATUS_PENDING)
        world_.acknowledger.watch(std::move(o));
    return status;
}

NTSTATUS Worker::cancel()
{
    if (pending_.empty())
        return STATUS_UNSUCCESSFUL;
    IO_STATUS_BLOCK iosb{};
    if (const OpenPtr f = file(); f && chance(2))
        return NtCancelIoFile(f->handle, &iosb);
    // Without a file of its own a request is found through the files that others hold.
    NTSTATUS status = STATUS_NOT_FOUND;
    for (const auto& p : pending_)
        for (int tries = 0; tries < 4; tries++)
            if (const OpenPtr f = world_.shared(random_))
                status = NtCancelIoFileEx(f->handle, &p->iosb, &iosb);
    return status;
}

NTSTATUS Worker::notify()
{
    world_.volume(random_)->notify(path(), FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_SIZE,
                                   static_cast<ULONG>(FILE_ACTION_ADDED + random_() % 3));
    return STATUS_SUCCESS;
}

NTSTATUS Worker::kill()
{
    world_.replace(random_, chance(2));
    return STATUS_SUCCESS;
}

} // namespace fsp::stress
