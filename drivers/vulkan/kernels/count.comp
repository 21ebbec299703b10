#version 450
// Workgroup n adds 1 to word n of binding 0.

layout(local_size_x = 1, local_size_y = 1, local_size_z = 1) in;

layout(set = 0, binding = 0, std430) buffer Target {
    uint target[];
};

void main() {
    uvec3 place = gl_WorkGroupID;
    uvec3 counts = gl_NumWorkGroups;
    uint n = place.x + counts.x * (place.y + counts.y * place.z);
    target[n] += 1;
}
