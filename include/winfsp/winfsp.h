// SPDX-License-Identifier: MIT
/**
 * @file winfsp/winfsp.h
 * The native user mode API: file system objects, their operations and the services around them.
 *
 * A file system fills FSP_FSCTL_VOLUME_PARAMS and FSP_FILE_SYSTEM_INTERFACE and calls
 *
 *     FspLoad, FspFileSystemCreate, FspFileSystemSetMountPoint, FspFileSystemStartDispatcher,
 *     ... FspFileSystemStopDispatcher, FspFileSystemDelete.
 *
 * Text is UTF-16 and NUL-terminated; sizes are bytes; times are 100 ns intervals since 1601-01-01 UTC.
 * File names are relative to the volume, begin with a backslash, use backslashes as separators and end with
 * one only if they are the root. A named stream appears as \path\file:stream.
 */
#ifndef WINFSP_WINFSP_H_INCLUDED
#define WINFSP_WINFSP_H_INCLUDED

#if defined(_WIN32)
#ifndef WIN32_NO_STATUS
#define WIN32_NO_STATUS
#endif
#include <windows.h>
#include <winternl.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>
#include <winfsp/fsctl.h>
#else
#include <dlfcn.h>
#include <stdarg.h>
#include <winfsp/fsctl.h>
#include <winfsp/nt.h>
#include <winfsp/win32.h>
#include <winfsp/winapi.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if !defined(FSP_API)
#if !defined(_WIN32)
#define FSP_API __attribute__((visibility("default")))
#elif defined(WINFSP_DLL_INTERNAL)
#define FSP_API __declspec(dllexport)
#else
#define FSP_API __declspec(dllimport)
#endif
#endif

/** A UTF-16 literal on every system: FSP_L("text"). */
#if !defined(FSP_L)
#define FSP_L_(s) L##s
#define FSP_L(s) FSP_L_(s)
#endif

/* ---- What some SDKs lack ---------------------------------------------------------------------------- */

#if defined(_WIN32)

/*
 * Reparse data ([MS-FSCC] 2.1.2). SDKs keep it for kernel mode; SYMLINK_FLAG_RELATIVE tells whether somebody
 * (the kernel headers, or the program itself) has declared it before. MinGW has the flag in winnt.h, but with
 * the structure always comes the macro for the size of its header.
 */
#if !defined(SYMLINK_FLAG_RELATIVE) || (defined(__MINGW32__) && !defined(REPARSE_DATA_BUFFER_HEADER_SIZE))
#if !defined(SYMLINK_FLAG_RELATIVE)
#define SYMLINK_FLAG_RELATIVE 1
#endif
typedef struct _REPARSE_DATA_BUFFER
{
    ULONG ReparseTag;
    USHORT ReparseDataLength;
    USHORT Reserved;
    union
    {
        struct
        {
            USHORT SubstituteNameOffset;
            USHORT SubstituteNameLength;
            USHORT PrintNameOffset;
            USHORT PrintNameLength;
            ULONG Flags;
            WCHAR PathBuffer[1];
        } SymbolicLinkReparseBuffer;
        struct
        {
            USHORT SubstituteNameOffset;
            USHORT SubstituteNameLength;
            USHORT PrintNameOffset;
            USHORT PrintNameLength;
            WCHAR PathBuffer[1];
        } MountPointReparseBuffer;
        struct
        {
            UCHAR DataBuffer[1];
        } GenericReparseBuffer;
    };
} REPARSE_DATA_BUFFER, *PREPARSE_DATA_BUFFER;
#if !defined(REPARSE_DATA_BUFFER_HEADER_SIZE)
#define REPARSE_DATA_BUFFER_HEADER_SIZE FIELD_OFFSET(REPARSE_DATA_BUFFER, GenericReparseBuffer)
#endif
#endif

#if !defined(FILE_NEED_EA)
#define FILE_NEED_EA 0x00000080
#endif
/* An extended attribute; the name is followed by a NUL and the value. MinGW has it in winternl.h. */
#if !defined(__MINGW32__)
typedef struct _FILE_FULL_EA_INFORMATION
{
    ULONG NextEntryOffset;
    UCHAR Flags;
    UCHAR EaNameLength;
    USHORT EaValueLength;
    CHAR EaName[1];
} FILE_FULL_EA_INFORMATION, *PFILE_FULL_EA_INFORMATION;
#endif

#elif !defined(__int3264)
/** An integer as wide as a pointer. */
#define __int3264 intptr_t
#endif

/* ---- File system object ----------------------------------------------------------------------------- */

typedef struct _FSP_FILE_SYSTEM FSP_FILE_SYSTEM;

/** A guard function or an operation handler: sees a request and fills its response. */
typedef NTSTATUS FSP_FILE_SYSTEM_OPERATION_GUARD(FSP_FILE_SYSTEM*, FSP_FSCTL_TRANSACT_REQ*,
                                                 FSP_FSCTL_TRANSACT_RSP*);
typedef NTSTATUS FSP_FILE_SYSTEM_OPERATION(FSP_FILE_SYSTEM*, FSP_FSCTL_TRANSACT_REQ*,
                                           FSP_FSCTL_TRANSACT_RSP*);

/**
 * How the built-in guard serializes operations.
 *
 * FINE: operations that change the name space run alone, those that read it run together, and the rest is not
 * guarded. COARSE: every operation runs alone.
 */
typedef enum
{
    FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_FINE = 0,
    FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_COARSE
} FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY;

/** Flags of the Cleanup operation: what is due because the last handle was closed. */
enum
{
    FspCleanupDelete = 0x01,
    FspCleanupSetAllocationSize = 0x02,
    FspCleanupSetArchiveBit = 0x10,
    FspCleanupSetLastAccessTime = 0x20,
    FspCleanupSetLastWriteTime = 0x40,
    FspCleanupSetChangeTime = 0x80
};

/**
 * The operations of a file system.
 *
 * Unless said otherwise an operation may be NULL, which answers its requests with
 * STATUS_INVALID_DEVICE_REQUEST; output structures are zeroed before the call; operations run on dispatcher
 * threads (or, where the caller of the file system is in the same process, on the caller's own thread),
 * several at a time as the guard strategy permits. The table must outlive the file system object.
 */
