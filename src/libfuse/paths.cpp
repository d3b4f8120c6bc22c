// SPDX-License-Identifier: MIT
#include "libfuse/paths.h"

#include <vector>

namespace fsp::libfuse {

NodePtr Paths::open(const std::string& path, bool native)
{
    std::lock_guard guard(lock_);
    NodePtr& node = by_path_[path];
    if (!node) {
        node = std::make_shared<Node>();
        node->path = path;
    }
    ++node->handles;
    node->natives += native;
    return node;
}

void Paths::close(const NodePtr& node, bool native)
{
    std::lock_guard guard(lock_);
    node->natives -= native;
    if (--node->handles != 0)
        return;
    if (const auto found = by_path_.find(node->path); found != by_path_.end() && found->second == node)
        by_path_.erase(found);
}

bool Paths::is_open_natively(const std::string& path)
{
    std::lock_guard guard(lock_);
    const auto found = by_path_.find(path);
    return found != by_path_.end() && found->second->natives != 0;
}

std::string Paths::path_of(const NodePtr& node)
{
    std::lock_guard guard(lock_);
    return node->path;
}

void Paths::move_locked(const std::string& from, const std::string& to)
{
    const std::string below = from + "/";
    std::vector<NodePtr> moving;
    for (auto at = by_path_.begin(); at != by_path_.end();)
        if (at->first == from || at->first.starts_with(below)) {
            moving.push_back(at->second);
            at = by_path_.erase(at);
        } else
            ++at;
    if (const auto target = by_path_.find(to); target != by_path_.end()) {
        target->second->removed = true;
        by_path_.erase(target);
    }
    for (const NodePtr& node : moving) {
        node->path.replace(0, from.size(), to);
        by_path_[node->path] = node;
    }
}

void Paths::renamed(const std::string& from, const std::string& to)
{
    std::lock_guard guard(lock_);
    if (from != to)
        move_locked(from, to);
}

void Paths::exchanged(const std::string& one, const std::string& two)
{
    static const std::string aside("\0aside", 6); // no path can be this
    std::lock_guard guard(lock_);
    move_locked(one, aside);
    move_locked(two, one);
    move_locked(aside, two);
}

void Paths::removed(const NodePtr& node)
{
    std::lock_guard guard(lock_);
    node->removed = true;
    if (const auto found = by_path_.find(node->path); found != by_path_.end() && found->second == node)
        by_path_.erase(found);
}

bool Paths::is_removed(const NodePtr& node)
{
    std::lock_guard guard(lock_);
    return node->removed;
}

void Paths::count_open(const NodePtr& node)
{
    std::lock_guard guard(lock_);
    ++node->opens;
}

bool Paths::count_close(const NodePtr& node, std::string* path)
{
    std::lock_guard guard(lock_);
    if (--node->opens != 0 || !node->hidden)
        return false;
    node->hidden = false;
    *path = node->path;
    return true;
}

NodePtr Paths::find_open(const std::string& path)
{
    std::lock_guard guard(lock_);
    const auto found = by_path_.find(path);
    return found != by_path_.end() && found->second->opens != 0 && !found->second->hidden ? found->second
                                                                                          : nullptr;
}

bool Paths::open_elsewhere(const NodePtr& node, bool own)
{
    std::lock_guard guard(lock_);
    return node->opens > (own ? 1u : 0u) && !node->hidden;
}

void Paths::hidden(const NodePtr& node)
{
    std::lock_guard guard(lock_);
    node->hidden = true;
}

} // namespace fsp::libfuse
