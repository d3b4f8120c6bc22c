// SPDX-License-Identifier: MIT
#include "resource.h"
#include "node.h"

namespace fsp::fsd {

namespace {

constexpr UINT64 top_level_magic = 0x6c65764c706f5473; // "sTopLvel"
// The value in the thread's slot is tagged, so that foreign values (IRPs, flags, other file systems'
// structures, all of them aligned or tiny) are not even looked into.
constexpr ULONG_PTR top_level_tag = 2;

} // namespace

void Hold::own(ERESOURCE& resource, Access access) noexcept
{
    resource_ = &resource;
    access_ = access;
    ExSetResourceOwnerPointer(&resource, reinterpret_cast<PVOID>(owner()));
}

bool Hold::acquire(ERESOURCE& resource, Access access, Wait wait) noexcept
{
    const BOOLEAN may_wait = wait == Wait::yes;
    const BOOLEAN got = access == Access::shared ? ExAcquireResourceSharedLite(&resource, may_wait)
                                                 : ExAcquireResourceExclusiveLite(&resource, may_wait);
    if (!got)
        return false;
    own(resource, access);
    return true;
}

bool Hold::acquire_starving_exclusive(ERESOURCE& resource, Wait wait) noexcept
{
    if (!ExAcquireSharedStarveExclusive(&resource, wait == Wait::yes))
        return false;
    own(resource, Access::shared);
    return true;
}

void Hold::release() noexcept
{
    if (ERESOURCE* resource = exchange<ERESOURCE*>(resource_, nullptr))
        ExReleaseResourceForThreadLite(resource, owner());
}

bool NodeHold::acquire(FileNode& node, Part part, Access access, Wait wait) noexcept
{
    const auto parts = static_cast<UINT8>(part);
    if ((parts & static_cast<UINT8>(Part::main)) && !main_.acquire(node.main_resource(), access, wait))
        return false;
    if ((parts & static_cast<UINT8>(Part::paging)) && !paging_.acquire(node.paging_resource(), access, wait))
    {
        main_.release();
        return false;
    }
    return true;
}

TopLevel::TopLevel(FileNode& node) noexcept
    : magic_(top_level_magic), node_(&node), previous_(IoGetTopLevelIrp())
{
    IoSetTopLevelIrp(reinterpret_cast<PIRP>(reinterpret_cast<ULONG_PTR>(this) | top_level_tag));
}

TopLevel::~TopLevel() { IoSetTopLevelIrp(previous_); }

bool TopLevel::owns(const FileNode& node) noexcept
{
    for (PIRP value = IoGetTopLevelIrp();;) {
        const auto bits = reinterpret_cast<ULONG_PTR>(value);
        if (bits <= FSRTL_MAX_TOP_LEVEL_IRP_FLAG || (bits & 7) != top_level_tag)
            return false;
        const auto* level = reinterpret_cast<const TopLevel*>(bits & ~top_level_tag);
        if (level->magic_ != top_level_magic)
            return false;
        if (&level->node_->base() == &node.base())
            return true;
        value = level->previous_;
    }
}

} // namespace fsp::fsd
