// SPDX-License-Identifier: MIT
//
// FspAccessCheckEx: whether the requestor of a Create may do what it asks for.
#include <cstdlib>

#include "dll/reparse_index.h"
#include "dll/transport.h"
#include "nt/security_descriptor.h"

namespace fsp::dll {
namespace {

/// What makes a file read-only, beyond its security.
constexpr UINT32 readonly_refuses =
    FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_ADD_SUBDIRECTORY | FILE_DELETE_CHILD;

/// Attributes and descriptor of a file, in the buffer that grows with it.
class FileSecurity
{
  public:
    FileSecurity() = default;
    FileSecurity(const FileSecurity&) = delete;
    ~FileSecurity()
    {
        if (descriptor_ != inline_)
            std::free(descriptor_);
    }

    /// Asks the file system; on STATUS_REPARSE `attributes` is the index of the reparse point.
    NTSTATUS query(FSP_FILE_SYSTEM* fs, PWSTR name)
    {
        for (;;) {
            size = capacity_;
            const NTSTATUS status =
                fs->Interface->GetSecurityByName(fs, name, &attributes, descriptor_, &size);
            if (status != STATUS_BUFFER_OVERFLOW)
                return NT_SUCCESS(status) && status != STATUS_REPARSE ? check() : status;
            if (size <= capacity_ || size > max_size) // it fits, it says; or no descriptor is that large
                return STATUS_INVALID_SECURITY_DESCR;
            if (descriptor_ != inline_)
                std::free(descriptor_);
            descriptor_ = std::malloc(size);
            capacity_ = size;
            if (descriptor_ == nullptr)
                return STATUS_INSUFFICIENT_RESOURCES;
        }
    }

