/* Streams: a thread each, which does what the stream was given, in order.

   A stream that is destroyed ends what it has. One of a context that is lost drops it: that counts as
   done, for whoever waits for it. */

#include "core.h"

#include <stdlib.h>
#include <sys/prctl.h>


static const double SPIN = 25e-6; /* seconds that a thread looks for work, or for an end, before it sleeps */

static Stream *streams;

Context *context_of(const Stream *stream) { return stream->object.owner; }

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/* Without the lock. */
static void look_for_work(const Stream *stream) {
  double end = seconds() + SPIN;
  while (!stream->head && seconds() < end) relax();
}

static Operation *next_operation(Stream *stream) {
  if (!stream->head && !stream->is_closing) {
    pthread_mutex_unlock(&core_lock);
    look_for_work(stream);
    pthread_mutex_lock(&core_lock);
  }
  while (!stream->head && !stream->is_closing) {
    stream->is_asleep = true;
    pthread_cond_wait(&stream->work, &core_lock);
    stream->is_asleep = false;
  }
  Operation *next = stream->head;
  if (next) stream->head = next->next;
  return next;
}

static void leave(Stream *stream) {
  for (Stream **place = &streams; *place; place = &(*place)->next)
    if (*place == stream) {
      *place = stream->next;
      break;
    }
  object_drop(&stream->object);
  tell_progress();
}

static void *work(void *given) {
  Stream *stream = given;
  prctl(PR_SET_TIMERSLACK, 1000);
  pthread_mutex_lock(&core_lock);
  for (Operation *next; (next = next_operation(stream));) {
    Context *context = context_of(stream);
    Result result = context_is_lost(context) ? DONE : perform(stream, next);
    if (result) context_fail(context, result);
    operation_free(next);
    stream->done++;
    tell_progress();
  }
  leave(stream);
  pthread_mutex_unlock(&core_lock);
  return NULL;
}

static void release(Object *object) { pthread_cond_destroy(&((Stream *)object)->work); }

Result stream_new(Context *context, Stream **stream) {
  Stream *made = object_new(STREAM, sizeof *made, context);
  pthread_cond_init(&made->work, NULL);
  made->object.release = release;
  pthread_t thread;
  object_keep(&made->object); /* the thread's */
  if (pthread_create(&thread, NULL, work, made)) {
    object_end(&made->object);
    object_drop(&made->object);
    return OUT_OF_MEMORY;
  }
  pthread_detach(thread);
  made->next = streams;
  streams = made;
  *stream = made;
  return DONE;
}

/* By its handle, or the current context's default one, which has none; it waits for no other. */
Result stream_of(const void *handle, Stream **stream) {
  if ((uintptr_t)handle > 2) {
    *stream = object_of(STREAM, handle);
    return *stream ? context_check(context_of(*stream)) : INVALID_HANDLE;
  }
  Result why = INVALID_CONTEXT;
  Context *context = current_context(&why);
  if (!context) return why;
  TRY(context_check(context));
  if (!context->default_stream) TRY(stream_new(context, &context->default_stream));
  *stream = context->default_stream;
  return DONE;
}

void stream_close(Stream *stream) {
  stream->is_closing = true;
  pthread_cond_signal(&stream->work);
  object_end(&stream->object);
}

uint64_t stream_push(Stream *stream, Operation operation) {
  Operation *pushed = malloc(sizeof *pushed);
  if (!pushed) abort();
  *pushed = operation;
  pushed->next = NULL;
  if (stream->head) stream->tail->next = pushed;
  stream->tail = pushed;
  if (!stream->head) stream->head = pushed;
  if (stream->is_asleep) pthread_cond_signal(&stream->work);
  return ++stream->pushed;
}

Result stream_query(Stream *stream) {
  return stream->done == stream->pushed ? DONE : NOT_READY;
}

/* Until so many operations are done. */
void stream_await(Stream *stream, uint64_t number) {
  if (stream->done >= number) return;
  object_keep(&stream->object);
  pthread_mutex_unlock(&core_lock);
  double end = seconds() + SPIN;
  while (stream->done < number && seconds() < end) relax();
  pthread_mutex_lock(&core_lock);
  while (stream->done < number) wait_for_progress();
  object_drop(&stream->object);
}

Result stream_synchronize(Stream *stream) {
  Context *context = context_of(stream);
  stream_await(stream, stream->pushed);
  return context_check(context);
}

static Stream *behind(const Context *root) {
  for (Stream *stream = streams; stream; stream = stream->next)
    if (context_of(stream)->root == root && stream->done < stream->awaited) return stream;
  return NULL;
}

/* Until all that the context's streams have by now is done. */
Result context_synchronize(Context *context) {
  Context *root = context->root;
  for (Stream *stream = streams; stream; stream = stream->next)
    if (context_of(stream)->root == root) stream->awaited = stream->pushed;
  for (Stream *stream; (stream = behind(root));) stream_await(stream, stream->awaited);
  return context_check(context);
}

static bool touches(const Context *root) {
  for (Stream *stream = streams; stream; stream = stream->next)
    if (context_of(stream)->root == root && stream->is_touching) return true;
  return false;
}

/* Of a context that is gone: returns once they have no memory in hand. */
void streams_end_of(Context *root) {
  for (Stream *stream = streams; stream; stream = stream->next)
    if (context_of(stream)->root == root && !stream->is_closing) stream_close(stream);
  while (touches(root)) wait_for_progress();
}
