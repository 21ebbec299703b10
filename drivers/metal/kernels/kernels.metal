// The suite's kernels (cts/work_cases/kernels.py), one thread a workgroup. The bindings are at the
// first indices, and all constants of a kernel at the one after them. A workgroup's number is
// x + X * (y + Y * z).
#include <metal_stdlib>

using namespace metal;

// Each step is rounded, as numpy does it; otherwise a product and a sum are fused.
#pragma METAL fp contract(off)

static inline ulong number(uint3 here, uint3 groups) {
  return here.x + groups.x * (here.y + groups.y * ulong(here.z));
}

// absolute: |source[n]| to target[n], by clearing the sign: as words, of which none is flushed.
kernel void absolute(device const uint *source [[buffer(0)]],
                     device uint *target [[buffer(1)]],
                     uint3 here [[threadgroup_position_in_grid]],
                     uint3 groups [[threadgroups_per_grid]]) {
  ulong n = number(here, groups);
  target[n] = source[n] & 0x7fffffff;
}

struct Scale {
  float a, b, low, high;
};

// scale: a * x + b, at least low and at most high.
kernel void scale(device const float *source [[buffer(0)]],
                  device float *target [[buffer(1)]],
                  constant Scale &by [[buffer(2)]],
                  uint3 here [[threadgroup_position_in_grid]],
                  uint3 groups [[threadgroups_per_grid]]) {
  ulong n = number(here, groups);
  float moved = by.a * source[n] + by.b;
  moved = moved < by.low ? by.low : moved;
  target[n] = moved > by.high ? by.high : moved;
}

struct Constants {
  uint word[4];
};

// constants: the four of them to target[0..3].
kernel void constants(device uint *target [[buffer(0)]], constant Constants &given [[buffer(1)]]) {
  for (uint place = 0; place < 4; place++) target[place] = given.word[place];
}

// count: adds 1 to target[n].
kernel void count(device uint *target [[buffer(0)]],
                  uint3 here [[threadgroup_position_in_grid]],
                  uint3 groups [[threadgroups_per_grid]]) {
  target[number(here, groups)] += 1;
}

// places: x, y and z to target[3 n], target[3 n + 1] and target[3 n + 2].
kernel void places(device uint *target [[buffer(0)]],
                   uint3 here [[threadgroup_position_in_grid]],
                   uint3 groups [[threadgroups_per_grid]]) {
  ulong n = number(here, groups);
  target[3 * n] = here.x;
  target[3 * n + 1] = here.y;
  target[3 * n + 2] = here.z;
}
