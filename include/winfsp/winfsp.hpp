// SPDX-License-Identifier: MIT
/**
 * @file winfsp/winfsp.hpp
 * The native API for C++: a file system is a class, a mounted one an object.
 *
 * Derive from FileSystemBase, give an instance of it to a FileSystemHost and mount that. Service does the
 * same for the program around it. An exception that leaves one of your members becomes the status that
 * ExceptionHandler returns; where nothing is returned it is dropped.
 */
#ifndef WINFSP_WINFSP_HPP_INCLUDED
#define WINFSP_WINFSP_HPP_INCLUDED

#include <winfsp/winfsp.h>

#include <cstring>

#if !defined(_WIN32)
#include <fcntl.h>
#endif

namespace Fsp {

/** Load the library (FspLoad) once; returns how that went. */
inline NTSTATUS Initialize()
{
    static const NTSTATUS result = FspLoad(0);
    return result;
}

/**
 * What a file system does. The members are the operations of FSP_FILE_SYSTEM_INTERFACE with two contexts:
 * FileNode belongs to the file, FileDesc to one open of it.
 */
class FileSystemBase
{
  public:
    typedef FSP_FSCTL_VOLUME_INFO VolumeInfo;
    typedef FSP_FSCTL_FILE_INFO FileInfo;
    typedef FSP_FSCTL_OPEN_FILE_INFO OpenFileInfo;
    typedef FSP_FSCTL_DIR_INFO DirInfo;
    typedef FSP_FSCTL_STREAM_INFO StreamInfo;
    enum CleanupFlags
    {
        CleanupDelete = FspCleanupDelete,
        CleanupSetAllocationSize = FspCleanupSetAllocationSize,
        CleanupSetArchiveBit = FspCleanupSetArchiveBit,
        CleanupSetLastAccessTime = FspCleanupSetLastAccessTime,
        CleanupSetLastWriteTime = FspCleanupSetLastWriteTime,
        CleanupSetChangeTime = FspCleanupSetChangeTime,
    };

    FileSystemBase() {}
    FileSystemBase(const FileSystemBase&) = delete;
    FileSystemBase& operator=(const FileSystemBase&) = delete;
    virtual ~FileSystemBase() {}

    /** The status that an exception becomes; called while it is being handled. */
    virtual NTSTATUS ExceptionHandler() { return STATUS_UNEXPECTED_IO_ERROR; }

    /** Before the volume is created: set parameters of the host. */
    virtual NTSTATUS Init(PVOID) { return STATUS_SUCCESS; }
    /** Mounted, but no request has been served yet. */
    virtual NTSTATUS Mounted(PVOID) { return STATUS_SUCCESS; }
    /** No more requests come. */
    virtual VOID Unmounted(PVOID) {}

