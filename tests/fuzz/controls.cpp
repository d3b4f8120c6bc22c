// SPDX-License-Identifier: MIT
//
// Control codes with any input, on a control device and on a volume whose parameters are the input's, too.
#include "hostile/bytes.h"
#include "unit/fsd/volume_fixture.h"
#include "verified.h"

namespace {

using namespace fsp::test;
using hostile::Chance;

std::vector<UINT8> take(Chance& chance, size_t size)
{
    std::vector<UINT8> bytes(size);
    for (auto& byte : bytes)
        byte = static_cast<UINT8>(chance.below(256));
    return bytes;
}

HANDLE open_volume(Chance& chance)
{
    FSP_FSCTL_VOLUME_PARAMS params{};
    params.Version = sizeof params;
    for (ULONG changes = chance.below(16); changes > 0; changes--) {
        const ULONG at = chance.below(sizeof params);
        reinterpret_cast<UINT8*>(&params)[at] = static_cast<UINT8>(chance.below(256));
    }
    params.TransactTimeout = FspFsctlTransactTimeoutMinimum;
    std::u16string path =
        params_path(params, chance.below(4) ? u"\\Device\\WinFsp.Disk" : u"\\Device\\WinFsp.Net");
    if (chance.below(8) == 7)
        path.resize(path.size() - chance.below(static_cast<uint32_t>(path.size() - 20)));
    if (chance.below(8) == 7)
        path += std::u16string(chance.below(600), static_cast<char16_t>(chance.bits()));
    HANDLE handle = nullptr;
    return NT_SUCCESS(open_name(path, FILE_READ_ATTRIBUTES, FILE_OPEN, 0, 7, &handle)) ? handle : nullptr;
}

constexpr ULONG codes[] = {FSP_FSCTL_MOUNTDEV,
                           FSP_FSCTL_MOUNTMGR,
                           FSP_FSCTL_VOLUME_NAME,
                           FSP_FSCTL_VOLUME_LIST,
                           FSP_FSCTL_TRANSACT,
                           FSP_FSCTL_TRANSACT_BATCH,
                           FSP_FSCTL_TRANSACT_INTERNAL,
                           FSP_FSCTL_STOP,
                           FSP_FSCTL_STOP0,
                           FSP_FSCTL_NOTIFY,
                           FSP_FSCTL_NOTIFY,
                           FSP_FSCTL_NOTIFY,
                           FSP_FSCTL_QUERY_WINFSP,
                           FSP_FSCTL_INLINE,
                           FSP_IOCTL_TRANSACT,
                           FSP_IOCTL_TRANSACT_BATCH,
                           FSP_IOCTL_TRANSACT_INTERNAL};

void call(HANDLE handle, Chance& chance, bool stopped)
{
    const ULONG code = chance.any(codes);
    std::vector<UINT8> in = take(chance, chance.below(2) ? chance.below(64) : chance.below(600));
    std::vector<UINT8> out(chance.below(2) ? 0x10000 : chance.below(600), 0xA5);
    // A transact with room for a request waits for one.
    const ULONG function = (code >> 2 & 0xfff) - 0x800;
    if (!stopped && (function == 'T' || function == 't'))
        out.clear();
    IO_STATUS_BLOCK io{};
    const auto send =
        DEVICE_TYPE_FROM_CTL_CODE(code) == FILE_DEVICE_FILE_SYSTEM ? NtFsControlFile : NtDeviceIoControlFile;
    send(handle, nullptr, nullptr, nullptr, &io, code, in.empty() ? nullptr : in.data(),
         static_cast<ULONG>(in.size()), out.empty() ? nullptr : out.data(), static_cast<ULONG>(out.size()));
    REQUIRE(hostile::find_poison(out.data(), out.size()) < 0 ||
            hostile::find_poison(in.data(), in.size()) >= 0); // its own input may look like that
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    fuzz::verify_everything();
    load_fsd();
    Chance chance(data, size);
    const HANDLE volume = open_volume(chance);
    static const HANDLE plain = [] {
        HANDLE handle = nullptr;
        open_name(u"\\Device\\WinFsp.Disk", FILE_READ_ATTRIBUTES, FILE_OPEN, 0, 7, &handle);
        return handle;
    }();
    for (int calls = 0; calls < 16 && !chance.spent(); calls++)
        call(volume && chance.below(8) ? volume : plain, chance, false);
    if (volume) {
        control(volume, FSP_FSCTL_STOP, nullptr, 0, nullptr, 0);
        for (int calls = 0; calls < 4 && !chance.spent(); calls++)
            call(volume, chance, true);
        NtClose(volume);
    }
    return 0;
}
