/* The types and constants of the HIP runtime that the stand-in uses.

   With WITH_VENDOR_HEADER they are those of Debian's hip_runtime_api.h, and so a function that is
   not declared as AMD declares it does not compile. What is newer than that header is left out. */

#ifndef HAL_CTS_STAND_IN_HIP_ABI_H
#define HAL_CTS_STAND_IN_HIP_ABI_H

#include "core.h"

#ifdef WITH_VENDOR_HEADER
#include <hip/hip_runtime_api.h>
#else

typedef int hipError_t, hipDevice_t;
typedef void *hipDeviceptr_t;
typedef struct ihipStream_t *hipStream_t;
typedef struct ihipEvent_t *hipEvent_t;
typedef struct ihipModule_t *hipModule_t;
typedef struct ihipModuleSymbol_t *hipFunction_t;
typedef struct ihipMemPoolHandle_t *hipMemPool_t;
typedef struct ihipMemGenericAllocationHandle *hipMemGenericAllocationHandle_t;
typedef void *hipExternalMemory_t, *hipExternalSemaphore_t;
typedef void (*hipHostFn_t)(void *);
typedef unsigned hipDeviceAttribute_t, hipDeviceP2PAttr, hipMemcpyKind, hipMemPoolAttr;
typedef unsigned hipMemAllocationHandleType, hipMemAllocationGranularity_flags;
typedef unsigned hipMemRangeHandleType, hipExternalMemoryHandleType;

typedef struct {
  char bytes[16];
} hipUUID;

typedef struct {
  unsigned type;
  int id;
} hipMemLocation;

typedef struct {
  unsigned allocType, handleTypes;
  hipMemLocation location;
  void *win32SecurityAttributes;
  size_t maxSize;
  unsigned char reserved[56];
} hipMemPoolProps;

typedef struct {
  hipMemLocation location;
  unsigned flags;
} hipMemAccessDesc;

typedef struct {
  unsigned type, requestedHandleType;
  hipMemLocation location;
  void *win32HandleMetaData;
  struct {
    unsigned char compressionType, gpuDirectRDMACapable;
    unsigned short usage;
  } allocFlags;
} hipMemAllocationProp;

typedef struct {
  hipExternalMemoryHandleType type;
  union {
    int fd;
    struct {
      void *handle;
      const void *name;
    } win32;
  } handle;
  unsigned long long size;
  unsigned flags;
  unsigned reserved[16];
} hipExternalMemoryHandleDesc;

typedef struct {
  unsigned long long offset, size;
  unsigned flags;
  unsigned reserved[16];
} hipExternalMemoryBufferDesc;

enum {
  hipMemLocationTypeDevice = 1,
  hipMemAllocationTypePinned = 1,
  hipMemHandleTypePosixFileDescriptor = 1,
  hipMemAccessFlagsProtReadWrite = 3,
  hipMemRangeHandleTypeDmaBufFd = 1,
  hipExternalMemoryHandleTypeOpaqueFd = 1,
};

_Static_assert(sizeof(hipMemPoolProps) == 88, "hipMemPoolProps");
_Static_assert(sizeof(hipMemAllocationProp) == 32, "hipMemAllocationProp");
_Static_assert(offsetof(hipMemAllocationProp, requestedHandleType) == 4, "requestedHandleType");
_Static_assert(sizeof(hipMemAccessDesc) == 12, "hipMemAccessDesc");
_Static_assert(sizeof(hipExternalMemoryHandleDesc) == 104, "hipExternalMemoryHandleDesc");

#endif

#define API EXPORTED hipError_t

enum { SIGNAL_MEMORY_FLAG = 2, SIGNAL_SIZE = 8, HOST_PORTABLE = 1 };

/* The current device's context of a call that needs one. */
Context *here(void);

#endif
