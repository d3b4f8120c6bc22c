// SPDX-License-Identifier: MIT
#include "fsd/sha1.h"

#include <cstdio>
#include <cstring>
#include <gtest/gtest.h>
#include <string>

using namespace fsp::fsd;

TEST(Sha1, MatchesThePublishedVector)
{
    Sha1 hash;
    hash.update("abc", 3);
    UINT8 digest[20];
    hash.finish(digest);
    std::string hex;
    for (UINT8 byte : digest) {
        char text[3];
        std::snprintf(text, sizeof text, "%02x", byte);
        hex += text;
    }
    EXPECT_EQ(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Sha1, NameBasedGuidMatchesRfc4122)
{
    // Python: uuid.uuid5(uuid.NAMESPACE_DNS, "python.org")
    const GUID dns = {0x6ba7b810, 0x9dad, 0x11d1, {0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}};
    const GUID expected = {0x886313e1, 0x3b8a, 0x5372, {0x9b, 0x90, 0x0c, 0x9a, 0xee, 0x19, 0x9e, 0x5d}};
    const GUID got = name_based_guid(dns, "python.org", 10);
    EXPECT_EQ(std::memcmp(&got, &expected, sizeof got), 0);
}
