// SPDX-License-Identifier: MIT
//
// What the FUSE layer takes from Windows, on the executive.
#include "dll/fuse/system.h"

#include <cstring>

#include "dll/transport.h"
#include "nt/sid.h"
#include "nt/text.h"
#include "ntos/ob/object.h"
#include "ntos/se/token.h"

namespace fsp::winfuse::system {
namespace {

void put_sid(PSID sid, UCHAR (&out)[sid_size_max])
{
    std::memcpy(out, sid, nt::sid_length(static_cast<const SID*>(sid)));
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
    ntos::ob::Ref<void> object;
    ACCESS_MASK granted = 0;
    const NTSTATUS status = ntos::ob::reference_by_handle(token, TOKEN_QUERY, &ntos::ob::token_type, UserMode,
                                                          object.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    const nt::TokenView& view = ntos::se::token_of(object.get()).view;
    put_sid(view.user.Sid, out->user);
    put_sid(const_cast<SID*>(view.primary_group), out->group);
    return STATUS_SUCCESS;
}

NTSTATUS own_identity(Identity* out)
{
    transport::TokenIdentity own;
    const NTSTATUS status = transport::own_token(&own);
    if (NT_SUCCESS(status)) {
        std::memcpy(out->user, own.user, sizeof out->user);
        std::memcpy(out->group, own.primary_group, sizeof out->group);
    }
    return status;
}

bool find_account(const char*, UCHAR (&)[sid_size_max]) { return false; }
std::basic_string<WCHAR> from_ansi(const char* text) { return nt::to_wide(text); }
HANDLE open_log(const char*) { return INVALID_HANDLE_VALUE; }
bool full_path(const WCHAR* path, WCHAR* out, ULONG capacity)
{
    return nt::copy(out, capacity, nt::WideView(path));
}
UINT64 random_number()
{
    static UINT64 number = 0;
    return __atomic_add_fetch(&number, 1, __ATOMIC_SEQ_CST);
}

PVOID thread_pointer() { return slot.pointer; }
bool set_thread_pointer(PVOID pointer, void (*release)(PVOID))
{
    slot.pointer = pointer;
    slot.release = release;
    return true;
}

} // namespace fsp::winfuse::system
