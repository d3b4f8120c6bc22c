// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "frontends/fuse/inode.h"

using namespace fsp::fuse;

namespace {

std::u16string path_of(InodeTable& table, const Inode& inode)
{
    std::u16string path;
    return table.path(inode, &path) ? path : u"(none)";
}

TEST(InodeTable, RootHasNumberOneAndPathBackslash)
{
    InodeTable table(false);
    EXPECT_EQ(table.to_number(table.root()), 1u);
    EXPECT_EQ(table.from_number(1), &table.root());
    EXPECT_EQ(path_of(table, table.root()), u"\\");
}

TEST(InodeTable, SameNameAndIndexIsSameInode)
{
    InodeTable table(false);
    Inode* a = table.found(table.root(), u"a", 7);
    EXPECT_EQ(table.found(table.root(), u"a", 7), a);
    EXPECT_EQ(a->lookups, 2u);
    EXPECT_EQ(a->number, 7u);
    EXPECT_EQ(table.from_number(table.to_number(*a)), a);
}

TEST(InodeTable, AnotherFileOfTheNameIsAnotherInode)
{
    InodeTable table(false);
    Inode* before = table.found(table.root(), u"a", 7);
    Inode* after = table.found(table.root(), u"a", 8);
    EXPECT_NE(before, after);
    EXPECT_TRUE(before->orphan);
    EXPECT_EQ(path_of(table, *before), u"(none)");
    EXPECT_EQ(path_of(table, *after), u"\\a");
}

TEST(InodeTable, FileMovedByOthersIsRecognisedByItsIndex)
{
    InodeTable table(false);
    Inode* directory = table.found(table.root(), u"d", 1);
    Inode* file = table.found(table.root(), u"a", 7);
    EXPECT_EQ(table.found(*directory, u"b", 7), file);
    EXPECT_EQ(path_of(table, *file), u"\\d\\b");
}

TEST(InodeTable, IndexNeverMakesADirectoryItsOwnAncestor)
{
    InodeTable table(false);
    Inode* outer = table.found(table.root(), u"a", 1);
    Inode* inner = table.found(*outer, u"b", 2);
    EXPECT_NE(table.found(*inner, u"c", 1), outer);
}

TEST(InodeTable, IgnoresCaseIfTheVolumeDoes)
{
    InodeTable table(true);
    Inode* file = table.found(table.root(), u"ReadMe", 0);
    EXPECT_EQ(table.found(table.root(), u"README", 0), file);
    InodeTable sensitive(false);
    Inode* one = sensitive.found(sensitive.root(), u"ReadMe", 0);
    EXPECT_NE(sensitive.found(sensitive.root(), u"README", 0), one);
}

TEST(InodeTable, ForgottenInodesGoAway)
{
    InodeTable table(false);
    Inode* directory = table.found(table.root(), u"d", 1);
    Inode* file = table.found(*directory, u"f", 2);
    EXPECT_EQ(table.size(), 2u);
    table.forget(*directory, 1); // its child keeps it
    EXPECT_EQ(table.size(), 2u);
    table.forget(*file, 1);
    EXPECT_EQ(table.size(), 0u);
}

TEST(InodeTable, DeepTreesGoAwayWithoutRecursion)
{
    InodeTable table(false);
    Inode* deepest = &table.root();
    for (uint64_t i = 1; i <= 100000; ++i) {
        Inode* next = table.found(*deepest, u"d", i);
        if (i > 1)
            table.forget(*deepest, 1);
        deepest = next;
    }
    table.forget(*deepest, 1);
    EXPECT_EQ(table.size(), 0u);
}

TEST(InodeTable, RenameMovesTheWholeSubtree)
{
    InodeTable table(false);
    Inode* from = table.found(table.root(), u"from", 1);
    Inode* to = table.found(table.root(), u"to", 2);
    Inode* directory = table.found(*from, u"d", 3);
    Inode* file = table.found(*directory, u"f", 4);
    const uint64_t moves = table.moves();
    table.rename(*from, u"d", *to, u"e");
    EXPECT_EQ(path_of(table, *file), u"\\to\\e\\f");
    EXPECT_GT(table.moves(), moves);
}

TEST(InodeTable, RenameOverAFileMakesItAnOrphan)
{
    InodeTable table(false);
    Inode* source = table.found(table.root(), u"a", 1);
    Inode* target = table.found(table.root(), u"b", 2);
    table.rename(table.root(), u"a", table.root(), u"b");
    EXPECT_TRUE(target->orphan);
    EXPECT_EQ(path_of(table, *source), u"\\b");
    table.forget(*target, 1);
    EXPECT_EQ(table.size(), 1u);
}

TEST(InodeTable, RenameOfCaseOnlyKeepsTheInode)
{
    InodeTable table(true);
    Inode* file = table.found(table.root(), u"a", 1);
    table.rename(table.root(), u"a", table.root(), u"A");
    EXPECT_FALSE(file->orphan);
    EXPECT_EQ(path_of(table, *file), u"\\A");
}

TEST(InodeTable, OrphansNumberMayBeUsedAgain)
{
    InodeTable table(false);
    Inode* gone = table.found(table.root(), u"a", 7);
    table.orphan(table.root(), u"a");
    Inode* fresh = table.found(table.root(), u"b", 7);
    EXPECT_NE(gone, fresh);
    EXPECT_TRUE(gone->orphan);
    EXPECT_FALSE(fresh->orphan);
}

TEST(InodeTable, GrowsAndStillFinds)
{
    InodeTable table(false);
    std::vector<Inode*> all;
    for (uint64_t i = 1; i <= 20000; ++i) {
        const std::string digits = std::to_string(i);
        all.push_back(table.found(table.root(), std::u16string(digits.begin(), digits.end()), i));
    }
    for (uint64_t i = 1; i <= 20000; ++i) {
        const std::string digits = std::to_string(i);
        EXPECT_EQ(table.found(table.root(), std::u16string(digits.begin(), digits.end()), i), all[i - 1]);
    }
    EXPECT_EQ(table.size(), 20000u);
}

TEST(InodeTable, ReferencedInodeOutlivesForget)
{
    InodeTable table(false);
    Inode* file = table.found(table.root(), u"a", 1);
    table.reference(*file);
    table.forget(*file, 1);
    EXPECT_EQ(table.size(), 1u);
    table.release(*file);
    EXPECT_EQ(table.size(), 0u);
}

} // namespace