    bool is_directory() const { return (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0; }
    bool is_reparse_point() const { return (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0; }
    bool is_readonly() const { return (attributes & FILE_ATTRIBUTE_READONLY) != 0; }
    /// Without a descriptor everything is allowed.
    bool has_descriptor() const { return size != 0; }
    PSECURITY_DESCRIPTOR descriptor() { return descriptor_; }

    /// A copy on the library's heap, null without memory.
    PSECURITY_DESCRIPTOR copy() const
    {
        void* const result = std::malloc(size);
        return result != nullptr ? std::memcpy(result, descriptor_, size) : nullptr;
    }

    UINT32 attributes = 0;
    SIZE_T size = 0;

  private:
    static constexpr SIZE_T inline_size = 1024;
    static constexpr SIZE_T max_size = 0x40000; // two ACLs and two SIDs, and room

    NTSTATUS check()
    {
        if (size == 0)
            return STATUS_SUCCESS;
        if (size > capacity_ || nt::valid_relative_size(descriptor_, size) == 0)
            return STATUS_INVALID_SECURITY_DESCR;
        return STATUS_SUCCESS;
    }

    alignas(8) UCHAR inline_[inline_size];
    void* descriptor_ = inline_;
    SIZE_T capacity_ = inline_size;
};

/// Which object a check is about.
enum class Target
{
    file,
    parent,
    main_file, ///< of a named stream
};

class Check
{
  public:
    Check(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request, UINT32 desired)
        : fs_(fs), create_(request->Req.Create), desired_(desired)
    {}

    NTSTATUS run(PWSTR name, Target target, bool check_traverse, PSECURITY_DESCRIPTOR* descriptor);

    ACCESS_MASK granted = 0; ///< or the reparse index

  private:
    NTSTATUS traverse(PWSTR name);
    NTSTATUS ask_token(FileSecurity& file, UINT32 desired);
    NTSTATUS check_rights(FileSecurity& file, PWSTR name);
    NTSTATUS check_parent_rights(PWSTR name, UINT32 desired);
    NTSTATUS check_kind(const FileSecurity& file, Target target, PWSTR name);
    NTSTATUS check_readonly(const FileSecurity& file, Target target);

    HANDLE token() const { return FSP_FSCTL_TRANSACT_REQ_TOKEN_HANDLE(create_.AccessToken); }
    bool has_option(UINT32 option) const { return (create_.CreateOptions & option) != 0; }
    bool wants_maximum() const { return (desired_ & MAXIMUM_ALLOWED) != 0; }
    UINT32 everything_asked() const { return wants_maximum() ? FILE_ALL_ACCESS : desired_; }

    FSP_FILE_SYSTEM* fs_;
    decltype(FSP_FSCTL_TRANSACT_REQ::Req.Create)& create_;
    UINT32 desired_;
};

bool is_root(const WCHAR* name) { return name[0] == '\\' && name[1] == 0; }

/// Ends the name at `end` and gives it its rest back.
class Shortened
{
  public:
    explicit Shortened(PWSTR end) : end_(end), saved_(*end) { *end = 0; }
    Shortened(const Shortened&) = delete;
    ~Shortened() { *end_ = saved_; }

  private:
    PWSTR end_;
    WCHAR saved_;
};

NTSTATUS Check::ask_token(FileSecurity& file, UINT32 desired)
{
    if (!file.has_descriptor() || desired == 0) {
        granted = (desired & MAXIMUM_ALLOWED) != 0 ? FILE_ALL_ACCESS : desired;
        return STATUS_SUCCESS;
    }
    return transport::access_check(token(), file.descriptor(), desired, &granted);
}

/// FILE_TRAVERSE on every directory above `name`, the root included.
NTSTATUS Check::traverse(PWSTR name)
{
    WCHAR root[2] = {'\\', 0};
    FileSecurity directory;
    for (PWSTR end = name; *end != 0;) {
        // `end` is at the separator behind the directory.
        NTSTATUS status;
        UINT32 index = 0;
        if (end == name) {
            status = directory.query(fs_, root);
        } else {
            const Shortened prefix(end);
            status = directory.query(fs_, name);
            index = last_component_index(name);
        }
        if (status == STATUS_REPARSE) {
            granted = directory.attributes;
            return status;
        }
        if (!NT_SUCCESS(status))
            return status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_OBJECT_PATH_NOT_FOUND : status;

        // A link to a directory need not itself be one.
        if (directory.is_reparse_point()) {
            granted = index;
            return STATUS_REPARSE;
        }
        if (!directory.is_directory())
            return STATUS_OBJECT_PATH_NOT_FOUND;
        if (directory.has_descriptor()) {
            status = transport::access_check(token(), directory.descriptor(), FILE_TRAVERSE, &granted);
            if (!NT_SUCCESS(status))
                return status;
        }

        while (*end == '\\')
            ++end;
        while (*end != 0 && *end != '\\')
            ++end;
    }
    return STATUS_SUCCESS;
}

NTSTATUS Check::check_parent_rights(PWSTR name, UINT32 desired)
{
    if (is_root(name))
        return STATUS_ACCESS_DENIED;
    WCHAR root[2] = {'\\', 0};
    PWSTR parent, last;
    FspPathSuffix(name, &parent, &last, root);
    FileSecurity directory;
    NTSTATUS status = directory.query(fs_, parent);
    FspPathCombine(name, last);
    if (status == STATUS_SUCCESS)
        status = ask_token(directory, desired);
    return status == STATUS_SUCCESS ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

/// What the descriptor grants; the right to delete and to see attributes may also come from the parent.
NTSTATUS Check::check_rights(FileSecurity& file, PWSTR name)
{
    const NTSTATUS status = ask_token(file, desired_);
    UINT32 through_parent = desired_ & (DELETE | FILE_READ_ATTRIBUTES);
    if (wants_maximum())
        through_parent = DELETE | FILE_READ_ATTRIBUTES;
    if (status != STATUS_ACCESS_DENIED || through_parent == 0)
        return status;

    const UINT32 parent_rights = ((through_parent & DELETE) != 0 ? FILE_DELETE_CHILD : 0) |
                                 ((through_parent & FILE_READ_ATTRIBUTES) != 0 ? FILE_LIST_DIRECTORY : 0);
    if (check_parent_rights(name, parent_rights) != STATUS_SUCCESS)
        return STATUS_ACCESS_DENIED;
    const NTSTATUS rest = ask_token(file, desired_ & ~(DELETE | FILE_READ_ATTRIBUTES));
    granted |= through_parent;
    return rest;
}

NTSTATUS Check::check_kind(const FileSecurity& file, Target target, PWSTR name)
{
    const bool follows = target == Target::parent || !has_option(FILE_OPEN_REPARSE_POINT);
    if (file.is_reparse_point() && follows) {
        granted = last_component_index(name);
        return STATUS_REPARSE;
    }
    if (target == Target::parent)
        return file.is_directory() ? STATUS_SUCCESS : STATUS_NOT_A_DIRECTORY;
    if (target == Target::main_file || (fs_->UmNoReparsePointsDirCheck && file.is_reparse_point()))
        return STATUS_SUCCESS;
    if (has_option(FILE_DIRECTORY_FILE) && !file.is_directory())
        return STATUS_NOT_A_DIRECTORY;
    if (has_option(FILE_NON_DIRECTORY_FILE) && file.is_directory())
        return STATUS_FILE_IS_A_DIRECTORY;
    return STATUS_SUCCESS;
}

NTSTATUS Check::check_readonly(const FileSecurity& file, Target target)
{
    if (!file.is_readonly())
        return STATUS_SUCCESS;
    if (!file.is_directory() && (desired_ & readonly_refuses) != 0)
        return STATUS_ACCESS_DENIED;
    // The option is about the file that is being opened, not about the directory it will be in.
    if (target != Target::parent && has_option(FILE_DELETE_ON_CLOSE))
        return STATUS_CANNOT_DELETE;
    if (!file.is_directory() && wants_maximum())
        granted &= ~readonly_refuses;
    return STATUS_SUCCESS;
}

NTSTATUS Check::run(PWSTR name, Target target, bool check_traverse, PSECURITY_DESCRIPTOR* descriptor)
{
    const bool user_mode = create_.UserMode;

    if (user_mode && check_traverse && !create_.HasTraversePrivilege && !is_root(name)) {
        const NTSTATUS status = traverse(name);
        if (status != STATUS_SUCCESS)
            return status;
    }

    FileSecurity file;
    NTSTATUS status = file.query(fs_, name);
    if (status == STATUS_REPARSE)
        granted = file.attributes;
    if (status != STATUS_SUCCESS)
        return status;

    if (target == Target::file && create_.HasTrailingBackslash && !file.is_directory())
        return STATUS_OBJECT_NAME_INVALID;

    UINT32 rights = everything_asked();
    if (user_mode) {
        status = check_rights(file, name);
        if (status != STATUS_SUCCESS)
            return status;
        rights = granted;
    }
    status = check_kind(file, target, name);
    if (status != STATUS_SUCCESS)
        return status;
    granted = rights;
    if (user_mode) {
        status = check_readonly(file, target);
        if (status != STATUS_SUCCESS)
            return status;
    }

    if (descriptor != nullptr && file.has_descriptor()) {
        *descriptor = file.copy();
        if (*descriptor == nullptr)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

} // namespace
} // namespace fsp::dll

NTSTATUS FspAccessCheckEx(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                          BOOLEAN CheckParentOrMain, BOOLEAN AllowTraverseCheck, UINT32 DesiredAccess,
                          PUINT32 PGrantedAccess, PSECURITY_DESCRIPTOR* PSecurityDescriptor)
{
    using namespace fsp::dll;

    *PGrantedAccess = 0;
    if (PSecurityDescriptor != nullptr)
        *PSecurityDescriptor = nullptr;
    if (Request->Kind != FspFsctlTransactCreateKind)
        return STATUS_INVALID_PARAMETER;

    const auto& create = Request->Req.Create;
    const PWSTR name = file_name(Request);
    const Target target = !CheckParentOrMain        ? Target::file
                          : create.NamedStream != 0 ? Target::main_file
                                                    : Target::parent;
    if (target == Target::parent && is_root(name))
        return STATUS_INVALID_PARAMETER;

    if (FileSystem->Interface->GetSecurityByName == nullptr ||
        (!create.UserMode && PSecurityDescriptor == nullptr))
    {
        *PGrantedAccess = (DesiredAccess & MAXIMUM_ALLOWED) != 0 ? FILE_ALL_ACCESS : DesiredAccess;
        return STATUS_SUCCESS;
    }

    Check check(FileSystem, Request, DesiredAccess);
    NTSTATUS status;
    if (target == Target::parent) {
        WCHAR root[2] = {'\\', 0};
        PWSTR parent, last;
        FspPathSuffix(name, &parent, &last, root);
        status = check.run(parent, target, AllowTraverseCheck, PSecurityDescriptor);
        FspPathCombine(name, last);
        if (status == STATUS_OBJECT_NAME_NOT_FOUND)
            status = STATUS_OBJECT_PATH_NOT_FOUND;
    } else if (target == Target::main_file) {
        const Shortened main_file(name + create.NamedStream / sizeof(WCHAR));
        status = check.run(name, target, AllowTraverseCheck, PSecurityDescriptor);
    } else {
        status = check.run(name, target, AllowTraverseCheck, PSecurityDescriptor);
    }

    if (status == STATUS_SUCCESS || status == STATUS_REPARSE)
        *PGrantedAccess = check.granted;
    return status;
}
