// SPDX-License-Identifier: MIT
#include "ntos/fsrtl/range_tree.h"

#include <algorithm>

namespace fsp::ntos::fsrtl {

void RangeTree::update(RangeNode* node)
{
    node->max_end_ = node->end;
    if (node->left_)
        node->max_end_ = std::max(node->max_end_, node->left_->max_end_);
    if (node->right_)
        node->max_end_ = std::max(node->max_end_, node->right_->max_end_);
}

void RangeTree::split(RangeNode* tree, const RangeNode* pivot, RangeNode** below, RangeNode** above)
{
    if (!tree) {
        *below = *above = nullptr;
        return;
    }
    if (before(tree, pivot)) {
        split(tree->right_, pivot, &tree->right_, above);
        *below = tree;
    } else {
        split(tree->left_, pivot, below, &tree->left_);
        *above = tree;
    }
    update(tree);
}

RangeNode* RangeTree::join(RangeNode* below, RangeNode* above)
{
    if (!below || !above)
        return below ? below : above;
    if (below->priority_ >= above->priority_) {
        below->right_ = join(below->right_, above);
        update(below);
        return below;
    }
    above->left_ = join(below, above->left_);
    update(above);
    return above;
}

void RangeTree::insert(RangeNode*& tree, RangeNode* node)
{
    if (!tree || node->priority_ > tree->priority_) {
        split(tree, node, &node->left_, &node->right_);
        tree = node;
    } else {
        insert(before(node, tree) ? tree->left_ : tree->right_, node);
    }
    update(tree);
}

void RangeTree::erase(RangeNode*& tree, RangeNode* node)
{
    if (tree == node) {
        tree = join(node->left_, node->right_);
        return;
    }
    erase(before(node, tree) ? tree->left_ : tree->right_, node);
    update(tree);
}

void RangeTree::insert(RangeNode* node)
{
    // xorshift32: priorities need to be unrelated to the order of offsets, not unpredictable.
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    node->priority_ = random_;
    node->left_ = node->right_ = nullptr;
    insert(root_, node);
}

void RangeTree::erase(RangeNode* node)
{
    erase(root_, node);
    node->left_ = node->right_ = nullptr;
}

RangeNode* RangeTree::next(const uint64_t* after_start, uint64_t after_sequence) const
{
    RangeNode* best = nullptr;
    for (RangeNode* at = root_; at;) {
        const bool later = !after_start || at->start > *after_start ||
                           (at->start == *after_start && at->sequence > after_sequence);
        if (later)
            best = at;
        at = later ? at->left_ : at->right_;
    }
    return best;
}

} // namespace fsp::ntos::fsrtl
