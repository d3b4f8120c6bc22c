// SPDX-License-Identifier: MIT
/**
 * @file winfsp/fsctl.h
 * The protocol between the file system driver and a user mode file system.
 *
 * Everything here is ABI: control codes, volume parameters and the request and response messages that
 * the two sides exchange. Layouts are the same for 32-bit and 64-bit processes except where a structure
 * holds a pointer. Sizes are in bytes, times in 100 ns intervals since 1601-01-01 UTC, text is UTF-16.
 */
#ifndef WINFSP_FSCTL_H_INCLUDED
#define WINFSP_FSCTL_H_INCLUDED

#if defined(_WIN32)
#include <devioctl.h>
#else
#include <winfsp/nt.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Names ------------------------------------------------------------------------------------------ */

#define FSP_FSCTL_STR_(x) #x
/** The text of x after macro expansion. */
#define FSP_FSCTL_STR(x) FSP_FSCTL_STR_(x)

#if defined(MyProductName)
#define FSP_FSCTL_PRODUCT_NAME FSP_FSCTL_STR(MyProductName)
#else
#define FSP_FSCTL_PRODUCT_NAME "WinFsp"
#endif
#if defined(MyProductFileName)
#define FSP_FSCTL_PRODUCT_FILE_NAME FSP_FSCTL_STR(MyProductFileName)
#else
#define FSP_FSCTL_PRODUCT_FILE_NAME "winfsp"
#endif

#define FSP_FSCTL_DRIVER_NAME FSP_FSCTL_PRODUCT_NAME
#define FSP_FSCTL_DISK_DEVICE_NAME FSP_FSCTL_PRODUCT_NAME ".Disk"
#define FSP_FSCTL_NET_DEVICE_NAME FSP_FSCTL_PRODUCT_NAME ".Net"
#define FSP_FSCTL_MUP_DEVICE_NAME FSP_FSCTL_PRODUCT_NAME ".Mup"

#define FSP_FSCTL_PRODUCT_REGKEY "Software\\" FSP_FSCTL_PRODUCT_NAME
#define FSP_FSCTL_PRODUCT_REGKEY_WOW64 KEY_WOW64_32KEY

/* Newer compilers do not define the SDK's architecture macros before windows.h is seen. */
#if defined(_ARM64_) || defined(_M_ARM64) || defined(__aarch64__)
#define FSP_FSCTL_PRODUCT_FULL_REGKEY "Software\\WOW6432Node\\" FSP_FSCTL_PRODUCT_NAME
#define FSP_FSCTL_PRODUCT_FILE_ARCH "a64"
#elif defined(_AMD64_) || defined(_M_X64) || defined(__x86_64__)
#define FSP_FSCTL_PRODUCT_FULL_REGKEY "Software\\WOW6432Node\\" FSP_FSCTL_PRODUCT_NAME
#define FSP_FSCTL_PRODUCT_FILE_ARCH "x64"
#elif defined(_X86_) || defined(_M_IX86) || defined(__i386__)
#define FSP_FSCTL_PRODUCT_FULL_REGKEY "Software\\" FSP_FSCTL_PRODUCT_NAME
#define FSP_FSCTL_PRODUCT_FILE_ARCH "x86"
#else
#error "this architecture is not supported"
#endif

/** Asserts at compile time inside the product; costs a client nothing and demands no compiler feature. */
#if defined(WINFSP_SYS_INTERNAL) || defined(WINFSP_DLL_INTERNAL)
#if defined(__cplusplus)
#define FSP_FSCTL_STATIC_ASSERT(e, m) static_assert(e, m)
#else
#define FSP_FSCTL_STATIC_ASSERT(e, m) _Static_assert(e, m)
#endif
#else
#define FSP_FSCTL_STATIC_ASSERT(e, m) struct FSP_FSCTL_STATIC_ASSERT_IGNORED
#endif

#if defined(_WIN32)
#define FSP_FSCTL_SELECTANY __declspec(selectany)
#else
#define FSP_FSCTL_SELECTANY __attribute__((weak))
#endif
#if !defined(MyFspFsctlDeviceClassGuid)
#define FSP_FSCTL_DEVICE_CLASS_GUID_                                                                         \
    {0x6f9d25fa, 0x6dee, 0x4a9d, {0x80, 0xf5, 0xe9, 0x8e, 0x14, 0xf3, 0x5e, 0x54}}
