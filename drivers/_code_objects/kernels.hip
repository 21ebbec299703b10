// The suite's kernels (cts/work_cases/kernels.py), one thread a workgroup, and one that traps.
// Parameters: the bindings' addresses, then the constants. A workgroup's number is
// x + X * (y + Y * z). Neither HIP's headers nor its device library are needed.

// Each step is rounded, as numpy does it; otherwise a product and a sum are fused.
#pragma clang fp contract(off)

#define KERNEL extern "C" __attribute__((global, amdgpu_flat_work_group_size(1, 1))) void

using Word = unsigned int;
using Number = unsigned long;

struct Place {
  Word x, y, z;
  Number n;
};

// The counts of workgroups are the first of the hidden arguments that follow a kernel's own: 32
// bits each (LLVM's AMDGPUUsage, code object V5).
static inline __attribute__((device)) Place place() {
  auto counts = (__attribute__((address_space(4))) const Word *)__builtin_amdgcn_implicitarg_ptr();
  Word x = __builtin_amdgcn_workgroup_id_x();
  Word y = __builtin_amdgcn_workgroup_id_y();
  Word z = __builtin_amdgcn_workgroup_id_z();
  return {x, y, z, x + counts[0] * (y + counts[1] * Number(z))};
}

// absolute: |source[n]| to target[n], by clearing the sign.
KERNEL absolute(const float *source, float *target) {
  Number n = place().n;
  target[n] = __builtin_fabsf(source[n]);
}

// scale: a * x + b, at least low and at most high.
KERNEL scale(const float *source, float *target, float a, float b, float low, float high) {
  Number n = place().n;
  float moved = a * source[n] + b;
  moved = moved < low ? low : moved;
  target[n] = moved > high ? high : moved;
}

// constants: the four of them to target[0..3].
KERNEL constants(Word *target, Word c0, Word c1, Word c2, Word c3) {
  target[0] = c0;
  target[1] = c1;
  target[2] = c2;
  target[3] = c3;
}

// count: adds 1 to target[n].
KERNEL count(Word *target) { target[place().n] += 1; }

// places: x, y and z to target[3 n], target[3 n + 1] and target[3 n + 2].
KERNEL places(Word *target) {
  Place here = place();
  target[3 * here.n] = here.x;
  target[3 * here.n + 1] = here.y;
  target[3 * here.n + 2] = here.z;
}

KERNEL trap() { __builtin_trap(); }
