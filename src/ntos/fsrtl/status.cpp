// SPDX-License-Identifier: MIT
//
// Which statuses a file system may turn into an answer, and small services around them.
#include <ntifs.h>

BOOLEAN NTAPI FsRtlIsNtstatusExpected(NTSTATUS Exception)
{
    switch (Exception) {
    case STATUS_DATATYPE_MISALIGNMENT:
    case STATUS_ACCESS_VIOLATION:
    case STATUS_ILLEGAL_INSTRUCTION:
    case STATUS_INSTRUCTION_MISALIGNMENT:
        return FALSE;
    default:
        return TRUE;
    }
}

NTSTATUS NTAPI FsRtlNormalizeNtstatus(NTSTATUS Exception, NTSTATUS GenericException)
{
    return FsRtlIsNtstatusExpected(Exception) ? Exception : GenericException;
}

BOOLEAN NTAPI FsRtlIsTotalDeviceFailure(NTSTATUS Status)
{
    if (NT_SUCCESS(Status))
        return FALSE;
    switch (Status) {
    case STATUS_DEVICE_DATA_ERROR:
    case STATUS_CRC_ERROR:
    case STATUS_DISK_CORRUPT_ERROR:
        return FALSE;
    default:
        return TRUE;
    }
}

PVOID NTAPI FsRtlAllocatePoolWithTag(POOL_TYPE PoolType, ULONG NumberOfBytes, ULONG Tag)
{
    PVOID memory = ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
    if (!memory)
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return memory;
}

// Host threads have stacks of megabytes: the routine runs right here, and the event is its to set.
VOID NTAPI FsRtlPostStackOverflow(PVOID Context, PKEVENT Event,
                                  PFSRTL_STACK_OVERFLOW_ROUTINE StackOverflowRoutine)
{
    StackOverflowRoutine(Context, Event);
}

VOID NTAPI FsRtlPostPagingFileStackOverflow(PVOID Context, PKEVENT Event,
                                            PFSRTL_STACK_OVERFLOW_ROUTINE StackOverflowRoutine)
{
    StackOverflowRoutine(Context, Event);
}