#else
#define FSP_FSCTL_DEVICE_CLASS_GUID_ MyFspFsctlDeviceClassGuid
#endif
#if !defined(MyFspFsvrtDeviceClassGuid)
#define FSP_FSVRT_DEVICE_CLASS_GUID_                                                                         \
    {0xb48171c3, 0xdd50, 0x4852, {0x83, 0xa3, 0x34, 0x4c, 0x50, 0xd9, 0x3b, 0x17}}
#else
#define FSP_FSVRT_DEVICE_CLASS_GUID_ MyFspFsvrtDeviceClassGuid
#endif
/* A const object of C++ has external linkage only if its definition says extern; C compilers warn about that.
 */
#if defined(__cplusplus)
#define FSP_FSCTL_GUID_ extern const FSP_FSCTL_SELECTANY GUID
#else
#define FSP_FSCTL_GUID_ FSP_FSCTL_SELECTANY const GUID
#endif
/** Device class of the control devices. */
FSP_FSCTL_GUID_ FspFsctlDeviceClassGuid = FSP_FSCTL_DEVICE_CLASS_GUID_;
/** Device class of virtual disks. */
FSP_FSCTL_GUID_ FspFsvrtDeviceClassGuid = FSP_FSVRT_DEVICE_CLASS_GUID_;

/* ---- Alignment -------------------------------------------------------------------------------------- */

/** x rounded up to a multiple of s, a power of two. */
#define FSP_FSCTL_ALIGN_UP(x, s) (((x) + ((s) - 1L)) & ~((s) - 1L))
#define FSP_FSCTL_DEFAULT_ALIGNMENT 8
#define FSP_FSCTL_DEFAULT_ALIGN_UP(x) FSP_FSCTL_ALIGN_UP(x, FSP_FSCTL_DEFAULT_ALIGNMENT)
#if defined(_MSC_VER)
#define FSP_FSCTL_DECLSPEC_ALIGN __declspec(align(8))
#else
#define FSP_FSCTL_DECLSPEC_ALIGN __attribute__((aligned(8)))
#endif

/* ---- Control codes ---------------------------------------------------------------------------------- */

/* File system control codes on a handle of a control device (fsd: Control requests). */
#define FSP_FSCTL_MOUNTDEV CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 'M', METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSP_FSCTL_MOUNTMGR CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 'm', METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSP_FSCTL_VOLUME_NAME CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 'N', METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSP_FSCTL_VOLUME_LIST CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 'L', METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSP_FSCTL_TRANSACT CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 'T', METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSP_FSCTL_TRANSACT_BATCH                                                                             \
    CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 't', METHOD_OUT_DIRECT, FILE_ANY_ACCESS)
#define FSP_FSCTL_TRANSACT_INTERNAL                                                                          \
    CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 'I', METHOD_NEITHER, FILE_ANY_ACCESS)
#define FSP_FSCTL_STOP CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 'S', METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSP_FSCTL_STOP0 CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 's', METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSP_FSCTL_NOTIFY CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 'n', METHOD_NEITHER, FILE_ANY_ACCESS)
#define FSP_FSCTL_UNLOAD CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 'U', METHOD_NEITHER, FILE_ANY_ACCESS)
/** On a file or volume of the file system: succeeds exactly when the file system is one of ours. */
#define FSP_FSCTL_QUERY_WINFSP                                                                               \
    CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + '?', METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Device control twins of the TRANSACT family; device type is 0x8000 | 'F' << 8 | 'W'. */
