// SPDX-License-Identifier: MIT
/**
 * @file
 * What the calls have to do, from [MS-FSA] and nothing else, in the plainest way: a tree of files, a few open
 * handles, no caches, no locks, no driver.
 */
#pragma once

#include "model/operation.h"

#include <array>
#include <map>
#include <memory>

namespace fsp::model {

class Model
{
  public:
    Model();
    Outcome perform(const Operation& o);

  private:
    struct Handle;
    struct File
    {
        bool directory = false;
        bool read_only = false;
        bool delete_pending = false;
        bool gone = false; ///< it has no name any more
        std::string data;
        std::map<std::u16string, std::shared_ptr<File>> children;
        std::weak_ptr<File> parent; ///< none: the root
        std::vector<const Handle*> handles;
    };
    using FilePtr = std::shared_ptr<File>;

    struct Handle
    {
        FilePtr file;
        ACCESS_MASK access;
        ULONG share;
        bool delete_on_close;
        bool asked; ///< for the deletion, and has not taken it back
        bool posix_delete;
        NTSTATUS refused; ///< of a delete
    };

    /// A name, walked as far as it goes.
    struct Place
    {
        NTSTATUS status; ///< of the way to the last component
        FilePtr parent;  ///< none: the name is the root
        std::u16string last;
        FilePtr file; ///< none: it does not exist
    };

    Place find(const std::u16string& path) const;
    Outcome open(const Operation& o);
    NTSTATUS open_existing(const Operation& o, const Place& place, ULONG* action);
    NTSTATUS close(int slot);
    Outcome read(const Handle& h, const Operation& o) const;
    NTSTATUS write(Handle& h, const Operation& o);
    NTSTATUS set_end(Handle& h, const Operation& o);
    NTSTATUS set_allocation(Handle& h, const Operation& o);
    NTSTATUS set_read_only(Handle& h, const Operation& o);
    NTSTATUS dispose(Handle& h, const Operation& o);
    NTSTATUS rename(Handle& h, const Operation& o);
    static NTSTATUS replace(const File& target, bool allowed, bool posix);
    Outcome stat(const Handle& h) const;
    Outcome list(const Handle& h) const;

    static bool share_allows(const File& file, ACCESS_MASK access, ULONG share);
    static void unlink(const FilePtr& file);
    static bool open_below(const File& directory);
    static bool shares_delete(const File& file);
    static bool shared_below(const File& directory);

    FilePtr root_;
    std::array<std::unique_ptr<Handle>, slots> handles_;
};

} // namespace fsp::model
