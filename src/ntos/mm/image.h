// SPDX-License-Identifier: MIT
//
// Image sections: a PE file laid out as it is in memory.
//
// An Image exists while sections or views of it do; SECTION_OBJECT_POINTERS::ImageSectionObject points to it
// all that time. It is a copy: all of it is read through paging I/O when the first section is made. What a
// view writes is the view's own. Nothing is relocated and nothing is executable: code of such images does not
// run here.
#pragma once

#include "ntos/ob/object.h"

#include <ntifs.h>

#include <memory>
#include <vector>

namespace fsp::ntos::mm {

class Image
{
  public:
    /// The file's image; read if there is none. With the file system's section lock held.
    static NTSTATUS acquire(PFILE_OBJECT file, std::shared_ptr<Image>* image);
    /// Whether the file is in use as an image.
    static bool exists(PSECTION_OBJECT_POINTERS pointers);

    Image(PFILE_OBJECT file, int memory);
    Image(const Image&) = delete;
    ~Image();

    /// Bytes, whole pages.
    size_t size() const { return size_; }
    PFILE_OBJECT file() const { return file_.get(); }
    /// Where it was linked to be.
    uint64_t preferred_base() const { return preferred_base_; }
    /// Maps [offset, offset + length) privately. @return null without memory
    char* map(uint64_t offset, size_t length) const;

  private:
    struct Part
    {
        uint64_t offset;
        size_t length;
        bool writable;
    };

    NTSTATUS load();
    NTSTATUS load_part(uint64_t file_offset, uint64_t length, uint64_t at);

    ob::Ref<FILE_OBJECT> file_;
    PSECTION_OBJECT_POINTERS pointers_;
    int memory_; ///< memfd; owned
    size_t size_ = 0;
    uint64_t preferred_base_ = 0;
    std::vector<Part> parts_;
};

} // namespace fsp::ntos::mm