#define FSP_IOCTL_DEVICE_TYPE_ (0x8000 | 'F' << 8 | 'W')
#define FSP_IOCTL_TRANSACT CTL_CODE(FSP_IOCTL_DEVICE_TYPE_, 0x800 + 'T', METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSP_IOCTL_TRANSACT_BATCH                                                                             \
    CTL_CODE(FSP_IOCTL_DEVICE_TYPE_, 0x800 + 't', METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSP_IOCTL_TRANSACT_INTERNAL                                                                          \
    CTL_CODE(FSP_IOCTL_DEVICE_TYPE_, 0x800 + 'I', METHOD_BUFFERED, FILE_ANY_ACCESS)

/* ---- Sizes ------------------------------------------------------------------------------------------ */

#define FSP_FSCTL_VOLUME_PARAMS_PREFIX "\\VolumeParams="

#define FSP_FSCTL_VOLUME_NAME_SIZE (64 * sizeof(WCHAR))
#define FSP_FSCTL_VOLUME_PREFIX_SIZE (192 * sizeof(WCHAR))
#define FSP_FSCTL_VOLUME_FSNAME_SIZE (16 * sizeof(WCHAR))
#define FSP_FSCTL_VOLUME_NAME_SIZEMAX (FSP_FSCTL_VOLUME_NAME_SIZE + FSP_FSCTL_VOLUME_PREFIX_SIZE)

#define FSP_FSCTL_TRANSACT_PATH_SIZEMAX (1024 * sizeof(WCHAR))
#define FSP_FSCTL_TRANSACT_REQ_SIZEMAX (16 * 1024 - 64)
#define FSP_FSCTL_TRANSACT_RSP_SIZEMAX (16 * 1024)
#define FSP_FSCTL_TRANSACT_REQ_BUFFER_SIZEMAX                                                                \
    (FSP_FSCTL_TRANSACT_REQ_SIZEMAX - sizeof(FSP_FSCTL_TRANSACT_REQ))
#define FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX                                                                \
    (FSP_FSCTL_TRANSACT_RSP_SIZEMAX - sizeof(FSP_FSCTL_TRANSACT_RSP))
#define FSP_FSCTL_TRANSACT_BUFFER_SIZEMIN FSP_FSCTL_TRANSACT_REQ_SIZEMAX
#define FSP_FSCTL_TRANSACT_BATCH_BUFFER_SIZEMIN (64 * 1024)
#define FSP_FSCTL_DEVICECONTROL_SIZEMAX (4 * 1024)
#define FSP_FSCTL_NOTIFY_INFO_SIZEMAX 0x7fffffff

/** The token handle in an AccessToken field; valid in the file system process while the request runs. */
#define FSP_FSCTL_TRANSACT_REQ_TOKEN_HANDLE(T) ((HANDLE)(UINT_PTR)((T) & 0xffffffff))
/** The process id of the requestor in an AccessToken field. */
#define FSP_FSCTL_TRANSACT_REQ_TOKEN_PID(T) ((UINT32)(((T) >> 32) & 0xffffffff))

/* ---- Enumerations ----------------------------------------------------------------------------------- */

/** Kinds of request. Shutdown and LockControl are never sent. */
enum
{
    FspFsctlTransactReservedKind = 0,
    FspFsctlTransactCreateKind,
    FspFsctlTransactOverwriteKind,
    FspFsctlTransactCleanupKind,
    FspFsctlTransactCloseKind,
    FspFsctlTransactReadKind,
    FspFsctlTransactWriteKind,
    FspFsctlTransactQueryInformationKind,
    FspFsctlTransactSetInformationKind,
    FspFsctlTransactQueryEaKind,
    FspFsctlTransactSetEaKind,
    FspFsctlTransactFlushBuffersKind,
    FspFsctlTransactQueryVolumeInformationKind,
    FspFsctlTransactSetVolumeInformationKind,
    FspFsctlTransactQueryDirectoryKind,
    FspFsctlTransactFileSystemControlKind,
    FspFsctlTransactDeviceControlKind,
    FspFsctlTransactShutdownKind,
    FspFsctlTransactLockControlKind,
    FspFsctlTransactQuerySecurityKind,
    FspFsctlTransactSetSecurityKind,
    FspFsctlTransactQueryStreamInformationKind,
    FspFsctlTransactKindCount
};

/** Limits of volume parameters: milliseconds, and requests in the queue. */
enum
{
    FspFsctlTransactTimeoutMinimum = 1 * 1000,
    FspFsctlTransactTimeoutMaximum = 10 * 1000,
    FspFsctlTransactTimeoutDefault = 1 * 1000,
    FspFsctlIrpTimeoutMinimum = 1 * 60 * 1000,
    FspFsctlIrpTimeoutMaximum = 10 * 60 * 1000,
    FspFsctlIrpTimeoutDefault = 5 * 60 * 1000,
    FspFsctlIrpTimeoutDebug = 142, /* accepted though below the minimum: for tests of expiry */
    FspFsctlIrpCapacityMinimum = 100,
    FspFsctlIrpCapacityMaximum = 1000,
    FspFsctlIrpCapacityDefault = 1000
};

/* ---- Volume parameters ------------------------------------------------------------------------------ */

/* Written once because both versions of the structure must present the same member names. */
#define FSP_FSCTL_VOLUME_PARAMS_V0_FIELDS_                                                                   \
    UINT16 Version;                  /* 0 or sizeof V0: the V0 part counts; sizeof: all counts */            \
    UINT16 SectorSize;               /* bytes; 0: 512 */                                                     \
    UINT16 SectorsPerAllocationUnit; /* 0: 1 */                                                              \
    UINT16 MaxComponentLength;       /* characters of a path component; 0: 255 */                            \
    UINT64 VolumeCreationTime;                                                                               \
    UINT32 VolumeSerialNumber;                                                                               \
    UINT32 TransactTimeout; /* ms a TRANSACT waits for work; deprecated */                                   \
    UINT32 IrpTimeout;      /* ms before a queued request expires */                                         \
    UINT32 IrpCapacity;     /* requests that may be queued */                                                \
    UINT32 FileInfoTimeout; /* ms of metadata caching; 0: none; 0xFFFFFFFF: for ever, and data too */        \
    UINT32 CaseSensitiveSearch : 1;                                                                          \
    UINT32 CasePreservedNames : 1;                                                                           \
    UINT32 UnicodeOnDisk : 1;                                                                                \
    UINT32 PersistentAcls : 1;                                                                               \
    UINT32 ReparsePoints : 1;                                                                                \
    UINT32 ReparsePointsAccessCheck : 1; /* symbolic links need SeCreateSymbolicLinkPrivilege */             \
    UINT32 NamedStreams : 1;                                                                                 \
    UINT32 HardLinks : 1; /* ignored; must be 0 */                                                           \
    UINT32 ExtendedAttributes : 1;                                                                           \
    UINT32 ReadOnlyVolume : 1; /* reported only: the file system refuses writes itself */                    \
    UINT32 PostCleanupWhenModifiedOnly : 1;                                                                  \
    UINT32 PassQueryDirectoryPattern : 1;                                                                    \
    UINT32 AlwaysUseDoubleBuffering : 1;                                                                     \
    UINT32 PassQueryDirectoryFileName : 1; /* a pattern without wildcards goes to GetDirInfoByName */        \
    UINT32 FlushAndPurgeOnCleanup : 1;                                                                       \
    UINT32 DeviceControl : 1;                                                                                \
    UINT32 UmFileContextIsUserContext2 : 1; /* FileContext is per open */                                    \
    UINT32 UmFileContextIsFullContext : 1;  /* FileContext is an FSP_FSCTL_TRANSACT_FULL_CONTEXT pointer */  \
    UINT32 UmNoReparsePointsDirCheck : 1;                                                                    \
    UINT32 UmReservedFlags : 5;                                                                              \
    UINT32 AllowOpenInKernelMode : 1;                                                                        \
    UINT32 CasePreservedExtendedAttributes : 1;                                                              \
    UINT32 WslFeatures : 1;                                                                                  \
    UINT32 DirectoryMarkerAsNextOffset : 1;                                                                  \
    UINT32 RejectIrpPriorToTransact0 : 1; /* deprecated: always on */                                        \
    UINT32 SupportsPosixUnlinkRename : 1;                                                                    \
    UINT32 PostDispositionWhenNecessaryOnly : 1;                                                             \
    UINT32 KmReservedFlags : 1;                                                                              \
    WCHAR Prefix[FSP_FSCTL_VOLUME_PREFIX_SIZE / sizeof(WCHAR)]; /* \Server\Share of network volumes */       \
    WCHAR FileSystemName[FSP_FSCTL_VOLUME_FSNAME_SIZE / sizeof(WCHAR)];

/** Volume parameters, first version. */
typedef struct
{
    FSP_FSCTL_VOLUME_PARAMS_V0_FIELDS_
} FSP_FSCTL_VOLUME_PARAMS_V0;
FSP_FSCTL_STATIC_ASSERT(456 == sizeof(FSP_FSCTL_VOLUME_PARAMS_V0), "FSP_FSCTL_VOLUME_PARAMS_V0 is ABI");

/**
 * Volume parameters.
 *
 * A specific timeout counts only where its Valid bit is set; FileInfoTimeout counts elsewhere.
 */
typedef struct
{
    FSP_FSCTL_VOLUME_PARAMS_V0_FIELDS_
    UINT32 VolumeInfoTimeoutValid : 1;
    UINT32 DirInfoTimeoutValid : 1;
    UINT32 SecurityTimeoutValid : 1;
    UINT32 StreamInfoTimeoutValid : 1;
    UINT32 EaTimeoutValid : 1;
    UINT32 KmAdditionalReservedFlags : 27;
    UINT32 VolumeInfoTimeout;
    UINT32 DirInfoTimeout;
    UINT32 SecurityTimeout;
    UINT32 StreamInfoTimeout;
    UINT32 EaTimeout;
    UINT32 FsextControlCode; /* control code of a kernel extension provider; 0: none */
    UINT32 Reserved32[1];
    UINT64 Reserved64[2];
} FSP_FSCTL_VOLUME_PARAMS;
FSP_FSCTL_STATIC_ASSERT(504 == sizeof(FSP_FSCTL_VOLUME_PARAMS), "FSP_FSCTL_VOLUME_PARAMS is ABI");

/* ---- Information structures ------------------------------------------------------------------------- */

/** Volume information. */
typedef struct
{
    UINT64 TotalSize;
    UINT64 FreeSize;
    UINT16 VolumeLabelLength; /* bytes, without terminator */
    WCHAR VolumeLabel[32];
} FSP_FSCTL_VOLUME_INFO;
FSP_FSCTL_STATIC_ASSERT(88 == sizeof(FSP_FSCTL_VOLUME_INFO), "FSP_FSCTL_VOLUME_INFO is ABI");

/** Metadata of a file. */
typedef struct
{
    UINT32 FileAttributes; /* 0 is shown to applications as FILE_ATTRIBUTE_NORMAL */
    UINT32 ReparseTag;     /* 0 without FILE_ATTRIBUTE_REPARSE_POINT */
    UINT64 AllocationSize;
    UINT64 FileSize;
    UINT64 CreationTime;
    UINT64 LastAccessTime;
    UINT64 LastWriteTime;
    UINT64 ChangeTime;
    UINT64 IndexNumber;
    UINT32 HardLinks; /* not implemented; must be 0 */
    UINT32 EaSize;    /* sum of FspFileSystemGetEaPackedSize; 0: no extended attributes */
} FSP_FSCTL_FILE_INFO;
FSP_FSCTL_STATIC_ASSERT(72 == sizeof(FSP_FSCTL_FILE_INFO), "FSP_FSCTL_FILE_INFO is ABI");

/** Metadata of a file that is being opened, with room for its name in true case. */
typedef struct
{
    FSP_FSCTL_FILE_INFO FileInfo;
    PWSTR NormalizedName;
    UINT16 NormalizedNameSize; /* bytes; in: capacity, out: length; above 2048: not provided */
} FSP_FSCTL_OPEN_FILE_INFO;

/** A directory entry. Entries start on multiples of 8 bytes; one with Size 0 ends the directory. */
typedef struct
{
    UINT16 Size; /* of this structure with its name */
    FSP_FSCTL_FILE_INFO FileInfo;
    union
    {
        UINT64 NextOffset; /* with DirectoryMarkerAsNextOffset: the marker that continues after the entry */
        UINT8 Padding[24];
    };
    WCHAR FileNameBuf[]; /* a path component, not terminated */
} FSP_FSCTL_DIR_INFO;
FSP_FSCTL_STATIC_ASSERT(104 == sizeof(FSP_FSCTL_DIR_INFO), "FSP_FSCTL_DIR_INFO is ABI");

/** A named stream. Packed and terminated as directory entries. */
typedef struct
{
    UINT16 Size;
    UINT64 StreamSize;
    UINT64 StreamAllocationSize;
    WCHAR StreamNameBuf[]; /* without colons, not terminated; empty for the unnamed data stream */
} FSP_FSCTL_STREAM_INFO;
FSP_FSCTL_STATIC_ASSERT(24 == sizeof(FSP_FSCTL_STREAM_INFO), "FSP_FSCTL_STREAM_INFO is ABI");

/** A change that the file system reports to the driver. Packed as directory entries. */
typedef struct
{
    UINT16 Size;
    UINT32 Filter; /* FILE_NOTIFY_CHANGE_xxx */
    UINT32 Action; /* FILE_ACTION_xxx */
    WCHAR FileNameBuf[];
} FSP_FSCTL_NOTIFY_INFO;
FSP_FSCTL_STATIC_ASSERT(12 == sizeof(FSP_FSCTL_NOTIFY_INFO), "FSP_FSCTL_NOTIFY_INFO is ABI");

/* ---- Messages --------------------------------------------------------------------------------------- */

/** What the file system said about a file (shared by its opens) and about one open of it. */
typedef struct
{
    UINT64 UserContext;
    UINT64 UserContext2;
} FSP_FSCTL_TRANSACT_FULL_CONTEXT;

/** A piece of the variable part of a message; Offset counts from the start of Buffer. */
typedef struct
{
    UINT16 Offset;
    UINT16 Size;
} FSP_FSCTL_TRANSACT_BUF;

/* The contexts that nearly every request begins with. */
#define FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_                                                                   \
    UINT64 UserContext;                                                                                      \
    UINT64 UserContext2;

/**
 * A request of the driver.
 *
 * Bit-fields are filled up to their unit: some compilers would put the next member into the rest of it.
 */
typedef struct
{
    UINT16 Version;
    UINT16 Size; /* with the variable part */
    UINT32 Kind;
    UINT64 Hint; /* identifies the request; returned in the response unchanged */
    union
    {
        struct
        {
            UINT32 CreateOptions; /* low 24 bits: FILE_xxx options; high 8 bits: disposition */
            UINT32 FileAttributes;
            FSP_FSCTL_TRANSACT_BUF SecurityDescriptor;
            UINT64 AllocationSize;
            UINT64 AccessToken; /* FSP_FSCTL_TRANSACT_REQ_TOKEN_HANDLE, _PID */
            UINT32 DesiredAccess;
            UINT32 GrantedAccess; /* granted already, e.g. through privileges */
            UINT32 ShareAccess;
            FSP_FSCTL_TRANSACT_BUF Ea;
            UINT32 UserMode : 1;
            UINT32 HasTraversePrivilege : 1;
            UINT32 HasBackupPrivilege : 1;
            UINT32 HasRestorePrivilege : 1;
            UINT32 OpenTargetDirectory : 1;
            UINT32 CaseSensitive : 1;
            UINT32 HasTrailingBackslash : 1;
            UINT32 AcceptsSecurityDescriptor : 1;
            UINT32 EaIsReparsePoint : 1;
            UINT32 ReservedFlags : 23;
            UINT32 Reserved;
            UINT16 NamedStream; /* byte offset of the colon in the name; 0: not a stream */
        } Create;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
            UINT32 FileAttributes;
            UINT64 AllocationSize;
            UINT32 Supersede : 1;
            UINT32 ReservedFlags : 31;
            FSP_FSCTL_TRANSACT_BUF Ea;
        } Overwrite;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
            UINT32 Delete : 1;
            UINT32 SetAllocationSize : 1;
            UINT32 SetArchiveBit : 1;
            UINT32 SetLastAccessTime : 1;
            UINT32 SetLastWriteTime : 1;
            UINT32 SetChangeTime : 1;
            UINT32 ReservedFlags : 26;
        } Cleanup;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
        } Close;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
            UINT64 Address;
            UINT64 Offset;
            UINT32 Length;
            UINT32 Key;
        } Read;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
            UINT64 Address;
            UINT64 Offset; /* all ones: append */
            UINT32 Length;
            UINT32 Key;
            UINT32 ConstrainedIo : 1;
            UINT32 ReservedFlags : 31;
        } Write;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
        } QueryInformation;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
            UINT32 FileInformationClass;
            union
            {
                struct
                {
                    UINT32 FileAttributes;
                    UINT64 CreationTime;
                    UINT64 LastAccessTime;
                    UINT64 LastWriteTime;
                    UINT64 ChangeTime;
                } Basic;
                struct
                {
                    UINT64 AllocationSize;
                } Allocation;
                struct
                {
                    UINT64 FileSize;
                } EndOfFile;
                struct
                {
                    UINT32 Delete : 1;
                    UINT32 ReservedFlags : 31;
                } Disposition;
                struct
                {
                    UINT32 Flags; /* FILE_DISPOSITION_xxx */
                } DispositionEx;
                struct
                {
                    FSP_FSCTL_TRANSACT_BUF NewFileName;
                    UINT64 AccessToken; /* nonzero: an existing target is replaced */
                } Rename;
                struct
                {
                    FSP_FSCTL_TRANSACT_BUF NewFileName;
                    UINT64 AccessToken;
                    UINT32 Flags; /* FILE_RENAME_xxx */
                } RenameEx;
            } Info;
        } SetInformation;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
        } QueryEa;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
            FSP_FSCTL_TRANSACT_BUF Ea;
        } SetEa;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_ /* both 0: the whole volume */
        } FlushBuffers;
        struct
        {
            UINT32 FsInformationClass;
            union
            {
                struct
                {
                    FSP_FSCTL_TRANSACT_BUF VolumeLabel;
                } FsLabel;
            } Info;
        } SetVolumeInformation;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
            UINT64 Address;
            UINT32 Length;
            FSP_FSCTL_TRANSACT_BUF Pattern;
            FSP_FSCTL_TRANSACT_BUF Marker;
            UINT32 CaseSensitive : 1;
            UINT32 PatternIsFileName : 1;
            UINT32 ReservedFlags : 30;
        } QueryDirectory;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
            UINT32 FsControlCode;
            FSP_FSCTL_TRANSACT_BUF Buffer;
            UINT16 TargetOnFileSystem;
        } FileSystemControl;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
            UINT32 IoControlCode;
            FSP_FSCTL_TRANSACT_BUF Buffer;
            UINT32 OutputLength;
        } DeviceControl;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
        } QuerySecurity;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
            UINT32 SecurityInformation;
            FSP_FSCTL_TRANSACT_BUF SecurityDescriptor;
        } SetSecurity;
        struct
        {
            FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
        } QueryStreamInformation;
        /* Kinds that change only by looking at both contexts need no name of their own. */
        FSP_FSCTL_TRANSACT_FULL_CONTEXT Context;
        UINT8 Padding[64];
    } Req;
    FSP_FSCTL_TRANSACT_BUF FileName; /* Size includes the terminator; 0: the request has no name */
    FSP_FSCTL_DECLSPEC_ALIGN UINT8 Buffer[];
} FSP_FSCTL_TRANSACT_REQ;
FSP_FSCTL_STATIC_ASSERT(88 == sizeof(FSP_FSCTL_TRANSACT_REQ), "FSP_FSCTL_TRANSACT_REQ is ABI");

