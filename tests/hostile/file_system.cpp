// SPDX-License-Identifier: MIT
#include "file_system.h"
#include "replies.h"

namespace hostile {

using namespace fsp::test;

namespace {

constexpr ULONG answer_room = 0x10000;

FSP_FSCTL_VOLUME_PARAMS random_params(Chance& chance)
{
    FSP_FSCTL_VOLUME_PARAMS p{};
    const UINT16 sectors[] = {512, 4096, 0, 1, 3, 0xffff};
    const UINT16 units[] = {1, 0, 8, 0xffff};
    const UINT16 components[] = {255, 0, 1, 0xffff};
    const UINT32 timeouts[] = {0, 1000, 0xffffffff};
    p.Version = sizeof p;
    p.SectorSize = chance.one_in(4) ? chance.any(sectors) : 512;
    p.SectorsPerAllocationUnit = chance.one_in(4) ? chance.any(units) : 1;
    p.MaxComponentLength = chance.one_in(4) ? chance.any(components) : 255;
    p.TransactTimeout = 1000;
    p.IrpTimeout = FspFsctlIrpTimeoutDebug;
    p.FileInfoTimeout = chance.any(timeouts);
    p.CaseSensitiveSearch = chance.below(2);
    p.NamedStreams = p.ExtendedAttributes = p.ReparsePoints = p.DeviceControl = p.WslFeatures = 1;
    p.PassQueryDirectoryPattern = chance.below(2);
    p.PassQueryDirectoryFileName = chance.below(2);
    p.DirectoryMarkerAsNextOffset = chance.below(2);
    p.FlushAndPurgeOnCleanup = chance.below(2);
    p.PostCleanupWhenModifiedOnly = chance.below(2);
    p.SupportsPosixUnlinkRename = 1;
    p.AllowOpenInKernelMode = 1;
    return p;
}

} // namespace

FileSystem::FileSystem(unsigned lies, uint64_t seed) : lies_(lies)
{
    load_fsd();
    Chance chance(seed);
    params_ = random_params(chance);
    HANDLE opened = nullptr;
    if (!NT_SUCCESS(open_name(params_path(params_, u"\\Device\\WinFsp.Disk"), FILE_READ_ATTRIBUTES, FILE_OPEN,
                              0, FILE_SHARE_READ | FILE_SHARE_WRITE, &opened)))
        return;
    control_ = opened;
    WCHAR text[FSP_FSCTL_VOLUME_NAME_SIZEMAX / sizeof(WCHAR)]{};
    if (NT_SUCCESS(control(control_, FSP_FSCTL_VOLUME_NAME, nullptr, 0, text, sizeof text)))
        name_ = text;
    control(control_, FSP_FSCTL_TRANSACT, nullptr, 0, nullptr, 0);
    for (int i = 0; i < 3; i++)
        threads_.emplace_back([this, s = chance.bits()] { serve(s); });
    threads_.emplace_back([this, s = chance.bits()] { send_late(s); });
}

void FileSystem::die()
{
    if (!control_)
        return;
    dead_ = true;
    // The handle goes while transacts are under way; they end because the volume does.
    NtClose(control_.exchange(nullptr));
    for (auto& thread : threads_)
        thread.join();
    threads_.clear();
}

std::string FileSystem::leak() const
{
    std::lock_guard lock(mutex_);
    return leak_;
}

/// Takes requests by one of the four ways that user mode has, with the answers to earlier ones.
NTSTATUS FileSystem::transact(Chance& chance, std::vector<UINT64>& input, ULONG input_size,
                              std::vector<UINT64>& out, ULONG* out_size)
{
    out.assign(FSP_FSCTL_TRANSACT_BATCH_BUFFER_SIZEMIN / sizeof(UINT64), 0);
    const void* in = input_size ? input.data() : nullptr;
    const auto room = static_cast<ULONG>(out.size() * sizeof(UINT64));
    const HANDLE handle = control_;
    const ULONG way = chance.below(4);
    if (way < 2)
        return control(handle, way == 0 ? FSP_FSCTL_TRANSACT : FSP_FSCTL_TRANSACT_BATCH, in, input_size,
                       out.data(), room, out_size);
    IO_STATUS_BLOCK io{};
    HANDLE event = nullptr;
    NtCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE);
    NTSTATUS status = NtDeviceIoControlFile(handle, event, nullptr, nullptr, &io,
                                            way == 2 ? FSP_IOCTL_TRANSACT : FSP_IOCTL_TRANSACT_BATCH,
                                            const_cast<void*>(in), input_size, out.data(), room);
    if (status == STATUS_PENDING) {
        NtWaitForSingleObject(event, FALSE, nullptr);
        status = io.Status;
    }
    NtClose(event);
    *out_size = static_cast<ULONG>(io.Information);
    return status;
}

