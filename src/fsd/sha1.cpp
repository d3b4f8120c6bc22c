// SPDX-License-Identifier: MIT
#include "sha1.h"

namespace fsp::fsd {

namespace {

constexpr UINT32 rotate_left(UINT32 value, int bits) { return value << bits | value >> (32 - bits); }

/// A GUID's first three fields are little-endian numbers here and big-endian in the hash.
void to_network_order(const GUID& guid, UINT8 bytes[16])
{
    static constexpr UINT8 order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    const auto* source = reinterpret_cast<const UINT8*>(&guid);
    for (int i = 0; i < 16; i++)
        bytes[i] = source[order[i]];
}

} // namespace

void Sha1::block() noexcept
{
    UINT32 w[80];
    for (int i = 0; i < 16; i++)
        w[i] = static_cast<UINT32>(buffer_[4 * i]) << 24 | static_cast<UINT32>(buffer_[4 * i + 1]) << 16 |
               static_cast<UINT32>(buffer_[4 * i + 2]) << 8 | buffer_[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);

    UINT32 a = state_[0], b = state_[1], c = state_[2], d = state_[3], e = state_[4];
    for (int i = 0; i < 80; i++) {
        UINT32 f, k;
        if (i < 20)
            f = (b & c) | (~b & d), k = 0x5a827999;
        else if (i < 40)
            f = b ^ c ^ d, k = 0x6ed9eba1;
        else if (i < 60)
            f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
        else
            f = b ^ c ^ d, k = 0xca62c1d6;
        const UINT32 next = rotate_left(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = next;
    }
    state_[0] += a;
    state_[1] += b;
    state_[2] += c;
    state_[3] += d;
    state_[4] += e;
}

void Sha1::update(const void* data, ULONG size) noexcept
{
    const auto* bytes = static_cast<const UINT8*>(data);
    for (ULONG i = 0; i < size; i++) {
        buffer_[bytes_++ % 64] = bytes[i];
        if (bytes_ % 64 == 0)
            block();
    }
}

void Sha1::finish(UINT8 digest[20]) noexcept
{
    const UINT64 bits = bytes_ * 8;
    const UINT8 one = 0x80, zero = 0;
    update(&one, 1);
    while (bytes_ % 64 != 56)
        update(&zero, 1);
    UINT8 length[8];
    for (int i = 0; i < 8; i++)
        length[i] = static_cast<UINT8>(bits >> (56 - 8 * i));
    update(length, sizeof length);
    for (int i = 0; i < 20; i++)
        digest[i] = static_cast<UINT8>(state_[i / 4] >> (24 - 8 * (i % 4)));
}

GUID name_based_guid(const GUID& name_space, const void* name, ULONG size) noexcept
{
    UINT8 bytes[20];
    to_network_order(name_space, bytes);
    Sha1 hash;
    hash.update(bytes, 16);
    hash.update(name, size);
    hash.finish(bytes);
    bytes[6] = static_cast<UINT8>((bytes[6] & 0x0f) | 0x50); // version 5
    bytes[8] = static_cast<UINT8>((bytes[8] & 0x3f) | 0x80); // RFC 4122 variant

    GUID in_order, result;
    RtlCopyMemory(&in_order, bytes, sizeof in_order);
    to_network_order(in_order, reinterpret_cast<UINT8*>(&result)); // the same exchange again
    return result;
}

} // namespace fsp::fsd