/** The file system's answer. */
typedef struct
{
    UINT16 Version;
    UINT16 Size; /* with the variable part */
    UINT32 Kind;
    UINT64 Hint;
    struct
    {
        UINT32 Information;
        UINT32 Status;
    } IoStatus;
    union
    {
        union
        {
            struct
            {
                FSP_FSCTL_TRANSACT_CONTEXT_FIELDS_
                UINT32 GrantedAccess;
                FSP_FSCTL_TRANSACT_BUF SecurityDescriptor;
                FSP_FSCTL_FILE_INFO FileInfo;
                FSP_FSCTL_TRANSACT_BUF FileName; /* normalized; Size without terminator */
                UINT32 DisableCache : 1;
                UINT32 HasSecurityDescriptor : 1;
                UINT32 ReservedFlags : 30;
            } Opened;
            struct
            {
                FSP_FSCTL_TRANSACT_BUF Buffer; /* of an open that ends with STATUS_REPARSE */
            } Reparse;
        } Create;
        struct
        {
            FSP_FSCTL_FILE_INFO FileInfo;
        } Overwrite;
        struct
        {
            FSP_FSCTL_FILE_INFO FileInfo;
        } Write;
        struct
        {
            FSP_FSCTL_FILE_INFO FileInfo;
        } QueryInformation;
        struct
        {
            FSP_FSCTL_FILE_INFO FileInfo;
        } SetInformation;
        struct
        {
            FSP_FSCTL_TRANSACT_BUF Ea;
        } QueryEa;
        struct
        {
            FSP_FSCTL_FILE_INFO FileInfo;
            FSP_FSCTL_TRANSACT_BUF Ea;
        } SetEa;
        struct
        {
            FSP_FSCTL_FILE_INFO FileInfo;
        } FlushBuffers;
        struct
        {
            FSP_FSCTL_VOLUME_INFO VolumeInfo;
        } QueryVolumeInformation;
        struct
        {
            FSP_FSCTL_VOLUME_INFO VolumeInfo;
        } SetVolumeInformation;
        struct
        {
            FSP_FSCTL_TRANSACT_BUF Buffer;
        } FileSystemControl;
        struct
        {
            FSP_FSCTL_TRANSACT_BUF Buffer;
        } DeviceControl;
        struct
        {
            FSP_FSCTL_TRANSACT_BUF SecurityDescriptor;
        } QuerySecurity;
        struct
        {
            FSP_FSCTL_TRANSACT_BUF SecurityDescriptor;
        } SetSecurity;
        struct
        {
            FSP_FSCTL_TRANSACT_BUF Buffer;
        } QueryStreamInformation;
        UINT8 Padding[104];
    } Rsp;
    FSP_FSCTL_DECLSPEC_ALIGN UINT8 Buffer[];
} FSP_FSCTL_TRANSACT_RSP;
FSP_FSCTL_STATIC_ASSERT(128 == sizeof(FSP_FSCTL_TRANSACT_RSP), "FSP_FSCTL_TRANSACT_RSP is ABI");

