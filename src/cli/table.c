/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <stdint.h>
#include <string.h>

#include "base/macros.h"

/* Names come from images and users: nothing in them may move the cursor. */
static void print_cell(FILE *f, const char *text)
{
    for (; *text != '\0'; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, f);
}

void table_print(FILE *f, const char *const *cells, size_t n_rows, size_t n_columns)
{
    enum { GAP = 3 };
    for (size_t row = 0; row < n_rows; row++) {
        for (size_t column = 0; column < n_columns; column++) {
            const char *cell = cells[row * n_columns + column];
            print_cell(f, cell);
            if (column + 1 == n_columns)
                break;
            size_t width = 0;
            for (size_t i = 0; i < n_rows; i++)
                width = MAX_OF(width, strlen(cells[i * n_columns + column]));
            fprintf(f, "%*s", (int)(width - strlen(cell) + GAP), "");
        }
        fputc('\n', f);
    }
}

const char *table_span(struct arena *a, int64_t then, int64_t now)
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{365 * 86400, "year"}, {30 * 86400, "month"}, {7 * 86400, "week"},
                 {86400, "day"},        {3600, "hour"},        {60, "minute"},
                 {1, "second"}};
    int64_t age = now > then ? now - then : 0;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        int64_t n = age / units[i].seconds;
        if (n > 0)
            return arena_printf(a, "%lld %s%s", (long long)n, units[i].unit, n == 1 ? "" : "s");
    }
    return "0 seconds";
}
