/* Whether a result is what a scenario expects, and if not, where it differs. */
#include <stdarg.h>

#include "runner.h"

char *text(const char *format, ...) {
  va_list list;
  va_start(list, format);
  char *made = NULL;
  if (vasprintf(&made, format, list) < 0) abort();
  va_end(list);
  return made;
}

static char *differs(const json_t *value, const json_t *wanted, const char *where) {
  char *is = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("nothing");
  char *should = json_dumps(wanted, JSON_COMPACT | JSON_ENCODE_ANY);
  char *said = text("%s is %.600s, expected %.300s", where, is, should);
  free(is);
  free(should);
  return said;
}

static bool fits(const json_t *value, const json_t *wanted) {
  char *wrong = mismatch(value, wanted, "");
  free(wrong);
  return wrong == NULL;
}

static bool has_in_order(const json_t *value, const json_t *wanted) {
  size_t from = 0, index;
  json_t *one;
  json_array_foreach((json_t *)wanted, index, one) {
    while (from < json_array_size(value) && !fits(json_array_get(value, from), one)) from++;
    if (from++ >= json_array_size(value)) return false;
  }
  return true;
}

static bool holds(const json_t *value, const json_t *one) {
  size_t index;
  json_t *item;
  json_array_foreach((json_t *)value, index, item) if (fits(item, one)) return true;
  return false;
}

/* How many of the wanted have a matching item. */
static size_t held(const json_t *value, const json_t *wanted) {
  size_t index, count = 0;
  json_t *one;
  json_array_foreach((json_t *)wanted, index, one) count += holds(value, one);
  return count;
}

static bool is_parsed(const json_t *value, const json_t *wanted) {
  if (!json_is_string(value)) return false;
  json_t *parsed = json_loadb(json_string_value(value), json_string_length(value), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  bool good = parsed && fits(parsed, wanted);
  json_decref(parsed);
  return good;
}

static bool matches(const char *name, const json_t *value, const json_t *wanted) {
  bool array = json_is_array(value);
  if (!strcmp(name, "$any")) return true;
  if (!strcmp(name, "$absent")) return value == NULL || json_is_null(value);
  if (!strcmp(name, "$not")) return !fits(value, wanted);
  if (!strcmp(name, "$gte")) return json_is_number(value) && json_number_value(value) >= json_number_value(wanted);
  if (!strcmp(name, "$lte")) return json_is_number(value) && json_number_value(value) <= json_number_value(wanted);
  if (!strcmp(name, "$contains")) return json_is_string(value) && strstr(json_string_value(value), json_string_value(wanted));
  if (!strcmp(name, "$parsed")) return is_parsed(value, wanted);
  if (!strcmp(name, "$length")) return array && (json_int_t)json_array_size(value) == json_integer_value(wanted);
  if (!strcmp(name, "$has")) return array && has_in_order(value, wanted);
  if (!strcmp(name, "$some")) return array && held(value, wanted) == json_array_size(wanted);
  if (!strcmp(name, "$none")) return array && held(value, wanted) == 0;
  give_up("no such matcher: %s", name);
}

static char *array_mismatch(const json_t *value, const json_t *wanted, const char *where) {
  if (!json_is_array(value) || json_array_size(value) != json_array_size(wanted)) return differs(value, wanted, where);
  char *wrong = NULL;
  for (size_t index = 0; !wrong && index < json_array_size(wanted); index++) {
    char *place = text("%s[%zu]", where, index);
    wrong = mismatch(json_array_get(value, index), json_array_get(wanted, index), place);
    free(place);
  }
  return wrong;
}

char *mismatch(const json_t *value, const json_t *wanted, const char *where) {
  if (json_is_array(wanted)) return array_mismatch(value, wanted, where);
  if (json_is_number(wanted) && json_is_number(value)) {
    return json_number_value(value) == json_number_value(wanted) ? NULL : differs(value, wanted, where);
  }
  if (!json_is_object(wanted)) return value && json_equal(value, wanted) ? NULL : differs(value, wanted, where);
  const char *key;
  json_t *one;
  char *wrong = NULL;
  json_object_foreach((json_t *)wanted, key, one) {
    if (*key == '$' && json_object_size(wanted) == 1) {
      return matches(key, value, one) ? NULL : differs(value, wanted, where);
    }
  }
  if (!json_is_object(value)) return differs(value, wanted, where);
  json_object_foreach((json_t *)wanted, key, one) {
    char *place = text("%s.%s", where, key);
    if (!wrong) wrong = mismatch(json_object_get(value, key), one, place);
    free(place);
  }
  return wrong;
}
