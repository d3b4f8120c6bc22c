// SPDX-License-Identifier: MIT
/// @file Per-thread lookaside lists of equal blocks, for what every request needs: IRPs, file objects.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace fsp::ntos {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr unsigned cached_blocks = 0;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr unsigned cached_blocks = 0;
#else
inline constexpr unsigned cached_blocks = 32;
#endif
#else
inline constexpr unsigned cached_blocks = 32;
#endif

/// Blocks of Size bytes. A block may be given back on another thread than the one that took it. Sanitizers
/// see every block go to the heap, because a recycled block hides a use after free.
template<std::size_t Size> class BlockCache
{
  public:
    static void* take()
    {
        List& l = list_;
        if (l.head == nullptr)
            return std::malloc(Size);
        Node* n = l.head;
        l.head = n->next;
        --l.count;
        return n;
    }

    static void give(void* block)
    {
        List& l = list_;
        if (l.count >= cached_blocks || l.gone) {
            std::free(block);
            return;
        }
        if (!l.armed) {
            l.armed = true;
            (void)&drain_;
            drain_.touch();
        }
        Node* n = static_cast<Node*>(block);
        n->next = l.head;
        l.head = n;
        ++l.count;
    }

  private:
    struct Node
    {
        Node* next;
    };
    // Trivial, so that the fast path needs no initialisation guard.
    struct List
    {
        Node* head;
        unsigned count;
        bool armed, gone;
    };
    struct Drain
    {
        void touch() {}
        ~Drain()
        {
            list_.gone = true;
            while (Node* n = list_.head) {
                list_.head = n->next;
                std::free(n);
            }
        }
    };
    static inline thread_local List list_ __attribute__((tls_model("initial-exec"))) = {};
    static inline thread_local Drain drain_;
};

} // namespace fsp::ntos
