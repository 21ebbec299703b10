#version 450
// Workgroup n writes its x, y and z to the words 3 * n, 3 * n + 1 and 3 * n + 2 of binding 0.

layout(local_size_x = 1, local_size_y = 1, local_size_z = 1) in;

layout(set = 0, binding = 0, std430) writeonly buffer Target {
    uint target[];
};

void main() {
    uvec3 place = gl_WorkGroupID;
    uvec3 counts = gl_NumWorkGroups;
    uint n = place.x + counts.x * (place.y + counts.y * place.z);
    target[3 * n] = place.x;
    target[3 * n + 1] = place.y;
    target[3 * n + 2] = place.z;
}
