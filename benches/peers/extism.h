#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The package that carries the library has no header: this is the part of its interface that is used here. */
typedef struct ExtismCompiledPlugin ExtismCompiledPlugin;
typedef struct ExtismPlugin ExtismPlugin;
typedef struct ExtismCurrentPlugin ExtismCurrentPlugin;
typedef struct ExtismFunction ExtismFunction;
typedef enum { EXTISM_I32, EXTISM_I64, EXTISM_F32, EXTISM_F64 } ExtismValType;
typedef struct {
  ExtismValType t;
  union {
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
  } v;
} ExtismVal;
typedef void (*ExtismFunctionType)(ExtismCurrentPlugin *, const ExtismVal *, uint64_t, ExtismVal *, uint64_t, void *);
ExtismCompiledPlugin *extism_compiled_plugin_new(const uint8_t *, uint64_t, const ExtismFunction **, uint64_t, bool, char **);
ExtismPlugin *extism_plugin_new_from_compiled(const ExtismCompiledPlugin *, char **);
void extism_plugin_free(ExtismPlugin *);
int32_t extism_plugin_call(ExtismPlugin *, const char *, const uint8_t *, uint64_t);
uint64_t extism_plugin_output_length(ExtismPlugin *);
const uint8_t *extism_plugin_output_data(ExtismPlugin *);
ExtismFunction *extism_function_new(const char *, const ExtismValType *, uint64_t, const ExtismValType *, uint64_t,
                                    ExtismFunctionType, void *, void (*)(void *));
uint8_t *extism_current_plugin_memory(ExtismCurrentPlugin *);
uint64_t extism_current_plugin_memory_length(ExtismCurrentPlugin *, uint64_t);
uint64_t extism_current_plugin_memory_alloc(ExtismCurrentPlugin *, uint64_t);