/* ---- Walking message buffers ------------------------------------------------------------------------ */

/** True if a request of any size fits between Request and RequestBufEnd. */
static inline BOOLEAN FspFsctlTransactCanProduceRequest(FSP_FSCTL_TRANSACT_REQ* Request, PVOID RequestBufEnd)
{
    return (PUINT8)RequestBufEnd >= (PUINT8)Request &&
           (SIZE_T)((PUINT8)RequestBufEnd - (PUINT8)Request) >= FSP_FSCTL_TRANSACT_REQ_SIZEMAX;
}

/** The place after a request of RequestSize bytes. */
static inline FSP_FSCTL_TRANSACT_REQ* FspFsctlTransactProduceRequest(FSP_FSCTL_TRANSACT_REQ* Request,
                                                                     SIZE_T RequestSize)
{
    return (FSP_FSCTL_TRANSACT_REQ*)(PVOID)((PUINT8)Request + FSP_FSCTL_DEFAULT_ALIGN_UP(RequestSize));
}

/** The request after Request; NULL if Request does not lie inside the buffer with all it claims. */
static inline FSP_FSCTL_TRANSACT_REQ* FspFsctlTransactConsumeRequest(FSP_FSCTL_TRANSACT_REQ* Request,
                                                                     PVOID RequestBufEnd)
{
    SIZE_T Rest, Size;
    if ((PUINT8)RequestBufEnd < (PUINT8)Request)
        return 0;
    Rest = (SIZE_T)((PUINT8)RequestBufEnd - (PUINT8)Request);
    if (Rest < 2 * sizeof(UINT16) || Request->Size < sizeof(FSP_FSCTL_TRANSACT_REQ))
        return 0;
    Size = FSP_FSCTL_DEFAULT_ALIGN_UP((SIZE_T)Request->Size);
    return Rest < Size ? 0 : (FSP_FSCTL_TRANSACT_REQ*)(PVOID)((PUINT8)Request + Size);
}

