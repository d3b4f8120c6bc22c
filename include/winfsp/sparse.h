/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Holes in files: control codes by which the driver asks a file system about them. An extension of OpenFsp.
 *
 * A file system that sets DeviceControl in its volume parameters may answer these codes in its Control
 * operation, and everybody else answers STATUS_INVALID_DEVICE_REQUEST, as to any code that is none of theirs.
 * The driver sends them when an application (or the Linux mount: lseek, fallocate) uses
 * FSCTL_QUERY_ALLOCATED_RANGES or FSCTL_SET_ZERO_DATA, and only then.
 */
#ifndef WINFSP_SPARSE_H_INCLUDED
#define WINFSP_SPARSE_H_INCLUDED

/** A range of a file, in bytes. */
typedef struct
{
    UINT64 Offset;
    UINT64 Length;
} FSP_SPARSE_RANGE;

/** Every answer begins with it: what has no idea of these codes, and answers any, does not. */
#define FSP_SPARSE_SIGNATURE 0x65737261707321FEull

/**
 * Make a range read as zeros, and give back its memory where that is possible.
 *
 * Input FSP_SPARSE_RANGE, which may reach behind the end of the file but does not extend it; output
 * UINT64 FSP_SPARSE_SIGNATURE. Nothing else reads, writes or changes the size of the file meanwhile.
 */
#define FSP_IOCTL_SET_ZERO_DATA ((UINT32)CTL_CODE(0x8F53, 0x800 + 'Z', METHOD_BUFFERED, FILE_ANY_ACCESS))

/**
 * Which parts of a range are data; the rest are holes, which read as zeros.
 *
 * Input FSP_SPARSE_RANGE; output UINT64 FSP_SPARSE_SIGNATURE and then FSP_SPARSE_RANGE in ascending order,
 * not touching each other, as many as there are or have room. What lies outside of the range asked for does
 * no harm. Nothing else uses the file meanwhile.
 */
#define FSP_IOCTL_QUERY_ALLOCATED_RANGES                                                                     \
    ((UINT32)CTL_CODE(0x8F53, 0x800 + 'A', METHOD_BUFFERED, FILE_ANY_ACCESS))

#endif
