/* Modules: the entry points that an image names.

   PTX is looked at as far as it takes to find its version and its entry points: comments are left
   out, braces are to be balanced, and a line with "!error" is one that is wrong. */

#include "core.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>


enum { NEWEST_PTX = 88 };

Module *module_new(Context *context) { return object_new(MODULE, sizeof(Module), context); }

static void release_function(Object *object) { object_drop(&((Function *)object)->module->object); }

Result module_add(Module *module, const char *name, size_t length) {
  Function *made = object_new(FUNCTION, sizeof *made + length + 1, module->object.owner);
  memcpy(made->name, name, length);
  made->kernel = kernel_named(made->name);
  made->module = module;
  made->object.release = release_function;
  object_keep(&module->object);
  size_t size = (module->count + 1) * sizeof *module->functions;
  module->functions = realloc(module->functions, size);
  if (!module->functions) abort();
  module->functions[module->count++] = made;
  return DONE;
}

Function *module_function(const Module *module, const char *name) {
  for (int i = 0; i < module->count; i++)
    if (!strcmp(module->functions[i]->name, name)) return module->functions[i];
  return NULL;
}

/* A launch of it that is still to come faults. */
void module_end(Module *module) {
  module->is_unloaded = true;
  for (int i = 0; i < module->count; i++) object_end(&module->functions[i]->object);
  free(module->functions);
  module->functions = NULL;
  module->count = 0;
  object_end(&module->object);
}

/* -- PTX ------------------------------------------------------------------------------------------ */

/* A copy with a space for each character of a comment. */
static char *without_comments(const char *image) {
  char *text = strdup(image);
  if (!text) abort();
  for (char *at = text; *at;) {
    bool is_line = !strncmp(at, "//", 2), is_block = !strncmp(at, "/*", 2);
    if (!is_line && !is_block) {
      at++;
      continue;
    }
    char *end = is_line ? strchr(at, '\n') : strstr(at, "*/");
    size_t length = end ? (size_t)(end - at) + (is_line ? 0 : 2) : strlen(at);
    memset(at, ' ', length);
    at += length;
  }
  return text;
}

static bool is_balanced(const char *text) {
  long depth = 0;
  for (; *text && depth >= 0; text++) depth += (*text == '{') - (*text == '}');
  return !depth;
}

static bool is_named(int c) { return isalnum(c) || c == '_' || c == '$' || c == '%'; }

static Result add_entries(Module *module, const char *text) {
  static const char ENTRY[] = ".entry";
  for (const char *at = text; (at = strstr(at, ENTRY));) {
    at += sizeof ENTRY - 1;
    if (!isspace((unsigned char)*at)) continue;
    at += strspn(at, " \t\r\n");
    size_t length = 0;
    while (is_named((unsigned char)at[length])) length++;
    if (!length) return INVALID_PTX;
    TRY(module_add(module, at, length));
  }
  return module->count ? DONE : INVALID_PTX;
}

Result module_parse_ptx(Module *module, const char *image) {
  int major, minor;
  char *text = without_comments(image);
  const char *start = text + strspn(text, " \t\r\n");
  Result result = DONE;
  if (sscanf(start, ".version %d.%d", &major, &minor) != 2) result = INVALID_IMAGE;
  else if (10 * major + minor > NEWEST_PTX) result = UNSUPPORTED_PTX_VERSION;
  else if (strstr(start, "!error") || !is_balanced(start)) result = INVALID_PTX;
  else result = add_entries(module, start);
  free(text);
  return result;
}
