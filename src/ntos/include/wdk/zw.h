// SPDX-License-Identifier: MIT
// System services. NtXxx: the caller is user mode; ZwXxx: the caller is the kernel.
#pragma once

#include "wdk/mm.h"
#include "wdk/se.h"

extern "C" {

typedef enum _EVENT_INFORMATION_CLASS
{
    EventBasicInformation
} EVENT_INFORMATION_CLASS;
typedef struct _EVENT_BASIC_INFORMATION
{
    EVENT_TYPE EventType;
    LONG EventState;
} EVENT_BASIC_INFORMATION, *PEVENT_BASIC_INFORMATION;

typedef enum _OBJECT_INFORMATION_CLASS
{
    ObjectBasicInformation = 0,
    ObjectNameInformation = 1,
    ObjectTypeInformation = 2,
    ObjectHandleFlagInformation = 4
} OBJECT_INFORMATION_CLASS;

typedef enum _THREADINFOCLASS
{
    ThreadImpersonationToken = 5
} THREADINFOCLASS;

#define EVENT_QUERY_STATE 0x0001
#define EVENT_MODIFY_STATE 0x0002
#define EVENT_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x3)
#define DUPLICATE_CLOSE_SOURCE 0x00000001
#define DUPLICATE_SAME_ACCESS 0x00000002
#define DUPLICATE_SAME_ATTRIBUTES 0x00000004
#define DIRECTORY_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | 0xF)
#define THREAD_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0xFFFF)
#define PROCESS_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0xFFFF)
#define PROCESS_DUP_HANDLE 0x0040
#define NtCurrentProcess() ((HANDLE)(LONG_PTR) - 1)
#define ZwCurrentProcess() NtCurrentProcess()
#define NtCurrentThread() ((HANDLE)(LONG_PTR) - 2)
#define ZwCurrentThread() NtCurrentThread()

/// Declares NtName and ZwName with the same parameters.
#define FSP_SYSTEM_SERVICE(name, ...)                                                                        \
    NTSTATUS NTAPI Nt##name(__VA_ARGS__);                                                                    \
    NTSTATUS NTAPI Zw##name(__VA_ARGS__)

FSP_SYSTEM_SERVICE(CreateFile, PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                   POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                   PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                   ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength);
FSP_SYSTEM_SERVICE(OpenFile, PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                   POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess,
                   ULONG OpenOptions);
FSP_SYSTEM_SERVICE(Close, HANDLE Handle);
FSP_SYSTEM_SERVICE(ReadFile, HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                   PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset,
                   PULONG Key);
FSP_SYSTEM_SERVICE(WriteFile, HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                   PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset,
                   PULONG Key);
FSP_SYSTEM_SERVICE(FlushBuffersFile, HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock);
FSP_SYSTEM_SERVICE(FlushBuffersFileEx, HANDLE FileHandle, ULONG Flags, PVOID Parameters, ULONG ParametersSize,
                   PIO_STATUS_BLOCK IoStatusBlock);
#define FLUSH_FLAGS_FILE_DATA_ONLY 0x00000001
#define FLUSH_FLAGS_NO_SYNC 0x00000002
#define FLUSH_FLAGS_FILE_DATA_SYNC_ONLY 0x00000004
FSP_SYSTEM_SERVICE(QueryInformationFile, HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                   PVOID FileInformation, ULONG Length, FILE_INFORMATION_CLASS FileInformationClass);
FSP_SYSTEM_SERVICE(QueryInformationByName, POBJECT_ATTRIBUTES ObjectAttributes,
                   PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                   FILE_INFORMATION_CLASS FileInformationClass);
FSP_SYSTEM_SERVICE(SetInformationFile, HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                   PVOID FileInformation, ULONG Length, FILE_INFORMATION_CLASS FileInformationClass);
FSP_SYSTEM_SERVICE(QueryDirectoryFile, HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                   PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                   FILE_INFORMATION_CLASS FileInformationClass, BOOLEAN ReturnSingleEntry,
                   PUNICODE_STRING FileName, BOOLEAN RestartScan);
FSP_SYSTEM_SERVICE(QueryDirectoryFileEx, HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                   PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                   FILE_INFORMATION_CLASS FileInformationClass, ULONG QueryFlags, PUNICODE_STRING FileName);
FSP_SYSTEM_SERVICE(QueryVolumeInformationFile, HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                   PVOID FsInformation, ULONG Length, FS_INFORMATION_CLASS FsInformationClass);
FSP_SYSTEM_SERVICE(SetVolumeInformationFile, HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                   PVOID FsInformation, ULONG Length, FS_INFORMATION_CLASS FsInformationClass);
FSP_SYSTEM_SERVICE(QueryEaFile, HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                   BOOLEAN ReturnSingleEntry, PVOID EaList, ULONG EaListLength, PULONG EaIndex,
                   BOOLEAN RestartScan);
FSP_SYSTEM_SERVICE(SetEaFile, HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length);
FSP_SYSTEM_SERVICE(QuerySecurityObject, HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                   PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length, PULONG LengthNeeded);
FSP_SYSTEM_SERVICE(SetSecurityObject, HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                   PSECURITY_DESCRIPTOR SecurityDescriptor);
FSP_SYSTEM_SERVICE(FsControlFile, HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                   PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer,
                   ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength);
FSP_SYSTEM_SERVICE(DeviceIoControlFile, HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                   PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG IoControlCode, PVOID InputBuffer,
                   ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength);
FSP_SYSTEM_SERVICE(LockFile, HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                   PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER ByteOffset, PLARGE_INTEGER Length,
                   ULONG Key, BOOLEAN FailImmediately, BOOLEAN ExclusiveLock);
FSP_SYSTEM_SERVICE(UnlockFile, HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER ByteOffset,
                   PLARGE_INTEGER Length, ULONG Key);
FSP_SYSTEM_SERVICE(NotifyChangeDirectoryFile, HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                   PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                   ULONG CompletionFilter, BOOLEAN WatchTree);
FSP_SYSTEM_SERVICE(CancelIoFile, HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock);
FSP_SYSTEM_SERVICE(CancelIoFileEx, HANDLE FileHandle, PIO_STATUS_BLOCK IoRequestToCancel,
                   PIO_STATUS_BLOCK IoStatusBlock);
FSP_SYSTEM_SERVICE(CancelSynchronousIoFile, HANDLE ThreadHandle, PIO_STATUS_BLOCK IoRequestToCancel,
                   PIO_STATUS_BLOCK IoStatusBlock);
FSP_SYSTEM_SERVICE(QueryAttributesFile, POBJECT_ATTRIBUTES ObjectAttributes,
                   PFILE_BASIC_INFORMATION FileInformation);
FSP_SYSTEM_SERVICE(QueryFullAttributesFile, POBJECT_ATTRIBUTES ObjectAttributes,
                   PFILE_NETWORK_OPEN_INFORMATION FileInformation);
FSP_SYSTEM_SERVICE(DeleteFile, POBJECT_ATTRIBUTES ObjectAttributes);

FSP_SYSTEM_SERVICE(WaitForSingleObject, HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout);
FSP_SYSTEM_SERVICE(WaitForMultipleObjects, ULONG Count, PHANDLE Handles, WAIT_TYPE WaitType,
                   BOOLEAN Alertable, PLARGE_INTEGER Timeout);
FSP_SYSTEM_SERVICE(CreateEvent, PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                   POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType, BOOLEAN InitialState);
FSP_SYSTEM_SERVICE(SetEvent, HANDLE EventHandle, PLONG PreviousState);
FSP_SYSTEM_SERVICE(ResetEvent, HANDLE EventHandle, PLONG PreviousState);
FSP_SYSTEM_SERVICE(ClearEvent, HANDLE EventHandle);
FSP_SYSTEM_SERVICE(QueryEvent, HANDLE EventHandle, EVENT_INFORMATION_CLASS EventInformationClass,
                   PVOID EventInformation, ULONG EventInformationLength, PULONG ReturnLength);
FSP_SYSTEM_SERVICE(DelayExecution, BOOLEAN Alertable, PLARGE_INTEGER DelayInterval);

FSP_SYSTEM_SERVICE(CreateSection, PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                   POBJECT_ATTRIBUTES ObjectAttributes, PLARGE_INTEGER MaximumSize,
                   ULONG SectionPageProtection, ULONG AllocationAttributes, HANDLE FileHandle);
FSP_SYSTEM_SERVICE(MapViewOfSection, HANDLE SectionHandle, HANDLE ProcessHandle, PVOID* BaseAddress,
                   ULONG_PTR ZeroBits, SIZE_T CommitSize, PLARGE_INTEGER SectionOffset, PSIZE_T ViewSize,
                   SECTION_INHERIT InheritDisposition, ULONG AllocationType, ULONG Win32Protect);
FSP_SYSTEM_SERVICE(UnmapViewOfSection, HANDLE ProcessHandle, PVOID BaseAddress);
FSP_SYSTEM_SERVICE(ExtendSection, HANDLE SectionHandle, PLARGE_INTEGER NewSectionSize);
FSP_SYSTEM_SERVICE(FlushVirtualMemory, HANDLE ProcessHandle, PVOID* BaseAddress, PSIZE_T RegionSize,
                   PIO_STATUS_BLOCK IoStatus);

FSP_SYSTEM_SERVICE(DuplicateObject, HANDLE SourceProcessHandle, HANDLE SourceHandle,
                   HANDLE TargetProcessHandle, PHANDLE TargetHandle, ACCESS_MASK DesiredAccess,
                   ULONG HandleAttributes, ULONG Options);
FSP_SYSTEM_SERVICE(QueryObject, HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
                   PVOID ObjectInformation, ULONG ObjectInformationLength, PULONG ReturnLength);
FSP_SYSTEM_SERVICE(CreateDirectoryObject, PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                   POBJECT_ATTRIBUTES ObjectAttributes);
FSP_SYSTEM_SERVICE(MakeTemporaryObject, HANDLE Handle);
FSP_SYSTEM_SERVICE(OpenProcessTokenEx, HANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                   ULONG HandleAttributes, PHANDLE TokenHandle);
FSP_SYSTEM_SERVICE(OpenThreadTokenEx, HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                   ULONG HandleAttributes, PHANDLE TokenHandle);
FSP_SYSTEM_SERVICE(DuplicateToken, HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
                   POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly, TOKEN_TYPE TokenType,
                   PHANDLE NewTokenHandle);
FSP_SYSTEM_SERVICE(QueryInformationToken, HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                   PVOID TokenInformation, ULONG TokenInformationLength, PULONG ReturnLength);
NTSTATUS NTAPI NtFilterToken(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
                             PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids,
                             PHANDLE NewTokenHandle);
#define DISABLE_MAX_PRIVILEGE 0x1
FSP_SYSTEM_SERVICE(AdjustPrivilegesToken, HANDLE TokenHandle, BOOLEAN DisableAllPrivileges,
                   PTOKEN_PRIVILEGES NewState, ULONG BufferLength, PTOKEN_PRIVILEGES PreviousState,
                   PULONG ReturnLength);
FSP_SYSTEM_SERVICE(SetInformationThread, HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                   PVOID ThreadInformation, ULONG ThreadInformationLength);
FSP_SYSTEM_SERVICE(QuerySystemTime, PLARGE_INTEGER SystemTime);
FSP_SYSTEM_SERVICE(AllocateVirtualMemory, HANDLE ProcessHandle, PVOID* BaseAddress, ULONG_PTR ZeroBits,
                   PSIZE_T RegionSize, ULONG AllocationType, ULONG Protect);
FSP_SYSTEM_SERVICE(FreeVirtualMemory, HANDLE ProcessHandle, PVOID* BaseAddress, PSIZE_T RegionSize,
                   ULONG FreeType);

} // extern "C"
