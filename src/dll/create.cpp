// SPDX-License-Identifier: MIT
//
// The Create request: checks access, then opens or creates a file, directory or named stream.
#include "dll/reparse_index.h"
#include "nt/rtl.h"

namespace fsp::dll {
namespace {

/// A descriptor together with the function that made it, which is how it must be freed.
class Descriptor
{
  public:
    explicit Descriptor(NTSTATUS (*creator)()) : creator_(creator) {}
    Descriptor(const Descriptor&) = delete;
    ~Descriptor() { FspDeleteSecurityDescriptor(descriptor_, creator_); }

    PSECURITY_DESCRIPTOR get() const { return descriptor_; }
    PSECURITY_DESCRIPTOR* receive() { return &descriptor_; }

  private:
    NTSTATUS (*creator_)();
    PSECURITY_DESCRIPTOR descriptor_ = nullptr;
};

template<class Function> NTSTATUS (*tag(Function* function))()
{
    // By way of a type that fits all functions, so that no compiler suspects a mistake.
    return reinterpret_cast<NTSTATUS (*)()>(reinterpret_cast<void (*)()>(function));
}

/// What Open and Create hand out, on its way to the response.
class OpenedFile
{
  public:
    OpenedFile(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_RSP* response) : fs_(fs), response_(response)
    {
        info_.NormalizedName = reinterpret_cast<PWSTR>(response->Buffer);
        info_.NormalizedNameSize = static_cast<UINT16>(response_buffer_size);
        response->Rsp.Create.Opened.UserContext = 0;
        response->Rsp.Create.Opened.UserContext2 = 0;
    }

    PVOID* context()
    {
        // In full mode the file system casts the pointer and fills both values.
        return fs_->UmFileContextIsFullContext
                   ? reinterpret_cast<PVOID*>(&response_->Rsp.Create.Opened.UserContext)
                   : &context_;
    }
    FSP_FSCTL_FILE_INFO* info() { return &info_.FileInfo; }

    void answer(UINT32 information, UINT32 granted_access, PSECURITY_DESCRIPTOR descriptor)
    {
        auto& opened = response_->Rsp.Create.Opened;
        if (!fs_->UmFileContextIsFullContext)
            (fs_->UmFileContextIsUserContext2 ? opened.UserContext2 : opened.UserContext) =
                reinterpret_cast<UINT_PTR>(context_);
        opened.GrantedAccess = granted_access;
        opened.FileInfo = info_.FileInfo;
        response_->IoStatus.Information = information;
        if (info_.NormalizedNameSize <= FSP_FSCTL_TRANSACT_PATH_SIZEMAX)
            set_response_piece(response_, opened.FileName, info_.NormalizedNameSize);
        if (descriptor != nullptr)
            append_descriptor(descriptor);
    }

  private:
    /// The descriptor saves the driver a question; it may be left out where it does not fit.
    void append_descriptor(PSECURITY_DESCRIPTOR descriptor)
    {
        auto& opened = response_->Rsp.Create.Opened;
        const ULONG offset = padded(opened.FileName.Size);
        const ULONG size = RtlLengthSecurityDescriptor(descriptor);
        if (offset + size > response_buffer_size)
            return;
        std::memset(response_->Buffer + opened.FileName.Size, 0, offset - opened.FileName.Size);
        std::memcpy(response_->Buffer + offset, descriptor, size);
        opened.SecurityDescriptor.Offset = static_cast<UINT16>(offset);
        opened.SecurityDescriptor.Size = static_cast<UINT16>(size);
        opened.HasSecurityDescriptor = 1;
        response_->Size = static_cast<UINT16>(sizeof *response_ + offset + size);
    }

    FSP_FILE_SYSTEM* fs_;
    FSP_FSCTL_TRANSACT_RSP* response_;
    PVOID context_ = nullptr;
    FSP_FSCTL_OPEN_FILE_INFO info_ = {};
};

/// One Create request. Every member function returns the status that the request will have.
class Create
{
  public:
    Create(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response)
        : fs_(fs), on_(*fs->Interface), request_(request), create_(request->Req.Create), response_(response)
    {}

    NTSTATUS run()
    {
        const NTSTATUS status = dispatch();
        switch (status) {
        case STATUS_OBJECT_NAME_NOT_FOUND:
            return not_found();
        case STATUS_OBJECT_NAME_COLLISION:
            return collision();
        default:
            return status;
        }
    }

    NTSTATUS open_target_directory();

  private:
    NTSTATUS dispatch();

