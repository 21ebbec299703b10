// A kernel that never ends. Metal has nothing that traps; the system ends what takes too long, with
// MTLCommandBufferErrorTimeout.
#include <metal_stdlib>

using namespace metal;

kernel void trap() {
  threadgroup atomic_uint goes_on;
  atomic_store_explicit(&goes_on, 1, memory_order_relaxed);
  while (atomic_load_explicit(&goes_on, memory_order_relaxed)) {
  }
}
