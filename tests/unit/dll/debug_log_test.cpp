// SPDX-License-Identifier: MIT
#include <cstdio>
#include <string>

#include <unistd.h>

#include <gtest/gtest.h>

#include "dll/text_format.h"
#include "request_builder.h"

namespace {

using test::RequestBuilder;
using test::ResponseBuffer;

/// Takes the debug log while it lives.
class LogFile
{
  public:
    LogFile() : file_(std::tmpfile())
    {
        FspDebugLogSetHandle(reinterpret_cast<HANDLE>(std::intptr_t{fileno(file_)}));
    }
    ~LogFile()
    {
        FspDebugLogSetHandle(INVALID_HANDLE_VALUE);
        std::fclose(file_);
    }

    std::string take()
    {
        char buffer[4096];
        const ssize_t got = pread(fileno(file_), buffer, sizeof buffer, taken_);
        taken_ += got;
        return std::string(buffer, static_cast<size_t>(got));
    }

    /// A line without what precedes the arrows.
    std::string line()
    {
        const std::string text = take();
        const size_t arrow = text.find_first_of("<>");
        return arrow == text.npos ? text : text.substr(arrow);
    }

  private:
    FILE* file_;
    off_t taken_ = 0;
};

class DebugLog : public testing::Test
{
  protected:
    std::string request(RequestBuilder& builder)
    {
        FspDebugLogRequest(builder.request());
        return log.line();
    }
    std::string response(UINT32 kind, NTSTATUS status = STATUS_SUCCESS)
    {
        rsp->Kind = kind;
        rsp->IoStatus.Status = static_cast<UINT32>(status);
        FspDebugLogResponse(rsp.get());
        return log.line();
    }

