// SPDX-License-Identifier: MIT
// File system run-time library (FsRtl): FCB headers, byte range locks, oplocks, notification, ECPs, filter
// callbacks.
#pragma once

#include "wdk/cc.h"

extern "C" {

// ---- FCB header
// -----------------------------------------------------------------------------------------------------

typedef PVOID OPLOCK, *POPLOCK;

typedef struct _FSRTL_COMMON_FCB_HEADER
{
    CSHORT NodeTypeCode;
    CSHORT NodeByteSize;
    UCHAR Flags;
    UCHAR IsFastIoPossible;
    UCHAR Flags2;
    UCHAR Reserved : 4;
    UCHAR Version : 4;
    PERESOURCE Resource;
    PERESOURCE PagingIoResource;
    LARGE_INTEGER AllocationSize;
    LARGE_INTEGER FileSize;
    LARGE_INTEGER ValidDataLength;
} FSRTL_COMMON_FCB_HEADER, *PFSRTL_COMMON_FCB_HEADER;

typedef struct _FSRTL_ADVANCED_FCB_HEADER : FSRTL_COMMON_FCB_HEADER
{
    PFAST_MUTEX FastMutex;
    LIST_ENTRY FilterContexts;
    EX_PUSH_LOCK PushLock;
    PVOID* FileContextSupportPointer;
    union
    {
        OPLOCK Oplock;
        PVOID ReservedForRemote;
    };
    PVOID ReservedContext;
} FSRTL_ADVANCED_FCB_HEADER, *PFSRTL_ADVANCED_FCB_HEADER;

#define FSRTL_FCB_HEADER_V0 0x00
#define FSRTL_FCB_HEADER_V1 0x01
#define FSRTL_FCB_HEADER_V2 0x02
#define FSRTL_FCB_HEADER_V3 0x03

#define FSRTL_FLAG_FILE_MODIFIED 0x01
#define FSRTL_FLAG_FILE_LENGTH_CHANGED 0x02
#define FSRTL_FLAG_LIMIT_MODIFIED_PAGES 0x04
#define FSRTL_FLAG_ACQUIRE_MAIN_RSRC_EX 0x08
#define FSRTL_FLAG_ACQUIRE_MAIN_RSRC_SH 0x10
#define FSRTL_FLAG_USER_MAPPED_FILE 0x20
#define FSRTL_FLAG_ADVANCED_HEADER 0x40
#define FSRTL_FLAG_EOF_ADVANCE_ACTIVE 0x80
#define FSRTL_FLAG2_DO_MODIFIED_WRITE 0x01
#define FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS 0x02
#define FSRTL_FLAG2_PURGE_WHEN_MAPPED 0x04
#define FSRTL_FLAG2_IS_PAGING_FILE 0x08
#define FSRTL_FLAG2_BYPASSIO_STREAM_PAUSED 0x20

typedef enum _FAST_IO_POSSIBLE
{
    FastIoIsNotPossible = 0,
    FastIoIsPossible,
    FastIoIsQuestionable
} FAST_IO_POSSIBLE;

VOID NTAPI FsRtlSetupAdvancedHeaderEx_(PFSRTL_ADVANCED_FCB_HEADER Header, PFAST_MUTEX FastMutex,
                                       PVOID* FileContextSupportPointer);
#define FsRtlSetupAdvancedHeader(Header, FastMutex)                                                          \
    FsRtlSetupAdvancedHeaderEx_((PFSRTL_ADVANCED_FCB_HEADER)(Header), (FastMutex), nullptr)
#define FsRtlSetupAdvancedHeaderEx(Header, FastMutex, FileContextSupportPointer)                             \
    FsRtlSetupAdvancedHeaderEx_((PFSRTL_ADVANCED_FCB_HEADER)(Header), (FastMutex),                           \
                                (FileContextSupportPointer))

#define FsRtlEnterFileSystem KeEnterCriticalRegion
#define FsRtlExitFileSystem KeLeaveCriticalRegion

typedef struct _FSRTL_PER_STREAM_CONTEXT
{
    LIST_ENTRY Links;
    PVOID OwnerId;
    PVOID InstanceId;
    PFREE_FUNCTION FreeCallback;
} FSRTL_PER_STREAM_CONTEXT, *PFSRTL_PER_STREAM_CONTEXT;

NTSTATUS NTAPI FsRtlInsertPerStreamContext(PFSRTL_ADVANCED_FCB_HEADER PerStreamContext,
                                           PFSRTL_PER_STREAM_CONTEXT Ptr);
PFSRTL_PER_STREAM_CONTEXT NTAPI FsRtlLookupPerStreamContextInternal(PFSRTL_ADVANCED_FCB_HEADER StreamContext,
                                                                    PVOID OwnerId, PVOID InstanceId);
PFSRTL_PER_STREAM_CONTEXT NTAPI FsRtlRemovePerStreamContext(PFSRTL_ADVANCED_FCB_HEADER StreamContext,
                                                            PVOID OwnerId, PVOID InstanceId);
VOID NTAPI FsRtlTeardownPerStreamContexts(PFSRTL_ADVANCED_FCB_HEADER AdvancedHeader);
VOID NTAPI FsRtlTeardownPerFileContexts(PVOID* PerFileContextPointer);

// ---- Byte range locks
// -----------------------------------------------------------------------------------------------

typedef NTSTATUS(NTAPI* PCOMPLETE_LOCK_IRP_ROUTINE)(PVOID Context, PIRP Irp);

typedef struct _FILE_LOCK_INFO
{
    LARGE_INTEGER StartingByte;
    LARGE_INTEGER Length;
    BOOLEAN ExclusiveLock;
    ULONG Key;
    PFILE_OBJECT FileObject;
    PVOID ProcessId;
    LARGE_INTEGER EndingByte;
} FILE_LOCK_INFO, *PFILE_LOCK_INFO;

typedef VOID(NTAPI* PUNLOCK_ROUTINE)(PVOID Context, PFILE_LOCK_INFO FileLockInfo);

typedef struct _FILE_LOCK
{
    PCOMPLETE_LOCK_IRP_ROUTINE CompleteLockIrpRoutine;
    PUNLOCK_ROUTINE UnlockRoutine;
    BOOLEAN FastIoIsQuestionable;
    BOOLEAN SpareC[3];
    PVOID LockInformation;
    FILE_LOCK_INFO LastReturnedLockInfo;
    PVOID LastReturnedLock;
    volatile LONG LockRequestsInProgress;
} FILE_LOCK, *PFILE_LOCK;

PFILE_LOCK NTAPI FsRtlAllocateFileLock(PCOMPLETE_LOCK_IRP_ROUTINE CompleteLockIrpRoutine,
                                       PUNLOCK_ROUTINE UnlockRoutine);
VOID NTAPI FsRtlFreeFileLock(PFILE_LOCK FileLock);
VOID NTAPI FsRtlInitializeFileLock(PFILE_LOCK FileLock, PCOMPLETE_LOCK_IRP_ROUTINE CompleteLockIrpRoutine,
                                   PUNLOCK_ROUTINE UnlockRoutine);
VOID NTAPI FsRtlUninitializeFileLock(PFILE_LOCK FileLock);
NTSTATUS NTAPI FsRtlProcessFileLock(PFILE_LOCK FileLock, PIRP Irp, PVOID Context);
BOOLEAN NTAPI FsRtlCheckLockForReadAccess(PFILE_LOCK FileLock, PIRP Irp);
BOOLEAN NTAPI FsRtlCheckLockForWriteAccess(PFILE_LOCK FileLock, PIRP Irp);
BOOLEAN NTAPI FsRtlCheckLockForOplockRequest(PFILE_LOCK FileLock, PLARGE_INTEGER AllocationSize);
BOOLEAN NTAPI FsRtlFastCheckLockForRead(PFILE_LOCK FileLock, PLARGE_INTEGER StartingByte,
                                        PLARGE_INTEGER Length, ULONG Key, PFILE_OBJECT FileObject,
                                        PVOID ProcessId);
BOOLEAN NTAPI FsRtlFastCheckLockForWrite(PFILE_LOCK FileLock, PLARGE_INTEGER StartingByte,
                                         PLARGE_INTEGER Length, ULONG Key, PVOID FileObject, PVOID ProcessId);
PFILE_LOCK_INFO NTAPI FsRtlGetNextFileLock(PFILE_LOCK FileLock, BOOLEAN Restart);
NTSTATUS NTAPI FsRtlFastUnlockSingle(PFILE_LOCK FileLock, PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset,
                                     PLARGE_INTEGER Length, PEPROCESS Process, ULONG Key, PVOID Context,
                                     BOOLEAN AlreadySynchronized);
NTSTATUS NTAPI FsRtlFastUnlockAll(PFILE_LOCK FileLock, PFILE_OBJECT FileObject, PEPROCESS Process,
                                  PVOID Context);
NTSTATUS NTAPI FsRtlFastUnlockAllByKey(PFILE_LOCK FileLock, PFILE_OBJECT FileObject, PEPROCESS Process,
                                       ULONG Key, PVOID Context);
BOOLEAN NTAPI FsRtlPrivateLock(PFILE_LOCK FileLock, PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset,
                               PLARGE_INTEGER Length, PEPROCESS Process, ULONG Key, BOOLEAN FailImmediately,
                               BOOLEAN ExclusiveLock, PIO_STATUS_BLOCK Iosb, PIRP Irp, PVOID Context,
                               BOOLEAN AlreadySynchronized);
#define FsRtlFastLock(A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11)                                          \
    FsRtlPrivateLock(A1, A2, A3, A4, A5, A6, A7, A8, A9, nullptr, A10, A11)
BOOLEAN NTAPI FsRtlAreThereCurrentOrInProgressFileLocks(PFILE_LOCK FileLock);
#define FsRtlAreThereCurrentFileLocks(FileLock) ((FileLock)->FastIoIsQuestionable)
#define FsRtlAreThereWaitingFileLocks(FileLock) ((FileLock)->LockRequestsInProgress != 0)
#define FsRtlIncrementLockRequestsInProgress(FileLock)                                                       \
    InterlockedIncrement(&(FileLock)->LockRequestsInProgress)
#define FsRtlDecrementLockRequestsInProgress(FileLock)                                                       \
    InterlockedDecrement(&(FileLock)->LockRequestsInProgress)

// ---- Oplocks
// --------------------------------------------------------------------------------------------------------

typedef VOID(NTAPI* POPLOCK_WAIT_COMPLETE_ROUTINE)(PVOID Context, PIRP Irp);
typedef VOID(NTAPI* POPLOCK_FS_PREPOST_IRP)(PVOID Context, PIRP Irp);
typedef VOID(NTAPI* POPLOCK_NOTIFY_ROUTINE)(struct _OPLOCK_NOTIFY_PARAMS* NotifyParams);

typedef enum _OPLOCK_NOTIFY_REASON
{
    OPLOCK_NOTIFY_BREAK_WAIT_INTERIM_TIMEOUT,
    OPLOCK_NOTIFY_BREAK_WAIT_TERMINATED
} OPLOCK_NOTIFY_REASON;

typedef struct _OPLOCK_NOTIFY_PARAMS
{
    OPLOCK_NOTIFY_REASON NotifyReason;
    PVOID NotifyContext;
    PIRP Irp;
    NTSTATUS Status;
} OPLOCK_NOTIFY_PARAMS, *POPLOCK_NOTIFY_PARAMS;

#define OPLOCK_FLAG_COMPLETE_IF_OPLOCKED 0x00000001
#define OPLOCK_FLAG_OPLOCK_KEY_CHECK_ONLY 0x00000002
#define OPLOCK_FLAG_BACK_OUT_ATOMIC_OPLOCK 0x00000004
#define OPLOCK_FLAG_IGNORE_OPLOCK_KEYS 0x00000008
#define OPLOCK_FLAG_PARENT_OBJECT 0x00000010
#define OPLOCK_FLAG_CLOSING_DELETE_ON_CLOSE 0x00000020
#define OPLOCK_FLAG_REMOVING_FILE_OR_LINK 0x00000040
#define OPLOCK_FLAG_BREAKING_FOR_SHARING_VIOLATION 0x00000080
#define OPLOCK_FSCTRL_FLAG_ALL_KEYS_MATCH 0x00000001
#define OPLOCK_UPPER_FLAG_CHECK_NO_BREAK 0x00010000
#define OPLOCK_UPPER_FLAG_NOTIFY_REFRESH_READ 0x00020000

VOID NTAPI FsRtlInitializeOplock(POPLOCK Oplock);
VOID NTAPI FsRtlUninitializeOplock(POPLOCK Oplock);
NTSTATUS NTAPI FsRtlOplockFsctrl(POPLOCK Oplock, PIRP Irp, ULONG OpenCount);
NTSTATUS NTAPI FsRtlOplockFsctrlEx(POPLOCK Oplock, PIRP Irp, ULONG OpenCount, ULONG Flags);
NTSTATUS NTAPI FsRtlCheckOplock(POPLOCK Oplock, PIRP Irp, PVOID Context,
                                POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                POPLOCK_FS_PREPOST_IRP PostIrpRoutine);
NTSTATUS NTAPI FsRtlCheckOplockEx(POPLOCK Oplock, PIRP Irp, ULONG Flags, PVOID Context,
                                  POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                  POPLOCK_FS_PREPOST_IRP PostIrpRoutine);
NTSTATUS NTAPI FsRtlCheckOplockEx2(POPLOCK Oplock, PIRP Irp, ULONG Flags, ULONG FlagsEx2,
                                   PVOID CompletionRoutineContext,
                                   POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                   POPLOCK_FS_PREPOST_IRP PostIrpRoutine, ULONG64 Timeout,
                                   PVOID NotifyContext, POPLOCK_NOTIFY_ROUTINE NotifyRoutine);
NTSTATUS NTAPI FsRtlOplockBreakH(POPLOCK Oplock, PIRP Irp, ULONG Flags, PVOID Context,
                                 POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                 POPLOCK_FS_PREPOST_IRP PostIrpRoutine);
NTSTATUS NTAPI FsRtlOplockBreakToNone(POPLOCK Oplock, PIO_STACK_LOCATION IrpSp, PIRP Irp, PVOID Context,
                                      POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                      POPLOCK_FS_PREPOST_IRP PostIrpRoutine);
NTSTATUS NTAPI FsRtlOplockBreakToNoneEx(POPLOCK Oplock, PIRP Irp, ULONG Flags, PVOID Context,
                                        POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                        POPLOCK_FS_PREPOST_IRP PostIrpRoutine);
BOOLEAN NTAPI FsRtlOplockIsFastIoPossible(POPLOCK Oplock);
BOOLEAN NTAPI FsRtlCurrentBatchOplock(POPLOCK Oplock);
BOOLEAN NTAPI FsRtlCurrentOplock(POPLOCK Oplock);
BOOLEAN NTAPI FsRtlCurrentOplockH(POPLOCK Oplock);
BOOLEAN NTAPI FsRtlOplockIsSharedRequest(PIRP Irp);
BOOLEAN NTAPI FsRtlOplockKeysEqual(PFILE_OBJECT Fo1, PFILE_OBJECT Fo2);
NTSTATUS NTAPI FsRtlUpperOplockFsctrl(POPLOCK Oplock, PIRP Irp, ULONG OpenCount, ULONG LowerOplockState,
                                      ULONG Flags);

// ---- Extra create parameters
// ----------------------------------------------------------------------------------------

typedef ULONG FSRTL_ALLOCATE_ECPLIST_FLAGS;
typedef ULONG FSRTL_ALLOCATE_ECP_FLAGS;
typedef ULONG FSRTL_ECP_LOOKASIDE_FLAGS;
#define FSRTL_ALLOCATE_ECP_FLAG_CHARGE_QUOTA 0x00000001
#define FSRTL_ALLOCATE_ECP_FLAG_NONPAGED_POOL 0x00000002
typedef VOID(NTAPI* PFSRTL_EXTRA_CREATE_PARAMETER_CLEANUP_CALLBACK)(PVOID EcpContext, LPCGUID EcpType);

NTSTATUS NTAPI FsRtlAllocateExtraCreateParameterList(FSRTL_ALLOCATE_ECPLIST_FLAGS Flags, PECP_LIST* EcpList);
VOID NTAPI FsRtlFreeExtraCreateParameterList(PECP_LIST EcpList);
NTSTATUS NTAPI FsRtlAllocateExtraCreateParameter(
    LPCGUID EcpType, ULONG SizeOfContext, FSRTL_ALLOCATE_ECP_FLAGS Flags,
    PFSRTL_EXTRA_CREATE_PARAMETER_CLEANUP_CALLBACK CleanupCallback, ULONG PoolTag, PVOID* EcpContext);
VOID NTAPI FsRtlFreeExtraCreateParameter(PVOID EcpContext);
NTSTATUS NTAPI FsRtlInsertExtraCreateParameter(PECP_LIST EcpList, PVOID EcpContext);
NTSTATUS NTAPI FsRtlFindExtraCreateParameter(PECP_LIST EcpList, LPCGUID EcpType, PVOID* EcpContext,
                                             ULONG* EcpContextSize);
NTSTATUS NTAPI FsRtlRemoveExtraCreateParameter(PECP_LIST EcpList, LPCGUID EcpType, PVOID* EcpContext,
                                               ULONG* EcpContextSize);
NTSTATUS NTAPI FsRtlGetEcpListFromIrp(PIRP Irp, PECP_LIST* EcpList);
NTSTATUS NTAPI FsRtlSetEcpListIntoIrp(PIRP Irp, PECP_LIST EcpList);
NTSTATUS NTAPI FsRtlGetNextExtraCreateParameter(PECP_LIST EcpList, PVOID CurrentEcpContext, GUID* NextEcpType,
                                                PVOID* NextEcpContext, ULONG* NextEcpContextSize);
VOID NTAPI FsRtlAcknowledgeEcp(PVOID EcpContext);
BOOLEAN NTAPI FsRtlIsEcpAcknowledged(PVOID EcpContext);
BOOLEAN NTAPI FsRtlIsEcpFromUserMode(PVOID EcpContext);

DEFINE_GUID(GUID_ECP_ATOMIC_CREATE, 0x4720bd83, 0x52ac, 0x4104, 0xa1, 0x30, 0xd1, 0xec, 0x6a, 0x8c, 0xc8,
            0xe5);
DEFINE_GUID(GUID_ECP_OPLOCK_KEY, 0x48850596, 0x3050, 0x4be7, 0x98, 0x63, 0xfe, 0xc3, 0x50, 0xce, 0x8d, 0x7f);
DEFINE_GUID(GUID_ECP_DUAL_OPLOCK_KEY, 0x41621a14, 0xb08b, 0x4df1, 0xb6, 0x76, 0xa0, 0x5f, 0xfd, 0xf0, 0x1b,
            0xea);
DEFINE_GUID(GUID_ECP_CREATE_USER_PROCESS, 0xe0e429ff, 0x6ddc, 0x4e65, 0xaa, 0xb6, 0x45, 0xd0, 0x5a, 0x03,
            0x8a, 0x08);
DEFINE_GUID(GUID_ECP_NETWORK_OPEN_CONTEXT, 0xc584edbf, 0x00df, 0x4d28, 0xb8, 0x84, 0x35, 0xba, 0xca, 0x89,
            0x11, 0xe8);
DEFINE_GUID(GUID_ECP_SRV_OPEN, 0xbebfaebc, 0xaabf, 0x489d, 0x9d, 0x2c, 0xe9, 0xe3, 0x61, 0x10, 0x28, 0x53);

typedef struct _OPLOCK_KEY_ECP_CONTEXT
{
    GUID OplockKey;
    ULONG Reserved;
} OPLOCK_KEY_ECP_CONTEXT, *POPLOCK_KEY_ECP_CONTEXT;

#define OPLOCK_KEY_FLAG_PARENT_KEY 0x00000001
#define OPLOCK_KEY_FLAG_TARGET_KEY 0x00000002
typedef struct _DUAL_OPLOCK_KEY_ECP_CONTEXT
{
    GUID ParentOplockKey;
    GUID TargetOplockKey;
    BOOLEAN ParentOplockKeySet;
    BOOLEAN TargetOplockKeySet;
} DUAL_OPLOCK_KEY_ECP_CONTEXT, *PDUAL_OPLOCK_KEY_ECP_CONTEXT;

typedef struct _REPARSE_DATA_BUFFER_EX
{
    ULONG Flags;
    ULONG ExistingReparseTag;
    GUID ExistingReparseGuid;
    ULONGLONG Reserved;
    union
    {
        REPARSE_DATA_BUFFER ReparseDataBuffer;
        REPARSE_GUID_DATA_BUFFER ReparseGuidDataBuffer;
    };
} REPARSE_DATA_BUFFER_EX, *PREPARSE_DATA_BUFFER_EX;
#define REPARSE_DATA_EX_FLAG_GIVEN_TAG_OR_NONE 0x00000001

typedef struct _ATOMIC_CREATE_ECP_CONTEXT
{
    USHORT Size;
    USHORT InFlags;
    USHORT OutFlags;
    USHORT ReparseBufferLength;
    PREPARSE_DATA_BUFFER ReparseBuffer;
    LONGLONG FileSize;
    LONGLONG ValidDataLength;
    struct _FILE_TIMESTAMPS* FileTimestamps;
    ULONG FileAttributes;
    ULONG UsnSourceInfo;
    USN Usn;
    ULONG SuppressFileAttributeInheritanceMask;
    ULONG InOpFlags;
    ULONG OutOpFlags;
    ULONG InGenFlags;
    ULONG OutGenFlags;
    ULONG CaseSensitiveFlagsMask;
    ULONG InCaseSensitiveFlags;
    ULONG OutCaseSensitiveFlags;
} ATOMIC_CREATE_ECP_CONTEXT, *PATOMIC_CREATE_ECP_CONTEXT;
#define ATOMIC_CREATE_ECP_IN_FLAG_REPARSE_POINT_SPECIFIED 0x0002
#define ATOMIC_CREATE_ECP_OUT_FLAG_REPARSE_POINT_SET 0x0002

// ---- Names
// ----------------------------------------------------------------------------------------------------------

VOID NTAPI FsRtlDissectName(UNICODE_STRING Path, PUNICODE_STRING FirstName, PUNICODE_STRING RemainingName);
BOOLEAN NTAPI FsRtlDoesNameContainWildCards(PUNICODE_STRING Name);
BOOLEAN NTAPI FsRtlAreNamesEqual(PCUNICODE_STRING NameA, PCUNICODE_STRING NameB, BOOLEAN IgnoreCase,
                                 PCWCH UpcaseTable);
/// May raise. Expression must be upper case when IgnoreCase.
BOOLEAN NTAPI FsRtlIsNameInExpression(PUNICODE_STRING Expression, PUNICODE_STRING Name, BOOLEAN IgnoreCase,
                                      PWCH UpcaseTable);

// ---- Notification
// ---------------------------------------------------------------------------------------------------

typedef PVOID PNOTIFY_SYNC;
typedef BOOLEAN(NTAPI* PCHECK_FOR_TRAVERSE_ACCESS)(PVOID NotifyContext, PVOID TargetContext,
                                                   PSECURITY_SUBJECT_CONTEXT SubjectContext);
typedef BOOLEAN(NTAPI* PFILTER_REPORT_CHANGE)(PVOID NotifyContext, PVOID FilterContext);

VOID NTAPI FsRtlNotifyInitializeSync(PNOTIFY_SYNC* NotifySync);
VOID NTAPI FsRtlNotifyUninitializeSync(PNOTIFY_SYNC* NotifySync);
VOID NTAPI FsRtlNotifyFullChangeDirectory(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList, PVOID FsContext,
                                          PSTRING FullDirectoryName, BOOLEAN WatchTree, BOOLEAN IgnoreBuffer,
                                          ULONG CompletionFilter, PIRP NotifyIrp,
                                          PCHECK_FOR_TRAVERSE_ACCESS TraverseCallback,
                                          PSECURITY_SUBJECT_CONTEXT SubjectContext);
VOID NTAPI FsRtlNotifyFilterChangeDirectory(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList, PVOID FsContext,
                                            PSTRING FullDirectoryName, BOOLEAN WatchTree,
                                            BOOLEAN IgnoreBuffer, ULONG CompletionFilter, PIRP NotifyIrp,
                                            PCHECK_FOR_TRAVERSE_ACCESS TraverseCallback,
                                            PSECURITY_SUBJECT_CONTEXT SubjectContext,
                                            PFILTER_REPORT_CHANGE FilterCallback);
VOID NTAPI FsRtlNotifyFullReportChange(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList,
                                       PSTRING FullTargetName, USHORT TargetNameOffset, PSTRING StreamName,
                                       PSTRING NormalizedParentName, ULONG FilterMatch, ULONG Action,
                                       PVOID TargetContext);
VOID NTAPI FsRtlNotifyFilterReportChange(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList,
                                         PSTRING FullTargetName, USHORT TargetNameOffset, PSTRING StreamName,
                                         PSTRING NormalizedParentName, ULONG FilterMatch, ULONG Action,
                                         PVOID TargetContext, PVOID FilterContext);
VOID NTAPI FsRtlNotifyCleanup(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList, PVOID FsContext);
VOID NTAPI FsRtlNotifyCleanupAll(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList);

#define FSRTL_VOLUME_DISMOUNT 1
#define FSRTL_VOLUME_DISMOUNT_FAILED 2
#define FSRTL_VOLUME_LOCK 3
#define FSRTL_VOLUME_LOCK_FAILED 4
#define FSRTL_VOLUME_UNLOCK 5
#define FSRTL_VOLUME_MOUNT 6
NTSTATUS NTAPI FsRtlNotifyVolumeEvent(PFILE_OBJECT FileObject, ULONG EventCode);

// ---- File system filter callbacks
// -----------------------------------------------------------------------------------

typedef enum _FS_FILTER_SECTION_SYNC_TYPE
{
    SyncTypeOther = 0,
    SyncTypeCreateSection
} FS_FILTER_SECTION_SYNC_TYPE;
typedef enum _FS_FILTER_STREAM_FO_NOTIFICATION_TYPE
{
    NotifyTypeCreate = 0,
    NotifyTypeRetired
} FS_FILTER_STREAM_FO_NOTIFICATION_TYPE;

#define FS_FILTER_ACQUIRE_FOR_SECTION_SYNCHRONIZATION ((UCHAR) - 1)
#define FS_FILTER_RELEASE_FOR_SECTION_SYNCHRONIZATION ((UCHAR) - 2)
#define FS_FILTER_ACQUIRE_FOR_MOD_WRITE ((UCHAR) - 3)
#define FS_FILTER_RELEASE_FOR_MOD_WRITE ((UCHAR) - 4)
#define FS_FILTER_ACQUIRE_FOR_CC_FLUSH ((UCHAR) - 5)
#define FS_FILTER_RELEASE_FOR_CC_FLUSH ((UCHAR) - 6)

typedef union _FS_FILTER_PARAMETERS
{
    struct
    {
        PLARGE_INTEGER EndingOffset;
        PERESOURCE* ResourceToRelease;
    } AcquireForModifiedPageWriter;
    struct
    {
        PERESOURCE ResourceToRelease;
    } ReleaseForModifiedPageWriter;
    struct
    {
        FS_FILTER_SECTION_SYNC_TYPE SyncType;
        ULONG PageProtection;
    } AcquireForSectionSynchronization;
    struct
    {
        FS_FILTER_STREAM_FO_NOTIFICATION_TYPE NotificationType;
        BOOLEAN POINTER_ALIGNMENT SafeToRecurse;
    } NotifyStreamFileObject;
    struct
    {
        PVOID Argument1;
        PVOID Argument2;
        PVOID Argument3;
        PVOID Argument4;
        PVOID Argument5;
    } Others;
} FS_FILTER_PARAMETERS, *PFS_FILTER_PARAMETERS;

typedef struct _FS_FILTER_CALLBACK_DATA
{
    ULONG SizeOfFsFilterCallbackData;
    UCHAR Operation;
    UCHAR Reserved;
    PDEVICE_OBJECT DeviceObject;
    PFILE_OBJECT FileObject;
    FS_FILTER_PARAMETERS Parameters;
} FS_FILTER_CALLBACK_DATA, *PFS_FILTER_CALLBACK_DATA;

typedef NTSTATUS(NTAPI* PFS_FILTER_CALLBACK)(PFS_FILTER_CALLBACK_DATA Data, PVOID* CompletionContext);
typedef VOID(NTAPI* PFS_FILTER_COMPLETION_CALLBACK)(PFS_FILTER_CALLBACK_DATA Data, NTSTATUS OperationStatus,
                                                    PVOID CompletionContext);

typedef struct _FS_FILTER_CALLBACKS
{
    ULONG SizeOfFsFilterCallbacks;
    ULONG Reserved;
    PFS_FILTER_CALLBACK PreAcquireForSectionSynchronization;
    PFS_FILTER_COMPLETION_CALLBACK PostAcquireForSectionSynchronization;
    PFS_FILTER_CALLBACK PreReleaseForSectionSynchronization;
    PFS_FILTER_COMPLETION_CALLBACK PostReleaseForSectionSynchronization;
    PFS_FILTER_CALLBACK PreAcquireForCcFlush;
    PFS_FILTER_COMPLETION_CALLBACK PostAcquireForCcFlush;
    PFS_FILTER_CALLBACK PreReleaseForCcFlush;
    PFS_FILTER_COMPLETION_CALLBACK PostReleaseForCcFlush;
    PFS_FILTER_CALLBACK PreAcquireForModifiedPageWriter;
    PFS_FILTER_COMPLETION_CALLBACK PostAcquireForModifiedPageWriter;
    PFS_FILTER_CALLBACK PreReleaseForModifiedPageWriter;
    PFS_FILTER_COMPLETION_CALLBACK PostReleaseForModifiedPageWriter;
} FS_FILTER_CALLBACKS, *PFS_FILTER_CALLBACKS;

NTSTATUS NTAPI FsRtlRegisterFileSystemFilterCallbacks(PDRIVER_OBJECT FilterDriverObject,
                                                      PFS_FILTER_CALLBACKS Callbacks);
VOID NTAPI FsRtlAcquireFileExclusive(PFILE_OBJECT FileObject);
VOID NTAPI FsRtlReleaseFile(PFILE_OBJECT FileObject);

// ---- Fast I/O and MDL I/O provided by FsRtl
// -----------------------------------------------------------------------------

BOOLEAN NTAPI FsRtlCopyRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait,
                            ULONG LockKey, PVOID Buffer, PIO_STATUS_BLOCK IoStatus,
                            PDEVICE_OBJECT DeviceObject);
