/* Calls that fail or do nothing on purpose.

   HAL_CTS_STANDIN_FAIL=CALL=CODE,CALL=CODE@N,CALL=CODE@N!
       a call gives that code: each, from the N-th on, or the N-th alone; HSA's are 0x1008 and so on
   HAL_CTS_STANDIN_IDLE=CALL,...
       a call does nothing and says that it is done; what it gives back is zero
   HAL_CTS_STANDIN_WITHOUT=CALL,...
       cuGetProcAddress does not find them

   A call's name may lack its version: cuMemAlloc is cuMemAlloc_v2. `hal_cts_stand_in_set` replaces
   the first two lists and begins to count anew; none stands for an empty one. */

#include "core.h"

#include <stdlib.h>


enum { MAX_FAILURES = 32, LONGEST_LIST = 4096 };

typedef struct {
  const char *name;
  size_t length;
  Result result;
  long from;
  bool is_once;
  long calls;
} Failure;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static Failure failures[MAX_FAILURES];
static int failure_count;
static char fail_text[LONGEST_LIST], idle_text[LONGEST_LIST], without_text[LONGEST_LIST];
static atomic_bool has_any;

/* Whether a name that was given, perhaps without its version, is a function's. */
bool names_agree(const char *given, size_t length, const char *function) {
  if (strncmp(given, function, length)) return false;
  const char *rest = function + length;
  return !*rest || (rest[0] == '_' && rest[1] == 'v' && strspn(rest + 2, "0123456789") && !rest[3]);
}

static void add_failure(char *item) {
  char *equals = strchr(item, '=');
  if (!equals || failure_count == MAX_FAILURES) return;
  Failure *failure = &failures[failure_count++];
  char *end;
  *failure = (Failure){.name = item, .length = equals - item, .from = 1};
  failure->result = strtol(equals + 1, &end, 0);
  if (*end == '@') failure->from = strtol(end + 1, &end, 10);
  failure->is_once = *end == '!';
}

static void set_text(char *text, const char *given) {
  strncpy(text, given ? given : "", LONGEST_LIST - 1);
}

static void set(const char *fail, const char *idle) {
  set_text(fail_text, fail);
  set_text(idle_text, idle);
  failure_count = 0;
  char *rest;
  for (char *item = strtok_r(fail_text, ",", &rest); item; item = strtok_r(NULL, ",", &rest))
    add_failure(item);
  has_any = failure_count || *idle_text;
}

static void read_environment(void) {
  set(getenv("HAL_CTS_STANDIN_FAIL"), getenv("HAL_CTS_STANDIN_IDLE"));
  set_text(without_text, getenv("HAL_CTS_STANDIN_WITHOUT"));
}

EXPORTED int hal_cts_stand_in_set(const char *fail, const char *idle);
EXPORTED int hal_cts_stand_in_set(const char *fail, const char *idle) {
  pthread_once(&once, read_environment);
  pthread_mutex_lock(&lock);
  set(fail, idle);
  pthread_mutex_unlock(&lock);
  return 0;
}

static bool fails_now(Failure *failure) {
  long number = ++failure->calls;
  return failure->is_once ? number == failure->from : number >= failure->from;
}

bool failure_for(const char *function, Result *result) {
  pthread_once(&once, read_environment);
  if (!has_any) return false;
  bool found = false;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < failure_count; i++)
    if (names_agree(failures[i].name, failures[i].length, function) && fails_now(&failures[i])) {
      *result = failures[i].result;
      found = true;
    }
  pthread_mutex_unlock(&lock);
  return found;
}

static bool is_listed(const char *list, const char *function) {
  for (const char *item = list; *item;) {
    size_t length = strcspn(item, ",");
    if (length && names_agree(item, length, function)) return true;
    item += length + (item[length] == ',');
  }
  return false;
}

bool is_idle(const char *function) {
  pthread_once(&once, read_environment);
  if (!has_any) return false;
  pthread_mutex_lock(&lock);
  bool found = is_listed(idle_text, function);
  pthread_mutex_unlock(&lock);
  return found;
}

bool is_without(const char *function) {
  pthread_once(&once, read_environment);
  return is_listed(without_text, function);
}

EXPORTED const char *hal_cts_stand_in(void);
EXPORTED const char *hal_cts_stand_in(void) { return VERSION_TEXT; }