    virtual NTSTATUS GetVolumeInfo(VolumeInfo*) { return STATUS_INVALID_DEVICE_REQUEST; }
    virtual NTSTATUS SetVolumeLabel_(PWSTR, VolumeInfo*) { return STATUS_INVALID_DEVICE_REQUEST; }
    virtual NTSTATUS GetSecurityByName(PWSTR /*FileName*/, PUINT32 /*PFileAttributes*/, PSECURITY_DESCRIPTOR,
                                       SIZE_T* /*PSecurityDescriptorSize*/)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS Create(PWSTR /*FileName*/, UINT32 /*CreateOptions*/, UINT32 /*GrantedAccess*/,
                            UINT32 /*FileAttributes*/, PSECURITY_DESCRIPTOR, UINT64 /*AllocationSize*/,
                            PVOID* /*PFileNode*/, PVOID* /*PFileDesc*/, OpenFileInfo*)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS Open(PWSTR /*FileName*/, UINT32 /*CreateOptions*/, UINT32 /*GrantedAccess*/,
                          PVOID* /*PFileNode*/, PVOID* /*PFileDesc*/, OpenFileInfo*)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS Overwrite(PVOID /*FileNode*/, PVOID /*FileDesc*/, UINT32 /*FileAttributes*/,
                               BOOLEAN /*ReplaceFileAttributes*/, UINT64 /*AllocationSize*/, FileInfo*)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual VOID Cleanup(PVOID /*FileNode*/, PVOID /*FileDesc*/, PWSTR /*FileName*/, ULONG /*Flags*/) {}
    virtual VOID Close(PVOID /*FileNode*/, PVOID /*FileDesc*/) {}
    virtual NTSTATUS Read(PVOID /*FileNode*/, PVOID /*FileDesc*/, PVOID /*Buffer*/, UINT64 /*Offset*/,
                          ULONG /*Length*/, PULONG /*PBytesTransferred*/)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS Write(PVOID /*FileNode*/, PVOID /*FileDesc*/, PVOID /*Buffer*/, UINT64 /*Offset*/,
                           ULONG /*Length*/, BOOLEAN /*WriteToEndOfFile*/, BOOLEAN /*ConstrainedIo*/,
                           PULONG /*PBytesTransferred*/, FileInfo*)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS Flush(PVOID /*FileNode*/, PVOID /*FileDesc*/, FileInfo*)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS GetFileInfo(PVOID /*FileNode*/, PVOID /*FileDesc*/, FileInfo*)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS SetBasicInfo(PVOID /*FileNode*/, PVOID /*FileDesc*/, UINT32 /*FileAttributes*/,
                                  UINT64 /*CreationTime*/, UINT64 /*LastAccessTime*/,
                                  UINT64 /*LastWriteTime*/, UINT64 /*ChangeTime*/, FileInfo*)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS SetFileSize(PVOID /*FileNode*/, PVOID /*FileDesc*/, UINT64 /*NewSize*/,
                                 BOOLEAN /*SetAllocationSize*/, FileInfo*)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS CanDelete(PVOID /*FileNode*/, PVOID /*FileDesc*/, PWSTR /*FileName*/)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS Rename(PVOID /*FileNode*/, PVOID /*FileDesc*/, PWSTR /*FileName*/, PWSTR /*NewFileName*/,
                            BOOLEAN /*ReplaceIfExists*/)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS GetSecurity(PVOID /*FileNode*/, PVOID /*FileDesc*/, PSECURITY_DESCRIPTOR,
                                 SIZE_T* /*PSecurityDescriptorSize*/)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS SetSecurity(PVOID /*FileNode*/, PVOID /*FileDesc*/, SECURITY_INFORMATION,
                                 PSECURITY_DESCRIPTOR /*ModificationDescriptor*/)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS ReadDirectory(PVOID FileNode, PVOID FileDesc, PWSTR Pattern, PWSTR Marker, PVOID Buffer,
                                   ULONG Length, PULONG PBytesTransferred)
    {
        return SeekableReadDirectory(FileNode, FileDesc, Pattern, Marker, Buffer, Length, PBytesTransferred);
    }
    /** One entry of a directory; STATUS_NO_MORE_FILES at the end. *PContext is yours, NULL at first. */
    virtual NTSTATUS ReadDirectoryEntry(PVOID /*FileNode*/, PVOID /*FileDesc*/, PWSTR /*Pattern*/,
                                        PWSTR /*Marker*/, PVOID* /*PContext*/, DirInfo*)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS ResolveReparsePoints(PWSTR FileName, UINT32 ReparsePointIndex,
                                          BOOLEAN ResolveLastPathComponent, PIO_STATUS_BLOCK PIoStatus,
                                          PVOID Buffer, PSIZE_T PSize)
    {
        return FspFileSystemResolveReparsePoints(0, GetReparsePointByName_, this, FileName, ReparsePointIndex,
                                                 ResolveLastPathComponent, PIoStatus, Buffer, PSize);
    }
    virtual NTSTATUS GetReparsePointByName(PWSTR /*FileName*/, BOOLEAN /*IsDirectory*/, PVOID /*Buffer*/,
                                           PSIZE_T /*PSize*/)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS GetReparsePoint(PVOID /*FileNode*/, PVOID /*FileDesc*/, PWSTR /*FileName*/,
                                     PVOID /*Buffer*/, PSIZE_T /*PSize*/)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS SetReparsePoint(PVOID /*FileNode*/, PVOID /*FileDesc*/, PWSTR /*FileName*/,
                                     PVOID /*Buffer*/, SIZE_T /*Size*/)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS DeleteReparsePoint(PVOID /*FileNode*/, PVOID /*FileDesc*/, PWSTR /*FileName*/,
                                        PVOID /*Buffer*/, SIZE_T /*Size*/)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    virtual NTSTATUS GetStreamInfo(PVOID /*FileNode*/, PVOID /*FileDesc*/, PVOID /*Buffer*/, ULONG /*Length*/,
                                   PULONG /*PBytesTransferred*/)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }

    /* Helpers for the members above. */

