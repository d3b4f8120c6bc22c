// SPDX-License-Identifier: MIT
//
// What the FUSE layer takes from Windows, by heart: accounts, tokens, paths.
#include "dll/fuse/system.h"

#include <cstdlib>

#include "nt/posix_map.h"
#include "nt/text.h"
#include "system_fake.h"

namespace fsp::winfuse::system {
namespace {

void put_sid(UINT32 id, UCHAR (&out)[sid_size_max])
{
    const nt::SidBuffer sid = nt::posix::public_sid_of_id(id);
    std::memcpy(out, sid.get(), sid.size());
}

struct Slot
{
    PVOID pointer = nullptr;
    void (*release)(PVOID) = nullptr;
    ~Slot()
    {
        if (pointer != nullptr)
            release(pointer);
    }
};
thread_local Slot slot;

} // namespace

NTSTATUS identity_of(HANDLE token, Identity* out)
{
    if (token != fake::token)
        return STATUS_INVALID_HANDLE;
    put_sid(fake::caller_uid, out->user);
    put_sid(fake::caller_gid, out->group);
    return STATUS_SUCCESS;
}

NTSTATUS own_identity(Identity* out)
{
    put_sid(fake::own_uid, out->user);
    put_sid(fake::own_gid, out->group);
    return STATUS_SUCCESS;
}

bool find_account(const char* name, UCHAR (&sid)[sid_size_max])
{
    if (std::strcmp(name, "HOUSE\\Guest") != 0)
        return false;
    put_sid(fake::guest_uid, sid);
    return true;
}

std::basic_string<WCHAR> from_ansi(const char* text) { return nt::to_wide(text); }
HANDLE open_log(const char*) { return INVALID_HANDLE_VALUE; }

bool full_path(const WCHAR* path, WCHAR* out, ULONG capacity)
{
    return nt::copy(out, capacity, nt::WideView(path));
}

UINT64 random_number() { return 0x123456789ABCDEF0; }

PVOID thread_pointer() { return slot.pointer; }
bool set_thread_pointer(PVOID pointer, void (*release)(PVOID))
{
    slot.pointer = pointer;
    slot.release = release;
    return true;
}

} // namespace fsp::winfuse::system
