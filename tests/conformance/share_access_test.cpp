// SPDX-License-Identifier: MIT
//
// Sharing. [MS-FSA] 2.1.5.1.2.2 (Algorithm to Check Sharing Access to an Existing Stream or Directory)
#include "frame/test.h"

namespace conformance {
namespace {

/// The rights that the rule looks at, as the six bits of a row or column.
constexpr ACCESS_MASK rights[] = {FILE_READ_DATA, FILE_WRITE_DATA, FILE_APPEND_DATA, FILE_EXECUTE, DELETE};

struct Wish
{
    ACCESS_MASK access;
    ULONG share;
};

/// Three rights and three ways of sharing are eight times eight opens; each stands for one row of the table.
Wish wish(unsigned number)
{
    Wish result{FILE_READ_ATTRIBUTES, (number >> 3) & 7};
    if ((number & 1) != 0)
        result.access |= FILE_READ_DATA;
    if ((number & 2) != 0)
        result.access |= FILE_WRITE_DATA;
    if ((number & 4) != 0)
        result.access |= DELETE;
    return result;
}

constexpr ACCESS_MASK reading = FILE_READ_DATA | FILE_EXECUTE;
constexpr ACCESS_MASK writing = FILE_WRITE_DATA | FILE_APPEND_DATA;

/// What one open does to the other.
bool allows(const Wish& open, const Wish& other)
{
    return ((other.access & reading) == 0 || (open.share & FILE_SHARE_READ) != 0) &&
           ((other.access & writing) == 0 || (open.share & FILE_SHARE_WRITE) != 0) &&
           ((other.access & DELETE) == 0 || (open.share & FILE_SHARE_DELETE) != 0);
}

/// Opens for neither data nor deletion take no part.
bool compatible(const Wish& first, const Wish& second)
{
    constexpr ACCESS_MASK shared = reading | writing | DELETE;
    if ((first.access & shared) == 0 || (second.access & shared) == 0)
        return true;
    return allows(first, second) && allows(second, first);
}

/// All pairs of opens of a name.
void check_matrix(const std::u16string& path, ULONG options)
{
    for (unsigned i = 0; i != 64; ++i) {
        const Wish first = wish(i);
        File holder(path, first.access, FILE_OPEN, options, first.share);
        REQUIRE_EQ(holder.status(), STATUS_SUCCESS) << i;
        for (unsigned j = 0; j != 64; ++j) {
            const Wish second = wish(j);
            CHECK_EQ(File(path, second.access, FILE_OPEN, options, second.share).status(),
                     compatible(first, second) ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION)
                << i << " then " << j;
        }
    }
}

TEST(ShareAccess, WholeMatrixOfFiles)
{
    make(u"f");
    check_matrix(path(u"f"), FILE_NON_DIRECTORY_FILE);
}

TEST(ShareAccess, WholeMatrixOfDirectories)
{
    make_directory(u"d");
    check_matrix(path(u"d"), FILE_DIRECTORY_FILE);
}

TEST(ShareAccess, WholeMatrixOfStreams)
{
    need(FILE_NAMED_STREAMS);
    make(u"f:s");
    check_matrix(path(u"f:s"), 0);
}

TEST(ShareAccess, EveryRightOfAKindCounts)
{
    make(u"f");
    for (const ACCESS_MASK held : rights)
        for (ULONG share = 0; share != 8; ++share) {
            File holder(path(u"f"), held, FILE_OPEN, 0, share);
            for (const ACCESS_MASK asked : rights)
                for (ULONG asked_share = 0; asked_share != 8; ++asked_share)
                    CHECK_EQ(File(path(u"f"), asked, FILE_OPEN, 0, asked_share).status(),
                             compatible({held, share}, {asked, asked_share}) ? STATUS_SUCCESS
                                                                             : STATUS_SHARING_VIOLATION)
                        << held << share << " then " << asked << asked_share;
        }
}

TEST(ShareAccess, OtherRightsTakeNoPart)
{
    make(u"f");
    File exclusive(path(u"f"), FILE_READ_DATA | FILE_WRITE_DATA | DELETE, FILE_OPEN, 0, 0);
    constexpr ACCESS_MASK others = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | FILE_READ_EA |
                                   FILE_WRITE_EA | READ_CONTROL | WRITE_DAC;
    CHECK_EQ(File(path(u"f"), others, FILE_OPEN, 0, 0).status(), STATUS_SUCCESS);
}

TEST(ShareAccess, CreatorsShareIsTheFirst)
{
    File creator(path(u"f"), FILE_WRITE_DATA, FILE_CREATE, 0, FILE_SHARE_READ);
    REQUIRE_EQ(creator.status(), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_WRITE_DATA).status(), STATUS_SHARING_VIOLATION);
    CHECK_EQ(open(u"f", FILE_READ_DATA).status(), STATUS_SUCCESS);
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ).status(),
             STATUS_SHARING_VIOLATION);
}

