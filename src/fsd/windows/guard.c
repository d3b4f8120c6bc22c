/* SPDX-License-Identifier: MIT */

/*
 * The one __try of the driver. A C file without any header, because clang compiles __try for 32-bit Windows
 * only for its MSVC target, and that target cannot read mingw-w64's headers; the object links with all the
 * others.
 */

/*
 * Calls function(context).
 * @return 0, or the status (never 0) that it raised
 */
long fsp_guard(void (*function)(void*), void* context)
{
    long raised = 0;
    __try
    {
        function(context);
    } __except (raised = (long)_exception_code(), 1)
    {
        return raised;
    }
    return 0;
}