    static NTSTATUS NtStatusFromWin32(DWORD Error) { return FspNtStatusFromWin32(Error); }
    static DWORD Win32FromNtStatus(NTSTATUS Status) { return FspWin32FromNtStatus(Status); }
    static VOID DeleteDirectoryBuffer(PVOID* PDirBuffer) { FspFileSystemDeleteDirectoryBuffer(PDirBuffer); }
    static NTSTATUS CanReplaceReparsePoint(PVOID CurrentReparseData, SIZE_T CurrentReparseDataSize,
                                           PVOID ReplaceReparseData, SIZE_T ReplaceReparseDataSize)
    {
        return FspFileSystemCanReplaceReparsePoint(CurrentReparseData, CurrentReparseDataSize,
                                                   ReplaceReparseData, ReplaceReparseDataSize);
    }
    static BOOLEAN AddStreamInfo(StreamInfo* Info, PVOID Buffer, ULONG Length, PULONG PBytesTransferred)
    {
        return FspFileSystemAddStreamInfo(Info, Buffer, Length, PBytesTransferred);
    }

    /** ReadDirectory by ReadDirectoryEntry, which continues after Marker by itself. */
    NTSTATUS SeekableReadDirectory(PVOID FileNode, PVOID FileDesc, PWSTR Pattern, PWSTR Marker, PVOID Buffer,
                                   ULONG Length, PULONG PBytesTransferred)
    {
        DirEntry entry;
        PVOID context = 0;
        for (;;) {
            std::memset(&entry, 0, sizeof entry);
            NTSTATUS result = ReadDirectoryEntry(FileNode, FileDesc, Pattern, Marker, &context, entry.info());
            if (result == STATUS_NO_MORE_FILES)
                return STATUS_SUCCESS;
            if (!NT_SUCCESS(result))
                return result;
            if (!FspFileSystemAddDirInfo(entry.info(), Buffer, Length, PBytesTransferred))
                return STATUS_SUCCESS;
        }
    }

    /** ReadDirectory by ReadDirectoryEntry, once for the whole directory, and a directory buffer. */
    NTSTATUS BufferedReadDirectory(PVOID* PDirBuffer, PVOID FileNode, PVOID FileDesc, PWSTR Pattern,
                                   PWSTR Marker, PVOID Buffer, ULONG Length, PULONG PBytesTransferred)
    {
        NTSTATUS result = STATUS_SUCCESS;
        if (FspFileSystemAcquireDirectoryBuffer(PDirBuffer, 0 == Marker, &result)) {
            struct Release
            {
                PVOID* buffer;
                ~Release() { FspFileSystemReleaseDirectoryBuffer(buffer); }
            } release = {PDirBuffer};
            result = FillDirectoryBuffer(PDirBuffer, FileNode, FileDesc, Pattern);
        }
        if (!NT_SUCCESS(result))
            return result;
        FspFileSystemReadDirectoryBuffer(PDirBuffer, Marker, Buffer, Length, PBytesTransferred);
        return STATUS_SUCCESS;
    }

    /** Whether a component of the name before the last is a reparse point. */
    BOOLEAN FindReparsePoint(PWSTR FileName, PUINT32 PReparsePointIndex)
    {
        return FspFileSystemFindReparsePoint(0, GetReparsePointByName_, this, FileName, PReparsePointIndex);
    }

  private:
    /** A directory entry with room for the longest name. */
    struct DirEntry
    {
        UINT64 storage[(sizeof(DirInfo) + 260 * sizeof(WCHAR)) / sizeof(UINT64) + 1];
        DirInfo* info() { return reinterpret_cast<DirInfo*>(storage); }
    };

    NTSTATUS FillDirectoryBuffer(PVOID* PDirBuffer, PVOID FileNode, PVOID FileDesc, PWSTR Pattern)
    {
        DirEntry entry;
        PVOID context = 0;
        for (;;) {
            std::memset(&entry, 0, sizeof entry);
            NTSTATUS result = ReadDirectoryEntry(FileNode, FileDesc, Pattern, 0, &context, entry.info());
            if (result == STATUS_NO_MORE_FILES)
                return STATUS_SUCCESS;
            if (!NT_SUCCESS(result))
                return result;
            if (!FspFileSystemFillDirectoryBuffer(PDirBuffer, entry.info(), &result))
                return result;
        }
    }

    static NTSTATUS GetReparsePointByName_(FSP_FILE_SYSTEM*, PVOID Context, PWSTR FileName,
                                           BOOLEAN IsDirectory, PVOID Buffer, PSIZE_T PSize)
    {
        FileSystemBase* self = static_cast<FileSystemBase*>(Context);
        try {
            return self->GetReparsePointByName(FileName, IsDirectory, Buffer, PSize);
        } catch (...) {
            return self->ExceptionHandler();
        }
    }
};

