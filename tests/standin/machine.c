/* The machine that is simulated: its devices, where they are, and how they are linked.

   HAL_CTS_STANDIN_MACHINE=
     four   (and if nothing is said) 0 and 1 by NVLink on NUMA node 0; 2 and 3 by a host bridge on
            node 1; between these pairs, the sockets' link, and no access
     two    by one PCIe switch
     plain  two, without managed memory, pools, mappings, green contexts and dma-bufs
     one    a device
     mig    a device that is a part of one
     none   no device
   HAL_CTS_STANDIN_SET=VENDOR:NUMBER=VALUE,...
     attributes of all devices: cuda:122=0 */

#include "core.h"

#include <stdio.h>
#include <stdlib.h>


static const Machine machines[] = {
    {"four", 4, false, false}, {"two", 2, false, false}, {"plain", 2, false, true},
    {"one", 1, false, false},  {"mig", 1, true, false},  {"none", 0, false, false},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const Machine *chosen;
static char overrides[4096];

static void choose(void) {
  const char *name = getenv("HAL_CTS_STANDIN_MACHINE");
  const char *set = getenv("HAL_CTS_STANDIN_SET");
  snprintf(overrides, sizeof overrides, "%s", set ? set : "");
  if (!name || !*name) name = machines[0].name;
  for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
    if (!strcmp(machines[i].name, name)) chosen = &machines[i];
  if (!chosen) {
    fprintf(stderr, "HAL_CTS_STANDIN_MACHINE=%s: four, two, plain, one, mig or none\n", name);
    abort();
  }
}

const Machine *machine(void) {
  pthread_once(&once, choose);
  return chosen;
}

Link link_between(int device, int other) {
  if (device == other) return SELF;
  if (machine()->count == 2) return SAME_SWITCH;
  if (node_of(device) != node_of(other)) return CROSS_SOCKET;
  return node_of(device) ? SAME_BRIDGE : NVLINK;
}

bool are_peers(int device, int other) {
  Link link = link_between(device, other);
  return link != SELF && link != CROSS_SOCKET;
}

int node_of(int device) { return machine()->count == 4 && device >= 2; }

int bus_of(int device) { return node_of(device) ? 0x81 + device - 2 : 0x41 + device; }

/* `tag` tells vendors apart. */
void uuid_of(int tag, int device, uint8_t bytes[16]) {
  static const char text[] = "hal-cts standin";
  memcpy(bytes, text, 16);
  bytes[7] = tag;
  bytes[15] = 0x10 + device;
}

static bool find_override(const char *vendor, int number, int *value) {
  size_t length = strlen(vendor);
  for (const char *item = overrides; *item;) {
    int its_number, its_value;
    bool is_vendors = !strncmp(item, vendor, length) && item[length] == ':';
    if (is_vendors && sscanf(item + length + 1, "%d=%d", &its_number, &its_value) == 2 &&
        its_number == number) {
      *value = its_value;
      return true;
    }
    item += strcspn(item, ",");
    item += *item == ',';
  }
  return false;
}

/* 0 for one that is not known. */
int attribute_of(const Attribute *known, const char *vendor, int number, int device) {
  int value = 0;
  machine();
  if (find_override(vendor, number, &value)) return value;
  for (; known->number >= 0; known++)
    if (known->number == number) {
      if (known->plain_lacks && machine()->is_plain) return 0;
      if (known->value == OF_NODE) return node_of(device);
      return known->value == OF_BUS ? bus_of(device) : known->value;
    }
  return 0;
}