BOOLEAN NTAPI FsRtlCopyWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait,
                             ULONG LockKey, PVOID Buffer, PIO_STATUS_BLOCK IoStatus,
                             PDEVICE_OBJECT DeviceObject);
BOOLEAN NTAPI FsRtlMdlReadDev(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, ULONG LockKey,
                              PMDL* MdlChain, PIO_STATUS_BLOCK IoStatus, PDEVICE_OBJECT DeviceObject);
BOOLEAN NTAPI FsRtlMdlReadCompleteDev(PFILE_OBJECT FileObject, PMDL MdlChain, PDEVICE_OBJECT DeviceObject);
BOOLEAN NTAPI FsRtlPrepareMdlWriteDev(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                                      ULONG LockKey, PMDL* MdlChain, PIO_STATUS_BLOCK IoStatus,
                                      PDEVICE_OBJECT DeviceObject);
BOOLEAN NTAPI FsRtlMdlWriteCompleteDev(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, PMDL MdlChain,
                                       PDEVICE_OBJECT DeviceObject);
NTSTATUS NTAPI FsRtlGetFileSize(PFILE_OBJECT FileObject, PLARGE_INTEGER FileSize);

// ---- The rest
// -------------------------------------------------------------------------------------------------------

typedef VOID(NTAPI* PFSRTL_STACK_OVERFLOW_ROUTINE)(PVOID Context, PKEVENT Event);

