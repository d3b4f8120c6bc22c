// SPDX-License-Identifier: MIT
#include "nt/posix_call.h"

namespace fsp::nt {
namespace {
thread_local PosixCall* current = nullptr;
}

PosixCallScope::PosixCallScope(PosixCall* call) : outer_(current) { current = call; }
PosixCallScope::~PosixCallScope() { current = outer_; }

PosixCall* current_posix_call() { return current; }

} // namespace fsp::nt