    NTSTATUS create_new(bool check_traverse);
    NTSTATUS open_existing();
    NTSTATUS open_or_create();
    NTSTATUS overwrite_existing(UINT32 information);
    NTSTATUS overwrite_or_create(UINT32 information);

    NTSTATUS not_found();
    NTSTATUS collision();

    NTSTATUS check_create(bool check_traverse, Descriptor& parent);
    NTSTATUS check_create_file(bool check_traverse, Descriptor& parent);
    NTSTATUS check_create_stream(bool check_traverse, Descriptor& parent);
    NTSTATUS check_open(PSECURITY_DESCRIPTOR* descriptor);
    NTSTATUS check_overwrite();
    NTSTATUS check(bool parent_or_main, bool check_traverse, UINT32 desired,
                   PSECURITY_DESCRIPTOR* descriptor);

    NTSTATUS call_open(PWSTR name, UINT32 options, OpenedFile& file)
    {
        return on_.Open(fs_, name, options, granted_, file.context(), file.info());
    }
    NTSTATUS call_create(PSECURITY_DESCRIPTOR descriptor, OpenedFile& file);
    NTSTATUS resolve(UINT32 reparse_index);

    bool has_option(UINT32 option) const { return (create_.CreateOptions & option) != 0; }
    UINT32 delete_on_close_access() const { return has_option(FILE_DELETE_ON_CLOSE) ? DELETE : 0; }

    /// Rights that the check needed but the caller did not ask for.
    void keep_only_if_desired(UINT32 rights)
    {
        if ((create_.DesiredAccess & MAXIMUM_ALLOWED) == 0)
            granted_ &= ~rights | create_.DesiredAccess;
    }

