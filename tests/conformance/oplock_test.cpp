// SPDX-License-Identifier: MIT
// Oplocks: [MS-FSA] 2.1.5.18 (requests), 2.1.4.12 (breaks), 2.1.5.19 (acknowledgements).
#include "frame/oplock.h"
#include "frame/test.h"

#include <array>
#include <vector>

namespace conformance {
namespace {

constexpr ACCESS_MASK read_write = FILE_READ_DATA | FILE_WRITE_DATA;

struct Kind
{
    const char* name;
    ULONG code;
    ULONG level;
    bool shared;
};

constexpr Kind level_1{"level 1", FSCTL_REQUEST_OPLOCK_LEVEL_1, 0, false};
constexpr Kind level_2{"level 2", FSCTL_REQUEST_OPLOCK_LEVEL_2, 0, true};
constexpr Kind batch{"batch", FSCTL_REQUEST_BATCH_OPLOCK, 0, false};
constexpr Kind filter{"filter", FSCTL_REQUEST_FILTER_OPLOCK, 0, false};
constexpr Kind r{"R", FSCTL_REQUEST_OPLOCK, level_r, true};
constexpr Kind rh{"RH", FSCTL_REQUEST_OPLOCK, level_rh, true};
constexpr Kind rw{"RW", FSCTL_REQUEST_OPLOCK, level_rw, false};
constexpr Kind rwh{"RWH", FSCTL_REQUEST_OPLOCK, level_rwh, false};
constexpr std::array all_kinds{level_1, level_2, batch, filter, r, rh, rw, rwh};

bool is_granular(const Kind& kind) { return kind.code == FSCTL_REQUEST_OPLOCK; }

/// A handle that can hold an oplock.
File owner_of(const std::u16string& path, ACCESS_MASK access = FILE_READ_ATTRIBUTES, ULONG options = 0,
              ULONG share = share_all)
{
    return File(
        Open{.path = path, .access = access, .options = options, .share = share, .asynchronous = true});
}

/// What a break says, in one number: stays, or the level that is left, legacy and new.
enum class After
{
    stays,
    none,
    to_2,
    to_r,
    to_rh,
};

After seen(const Kind& kind, Oplock& oplock)
{
    if (oplock.held())
        return After::stays;
    if (!NT_SUCCESS(oplock.wait()))
        return After::stays;
    if (!is_granular(kind))
        return oplock.information() == FILE_OPLOCK_BROKEN_TO_LEVEL_2 ? After::to_2 : After::none;
    return oplock.new_level() == 0 ? After::none : oplock.new_level() == level_r ? After::to_r : After::to_rh;
}

/// Gives the owner's handle up when the oplock breaks, so that an operation that waits for that goes on.
/// Then says what the break was.
template<class Operation> After broken_by(const Kind& kind, Oplock& oplock, File& owner, Operation operation)
{
    auto running = meanwhile(operation);
    (void)eventually([&] { return is_over(running) || !oplock.held(); });
    const After after = seen(kind, oplock);
    owner.close();
    running.wait();
    return after;
}

// ---- Requests

TEST(Oplock, EveryKindIsGrantedToTheOnlyHandle)
{
    make(u"f");
    for (const Kind& kind : all_kinds) {
        const File owner = owner_of(path(u"f"));
        Oplock oplock;
        CHECK_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
        CHECK(oplock.held()) << kind.name;
    }
}

TEST(Oplock, SynchronousHandlesGetNone)
{
    make(u"f");
    const File owner = open(u"f", FILE_READ_DATA);
    for (const Kind& kind : all_kinds) {
        Oplock oplock;
        CHECK_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_OPLOCK_NOT_GRANTED) << kind.name;
    }
}

TEST(Oplock, ExclusiveOnesNeedTheOnlyHandle)
{
    make(u"f");
    const File owner = owner_of(path(u"f"));
    const File other = open(u"f", FILE_READ_DATA);
    for (const Kind& kind : all_kinds) {
        Oplock oplock;
        CHECK_EQ(oplock.ask(owner, kind.code, kind.level),
                 kind.shared ? STATUS_PENDING : STATUS_OPLOCK_NOT_GRANTED)
            << kind.name;
    }
}

TEST(Oplock, FilterIsNotGrantedOnAFileOpenForWriting)
{
    make(u"f");
    const File writer = open(u"f", FILE_WRITE_DATA);
    const File owner = owner_of(path(u"f"));
    Oplock oplock;
    CHECK_EQ(oplock.ask(owner, filter.code), STATUS_OPLOCK_NOT_GRANTED);
}

TEST(Oplock, SharedOnesLiveTogether)
{
    make(u"f");
    // {held, asked for by another handle, granted}
    const struct
    {
        Kind held, asked;
        bool granted;
    } rows[] = {{level_2, level_2, true},
                {level_2, r, true},
                {level_2, rh, false},
                {r, level_2, true},
                {r, r, true},
                {r, rh, true},
                {rh, r, true},
                {rh, rh, true},
                {rh, level_2, false}};
    for (const auto& row : rows) {
        const File first = owner_of(path(u"f")), second = owner_of(path(u"f"));
        Oplock held, asked;
        REQUIRE_EQ(held.ask(first, row.held.code, row.held.level), STATUS_PENDING) << row.held.name;
        CHECK_EQ(asked.ask(second, row.asked.code, row.asked.level),
                 row.granted ? STATUS_PENDING : STATUS_OPLOCK_NOT_GRANTED)
            << row.asked.name << " beside " << row.held.name;
        CHECK(held.held()) << row.held.name;
    }
}

TEST(Oplock, ExclusiveOnesExcludeAllOthers)
{
    make(u"f");
    for (const Kind& held : all_kinds)
        for (const Kind& asked : all_kinds)
            if (!held.shared) {
                const File first = owner_of(path(u"f"));
                Oplock one, two;
                REQUIRE_EQ(one.ask(first, held.code, held.level), STATUS_PENDING) << held.name;
                const File second = owner_of(path(u"f"));
                CHECK_EQ(two.ask(second, asked.code, asked.level), STATUS_OPLOCK_NOT_GRANTED)
                    << asked.name << " beside " << held.name;
                CHECK(one.held()) << held.name;
            }
}

TEST(Oplock, AKeyMayAskForMore)
{
    make(u"f");
    const ULONG levels[] = {level_r, level_rh, level_rw, level_rwh};
    for (const ULONG from : levels)
        for (const ULONG to : levels) {
            const File owner = owner_of(path(u"f"));
            Oplock first, second;
            REQUIRE_EQ(first.ask(owner, FSCTL_REQUEST_OPLOCK, from), STATUS_PENDING) << from;
            const bool granted = (from & ~to) == 0;
            CHECK_EQ(second.ask(owner, FSCTL_REQUEST_OPLOCK, to),
                     granted ? STATUS_PENDING : STATUS_OPLOCK_NOT_GRANTED)
                << from << " to " << to;
            if (granted)
                CHECK_EQ(first.wait(), STATUS_OPLOCK_SWITCHED_TO_NEW_HANDLE) << from << " to " << to;
            else
                CHECK(first.held()) << from << " to " << to;
        }
}

TEST(Oplock, RequestsAreValidated)
{
    make(u"f");
    const File owner = owner_of(path(u"f"));
    Request request;
    struct
    {
        REQUEST_OPLOCK_INPUT_BUFFER in{REQUEST_OPLOCK_CURRENT_VERSION, sizeof in, level_r,
                                       REQUEST_OPLOCK_INPUT_FLAG_REQUEST};
        REQUEST_OPLOCK_OUTPUT_BUFFER out{};
    } b;
    const auto send = [&](ULONG in_size, ULONG out_size) {
        return request.start(owner.handle(), [&](HANDLE event, IO_STATUS_BLOCK* block) {
            return NtFsControlFile(owner.handle(), event, nullptr, nullptr, block, FSCTL_REQUEST_OPLOCK,
                                   &b.in, in_size, &b.out, out_size);
        });
    };
    CHECK_EQ(send(sizeof b.in - 1, sizeof b.out), STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ(send(sizeof b.in, sizeof b.out - 1), STATUS_BUFFER_TOO_SMALL);
    b.in.Flags = 0;
    CHECK_EQ(send(sizeof b.in, sizeof b.out), STATUS_INVALID_PARAMETER);
    b.in.Flags = REQUEST_OPLOCK_INPUT_FLAG_REQUEST | REQUEST_OPLOCK_INPUT_FLAG_ACK;
    CHECK_EQ(send(sizeof b.in, sizeof b.out), STATUS_INVALID_PARAMETER);
    b.in.Flags = REQUEST_OPLOCK_INPUT_FLAG_REQUEST;
    for (const ULONG level :
         {ULONG{0}, ULONG{OPLOCK_LEVEL_CACHE_HANDLE}, ULONG{OPLOCK_LEVEL_CACHE_WRITE},
          ULONG{OPLOCK_LEVEL_CACHE_WRITE | OPLOCK_LEVEL_CACHE_HANDLE}, ULONG{8 | level_r}})
    {
        b.in.RequestedOplockLevel = level;
        CHECK_EQ(send(sizeof b.in, sizeof b.out), STATUS_INVALID_PARAMETER) << level;
    }
}

TEST(Oplock, SharedOnesAreNotGrantedWhileRangesAreLocked)
{
    make(u"f", "0123456789");
    const File owner = owner_of(path(u"f"), FILE_READ_DATA);
    const File locker = open(u"f", FILE_READ_DATA);
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER at{}, length{};
    length.QuadPart = 1;
    REQUIRE_EQ(NtLockFile(locker.handle(), nullptr, nullptr, nullptr, &block, &at, &length, 0, TRUE, FALSE),
               STATUS_SUCCESS);
    for (const Kind& kind : all_kinds)
        if (kind.shared) {
            Oplock oplock;
            CHECK_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_OPLOCK_NOT_GRANTED) << kind.name;
        }
    REQUIRE_EQ(NtUnlockFile(locker.handle(), &block, &at, &length, 0), STATUS_SUCCESS);
    Oplock oplock;
    CHECK_EQ(oplock.ask(owner, r.code, r.level), STATUS_PENDING);
}

TEST(Oplock, OnesOfUseToOpenAgainAreNotGrantedOnADeletedFile)
{
    for (const Kind& kind : all_kinds) {
        make(u"f");
        const File owner = owner_of(path(u"f"), DELETE);
        FILE_DISPOSITION_INFORMATION info{};
        info.DeleteFile = TRUE;
        IO_STATUS_BLOCK block{};
        REQUIRE_EQ(
            NtSetInformationFile(owner.handle(), &block, &info, sizeof info, FileDispositionInformation),
            STATUS_SUCCESS);
        Oplock oplock;
        const bool refused =
            kind.code == batch.code || kind.code == filter.code || (kind.level & OPLOCK_LEVEL_CACHE_HANDLE);
        CHECK_EQ(oplock.ask(owner, kind.code, kind.level), refused ? STATUS_DELETE_PENDING : STATUS_PENDING)
            << kind.name;
    }
}

TEST(Oplock, DirectoriesHaveReadAndHandleOnly)
{
    make_directory(u"d");
    for (const Kind& kind : all_kinds) {
        const File owner = owner_of(path(u"d"), FILE_LIST_DIRECTORY);
        Oplock oplock;
        const bool granted = kind.level == level_r || kind.level == level_rh;
        CHECK_EQ(oplock.ask(owner, kind.code, kind.level),
                 granted ? STATUS_PENDING : STATUS_INVALID_PARAMETER)
            << kind.name;
    }
}

TEST(Oplock, CancellingGivesItUp)
{
    make(u"f");
    for (const Kind& kind : all_kinds) {
        const File owner = owner_of(path(u"f"));
        Oplock oplock;
        REQUIRE_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
        CHECK_EQ(oplock.cancel(), STATUS_SUCCESS) << kind.name;
        CHECK_EQ(oplock.wait(), STATUS_CANCELLED) << kind.name;
        // Nobody is asked any more.
        CHECK_EQ(File(path(u"f"), read_write, FILE_OVERWRITE).status(), STATUS_SUCCESS) << kind.name;
    }
}

TEST(Oplock, ClosingGivesItUp)
{
    make(u"f");
    for (const Kind& kind : all_kinds) {
        File owner = owner_of(path(u"f"));
        Oplock oplock;
        REQUIRE_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
        owner.close();
        CHECK_EQ(oplock.wait(), is_granular(kind) ? STATUS_OPLOCK_HANDLE_CLOSED : STATUS_SUCCESS)
            << kind.name;
        if (!is_granular(kind)) {
            CHECK_EQ(oplock.information(), FILE_OPLOCK_BROKEN_TO_NONE) << kind.name;
        }
    }
}

// ---- What opening the file does

struct OpenRow
{
    const char* what;
    ACCESS_MASK access;
    ULONG disposition;
    std::array<After, 8> after; // in the order of all_kinds
};

TEST(Oplock, BreaksByOpening)
{
    using enum After;
    //                                                        1        2      batch    filter  R      RH RW
    //                                                        RWH
    const OpenRow rows[] = {
        {"attributes",
         FILE_READ_ATTRIBUTES,
         FILE_OPEN,
         {stays, stays, stays, stays, stays, stays, stays, stays}},
        {"attributes to write",
         FILE_WRITE_ATTRIBUTES,
         FILE_OPEN,
         {stays, stays, stays, stays, stays, stays, stays, stays}},
        {"read control", READ_CONTROL, FILE_OPEN, {to_2, stays, to_2, stays, stays, stays, stays, stays}},
        {"read", FILE_READ_DATA, FILE_OPEN, {to_2, stays, to_2, stays, stays, stays, to_r, to_rh}},
        {"read, or make",
         FILE_READ_DATA,
         FILE_OPEN_IF,
         {to_2, stays, to_2, stays, stays, stays, to_r, to_rh}},
        {"execute", FILE_EXECUTE, FILE_OPEN, {to_2, stays, to_2, stays, stays, stays, to_r, to_rh}},
        {"write", FILE_WRITE_DATA, FILE_OPEN, {to_2, stays, to_2, none, stays, stays, to_r, to_rh}},
        {"append", FILE_APPEND_DATA, FILE_OPEN, {to_2, stays, to_2, none, stays, stays, to_r, to_rh}},
        {"delete", DELETE, FILE_OPEN, {to_2, stays, to_2, none, stays, stays, to_r, to_rh}},
        {"overwrite", FILE_WRITE_DATA, FILE_OVERWRITE, {none, none, none, none, none, none, none, none}},
        {"overwrite, or make",
         FILE_WRITE_DATA,
         FILE_OVERWRITE_IF,
         {none, none, none, none, none, none, none, none}},
        {"supersede",
         FILE_WRITE_DATA | DELETE,
         FILE_SUPERSEDE,
         {none, none, none, none, none, none, none, none}},
    };
    make(u"f");
    for (const OpenRow& row : rows)
        for (std::size_t i = 0; i != all_kinds.size(); ++i) {
            const Kind& kind = all_kinds[i];
            File owner = owner_of(path(u"f"));
            Oplock oplock;
            REQUIRE_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
            NTSTATUS opened = STATUS_PENDING;
            const After after = broken_by(kind, oplock, owner, [&] {
                opened = File(path(u"f"), row.access, row.disposition).status();
            });
            CHECK_EQ(after, row.after[i]) << kind.name << " by " << row.what;
            CHECK_EQ(opened, STATUS_SUCCESS) << kind.name << " by " << row.what;
        }
}

TEST(Oplock, FilterStaysForReadersThatShare)
{
    make(u"f");
    const File owner = owner_of(path(u"f"));
    Oplock oplock;
    REQUIRE_EQ(oplock.ask(owner, filter.code), STATUS_PENDING);
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ).status(), STATUS_SUCCESS);
    CHECK(oplock.held());
    auto opened = meanwhile([&] { return File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, 0).status(); });
    CHECK_EQ(oplock.wait(), STATUS_SUCCESS);
    CHECK_EQ(oplock.information(), FILE_OPLOCK_BROKEN_TO_NONE);
    Oplock acknowledgement;
    CHECK_EQ(acknowledgement.send(owner, FSCTL_OPLOCK_BREAK_ACKNOWLEDGE), STATUS_SUCCESS);
    CHECK_EQ(opened.get(), STATUS_SUCCESS);
}

