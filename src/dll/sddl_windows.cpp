// SPDX-License-Identifier: MIT
#include "nt/sddl.h"

#include <sddl.h>

namespace fsp::nt {

NTSTATUS format_sddl(const void* descriptor, SECURITY_INFORMATION information, WideString* out)
{
    PWSTR text = nullptr;
    if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(const_cast<void*>(descriptor), SDDL_REVISION_1,
                                                              information, &text, nullptr))
        return FspNtStatusFromWin32(GetLastError());
    *out = text;
    LocalFree(text);
    return STATUS_SUCCESS;
}

} // namespace fsp::nt
