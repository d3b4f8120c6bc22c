// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cerrno>

#include "nt/errno_map.h"
#include "nt/rtl.h"
#include "nt/win32_status.h"

using namespace fsp::nt;

TEST(Status, OfWin32ErrorsFollowsTheTable)
{
    EXPECT_EQ(status_of_win32(0), STATUS_SUCCESS);
    EXPECT_EQ(status_of_win32(2), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(status_of_win32(5), STATUS_ACCESS_DENIED);
    EXPECT_EQ(status_of_win32(112), STATUS_DISK_FULL);
    EXPECT_EQ(status_of_win32(0xC0090001), static_cast<NTSTATUS>(0xC0000356));
    EXPECT_EQ(status_of_win32(12345), static_cast<NTSTATUS>(0x80073039));
    EXPECT_EQ(status_of_win32(0x12345678), STATUS_ACCESS_DENIED);
}

TEST(Status, ToWin32AndBackKeepsEveryTableError)
{
    for (UINT32 error = 0; error < 0x10000; ++error)
        EXPECT_NE(win32_of_status(status_of_win32(error)), 317u + (error == 317)) << error;
}

TEST(Status, ToWin32)
{
    EXPECT_EQ(win32_of_status(STATUS_NO_SUCH_FILE), 2u);
    EXPECT_EQ(win32_of_status(STATUS_INVALID_DEVICE_REQUEST), 1u);
    EXPECT_EQ(win32_of_status(STATUS_FILE_IS_A_DIRECTORY), 5u);
    EXPECT_EQ(win32_of_status(STATUS_DELETE_PENDING), 5u);
    EXPECT_EQ(win32_of_status(STATUS_BUFFER_OVERFLOW), 234u);
    EXPECT_EQ(win32_of_status(static_cast<NTSTATUS>(0xC0DE1234)), 317u);
    EXPECT_EQ(win32_of_status(static_cast<NTSTATUS>(0xE0001234)), 0xE0001234u);
    EXPECT_EQ(RtlNtStatusToDosError(static_cast<NTSTATUS>(0xC0070005)), 5u);
}

TEST(Errno, EveryErrorComesBackAsItselfOrItsKin)
{
    for (const int error :
         {ENOENT,       EACCES,     EIO,    EBADF,   EAGAIN,    ENOMEM,     EFAULT,    EBUSY,
          EEXIST,       EXDEV,      ENODEV, ENOTDIR, EISDIR,    EINVAL,     EMFILE,    EFBIG,
          ENOSPC,       EDQUOT,     EROFS,  EMLINK,  EPIPE,     ERANGE,     EDEADLK,   ENAMETOOLONG,
          ENOSYS,       ENOTEMPTY,  ELOOP,  ENODATA, EOVERFLOW, EOPNOTSUPP, ETIMEDOUT, E2BIG,
          ECONNREFUSED, ECONNRESET, EINTR,  ESTALE,  ENOTCONN,  EPROTO,     ESRCH})
        EXPECT_EQ(errno_of_status(status_of_errno(error)), error) << error;
}

TEST(Errno, FailureIsNeverSuccess)
{
    EXPECT_EQ(errno_of_status(STATUS_PENDING), 0);
    EXPECT_EQ(errno_of_status(static_cast<NTSTATUS>(0xC0DE1234)), EIO);
    EXPECT_EQ(errno_of_status(STATUS_DELETE_PENDING), ENOENT);
    EXPECT_EQ(errno_of_status(STATUS_CANNOT_DELETE), EPERM);
    for (int error = 1; error < 200; ++error)
        EXPECT_NE(errno_of_status(status_of_errno(error)), 0);
}
