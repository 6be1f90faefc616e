// SPDX-License-Identifier: Apache-2.0
#include "print.h"

#include "sbi.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

// Text is gathered here first, because each SBI call is a trap to M-mode and back.
struct line {
    char text[128];
    size_t length;
};

static void flush(struct line *line)
{
    sbi_console_write(line->text, line->length);
    line->length = 0;
}

static void put(struct line *line, char c)
{
    line->text[line->length++] = c;
    if (line->length == sizeof line->text)
        flush(line);
}

static void put_number(struct line *line, uint64_t value, unsigned base)
{
    char digits[20]; // enough for 2**64 in base 10
    unsigned count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0)
        put(line, digits[--count]);
}

static void print_arguments(const char *format, va_list arguments)
{
    struct line line = {.length = 0};

    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put(&line, *format);
            continue;
        }
        bool is_long = *++format == 'l';
        if (is_long)
            format++;
        if (*format == 's') {
            for (const char *s = va_arg(arguments, const char *); *s != '\0'; s++)
                put(&line, *s);
        } else if (*format == 'c') {
            put(&line, (char)va_arg(arguments, int));
        } else if (*format == 'u' || *format == 'x') {
            uint64_t value = is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);
            put_number(&line, value, *format == 'u' ? 10 : 16);
        } else {
            put(&line, *format); // %% and mistakes
        }
    }
    flush(&line);
}

void print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_arguments(format, arguments);
    va_end(arguments);
}

void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_arguments(format, arguments);
    va_end(arguments);
    print("\n");
    sbi_shutdown();
}
