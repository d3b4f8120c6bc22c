// SPDX-License-Identifier: MIT
#include "frontends/fuse/open_file.h"

#include "frontends/fuse/times.h"

namespace fsp::fuse {

void attach(InodeTable& table, OpenFile& file)
{
    std::lock_guard guard(table.lock());
    ++file.inode->references;
    file.next = file.inode->open_files;
    file.inode->open_files = &file;
    file.inode->readers += file.readable();
}

OpenFile* borrow(InodeTable& table, Inode& inode, ACCESS_MASK access)
{
    std::lock_guard guard(table.lock());
    for (OpenFile* file = inode.open_files; file; file = file->next)
        if ((file->access & access) == access) {
            OpenFile* const owner = file->lender ? file->lender : file;
            ++owner->references;
            return owner;
        }
    return nullptr;
}

OpenFile* borrow_written(InodeTable& table, Inode& inode)
{
    std::lock_guard guard(table.lock());
    for (OpenFile* file = inode.open_files; file; file = file->next)
        if (file->written_at.exchange(0) != 0) {
            ++file->references;
            return file;
        }
    return nullptr;
}

void note_write(Inode& inode, OpenFile& file)
{
    const int64_t now = nt_now();
    inode.written_at.store(now, std::memory_order_relaxed);
    file.written_at.store(now, std::memory_order_relaxed);
}

void note_change(Inode& inode)
{
    int64_t before = inode.written_at.load(std::memory_order_relaxed);
    while (before != 0 && !inode.written_at.compare_exchange_weak(before, nt_now()))
        ;
}

void close_all(InodeTable& table)
{
    std::vector<OpenFile*> left;
    table.for_each([&](Inode& inode) {
        while (OpenFile* file = inode.open_files) {
            inode.open_files = file->next;
            left.push_back(file);
        }
    });
    for (OpenFile* file : left)
        delete file;
}

OpenDirectories::~OpenDirectories()
{
    for (OpenDirectory* directory : all_)
        delete directory;
}

OpenDirectory* OpenDirectories::add(std::unique_ptr<OpenDirectory> directory)
{
    std::lock_guard guard(lock_);
    all_.insert(directory.get());
    return directory.release();
}

void OpenDirectories::remove(OpenDirectory* directory)
{
    {
        std::lock_guard guard(lock_);
        all_.erase(directory);
    }
    delete directory;
}

void give_back(InodeTable& table, OpenFile* file)
{
    if (!file)
        return;
    {
        std::lock_guard guard(table.lock());
        if (--file->references != 0)
            return;
        OpenFile** link = &file->inode->open_files;
        while (*link != file)
            link = &(*link)->next;
        *link = file->next;
        if (file->readable() && --file->inode->readers == 0)
            file->inode->size_unsure = false; // the next open looks it up
    }
    Inode& inode = *file->inode;
    give_back(table, file->lender);
    delete file; // closes: the file system is asked, so not under the lock
    table.release(inode);
}

} // namespace fsp::fuse
