// SPDX-License-Identifier: MIT
#include "node.h"

#include <algorithm>

namespace memfs {

bool NameLess::operator()(NameView a, NameView b) const
{
    if (!ignore_case) {
        const std::size_t common = std::min(a.size(), b.size());
        for (std::size_t i = 0; i < common; ++i)
            if (a[i] != b[i])
                return a[i] < b[i];
        return a.size() < b.size();
    }
    return CompareStringOrdinal(a.data(), static_cast<int>(a.size()), b.data(), static_cast<int>(b.size()),
                                TRUE) == CSTR_LESS_THAN;
}

UINT64 now()
{
    FILETIME time;
    GetSystemTimeAsFileTime(&time);
    return (static_cast<UINT64>(time.dwHighDateTime) << 32) | time.dwLowDateTime;
}

Node::Node(NameView node_name, UINT32 attributes, UINT64 index)
    : name(node_name), directory_((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
{
    const UINT64 time = now();
    info.FileAttributes = attributes;
    info.CreationTime = info.LastAccessTime = info.LastWriteTime = info.ChangeTime = time;
    info.IndexNumber = index;
}

void Node::release()
{
    if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1)
        return;
    // A stream keeps its file alive, since the file answers for its attributes.
    Node* file = main;
    if (removed_from_ != nullptr)
        removed_from_->forget(this);
    delete this;
    if (file != nullptr)
        file->release();
}

FSP_FSCTL_FILE_INFO Node::file_info()
{
    if (main == nullptr) {
        const Guard guard(mutex);
        return info;
    }
    FSP_FSCTL_FILE_INFO result = main->file_info();
    const Guard guard(mutex);
    result.FileAttributes &= ~static_cast<UINT32>(FILE_ATTRIBUTE_DIRECTORY);
    result.AllocationSize = info.AllocationSize;
    result.FileSize = info.FileSize;
    return result;
}

Tree::Tree(bool ignore_case, std::uint32_t max_nodes) : ignore_case_(ignore_case), max_nodes_(max_nodes)
{
    root_ = new Node({}, FILE_ATTRIBUTE_DIRECTORY, 1);
    count_ = 1;
}

Tree::~Tree()
{
    std::vector<Node*> pending(removed_.begin(), removed_.end());
    pending.push_back(root_);
    while (!pending.empty()) {
        Node* node = pending.back();
        pending.pop_back();
        for (const auto* list : {node->children.get(), node->streams.get()})
            if (list != nullptr)
                for (const auto& entry : *list)
                    pending.push_back(entry.second);
        // The volume has gone before: files that are still open will never be closed.
        delete node;
    }
}

Node* Tree::child(const Node& directory, NameView name) const
{
    if (directory.children == nullptr)
        return nullptr;
    const auto at = directory.children->find(name);
    return at == directory.children->end() ? nullptr : at->second;
}

Tree::Found Tree::find(NameView path) const
{
    Found found{STATUS_SUCCESS, root_, nullptr, {}, 0};
    const std::size_t colon = path.find(WCHAR{':'});
    const NameView file = path.substr(0, colon);
    std::size_t at = 1;
    while (at < file.size()) {
        const std::size_t end = std::min(file.find(WCHAR{'\\'}, at), file.size());
        Node* above = found.node;
        found.last = file.substr(at, end - at);
        found.parent = above;
        found.node = child(*above, found.last);
        if (found.node == nullptr) {
            if (end != file.size())
                found.status = STATUS_OBJECT_PATH_NOT_FOUND;
            else
                found.status =
                    above->is_directory() ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
            return found;
        }
        if (end != file.size() && found.node->is_link) {
            found.index = static_cast<UINT32>(at);
            found.node = nullptr;
            found.status = STATUS_REPARSE;
            return found;
        }
        at = end + 1;
    }
    if (colon == NameView::npos)
        return found;
    found.parent = found.node;
    found.last = path.substr(colon + 1);
    const auto* streams = found.parent->streams.get();
    const auto stream = streams != nullptr ? streams->find(found.last) : Node::Children::iterator{};
    if (streams == nullptr || stream == streams->end()) {
        found.node = nullptr;
        found.status = STATUS_OBJECT_NAME_NOT_FOUND;
    } else {
        found.node = stream->second;
    }
    return found;
}

static void note_children(Node& directory)
{
    directory.has_children = directory.children != nullptr && !directory.children->empty();
}

void Tree::insert(Node& parent, Node* node)
{
    auto& list = node->is_stream() ? parent.streams : parent.children;
    if (list == nullptr)
        list = std::make_unique<Node::Children>(order());
    list->emplace(node->name, node);
    note_children(parent);
    node->parent = &parent;
    ++count_;
}

void Tree::remove(Node& node)
{
    if (node.parent == nullptr)
        return;
    while (node.streams != nullptr && !node.streams->empty())
        remove(*node.streams->begin()->second);
    auto& list = node.is_stream() ? node.parent->streams : node.parent->children;
    list->erase(node.name);
    note_children(*node.parent);
    node.parent = nullptr;
    --count_;
    if (node.is_open()) {
        node.removed_from_ = this;
        const Guard guard(removed_mutex_);
        removed_.insert(&node);
    }
    node.release();
}

void Tree::forget(Node* removed)
{
    const Guard guard(removed_mutex_);
    removed_.erase(removed);
}

void Tree::move(Node& node, Node& new_parent, NameView new_name)
{
    auto entry = node.parent->children->extract(node.name);
    note_children(*node.parent);
    node.name = new_name;
    node.parent = &new_parent;
    entry.key() = node.name;
    if (new_parent.children == nullptr)
        new_parent.children = std::make_unique<Node::Children>(order());
    new_parent.children->insert(std::move(entry));
    note_children(new_parent);
}

Name Tree::path(const Node& node)
{
    if (node.parent == nullptr)
        return Name(1, WCHAR{'\\'});
    Name result;
    if (node.parent->parent != nullptr)
        result = path(*node.parent);
    result += node.is_stream() ? WCHAR{':'} : WCHAR{'\\'};
    result += node.name;
    return result;
}

} // namespace memfs
