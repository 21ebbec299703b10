// What blit encoders do not do, one byte a thread: copies and fills at any offset and of any length,
// and patterns of several bytes. Buffers are bound at whole words: `skip` bytes come before the first.
#include <metal_stdlib>

using namespace metal;

struct Copied {
  uint source_skip, target_skip, count;
};

kernel void hal_cts_copy_bytes(device const uchar *source [[buffer(0)]],
                               device uchar *target [[buffer(1)]],
                               constant Copied &copied [[buffer(2)]],
                               uint n [[thread_position_in_grid]]) {
  if (n < copied.count) target[copied.target_skip + n] = source[copied.source_skip + n];
}

struct Filled {
  uint skip, count, width, value;
};

// The value is the pattern, its first byte the lowest one.
kernel void hal_cts_fill(device uchar *target [[buffer(0)]],
                         constant Filled &filled [[buffer(1)]],
                         uint n [[thread_position_in_grid]]) {
  if (n < filled.count) target[filled.skip + n] = uchar(filled.value >> (8 * (n % filled.width)));
}