/** A file system as a volume: its parameters and its mount point. */
class FileSystemHost
{
  public:
    explicit FileSystemHost(FileSystemBase& FileSystem) : params_(), file_system_(FileSystem), handle_(0)
    {
        Initialize();
        params_.UmFileContextIsFullContext = 1;
    }
    FileSystemHost(const FileSystemHost&) = delete;
    FileSystemHost& operator=(const FileSystemHost&) = delete;
    virtual ~FileSystemHost()
    {
        if (handle_ != 0)
            FspFileSystemDelete(handle_);
    }

    UINT16 SectorSize() { return params_.SectorSize; }
    VOID SetSectorSize(UINT16 Value) { params_.SectorSize = Value; }
    UINT16 SectorsPerAllocationUnit() { return params_.SectorsPerAllocationUnit; }
    VOID SetSectorsPerAllocationUnit(UINT16 Value) { params_.SectorsPerAllocationUnit = Value; }
    UINT16 MaxComponentLength() { return params_.MaxComponentLength; }
    VOID SetMaxComponentLength(UINT16 Value) { params_.MaxComponentLength = Value; }
    UINT64 VolumeCreationTime() { return params_.VolumeCreationTime; }
    VOID SetVolumeCreationTime(UINT64 Value) { params_.VolumeCreationTime = Value; }
    UINT32 VolumeSerialNumber() { return params_.VolumeSerialNumber; }
    VOID SetVolumeSerialNumber(UINT32 Value) { params_.VolumeSerialNumber = Value; }
    UINT32 FileInfoTimeout() { return params_.FileInfoTimeout; }
    VOID SetFileInfoTimeout(UINT32 Value) { params_.FileInfoTimeout = Value; }
    BOOLEAN CaseSensitiveSearch() { return params_.CaseSensitiveSearch; }
    VOID SetCaseSensitiveSearch(BOOLEAN Value) { params_.CaseSensitiveSearch = !!Value; }
    BOOLEAN CasePreservedNames() { return params_.CasePreservedNames; }
    VOID SetCasePreservedNames(BOOLEAN Value) { params_.CasePreservedNames = !!Value; }
    BOOLEAN UnicodeOnDisk() { return params_.UnicodeOnDisk; }
    VOID SetUnicodeOnDisk(BOOLEAN Value) { params_.UnicodeOnDisk = !!Value; }
    BOOLEAN PersistentAcls() { return params_.PersistentAcls; }
    VOID SetPersistentAcls(BOOLEAN Value) { params_.PersistentAcls = !!Value; }
    BOOLEAN ReparsePoints() { return params_.ReparsePoints; }
    VOID SetReparsePoints(BOOLEAN Value) { params_.ReparsePoints = !!Value; }
    BOOLEAN ReparsePointsAccessCheck() { return params_.ReparsePointsAccessCheck; }
    VOID SetReparsePointsAccessCheck(BOOLEAN Value) { params_.ReparsePointsAccessCheck = !!Value; }
    BOOLEAN NamedStreams() { return params_.NamedStreams; }
    VOID SetNamedStreams(BOOLEAN Value) { params_.NamedStreams = !!Value; }
    BOOLEAN PostCleanupWhenModifiedOnly() { return params_.PostCleanupWhenModifiedOnly; }
    VOID SetPostCleanupWhenModifiedOnly(BOOLEAN Value) { params_.PostCleanupWhenModifiedOnly = !!Value; }
    BOOLEAN PassQueryDirectoryPattern() { return params_.PassQueryDirectoryPattern; }
    VOID SetPassQueryDirectoryPattern(BOOLEAN Value) { params_.PassQueryDirectoryPattern = !!Value; }
    BOOLEAN FlushAndPurgeOnCleanup() { return params_.FlushAndPurgeOnCleanup; }
    VOID SetFlushAndPurgeOnCleanup(BOOLEAN Value) { params_.FlushAndPurgeOnCleanup = !!Value; }
    PWSTR Prefix() { return params_.Prefix; }
    VOID SetPrefix(PWSTR Value) { CopyText(params_.Prefix, sizeof params_.Prefix / sizeof(WCHAR), Value); }
    PWSTR FileSystemName() { return params_.FileSystemName; }
    VOID SetFileSystemName(PWSTR Value)
    {
        CopyText(params_.FileSystemName, sizeof params_.FileSystemName / sizeof(WCHAR), Value);
    }

    /** Test whether MountPoint can be mounted. */
    NTSTATUS Preflight(PWSTR MountPoint) { return FspFileSystemPreflight(DevicePath(), MountPoint); }