TEST(Oplock, OpeningWaitsForTheAcknowledgement)
{
    make(u"f");
    for (const Kind& kind : {level_1, batch, filter, rw, rwh}) {
        const File owner = owner_of(path(u"f"));
        Oplock oplock, acknowledged;
        REQUIRE_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
        auto opened = meanwhile([&] { return File(path(u"f"), read_write, FILE_OPEN).status(); });
        CHECK_EQ(oplock.wait(), STATUS_SUCCESS) << kind.name;
        CHECK_FALSE(is_over(opened)) << kind.name;
        if (is_granular(kind)) {
            CHECK(oplock.wants_acknowledgement()) << kind.name;
            CHECK_EQ(oplock.output().OriginalOplockLevel, kind.level) << kind.name;
            CHECK_EQ(acknowledged.acknowledge(owner, oplock.new_level()), STATUS_PENDING) << kind.name;
        } else {
            CHECK_EQ(acknowledged.send(owner, FSCTL_OPLOCK_BREAK_ACKNOWLEDGE),
                     kind.code == filter.code ? STATUS_SUCCESS : STATUS_PENDING)
                << kind.name;
        }
        CHECK_EQ(opened.get(), STATUS_SUCCESS) << kind.name;
    }
}

TEST(Oplock, OpeningCanBeToldNotToWait)
{
    make(u"f");
    for (const Kind& kind : {level_1, batch, filter, rw, rwh}) {
        File owner = owner_of(path(u"f"));
        Oplock oplock;
        REQUIRE_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
        const File other = open(u"f", read_write, FILE_COMPLETE_IF_OPLOCKED);
        CHECK_EQ(other.status(), STATUS_OPLOCK_BREAK_IN_PROGRESS) << kind.name;
        CHECK_EQ(oplock.wait(), STATUS_SUCCESS) << kind.name;
        owner.close();
    }
}