typedef struct _FSP_FILE_SYSTEM_INTERFACE
{
    /** Report sizes and label of the volume. */
    NTSTATUS (*GetVolumeInfo)(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_VOLUME_INFO* VolumeInfo);
    /** Change the label; report the new volume information. */
    NTSTATUS (*SetVolumeLabel)(FSP_FILE_SYSTEM* FileSystem, PWSTR VolumeLabel,
                               FSP_FSCTL_VOLUME_INFO* VolumeInfo);
    /**
     * Report attributes and security descriptor of a file by name; NULL: no access checks are made.
     *
     * @param[out] PFileAttributes may be NULL; with STATUS_REPARSE: character index of the first component
     *             that is a reparse point, or 0
     * @param[out] SecurityDescriptor may be NULL
     * @param PSecurityDescriptorSize may be NULL; in: capacity, out: size; 0: access is granted unchecked
     * @return STATUS_BUFFER_OVERFLOW with the needed size; STATUS_OBJECT_NAME_NOT_FOUND if the last component
     *         is missing; STATUS_OBJECT_PATH_NOT_FOUND if another is; STATUS_REPARSE if a component before
     *         the last is a reparse point
     */
    NTSTATUS (*GetSecurityByName)(FSP_FILE_SYSTEM* FileSystem, PWSTR FileName, PUINT32 PFileAttributes,
                                  PSECURITY_DESCRIPTOR SecurityDescriptor, SIZE_T* PSecurityDescriptorSize);
    /**
     * Create a file, directory (FILE_DIRECTORY_FILE) or named stream. Required unless CreateEx is given.
     *
     * @param CreateOptions low 24 bits: FILE_xxx options; high 8 bits: disposition
     * @param SecurityDescriptor complete and self-relative; NULL for streams
     * @param AllocationSize a multiple of the allocation unit
     * @param[out] PFileContext identifies the file in other operations (FSP_FSCTL_VOLUME_PARAMS says how)
     * @param[out] FileInfo first member of an FSP_FSCTL_OPEN_FILE_INFO
     * @return STATUS_OBJECT_NAME_COLLISION if the name exists
     */
    NTSTATUS (*Create)(FSP_FILE_SYSTEM* FileSystem, PWSTR FileName, UINT32 CreateOptions,
                       UINT32 GrantedAccess, UINT32 FileAttributes, PSECURITY_DESCRIPTOR SecurityDescriptor,
                       UINT64 AllocationSize, PVOID* PFileContext, FSP_FSCTL_FILE_INFO* FileInfo);
    /** Open an existing file, directory or stream. Required. */
    NTSTATUS (*Open)(FSP_FILE_SYSTEM* FileSystem, PWSTR FileName, UINT32 CreateOptions, UINT32 GrantedAccess,
                     PVOID* PFileContext, FSP_FSCTL_FILE_INFO* FileInfo);
    /**
     * Truncate an open file and replace or add to its attributes. Required unless OverwriteEx is given.
     * If it fails the file is closed.
     */
    NTSTATUS (*Overwrite)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, UINT32 FileAttributes,
                          BOOLEAN ReplaceFileAttributes, UINT64 AllocationSize,
                          FSP_FSCTL_FILE_INFO* FileInfo);
    /**
     * The last handle was closed; the context lives until Close. Cannot fail.
     *
     * @param FileName NULL unless Flags has FspCleanupDelete: then the name is to be removed
     */
    VOID (*Cleanup)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PWSTR FileName, ULONG Flags);
    /** The last reference is gone: release the context. */
    VOID (*Close)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext);
    /** Read. STATUS_END_OF_FILE at or beyond the end; STATUS_PENDING: FspFileSystemSendResponse follows. */
    NTSTATUS (*Read)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PVOID Buffer, UINT64 Offset,
                     ULONG Length, PULONG PBytesTransferred);
    /**
     * Write.
     *
     * @param WriteToEndOfFile append; Offset is all ones
     * @param ConstrainedIo must not extend the file: what lies beyond its end is dropped
     * @param[out] FileInfo not zeroed before
     * @return may be STATUS_PENDING
     */
    NTSTATUS (*Write)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PVOID Buffer, UINT64 Offset,
                      ULONG Length, BOOLEAN WriteToEndOfFile, BOOLEAN ConstrainedIo, PULONG PBytesTransferred,
                      FSP_FSCTL_FILE_INFO* FileInfo);
    /** Flush a file, or with context NULL (or zeros) the volume. NULL: GetFileInfo is called instead. */
    NTSTATUS (*Flush)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, FSP_FSCTL_FILE_INFO* FileInfo);
    /** Report metadata of an open file. */
    NTSTATUS (*GetFileInfo)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, FSP_FSCTL_FILE_INFO* FileInfo);
    /** Change attributes (unless INVALID_FILE_ATTRIBUTES) and times (unless 0). */
    NTSTATUS (*SetBasicInfo)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, UINT32 FileAttributes,
                             UINT64 CreationTime, UINT64 LastAccessTime, UINT64 LastWriteTime,
                             UINT64 ChangeTime, FSP_FSCTL_FILE_INFO* FileInfo);
    /** Change the file size, or the allocation size (which truncates a longer file). */
    NTSTATUS (*SetFileSize)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, UINT64 NewSize,
                            BOOLEAN SetAllocationSize, FSP_FSCTL_FILE_INFO* FileInfo);
    /** Test whether the file may be deleted; STATUS_DIRECTORY_NOT_EMPTY. Deletion comes with Cleanup. */
    NTSTATUS (*CanDelete)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PWSTR FileName);
    /** Rename; STATUS_OBJECT_NAME_COLLISION if the new name exists and is not to be replaced. */
    NTSTATUS (*Rename)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PWSTR FileName, PWSTR NewFileName,
                       BOOLEAN ReplaceIfExists);
    /** Report the security descriptor; STATUS_BUFFER_OVERFLOW with the needed size. */
    NTSTATUS (*GetSecurity)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext,
                            PSECURITY_DESCRIPTOR SecurityDescriptor, SIZE_T* PSecurityDescriptorSize);
    /** Change the indicated parts of the security descriptor. See FspSetSecurityDescriptor. */
    NTSTATUS (*SetSecurity)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext,
                            SECURITY_INFORMATION SecurityInformation,
                            PSECURITY_DESCRIPTOR ModificationDescriptor);
    /**
     * List a directory with FspFileSystemAddDirInfo.
     *
     * @param Pattern may be NULL; may be ignored
     * @param Marker continue after this name; NULL: from the start
     * @return may be STATUS_PENDING
     */
    NTSTATUS (*ReadDirectory)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PWSTR Pattern, PWSTR Marker,
                              PVOID Buffer, ULONG Length, PULONG PBytesTransferred);
    /** Resolve reparse points in a name. See FspFileSystemResolveReparsePoints. */
    NTSTATUS (*ResolveReparsePoints)(FSP_FILE_SYSTEM* FileSystem, PWSTR FileName, UINT32 ReparsePointIndex,
                                     BOOLEAN ResolveLastPathComponent, PIO_STATUS_BLOCK PIoStatus,
                                     PVOID Buffer, PSIZE_T PSize);
    /** Report reparse data; STATUS_NOT_A_REPARSE_POINT. */
    NTSTATUS (*GetReparsePoint)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PWSTR FileName, PVOID Buffer,
                                PSIZE_T PSize);
    /** Change reparse data. See FspFileSystemCanReplaceReparsePoint. */
    NTSTATUS (*SetReparsePoint)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PWSTR FileName, PVOID Buffer,
                                SIZE_T Size);
    /** Remove reparse data; Buffer holds a header with the tag. */
    NTSTATUS (*DeleteReparsePoint)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PWSTR FileName,
                                   PVOID Buffer, SIZE_T Size);
    /** List the streams of a file with FspFileSystemAddStreamInfo. */
    NTSTATUS (*GetStreamInfo)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PVOID Buffer, ULONG Length,
                              PULONG PBytesTransferred);
    /** Report one entry of a directory; STATUS_OBJECT_NAME_NOT_FOUND. DirInfo has room for 255 characters. */
    NTSTATUS (*GetDirInfoByName)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PWSTR FileName,
                                 FSP_FSCTL_DIR_INFO* DirInfo);
    /** Serve DeviceIoControl. *PBytesTransferred is not initialized. */
    NTSTATUS (*Control)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, UINT32 ControlCode, PVOID InputBuffer,
                        ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength,
                        PULONG PBytesTransferred);
    /** As CanDelete, and told also when a deletion is taken back. */
    NTSTATUS (*SetDelete)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PWSTR FileName, BOOLEAN DeleteFile);
    /** As Create, with extended attributes or a reparse data buffer for the new file. */
    NTSTATUS (*CreateEx)(FSP_FILE_SYSTEM* FileSystem, PWSTR FileName, UINT32 CreateOptions,
                         UINT32 GrantedAccess, UINT32 FileAttributes, PSECURITY_DESCRIPTOR SecurityDescriptor,
                         UINT64 AllocationSize, PVOID ExtraBuffer, ULONG ExtraLength,
                         BOOLEAN ExtraBufferIsReparsePoint, PVOID* PFileContext,
                         FSP_FSCTL_FILE_INFO* FileInfo);
    /** As Overwrite, with the extended attributes that replace the existing ones. */
    NTSTATUS (*OverwriteEx)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, UINT32 FileAttributes,
                            BOOLEAN ReplaceFileAttributes, UINT64 AllocationSize,
                            PFILE_FULL_EA_INFORMATION Ea, ULONG EaLength, FSP_FSCTL_FILE_INFO* FileInfo);
    /** List all extended attributes with FspFileSystemAddEa. */
    NTSTATUS (*GetEa)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PFILE_FULL_EA_INFORMATION Ea,
                      ULONG EaLength, PULONG PBytesTransferred);
    /** Set each listed extended attribute; delete those without a value. */
    NTSTATUS (*SetEa)(FSP_FILE_SYSTEM* FileSystem, PVOID FileContext, PFILE_FULL_EA_INFORMATION Ea,
                      ULONG EaLength, FSP_FSCTL_FILE_INFO* FileInfo);
    /** Must be NULL. */
    NTSTATUS (*Obsolete0)(VOID);
    /** The dispatcher has ended; Normally: because of FspFileSystemStopDispatcher. */
    VOID (*DispatcherStopped)(FSP_FILE_SYSTEM* FileSystem, BOOLEAN Normally);
    /** Must be NULL. */
    NTSTATUS (*Reserved[31])(VOID);
} FSP_FILE_SYSTEM_INTERFACE;
FSP_FSCTL_STATIC_ASSERT(64 * sizeof(PVOID) == sizeof(FSP_FILE_SYSTEM_INTERFACE),
                        "the operations table is ABI");

