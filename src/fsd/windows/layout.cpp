// SPDX-License-Identifier: MIT
#include "../volume.h"

// What the driver shares with the kernel has the kernel's layout: mingw-w64's headers are not Microsoft's.
namespace fsp::fsd {

#if defined(__i386__)
static_assert(sizeof(IRP) == 0x70 && sizeof(IO_STACK_LOCATION) == 0x24 && sizeof(DEVICE_OBJECT) == 0xb8);
static_assert(sizeof(DRIVER_OBJECT) == 0xa8 && sizeof(VPB) == 0x58 && sizeof(MDL) == 0x1c);
static_assert(FIELD_OFFSET(FILE_OBJECT, FileName) == 0x30 && FIELD_OFFSET(FILE_OBJECT, Event) == 0x5c);
static_assert(FIELD_OFFSET(IRP, Tail.Overlay.CurrentStackLocation) == 0x60 &&
              FIELD_OFFSET(IRP, UserBuffer) == 0x3c);
static_assert(sizeof(ERESOURCE) == 0x38 && sizeof(FAST_MUTEX) == 0x20 && sizeof(KEVENT) == 0x10);
static_assert(sizeof(KTIMER) == 0x28 && sizeof(KDPC) == 0x20 && sizeof(WORK_QUEUE_ITEM) == 0x10);
static_assert(sizeof(KMUTEX) == 0x20 && sizeof(KAPC_STATE) == 0x18 && sizeof(ACCESS_STATE) == 0x74);
static_assert(sizeof(FSRTL_COMMON_FCB_HEADER) == 0x28 &&
              FIELD_OFFSET(FSRTL_ADVANCED_FCB_HEADER, FilterContexts) == 0x2c);
static_assert(sizeof(SHARE_ACCESS) == 0x1c && sizeof(SECTION_OBJECT_POINTERS) == 0xc &&
              sizeof(FILE_LOCK) >= 0x38);
static_assert(sizeof(FAST_IO_DISPATCH) == 0x70 && sizeof(CC_FILE_SIZES) == 0x18);
#else
static_assert(sizeof(IRP) == 0xd0 && sizeof(IO_STACK_LOCATION) == 0x48 && sizeof(DEVICE_OBJECT) >= 0x140);
static_assert(sizeof(DRIVER_OBJECT) == 0x150 && sizeof(VPB) == 0x60 && sizeof(MDL) == 0x30);
static_assert(FIELD_OFFSET(FILE_OBJECT, FileName) == 0x58 && FIELD_OFFSET(FILE_OBJECT, Event) == 0x98);
static_assert(sizeof(ERESOURCE) == 0x68 && sizeof(FAST_MUTEX) == 0x38 && sizeof(KEVENT) == 0x18);
static_assert(sizeof(KTIMER) == 0x40 && sizeof(KDPC) == 0x40 && sizeof(WORK_QUEUE_ITEM) == 0x20);
static_assert(sizeof(KMUTEX) == 0x38 && sizeof(KAPC_STATE) == 0x30 && sizeof(ACCESS_STATE) == 0xa0);
static_assert(sizeof(SHARE_ACCESS) == 0x1c && sizeof(SECTION_OBJECT_POINTERS) == 0x18 &&
              sizeof(FILE_LOCK) >= 0x58);
static_assert(sizeof(FAST_IO_DISPATCH) == 0xe0 && sizeof(NPAGED_LOOKASIDE_LIST) == 0x80);
#endif

// The kernel counts the bytes of a device object in a 16-bit field.
static_assert(sizeof(DEVICE_OBJECT) + sizeof(Volume) < 0xffff);

} // namespace fsp::fsd