BOOLEAN NTAPI FsRtlIsNtstatusExpected(NTSTATUS Exception);
NTSTATUS NTAPI FsRtlNormalizeNtstatus(NTSTATUS Exception, NTSTATUS GenericException);
BOOLEAN NTAPI FsRtlIsTotalDeviceFailure(NTSTATUS Status);
VOID NTAPI FsRtlPostStackOverflow(PVOID Context, PKEVENT Event,
                                  PFSRTL_STACK_OVERFLOW_ROUTINE StackOverflowRoutine);
VOID NTAPI FsRtlPostPagingFileStackOverflow(PVOID Context, PKEVENT Event,
                                            PFSRTL_STACK_OVERFLOW_ROUTINE StackOverflowRoutine);
PVOID NTAPI FsRtlAllocatePoolWithTag(POOL_TYPE PoolType, ULONG NumberOfBytes, ULONG Tag);
#define FsRtlAllocatePool(PoolType, Size) FsRtlAllocatePoolWithTag(PoolType, Size, 0x46537274)
NTSTATUS NTAPI FsRtlRegisterUncProvider(PHANDLE MupHandle, PCUNICODE_STRING RedirectorDeviceName,
                                        BOOLEAN MailslotsSupported);
NTSTATUS NTAPI FsRtlRegisterUncProviderEx(PHANDLE MupHandle, PCUNICODE_STRING RedirDevName,
                                          PDEVICE_OBJECT DeviceObject, ULONG Flags);
