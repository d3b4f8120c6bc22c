// SPDX-License-Identifier: MIT
#include "test_driver.h"

#include "ntos/process.h"
#include "ntos/token.h"

#include <gtest/gtest.h>

namespace fsp::test {
namespace {

ntos::SidBytes user_sid(uint8_t rid) { return {1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, rid, 0, 0, 0}; }

PACCESS_TOKEN token_of(uint8_t rid, uint64_t privileges = uint64_t{1} << SE_CHANGE_NOTIFY_PRIVILEGE)
{
    ntos::boot();
    ntos::TokenSpec spec;
    spec.user = user_sid(rid);
    spec.privileges = privileges;
    return ntos::create_token(spec);
}

TEST(Token, InvalidSidIsRefused)
{
    ntos::TokenSpec spec;
    spec.user = {1, 9, 0};
    EXPECT_EQ(ntos::create_token(spec), nullptr);
}

TEST(Token, ImpersonationDecidesWhoTheSubjectIs)
{
    PACCESS_TOKEN token = token_of(7);
    SECURITY_SUBJECT_CONTEXT context{};
    {
        ntos::Impersonation impersonation(token);
        SeCaptureSubjectContext(&context);
    }
    EXPECT_EQ(context.ClientToken, token);
    SeReleaseSubjectContext(&context);
    SeCaptureSubjectContext(&context);
    EXPECT_EQ(context.ClientToken, nullptr);
    SeReleaseSubjectContext(&context);
    ObDereferenceObject(token);
}

TEST(Token, ClientContextGivesAnIdentificationTokenByHandle)
{
    PACCESS_TOKEN token = token_of(8);
    ntos::Impersonation impersonation(token);
    SECURITY_SUBJECT_CONTEXT context{};
    SeCaptureSubjectContext(&context);
    SECURITY_QUALITY_OF_SERVICE qos{sizeof qos, SecurityIdentification, SECURITY_STATIC_TRACKING, FALSE};
    SECURITY_CLIENT_CONTEXT client{};
    ASSERT_EQ(SeCreateClientSecurityFromSubjectContext(&context, &qos, FALSE, &client), STATUS_SUCCESS);
    HANDLE handle = nullptr;
    ASSERT_EQ(ObOpenObjectByPointer(client.ClientToken, 0, nullptr, TOKEN_QUERY, *SeTokenObjectType,
                                    KernelMode, &handle),
              STATUS_SUCCESS);
    alignas(8) char buffer[128];
    ULONG size = 0;
    EXPECT_EQ(NtQueryInformationToken(handle, TokenUser, buffer, 4, &size), STATUS_BUFFER_TOO_SMALL);
    ASSERT_EQ(NtQueryInformationToken(handle, TokenUser, buffer, sizeof buffer, &size), STATUS_SUCCESS);
    EXPECT_TRUE(RtlEqualSid(reinterpret_cast<PTOKEN_USER>(buffer)->User.Sid, user_sid(8).data()));
    EXPECT_EQ(SeTokenType(client.ClientToken), TokenImpersonation);
    NtClose(handle);
    ObDereferenceObject(client.ClientToken);
    SeReleaseSubjectContext(&context);
    ObDereferenceObject(token);
}

/// Owner and group 9, with an entry for user 7 only.
struct Descriptor
{
    alignas(8) char acl[64];
    SECURITY_DESCRIPTOR absolute;
    ntos::SidBytes owner = user_sid(9), reader = user_sid(7);