void FileSystem::inspect(const std::vector<UINT64>& buffer, ULONG size)
{
    const long at = find_poison(buffer.data(), buffer.size() * sizeof(UINT64));
    if (at < 0)
        return;
    std::lock_guard lock(mutex_);
    if (leak_.empty())
        leak_ =
            "old memory at byte " + std::to_string(at) + " of " + std::to_string(size) + " bytes of requests";
}

void FileSystem::serve(uint64_t seed)
{
    Chance chance(seed);
    std::vector<UINT64> input, out;
    ULONG input_size = 0;
    while (!dead_) {
        ULONG size = 0;
        const NTSTATUS status = transact(chance, input, input_size, out, &size);
        input.clear();
        input_size = 0;
        if (!NT_SUCCESS(status)) {
            // A stop that the file system itself has sent by mistake ends it, too.
            if (status == STATUS_CANCELLED || dead_)
                return;
            continue;
        }
        inspect(out, size);
        for (ULONG at = 0; at < size;) {
            const auto& request = *reinterpret_cast<const FSP_FSCTL_TRANSACT_REQ*>(
                reinterpret_cast<const char*>(out.data()) + at);
            served_++;
            Answer given = answer(request, chance);
            // Where answers get lost the right one comes later, or its caller would wait for ever.
            if (lies_ & (sizes | hints)) {
                std::lock_guard lock(mutex_);
                owed_.push_back(given);
            }
            corrupt(given, chance);
            if ((lies_ & late) && chance.one_in(4)) {
                std::lock_guard lock(mutex_);
                owed_.push_back(std::move(given));
            } else {
                // One after the other, as the driver reads them: at multiples of 8 of what each claims.
                const size_t words = (given.size + 7) / 8;
                input.insert(input.end(), given.words.begin(),
                             given.words.begin() + static_cast<long>(words));
            }
            at += (request.Size + 7u) & ~7u;
        }
        input_size = static_cast<ULONG>(input.size() * sizeof(UINT64));
        if ((lies_ & sizes) && input_size > 8 && chance.one_in(8))
            input_size -= chance.below(8); // the last one is cut
        if ((lies_ & requests) && chance.one_in(8))
            disturb(chance);
    }
}

/// Answers what serve() put off, and what nobody has asked.
void FileSystem::send_late(uint64_t seed)
{
    Chance chance(seed);
    while (!dead_) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        std::vector<Answer> answers;
        {
            std::lock_guard lock(mutex_);
            answers.swap(owed_);
            if ((lies_ & hints) && !seen_hints_.empty()) {
                Answer stale;
                stale.words.assign(answer_room / sizeof(UINT64), chance.bits() | 1);
                stale.size = sizeof(FSP_FSCTL_TRANSACT_RSP) + chance.below(4096);
                stale.message().Size = static_cast<UINT16>(stale.size);
                stale.message().Hint = seen_hints_[chance.below(static_cast<uint32_t>(seen_hints_.size()))];
                answers.push_back(std::move(stale));
            }
        }
        for (Answer& a : answers)
            for (int times = (lies_ & repeated) ? 2 : 1; times > 0; times--)
                control(control_, FSP_FSCTL_TRANSACT, a.words.data(), a.size, nullptr, 0);
    }
}