NTSTATUS NTAPI FsRtlRegisterUncProviderEx2(PCUNICODE_STRING RedirDevName, PDEVICE_OBJECT DeviceObject,
                                           struct _FSRTL_UNC_PROVIDER_REGISTRATION* UncProviderRegistration,
                                           PHANDLE MupHandle);
VOID NTAPI FsRtlDeregisterUncProvider(HANDLE Handle);
#define FSRTL_UNC_PROVIDER_FLAGS_MAILSLOTS_SUPPORTED 0x00000001
#define FSRTL_UNC_PROVIDER_FLAGS_CSC_ENABLED 0x00000002
#define FSRTL_UNC_PROVIDER_FLAGS_DOMAIN_SVC_AWARE 0x00000004

typedef struct _FSRTL_UNC_PROVIDER_REGISTRATION
{
    USHORT Version;
    USHORT Size;
    union
    {
        ULONG ProviderFlags;
        struct
        {
            ULONG MailslotsSupported : 1;
            ULONG CscEnabled : 1;
            ULONG DomainSvcAware : 1;
            ULONG SoftRegistration : 1;
            ULONG ContainersAware : 1;
            ULONG Reserved1 : 27;
        };
    };
    union
    {
        ULONG HardeningCapabilities;
        struct
        {
            ULONG SupportsMutualAuth : 1;
            ULONG SupportsIntegrity : 1;
            ULONG SupportsPrivacy : 1;
            ULONG Reserved2 : 29;
        };
    };
} FSRTL_UNC_PROVIDER_REGISTRATION, *PFSRTL_UNC_PROVIDER_REGISTRATION;

