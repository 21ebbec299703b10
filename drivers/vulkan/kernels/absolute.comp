#version 450
// Workgroup n writes the absolute value of float n of binding 0 to float n of binding 1.

layout(local_size_x = 1, local_size_y = 1, local_size_z = 1) in;

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
    target[n] = abs(source[n]);
}
