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

#include <memory>

namespace {

using fsp::test::Dispatch;
using hostile::Chance;

/// Where the next answer's changes come from.
Chance* answers;

bool answer(const FSP_FSCTL_TRANSACT_REQ& request, FSP_FSCTL_TRANSACT_RSP*& response)
{
    static std::vector<UINT64> made(0x10000 / sizeof(UINT64));
    std::fill(made.begin(), made.end(), 0);
    auto& m = *reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(made.data());
    hostile::honest_reply(request, *answers, m);
    auto* const bytes = reinterpret_cast<UINT8*>(made.data());
    ULONG size = m.Size;
    for (ULONG changes = answers->below(8); changes > 0; changes--) {
        const ULONG at = answers->below(2) ? answers->below(sizeof m) : answers->below(0x1000);
        const ULONG length = 1u << answers->below(4);
        const UINT64 value = answers->below(2) ? answers->bits() : answers->awkward(size);
        memcpy(bytes + at, &value, length);
        if (at >= sizeof m)
            size = std::max(size, at + length);
    }
    // Whoever may call in line is trusted with the message's own size, and with nothing else.
    static std::unique_ptr<UINT64[]> exact;
    exact.reset(new UINT64[(size + 7) / 8]);
    memcpy(exact.get(), bytes, size);
    response = reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(exact.get());
    response->Size = static_cast<UINT16>(size);
    response->Hint = request.Hint;
    // What it says it has written it has written.
    const bool fills =
        request.Kind == FspFsctlTransactReadKind || request.Kind == FspFsctlTransactQueryDirectoryKind;
    if (fills && response->IoStatus.Information <= request.Req.Read.Length &&
        request.Kind == FspFsctlTransactReadKind)
        hostile::write_anyway(request.Req.Read.Address,
                              std::vector<UINT8>(response->IoStatus.Information, 'r').data(),
                              response->IoStatus.Information);
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
    answers = &chance;
    {
        hostile::Application application(name, Chance(data + 3, program), 0);
        for (int steps = 0; steps < 64 && !application.spent(); steps++)
            application.step();
        REQUIRE(application.complaint().empty());
    }
    return 0;
}
