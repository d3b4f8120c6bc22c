// SPDX-License-Identifier: MIT
#include "request.h"

#include <deque>
#include <set>
#include <string>

namespace {

struct Table
{
    struct Item
    {
        std::u16string text;
        UNICODE_STRING string;
        UNICODE_PREFIX_TABLE_ENTRY entry;
    };
    Table() { RtlInitializeUnicodePrefix(&table); }

    bool insert(const char16_t* text)
    {
        Item& item = items.emplace_back();
        item.text = text;
        item.string.Buffer = item.text.data();
        item.string.Length = item.string.MaximumLength = static_cast<USHORT>(item.text.size() * 2);
        if (RtlInsertUnicodePrefix(&table, &item.string, &item.entry))
            return true;
        items.pop_back();
        return false;
    }
    std::u16string find(std::u16string name, ULONG index = 0)
    {
        UNICODE_STRING s{static_cast<USHORT>(name.size() * 2), static_cast<USHORT>(name.size() * 2),
                         name.data()};
        PUNICODE_PREFIX_TABLE_ENTRY e = RtlFindUnicodePrefix(&table, &s, index);
        return e ? std::u16string(e->Prefix->Buffer, e->Prefix->Length / 2) : u"none";
    }
    std::multiset<std::u16string> all()
    {
        std::multiset<std::u16string> found;
        for (auto* e = RtlNextUnicodePrefix(&table, TRUE); e; e = RtlNextUnicodePrefix(&table, FALSE))
            found.insert(std::u16string(e->Prefix->Buffer, e->Prefix->Length / 2));
        return found;
    }
    UNICODE_PREFIX_TABLE table;
    std::deque<Item> items;
};

TEST(PrefixTable, LongestComponentWisePrefixWins)
{
    Table t;
    EXPECT_TRUE(t.insert(u"\\server"));
    EXPECT_TRUE(t.insert(u"\\server\\share"));
    EXPECT_EQ(u"\\server\\share", t.find(u"\\server\\share\\dir\\file"));
    EXPECT_EQ(u"\\server\\share", t.find(u"\\server\\share"));
    EXPECT_EQ(u"\\server", t.find(u"\\server\\shared\\file"));
    EXPECT_EQ(u"none", t.find(u"\\servers\\share"));
}

TEST(PrefixTable, RootIsThePrefixOfEverything)
{
    Table t;
    t.insert(u"\\");
    t.insert(u"\\a\\b");
    EXPECT_EQ(u"\\", t.find(u"\\x\\y\\z"));
    EXPECT_EQ(u"\\", t.find(u"\\a"));
    EXPECT_EQ(u"\\a\\b", t.find(u"\\a\\b\\c"));
}

TEST(PrefixTable, CaseIsIgnoredFromTheIndexOn)
{
    Table t;
    EXPECT_TRUE(t.insert(u"\\Share"));
    EXPECT_FALSE(t.insert(u"\\Share"));
    EXPECT_TRUE(t.insert(u"\\SHARE"));
    EXPECT_EQ(u"\\Share", t.find(u"\\share\\x"));
    EXPECT_EQ(u"\\SHARE", t.find(u"\\SHARE\\x", 6));
    EXPECT_EQ(u"none", t.find(u"\\share\\x", 6));
}

TEST(PrefixTable, RemovalKeepsTheRest)
{
    Table t;
    const char16_t* names[] = {u"\\m", u"\\c", u"\\x", u"\\a",    u"\\e",
                               u"\\C", u"\\q", u"\\z", u"\\m\\n", u"\\"};
    for (const char16_t* n : names)
        EXPECT_TRUE(t.insert(n));
    EXPECT_EQ(std::size(names), t.all().size());
    for (size_t i = 0; i < std::size(names); ++i) {
        RtlRemoveUnicodePrefix(&t.table, &t.items[i].entry);
        std::multiset<std::u16string> left;
        for (size_t j = i + 1; j < std::size(names); ++j) {
            left.insert(names[j]);
            EXPECT_EQ(names[j], t.find(names[j], static_cast<ULONG>(t.items[j].text.size())));
        }
        EXPECT_EQ(left, t.all());
    }
}

} // namespace
