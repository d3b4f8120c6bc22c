// SPDX-License-Identifier: MIT
// The executive's structures lie in memory as those of 64-bit Windows. The other side is an object file for
// Windows that holds the same table; its rows are found by their marker.
#include <ntifs.h>

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

struct Row
{
    char marker[8];
    unsigned value;
};

struct Expected
{
    const char* what;
    unsigned value;
};

#define S(type) {"sizeof " #type, sizeof(type)},
#define F(type, member) {#type "." #member, unsigned(__builtin_offsetof(type, member))},
const Expected rows[] = {
#include "layout.inc"
};

std::vector<unsigned> values_in(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<unsigned> values;
    const char marker[8] = "LAYOUT:";
    for (size_t at = bytes.find(marker, 0, sizeof marker); at != std::string::npos;
         at = bytes.find(marker, at + sizeof(Row), sizeof marker))
    {
        Row row;
        memcpy(&row, bytes.data() + at, sizeof row);
        values.push_back(row.value);
    }
    return values;
}

} // namespace

TEST(Layout, IsThatOfWindows)
{
    const std::vector<unsigned> windows = values_in(WINDOWS_LAYOUT_OBJECT);
    ASSERT_EQ(windows.size(), std::size(rows)) << WINDOWS_LAYOUT_OBJECT;
    for (size_t i = 0; i < windows.size(); i++)
        EXPECT_EQ(rows[i].value, windows[i]) << rows[i].what;
}