    /**
     * Create the volume, mount it and serve requests.
     *
     * @param Synchronized one operation at a time
     * @param DebugLog see FspFileSystemSetDebugLog
     */
    NTSTATUS Mount(PWSTR MountPoint, PSECURITY_DESCRIPTOR SecurityDescriptor = 0,
                   BOOLEAN Synchronized = FALSE, UINT32 DebugLog = 0)
    {
        NTSTATUS result = Guarded([&] { return file_system_.Init(this); });
        if (!NT_SUCCESS(result))
            return result;
        result = FspFileSystemCreate(DevicePath(), &params_, Interface(), &handle_);
        if (!NT_SUCCESS(result)) {
            handle_ = 0;
            return result;
        }
        handle_->UserContext = &file_system_;
        FspFileSystemSetOperationGuardStrategy(handle_, Synchronized
                                                            ? FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_COARSE
                                                            : FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_FINE);
        FspFileSystemSetDebugLog(handle_, DebugLog);

        result = FspFileSystemSetMountPointEx(handle_, MountPoint, SecurityDescriptor);
        if (NT_SUCCESS(result)) {
            result = Guarded([&] { return file_system_.Mounted(this); });
            if (NT_SUCCESS(result)) {
                result = FspFileSystemStartDispatcher(handle_, 0);
                if (!NT_SUCCESS(result))
                    TellUnmounted();
            }
        }
        if (!NT_SUCCESS(result))
            Delete();
        return result;
    }

    /** Undo Mount. */
    VOID Unmount()
    {
        FspFileSystemStopDispatcher(handle_);
        TellUnmounted();
        Delete();
    }

    /** NULL if not mounted. */
    PWSTR MountPoint() { return handle_ != 0 ? FspFileSystemMountPoint(handle_) : 0; }
    FSP_FILE_SYSTEM* FileSystemHandle() { return handle_; }
    FileSystemBase& FileSystem() { return file_system_; }

    /** Append the debug log to a file; "-": to standard error. */
    static NTSTATUS SetDebugLogFile(PWSTR FileName)
    {
        const bool standard_error = FileName[0] == '-' && FileName[1] == 0;
        HANDLE handle;
#if defined(_WIN32)
        handle = standard_error ? GetStdHandle(STD_ERROR_HANDLE)
                                : CreateFileW(FileName, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                              0, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, 0);
        if (handle == INVALID_HANDLE_VALUE)
            return FspNtStatusFromWin32(GetLastError());
#else
        /* A handle for debug output is a file descriptor here. */
        int file = 2;
        if (!standard_error) {
            char* name;
            NTSTATUS result = FspPosixMapWindowsToPosixPathEx(FileName, &name, FALSE);
            if (!NT_SUCCESS(result))
                return result;
            file = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
            FspPosixDeletePath(name);
            if (file == -1)
                return STATUS_ACCESS_DENIED;
        }
        handle = reinterpret_cast<HANDLE>(static_cast<intptr_t>(file));
#endif
        FspDebugLogSetHandle(handle);
        return STATUS_SUCCESS;
    }

  private:
    typedef FSP_FSCTL_TRANSACT_FULL_CONTEXT FullContext;

    static VOID CopyText(PWSTR To, SIZE_T Capacity, const WCHAR* From)
    {
        SIZE_T length = 0;
        for (; length + 1 < Capacity && From[length] != 0; ++length)
            To[length] = From[length];
        std::memset(To + length, 0, (Capacity - length) * sizeof(WCHAR));
    }

    PWSTR DevicePath()
    {
        static WCHAR disk[] = FSP_L("" FSP_FSCTL_DISK_DEVICE_NAME);
        static WCHAR net[] = FSP_L("" FSP_FSCTL_NET_DEVICE_NAME);
        return params_.Prefix[0] != 0 ? net : disk;
    }

    template<class Function> NTSTATUS Guarded(Function function) { return Guarded(file_system_, function); }

    template<class Function> static NTSTATUS Guarded(FileSystemBase& base, Function function)
    {
        try {
            return function();
        } catch (...) {
            return base.ExceptionHandler();
        }
    }

    VOID TellUnmounted()
    {
        try {
            file_system_.Unmounted(this);
        } catch (...) {
        }
    }

    VOID Delete()
    {
        handle_->UserContext = 0;
        FspFileSystemDelete(handle_);
        handle_ = 0;
    }

    /* ---- The operations table: each function finds the object and the contexts, and calls the member. ----
     */

