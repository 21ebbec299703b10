/* libcuda.so.1: contexts, which of them is current on a thread, and green contexts. */

#include "cuda_abi.h"

enum { DEEPEST = 32, MOST_PARTS = 8, LEAST_MULTIPROCESSORS = 8 };

static _Thread_local Context *stack[DEEPEST];
static _Thread_local int depth;

Context *current_context(Result *why) {
  Context *found = depth ? stack[depth - 1] : NULL;
  if (!found) *why = INVALID_CONTEXT;
  return found;
}

Context *here(void) {
  Result why;
  return current_context(&why);
}

static Result context_by(CUcontext handle, Context **context) {
  *context = object_of(CONTEXT, handle);
  if (!*context) return INVALID_CONTEXT;
  return (*context)->is_gone || (*context)->root->is_gone ? CONTEXT_IS_DESTROYED : DONE;
}

/* -- primary ones ------------------------------------------------------------------------------------ */

API cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  OUT(context);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  Context *found;
  TRY(context_retain(device, &found));
  *context = found->object.handle;
  return DONE;
}

API cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  return context_release(device);
}

API cuDevicePrimaryCtxReset_v2(CUdevice device) {
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  context_reset(device);
  return DONE;
}

API cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *is_active) {
  OUT(flags);
  OUT(is_active);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  *is_active = context_primary(device) != NULL;
  return DONE;
}

/* -- the current one ---------------------------------------------------------------------------------- */

API cuCtxSetCurrent(CUcontext context) {
  TURN(INITIALIZED);
  Context *found = NULL;
  if (context) TRY(context_by(context, &found));
  if (!depth) depth = 1;
  stack[depth - 1] = found;
  if (!found) depth--;
  return DONE;
}

API cuCtxGetCurrent(CUcontext *context) {
  OUT(context);
  TURN(INITIALIZED);
  Context *found = here();
  if (found) *context = found->object.handle;
  return DONE;
}

API cuCtxPushCurrent_v2(CUcontext context) {
  TURN(INITIALIZED);
  Context *found;
  TRY(context_by(context, &found));
  if (depth == DEEPEST) return INVALID_CONTEXT;
  stack[depth++] = found;
  return DONE;
}

API cuCtxPopCurrent_v2(CUcontext *context) {
  TURN(INITIALIZED);
  if (!depth) return INVALID_CONTEXT;
  Context *found = stack[--depth];
  if (context) *context = found ? found->object.handle : NULL;
  return DONE;
}

API cuCtxGetDevice(CUdevice *device) {
  OUT(device);
  TURN(IN_CONTEXT);
  *device = here()->device;
  return DONE;
}

API cuCtxSynchronize(void) {
  TURN(IN_CONTEXT);
  return context_synchronize(here());
}

API cuCtxEnablePeerAccess(CUcontext peer, unsigned flags) {
  TURN(IN_CONTEXT);
  Context *found;
  TRY(context_by(peer, &found));
  return flags ? INVALID_VALUE : context_reach(here(), found->device);
}

API cuCtxDisablePeerAccess(CUcontext peer) {
  TURN(IN_CONTEXT);
  Context *found;
  TRY(context_by(peer, &found));
  return context_unreach(here(), found->device);
}

/* -- green ones: parts of a device with multiprocessors of their own, and the memory of all -------- */

typedef struct {
  Object object;
  unsigned multiprocessors;
} Resources;

typedef struct {
  Object object;
  Context *part;
} GreenContext;

static void describe(CUdevResource *resource, unsigned multiprocessors) {
  memset(resource, 0, sizeof *resource);
  resource->type = CU_DEV_RESOURCE_TYPE_SM;
  resource->sm.smCount = multiprocessors;
  resource->sm.minSmPartitionSize = LEAST_MULTIPROCESSORS;
  resource->sm.smCoscheduledAlignment = LEAST_MULTIPROCESSORS;
}

API cuDeviceGetDevResource(CUdevice device, CUdevResource *resource, CUdevResourceType type) {
  OUT(resource);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  NOT_ON_PLAIN;
  if (type != CU_DEV_RESOURCE_TYPE_SM) return INVALID_VALUE;
  describe(resource, MULTIPROCESSORS);
  return DONE;
}

API cuDevSmResourceSplitByCount(CUdevResource *result, unsigned *count, const CUdevResource *input,
                                CUdevResource *remaining, unsigned flags, unsigned least) {
  if (!count || !input) return INVALID_VALUE;
  TURN(INITIALIZED);
  NOT_ON_PLAIN;
  unsigned whole = input->sm.smCount, unit = LEAST_MULTIPROCESSORS;
  if (input->type != CU_DEV_RESOURCE_TYPE_SM || flags || least > whole) return INVALID_VALUE;
  unsigned each = least ? (least + unit - 1) / unit * unit : unit;
  unsigned most = whole / each, made = result && *count < most ? *count : most;
  if (result && !*count) return INVALID_VALUE;
  for (unsigned i = 0; result && i < made; i++) describe(&result[i], each);
  if (remaining) describe(remaining, whole - made * each);
  *count = made;
  return DONE;
}

API cuDevResourceGenerateDesc(CUdevResourceDesc *description, CUdevResource *resources,
                              unsigned count) {
  OUT(description);
  TURN(INITIALIZED);
  NOT_ON_PLAIN;
  if (!resources || !count || count > MOST_PARTS) return INVALID_VALUE;
  Resources *made = object_new(RESOURCES, sizeof *made, NULL);
  for (unsigned i = 0; i < count; i++) made->multiprocessors += resources[i].sm.smCount;
  *description = made->object.handle;
  return DONE;
}

static void release(Object *object) {
  Context *part = ((GreenContext *)object)->part;
  context_end_part(part);
  context_release(part->device);
}

API cuGreenCtxCreate(CUgreenCtx *context, CUdevResourceDesc description, CUdevice device,
                     unsigned flags) {
  OUT(context);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  NOT_ON_PLAIN;
  FIND(Resources, resources, RESOURCES, description);
  if (flags != CU_GREEN_CTX_DEFAULT_STREAM || !resources->multiprocessors) return INVALID_VALUE;
  Context *root;
  TRY(context_retain(device, &root));
  GreenContext *made = object_new(GREEN_CONTEXT, sizeof *made, root);
  made->object.release = release;
  made->part = context_new_part(root, resources->multiprocessors);
  *context = made->object.handle;
  return DONE;
}

API cuGreenCtxDestroy(CUgreenCtx context) {
  TURN(INITIALIZED);
  FIND(GreenContext, found, GREEN_CONTEXT, context);
  object_end(&found->object);
  return DONE;
}

API cuCtxFromGreenCtx(CUcontext *context, CUgreenCtx green) {
  OUT(context);
  TURN(INITIALIZED);
  FIND(GreenContext, found, GREEN_CONTEXT, green);
  *context = found->part->object.handle;
  return DONE;
}

API cuGreenCtxStreamCreate(CUstream *stream, CUgreenCtx green, unsigned flags, int priority) {
  OUT(stream);
  TURN(INITIALIZED);
  (void)priority;
  FIND(GreenContext, found, GREEN_CONTEXT, green);
  if (flags != CU_STREAM_NON_BLOCKING) return INVALID_VALUE;
  TRY(context_check(found->part));
  Stream *made;
  TRY(stream_new(found->part, &made));
  *stream = made->object.handle;
  return DONE;
}