    LogFile log;
    ResponseBuffer rsp;
};

TEST_F(DebugLog, ALineBeginsWithProgramThreadAndHint)
{
    RequestBuilder builder(FspFsctlTransactQueryEaKind, 0xAB);
    FspDebugLogRequest(builder.request());
    char expected[100];
    std::snprintf(expected, sizeof expected, "unit-dll[TID=%04lx]: 00000000000000AB: >>QUERYEA\n",
                  static_cast<unsigned long>(gettid()));
    EXPECT_EQ(log.take(), expected);
}

TEST_F(DebugLog, DescribesCreate)
{
    RequestBuilder builder(FspFsctlTransactCreateKind);
    builder.name(u"\\a\u00e9");
    auto& create = builder.request()->Req.Create;
    create.CreateOptions = FILE_OPEN_IF << 24 | FILE_DIRECTORY_FILE;
    create.UserMode = 1;
    create.HasTraversePrivilege = 1;
    create.CaseSensitive = 1;
    create.AllocationSize = 0x123456789;
    create.AccessToken = 0x1fULL << 32 | 0x20;
    create.DesiredAccess = 0x100081;
    create.ShareAccess = 7;
    EXPECT_EQ(request(builder),
              ">>Create [UT---C] \"\\a\xc3\xa9\", FILE_OPEN_IF, CreateOptions=1, FileAttributes=0, "
              "Security=NULL, AllocationSize=1:23456789, "
              "AccessToken=0000000000000020[PID=1f], DesiredAccess=100081, GrantedAccess=0, "
              "ShareAccess=7\n");
}

TEST_F(DebugLog, DescribesFileRequests)
{
    RequestBuilder close(FspFsctlTransactCloseKind);
    close.request()->Req.Context = {0x10, 0};
    EXPECT_EQ(request(close), ">>Close 0000000000000010\n");

    RequestBuilder cleanup(FspFsctlTransactCleanupKind);
    cleanup.name(u"\\a");
    cleanup.request()->Req.Cleanup.Delete = 1;
    cleanup.request()->Req.Context = {0x10, 0x20};
    EXPECT_EQ(request(cleanup), ">>Cleanup [Delete] \"\\a\", 0000000000000010:0000000000000020\n");

    RequestBuilder write(FspFsctlTransactWriteKind);
    write.request()->Req.Write.Offset = 0x200000001;
    write.request()->Req.Write.Length = 4096;
    write.request()->Req.Write.ConstrainedIo = 1;
    EXPECT_EQ(request(write),
              ">>Write [C] 0000000000000000, Address=0000000000000000, Offset=2:1, Length=4096, Key=0\n");

    RequestBuilder size(FspFsctlTransactSetInformationKind);
    size.request()->Req.SetInformation.FileInformationClass = 20;
    size.request()->Req.SetInformation.Info.EndOfFile.FileSize = 5;
    EXPECT_EQ(request(size), ">>SetInformation [EndOfFile] 0000000000000000, FileSize = 0:5\n");

    RequestBuilder basic(FspFsctlTransactSetInformationKind);
    basic.request()->Req.SetInformation.FileInformationClass = 4;
    basic.request()->Req.SetInformation.Info.Basic.CreationTime = 116444736000000000 + 1234567;
    basic.request()->Req.SetInformation.Info.Basic.LastWriteTime = ~UINT64{0};
    EXPECT_EQ(request(basic),
              ">>SetInformation [Basic] 0000000000000000, FileAttributes=0, "
              "CreationTime=1970-01-01T00:00:00.123Z, LastAccessTime=0, LastWriteTime=INVALID\n");

    RequestBuilder query(FspFsctlTransactQueryDirectoryKind);
    const auto pattern = query.add_text(u"*");
    query.request()->Req.QueryDirectory.Pattern = pattern;
    query.request()->Req.QueryDirectory.Length = 100;
    EXPECT_EQ(request(query), ">>QueryDirectory 0000000000000000, Address=0000000000000000, Length=100, "
                              "Pattern=\"*\", Marker=NULL\n");
}

TEST_F(DebugLog, DescribesResponses)
{
    EXPECT_EQ(response(FspFsctlTransactReadKind, STATUS_END_OF_FILE), "<<Read IoStatus=c0000011[0]\n");
    EXPECT_EQ(response(FspFsctlTransactReadKind, STATUS_PENDING), "");
    EXPECT_EQ(response(99), "<<INVALID IoStatus=0[0]\n");

    rsp->Rsp.QueryInformation.FileInfo.FileSize = 3;
    EXPECT_EQ(
        response(FspFsctlTransactQueryInformationKind),
        "<<QueryInformation IoStatus=0[0] FileInfo={FileAttributes=0, ReparseTag=0, AllocationSize=0:0, "
        "FileSize=0:3, CreationTime=0, LastAccessTime=0, LastWriteTime=0, ChangeTime=0, IndexNumber=0:0}\n");
}

TEST_F(DebugLog, ALineHasAtMost1024Bytes)
{
    RequestBuilder builder(FspFsctlTransactCleanupKind);
    builder.name(u"\\" + std::u16string(1000, u'\u20ac'));
    FspDebugLogRequest(builder.request());
    const std::string line = log.take();
    EXPECT_LE(line.size(), 1024u);
    EXPECT_EQ(line.back(), '\n');
}

TEST_F(DebugLog, ExplainsWhatIsNoDescriptorSidOrTime)
{
    FspDebugLogSD("<%s>", nullptr);
    EXPECT_EQ(log.take(), "<null security descriptor>");
    UINT8 garbage[40] = {9};
    FspDebugLogSD("<%s>", garbage);
    EXPECT_EQ(log.take(), "<invalid security descriptor>");
    FspDebugLogSid("<%s>", nullptr);
    EXPECT_EQ(log.take(), "<null SID>");
    FILETIME time = {0xffffffff, 0xffffffff};
    FspDebugLogFT("<%s>", &time);
    EXPECT_EQ(log.take(), "<invalid file time>");
    time = {0, 0};
    FspDebugLogFT("<%s>", &time);
    EXPECT_EQ(log.take(), "<1601-01-01T00:00:00.000Z>");
}

TEST_F(DebugLog, FormatsAsWindowsDoes)
{
    FspDebugLog("%d|%5u|%-5u|%05x|%lx|%I64x|%S|%ls|%hs|%.2s|%c|%%|%p", -1, 42u, 42u, 0xabu, 0xffffffffu,
                UINT64{0x123456789a}, u"wide", u"w", "n", "abc", 'z', nullptr);
    EXPECT_EQ(log.take(), "-1|   42|42   |000ab|ffffffff|123456789a|wide|w|n|ab|z|%|0000000000000000");
}

TEST(TextBuffer, CutsAtACharacter)
{
    char bytes[5];
    fsp::dll::TextBuffer text(bytes, sizeof bytes);
    text.append("ab\xe2\x82\xac\xe2\x82\xac");
    EXPECT_EQ(std::string(text.data(), text.size()), "ab\xe2\x82\xac");
    text.end_line();
    EXPECT_EQ(std::string(text.data(), text.size()), "ab\n");
}

} // namespace