/** True if a response of any size fits between Response and ResponseBufEnd. */
static inline BOOLEAN FspFsctlTransactCanProduceResponse(FSP_FSCTL_TRANSACT_RSP* Response,
                                                         PVOID ResponseBufEnd)
{
    return (PUINT8)ResponseBufEnd >= (PUINT8)Response &&
           (SIZE_T)((PUINT8)ResponseBufEnd - (PUINT8)Response) >= FSP_FSCTL_TRANSACT_RSP_SIZEMAX;
}

/** The place after a response of ResponseSize bytes. */
static inline FSP_FSCTL_TRANSACT_RSP* FspFsctlTransactProduceResponse(FSP_FSCTL_TRANSACT_RSP* Response,
                                                                      SIZE_T ResponseSize)
{
    return (FSP_FSCTL_TRANSACT_RSP*)(PVOID)((PUINT8)Response + FSP_FSCTL_DEFAULT_ALIGN_UP(ResponseSize));
}

/** The response after Response; NULL if Response does not lie inside the buffer with all it claims. */
static inline FSP_FSCTL_TRANSACT_RSP* FspFsctlTransactConsumeResponse(FSP_FSCTL_TRANSACT_RSP* Response,
                                                                      PVOID ResponseBufEnd)
{
    SIZE_T Rest, Size;
    if ((PUINT8)ResponseBufEnd < (PUINT8)Response)
        return 0;
    Rest = (SIZE_T)((PUINT8)ResponseBufEnd - (PUINT8)Response);
    if (Rest < 2 * sizeof(UINT16) || Response->Size < sizeof(FSP_FSCTL_TRANSACT_RSP))
        return 0;
    Size = FSP_FSCTL_DEFAULT_ALIGN_UP((SIZE_T)Response->Size);
    return Rest < Size ? 0 : (FSP_FSCTL_TRANSACT_RSP*)(PVOID)((PUINT8)Response + Size);
}