TEST(Oplock, BreakNotifyWaitsForTheEndOfTheBreak)
{
    make(u"f");
    File owner = owner_of(path(u"f"));
    Oplock oplock;
    REQUIRE_EQ(oplock.ask(owner, level_1.code), STATUS_PENDING);
    const File other(Open{.path = path(u"f"),
                          .access = read_write,
                          .options = FILE_COMPLETE_IF_OPLOCKED,
                          .asynchronous = true});
    REQUIRE_EQ(other.status(), STATUS_OPLOCK_BREAK_IN_PROGRESS);
    Oplock notify;
    REQUIRE_EQ(notify.send(other, FSCTL_OPLOCK_BREAK_NOTIFY), STATUS_PENDING);
    Oplock acknowledged;
    CHECK_EQ(acknowledged.send(owner, FSCTL_OPLOCK_BREAK_ACK_NO_2), STATUS_SUCCESS);
    CHECK_EQ(notify.wait(), STATUS_SUCCESS);
    Oplock again;
    CHECK_EQ(again.send(other, FSCTL_OPLOCK_BREAK_NOTIFY), STATUS_SUCCESS);
}

// ---- Acknowledgements

TEST(Oplock, AcknowledgementsWithoutABreakAreRefused)
{
    make(u"f");
    const File owner = owner_of(path(u"f"));
    for (const ULONG code : {ULONG{FSCTL_OPLOCK_BREAK_ACKNOWLEDGE}, ULONG{FSCTL_OPLOCK_BREAK_ACK_NO_2},
                             ULONG{FSCTL_OPBATCH_ACK_CLOSE_PENDING}})
    {
        Oplock acknowledgement;
        CHECK_EQ(acknowledgement.send(owner, code), STATUS_INVALID_OPLOCK_PROTOCOL) << code;
    }
    Oplock oplock, acknowledgement;
    CHECK_EQ(acknowledgement.acknowledge(owner, level_r), STATUS_INVALID_OPLOCK_PROTOCOL);
    REQUIRE_EQ(oplock.ask(owner, rwh.code, rwh.level), STATUS_PENDING);
    Oplock other;
    CHECK_EQ(other.acknowledge(owner, level_r), STATUS_INVALID_OPLOCK_PROTOCOL);
    CHECK(oplock.held());
}