    static FileSystemBase& Base(FSP_FILE_SYSTEM* FileSystem)
    {
        return *static_cast<FileSystemBase*>(FileSystem->UserContext);
    }
    static PVOID Node(PVOID Context)
    {
        return reinterpret_cast<PVOID>(
            static_cast<UINT_PTR>(static_cast<FullContext*>(Context)->UserContext));
    }
    static PVOID Desc(PVOID Context)
    {
        return reinterpret_cast<PVOID>(
            static_cast<UINT_PTR>(static_cast<FullContext*>(Context)->UserContext2));
    }
    /** Create and Open fill both contexts; the pointer is really one to a FullContext. */
    template<class Function>
    static NTSTATUS GuardedOpen(FSP_FILE_SYSTEM* FileSystem, PVOID* PFileContext, Function function)
    {
        PVOID node = 0, desc = 0;
        NTSTATUS result = Guarded(Base(FileSystem), [&] { return function(&node, &desc); });
        FullContext* context = reinterpret_cast<FullContext*>(PFileContext);
        context->UserContext = reinterpret_cast<UINT_PTR>(node);
        context->UserContext2 = reinterpret_cast<UINT_PTR>(desc);
        return result;
    }

    static NTSTATUS GetVolumeInfo(FSP_FILE_SYSTEM* FS, FSP_FSCTL_VOLUME_INFO* Info)
    {
        return Guarded(Base(FS), [&] { return Base(FS).GetVolumeInfo(Info); });
    }
    static NTSTATUS SetVolumeLabel_(FSP_FILE_SYSTEM* FS, PWSTR Label, FSP_FSCTL_VOLUME_INFO* Info)
    {
        return Guarded(Base(FS), [&] { return Base(FS).SetVolumeLabel_(Label, Info); });
    }
    static NTSTATUS GetSecurityByName(FSP_FILE_SYSTEM* FS, PWSTR Name, PUINT32 PAttributes,
                                      PSECURITY_DESCRIPTOR Descriptor, SIZE_T* PSize)
    {
        return Guarded(Base(FS),
                       [&] { return Base(FS).GetSecurityByName(Name, PAttributes, Descriptor, PSize); });
    }
    static NTSTATUS Create(FSP_FILE_SYSTEM* FS, PWSTR Name, UINT32 Options, UINT32 Access, UINT32 Attributes,
                           PSECURITY_DESCRIPTOR Descriptor, UINT64 AllocationSize, PVOID* PContext,
                           FSP_FSCTL_FILE_INFO* Info)
    {
        return GuardedOpen(FS, PContext, [&](PVOID* PNode, PVOID* PDesc) {
            return Base(FS).Create(Name, Options, Access, Attributes, Descriptor, AllocationSize, PNode,
                                   PDesc, FspFileSystemGetOpenFileInfo(Info));
        });
    }
    static NTSTATUS Open(FSP_FILE_SYSTEM* FS, PWSTR Name, UINT32 Options, UINT32 Access, PVOID* PContext,
                         FSP_FSCTL_FILE_INFO* Info)
    {
        return GuardedOpen(FS, PContext, [&](PVOID* PNode, PVOID* PDesc) {
            return Base(FS).Open(Name, Options, Access, PNode, PDesc, FspFileSystemGetOpenFileInfo(Info));
        });
    }
    static NTSTATUS Overwrite(FSP_FILE_SYSTEM* FS, PVOID Context, UINT32 Attributes, BOOLEAN Replace,
                              UINT64 AllocationSize, FSP_FSCTL_FILE_INFO* Info)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).Overwrite(Node(Context), Desc(Context), Attributes, Replace, AllocationSize,
                                      Info);
        });
    }
    static VOID Cleanup(FSP_FILE_SYSTEM* FS, PVOID Context, PWSTR Name, ULONG Flags)
    {
        try {
            Base(FS).Cleanup(Node(Context), Desc(Context), Name, Flags);
        } catch (...) {
        }
    }
    static VOID Close(FSP_FILE_SYSTEM* FS, PVOID Context)
    {
        try {
            Base(FS).Close(Node(Context), Desc(Context));
        } catch (...) {
        }
    }
    static NTSTATUS Read(FSP_FILE_SYSTEM* FS, PVOID Context, PVOID Buffer, UINT64 Offset, ULONG Length,
                         PULONG PTransferred)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).Read(Node(Context), Desc(Context), Buffer, Offset, Length, PTransferred);
        });
    }
    static NTSTATUS Write(FSP_FILE_SYSTEM* FS, PVOID Context, PVOID Buffer, UINT64 Offset, ULONG Length,
                          BOOLEAN ToEnd, BOOLEAN Constrained, PULONG PTransferred, FSP_FSCTL_FILE_INFO* Info)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).Write(Node(Context), Desc(Context), Buffer, Offset, Length, ToEnd, Constrained,
                                  PTransferred, Info);
        });
    }
    static NTSTATUS Flush(FSP_FILE_SYSTEM* FS, PVOID Context, FSP_FSCTL_FILE_INFO* Info)
    {
        return Guarded(Base(FS), [&] { return Base(FS).Flush(Node(Context), Desc(Context), Info); });
    }
    static NTSTATUS GetFileInfo(FSP_FILE_SYSTEM* FS, PVOID Context, FSP_FSCTL_FILE_INFO* Info)
    {
        return Guarded(Base(FS), [&] { return Base(FS).GetFileInfo(Node(Context), Desc(Context), Info); });
    }
    static NTSTATUS SetBasicInfo(FSP_FILE_SYSTEM* FS, PVOID Context, UINT32 Attributes, UINT64 Creation,
                                 UINT64 LastAccess, UINT64 LastWrite, UINT64 Change,
                                 FSP_FSCTL_FILE_INFO* Info)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).SetBasicInfo(Node(Context), Desc(Context), Attributes, Creation, LastAccess,
                                         LastWrite, Change, Info);
        });
    }
    static NTSTATUS SetFileSize(FSP_FILE_SYSTEM* FS, PVOID Context, UINT64 Size, BOOLEAN Allocation,
                                FSP_FSCTL_FILE_INFO* Info)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).SetFileSize(Node(Context), Desc(Context), Size, Allocation, Info);
        });
    }
    static NTSTATUS CanDelete(FSP_FILE_SYSTEM* FS, PVOID Context, PWSTR Name)
    {
        return Guarded(Base(FS), [&] { return Base(FS).CanDelete(Node(Context), Desc(Context), Name); });
    }
    static NTSTATUS Rename(FSP_FILE_SYSTEM* FS, PVOID Context, PWSTR Name, PWSTR NewName, BOOLEAN Replace)
    {
        return Guarded(Base(FS),
                       [&] { return Base(FS).Rename(Node(Context), Desc(Context), Name, NewName, Replace); });
    }
    static NTSTATUS GetSecurity(FSP_FILE_SYSTEM* FS, PVOID Context, PSECURITY_DESCRIPTOR Descriptor,
                                SIZE_T* PSize)
    {
        return Guarded(Base(FS),
                       [&] { return Base(FS).GetSecurity(Node(Context), Desc(Context), Descriptor, PSize); });
    }
    static NTSTATUS SetSecurity(FSP_FILE_SYSTEM* FS, PVOID Context, SECURITY_INFORMATION Information,
                                PSECURITY_DESCRIPTOR Descriptor)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).SetSecurity(Node(Context), Desc(Context), Information, Descriptor);
        });
    }
    static NTSTATUS ReadDirectory(FSP_FILE_SYSTEM* FS, PVOID Context, PWSTR Pattern, PWSTR Marker,
                                  PVOID Buffer, ULONG Length, PULONG PTransferred)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).ReadDirectory(Node(Context), Desc(Context), Pattern, Marker, Buffer, Length,
                                          PTransferred);
        });
    }
    static NTSTATUS ResolveReparsePoints(FSP_FILE_SYSTEM* FS, PWSTR Name, UINT32 Index, BOOLEAN Last,
                                         PIO_STATUS_BLOCK PIoStatus, PVOID Buffer, PSIZE_T PSize)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).ResolveReparsePoints(Name, Index, Last, PIoStatus, Buffer, PSize);
        });
    }
    static NTSTATUS GetReparsePoint(FSP_FILE_SYSTEM* FS, PVOID Context, PWSTR Name, PVOID Buffer,
                                    PSIZE_T PSize)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).GetReparsePoint(Node(Context), Desc(Context), Name, Buffer, PSize);
        });
    }
    static NTSTATUS SetReparsePoint(FSP_FILE_SYSTEM* FS, PVOID Context, PWSTR Name, PVOID Buffer, SIZE_T Size)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).SetReparsePoint(Node(Context), Desc(Context), Name, Buffer, Size);
        });
    }
    static NTSTATUS DeleteReparsePoint(FSP_FILE_SYSTEM* FS, PVOID Context, PWSTR Name, PVOID Buffer,
                                       SIZE_T Size)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).DeleteReparsePoint(Node(Context), Desc(Context), Name, Buffer, Size);
        });
    }
    static NTSTATUS GetStreamInfo(FSP_FILE_SYSTEM* FS, PVOID Context, PVOID Buffer, ULONG Length,
                                  PULONG PTransferred)
    {
        return Guarded(Base(FS), [&] {
            return Base(FS).GetStreamInfo(Node(Context), Desc(Context), Buffer, Length, PTransferred);
        });
    }

    static const FSP_FILE_SYSTEM_INTERFACE* Interface()
    {
        static const FSP_FILE_SYSTEM_INTERFACE table = Operations();
        return &table;
    }
    static FSP_FILE_SYSTEM_INTERFACE Operations()
    {
        FSP_FILE_SYSTEM_INTERFACE on = FSP_FILE_SYSTEM_INTERFACE();
        on.GetVolumeInfo = GetVolumeInfo;
        on.SetVolumeLabel = SetVolumeLabel_;
        on.GetSecurityByName = GetSecurityByName;
        on.Create = Create;
        on.Open = Open;
        on.Overwrite = Overwrite;
        on.Cleanup = Cleanup;
        on.Close = Close;
        on.Read = Read;
        on.Write = Write;
        on.Flush = Flush;
        on.GetFileInfo = GetFileInfo;
        on.SetBasicInfo = SetBasicInfo;
        on.SetFileSize = SetFileSize;
        on.CanDelete = CanDelete;
        on.Rename = Rename;
        on.GetSecurity = GetSecurity;
        on.SetSecurity = SetSecurity;
        on.ReadDirectory = ReadDirectory;
        on.ResolveReparsePoints = ResolveReparsePoints;
        on.GetReparsePoint = GetReparsePoint;
        on.SetReparsePoint = SetReparsePoint;
        on.DeleteReparsePoint = DeleteReparsePoint;
        on.GetStreamInfo = GetStreamInfo;
        return on;
    }

    FSP_FSCTL_VOLUME_PARAMS params_;
    FileSystemBase& file_system_;
    FSP_FILE_SYSTEM* handle_;
};

