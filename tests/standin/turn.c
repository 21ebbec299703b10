/* One call of the vendor's: the lock, and what every call has in common.

   A call is refused where the process was forked after the first one, within a host function, before
   the library is initialized, and in a context that is not there, gone, or spoilt. */

#include "core.h"

#include <math.h>
#include <time.h>

pthread_mutex_t core_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t core_progress = PTHREAD_COND_INITIALIZER;
bool is_initialized;
_Thread_local bool is_host_function;

static bool is_forked;
static int waiting;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void note_fork(void) {
  is_forked = true;
  pthread_mutex_init(&core_lock, NULL);
}

static void watch_forks(void) { pthread_atfork(NULL, NULL, note_fork); }

static Result check(const char *function, Needs needs) {
  Result result = DONE;
  if (needs == IN_CONTEXT) {
    Context *context = current_context(&result);
    if (context) result = context_check(context);
    if (result) return result;
  }
  if (failure_for(function, &result)) {
    Result why;
    Context *context = is_sticky(result) && is_initialized ? current_context(&why) : NULL;
    if (context) context_fail(context, result);
  }
  return result;
}

Turn begin_turn(const char *function, Needs needs) {
  pthread_once(&once, watch_forks);
  if (is_forked) return (Turn){.result = NOT_INITIALIZED};
  if (is_host_function) return (Turn){.result = NOT_PERMITTED};
  pthread_mutex_lock(&core_lock);
  Turn turn = {.is_locked = true};
  if (needs != ANYWHERE && !is_initialized) {
    turn.result = NOT_INITIALIZED;
    return turn;
  }
  turn.result = check(function, needs);
  turn.goes_on = !turn.result && !is_idle(function);
  return turn;
}

void end_turn(Turn *turn) {
  if (turn->is_locked) pthread_mutex_unlock(&core_lock);
}

/* Until something that somebody may wait for has happened. */
void wait_for_progress(void) {
  waiting++;
  pthread_cond_wait(&core_progress, &core_lock);
  waiting--;
}

/* The same, and not longer than until a time (`seconds`), or INFINITY. */
void wait_for_progress_until(double end) {
  if (isinf(end)) {
    wait_for_progress();
    return;
  }
  double whole = floor(end);
  struct timespec time = {.tv_sec = (time_t)whole, .tv_nsec = (long)((end - whole) * 1e9)};
  waiting++;
  pthread_cond_clockwait(&core_progress, &core_lock, CLOCK_MONOTONIC, &time);
  waiting--;
}

void tell_progress(void) {
  if (waiting) pthread_cond_broadcast(&core_progress);
}
