/* An answer of the gateway, for people or as it is. */
#ifndef EXECUTORCTL_SHOW_H
#define EXECUTORCTL_SHOW_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

#include "executorctl/ctl.h"
#include "libgateway/buffer.h"

/* To standard output; no control character but line ends and tabs is in it. */
void show_json(const cJSON *json);
void show_json_line(const cJSON *json);                       /* in one line */
void show_object(const struct ctl *ctl, const cJSON *object); /* a line a value, nested names with dots */
void show_value(struct buffer *out, const cJSON *item);       /* a list's items with commas between, a bool as yes or no */

/* The `duts` table of {"ID":{...}}; `jobs` (or NULL: no such column) as full-state has them. */
void show_duts(FILE *out, const cJSON *duts, const cJSON *jobs, bool colour, size_t width);
/* The `pdus` table; `pinned_ports`: full-state's list of them, NULL: none. */
void show_pdus(FILE *out, const cJSON *pdus, const cJSON *pinned_ports, bool colour, size_t width);
void show_pdu_errors(FILE *out, const cJSON *pdus);

#endif