TEST(Oplock, MoreThanToldCannotBeAcknowledged)
{
    make(u"f");
    File owner = owner_of(path(u"f"));
    Oplock oplock;
    REQUIRE_EQ(oplock.ask(owner, rh.code, rh.level), STATUS_PENDING);
    const File other = open(u"f", read_write | DELETE);
    auto renamed = meanwhile([&] { return File(path(u"f"), DELETE, FILE_OPEN).rename(path(u"g"), false); });
    REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS);
    CHECK_EQ(oplock.new_level(), level_r);
    Oplock more, right;
    CHECK_EQ(more.acknowledge(owner, level_rwh), STATUS_INVALID_OPLOCK_PROTOCOL);
    CHECK_EQ(right.acknowledge(owner, level_r), STATUS_PENDING);
    CHECK_EQ(renamed.get(), STATUS_SUCCESS);
}

TEST(Oplock, LevelTwoIsWhatLevelOneLeaves)
{
    make(u"f");
    for (const Kind& kind : {level_1, batch}) {
        const File owner = owner_of(path(u"f"));
        Oplock oplock, two;
        REQUIRE_EQ(oplock.ask(owner, kind.code), STATUS_PENDING);
        auto opening = meanwhile([&] { return open(u"f", read_write); });
        REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS);
        CHECK_EQ(oplock.information(), FILE_OPLOCK_BROKEN_TO_LEVEL_2);
        REQUIRE_EQ(two.send(owner, FSCTL_OPLOCK_BREAK_ACKNOWLEDGE), STATUS_PENDING);
        File other = opening.get();
        CHECK(two.held());
        other.read(0, 1);
        CHECK(two.held());
        CHECK_EQ(other.write(0, "x"), STATUS_SUCCESS);
        CHECK_EQ(two.wait(), STATUS_SUCCESS);
        CHECK_EQ(two.information(), FILE_OPLOCK_BROKEN_TO_NONE);
    }
}

