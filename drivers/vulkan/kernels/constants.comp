#version 450
// The one workgroup writes its four constants to the first four words of binding 0.

layout(local_size_x = 1, local_size_y = 1, local_size_z = 1) in;

layout(push_constant, std430) uniform Constants {
    uint words[4];
};
layout(set = 0, binding = 0, std430) writeonly buffer Target {
    uint target[];
};

void main() {
    for (uint n = 0; n < 4; ++n) {
        target[n] = words[n];
    }
}
