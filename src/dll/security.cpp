// SPDX-License-Identifier: MIT
//
// Security descriptors of new and changed files.
#include <cstdlib>

#include "dll/function_tag.h"
#include "dll/transport.h"
#include "nt/object_security.h"
#include "nt/rtl.h"

PGENERIC_MAPPING FspGetFileGenericMapping(VOID)
{
    // The interface is older than const.
    static GENERIC_MAPPING mapping = fsp::nt::file_generic_mapping;
    return &mapping;
}

NTSTATUS FspCreateSecurityDescriptor(FSP_FILE_SYSTEM*, FSP_FSCTL_TRANSACT_REQ* Request,
                                     PSECURITY_DESCRIPTOR ParentDescriptor,
                                     PSECURITY_DESCRIPTOR* PSecurityDescriptor)
{
    *PSecurityDescriptor = nullptr;
    if (Request->Kind != FspFsctlTransactCreateKind)
        return STATUS_INVALID_PARAMETER;

    auto& create = Request->Req.Create;
    if (create.NamedStream != 0) // has its file's
        return STATUS_SUCCESS;
    return fsp::transport::create_object_security(
        FSP_FSCTL_TRANSACT_REQ_TOKEN_HANDLE(create.AccessToken), ParentDescriptor,
        fsp::dll::piece<void>(Request, create.SecurityDescriptor),
        (create.CreateOptions & FILE_DIRECTORY_FILE) != 0, PSecurityDescriptor);
}

NTSTATUS FspSetSecurityDescriptor(PSECURITY_DESCRIPTOR InputDescriptor,
                                  SECURITY_INFORMATION SecurityInformation,
                                  PSECURITY_DESCRIPTOR ModificationDescriptor,
                                  PSECURITY_DESCRIPTOR* PSecurityDescriptor)
{
    *PSecurityDescriptor = nullptr;
    if (InputDescriptor == nullptr)
        return STATUS_NO_SECURITY_ON_OBJECT;
    if (!RtlValidSecurityDescriptor(InputDescriptor) || !RtlValidSecurityDescriptor(ModificationDescriptor))
        return STATUS_INVALID_SECURITY_DESCR;
    // The driver has already checked that the requestor may do this.
    return fsp::nt::set_object_security(SecurityInformation, ModificationDescriptor, InputDescriptor, 0,
                                        nullptr, fsp::nt::file_generic_mapping, PSecurityDescriptor);
}

VOID FspDeleteSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, NTSTATUS (*CreateFunc)())
{
    using fsp::dll::is_tag;

    if (SecurityDescriptor == nullptr)
        return;
    if (is_tag(CreateFunc, FspAccessCheckEx) ||
        is_tag(CreateFunc, FspPosixMapPermissionsToSecurityDescriptor) ||
        is_tag(CreateFunc, FspPosixMergePermissionsToSecurityDescriptor))
        std::free(SecurityDescriptor);
    else if (is_tag(CreateFunc, FspCreateSecurityDescriptor))
        fsp::transport::free_object_security(SecurityDescriptor);
    else if (is_tag(CreateFunc, FspSetSecurityDescriptor))
        fsp::nt::free_descriptor(SecurityDescriptor);
}
