// SPDX-License-Identifier: MIT
#pragma once

namespace fsp::dll {

/// Ends the service of this process as Ctrl-Break does, if it runs at a console. From any thread.
void stop_console_service();

} // namespace fsp::dll
