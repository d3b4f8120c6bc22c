// SPDX-License-Identifier: MIT
#include "node.h"

/// A treap: a search tree by name that is also a heap by random priority, which keeps it shallow without
/// rebalancing rules. The links live in the nodes, so that inserting cannot fail.
namespace fsp::fsd {

FileNode* NodeTable::find(const UNICODE_STRING& name) const noexcept
{
    for (FileNode* node = root_; node;) {
        const LONG order = compare(name, node->name_);
        if (order == 0)
            return node;
        node = order < 0 ? node->left_ : node->right_;
    }
    return nullptr;
}

/// Makes `node` the parent of its parent.
void NodeTable::rotate_up(FileNode& node) noexcept
{
    FileNode* const parent = node.parent_;
    FileNode* const grandparent = parent->parent_;
    if (parent->left_ == &node) {
        parent->left_ = node.right_;
        if (node.right_)
            node.right_->parent_ = parent;
        node.right_ = parent;
    } else {
        parent->right_ = node.left_;
        if (node.left_)
            node.left_->parent_ = parent;
        node.left_ = parent;
    }
    parent->parent_ = &node;
    node.parent_ = grandparent;
    if (!grandparent)
        root_ = &node;
    else if (grandparent->left_ == parent)
        grandparent->left_ = &node;
    else
        grandparent->right_ = &node;
}

void NodeTable::insert(FileNode& node) noexcept
{
    random_ = random_ * 1664525 + 1013904223;
    node.priority_ = random_;
    node.left_ = node.right_ = nullptr;
    node.in_table = true;

    FileNode* parent = nullptr;
    FileNode** link = &root_;
    while (*link) {
        parent = *link;
        link = compare(node.name_, parent->name_) < 0 ? &parent->left_ : &parent->right_;
    }
    *link = &node;
    node.parent_ = parent;
    while (node.parent_ && node.parent_->priority_ < node.priority_)
        rotate_up(node);
}

void NodeTable::remove(FileNode& node) noexcept
{
    if (!node.in_table)
        return;
    // Sink to a leaf, keeping the heap order of the rest.
    while (node.left_ || node.right_) {
        FileNode* const child = !node.right_ || (node.left_ && node.left_->priority_ > node.right_->priority_)
                                    ? node.left_
                                    : node.right_;
        rotate_up(*child);
    }
    if (!node.parent_)
        root_ = nullptr;
    else if (node.parent_->left_ == &node)
        node.parent_->left_ = nullptr;
    else
        node.parent_->right_ = nullptr;
    node.parent_ = nullptr;
    node.in_table = false;
}

FileNode* NodeTable::first() const noexcept
{
    FileNode* node = root_;
    while (node && node->left_)
        node = node->left_;
    return node;
}

FileNode* NodeTable::last() const noexcept
{
    FileNode* node = root_;
    while (node && node->right_)
        node = node->right_;
    return node;
}

FileNode* NodeTable::next(FileNode* node) noexcept
{
    if (node->right_) {
        node = node->right_;
        while (node->left_)
            node = node->left_;
        return node;
    }
    while (node->parent_ && node->parent_->right_ == node)
        node = node->parent_;
    return node->parent_;
}

FileNode* NodeTable::previous(FileNode* node) noexcept
{
    if (node->left_) {
        node = node->left_;
        while (node->right_)
            node = node->right_;
        return node;
    }
    while (node->parent_ && node->parent_->left_ == node)
        node = node->parent_;
    return node->parent_;
}

FileNode* NodeTable::lower_bound(const UNICODE_STRING& name) const noexcept
{
    FileNode* best = nullptr;
    for (FileNode* node = root_; node;) {
        if (compare(node->name_, name) >= 0) {
            best = node;
            node = node->left_;
        } else {
            node = node->right_;
        }
    }
    return best;
}

FileNode* NodeTable::next_below(const UNICODE_STRING& ancestor, FileNode* previous) const noexcept
{
    // Names with the ancestor's name as prefix are neighbours; among them are also longer names ("a.b"
    // after "a"), which are not below it.
    FileNode* const start = previous->in_table ? next(previous) : lower_bound(previous->name_);
    for (FileNode* node = start; node && name::starts_with(node->name_, ancestor, case_sensitive_);
         node = next(node))
    {
        if (name::is_below(node->name_, ancestor, case_sensitive_))
            return node;
    }
    return nullptr;
}

FileNode* NodeTable::first_below(const UNICODE_STRING& ancestor) const noexcept
{
    FileNode* const start = lower_bound(ancestor);
    if (!start || !name::starts_with(start->name_, ancestor, case_sensitive_))
        return nullptr;
    return name::is_below(start->name_, ancestor, case_sensitive_) ? start : next_below(ancestor, start);
}

void NodeTable::rename(FileNode& node, UNICODE_STRING& buffer) noexcept
{
    const bool listed = node.in_table;
    if (listed)
        remove(node);
    node.adopt_name(buffer);
    if (listed)
        insert(node);
}

Ptr<FileNode> NodeTable::lookup(const UNICODE_STRING& name) noexcept
{
    FastMutexGuard guard(mutex_);
    return Ptr<FileNode>(find(name));
}

} // namespace fsp::fsd