NTSTATUS NTAPI FsRtlCreateSectionForDataScan(PHANDLE SectionHandle, PVOID* SectionObject,
                                             PLARGE_INTEGER SectionFileSize, PFILE_OBJECT FileObject,
                                             ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                                             PLARGE_INTEGER MaximumSize, ULONG SectionPageProtection,
                                             ULONG AllocationAttributes, ULONG Flags);
NTSTATUS NTAPI FsRtlGetSectorSizeInformation(PDEVICE_OBJECT DeviceObject,
                                             PFILE_FS_SECTOR_SIZE_INFORMATION SectorSizeInfo);
NTSTATUS NTAPI FsRtlQueryKernelEaFile(PFILE_OBJECT FileObject, PVOID ReturnedEaData, ULONG Length,
                                      BOOLEAN ReturnSingleEntry, PVOID EaList, ULONG EaListLength,
                                      PULONG EaIndex, BOOLEAN RestartScan, PULONG LengthReturned);
NTSTATUS NTAPI FsRtlSetKernelEaFile(PFILE_OBJECT FileObject, PVOID EaBuffer, ULONG Length);
LOGICAL NTAPI FsRtlIsPagingFile(PFILE_OBJECT FileObject);
NTSTATUS NTAPI FsRtlValidateReparsePointBuffer(ULONG BufferLength, PREPARSE_DATA_BUFFER ReparseBuffer);
NTSTATUS NTAPI FsRtlKernelFsControlFile(PFILE_OBJECT FileObject, ULONG FsControlCode, PVOID InputBuffer,
                                        ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength,
                                        PULONG RetOutputBufferSize);

