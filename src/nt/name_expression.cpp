// SPDX-License-Identifier: MIT
//
// Names against expressions with wild cards ([MS-FSA] 2.1.4.4).
#include <bit>
#include <cstring>
#include <utility>

#include "nt/rtl.h"
#include "nt/text.h"
#include "nt/upcase.h"

namespace {

using fsp::nt::WideView;

/// Sets of positions in the expression, as bits.
class Positions
{
  public:
    explicit Positions(size_t count) : words_(count / 64 + 1) { clear(); }

    void clear() { std::memset(bits_, 0, words_ * sizeof bits_[0]); }
    void add(size_t i) { bits_[i / 64] |= UINT64{1} << i % 64; }
    bool has(size_t i) const { return bits_[i / 64] >> i % 64 & 1; }

    /// Calls visit(i) in ascending order, also for positions that it adds behind i.
    template<class Visit> void each(Visit visit)
    {
        for (size_t word = 0; word < words_; ++word) {
            UINT64 done = 0;
            while (const UINT64 left = bits_[word] & ~done) {
                const int bit = std::countr_zero(left);
                done |= UINT64{1} << bit;
                visit(word * 64 + static_cast<size_t>(bit));
            }
        }
    }

    bool empty() const
    {
        for (size_t word = 0; word < words_; ++word) {
            if (bits_[word])
                return false;
        }
        return true;
    }

  private:
    static constexpr size_t max_characters = 32768;

    size_t words_;
    UINT64 bits_[max_characters / 64 + 1];
};

/**
 * Follows all ways through the expression at once, so the time is at most expression times name however many
 * stars there are: expressions come from anybody who can list a directory.
 */
bool matches(WideView expression, WideView name, const WCHAR* upcase)
{
    const size_t last_dot = name.rfind(u'.');
    const size_t end = expression.size();
    Positions first(end), second(end);
    Positions* now = &first;
    Positions* next = &second;
    now->add(0);

    for (size_t n = 0; n < name.size(); ++n) {
        const WCHAR c = upcase ? upcase[static_cast<UINT16>(name[n])] : name[n];
        now->each([&](size_t e) {
            if (e == end)
                return;
            switch (const WCHAR x = expression[e]; x) {
            case u'*':
                next->add(e);
                now->add(e + 1);
                break;
            case DOS_STAR: // anything but the last dot
                if (n != last_dot)
                    next->add(e);
                now->add(e + 1);
                break;
            case u'?':
                next->add(e + 1);
                break;
            case DOS_QM: // one character, or nothing before a dot
                if (c == u'.')
                    now->add(e + 1);
                else
                    next->add(e + 1);
                break;
            case DOS_DOT:
                if (c == u'.')
                    next->add(e + 1);
                break;
            default:
                if (x == c)
                    next->add(e + 1);
            }
        });
        std::swap(now, next);
        next->clear();
        if (now->empty())
            return false;
    }

    // At the end of the name these stand for nothing.
    now->each([&](size_t e) {
        if (e < end && (expression[e] == u'*' || expression[e] == DOS_STAR || expression[e] == DOS_QM ||
                        expression[e] == DOS_DOT))
            now->add(e + 1);
    });
    return now->has(end);
}

bool is_wild(WCHAR c) { return FsRtlIsUnicodeCharacterWild(c); }

bool same(WideView a, WideView b, const WCHAR* upcase_b)
{
    if (a.size() != b.size())
        return false;
    for (size_t i = 0; i < a.size(); ++i) {
        if (a[i] != (upcase_b ? upcase_b[static_cast<UINT16>(b[i])] : b[i]))
            return false;
    }
    return true;
}

} // namespace

BOOLEAN NTAPI FsRtlIsNameInExpression(PUNICODE_STRING Expression, PUNICODE_STRING Name, BOOLEAN IgnoreCase,
                                      PWCH UpcaseTable)
{
    const WideView expression = fsp::nt::view(*Expression), name = fsp::nt::view(*Name);
    const WCHAR* const upcase = !IgnoreCase ? nullptr : UpcaseTable ? UpcaseTable : fsp::nt::upcase_table.to;

    if (expression.empty() || name.empty())
        return expression.empty() && name.empty();
    if (expression == WideView(FSP_L("*")))
        return TRUE;
    size_t wild = 0;
    while (wild < expression.size() && !is_wild(expression[wild]))
        ++wild;
    if (wild == expression.size())
        return same(expression, name, upcase);
    // "*tail" is the common one.
    if (expression[0] == u'*') {
        const WideView tail = expression.substr(1);
        bool plain = true;
        for (const WCHAR c : tail)
            plain = plain && !is_wild(c);
        if (plain)
            return name.size() >= tail.size() && same(tail, name.substr(name.size() - tail.size()), upcase);
    }
    // What comes before the first wild card must be there.
    if (name.size() < wild || !same(expression.substr(0, wild), name.substr(0, wild), upcase))
        return FALSE;
    return matches(expression, name, upcase);
}

BOOLEAN NTAPI FsRtlAreNamesEqual(PCUNICODE_STRING ConstantNameA, PCUNICODE_STRING ConstantNameB,
                                 BOOLEAN IgnoreCase, PCWCH UpcaseTable)
{
    const WideView a = fsp::nt::view(*ConstantNameA), b = fsp::nt::view(*ConstantNameB);
    if (!IgnoreCase || !UpcaseTable)
        return fsp::nt::equal(a, b, IgnoreCase);
    if (a.size() != b.size())
        return FALSE;
    for (size_t i = 0; i < a.size(); ++i) {
        if (UpcaseTable[static_cast<UINT16>(a[i])] != UpcaseTable[static_cast<UINT16>(b[i])])
            return FALSE;
    }
    return TRUE;
}
