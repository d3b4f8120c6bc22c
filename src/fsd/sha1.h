// SPDX-License-Identifier: MIT
#pragma once

#include "wdk.h"

namespace fsp::fsd {

/// SHA-1 (FIPS 180-4) of up to a few hundred bytes in pieces: only for name-based GUIDs.
class Sha1
{
  public:
    void update(const void* data, ULONG size) noexcept;
    void finish(UINT8 digest[20]) noexcept;

  private:
    void block() noexcept;
    UINT32 state_[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    UINT64 bytes_ = 0;
    UINT8 buffer_[64];
};

/// RFC 4122 version 5: from a name space GUID and a name.
GUID name_based_guid(const GUID& name_space, const void* name, ULONG size) noexcept;

} // namespace fsp::fsd
