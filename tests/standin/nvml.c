/* libnvidia-ml.so.1: what NVML says of the same machine. It simulates no work, and needs the machine
   and the failures alone. */

#include "core.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  UNINITIALIZED = 1,
  INVALID_ARGUMENT = 2,
  IS_NOT_SUPPORTED = 3,
  IS_NOT_FOUND = 6,
  DRIVER_NOT_LOADED = 9,
  P2P_OK = 0,
  P2P_NOT_SUPPORTED = 5,
  BY_NVLINK = 2,
  UUID_TAG = 'C',
  ADDRESS_SIZE = 32,
};

typedef struct nvmlDevice_st *nvmlDevice_t;

static int sessions;

#define API EXPORTED int

/* At the top of every function: it may fail on purpose, and needs a session. */
#define CALL(needs_session)                                                                       \
  do {                                                                                            \
    Result failure;                                                                               \
    if (failure_for(__func__, &failure)) return failure;                                          \
    if ((needs_session) && !sessions) return UNINITIALIZED;                                       \
  } while (0)

#define DEVICE(name, given)                                                                       \
  int name = (int)(uintptr_t)(given)-1;                                                           \
  if (name < 0 || name >= machine()->count) return INVALID_ARGUMENT

static Result start(void) {
  if (!machine()->count) return DRIVER_NOT_LOADED;
  sessions++;
  return DONE;
}

static nvmlDevice_t handle_of(int device) { return (nvmlDevice_t)(uintptr_t)(device + 1); }

API nvmlInitWithFlags(unsigned flags) {
  CALL(false);
  (void)flags;
  return start();
}

API nvmlInit_v2(void) {
  CALL(false);
  return start();
}

API nvmlShutdown(void) {
  CALL(true);
  sessions--;
  return DONE;
}

EXPORTED const char *nvmlErrorString(int error) {
  return error ? "an error of the stand-in" : "no error";
}

API nvmlSystemGetDriverVersion(char *text, unsigned length) {
  CALL(true);
  snprintf(text, length, "580.00");
  return DONE;
}

API nvmlDeviceGetCount_v2(unsigned *count) {
  CALL(true);
  *count = machine()->count;
  return DONE;
}

API nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
  CALL(true);
  if (index >= (unsigned)machine()->count) return INVALID_ARGUMENT;
  *device = handle_of(index);
  return DONE;
}

/* Domains have eight digits here and four in CUDA. */
API nvmlDeviceGetHandleByPciBusId_v2(const char *address, nvmlDevice_t *device) {
  CALL(true);
  unsigned domain, bus;
  if (sscanf(address, "%x:%x:", &domain, &bus) != 2) return INVALID_ARGUMENT;
  for (int i = 0; i < machine()->count; i++)
    if (domain == PCI_DOMAIN && bus == (unsigned)bus_of(i)) {
      *device = handle_of(i);
      return DONE;
    }
  return IS_NOT_FOUND;
}

API nvmlDeviceGetUUID(nvmlDevice_t given, char *text, unsigned length) {
  CALL(true);
  DEVICE(device, given);
  uint8_t b[16];
  uuid_of(UUID_TAG, device, b);
  snprintf(text, length, "%s-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
           machine()->is_mig ? "MIG" : "GPU", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8],
           b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
  return DONE;
}

API nvmlDeviceGetMigMode(nvmlDevice_t given, unsigned *current, unsigned *pending) {
  CALL(true);
  DEVICE(device, given);
  *current = *pending = machine()->is_mig;
  (void)device;
  return DONE;
}

API nvmlDeviceIsMigDeviceHandle(nvmlDevice_t given, unsigned *is_part) {
  CALL(true);
  DEVICE(device, given);
  *is_part = machine()->is_mig;
  (void)device;
  return DONE;
}

API nvmlDeviceGetP2PStatus(nvmlDevice_t given, nvmlDevice_t other, int capability, int *status) {
  CALL(true);
  DEVICE(one, given);
  DEVICE(two, other);
  bool is_linked = link_between(one, two) == NVLINK;
  *status = (capability == BY_NVLINK ? is_linked : are_peers(one, two)) ? P2P_OK : P2P_NOT_SUPPORTED;
  return DONE;
}

API nvmlDeviceGetTopologyCommonAncestor(nvmlDevice_t given, nvmlDevice_t other, int *level) {
  static const int LEVELS[] = {
      [SELF] = 0, [NVLINK] = 10, [SAME_SWITCH] = 10, [SAME_BRIDGE] = 30, [CROSS_SOCKET] = 50};
  CALL(true);
  DEVICE(one, given);
  DEVICE(two, other);
  *level = LEVELS[link_between(one, two)];
  return DONE;
}

API nvmlDeviceGetNvLinkState(nvmlDevice_t given, unsigned link, unsigned *is_active) {
  CALL(true);
  DEVICE(device, given);
  *is_active = link == 0 && machine()->count == 4 && device < 2;
  return DONE;
}

API nvmlDeviceGetNumaNodeId(nvmlDevice_t given, unsigned *node) {
  CALL(true);
  DEVICE(device, given);
  *node = node_of(device);
  return DONE;
}