TEST(Oplock, LevelTwoCanBeDeclined)
{
    make(u"f");
    const File owner = owner_of(path(u"f"));
    Oplock oplock, answer;
    REQUIRE_EQ(oplock.ask(owner, level_1.code), STATUS_PENDING);
    auto opening = meanwhile([&] { return open(u"f", read_write); });
    REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS);
    CHECK_EQ(answer.send(owner, FSCTL_OPLOCK_BREAK_ACK_NO_2), STATUS_SUCCESS);
    CHECK_EQ(opening.get().status(), STATUS_SUCCESS);
}

TEST(Oplock, ClosePendingLetsTheOpenWaitForTheClose)
{
    make(u"f");
    for (const Kind& kind : {batch, filter}) {
        File owner = owner_of(path(u"f"));
        Oplock oplock, answer;
        REQUIRE_EQ(oplock.ask(owner, kind.code), STATUS_PENDING);
        auto opening = meanwhile([&] { return open(u"f", read_write).status(); });
        REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS);
        CHECK_EQ(answer.send(owner, FSCTL_OPBATCH_ACK_CLOSE_PENDING), STATUS_SUCCESS);
        CHECK_FALSE(is_over(opening)) << kind.name;
        owner.close();
        CHECK_EQ(opening.get(), STATUS_SUCCESS);
    }
}

TEST(Oplock, ClosingTheHandleAcknowledges)
{
    make(u"f");
    for (const Kind& kind : {level_1, batch, filter, rw, rwh}) {
        File owner = owner_of(path(u"f"));
        Oplock oplock;
        REQUIRE_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
        auto opening = meanwhile([&] { return open(u"f", read_write).status(); });
        REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS) << kind.name;
        owner.close();
        CHECK_EQ(opening.get(), STATUS_SUCCESS) << kind.name;
    }
}

TEST(Oplock, ABreakThatGoesOnIsToldAtTheAcknowledgement)
{
    make(u"f");
    const File owner = owner_of(path(u"f"));
    Oplock oplock, answer;
    REQUIRE_EQ(oplock.ask(owner, rwh.code, rwh.level), STATUS_PENDING);
    auto opening = meanwhile([&] { return open(u"f", read_write).status(); });
    REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS);
    CHECK_EQ(oplock.new_level(), level_rh);
    // While that break is under way somebody overwrites the file: nothing is left of the oplock.
    const File second(path(u"f"), read_write, FILE_OVERWRITE, FILE_COMPLETE_IF_OPLOCKED);
    CHECK_EQ(second.status(), STATUS_OPLOCK_BREAK_IN_PROGRESS);
    CHECK_EQ(answer.acknowledge(owner, level_rh), STATUS_SUCCESS);
    CHECK_EQ(answer.new_level(), 0u);
    CHECK_EQ(opening.get(), STATUS_SUCCESS);
}

TEST(Oplock, AcknowledgementMayGiveMoreUpThanAsked)
{
    make(u"f");
    const File owner = owner_of(path(u"f"));
    Oplock oplock, answer;
    REQUIRE_EQ(oplock.ask(owner, rwh.code, rwh.level), STATUS_PENDING);
    auto opening = meanwhile([&] { return open(u"f", read_write).status(); });
    REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS);
    CHECK_EQ(answer.acknowledge(owner, 0), STATUS_SUCCESS);
    CHECK_EQ(opening.get(), STATUS_SUCCESS);
    Oplock again;
    CHECK_EQ(again.ask(owner, r.code, r.level), STATUS_PENDING);
}

