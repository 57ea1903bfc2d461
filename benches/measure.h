/* How what runs in C is measured, ours and the peers' alike. A figure is a line of JSON. */
#pragma once

#include <time.h>

/* Prints a figure of rounds already taken, which are put in order. */
void tell(const char *name, const char *unit, const char *includes, double *rounds, int count);

/* Measures and prints the processor time of an operation that does `of` things, over all threads. */
void repeated(const char *name, const char *includes, void (*operation)(const void *ctx), const void *ctx, int of);

/* Memory that belongs to this process alone. */
double private_kib(void);