// Prefix tables.

typedef struct _RTL_SPLAY_LINKS
{
    struct _RTL_SPLAY_LINKS* Parent;
    struct _RTL_SPLAY_LINKS* LeftChild;
    struct _RTL_SPLAY_LINKS* RightChild;
} RTL_SPLAY_LINKS, *PRTL_SPLAY_LINKS;

typedef struct _UNICODE_PREFIX_TABLE_ENTRY
{
    CSHORT NodeTypeCode;
    CSHORT NameLength;
    struct _UNICODE_PREFIX_TABLE_ENTRY* NextPrefixTree;
    struct _UNICODE_PREFIX_TABLE_ENTRY* CaseMatch;
    RTL_SPLAY_LINKS Links;
    PUNICODE_STRING Prefix;
} UNICODE_PREFIX_TABLE_ENTRY, *PUNICODE_PREFIX_TABLE_ENTRY;

typedef struct _UNICODE_PREFIX_TABLE
{
    CSHORT NodeTypeCode;
    CSHORT NameLength;
    PUNICODE_PREFIX_TABLE_ENTRY NextPrefixTree;
    PUNICODE_PREFIX_TABLE_ENTRY LastNextEntry;
} UNICODE_PREFIX_TABLE, *PUNICODE_PREFIX_TABLE;

VOID NTAPI RtlInitializeUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable);
BOOLEAN NTAPI RtlInsertUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, PUNICODE_STRING Prefix,
                                     PUNICODE_PREFIX_TABLE_ENTRY PrefixTableEntry);
VOID NTAPI RtlRemoveUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable,
                                  PUNICODE_PREFIX_TABLE_ENTRY PrefixTableEntry);
PUNICODE_PREFIX_TABLE_ENTRY NTAPI RtlFindUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable,
                                                       PUNICODE_STRING FullName, ULONG CaseInsensitiveIndex);
PUNICODE_PREFIX_TABLE_ENTRY NTAPI RtlNextUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, BOOLEAN Restart);

} // extern "C"
