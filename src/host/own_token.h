// SPDX-License-Identifier: MIT
/// @file Who this process is: its Linux user and groups as a token.
#pragma once

#include "ntos/token.h"

namespace fsp::host {

ntos::TokenSpec own_token_spec();

} // namespace fsp::host
