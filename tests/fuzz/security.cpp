// SPDX-License-Identifier: MIT
//
// Security descriptors, SIDs, ACLs and their text.
//
// input: what to do (8 bits), bytes or UTF-16 text
#include "require.h"

#include "nt/object_security.h"
#include "nt/posix_map.h"
#include "nt/rtl.h"
#include "nt/sddl.h"
#include "nt/security_descriptor.h"

#include <winfsp/winfsp.h>

#include <memory>
#include <vector>

namespace {

using namespace fsp::nt;

constexpr SECURITY_INFORMATION everything = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
                                            DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION |
                                            LABEL_SECURITY_INFORMATION;

struct Free
{
    void operator()(void* p) const { std::free(p); }
};
using Heap = std::unique_ptr<void, Free>;

const SID_AND_ATTRIBUTES groups[] = {{sids::everyone.psid(), SE_GROUP_ENABLED},
                                     {sids::administrators.psid(), SE_GROUP_USE_FOR_DENY_ONLY}};
const TokenView token = [] {
    TokenView view;
    view.user = {sids::users.psid(), 0};
    view.groups = groups;
    view.group_count = 2;
    view.privileges = privilege_bit(SE_RESTORE_PRIVILEGE);
    return view;
}();

/// Everything that is done with a descriptor once it has been found valid.
void use(const void* descriptor, ULONG size, const void* other)
{
    ACCESS_MASK granted = 0;
    access_check(token, descriptor, MAXIMUM_ALLOWED, 0, file_generic_mapping, &granted);
    access_check(token, descriptor, FILE_READ_DATA | DELETE, 0, file_generic_mapping, &granted);
    fsp::nt::posix::descriptor_to_permissions(descriptor);
    Heap merged(posix::merge_permissions(1000, 1001, 0750, descriptor));
    REQUIRE(!merged || RtlValidSecurityDescriptor(merged.get()));

    for (SECURITY_INFORMATION what = 0; what < 32; what++) {
        for (const ULONG room : {0u, 19u, size, size + 64}) {
            std::vector<UINT8> out(room);
            ULONG needed = room;
            if (NT_SUCCESS(query_security(what, descriptor, out.data(), &needed)))
                REQUIRE(valid_relative_size(out.data(), needed) != 0);
        }
    }
    WideString text;
    if (NT_SUCCESS(format_sddl(descriptor, everything, &text))) {
        void* again = nullptr;
        // What it cannot express (odd ACE types) it may print and not read.
        if (NT_SUCCESS(parse_sddl(text, &again)))
            REQUIRE(RtlValidSecurityDescriptor(again));
        std::free(again);
    }
    for (const bool container : {false, true}) {
        void* made = nullptr;
        if (NT_SUCCESS(create_object_security(descriptor, other, container, SEF_DACL_AUTO_INHERIT, token,
                                              file_generic_mapping, &made)))
        {
            REQUIRE(RtlValidSecurityDescriptor(made));
            free_descriptor(made);
        }
    }
    void* changed = nullptr;
    if (NT_SUCCESS(set_object_security(everything, other ? other : descriptor, descriptor, 0, nullptr,
                                       file_generic_mapping, &changed)))
    {
        REQUIRE(RtlValidSecurityDescriptor(changed));
        free_descriptor(changed);
    }
    PSECURITY_DESCRIPTOR set = nullptr;
    if (NT_SUCCESS(FspSetSecurityDescriptor(const_cast<void*>(descriptor), DACL_SECURITY_INFORMATION,
                                            const_cast<void*>(other ? other : descriptor), &set)))
        FspDeleteSecurityDescriptor(
            set, reinterpret_cast<NTSTATUS (*)()>(reinterpret_cast<void*>(FspSetSecurityDescriptor)));
}

void descriptors(const uint8_t* data, size_t size)
{
    // Aligned, and of exactly that size. Two of them one after the other make parent and child.
    std::vector<UINT32> first((size + 3) / 4);
    if (size)
        memcpy(first.data(), data, size);
    const ULONG length = valid_relative_size(first.data(), size);
    REQUIRE(length <= size);
    if (!length)
        return;
    std::vector<UINT32> exact(first.begin(), first.begin() + (length + 3) / 4), second;
    const size_t rest = (length + 3) & ~size_t{3};
    if (rest < size) {
        second.resize((size - rest + 3) / 4);
        memcpy(second.data(), data + rest, size - rest);
        if (!valid_relative_size(second.data(), size - rest))
            second.clear();
    }
    use(exact.data(), length, second.empty() ? nullptr : second.data());
}

void texts(WideView text)
{
    void* made = nullptr;
    ULONG size = 0;
    if (NT_SUCCESS(parse_sddl(text, &made, &size))) {
        REQUIRE(valid_relative_size(made, size) == size);
        WideString printed, again;
        REQUIRE(NT_SUCCESS(format_sddl(made, everything, &printed)));
        use(made, size, nullptr);
        void* reread = nullptr;
        REQUIRE(NT_SUCCESS(parse_sddl(printed, &reread)));
        REQUIRE(NT_SUCCESS(format_sddl(reread, everything, &again)) && printed == again);
        std::free(reread);
    }
    std::free(made);
    SidBuffer sid;
    if (parse_sid(text, &sid)) {
        WCHAR printed[max_sid_text];
        SidBuffer again;
        REQUIRE(parse_sid(WideView(printed, format_sid(sid.get(), printed)), &again));
        REQUIRE(equal_sid(sid.get(), again));
        posix::id_of_sid(sid.get());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] & 1) {
        std::vector<WCHAR> text((size - 1) / 2);
        if (!text.empty())
            memcpy(text.data(), data + 1, text.size() * 2);
        texts(WideView(text.data(), text.size()));
    } else if (data[0] & 2) {
        texts(to_wide(std::string_view(reinterpret_cast<const char*>(data + 1), size - 1)));
    } else {
        descriptors(data + 1, size - 1);
    }
    return 0;
}
