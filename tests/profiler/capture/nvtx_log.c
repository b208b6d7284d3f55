/* An NVTX tool in miniature: writes each domain, push (with its payload) and pop to the file that NVTX_LOG names.
 *
 * The NVTX library loads what NVTX_INJECTION64_PATH names and asks it to fill in a table of functions. The layout of the
 * tables and of an event's attributes is that of nvtxTypes.h and nvtxImpl.h, version 3, of NVIDIA's NVTX.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { EXPORT_TABLE_CALLBACKS = 1, MODULE_CORE2 = 5 };
enum { RANGE_PUSH = 4, RANGE_POP = 5, REGISTER_ASCII = 10, REGISTER_WIDE = 11, CREATE_ASCII = 12, CREATE_WIDE = 13 };
enum { PAYLOAD_UNSIGNED_64 = 1, PAYLOAD_SIGNED_64 = 2, PAYLOAD_DOUBLE = 3 };
enum { MESSAGE_ASCII = 1, MESSAGE_WIDE = 2, MESSAGE_REGISTERED = 3 };

typedef void (*function)(void);
typedef struct {
    size_t size;
    int (*function_table)(int module, function ***table, unsigned *size);
} callbacks;
typedef const void *(*export_table)(uint32_t id);
typedef struct {
    uint16_t version, size;
    uint32_t category;
    int32_t color_type;
    uint32_t color;
    int32_t payload_type, reserved;
    union {
        uint64_t unsigned_64;
        int64_t signed_64;
        double real;
    } payload;
    int32_t message_type;
    const void *message;
} attributes;

static FILE *log_file;

static char *narrow(const wchar_t *wide)
{
    size_t size = 4 * wcslen(wide) + 1;
    char *text = malloc(size);
    if (text != NULL)
        snprintf(text, size, "%ls", wide);
    return text;
}

static void *create_ascii(const char *name)
{
    fprintf(log_file, "domain %s\n", name);
    return strdup(name);
}

static void *create_wide(const wchar_t *name)
{
    return create_ascii(narrow(name));
}

static void *register_ascii(void *domain, const char *text)
{
    (void)domain;
    return strdup(text);
}

static void *register_wide(void *domain, const wchar_t *text)
{
    (void)domain;
    return narrow(text);
}

static void write_payload(const attributes *event)
{
    switch (event->payload_type) {
    case PAYLOAD_UNSIGNED_64:
        fprintf(log_file, "unsigned %llu", (unsigned long long)event->payload.unsigned_64);
        break;
    case PAYLOAD_SIGNED_64:
        fprintf(log_file, "signed %lld", (long long)event->payload.signed_64);
        break;
    case PAYLOAD_DOUBLE:
        fprintf(log_file, "double %g", event->payload.real);
        break;
    default:
        fprintf(log_file, "type %d", event->payload_type);
    }
}

static int push(void *domain, const attributes *event)
{
    const char *text = event->message_type == MESSAGE_WIDE ? narrow(event->message) : event->message;
    fprintf(log_file, "push %s %s [", domain ? (char *)domain : "-", text);
    write_payload(event);
    fprintf(log_file, "]\n");
    fflush(log_file);
    return 0;
}

static int pop(void *domain)
{
    fprintf(log_file, "pop %s\n", domain ? (char *)domain : "-");
    fflush(log_file);
    return 0;
}

int InitializeInjectionNvtx2(export_table tables)
{
    const callbacks *table = tables(EXPORT_TABLE_CALLBACKS);
    function **core2;
    unsigned size;
    log_file = fopen(getenv("NVTX_LOG"), "w");
    if (log_file == NULL || table == NULL || !table->function_table(MODULE_CORE2, &core2, &size) || size <= CREATE_WIDE)
        return 0;
    *core2[RANGE_PUSH] = (function)push;
    *core2[RANGE_POP] = (function)pop;
    *core2[REGISTER_ASCII] = (function)register_ascii;
    *core2[REGISTER_WIDE] = (function)register_wide;
    *core2[CREATE_ASCII] = (function)create_ascii;
    *core2[CREATE_WIDE] = (function)create_wide;
    return 1;
}