    FSP_FILE_SYSTEM* fs_;
    const FSP_FILE_SYSTEM_INTERFACE& on_;
    FSP_FSCTL_TRANSACT_REQ* request_;
    decltype(request_->Req.Create)& create_;
    FSP_FSCTL_TRANSACT_RSP* response_;
    UINT32 granted_ = 0;
};

NTSTATUS Create::dispatch()
{
    switch (create_.CreateOptions >> 24) {
    case FILE_CREATE:
        return create_new(true);
    case FILE_OPEN:
        return open_existing();
    case FILE_OPEN_IF:
        return open_or_create();
    case FILE_OVERWRITE:
        return overwrite_existing(FILE_OVERWRITTEN);
    case FILE_OVERWRITE_IF:
        return overwrite_or_create(FILE_OVERWRITTEN);
    case FILE_SUPERSEDE:
        return overwrite_or_create(FILE_SUPERSEDED);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

// ---- Dispositions

NTSTATUS Create::create_new(bool check_traverse)
{
    Descriptor parent(tag(FspAccessCheckEx));
    NTSTATUS status = check_create(check_traverse, parent);
    if (status != STATUS_SUCCESS)
        return status;

    Descriptor descriptor(tag(FspCreateSecurityDescriptor));
    status = FspCreateSecurityDescriptor(fs_, request_, parent.get(), descriptor.receive());
    if (!NT_SUCCESS(status))
        return status;

    OpenedFile file(fs_, response_);
    status = call_create(descriptor.get(), file);
    if (status == STATUS_SUCCESS) {
        const bool returned =
            create_.CreateOptions >> 24 == FILE_CREATE || create_.CreateOptions >> 24 == FILE_OPEN_IF;
        file.answer(FILE_CREATED, granted_, returned ? descriptor.get() : nullptr);
    }
    return status;
}

NTSTATUS Create::open_existing()
{
    Descriptor descriptor(tag(FspAccessCheckEx));
    NTSTATUS status = check_open(create_.AcceptsSecurityDescriptor ? descriptor.receive() : nullptr);
    if (status != STATUS_SUCCESS)
        return status;

    OpenedFile file(fs_, response_);
    status = call_open(file_name(request_), create_.CreateOptions, file);
    if (status == STATUS_SUCCESS)
        file.answer(FILE_OPENED, granted_, descriptor.get());
    return status;
}

NTSTATUS Create::open_or_create()
{
    const NTSTATUS status = open_existing();
    return status == STATUS_OBJECT_NAME_NOT_FOUND ? create_new(false) : status;
}

NTSTATUS Create::overwrite_existing(UINT32 information)
{
    // The driver truncates the file with an Overwrite request after it has checked sharing.
    NTSTATUS status = check_overwrite();
    if (status != STATUS_SUCCESS)
        return status;

    OpenedFile file(fs_, response_);
    status = call_open(file_name(request_), create_.CreateOptions, file);
    if (status == STATUS_SUCCESS)
        file.answer(information, granted_, nullptr);
    return status;
}

NTSTATUS Create::overwrite_or_create(UINT32 information)
{
    const NTSTATUS status = overwrite_existing(information);
    return status == STATUS_OBJECT_NAME_NOT_FOUND ? create_new(false) : status;
}

NTSTATUS Create::open_target_directory()
{
    NTSTATUS status = check(true, true, create_.DesiredAccess, nullptr);
    if (status != STATUS_SUCCESS)
        return status;
    granted_ |= create_.GrantedAccess;

    OpenedFile file(fs_, response_);
    WCHAR root[2] = {'\\', 0};
    PWSTR parent, last;
    FspPathSuffix(file_name(request_), &parent, &last, root);
    status =
        call_open(parent, (create_.CreateOptions | FILE_DIRECTORY_FILE) & ~FILE_NON_DIRECTORY_FILE, file);
    FspPathCombine(file_name(request_), last);
    if (status != STATUS_SUCCESS)
        return status;

    UINT32 information = FILE_OPENED;
    if (on_.GetSecurityByName != nullptr) {
        const NTSTATUS exists = on_.GetSecurityByName(fs_, file_name(request_), nullptr, nullptr, nullptr);
        information = NT_SUCCESS(exists) ? FILE_EXISTS : FILE_DOES_NOT_EXIST;
    }
    file.answer(information, granted_, nullptr);
    return STATUS_SUCCESS;
}

// ---- What a failure may really mean

/// A stream was not found: its main file may be a reparse point that leads to where it is.
NTSTATUS Create::not_found()
{
    if (on_.GetSecurityByName == nullptr || on_.ResolveReparsePoints == nullptr || create_.NamedStream == 0 ||
        has_option(FILE_OPEN_REPARSE_POINT))
        return STATUS_OBJECT_NAME_NOT_FOUND;

    const PWSTR name = file_name(request_);
    WCHAR& colon = name[create_.NamedStream / sizeof(WCHAR)];
    const WCHAR saved = colon;
    UINT32 attributes = 0;
    colon = 0;
    const NTSTATUS status = on_.GetSecurityByName(fs_, name, &attributes, nullptr, nullptr);
    const UINT32 index = last_component_index(name);
    colon = saved;

    if (status == STATUS_SUCCESS && (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 &&
        resolve(index) == STATUS_REPARSE)
        return STATUS_REPARSE;
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

/// What is in the way of a new file may be a directory, or a reparse point that leads elsewhere.
NTSTATUS Create::collision()
{
    UINT32 attributes = 0;
    if (on_.GetSecurityByName == nullptr ||
        on_.GetSecurityByName(fs_, file_name(request_), &attributes, nullptr, nullptr) != STATUS_SUCCESS)
        return STATUS_OBJECT_NAME_COLLISION;

    if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 && has_option(FILE_NON_DIRECTORY_FILE))
        return STATUS_FILE_IS_A_DIRECTORY;
    if (on_.ResolveReparsePoints != nullptr && !has_option(FILE_OPEN_REPARSE_POINT) &&
        (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 &&
        resolve(last_component_index(file_name(request_))) == STATUS_REPARSE)
        return STATUS_REPARSE;
    return STATUS_OBJECT_NAME_COLLISION;
}

// ---- Access

/// Checks, and resolves the reparse point that the check may have met.
NTSTATUS Create::check(bool parent_or_main, bool check_traverse, UINT32 desired,
                       PSECURITY_DESCRIPTOR* descriptor)
{
    const NTSTATUS status =
        FspAccessCheckEx(fs_, request_, parent_or_main, check_traverse, desired, &granted_, descriptor);
    return status == STATUS_REPARSE ? resolve(granted_) : status;
}

NTSTATUS Create::check_create(bool check_traverse, Descriptor& parent)
{
    return create_.NamedStream != 0 ? check_create_stream(check_traverse, parent)
                                    : check_create_file(check_traverse, parent);
}

NTSTATUS Create::check_create_file(bool check_traverse, Descriptor& parent)
{
    const bool directory = has_option(FILE_DIRECTORY_FILE);
    if (create_.HasTrailingBackslash && !directory)
        return STATUS_OBJECT_NAME_INVALID;
    if ((create_.FileAttributes & FILE_ATTRIBUTE_READONLY) != 0 && has_option(FILE_DELETE_ON_CLOSE))
        return STATUS_CANNOT_DELETE;

    const UINT32 desired = create_.HasRestorePrivilege ? 0
                           : directory                 ? FILE_ADD_SUBDIRECTORY
                                                       : FILE_ADD_FILE;
    const NTSTATUS status = check(true, check_traverse, desired, parent.receive());
    if (status == STATUS_NOT_A_DIRECTORY) // said of the parent
        return STATUS_OBJECT_PATH_NOT_FOUND;
    if (status != STATUS_SUCCESS)
        return status;

    // Whoever may create a file gets what he asks for on it.
    granted_ = (create_.DesiredAccess & MAXIMUM_ALLOWED) != 0 ? FILE_ALL_ACCESS : create_.DesiredAccess;
    granted_ |= create_.GrantedAccess;
    return STATUS_SUCCESS;
}

NTSTATUS Create::check_create_stream(bool check_traverse, Descriptor& parent)
{
    if (create_.HasTrailingBackslash)
        return STATUS_OBJECT_NAME_INVALID;

    const UINT32 desired = create_.DesiredAccess | FILE_WRITE_DATA | delete_on_close_access();
    const NTSTATUS status = check(true, check_traverse, desired, parent.receive());
    if (status != STATUS_SUCCESS)
        return status;
    keep_only_if_desired(DELETE | FILE_WRITE_DATA);
    granted_ |= create_.GrantedAccess;
    return STATUS_SUCCESS;
}

NTSTATUS Create::check_open(PSECURITY_DESCRIPTOR* descriptor)
{
    const NTSTATUS status = check(false, true, create_.DesiredAccess | delete_on_close_access(), descriptor);
    if (status != STATUS_SUCCESS)
        return status;
    keep_only_if_desired(DELETE);
    granted_ |= create_.GrantedAccess;
    return STATUS_SUCCESS;
}

NTSTATUS Create::check_overwrite()
{
    const bool supersede = create_.CreateOptions >> 24 == FILE_SUPERSEDE;
    const UINT32 desired =
        create_.DesiredAccess | (supersede ? DELETE : FILE_WRITE_DATA) | delete_on_close_access();
    const NTSTATUS status = check(false, true, desired, nullptr);
    if (status != STATUS_SUCCESS)
        return status;
    keep_only_if_desired(DELETE | FILE_WRITE_DATA);
    granted_ |= create_.GrantedAccess;
    return STATUS_SUCCESS;
}

// ---- Calls

NTSTATUS Create::call_create(PSECURITY_DESCRIPTOR descriptor, OpenedFile& file)
{
    if (on_.CreateEx == nullptr)
        return on_.Create(fs_, file_name(request_), create_.CreateOptions, granted_, create_.FileAttributes,
                          descriptor, create_.AllocationSize, file.context(), file.info());
    return on_.CreateEx(fs_, file_name(request_), create_.CreateOptions, granted_, create_.FileAttributes,
                        descriptor, create_.AllocationSize, piece<VOID>(request_, create_.Ea),
                        create_.Ea.Size, create_.EaIsReparsePoint, file.context(), file.info());
}

NTSTATUS Create::resolve(UINT32 reparse_index)
{
    if (on_.ResolveReparsePoints == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;

    IO_STATUS_BLOCK result = {};
    SIZE_T size = response_buffer_size;
    const NTSTATUS status =
        on_.ResolveReparsePoints(fs_, file_name(request_), reparse_index,
                                 !has_option(FILE_OPEN_REPARSE_POINT), &result, response_->Buffer, &size);
    if (!NT_SUCCESS(status))
        return status;
    response_->IoStatus.Information = static_cast<UINT32>(result.Information);
    set_response_piece(response_, response_->Rsp.Create.Reparse.Buffer,
                       size <= response_buffer_size ? size : response_buffer_size);
    return STATUS_REPARSE;
}

} // namespace
} // namespace fsp::dll

NTSTATUS FspFileSystemOpCreate(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                               FSP_FSCTL_TRANSACT_RSP* Response)
{
    const FSP_FILE_SYSTEM_INTERFACE& on = *FileSystem->Interface;
    if ((on.Create == nullptr && on.CreateEx == nullptr) || on.Open == nullptr ||
        (on.Overwrite == nullptr && on.OverwriteEx == nullptr))
        return STATUS_INVALID_DEVICE_REQUEST;

    fsp::dll::Create create(FileSystem, Request, Response);
    return Request->Req.Create.OpenTargetDirectory ? create.open_target_directory() : create.run();
}
