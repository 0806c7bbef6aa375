/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COFFER_CLI_COMMANDS_H
#define COFFER_CLI_COMMANDS_H

#include "cli/command.h"

extern const struct command run_command, hello_command, explain_command, ps_command, stop_command, kill_command,
    rm_command, load_command, import_command, images_command, rmi_command, profile_command, info_command,
    version_command;

#endif
