/* libcuda.so.1: modules and launches. */

#include "cuda_abi.h"

API cuModuleLoadData(CUmodule *module, const void *image) {
  OUT(module);
  TURN(IN_CONTEXT);
  if (!image) return INVALID_VALUE;
  Module *made = module_new(here());
  Result result = module_parse_ptx(made, image);
  if (result) module_end(made);
  else *module = made->object.handle;
  return result;
}

API cuModuleUnload(CUmodule module) {
  TURN(IN_CONTEXT);
  FIND(Module, found, MODULE, module);
  module_end(found);
  return DONE;
}

API cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  OUT(function);
  TURN(IN_CONTEXT);
  FIND(Module, in, MODULE, module);
  if (!name) return INVALID_VALUE;
  Function *found = module_function(in, name);
  if (!found) return NOT_FOUND;
  *function = found->object.handle;
  return DONE;
}

API cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction function) {
  OUT(value);
  TURN(IN_CONTEXT);
  FIND(Function, found, FUNCTION, function);
  if (attribute == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK) *value = MAX_THREADS;
  return DONE;
}

API cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                   unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                   CUstream stream, void **parameters, void **extra) {
  TURN(IN_CONTEXT);
  (void)shared_bytes;
  FIND(Function, found, FUNCTION, function);
  FIND_STREAM(on, stream);
  uint32_t grid[] = {grid_x, grid_y, grid_z}, block[] = {block_x, block_y, block_z};
  return launch(on, found, grid, block, parameters, extra);
}