/** A file system object. Made by FspFileSystemCreate; UserContext belongs to the file system. */
struct _FSP_FILE_SYSTEM
{
    UINT16 Version;
    PVOID UserContext;
    WCHAR VolumeName[FSP_FSCTL_VOLUME_NAME_SIZEMAX / sizeof(WCHAR)];
    HANDLE VolumeHandle;
    FSP_FILE_SYSTEM_OPERATION_GUARD* EnterOperation;
    FSP_FILE_SYSTEM_OPERATION_GUARD* LeaveOperation;
    FSP_FILE_SYSTEM_OPERATION* Operations[FspFsctlTransactKindCount];
    const FSP_FILE_SYSTEM_INTERFACE* Interface;
    HANDLE DispatcherThread;
    ULONG DispatcherThreadCount;
    NTSTATUS DispatcherResult;
    PWSTR MountPoint;
    HANDLE MountHandle;
    UINT32 DebugLog;
    FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY OpGuardStrategy;
    SRWLOCK OpGuardLock;
    BOOLEAN UmFileContextIsUserContext2;
    BOOLEAN UmFileContextIsFullContext;
    UINT16 UmNoReparsePointsDirCheck : 1;
    UINT16 UmReservedFlags : 14;
    UINT16 DispatcherStopping : 1; /* changed atomically */
};
#if defined(_WIN64) || defined(__LP64__)
FSP_FSCTL_STATIC_ASSERT(792 == sizeof(FSP_FILE_SYSTEM), "FSP_FILE_SYSTEM is ABI");
#else
FSP_FSCTL_STATIC_ASSERT(660 == sizeof(FSP_FILE_SYSTEM), "FSP_FILE_SYSTEM is ABI");
#endif

/** The request that the calling thread is working on. */
typedef struct
{
    FSP_FSCTL_TRANSACT_REQ* Request;
    FSP_FSCTL_TRANSACT_RSP* Response;
} FSP_FILE_SYSTEM_OPERATION_CONTEXT;

/**
 * Test whether a file system could be mounted.
 *
 * @param MountPoint may be NULL
 * @return STATUS_OBJECT_NAME_COLLISION if the mount point is in use; STATUS_OBJECT_NAME_INVALID if it cannot
 *         exist; STATUS_NO_SUCH_DEVICE if the driver is not installed
 */
FSP_API NTSTATUS FspFileSystemPreflight(PWSTR DevicePath, PWSTR MountPoint);
/**
 * Create a file system object and its volume.
 *
 * @param DevicePath FSP_FSCTL_DISK_DEVICE_NAME or FSP_FSCTL_NET_DEVICE_NAME (UTF-16), or an absolute NT path
 * @param VolumeParams copied
 * @param Interface operations; may be NULL; must outlive the object
 * @param[out] PFileSystem released with FspFileSystemDelete; NULL on failure
 */
FSP_API NTSTATUS FspFileSystemCreate(PWSTR DevicePath, const FSP_FSCTL_VOLUME_PARAMS* VolumeParams,
                                     const FSP_FILE_SYSTEM_INTERFACE* Interface,
                                     FSP_FILE_SYSTEM** PFileSystem);
/** Remove the mount point, destroy the volume and free the object. Stop the dispatcher first. */
FSP_API VOID FspFileSystemDelete(FSP_FILE_SYSTEM* FileSystem);
/** FspFileSystemSetMountPointEx without a security descriptor. */
FSP_API NTSTATUS FspFileSystemSetMountPoint(FSP_FILE_SYSTEM* FileSystem, PWSTR MountPoint);
/**
 * Mount the file system.
 *
 * @param MountPoint drive ("X:") or directory; NULL: the first free drive from Z: down (Windows only)
 * @param SecurityDescriptor of the mounted directory; may be NULL
 * @return STATUS_INVALID_PARAMETER if the object is mounted already
 */
FSP_API NTSTATUS FspFileSystemSetMountPointEx(FSP_FILE_SYSTEM* FileSystem, PWSTR MountPoint,
                                              PSECURITY_DESCRIPTOR SecurityDescriptor);