    explicit Descriptor(ACCESS_MASK granted)
    {
        RtlCreateAcl(reinterpret_cast<PACL>(acl), sizeof acl, ACL_REVISION);
        RtlAddAccessAllowedAce(reinterpret_cast<PACL>(acl), ACL_REVISION, granted, reader.data());
        RtlCreateSecurityDescriptor(&absolute, SECURITY_DESCRIPTOR_REVISION);
        RtlSetOwnerSecurityDescriptor(&absolute, owner.data(), FALSE);
        RtlSetGroupSecurityDescriptor(&absolute, owner.data(), FALSE);
        RtlSetDaclSecurityDescriptor(&absolute, TRUE, reinterpret_cast<PACL>(acl), FALSE);
    }
};

TEST(Device, SecureDeviceIsOpenedOnlyByWhomItsDescriptorNames)
{
    TestDriver driver;
    driver.device()->Characteristics |= FILE_DEVICE_SECURE_OPEN;
    Descriptor descriptor(FILE_GENERIC_READ);
    {
        Opened device(u"\\Device\\IoTest", WRITE_DAC | WRITE_OWNER, 0);
        ASSERT_EQ(NtSetSecurityObject(device.handle,
                                      DACL_SECURITY_INFORMATION | OWNER_SECURITY_INFORMATION |
                                          GROUP_SECURITY_INFORMATION,
                                      &descriptor.absolute),
                  STATUS_SUCCESS);
    }
    PACCESS_TOKEN reader = token_of(7), stranger = token_of(6);
    {
        ntos::Impersonation impersonation(reader);
        EXPECT_EQ(Opened(u"\\Device\\IoTest\\f", FILE_GENERIC_READ).status, STATUS_SUCCESS);
        EXPECT_EQ(Opened(u"\\Device\\IoTest\\f", FILE_GENERIC_WRITE).status, STATUS_ACCESS_DENIED);
    }
    {
        ntos::Impersonation impersonation(stranger);
        EXPECT_EQ(Opened(u"\\Device\\IoTest\\f", FILE_GENERIC_READ).status, STATUS_ACCESS_DENIED);
    }
    ObDereferenceObject(reader);
    ObDereferenceObject(stranger);
}

TEST(Create, BackupIntentGrantsReadingToHoldersOfThePrivilege)
{
    TestDriver driver;
    ACCESS_MASK granted = 0, remaining = 0;
    ULONG options = 0, flags = 0;
    driver.on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
        auto& create = IoGetCurrentIrpStackLocation(irp)->Parameters.Create;
        granted = create.SecurityContext->AccessState->PreviouslyGrantedAccess;
        remaining = create.SecurityContext->AccessState->RemainingDesiredAccess;
        flags = create.SecurityContext->AccessState->Flags;
        options = create.Options;
        return complete(irp, STATUS_SUCCESS, FILE_OPENED);
    });
    PACCESS_TOKEN backup = token_of(7, uint64_t{1} << SE_BACKUP_PRIVILEGE), plain = token_of(7);
    {
        ntos::Impersonation impersonation(backup);
        Opened(u"\\Device\\IoTest\\f", FILE_READ_DATA | DELETE, FILE_OPEN_FOR_BACKUP_INTENT);
    }
    EXPECT_EQ(granted, ACCESS_MASK{FILE_READ_DATA});
    EXPECT_EQ(remaining, ACCESS_MASK{DELETE});
    EXPECT_EQ(flags, ULONG{TOKEN_HAS_BACKUP_PRIVILEGE});
    EXPECT_NE(options & FILE_OPEN_FOR_BACKUP_INTENT, 0u);
    {
        ntos::Impersonation impersonation(plain);
        Opened(u"\\Device\\IoTest\\f", FILE_READ_DATA, FILE_OPEN_FOR_BACKUP_INTENT);
    }
    EXPECT_EQ(granted, 0u);
    EXPECT_EQ(remaining, ACCESS_MASK{FILE_READ_DATA});
    EXPECT_EQ(flags, ULONG{TOKEN_HAS_TRAVERSE_PRIVILEGE});
    EXPECT_EQ(options & FILE_OPEN_FOR_BACKUP_INTENT, 0u);
    ObDereferenceObject(backup);
    ObDereferenceObject(plain);
}

HANDLE dying;
VOID NTAPI on_process(HANDLE, HANDLE id, BOOLEAN created)
{
    if (!created)
        dying = id;
}

TEST(Process, TerminationClosesItsHandles)
{
    TestDriver driver;
    ASSERT_EQ(PsSetCreateProcessNotifyRoutine(on_process, FALSE), STATUS_SUCCESS);
    PEPROCESS process = ntos::create_process();
    Opened file(u"\\Device\\IoTest\\f");
    HANDLE handle = file.handle;
    {
        ntos::ProcessScope scope(process);
        IO_STATUS_BLOCK iosb{};
        EXPECT_EQ(NtFlushBuffersFile(handle, &iosb), STATUS_INVALID_HANDLE) << "handles are per process";
        Opened own(u"\\Device\\IoTest\\g");
        EXPECT_EQ(own.status, STATUS_SUCCESS);
        own.handle = nullptr;
    }
    EXPECT_EQ(ntos::handle_count(process), 1u);
    EXPECT_EQ(driver.count(IRP_MJ_CLEANUP), 0u);
    ntos::terminate_process(process);
    EXPECT_EQ(driver.count(IRP_MJ_CLEANUP), 1u);
    EXPECT_EQ(driver.count(IRP_MJ_CLOSE), 1u);
    EXPECT_EQ(dying, PsGetProcessId(process));
    EXPECT_EQ(PsSetCreateProcessNotifyRoutine(on_process, TRUE), STATUS_SUCCESS);
    ObDereferenceObject(process);
}

TEST(Handle, WrongTypeAndClosedHandleAreRefused)
{
    ntos::boot();
    HANDLE event = nullptr;
    ASSERT_EQ(NtCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
    IO_STATUS_BLOCK iosb{};
    EXPECT_EQ(NtFlushBuffersFile(event, &iosb), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(NtClose(event), STATUS_SUCCESS);
    EXPECT_EQ(NtClose(event), STATUS_INVALID_HANDLE);
    EXPECT_EQ(NtClose(nullptr), STATUS_INVALID_HANDLE);
}

} // namespace
} // namespace fsp::test