// ---- What operations on handles that are open already do

struct OperationRow
{
    const char* what;
    std::function<NTSTATUS(File&, const std::u16string& other_name)> operation;
    std::array<After, 3> after; // of level 2, R, RH
};

TEST(Oplock, BreaksOfSharedOnesByOperations)
{
    using enum After;
    const auto lock = [](File& file) {
        IO_STATUS_BLOCK block{};
        LARGE_INTEGER at{}, length{};
        length.QuadPart = 1;
        return NtLockFile(file.handle(), nullptr, nullptr, nullptr, &block, &at, &length, 0, TRUE, TRUE);
    };
    const OperationRow rows[] = {
        {"read",
         [](File& f, auto&) {
             f.read(0, 1);
             return f.status();
         },
         {stays, stays, stays}},
        {"query",
         [](File& f, auto&) {
             f.get<FILE_BASIC_INFORMATION>(FileBasicInformation);
             return f.status();
         },
         {stays, stays, stays}},
        {"set times",
         [](File& f, auto&) {
             FILE_BASIC_INFORMATION b{};
             b.LastWriteTime.QuadPart = 1;
             return f.set(FileBasicInformation, &b, sizeof b);
         },
         {stays, stays, stays}},
        {"flush", [](File& f, auto&) { return f.flush(); }, {stays, stays, stays}},
        {"write", [](File& f, auto&) { return f.write(0, "x"); }, {none, none, none}},
        {"lock", [&](File& f, auto&) { return lock(f); }, {none, none, none}},
        {"end of file", [](File& f, auto&) { return f.set_end_of_file(7); }, {none, none, none}},
        {"allocation",
         [](File& f, auto&) {
             FILE_ALLOCATION_INFORMATION a{};
             a.AllocationSize.QuadPart = 1 << 20;
             return f.set(FileAllocationInformation, &a, sizeof a);
         },
         {none, none, none}},
        {"rename", [](File& f, auto& name) { return f.rename(name, true); }, {stays, stays, to_r}},
        {"delete", [](File& f, auto&) { return f.dispose(true); }, {stays, stays, to_r}},
        {"not to be deleted", [](File& f, auto&) { return f.dispose(false); }, {stays, stays, stays}},
    };
    constexpr std::array kinds{level_2, r, rh};
    for (const OperationRow& row : rows)
        for (std::size_t i = 0; i != kinds.size(); ++i) {
            const Kind& kind = kinds[i];
            File(path(u"f"), FILE_WRITE_DATA, FILE_OVERWRITE_IF).write(0, "0123456789");
            File other = open(u"f", read_write | DELETE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
            File owner = owner_of(path(u"f"));
            Oplock oplock;
            REQUIRE_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
            NTSTATUS status = STATUS_PENDING;
            const After after =
                broken_by(kind, oplock, owner, [&] { status = row.operation(other, path(u"renamed")); });
            CHECK_EQ(after, row.after[i]) << kind.name << " by " << row.what;
            CHECK_EQ(status, STATUS_SUCCESS) << kind.name << " by " << row.what;
            other.dispose(true);
        }
}

TEST(Oplock, TheOwnersOwnOperationsLeaveItAlone)
{
    for (const Kind& kind : all_kinds) {
        if (!is_granular(kind))
            continue; // an owner of the older kinds breaks its own level 2
        make(u"f", "0123456789");
        File owner(Open{
            .path = path(u"f"), .access = read_write | DELETE | FILE_WRITE_ATTRIBUTES, .asynchronous = true});
        Oplock oplock;
        REQUIRE_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
        Request write;
        LARGE_INTEGER at{};
        write.start(owner.handle(), [&](HANDLE event, IO_STATUS_BLOCK* block) {
            return NtWriteFile(owner.handle(), event, nullptr, nullptr, block, const_cast<char*>("x"), 1, &at,
                               nullptr);
        });
        CHECK_EQ(write.wait(), STATUS_SUCCESS) << kind.name;
        CHECK_EQ(owner.set_end_of_file(3), STATUS_SUCCESS) << kind.name;
        CHECK_EQ(owner.rename(path(u"g"), false), STATUS_SUCCESS) << kind.name;
        CHECK_EQ(owner.dispose(true), STATUS_SUCCESS) << kind.name;
        CHECK(oplock.held()) << kind.name;
    }
}

TEST(Oplock, AllSharedOnesBreakTogether)
{
    make(u"f");
    File other = open(u"f", read_write);
    std::vector<File> owners;
    std::vector<Oplock> oplocks(6);
    const Kind kinds[] = {level_2, level_2, r, r, level_2, r};
    for (std::size_t i = 0; i != oplocks.size(); ++i) {
        owners.push_back(owner_of(path(u"f")));
        REQUIRE_EQ(oplocks[i].ask(owners[i], kinds[i].code, kinds[i].level), STATUS_PENDING);
    }
    CHECK_EQ(other.write(0, "x"), STATUS_SUCCESS);
    for (Oplock& oplock : oplocks)
        CHECK_EQ(oplock.wait(), STATUS_SUCCESS);
}

TEST(Oplock, AWriteDoesNotWaitForHandleCaching)
{
    make(u"f");
    File other = open(u"f", read_write);
    const File owner = owner_of(path(u"f"));
    Oplock oplock, answer;
    REQUIRE_EQ(oplock.ask(owner, rh.code, rh.level), STATUS_PENDING);
    CHECK_EQ(other.write(0, "x"), STATUS_SUCCESS); // without an acknowledgement
    REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS);
    CHECK_EQ(oplock.new_level(), 0u);
    CHECK(oplock.wants_acknowledgement());
    CHECK_EQ(answer.acknowledge(owner, 0), STATUS_SUCCESS);
}

