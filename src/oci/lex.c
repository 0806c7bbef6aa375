/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json-c 0.16 takes more than JSON even in its strict mode: NaN, 01.5, 1., control characters in strings; it replaces
 * whole numbers beyond 64 bits by the nearest, and ends a member's name at \u0000. None of that is taken here.
 */
#include "oci/lex.h"

#include <stdint.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The value of four hex digits, or -1. */
static int hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = is_digit(c)            ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

/* p is at \u; *len gets the length of the escape, *ret the character. A surrogate alone becomes U+FFFD. */
static const char *unicode_escape(const char *p, const char *end, size_t *len, uint32_t *ret)
{
    int c = hex4(p + 2, end);
    if (c < 0)
        return "\\u without four hex digits";
    if (c == 0)
        return "\\u0000 in a string, which no string of this document may hold";
    *len = 6;
    *ret = (uint32_t)c;
    if (c < 0xd800 || c > 0xdfff)
        return NULL;
    *ret = 0xfffd;
    if (c <= 0xdbff && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        int low = hex4(p + 8, end);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *len = 12;
            *ret = 0x10000 + ((uint32_t)(c & 0x3ff) << 10 | (uint32_t)(low & 0x3ff));
        }
    }
    return NULL;
}

static const char *string(struct lex *l)
{
    const char *p = l->at + 1;
    for (;;) {
        while (p < l->end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
            p++;
        l->at = p;
        if (p == l->end)
            return "the text ends within a string";
        if (*p == '"')
            break;
        if (*p != '\\')
            return "a control character in a string";
        size_t len = 2;
        if (l->end - p >= 2 && p[1] == 'u') {
            const char *fault = unicode_escape(p, l->end, &len, &(uint32_t){0});
            if (fault != NULL)
                return fault;
        } else if (l->end - p < 2 || p[1] == '\0' || strchr("\"\\/bfnrt", p[1]) == NULL) {
            return "an unknown escape in a string";
        }
        p += len;
    }
    l->at = p + 1;
    l->kind = LEX_STRING;
    return NULL;
}

static size_t utf8(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00U >> n & 0xf0U) | c); /* n leading ones, a zero, what is left of c */
    return n;
}

void lex_decode(const struct lex *l, struct buf *out)
{
    const char *p = l->start + 1, *end = l->start + l->len - 1;
    while (p < end) {
        const char *escape = memchr(p, '\\', (size_t)(end - p));
        buf_add(out, p, (size_t)((escape != NULL ? escape : end) - p));
        if (escape == NULL)
            return;
        char c[4];
        size_t len = 2, n = 1;
        if (escape[1] == 'u') {
            uint32_t u = 0;
            unicode_escape(escape, end, &len, &u); /* lex_next() saw that it is one */
            n = utf8(u, c);
        } else {
            static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
            const char *special = strchr(from, escape[1]);
            c[0] = special != NULL ? to[special - from] : escape[1];
        }
        buf_add(out, c, n);
        p = escape + len;
    }
}

/* Does the whole number of these n digits fit? Negative ones into int64_t, others into uint64_t. */
static bool fits(const char *digits, size_t n, bool negative)
{
    const char *max = negative ? "9223372036854775808" : "18446744073709551615";
    size_t len = strlen(max);
    return n < len || (n == len && memcmp(digits, max, n) <= 0);
}

static const char *number(struct lex *l)
{
    const char *p = l->at, *end = l->end;
    bool negative = *p == '-', whole = true;
    if (negative)
        p++;
    const char *digits = p;
    while (p < end && is_digit(*p))
        p++;
    size_t n = (size_t)(p - digits);
    if (n == 0 || (n > 1 && digits[0] == '0'))
        return "a malformed number";
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        while (p < end && is_digit(*p))
            p++;
        if (p == fraction)
            return "a malformed number";
        whole = false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        const char *exponent = p;
        while (p < end && is_digit(*p))
            p++;
        if (p == exponent)
            return "a malformed number";
        whole = false;
    }
    if (whole && !fits(digits, n, negative))
        return "a whole number beyond 64 bits";
    l->whole = whole;
    l->at = p;
    l->kind = LEX_SCALAR;
    return NULL;
}

static bool word(struct lex *l, const char *s)
{
    size_t n = strlen(s);
    if ((size_t)(l->end - l->at) < n || memcmp(l->at, s, n) != 0)
        return false;
    l->at += n;
    l->kind = LEX_SCALAR;
    return true;
}

const char *lex_next(struct lex *l)
{
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\t' || *l->at == '\n' || *l->at == '\r'))
        l->at++;
    l->start = l->at;
    const char *fault = NULL;
    if (l->at == l->end) {
        l->kind = LEX_END;
    } else if (*l->at == '"') {
        fault = string(l);
    } else if (*l->at == '-' || is_digit(*l->at)) {
        fault = number(l);
    } else if (*l->at != '\0' && strchr("{}[]:,", *l->at) != NULL) {
        l->at++;
        l->kind = LEX_PUNCTUATION;
    } else if (!word(l, "true") && !word(l, "false") && !word(l, "null")) {
        fault = "neither a value nor punctuation";
    }
    l->len = (size_t)(l->at - l->start);
    return fault;
}
