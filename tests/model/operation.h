// SPDX-License-Identifier: MIT
/// @file What both the model and the real thing can do, as text and back.
#pragma once

#include <ntifs.h>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace fsp::model {

enum class Kind : uint8_t
{
    open,
    close,
    read,
    write,
    set_end,        ///< FileEndOfFileInformation
    set_allocation, ///< FileAllocationInformation
    set_read_only,  ///< FileBasicInformation
    dispose,        ///< FileDispositionInformation
    dispose_ex,
    rename,
    rename_ex,
    stat, ///< FileStandardInformation
    list
};

constexpr int slots = 5;

/// One call. Every kind uses some of the members.
struct Operation
{
    Kind kind = Kind::stat;
    int slot = 0; ///< the file that it is about
    int path = 0; ///< index into paths()
    ULONG access = 0, share = 0, disposition = 0, options = 0;
    ULONG flags = 0; ///< of dispose and rename; read-only or not
    ULONG offset = 0, length = 0;
};
using Sequence = std::vector<Operation>;

/// What a call did: equal for model and system, or one of them is wrong.
struct Outcome
{
    NTSTATUS status = STATUS_SUCCESS;
    std::string detail; ///< what came back
    bool operator==(const Outcome&) const = default;
};

/// Volume-relative, with leading backslash.
const std::vector<std::u16string>& paths();

Operation random_operation(std::mt19937_64& random);

/// E.g. "open 0 \d\a access=120089 share=7 disposition=1 options=40; close 0"; numbers in hex.
std::string to_text(const Sequence& sequence);
std::optional<Sequence> parse(std::string_view text);

} // namespace fsp::model
