// SPDX-License-Identifier: MIT
/// @file Who did it.
#pragma once

namespace fsp::ntos::verifier {

struct Stack
{
    static constexpr int max_frames = 16;
    void* frames[max_frames];
    int depth = 0;

    void capture();
    void print(const char* title) const;
};

/// Counts or collects a finding. @return true if it was printed, so that details are wanted
bool tell(const char* sentence);

} // namespace fsp::ntos::verifier
