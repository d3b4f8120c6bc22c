// SPDX-License-Identifier: MIT
#include "host/own_token.h"

#include "nt/posix_map.h"

#include <unistd.h>

namespace fsp::host {

namespace {

ntos::SidBytes bytes(const nt::SidBuffer& sid)
{
    const auto* p = reinterpret_cast<const uint8_t*>(sid.get());
    return {p, p + nt::sid_length(sid.get())};
}

constexpr uint64_t privilege(unsigned number) { return uint64_t{1} << number; }

} // namespace

ntos::TokenSpec own_token_spec()
{
    static constexpr uint8_t everyone[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    static constexpr uint8_t authenticated[] = {1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0};
    static constexpr uint8_t administrators[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};

    ntos::TokenSpec spec;
    const uid_t uid = geteuid();
    const gid_t gid = getegid();
    spec.user = bytes(nt::posix::sid_of_id(uid));
    spec.primary_group = bytes(nt::posix::sid_of_id(gid));
    spec.groups.push_back({spec.primary_group});

    std::vector<gid_t> groups(static_cast<size_t>(std::max(getgroups(0, nullptr), 0)));
    const int count = getgroups(static_cast<int>(groups.size()), groups.data());
    for (int i = 0; i < count; ++i)
        if (groups[static_cast<size_t>(i)] != gid)
            spec.groups.push_back({bytes(nt::posix::sid_of_id(groups[static_cast<size_t>(i)]))});
    spec.groups.push_back({{std::begin(everyone), std::end(everyone)}});
    spec.groups.push_back({{std::begin(authenticated), std::end(authenticated)}});

    spec.privileges = privilege(SE_CHANGE_NOTIFY_PRIVILEGE) | privilege(SE_CREATE_SYMBOLIC_LINK_PRIVILEGE);
    if (uid == 0) {
        spec.groups.push_back({{std::begin(administrators), std::end(administrators)}});
        spec.privileges |= privilege(SE_BACKUP_PRIVILEGE) | privilege(SE_RESTORE_PRIVILEGE) |
                           privilege(SE_TAKE_OWNERSHIP_PRIVILEGE) | privilege(SE_SECURITY_PRIVILEGE) |
                           privilege(SE_LOAD_DRIVER_PRIVILEGE);
    }
    return spec;
}

} // namespace fsp::host
