/* libhsa-runtime64.so.1: one dispatch of a kernel, as it is run.

   The packet is checked as a device's packet processor does it, and then what the code itself needs:
   arguments where the GPU reads them, and, where the code object has room for hidden ones, the counts
   of workgroups behind the explicit ones (LLVM's AMDGPUUsage, code object version 5). */

#include "hsa_abi.h"

enum { MOST_ARGUMENTS = 64, COUNTS = 3 * sizeof(uint32_t), WORD = sizeof(uint64_t) };

static hsa_status_t check_shape(const hsa_kernel_dispatch_packet_t *packet) {
  uint32_t grid[] = {packet->grid_size_x, packet->grid_size_y, packet->grid_size_z};
  uint32_t group[] = {packet->workgroup_size_x, packet->workgroup_size_y,
                      packet->workgroup_size_z};
  int dimensions = packet->setup >> HSA_KERNEL_DISPATCH_PACKET_SETUP_DIMENSIONS & 3;
  for (int i = 0; i < 3; i++) {
    bool is_unused = i >= dimensions;
    if (!grid[i] || !group[i] || (is_unused && grid[i] != 1))
      return HSA_STATUS_ERROR_INCOMPATIBLE_ARGUMENTS;
    /* The code is built for workgroups of one. */
    if (group[i] != 1) return HSA_STATUS_ERROR_INVALID_ARGUMENT;
  }
  return HSA_STATUS_SUCCESS;
}

static hsa_status_t check_memory(const hsa_kernel_dispatch_packet_t *packet,
                                 const Function *function) {
  bool is_enough = packet->private_segment_size >= function->private_size &&
                   packet->group_segment_size >= function->group_size;
  return is_enough ? HSA_STATUS_SUCCESS : HSA_STATUS_ERROR_INVALID_ALLOCATION;
}

static hsa_status_t read_arguments(Queue *queue, const hsa_kernel_dispatch_packet_t *packet,
                                   const Function *function, uint8_t *arguments, uint64_t *fault) {
  uint64_t address = (uintptr_t)packet->kernarg_address;
  Pin pin = {0};
  if (!function->argument_size) return HSA_STATUS_SUCCESS;
  if (address % KERNARG_ALIGNMENT) return HSA_STATUS_ERROR_INVALID_ARGUMENT;
  *fault = address;
  if (memory_pin(context_of(&queue->lane), address, function->argument_size, BY_DEVICE, &pin) ||
      pin.allocation->state != LIVE) {
    memory_unpin(&pin);
    return (hsa_status_t)HSA_STATUS_ERROR_MEMORY_FAULT;
  }
  bool is_fine = pin.allocation->is_fine_grained;
  size_t size = function->argument_size;
  memcpy(arguments, pinned_bytes(&pin), size < MOST_ARGUMENTS ? size : MOST_ARGUMENTS);
  memory_unpin(&pin);
  return is_fine ? HSA_STATUS_SUCCESS : HSA_STATUS_ERROR_INVALID_ALLOCATION;
}

static hsa_status_t check_counts(const Function *function, const uint8_t *arguments,
                                 const uint32_t grid[3]) {
  size_t place = (kernel_arguments_size(function->kernel) + WORD - 1) / WORD * WORD;
  if (function->argument_size < place + COUNTS) return HSA_STATUS_SUCCESS;
  return memcmp(arguments + place, grid, COUNTS) ? HSA_STATUS_ERROR_INCOMPATIBLE_ARGUMENTS
                                                 : HSA_STATUS_SUCCESS;
}

static hsa_status_t run(Queue *queue, const Function *function, uint8_t *arguments, Launch *launch,
                        uint64_t *fault) {
  size_t size = function->argument_size;
  void *extra[] = {(void *)1, arguments, (void *)2, &size, NULL}; /* a buffer, and its size */
  launch->kernel = function->kernel;
  if (kernel_arguments(function->kernel, NULL, extra, launch))
    return HSA_STATUS_ERROR_INVALID_CODE_OBJECT;
  Result result = kernel_run(&queue->lane, launch);
  *fault = launch->fault;
  if (result == ILLEGAL_ADDRESS) return (hsa_status_t)HSA_STATUS_ERROR_MEMORY_FAULT;
  return result ? HSA_STATUS_ERROR_EXCEPTION : HSA_STATUS_SUCCESS;
}

/* With the address in `fault` where that is what was wrong. */
hsa_status_t dispatch(Queue *queue, const hsa_kernel_dispatch_packet_t *packet, uint64_t *fault) {
  Function *function = function_of_kernel(packet->kernel_object);
  if (!function || function->module->device != queue->device)
    return HSA_STATUS_ERROR_INVALID_CODE_OBJECT;
  hsa_status_t status = check_shape(packet);
  if (!status) status = check_memory(packet, function);
  uint8_t arguments[MOST_ARGUMENTS] = {0};
  if (!status) status = read_arguments(queue, packet, function, arguments, fault);
  if (status) return status;
  if (!function->kernel) return HSA_STATUS_ERROR_EXCEPTION;
  Launch launch = {.grid = {packet->grid_size_x, packet->grid_size_y, packet->grid_size_z}};
  status = check_counts(function, arguments, launch.grid);
  if (status) return status;
  object_keep(&function->object);
  status = run(queue, function, arguments, &launch, fault);
  object_drop(&function->object);
  return status;
}
