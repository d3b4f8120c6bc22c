// SPDX-License-Identifier: MIT
/// @file The body of a token object.
#pragma once

#include "ntos/token.h"

#include "nt/access_check.h"
#include "ntos/ob/object.h"

namespace fsp::ntos::se {

/// Never changes after it was made, so that it is read without a lock.
struct Token
{
    /// Points into `storage` and `groups`.
    nt::TokenView view;
    std::vector<SID_AND_ATTRIBUTES> groups;
    std::vector<uint8_t> storage;
    TOKEN_TYPE type = TokenPrimary;
    SECURITY_IMPERSONATION_LEVEL level = SecurityImpersonation;
    LUID id{}, authentication_id{};
    /// Copy that only identifies, referenced; made when the first server wants it.
    std::atomic<PACCESS_TOKEN> identification{nullptr};

    Token() = default;
    /// A copy with a type of its own, for handles to impersonation tokens.
    Token(const Token& other, TOKEN_TYPE type, SECURITY_IMPERSONATION_LEVEL level);
    Token& operator=(const Token&) = delete;
    ~Token();

    /// @return false if a part is not valid
    bool assign(const TokenSpec& spec);
};

inline Token& token_of(PACCESS_TOKEN token) { return *static_cast<Token*>(token); }

/// The token that counts for access checks.
inline PACCESS_TOKEN effective(const SECURITY_SUBJECT_CONTEXT& context)
{
    return context.ClientToken != nullptr ? context.ClientToken : context.PrimaryToken;
}

inline bool holds_privilege(const SECURITY_SUBJECT_CONTEXT& context, ULONG privilege, KPROCESSOR_MODE mode)
{
    return mode == KernelMode || token_of(effective(context)).view.has(privilege);
}

/// The copy of a token for servers that may only look at it, referenced; all share one, because tokens do not
/// change. @return nullptr without memory
PACCESS_TOKEN reference_identification(Token& token);

LUID new_luid();

} // namespace fsp::ntos::se
