// SPDX-License-Identifier: MIT
//
// What a file system answers. The input is a program for an application and, for each request that this leads
// to, a list of changes to what an honest file system would have answered. Requests are answered in line, so
// that one input is one thread's work.
//
// input: volume, length of the program (16 bits), program, answers
#include "hostile/application.h"
#include "hostile/replies.h"
#include "unit/fsd/volume_fixture.h"
#include "verified.h"

#include <algorithm>
#include <memory>
#include <mutex>

namespace {

using fsp::test::Dispatch;
using hostile::Chance;

/// Where the next answer's changes come from; null between inputs, when only the lazy writer asks.
std::mutex answers_lock;
Chance* answers;

/// Makes the answer in `made`. @return its size
ULONG make_answer(const FSP_FSCTL_TRANSACT_REQ& request, std::vector<UINT64>& made)
{
    std::lock_guard lock(answers_lock);
    Chance none(nullptr, 0);
    Chance& chance = answers ? *answers : none;
    auto& m = *reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(made.data());
    hostile::honest_reply(request, chance, m);
    auto* const bytes = reinterpret_cast<UINT8*>(made.data());
    ULONG size = m.Size;
    for (ULONG changes = chance.below(8); changes > 0; changes--) {
        const ULONG at = chance.below(2) ? chance.below(sizeof m) : chance.below(0x1000);
        const ULONG length = 1u << chance.below(4);
        const UINT64 value = chance.below(2) ? chance.bits() : chance.awkward(size);
        memcpy(bytes + at, &value, length);
        if (at >= sizeof m)
            size = std::max(size, at + length);
    }
    return size;
}

bool answer(const FSP_FSCTL_TRANSACT_REQ& request, FSP_FSCTL_TRANSACT_RSP*& response)
{
    std::vector<UINT64> made(0x2000 / sizeof(UINT64));
    const ULONG size = make_answer(request, made);
    // Whoever may call in line is trusted with the message's own size, and with nothing else.
    thread_local std::unique_ptr<UINT64[]> exact;
    exact.reset(new UINT64[(size + 7) / 8]);
    memcpy(exact.get(), made.data(), size);
    response = reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(exact.get());
    response->Size = static_cast<UINT16>(size);
    response->Hint = request.Hint;
    // And what it says it has read it has written.
    const ULONG read = response->IoStatus.Information;
    if (request.Kind == FspFsctlTransactReadKind && read <= request.Req.Read.Length)
        hostile::write_anyway(request.Req.Read.Address, std::vector<UINT8>(read, 'r').data(), read);
    return true;
}

BOOLEAN NTAPI dispatch(PVOID, FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP** response)
{
    return answer(*request, *response);
}

/// A few volumes that live as long as the program.
std::u16string volume(unsigned which)
{
    static const auto& volumes = *[] {
        // Never destroyed: the executive may be gone before.
        auto* made = new std::vector<std::unique_ptr<fsp::test::Volume>>;
        fsp::test::load_fsd();
        for (unsigned i = 0; i < 4; i++) {
            auto& v = made->emplace_back(new fsp::test::Volume);
            FSP_FSCTL_VOLUME_PARAMS& p = v->params;
            p.CaseSensitiveSearch = i & 1;
            p.FileInfoTimeout = i & 2 ? 0xffffffff : 0;
            p.NamedStreams = p.ExtendedAttributes = p.ReparsePoints = p.DeviceControl = p.WslFeatures = 1;
            p.SupportsPosixUnlinkRename = p.AllowOpenInKernelMode = 1;
            p.PassQueryDirectoryPattern = p.PassQueryDirectoryFileName = i == 3;
            p.DirectoryMarkerAsNextOffset = i == 2;
            p.FlushAndPurgeOnCleanup = i == 1;
            v->start(Dispatch::none);
            FSP_FSCTL_INLINE_INFO info{dispatch, nullptr, 64};
            IO_STATUS_BLOCK io{};
            REQUIRE(NT_SUCCESS(ZwFsControlFile(v->control_handle, nullptr, nullptr, nullptr, &io,
                                               FSP_FSCTL_INLINE, &info, sizeof info, nullptr, 0)));
        }
        return made;
    }();
    return volumes[which % volumes.size()]->name;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    fuzz::verify_everything();
    if (size < 3)
        return 0;
    const std::u16string name = volume(data[0]);
    const size_t program = std::min<size_t>(data[1] | data[2] << 8, size - 3);
    Chance chance(data + 3 + program, size - 3 - program);
    {
        std::lock_guard lock(answers_lock);
        answers = &chance;
    }
    {
        hostile::Application application(name, Chance(data + 3, program), 0);
        for (int steps = 0; steps < 64 && !application.spent(); steps++)
            application.step();
        REQUIRE(application.complaint().empty());
    }
    std::lock_guard lock(answers_lock);
    answers = nullptr;
    return 0;
}
