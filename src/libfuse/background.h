// SPDX-License-Identifier: MIT
//
// The process: background, terminal, signals.
#pragma once

namespace fsp::libfuse {

class FileSystem;

/**
 * Goes to the background. The process that the user started stays until the file system is mounted, so that
 * it can say what went wrong and nobody finds an empty directory.
 *
 * @return 0, or -1 after a message
 */
int go_to_background(bool foreground);

/// The file system is mounted: the terminal is no longer of interest, if the process is in the background.
void leave_terminal();

/// SIGHUP, SIGINT and SIGTERM end the file system's loop; SIGPIPE does nothing. Only those that the program
/// has left as they were. @return 0 or -1
int handle_signals(FileSystem* fs);
void stop_handling_signals(FileSystem* fs);
/// The signal that ended the loop; 0: none.
int ending_signal();

} // namespace fsp::libfuse
