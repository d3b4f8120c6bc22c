// SPDX-License-Identifier: MIT
#pragma once

/// The part of <coroutine> that the compiler needs. The driver is free-standing on every target, so it
/// brings its own; a translation unit that includes <coroutine> first simply uses that one.

#include <stddef.h>

#if !defined(_GLIBCXX_COROUTINE) && !defined(_LIBCPP_COROUTINE)
#define _GLIBCXX_COROUTINE 1
#define _LIBCPP_COROUTINE 1

namespace std {

template<class R, class...> struct coroutine_traits
{
    using promise_type = typename R::promise_type;
};

template<class Promise = void> struct coroutine_handle;

template<> struct coroutine_handle<void>
{
    constexpr coroutine_handle() noexcept = default;
    constexpr coroutine_handle(decltype(nullptr)) noexcept {}
    constexpr void* address() const noexcept { return frame_; }
    static constexpr coroutine_handle from_address(void* frame) noexcept
    {
        coroutine_handle handle;
        handle.frame_ = frame;
        return handle;
    }
    constexpr explicit operator bool() const noexcept { return frame_ != nullptr; }
    bool done() const noexcept { return __builtin_coro_done(frame_); }
    void operator()() const { resume(); }
    void resume() const { __builtin_coro_resume(frame_); }
    void destroy() const { __builtin_coro_destroy(frame_); }

  protected:
    void* frame_ = nullptr;
};

template<class Promise> struct coroutine_handle : coroutine_handle<>
{
    constexpr coroutine_handle() noexcept = default;
    constexpr coroutine_handle(decltype(nullptr)) noexcept {}
    static coroutine_handle from_promise(Promise& promise) noexcept
    {
        coroutine_handle handle;
        handle.frame_ = __builtin_coro_promise(reinterpret_cast<char*>(&promise), alignof(Promise), true);
        return handle;
    }
    static constexpr coroutine_handle from_address(void* frame) noexcept
    {
        coroutine_handle handle;
        handle.frame_ = frame;
        return handle;
    }
    Promise& promise() const noexcept
    {
        return *static_cast<Promise*>(__builtin_coro_promise(this->frame_, alignof(Promise), false));
    }
};

struct suspend_always
{
    constexpr bool await_ready() const noexcept { return false; }
    constexpr void await_suspend(coroutine_handle<>) const noexcept {}
    constexpr void await_resume() const noexcept {}
};

struct suspend_never
{
    constexpr bool await_ready() const noexcept { return true; }
    constexpr void await_suspend(coroutine_handle<>) const noexcept {}
    constexpr void await_resume() const noexcept {}
};

} // namespace std

#endif