/* ---- Inline dispatch (inside the product only) ------------------------------------------------------ */

#if defined(WINFSP_SYS_INTERNAL) || defined(WINFSP_DLL_INTERNAL)
/** Registers (or with Dispatch NULL removes, after the last call returned) the inline dispatch of a volume
 *  handle. Input: FSP_FSCTL_INLINE_INFO. Kernel mode callers only. */
#define FSP_FSCTL_INLINE CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + 'i', METHOD_NEITHER, FILE_ANY_ACCESS)

/**
 * Runs the file system on the calling thread.
 *
 * @return TRUE: *PResponse is the answer, valid until the next call on this thread (nested calls excepted);
 *         FALSE: the answer comes later through TRANSACT
 */
typedef BOOLEAN(NTAPI* FSP_FSCTL_INLINE_DISPATCH)(PVOID Context, FSP_FSCTL_TRANSACT_REQ* Request,
                                                  FSP_FSCTL_TRANSACT_RSP** PResponse);

typedef struct
{
    FSP_FSCTL_INLINE_DISPATCH Dispatch;
    PVOID Context;
    UINT32 MaxConcurrency; /* calls that may be in progress at once */
} FSP_FSCTL_INLINE_INFO;
#endif

#ifdef __cplusplus
}
#endif

#endif
