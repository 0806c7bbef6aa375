/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COFFER_CLI_RUN_OPTIONS_H
#define COFFER_CLI_RUN_OPTIONS_H

#include "cli/options.h"
#include "engine/run_options.h"

/* Options of `coffer run` into a struct run_options, which options_parse() finds zeroed. */
extern const struct option run_options_table[];

#endif