/** The program as a service, or at a console. */
class Service
{
  public:
    explicit Service(PWSTR ServiceName) : handle_(0)
    {
        Initialize();
        if (NT_SUCCESS(FspServiceCreate(ServiceName, OnStart, OnStop, 0, &handle_)))
            handle_->UserContext = this;
    }
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    virtual ~Service()
    {
        if (handle_ != 0)
            FspServiceDelete(handle_);
    }

    /** Run to the end; returns the exit code of the process. */
    ULONG Run()
    {
        if (handle_ == 0) {
            Log(EVENTLOG_ERROR_TYPE, const_cast<PWSTR>(FSP_L("The service cannot be created (Status=%lx).")),
                STATUS_INSUFFICIENT_RESOURCES);
            return FspWin32FromNtStatus(STATUS_INSUFFICIENT_RESOURCES);
        }
        FspServiceAllowConsoleMode(handle_);
        NTSTATUS result = FspServiceLoop(handle_);
        if (!NT_SUCCESS(result)) {
            Log(EVENTLOG_ERROR_TYPE, const_cast<PWSTR>(FSP_L("The service has failed to run (Status=%lx).")),
                result);
            return FspWin32FromNtStatus(result);
        }
        return GetExitCode();
    }

    VOID Stop()
    {
        if (handle_ != 0)
            FspServiceStop(handle_);
    }
    VOID RequestTime(ULONG Time)
    {
        if (handle_ != 0)
            FspServiceRequestTime(handle_, Time);
    }
    ULONG GetExitCode() { return handle_ != 0 ? FspServiceGetExitCode(handle_) : ERROR_NO_SYSTEM_RESOURCES; }
    VOID SetExitCode(ULONG ExitCode)
    {
        if (handle_ != 0)
            FspServiceSetExitCode(handle_, ExitCode);
    }
    FSP_SERVICE* ServiceHandle() { return handle_; }

