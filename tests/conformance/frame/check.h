// SPDX-License-Identifier: MIT
/// @file Checks of the conformance tests. CHECK... goes on after a failure, REQUIRE... ends the test (only on
/// the test's own thread); both take more text with <<. SKIP(reason) ends a test that cannot be run here.
#pragma once

#include <concepts>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace conformance {

struct Failed
{};
struct Skipped
{
    std::string reason;
};

/// UTF-8, for people.
std::string printable(std::u16string_view text);

template<class T> std::string show(const T& value)
{
    std::ostringstream out;
    if constexpr (std::same_as<T, bool>)
        out << (value ? "true" : "false");
    else if constexpr (std::is_enum_v<T>)
        out << static_cast<long long>(value);
    else if constexpr (std::integral<T>) {
        // Statuses and masks are read in hexadecimal.
        const auto number = +value; // also of a character
        out << number;
        if (std::cmp_less(number, 0) || std::cmp_greater(number, 0xFFFF))
            out << " (0x" << std::hex << static_cast<std::make_unsigned_t<decltype(+value)>>(number) << ')';
    } else if constexpr (std::convertible_to<T, std::u16string_view>)
        out << '"' << printable(value) << '"';
    else if constexpr (std::convertible_to<T, std::string_view>)
        out << '"' << std::string_view(value).substr(0, 200) << '"';
    else if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>)
        out << static_cast<const void*>(value);
    else if constexpr (requires { value.begin(); }) {
        out << '{';
        for (const auto& item : value)
            out << ' ' << show(item);
        out << " }";
    } else
        out << value;
    return out.str();
}

/// Integers of any two types are compared as the numbers that they are; statuses with statuses.
template<class A, class B> bool equal(const A& a, const B& b)
{
    constexpr bool integers =
        std::integral<A> && std::integral<B> && !std::same_as<A, bool> && !std::same_as<B, bool>;
    if constexpr (integers && std::signed_integral<A> == std::signed_integral<B>)
        return a == b;
    else if constexpr (integers)
        return std::cmp_equal(a, b);
    else
        return a == b;
}

template<class A, class B> bool less(const A& a, const B& b)
{
    if constexpr (std::integral<A> && std::integral<B>)
        return std::cmp_less(a, b);
    else
        return a < b;
}

/// What is wrong with a comparison, if something is.
using Problem = std::optional<std::string>;

template<class A, class B>
Problem compare(bool good, const char* relation, const char* text, const A& a, const B& b)
{
    if (good)
        return std::nullopt;
    return std::string(text) + ": " + show(a) + ", not " + relation + show(b);
}

/// The text that a test adds to a failure.
class Note
{
  public:
    template<class T> Note& operator<<(const T& value)
    {
        if constexpr (std::convertible_to<T, std::string_view>)
            text_ += std::string_view(value);
        else
            text_ += show(value);
        return *this;
    }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::string text_;
};

/// A check, and what came of it.
struct Report
{
    const char* file;
    int line;
    bool ends_test;
    Problem problem;

    /// Still to be reported?
    explicit operator bool() const { return problem.has_value(); }
    /// Prints and counts the failure. Thread-safe.
    void operator=(const Note& note);
};

} // namespace conformance

// A loop, not an `if`, so that a check is one statement also where an `else` follows.
#define CONFORMANCE_REPORT(ends_test, problem)                                                               \
    for (::conformance::Report report_{__FILE__, __LINE__, ends_test, problem}; report_;)                    \
    report_ = ::conformance::Note()

// `text` comes from the outermost macro, where names of statuses and rights are still names.
#define CONFORMANCE_COMPARE(ends_test, good, relation, text, left, right)                                    \
    CONFORMANCE_REPORT(ends_test, ([&](const auto& a, const auto& b) {                                       \
                           return ::conformance::compare(good, relation, text, a, b);                        \
                       }(left, right)))

#define CONFORMANCE_TRUE(ends_test, text, condition)                                                         \
    CONFORMANCE_REPORT(ends_test, static_cast<bool>(condition) ? ::conformance::Problem()                    \
                                                               : ::conformance::Problem("not so: " text))

#define CHECK(condition) CONFORMANCE_TRUE(false, #condition, condition)
#define CHECK_FALSE(condition) CONFORMANCE_TRUE(false, "!(" #condition ")", !(condition))
#define CHECK_EQ(left, right)                                                                                \
    CONFORMANCE_COMPARE(false, ::conformance::equal(a, b), "", #left " == " #right, left, right)
#define CHECK_NE(left, right)                                                                                \
    CONFORMANCE_COMPARE(false, !::conformance::equal(a, b), "anything but ", #left " != " #right, left, right)
#define CHECK_LT(left, right)                                                                                \
    CONFORMANCE_COMPARE(false, ::conformance::less(a, b), "< ", #left " < " #right, left, right)
#define CHECK_LE(left, right)                                                                                \
    CONFORMANCE_COMPARE(false, !::conformance::less(b, a), "<= ", #left " <= " #right, left, right)
#define CHECK_GT(left, right)                                                                                \
    CONFORMANCE_COMPARE(false, ::conformance::less(b, a), "> ", #left " > " #right, left, right)
#define CHECK_GE(left, right)                                                                                \
    CONFORMANCE_COMPARE(false, !::conformance::less(a, b), ">= ", #left " >= " #right, left, right)

#define REQUIRE(condition) CONFORMANCE_TRUE(true, #condition, condition)
#define REQUIRE_EQ(left, right)                                                                              \
    CONFORMANCE_COMPARE(true, ::conformance::equal(a, b), "", #left " == " #right, left, right)
#define REQUIRE_NE(left, right)                                                                              \
    CONFORMANCE_COMPARE(true, !::conformance::equal(a, b), "anything but ", #left " != " #right, left, right)

#define SKIP(reason)                                                                                         \
    throw ::conformance::Skipped { reason }