TEST(Oplock, RenameAndDeleteWaitForHandleCaching)
{
    for (const bool rename : {true, false}) {
        make(u"f");
        File other = open(u"f", DELETE);
        const File owner = owner_of(path(u"f"));
        Oplock oplock, answer;
        REQUIRE_EQ(oplock.ask(owner, rh.code, rh.level), STATUS_PENDING);
        auto call = meanwhile([&] { return rename ? other.rename(path(u"g"), true) : other.dispose(true); });
        REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS);
        CHECK_FALSE(is_over(call));
        CHECK_EQ(answer.acknowledge(owner, level_r), STATUS_PENDING);
        CHECK_EQ(call.get(), STATUS_SUCCESS);
        CHECK(answer.held());
    }
}

// ---- Sharing violations

TEST(Oplock, SharingViolationsBreakBatchAndHandleCaching)
{
    make(u"f");
    for (const Kind& kind : {batch, rh, rwh}) {
        File owner = owner_of(path(u"f"), FILE_READ_DATA, 0, FILE_SHARE_READ);
        Oplock oplock;
        REQUIRE_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
        auto opening = meanwhile([&] { return open(u"f", FILE_WRITE_DATA); });
        REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS) << kind.name;
        CHECK_FALSE(is_over(opening)) << kind.name;
        if (is_granular(kind)) {
            CHECK_EQ(oplock.new_level() & OPLOCK_LEVEL_CACHE_HANDLE, 0u) << kind.name;
        }
        owner.close(); // the violation is gone with it
        CHECK_EQ(opening.get().status(), STATUS_SUCCESS) << kind.name;
    }
}

TEST(Oplock, SharingViolationsStayIfTheOwnerStays)
{
    make(u"f");
    for (const Kind& kind : {batch, rh, rwh}) {
        const File owner = owner_of(path(u"f"), FILE_READ_DATA, 0, FILE_SHARE_READ);
        Oplock oplock, answer;
        REQUIRE_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
        auto opening = meanwhile([&] { return open(u"f", FILE_WRITE_DATA); });
        REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS) << kind.name;
        const NTSTATUS acknowledged = is_granular(kind) ? answer.acknowledge(owner, oplock.new_level())
                                                        : answer.send(owner, FSCTL_OPLOCK_BREAK_ACKNOWLEDGE);
        CHECK(NT_SUCCESS(acknowledged)) << kind.name;
        const File opened = opening.get();
        CHECK_EQ(opened.status(), STATUS_SHARING_VIOLATION) << kind.name;
    }
}

TEST(Oplock, SharingViolationsLeaveOthersAlone)
{
    make(u"f");
    for (const Kind& kind : {level_2, r}) {
        const File owner = owner_of(path(u"f"), FILE_READ_DATA, 0, FILE_SHARE_READ);
        Oplock oplock;
        REQUIRE_EQ(oplock.ask(owner, kind.code, kind.level), STATUS_PENDING) << kind.name;
        CHECK_EQ(open(u"f", FILE_WRITE_DATA).status(), STATUS_SHARING_VIOLATION) << kind.name;
        CHECK(oplock.held()) << kind.name;
    }
}

// ---- Opens that ask for an oplock

TEST(Oplock, RequiringAnOplockFailsWhereABreakWouldBeNeeded)
{
    make(u"f");
    File owner = owner_of(path(u"f"));
    Oplock oplock;
    REQUIRE_EQ(oplock.ask(owner, rwh.code, rwh.level), STATUS_PENDING);
    const File refused = owner_of(path(u"f"), read_write, FILE_OPEN_REQUIRING_OPLOCK);
    CHECK_EQ(refused.status(), STATUS_CANNOT_BREAK_OPLOCK);
    CHECK(oplock.held());
    owner.close();
    const File first = owner_of(path(u"f"), read_write, FILE_OPEN_REQUIRING_OPLOCK);
    REQUIRE_EQ(first.status(), STATUS_SUCCESS);
    Oplock granted;
    CHECK_EQ(granted.ask(first, rwh.code, rwh.level), STATUS_PENDING);
}

TEST(Oplock, AReservedOplockKeepsOthersWaiting)
{
    make(u"f");
    const File first = owner_of(path(u"f"), read_write, FILE_OPEN_REQUIRING_OPLOCK);
    REQUIRE_EQ(first.status(), STATUS_SUCCESS);
    auto opening = meanwhile([&] { return open(u"f", FILE_READ_DATA).status(); });
    Oplock granted;
    const NTSTATUS asked = granted.ask(first, rh.code, rh.level);
    CHECK_EQ(asked, STATUS_PENDING);
    CHECK_EQ(opening.get(), STATUS_SUCCESS);
    CHECK(granted.held());
}