/** Unmount; nothing if not mounted. */
FSP_API VOID FspFileSystemRemoveMountPoint(FSP_FILE_SYSTEM* FileSystem);
/**
 * Start serving requests.
 *
 * @param ThreadCount 0: one for each processor, 4 to 16; at least 2 are started
 * @return STATUS_INVALID_PARAMETER if started already
 */
FSP_API NTSTATUS FspFileSystemStartDispatcher(FSP_FILE_SYSTEM* FileSystem, ULONG ThreadCount);
/** Stop serving and wait until all dispatcher threads have ended. Not from a dispatcher thread. */
FSP_API VOID FspFileSystemStopDispatcher(FSP_FILE_SYSTEM* FileSystem);
/** Complete a request whose operation returned STATUS_PENDING; Hint comes from the request. */
FSP_API VOID FspFileSystemSendResponse(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_RSP* Response);
/**
 * Begin to report changes; renames wait meanwhile. Sessions nest.
 *
 * @param Timeout milliseconds to wait for a rename in progress; 0: one attempt; INFINITE
 * @return STATUS_CANT_WAIT when the time is up
 */
FSP_API NTSTATUS FspFileSystemNotifyBegin(FSP_FILE_SYSTEM* FileSystem, ULONG Timeout);
/** End a session of FspFileSystemNotifyBegin, after all that was reported in it. */
FSP_API NTSTATUS FspFileSystemNotifyEnd(FSP_FILE_SYSTEM* FileSystem);
/** Report changes. Names with a leading backslash are absolute, others relative to the last absolute one. */
FSP_API NTSTATUS FspFileSystemNotify(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_NOTIFY_INFO* NotifyInfo,
                                     SIZE_T Size);
/** The request that the calling thread is working on; NULL outside of operations. */
FSP_API FSP_FILE_SYSTEM_OPERATION_CONTEXT* FspFileSystemGetOperationContext(VOID);
/** Stop the service of this process (if one runs) unless the dispatcher ended normally. */
FSP_API VOID FspFileSystemStopServiceIfNecessary(FSP_FILE_SYSTEM* FileSystem, BOOLEAN Normally);

