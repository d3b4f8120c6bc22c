// SPDX-License-Identifier: MIT
/// @file Data that drivers import by name.
#include "ntos/ob/object.h"
#include "ntos/ps/process.h"

using namespace fsp::ntos;

namespace {

POBJECT_TYPE file = &ob::file_type, device = &ob::device_type, driver = &ob::driver_type,
             event = &ob::event_type, process = &ob::process_type, thread = &ob::thread_type,
             token = &ob::token_type, section = &ob::section_type;

} // namespace

extern "C" {

POBJECT_TYPE* IoFileObjectType = &file;
POBJECT_TYPE* IoDeviceObjectType = &device;
POBJECT_TYPE* IoDriverObjectType = &driver;
POBJECT_TYPE* ExEventObjectType = &event;
POBJECT_TYPE* PsProcessType = &process;
POBJECT_TYPE* PsThreadType = &thread;
POBJECT_TYPE* SeTokenObjectType = &token;
POBJECT_TYPE* MmSectionObjectType = &section;

PEPROCESS PsInitialSystemProcess = nullptr;

} // extern "C"