TEST(Oplock, ReservingAFilterOplockNeedsTheOnlyHandle)
{
    make(u"f");
    {
        const File other = open(u"f", FILE_READ_DATA);
        CHECK_EQ(owner_of(path(u"f"), FILE_READ_ATTRIBUTES, FILE_RESERVE_OPFILTER).status(),
                 STATUS_OPLOCK_NOT_GRANTED);
    }
    const File owner = owner_of(path(u"f"), FILE_READ_ATTRIBUTES, FILE_RESERVE_OPFILTER);
    REQUIRE_EQ(owner.status(), STATUS_SUCCESS);
    Oplock oplock;
    CHECK_EQ(oplock.ask(owner, filter.code), STATUS_PENDING);
}

// ---- Directories

TEST(Oplock, ChangesOfEntriesBreakTheDirectorys)
{
    make_directory(u"d");
    make(u"d\\old", "contents");
    const struct
    {
        const char* what;
        std::function<NTSTATUS()> change;
    } rows[] = {
        {"create", [&] { return create(u"d\\new").status(); }},
        {"write", [&] { return open(u"d\\new", FILE_WRITE_DATA).write(0, "longer than before"); }},
        {"end of file", [&] { return open(u"d\\new", FILE_WRITE_DATA).set_end_of_file(100); }},
        {"times",
         [&] {
             FILE_BASIC_INFORMATION b{};
             b.LastWriteTime.QuadPart = 1;
             return open(u"d\\new", FILE_WRITE_ATTRIBUTES).set(FileBasicInformation, &b, sizeof b);
         }},
        {"rename", [&] { return open(u"d\\new", DELETE).rename(path(u"d\\newer"), false); }},
        {"rename away", [&] { return open(u"d\\newer", DELETE).rename(path(u"newer"), false); }},
        {"rename in", [&] { return open(u"newer", DELETE).rename(path(u"d\\newer"), false); }},
        {"delete", [&] { return open(u"d\\newer", DELETE).dispose(true); }},
        {"overwrite", [&] { return File(path(u"d\\old"), FILE_WRITE_DATA, FILE_OVERWRITE).status(); }},
    };
    for (const ULONG level : {level_r, level_rh})
        for (const auto& row : rows) {
            const File owner = owner_of(path(u"d"), FILE_LIST_DIRECTORY);
            Oplock oplock;
            REQUIRE_EQ(oplock.ask(owner, FSCTL_REQUEST_OPLOCK, level), STATUS_PENDING) << row.what;
            CHECK_EQ(row.change(), STATUS_SUCCESS) << row.what;
            CHECK_EQ(oplock.wait(), STATUS_SUCCESS) << row.what;
            CHECK_EQ(oplock.new_level(), 0u) << row.what;
        }
}

TEST(Oplock, ReadingLeavesTheDirectorysAlone)
{
    make_directory(u"d");
    make(u"d\\f", "contents");
    const File owner = owner_of(path(u"d"), FILE_LIST_DIRECTORY);
    Oplock oplock;
    REQUIRE_EQ(oplock.ask(owner, rh.code, rh.level), STATUS_PENDING);
    CHECK_EQ(open(u"d\\f", FILE_READ_DATA).read(0, 100), "contents");
    CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list().size(), 3u);
    CHECK_EQ(open(u"d\\none", FILE_READ_DATA).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(oplock.held());
}

TEST(Oplock, RenameOfTheDirectoryBreaksItsHandleCaching)
{
    make_directory(u"d");
    const File owner = owner_of(path(u"d"), FILE_LIST_DIRECTORY);
    Oplock oplock, answer;
    REQUIRE_EQ(oplock.ask(owner, rh.code, rh.level), STATUS_PENDING);
    auto renaming = meanwhile([&] { return open(u"d", DELETE).rename(path(u"e"), false); });
    REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS);
    CHECK_EQ(oplock.new_level(), level_r);
    CHECK_EQ(answer.acknowledge(owner, level_r), STATUS_PENDING);
    CHECK_EQ(renaming.get(), STATUS_SUCCESS);
}

TEST(Oplock, RenameOfADirectoryBreaksHandleCachingBelow)
{
    make_directory(u"d");
    make(u"d\\f");
    File owner = owner_of(path(u"d\\f"), FILE_READ_DATA);
    Oplock oplock;
    REQUIRE_EQ(oplock.ask(owner, rh.code, rh.level), STATUS_PENDING);
    auto renaming = meanwhile([&] { return open(u"d", DELETE).rename(path(u"e"), false); });
    REQUIRE_EQ(oplock.wait(), STATUS_SUCCESS);
    CHECK_EQ(oplock.new_level() & OPLOCK_LEVEL_CACHE_HANDLE, 0u);
    owner.close(); // which the break asks for
    CHECK_EQ(renaming.get(), STATUS_SUCCESS);
}

} // namespace
} // namespace conformance
