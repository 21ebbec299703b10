#version 450
// Workgroup n writes a * x + b, at least low and at most high, to float n of binding 1: x is float
// n of binding 0.

layout(local_size_x = 1, local_size_y = 1, local_size_z = 1) in;

layout(push_constant, std430) uniform Constants {
    float a;
    float b;
    float low;
    float high;
};
layout(set = 0, binding = 0, std430) readonly buffer Source {
    float source[];
};
layout(set = 0, binding = 1, std430) writeonly buffer Target {
    float target[];
};

void main() {
    uvec3 place = gl_WorkGroupID;
    uvec3 counts = gl_NumWorkGroups;
    uint n = place.x + counts.x * (place.y + counts.y * place.z);
    // The product is rounded, then the sum, as numpy does it; without `precise` they may be fused.
    precise float moved = a * source[n] + b;
    target[n] = min(max(moved, low), high);
}
