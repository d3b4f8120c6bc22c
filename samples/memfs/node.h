// SPDX-License-Identifier: MIT
#pragma once

#include "storage.h"

#include <winfsp/winfsp.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace memfs {

using Name = std::basic_string<WCHAR>;
using NameView = std::basic_string_view<WCHAR>;
using Bytes = std::vector<std::uint8_t>;

/// Current time, 100 ns intervals since 1601.
UINT64 now();

/// Orders names as directory listings show them: ordinal, by upper case if asked.
struct NameLess
{
    bool ignore_case;
    using is_transparent = void;
    bool operator()(NameView a, NameView b) const;
};

/// What file attributes, sizes, times, security and the like of a node are protected by. Names may
/// be looked up (and their security and attributes read) while an open file of that name changes.
using Guard = std::lock_guard<std::mutex>;

class Tree;

/// A file, directory or named stream.
///
/// The tree holds one reference, every open file another; a node that was deleted while open
/// lives on without a name until the last close.
class Node
{
  public:
    using Children = std::map<NameView, Node*, NameLess>; // keyed by the node's own name

    Node(NameView name, UINT32 attributes, UINT64 index);

    void add_reference() { references_.fetch_add(1, std::memory_order_relaxed); }
    void release();

    [[nodiscard]] bool is_open() const { return references_.load(std::memory_order_relaxed) > 1; }
    [[nodiscard]] bool is_directory() const { return directory_; }
    [[nodiscard]] bool is_stream() const { return main != nullptr; }
    /// The node whose attributes, times and security count: of a stream its file.
    [[nodiscard]] Node& owner() { return main != nullptr ? *main : *this; }
    /// File information as seen from outside: for a stream the file's, with the stream's sizes.
    [[nodiscard]] FSP_FSCTL_FILE_INFO file_info();

    Name name;
    Node* parent = nullptr;                // null for the root and for a node without a name
    Node* main = nullptr;                  // of a stream: its file
    std::unique_ptr<Children> children;    // of a directory, once the first was made
    std::unique_ptr<Children> streams;     // likewise
    std::atomic<bool> has_children{false}; // for those who look without the guard of the operations
    std::atomic<bool> is_link{false};      // has a reparse point

    std::mutex mutex; // info, security, eas, reparse
    FSP_FSCTL_FILE_INFO info{};
    std::shared_ptr<const Bytes> security;
    std::unique_ptr<std::map<std::string, Bytes>> eas; // by upper-case name: a FILE_FULL_EA_INFORMATION each
    std::unique_ptr<Bytes> reparse;
    Storage data;

  private:
    friend class Tree; // ends its nodes
    ~Node() = default;
    const bool directory_;
    std::atomic<std::uint32_t> references_{1};
    Tree* removed_from_ = nullptr; // while open after its removal
};

/// The name space. Lookups may run side by side, changes alone: the library's fine guard sees to it.
class Tree
{
  public:
    Tree(bool ignore_case, std::uint32_t max_nodes);
    ~Tree();

    struct Found
    {
        NTSTATUS status; // of the whole lookup
        Node* node;      // if STATUS_SUCCESS
        Node* parent;    // of the last component; also if only that one is missing
        NameView last;   // last component (without stream), or the stream's name
        UINT32 index;    // STATUS_REPARSE: where its name starts, in characters
    };
    /// Walks `\a\b:stream`.
    [[nodiscard]] Found find(NameView path) const;

    [[nodiscard]] Node* child(const Node& directory, NameView name) const;
    [[nodiscard]] Node* root() const { return root_; }
    [[nodiscard]] NameLess order() const { return {ignore_case_}; }
    [[nodiscard]] bool full() const { return count_ >= max_nodes_; }
    [[nodiscard]] std::uint32_t count() const { return count_; }

    /// Enters a new node below `parent`: a child, or a stream if it has a main file.
    void insert(Node& parent, Node* node); // takes over the node's first reference
    /// Takes the name away; the tree's reference goes with it, and so do the streams.
    void remove(Node& node);
    void move(Node& node, Node& new_parent, NameView new_name);

    [[nodiscard]] static Name path(const Node& node);

  private:
    friend class Node;
    void forget(Node* removed);

    bool ignore_case_;
    std::uint32_t max_nodes_;
    std::atomic<std::uint32_t> count_{0};
    Node* root_;
    std::mutex removed_mutex_;
    std::unordered_set<Node*> removed_; // but still open
};

} // namespace memfs
