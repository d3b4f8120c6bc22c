// SPDX-License-Identifier: MIT
//
// POSIX identities, permissions and names, and what they are in Windows terms. Nothing here allocates unless
// it says so: frontends call it on every request.
//
// Identities: uid or gid <-> SID as Cygwin numbers them, except that an id whose Cygwin SID would be lost on
// the way back, has no SID, or is one that stands for everybody (Everyone, Authenticated Users, CREATOR ...),
// is S-1-22-1-<id>. Only 65534 (nobody) and -1 are S-1-0-65534. So two Linux users are never one SID.
#pragma once

#include <cstddef>
#include <string_view>

#include <winfsp/nt.h>

#include "nt/sid.h"
#include "nt/text.h"

namespace fsp::nt::posix {

#if defined(_WIN32)
/// S-1-5-21-X-Y-Z of the accounts of this machine, and of the domain that it is a member of; null if there is
/// none.
const SID* account_domain();
const SID* primary_domain();
#endif

constexpr UINT32 unmapped_id = 65534;
constexpr UINT32 invalid_id = 0xFFFFFFFF;

/// Entries that come before the rules; at most max_overrides are kept, count 0 clears. Thread-safe, but a
/// conversion on another thread may still see the table before.
constexpr ULONG max_overrides = 8;
void set_id_overrides(const UINT32* ids, const PSID* sids, ULONG count);

SidBuffer sid_of_id(UINT32 id);
/// As sid_of_id, but with the SIDs that stand for everybody: what FspPosixMapUidToSid answers, so that each
/// well-known SID survives the way to a number and back. Not for deciding whose something is.
SidBuffer public_sid_of_id(UINT32 id);
/// unmapped_id for a SID that is nobody's. The SID must be valid.
UINT32 id_of_sid(const SID* sid);

/// Whether owner and group keep their own bits when they are the same SID (DistinctPermsForSameOwnerGroup).
void set_distinct_same_owner_group(bool distinct);

/// The owner, group and other bits, sticky (01000) and directory (0040000) of a mode.
constexpr ULONG max_descriptor_size = 20 + 2 * SECURITY_MAX_SID_SIZE + 8 + 5 * (8 + SECURITY_MAX_SID_SIZE);

/// Writes the self-relative descriptor that stands for the three; `out` has max_descriptor_size bytes,
/// aligned to 4. Returns its size.
ULONG permissions_to_descriptor(UINT32 uid, UINT32 gid, UINT32 mode, void* out);
ULONG permissions_to_descriptor(const SidBuffer& owner, const SidBuffer& group, UINT32 mode, void* out);

/// The descriptor for a file that has `existing` (valid): its owner, group and DACL where it has them,
/// protected. Allocates on the C heap; null without memory.
void* merge_permissions(UINT32 uid, UINT32 gid, UINT32 mode, const void* existing);

struct Permissions
{
    UINT32 uid = unmapped_id;
    UINT32 gid = unmapped_id;
    UINT32 mode = 0; ///< 01777 at most: permission bits and sticky
    bool has_owner = false;
    bool has_group = false;
};

/// The descriptor must be valid. `uid` and `gid` (may be null) are whom a missing owner and group are taken
/// to be.
Permissions descriptor_to_permissions(const void* descriptor, const UINT32* uid = nullptr,
                                      const UINT32* gid = nullptr);

// Names. Windows cannot have 0x01-0x1F < > : " \ | ? * in a name: they become U+F000 + the character.

constexpr bool is_reserved(WCHAR c)
{
    return (c >= 1 && c < 0x20) || c == u'<' || c == u'>' || c == u':' || c == u'"' || c == u'\\' ||
           c == u'|' || c == u'?' || c == u'*';
}

/// In place: '\' to '/', and U+F000..U+F0FF to their low byte.
void encode_windows_path(WCHAR* path, ULONG length);
/// In place: '/' to '\', and reserved characters to U+F000 + character.
void decode_windows_path(WCHAR* path, ULONG length);

/// Whole paths of the public API. With `translate` also separators and reserved characters are mapped, and
/// text that the other encoding cannot hold survives (TextMode::lossless); without, it becomes U+FFFD.
/// Terminated results on the C heap (std::free). @return STATUS_NO_MEMORY
NTSTATUS windows_to_posix_path(WideView path, bool translate, char** out);
NTSTATUS posix_to_windows_path(std::string_view path, bool translate, WCHAR** out);

/// Names and paths of a mount: every sequence of bytes has a name on the Windows side and comes back as it
/// was (bytes that are not UTF-8 and the private-use characters above included, dots and blanks at the end
/// too). Results are not terminated; as TextResult says, `out` may be null to measure.
TextResult mount_name_to_windows(std::string_view name, WCHAR* out, size_t capacity);
TextResult windows_name_to_mount(WideView name, char* out, size_t capacity);
/// The same for each component between separators.
TextResult mount_path_to_windows(std::string_view path, WCHAR* out, size_t capacity);
TextResult windows_path_to_mount(WideView path, char* out, size_t capacity);

} // namespace fsp::nt::posix