TEST(ShareAccess, EveryHolderIsAsked)
{
    make(u"f");
    File first(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, share_all);
    File second(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ);
    CHECK_EQ(open(u"f", FILE_WRITE_DATA).status(), STATUS_SHARING_VIOLATION);
    second.close();
    CHECK_EQ(open(u"f", FILE_WRITE_DATA).status(), STATUS_SUCCESS);
}

TEST(ShareAccess, EndsWithTheHandle)
{
    make(u"f");
    File exclusive(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, 0);
    CHECK_EQ(open(u"f", FILE_READ_DATA).status(), STATUS_SHARING_VIOLATION);
    HANDLE second = nullptr;
    REQUIRE_EQ(NtDuplicateObject(NtCurrentProcess(), exclusive.handle(), NtCurrentProcess(), &second, 0, 0,
                                 DUPLICATE_SAME_ACCESS),
               STATUS_SUCCESS);
    exclusive.close();
    CHECK_EQ(open(u"f", FILE_READ_DATA).status(), STATUS_SHARING_VIOLATION); // the last handle counts
    CHECK_EQ(NtClose(second), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_DATA).status(), STATUS_SUCCESS);
}

TEST(ShareAccess, FailedOpensLeaveNothingBehind)
{
    make(u"f");
    {
        File reader(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ);
        for (int i = 0; i != 10; ++i)
            CHECK_EQ(File(path(u"f"), FILE_WRITE_DATA, FILE_OPEN, 0, 0).status(), STATUS_SHARING_VIOLATION);
        CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ).status(), STATUS_SUCCESS);
    }
    CHECK_EQ(File(path(u"f"), FILE_WRITE_DATA, FILE_OPEN, 0, 0).status(), STATUS_SUCCESS);
}

TEST(ShareAccess, StreamsShareForThemselves)
{
    need(FILE_NAMED_STREAMS);
    make(u"f:s");
    make(u"f:t");
    File stream(path(u"f:s"), FILE_READ_DATA | FILE_WRITE_DATA, FILE_OPEN, 0, 0);
    REQUIRE_EQ(stream.status(), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_DATA | FILE_WRITE_DATA).status(), STATUS_SUCCESS);
    CHECK_EQ(open(u"f:t", FILE_READ_DATA | FILE_WRITE_DATA).status(), STATUS_SUCCESS);
    CHECK_EQ(open(u"f:s", FILE_READ_DATA).status(), STATUS_SHARING_VIOLATION);
}

TEST(ShareAccess, FileOpenForDeletionKeepsStreamsOutThatDoNotShareIt)
{
    need(FILE_NAMED_STREAMS);
    make(u"f:s");
    for (const ULONG share : {0UL, static_cast<unsigned long>(share_all)}) {
        File remover(path(u"f"), DELETE, FILE_OPEN, 0, static_cast<ULONG>(share));
        REQUIRE_EQ(remover.status(), STATUS_SUCCESS);
        for (const ACCESS_MASK access : rights)
            if (access != DELETE) {
                CHECK_EQ(
                    File(path(u"f:s"), access, FILE_OPEN, 0, FILE_SHARE_READ | FILE_SHARE_WRITE).status(),
                    STATUS_SHARING_VIOLATION)
                    << access;
                CHECK_EQ(File(path(u"f:s"), access, FILE_OPEN, 0, share_all).status(), STATUS_SUCCESS)
                    << access;
            }
        CHECK_EQ(File(path(u"f:s"), FILE_READ_ATTRIBUTES, FILE_OPEN, 0, 0).status(), STATUS_SUCCESS);
    }
}

TEST(ShareAccess, StreamThatDoesNotShareDeletionKeepsTheFile)
{
    need(FILE_NAMED_STREAMS);
    make(u"f:s");
    {
        File stream(path(u"f:s"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ | FILE_SHARE_WRITE);
        CHECK_EQ(open(u"f", DELETE).status(), STATUS_SHARING_VIOLATION);
        CHECK_EQ(open(u"f", FILE_READ_DATA | FILE_WRITE_DATA).status(), STATUS_SUCCESS);
    }
    {
        File stream(path(u"f:s"), FILE_READ_DATA, FILE_OPEN, 0, share_all);
        CHECK_EQ(open(u"f", DELETE).status(), STATUS_SUCCESS);
    }
}

} // namespace
} // namespace conformance
