/* libcuda.so.1: how its functions are found, and the names of its results. */

#include "cuda_abi.h"

#include <dlfcn.h>
#include <stdio.h>

typedef struct {
  Result result;
  const char *name, *text;
} Named;

static const Named RESULTS[] = {
    {DONE, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {PEER_ACCESS_UNSUPPORTED, "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED", "no peer access"},
    {INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "unsupported PTX version"},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {PEER_ACCESS_ALREADY_ENABLED, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED", "already enabled"},
    {PEER_ACCESS_NOT_ENABLED, "CUDA_ERROR_PEER_ACCESS_NOT_ENABLED", "not enabled"},
    {CONTEXT_IS_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {HOST_MEMORY_ALREADY_REGISTERED, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED",
     "part or all of the requested memory range is already mapped"},
    {HOST_MEMORY_NOT_REGISTERED, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED", "not registered"},
    {MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {NOT_PERMITTED, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
};

static const Named *named(Result result) {
  for (size_t i = 0; i < sizeof RESULTS / sizeof *RESULTS; i++)
    if (RESULTS[i].result == result) return &RESULTS[i];
  return NULL;
}

API cuGetErrorName(CUresult error, const char **name) {
  OUT(name);
  TURN(ANYWHERE);
  const Named *found = named(error);
  if (!found) return INVALID_VALUE;
  *name = found->name;
  return DONE;
}

API cuGetErrorString(CUresult error, const char **text) {
  OUT(text);
  TURN(ANYWHERE);
  const Named *found = named(error);
  if (!found) return INVALID_VALUE;
  *text = found->text;
  return DONE;
}

/* The newest of its versions. */
static void *find(const char *symbol) {
  static const char *const VERSIONS[] = {"_v4", "_v3", "_v2", ""};
  Dl_info here;
  if (is_without(symbol) || !dladdr((void *)named, &here)) return NULL;
  void *library = dlopen(here.dli_fname, RTLD_NOW | RTLD_NOLOAD), *found = NULL;
  for (size_t i = 0; library && !found && i < sizeof VERSIONS / sizeof *VERSIONS; i++) {
    char name[128];
    snprintf(name, sizeof name, "%s%s", symbol, VERSIONS[i]);
    found = dlsym(library, name);
  }
  if (library) dlclose(library);
  return found;
}

API cuGetProcAddress_v2(const char *symbol, void **function, int version, cuuint64_t flags,
                        CUdriverProcAddressQueryResult *status) {
  OUT(function);
  TURN(ANYWHERE);
  (void)version;
  (void)flags;
  *function = find(symbol);
  if (status) *status = *function ? 0 : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  return *function ? DONE : NOT_FOUND;
}

#undef cuGetProcAddress
API cuGetProcAddress(const char *symbol, void **function, int version, cuuint64_t flags);
API cuGetProcAddress(const char *symbol, void **function, int version, cuuint64_t flags) {
  return cuGetProcAddress_v2(symbol, function, version, flags, NULL);
}
