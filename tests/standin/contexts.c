/* Contexts: the primary one of each device, and green ones, which are parts of it.

   A primary context is counted. At its end, or a reset, work that was not begun is dropped, waits are
   given up, and all that is in it ends. A sticky error does the first two; memory and handles stay
   until somebody resets. A context is never freed: what refers to it sees that it is gone. */

#include "core.h"

typedef struct {
  Context *context;
  int users;
} Primary;

static Primary primaries[MAX_DEVICES];

static Context *context_new(int device) {
  Context *made = object_new(CONTEXT, sizeof *made, NULL);
  made->object.owner = made;
  made->root = made;
  made->device = device;
  made->multiprocessors = MULTIPROCESSORS;
  return made;
}

Result context_retain(int device, Context **context) {
  Primary *primary = &primaries[device];
  if (primary->context) TRY(context_check(primary->context));
  else primary->context = context_new(device);
  primary->users++;
  *context = primary->context;
  return DONE;
}

static void end(Primary *primary) {
  Context *root = primary->context;
  if (!root) return;
  primary->context = NULL;
  root->is_gone = true;
  for (int i = 0; i < MAX_DEVICES; i++) /* what comes after it is not reached unless it is asked for */
    if (primaries[i].context) primaries[i].context->peers &= ~(1u << root->device);
  streams_end_of(root);
  memory_end_of(root);
  objects_end_of(root);
  tell_progress();
}

Result context_release(int device) {
  Primary *primary = &primaries[device];
  if (!primary->users) return INVALID_CONTEXT;
  if (!--primary->users) end(primary);
  return DONE;
}

/* Whoever uses it: who has retained it has still to release it. */
void context_reset(int device) { end(&primaries[device]); }

/* None where the device has none now. */
Context *context_primary(int device) { return primaries[device].context; }

Result context_check(Context *context) {
  if (context->is_gone || context->root->is_gone) return CONTEXT_IS_DESTROYED;
  return context->root->sticky;
}

bool context_is_lost(Context *context) {
  return context->is_gone || context->root->is_gone || context->root->sticky;
}

/* What a context never recovers from. */
bool is_sticky(Result result) {
  static const Result sticky[] = {214, 220, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719};
  for (size_t i = 0; i < sizeof sticky / sizeof *sticky; i++)
    if (sticky[i] == result) return true;
  return false;
}

void context_fail(Context *context, Result result) {
  Context *root = context->root;
  if (!root->sticky && !root->is_gone) root->sticky = result;
  tell_progress();
}

Context *context_new_part(Context *root, int multiprocessors) {
  Context *made = object_new(CONTEXT, sizeof *made, root);
  made->root = root;
  made->device = root->device;
  made->multiprocessors = multiprocessors;
  return made;
}

void context_end_part(Context *part) { part->is_gone = true; }

Result context_reach(Context *context, int device) {
  if (!are_peers(context->device, device)) return PEER_ACCESS_UNSUPPORTED;
  if (context->root->peers & 1u << device) return PEER_ACCESS_ALREADY_ENABLED;
  context->root->peers |= 1u << device;
  return DONE;
}

Result context_unreach(Context *context, int device) {
  if (!(context->root->peers & 1u << device)) return PEER_ACCESS_NOT_ENABLED;
  context->root->peers &= ~(1u << device);
  return DONE;
}