/* The inline functions below, for languages that cannot use those. */
FSP_API PWSTR FspFileSystemMountPointF(FSP_FILE_SYSTEM* FileSystem);
FSP_API NTSTATUS FspFileSystemEnterOperationF(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                              FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemLeaveOperationF(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                              FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API VOID FspFileSystemSetOperationGuardF(FSP_FILE_SYSTEM* FileSystem,
                                             FSP_FILE_SYSTEM_OPERATION_GUARD* EnterOperation,
                                             FSP_FILE_SYSTEM_OPERATION_GUARD* LeaveOperation);
FSP_API VOID FspFileSystemSetOperationGuardStrategyF(FSP_FILE_SYSTEM* FileSystem,
                                                     FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY GuardStrategy);
FSP_API VOID FspFileSystemSetOperationF(FSP_FILE_SYSTEM* FileSystem, ULONG Index,
                                        FSP_FILE_SYSTEM_OPERATION* Operation);
FSP_API VOID FspFileSystemGetDispatcherResultF(FSP_FILE_SYSTEM* FileSystem, NTSTATUS* PDispatcherResult);
FSP_API VOID FspFileSystemSetDispatcherResultF(FSP_FILE_SYSTEM* FileSystem, NTSTATUS DispatcherResult);
FSP_API VOID FspFileSystemSetDebugLogF(FSP_FILE_SYSTEM* FileSystem, UINT32 DebugLog);
FSP_API BOOLEAN FspFileSystemIsOperationCaseSensitiveF(VOID);
FSP_API UINT32 FspFileSystemOperationProcessIdF(VOID);

/* ---- Operation handlers ----------------------------------------------------------------------------- */

/* The built-in guard and handlers, for handlers of one's own that extend them. */
FSP_API NTSTATUS FspFileSystemOpEnter(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                      FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpLeave(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                      FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpCreate(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                       FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpOverwrite(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                          FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpCleanup(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                        FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpClose(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                      FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpRead(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                     FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpWrite(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                      FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpQueryInformation(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                                 FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpSetInformation(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                               FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpQueryEa(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                        FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpSetEa(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                      FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpFlushBuffers(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                             FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpQueryVolumeInformation(FSP_FILE_SYSTEM* FileSystem,
                                                       FSP_FSCTL_TRANSACT_REQ* Request,
                                                       FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpSetVolumeInformation(FSP_FILE_SYSTEM* FileSystem,
                                                     FSP_FSCTL_TRANSACT_REQ* Request,
                                                     FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpQueryDirectory(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                               FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpFileSystemControl(FSP_FILE_SYSTEM* FileSystem,
                                                  FSP_FSCTL_TRANSACT_REQ* Request,
                                                  FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpDeviceControl(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                              FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpQuerySecurity(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                              FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpSetSecurity(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                            FSP_FSCTL_TRANSACT_RSP* Response);
FSP_API NTSTATUS FspFileSystemOpQueryStreamInformation(FSP_FILE_SYSTEM* FileSystem,
                                                       FSP_FSCTL_TRANSACT_REQ* Request,
                                                       FSP_FSCTL_TRANSACT_RSP* Response);

/* ---- Inside operations ------------------------------------------------------------------------------ */

/**
 * Append an entry to the answer of ReadDirectory.
 *
 * @param DirInfo NULL: end of directory
 * @param PBytesTransferred in/out: bytes used
 * @return FALSE, with nothing changed, if it does not fit
 */
FSP_API BOOLEAN FspFileSystemAddDirInfo(FSP_FSCTL_DIR_INFO* DirInfo, PVOID Buffer, ULONG Length,
                                        PULONG PBytesTransferred);
/** As FspFileSystemAddDirInfo, for GetStreamInfo. */
FSP_API BOOLEAN FspFileSystemAddStreamInfo(FSP_FSCTL_STREAM_INFO* StreamInfo, PVOID Buffer, ULONG Length,
                                           PULONG PBytesTransferred);
/** As FspFileSystemAddDirInfo, for FspFileSystemNotify; without a terminator. */
FSP_API BOOLEAN FspFileSystemAddNotifyInfo(FSP_FSCTL_NOTIFY_INFO* NotifyInfo, PVOID Buffer, ULONG Length,
                                           PULONG PBytesTransferred);
/** As FspFileSystemAddDirInfo, for GetEa; SingleEa NULL finishes the list. */
FSP_API BOOLEAN FspFileSystemAddEa(PFILE_FULL_EA_INFORMATION SingleEa, PFILE_FULL_EA_INFORMATION Ea,
                                   ULONG EaLength, PULONG PBytesTransferred);
/** Call a function for every entry of an EA list until one fails; returns its status. */
FSP_API NTSTATUS FspFileSystemEnumerateEa(FSP_FILE_SYSTEM* FileSystem,
                                          NTSTATUS (*EnumerateEa)(FSP_FILE_SYSTEM* FileSystem, PVOID Context,
                                                                  PFILE_FULL_EA_INFORMATION SingleEa),
                                          PVOID Context, PFILE_FULL_EA_INFORMATION Ea, ULONG EaLength);
/**
 * Find the first reparse point among the components of a name, the last excepted.
 *
 * @param GetReparsePointByName success, or STATUS_NOT_A_REPARSE_POINT; Buffer and PSize are NULL
 * @param FileName changed during the call
 * @param[out] PReparsePointIndex character index of the component; may be NULL
 */
FSP_API BOOLEAN FspFileSystemFindReparsePoint(FSP_FILE_SYSTEM* FileSystem,
                                              NTSTATUS (*GetReparsePointByName)(FSP_FILE_SYSTEM* FileSystem,
                                                                                PVOID Context, PWSTR FileName,
                                                                                BOOLEAN IsDirectory,
                                                                                PVOID Buffer, PSIZE_T PSize),
                                              PVOID Context, PWSTR FileName, PUINT32 PReparsePointIndex);
/**
 * Resolve the reparse points of a name.
 *
 * @param ReparsePointIndex where to begin
 * @param[out] PIoStatus Information: 0 or the reparse tag
 * @param[out] Buffer reparse data: a symbolic link to the resolved name, or the data of another reparse point
 * @return STATUS_REPARSE on success; STATUS_REPARSE_POINT_NOT_RESOLVED after too many links
 */
FSP_API NTSTATUS FspFileSystemResolveReparsePoints(
    FSP_FILE_SYSTEM* FileSystem,
    NTSTATUS (*GetReparsePointByName)(FSP_FILE_SYSTEM* FileSystem, PVOID Context, PWSTR FileName,
                                      BOOLEAN IsDirectory, PVOID Buffer, PSIZE_T PSize),
    PVOID Context, PWSTR FileName, UINT32 ReparsePointIndex, BOOLEAN ResolveLastPathComponent,
    PIO_STATUS_BLOCK PIoStatus, PVOID Buffer, PSIZE_T PSize);
/** Test whether existing reparse data may be replaced: same tag and, for third parties, same GUID. */
FSP_API NTSTATUS FspFileSystemCanReplaceReparsePoint(PVOID CurrentReparseData, SIZE_T CurrentReparseDataSize,
                                                     PVOID ReplaceReparseData, SIZE_T ReplaceReparseDataSize);

/* ---- Directory buffer ------------------------------------------------------------------------------- */

/**
 * Begin to fill a directory buffer: a sorted listing that is kept in a PVOID, initially NULL.
 *
 * @param Reset fill it again if it exists
 * @param CapacityHint expected size in bytes
 * @param[out] PResult why FALSE was returned; STATUS_SUCCESS: the buffer is full already. May be NULL
 * @return TRUE: the caller fills the buffer and calls FspFileSystemReleaseDirectoryBuffer
 */
FSP_API BOOLEAN FspFileSystemAcquireDirectoryBufferEx(PVOID* PDirBuffer, BOOLEAN Reset, ULONG CapacityHint,
                                                      PNTSTATUS PResult);
/** FspFileSystemAcquireDirectoryBufferEx without a hint. */
FSP_API BOOLEAN FspFileSystemAcquireDirectoryBuffer(PVOID* PDirBuffer, BOOLEAN Reset, PNTSTATUS PResult);
/** Add an entry; FALSE: not enough memory. */
FSP_API BOOLEAN FspFileSystemFillDirectoryBuffer(PVOID* PDirBuffer, FSP_FSCTL_DIR_INFO* DirInfo,
                                                 PNTSTATUS PResult);
/** Finish filling: sort and publish. */
FSP_API VOID FspFileSystemReleaseDirectoryBuffer(PVOID* PDirBuffer);
/** Answer ReadDirectory from the buffer. */
FSP_API VOID FspFileSystemReadDirectoryBuffer(PVOID* PDirBuffer, PWSTR Marker, PVOID Buffer, ULONG Length,
                                              PULONG PBytesTransferred);
/** Free the buffer. */
FSP_API VOID FspFileSystemDeleteDirectoryBuffer(PVOID* PDirBuffer);

/* ---- Security --------------------------------------------------------------------------------------- */

FSP_API PGENERIC_MAPPING FspGetFileGenericMapping(VOID);
/**
 * Check the access of a Create request.
 *
 * @param CheckParentOrMain check the parent directory, or the main file of a stream
 * @param AllowTraverseCheck check the directories on the way
 * @param[out] PGrantedAccess with STATUS_REPARSE: character index of the reparse point
 * @param[out] PSecurityDescriptor may be NULL; FspDeleteSecurityDescriptor(., FspAccessCheckEx)
 */
FSP_API NTSTATUS FspAccessCheckEx(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                  BOOLEAN CheckParentOrMain, BOOLEAN AllowTraverseCheck, UINT32 DesiredAccess,
                                  PUINT32 PGrantedAccess, PSECURITY_DESCRIPTOR* PSecurityDescriptor);
/** Make the descriptor of a new file from its parent's and the Create request's. */
FSP_API NTSTATUS FspCreateSecurityDescriptor(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                             PSECURITY_DESCRIPTOR ParentDescriptor,
                                             PSECURITY_DESCRIPTOR* PSecurityDescriptor);
/** Apply a modification to a copy of a descriptor. */
FSP_API NTSTATUS FspSetSecurityDescriptor(PSECURITY_DESCRIPTOR InputDescriptor,
                                          SECURITY_INFORMATION SecurityInformation,
                                          PSECURITY_DESCRIPTOR ModificationDescriptor,
                                          PSECURITY_DESCRIPTOR* PSecurityDescriptor);
/** Free a descriptor that CreateFunc has returned. */
FSP_API VOID FspDeleteSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, NTSTATUS (*CreateFunc)());

/* ---- POSIX interoperability ------------------------------------------------------------------------- */

/** Replace the table of overrides; at most 8 entries. */
FSP_API NTSTATUS FspPosixSetUidMap(UINT32 Uid[], PSID Sid[], ULONG Count);
/** @param[out] PSid FspDeleteSid(., FspPosixMapUidToSid) */
FSP_API NTSTATUS FspPosixMapUidToSid(UINT32 Uid, PSID* PSid);
FSP_API NTSTATUS FspPosixMapSidToUid(PSID Sid, PUINT32 PUid);
FSP_API VOID FspDeleteSid(PSID Sid, NTSTATUS (*CreateFunc)());
FSP_API NTSTATUS FspPosixMapPermissionsToSecurityDescriptor(UINT32 Uid, UINT32 Gid, UINT32 Mode,
                                                            PSECURITY_DESCRIPTOR* PSecurityDescriptor);
FSP_API NTSTATUS FspPosixMergePermissionsToSecurityDescriptor(UINT32 Uid, UINT32 Gid, UINT32 Mode,
                                                              PSECURITY_DESCRIPTOR ExistingSecurityDescriptor,
                                                              PSECURITY_DESCRIPTOR* PSecurityDescriptor);
FSP_API NTSTATUS FspPosixMapSecurityDescriptorToPermissions(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                                            PUINT32 PUid, PUINT32 PGid, PUINT32 PMode);
/** @param[out] PPosixPath UTF-8; FspPosixDeletePath  @param Translate swap slashes, restore reserved
 * characters */
FSP_API NTSTATUS FspPosixMapWindowsToPosixPathEx(PWSTR WindowsPath, char** PPosixPath, BOOLEAN Translate);
/** @param[out] PWindowsPath FspPosixDeletePath */
FSP_API NTSTATUS FspPosixMapPosixToWindowsPathEx(const char* PosixPath, PWSTR* PWindowsPath,
                                                 BOOLEAN Translate);
FSP_API VOID FspPosixDeletePath(void* Path);
/** In place: backslashes to slashes, U+F0xx to xx. Size in characters. */
FSP_API VOID FspPosixEncodeWindowsPath(PWSTR WindowsPath, ULONG Size);
/** In place: slashes to backslashes, reserved characters to U+F0xx. Size in characters. */
FSP_API VOID FspPosixDecodeWindowsPath(PWSTR WindowsPath, ULONG Size);

/* ---- Paths ------------------------------------------------------------------------------------------ */

/** Split at the first run of backslashes, in place. */
FSP_API VOID FspPathPrefix(PWSTR Path, PWSTR* PPrefix, PWSTR* PRemain, PWSTR Root);
/** Split at the last run of backslashes, in place. */
FSP_API VOID FspPathSuffix(PWSTR Path, PWSTR* PRemain, PWSTR* PSuffix, PWSTR Root);
/** Undo a split. */
FSP_API VOID FspPathCombine(PWSTR Prefix, PWSTR Suffix);

/* ---- Driver control and mounting -------------------------------------------------------------------- */

/** What FspMountSet mounts, and what FspMountRemove needs to undo it. */
typedef struct
{
    HANDLE VolumeHandle;
    PWSTR VolumeName;
    PSECURITY_DESCRIPTOR Security; /* of directory mount points; may be NULL */
    UINT64 Reserved;
    PWSTR MountPoint; /* a drive letter is written over the star of "*:" */
    HANDLE MountHandle;
} FSP_MOUNT_DESC;

/** @param VolumeNameSize bytes, at least FSP_FSCTL_VOLUME_NAME_SIZEMAX */
FSP_API NTSTATUS FspFsctlCreateVolume(PWSTR DevicePath, const FSP_FSCTL_VOLUME_PARAMS* VolumeParams,
                                      PWCHAR VolumeNameBuf, SIZE_T VolumeNameSize, PHANDLE PVolumeHandle);
FSP_API NTSTATUS FspFsctlMakeMountdev(HANDLE VolumeHandle, BOOLEAN Persistent, GUID* UniqueId);
FSP_API NTSTATUS FspFsctlUseMountmgr(HANDLE VolumeHandle, PWSTR MountPoint);
/** Send responses and wait for requests. */
FSP_API NTSTATUS FspFsctlTransact(HANDLE VolumeHandle, PVOID ResponseBuf, SIZE_T ResponseBufSize,
                                  PVOID RequestBuf, SIZE_T* PRequestBufSize, BOOLEAN Batch);
/** Stop the volume and cancel its requests. */
FSP_API NTSTATUS FspFsctlStop(HANDLE VolumeHandle);
/** Stop the volume but let the requests be answered that user mode holds. */
FSP_API NTSTATUS FspFsctlStop0(HANDLE VolumeHandle);
FSP_API NTSTATUS FspFsctlNotify(HANDLE VolumeHandle, FSP_FSCTL_NOTIFY_INFO* NotifyInfo, SIZE_T Size);
FSP_API NTSTATUS FspFsctlGetVolumeList(PWSTR DevicePath, PWCHAR VolumeListBuf, PSIZE_T PVolumeListSize);
FSP_API NTSTATUS FspFsctlPreflight(PWSTR DevicePath);
FSP_API NTSTATUS FspFsctlServiceVersion(PUINT32 PVersion);
FSP_API NTSTATUS FspFsctlStartService(VOID);
FSP_API NTSTATUS FspFsctlStopService(VOID);
FSP_API NTSTATUS FspFsctlEnumServices(VOID (*EnumFn)(PVOID Context, PWSTR ServiceName, BOOLEAN Running),
                                      PVOID Context);
FSP_API NTSTATUS FspMountSet(FSP_MOUNT_DESC* Desc);
FSP_API NTSTATUS FspMountRemove(FSP_MOUNT_DESC* Desc);

/* ---- Service framework ------------------------------------------------------------------------------ */

typedef struct _FSP_SERVICE FSP_SERVICE;
typedef NTSTATUS FSP_SERVICE_START(FSP_SERVICE* Service, ULONG Argc, PWSTR* Argv);
typedef NTSTATUS FSP_SERVICE_STOP(FSP_SERVICE* Service);
typedef NTSTATUS FSP_SERVICE_CONTROL(FSP_SERVICE* Service, ULONG Control, ULONG EventType, PVOID EventData);

/** A service, or the same program at a console. UserContext belongs to the program. */
struct _FSP_SERVICE
{
    UINT16 Version;
    PVOID UserContext;
    FSP_SERVICE_START* OnStart;
    FSP_SERVICE_STOP* OnStop;
    FSP_SERVICE_CONTROL* OnControl;
    ULONG AcceptControl;
    ULONG ExitCode;
    SERVICE_STATUS_HANDLE StatusHandle;
    SERVICE_STATUS ServiceStatus;
    CRITICAL_SECTION ServiceStatusGuard;
    CRITICAL_SECTION ServiceStopGuard;
    BOOLEAN AllowConsoleMode;
    WCHAR ServiceName[];
};

/** Run a service to its end; returns the exit code for the process (a Win32 error code). */
FSP_API ULONG FspServiceRunEx(PWSTR ServiceName, FSP_SERVICE_START* OnStart, FSP_SERVICE_STOP* OnStop,
                              FSP_SERVICE_CONTROL* OnControl, PVOID UserContext);
FSP_API NTSTATUS FspServiceCreate(PWSTR ServiceName, FSP_SERVICE_START* OnStart, FSP_SERVICE_STOP* OnStop,
                                  FSP_SERVICE_CONTROL* OnControl, FSP_SERVICE** PService);
FSP_API VOID FspServiceDelete(FSP_SERVICE* Service);
FSP_API VOID FspServiceAllowConsoleMode(FSP_SERVICE* Service);
FSP_API VOID FspServiceAcceptControl(FSP_SERVICE* Service, ULONG Control);
/** Ask for Time more milliseconds while starting or stopping. */
FSP_API VOID FspServiceRequestTime(FSP_SERVICE* Service, ULONG Time);
FSP_API VOID FspServiceSetExitCode(FSP_SERVICE* Service, ULONG ExitCode);
FSP_API ULONG FspServiceGetExitCode(FSP_SERVICE* Service);
FSP_API NTSTATUS FspServiceLoop(FSP_SERVICE* Service);
FSP_API VOID FspServiceStop(FSP_SERVICE* Service);
FSP_API BOOLEAN FspServiceIsInteractive(VOID);
FSP_API NTSTATUS FspServiceContextCheck(HANDLE Token, PBOOLEAN PIsLocalSystem);
/** Log a message: to standard error if interactive, else to the event log. Type: EVENTLOG_xxx. */
FSP_API VOID FspServiceLog(ULONG Type, PWSTR Format, ...);
FSP_API VOID FspServiceLogV(ULONG Type, PWSTR Format, va_list ap);

/* ---- Logging, translation, version ------------------------------------------------------------------ */

FSP_API NTSTATUS FspNtStatusFromWin32(DWORD Error);
FSP_API DWORD FspWin32FromNtStatus(NTSTATUS Status);
FSP_API VOID FspEventLog(ULONG Type, PWSTR Format, ...);
FSP_API VOID FspEventLogV(ULONG Type, PWSTR Format, va_list ap);
/** Where debug output goes; INVALID_HANDLE_VALUE: to the debugger. */
FSP_API VOID FspDebugLogSetHandle(HANDLE Handle);
FSP_API VOID FspDebugLog(const char* Format, ...);
FSP_API VOID FspDebugLogSD(const char* Format, PSECURITY_DESCRIPTOR SecurityDescriptor);
FSP_API VOID FspDebugLogSid(const char* Format, PSID Sid);
FSP_API VOID FspDebugLogFT(const char* Format, PFILETIME FileTime);
FSP_API VOID FspDebugLogRequest(FSP_FSCTL_TRANSACT_REQ* Request);
FSP_API VOID FspDebugLogResponse(FSP_FSCTL_TRANSACT_RSP* Response);
/** One exchange with a named pipe that must be owned by Sid (may be NULL, or a small WELL_KNOWN_SID_TYPE). */
FSP_API NTSTATUS FspCallNamedPipeSecurely(PWSTR PipeName, PVOID InBuffer, ULONG InBufferSize, PVOID OutBuffer,
                                          ULONG OutBufferSize, PULONG PBytesTransferred, ULONG Timeout,
                                          PSID Sid);
FSP_API NTSTATUS FspCallNamedPipeSecurelyEx(PWSTR PipeName, PVOID InBuffer, ULONG InBufferSize,
                                            PVOID OutBuffer, ULONG OutBufferSize, PULONG PBytesTransferred,
                                            ULONG Timeout, BOOLEAN AllowImpersonation, PSID Sid);
/** @param[out] PVersion major << 16 | minor */
FSP_API NTSTATUS FspVersion(PUINT32 PVersion);
/** Name of a side-by-side installation; empty if this is none. */
FSP_API PWSTR FspSxsIdent(VOID);

/* ---- Inline functions ------------------------------------------------------------------------------- */

/** Atomic load (acquire) and store (sequentially consistent). */
static inline INT32 FspInterlockedLoad32(INT32 volatile* Source)
{
#if defined(_MSC_VER) && !defined(__clang__)
    INT32 Value = *Source;
#if defined(_M_ARM64)
    MemoryBarrier();
#else
    _ReadWriteBarrier();
#endif
    return Value;
#else
    return __atomic_load_n(Source, __ATOMIC_ACQUIRE);
#endif
}

static inline PVOID FspInterlockedLoadPointer(PVOID volatile* Source)
{
#if defined(_MSC_VER) && !defined(__clang__)
    PVOID Value = *Source;
#if defined(_M_ARM64)
    MemoryBarrier();
#else
    _ReadWriteBarrier();
#endif
    return Value;
#else
    return __atomic_load_n(Source, __ATOMIC_ACQUIRE);
#endif
}

static inline VOID FspInterlockedStore32(INT32 volatile* Target, INT32 Value)
{
#if defined(_MSC_VER) && !defined(__clang__)
    InterlockedExchange((LONG volatile*)Target, Value);
#else
    __atomic_store_n(Target, Value, __ATOMIC_SEQ_CST);
#endif
}

static inline VOID FspInterlockedStorePointer(PVOID volatile* Target, PVOID Value)
{
#if defined(_MSC_VER) && !defined(__clang__)
    InterlockedExchangePointer(Target, Value);
#else
    __atomic_store_n(Target, Value, __ATOMIC_SEQ_CST);
#endif
}

/** The mount point; NULL if not mounted. */
static inline PWSTR FspFileSystemMountPoint(FSP_FILE_SYSTEM* FileSystem) { return FileSystem->MountPoint; }

static inline NTSTATUS FspFileSystemEnterOperation(FSP_FILE_SYSTEM* FileSystem,
                                                   FSP_FSCTL_TRANSACT_REQ* Request,
                                                   FSP_FSCTL_TRANSACT_RSP* Response)
{
    return 0 != FileSystem->EnterOperation ? FileSystem->EnterOperation(FileSystem, Request, Response)
                                           : STATUS_SUCCESS;
}

static inline NTSTATUS FspFileSystemLeaveOperation(FSP_FILE_SYSTEM* FileSystem,
                                                   FSP_FSCTL_TRANSACT_REQ* Request,
                                                   FSP_FSCTL_TRANSACT_RSP* Response)
{
    return 0 != FileSystem->LeaveOperation ? FileSystem->LeaveOperation(FileSystem, Request, Response)
                                           : STATUS_SUCCESS;
}

/** Replace the guard; either function may be NULL. */
static inline VOID FspFileSystemSetOperationGuard(FSP_FILE_SYSTEM* FileSystem,
                                                  FSP_FILE_SYSTEM_OPERATION_GUARD* EnterOperation,
                                                  FSP_FILE_SYSTEM_OPERATION_GUARD* LeaveOperation)
{
    FileSystem->EnterOperation = EnterOperation;
    FileSystem->LeaveOperation = LeaveOperation;
}

/** Choose a strategy. Not while requests are processed. */
static inline VOID
FspFileSystemSetOperationGuardStrategy(FSP_FILE_SYSTEM* FileSystem,
                                       FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY GuardStrategy)
{
    FileSystem->OpGuardStrategy = GuardStrategy;
}

/** Replace the handler of a kind of request. */
static inline VOID FspFileSystemSetOperation(FSP_FILE_SYSTEM* FileSystem, ULONG Index,
                                             FSP_FILE_SYSTEM_OPERATION* Operation)
{
    FileSystem->Operations[Index] = Operation;
}

/** The status that ended the dispatcher. */
static inline VOID FspFileSystemGetDispatcherResult(FSP_FILE_SYSTEM* FileSystem, NTSTATUS* PDispatcherResult)
{
    *PDispatcherResult = FspInterlockedLoad32((INT32 volatile*)&FileSystem->DispatcherResult);
}

/** Remember the first failure. */
static inline VOID FspFileSystemSetDispatcherResult(FSP_FILE_SYSTEM* FileSystem, NTSTATUS DispatcherResult)
{
    if (DispatcherResult >= 0)
        return;
#if defined(_MSC_VER) && !defined(__clang__)
    InterlockedCompareExchange((LONG volatile*)&FileSystem->DispatcherResult, DispatcherResult, 0);
#else
    {
        NTSTATUS None = 0;
        (void)__atomic_compare_exchange_n(&FileSystem->DispatcherResult, &None, DispatcherResult, 0,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
#endif
}

/** Log requests and responses: bit k is for kind k; 0: none; all ones: all. */
static inline VOID FspFileSystemSetDebugLog(FSP_FILE_SYSTEM* FileSystem, UINT32 DebugLog)
{
    FileSystem->DebugLog = DebugLog;
}

/** Whether the current Create or QueryDirectory is case-sensitive; FALSE elsewhere. */
static inline BOOLEAN FspFileSystemIsOperationCaseSensitive(VOID)
{
    FSP_FILE_SYSTEM_OPERATION_CONTEXT* Context = FspFileSystemGetOperationContext();
    if (0 == Context)
        return FALSE;
    switch (Context->Request->Kind) {
    case FspFsctlTransactCreateKind:
        return (BOOLEAN)Context->Request->Req.Create.CaseSensitive;
    case FspFsctlTransactQueryDirectoryKind:
        return (BOOLEAN)Context->Request->Req.QueryDirectory.CaseSensitive;
    default:
        return FALSE;
    }
}

/** Process id of the requestor of the current Create or Rename; 0 elsewhere. */
static inline UINT32 FspFileSystemOperationProcessId(VOID)
{
    FSP_FILE_SYSTEM_OPERATION_CONTEXT* Context = FspFileSystemGetOperationContext();
    if (0 == Context)
        return 0;
    switch (Context->Request->Kind) {
    case FspFsctlTransactCreateKind:
        return FSP_FSCTL_TRANSACT_REQ_TOKEN_PID(Context->Request->Req.Create.AccessToken);
    case FspFsctlTransactSetInformationKind:
        /* FileRenameInformation and FileRenameInformationEx */
        if (10 == Context->Request->Req.SetInformation.FileInformationClass ||
            65 == Context->Request->Req.SetInformation.FileInformationClass)
            return FSP_FSCTL_TRANSACT_REQ_TOKEN_PID(
                Context->Request->Req.SetInformation.Info.Rename.AccessToken);
        return 0;
    default:
        return 0;
    }
}

/** The structure around the FileInfo that Create, CreateEx and Open receive. */
static inline FSP_FSCTL_OPEN_FILE_INFO* FspFileSystemGetOpenFileInfo(FSP_FSCTL_FILE_INFO* FileInfo)
{
    return (FSP_FSCTL_OPEN_FILE_INFO*)(PVOID)FileInfo;
}

/** What an extended attribute adds to EaSize. */
static inline UINT32 FspFileSystemGetEaPackedSize(PFILE_FULL_EA_INFORMATION SingleEa)
{
    return 5 + (UINT32)SingleEa->EaNameLength + (UINT32)SingleEa->EaValueLength;
}

static inline NTSTATUS FspAccessCheck(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                      BOOLEAN CheckParentOrMain, BOOLEAN AllowTraverseCheck,
                                      UINT32 DesiredAccess, PUINT32 PGrantedAccess)
{
    return FspAccessCheckEx(FileSystem, Request, CheckParentOrMain, AllowTraverseCheck, DesiredAccess,
                            PGrantedAccess, 0);
}

static inline NTSTATUS FspPosixMapWindowsToPosixPath(PWSTR WindowsPath, char** PPosixPath)
{
    return FspPosixMapWindowsToPosixPathEx(WindowsPath, PPosixPath, TRUE);
}

static inline NTSTATUS FspPosixMapPosixToWindowsPath(const char* PosixPath, PWSTR* PWindowsPath)
{
    return FspPosixMapPosixToWindowsPathEx(PosixPath, PWindowsPath, TRUE);
}

/** Seconds and nanoseconds since 1970-01-01 UTC; both are negative (or 0) before. */
static inline VOID FspPosixFileTimeToUnixTime(UINT64 FileTime0, __int3264 UnixTime[2])
{
    INT64 FileTime = (INT64)FileTime0 - 116444736000000000LL;
    UnixTime[0] = (__int3264)(FileTime / 10000000);
    UnixTime[1] = (__int3264)(FileTime % 10000000 * 100);
}

static inline VOID FspPosixUnixTimeToFileTime(const __int3264 UnixTime[2], PUINT64 PFileTime)
{
    *PFileTime = (UINT64)((INT64)UnixTime[0] * 10000000 + (INT64)UnixTime[1] / 100 + 116444736000000000LL);
}

/** FspServiceRunEx without a context. */
static inline ULONG FspServiceRun(PWSTR ServiceName, FSP_SERVICE_START* OnStart, FSP_SERVICE_STOP* OnStop,
                                  FSP_SERVICE_CONTROL* OnControl)
{
    return FspServiceRunEx(ServiceName, OnStart, OnStop, OnControl, 0);
}

/**
 * Load the library; a program that is linked to it with delayed loading calls this first.
 *
 * @param[out] PModule the module handle; NULL on failure; may be NULL
 * @return STATUS_OBJECT_NAME_NOT_FOUND if the product is not installed; STATUS_DLL_NOT_FOUND if it is but the
 *         library cannot be loaded
 */
static inline NTSTATUS FspLoad(PVOID* PModule)
{
#if defined(_WIN32)
    /* Begin of path, name, NUL: the whole fits the longest InstallDir that the installer accepts. */
    WCHAR Path[MAX_PATH];
    static const WCHAR Name[] = L"winfsp-"
                                L"" FSP_FSCTL_PRODUCT_FILE_ARCH L".dll";
    static const WCHAR Bin[] = L"bin\\";
    DWORD Size, Type, Used;
    LONG Error;
    HKEY Key;
    HMODULE Module;

    if (0 != PModule)
        *PModule = 0;

    Module = LoadLibraryW(Name);
    if (0 == Module) {
        Error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"" FSP_FSCTL_PRODUCT_FULL_REGKEY, 0, KEY_READ, &Key);
        if (ERROR_SUCCESS != Error)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        Size = sizeof Path - sizeof Bin - sizeof Name;
        Error = RegQueryValueExW(Key, L"InstallDir", 0, &Type, (LPBYTE)Path, &Size);
        RegCloseKey(Key);
        if (ERROR_SUCCESS != Error || REG_SZ != Type)
            return STATUS_OBJECT_NAME_NOT_FOUND;

        Used = Size / sizeof(WCHAR);
        while (0 < Used && L'\0' == Path[Used - 1])
            Used--;
        RtlCopyMemory(Path + Used, Bin, sizeof Bin);
        Used += sizeof Bin / sizeof(WCHAR) - 1;
        RtlCopyMemory(Path + Used, Name, sizeof Name);
        Module = LoadLibraryW(Path);
        if (0 == Module)
            return STATUS_DLL_NOT_FOUND;
    }
    if (0 != PModule)
        *PModule = Module;
    return STATUS_SUCCESS;
#else
    /* The program itself when it is linked to the library. */
    PVOID Module = 0 != dlsym(0, "FspFileSystemCreate") ? dlopen(0, RTLD_NOW)
                                                        : dlopen("libwinfsp.so.2", RTLD_NOW | RTLD_GLOBAL);
    if (0 != PModule)
        *PModule = Module;
    return 0 != Module ? STATUS_SUCCESS : STATUS_DLL_NOT_FOUND;
#endif
}

#ifdef __cplusplus
}
#endif

#endif