/// Every other control code, with input that is made up.
void FileSystem::disturb(Chance& chance)
{
    const ULONG codes[] = {FSP_FSCTL_NOTIFY,       FSP_FSCTL_NOTIFY,           FSP_FSCTL_MOUNTDEV,
                           FSP_FSCTL_MOUNTMGR,     FSP_FSCTL_VOLUME_NAME,      FSP_FSCTL_VOLUME_LIST,
                           FSP_FSCTL_QUERY_WINFSP, FSP_FSCTL_TRANSACT_INTERNAL};
    std::vector<UINT64> in = random_notify_records(chance), out(1024, 0);
    const ULONG code = chance.any(codes);
    // A session that is opened and not closed would keep renames waiting until the file system dies.
    auto in_size = static_cast<ULONG>(in.size() * sizeof(UINT64));
    if (code != FSP_FSCTL_NOTIFY && in_size)
        in_size = chance.below(in_size);
    control(control_, code, in.data(), in_size, out.data(), chance.below(8192));
    inspect(out, 8192);
}

FileSystem::Answer FileSystem::answer(const FSP_FSCTL_TRANSACT_REQ& request, Chance& chance)
{
    Answer a;
    a.words.assign(answer_room / sizeof(UINT64), 0);
    honest_reply(request, chance, a.message());
    a.size = a.message().Size;
    {
        std::lock_guard lock(mutex_);
        if (seen_hints_.size() < 64)
            seen_hints_.push_back(request.Hint);
        else
            seen_hints_[chance.below(64)] = request.Hint;
    }
    const bool transfers = request.Kind == FspFsctlTransactReadKind ||
                           request.Kind == FspFsctlTransactWriteKind ||
                           request.Kind == FspFsctlTransactQueryDirectoryKind;
    if ((lies_ & buffers) && transfers) {
        // Still being written to while the driver takes it.
        const UINT64 address = request.Req.Read.Address;
        const UINT64 garbage[] = {chance.bits(), chance.bits(), chance.bits(), chance.bits()};
        write_anyway(address + chance.below(64), garbage, sizeof garbage);
    }
    return a;
}

void FileSystem::corrupt(Answer& a, Chance& chance)
{
    FSP_FSCTL_TRANSACT_RSP& m = a.message();
    auto* const fixed = reinterpret_cast<UINT16*>(&m.Rsp);
    constexpr uint32_t words = sizeof m.Rsp / sizeof(UINT16);
    if ((lies_ & offsets) && chance.one_in(3))
        fixed[chance.below(words)] = static_cast<UINT16>(chance.awkward(a.size));
    if ((lies_ & counts) && chance.one_in(3)) {
        auto* const wide = reinterpret_cast<UINT64*>(&m.Rsp);
        wide[chance.below(sizeof m.Rsp / sizeof(UINT64))] = chance.awkward(0x10000);
        if (chance.one_in(2))
            m.IoStatus.Information = static_cast<UINT32>(chance.awkward(4096));
    }
    if ((lies_ & names) && chance.one_in(2)) {
        auto* const bytes = reinterpret_cast<UINT8*>(m.Buffer);
        for (int i = 0; i < 8; i++)
            bytes[chance.below(256)] = static_cast<UINT8>(chance.bits() & 0x7f);
    }
    if ((lies_ & statuses) && chance.one_in(3)) {
        const UINT32 odd[] = {0x103,      0x104,      0x102,      0x80000005,
                              0xffffffff, 0xc0000016, 0x40000000, 0x80000016};
        m.IoStatus.Status = chance.one_in(2) ? chance.any(odd) : static_cast<UINT32>(chance.bits());
    }
    if ((lies_ & kinds) && chance.one_in(3))
        m.Kind = static_cast<UINT32>(chance.awkward(FspFsctlTransactKindCount));
    if ((lies_ & hints) && chance.one_in(16))
        m.Hint = chance.one_in(2) ? chance.awkward(m.Hint) : m.Hint + 64;
    if ((lies_ & sizes) && chance.one_in(4)) {
        m.Size = static_cast<UINT16>(chance.awkward(a.size));
        a.size = chance.one_in(2) ? m.Size : a.size;
    }
    a.size = a.size < answer_room ? a.size : answer_room;
}

} // namespace hostile
