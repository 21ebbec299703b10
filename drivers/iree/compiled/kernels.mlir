// The kernels of `cts.work_cases.kernels`, for any of IREE's backends.
//
// Workgroup n is x + X * (y + Y * z). Each function works n out for itself, as IREE's compiler takes
// operations of `hal.interface` in exported functions only. Those that take constants take the same
// number of them: for Vulkan the compiler refuses others.

#two = #hal.pipeline.layout<bindings = [
  #hal.pipeline.binding<storage_buffer>,
  #hal.pipeline.binding<storage_buffer>
]>
#scaled = #hal.pipeline.layout<constants = 4, bindings = [
  #hal.pipeline.binding<storage_buffer>,
  #hal.pipeline.binding<storage_buffer>
]>
#one = #hal.pipeline.layout<bindings = [
  #hal.pipeline.binding<storage_buffer>
]>
#four_words = #hal.pipeline.layout<constants = 4, bindings = [
  #hal.pipeline.binding<storage_buffer>
]>

hal.executable.source public @kernels {
  hal.executable.export public @absolute ordinal(0) layout(#two) count(%device: !hal.device, %x: index, %y: index, %z: index) -> (index, index, index) {
    hal.return %x, %y, %z : index, index, index
  }
  hal.executable.export public @scale ordinal(1) layout(#scaled) count(%device: !hal.device, %x: index, %y: index, %z: index) -> (index, index, index) {
    hal.return %x, %y, %z : index, index, index
  }
  hal.executable.export public @constants ordinal(2) layout(#four_words) count(%device: !hal.device, %x: index, %y: index, %z: index) -> (index, index, index) {
    hal.return %x, %y, %z : index, index, index
  }
  hal.executable.export public @count ordinal(3) layout(#one) count(%device: !hal.device, %x: index, %y: index, %z: index) -> (index, index, index) {
    hal.return %x, %y, %z : index, index, index
  }
  hal.executable.export public @places ordinal(4) layout(#one) count(%device: !hal.device, %x: index, %y: index, %z: index) -> (index, index, index) {
    hal.return %x, %y, %z : index, index, index
  }
  builtin.module {
    func.func @absolute() {
      %c0 = arith.constant 0 : index
      %x = hal.interface.workgroup.id[0] : index
      %y = hal.interface.workgroup.id[1] : index
      %z = hal.interface.workgroup.id[2] : index
      %X = hal.interface.workgroup.count[0] : index
      %Y = hal.interface.workgroup.count[1] : index
      %Z = hal.interface.workgroup.count[2] : index
      %XY = arith.muli %X, %Y : index
      %all = arith.muli %XY, %Z : index
      %zY = arith.muli %z, %Y : index
      %row = arith.addi %zY, %y : index
      %rowX = arith.muli %row, %X : index
      %n = arith.addi %rowX, %x : index
      %source = hal.interface.binding.subspan layout(#two) binding(0) alignment(4) offset(%c0) flags(ReadOnly) : memref<?xf32>{%all}
      %target = hal.interface.binding.subspan layout(#two) binding(1) alignment(4) offset(%c0) : memref<?xf32>{%all}
      %value = memref.load %source[%n] : memref<?xf32>
      %result = math.absf %value : f32
      memref.store %result, %target[%n] : memref<?xf32>
      return
    }
    func.func @scale() {
      %c0 = arith.constant 0 : index
      %x = hal.interface.workgroup.id[0] : index
      %y = hal.interface.workgroup.id[1] : index
      %z = hal.interface.workgroup.id[2] : index
      %X = hal.interface.workgroup.count[0] : index
      %Y = hal.interface.workgroup.count[1] : index
      %Z = hal.interface.workgroup.count[2] : index
      %XY = arith.muli %X, %Y : index
      %all = arith.muli %XY, %Z : index
      %zY = arith.muli %z, %Y : index
      %row = arith.addi %zY, %y : index
      %rowX = arith.muli %row, %X : index
      %n = arith.addi %rowX, %x : index
      %a_word = hal.interface.constant.load layout(#scaled) ordinal(0) : i32
      %b_word = hal.interface.constant.load layout(#scaled) ordinal(1) : i32
      %low_word = hal.interface.constant.load layout(#scaled) ordinal(2) : i32
      %high_word = hal.interface.constant.load layout(#scaled) ordinal(3) : i32
      %a = arith.bitcast %a_word : i32 to f32
      %b = arith.bitcast %b_word : i32 to f32
      %low = arith.bitcast %low_word : i32 to f32
      %high = arith.bitcast %high_word : i32 to f32
      %source = hal.interface.binding.subspan layout(#scaled) binding(0) alignment(4) offset(%c0) flags(ReadOnly) : memref<?xf32>{%all}
      %target = hal.interface.binding.subspan layout(#scaled) binding(1) alignment(4) offset(%c0) : memref<?xf32>{%all}
      %value = memref.load %source[%n] : memref<?xf32>
      %scaled = arith.mulf %a, %value : f32
      %moved = arith.addf %scaled, %b : f32
      %at_least = arith.maximumf %moved, %low : f32
      %result = arith.minimumf %at_least, %high : f32
      memref.store %result, %target[%n] : memref<?xf32>
      return
    }
    func.func @constants() {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      %target = hal.interface.binding.subspan layout(#four_words) binding(0) alignment(4) offset(%c0) : memref<4xi32>
      %w0 = hal.interface.constant.load layout(#four_words) ordinal(0) : i32
      %w1 = hal.interface.constant.load layout(#four_words) ordinal(1) : i32
      %w2 = hal.interface.constant.load layout(#four_words) ordinal(2) : i32
      %w3 = hal.interface.constant.load layout(#four_words) ordinal(3) : i32
      memref.store %w0, %target[%c0] : memref<4xi32>
      memref.store %w1, %target[%c1] : memref<4xi32>
      memref.store %w2, %target[%c2] : memref<4xi32>
      memref.store %w3, %target[%c3] : memref<4xi32>
      return
    }
    func.func @count() {
      %c0 = arith.constant 0 : index
      %one = arith.constant 1 : i32
      %x = hal.interface.workgroup.id[0] : index
      %y = hal.interface.workgroup.id[1] : index
      %z = hal.interface.workgroup.id[2] : index
      %X = hal.interface.workgroup.count[0] : index
      %Y = hal.interface.workgroup.count[1] : index
      %Z = hal.interface.workgroup.count[2] : index
      %XY = arith.muli %X, %Y : index
      %all = arith.muli %XY, %Z : index
      %zY = arith.muli %z, %Y : index
      %row = arith.addi %zY, %y : index
      %rowX = arith.muli %row, %X : index
      %n = arith.addi %rowX, %x : index
      %target = hal.interface.binding.subspan layout(#one) binding(0) alignment(4) offset(%c0) : memref<?xi32>{%all}
      %before = memref.load %target[%n] : memref<?xi32>
      %after = arith.addi %before, %one : i32
      memref.store %after, %target[%n] : memref<?xi32>
      return
    }
    func.func @places() {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      %x = hal.interface.workgroup.id[0] : index
      %y = hal.interface.workgroup.id[1] : index
      %z = hal.interface.workgroup.id[2] : index
      %X = hal.interface.workgroup.count[0] : index
      %Y = hal.interface.workgroup.count[1] : index
      %Z = hal.interface.workgroup.count[2] : index
      %XY = arith.muli %X, %Y : index
      %all = arith.muli %XY, %Z : index
      %words = arith.muli %all, %c3 : index
      %zY = arith.muli %z, %Y : index
      %row = arith.addi %zY, %y : index
      %rowX = arith.muli %row, %X : index
      %n = arith.addi %rowX, %x : index
      %first = arith.muli %n, %c3 : index
      %second = arith.addi %first, %c1 : index
      %third = arith.addi %first, %c2 : index
      %xw = arith.index_cast %x : index to i32
      %yw = arith.index_cast %y : index to i32
      %zw = arith.index_cast %z : index to i32
      %target = hal.interface.binding.subspan layout(#one) binding(0) alignment(4) offset(%c0) : memref<?xi32>{%words}
      memref.store %xw, %target[%first] : memref<?xi32>
      memref.store %yw, %target[%second] : memref<?xi32>
      memref.store %zw, %target[%third] : memref<?xi32>
      return
    }
  }
}
