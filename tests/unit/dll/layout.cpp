// SPDX-License-Identifier: MIT
//
// The binary interface: sizes, offsets and values that programs compiled elsewhere rely on. All of it is
// checked at compile time, for this system and (tests/headers) for Windows.
#include <cstddef>

#include <winfsp/winfsp.hpp>

namespace {

/// A value that depends on the width of pointers.
constexpr size_t wide(size_t on_64, size_t on_32) { return sizeof(void*) == 8 ? on_64 : on_32; }

#define SIZE(type, size) static_assert(sizeof(type) == (size), #type)
#define AT(type, member, offset) static_assert(offsetof(type, member) == (offset), #type "." #member)
#define VALUE(name, value) static_assert((name) == (value), #name)

// ---- Control codes

VALUE(FSP_FSCTL_QUERY_WINFSP, 0x000920FC);
VALUE(FSP_FSCTL_VOLUME_LIST, 0x00092130);
VALUE(FSP_FSCTL_MOUNTDEV, 0x00092134);
VALUE(FSP_FSCTL_VOLUME_NAME, 0x00092138);
VALUE(FSP_FSCTL_STOP, 0x0009214C);
VALUE(FSP_FSCTL_TRANSACT, 0x00092150);
VALUE(FSP_FSCTL_UNLOAD, 0x00092157);
VALUE(FSP_FSCTL_MOUNTMGR, 0x000921B4);
VALUE(FSP_FSCTL_NOTIFY, 0x000921BB);
VALUE(FSP_FSCTL_STOP0, 0x000921CC);
VALUE(FSP_FSCTL_TRANSACT_BATCH, 0x000921D2);
VALUE(FSP_FSCTL_TRANSACT_INTERNAL, 0x00092127);
VALUE(static_cast<UINT32>(FSP_IOCTL_TRANSACT), 0xC6572150u);
VALUE(static_cast<UINT32>(FSP_IOCTL_TRANSACT_BATCH), 0xC65721D0u);
VALUE(static_cast<UINT32>(FSP_IOCTL_TRANSACT_INTERNAL), 0xC6572124u);

// ---- Sizes

VALUE(sizeof FSP_FSCTL_VOLUME_PARAMS_PREFIX, 14 + 1);
VALUE(FSP_FSCTL_VOLUME_NAME_SIZE, 128);
VALUE(FSP_FSCTL_VOLUME_PREFIX_SIZE, 384);
VALUE(FSP_FSCTL_VOLUME_FSNAME_SIZE, 32);
VALUE(FSP_FSCTL_VOLUME_NAME_SIZEMAX, 512);
VALUE(FSP_FSCTL_TRANSACT_PATH_SIZEMAX, 2048);
VALUE(FSP_FSCTL_TRANSACT_REQ_SIZEMAX, 16320);
VALUE(FSP_FSCTL_TRANSACT_RSP_SIZEMAX, 16384);
VALUE(FSP_FSCTL_TRANSACT_REQ_BUFFER_SIZEMAX, 16232);
VALUE(FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX, 16256);
VALUE(FSP_FSCTL_TRANSACT_BUFFER_SIZEMIN, 16320);
VALUE(FSP_FSCTL_TRANSACT_BATCH_BUFFER_SIZEMIN, 65536);
VALUE(FSP_FSCTL_DEVICECONTROL_SIZEMAX, 4096);
VALUE(FSP_FSCTL_NOTIFY_INFO_SIZEMAX, 0x7FFFFFFF);
VALUE(FSP_FSCTL_DEFAULT_ALIGN_UP(1), 8);
VALUE(FSP_FSCTL_DEFAULT_ALIGN_UP(8), 8);
VALUE(FSP_FSCTL_ALIGN_UP(513, 512), 1024);

// ---- Enumerations

VALUE(FspFsctlTransactReservedKind, 0);
VALUE(FspFsctlTransactCreateKind, 1);
VALUE(FspFsctlTransactOverwriteKind, 2);
VALUE(FspFsctlTransactCleanupKind, 3);
VALUE(FspFsctlTransactCloseKind, 4);
VALUE(FspFsctlTransactReadKind, 5);
VALUE(FspFsctlTransactWriteKind, 6);
VALUE(FspFsctlTransactQueryInformationKind, 7);
VALUE(FspFsctlTransactSetInformationKind, 8);
VALUE(FspFsctlTransactQueryEaKind, 9);
VALUE(FspFsctlTransactSetEaKind, 10);
VALUE(FspFsctlTransactFlushBuffersKind, 11);
VALUE(FspFsctlTransactQueryVolumeInformationKind, 12);
VALUE(FspFsctlTransactSetVolumeInformationKind, 13);
VALUE(FspFsctlTransactQueryDirectoryKind, 14);
VALUE(FspFsctlTransactFileSystemControlKind, 15);
VALUE(FspFsctlTransactDeviceControlKind, 16);
VALUE(FspFsctlTransactShutdownKind, 17);
VALUE(FspFsctlTransactLockControlKind, 18);
VALUE(FspFsctlTransactQuerySecurityKind, 19);
VALUE(FspFsctlTransactSetSecurityKind, 20);
VALUE(FspFsctlTransactQueryStreamInformationKind, 21);
VALUE(FspFsctlTransactKindCount, 22);
VALUE(FspFsctlTransactTimeoutMinimum, 1000);
VALUE(FspFsctlTransactTimeoutMaximum, 10000);
VALUE(FspFsctlTransactTimeoutDefault, 1000);
VALUE(FspFsctlIrpTimeoutMinimum, 60000);
VALUE(FspFsctlIrpTimeoutMaximum, 600000);
VALUE(FspFsctlIrpTimeoutDefault, 300000);
VALUE(FspFsctlIrpTimeoutDebug, 142);
VALUE(FspFsctlIrpCapacityMinimum, 100);
VALUE(FspFsctlIrpCapacityMaximum, 1000);
VALUE(FspFsctlIrpCapacityDefault, 1000);
VALUE(FspCleanupDelete, 0x01);
VALUE(FspCleanupSetAllocationSize, 0x02);
VALUE(FspCleanupSetArchiveBit, 0x10);
VALUE(FspCleanupSetLastAccessTime, 0x20);
VALUE(FspCleanupSetLastWriteTime, 0x40);
VALUE(FspCleanupSetChangeTime, 0x80);
VALUE(FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_FINE, 0);
VALUE(FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_COARSE, 1);
SIZE(FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY, 4);

// ---- Information

SIZE(FSP_FSCTL_VOLUME_PARAMS_V0, 456);
SIZE(FSP_FSCTL_VOLUME_PARAMS, 504);
AT(FSP_FSCTL_VOLUME_PARAMS, SectorSize, 2);
AT(FSP_FSCTL_VOLUME_PARAMS, SectorsPerAllocationUnit, 4);
AT(FSP_FSCTL_VOLUME_PARAMS, MaxComponentLength, 6);
AT(FSP_FSCTL_VOLUME_PARAMS, VolumeCreationTime, 8);
AT(FSP_FSCTL_VOLUME_PARAMS, VolumeSerialNumber, 16);
AT(FSP_FSCTL_VOLUME_PARAMS, TransactTimeout, 20);
AT(FSP_FSCTL_VOLUME_PARAMS, IrpTimeout, 24);
AT(FSP_FSCTL_VOLUME_PARAMS, IrpCapacity, 28);
AT(FSP_FSCTL_VOLUME_PARAMS, FileInfoTimeout, 32);
AT(FSP_FSCTL_VOLUME_PARAMS, Prefix, 40);
AT(FSP_FSCTL_VOLUME_PARAMS, FileSystemName, 424);
AT(FSP_FSCTL_VOLUME_PARAMS, VolumeInfoTimeout, 460);
AT(FSP_FSCTL_VOLUME_PARAMS, DirInfoTimeout, 464);
AT(FSP_FSCTL_VOLUME_PARAMS, SecurityTimeout, 468);
AT(FSP_FSCTL_VOLUME_PARAMS, StreamInfoTimeout, 472);
AT(FSP_FSCTL_VOLUME_PARAMS, EaTimeout, 476);
AT(FSP_FSCTL_VOLUME_PARAMS, FsextControlCode, 480);
AT(FSP_FSCTL_VOLUME_PARAMS, Reserved32, 484);
AT(FSP_FSCTL_VOLUME_PARAMS, Reserved64, 488);

SIZE(FSP_FSCTL_VOLUME_INFO, 88);
AT(FSP_FSCTL_VOLUME_INFO, FreeSize, 8);
AT(FSP_FSCTL_VOLUME_INFO, VolumeLabelLength, 16);
AT(FSP_FSCTL_VOLUME_INFO, VolumeLabel, 18);

SIZE(FSP_FSCTL_FILE_INFO, 72);
AT(FSP_FSCTL_FILE_INFO, ReparseTag, 4);
AT(FSP_FSCTL_FILE_INFO, AllocationSize, 8);
AT(FSP_FSCTL_FILE_INFO, FileSize, 16);
AT(FSP_FSCTL_FILE_INFO, CreationTime, 24);
AT(FSP_FSCTL_FILE_INFO, LastAccessTime, 32);
AT(FSP_FSCTL_FILE_INFO, LastWriteTime, 40);
AT(FSP_FSCTL_FILE_INFO, ChangeTime, 48);
AT(FSP_FSCTL_FILE_INFO, IndexNumber, 56);
AT(FSP_FSCTL_FILE_INFO, HardLinks, 64);
AT(FSP_FSCTL_FILE_INFO, EaSize, 68);

SIZE(FSP_FSCTL_OPEN_FILE_INFO, wide(88, 80));
AT(FSP_FSCTL_OPEN_FILE_INFO, NormalizedName, 72);
AT(FSP_FSCTL_OPEN_FILE_INFO, NormalizedNameSize, wide(80, 76));

SIZE(FSP_FSCTL_DIR_INFO, 104);
AT(FSP_FSCTL_DIR_INFO, FileInfo, 8);
AT(FSP_FSCTL_DIR_INFO, NextOffset, 80);
AT(FSP_FSCTL_DIR_INFO, FileNameBuf, 104);
SIZE(FSP_FSCTL_STREAM_INFO, 24);
AT(FSP_FSCTL_STREAM_INFO, StreamSize, 8);
AT(FSP_FSCTL_STREAM_INFO, StreamAllocationSize, 16);
AT(FSP_FSCTL_STREAM_INFO, StreamNameBuf, 24);
SIZE(FSP_FSCTL_NOTIFY_INFO, 12);
AT(FSP_FSCTL_NOTIFY_INFO, Filter, 4);
AT(FSP_FSCTL_NOTIFY_INFO, Action, 8);
AT(FSP_FSCTL_NOTIFY_INFO, FileNameBuf, 12);

SIZE(FSP_FSCTL_TRANSACT_FULL_CONTEXT, 16);
AT(FSP_FSCTL_TRANSACT_FULL_CONTEXT, UserContext2, 8);
SIZE(FSP_FSCTL_TRANSACT_BUF, 4);
AT(FSP_FSCTL_TRANSACT_BUF, Size, 2);

// ---- Requests

using Req = FSP_FSCTL_TRANSACT_REQ;
SIZE(Req, 88);
AT(Req, Size, 2);
AT(Req, Kind, 4);
AT(Req, Hint, 8);
AT(Req, Req, 16);
AT(Req, FileName, 80);
AT(Req, Buffer, 88);
AT(Req, Req.Create.CreateOptions, 16);
AT(Req, Req.Create.FileAttributes, 20);
AT(Req, Req.Create.SecurityDescriptor, 24);
AT(Req, Req.Create.AllocationSize, 32);
AT(Req, Req.Create.AccessToken, 40);
AT(Req, Req.Create.DesiredAccess, 48);
AT(Req, Req.Create.GrantedAccess, 52);
AT(Req, Req.Create.ShareAccess, 56);
AT(Req, Req.Create.Ea, 60);
AT(Req, Req.Create.NamedStream, 72);
AT(Req, Req.Overwrite.UserContext, 16);
AT(Req, Req.Overwrite.UserContext2, 24);
AT(Req, Req.Overwrite.FileAttributes, 32);
AT(Req, Req.Overwrite.AllocationSize, 40);
AT(Req, Req.Overwrite.Ea, 52);
AT(Req, Req.Cleanup.UserContext2, 24);
AT(Req, Req.Close.UserContext2, 24);
AT(Req, Req.Read.Address, 32);
AT(Req, Req.Read.Offset, 40);
AT(Req, Req.Read.Length, 48);
AT(Req, Req.Read.Key, 52);
AT(Req, Req.Write.Address, 32);
AT(Req, Req.Write.Offset, 40);
AT(Req, Req.Write.Length, 48);
AT(Req, Req.Write.Key, 52);
AT(Req, Req.SetInformation.FileInformationClass, 32);
AT(Req, Req.SetInformation.Info.Basic.FileAttributes, 40);
AT(Req, Req.SetInformation.Info.Basic.CreationTime, 48);
AT(Req, Req.SetInformation.Info.Basic.LastAccessTime, 56);
AT(Req, Req.SetInformation.Info.Basic.LastWriteTime, 64);
AT(Req, Req.SetInformation.Info.Basic.ChangeTime, 72);
AT(Req, Req.SetInformation.Info.Allocation.AllocationSize, 40);
AT(Req, Req.SetInformation.Info.EndOfFile.FileSize, 40);
AT(Req, Req.SetInformation.Info.DispositionEx.Flags, 40);
AT(Req, Req.SetInformation.Info.Rename.NewFileName, 40);
AT(Req, Req.SetInformation.Info.Rename.AccessToken, 48);
AT(Req, Req.SetInformation.Info.RenameEx.NewFileName, 40);
AT(Req, Req.SetInformation.Info.RenameEx.AccessToken, 48);
AT(Req, Req.SetInformation.Info.RenameEx.Flags, 56);
AT(Req, Req.SetEa.Ea, 32);
AT(Req, Req.SetVolumeInformation.FsInformationClass, 16);
AT(Req, Req.SetVolumeInformation.Info.FsLabel.VolumeLabel, 20);
AT(Req, Req.QueryDirectory.Address, 32);
AT(Req, Req.QueryDirectory.Length, 40);
AT(Req, Req.QueryDirectory.Pattern, 44);
AT(Req, Req.QueryDirectory.Marker, 48);
AT(Req, Req.FileSystemControl.FsControlCode, 32);
AT(Req, Req.FileSystemControl.Buffer, 36);
AT(Req, Req.FileSystemControl.TargetOnFileSystem, 40);
AT(Req, Req.DeviceControl.IoControlCode, 32);
AT(Req, Req.DeviceControl.Buffer, 36);
AT(Req, Req.DeviceControl.OutputLength, 40);
AT(Req, Req.SetSecurity.SecurityInformation, 32);
AT(Req, Req.SetSecurity.SecurityDescriptor, 36);

// ---- Responses

using Rsp = FSP_FSCTL_TRANSACT_RSP;
SIZE(Rsp, 128);
AT(Rsp, Size, 2);
AT(Rsp, Kind, 4);
AT(Rsp, Hint, 8);
AT(Rsp, IoStatus.Information, 16);
AT(Rsp, IoStatus.Status, 20);
AT(Rsp, Rsp, 24);
AT(Rsp, Buffer, 128);
AT(Rsp, Rsp.Create.Opened.UserContext, 24);
AT(Rsp, Rsp.Create.Opened.UserContext2, 32);
AT(Rsp, Rsp.Create.Opened.GrantedAccess, 40);
AT(Rsp, Rsp.Create.Opened.SecurityDescriptor, 44);
AT(Rsp, Rsp.Create.Opened.FileInfo, 48);
AT(Rsp, Rsp.Create.Opened.FileName, 120);
AT(Rsp, Rsp.Create.Reparse.Buffer, 24);
AT(Rsp, Rsp.Overwrite.FileInfo, 24);
AT(Rsp, Rsp.Write.FileInfo, 24);
AT(Rsp, Rsp.QueryInformation.FileInfo, 24);
AT(Rsp, Rsp.SetInformation.FileInfo, 24);
AT(Rsp, Rsp.FlushBuffers.FileInfo, 24);
AT(Rsp, Rsp.QueryEa.Ea, 24);
AT(Rsp, Rsp.SetEa.FileInfo, 24);
AT(Rsp, Rsp.SetEa.Ea, 96);
AT(Rsp, Rsp.QueryVolumeInformation.VolumeInfo, 24);
AT(Rsp, Rsp.SetVolumeInformation.VolumeInfo, 24);
AT(Rsp, Rsp.FileSystemControl.Buffer, 24);
AT(Rsp, Rsp.DeviceControl.Buffer, 24);
AT(Rsp, Rsp.QueryStreamInformation.Buffer, 24);
AT(Rsp, Rsp.QuerySecurity.SecurityDescriptor, 24);
AT(Rsp, Rsp.SetSecurity.SecurityDescriptor, 24);

// ---- Objects

SIZE(FSP_MOUNT_DESC, wide(48, 32));
AT(FSP_MOUNT_DESC, VolumeName, wide(8, 4));
AT(FSP_MOUNT_DESC, Security, wide(16, 8));
AT(FSP_MOUNT_DESC, Reserved, wide(24, 16));
AT(FSP_MOUNT_DESC, MountPoint, wide(32, 24));
AT(FSP_MOUNT_DESC, MountHandle, wide(40, 28));

SIZE(FSP_FILE_SYSTEM, wide(792, 660));
AT(FSP_FILE_SYSTEM, UserContext, wide(8, 4));
AT(FSP_FILE_SYSTEM, VolumeName, wide(16, 8));
AT(FSP_FILE_SYSTEM, VolumeHandle, wide(528, 520));
AT(FSP_FILE_SYSTEM, EnterOperation, wide(536, 524));
AT(FSP_FILE_SYSTEM, LeaveOperation, wide(544, 528));
AT(FSP_FILE_SYSTEM, Operations, wide(552, 532));
AT(FSP_FILE_SYSTEM, Interface, wide(728, 620));
AT(FSP_FILE_SYSTEM, DispatcherThread, wide(736, 624));
AT(FSP_FILE_SYSTEM, DispatcherThreadCount, wide(744, 628));
AT(FSP_FILE_SYSTEM, DispatcherResult, wide(748, 632));
AT(FSP_FILE_SYSTEM, MountPoint, wide(752, 636));
AT(FSP_FILE_SYSTEM, MountHandle, wide(760, 640));
AT(FSP_FILE_SYSTEM, DebugLog, wide(768, 644));
AT(FSP_FILE_SYSTEM, OpGuardStrategy, wide(772, 648));
AT(FSP_FILE_SYSTEM, OpGuardLock, wide(776, 652));
AT(FSP_FILE_SYSTEM, UmFileContextIsUserContext2, wide(784, 656));
AT(FSP_FILE_SYSTEM, UmFileContextIsFullContext, wide(785, 657));

using Interface = FSP_FILE_SYSTEM_INTERFACE;
SIZE(Interface, wide(512, 256));
#define SLOT(number, member) AT(Interface, member, (number) * sizeof(void*))
SLOT(0, GetVolumeInfo);
SLOT(1, SetVolumeLabel);
SLOT(2, GetSecurityByName);
SLOT(3, Create);
SLOT(4, Open);
SLOT(5, Overwrite);
SLOT(6, Cleanup);
SLOT(7, Close);
SLOT(8, Read);
SLOT(9, Write);
SLOT(10, Flush);
SLOT(11, GetFileInfo);
SLOT(12, SetBasicInfo);
SLOT(13, SetFileSize);
SLOT(14, CanDelete);
SLOT(15, Rename);
SLOT(16, GetSecurity);
SLOT(17, SetSecurity);
SLOT(18, ReadDirectory);
SLOT(19, ResolveReparsePoints);
SLOT(20, GetReparsePoint);
SLOT(21, SetReparsePoint);
SLOT(22, DeleteReparsePoint);
SLOT(23, GetStreamInfo);
SLOT(24, GetDirInfoByName);
SLOT(25, Control);
SLOT(26, SetDelete);
SLOT(27, CreateEx);
SLOT(28, OverwriteEx);
SLOT(29, GetEa);
SLOT(30, SetEa);
SLOT(31, Obsolete0);
SLOT(32, DispatcherStopped);
SLOT(33, Reserved);

SIZE(FSP_FILE_SYSTEM_OPERATION_CONTEXT, wide(16, 8));
AT(FSP_FILE_SYSTEM_OPERATION_CONTEXT, Response, wide(8, 4));

AT(REPARSE_DATA_BUFFER, ReparseDataLength, 4);
AT(REPARSE_DATA_BUFFER, Reserved, 6);
AT(REPARSE_DATA_BUFFER, SymbolicLinkReparseBuffer.Flags, 16);
AT(REPARSE_DATA_BUFFER, SymbolicLinkReparseBuffer.PathBuffer, 20);
AT(REPARSE_DATA_BUFFER, MountPointReparseBuffer.PathBuffer, 16);
AT(REPARSE_DATA_BUFFER, GenericReparseBuffer.DataBuffer, 8);
VALUE(REPARSE_DATA_BUFFER_HEADER_SIZE, 8);
VALUE(SYMLINK_FLAG_RELATIVE, 1);
AT(FILE_FULL_EA_INFORMATION, Flags, 4);
AT(FILE_FULL_EA_INFORMATION, EaNameLength, 5);
AT(FILE_FULL_EA_INFORMATION, EaValueLength, 6);
AT(FILE_FULL_EA_INFORMATION, EaName, 8);
VALUE(FILE_NEED_EA, 0x80);

SIZE(FSP_SERVICE, wide(176, 112));
AT(FSP_SERVICE, UserContext, wide(8, 4));
AT(FSP_SERVICE, OnStart, wide(16, 8));
AT(FSP_SERVICE, OnStop, wide(24, 12));
AT(FSP_SERVICE, OnControl, wide(32, 16));
AT(FSP_SERVICE, AcceptControl, wide(40, 20));
AT(FSP_SERVICE, ExitCode, wide(44, 24));
AT(FSP_SERVICE, StatusHandle, wide(48, 28));
AT(FSP_SERVICE, ServiceStatus, wide(56, 32));
AT(FSP_SERVICE, ServiceStatusGuard, wide(88, 60));
AT(FSP_SERVICE, ServiceStopGuard, wide(128, 84));
AT(FSP_SERVICE, AllowConsoleMode, wide(168, 108));
AT(FSP_SERVICE, ServiceName, wide(170, 110));

} // namespace
