// SPDX-License-Identifier: MIT
#include "ntos/se/token.h"

#include "nt/acl.h"
#include "nt/sid.h"
#include "ntos/ps/thread_state.h"

#include <cstring>
#include <utility>

namespace fsp::ntos {

namespace se {

namespace {

constexpr ULONG usual_group = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED;

bool valid(const SidBytes& sid) { return nt::valid_sid_size(sid.data(), sid.size()) != 0; }

void destroy_token(void* body) { static_cast<Token*>(body)->~Token(); }

/// An ACL that lets the user and SYSTEM do everything.
std::vector<uint8_t> usual_dacl(const SidBytes& user)
{
    static constexpr uint8_t system[] = {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};
    std::vector<uint8_t> dacl(sizeof(ACL) + 2 * (sizeof(ACE_HEADER) + sizeof(ACCESS_MASK)) + user.size() +
                              sizeof system);
    auto* acl = reinterpret_cast<PACL>(dacl.data());
    RtlCreateAcl(acl, static_cast<ULONG>(dacl.size()), ACL_REVISION);
    RtlAddAccessAllowedAce(acl, ACL_REVISION, GENERIC_ALL, const_cast<uint8_t*>(user.data()));
    RtlAddAccessAllowedAce(acl, ACL_REVISION, GENERIC_ALL, const_cast<uint8_t*>(system));
    return dacl;
}

/// Where things go in the one block of a token; each part starts aligned.
class Packer
{
  public:
    size_t add(const void* data, size_t size)
    {
        const size_t at = (bytes_.size() + 7) & ~size_t{7};
        bytes_.resize(at + size);
        std::memcpy(bytes_.data() + at, data, size);
        return at;
    }
    std::vector<uint8_t> take() { return std::move(bytes_); }

  private:
    std::vector<uint8_t> bytes_;
};

} // namespace

LUID new_luid()
{
    static std::atomic<ULONG> next{1000};
    return {next.fetch_add(1), 0};
}

bool Token::assign(const TokenSpec& spec)
{
    if (!valid(spec.user) || (!spec.owner.empty() && !valid(spec.owner)) ||
        (!spec.primary_group.empty() && !valid(spec.primary_group)))
        return false;
    std::vector<uint8_t> dacl = spec.default_dacl.empty() ? usual_dacl(spec.user) : spec.default_dacl;
    if (!nt::valid_acl(reinterpret_cast<const ACL*>(dacl.data()), dacl.size()))
        return false;

    Packer packer;
    const size_t user = packer.add(spec.user.data(), spec.user.size());
    const size_t owner = spec.owner.empty() ? user : packer.add(spec.owner.data(), spec.owner.size());
    const size_t group =
        spec.primary_group.empty() ? user : packer.add(spec.primary_group.data(), spec.primary_group.size());
    const size_t acl = packer.add(dacl.data(), dacl.size());
    std::vector<size_t> places;
    ULONG integrity = SECURITY_MANDATORY_MEDIUM_RID;
    for (const auto& g : spec.groups) {
        if (!valid(g.sid))
            return false;
        places.push_back(packer.add(g.sid.data(), g.sid.size()));
    }
    storage = packer.take();

    auto sid_at = [&](size_t at) { return reinterpret_cast<SID*>(storage.data() + at); };
    for (size_t i = 0; i < places.size(); ++i) {
        const ULONG attributes = spec.groups[i].attributes;
        groups.push_back({sid_at(places[i]), attributes != 0 ? attributes : usual_group});
        if ((attributes & SE_GROUP_INTEGRITY) != 0)
            integrity = sid_at(places[i])->SubAuthority[0];
    }
    view.user = {sid_at(user), 0};
    view.groups = groups.data();
    view.group_count = static_cast<ULONG>(groups.size());
    view.privileges = spec.privileges;
    view.integrity = integrity;
    view.owner = sid_at(owner);
    view.primary_group = sid_at(group);
    view.default_dacl = reinterpret_cast<const ACL*>(storage.data() + acl);
    id = new_luid();
    authentication_id = new_luid();
    return true;
}

Token::Token(const Token& other, TOKEN_TYPE new_type, SECURITY_IMPERSONATION_LEVEL new_level)
    : view(other.view), groups(other.groups), storage(other.storage), type(new_type), level(new_level),
      id(new_luid()), authentication_id(other.authentication_id)
{
    auto moved = [&](const void* p) {
        return storage.data() + (static_cast<const uint8_t*>(p) - other.storage.data());
    };
    for (auto& g : groups)
        g.Sid = moved(g.Sid);
    view.user.Sid = moved(view.user.Sid);
    view.groups = groups.data();
    view.owner = reinterpret_cast<const SID*>(moved(view.owner));
    view.primary_group = reinterpret_cast<const SID*>(moved(view.primary_group));
    view.default_dacl = reinterpret_cast<const ACL*>(moved(view.default_dacl));
}

Token::~Token()
{
    if (PACCESS_TOKEN copy = identification.load(std::memory_order_acquire))
        ob::dereference(copy);
}

PACCESS_TOKEN reference_identification(Token& token)
{
    PACCESS_TOKEN copy = token.identification.load(std::memory_order_acquire);
    if (copy == nullptr) {
        ob::Ref<Token> fresh(
            ob::create<Token>(&ob::token_type, token, TokenImpersonation, SecurityIdentification));
        if (!fresh)
            return nullptr;
        if (token.identification.compare_exchange_strong(copy, fresh.get(), std::memory_order_acq_rel))
            copy = fresh.release();
    }
    ob::reference(copy);
    return copy;
}

} // namespace se

namespace ob {

Type token_type = {
    u"Token",
    {TOKEN_READ, STANDARD_RIGHTS_WRITE | TOKEN_ADJUST_PRIVILEGES | TOKEN_ADJUST_GROUPS | TOKEN_ADJUST_DEFAULT,
     STANDARD_RIGHTS_EXECUTE, TOKEN_ALL_ACCESS},
    TOKEN_ALL_ACCESS,
    -1,
    nullptr,
    se::destroy_token,
    nullptr};

} // namespace ob

PACCESS_TOKEN create_token(const TokenSpec& spec)
{
    ob::Ref<se::Token> token(ob::create<se::Token>(&ob::token_type));
    if (!token || !token->assign(spec))
        return nullptr;
    return token.release();
}

PACCESS_TOKEN system_token()
{
    static PACCESS_TOKEN token = [] {
        TokenSpec spec;
        spec.user = {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};
        spec.groups = {
            {{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0}, 0},
            {{1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 0},
            {{1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0}, 0},
            {{1, 1, 0, 0, 0, 0, 0, 16, 0, 0x40, 0, 0}, SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED}};
        spec.groups[0].attributes = se::usual_group | SE_GROUP_OWNER;
        spec.privileges = ((uint64_t{1} << (SE_MAX_WELL_KNOWN_PRIVILEGE + 1)) - 1) & ~uint64_t{3};
        return create_token(spec);
    }();
    return token;
}

Impersonation::Impersonation(PACCESS_TOKEN token)
{
    ps::ThreadState& t = ps::current();
    ob::reference(token);
    before_ = std::exchange(t.client, token);
    level_before_ = std::exchange(t.client_level, SecurityImpersonation);
}

Impersonation::~Impersonation()
{
    ps::ThreadState& t = ps::current();
    PACCESS_TOKEN mine = std::exchange(t.client, before_);
    t.client_level = level_before_;
    if (mine != nullptr)
        ob::dereference(mine);
}

} // namespace fsp::ntos
