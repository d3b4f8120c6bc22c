// SPDX-License-Identifier: MIT
/**
 * @file
 * Reparse points ([MS-FSCC] 2.1.2). Included by <winfsp/nt.h>.
 */
#ifndef WINFSP_NTREPARSE_H_INCLUDED
#define WINFSP_NTREPARSE_H_INCLUDED

#define IO_REPARSE_TAG_RESERVED_ZERO 0x00000000u
#define IO_REPARSE_TAG_RESERVED_ONE 0x00000001u
#define IO_REPARSE_TAG_RESERVED_RANGE IO_REPARSE_TAG_RESERVED_ONE
#define IO_REPARSE_TAG_MOUNT_POINT 0xA0000003u
#define IO_REPARSE_TAG_HSM 0xC0000004u
#define IO_REPARSE_TAG_DRIVE_EXTENDER 0x80000005u
#define IO_REPARSE_TAG_HSM2 0x80000006u
#define IO_REPARSE_TAG_SIS 0x80000007u
#define IO_REPARSE_TAG_WIM 0x80000008u
#define IO_REPARSE_TAG_CSV 0x80000009u
#define IO_REPARSE_TAG_DFS 0x8000000Au
#define IO_REPARSE_TAG_FILTER_MANAGER 0x8000000Bu
#define IO_REPARSE_TAG_SYMLINK 0xA000000Cu
#define IO_REPARSE_TAG_IIS_CACHE 0xA0000010u
#define IO_REPARSE_TAG_DFSR 0x80000012u
#define IO_REPARSE_TAG_DEDUP 0x80000013u
#define IO_REPARSE_TAG_NFS 0x80000014u
#define IO_REPARSE_TAG_FILE_PLACEHOLDER 0x80000015u
#define IO_REPARSE_TAG_WOF 0x80000017u
#define IO_REPARSE_TAG_WCI 0x80000018u
#define IO_REPARSE_TAG_GLOBAL_REPARSE 0xA0000019u
#define IO_REPARSE_TAG_CLOUD 0x9000001Au
#define IO_REPARSE_TAG_APPEXECLINK 0x8000001Bu
#define IO_REPARSE_TAG_PROJFS 0x9000001Cu
#define IO_REPARSE_TAG_LX_SYMLINK 0xA000001Du
#define IO_REPARSE_TAG_STORAGE_SYNC 0x8000001Eu
#define IO_REPARSE_TAG_WCI_TOMBSTONE 0xA000001Fu
#define IO_REPARSE_TAG_UNHANDLED 0x80000020u
#define IO_REPARSE_TAG_ONEDRIVE 0x80000021u
#define IO_REPARSE_TAG_PROJFS_TOMBSTONE 0xA0000022u
#define IO_REPARSE_TAG_AF_UNIX 0x80000023u
#define IO_REPARSE_TAG_LX_FIFO 0x80000024u
#define IO_REPARSE_TAG_LX_CHR 0x80000025u
#define IO_REPARSE_TAG_LX_BLK 0x80000026u
#define IO_REPARSE_TAG_WCI_LINK 0xA0000027u
#define IO_REPARSE_TAG_DATALESS_CIM 0xA0000028u
#define IO_REPARSE_TAG_WCI_1 0x90001018u
#define IO_REPARSE_TAG_CLOUD_1 0x9000101Au
#define IO_REPARSE_TAG_WCI_LINK_1 0xA0001027u
#define IO_REPARSE_TAG_CLOUD_2 0x9000201Au
#define IO_REPARSE_TAG_CLOUD_3 0x9000301Au
#define IO_REPARSE_TAG_CLOUD_4 0x9000401Au
#define IO_REPARSE_TAG_CLOUD_5 0x9000501Au
#define IO_REPARSE_TAG_CLOUD_6 0x9000601Au
#define IO_REPARSE_TAG_CLOUD_7 0x9000701Au
#define IO_REPARSE_TAG_CLOUD_8 0x9000801Au
#define IO_REPARSE_TAG_CLOUD_9 0x9000901Au
#define IO_REPARSE_TAG_CLOUD_A 0x9000A01Au
#define IO_REPARSE_TAG_CLOUD_B 0x9000B01Au
#define IO_REPARSE_TAG_CLOUD_C 0x9000C01Au
#define IO_REPARSE_TAG_CLOUD_D 0x9000D01Au
#define IO_REPARSE_TAG_CLOUD_E 0x9000E01Au
#define IO_REPARSE_TAG_CLOUD_F 0x9000F01Au
#define IO_REPARSE_TAG_CLOUD_MASK 0x0000F000u

#define IO_REPARSE_TAG_VALID_VALUES 0xF000FFFFu
#define IsReparseTagMicrosoft(tag) (((tag) & 0x80000000u) != 0)
#define IsReparseTagNameSurrogate(tag) (((tag) & 0x20000000u) != 0)
#define IsReparseTagDirectory(tag) (((tag) & 0x10000000u) != 0)
#define IsReparseTagValid(tag)                                                                               \
    (!((tag) & ~IO_REPARSE_TAG_VALID_VALUES) && ((tag) > IO_REPARSE_TAG_RESERVED_RANGE))

#define MAXIMUM_REPARSE_DATA_BUFFER_SIZE (16 * 1024)
#define SYMLINK_FLAG_RELATIVE 0x00000001
#define SYMLINK_DIRECTORY 0x80000000u
#define SYMLINK_FILE 0x40000000u

/** Data of a Microsoft tag. PathBuffer offsets and lengths count bytes. */
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

/** Data of a tag that is not Microsoft's. */
typedef struct _REPARSE_GUID_DATA_BUFFER
{
    ULONG ReparseTag;
    USHORT ReparseDataLength;
    USHORT Reserved;
    GUID ReparseGuid;
    struct
    {
        UCHAR DataBuffer[1];
    } GenericReparseBuffer;
} REPARSE_GUID_DATA_BUFFER, *PREPARSE_GUID_DATA_BUFFER;

#define REPARSE_DATA_BUFFER_HEADER_SIZE FIELD_OFFSET(REPARSE_DATA_BUFFER, GenericReparseBuffer)
#define REPARSE_GUID_DATA_BUFFER_HEADER_SIZE FIELD_OFFSET(REPARSE_GUID_DATA_BUFFER, GenericReparseBuffer)

/* IO_REPARSE_TAG_NFS ([MS-FSCC] 2.1.2.6): DataBuffer starts with one of these 64-bit types. */
#define NFS_SPECFILE_LNK 0x00000000014B4E4Cull
#define NFS_SPECFILE_CHR 0x0000000000524843ull
#define NFS_SPECFILE_BLK 0x00000000004B4C42ull
#define NFS_SPECFILE_FIFO 0x000000004F464946ull
#define NFS_SPECFILE_SOCK 0x000000004B434F53ull

#endif
