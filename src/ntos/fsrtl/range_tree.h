// SPDX-License-Identifier: MIT
//
// Byte ranges ordered by start, findable by overlap: a treap whose nodes know the greatest end below
// them. Insert, erase and "does anything overlap" take O(log n).
#pragma once

#include <cstdint>

namespace fsp::ntos::fsrtl {

/// Base of whatever has a range. Bounds are inclusive; a zero-length range at x > 0 is [x, x - 1], which
/// overlaps exactly the ranges that x is strictly inside of. A zero-length range at 0 overlaps nothing.
struct RangeNode
{
    uint64_t start = 0;
    uint64_t end = 0;
    uint64_t sequence = 0; ///< makes keys unique; older ranges come first

  private:
    friend class RangeTree;
    uint64_t max_end_ = 0;
    uint32_t priority_ = 0;
    RangeNode* left_ = nullptr;
    RangeNode* right_ = nullptr;
};

class RangeTree
{
  public:
    bool empty() const { return !root_; }

    void insert(RangeNode* node);
    void erase(RangeNode* node);

    /// Removes every node and hands it to `visit`.
    template<class Visit> void clear(Visit visit)
    {
        while (root_) {
            RangeNode* node = root_;
            erase(node);
            visit(node);
        }
    }

    /// The first range overlapping [start, end] for which `wanted` says true.
    template<class Wanted> RangeNode* find_overlap(uint64_t start, uint64_t end, Wanted wanted) const
    {
        return find_overlap(root_, start, end, wanted);
    }

    /// The first range after (start, sequence) in order; the very first if `after` is null.
    RangeNode* next(const uint64_t* after_start, uint64_t after_sequence) const;

    /// The first range with this start for which `wanted` says true.
    template<class Wanted> RangeNode* find_start(uint64_t start, Wanted wanted) const
    {
        return find_start(root_, start, wanted);
    }

    template<class Visit> void for_each(Visit visit) const { for_each(root_, visit); }

  private:
    static bool before(const RangeNode* a, const RangeNode* b)
    {
        return a->start != b->start ? a->start < b->start : a->sequence < b->sequence;
    }
    static void update(RangeNode* node);
    static void split(RangeNode* tree, const RangeNode* pivot, RangeNode** below, RangeNode** above);
    static RangeNode* join(RangeNode* below, RangeNode* above);
    static void insert(RangeNode*& tree, RangeNode* node);
    static void erase(RangeNode*& tree, RangeNode* node);

    template<class Wanted>
    static RangeNode* find_overlap(RangeNode* tree, uint64_t start, uint64_t end, Wanted& wanted)
    {
        if (!tree || tree->max_end_ < start)
            return nullptr;
        if (RangeNode* found = find_overlap(tree->left_, start, end, wanted))
            return found;
        if (tree->start > end)
            return nullptr;
        if (tree->end >= start && wanted(tree))
            return tree;
        return find_overlap(tree->right_, start, end, wanted);
    }

    template<class Wanted> static RangeNode* find_start(RangeNode* tree, uint64_t start, Wanted& wanted)
    {
        if (!tree)
            return nullptr;
        if (tree->start < start)
            return find_start(tree->right_, start, wanted);
        if (RangeNode* found = find_start(tree->left_, start, wanted))
            return found;
        if (tree->start != start)
            return nullptr;
        return wanted(tree) ? tree : find_start(tree->right_, start, wanted);
    }

    template<class Visit> static void for_each(RangeNode* tree, Visit& visit)
    {
        if (!tree)
            return;
        for_each(tree->left_, visit);
        visit(tree);
        for_each(tree->right_, visit);
    }

    RangeNode* root_ = nullptr;
    uint32_t random_ = 2463534242u;
};

} // namespace fsp::ntos::fsrtl