    static VOID Log(ULONG Type, PWSTR Format, ...)
    {
        va_list list;
        va_start(list, Format);
        FspServiceLogV(Type, Format, list);
        va_end(list);
    }
    static VOID LogV(ULONG Type, PWSTR Format, va_list ap) { FspServiceLogV(Type, Format, ap); }

  protected:
    /** As a structured exception: "a C++ exception". */
    virtual NTSTATUS ExceptionHandler() { return static_cast<NTSTATUS>(0xE06D7363); }
    virtual NTSTATUS OnStart(ULONG, PWSTR*) { return STATUS_SUCCESS; }
    virtual NTSTATUS OnStop() { return STATUS_SUCCESS; }

  private:
    static NTSTATUS OnStart(FSP_SERVICE* Handle, ULONG Argc, PWSTR* Argv)
    {
        Service* self = static_cast<Service*>(Handle->UserContext);
        try {
            return self->OnStart(Argc, Argv);
        } catch (...) {
            return self->ExceptionHandler();
        }
    }
    static NTSTATUS OnStop(FSP_SERVICE* Handle)
    {
        Service* self = static_cast<Service*>(Handle->UserContext);
        try {
            return self->OnStop();
        } catch (...) {
            return self->ExceptionHandler();
        }
    }

    FSP_SERVICE* handle_;
};

} // namespace Fsp

#endif
